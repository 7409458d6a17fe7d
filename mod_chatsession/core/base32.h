/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_BASE32_H
#define CS_BASE32_H
/* Base32 (RFC 4648, section 6) without padding: octets that people type, from 32 characters that are not taken for each
 * other. */
#include <apr_pools.h>
#include "core/status.h"

/** Upper-case base32 of len octets, in pool. */
const char *cs_base32_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *pool);

/**
 * The reverse, as people type it: either case, spaces and hyphens anywhere. CS_EMALFORMED unless text spells exactly
 * len octets.
 */
apr_status_t cs_base32_decode(unsigned char *out, apr_size_t len, const char *text) CS_MUSTCHECK;

#endif
