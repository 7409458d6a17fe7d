/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/sha256.h"
#include <apr_escape.h>

#define DIGEST_BYTES 32

const char *cs_sha256_hex(const void *bytes, apr_size_t len, apr_pool_t *pool)
{
    unsigned char digest[DIGEST_BYTES];

    return EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) ? apr_pescape_hex(pool, digest, sizeof(digest), 0)
                                                                    : NULL;
}

static apr_status_t free_digest(void *digest)
{
    EVP_MD_CTX_free(digest);
    return APR_SUCCESS;
}

apr_status_t cs_sha256_begin(EVP_MD_CTX **digest, apr_pool_t *pool)
{
    *digest = EVP_MD_CTX_new();
    apr_pool_cleanup_register(pool, *digest, free_digest, apr_pool_cleanup_null);
    return *digest && EVP_DigestInit_ex(*digest, EVP_sha256(), NULL) ? APR_SUCCESS : APR_ENOMEM;
}

const char *cs_sha256_so_far(const EVP_MD_CTX *digest, const void *more, apr_size_t len, apr_pool_t *pool)
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    unsigned char sum[DIGEST_BYTES];
    const int done = copy && EVP_MD_CTX_copy_ex(copy, digest) && EVP_DigestUpdate(copy, more, len) &&
                     EVP_DigestFinal_ex(copy, sum, NULL);

    EVP_MD_CTX_free(copy);
    return done ? apr_pescape_hex(pool, sum, sizeof(sum), 0) : NULL;
}
