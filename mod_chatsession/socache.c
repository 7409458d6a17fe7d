/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "socache_private.h"
#include <ap_provider.h>
#include <http_log.h>
#include <util_mutex.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <string.h>
#include "core/token.h"
#include "store/session_values.h"

APLOG_USE_MODULE(chatsession);

#define MUTEX "chatsession-store"
/* At most 16 characters; a part of each key in redis and memcached. */
#define NAMESPACE "chatsession"

/* --- one entry --- */

bool chatsession_socache_is_remote(const chatsession_socache_t *cache)
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

apr_status_t chatsession_socache_try_put(const chatsession_socache_store_t *store, const unsigned char *key,
                                         const char *text, apr_time_t until, apr_pool_t *pool)
{
    const chatsession_socache_t *cache = store->cache;
    const apr_time_t now = apr_time_now();
    const apr_time_t end = until > now + CHATSESSION_SOCACHE_LONGEST  ? now + CHATSESSION_SOCACHE_LONGEST
                           : until < now + CHATSESSION_SOCACHE_MARGIN ? now + CHATSESSION_SOCACHE_MARGIN
                                                                      : until;
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

static apr_status_t tell_unavailable(const chatsession_socache_store_t *store, apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, store->server,
                 "CS0180: visitors' sessions cannot be read or written: %s does not answer or takes nothing",
                 store->cache->spec);
    return CS_EUNAVAILABLE;
}

apr_status_t chatsession_socache_put(const chatsession_socache_store_t *store, const unsigned char *key,
                                     const char *text, apr_time_t until, apr_pool_t *pool)
{
    const apr_status_t rv = chatsession_socache_try_put(store, key, text, until, pool);

    return rv == APR_SUCCESS ? APR_SUCCESS : tell_unavailable(store, rv);
}

/* Whether the server is there: it takes an entry now. */
static apr_status_t probe(const chatsession_socache_store_t *store, apr_pool_t *pool)
{
    unsigned char key[CS_SESSION_ENTRY_KEY_BYTES];
    apr_status_t rv = cs_session_entry_key(key, CS_ENTRY_USED, "trial", "");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return chatsession_socache_is_remote(store->cache) ? chatsession_socache_put(store, key, "trial", 0, pool)
                                                       : APR_SUCCESS;
}

/* The provider's answer; its octets in pool. CS_EUNAVAILABLE: it could not be asked. */
static apr_status_t retrieve(const char **text, apr_size_t *len, const chatsession_socache_store_t *store,
                             const unsigned char *key, apr_pool_t *pool)
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

apr_status_t chatsession_socache_get(const char **text, apr_size_t *len, const chatsession_socache_store_t *store,
                                     const unsigned char *key, apr_pool_t *pool)
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

apr_status_t chatsession_socache_pass_over(const chatsession_socache_store_t *store, apr_status_t rv, const char *what)
{
    if (rv != CS_EMALFORMED) {
        return rv;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, store->server,
                 "CS0181: %s holds an entry (%s) that this module did not write; it counts as absent",
                 store->cache->spec, what);
    return APR_ENOENT;
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
    if (chatsession_socache_is_remote(cache) && arguments && strchr(arguments, ',')) {
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
    const chatsession_socache_store_t store = {.cache = cache, .server = s};
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
        rv = chatsession_socache_try_put(&store, key, text, 0, pool);
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
    if (!chatsession_socache_is_remote(cache) && !holds_largest(cache, s, pconf)) {
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
