/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_AUDIT_H
#define CS_STORE_AUDIT_H
/*
 * What operators did. An entry is written in the transaction of the deed, before its data leave: no entry, no data.
 * Entries form a chain (core/audit_seal.h): writing one waits for the one before it to be committed, so it comes last
 * in its transaction. (An erasure's certificate, which names the entry, is read after it.)
 */
#include "core/audit_seal.h"
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
    json_t *detail;             /* borrowed; NULL: nothing more to say */
    const cs_audit_key_t *keys; /* the first seals it; NULL: it is not sealed */
} cs_audit_entry_t;

/** Inside the transaction of the deed. */
apr_status_t cs_audit_add(cs_db_tx_t *tx, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Alone: for a deed whose data are streamed afterwards. */
apr_status_t cs_audit_write(cs_db_t *db, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Which entries; each NULL: all. */
typedef struct {
    const char *operator_name;   /* as it is written there */
    const char *action;          /* noun.verb, or the noun alone */
    const char *from, *to;       /* RFC 3339, checked by the caller */
    const char *conversation_id; /* a UUID, checked by the caller */
    const char *target_user;     /* in any spelling */
} cs_audit_filter_t;

/** A page of entries, newest first, before seq (0: from the newest); *next is the seq to go on before, 0 at the end.
 * New reference. */
apr_status_t cs_audit_list(json_t **entries, apr_int64_t *next, cs_db_t *db, const cs_audit_filter_t *filter,
                           apr_int64_t before, int limit, apr_pool_t *pool) CS_MUSTCHECK;

/** Walk all that match, oldest first, as JSON lines with their seals, after entry has been committed. */
apr_status_t cs_audit_export(cs_db_t *db, const cs_audit_filter_t *filter, const cs_audit_entry_t *entry,
                             cs_db_row_cb *row, apr_status_t (*flush)(void *baton), void *baton,
                             apr_pool_t *pool) CS_MUSTCHECK;

/** The newest sealed entry, and its seal in hex; *seq is 0 when there is none. */
apr_status_t cs_audit_head(apr_int64_t *seq, const char **seal, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** The id of the key that sealed the newest sealed entry; NULL when there is none. */
apr_status_t cs_audit_last_key(const char **key_id, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Verify the chain from its first entry. *report: {"entries","sealed","unsealed_before","problems":[{"seq","problem"}],
 * "head":{"seq","seal"}|null,"ok"}; problem is altered (or the entry before it was taken out), unsealed, unknown_key,
 * or missing. anchor, if not NULL, is "SEQ:SEAL" of a head that was seen before; the seal may be shortened to 16
 * digits. At most 20 problems are listed. CS_EMALFORMED: anchor is none. New reference.
 */
apr_status_t cs_audit_verify(json_t **report, cs_db_t *db, const cs_audit_key_t *keys, const char *anchor,
                             apr_pool_t *pool) CS_MUSTCHECK;

#endif
