/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_RECOVERY_CODE_H
#define CS_RECOVERY_CODE_H
/*
 * What lets somebody in once who has lost their authenticator: 120 random bits, written as 24 characters of base32 in
 * groups of four. That is more than 112 bits, so a plain SHA-256 is all that needs to be stored (ASVS 5.0 6.5.2).
 */
#include <apr_pools.h>
#include "core/status.h"

#define CS_RECOVERY_CODES 10

/** A new code, and the hash to be stored (64 lower-case hex digits), in pool. */
apr_status_t cs_recovery_code_make(const char **code, const char **hash, apr_pool_t *pool) CS_MUSTCHECK;

/** The hash of a code as typed: in either case, with or without hyphens and spaces. CS_EMALFORMED: it is none. */
apr_status_t cs_recovery_code_hash(const char **hash, const char *code, apr_pool_t *pool) CS_MUSTCHECK;

#endif
