/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/listener.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <poll.h>
#include <stdatomic.h>
#include "store/db_private.h"

/* A connection whose other end has vanished without a word is found out by asking: this often, waiting this long. */
#define ASK_INTERVAL apr_time_from_sec(2)
#define ASK_LIMIT apr_time_from_sec(2)
/* Between two tries to connect. */
#define PAUSE apr_time_from_sec(1)

struct cs_listener {
    cs_db_t *db; /* one connection, never given to anybody else */
    const char *command;
    cs_listener_cb *heard;
    void *baton;
    apr_thread_t *thread;
    apr_file_t *wake_read, *wake_write; /* ends a wait at once */
    atomic_bool listening, stopping;
};

/* Wait for input on fd (-1: none) or the wake-up, at most limit. True when fd has input. */
static bool wait_for_input(const cs_listener_t *listener, int fd, apr_interval_time_t limit)
{
    apr_os_file_t wake;
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.events = POLLIN}};

    apr_os_file_get(&wake, listener->wake_read);
    fds[1].fd = wake;
    return poll(fds, 2, (int)apr_time_as_msec(limit)) > 0 && fds[0].revents;
}

static void deliver(cs_listener_t *listener, PGconn *connection)
{
    PGnotify *notify;

    while ((notify = PQnotifies(connection)) != NULL) {
        listener->heard(listener->baton, notify->extra);
        PQfreemem(notify);
    }
}

/* A statement without a result, on the listening connection; notifications that came with its answer are delivered. */
static bool run(cs_listener_t *listener, cs_db_slot_t *slot, const char *sql)
{
    PGresult *answer = cs_db_exec(slot, sql, 0, NULL, ASK_LIMIT);
    const bool done = cs_db_judge(slot, answer, sql).status == APR_SUCCESS;

    PQclear(answer);
    deliver(listener, slot->connection);
    return done;
}

/* From LISTEN to the loss of the connection, or the end. */
static void listen_on(cs_listener_t *listener, cs_db_slot_t *slot)
{
    bool alive = run(listener, slot, listener->command);

    if (alive) {
        /* First forget, then rely: nothing from before the LISTEN may be believed. */
        listener->heard(listener->baton, NULL);
        atomic_store(&listener->listening, true);
    }
    while (alive && !atomic_load(&listener->stopping)) {
        if (wait_for_input(listener, PQsocket(slot->connection), ASK_INTERVAL)) {
            alive = PQconsumeInput(slot->connection) && PQstatus(slot->connection) == CONNECTION_OK;
            deliver(listener, slot->connection);
        } else if (!atomic_load(&listener->stopping)) {
            alive = run(listener, slot, "SELECT 1");
        }
    }
    atomic_store(&listener->listening, false);
    slot->doomed = true;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    cs_listener_t *listener = baton;

    (void)thread;
    while (!atomic_load(&listener->stopping)) {
        cs_db_slot_t *slot;

        if (cs_db_lease(&slot, listener->db) == APR_SUCCESS) {
            listen_on(listener, slot);
            cs_db_give_back(slot);
        }
        if (!atomic_load(&listener->stopping)) {
            wait_for_input(listener, -1, PAUSE);
        }
    }
    return NULL;
}

static apr_status_t stop(void *baton)
{
    cs_listener_t *listener = baton;
    apr_status_t ended;

    atomic_store(&listener->stopping, true);
    apr_file_putc('x', listener->wake_write);
    return apr_thread_join(&ended, listener->thread);
}

apr_status_t cs_listener_start(cs_listener_t **listener, const cs_db_config_t *config, const char *channel,
                               cs_listener_cb *heard, void *baton, apr_pool_t *pool)
{
    cs_listener_t *made = apr_pcalloc(pool, sizeof(*made));
    cs_db_config_t own = *config;
    apr_status_t rv;

    *listener = NULL;
    own.max_connections = 1;
    made->command = apr_pstrcat(pool, "LISTEN ", channel, NULL);
    made->heard = heard;
    made->baton = baton;
    rv = cs_db_create(&made->db, &own, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_pipe_create(&made->wake_read, &made->wake_write, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&made->thread, NULL, work, made, pool);
    }
    if (rv == APR_SUCCESS) {
        /* Before the pool's sub-pools: the connection is one of them. */
        apr_pool_pre_cleanup_register(pool, made, stop);
        *listener = made;
    }
    return rv;
}

bool cs_listener_is_listening(const cs_listener_t *listener)
{
    return atomic_load(&listener->listening);
}
