/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "sweep.h"
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>
#include <apr_thread_mutex.h>
#include "config.h"
#include "store/conversation.h"
#include "store/session.h"
#include "store/throttle.h"
#include "store/turn.h"

APLOG_USE_MODULE(chatsession);

/* Rows of one statement: short locks, and the next tick goes on. */
#define BATCH 500
#define PURGE_TIME apr_time_from_sec(1)
/* Old sessions are no danger, only clutter. */
#define EXPIRY_INTERVAL apr_time_from_sec(60)

/* One line for each kind of work that was done or failed; a database that is away is said once by whoever needs it. */
static void report(server_rec *s, const char *number, const char *what, apr_status_t rv, apr_int64_t count)
{
    char buf[160];

    if (rv != APR_SUCCESS && rv != CS_EUNAVAILABLE) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "%s: %s failed: %s", number, what,
                     cs_strstatus(rv, buf, sizeof(buf)));
    } else if (rv == APR_SUCCESS && count) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, "%s: %s: %" APR_INT64_T_FMT, number, what, count);
    }
}

/* Batch after batch while there is work, but not for longer than this at a time: the reaping waits behind it. */
static void purge(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const apr_time_t deadline = apr_time_now() + PURGE_TIME;
    apr_int64_t total = 0;
    apr_int64_t count;
    apr_status_t rv;

    do {
        rv = cs_conversation_purge(&count, conf->db, BATCH, pool);
        total += count;
    } while (rv == APR_SUCCESS && count && apr_time_now() < deadline);
    report(s, "CS0081", "conversations purged", rv, total);
}

static void sweep(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const cs_session_limits_t limits = chatsession_limits(conf);
    static apr_time_t next_expiry; /* mod_watchdog calls from one thread only */
    apr_int64_t count;
    apr_status_t rv;

    rv = cs_turn_reap(&count, conf->db, chatsession_number(conf, CHATSESSION_TURN_SILENCE), pool);
    report(s, "CS0080", "answers interrupted because their server went away", rv, count);
    purge(s, conf, pool);
    if (apr_time_now() >= next_expiry) {
        rv = cs_session_expire(&count, conf->db, &limits, BATCH * 10, pool);
        report(s, "CS0082", "old sessions deleted", rv, count);
        rv = cs_throttle_expire(&count, conf->db, BATCH * 10, pool);
        report(s, "CS0123", "old attempts to log in deleted", rv, count);
        next_expiry = apr_time_now() + EXPIRY_INTERVAL;
    }
}

/* mod_watchdog's thread may outlive the child's pool by a moment, in the middle of a statement: the child's end waits
 * for the sweep that runs, and none begins after it. */
static struct {
    apr_thread_mutex_t *lock;
    bool over;
} life;

static apr_status_t end_sweeps(void *unused)
{
    (void)unused;
    apr_thread_mutex_lock(life.lock);
    life.over = true;
    apr_thread_mutex_unlock(life.lock);
    return APR_SUCCESS;
}

apr_status_t chatsession_sweep_init(apr_pool_t *pchild)
{
    /* In a pool that is never destroyed: the thread may ask for the lock until the process is gone. */
    apr_pool_t *forever;
    apr_status_t rv = apr_pool_create_unmanaged(&forever);

    if (rv == APR_SUCCESS) {
        rv = apr_thread_mutex_create(&life.lock, APR_THREAD_MUTEX_DEFAULT, forever);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pchild, NULL, end_sweeps);
    }
    return rv;
}

static apr_status_t tick(int state, void *baton, apr_pool_t *pool)
{
    server_rec *s = baton;
    chatsession_server_t *conf = chatsession_server(s);

    if (state != AP_WATCHDOG_STATE_RUNNING || !life.lock) {
        return APR_SUCCESS;
    }
    apr_thread_mutex_lock(life.lock);
    if (!life.over && conf->db) {
        sweep(s, conf, pool);
    }
    apr_thread_mutex_unlock(life.lock);
    return APR_SUCCESS;
}

/* One sweep for each database, however many servers use it. */
static bool is_first_with_its_database(const server_rec *first, const server_rec *s)
{
    const char *database = chatsession_string(chatsession_server(s), CHATSESSION_DATABASE);

    for (const server_rec *other = first; database && other != s; other = other->next) {
        const char *known = chatsession_string(chatsession_server(other), CHATSESSION_DATABASE);
        if (known && !strcmp(known, database)) {
            return false;
        }
    }
    return database != NULL;
}

int chatsession_sweep_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    const server_rec *first = s;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    if (!get_instance || !add) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "CS0083: mod_watchdog is needed; load it before mod_chatsession");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (get_instance(&watchdog, "_chatsession_", 0, 0, pconf) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (; s; s = s->next) {
        chatsession_server_t *conf = chatsession_server(s);
        if (is_first_with_its_database(first, s) &&
            add(watchdog, chatsession_number(conf, CHATSESSION_SWEEP), s, tick) != APR_SUCCESS) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}
