/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_AUDIT_H
#define CS_STORE_AUDIT_H
/*
 * What operators did. An entry is written in the transaction of the deed, before its data leave: no entry, no data.
 */
#include "store/db.h"

typedef struct {
    const char *operator_name;
    const char *role;
    const char *action;          /* noun.verb, such as conversation.read */
    const char *conversation_id; /* these four may be NULL */
    const char *target_user;
    const char *reason;
    const char *network;
    const char *request_id;
    json_t *detail; /* borrowed; NULL: nothing more to say */
} cs_audit_entry_t;

/** Inside the transaction of the deed. */
apr_status_t cs_audit_add(cs_db_tx_t *tx, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Alone: for a deed whose data are streamed afterwards. */
apr_status_t cs_audit_write(cs_db_t *db, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** A page of entries, newest first, before seq (0: from the newest); *next is the seq to go on before, 0 at the end.
 * New reference. */
apr_status_t cs_audit_list(json_t **entries, apr_int64_t *next, cs_db_t *db, apr_int64_t before, int limit,
                           apr_pool_t *pool) CS_MUSTCHECK;

#endif
