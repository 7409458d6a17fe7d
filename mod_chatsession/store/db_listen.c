/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/db_listen.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <poll.h>
#include "store/db_private.h"

/* A silent connection is asked this often whether it still lives, and given this long to answer. */
#define ASK_INTERVAL apr_time_from_sec(2)
#define ASK_LIMIT apr_time_from_sec(2)

static apr_status_t run(cs_db_slot_t *slot, const char *sql, int count, const char *const *values)
{
    PGresult *answer = cs_db_exec(slot, sql, count, values, ASK_LIMIT);
    const cs_db_outcome_t outcome = cs_db_judge(slot, answer, sql);

    PQclear(answer);
    return outcome.status;
}

/* True when there is something to read from PostgreSQL. */
static bool wait_for_input(const cs_db_slot_t *slot, int wake_fd)
{
    struct pollfd fds[2] = {{.fd = PQsocket(slot->connection), .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};

    return poll(fds, 2, (int)apr_time_as_msec(ASK_INTERVAL)) > 0 && fds[0].revents;
}

static apr_status_t deliver_one(cs_db_slot_t *slot, const cs_db_listen_t *listen, const PGnotify *notify)
{
    const char *channel = NULL;
    const char *reply = listen->hear(listen->baton, notify->relname, notify->extra, &channel);
    const char *const values[] = {channel, reply};

    return reply ? run(slot, "SELECT pg_notify($1, $2)", 2, values) : APR_SUCCESS;
}

static apr_status_t deliver(cs_db_slot_t *slot, const cs_db_listen_t *listen)
{
    apr_status_t rv = APR_SUCCESS;
    PGnotify *notify;

    while (rv == APR_SUCCESS && (notify = PQnotifies(slot->connection)) != NULL) {
        rv = deliver_one(slot, listen, notify);
        PQfreemem(notify);
    }
    return rv;
}

static apr_status_t subscribe(cs_db_slot_t *slot, const cs_db_listen_t *listen)
{
    const char *const name[] = {listen->name};
    apr_status_t rv = run(slot, "SELECT set_config('application_name', $1, false)", 1, name);

    for (int i = 0; rv == APR_SUCCESS && listen->channels[i]; i++) {
        char sql[80];
        apr_snprintf(sql, sizeof(sql), "LISTEN %s", listen->channels[i]);
        rv = run(slot, sql, 0, NULL);
    }
    return rv;
}

static apr_status_t hear_on(cs_db_slot_t *slot, const cs_db_listen_t *listen)
{
    apr_status_t rv = subscribe(slot, listen);

    if (rv == APR_SUCCESS) {
        listen->begin(listen->baton);
    }
    while (rv == APR_SUCCESS && !listen->is_over(listen->baton)) {
        if (wait_for_input(slot, listen->wake_fd)) {
            const bool alive = PQconsumeInput(slot->connection) && PQstatus(slot->connection) == CONNECTION_OK;
            rv = alive ? APR_SUCCESS : CS_EUNAVAILABLE;
        } else if (!listen->is_over(listen->baton)) {
            rv = run(slot, "SELECT 1", 0, NULL);
        }
        if (rv == APR_SUCCESS) {
            rv = deliver(slot, listen);
        }
    }
    return rv;
}

apr_status_t cs_db_listen(cs_db_t *db, const cs_db_listen_t *listen)
{
    cs_db_slot_t *slot;
    apr_status_t rv = cs_db_lease(&slot, db);

    if (rv == APR_SUCCESS) {
        rv = hear_on(slot, listen);
        /* It listens: nobody else may have it. */
        slot->doomed = true;
        cs_db_give_back(slot);
    }
    return rv;
}

/* ---- a thread for it ---- */

apr_status_t cs_db_listener_start(cs_db_listener_t *listener, const cs_db_config_t *config, apr_thread_start_t work,
                                  apr_status_t (*stop)(void *baton), void *baton, apr_pool_t *pool)
{
    cs_db_config_t own = *config;
    apr_status_t rv;

    own.max_connections = 1;
    rv = cs_db_create(&listener->db, &own, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_pipe_create(&listener->wake_read, &listener->wake_write, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_os_file_get(&listener->wake_fd, listener->wake_read);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&listener->thread, NULL, work, baton, pool);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pool, baton, stop);
    }
    return rv;
}

void cs_db_listener_pause(const cs_db_listener_t *listener, apr_interval_time_t time)
{
    struct pollfd fd = {.fd = listener->wake_fd, .events = POLLIN};

    poll(&fd, 1, (int)apr_time_as_msec(time));
}

apr_status_t cs_db_listener_join(cs_db_listener_t *listener)
{
    apr_status_t ended;

    apr_file_putc('x', listener->wake_write);
    return apr_thread_join(&ended, listener->thread);
}
