/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What happens when a library refuses: each call that core makes to OpenSSL, zlib and libargon2 is refused in turn.
 * Each time the result is a failure and every out-parameter says so. Memory is test_short_memory.c's.
 */
#include "fixture.h"

#include <argon2.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <zlib.h>
#include "core/cipher.h"
#include "core/itsdangerous.h"
#include "core/password.h"
#include "core/recovery_code.h"
#include "core/session_entry.h"
#include "core/token.h"
#include "core/totp.h"

WRAP(int, RAND_bytes_ex, (OSSL_LIB_CTX * ctx, unsigned char *buf, size_t num, unsigned int strength),
     (ctx, buf, num, strength), 0)
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), NULL)
WRAP(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * ctx, int type, int number, void *at), (ctx, type, number, at), 0)
WRAP(int, EVP_CipherInit_ex,
     (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *type, ENGINE *impl, const unsigned char *key, const unsigned char *iv,
      int encrypt),
     (ctx, type, impl, key, iv, encrypt), 0)
WRAP(int, EVP_CipherUpdate,
     (EVP_CIPHER_CTX * ctx, unsigned char *out, int *written, const unsigned char *bytes, int len),
     (ctx, out, written, bytes, len), 0)
WRAP(int, EVP_CipherFinal_ex, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *written), (ctx, out, written), 0)
WRAP(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties),
     NULL)
WRAP(EVP_KDF *, EVP_KDF_fetch, (OSSL_LIB_CTX * ctx, const char *name, const char *properties), (ctx, name, properties),
     NULL)
WRAP(EVP_KDF_CTX *, EVP_KDF_CTX_new, (EVP_KDF * kdf), (kdf), NULL)
WRAP(int, EVP_KDF_derive, (EVP_KDF_CTX * ctx, unsigned char *key, size_t len, const OSSL_PARAM params[]),
     (ctx, key, len, params), 0)
WRAP(int, EVP_Digest,
     (const void *data, size_t len, unsigned char *md, unsigned int *size, const EVP_MD *type, ENGINE *impl),
     (data, len, md, size, type, impl), 0)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
WRAP(int, EVP_DigestInit_ex, (EVP_MD_CTX * ctx, const EVP_MD *type, ENGINE *impl), (ctx, type, impl), 0)
WRAP(int, EVP_DigestInit_ex2, (EVP_MD_CTX * ctx, const EVP_MD *type, const OSSL_PARAM params[]), (ctx, type, params), 0)
WRAP(int, EVP_MD_CTX_copy_ex, (EVP_MD_CTX * out, const EVP_MD_CTX *in), (out, in), 0)
WRAP(int, EVP_DigestUpdate, (EVP_MD_CTX * ctx, const void *data, size_t len), (ctx, data, len), 0)
WRAP(int, EVP_DigestFinal_ex, (EVP_MD_CTX * ctx, unsigned char *md, unsigned int *size), (ctx, md, size), 0)
WRAP(unsigned char *, HMAC,
     (const EVP_MD *type, const void *key, int key_len, const unsigned char *data, size_t len, unsigned char *md,
      unsigned int *size),
     (type, key, key_len, data, len, md, size), NULL)
WRAP(EVP_MAC_CTX *, EVP_MAC_CTX_new, (EVP_MAC * mac), (mac), NULL)
WRAP(int, EVP_MAC_init, (EVP_MAC_CTX * ctx, const unsigned char *key, size_t len, const OSSL_PARAM params[]),
     (ctx, key, len, params), 0)
WRAP(int, inflateInit_, (z_streamp stream, const char *version, int size), (stream, version, size), Z_MEM_ERROR)
WRAP(int, argon2id_ctx, (argon2_context * context), (context), ARGON2_MEMORY_ALLOCATION_ERROR)

#define SECRET "a secret that is long enough for us"

static cs_keyring_t *ring_of(apr_pool_t *pool)
{
    const char *problem;
    cs_keyring_t *ring;

    assert_int_equal(cs_keyring_create(&ring, pool), APR_SUCCESS);
    assert_int_equal(cs_keyring_add(ring, (const unsigned char *)SECRET, sizeof(SECRET), &problem), APR_SUCCESS);
    return ring;
}

/* --- token --- */

static apr_status_t make_ring(const void *with, apr_pool_t *pool)
{
    const char *problem = UNSET;
    cs_keyring_t *ring = UNSET;
    apr_status_t rv = cs_keyring_create(&ring, pool);

    (void)with;
    assert_int_equal(rv == APR_SUCCESS, ring != NULL);
    if (rv == APR_SUCCESS) {
        rv = cs_keyring_add(ring, (const unsigned char *)SECRET, sizeof(SECRET), &problem);
        assert_int_equal(rv == APR_SUCCESS, problem == NULL);
        assert_int_equal(cs_keyring_count(ring), rv == APR_SUCCESS);
    }
    return rv;
}

static void test_a_ring_without_openssl_holds_no_key(void **state)
{
    (void)state;
    assert_true(refuse_each(make_ring, NULL) >= 2 + 3 + 2 + 8 * CS_PURPOSE_COUNT);
}

static apr_status_t mint(const void *with, apr_pool_t *pool)
{
    static const unsigned char id[CS_TOKEN_ID_BYTES];
    const char *text = UNSET;
    apr_status_t rv = cs_token_mint(&text, with, CS_PURPOSE_SESSION, id, 0, pool);

    assert_int_equal(rv == APR_SUCCESS, text != NULL);
    return rv;
}

static apr_status_t seal(const void *with, apr_pool_t *pool)
{
    const char *sealed = UNSET, *text = UNSET;
    apr_status_t rv = cs_seal(&sealed, with, CS_PURPOSE_EXPORT, "text", pool);

    assert_int_equal(rv == APR_SUCCESS, sealed != NULL);
    if (rv == APR_SUCCESS) {
        rv = cs_unseal(&text, with, CS_PURPOSE_EXPORT, sealed, pool);
        assert_int_equal(rv == APR_SUCCESS, text != NULL);
    }
    return rv;
}

static void test_nothing_is_signed_without_openssl(void **state)
{
    const cs_keyring_t *ring = ring_of(*state);

    assert_true(refuse_each(mint, ring) >= 7);
    assert_true(refuse_each(seal, ring) >= 14);
}

typedef struct {
    const cs_keyring_t *ring;
    const char *text;
} token_t;

static apr_status_t verify(const void *with, apr_pool_t *pool)
{
    static const cs_token_t zero;
    const token_t *given = with;
    cs_token_t token;
    apr_status_t rv;

    (void)pool;
    memset(&token, 0x5A, sizeof(token));
    rv = cs_token_verify(&token, given->ring, CS_PURPOSE_SESSION, given->text, strlen(given->text), 0, 0);
    if (rv != APR_SUCCESS)
        assert_memory_equal(&token, &zero, sizeof(zero));
    return rv;
}

static void test_a_token_that_cannot_be_checked_is_not_taken(void **state)
{
    static const unsigned char id[CS_TOKEN_ID_BYTES] = {1};
    token_t given = {ring_of(*state), NULL};

    assert_int_equal(cs_token_mint(&given.text, given.ring, CS_PURPOSE_SESSION, id, 0, *state), APR_SUCCESS);
    assert_int_equal(refuse_each(verify, &given), 8);
}

static apr_status_t make_random(const void *with, apr_pool_t *pool)
{
    static const unsigned char zero[32];
    unsigned char bytes[32];
    apr_status_t rv;

    (void)with;
    (void)pool;
    memset(bytes, 0x5A, sizeof(bytes));
    rv = cs_token_random(bytes, sizeof(bytes));
    assert_int_equal(rv != APR_SUCCESS, memcmp(bytes, zero, sizeof(bytes)) == 0);
    return rv;
}

static apr_status_t hash(const void *with, apr_pool_t *pool)
{
    static const unsigned char id[CS_TOKEN_ID_BYTES];

    (void)with;
    return cs_token_hash(id, pool) ? APR_SUCCESS : APR_EGENERAL;
}

static void test_without_random_numbers_and_digests_there_are_no_ids(void **state)
{
    (void)state;
    assert_int_equal(refuse_each(make_random, NULL), 1);
    assert_int_equal(refuse_each(hash, NULL), 1);
}

static apr_status_t make_entry_key(const void *with, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];

    (void)with;
    (void)pool;
    return cs_session_entry_key(key, 0, "hash", "part");
}

static void test_no_entry_of_a_cache_has_half_a_key(void **state)
{
    (void)state;
    assert_true(refuse_each(make_entry_key, NULL) >= 5);
}

/* --- itsdangerous: "fuzz" as secret, {"session_id":"a"} deflated --- */

static apr_status_t make_key(const void *with, apr_pool_t *pool)
{
    unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];

    (void)pool;
    return cs_itsdangerous_key(key, with, strlen(with));
}

static const char *legacy_cookie(const unsigned char *key, apr_pool_t *pool)
{
    static const char json[] = "{\"session_id\":\"a\"}";
    unsigned char packed[64], mac[20];
    uLongf size = sizeof(packed);
    const char *text;

    assert_int_equal(compress(packed, &size, (const unsigned char *)json, strlen(json)), Z_OK);
    text = apr_pstrcat(pool, ".", cs_base64url_encode(packed, size, pool), ".aOfvAA", NULL);
    assert_non_null(
        HMAC(EVP_sha1(), key, CS_ITSDANGEROUS_KEY_BYTES, (const unsigned char *)text, strlen(text), mac, NULL));
    return apr_pstrcat(pool, text, ".", cs_base64url_encode(mac, sizeof(mac), pool), NULL);
}

typedef struct {
    unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];
    const char *text;
} legacy_t;

static apr_status_t read_legacy(const void *with, apr_pool_t *pool)
{
    const legacy_t *given = with;
    cs_itsdangerous_t read = {UNSET, 1};
    apr_status_t rv = cs_itsdangerous_read(&read, given->key, "session_id", given->text, strlen(given->text), pool);

    assert_int_equal(rv == APR_SUCCESS, read.id != NULL);
    assert_int_equal(rv == APR_SUCCESS, read.issued != 0);
    return rv;
}

static void test_an_older_sites_cookie_that_cannot_be_read_is_nobodys(void **state)
{
    legacy_t given;

    assert_int_equal(cs_itsdangerous_key(given.key, "fuzz", 4), APR_SUCCESS);
    given.text = legacy_cookie(given.key, *state);
    assert_int_equal(refuse_each(make_key, "fuzz"), 5);
    assert_true(refuse_each(read_legacy, &given) >= 3);
}

/* --- password --- */

static const cs_password_cost_t cheap = {8, 1, 1};

static apr_status_t hash_password(const void *with, apr_pool_t *pool)
{
    const char *phc = UNSET;
    apr_status_t rv = cs_password_hash(&phc, with, strlen(with), &cheap, pool);

    assert_int_equal(rv == APR_SUCCESS, phc != NULL);
    return rv;
}

static apr_status_t verify_password(const void *phc, apr_pool_t *pool)
{
    bool rehash = true;
    apr_status_t rv = cs_password_verify(&rehash, phc, "password", 8, &cheap);

    (void)pool;
    assert_false(rehash);
    return rv;
}

/* The mismatch is what is wanted, as there is no such user; a refusal is not that. */
static apr_status_t verify_nobody(const void *phc, apr_pool_t *pool)
{
    const apr_status_t rv = verify_password(phc, pool);

    return rv == CS_EBADSIG ? APR_SUCCESS : rv;
}

static apr_status_t make_password(const void *with, apr_pool_t *pool)
{
    const char *password = UNSET;
    apr_status_t rv = cs_password_random(&password, pool);

    (void)with;
    assert_int_equal(rv == APR_SUCCESS, password != NULL);
    return rv;
}

static void test_a_password_that_cannot_be_hashed_is_neither_set_nor_right_nor_wrong(void **state)
{
    const char *phc;

    assert_int_equal(cs_password_hash(&phc, "password", 8, &cheap, *state), APR_SUCCESS);
    assert_int_equal(refuse_each(hash_password, "password"), 2);
    assert_int_equal(refuse_each(verify_password, phc), 1);
    assert_int_equal(refuse_each(verify_nobody, NULL), 1);
    calls_left = 1;
    assert_int_equal(verify_password(phc, *state), APR_ENOMEM);
}

/* Characters are drawn until there are enough, so how many draws there are is chance; the first is always there. */
static void test_no_password_is_made_of_what_is_not_random(void **state)
{
    calls_left = 1;
    assert_int_not_equal(make_password(NULL, *state), APR_SUCCESS);
    calls_left = 0;
    assert_int_equal(make_password(NULL, *state), APR_SUCCESS);
}

/* --- secrets that are read again, one-time and recovery codes --- */

static apr_status_t seal_secret(const void *with, apr_pool_t *pool)
{
    const char *sealed = UNSET;
    const apr_status_t rv = cs_cipher_seal(&sealed, with, "anna", (const unsigned char *)"secret", 6, pool);

    assert_int_equal(rv == APR_SUCCESS, sealed != NULL);
    return rv;
}

typedef struct {
    const cs_keyring_t *ring;
    const char *sealed;
} sealed_t;

static apr_status_t unseal(const void *with, apr_pool_t *pool)
{
    const sealed_t *given = with;
    cs_opened_t opened = {UNSET, 1, true};
    const apr_status_t rv = cs_cipher_open(&opened, given->ring, "anna", given->sealed, pool);

    assert_int_equal(rv == APR_SUCCESS, opened.bytes != NULL);
    return rv;
}

static void test_a_secret_that_cannot_be_sealed_or_opened_is_not_half_so(void **state)
{
    sealed_t given = {ring_of(*state), NULL};

    assert_true(refuse_each(seal_secret, given.ring) >= 8);
    assert_int_equal(cs_cipher_seal(&given.sealed, given.ring, "anna", (const unsigned char *)"secret", 6, *state),
                     APR_SUCCESS);
    assert_true(refuse_each(unseal, &given) >= 8);
}

static apr_status_t check_code(const void *with, apr_pool_t *pool)
{
    apr_int64_t step = 1;
    const apr_status_t rv = cs_totp_check(&step, with, "287082", apr_time_from_sec(59), CS_TOTP_NO_STEP);

    (void)pool;
    assert_int_equal(rv == APR_SUCCESS, step != CS_TOTP_NO_STEP);
    return rv;
}

static void test_a_code_that_cannot_be_checked_is_not_right(void **state)
{
    (void)state;
    /* the vector of RFC 6238 */
    assert_int_equal(refuse_each(check_code, "12345678901234567890"), 2 * CS_TOTP_WINDOW + 1);
}

static apr_status_t make_recovery_code(const void *with, apr_pool_t *pool)
{
    const char *code = UNSET, *hash = UNSET;
    const apr_status_t rv = cs_recovery_code_make(&code, &hash, pool);

    (void)with;
    assert_int_equal(rv == APR_SUCCESS, code != NULL);
    assert_int_equal(rv == APR_SUCCESS, hash != NULL);
    return rv;
}

static void test_no_recovery_code_is_made_without_its_hash(void **state)
{
    (void)state;
    assert_int_equal(refuse_each(make_recovery_code, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_ring_without_openssl_holds_no_key),
        FIXTURE_TEST(test_nothing_is_signed_without_openssl),
        FIXTURE_TEST(test_a_token_that_cannot_be_checked_is_not_taken),
        FIXTURE_TEST(test_without_random_numbers_and_digests_there_are_no_ids),
        FIXTURE_TEST(test_no_entry_of_a_cache_has_half_a_key),
        FIXTURE_TEST(test_an_older_sites_cookie_that_cannot_be_read_is_nobodys),
        FIXTURE_TEST(test_a_password_that_cannot_be_hashed_is_neither_set_nor_right_nor_wrong),
        FIXTURE_TEST(test_no_password_is_made_of_what_is_not_random),
        FIXTURE_TEST(test_a_secret_that_cannot_be_sealed_or_opened_is_not_half_so),
        FIXTURE_TEST(test_a_code_that_cannot_be_checked_is_not_right),
        FIXTURE_TEST(test_no_recovery_code_is_made_without_its_hash),
    };

    json_set_alloc_funcs(refusable_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
