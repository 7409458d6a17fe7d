/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/recovery_code.h"
#include <string.h>
#include <openssl/crypto.h>
#include "core/base32.h"
#include "core/sha256.h"
#include "core/token.h"

#define BYTES 15
#define GROUP 4

static apr_status_t hash_of(const char **hash, const unsigned char bytes[BYTES], apr_pool_t *pool)
{
    *hash = cs_sha256_hex(bytes, BYTES, pool);
    return *hash ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t cs_recovery_code_make(const char **code, const char **hash, apr_pool_t *pool)
{
    unsigned char bytes[BYTES];
    const char *plain;
    char *out;
    apr_status_t rv = cs_token_random(bytes, sizeof(bytes));

    *code = NULL;
    *hash = NULL;
    if (rv == APR_SUCCESS) {
        rv = hash_of(hash, bytes, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    plain = cs_base32_encode(bytes, sizeof(bytes), pool);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    *code = out = apr_palloc(pool, 2 * strlen(plain) + 1);
    for (apr_size_t i = 0; plain[i]; i++) {
        if (i && i % GROUP == 0) {
            *out++ = '-';
        }
        *out++ = plain[i];
    }
    *out = '\0';
    return APR_SUCCESS;
}

apr_status_t cs_recovery_code_hash(const char **hash, const char *code, apr_pool_t *pool)
{
    unsigned char bytes[BYTES];
    apr_status_t rv = cs_base32_decode(bytes, sizeof(bytes), code);

    *hash = NULL;
    return rv == APR_SUCCESS ? hash_of(hash, bytes, pool) : rv;
}
