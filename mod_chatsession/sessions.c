/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "sessions.h"
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

APLOG_USE_MODULE(chatsession);

static cs_session_cache_t *cache;

cs_session_cache_t *chatsession_session_cache(void)
{
    return cache;
}

void chatsession_session_forget(const char *id_hash)
{
    if (cache) {
        cs_session_cache_remove(cache, id_hash);
    }
}

/* A payload is a session's hash (schema/005_revocation.sql); anything else, or a connection that was away, forgets
 * everything. */
static void heard(void *baton, const char *payload)
{
    (void)baton;
    if (payload && strlen(payload) == 64 && strspn(payload, "0123456789abcdef") == 64) {
        cs_session_cache_remove(cache, payload);
    } else {
        cs_session_cache_clear(cache);
    }
}

static apr_status_t unset_cache(void *unused)
{
    (void)unused;
    cache = NULL;
    return APR_SUCCESS;
}

int chatsession_sessions_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const int entries = (int)chatsession_number(chatsession_server(s), CHATSESSION_SESSION_CACHE_ENTRIES);

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG || !entries) {
        return OK;
    }
    if (cs_session_cache_create(&cache, entries, pconf) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                     "CS0006: no shared memory for %d sessions; lower ChatSessionCacheEntries", entries);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_pool_cleanup_register(pconf, NULL, unset_cache, apr_pool_cleanup_null);
    return OK;
}

apr_status_t chatsession_sessions_listen(chatsession_server_t *conf, const cs_db_config_t *config, apr_pool_t *pchild)
{
    return cache ? cs_listener_start(&conf->listener, config, "chatsession_revoked", heard, NULL, pchild) : APR_SUCCESS;
}
