/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_CIPHER_H
#define CS_CIPHER_H
/*
 * Secrets that must be read again, kept so that who has the database alone cannot: AES-256-GCM under a key that hangs
 * on the keyring's secret. Each text has a key of its own, the MAC of 16 random octets under the purpose's key, so the
 * ring keeps no key outside of OpenSSL's contexts and no number of texts wears one out.
 *
 *     base64url(version 1, salt 16, iv 12, ciphertext, tag 16)
 *
 * context is what the text belongs to (whose it is); it is authenticated and not stored, so a text that was moved to
 * another row does not open.
 */
#include <apr_pools.h>
#include "core/token.h"

typedef struct {
    unsigned char *bytes; /* in the pool given; wiped with it */
    apr_size_t len;
    bool old_key; /* sealed by a secret that is not the first: seal it anew */
} cs_opened_t;

/** Seal by the first secret. APR_ENOENT when the ring is empty. */
apr_status_t cs_cipher_seal(const char **sealed, const cs_keyring_t *ring, const char *context,
                            const unsigned char *bytes, apr_size_t len, apr_pool_t *pool) CS_MUSTCHECK;

/** Open by whichever secret sealed. CS_EMALFORMED: it is no sealed text; CS_EBADSIG: none of the secrets opens it, or
 * it belongs to another context. */
apr_status_t cs_cipher_open(cs_opened_t *opened, const cs_keyring_t *ring, const char *context, const char *sealed,
                            apr_pool_t *pool) CS_MUSTCHECK;

#endif
