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
    CS_TURN_SAME,    /* the client_id is known: this is that turn */
    CS_TURN_ABSENT,  /* no such conversation or message of this user */
    CS_TURN_STALE,   /* the conversation went on since the parent */
    CS_TURN_RUNNING, /* another answer of the conversation is being written */
    CS_TURN_QUEUED,  /* begun, and waits until it is let in */
    CS_TURN_BUSY,    /* nobody more may wait */
    CS_TURN_LIMITED  /* the user has used up what one user may: exceeded says what */
} cs_turn_begun_e;

/** How much at once, over all hosts, and how much a user may; 0: no limit. */
typedef struct {
    int max_turns;           /* answers being written */
    int max_waiting;         /* turns that wait for it; 0: none may */
    int user_turns;          /* of one user, waiting ones too */
    int user_rate;           /* turns that one user begins in a minute */
    apr_int64_t user_tokens; /* of one user's answers in a UTC day */
} cs_turn_limits_t;

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
    cs_turn_limits_t limits;
    bool titled; /* name the conversation by the first words */
} cs_turn_new_t;

typedef struct {
    cs_turn_begun_e outcome;
    const char *message_id; /* the user's message; with answer_id and model set for BEGUN and SAME */
    const char *answer_id;
    const char *model;
    int place;            /* in the queue, from 1; QUEUED */
    double estimate;      /* seconds until it is let in; negative: nobody knows; QUEUED */
    const char *exceeded; /* turns, requests or tokens; LIMITED */
    apr_int64_t limit;    /* how much of that this user may; LIMITED */
    double retry_after;   /* seconds; negative: nobody knows; BUSY and LIMITED */
    bool untitled;        /* the conversation had no title before */
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
    apr_int64_t saved_points;  /* recorded so far */
    apr_int64_t saved_thought; /* of the reasoning */
    cs_turn_life_e life;
    bool stop; /* somebody asked for it */
    bool cut;  /* the session that asked has ended */
} cs_turn_saved_t;

/** What one answer has gained. */
typedef struct {
    const char *answer_id;
    const char *text; /* well-formed UTF-8, as the reasoning is */
    apr_size_t len;
    apr_int64_t at; /* code points before it */
    const char *thought;
    apr_size_t thought_len;
    apr_int64_t thought_at;
    const json_t *extra; /* all that is beside its text so far; NULL: as it was */
} cs_turn_piece_t;

/** Record pieces, of const cs_turn_piece_t *, of several answers; *saved, an array of cs_turn_saved_t in pool, has one
 * for each, in any order. */
apr_status_t cs_turn_save(apr_array_header_t **saved, cs_db_t *db, const apr_array_header_t *pieces,
                          apr_pool_t *pool) CS_MUSTCHECK;

/** What became of a turn that waits. */
typedef struct {
    const char *answer_id;
    bool admitted; /* its place has come */
    bool gone;     /* ended elsewhere */
    int place;
    double estimate;
    bool stop, cut; /* as in cs_turn_saved_t */
} cs_turn_waiting_t;

/** The turns of one child that wait, answers being an array of their ids: they live, and those whose place has come are
 * let in. Who was not heard of for fresh is passed over. *waiting, of cs_turn_waiting_t in pool, has one for each.
 * Takes the reference to answers. */
apr_status_t cs_turn_wait(apr_array_header_t **waiting, cs_db_t *db, json_t *answers, int max_turns,
                          apr_interval_time_t fresh, apr_pool_t *pool) CS_MUSTCHECK;

/** Over all hosts: how many answers are being written, and how many turns wait. */
apr_status_t cs_turn_load(int *processing, int *waiting, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** Ask the running answer to stop; *running says whether there was one. */
apr_status_t cs_turn_stop(bool *running, cs_db_t *db, const char *user_id, const char *conversation_id,
                          apr_pool_t *pool) CS_MUSTCHECK;

typedef struct {
    const char *answer_id;
    const char *status; /* complete, stopped, interrupted or error */
    const char *content;
    apr_size_t content_len;
    const char *finish_reason; /* these and what follows may be NULL */
    const char *usage;         /* JSON text */
    const char *detail;
    const char *model;
    const char *extra; /* JSON text: what the answer has beside its text */
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
    apr_int64_t points;  /* code points of text */
    const char *thought; /* of the reasoning, the same */
    apr_size_t thought_len;
    apr_int64_t thought_points;
    const char *extra; /* JSON text: {"tool_calls","parts"} so far; NULL: none */
    int place;         /* in the queue; 0: it does not wait */
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
    apr_int64_t from_thought; /* code points of the reasoning */
} cs_turn_place_t;

/** What there is after place. APR_ENOENT: no such conversation of this user, no answer in it, or the session has ended.
 */
apr_status_t cs_turn_follow(cs_turn_progress_t *progress, cs_db_t *db, const cs_turn_place_t *place,
                            apr_pool_t *pool) CS_MUSTCHECK;

#endif
