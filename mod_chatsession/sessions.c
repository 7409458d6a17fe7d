/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "sessions.h"
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include "socache.h"
#include "store/session_ear.h"

APLOG_USE_MODULE(chatsession);

/* The memory of a server before s with the same database, or a new one. */
static apr_status_t create(server_rec *first, server_rec *s, apr_pool_t *pconf)
{
    chatsession_server_t *conf = chatsession_server(s);
    const char *database = chatsession_string(conf, CHATSESSION_DATABASE);
    const int entries = (int)chatsession_number(conf, CHATSESSION_SESSION_CACHE_ENTRIES);

    if (!database || !entries) {
        return APR_SUCCESS;
    }
    for (server_rec *other = first; other != s; other = other->next) {
        const chatsession_server_t *known = chatsession_server(other);
        if (known->sessions && !strcmp(chatsession_string(known, CHATSESSION_DATABASE), database)) {
            conf->sessions = known->sessions;
            return APR_SUCCESS;
        }
    }
    return cs_session_cache_create(&conf->sessions, entries, pconf);
}

int chatsession_sessions_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    for (server_rec *each = s; each; each = each->next) {
        if (create(s, each, pconf) != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, each,
                         "CS0006: no shared memory for sessions; lower ChatSessionCacheEntries");
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    /* One for all: the directive is the main server's. */
    if (chatsession_server(s)->cache &&
        chatsession_socache_open(chatsession_server(s)->cache, s, pconf) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

void chatsession_sessions_open(server_rec *s, apr_pool_t *pchild)
{
    chatsession_server_t *conf = chatsession_server(s);
    const cs_session_limits_t limits = chatsession_limits(conf);

    if (conf->db) {
        conf->users = cs_session_store_pg(conf->db, conf->sessions, conf->review,
                                          chatsession_number(conf, CHATSESSION_SESSION_CACHE_LIFE), pchild);
    }
    if (conf->cache && !s->is_virtual) {
        chatsession_socache_attach(conf->cache, s, pchild);
    }
    conf->visitors = conf->cache ? chatsession_socache_store(conf->cache, s, &limits, pchild) : conf->users;
}

void chatsession_sessions_console_touched(chatsession_server_t *conf, const char *id_hash, apr_time_t last_seen)
{
    if (conf->sessions) {
        cs_session_cache_touch_console(conf->sessions, id_hash, last_seen);
    }
}

void chatsession_sessions_ended(request_rec *r, chatsession_server_t *conf, const char *id_hash)
{
    if (!conf->sessions) {
        return;
    }
    if (id_hash) {
        cs_session_cache_remove(conf->sessions, id_hash);
    }
    if (cs_session_ear_settle(conf->sessions, conf->db, r->pool) == APR_TIMEUP) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CS0007: a host did not confirm within a second that it heard of an ended session; "
                      "it hears of it late, or asks the database when it is cut off");
    }
}
