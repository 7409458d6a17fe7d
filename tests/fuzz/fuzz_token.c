/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Tokens, seals and base64url. Guessing a signature is hopeless, so most inputs are signed here, by keys derived a
 * second time as the header describes them: what stands behind the signature gets any octets too.
 */
#include "core/token.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include "fuzz.h"

#define NOW apr_time_from_sec(1760000000)

static const char secret[] = "the first secret of the fuzz targets";
static const char old_secret[] = "an older secret of the fuzz targets";

static void derive(unsigned char *out, size_t size, const char *of, const char *label)
{
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(hkdf);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
                           OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (char *)of, strlen(of)),
                           OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (char *)label, strlen(label)),
                           OSSL_PARAM_construct_end()};

    HOLDS(EVP_KDF_derive(ctx, out, size, params) > 0);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(hkdf);
}

/* payload "." mac, by the secret's key for sessions */
static const char *sign(const char *payload, apr_size_t *len, const char *by, apr_pool_t *pool)
{
    unsigned char key[32], mac[32];
    char *text = apr_palloc(pool, *len + 45);

    derive(key, sizeof(key), by, "chatsession v1 session");
    HOLDS(HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)payload, *len, mac, NULL));
    memcpy(text, payload, *len);
    text[*len] = '.';
    memcpy(text + *len + 1, cs_base64url_encode(mac, sizeof(mac), pool), 44);
    *len += 44;
    return text;
}

static const char *header_of(const char *by, apr_pool_t *pool)
{
    unsigned char id[6];

    derive(id, sizeof(id), by, "chatsession v1 key id");
    return apr_pstrcat(pool, "v1.", cs_base64url_encode(id, sizeof(id), pool), ".", NULL);
}

static cs_keyring_t *ring_of(const char *first, const char *second, apr_pool_t *pool)
{
    const char *problem;
    cs_keyring_t *ring;

    HOLDS(cs_keyring_create(&ring, pool) == APR_SUCCESS);
    HOLDS(cs_keyring_add(ring, (const unsigned char *)first, strlen(first), &problem) == APR_SUCCESS);
    HOLDS(cs_keyring_add(ring, (const unsigned char *)second, strlen(second), &problem) == APR_SUCCESS);
    return ring;
}

/* A token that is taken has one spelling: minted again it is the same text. */
static void verify(const cs_keyring_t *ring, const char *text, apr_size_t len, bool is_signed, apr_pool_t *pool)
{
    static const cs_token_t zero;
    const apr_interval_time_t max_age = apr_time_from_sec(3600);
    const char *minted;
    cs_token_t token, again;
    apr_status_t rv;

    memset(&token, 0x5A, sizeof(token));
    memset(&again, 0xA5, sizeof(again));
    rv = cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, len, NOW, max_age);
    /* A token that is known is what it was. */
    HOLDS(cs_token_verify(&again, ring, CS_PURPOSE_SESSION, text, len, NOW, max_age) == rv);
    HOLDS(memcmp(token.id, again.id, sizeof(token.id)) == 0 && strcmp(token.hash, again.hash) == 0);
    HOLDS(token.issued == again.issued && token.old_key == again.old_key);
    HOLDS(rv == APR_SUCCESS || rv == CS_EMALFORMED || rv == CS_EBADSIG || rv == CS_EEXPIRED);
    HOLDS(rv == APR_SUCCESS || memcmp(&token, &zero, sizeof(token)) == 0);
    HOLDS(!is_signed || rv != CS_EBADSIG);
    if (rv == APR_SUCCESS) {
        HOLDS(token.issued <= NOW + apr_time_from_sec(CS_TOKEN_SKEW) && token.issued + max_age > NOW);
        HOLDS(cs_token_mint(&minted, ring, CS_PURPOSE_SESSION, token.id, token.issued, pool) == APR_SUCCESS);
        HOLDS(token.old_key || (strlen(minted) == len && memcmp(minted, text, len) == 0));
        HOLDS(cs_token_verify(&token, ring, CS_PURPOSE_EXPORT, text, len, NOW, max_age) == CS_EBADSIG);
    }
}

static void verify_by_both(const char *text, apr_size_t len, const cs_keyring_t *ring, const cs_keyring_t *turned)
{
    cs_token_t one, two;
    apr_status_t rv = cs_token_verify(&one, ring, CS_PURPOSE_SESSION, text, len, NOW, 0);

    HOLDS(cs_token_verify(&two, turned, CS_PURPOSE_SESSION, text, len, NOW, 0) == rv);
    if (rv == APR_SUCCESS)
        HOLDS(one.issued == two.issued && memcmp(one.id, two.id, sizeof(one.id)) == 0 && one.old_key != two.old_key);
}

static void base64(const char *text, apr_size_t len, apr_size_t room, apr_pool_t *pool)
{
    const char *encoded = cs_base64url_encode((const unsigned char *)text, len, pool);
    unsigned char *out = malloc(room + 1);
    apr_size_t written = FUZZ_UNSET_SIZE;
    const char *again;

    HOLDS(out);
    if (cs_base64url_decode(out, room, &written, text, len) == APR_SUCCESS) {
        HOLDS(written <= room);
        again = cs_base64url_encode(out, written, pool);
        HOLDS(strlen(again) == len && memcmp(again, text, len) == 0);
    } else {
        HOLDS(written == 0);
    }
    free(out);
    out = malloc(len + 1);
    HOLDS(out && cs_base64url_decode(out, len, &written, encoded, strlen(encoded)) == APR_SUCCESS);
    HOLDS(written == len && memcmp(out, text, len) == 0);
    free(out);
}

static void seal(const cs_keyring_t *ring, const char *text, apr_pool_t *pool)
{
    const char *sealed = FUZZ_UNSET, *opened = FUZZ_UNSET;

    if (cs_unseal(&opened, ring, CS_PURPOSE_EXPORT, text, pool) != APR_SUCCESS)
        HOLDS(!opened);
    HOLDS(cs_seal(&sealed, ring, CS_PURPOSE_EXPORT, text, pool) == APR_SUCCESS);
    HOLDS(cs_unseal(&opened, ring, CS_PURPOSE_EXPORT, sealed, pool) == APR_SUCCESS && !strcmp(opened, text));
    HOLDS(cs_unseal(&opened, ring, CS_PURPOSE_DEVICE, sealed, pool) == CS_EBADSIG && !opened);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    cs_keyring_t *ring = ring_of(secret, old_secret, pool);
    const char *header = header_of(secret, pool);
    fuzz_reader_t reader = {bytes, bytes + len};
    const unsigned char kind = fuzz_octet(&reader);
    const char *text = reader.at;
    apr_size_t size = fuzz_left(&reader);

    switch (kind % 6) {
    case 0: /* as it came */
        verify(ring, text, size, false, pool);
        break;
    case 1: /* any octets, signed */
        text = apr_pstrcat(pool, header, apr_pstrmemdup(pool, text, size), NULL);
        size = strlen(text);
        text = sign(text, &size, secret, pool);
        verify(ring, text, size, true, pool);
        break;
    case 2: /* the same under either secret, whichever stands first */
        text = apr_pstrcat(pool, header, apr_pstrmemdup(pool, text, size), NULL);
        size = strlen(text);
        text = sign(text, &size, secret, pool);
        verify_by_both(text, size, ring, ring_of(old_secret, secret, pool));
        break;
    case 3:
        base64(text, size, kind / 6, pool);
        break;
    case 4:
        base64(text, size, size, pool);
        break;
    default:
        seal(ring, apr_pstrmemdup(pool, text, size), pool);
    }
}
