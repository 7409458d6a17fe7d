/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Sessions and their values as entries of a cache, as a store of sessions. */
#include "socache_private.h"
#include <http_log.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include "core/utf8.h"
#include "store/session_values.h"

APLOG_USE_MODULE(chatsession);

/* What is wrong all the time is said this often. */
#define TELL_EACH apr_time_from_sec(60)

static const chatsession_socache_store_t *own(const cs_session_store_t *store)
{
    return (const chatsession_socache_store_t *)(const void *)store;
}

/* --- the session --- */

static apr_time_t end_of(const chatsession_socache_store_t *store, apr_time_t created)
{
    return created + (store->limits.max_lifetime ? store->limits.max_lifetime : CHATSESSION_SOCACHE_LONGEST) +
           CHATSESSION_SOCACHE_MARGIN;
}

static apr_status_t get_session(cs_session_entry_t *entry, const chatsession_socache_store_t *store,
                                const char *id_hash, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_SESSION, id_hash, "");

    *entry = (cs_session_entry_t){.ref = NULL};
    if (rv == APR_SUCCESS) {
        rv = chatsession_socache_get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse(entry, text, len, pool);
    }
    return chatsession_socache_pass_over(store, rv, "a session");
}

static apr_status_t put_session(const chatsession_socache_store_t *store, const char *id_hash,
                                const cs_session_entry_t *entry, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_SESSION, id_hash, "");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return chatsession_socache_put(store, key, cs_session_entry_print(entry, pool),
                                   entry->revoked ? 0 : end_of(store, entry->created), pool);
}

static apr_status_t get_used(apr_time_t *used, const chatsession_socache_store_t *store, const char *id_hash,
                             apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_USED, id_hash, "");

    *used = 0;
    if (rv == APR_SUCCESS) {
        rv = chatsession_socache_get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_used(used, text, len);
    }
    return chatsession_socache_pass_over(store, rv, "a session's last use");
}

static apr_status_t touch(const cs_session_store_t *base, const char *id_hash, apr_time_t now, apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_USED, id_hash, "");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return chatsession_socache_put(store, key, cs_session_entry_print_used(now, pool),
                                   now +
                                       (store->limits.idle_timeout ? store->limits.idle_timeout
                                                                   : CHATSESSION_SOCACHE_LONGEST) +
                                       CHATSESSION_SOCACHE_MARGIN,
                                   pool);
}

static apr_status_t find(cs_session_t *session, const cs_session_store_t *base, const char *id_hash, apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    cs_session_entry_t entry;
    apr_time_t used = 0;
    apr_status_t rv = get_session(&entry, store, id_hash, pool);

    *session = (cs_session_t){.ref = NULL};
    if (rv == APR_SUCCESS && !entry.revoked) {
        rv = get_used(&used, store, id_hash, pool);
    }
    if (rv == APR_SUCCESS) {
        *session = (cs_session_t){.ref = entry.ref,
                                  .times = {.created = entry.created, .last_seen = used, .revoked = entry.revoked},
                                  .revoke_cause = entry.revoked ? entry.cause : NULL,
                                  .now = apr_time_now()};
    }
    return rv;
}

static apr_status_t get_names(apr_array_header_t **names, const chatsession_socache_store_t *store, const char *id_hash,
                              int host, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_NAMES, id_hash, apr_itoa(pool, host));

    *names = apr_array_make(pool, 1, sizeof(const char *));
    if (rv == APR_SUCCESS) {
        rv = chatsession_socache_get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_names(names, text, len, pool);
    }
    rv = chatsession_socache_pass_over(store, rv, "the names of a session's values");
    return rv == APR_ENOENT ? APR_SUCCESS : rv;
}

/* The names that any host has written, each once. */
static apr_status_t get_all_names(apr_hash_t **all, const chatsession_socache_store_t *store, const char *id_hash,
                                  apr_pool_t *pool)
{
    *all = apr_hash_make(pool);
    for (int host = 1; host <= store->cache->hosts; host++) {
        apr_array_header_t *names;
        apr_status_t rv = get_names(&names, store, id_hash, host, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        for (int i = 0; i < names->nelts; i++) {
            const char *name = APR_ARRAY_IDX(names, i, const char *);
            apr_hash_set(*all, name, APR_HASH_KEY_STRING, name);
        }
    }
    return APR_SUCCESS;
}

/* What was kept in a session that has ended goes with it. Nobody can read it any more, so nothing is lost when the
 * cache does not take this. */
static void drop_values(const chatsession_socache_store_t *store, const char *id_hash, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_hash_t *all;

    if (get_all_names(&all, store, id_hash, pool) != APR_SUCCESS) {
        return;
    }
    for (apr_hash_index_t *i = apr_hash_first(pool, all); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_val(i);
        if (cs_session_entry_key(key, CS_ENTRY_VALUE, id_hash, name) != APR_SUCCESS ||
            chatsession_socache_try_put(store, key, cs_session_entry_print_value(NULL, pool), 0, pool) != APR_SUCCESS) {
            return;
        }
    }
}

static apr_status_t end_session(const cs_session_store_t *base, const char *id_hash, const char *cause,
                                apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    cs_session_entry_t entry;
    apr_status_t rv = get_session(&entry, store, id_hash, pool);

    if (rv != APR_SUCCESS || entry.revoked) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    entry.revoked = apr_time_now();
    entry.cause = cause;
    /* Written, not removed: that a cache removed something cannot be told from its not answering. */
    rv = put_session(store, id_hash, &entry, pool);
    if (rv == APR_SUCCESS) {
        drop_values(store, id_hash, pool);
    }
    return rv;
}

static apr_status_t create(int *evicted, const cs_session_store_t *base, const cs_session_new_t *session,
                           apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    const cs_session_entry_t entry = {.ref = session->ref, .created = apr_time_now()};
    apr_status_t rv = APR_SUCCESS;

    if (evicted) {
        *evicted = 0;
    }
    if (session->user_id || session->legacy_id) {
        return APR_ENOTIMPL;
    }
    if (session->replaces) {
        rv = end_session(base, session->replaces, "replaced", pool);
    }
    if (rv == APR_SUCCESS) {
        rv = touch(base, session->id_hash, entry.created, pool);
    }
    return rv == APR_SUCCESS ? put_session(store, session->id_hash, &entry, pool) : rv;
}

/* --- values --- */

static apr_status_t value_get(const char **value, const cs_session_store_t *base, const char *id_hash, const char *name,
                              apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_VALUE, id_hash, name);

    *value = NULL;
    if (rv == APR_SUCCESS) {
        rv = chatsession_socache_get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_value(value, text, len, pool);
    }
    return chatsession_socache_pass_over(store, rv, "a value");
}

static apr_status_t put_value(const chatsession_socache_store_t *store, const char *id_hash, const char *name,
                              const char *value, apr_time_t until, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_VALUE, id_hash, name);

    return rv == APR_SUCCESS
               ? chatsession_socache_put(store, key, cs_session_entry_print_value(value, pool), until, pool)
               : rv;
}

/* Of these names those that have a value. */
static apr_status_t keep_used(apr_hash_t *names, const cs_session_store_t *base, const char *id_hash, apr_pool_t *pool)
{
    for (apr_hash_index_t *i = apr_hash_first(pool, names); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_val(i);
        const char *value;
        apr_status_t rv = value_get(&value, base, id_hash, name, pool);
        if (rv == APR_ENOENT) {
            apr_hash_set(names, name, APR_HASH_KEY_STRING, NULL);
        } else if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* Whether one more name may come. When there seem to be too many, those that have no value any more do not count, and
 * leave the list of this host. */
static apr_status_t make_room(apr_array_header_t *names, const cs_session_store_t *base, const char *id_hash,
                              const char *name, apr_pool_t *pool)
{
    apr_hash_t *all;
    int kept = 0;
    apr_status_t rv = get_all_names(&all, own(base), id_hash, pool);

    if (rv != APR_SUCCESS || apr_hash_count(all) < CS_SESSION_VALUES_MAX ||
        (apr_hash_get(all, name, APR_HASH_KEY_STRING) && names->nelts < CS_SESSION_VALUES_MAX)) {
        return rv;
    }
    rv = keep_used(all, base, id_hash, pool);
    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        const char *used = APR_ARRAY_IDX(names, i, const char *);
        if (apr_hash_get(all, used, APR_HASH_KEY_STRING)) {
            APR_ARRAY_IDX(names, kept++, const char *) = used;
        }
    }
    names->nelts = rv == APR_SUCCESS ? kept : names->nelts;
    apr_hash_set(all, name, APR_HASH_KEY_STRING, NULL);
    return rv == APR_SUCCESS && apr_hash_count(all) >= CS_SESSION_VALUES_MAX ? CS_EREFUSED : rv;
}

/* Two hosts with one number would write over each other's lists. Who adds a name looks whether the last one who did
 * under this number was this httpd. */
static apr_status_t check_number(const chatsession_socache_store_t *store, apr_pool_t *pool)
{
    static atomic_llong told_at; /* 0: never */
    const char *number = apr_itoa(pool, store->cache->host);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text, *last = NULL;
    apr_size_t len;
    apr_time_t before = (apr_time_t)atomic_load(&told_at);
    const apr_time_t now = apr_time_now();
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_VALUE, "host", number);

    if (!chatsession_socache_is_remote(store->cache) || rv != APR_SUCCESS) {
        return rv;
    }
    rv = chatsession_socache_get(&text, &len, store, key, pool);
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_value(&last, text, len, pool);
    }
    if (last && !strcmp(last, store->cache->own_name)) {
        return APR_SUCCESS;
    }
    if (last && now - before > TELL_EACH && atomic_compare_exchange_strong(&told_at, &(long long){before}, now)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                     "CS0186: another httpd writes into %s as host %d of %d too; names of values may be lost. Give "
                     "each host a number of its own in ChatSessionStore",
                     store->cache->spec, store->cache->host, store->cache->hosts);
    }
    return rv == CS_EUNAVAILABLE
               ? rv
               : chatsession_socache_put(store, key, cs_session_entry_print_value(store->cache->own_name, pool),
                                         now + CHATSESSION_SOCACHE_LONGEST, pool);
}

/* Put name into this host's list; its lock is held. The list first: a name without a value is passed over, a value
 * without its name would not be listed. */
static apr_status_t add_name(const cs_session_store_t *base, const char *id_hash, const char *name, apr_time_t until,
                             apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_array_header_t *names;
    apr_status_t rv = get_names(&names, store, id_hash, store->cache->host, pool);

    for (int i = 0; rv == APR_SUCCESS && i < names->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(names, i, const char *), name)) {
            return APR_SUCCESS;
        }
    }
    if (rv == APR_SUCCESS) {
        rv = check_number(store, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = make_room(names, base, id_hash, name, pool);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(names, const char *) = name;
        rv = cs_session_entry_key(key, CS_ENTRY_NAMES, id_hash, apr_itoa(pool, store->cache->host));
    }
    return rv == APR_SUCCESS
               ? chatsession_socache_put(store, key, cs_session_entry_print_names(names, pool), until, pool)
               : rv;
}

static apr_status_t value_set(const cs_session_store_t *base, const char *id_hash, const char *name, const char *value,
                              apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    const apr_size_t len = strlen(value);
    cs_session_t session;
    apr_status_t rv;

    if (!cs_utf8_is_text(name, strlen(name), NULL) || !cs_utf8_is_text(value, len, NULL)) {
        return CS_ENOTTEXT;
    }
    if (!cs_session_entry_is_name(name) || len > CS_SESSION_VALUE_MAX) {
        return CS_EREFUSED;
    }
    rv = find(&session, base, id_hash, pool);
    if (rv == APR_SUCCESS && cs_session_judge(&session.times, &store->limits, session.now) != CS_SESSION_VALID) {
        rv = APR_ENOENT;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    cs_session_lock(store->cache->locks, id_hash);
    rv = add_name(base, id_hash, name, end_of(store, session.times.created), pool);
    if (rv == APR_SUCCESS) {
        rv = put_value(store, id_hash, name, value, end_of(store, session.times.created), pool);
    }
    cs_session_unlock(store->cache->locks, id_hash);
    return rv;
}

static apr_status_t value_remove(const cs_session_store_t *base, const char *id_hash, const char *name,
                                 apr_pool_t *pool)
{
    const chatsession_socache_store_t *store = own(base);
    const char *value;
    apr_status_t rv;

    cs_session_lock(store->cache->locks, id_hash);
    rv = value_get(&value, base, id_hash, name, pool);
    if (rv == APR_SUCCESS) {
        rv = put_value(store, id_hash, name, NULL, 0, pool);
    }
    cs_session_unlock(store->cache->locks, id_hash);
    return rv == APR_ENOENT ? APR_SUCCESS : rv;
}

static apr_status_t values_json(json_t **values, const cs_session_store_t *base, const char *id_hash,
                                const char *except, apr_pool_t *pool)
{
    apr_hash_t *all;
    apr_status_t rv = get_all_names(&all, own(base), id_hash, pool);

    *values = rv == APR_SUCCESS ? json_object() : NULL;
    for (apr_hash_index_t *i = *values ? apr_hash_first(pool, all) : NULL; i && rv == APR_SUCCESS;
         i = apr_hash_next(i)) {
        const char *name = apr_hash_this_val(i);
        const char *value;
        if (except && !strcmp(name, except)) {
            continue;
        }
        rv = value_get(&value, base, id_hash, name, pool);
        if (rv == APR_ENOENT) {
            rv = APR_SUCCESS;
        } else if (rv == APR_SUCCESS && json_object_set_new(*values, name, json_string(value))) {
            rv = APR_ENOMEM;
        }
    }
    if (rv != APR_SUCCESS) {
        json_decref(*values);
        *values = NULL;
    }
    return rv == APR_SUCCESS && !*values ? APR_ENOMEM : rv;
}

const cs_session_store_t *chatsession_socache_store(const chatsession_socache_t *cache, server_rec *s,
                                                    const cs_session_limits_t *limits, apr_pool_t *pool)
{
    static const cs_session_store_t functions = {.find = find,
                                                 .create = create,
                                                 .touch = touch,
                                                 .revoke = end_session,
                                                 .value_get = value_get,
                                                 .value_set = value_set,
                                                 .value_remove = value_remove,
                                                 .values_json = values_json};
    chatsession_socache_store_t *store = apr_palloc(pool, sizeof(*store));

    *store = (chatsession_socache_store_t){.base = functions, .cache = cache, .server = s, .limits = *limits};
    return &store->base;
}
