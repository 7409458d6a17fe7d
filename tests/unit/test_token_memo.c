/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Tokens that are known again: what they were, no longer than they count, and nothing else in their place. */
#include "core/token_memo.h"
#include <openssl/evp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fixture.h"

WRAP(EVP_MAC *, EVP_MAC_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties),
     NULL)
WRAP(EVP_MAC_CTX *, EVP_MAC_CTX_dup, (const EVP_MAC_CTX *ctx), (ctx), NULL)

static int signatures;

int __real_EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in);
int __wrap_EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in);
int __wrap_EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in)
{
    signatures++;
    return __real_EVP_MD_CTX_copy_ex(out, in);
}

#define NOW apr_time_from_sec(1795411867)

static cs_keyring_t *ring_of(apr_pool_t *pool, const char *first, const char *second)
{
    const char *problem;
    cs_keyring_t *ring;

    assert_int_equal(cs_keyring_create(&ring, pool), APR_SUCCESS);
    assert_int_equal(cs_keyring_add(ring, (const unsigned char *)first, strlen(first), &problem), APR_SUCCESS);
    if (second)
        assert_int_equal(cs_keyring_add(ring, (const unsigned char *)second, strlen(second), &problem), APR_SUCCESS);
    return ring;
}

#define NEW "the secret that signs, long enough"
#define OLD "the secret of before, long enough"

static const char *mint(const cs_keyring_t *ring, unsigned int number, apr_pool_t *pool)
{
    unsigned char id[CS_TOKEN_ID_BYTES] = {0};
    const char *text;

    memcpy(id, &number, sizeof(number));
    assert_int_equal(cs_token_mint(&text, ring, CS_PURPOSE_SESSION, id, NOW, pool), APR_SUCCESS);
    return text;
}

static apr_status_t verify(cs_token_t *token, const cs_keyring_t *ring, const char *text)
{
    memset(token, 0x5A, sizeof(*token));
    return cs_token_verify(token, ring, CS_PURPOSE_SESSION, text, strlen(text), NOW, 0);
}

static void assert_same(const cs_token_t *one, const cs_token_t *two)
{
    assert_memory_equal(one->id, two->id, sizeof(one->id));
    assert_string_equal(one->hash, two->hash);
    assert_int_equal(one->issued, two->issued);
    assert_int_equal(one->old_key, two->old_key);
}

static void test_a_known_token_is_what_it_was_and_its_signature_is_not_computed_again(void **state)
{
    const cs_keyring_t *ring = ring_of(*state, NEW, OLD);
    const char *const texts[] = {mint(ring, 1, *state), mint(ring_of(*state, OLD, NULL), 2, *state)};

    for (int i = 0; i < 2; i++) {
        cs_token_t first, again;

        signatures = 0;
        assert_int_equal(verify(&first, ring, texts[i]), APR_SUCCESS);
        assert_int_equal(first.old_key, i);
        assert_int_equal(signatures, 2);
        assert_int_equal(verify(&again, ring, texts[i]), APR_SUCCESS);
        assert_same(&first, &again);
        assert_int_equal(signatures, 2);
    }
}

/** [A6] */
static void test_a_known_token_ends_as_any_other(void **state)
{
    const cs_keyring_t *ring = ring_of(*state, NEW, NULL);
    const char *text = mint(ring, 1, *state);
    const apr_time_t too_early = NOW - apr_time_from_sec(CS_TOKEN_SKEW + 1);
    cs_token_t token;

    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    assert_int_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, strlen(text), NOW + 10, 10), CS_EEXPIRED);
    assert_string_equal(token.hash, "");
    assert_int_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, strlen(text), too_early, 0), CS_EEXPIRED);
    assert_int_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, strlen(text), NOW + 9, 10), APR_SUCCESS);
}

/** [A5] */
static void test_a_token_that_is_known_for_one_purpose_counts_for_no_other(void **state)
{
    const cs_keyring_t *ring = ring_of(*state, NEW, NULL);
    const char *text = mint(ring, 1, *state);
    cs_token_t token;

    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    for (int purpose = 0; purpose < CS_PURPOSE_COUNT; purpose++)
        assert_int_equal(cs_token_verify(&token, ring, (cs_purpose_e)purpose, text, strlen(text), NOW, 0),
                         purpose == CS_PURPOSE_SESSION ? APR_SUCCESS : CS_EBADSIG);
}

/** [A2] */
static void test_a_known_token_with_one_bit_changed_is_unknown(void **state)
{
    const cs_keyring_t *ring = ring_of(*state, NEW, NULL);
    char *text = apr_pstrdup(*state, mint(ring, 1, *state));
    const size_t len = strlen(text);
    cs_token_t token;

    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    for (size_t bit = 0; bit < len * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, len, NOW, 0), APR_SUCCESS);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_not_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, len - 1, NOW, 0), APR_SUCCESS);
    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
}

/* A secret that was taken out takes its tokens with it: a ring remembers for itself. */
static void test_what_one_ring_knows_another_does_not(void **state)
{
    const char *text = mint(ring_of(*state, OLD, NULL), 1, *state);
    cs_token_t token;

    assert_int_equal(verify(&token, ring_of(*state, NEW, OLD), text), APR_SUCCESS);
    assert_int_equal(verify(&token, ring_of(*state, NEW, NULL), text), CS_EBADSIG);
}

/* More than there are places: whichever was forgotten is verified anew, and none is taken for another. */
static void test_more_tokens_than_are_remembered(void **state)
{
    enum { COUNT = 100000 };
    cs_token_memo_t *memo;
    int known = 0;

    assert_int_equal(cs_token_memo_create(&memo, *state), APR_SUCCESS);
    for (int pass = 0; pass < 2; pass++) {
        for (int number = 0; number < COUNT; number++) {
            cs_token_t token = {.issued = number}, found = {.issued = -1};
            cs_token_tag_t tag;

            assert_true(cs_token_memo_tag(&tag, memo, CS_PURPOSE_SESSION, (const char *)&number, sizeof(number)));
            if (!pass) {
                assert_false(cs_token_memo_find(&found, memo, &tag));
                cs_token_memo_keep(memo, &tag, &token);
            }
            if (cs_token_memo_find(&found, memo, &tag)) {
                assert_int_equal(found.issued, number);
                known += pass;
            } else {
                assert_true(pass);
            }
        }
    }
    assert_in_range(known, 30000, 4 * 8192);
}

/* What a child learnt its parent knows, and a child that was killed while it held a lock leaves it to the others. */
static void test_children_share_it_and_one_that_is_killed_holds_nobody_up(void **state)
{
    cs_token_t token = {.issued = 7}, found;
    cs_token_memo_t *memo;
    cs_token_tag_t tags[2];
    int status;

    assert_int_equal(cs_token_memo_create(&memo, *state), APR_SUCCESS);
    for (int i = 0; i < 2; i++) {
        const pid_t child = fork();

        assert_true(cs_token_memo_tag(&tags[i], memo, CS_PURPOSE_SESSION, i ? "one" : "two", 3));
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            cs_token_memo_keep(memo, &tags[i], &token);
            if (i) { /* within the second call: memory that is not there is read under the lock */
                cs_token_memo_keep(memo, &tags[0], (const cs_token_t *)8);
            }
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WIFEXITED(status) && WEXITSTATUS(status) == 0, i == 0);
        assert_true(cs_token_memo_find(&found, memo, &tags[1]) == (i == 1));
    }
    assert_false(cs_token_memo_find(&found, memo, &tags[0])); /* forgotten with its set */
    cs_token_memo_keep(memo, &tags[0], &token);
    assert_true(cs_token_memo_find(&found, memo, &tags[0]));
}

static void test_tags_are_keyed(void **state)
{
    cs_token_tag_t tags[2];

    for (int i = 0; i < 2; i++) {
        cs_token_memo_t *memo;

        assert_int_equal(cs_token_memo_create(&memo, *state), APR_SUCCESS);
        assert_true(cs_token_memo_tag(&tags[i], memo, CS_PURPOSE_SESSION, "text", 4));
    }
    assert_memory_not_equal(tags[0].bytes, tags[1].bytes, sizeof(tags[0].bytes));
}

static void test_without_siphash_each_token_is_verified_anew(void **state)
{
    const cs_keyring_t *ring;
    const char *text;
    cs_token_t token;

    calls_left = 1; /* EVP_MAC_fetch: there is none at all */
    ring = ring_of(*state, NEW, NULL);
    assert_int_equal(calls_left, 0);
    text = mint(ring, 1, *state);
    signatures = 0;
    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    assert_int_equal(signatures, 4);

    ring = ring_of(*state, NEW, NULL);
    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    calls_left = 1; /* EVP_MAC_CTX_dup: no memory for this one */
    signatures = 0;
    assert_int_equal(verify(&token, ring, text), APR_SUCCESS);
    assert_int_equal(signatures, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_known_token_is_what_it_was_and_its_signature_is_not_computed_again),
        FIXTURE_TEST(test_a_known_token_ends_as_any_other),
        FIXTURE_TEST(test_a_token_that_is_known_for_one_purpose_counts_for_no_other),
        FIXTURE_TEST(test_a_known_token_with_one_bit_changed_is_unknown),
        FIXTURE_TEST(test_what_one_ring_knows_another_does_not),
        FIXTURE_TEST(test_more_tokens_than_are_remembered),
        FIXTURE_TEST(test_children_share_it_and_one_that_is_killed_holds_nobody_up),
        FIXTURE_TEST(test_tags_are_keyed),
        FIXTURE_TEST(test_without_siphash_each_token_is_verified_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
