/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_STORE_H
#define CS_SESSION_STORE_H
/*
 * A place where sessions and their values live: one struct of functions, so that whoever serves a request need not know
 * which. PostgreSQL with the memory of this host before it is one (cs_session_store_pg); a cache of httpd's is another
 * (socache.c), for the sessions of visitors only: whose login must hold or end on every host at once is in PostgreSQL,
 * as are the lists of a user's sessions, which are therefore not here (store/session.h). tests/httpd/test_stores.py is
 * the one contract test of all.
 *
 * Statuses as in db.h. Found, absent and failed are three: APR_SUCCESS, APR_ENOENT, CS_EUNAVAILABLE or another failure.
 * Sessions are named by the hash of their id.
 */
#include "store/session.h"
#include "store/session_cache.h"
#include "store/session_review.h"

typedef struct cs_session_store cs_session_store_t;

struct cs_session_store {
    /** As cs_session_find. */
    apr_status_t (*find)(cs_session_t *session, const cs_session_store_t *store, const char *id_hash, apr_pool_t *pool);
    /** As cs_session_create. APR_ENOTIMPL: a session that this store cannot keep; nothing was changed. */
    apr_status_t (*create)(int *evicted, const cs_session_store_t *store, const cs_session_new_t *session,
                           apr_pool_t *pool);
    /** The session was used now, by the clock that find tells. */
    apr_status_t (*touch)(const cs_session_store_t *store, const char *id_hash, apr_time_t now, apr_pool_t *pool);
    /** As cs_session_revoke. */
    apr_status_t (*revoke)(const cs_session_store_t *store, const char *id_hash, const char *cause, apr_pool_t *pool);
    /** Values: as in store/session_values.h. */
    apr_status_t (*value_get)(const char **value, const cs_session_store_t *store, const char *id_hash,
                              const char *name, apr_pool_t *pool);
    apr_status_t (*value_set)(const cs_session_store_t *store, const char *id_hash, const char *name, const char *value,
                              apr_pool_t *pool);
    apr_status_t (*value_remove)(const cs_session_store_t *store, const char *id_hash, const char *name,
                                 apr_pool_t *pool);
    apr_status_t (*values_json)(json_t **values, const cs_session_store_t *store, const char *id_hash,
                                const char *except, apr_pool_t *pool);
};

/** PostgreSQL, and before it what this host remembers (cache NULL: nothing) for at most life. review may be NULL: each
 * use is written back at once, as it is where the host remembers nothing. */
const cs_session_store_t *cs_session_store_pg(cs_db_t *db, cs_session_cache_t *cache, cs_session_review_t *review,
                                              apr_interval_time_t life, apr_pool_t *pool);

#endif
