/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/sha256.h"
#include <apr_escape.h>
#include <openssl/evp.h>

#define DIGEST_BYTES 32

const char *cs_sha256_hex(const void *bytes, apr_size_t len, apr_pool_t *pool)
{
    unsigned char digest[DIGEST_BYTES];

    return EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) ? apr_pescape_hex(pool, digest, sizeof(digest), 0)
                                                                    : NULL;
}
