/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_review.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <stdlib.h>
#include <string.h>

/* Statements are this far apart at least; after one that failed, that far. */
#define GATHER apr_time_from_msec(100)
#define AFTER_FAILURE apr_time_from_sec(1)
/* Of one statement; and what is kept while the database is away. */
#define BATCH 5000
#define ROOM 100000

struct cs_session_review {
    cs_db_t *db;
    cs_session_cache_t *cache;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    bool stopping; /* this and the rest under the lock */
    int count;
    cs_session_note_t *noted; /* ROOM of them, by calloc: a page of it takes memory when it is first used */
};

/* What the database says is remembered, unless a revocation was heard since the marks were taken. */
static apr_status_t review_some(const cs_session_review_t *review, const cs_session_note_t *notes, int count,
                                apr_pool_t *pool)
{
    cs_session_t *sessions = apr_palloc(pool, (apr_size_t)count * sizeof(*sessions));
    apr_uint32_t *marks = apr_palloc(pool, (apr_size_t)count * sizeof(*marks));
    apr_status_t rv;

    for (int i = 0; i < count; i++) {
        marks[i] = cs_session_cache_mark(review->cache, notes[i].id_hash);
    }
    rv = cs_session_review(sessions, review->db, notes, count, pool);
    for (int i = 0; rv == APR_SUCCESS && i < count; i++) {
        if (cs_session_is_worth_remembering(&sessions[i])) {
            cs_session_cache_put(review->cache, notes[i].id_hash, &sessions[i], marks[i]);
        } else {
            cs_session_cache_remove(review->cache, notes[i].id_hash);
        }
    }
    return rv;
}

/* The oldest of what was noted, under the lock, which is let go meanwhile. */
static apr_status_t take_some(cs_session_review_t *review, apr_pool_t *pool)
{
    const int count = review->count < BATCH ? review->count : BATCH;
    const cs_session_note_t *some = apr_pmemdup(pool, review->noted, (apr_size_t)count * sizeof(cs_session_note_t));
    apr_status_t rv;

    apr_thread_mutex_unlock(review->lock);
    rv = review_some(review, some, count, pool);
    apr_thread_mutex_lock(review->lock);
    /* A statement that can never be carried out is not tried for ever. */
    if (rv != CS_EUNAVAILABLE) {
        review->count -= count;
        memmove(review->noted, review->noted + count, (apr_size_t)review->count * sizeof(cs_session_note_t));
    }
    return rv;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    cs_session_review_t *review = baton;
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, apr_thread_pool_get(thread)) != APR_SUCCESS) {
        return NULL;
    }
    apr_thread_mutex_lock(review->lock);
    while (!review->stopping || (review->count && rv == APR_SUCCESS)) {
        if (!review->count) {
            apr_thread_cond_wait(review->changed, review->lock);
        }
        if (!review->stopping) {
            apr_thread_cond_timedwait(review->changed, review->lock, rv == APR_SUCCESS ? GATHER : AFTER_FAILURE);
        }
        rv = review->count ? take_some(review, pool) : APR_SUCCESS;
        apr_pool_clear(pool);
    }
    apr_thread_mutex_unlock(review->lock);
    return NULL;
}

bool cs_session_review_note(cs_session_review_t *review, const char *id_hash, apr_time_t used)
{
    bool room;

    apr_thread_mutex_lock(review->lock);
    room = review->count < ROOM;
    if (room) {
        cs_session_note_t *note = &review->noted[review->count++];
        apr_cpystrn(note->id_hash, id_hash, sizeof(note->id_hash));
        note->used = used;
        if (review->count == 1) {
            apr_thread_cond_signal(review->changed);
        }
    }
    apr_thread_mutex_unlock(review->lock);
    return room;
}

static apr_status_t stop(void *baton)
{
    cs_session_review_t *review = baton;
    apr_status_t ended;
    apr_status_t rv;

    apr_thread_mutex_lock(review->lock);
    review->stopping = true;
    apr_thread_cond_signal(review->changed);
    apr_thread_mutex_unlock(review->lock);
    rv = apr_thread_join(&ended, review->thread);
    free(review->noted);
    return rv;
}

apr_status_t cs_session_review_start(cs_session_review_t **started, cs_db_t *db, cs_session_cache_t *cache,
                                     apr_pool_t *pool)
{
    cs_session_review_t *review = apr_pcalloc(pool, sizeof(*review));
    apr_status_t rv = apr_thread_mutex_create(&review->lock, APR_THREAD_MUTEX_DEFAULT, pool);

    review->db = db;
    review->cache = cache;
    review->noted = calloc(ROOM, sizeof(cs_session_note_t));
    if (rv == APR_SUCCESS && !review->noted) {
        rv = APR_ENOMEM;
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&review->changed, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&review->thread, NULL, work, review, pool);
    }
    *started = rv == APR_SUCCESS ? review : NULL;
    if (rv == APR_SUCCESS) {
        /* Before the pool's sub-pools: the database's connections are some of them. */
        apr_pool_pre_cleanup_register(pool, review, stop);
    }
    return rv;
}
