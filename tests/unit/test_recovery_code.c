/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Base32 with the vectors of RFC 4648 section 10, and the codes that are written in it. */
#include "core/recovery_code.h"
#include "core/base32.h"
#include "fixture.h"

static void test_base32_gives_the_vectors_of_rfc_4648_and_takes_them_back(void **state)
{
    static const struct {
        const char *plain, *encoded;
    } vectors[] = {{"", ""},
                   {"f", "MY"},
                   {"fo", "MZXQ"},
                   {"foo", "MZXW6"},
                   {"foob", "MZXW6YQ"},
                   {"fooba", "MZXW6YTB"},
                   {"foobar", "MZXW6YTBOI"}};

    for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const apr_size_t len = strlen(vectors[i].plain);
        unsigned char back[8] = "";

        assert_string_equal(cs_base32_encode((const unsigned char *)vectors[i].plain, len, *state), vectors[i].encoded);
        assert_int_equal(cs_base32_decode(back, len, vectors[i].encoded), APR_SUCCESS);
        assert_memory_equal(back, vectors[i].plain, len);
    }
}

static void test_base32_takes_either_case_spaces_and_hyphens_and_nothing_else(void **state)
{
    static const char *const wrong[] = {"MZXW6YT",    "MZXW6YTBM",       "MZXW6YT=", "MZXW6YT0",
                                        "MZXW6YT1",   "MZXW6YT8",        "",         "MZXW6YTB=",
                                        "MZXW6\tYTB", "MZXW6YT\xc3\xa9", "MZXW6YT{", "MZXW6YT["};
    unsigned char back[5];

    (void)state;
    assert_int_equal(cs_base32_decode(back, sizeof(back), " mzxw-6YtB "), APR_SUCCESS);
    assert_memory_equal(back, "fooba", 5);
    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cs_base32_decode(back, sizeof(back), wrong[i]), CS_EMALFORMED);
    }
    /* A second spelling of one octet: its spare bits are not 0. */
    assert_int_equal(cs_base32_decode(back, 1, "MZ"), CS_EMALFORMED);
}

static void test_recovery_codes_differ_and_are_found_by_their_hash_however_they_are_typed(void **state)
{
    const char *code, *other, *hash, *other_hash, *typed;

    assert_int_equal(cs_recovery_code_make(&code, &hash, *state), APR_SUCCESS);
    assert_int_equal(cs_recovery_code_make(&other, &other_hash, *state), APR_SUCCESS);
    assert_string_not_equal(code, other);
    assert_string_not_equal(hash, other_hash);
    assert_int_equal(strlen(code), 29);
    assert_int_equal(strlen(hash), 64);
    for (int at = 4; at < 29; at += 5) {
        assert_int_equal(code[at], '-');
    }
    for (char *c = apr_pstrdup(*state, code), *at = c; *at; at++) {
        *at = *at == '-' ? ' ' : *at >= 'A' ? (char)(*at + 'a' - 'A') : *at;
        if (!at[1]) {
            assert_int_equal(cs_recovery_code_hash(&typed, c, *state), APR_SUCCESS);
            assert_string_equal(typed, hash);
        }
    }
}

static void test_a_recovery_code_is_stored_as_sha_256(void **state)
{
    const char *hash;

    assert_int_equal(cs_recovery_code_hash(&hash, "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", *state), APR_SUCCESS);
    /* printf '\0%.0s' {1..15} | sha256sum */
    assert_string_equal(hash, "5322fecfc92a5e3248a297a3df3eddfb9bd9049504272e4f572b87fa36d4b3bd");
}

static void test_what_is_no_recovery_code_has_no_hash(void **state)
{
    static const char *const wrong[] = {"", "123456", "AAAA-AAAA-AAAA-AAAA-AAAA-AAA",
                                        "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-A"};
    const char *hash = "untouched";

    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cs_recovery_code_hash(&hash, wrong[i], *state), CS_EMALFORMED);
        assert_null(hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_base32_gives_the_vectors_of_rfc_4648_and_takes_them_back),
        FIXTURE_TEST(test_base32_takes_either_case_spaces_and_hyphens_and_nothing_else),
        FIXTURE_TEST(test_recovery_codes_differ_and_are_found_by_their_hash_however_they_are_typed),
        FIXTURE_TEST(test_a_recovery_code_is_stored_as_sha_256),
        FIXTURE_TEST(test_what_is_no_recovery_code_has_no_hash),
    };

    return cmocka_run_group_tests_name("recovery codes", tests, NULL, NULL);
}
