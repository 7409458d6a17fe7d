/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_USER_H
#define CS_USER_H
/*
 * Users. A name is found in any of its spellings (chatsession.canonical_name); it is kept as it was first typed.
 * Statuses as in db.h; APR_ENOENT: there is no such user.
 *
 * A new password, another role and disabling end all sessions of the user in the same transaction, also those of a
 * login at the same moment (schema/006_logins.sql), so nobody goes on with what was taken away.
 */
#include "store/db.h"

typedef struct {
    const char *id;
    const char *name;
    const char *role;
    const char *phc; /* NULL: no password here, somebody else authenticates */
    bool disabled;
    const char *password_revision; /* which password phc is of; a better hash of the same one does not change it */
    bool second_factor;            /* a login needs a code as well (second_factor.h) */
} cs_user_t;

/** user, viewer, auditor, operator, admin; a guest is none of them. */
bool cs_user_is_role(const char *role);

/** Look name up; strings live in pool, *user is zeroed unless found. */
apr_status_t cs_user_find(cs_user_t *user, cs_db_t *db, const char *name, apr_pool_t *pool) CS_MUSTCHECK;

/** A new password of the user's own: CS_ECONFLICT when revision_before is not the user's any more. *revision is the new
 * one. */
apr_status_t cs_user_change_password(const char **revision, cs_db_t *db, const char *id, const char *revision_before,
                                     const char *phc, apr_pool_t *pool) CS_MUSTCHECK;

/** The same password under a better hash: sessions go on. APR_ENOENT when phc_before is not the user's any more. */
apr_status_t cs_user_rehash(cs_db_t *db, const char *id, const char *phc_before, const char *phc,
                            apr_pool_t *pool) CS_MUSTCHECK;

/**
 * The user of that name whom somebody else has authenticated: made on first sight, without a password. role NULL keeps
 * the row's (a new one is "user"); another role than the row's ends the user's sessions, and *ended says so.
 * CS_EREFUSED: no name that a user may have, or one that is another when written plainly (full-width letters,
 * ligatures, invisible characters): for whoever authenticated them these are two people, and here they would be one.
 */
apr_status_t cs_user_see(cs_user_t *user, bool *ended, cs_db_t *db, const char *name, const char *role,
                         apr_pool_t *pool) CS_MUSTCHECK;

#endif
