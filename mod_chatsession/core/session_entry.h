/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_ENTRY_H
#define CS_SESSION_ENTRY_H
/*
 * What a cache holds of a session: several entries, each written whole, because a cache can neither lock nor compare
 * and set. The session itself is written when it begins and once more when it ends; when it was last used and each
 * value stand in entries of their own, so that nobody who writes one of them writes over another or brings an ended
 * session back. The names of a session's values stand in one entry for each host that writes.
 *
 * A cache may give back anything, or nothing: what is not exactly as it was written is CS_EMALFORMED.
 */
#include <apr_tables.h>
#include "core/session.h"
#include "core/status.h"

/** The longest entry. */
#define CS_SESSION_ENTRY_MAX 16384
#define CS_SESSION_ENTRY_KEY_BYTES 32

typedef enum {
    CS_ENTRY_SESSION = 's', /* who it is */
    CS_ENTRY_USED = 'u',    /* when it was last used */
    CS_ENTRY_NAMES = 'n',   /* names of its values, as one host wrote them */
    CS_ENTRY_VALUE = 'v'
} cs_session_entry_e;

typedef struct {
    const char *ref;
    apr_time_t created;
    apr_time_t revoked; /* 0: not; then cause is "-" */
    const char *cause;
} cs_session_entry_t;

/** The key of an entry: a hash, because some caches take few octets and others look at the first ones only to find a
 * place. part: which name or host; "" where there is one alone. */
apr_status_t cs_session_entry_key(unsigned char key[CS_SESSION_ENTRY_KEY_BYTES], cs_session_entry_e kind,
                                  const char *id_hash, const char *part) CS_MUSTCHECK;

/** len octets of text, any bytes, into *entry; strings in pool. */
const char *cs_session_entry_print(const cs_session_entry_t *entry, apr_pool_t *pool);
apr_status_t cs_session_entry_parse(cs_session_entry_t *entry, const char *text, apr_size_t len,
                                    apr_pool_t *pool) CS_MUSTCHECK;

const char *cs_session_entry_print_used(apr_time_t used, apr_pool_t *pool);
apr_status_t cs_session_entry_parse_used(apr_time_t *used, const char *text, apr_size_t len) CS_MUSTCHECK;

/** names: of const char *, each one that cs_session_entry_is_name takes. */
const char *cs_session_entry_print_names(const apr_array_header_t *names, apr_pool_t *pool);
apr_status_t cs_session_entry_parse_names(apr_array_header_t **names, const char *text, apr_size_t len,
                                          apr_pool_t *pool) CS_MUSTCHECK;

/** value NULL: it was removed, which reads as APR_ENOENT. */
const char *cs_session_entry_print_value(const char *value, apr_pool_t *pool);
apr_status_t cs_session_entry_parse_value(const char **value, const char *text, apr_size_t len,
                                          apr_pool_t *pool) CS_MUSTCHECK;

/** 1 to 64 of A-Z a-z 0-9 _ . - */
bool cs_session_entry_is_name(const char *name);

#endif
