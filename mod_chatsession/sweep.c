/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "sweep.h"
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_watchdog.h>
#include <pthread.h>
#include <stdatomic.h>
#include "config.h"
#include "counters.h"
#include "core/steady.h"
#include "store/audit.h"
#include "store/conversation.h"
#include "store/job.h"
#include "store/overview.h"
#include "store/search.h"
#include "store/session.h"
#include "store/throttle.h"
#include "store/turn.h"

APLOG_USE_MODULE(chatsession);

/* Rows of one statement: short locks, and the next tick goes on. */
#define BATCH 500
#define PURGE_TIME apr_time_from_sec(1)
/* Conversations that a job looks at in one statement. */
#define JOB_BATCH 1000
/* Old sessions are no danger, only clutter: looked for at every thirtieth sweep. */
#define EXPIRY_EVERY 30
/* Longer than any answer. */
#define FOR_EVER (365 * 24 * APR_USEC_PER_SEC * 3600)

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

/*
 * A child's pools are destroyed, its connections first, while mod_watchdog's thread still runs: a sweep that is under
 * way, which may be waiting for a database that is away, is waited for, and no other begins.
 */
static pthread_mutex_t sweeping = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stopping;

/* Batch after batch while there is work, but not for longer than this at a time: the reaping waits behind it. */
static void purge(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const apr_time_t deadline = cs_steady_now() + PURGE_TIME;
    apr_int64_t total = 0;
    apr_int64_t count;
    apr_status_t rv;

    rv = cs_conversation_end_temporary(&count, conf->db, BATCH, pool);
    report(s, "CS0370", "temporary conversations ended", rv, count);
    do {
        rv = cs_conversation_purge(&count, conf->db, BATCH, pool);
        total += count;
    } while (rv == APR_SUCCESS && count && cs_steady_now() < deadline && !atomic_load(&stopping));
    report(s, "CS0081", "conversations purged", rv, total);
}

/* Jobs on many conversations, a batch at a time, and no longer at a stretch than the purge: the reaping waits behind.
 */
static void work(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const apr_time_t deadline = cs_steady_now() + PURGE_TIME;
    cs_job_step_t step = {0};
    const char *begun;
    apr_status_t rv =
        cs_job_retention(&begun, NULL, conf->db, "(sweep)", chatsession_number(conf, CHATSESSION_TRASH_GRACE),
                         chatsession_number(conf, CHATSESSION_RETENTION_INTERVAL), NULL, pool);

    while (rv == APR_SUCCESS && cs_steady_now() < deadline && !atomic_load(&stopping)) {
        rv = cs_job_step(&step, conf->db, NULL, JOB_BATCH, pool);
        if (rv != APR_SUCCESS || !step.id) {
            break;
        }
        if (step.finished) {
            ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                         "CS0250: job %s is done: %" APR_INT64_T_FMT " conversations expired, %" APR_INT64_T_FMT
                         " left alone because they are on hold",
                         step.id, step.expired, step.held);
        }
    }
    /* A hold or a turn that came in between: the next sweep sees it. */
    report(s, "CS0251", "a batch of a job", rv == CS_ECONFLICT ? APR_SUCCESS : rv, 0);
}

/* Messages of before the index of words come into it, no longer at a stretch than the purge. */
static void catch_up(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const apr_time_t deadline = cs_steady_now() + PURGE_TIME;
    apr_int64_t total = 0;
    apr_int64_t seen;
    apr_status_t rv;

    do {
        rv = cs_search_catch_up(&seen, conf->db, BATCH, pool);
        total += seen;
    } while (rv == APR_SUCCESS && seen && cs_steady_now() < deadline && !atomic_load(&stopping));
    report(s, "CS0400", "messages taken into the index of words", rv, total);
}

/* The head of the audit log, where the database cannot reach it: who cuts the log's end off is seen by this line. */
static void anchor(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    static apr_int64_t told; /* mod_watchdog calls from one thread only */
    apr_int64_t seq;
    const char *seal;

    if (cs_audit_head(&seq, &seal, conf->db, pool) == APR_SUCCESS && seq && seq != told) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "CS0252: the audit log's head is %" APR_INT64_T_FMT ":%s", seq,
                     seal);
        told = seq;
    }
}

/*
 * While the database was away no writer could tell it that it lives, so it has to be back for as long as a silence may
 * last before one counts; until then nobody is silent for long enough. The database minds the time of its start in
 * turn_reap, but a crash of one of its processes, after which it ends all connections and recovers, leaves that time.
 */
static void reap(server_rec *s, chatsession_server_t *conf, apr_pool_t *pool)
{
    const apr_interval_time_t silence = chatsession_number(conf, CHATSESSION_TURN_SILENCE);
    const bool counts = !conf->was_away || cs_steady_now() - conf->was_away >= silence;
    apr_int64_t count;
    apr_status_t rv = cs_turn_reap(&count, conf->db, counts ? silence : FOR_EVER, pool);

    chatsession_count(CHATSESSION_COUNT_REAPED, (apr_uint64_t)count);
    report(s, "CS0080", "answers interrupted because their server went away", rv, count);
    if (rv == CS_EUNAVAILABLE) {
        conf->was_away = cs_steady_now();
    }
}

static void sweep(server_rec *s, chatsession_server_t *conf, apr_pool_t *pool)
{
    const cs_session_limits_t limits = chatsession_limits(conf);
    static apr_time_t next_expiry; /* mod_watchdog calls from one thread only */
    apr_int64_t count;
    apr_status_t rv;

    reap(s, conf, pool);
    if (atomic_load(&stopping)) {
        return;
    }
    purge(s, conf, pool);
    if (!atomic_load(&stopping)) {
        work(s, conf, pool);
    }
    if (!atomic_load(&stopping)) {
        catch_up(s, conf, pool);
    }
    if (cs_steady_now() >= next_expiry && !atomic_load(&stopping)) {
        rv = cs_session_expire(&count, conf->db, &limits, BATCH * 10, pool);
        report(s, "CS0082", "old sessions deleted", rv, count);
        rv = cs_guest_expire(conf->db, limits.max_lifetime, chatsession_number(conf, CHATSESSION_TRASH_GRACE), BATCH,
                             pool);
        report(s, "CS0313", "guests who are gone", rv, 0);
        rv = cs_throttle_expire(&count, conf->db, BATCH * 10, pool);
        anchor(s, conf, pool);
        report(s, "CS0401", "a sample of the database's size", cs_storage_sample(conf->db, pool), 0);
        report(s, "CS0123", "old attempts to log in deleted", rv, count);
        next_expiry = cs_steady_now() + EXPIRY_EVERY * chatsession_number(conf, CHATSESSION_SWEEP);
    }
}

static apr_status_t stop(void *unused)
{
    (void)unused;
    atomic_store(&stopping, true);
    pthread_mutex_lock(&sweeping);
    pthread_mutex_unlock(&sweeping);
    return APR_SUCCESS;
}

void chatsession_sweep_stop_with(apr_pool_t *pchild)
{
    apr_pool_pre_cleanup_register(pchild, NULL, stop);
}

static apr_status_t tick(int state, void *baton, apr_pool_t *pool)
{
    server_rec *s = baton;
    chatsession_server_t *conf = chatsession_server(s);

    pthread_mutex_lock(&sweeping);
    if (state == AP_WATCHDOG_STATE_RUNNING && conf->db && !atomic_load(&stopping)) {
        sweep(s, conf, pool);
    }
    pthread_mutex_unlock(&sweeping);
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
