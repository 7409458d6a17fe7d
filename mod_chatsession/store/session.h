/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_SESSION_H
#define CS_STORE_SESSION_H
/*
 * Sessions, kept by the hash of their id (64 lower-case hex digits, cs_token_hash): the store never sees an id. Times
 * are the database's clock. Statuses as in db.h; APR_ENOENT: there is no such session.
 */
#include "core/session.h"
#include "store/db.h"

/** Code points of a user agent that are kept. */
#define CS_SESSION_USER_AGENT_MAX 256
/** Of the hash of an id. */
#define CS_SESSION_HASH_CHARS 64
/** Characters of a legacy id. */
#define CS_SESSION_LEGACY_ID_MAX 64

typedef struct {
    const char *ref;
    const char *user_id; /* these three: NULL when the session is anonymous */
    const char *user;
    const char *role;
    bool user_disabled;
    bool second_factor; /* the user has one */
    cs_session_times_t times;
    const char *legacy_id;    /* NULL: none */
    const char *revoke_cause; /* NULL unless revoked: logout, rotated, replaced, evicted, … */
    apr_time_t now;           /* the database's clock at the look-up */
} cs_session_t;

typedef struct {
    const char *id_hash;
    const char *ref;                  /* unique handle, no secret */
    const char *user_id;              /* NULL: an anonymous session */
    const char *password_revision;    /* cs_user_t's, of the password that was verified; NULL: none was */
    const char *replaces;             /* hash of the session that ends in the same statement; NULL: none */
    const char *network;              /* text of an inet; may be NULL */
    const char *user_agent;           /* may be NULL */
    bool adopt;                       /* what the guest of the session that it replaces wrote goes over to the user */
    int most;                         /* live sessions of the user, this one included; 0: any number */
    apr_interval_time_t max_lifetime; /* sessions older than this do not count among them; 0: all count */
    const char *legacy_id;            /* what it was exchanged for, of an anonymous session; NULL: nothing */
    apr_time_t legacy_end;            /* until then legacy_id is remembered as taken */
} cs_session_new_t;

/** Also finds revoked and outworn sessions: cs_session_judge decides. Strings live in pool. */
apr_status_t cs_session_find(cs_session_t *session, cs_db_t *db, const char *id_hash, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Make a session, end the one it replaces and what the user has beyond most (the longest unseen first), note the login
 * with its user: one statement. *evicted, where not NULL, is how many ended because of most. A replaced session of the
 * same user is "rotated" and knows its successor (see core/session.h), any other is "replaced". Nothing was changed
 * with APR_ENOENT: the user is gone or disabled, or has another password than the one that was verified; CS_ECONFLICT:
 * the hash or ref is taken; CS_EREFUSED: legacy_id was exchanged before.
 */
apr_status_t cs_session_create(int *evicted, cs_db_t *db, const cs_session_new_t *session,
                               apr_pool_t *pool) CS_MUSTCHECK;

/** Make a guest: *id in pool, or NULL when the network made most of them within an hour. */
apr_status_t cs_guest_create(const char **id, cs_db_t *db, const char *network, int most,
                             apr_pool_t *pool) CS_MUSTCHECK;

/** Guests whose sessions are over for idle: their conversations into the trash for grace, themselves gone when they
 * have none; at most batch of them. */
apr_status_t cs_guest_expire(cs_db_t *db, apr_interval_time_t idle, apr_interval_time_t grace, int batch,
                             apr_pool_t *pool) CS_MUSTCHECK;

/** last_seen is now, unless the session was revoked meanwhile. */
apr_status_t cs_session_touch(cs_db_t *db, const char *id_hash, apr_pool_t *pool) CS_MUSTCHECK;

/** A session that was used, and when by the database's clock; used 0: it is only asked for. */
typedef struct {
    char id_hash[CS_SESSION_HASH_CHARS + 1];
    apr_time_t used;
} cs_session_note_t;

/** Write back when many sessions were used, and find them: sessions[i] is that of notes[i], as cs_session_find fills
 * it; its ref is NULL when there is none. A session that another statement is changing now keeps its last use. */
apr_status_t cs_session_review(cs_session_t *sessions, cs_db_t *db, const cs_session_note_t *notes, int count,
                               apr_pool_t *pool) CS_MUSTCHECK;

/** Whether a session that was found may be remembered: it is neither revoked nor its user disabled. */
bool cs_session_is_worth_remembering(const cs_session_t *session);

/** As cs_session_touch, and it was used for the console. */
apr_status_t cs_session_touch_console(cs_db_t *db, const char *id_hash, apr_pool_t *pool) CS_MUSTCHECK;

/** End a session, and its successor when it was rotated; doing it again keeps the first cause. */
apr_status_t cs_session_revoke(cs_db_t *db, const char *id_hash, const char *cause, apr_pool_t *pool) CS_MUSTCHECK;

/** The live sessions of a user, last used first: {"ref","created_at","last_seen_at","expires_at","network",
 * "user_agent","current"} each; a new reference. current: the one of that hash, or its successor when it was rotated.
 */
apr_status_t cs_session_list_json(json_t **sessions, cs_db_t *db, const char *user_id, const char *id_hash,
                                  const cs_session_limits_t *limits, apr_pool_t *pool) CS_MUSTCHECK;

/** End one session of a user by its ref. APR_ENOENT: the user has no such session that is not over. */
apr_status_t cs_session_end_own(cs_db_t *db, const char *user_id, const char *ref, apr_pool_t *pool) CS_MUSTCHECK;

/** End all sessions of a user but the one of that hash, or its successor when it was rotated; *ended says how many. */
apr_status_t cs_session_end_others(int *ended, cs_db_t *db, const char *user_id, const char *id_hash,
                                   apr_pool_t *pool) CS_MUSTCHECK;

/** Delete sessions that cannot become valid any more, at most batch of them; *deleted says how many. Legacy ids that
 * are too old to come again are forgotten with them. */
apr_status_t cs_session_expire(apr_int64_t *deleted, cs_db_t *db, const cs_session_limits_t *limits, int batch,
                               apr_pool_t *pool) CS_MUSTCHECK;

#endif
