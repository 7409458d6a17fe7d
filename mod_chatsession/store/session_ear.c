/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_ear.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include "core/token.h"
#include "store/db_listen.h"

/* Between two tries to connect, and between two looks at whether the child ends. */
#define PAUSE apr_time_from_sec(1)
#define SETTLE_LIMIT apr_time_from_sec(1)

/* Ears are counted by this name in pg_stat_activity. */
#define EAR_NAME "chatsession ear"
/* A payload of the first channel is a session's hash, or this and a token; the second carries the tokens back. */
#define MARK "mark "
static const char *const channels[] = {"chatsession_revoked", "chatsession_heard", NULL};

typedef struct {
    cs_session_cache_t *cache;
    cs_db_listener_t listener;
    atomic_bool stopping;
} ear_t;

static bool is_hash(const char *payload)
{
    return strlen(payload) == 64 && strspn(payload, "0123456789abcdef") == 64;
}

/* First forget, then rely: nothing from before may be believed. */
static void begin(void *baton)
{
    const ear_t *ear = baton;

    cs_session_cache_clear(ear->cache);
    cs_session_cache_set_hearing(ear->cache, true);
}

static const char *hear(void *baton, const char *channel, const char *payload, const char **reply_channel)
{
    const ear_t *ear = baton;

    if (!strcmp(channel, channels[1])) {
        cs_session_cache_echo(ear->cache, payload);
        return NULL;
    }
    if (!strncmp(payload, MARK, sizeof(MARK) - 1)) {
        *reply_channel = channels[1];
        return payload + sizeof(MARK) - 1;
    }
    if (is_hash(payload)) {
        cs_session_cache_remove(ear->cache, payload);
    } else {
        /* What is not understood may mean anything. */
        cs_session_cache_clear(ear->cache);
    }
    return NULL;
}

static bool is_over(void *baton)
{
    return atomic_load(&((ear_t *)baton)->stopping);
}

static void listen_once(ear_t *ear)
{
    const cs_db_listen_t how = {EAR_NAME, channels, ear->listener.wake_fd, begin, hear, is_over, ear};
    const apr_status_t ended = cs_db_listen(ear->listener.db, &how);

    /* However it ended (the door has logged it), nobody hears now. */
    (void)ended;
    cs_session_cache_set_hearing(ear->cache, false);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    ear_t *ear = baton;

    (void)thread;
    while (!is_over(ear)) {
        if (cs_session_cache_take_ear(ear->cache, PAUSE) != APR_SUCCESS) {
            continue;
        }
        if (!is_over(ear)) {
            listen_once(ear);
        }
        cs_session_cache_leave_ear(ear->cache);
        if (!is_over(ear)) {
            cs_db_listener_pause(&ear->listener, PAUSE);
        }
    }
    return NULL;
}

static apr_status_t stop(void *baton)
{
    ear_t *ear = baton;

    atomic_store(&ear->stopping, true);
    return cs_db_listener_join(&ear->listener);
}

apr_status_t cs_session_ear_start(cs_session_cache_t *cache, const cs_db_config_t *config, apr_pool_t *pool)
{
    ear_t *ear = apr_pcalloc(pool, sizeof(*ear));

    ear->cache = cache;
    return cs_db_listener_start(&ear->listener, config, work, stop, ear, pool);
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
