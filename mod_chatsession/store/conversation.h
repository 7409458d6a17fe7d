/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_CONVERSATION_H
#define CS_STORE_CONVERSATION_H
/*
 * A user's conversations and messages. Every call carries the user, and the statement does too: somebody else's object
 * is APR_ENOENT like a missing one. JSON results are in the form of docs/api.md (an SQL alias is the API's name); each
 * is a new reference that the caller hands on or releases.
 */
#include "store/db.h"

typedef enum {
    CS_LIST_ACTIVE,
    CS_LIST_ARCHIVED,
    CS_LIST_KEPT,   /* both of these */
    CS_LIST_TRASHED /* by the user */
} cs_conversation_state_e;

/** Rows of the longest page. */
#define CS_CONVERSATION_LIST_MAX 200

typedef struct {
    const char *user_id;
    const char *query; /* NULL: all; text that titles or messages must hold, taken literally, case folded */
    cs_conversation_state_e state;
    const char *label; /* NULL: all; else what has this label */
    const char *after; /* NULL: from the first; else the text of next of the page before */
    int limit;         /* rows, 1 to CS_CONVERSATION_LIST_MAX */
} cs_conversation_list_t;

/** A page of conversations, pinned ones first, newest first, at the end of page: {"conversations":[…],"next":…}. With a
 * query, message_id is that of the first message that holds it. next continues the list and is null at the end.
 * CS_EMALFORMED: after is not a text of ours. */
apr_status_t cs_conversation_list(cs_text_t *page, cs_db_t *db, const cs_conversation_list_t *list,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** The ids of all that the user has, trash too, oldest first: [{"id"}], 200 at a time. CS_EMALFORMED as above. */
apr_status_t cs_conversation_ids(json_t **ids, const char **next, cs_db_t *db, const char *user_id, const char *after,
                                 apr_pool_t *pool) CS_MUSTCHECK;

/** What a new conversation begins with; any may be NULL. */
typedef struct {
    const char *title;
    const char *client_id;         /* the same again finds the conversation that this user made with it */
    const json_t *settings;        /* any of model, system, params and examples; null is as not there */
    apr_interval_time_t temporary; /* 0: it is kept; else in no list, and over after so long */
    int most;                      /* that a user may have outside of the trash; 0: no limit */
} cs_conversation_new_t;

/** A new one, or the one that this user made with the same client_id. CS_EFULL: the user has as many as may be. */
apr_status_t cs_conversation_create(json_t **conversation, cs_db_t *db, const char *user_id,
                                    const cs_conversation_new_t *made, apr_pool_t *pool) CS_MUSTCHECK;

/** Take back a conversation of the user's in which nothing was said. */
apr_status_t cs_conversation_discard(cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/** One with its messages in order. */
apr_status_t cs_conversation_get(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                 apr_pool_t *pool) CS_MUSTCHECK;
/** The same as text at the end of text, for a page that shows it. */
apr_status_t cs_conversation_print(cs_text_t *text, cs_db_t *db, const char *user_id, const char *id,
                                   apr_pool_t *pool) CS_MUSTCHECK;

/** How the model is asked in a conversation; members NULL where nothing is set. In pool. */
typedef struct {
    const char *model;
    const char *system;
    json_t *params;
    json_t *examples;
    apr_int64_t messages; /* that it has */
} cs_conversation_settings_t;
apr_status_t cs_conversation_settings(cs_conversation_settings_t *settings, cs_db_t *db, const char *user_id,
                                      const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/** Name it by what a model says, unless somebody named it since message_id, its first, was sent. */
apr_status_t cs_conversation_title(cs_db_t *db, const char *user_id, const char *message_id, const char *title,
                                   apr_pool_t *pool) CS_MUSTCHECK;

/** The messages after the one with id message_id (all for NULL), as in cs_conversation_get. */
apr_status_t cs_conversation_newer(json_t **messages, cs_db_t *db, const char *user_id, const char *id,
                                   const char *message_id, apr_pool_t *pool) CS_MUSTCHECK;

/** Change what is not NULL; *conversation is the new state. CS_EFULL: it would have more than CS_LABELS_MAX labels. */
typedef struct {
    const char *title;
    const bool *pinned;
    const bool *archived;
    const json_t *settings;      /* any of model, system, params and examples; null takes one away */
    bool keep;                   /* a temporary one is kept from now on */
    const json_t *labels;        /* all that it has then: an array of labels (core/label.h), checked by the caller */
    const json_t *add_labels;    /* the same: beside those that it has, so that two who add some lose none */
    const json_t *remove_labels; /* the same: what it does not have is no trouble */
} cs_conversation_change_t;
apr_status_t cs_conversation_update(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                    const cs_conversation_change_t *change, apr_pool_t *pool) CS_MUSTCHECK;

/** Into the trash, to be purged after grace; an answer that is running is asked to stop. Already there: APR_SUCCESS. */
apr_status_t cs_conversation_trash(cs_db_t *db, const char *user_id, const char *id, apr_interval_time_t grace,
                                   apr_pool_t *pool) CS_MUSTCHECK;

/** Back from the trash, when the user put it there. */
apr_status_t cs_conversation_restore(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                     apr_pool_t *pool) CS_MUSTCHECK;

/** What the user thinks of an answer: rating 1 or -1, 0 takes it back. *feedback is the new state. */
apr_status_t cs_feedback_set(json_t **feedback, cs_db_t *db, const char *user_id, const char *message_id, int rating,
                             const char *comment, apr_pool_t *pool) CS_MUSTCHECK;

/** Take temporary conversations that are over out of sight, to be purged at once, at most batch of them; those on hold
 * and those with an answer that is being written wait. */
apr_status_t cs_conversation_end_temporary(apr_int64_t *ended, cs_db_t *db, int batch, apr_pool_t *pool) CS_MUSTCHECK;

/** Purge conversations that are due, at most batch of them and about ten times as many messages; *purged says how many.
 */
apr_status_t cs_conversation_purge(apr_int64_t *purged, cs_db_t *db, int batch, apr_pool_t *pool) CS_MUSTCHECK;

#endif
