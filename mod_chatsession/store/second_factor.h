/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_SECOND_FACTOR_H
#define CS_STORE_SECOND_FACTOR_H
/*
 * Second factors: the sealed secret of a user's authenticator and the recovery codes. One is begun (a secret is kept)
 * and then confirmed by a code; until then nobody is asked for codes. A code or a recovery code is used by one
 * statement, which decides on which host it counts. What comes or goes ends all sessions of the user.
 *
 * Statuses as in db.h; APR_ENOENT: there is no such second factor, or it is not the one that was looked at any more. An
 * audit entry is written in the same transaction; its target is filled in by the caller.
 */
#include "store/audit.h"

/** A secret that was shown and not confirmed for so long is void. */
#define CS_SECOND_FACTOR_BEGUN_MINUTES "15"

typedef struct {
    const char *secret;    /* sealed */
    bool active;           /* confirmed */
    apr_int64_t last_step; /* of the last code that was used; -1: none */
    int codes_left;        /* recovery codes that were not used */
} cs_second_factor_t;

/** What a user has; APR_ENOENT: nothing, or something that was not confirmed in time. Strings live in pool. */
apr_status_t cs_second_factor_find(cs_second_factor_t *factor, cs_db_t *db, const char *user_id,
                                   apr_pool_t *pool) CS_MUSTCHECK;

/** Keep a new secret, in place of one that was not confirmed. CS_ECONFLICT: a confirmed one is there. */
apr_status_t cs_second_factor_begin(cs_db_t *db, const char *user_id, const char *secret,
                                    apr_pool_t *pool) CS_MUSTCHECK;

typedef struct {
    const char *user_id;
    const char *secret;      /* as it was found */
    apr_int64_t step;        /* of the code */
    const char *code_hashes; /* of the recovery codes: a JSON array of hex digits */
} cs_second_factor_new_t;

/** The secret that was begun counts from now on. *revision is the user's new password revision, for the session that
 * goes on. */
apr_status_t cs_second_factor_confirm(const char **revision, cs_db_t *db, const cs_second_factor_new_t *confirmed,
                                      const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Use the code of a step; APR_ENOENT: that step or a later one was used. resealed: the secret under another key; NULL:
 * it stays as it is. */
apr_status_t cs_second_factor_use(cs_db_t *db, const char *user_id, apr_int64_t step, const char *resealed,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** Use a recovery code by its hash; APR_ENOENT: there is none such, or it was used. */
apr_status_t cs_second_factor_recover(cs_db_t *db, const char *user_id, const char *code_hash,
                                      const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Other recovery codes in place of all. */
apr_status_t cs_second_factor_renew(cs_db_t *db, const char *user_id, const char *code_hashes,
                                    const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Take the second factor away, confirmed or not; *revision as above, NULL where no login needed it. entry NULL: the
 * command line. */
apr_status_t cs_second_factor_remove(const char **revision, cs_db_t *db, const char *user_id,
                                     const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** The same inside the transaction of an administrator's deed. */
apr_status_t cs_second_factor_remove_in(const char **revision, cs_db_tx_t *tx, const char *user_id,
                                        apr_pool_t *pool) CS_MUSTCHECK;

#endif
