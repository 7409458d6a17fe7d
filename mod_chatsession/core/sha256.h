/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SHA256_H
#define CS_SHA256_H
/* SHA-256 as it is stored and shown: in lower-case hex. */
#include <apr_pools.h>

/** The digest of len octets: 64 characters in pool. NULL only when OpenSSL has no SHA-256 to give. */
const char *cs_sha256_hex(const void *bytes, apr_size_t len, apr_pool_t *pool);

#endif
