/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_CONSOLE_H
#define CS_STORE_CONSOLE_H
/*
 * What operators may do with everybody's conversations. One filter serves the list, the count, the expiry and the
 * export, so "all that match" is the same everywhere. Calls that show or destroy content take the audit entry and write
 * it in the same transaction.
 */
#include "core/session.h"
#include "store/audit.h"

typedef struct {
    const char *user;  /* a name as typed; NULL: all */
    const char *from;  /* last changed at or after this and */
    const char *to;    /* before this: RFC 3339, checked by the caller (cs_rfc3339_parse) */
    const char *query; /* text of title or messages, literally */
    const char *state; /* "active", "trashed", "held", "all"; NULL: all when ids is given, else active */
    const char *ids;   /* a JSON array of UUIDs, checked by the caller; NULL: no such limit */
    const char *tag;
    const char *model;  /* one that answered in it */
    const char *matter; /* that holds it or held it: a UUID, checked by the caller */
} cs_console_filter_t;

typedef struct {
    apr_int64_t conversations, messages;
    apr_int64_t held;     /* conversations that match but are on hold, and so are not among them */
    const char *purge_at; /* RFC 3339; after an expiry */
} cs_console_count_t;

/** A page, newest first; without content titles and snippets are null. entry (may be NULL) is written when given. */
typedef struct {
    cs_console_filter_t filter;
    const char *after;
    int limit;
    bool content;
} cs_console_list_t;
apr_status_t cs_console_list(json_t **conversations, const char **next, cs_db_t *db, const cs_console_list_t *list,
                             const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** One with its messages; without content their text and the title are null. */
apr_status_t cs_console_get(json_t **conversation, cs_db_t *db, const char *id, bool content,
                            const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** How many conversations in sight match. */
apr_status_t cs_console_count(cs_console_count_t *count, cs_db_t *db, const cs_console_filter_t *filter,
                              apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Take all that match out of sight, to be purged after grace. CS_EREFUSED, and nothing happens, when their number is
 * not confirm; *count is what it was found to be.
 */
apr_status_t cs_console_expire(cs_console_count_t *count, cs_db_t *db, const cs_console_filter_t *filter,
                               apr_int64_t confirm, apr_interval_time_t grace, const cs_audit_entry_t *entry,
                               apr_pool_t *pool) CS_MUSTCHECK;

/** The same count inside a transaction. */
apr_status_t cs_console_tx_count(cs_console_count_t *count, cs_db_tx_t *tx, const cs_console_filter_t *filter,
                                 apr_pool_t *pool) CS_MUSTCHECK;

/** Inside the transaction that has locked the job's row: take what matches, among the next batch of conversations, out
 * of sight, and note in the row how far that is. By a filter, and by the retention rules. */
apr_status_t cs_console_expire_batch(cs_db_tx_t *tx, const cs_console_filter_t *filter, const char *job, int batch,
                                     apr_pool_t *pool) CS_MUSTCHECK;
apr_status_t cs_console_retain_batch(cs_db_tx_t *tx, const char *job, int batch, apr_pool_t *pool) CS_MUSTCHECK;

/** Bring conversations (a JSON array of UUIDs) back into sight. */
apr_status_t cs_console_restore(cs_console_count_t *count, cs_db_t *db, const char *ids, const cs_audit_entry_t *entry,
                                apr_pool_t *pool) CS_MUSTCHECK;

/** Inside the transaction of a matter: put all that match into it, as by; *held says how many were not in it yet. */
apr_status_t cs_console_hold(apr_int64_t *held, cs_db_tx_t *tx, const cs_console_filter_t *filter, const char *matter,
                             const char *by, apr_pool_t *pool) CS_MUSTCHECK;

/** JSON arrays of texts. */
typedef struct {
    const char *add, *remove;
} cs_console_tags_t;

/** Put tags on conversations (a JSON array of UUIDs) and take others off. CS_EREFUSED, and nothing
 * happens, when one of them would have more than 20. */
apr_status_t cs_console_tag(cs_console_count_t *count, cs_db_t *db, const char *ids, const cs_console_tags_t *tags,
                            const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Inside a transaction, all that match, held or in the trash too. */
apr_status_t cs_console_tx_count_all(cs_console_count_t *count, cs_db_tx_t *tx, const cs_console_filter_t *filter,
                                     apr_pool_t *pool) CS_MUSTCHECK;

/** The home page's figures; new reference. */
/** What all hosts do now; for the metrics. */
typedef struct {
    int streaming, queued;            /* turns */
    apr_int64_t sessions;             /* that live */
    int active, idle, in_transaction; /* connections of the module's role to this database */
} cs_console_load_t;

apr_status_t cs_console_load(cs_console_load_t *load, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

apr_status_t cs_console_overview(json_t **overview, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** End sessions by their handles (a JSON array of texts); *ended says how many were live. */
apr_status_t cs_console_revoke(apr_int64_t *ended, cs_db_t *db, const char *refs, const cs_audit_entry_t *entry,
                               apr_pool_t *pool) CS_MUSTCHECK;

#endif
