/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/turn_ear.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <poll.h>
#include "core/steady.h"
#include "store/db_listen.h"

/* Between two tries to connect. */
#define PAUSE apr_time_from_sec(1)
/* After the last one has stopped waiting: the next one often comes soon. */
#define LINGER apr_time_from_sec(30)

static const char *const channels[] = {"chatsession_queue", NULL};

struct cs_turn_ear {
    cs_db_t *db; /* of one connection */
    cs_turn_ear_cb *wake;
    void *baton;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    bool needed, stopping;              /* these two and the next under the lock */
    apr_time_t needed_last;             /* when it was given up */
    apr_file_t *wake_read, *wake_write; /* ends a wait at once */
    int wake_fd;
};

static void begin(void *baton)
{
    const cs_turn_ear_t *ear = baton;

    /* What happened before nobody has heard. */
    ear->wake(ear->baton);
}

static const char *hear(void *baton, const char *channel, const char *payload, const char **reply_channel)
{
    const cs_turn_ear_t *ear = baton;

    (void)channel;
    (void)payload;
    (void)reply_channel;
    ear->wake(ear->baton);
    return NULL;
}

static bool is_over(void *baton)
{
    cs_turn_ear_t *ear = baton;
    bool over;

    apr_thread_mutex_lock(ear->lock);
    over = ear->stopping || (!ear->needed && cs_steady_now() - ear->needed_last > LINGER);
    apr_thread_mutex_unlock(ear->lock);
    return over;
}

/* Until somebody waits or the child ends; true: go on. */
static bool wait_for_need(cs_turn_ear_t *ear)
{
    bool stopping;

    apr_thread_mutex_lock(ear->lock);
    while (!ear->needed && !ear->stopping) {
        apr_thread_cond_wait(ear->changed, ear->lock);
    }
    stopping = ear->stopping;
    apr_thread_mutex_unlock(ear->lock);
    return !stopping;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    cs_turn_ear_t *ear = baton;
    const cs_db_listen_t how = {"chatsession queue", channels, ear->wake_fd, begin, hear, is_over, ear};

    (void)thread;
    while (wait_for_need(ear)) {
        /* However it ended, the door has logged it. */
        if (cs_db_listen(ear->db, &how) != APR_SUCCESS) {
            struct pollfd fd = {.fd = ear->wake_fd, .events = POLLIN};
            poll(&fd, 1, (int)apr_time_as_msec(PAUSE));
        }
    }
    return NULL;
}

void cs_turn_ear_need(cs_turn_ear_t *ear, bool needed)
{
    apr_thread_mutex_lock(ear->lock);
    if (ear->needed != needed) {
        ear->needed = needed;
        ear->needed_last = cs_steady_now();
        apr_thread_cond_signal(ear->changed);
    }
    apr_thread_mutex_unlock(ear->lock);
}

static apr_status_t stop(void *baton)
{
    cs_turn_ear_t *ear = baton;
    apr_status_t ended;

    apr_thread_mutex_lock(ear->lock);
    ear->stopping = true;
    apr_thread_cond_signal(ear->changed);
    apr_thread_mutex_unlock(ear->lock);
    apr_file_putc('x', ear->wake_write);
    return apr_thread_join(&ended, ear->thread);
}

apr_status_t cs_turn_ear_start(cs_turn_ear_t **started, const cs_db_config_t *config, cs_turn_ear_cb *wake, void *baton,
                               apr_pool_t *pool)
{
    cs_turn_ear_t *ear = apr_pcalloc(pool, sizeof(*ear));
    cs_db_config_t own = *config;
    apr_status_t rv = apr_thread_mutex_create(&ear->lock, APR_THREAD_MUTEX_DEFAULT, pool);

    *started = ear;
    own.max_connections = 1;
    ear->wake = wake;
    ear->baton = baton;
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&ear->changed, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_create(&ear->db, &own, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_pipe_create(&ear->wake_read, &ear->wake_write, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_os_file_get(&ear->wake_fd, ear->wake_read);
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
