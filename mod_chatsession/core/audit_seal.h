/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_AUDIT_SEAL_H
#define CS_AUDIT_SEAL_H
/*
 * The seal of an audit entry: HMAC-SHA256 over the seal of the entry before it (lower-case hex, "" for the first), a
 * line feed, and the entry's text. The key is derived from a secret for this purpose alone and has an id that says
 * which secret it came from and nothing more. What the database holds does not suffice to make a seal.
 */
#include <apr_pools.h>
#include "core/status.h"

#define CS_AUDIT_SEAL_BYTES 32
#define CS_AUDIT_SEAL_HEX 64

/** A key; the first of a list seals, all verify. */
typedef struct cs_audit_key cs_audit_key_t;
struct cs_audit_key {
    unsigned char key[CS_AUDIT_SEAL_BYTES];
    char id[17];
    cs_audit_key_t *next;
};

/** The key that a secret stands for, in pool. */
apr_status_t cs_audit_key_make(cs_audit_key_t **key, const unsigned char *secret, apr_size_t len,
                               apr_pool_t *pool) CS_MUSTCHECK;

/** The key of that id in a list (may be NULL), or NULL. */
const cs_audit_key_t *cs_audit_key_find(const cs_audit_key_t *keys, const char *id);

/** The seal as lower-case hex into hex (CS_AUDIT_SEAL_HEX + 1 octets). */
apr_status_t cs_audit_seal(char *hex, const cs_audit_key_t *key, const char *before, const char *text, apr_size_t len,
                           apr_pool_t *pool) CS_MUSTCHECK;

#endif
