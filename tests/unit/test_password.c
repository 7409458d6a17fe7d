/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Passwords are taken exactly as they are, stored as Argon2id, and an unknown user is like a wrong password. */
#include "core/password.h"
#include <malloc.h>
#include "core/utf8.h"
#include "fixture.h"
#include "kuhn.h"

#define TEN "ABCDEFGHIJ"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

#define E_ACUTE "\xC3\xA9"
#define GRIN "\xF0\x9F\x98\x80"

static const cs_password_cost_t cheap = {64, 1, 1};

static const char *hash(const char *password, size_t len, apr_pool_t *pool)
{
    const char *phc;

    assert_int_equal(cs_password_hash(&phc, password, len, &cheap, pool), APR_SUCCESS);
    return phc;
}

/* Where no name is known; *problem: the sentence for people. */
static apr_status_t judge(const char *password, size_t len, const char **problem)
{
    const cs_password_problem_t *found;
    apr_status_t rv = cs_password_acceptable_for(&found, password, len, NULL, NULL);

    *problem = found ? found->sentence : NULL;
    return rv;
}

static apr_status_t verify(const char *phc, const char *password, size_t len)
{
    bool rehash = true;
    apr_status_t rv = cs_password_verify(&rehash, phc, password, len, &cheap);

    assert_false(rehash);
    return rv;
}

/** [C1] */
static void test_default_cost_is_at_least_owasps(void **state)
{
    (void)state;
    assert_true(cs_password_default_cost.memory_kib >= 19 * 1024);
    assert_true(cs_password_default_cost.iterations >= 2);
    assert_int_equal(cs_password_default_cost.parallelism, 1);
}

/** [C1] */
static void test_hash_is_an_argon2id_phc_string_with_a_fresh_salt(void **state)
{
    static const char head[] = "$argon2id$v=19$m=64,t=1,p=1$";
    const char *one = hash("correct horse", 13, *state), *other = hash("correct horse", 13, *state);

    assert_memory_equal(one, head, strlen(head));
    /* 16 bytes of salt and 32 of tag in base64 without padding. */
    assert_int_equal(strlen(one), strlen(head) + 22 + 1 + 43);
    assert_string_not_equal(one, other);
    assert_memory_not_equal(one + strlen(head), other + strlen(head), 22);
    assert_int_equal(verify(one, "correct horse", 13), APR_SUCCESS);
    assert_int_equal(verify(other, "correct horse", 13), APR_SUCCESS);
}

/* From the tests of Argon2's reference implementation: "password", "somesalt", t = 2, m = 256 KiB, p = 1. */
static void test_strings_of_the_reference_implementation_verify(void **state)
{
    static const char phc[] = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    (void)state;
    assert_int_equal(verify(phc, "password", 8), APR_SUCCESS);
    assert_int_equal(verify(phc, "passwore", 8), CS_EBADSIG);
}

/** [C3] */
static void test_73rd_byte_of_password_counts(void **state)
{
    char password[80];
    const char *phc;

    memset(password, 'x', sizeof(password));
    memcpy(password + 72, "AAAA", 4);
    phc = hash(password, 76, *state);
    assert_int_equal(verify(phc, password, 76), APR_SUCCESS);
    memcpy(password + 72, "BBBB", 4);
    assert_int_equal(verify(phc, password, 76), CS_EBADSIG);
    assert_int_equal(verify(phc, password, 72), CS_EBADSIG);
}

/** [C3] */
static void test_every_byte_up_to_the_last_counts(void **state)
{
    char *password = apr_palloc(*state, CS_PASSWORD_MAX_BYTES + 1);
    const char *phc, *none, *problem;

    memset(password, 'x', CS_PASSWORD_MAX_BYTES + 1);
    phc = hash(password, CS_PASSWORD_MAX_BYTES, *state);
    assert_int_equal(verify(phc, password, CS_PASSWORD_MAX_BYTES), APR_SUCCESS);
    assert_int_equal(verify(phc, password, CS_PASSWORD_MAX_BYTES - 1), CS_EBADSIG);
    password[CS_PASSWORD_MAX_BYTES - 1] = 'y';
    assert_int_equal(verify(phc, password, CS_PASSWORD_MAX_BYTES), CS_EBADSIG);
    assert_int_equal(verify(phc, password, CS_PASSWORD_MAX_BYTES + 1), CS_EBADSIG);
    assert_int_equal(verify(NULL, password, CS_PASSWORD_MAX_BYTES + 1), CS_EBADSIG);
    assert_int_equal(cs_password_hash(&none, password, CS_PASSWORD_MAX_BYTES + 1, &cheap, *state), CS_EREFUSED);
    assert_null(none);
    assert_int_equal(judge(password, CS_PASSWORD_MAX_BYTES, &problem), APR_SUCCESS);
    assert_null(problem);
    assert_int_equal(judge(password, CS_PASSWORD_MAX_BYTES + 1, &problem), CS_EREFUSED);
    assert_non_null(strstr(problem, "1024"));
}

/** [C3] */
static void test_passwords_are_taken_exactly_as_they_are(void **state)
{
    static const char *const others[] = {"Pass word\xC3\xA9",   " Pass word\xC3\xA9", "Pass word\xC3\xA9 ",
                                         "pass word\xC3\xA9",   "Password\xC3\xA9",   "Pass worde\xCC\x81",
                                         "Pass word\xC3\xA9\n", "Pass  word\xC3\xA9", "Pass wor"};
    const char *phc = hash(others[0], strlen(others[0]), *state);
    size_t at;

    for (at = 0; at < sizeof(others) / sizeof(others[0]); at++)
        assert_int_equal(verify(phc, others[at], strlen(others[at])), at ? CS_EBADSIG : APR_SUCCESS);
}

static void test_any_unicode_of_eight_characters_is_acceptable(void **state)
{
    static const char *const passwords[] = {
        "kvanfoge",
        " kv  fo ",
        E_ACUTE "k" E_ACUTE "vf" E_ACUTE "o" E_ACUTE,
        GRIN "k" GRIN "v" GRIN "f" GRIN GRIN,
        "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C\xE4\xBD\xA0\xE6\x98\xAF\xE8\xB0\x81\xEF\xBC\x9F",
        "tab\there\n",
    };
    const char *problem;
    size_t at;

    for (at = 0; at < sizeof(passwords) / sizeof(passwords[0]); at++) {
        size_t len = strlen(passwords[at]);

        assert_int_equal(judge(passwords[at], len, &problem), APR_SUCCESS);
        assert_null(problem);
        assert_int_equal(verify(hash(passwords[at], len, *state), passwords[at], len), APR_SUCCESS);
    }
}

static void test_length_is_counted_in_code_points(void **state)
{
    /* Seven characters in 28 octets. */
    static const char seven[] = GRIN GRIN GRIN GRIN GRIN GRIN GRIN;
    const char *problem;

    (void)state;
    assert_int_equal(judge(seven, strlen(seven), &problem), CS_EREFUSED);
    assert_non_null(strstr(problem, "8 characters"));
    assert_int_equal(judge("1234567", 7, &problem), CS_EREFUSED);
    assert_non_null(strstr(problem, "8 characters"));
    assert_int_equal(judge("", 0, &problem), CS_EREFUSED);
}

static void test_what_is_not_text_is_refused_when_it_is_set(void **state)
{
    const char *problem, *phc;
    size_t at;

    for (at = 0; at < KUHN_CASES; at++) {
        const char *password = apr_pstrcat(*state, "password", kuhn_cases[at].octets, NULL);

        assert_int_equal(judge(password, strlen(password), &problem), CS_EREFUSED);
        assert_non_null(strstr(problem, "UTF-8"));
        assert_int_equal(cs_password_hash(&phc, password, strlen(password), &cheap, *state), CS_ENOTTEXT);
        assert_null(phc);
    }
    assert_int_equal(judge("pass\0word", 9, &problem), CS_EREFUSED);
    assert_non_null(strstr(problem, "NUL"));
    assert_int_equal(cs_password_hash(&phc, "pass\0word", 9, &cheap, *state), CS_ENOTTEXT);
}

/** [C3] */
static void test_a_nul_ends_no_password(void **state)
{
    const char *phc = hash("password", 8, *state);

    assert_int_equal(verify(phc, "password\0tail", 13), CS_EBADSIG);
    assert_int_equal(verify(phc, "password\0", 9), CS_EBADSIG);
}

/** [C1] */
static void test_a_lower_cost_asks_for_a_rehash(void **state)
{
    static const struct {
        cs_password_cost_t now;
        bool expected;
    } cases[] = {{{64, 2, 2}, false}, {{65, 2, 2}, true}, {{64, 3, 2}, true}, {{64, 2, 3}, true},
                 {{32, 1, 1}, false}, {{32, 3, 1}, true}, {{8, 1, 1}, false}};
    const cs_password_cost_t made = {64, 2, 2};
    const char *phc;
    bool rehash;
    size_t at;

    assert_int_equal(cs_password_hash(&phc, "password", 8, &made, *state), APR_SUCCESS);
    for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++) {
        assert_int_equal(cs_password_verify(&rehash, phc, "password", 8, &cases[at].now), APR_SUCCESS);
        assert_int_equal(rehash, cases[at].expected);
        /* Who does not know the password changes nothing. */
        rehash = true;
        assert_int_equal(cs_password_verify(&rehash, phc, "passwort", 8, &cases[at].now), CS_EBADSIG);
        assert_false(rehash);
    }
}

/** [C6] */
static void test_an_unknown_user_is_a_wrong_password(void **state)
{
    const cs_password_cost_t out_of_bounds = {7, 1, 1};
    bool rehash = true;

    (void)state;
    assert_int_equal(verify(NULL, "password", 8), CS_EBADSIG);
    assert_int_equal(verify(NULL, "", 0), CS_EBADSIG);
    assert_int_equal(cs_password_verify(&rehash, NULL, "password", 8, &out_of_bounds), CS_EREFUSED);
    assert_false(rehash);
}

static void test_what_is_no_argon2id_string_is_malformed(void **state)
{
    static const char *const strings[] = {
        "",
        "x",
        "$",
        "$argon2id$",
        "$2y$10$abcdefghijklmnopqrstuv",
        "{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=0256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=-256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ5X$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", /* no octet ends so */
        "$argon2id$v=19$m=256,t=2,p=1$" HUNDRED HUNDRED HUNDRED HUNDRED "$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=256,t=2,p=1$c29t*XNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4=",
        " $argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    };
    size_t at;

    (void)state;
    for (at = 0; at < sizeof(strings) / sizeof(strings[0]); at++) {
        if (verify(strings[at], "password", 8) != CS_EMALFORMED)
            fail_msg("case %zu was taken for an Argon2id string", at);
    }
}

static void test_absurd_costs_in_a_stored_string_are_malformed(void **state)
{
    static const char *const costs[] = {"m=4194305,t=1,p=1", "m=4294967295,t=1,p=1",
                                        "m=64,t=101,p=1",    "m=64,t=4294967295,p=1",
                                        "m=1024,t=1,p=17",   "m=7,t=1,p=1",
                                        "m=64,t=0,p=1",      "m=64,t=1,p=0",
                                        "m=64,t=1,p=9",      "m=18446744073709551680,t=1,p=1",
                                        "m=1024x,t=1,p=1",   "m=x,t=1,p=1",
                                        "m=1024,t=,p=1",     "m=1024,t=1,p=",
                                        "m=1024,t=1;p=1",    "m=1024,t=1,p=1x"};
    char *long_tag = apr_pcalloc(*state, 1000);
    size_t at;

    for (at = 0; at < sizeof(costs) / sizeof(costs[0]); at++) {
        const char *phc = apr_pstrcat(*state, "$argon2id$v=19$", costs[at],
                                      "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", NULL);

        assert_int_equal(verify(phc, "password", 8), CS_EMALFORMED);
    }
    memset(long_tag, 'A', 600);
    assert_int_equal(verify(apr_pstrcat(*state, "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", long_tag, NULL), "password",
                            8),
                     CS_EMALFORMED);
}

static void test_costs_out_of_their_bounds_are_refused(void **state)
{
    static const cs_password_cost_t costs[] = {{7, 1, 1},  {4194305, 1, 1}, {64, 0, 1}, {64, 101, 1},
                                               {64, 1, 0}, {1024, 1, 17},   {64, 1, 9}};
    const char *phc;
    size_t at;

    for (at = 0; at < sizeof(costs) / sizeof(costs[0]); at++) {
        phc = "untouched";
        assert_int_equal(cs_password_hash(&phc, "password", 8, &costs[at], *state), CS_EREFUSED);
        assert_null(phc);
    }
}

static void test_random_passwords_can_be_typed_and_set(void **state)
{
    unsigned int seen[128] = {0}, characters = 0;
    const char *previous = "", *password, *problem;
    int round, at;

    for (round = 0; round < 500; round++) {
        assert_int_equal(cs_password_random(&password, *state), APR_SUCCESS);
        assert_int_equal(strlen(password), 20);
        assert_null(strpbrk(password, "01BIOSilo"));
        assert_string_not_equal(password, previous);
        assert_int_equal(judge(password, 20, &problem), APR_SUCCESS);
        for (at = 0; at < 20; at++)
            seen[(unsigned char)password[at]]++;
        previous = password;
    }
    for (at = 0; at < 128; at++) {
        characters += seen[at] > 0;
        /* 10000 characters over 52: 192 of each; seven standard deviations on either side. */
        if (seen[at])
            assert_in_range(seen[at], 96, 289);
    }
    assert_int_equal(characters, 52);
}

/* malloc would: what it has mapped once it takes from the heap of the thread the next time, and keeps there. */
static void test_the_memory_of_a_hash_goes_back_to_the_system(void **state)
{
    const cs_password_cost_t dear = {8192, 1, 1};
    apr_pool_t *pool = *state;
    const char *phc;
    bool rehash;
    size_t before;

    assert_int_equal(cs_password_hash(&phc, "correct horse", 13, &dear, pool), APR_SUCCESS);
    before = mallinfo2().arena;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cs_password_verify(&rehash, phc, "correct horse", 13, &dear), APR_SUCCESS);
        assert_int_equal(cs_password_verify(&rehash, NULL, "correct horse", 13, &dear), CS_EBADSIG);
    }
    assert_in_range(mallinfo2().arena, 0, before + 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_default_cost_is_at_least_owasps),
        FIXTURE_TEST(test_hash_is_an_argon2id_phc_string_with_a_fresh_salt),
        FIXTURE_TEST(test_strings_of_the_reference_implementation_verify),
        FIXTURE_TEST(test_73rd_byte_of_password_counts),
        FIXTURE_TEST(test_every_byte_up_to_the_last_counts),
        FIXTURE_TEST(test_passwords_are_taken_exactly_as_they_are),
        FIXTURE_TEST(test_any_unicode_of_eight_characters_is_acceptable),
        FIXTURE_TEST(test_length_is_counted_in_code_points),
        FIXTURE_TEST(test_what_is_not_text_is_refused_when_it_is_set),
        FIXTURE_TEST(test_a_nul_ends_no_password),
        FIXTURE_TEST(test_a_lower_cost_asks_for_a_rehash),
        FIXTURE_TEST(test_an_unknown_user_is_a_wrong_password),
        FIXTURE_TEST(test_what_is_no_argon2id_string_is_malformed),
        FIXTURE_TEST(test_absurd_costs_in_a_stored_string_are_malformed),
        FIXTURE_TEST(test_costs_out_of_their_bounds_are_refused),
        FIXTURE_TEST(test_random_passwords_can_be_typed_and_set),
        FIXTURE_TEST(test_the_memory_of_a_hash_goes_back_to_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
