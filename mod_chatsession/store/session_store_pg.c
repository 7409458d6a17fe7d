/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_store.h"
#include <apr_strings.h>
#include "store/session_values.h"

typedef struct {
    cs_session_store_t base; /* first: what the callers have is this */
    cs_db_t *db;
    cs_session_cache_t *cache;
    cs_session_review_t *review;
    apr_interval_time_t life;
} pg_store_t;

static const pg_store_t *own(const cs_session_store_t *store)
{
    return (const pg_store_t *)(const void *)store;
}

static apr_status_t find(cs_session_t *session, const cs_session_store_t *store, const char *id_hash, apr_pool_t *pool)
{
    const pg_store_t *pg = own(store);
    apr_uint32_t mark;
    apr_status_t rv;
    bool ageing;

    /* What is remembered counts only while this host hears of every revocation. */
    if (!pg->cache || !cs_session_cache_is_hearing(pg->cache)) {
        return cs_session_find(session, pg->db, id_hash, pool);
    }
    if (cs_session_cache_find(session, &ageing, pg->cache, id_hash, pg->life, pool) == APR_SUCCESS) {
        /* Before it is too old to be believed it has been looked up anew, so that no request waits for that. */
        if (ageing && pg->review) {
            cs_session_review_note(pg->review, id_hash, 0);
        }
        return APR_SUCCESS;
    }
    mark = cs_session_cache_mark(pg->cache, id_hash);
    rv = cs_session_find(session, pg->db, id_hash, pool);
    if (rv == APR_SUCCESS && cs_session_is_worth_remembering(session)) {
        cs_session_cache_put(pg->cache, id_hash, session, mark);
    }
    return rv;
}

static apr_status_t create(int *evicted, const cs_session_store_t *store, const cs_session_new_t *session,
                           apr_pool_t *pool)
{
    return cs_session_create(evicted, own(store)->db, session, pool);
}

static apr_status_t touch(const cs_session_store_t *store, const char *id_hash, apr_time_t now, apr_pool_t *pool)
{
    const pg_store_t *pg = own(store);
    const bool later = pg->review && pg->cache && cs_session_cache_is_hearing(pg->cache) &&
                       cs_session_review_note(pg->review, id_hash, now);
    apr_status_t rv = later ? APR_SUCCESS : cs_session_touch(pg->db, id_hash, pool);

    if (rv == APR_SUCCESS && pg->cache) {
        cs_session_cache_touch(pg->cache, id_hash, now);
    }
    return rv;
}

static apr_status_t end_session(const cs_session_store_t *store, const char *id_hash, const char *cause,
                                apr_pool_t *pool)
{
    return cs_session_revoke(own(store)->db, id_hash, cause, pool);
}

static apr_status_t value_get(const char **value, const cs_session_store_t *store, const char *id_hash,
                              const char *name, apr_pool_t *pool)
{
    return cs_session_value_get(value, own(store)->db, id_hash, name, pool);
}

static apr_status_t value_set(const cs_session_store_t *store, const char *id_hash, const char *name, const char *value,
                              apr_pool_t *pool)
{
    return cs_session_value_set(own(store)->db, id_hash, name, value, pool);
}

static apr_status_t value_remove(const cs_session_store_t *store, const char *id_hash, const char *name,
                                 apr_pool_t *pool)
{
    return cs_session_value_remove(own(store)->db, id_hash, name, pool);
}

static apr_status_t values_json(json_t **values, const cs_session_store_t *store, const char *id_hash,
                                const char *except, apr_pool_t *pool)
{
    return cs_session_values_json(values, own(store)->db, id_hash, except, pool);
}

const cs_session_store_t *cs_session_store_pg(cs_db_t *db, cs_session_cache_t *cache, cs_session_review_t *review,
                                              apr_interval_time_t life, apr_pool_t *pool)
{
    static const cs_session_store_t functions = {.find = find,
                                                 .create = create,
                                                 .touch = touch,
                                                 .revoke = end_session,
                                                 .value_get = value_get,
                                                 .value_set = value_set,
                                                 .value_remove = value_remove,
                                                 .values_json = values_json};
    pg_store_t *pg = apr_palloc(pool, sizeof(*pg));

    *pg = (pg_store_t){.base = functions, .db = db, .cache = cache, .review = review, .life = life};
    return &pg->base;
}
