/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Sealed secrets: they open again, by old secrets too, and not when anything about them was changed. */
#include "core/cipher.h"
#include "fixture.h"

#define TEXT ((const unsigned char *)"a secret of twenty b")
#define TEXT_LEN 20

/* A ring of these secrets, each 48 octets that count up from its number. */
static cs_keyring_t *make_ring(apr_pool_t *pool, const char *numbers)
{
    cs_keyring_t *ring;

    assert_int_equal(cs_keyring_create(&ring, pool), APR_SUCCESS);
    for (; *numbers; numbers++) {
        unsigned char secret[48];
        const char *problem;

        for (int i = 0; i < 48; i++) {
            secret[i] = (unsigned char)(*numbers + i);
        }
        assert_int_equal(cs_keyring_add(ring, secret, sizeof(secret), &problem), APR_SUCCESS);
    }
    return ring;
}

static const char *seal(const cs_keyring_t *ring, apr_pool_t *pool)
{
    const char *sealed;

    assert_int_equal(cs_cipher_seal(&sealed, ring, "mine", TEXT, TEXT_LEN, pool), APR_SUCCESS);
    return sealed;
}

static void test_what_was_sealed_opens_and_twice_the_same_is_sealed_differently(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, "a");
    const char *sealed = seal(ring, *state);
    cs_opened_t opened;

    assert_string_not_equal(sealed, seal(ring, *state));
    assert_null(strstr(sealed, "secret"));
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", sealed, *state), APR_SUCCESS);
    assert_int_equal(opened.len, TEXT_LEN);
    assert_memory_equal(opened.bytes, TEXT, TEXT_LEN);
    assert_false(opened.old_key);
}

static void test_all_secrets_open_and_only_the_first_seals(void **state)
{
    const char *sealed = seal(make_ring(*state, "a"), *state);
    cs_opened_t opened;

    assert_int_equal(cs_cipher_open(&opened, make_ring(*state, "cba"), "mine", sealed, *state), APR_SUCCESS);
    assert_true(opened.old_key);
    assert_memory_equal(opened.bytes, TEXT, TEXT_LEN);
    sealed = seal(make_ring(*state, "ba"), *state);
    assert_int_equal(cs_cipher_open(&opened, make_ring(*state, "b"), "mine", sealed, *state), APR_SUCCESS);
    assert_false(opened.old_key);
}

static void test_without_its_secret_or_in_another_context_it_stays_shut(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, "a");
    const char *sealed = seal(ring, *state);
    cs_opened_t opened;

    assert_int_equal(cs_cipher_open(&opened, make_ring(*state, "bc"), "mine", sealed, *state), CS_EBADSIG);
    assert_null(opened.bytes);
    assert_int_equal(cs_cipher_open(&opened, ring, "yours", sealed, *state), CS_EBADSIG);
    assert_null(opened.bytes);
    assert_int_equal(opened.len, 0);
}

static void test_no_character_may_change(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, "a");
    char *sealed = apr_pstrdup(*state, seal(ring, *state));
    cs_opened_t opened;

    for (char *c = sealed; *c; c++) {
        const char before = *c;

        *c = before == 'A' ? 'B' : 'A';
        assert_int_not_equal(cs_cipher_open(&opened, ring, "mine", sealed, *state), APR_SUCCESS);
        *c = before;
    }
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", sealed, *state), APR_SUCCESS);
}

static void test_what_is_no_sealed_text_is_malformed(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, "a");
    const char *sealed = seal(ring, *state);
    cs_opened_t opened;

    assert_int_equal(cs_cipher_open(&opened, ring, "mine", "", *state), CS_EMALFORMED);
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", "AQ", *state), CS_EMALFORMED);
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", "not base64url!", *state), CS_EMALFORMED);
    /* An octet too many is not malformed, but nothing that was sealed. */
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", apr_pstrcat(*state, sealed, "A", NULL), *state), CS_EBADSIG);
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", apr_pstrcat(*state, sealed, "AA", NULL), *state),
                     CS_EMALFORMED);
    assert_int_equal(cs_cipher_open(&opened, ring, "mine", apr_pstrndup(*state, sealed, 40), *state), CS_EMALFORMED);
}

static void test_an_empty_ring_seals_nothing_and_nothing_longer_than_its_bound_is_sealed(void **state)
{
    const char *sealed = "untouched";

    assert_int_equal(cs_cipher_seal(&sealed, make_ring(*state, ""), "mine", TEXT, TEXT_LEN, *state), APR_ENOENT);
    assert_null(sealed);
    assert_int_equal(cs_cipher_seal(&sealed, make_ring(*state, "a"), "mine", apr_pcalloc(*state, 1025), 1025, *state),
                     APR_EINVAL);
    assert_int_equal(cs_cipher_seal(&sealed, make_ring(*state, "a"), "mine", apr_pcalloc(*state, 1024), 1024, *state),
                     APR_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_what_was_sealed_opens_and_twice_the_same_is_sealed_differently),
        FIXTURE_TEST(test_all_secrets_open_and_only_the_first_seals),
        FIXTURE_TEST(test_without_its_secret_or_in_another_context_it_stays_shut),
        FIXTURE_TEST(test_no_character_may_change),
        FIXTURE_TEST(test_what_is_no_sealed_text_is_malformed),
        FIXTURE_TEST(test_an_empty_ring_seals_nothing_and_nothing_longer_than_its_bound_is_sealed),
    };

    return cmocka_run_group_tests_name("cipher", tests, NULL, NULL);
}
