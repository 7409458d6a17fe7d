/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "sessions.h"
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
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
    return OK;
}

apr_status_t chatsession_sessions_find(cs_session_t *session, chatsession_server_t *conf, const char *id_hash,
                                       apr_pool_t *pool)
{
    apr_uint32_t mark;
    apr_status_t rv;

    /* What is remembered counts only while this host hears of every revocation. */
    if (!conf->sessions || !cs_session_cache_is_hearing(conf->sessions)) {
        return cs_session_find(session, conf->db, id_hash, pool);
    }
    if (cs_session_cache_find(session, conf->sessions, id_hash,
                              chatsession_number(conf, CHATSESSION_SESSION_CACHE_LIFE), pool) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    mark = cs_session_cache_mark(conf->sessions, id_hash);
    rv = cs_session_find(session, conf->db, id_hash, pool);
    if (rv == APR_SUCCESS && !session->user_disabled && !session->times.revoked) {
        cs_session_cache_put(conf->sessions, id_hash, session, mark);
    }
    return rv;
}

void chatsession_sessions_touched(chatsession_server_t *conf, const char *id_hash, apr_time_t last_seen)
{
    if (conf->sessions) {
        cs_session_cache_touch(conf->sessions, id_hash, last_seen);
    }
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
