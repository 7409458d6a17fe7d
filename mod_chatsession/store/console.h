/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_CONSOLE_H
#define CS_STORE_CONSOLE_H
/*
 * What operators may do with everybody's conversations. One filter serves the list, the count, the expiry and the
 * export, so "all that match" is the same everywhere. Calls that show or destroy content take the audit entry and write
 * it in the same transaction.
 */
#include <apr_tables.h>
#include "core/session.h"
#include "store/audit.h"

typedef struct {
    const char *user;  /* a name as typed; NULL: all */
    const char *from;  /* last changed at or after this and */
    const char *to;    /* before this: RFC 3339, checked by the caller (cs_rfc3339_parse) */
    const char *query; /* words that must all be in the title or in one message (store/search.h) */
    const char *state; /* one of cs_console_is_state; NULL: all when ids is given, else active */
    const char *ids;   /* a JSON array of UUIDs, checked by the caller; NULL: no such limit */
    const char *tag;
    const char *model;    /* one that answered in it */
    const char *matter;   /* that holds it or held it: a UUID, checked by the caller */
    const char *status;   /* of an answer in it that did not come whole: stopped, interrupted, error, streaming */
    const char *feedback; /* on an answer in it: one of cs_console_is_feedback */
    const char *min_messages, *max_messages; /* decimal numbers, checked by the caller */
} cs_console_filter_t;

/** The parts of a filter that are one text, by the names that the API, a job's row and the audit log have for them. */
typedef struct {
    const char *name;
    apr_size_t offset; /* of a const char * in the filter */
    apr_size_t bytes;  /* at most */
} cs_console_field_t;
#define CS_CONSOLE_FIELDS 12
extern const cs_console_field_t cs_console_fields[CS_CONSOLE_FIELDS];

/** Part number i, 0 to CS_CONSOLE_FIELDS - 1, to be set. */
const char **cs_console_field(cs_console_filter_t *filter, int i);
const char *cs_console_field_value(const cs_console_filter_t *filter, int i);

/** Active, pinned, archived, expiring (within 7 days, by the retention rules), trashed, held, all. */
bool cs_console_is_state(const char *word);
/** Any, up, down, comment. */
bool cs_console_is_feedback(const char *word);

/** A sentence on the first part of the filter that is none of what it may be, in pool; NULL: all are. */
const char *cs_console_filter_problem(const cs_console_filter_t *filter, apr_pool_t *pool);
/** The filter of a query string; NULL, or such a sentence. */
const char *cs_console_filter_read(cs_console_filter_t *filter, const apr_table_t *query, apr_pool_t *pool);
/** A tag: 1 to 50 characters, no comma, no end of line. */
bool cs_console_is_tag(const char *text);

/** The filter as it goes into the audit log: without the text that was searched for, which may itself be somebody's
 * secret. New reference. */
json_t *cs_console_filter_detail(const cs_console_filter_t *filter);

/** The whole filter as an object, what is searched for too: new reference; and back, strings in pool. */
json_t *cs_console_filter_json(const cs_console_filter_t *filter);
void cs_console_filter_from_json(cs_console_filter_t *filter, const json_t *json, apr_pool_t *pool);

typedef struct {
    apr_int64_t conversations, messages;
    apr_int64_t held;     /* conversations that match but are on hold, and so are not among them */
    const char *purge_at; /* RFC 3339; after an expiry */
} cs_console_count_t;

/** A page; without content titles and snippets are null. entry (may be NULL) is written when given. */
typedef struct {
    cs_console_filter_t filter;
    const char *sort; /* one of cs_console_order; NULL: by the last change */
    bool descending;
    const char *after;
    int limit;
    bool content;
} cs_console_list_t;

typedef struct {
    json_t *conversations; /* new reference */
    const char *next;
    apr_int64_t estimate; /* how many match in all, by PostgreSQL's statistics; exact when one page holds them; -1 on
                             later pages */
} cs_console_page_t;

/** CS_EMALFORMED: after is no cursor of this order. CS_EUNAVAILABLE with SQLSTATE 57014: it took too long. */
apr_status_t cs_console_list(cs_console_page_t *found, cs_db_t *db, const cs_console_list_t *list,
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

/**
 * Purge conversations (a JSON array of UUIDs) that are in the trash before their grace is over; what is on hold stays.
 * CS_EREFUSED, and nothing happens, when their number is not confirm; *count is what it was found to be.
 */
apr_status_t cs_console_purge(cs_console_count_t *count, cs_db_t *db, const char *ids, apr_int64_t confirm,
                              const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

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

/** What all hosts do now; for the metrics. */
typedef struct {
    int streaming, queued;            /* turns */
    apr_int64_t sessions;             /* that live */
    int active, idle, in_transaction; /* connections of the module's role to this database */
} cs_console_load_t;

apr_status_t cs_console_load(cs_console_load_t *load, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** End sessions by their handles (a JSON array of texts); *ended says how many were live. */
apr_status_t cs_console_revoke(apr_int64_t *ended, cs_db_t *db, const char *refs, const cs_audit_entry_t *entry,
                               apr_pool_t *pool) CS_MUSTCHECK;

#endif
