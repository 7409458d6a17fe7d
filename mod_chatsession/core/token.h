/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TOKEN_H
#define CS_TOKEN_H
/*
 * Signed tokens: what a cookie holds. A token is
 *
 *     v1.<key id>.<id>.<issued>.<mac>
 *
 * with id = 32 random bytes, issued = seconds since 1970 in decimal without leading zeros, mac = HMAC-SHA256 over
 * everything before the last dot under a key derived from the secret for one purpose (HKDF-SHA256, RFC 5869, info =
 * "chatsession v1 " + purpose). id and mac are base64url without padding in their one canonical spelling (the spare
 * bits of the last character are 0). At most CS_TOKEN_MAX octets.
 *
 * The MAC is checked in constant time before anything but the key id is interpreted (ASVS 5.0 9.1.1, 11.2.4). The key
 * id says which secret signed; it is derived from the secret, so an administrator names none. A token that was found
 * authentic is known again (core/token_memo.h), and then only its time is judged.
 */
#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>
#include "core/status.h"

#define CS_TOKEN_ID_BYTES 32
#define CS_TOKEN_HASH_CHARS 64
#define CS_TOKEN_MAX 512
/** A secret's length in bytes: shorter ones are refused (ASVS 5.0 11.2.3). */
#define CS_SECRET_MIN 32
#define CS_SECRET_MAX 4096
/** What stands in the sample configuration in the place of a secret; no secret may contain it. */
#define CS_SECRET_SAMPLE "sample secret: replace me with output of openssl rand"
/** Tokens from the future are refused beyond this, in seconds: clocks of several hosts differ a little. */
#define CS_TOKEN_SKEW 60

typedef enum {
    CS_PURPOSE_SESSION = 0, /* the session cookie */
    CS_PURPOSE_EXPORT,      /* a download link */
    CS_PURPOSE_DEVICE,      /* the cookie of a browser that logged in before */
    CS_PURPOSE_CIPHER,      /* no token: the keys of core/cipher.h */
    CS_PURPOSE_VISITOR,     /* the session cookie of a visitor whose session lives in a cache (socache.h) */
    CS_PURPOSE_COUNT
} cs_purpose_e;

/** Secrets in order: the first signs, all verify. Nothing but its memo changes once it is built; safe to share between
 * threads. */
typedef struct cs_keyring cs_keyring_t;

typedef struct {
    unsigned char id[CS_TOKEN_ID_BYTES];
    char hash[CS_TOKEN_HASH_CHARS + 1]; /* as cs_token_hash gives it */
    apr_time_t issued;                  /* whole seconds */
    bool old_key;                       /* signed by a secret that is not the first: sign anew */
} cs_token_t;

/** An empty ring in pool; keys are wiped when the pool goes. */
apr_status_t cs_keyring_create(cs_keyring_t **ring, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Append one secret. CS_EREFUSED with a sentence in *problem (static text) when it is shorter than CS_SECRET_MIN,
 * longer than CS_SECRET_MAX, the sample's, one repeated byte, or already in the ring.
 */
apr_status_t cs_keyring_add(cs_keyring_t *ring, const unsigned char *secret, apr_size_t len,
                            const char **problem) CS_MUSTCHECK;

/** How many secrets the ring holds. */
int cs_keyring_count(const cs_keyring_t *ring);

/** The public key id of secret number index, for display; NULL past the end. */
const char *cs_keyring_id(const cs_keyring_t *ring, int index);

/** HMAC-SHA256 of bytes by secret number index under the purpose of core/cipher.h, which makes its keys so. */
#define CS_KEYRING_MAC_BYTES 32
apr_status_t cs_keyring_mac(unsigned char mac[CS_KEYRING_MAC_BYTES], const cs_keyring_t *ring, int index,
                            const unsigned char *bytes, apr_size_t len) CS_MUSTCHECK;

/** Fill id with bytes of OpenSSL's CSPRNG (ASVS 5.0 7.2.3, 11.5.1). */
apr_status_t cs_token_random(unsigned char *bytes, apr_size_t len) CS_MUSTCHECK;

/** The text of a token signed by the first secret, in pool. APR_ENOENT when the ring is empty. */
apr_status_t cs_token_mint(const char **text, const cs_keyring_t *ring, cs_purpose_e purpose,
                           const unsigned char id[CS_TOKEN_ID_BYTES], apr_time_t issued, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Check text (len octets, any bytes, need not be NUL-terminated). APR_SUCCESS and *token; CS_EMALFORMED; CS_EBADSIG
 * (also: unknown key id); CS_EEXPIRED when issued lies more than CS_TOKEN_SKEW ahead of now, or when max_age > 0 and
 * issued + max_age <= now. *token is zeroed on failure.
 */
apr_status_t cs_token_verify(cs_token_t *token, const cs_keyring_t *ring, cs_purpose_e purpose, const char *text,
                             apr_size_t len, apr_time_t now, apr_interval_time_t max_age) CS_MUSTCHECK;

/** Lower-case hex SHA-256 of id: the only form in which a session's id is stored (ASVS 5.0 14.1.1). 64 characters in
 * pool; NULL only when OpenSSL has no SHA-256 to give. */
const char *cs_token_hash(const unsigned char id[CS_TOKEN_ID_BYTES], apr_pool_t *pool);

/** base64url without padding of len bytes, in pool. */
const char *cs_base64url_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *pool);

/** The reverse into out (size octets); CS_EMALFORMED unless text is the canonical spelling of *written <= size bytes.
 */
apr_status_t cs_base64url_decode(unsigned char *out, apr_size_t size, apr_size_t *written, const char *text,
                                 apr_size_t len) CS_MUSTCHECK;

/**
 * A keyed seal around a short text (a download link, a known browser's name): base64url(text) + "." + mac, purposes
 * apart as above. Unseal: CS_EMALFORMED, CS_EBADSIG, or APR_SUCCESS and the text in pool.
 */
apr_status_t cs_seal(const char **sealed, const cs_keyring_t *ring, cs_purpose_e purpose, const char *text,
                     apr_pool_t *pool) CS_MUSTCHECK;
apr_status_t cs_unseal(const char **text, const cs_keyring_t *ring, cs_purpose_e purpose, const char *sealed,
                       apr_pool_t *pool) CS_MUSTCHECK;

#endif
