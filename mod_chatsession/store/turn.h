/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_TURN_H
#define CS_STORE_TURN_H
/*
 * Turns. Each call is one statement and one commit (schema/003_turns.sql says what each does): begin before the model
 * is asked, save while the answer comes, finish before the browser hears "done". All may be repeated after a lost
 * connection without storing anything twice.
 */
#include <apr_tables.h>
#include "store/db.h"

typedef enum {
    CS_TURN_BEGUN,
    CS_TURN_SAME,   /* the client_id is known: this is that turn */
    CS_TURN_ABSENT, /* no such conversation or message of this user */
    CS_TURN_STALE,  /* the conversation went on since the parent */
    CS_TURN_RUNNING /* another answer of the conversation is being written */
} cs_turn_begun_e;

typedef struct {
    const char *user_id;
    const char *conversation_id;
    const char *content; /* the user's message; NULL with regenerate */
    bool parent_given;
    const char *parent_id;  /* NULL: the beginning of the conversation */
    bool branch;            /* append to parent_id even when the conversation went on: an edit */
    const char *regenerate; /* the answer to make anew; NULL: a new message */
    const char *client_id;  /* required: makes a repeat find the same turn */
    const char *model;
    const char *host;
    const char *request_id;
    const char *session_hash; /* hex, of the session that asks; NULL: none */
} cs_turn_new_t;

typedef struct {
    cs_turn_begun_e outcome;
    const char *message_id; /* the user's message; with answer_id and model set for BEGUN and SAME */
    const char *answer_id;
    const char *model;
} cs_turn_begun_t;

apr_status_t cs_turn_begin(cs_turn_begun_t *begun, cs_db_t *db, const cs_turn_new_t *turn,
                           apr_pool_t *pool) CS_MUSTCHECK;

/** The branch that ends with message_id: rows of (role, content), oldest first. */
apr_status_t cs_turn_history(cs_db_result_t **rows, cs_db_t *db, const char *message_id, apr_pool_t *pool) CS_MUSTCHECK;

/** What became of an answer while it is written. */
typedef enum {
    CS_TURN_LIVE,
    CS_TURN_REAPED, /* given up for dead: only its end can still be recorded */
    CS_TURN_PURGED  /* gone for good */
} cs_turn_life_e;

typedef struct {
    const char *answer_id;
    apr_int64_t saved_points; /* recorded so far */
    cs_turn_life_e life;
    bool stop; /* somebody asked for it */
    bool cut;  /* the session that asked has ended */
} cs_turn_saved_t;

/** Record pieces [{"id","at","t"}] of several answers; *saved, an array of cs_turn_saved_t in pool, has one for each.
 * Takes the reference to pieces. */
apr_status_t cs_turn_save(apr_array_header_t **saved, cs_db_t *db, json_t *pieces, apr_pool_t *pool) CS_MUSTCHECK;

/** Ask the running answer to stop; *running says whether there was one. */
apr_status_t cs_turn_stop(bool *running, cs_db_t *db, const char *user_id, const char *conversation_id,
                          apr_pool_t *pool) CS_MUSTCHECK;

typedef struct {
    const char *answer_id;
    const char *status; /* complete, stopped, interrupted or error */
    const char *content;
    apr_size_t content_len;
    const char *finish_reason; /* these four may be NULL */
    const char *usage;         /* JSON text */
    const char *detail;
    const char *model;
} cs_turn_end_t;

typedef enum {
    CS_TURN_FINISHED, /* also when a repeat finds its first run's work */
    CS_TURN_GONE,     /* the conversation was purged meanwhile */
    CS_TURN_FINAL     /* it had ended otherwise before */
} cs_turn_finished_e;

apr_status_t cs_turn_finish(cs_turn_finished_e *outcome, cs_db_t *db, const cs_turn_end_t *end,
                            apr_pool_t *pool) CS_MUSTCHECK;

/** Interrupt the answers whose writers were silent; *reaped says how many. */
apr_status_t cs_turn_reap(apr_int64_t *reaped, cs_db_t *db, apr_interval_time_t silence, apr_pool_t *pool) CS_MUSTCHECK;

/** What has been recorded of an answer after from_point code points. Strings in pool. */
typedef struct {
    const char *message_id;
    const char *answer_id;
    const char *model;
    const char *status;
    const char *text;
    apr_size_t text_len;
    apr_int64_t points; /* code points of text */
    const char *finish_reason;
    const char *usage; /* JSON text */
    const char *detail;
} cs_turn_progress_t;

/** Where somebody reads. */
typedef struct {
    const char *user_id;
    const char *session_hash; /* hex, of the session that reads: when it ends, so does the reading */
    const char *conversation_id;
    const char *answer_id; /* NULL: the conversation's newest */
    apr_int64_t from_point;
} cs_turn_place_t;

/** What there is after place. APR_ENOENT: no such conversation of this user, no answer in it, or the session has ended.
 */
apr_status_t cs_turn_follow(cs_turn_progress_t *progress, cs_db_t *db, const cs_turn_place_t *place,
                            apr_pool_t *pool) CS_MUSTCHECK;

#endif
