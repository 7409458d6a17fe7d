/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_USER_ADMIN_H
#define CS_STORE_USER_ADMIN_H
/*
 * Users and their sessions as operators see and change them. A name is found in any of its spellings. Statuses as in
 * db.h; APR_ENOENT: there is no such user.
 *
 * A change runs in one transaction with its audit entry, and after the rows of all enabled administrators were locked:
 * two changes run one after the other, so who has just been demoted changes nothing any more, and two administrators
 * cannot demote each other. The entry's detail and target_user are filled in here, where they are known.
 */
#include "core/session.h"
#include "store/audit.h"

typedef struct {
    const char *query; /* a part of a name, in any spelling; NULL: all */
    const char *role;  /* NULL: all */
    const char *state; /* "active", "disabled"; NULL: all */
    const char *after; /* the "next" of the page before; NULL: from the first */
    int limit;
} cs_user_list_t;

/** A page of users by name, and where the next one begins (NULL at the end). New reference. */
apr_status_t cs_user_page(json_t **users, const char **next, cs_db_t *db, const cs_user_list_t *list,
                          apr_pool_t *pool) CS_MUSTCHECK;

/** One user as in the list; new reference. */
apr_status_t cs_user_object(json_t **user, cs_db_t *db, const char *name, apr_pool_t *pool) CS_MUSTCHECK;

#define CS_USER_SESSIONS_MAX 1000

/** The sessions that are live under limits (0: no limit), of one user or of all (NULL), last seen first; at most
 * CS_USER_SESSIONS_MAX. New reference. An unknown user has none. */
apr_status_t cs_user_sessions(json_t **sessions, cs_db_t *db, const char *name, const cs_session_limits_t *limits,
                              apr_pool_t *pool) CS_MUSTCHECK;

typedef enum {
    CS_USER_DONE,       /* also where nothing had to be changed; then there is no entry */
    CS_USER_NOT_ADMIN,  /* who asks is no enabled administrator any more */
    CS_USER_OWN,        /* it is the account of who asks */
    CS_USER_LAST_ADMIN, /* nobody could administer afterwards */
    CS_USER_NO_NAME,    /* the name cannot be one, or the role is none */
    CS_USER_TAKEN,      /* a user has this name in one of its spellings */
    CS_USER_DISABLED    /* who is disabled cannot be invited */
} cs_user_outcome_e;

typedef struct {
    const char *name;
    const char *actor_id; /* who asks; NULL: the command line, which may do everything, to the last administrator too */
    const char *role;     /* of a change: NULL: as it is */
    const char *disabled; /* "true", "false"; NULL: as it is */
    const char *phc;      /* of a new user or a new password; NULL: the user has none */
    const char *invitation; /* the hash of the token with which the user sets it (invitation.h); NULL: none */
    const json_t *limits; /* of a change: any of max_turns, max_requests, max_tokens; null: as configured; NULL: none */
} cs_user_deed_t;

/** Make a user: name, role, phc, invitation. */
apr_status_t cs_user_admin_create(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                  const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Invite one who is there: name, invitation. The password of before counts until the invitation is used. */
apr_status_t cs_user_admin_invite(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                  const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Another role, state or limits. The sessions end with it, but when the user is only enabled or only limits change;
 * *ended says how many. *user, where it is done, as by cs_user_object; user may be NULL. */
apr_status_t cs_user_admin_change(cs_user_outcome_e *outcome, apr_int64_t *ended, json_t **user, cs_db_t *db,
                                  const cs_user_deed_t *deed, const cs_audit_entry_t *entry,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** Another password; ends the sessions. */
apr_status_t cs_user_admin_password(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                    const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Take another's second factor away; ends the sessions where there was one. */
apr_status_t cs_user_admin_reset_factor(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                        const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** End all sessions of a user, or of all users (name NULL); *ended says how many were live. */
apr_status_t cs_user_admin_end_sessions(apr_int64_t *ended, cs_db_t *db, const char *name,
                                        const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

#endif
