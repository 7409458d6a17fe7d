/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "socache.h"
#include <ap_provider.h>
#include <ap_socache.h>
#include <http_log.h>
#include <util_mutex.h>
#include <apr_hash.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include "config.h"
#include "core/session_entry.h"
#include "core/utf8.h"
#include "store/session_locks.h"
#include "store/session_values.h"

APLOG_USE_MODULE(chatsession);

#define MUTEX "chatsession-store"
/* At most 16 characters; a part of each key in redis and memcached. */
#define NAMESPACE "chatsession"

/* memcached takes a time of more than 30 days for a date long ago. */
#define LONGEST apr_time_from_sec(30 * 86400L - 60)
/* Beyond a session's end: whether it is over, core/session.c decides by its times. And so long stays what was ended or
 * removed; afterwards it is not found, which says the same. */
#define MARGIN apr_time_from_sec(60)
/* What is wrong all the time is said this often. */
#define TELL_EACH apr_time_from_sec(60)

struct chatsession_socache {
    const char *spec;
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    int host, hosts;
    const char *own_name;      /* of this httpd among all that could write here; the same after a restart */
    apr_global_mutex_t *mutex; /* NULL: the provider needs none */
    bool locked_out;           /* this child cannot take it */
    cs_session_locks_t *locks;
};

typedef struct {
    cs_session_store_t base; /* first: what the callers have is this */
    const chatsession_socache_t *cache;
    server_rec *server;
    cs_session_limits_t limits;
} socache_store_t;

static const socache_store_t *own(const cs_session_store_t *store)
{
    return (const socache_store_t *)(const void *)store;
}

/* --- one entry --- */

/* A provider that wants a lock keeps all in this host's memory; the others ask a server. */
static bool is_remote(const chatsession_socache_t *cache)
{
    return !(cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE);
}

static apr_status_t enter(const chatsession_socache_t *cache)
{
    if (cache->locked_out) {
        return APR_ENOLOCK;
    }
    return cache->mutex ? apr_global_mutex_lock(cache->mutex) : APR_SUCCESS;
}

static void leave(const chatsession_socache_t *cache)
{
    if (cache->mutex) {
        apr_global_mutex_unlock(cache->mutex);
    }
}

static apr_status_t try_put(const socache_store_t *store, const unsigned char *key, const char *text, apr_time_t until,
                            apr_pool_t *pool)
{
    const chatsession_socache_t *cache = store->cache;
    const apr_time_t now = apr_time_now();
    const apr_time_t end = until > now + LONGEST ? now + LONGEST : until < now + MARGIN ? now + MARGIN : until;
    const apr_size_t len = strlen(text);
    unsigned char *data = apr_pmemdup(pool, text, len);
    apr_status_t rv = enter(cache);

    if (rv == APR_SUCCESS) {
        rv = cache->provider->store(cache->instance, store->server, key, CS_SESSION_ENTRY_KEY_BYTES, end, data,
                                    (unsigned int)len, pool);
        leave(cache);
    }
    return rv;
}

static apr_status_t tell_unavailable(const socache_store_t *store, apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, store->server,
                 "CS0180: visitors' sessions cannot be read or written: %s does not answer or takes nothing",
                 store->cache->spec);
    return CS_EUNAVAILABLE;
}

static apr_status_t put(const socache_store_t *store, const unsigned char *key, const char *text, apr_time_t until,
                        apr_pool_t *pool)
{
    const apr_status_t rv = try_put(store, key, text, until, pool);

    return rv == APR_SUCCESS ? APR_SUCCESS : tell_unavailable(store, rv);
}

/* Whether the server is there: it takes an entry now. */
static apr_status_t probe(const socache_store_t *store, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_USED, "trial", "");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return is_remote(store->cache) ? put(store, key, "trial", 0, pool) : APR_SUCCESS;
}

/* The provider's answer; its octets in pool. CS_EUNAVAILABLE: it could not be asked. */
static apr_status_t retrieve(const char **text, apr_size_t *len, const socache_store_t *store, const unsigned char *key,
                             apr_pool_t *pool)
{
    const chatsession_socache_t *cache = store->cache;
    unsigned int size = CS_SESSION_ENTRY_MAX;
    unsigned char *data;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    data = apr_palloc(scratch, size);
    rv = enter(cache) == APR_SUCCESS ? APR_SUCCESS : CS_EUNAVAILABLE;
    if (rv == APR_SUCCESS) {
        rv = cache->provider->retrieve(cache->instance, store->server, key, CS_SESSION_ENTRY_KEY_BYTES, data, &size,
                                       scratch);
        leave(cache);
    }
    if (rv == APR_SUCCESS) {
        *text = apr_pstrmemdup(pool, (const char *)data, size);
        *len = size;
    }
    apr_pool_destroy(scratch);
    return rv;
}

/* An entry's octets. APR_ENOENT: there is none; CS_EMALFORMED: it is none of ours. */
static apr_status_t get(const char **text, apr_size_t *len, const socache_store_t *store, const unsigned char *key,
                        apr_pool_t *pool)
{
    apr_status_t rv;
    apr_status_t there;

    *text = NULL;
    *len = 0;
    rv = retrieve(text, len, store, key, pool);
    if (rv == APR_SUCCESS) {
        return rv;
    }
    if (rv == CS_EUNAVAILABLE) {
        return tell_unavailable(store, rv);
    }
    there = probe(store, pool);
    if (there != APR_SUCCESS) {
        return there;
    }
    return rv == APR_NOTFOUND ? APR_ENOENT : CS_EMALFORMED;
}

/* What another program wrote there, or a cache mixed up, counts as nothing, and somebody should hear of it. */
static apr_status_t pass_over(const socache_store_t *store, apr_status_t rv, const char *what)
{
    if (rv != CS_EMALFORMED) {
        return rv;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                 "CS0181: %s holds an entry (%s) that this module did not write; it counts as absent",
                 store->cache->spec, what);
    return APR_ENOENT;
}

/* --- the session --- */

static apr_time_t end_of(const socache_store_t *store, apr_time_t created)
{
    return created + (store->limits.max_lifetime ? store->limits.max_lifetime : LONGEST) + MARGIN;
}

static apr_status_t get_session(cs_session_entry_t *entry, const socache_store_t *store, const char *id_hash,
                                apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_SESSION, id_hash, "");

    *entry = (cs_session_entry_t){.ref = NULL};
    if (rv == APR_SUCCESS) {
        rv = get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse(entry, text, len, pool);
    }
    return pass_over(store, rv, "a session");
}

static apr_status_t put_session(const socache_store_t *store, const char *id_hash, const cs_session_entry_t *entry,
                                apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_SESSION, id_hash, "");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return put(store, key, cs_session_entry_print(entry, pool), entry->revoked ? 0 : end_of(store, entry->created),
               pool);
}

static apr_status_t get_used(apr_time_t *used, const socache_store_t *store, const char *id_hash, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_USED, id_hash, "");

    *used = 0;
    if (rv == APR_SUCCESS) {
        rv = get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_used(used, text, len);
    }
    return pass_over(store, rv, "a session's last use");
}

static apr_status_t touch(const cs_session_store_t *base, const char *id_hash, apr_time_t now, apr_pool_t *pool)
{
    const socache_store_t *store = own(base);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_USED, id_hash, "");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return put(store, key, cs_session_entry_print_used(now, pool),
               now + (store->limits.idle_timeout ? store->limits.idle_timeout : LONGEST) + MARGIN, pool);
}

static apr_status_t find(cs_session_t *session, const cs_session_store_t *base, const char *id_hash, apr_pool_t *pool)
{
    const socache_store_t *store = own(base);
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

static apr_status_t get_names(apr_array_header_t **names, const socache_store_t *store, const char *id_hash, int host,
                              apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_NAMES, id_hash, apr_itoa(pool, host));

    *names = apr_array_make(pool, 1, sizeof(const char *));
    if (rv == APR_SUCCESS) {
        rv = get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_names(names, text, len, pool);
    }
    rv = pass_over(store, rv, "the names of a session's values");
    return rv == APR_ENOENT ? APR_SUCCESS : rv;
}

/* The names that any host has written, each once. */
static apr_status_t get_all_names(apr_hash_t **all, const socache_store_t *store, const char *id_hash, apr_pool_t *pool)
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
static void drop_values(const socache_store_t *store, const char *id_hash, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_hash_t *all;

    if (get_all_names(&all, store, id_hash, pool) != APR_SUCCESS) {
        return;
    }
    for (apr_hash_index_t *i = apr_hash_first(pool, all); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_val(i);
        if (cs_session_entry_key(key, CS_ENTRY_VALUE, id_hash, name) != APR_SUCCESS ||
            try_put(store, key, cs_session_entry_print_value(NULL, pool), 0, pool) != APR_SUCCESS) {
            return;
        }
    }
}

static apr_status_t end_session(const cs_session_store_t *base, const char *id_hash, const char *cause,
                                apr_pool_t *pool)
{
    const socache_store_t *store = own(base);
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
    const socache_store_t *store = own(base);
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
    const socache_store_t *store = own(base);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text;
    apr_size_t len;
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_VALUE, id_hash, name);

    *value = NULL;
    if (rv == APR_SUCCESS) {
        rv = get(&text, &len, store, key, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_value(value, text, len, pool);
    }
    return pass_over(store, rv, "a value");
}

static apr_status_t put_value(const socache_store_t *store, const char *id_hash, const char *name, const char *value,
                              apr_time_t until, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_VALUE, id_hash, name);

    return rv == APR_SUCCESS ? put(store, key, cs_session_entry_print_value(value, pool), until, pool) : rv;
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
static apr_status_t check_number(const socache_store_t *store, apr_pool_t *pool)
{
    static atomic_llong told_at; /* 0: never */
    const char *number = apr_itoa(pool, store->cache->host);
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    const char *text, *last = NULL;
    apr_size_t len;
    apr_time_t before = (apr_time_t)atomic_load(&told_at);
    const apr_time_t now = apr_time_now();
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_VALUE, "host", number);

    if (!is_remote(store->cache) || rv != APR_SUCCESS) {
        return rv;
    }
    rv = get(&text, &len, store, key, pool);
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_parse_value(&last, text, len, pool);
    }
    if (last && !strcmp(last, store->cache->own_name)) {
        return APR_SUCCESS;
    }
    if (last && now - before > TELL_EACH && atomic_compare_exchange_strong(&told_at, &(long long){before}, now)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                     "CS0186: another httpd writes into %s as host %d of %d too; names of values may be lost. Give "
                     "each "
                     "host a number of its own in ChatSessionStore",
                     store->cache->spec, store->cache->host, store->cache->hosts);
    }
    return rv == CS_EUNAVAILABLE
               ? rv
               : put(store, key, cs_session_entry_print_value(store->cache->own_name, pool), now + LONGEST, pool);
}

/* Put name into this host's list; its lock is held. The list first: a name without a value is passed over, a value
 * without its name would not be listed. */
static apr_status_t add_name(const cs_session_store_t *base, const char *id_hash, const char *name, apr_time_t until,
                             apr_pool_t *pool)
{
    const socache_store_t *store = own(base);
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
    return rv == APR_SUCCESS ? put(store, key, cs_session_entry_print_names(names, pool), until, pool) : rv;
}

static apr_status_t value_set(const cs_session_store_t *base, const char *id_hash, const char *name, const char *value,
                              apr_pool_t *pool)
{
    const socache_store_t *store = own(base);
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
    const socache_store_t *store = own(base);
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
    socache_store_t *store = apr_palloc(pool, sizeof(*store));

    *store = (socache_store_t){.base = functions, .cache = cache, .server = s, .limits = *limits};
    return &store->base;
}

/* --- the cache --- */

const char *chatsession_socache_name(const chatsession_socache_t *cache)
{
    return cache->spec;
}

chatsession_socache_t *chatsession_socache_create(const char **problem, const char *spec, int host, int hosts,
                                                  apr_pool_t *pconf, apr_pool_t *ptemp)
{
    chatsession_socache_t *cache = apr_pcalloc(pconf, sizeof(*cache));
    const char *arguments = strchr(spec, ':');
    const char *name = arguments ? apr_pstrmemdup(ptemp, spec, (apr_size_t)(arguments - spec)) : spec;

    *problem = NULL;
    cache->spec = apr_pstrdup(pconf, spec);
    cache->host = host;
    cache->hosts = hosts;
    cache->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
    if (!cache->provider) {
        *problem = apr_psprintf(ptemp, "\"%s\" is no cache of a loaded module (load mod_socache_%s before this line)",
                                name, name);
        return NULL;
    }
    if (is_remote(cache) && arguments && strchr(arguments, ',')) {
        *problem = "give one server; of several, one that fails would make its sessions look like none";
        return NULL;
    }
    *problem = cache->provider->create(&cache->instance, arguments ? arguments + 1 : NULL, ptemp, pconf);
    return *problem ? NULL : cache;
}

int chatsession_socache_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    return ap_mutex_register(pconf, MUTEX, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

/* The children of before a graceful restart go on for a while, beside the new ones: they share the locks. */
static apr_status_t keep_locks(cs_session_locks_t **locks, server_rec *s)
{
    static const char key[] = "chatsession-locks-1"; /* a number more when cs_session_locks_t changes */
    struct {
        cs_session_locks_t *locks;
    } *kept = ap_retained_data_get(key);
    apr_status_t rv = APR_SUCCESS;

    if (!kept) {
        kept = ap_retained_data_create(key, sizeof(*kept));
    }
    if (!kept->locks) {
        rv = cs_session_locks_create(&kept->locks, s->process->pool);
    }
    *locks = kept->locks;
    return rv;
}

static apr_status_t name_this_httpd(const char **name, apr_pool_t *pconf)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    char host[APRMAXHOSTLEN + 1];
    const char *folder = ap_runtime_dir_relative(pconf, "");
    apr_status_t rv = apr_gethostname(host, sizeof(host), pconf);

    *name = NULL;
    if (rv == APR_SUCCESS) {
        rv = cs_session_entry_key(key, CS_ENTRY_VALUE, host, folder ? folder : "");
    }
    if (rv == APR_SUCCESS) {
        *name = cs_base64url_encode(key, 12, pconf);
    }
    return rv;
}

/* The largest entry must fit, or values would be refused later, one by one. */
static bool holds_largest(const chatsession_socache_t *cache, server_rec *s, apr_pool_t *pconf)
{
    const socache_store_t store = {.cache = cache, .server = s};
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_pool_t *pool;
    char *text;
    apr_status_t rv = apr_pool_create(&pool, pconf);

    if (rv != APR_SUCCESS) {
        return false;
    }
    text = apr_palloc(pool, CS_SESSION_VALUE_MAX + 4);
    memset(text, 'x', CS_SESSION_VALUE_MAX + 3);
    text[CS_SESSION_VALUE_MAX + 3] = '\0';
    rv = cs_session_entry_key(key, CS_ENTRY_USED, "trial", "");
    if (rv == APR_SUCCESS) {
        rv = try_put(&store, key, text, 0, pool);
    }
    apr_pool_destroy(pool);
    return rv == APR_SUCCESS;
}

apr_status_t chatsession_socache_open(chatsession_socache_t *cache, server_rec *s, apr_pool_t *pconf)
{
    /* Larger than most: shmcb makes fewer parts with more room in each, so that a large value does not push all others
     * out of its part. */
    static struct ap_socache_hints hints = {.avg_id_len = CS_SESSION_ENTRY_KEY_BYTES,
                                            .avg_obj_size = 512,
                                            .expiry_interval = 60 * APR_USEC_PER_SEC};
    apr_status_t rv = keep_locks(&cache->locks, s);

    if (rv == APR_SUCCESS) {
        rv = name_this_httpd(&cache->own_name, pconf);
    }
    if (rv == APR_SUCCESS && (cache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE)) {
        rv = ap_global_mutex_create(&cache->mutex, NULL, MUTEX, NULL, s, pconf, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = cache->provider->init(cache->instance, NAMESPACE, &hints, s, pconf);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, "CS0182: ChatSessionStore: %s cannot be opened", cache->spec);
        return rv;
    }
    if (!is_remote(cache) && !holds_largest(cache, s, pconf)) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                     "CS0183: ChatSessionStore: %s has no room for a value of %d octets; give it more memory, such as "
                     "shmcb:chatsession(8388608)",
                     cache->spec, CS_SESSION_VALUE_MAX);
        return APR_ENOSPC;
    }
    return APR_SUCCESS;
}

void chatsession_socache_attach(chatsession_socache_t *cache, server_rec *s, apr_pool_t *pchild)
{
    apr_status_t rv = APR_SUCCESS;

    if (cache->mutex) {
        rv = apr_global_mutex_child_init(&cache->mutex, apr_global_mutex_lockfile(cache->mutex), pchild);
    }
    cache->locked_out = rv != APR_SUCCESS;
    if (cache->locked_out) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "CS0184: the lock of ChatSessionStore cannot be used in a child");
    }
}
