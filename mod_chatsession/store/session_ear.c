/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_ear.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <poll.h>
#include <stdatomic.h>
#include "core/token.h"
#include "store/db_private.h"

/* A connection whose other end has vanished without a word is found out by asking: this often, waiting this long. */
#define ASK_INTERVAL apr_time_from_sec(2)
#define ASK_LIMIT apr_time_from_sec(2)
/* Between two tries to connect, and between two looks at whether the child ends. */
#define PAUSE apr_time_from_sec(1)
#define SETTLE_LIMIT apr_time_from_sec(1)

/* Ears are counted by this name in pg_stat_activity. */
#define EAR_NAME "chatsession ear"
/* Channels: revocations and marks; echoes of marks. A payload is a session's hash, or "mark " and a token. */
#define MARK "mark "

typedef struct {
    cs_session_cache_t *cache;
    cs_db_t *db; /* one connection, never given to anybody else */
    apr_thread_t *thread;
    apr_file_t *wake_read, *wake_write; /* ends a wait at once */
    atomic_bool stopping;
} ear_t;

/* Wait for input on fd (-1: none) or the wake-up, at most limit. True when fd has input. */
static bool wait_for_input(const ear_t *ear, int fd, apr_interval_time_t limit)
{
    apr_os_file_t wake;
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.events = POLLIN}};

    apr_os_file_get(&wake, ear->wake_read);
    fds[1].fd = wake;
    return poll(fds, 2, (int)apr_time_as_msec(limit)) > 0 && fds[0].revents;
}

/* A statement on the listening connection. */
static bool run(cs_db_slot_t *slot, const char *sql, int count, const char *const *values)
{
    PGresult *answer = cs_db_exec(slot, sql, count, values, ASK_LIMIT);
    const bool done = cs_db_judge(slot, answer, sql).status == APR_SUCCESS;

    PQclear(answer);
    return done;
}

static bool is_hash(const char *payload)
{
    return strlen(payload) == 64 && strspn(payload, "0123456789abcdef") == 64;
}

/* Anything that is not understood may mean anything: then all is forgotten. */
static bool take(const ear_t *ear, cs_db_slot_t *slot, const PGnotify *notify)
{
    if (!strcmp(notify->relname, "chatsession_heard")) {
        cs_session_cache_echo(ear->cache, notify->extra);
        return true;
    }
    if (!strncmp(notify->extra, MARK, sizeof(MARK) - 1)) {
        const char *const token[] = {notify->extra + sizeof(MARK) - 1};
        return run(slot, "SELECT pg_notify('chatsession_heard', $1)", 1, token);
    }
    if (is_hash(notify->extra)) {
        cs_session_cache_remove(ear->cache, notify->extra);
    } else {
        cs_session_cache_clear(ear->cache);
    }
    return true;
}

static bool take_all(const ear_t *ear, cs_db_slot_t *slot)
{
    bool alive = true;
    PGnotify *notify;

    while (alive && (notify = PQnotifies(slot->connection)) != NULL) {
        alive = take(ear, slot, notify);
        PQfreemem(notify);
    }
    return alive;
}

/* From LISTEN to the loss of the connection, or the end. */
static void listen_on(ear_t *ear, cs_db_slot_t *slot)
{
    bool alive = run(slot, "SET application_name = '" EAR_NAME "'", 0, NULL) &&
                 run(slot, "LISTEN chatsession_revoked", 0, NULL) && run(slot, "LISTEN chatsession_heard", 0, NULL);

    if (alive) {
        /* First forget, then rely: nothing from before the LISTEN may be believed. */
        cs_session_cache_clear(ear->cache);
        cs_session_cache_set_hearing(ear->cache, true);
    }
    while (alive && !atomic_load(&ear->stopping)) {
        if (wait_for_input(ear, PQsocket(slot->connection), ASK_INTERVAL)) {
            alive = PQconsumeInput(slot->connection) && PQstatus(slot->connection) == CONNECTION_OK;
        } else if (!atomic_load(&ear->stopping)) {
            alive = run(slot, "SELECT 1", 0, NULL);
        }
        alive = alive && take_all(ear, slot);
    }
    cs_session_cache_set_hearing(ear->cache, false);
    slot->doomed = true;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    ear_t *ear = baton;

    (void)thread;
    while (!atomic_load(&ear->stopping)) {
        cs_db_slot_t *slot;

        if (cs_session_cache_take_ear(ear->cache, PAUSE) != APR_SUCCESS) {
            continue;
        }
        if (!atomic_load(&ear->stopping) && cs_db_lease(&slot, ear->db) == APR_SUCCESS) {
            listen_on(ear, slot);
            cs_db_give_back(slot);
        }
        cs_session_cache_leave_ear(ear->cache);
        if (!atomic_load(&ear->stopping)) {
            wait_for_input(ear, -1, PAUSE);
        }
    }
    return NULL;
}

static apr_status_t stop(void *baton)
{
    ear_t *ear = baton;
    apr_status_t ended;

    atomic_store(&ear->stopping, true);
    apr_file_putc('x', ear->wake_write);
    return apr_thread_join(&ended, ear->thread);
}

apr_status_t cs_session_ear_start(cs_session_cache_t *cache, const cs_db_config_t *config, apr_pool_t *pool)
{
    ear_t *ear = apr_pcalloc(pool, sizeof(*ear));
    cs_db_config_t own = *config;
    apr_status_t rv;

    own.max_connections = 1;
    ear->cache = cache;
    rv = cs_db_create(&ear->db, &own, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_pipe_create(&ear->wake_read, &ear->wake_write, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&ear->thread, NULL, work, ear, pool);
    }
    if (rv == APR_SUCCESS) {
        /* Before the pool's sub-pools: the connection is one of them. */
        apr_pool_pre_cleanup_register(pool, ear, stop);
    }
    return rv;
}

/* Send the mark, and count the ears that will meet it: those that listen when it is committed. */
static apr_status_t send_mark(int *ears, cs_db_t *db, const char *token, apr_pool_t *pool)
{
    static const char sql[] = "SELECT pg_notify('chatsession_revoked', '" MARK "' || $1),"
                              " (SELECT count(*) FROM pg_stat_activity"
                              "   WHERE application_name = '" EAR_NAME "' AND datname = current_database())";
    const cs_db_param_t params[] = {CS_DB_TEXT(token)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *ears = rv == APR_SUCCESS ? (int)cs_db_int(result, 0, 1, 0) : 0;
    return rv;
}

apr_status_t cs_session_ear_settle(cs_session_cache_t *cache, cs_db_t *db, apr_pool_t *pool)
{
    unsigned char bytes[CS_SESSION_CACHE_TOKEN * 3 / 4];
    const char *token;
    apr_status_t sent;
    apr_status_t rv;
    int slot;
    int ears;

    if (!cs_session_cache_is_hearing(cache)) {
        return APR_ENOENT;
    }
    rv = cs_token_random(bytes, sizeof(bytes));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    token = cs_base64url_encode(bytes, sizeof(bytes), pool);
    slot = cs_session_cache_expect(cache, token);
    if (slot < 0) {
        return APR_TIMEUP;
    }
    sent = send_mark(&ears, db, token, pool);
    /* After a failure too, for no echo: that gives the slot back. */
    rv = cs_session_cache_await(cache, slot, ears, SETTLE_LIMIT);
    return sent == APR_SUCCESS ? rv : sent;
}
