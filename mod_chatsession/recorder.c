/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "recorder.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_uuid.h>
#include <pthread.h>
#include "core/steady.h"
#include "core/utf8.h"
#include "counters.h"
#include "store/turn_ear.h"

APLOG_USE_MODULE(chatsession);

/* A tick's snapshot of one turn: what is being saved, while the turn itself goes on. */
typedef struct {
    char answer_id[APR_UUID_FORMATTED_LENGTH + 1];
    const char *text;
    apr_size_t len;
    apr_int64_t at;
    const char *thought;
    apr_size_t thought_len;
    apr_int64_t thought_at;
    json_t *extra; /* calls and parts, when they have changed; else NULL */
    unsigned extra_version;
    apr_time_t since; /* the oldest of it came then; 0: there is nothing */
} piece_t;

struct chatsession_recorder {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    apr_thread_t *thread;
    apr_array_header_t *turns; /* of chatsession_turn_t * */
    server_rec *server;
    cs_db_t *db;
    apr_interval_time_t interval;
    bool stopping;
    bool failing; /* the last save failed: said once, not at every tick */

    cs_turn_ear_t *ear;
    pthread_cond_t news;       /* for those who wait */
    int queued;                /* of turns */
    bool hurry;                /* something moved in the queue */
    apr_time_t ticked;         /* when the last tick began */
    apr_interval_time_t takes; /* what a tick's statement takes, about */
    apr_time_t looked;         /* at the queue */
    apr_interval_time_t beat;  /* those who wait are shown to live this often */
    apr_interval_time_t silence;
};

/* --- one tick, under the lock, which is let go during the statement --- */

static void take_piece(piece_t *piece, const chatsession_turn_t *turn, apr_pool_t *pool)
{
    apr_size_t len;
    const char *thought = cs_extra_reasoning(turn->extra, &len);

    apr_cpystrn(piece->answer_id, turn->answer_id, sizeof(piece->answer_id));
    piece->at = turn->saved_points;
    piece->thought_at = turn->saved_thought;
    piece->extra_version = turn->saved_extra;
    if (turn->reaped) {
        /* Nothing can be saved any more. It is asked for all the same, for its conversation may yet be purged, and then
         * nobody would keep what the model goes on to write. */
        piece->text = piece->thought = "";
        return;
    }
    piece->len = cs_text_length(turn->text) - turn->saved_bytes;
    piece->text = apr_pstrmemdup(pool, cs_text_get(turn->text) + turn->saved_bytes, piece->len);
    piece->thought_len = len - turn->saved_thought_bytes;
    piece->thought = apr_pstrmemdup(pool, thought + turn->saved_thought_bytes, piece->thought_len);
    piece->extra_version = cs_extra_version(turn->extra);
    piece->extra = piece->extra_version != turn->saved_extra ? cs_extra_beside(turn->extra) : NULL;
    piece->since = piece->len || piece->thought_len || piece->extra ? turn->unsaved_since : 0;
}

/* What the turns have gained. */
static apr_array_header_t *snapshot(const chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, recorder->turns->nelts, sizeof(piece_t));

    for (int i = 0; i < recorder->turns->nelts; i++) {
        const chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        if (atomic_load(&turn->admitted)) {
            piece_t *piece = apr_array_push(pieces);
            memset(piece, 0, sizeof(*piece));
            take_piece(piece, turn, pool);
        }
    }
    return pieces;
}

static json_t *pieces_json(const apr_array_header_t *pieces)
{
    json_t *array = json_array();

    for (int i = 0; i < pieces->nelts; i++) {
        const piece_t *piece = &APR_ARRAY_IDX(pieces, i, piece_t);
        json_array_append_new(array,
                              json_pack("{s:s,s:I,s:o,s:I,s:o,s:o?}", "id", piece->answer_id, "at",
                                        (json_int_t)piece->at, "t", json_stringn(piece->text, piece->len), "thought_at",
                                        (json_int_t)piece->thought_at, "thought",
                                        json_stringn(piece->thought, piece->thought_len), "extra", piece->extra));
    }
    return array;
}

/* The turns that are still running, by their answers. Looking each up in the list took a thousand streams longer than
 * their statement, while all of them waited for the lock. */
static apr_hash_t *running_turns(const chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    apr_hash_t *turns = apr_hash_make(pool);

    for (int i = 0; i < recorder->turns->nelts; i++) {
        chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        apr_hash_set(turns, turn->answer_id, APR_HASH_KEY_STRING, turn);
    }
    return turns;
}

/* What the database said of piece. */
static void take(chatsession_turn_t *turn, const cs_turn_saved_t *saved, const piece_t *piece)
{
    if (saved->saved_points > piece->at) {
        turn->saved_bytes += cs_utf8_prefix(piece->text, piece->len, (apr_size_t)(saved->saved_points - piece->at));
        turn->saved_points = saved->saved_points;
    }
    if (saved->saved_thought > piece->thought_at) {
        turn->saved_thought_bytes +=
            cs_utf8_prefix(piece->thought, piece->thought_len, (apr_size_t)(saved->saved_thought - piece->thought_at));
        turn->saved_thought = saved->saved_thought;
    }
    turn->saved_extra = piece->extra_version;
    if (piece->since && saved->life == CS_TURN_LIVE) {
        chatsession_count_lag(cs_steady_now() - piece->since);
    }
    /* What has come since the snapshot is at most as old as this. */
    turn->unsaved_since = cs_text_length(turn->text) > turn->saved_bytes ? cs_steady_now() : 0;
    if (saved->stop) {
        atomic_store(&turn->stop, true);
    }
    if (saved->cut) {
        atomic_store(&turn->cut, true);
    }
    if (saved->life == CS_TURN_PURGED) {
        atomic_store(&turn->gone, true);
    }
    turn->reaped = saved->life != CS_TURN_LIVE;
}

/* Each row of the answer with the piece that it is about. */
static void take_all(const chatsession_recorder_t *recorder, const apr_array_header_t *saved,
                     const apr_array_header_t *pieces, apr_pool_t *pool)
{
    apr_hash_t *turns = running_turns(recorder, pool);
    apr_hash_t *rows = apr_hash_make(pool);

    for (int i = 0; i < saved->nelts; i++) {
        const cs_turn_saved_t *row = &APR_ARRAY_IDX(saved, i, cs_turn_saved_t);
        apr_hash_set(rows, row->answer_id, APR_HASH_KEY_STRING, row);
    }
    for (int i = 0; i < pieces->nelts; i++) {
        const piece_t *piece = &APR_ARRAY_IDX(pieces, i, piece_t);
        const cs_turn_saved_t *row = apr_hash_get(rows, piece->answer_id, APR_HASH_KEY_STRING);
        chatsession_turn_t *turn = apr_hash_get(turns, piece->answer_id, APR_HASH_KEY_STRING);
        if (row && turn) {
            take(turn, row, piece);
        }
    }
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
    apr_array_header_t *pieces = snapshot(recorder, pool);
    apr_array_header_t *saved;
    apr_status_t rv;

    recorder->ticked = cs_steady_now();
    if (!pieces->nelts) {
        return;
    }
    pthread_mutex_unlock(&recorder->lock);
    rv = cs_turn_save(&saved, recorder->db, pieces_json(pieces), pool);
    pthread_mutex_lock(&recorder->lock);
    if (rv == APR_SUCCESS) {
        take_all(recorder, saved, pieces, pool);
        recorder->takes = (3 * recorder->takes + cs_steady_now() - recorder->ticked) / 4;
    }
    report(recorder, rv != APR_SUCCESS, pieces->nelts);
}

/* --- the queue, under the lock, which is let go during the statement --- */

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
    if (waiting->admitted && !atomic_exchange(&turn->admitted, true)) {
        recorder->queued--;
    }
}

/* How many may be written at once is the same for all who share a database, or should be: the first one's word counts.
 */
static int waiting_ids(const chatsession_recorder_t *recorder, json_t *ids)
{
    int max_turns = 0;

    for (int i = recorder->turns->nelts - 1; i >= 0; i--) {
        const chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        if (!atomic_load(&turn->admitted)) {
            json_array_append_new(ids, json_string(turn->answer_id));
            max_turns = (int)chatsession_number(turn->conf, CHATSESSION_MAX_TURNS);
        }
    }
    return max_turns;
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
    turns = running_turns(recorder, pool);
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

/* An interval after the last tick began its text is to be stored, so the next one is due earlier by what a statement
 * takes. A database that is slower than that gets some rest all the same. */
static apr_interval_time_t until_tick(const chatsession_recorder_t *recorder)
{
    const apr_interval_time_t left = recorder->ticked + recorder->interval - recorder->takes - cs_steady_now();

    return left > recorder->interval / 4 ? left : recorder->interval / 4;
}

/* Until there is something to do. A turn that has just begun has nothing to save, so its coming is no reason for a
 * tick.
 */
static void rest(chatsession_recorder_t *recorder)
{
    apr_time_t until;

    while (!recorder->stopping && !recorder->turns->nelts) {
        pthread_cond_wait(&recorder->wake, &recorder->lock);
    }
    until = cs_steady_now() + (recorder->turns->nelts > recorder->queued ? until_tick(recorder) : recorder->beat);
    while (!recorder->stopping && !(recorder->queued && recorder->hurry) && cs_steady_now() < until) {
        cs_steady_wait(&recorder->wake, &recorder->lock, until - cs_steady_now());
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
        tick(recorder, pool);
        apr_pool_clear(pool);
    }
    pthread_mutex_unlock(&recorder->lock);
    return NULL;
}

/* --- the request threads' side --- */

void chatsession_recorder_add(chatsession_turn_t *turn)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;

    pthread_mutex_lock(&recorder->lock);
    APR_ARRAY_PUSH(recorder->turns, chatsession_turn_t *) = turn;
    atomic_store(&turn->admitted, turn->state != CHATSESSION_TURN_QUEUED);
    if (turn->state == CHATSESSION_TURN_QUEUED) {
        /* A place may have become free since the turn was begun. */
        recorder->queued++;
        recorder->hurry = true;
        cs_turn_ear_need(recorder->ear, true);
    }
    if (recorder->turns->nelts == 1 || recorder->hurry) {
        pthread_cond_signal(&recorder->wake);
    }
    pthread_mutex_unlock(&recorder->lock);
}

void chatsession_recorder_remove(chatsession_turn_t *turn)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;
    apr_array_header_t *turns = recorder->turns;

    pthread_mutex_lock(&recorder->lock);
    for (int i = 0; i < turns->nelts; i++) {
        if (APR_ARRAY_IDX(turns, i, chatsession_turn_t *) == turn) {
            APR_ARRAY_IDX(turns, i, chatsession_turn_t *) =
                APR_ARRAY_IDX(turns, turns->nelts - 1, chatsession_turn_t *);
            turns->nelts--;
            recorder->queued -= !atomic_load(&turn->admitted);
            cs_turn_ear_need(recorder->ear, recorder->queued > 0);
            break;
        }
    }
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

void chatsession_recorder_stop(chatsession_recorder_t *recorder, const char *conversation_id)
{
    pthread_mutex_lock(&recorder->lock);
    for (int i = 0; i < recorder->turns->nelts; i++) {
        chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        if (!strcmp(turn->conversation_id, conversation_id)) {
            atomic_store(&turn->stop, true);
        }
    }
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
    recorder->turns = apr_array_make(pool, 64, sizeof(chatsession_turn_t *));
    recorder->server = s;
    recorder->db = conf->db;
    recorder->interval = chatsession_number(conf, CHATSESSION_CHECKPOINT);
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
