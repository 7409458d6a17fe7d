/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Everything that depends on the secret alone is done once, in cs_keyring_add: the keys are derived and each purpose
 * gets the two digests with which its HMACs begin. To sign or verify, a thread copies these, so nothing shared is
 * written. The keys themselves are not kept: OpenSSL holds what came of them in the digests and wipes it with these.
 *
 * HMAC is put together here (RFC 2104) because a request waits for it: OpenSSL's own takes twice the time, most of it
 * for looking SHA-256 up by its name and for copies of contexts.
 *
 * Bytes are compared by CRYPTO_memcmp alone, also where nothing is secret, so that no reader has to tell the cases
 * apart.
 */
#include "core/token.h"

#include <string.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include "core/sha256.h"
#include "core/token_memo.h"

#define VERSION "v1."
#define VERSION_LEN 3
#define MAC_BYTES 32
#define MAC_CHARS 43 /* of base64url */
#define ID_CHARS 43
#define KEY_ID_BYTES 6
#define KEY_ID_CHARS 8
#define KEY_BYTES 32
#define BLOCK_BYTES 64 /* of SHA-256 */
/* The octets before the id: version, key id and their dots. */
#define ID_AT (VERSION_LEN + KEY_ID_CHARS + 1)
/* More digits than this are no apr_time_t in seconds. */
#define ISSUED_DIGITS 13

typedef struct signing_key signing_key_t;

typedef struct {
    EVP_MD_CTX *inner, *outer; /* SHA-256 of the key with ipad, and with opad */
} hmac_t;

struct signing_key {
    signing_key_t *next;
    char id[KEY_ID_CHARS + 1];
    hmac_t mac[CS_PURPOSE_COUNT];
};

struct cs_keyring {
    apr_pool_t *pool;
    EVP_MD *sha256;
    EVP_KDF *hkdf;
    signing_key_t *first;
    int count;
    cs_token_memo_t *memo; /* NULL: OpenSSL has no SipHash, so each token is verified anew */
};

static const char *const purpose_labels[CS_PURPOSE_COUNT] = {"session", "export", "device", "cipher", "visitor"};

/* ---- base64url ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Writes the characters and a NUL to out. */
static void encode(char *out, const unsigned char *bytes, apr_size_t len)
{
    unsigned int held = 0;
    int bits = 0;
    apr_size_t at;

    for (at = 0; at < len; at++) {
        held = (held << 8 | bytes[at]) & 0xFFFF;
        for (bits += 8; bits >= 6; bits -= 6)
            *out++ = alphabet[held >> (bits - 6) & 63];
    }
    if (bits)
        *out++ = alphabet[held << (6 - bits) & 63];
    *out = '\0';
}

/* A character's place in the alphabet, plus 1. */
static const unsigned char places[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static apr_size_t encoded_len(apr_size_t len)
{
    return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
}

const char *cs_base64url_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, encoded_len(len) + 1);

    encode(text, bytes, len);
    return text;
}

apr_status_t cs_base64url_decode(unsigned char *out, apr_size_t size, apr_size_t *written, const char *text,
                                 apr_size_t len)
{
    const apr_size_t wanted = len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
    unsigned int held = 0;
    int bits = 0;
    apr_size_t at;

    *written = 0;
    if (len % 4 == 1 || wanted > size)
        return CS_EMALFORMED;
    for (at = 0; at < len; at++) {
        const unsigned int place = places[(unsigned char)text[at]];

        if (!place)
            return CS_EMALFORMED;
        held = (held << 6 | (place - 1)) & 0xFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (unsigned char)(held >> bits);
        }
    }
    /* The spare bits of the last character are 0 in the canonical spelling. */
    if (held & ((1U << bits) - 1))
        return CS_EMALFORMED;
    *written = wanted;
    return APR_SUCCESS;
}

/* ---- the ring ---- */

static void key_free(signing_key_t *key)
{
    int purpose;

    for (purpose = 0; purpose < CS_PURPOSE_COUNT; purpose++) {
        EVP_MD_CTX_free(key->mac[purpose].inner);
        EVP_MD_CTX_free(key->mac[purpose].outer);
    }
}

static apr_status_t ring_free(void *data)
{
    cs_keyring_t *ring = data;
    signing_key_t *key;

    for (key = ring->first; key; key = key->next)
        key_free(key);
    ring->first = NULL;
    ring->count = 0;
    EVP_KDF_free(ring->hkdf);
    EVP_MD_free(ring->sha256);
    return APR_SUCCESS;
}

apr_status_t cs_keyring_create(cs_keyring_t **ring, apr_pool_t *pool)
{
    cs_keyring_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    *ring = NULL;
    made->pool = pool;
    made->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    made->hkdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    apr_pool_cleanup_register(pool, made, ring_free, apr_pool_cleanup_null);
    if (!made->sha256 || !made->hkdf)
        return APR_EGENERAL;
    rv = cs_token_memo_create(&made->memo, pool);
    if (rv != APR_SUCCESS && rv != APR_ENOTIMPL)
        return rv;
    *ring = made;
    return APR_SUCCESS;
}

/** HKDF-SHA256 of secret for "chatsession v1 " + label. */
static apr_status_t derive(unsigned char *out, apr_size_t size, const cs_keyring_t *ring, const unsigned char *secret,
                           apr_size_t len, const char *label)
{
    char info[64];
    OSSL_PARAM params[4];
    EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(ring->hkdf);
    int done = 0;

    apr_snprintf(info, sizeof(info), "chatsession v1 %s", label);
    /* The parameters are only read; OSSL_PARAM has no const form. */
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (unsigned char *)secret, len);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(info));
    params[3] = OSSL_PARAM_construct_end();
    if (kdf)
        done = EVP_KDF_derive(kdf, out, size, params) > 0;
    EVP_KDF_CTX_free(kdf);
    return done ? APR_SUCCESS : APR_EGENERAL;
}

/** A digest that has begun with the key, each octet of it and of the block's rest altered by pad. */
static EVP_MD_CTX *padded(const cs_keyring_t *ring, const unsigned char key[KEY_BYTES], unsigned char pad)
{
    unsigned char block[BLOCK_BYTES];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    apr_size_t at;

    for (at = 0; at < BLOCK_BYTES; at++)
        block[at] = (unsigned char)((at < KEY_BYTES ? key[at] : 0) ^ pad);
    if (ctx && (!EVP_DigestInit_ex2(ctx, ring->sha256, NULL) || !EVP_DigestUpdate(ctx, block, sizeof(block)))) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    OPENSSL_cleanse(block, sizeof(block));
    return ctx;
}

/** How HMACs of one purpose begin. */
static apr_status_t keyed_mac(hmac_t *mac, const cs_keyring_t *ring, const unsigned char *secret, apr_size_t len,
                              const char *label)
{
    unsigned char key[KEY_BYTES];
    apr_status_t rv = derive(key, sizeof(key), ring, secret, len, label);

    if (rv == APR_SUCCESS) {
        mac->inner = padded(ring, key, 0x36);
        mac->outer = padded(ring, key, 0x5C);
        rv = mac->inner && mac->outer ? APR_SUCCESS : APR_EGENERAL;
    }
    OPENSSL_cleanse(key, sizeof(key));
    return rv;
}

static bool holds_sample(const unsigned char *secret, apr_size_t len)
{
    return memmem(secret, len, CS_SECRET_SAMPLE, sizeof(CS_SECRET_SAMPLE) - 1) != NULL;
}

static bool is_one_byte(const unsigned char *secret, apr_size_t len)
{
    return CRYPTO_memcmp(secret, secret + 1, len - 1) == 0;
}

static const char *secret_problem(const unsigned char *secret, apr_size_t len)
{
    if (len < CS_SECRET_MIN)
        return "The secret is shorter than 32 bytes; make one with: openssl rand -base64 48";
    if (len > CS_SECRET_MAX)
        return "The secret is longer than 4096 bytes; make one with: openssl rand -base64 48";
    if (holds_sample(secret, len))
        return "The secret is the one of the sample, which everybody knows; make one with: openssl rand -base64 48";
    if (is_one_byte(secret, len))
        return "The secret is one byte repeated; make one with: openssl rand -base64 48";
    return NULL;
}

static signing_key_t *find_key(const cs_keyring_t *ring, const char *id)
{
    signing_key_t *key;

    for (key = ring->first; key; key = key->next) {
        if (CRYPTO_memcmp(key->id, id, KEY_ID_CHARS) == 0)
            return key;
    }
    return NULL;
}

static apr_status_t key_make(signing_key_t *key, const cs_keyring_t *ring, const unsigned char *secret, apr_size_t len)
{
    unsigned char id[KEY_ID_BYTES];
    apr_status_t rv = derive(id, sizeof(id), ring, secret, len, "key id");
    int purpose;

    for (purpose = 0; purpose < CS_PURPOSE_COUNT && rv == APR_SUCCESS; purpose++)
        rv = keyed_mac(&key->mac[purpose], ring, secret, len, purpose_labels[purpose]);
    if (rv == APR_SUCCESS)
        encode(key->id, id, sizeof(id));
    return rv;
}

apr_status_t cs_keyring_add(cs_keyring_t *ring, const unsigned char *secret, apr_size_t len, const char **problem)
{
    signing_key_t *key, **last = &ring->first;
    apr_status_t rv;

    if ((*problem = secret_problem(secret, len)))
        return CS_EREFUSED;
    key = apr_pcalloc(ring->pool, sizeof(*key));
    if ((rv = key_make(key, ring, secret, len)) != APR_SUCCESS) {
        *problem = "OpenSSL could not derive the keys: HKDF or HMAC with SHA-256 is not available.";
        goto cleanup;
    }
    /* A token names its key by the id, so two keys must never share one. */
    if (find_key(ring, key->id)) {
        *problem = "The same secret is listed twice; remove one of the two.";
        rv = CS_EREFUSED;
        goto cleanup;
    }
    while (*last)
        last = &(*last)->next;
    *last = key;
    ring->count++;
    return APR_SUCCESS;

cleanup:
    key_free(key);
    return rv;
}

int cs_keyring_count(const cs_keyring_t *ring)
{
    return ring->count;
}

static const signing_key_t *key_at(const cs_keyring_t *ring, int index)
{
    const signing_key_t *key = index < 0 ? NULL : ring->first;

    while (key && index-- > 0)
        key = key->next;
    return key;
}

const char *cs_keyring_id(const cs_keyring_t *ring, int index)
{
    const signing_key_t *key = key_at(ring, index);

    return key ? key->id : NULL;
}

/* ---- tokens ---- */

static bool is_purpose(cs_purpose_e purpose)
{
    return (unsigned int)purpose < CS_PURPOSE_COUNT;
}

static apr_status_t sign(unsigned char mac[MAC_BYTES], const signing_key_t *key, cs_purpose_e purpose, const char *text,
                         apr_size_t len)
{
    const hmac_t *hmac = &key->mac[purpose];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool done = ctx && EVP_MD_CTX_copy_ex(ctx, hmac->inner) && EVP_DigestUpdate(ctx, text, len) &&
                      EVP_DigestFinal_ex(ctx, mac, NULL) && EVP_MD_CTX_copy_ex(ctx, hmac->outer) &&
                      EVP_DigestUpdate(ctx, mac, MAC_BYTES) && EVP_DigestFinal_ex(ctx, mac, NULL);

    EVP_MD_CTX_free(ctx);
    return done ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t cs_keyring_mac(unsigned char mac[CS_KEYRING_MAC_BYTES], const cs_keyring_t *ring, int index,
                            const unsigned char *bytes, apr_size_t len)
{
    const signing_key_t *key = key_at(ring, index);

    return key ? sign(mac, key, CS_PURPOSE_CIPHER, (const char *)bytes, len) : APR_ENOENT;
}

/** APR_SUCCESS when mac (MAC_CHARS characters) signs the len octets of text; CS_EMALFORMED, CS_EBADSIG. */
static apr_status_t check(const signing_key_t *key, cs_purpose_e purpose, const char *text, apr_size_t len,
                          const char *mac)
{
    unsigned char given[MAC_BYTES], wanted[MAC_BYTES];
    apr_size_t written;
    apr_status_t rv;

    if ((rv = cs_base64url_decode(given, sizeof(given), &written, mac, MAC_CHARS)) != APR_SUCCESS)
        return rv;
    if ((rv = sign(wanted, key, purpose, text, len)) != APR_SUCCESS)
        return rv;
    rv = CRYPTO_memcmp(given, wanted, sizeof(wanted)) == 0 ? APR_SUCCESS : CS_EBADSIG;
    OPENSSL_cleanse(wanted, sizeof(wanted));
    return rv;
}

apr_status_t cs_token_random(unsigned char *bytes, apr_size_t len)
{
    if (RAND_bytes_ex(NULL, bytes, len, 0) != 1) {
        OPENSSL_cleanse(bytes, len);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/** text + "." + its mac, in pool. */
static apr_status_t append_mac(const char **signed_text, const signing_key_t *key, cs_purpose_e purpose,
                               const char *text, apr_pool_t *pool)
{
    unsigned char mac[MAC_BYTES];
    char mac_text[MAC_CHARS + 1];
    apr_status_t rv = sign(mac, key, purpose, text, strlen(text));

    if (rv != APR_SUCCESS)
        return rv;
    encode(mac_text, mac, sizeof(mac));
    *signed_text = apr_pstrcat(pool, text, ".", mac_text, NULL);
    return APR_SUCCESS;
}

apr_status_t cs_token_mint(const char **text, const cs_keyring_t *ring, cs_purpose_e purpose,
                           const unsigned char id[CS_TOKEN_ID_BYTES], apr_time_t issued, apr_pool_t *pool)
{
    char id_text[ID_CHARS + 1], payload[128];

    *text = NULL;
    if (!is_purpose(purpose) || issued < 0)
        return APR_EINVAL;
    if (!ring->first)
        return APR_ENOENT;
    encode(id_text, id, CS_TOKEN_ID_BYTES);
    apr_snprintf(payload, sizeof(payload), VERSION "%s.%s.%" APR_TIME_T_FMT, ring->first->id, id_text,
                 apr_time_sec(issued));
    return append_mac(text, ring->first, purpose, payload, pool);
}

/** Seconds in decimal without sign, leading zeros or anything else. */
static apr_status_t read_issued(apr_time_t *issued, const char *text, apr_size_t len)
{
    apr_time_t seconds = 0;
    apr_size_t at;

    if (!len || len > ISSUED_DIGITS || (len > 1 && text[0] == '0'))
        return CS_EMALFORMED;
    for (at = 0; at < len; at++) {
        if (text[at] < '0' || text[at] > '9')
            return CS_EMALFORMED;
        seconds = seconds * 10 + (text[at] - '0');
    }
    if (seconds > apr_time_sec(APR_INT64_MAX))
        return CS_EMALFORMED;
    *issued = apr_time_from_sec(seconds);
    return APR_SUCCESS;
}

/** What cs_token_hash gives, without looking SHA-256 up. */
static bool hash_id(char text[CS_TOKEN_HASH_CHARS + 1], const cs_keyring_t *ring, const unsigned char *id)
{
    unsigned char digest[CS_TOKEN_HASH_CHARS / 2];

    return EVP_Digest(id, CS_TOKEN_ID_BYTES, digest, NULL, ring->sha256, NULL) &&
           apr_escape_hex(text, digest, sizeof(digest), 0, NULL) == APR_SUCCESS;
}

static apr_status_t read_id(cs_token_t *token, const char *payload)
{
    apr_size_t written;

    return cs_base64url_decode(token->id, sizeof(token->id), &written, payload + ID_AT, ID_CHARS);
}

/** The id with its hash, and the time, of an authentic payload. */
static apr_status_t read_payload(cs_token_t *token, const cs_keyring_t *ring, const char *payload, apr_size_t len)
{
    apr_status_t rv;

    if (len < ID_AT + ID_CHARS + 1 || payload[ID_AT + ID_CHARS] != '.')
        return CS_EMALFORMED;
    if ((rv = read_id(token, payload)) != APR_SUCCESS)
        return rv;
    if (!hash_id(token->hash, ring, token->id))
        return APR_EGENERAL;
    return read_issued(&token->issued, payload + ID_AT + ID_CHARS + 1, len - (ID_AT + ID_CHARS + 1));
}

static bool is_expired(apr_time_t issued, apr_time_t now, apr_interval_time_t max_age)
{
    apr_time_t end;

    if (issued - apr_time_from_sec(CS_TOKEN_SKEW) > now)
        return true;
    return max_age > 0 && !__builtin_add_overflow(issued, max_age, &end) && end <= now;
}

static apr_status_t verify(cs_token_t *token, const cs_keyring_t *ring, cs_purpose_e purpose, const char *text,
                           apr_size_t len)
{
    const apr_size_t tail = MAC_CHARS + 1;
    const signing_key_t *key;
    apr_status_t rv;

    if (!is_purpose(purpose))
        return APR_EINVAL;
    if (len > CS_TOKEN_MAX || len < ID_AT + tail || text[len - tail] != '.')
        return CS_EMALFORMED;
    if (CRYPTO_memcmp(text, VERSION, VERSION_LEN) != 0 || text[ID_AT - 1] != '.')
        return CS_EMALFORMED;
    if (!(key = find_key(ring, text + VERSION_LEN)))
        return CS_EBADSIG;
    if ((rv = check(key, purpose, text, len - tail, text + len - MAC_CHARS)) != APR_SUCCESS)
        return rv;
    token->old_key = key != ring->first;
    return read_payload(token, ring, text, len - tail);
}

/** The same of a token that may be known: text that was verified before is taken as it was then. */
static apr_status_t verify_or_know(cs_token_t *token, const cs_keyring_t *ring, cs_purpose_e purpose, const char *text,
                                   apr_size_t len)
{
    cs_token_tag_t tag;
    const bool tagged = ring->memo && len <= CS_TOKEN_MAX && cs_token_memo_tag(&tag, ring->memo, purpose, text, len);
    apr_status_t rv;

    if (tagged && cs_token_memo_find(token, ring->memo, &tag))
        return read_id(token, text);
    rv = verify(token, ring, purpose, text, len);
    if (tagged && rv == APR_SUCCESS)
        cs_token_memo_keep(ring->memo, &tag, token);
    return rv;
}

apr_status_t cs_token_verify(cs_token_t *token, const cs_keyring_t *ring, cs_purpose_e purpose, const char *text,
                             apr_size_t len, apr_time_t now, apr_interval_time_t max_age)
{
    apr_status_t rv;

    memset(token, 0, sizeof(*token));
    rv = verify_or_know(token, ring, purpose, text, len);
    if (rv == APR_SUCCESS && is_expired(token->issued, now, max_age))
        rv = CS_EEXPIRED;
    if (rv != APR_SUCCESS)
        memset(token, 0, sizeof(*token));
    return rv;
}

const char *cs_token_hash(const unsigned char id[CS_TOKEN_ID_BYTES], apr_pool_t *pool)
{
    return cs_sha256_hex(id, CS_TOKEN_ID_BYTES, pool);
}

/* ---- seals ---- */

apr_status_t cs_seal(const char **sealed, const cs_keyring_t *ring, cs_purpose_e purpose, const char *text,
                     apr_pool_t *pool)
{
    *sealed = NULL;
    if (!is_purpose(purpose))
        return APR_EINVAL;
    if (!ring->first)
        return APR_ENOENT;
    return append_mac(sealed, ring->first, purpose,
                      cs_base64url_encode((const unsigned char *)text, strlen(text), pool), pool);
}

apr_status_t cs_unseal(const char **text, const cs_keyring_t *ring, cs_purpose_e purpose, const char *sealed,
                       apr_pool_t *pool)
{
    const apr_size_t len = strlen(sealed), tail = MAC_CHARS + 1;
    apr_status_t rv = CS_EBADSIG;
    const signing_key_t *key;
    apr_size_t written;
    char *opened;

    *text = NULL;
    if (!is_purpose(purpose))
        return APR_EINVAL;
    if (len < tail || sealed[len - tail] != '.')
        return CS_EMALFORMED;
    /* A seal names no key, so each is tried. */
    for (key = ring->first; key && rv == CS_EBADSIG; key = key->next)
        rv = check(key, purpose, sealed, len - tail, sealed + len - MAC_CHARS);
    if (rv != APR_SUCCESS)
        return rv;
    opened = apr_palloc(pool, len);
    if ((rv = cs_base64url_decode((unsigned char *)opened, len - 1, &written, sealed, len - tail)) != APR_SUCCESS)
        return rv;
    opened[written] = '\0';
    *text = opened;
    return APR_SUCCESS;
}
