/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "recorder.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <pthread.h>
#include "core/pace.h"
#include "core/steady.h"
#include "saving.h"
#include "store/turn_ear.h"

APLOG_USE_MODULE(chatsession);

APR_RING_HEAD(turns, chatsession_turn);

struct chatsession_recorder {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    apr_time_t wakes; /* the thread rests until then */
    apr_thread_t *thread;
    struct turns written; /* who was not asked for longest first */
    struct turns waiting; /* in the queue */
    int queued;           /* of waiting */
    cs_pace_t pace;       /* of saving written; their number */
    server_rec *server;
    cs_db_t *db;
    bool stopping;
    bool failing; /* the last save failed: said once, not at every tick */

    cs_turn_ear_t *ear;
    pthread_cond_t news;      /* for those who wait */
    bool hurry;               /* something moved in the queue */
    apr_time_t looked;        /* at the queue */
    apr_interval_time_t beat; /* those who wait are shown to live this often */
    apr_interval_time_t silence;
};

/* --- one tick, under the lock, which is let go during the statement --- */

/* What the turns have gained, of chatsession_saving_t *: of a part of them, those that were not asked for longest, and
 * of whoever else is due; at the end of all. They are the last in their ring then. */
static apr_array_header_t *snapshot(chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    const int share = recorder->stopping ? recorder->pace.count : cs_pace_share(&recorder->pace);
    const apr_time_t now = recorder->pace.began = cs_steady_now();
    apr_array_header_t *savings = apr_array_make(pool, share, sizeof(chatsession_saving_t *));

    while (savings->nelts < recorder->pace.count) {
        chatsession_turn_t *turn = APR_RING_FIRST(&recorder->written);

        if (savings->nelts >= share && !cs_pace_is_due(&recorder->pace, turn->asked, now)) {
            break;
        }
        turn->asked = now;
        APR_RING_REMOVE(turn, link);
        APR_RING_INSERT_TAIL(&recorder->written, turn, chatsession_turn, link);
        APR_ARRAY_PUSH(savings, chatsession_saving_t *) = chatsession_saving_begin(turn, pool);
    }
    return savings;
}

static void report(chatsession_recorder_t *recorder, bool failed, int count)
{
    if (failed && !recorder->failing) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, recorder->server,
                     "CS0060: %d running answers could not be recorded; they are kept in memory and tried again",
                     count);
    } else if (!failed && recorder->failing) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, recorder->server, "CS0061: running answers are recorded again");
    }
    recorder->failing = failed;
}

static void tick(chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    apr_array_header_t *savings = snapshot(recorder, pool);
    apr_array_header_t *saved;
    apr_status_t rv;

    if (!savings->nelts) {
        return;
    }
    pthread_mutex_unlock(&recorder->lock);
    rv = chatsession_saving_send(&saved, recorder->db, savings, pool);
    pthread_mutex_lock(&recorder->lock);
    if (rv == APR_SUCCESS) {
        chatsession_saving_take(savings, saved, pool);
        cs_pace_learn(&recorder->pace, cs_steady_now() - recorder->pace.began);
    }
    chatsession_saving_end(savings);
    report(recorder, rv != APR_SUCCESS, savings->nelts);
}

/* --- the queue, under the lock, which is let go during the statement --- */

static void write_from_now(chatsession_recorder_t *recorder, chatsession_turn_t *turn)
{
    turn->asked = cs_steady_now();
    APR_RING_INSERT_TAIL(&recorder->written, turn, chatsession_turn, link);
    recorder->pace.count++;
}

/* What the database said of a turn that waits. */
static void take_waiting(chatsession_recorder_t *recorder, chatsession_turn_t *turn, const cs_turn_waiting_t *waiting)
{
    turn->place = waiting->place;
    turn->estimate = waiting->estimate;
    if (waiting->stop) {
        atomic_store(&turn->stop, true);
    }
    if (waiting->cut) {
        atomic_store(&turn->cut, true);
    }
    if (waiting->gone) {
        atomic_store(&turn->gone, true);
    }
    if (waiting->admitted) {
        APR_RING_REMOVE(turn, link);
        recorder->queued--;
        atomic_store(&turn->admitted, true);
        write_from_now(recorder, turn);
    }
}

/* How many may be written at once is the same for all who share a database, or should be: the first one's word counts.
 */
static int waiting_ids(const chatsession_recorder_t *recorder, json_t *ids)
{
    const chatsession_turn_t *turn;

    APR_RING_FOREACH(turn, &recorder->waiting, chatsession_turn, link)
    {
        json_array_append_new(ids, json_string(turn->answer_id));
    }
    return recorder->queued ? (int)chatsession_number(APR_RING_FIRST(&recorder->waiting)->conf, CHATSESSION_MAX_TURNS)
                            : 0;
}

static apr_hash_t *waiting_turns(const chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    apr_hash_t *turns = apr_hash_make(pool);
    chatsession_turn_t *turn;

    APR_RING_FOREACH(turn, &recorder->waiting, chatsession_turn, link)
    {
        apr_hash_set(turns, turn->answer_id, APR_HASH_KEY_STRING, turn);
    }
    return turns;
}

static void look_at_queue(chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    json_t *ids = json_array();
    const int max_turns = waiting_ids(recorder, ids);
    apr_array_header_t *waiting;
    apr_hash_t *turns;
    apr_status_t rv;

    recorder->hurry = false;
    recorder->looked = cs_steady_now();
    pthread_mutex_unlock(&recorder->lock);
    rv = cs_turn_wait(&waiting, recorder->db, ids, max_turns, recorder->silence / 2, pool);
    pthread_mutex_lock(&recorder->lock);
    turns = waiting_turns(recorder, pool);
    for (int i = 0; rv == APR_SUCCESS && i < waiting->nelts; i++) {
        const cs_turn_waiting_t *row = &APR_ARRAY_IDX(waiting, i, cs_turn_waiting_t);
        chatsession_turn_t *turn = apr_hash_get(turns, row->answer_id, APR_HASH_KEY_STRING);
        if (turn) {
            take_waiting(recorder, turn, row);
        }
    }
    cs_turn_ear_need(recorder->ear, recorder->queued > 0);
    pthread_cond_broadcast(&recorder->news);
}

static void hear_of_queue(void *baton)
{
    chatsession_recorder_t *recorder = baton;

    pthread_mutex_lock(&recorder->lock);
    recorder->hurry = true;
    pthread_cond_signal(&recorder->wake);
    pthread_mutex_unlock(&recorder->lock);
}

/* --- the thread --- */

static apr_time_t next_tick(const chatsession_recorder_t *recorder)
{
    return cs_pace_next(&recorder->pace, APR_RING_FIRST(&recorder->written)->asked);
}

/* Until when there is nothing to do for one who rests since then. */
static apr_time_t rests_until(const chatsession_recorder_t *recorder, apr_time_t since)
{
    const apr_time_t least = since + cs_pace_rest(&recorder->pace);

    if (!recorder->pace.count) {
        return since + recorder->beat;
    }
    return next_tick(recorder) > least ? next_tick(recorder) : least;
}

/* Until there is something to do. A turn that has just begun has nothing to save, so its coming is no reason for a
 * tick. */
static void rest(chatsession_recorder_t *recorder)
{
    apr_time_t since;

    recorder->wakes = APR_INT64_MAX;
    while (!recorder->stopping && !recorder->pace.count && !recorder->queued) {
        pthread_cond_wait(&recorder->wake, &recorder->lock);
    }
    since = cs_steady_now();
    while (!recorder->stopping && !(recorder->queued && recorder->hurry)) {
        recorder->wakes = rests_until(recorder, since);
        if (recorder->wakes <= cs_steady_now()) {
            break;
        }
        cs_steady_wait(&recorder->wake, &recorder->lock, recorder->wakes - cs_steady_now());
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *baton)
{
    chatsession_recorder_t *recorder = baton;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, apr_thread_pool_get(thread)) != APR_SUCCESS) {
        return NULL;
    }
    pthread_mutex_lock(&recorder->lock);
    while (!recorder->stopping) {
        rest(recorder);
        if (recorder->queued && (recorder->hurry || cs_steady_now() - recorder->looked >= recorder->beat)) {
            look_at_queue(recorder, pool);
        }
        if (recorder->pace.count && (recorder->stopping || cs_steady_now() >= next_tick(recorder))) {
            tick(recorder, pool);
        }
        apr_pool_clear(pool);
    }
    pthread_mutex_unlock(&recorder->lock);
    return NULL;
}

/* --- the request threads' side --- */

void chatsession_recorder_add(chatsession_turn_t *turn)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;
    const bool queued = turn->state == CHATSESSION_TURN_QUEUED;

    pthread_mutex_lock(&recorder->lock);
    atomic_store(&turn->admitted, !queued);
    if (queued) {
        /* A place may have become free since the turn was begun. */
        APR_RING_INSERT_TAIL(&recorder->waiting, turn, chatsession_turn, link);
        recorder->queued++;
        recorder->hurry = true;
        cs_turn_ear_need(recorder->ear, true);
    } else {
        write_from_now(recorder, turn);
    }
    /* Waking the thread for each turn that finds itself alone would cost more than the turn's own work here. */
    if (queued || next_tick(recorder) < recorder->wakes) {
        pthread_cond_signal(&recorder->wake);
    }
    pthread_mutex_unlock(&recorder->lock);
}

void chatsession_recorder_remove(chatsession_turn_t *turn)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;

    pthread_mutex_lock(&recorder->lock);
    APR_RING_REMOVE(turn, link);
    if (atomic_load(&turn->admitted)) {
        recorder->pace.count--;
    } else {
        recorder->queued--;
    }
    if (turn->saving) {
        chatsession_saving_forget(turn->saving);
    }
    cs_turn_ear_need(recorder->ear, recorder->queued > 0);
    pthread_mutex_unlock(&recorder->lock);
}

void chatsession_recorder_await(chatsession_turn_t *turn, apr_interval_time_t limit, int *place, double *estimate)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;

    pthread_mutex_lock(&recorder->lock);
    if (!atomic_load(&turn->admitted) && !atomic_load(&turn->stop) && !atomic_load(&turn->gone)) {
        cs_steady_wait(&recorder->news, &recorder->lock, limit);
    }
    *place = turn->place;
    *estimate = turn->estimate;
    pthread_mutex_unlock(&recorder->lock);
}

static void note_unsaved(chatsession_turn_t *turn)
{
    if (!turn->unsaved_since) {
        turn->unsaved_since = cs_steady_now();
    }
}

apr_status_t chatsession_recorder_append(chatsession_turn_t *turn, const char *bytes, apr_size_t len, apr_size_t limit)
{
    apr_status_t rv;

    pthread_mutex_lock(&turn->conf->recorder->lock);
    note_unsaved(turn);
    rv = cs_text_append(turn->text, bytes, len, limit);
    pthread_mutex_unlock(&turn->conf->recorder->lock);
    return rv;
}

apr_status_t chatsession_recorder_add_extra(chatsession_turn_t *turn, const cs_completion_t *piece, apr_size_t limit)
{
    apr_status_t rv;

    pthread_mutex_lock(&turn->conf->recorder->lock);
    note_unsaved(turn);
    rv = cs_extra_add(turn->extra, piece, limit);
    pthread_mutex_unlock(&turn->conf->recorder->lock);
    return rv;
}

static void stop_those_of(struct turns *turns, const char *conversation_id)
{
    for (chatsession_turn_t *turn = APR_RING_FIRST(turns); turn != APR_RING_SENTINEL(turns, chatsession_turn, link);
         turn = APR_RING_NEXT(turn, link)) {
        if (!strcmp(turn->conversation_id, conversation_id)) {
            atomic_store(&turn->stop, true);
        }
    }
}

void chatsession_recorder_stop(chatsession_recorder_t *recorder, const char *conversation_id)
{
    pthread_mutex_lock(&recorder->lock);
    stop_those_of(&recorder->written, conversation_id);
    stop_those_of(&recorder->waiting, conversation_id);
    pthread_cond_broadcast(&recorder->news);
    pthread_mutex_unlock(&recorder->lock);
}

/* --- life --- */

static apr_status_t stop(void *baton)
{
    chatsession_recorder_t *recorder = baton;
    apr_status_t ended;

    pthread_mutex_lock(&recorder->lock);
    recorder->stopping = true;
    pthread_cond_signal(&recorder->wake);
    pthread_mutex_unlock(&recorder->lock);
    return apr_thread_join(&ended, recorder->thread);
}

apr_status_t chatsession_recorder_start(chatsession_server_t *conf, const cs_db_config_t *config, server_rec *s,
                                        apr_pool_t *pool)
{
    chatsession_recorder_t *recorder = apr_pcalloc(pool, sizeof(*recorder));
    apr_status_t rv;

    pthread_mutex_init(&recorder->lock, NULL);
    pthread_cond_init(&recorder->wake, NULL);
    pthread_cond_init(&recorder->news, NULL);
    APR_RING_INIT(&recorder->written, chatsession_turn, link);
    APR_RING_INIT(&recorder->waiting, chatsession_turn, link);
    recorder->server = s;
    recorder->db = conf->db;
    recorder->pace.interval = chatsession_number(conf, CHATSESSION_CHECKPOINT);
    recorder->silence = chatsession_number(conf, CHATSESSION_TURN_SILENCE);
    recorder->beat = recorder->silence / 8;
    rv = cs_turn_ear_start(&recorder->ear, config, hear_of_queue, recorder, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&recorder->thread, NULL, run, recorder, pool);
    }
    if (rv == APR_SUCCESS) {
        /* Before the pool's sub-pools go: the thread uses the connections that live there. */
        apr_pool_pre_cleanup_register(pool, recorder, stop);
        conf->recorder = recorder;
    }
    return rv;
}
