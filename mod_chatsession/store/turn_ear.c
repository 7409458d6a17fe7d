/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/turn_ear.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include "core/steady.h"
#include "store/db_listen.h"

/* Between two tries to connect. */
#define PAUSE apr_time_from_sec(1)
/* After the last one has stopped waiting: the next one often comes soon. */
#define LINGER apr_time_from_sec(30)

static const char *const channels[] = {"chatsession_queue", NULL};

struct cs_turn_ear {
    cs_db_listener_t listener;
    cs_turn_ear_cb *wake;
    void *baton;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    bool needed, stopping;  /* these two and the next under the lock */
    apr_time_t needed_last; /* when it was given up */
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
    const cs_db_listen_t how = {"chatsession queue", channels, ear->listener.wake_fd, begin, hear, is_over, ear};

    (void)thread;
    while (wait_for_need(ear)) {
        /* However it ended, the door has logged it. */
        if (cs_db_listen(ear->listener.db, &how) != APR_SUCCESS) {
            cs_db_listener_pause(&ear->listener, PAUSE);
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

    apr_thread_mutex_lock(ear->lock);
    ear->stopping = true;
    apr_thread_cond_signal(ear->changed);
    apr_thread_mutex_unlock(ear->lock);
    return cs_db_listener_join(&ear->listener);
}

apr_status_t cs_turn_ear_start(cs_turn_ear_t **started, const cs_db_config_t *config, cs_turn_ear_cb *wake, void *baton,
                               apr_pool_t *pool)
{
    cs_turn_ear_t *ear = apr_pcalloc(pool, sizeof(*ear));
    apr_status_t rv = apr_thread_mutex_create(&ear->lock, APR_THREAD_MUTEX_DEFAULT, pool);

    *started = ear;
    ear->wake = wake;
    ear->baton = baton;
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&ear->changed, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_listener_start(&ear->listener, config, work, stop, ear, pool);
    }
    return rv;
}
