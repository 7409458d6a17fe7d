/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SHA256_H
#define CS_SHA256_H
/* SHA-256 as it is stored and shown: in lower-case hex. */
#include <apr_pools.h>
#include <openssl/evp.h>

/** The digest of len octets: 64 characters in pool. NULL only when OpenSSL has no SHA-256 to give. */
const char *cs_sha256_hex(const void *bytes, apr_size_t len, apr_pool_t *pool);

/** A digest of what comes piece by piece, for EVP_DigestUpdate; it goes with pool. APR_SUCCESS or APR_ENOMEM. */
apr_status_t cs_sha256_begin(EVP_MD_CTX **digest, apr_pool_t *pool);

/** Of all that digest was given until now and of len octets more, as cs_sha256_hex; digest goes on as it was. */
const char *cs_sha256_so_far(const EVP_MD_CTX *digest, const void *more, apr_size_t len, apr_pool_t *pool);

#endif
