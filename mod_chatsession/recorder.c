/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "recorder.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <apr_uuid.h>
#include "core/utf8.h"

APLOG_USE_MODULE(chatsession);

/* A tick's snapshot of one turn: what is being saved, while the turn itself goes on. */
typedef struct {
    char answer_id[APR_UUID_FORMATTED_LENGTH + 1];
    const char *text;
    apr_size_t len;
    apr_int64_t at;
} piece_t;

struct chatsession_recorder {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *wake;
    apr_thread_t *thread;
    apr_array_header_t *turns; /* of chatsession_turn_t * */
    server_rec *server;
    cs_db_t *db;
    apr_interval_time_t interval;
    bool stopping;
    bool failing; /* the last save failed: said once, not at every tick */
};

/* --- one tick, under the lock, which is let go during the statement --- */

/* What the turns have gained. */
static apr_array_header_t *snapshot(const chatsession_recorder_t *recorder, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, recorder->turns->nelts, sizeof(piece_t));

    for (int i = 0; i < recorder->turns->nelts; i++) {
        const chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        if (!turn->reaped) {
            piece_t *piece = apr_array_push(pieces);
            piece->len = cs_text_length(turn->text) - turn->saved_bytes;
            piece->text = apr_pstrmemdup(pool, cs_text_get(turn->text) + turn->saved_bytes, piece->len);
            piece->at = turn->saved_points;
            apr_cpystrn(piece->answer_id, turn->answer_id, sizeof(piece->answer_id));
        }
    }
    return pieces;
}

static json_t *pieces_json(const apr_array_header_t *pieces)
{
    json_t *array = json_array();

    for (int i = 0; i < pieces->nelts; i++) {
        const piece_t *piece = &APR_ARRAY_IDX(pieces, i, piece_t);
        json_array_append_new(array, json_pack("{s:s,s:I,s:o}", "id", piece->answer_id, "at", (json_int_t)piece->at,
                                               "t", json_stringn(piece->text, piece->len)));
    }
    return array;
}

/* The turn with that answer, if it is still running. */
static chatsession_turn_t *find_turn(const chatsession_recorder_t *recorder, const char *answer_id)
{
    for (int i = 0; i < recorder->turns->nelts; i++) {
        chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        if (!strcmp(turn->answer_id, answer_id)) {
            return turn;
        }
    }
    return NULL;
}

/* What the database said of piece. */
static void take(chatsession_turn_t *turn, const cs_turn_saved_t *saved, const piece_t *piece)
{
    if (saved->saved_points > piece->at) {
        turn->saved_bytes += cs_utf8_prefix(piece->text, piece->len, (apr_size_t)(saved->saved_points - piece->at));
        turn->saved_points = saved->saved_points;
    }
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
                     const apr_array_header_t *pieces)
{
    for (int i = 0; i < saved->nelts; i++) {
        const cs_turn_saved_t *row = &APR_ARRAY_IDX(saved, i, cs_turn_saved_t);
        chatsession_turn_t *turn = find_turn(recorder, row->answer_id);

        for (int p = 0; turn && p < pieces->nelts; p++) {
            const piece_t *piece = &APR_ARRAY_IDX(pieces, p, piece_t);
            if (!strcmp(piece->answer_id, row->answer_id)) {
                take(turn, row, piece);
                break;
            }
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

    if (!pieces->nelts) {
        return;
    }
    apr_thread_mutex_unlock(recorder->lock);
    rv = cs_turn_save(&saved, recorder->db, pieces_json(pieces), pool);
    apr_thread_mutex_lock(recorder->lock);
    if (rv == APR_SUCCESS) {
        take_all(recorder, saved, pieces);
    }
    report(recorder, rv != APR_SUCCESS, pieces->nelts);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *baton)
{
    chatsession_recorder_t *recorder = baton;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, apr_thread_pool_get(thread)) != APR_SUCCESS) {
        return NULL;
    }
    apr_thread_mutex_lock(recorder->lock);
    while (!recorder->stopping) {
        if (!recorder->turns->nelts) {
            apr_thread_cond_wait(recorder->wake, recorder->lock);
            continue;
        }
        apr_thread_cond_timedwait(recorder->wake, recorder->lock, recorder->interval);
        tick(recorder, pool);
        apr_pool_clear(pool);
    }
    apr_thread_mutex_unlock(recorder->lock);
    return NULL;
}

/* --- the request threads' side --- */

void chatsession_recorder_add(chatsession_turn_t *turn)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;

    apr_thread_mutex_lock(recorder->lock);
    APR_ARRAY_PUSH(recorder->turns, chatsession_turn_t *) = turn;
    if (recorder->turns->nelts == 1) {
        apr_thread_cond_signal(recorder->wake);
    }
    apr_thread_mutex_unlock(recorder->lock);
}

void chatsession_recorder_remove(chatsession_turn_t *turn)
{
    chatsession_recorder_t *recorder = turn->conf->recorder;
    apr_array_header_t *turns = recorder->turns;

    apr_thread_mutex_lock(recorder->lock);
    for (int i = 0; i < turns->nelts; i++) {
        if (APR_ARRAY_IDX(turns, i, chatsession_turn_t *) == turn) {
            APR_ARRAY_IDX(turns, i, chatsession_turn_t *) =
                APR_ARRAY_IDX(turns, turns->nelts - 1, chatsession_turn_t *);
            turns->nelts--;
            break;
        }
    }
    apr_thread_mutex_unlock(recorder->lock);
}

apr_status_t chatsession_recorder_append(chatsession_turn_t *turn, const char *bytes, apr_size_t len, apr_size_t limit)
{
    apr_status_t rv;

    apr_thread_mutex_lock(turn->conf->recorder->lock);
    rv = cs_text_append(turn->text, bytes, len, limit);
    apr_thread_mutex_unlock(turn->conf->recorder->lock);
    return rv;
}

void chatsession_recorder_stop(chatsession_recorder_t *recorder, const char *conversation_id)
{
    apr_thread_mutex_lock(recorder->lock);
    for (int i = 0; i < recorder->turns->nelts; i++) {
        chatsession_turn_t *turn = APR_ARRAY_IDX(recorder->turns, i, chatsession_turn_t *);
        if (!strcmp(turn->conversation_id, conversation_id)) {
            atomic_store(&turn->stop, true);
        }
    }
    apr_thread_mutex_unlock(recorder->lock);
}

/* --- life --- */

static apr_status_t stop(void *baton)
{
    chatsession_recorder_t *recorder = baton;
    apr_status_t ended;

    apr_thread_mutex_lock(recorder->lock);
    recorder->stopping = true;
    apr_thread_cond_signal(recorder->wake);
    apr_thread_mutex_unlock(recorder->lock);
    return apr_thread_join(&ended, recorder->thread);
}

apr_status_t chatsession_recorder_start(chatsession_server_t *conf, server_rec *s, apr_pool_t *pool)
{
    chatsession_recorder_t *recorder = apr_pcalloc(pool, sizeof(*recorder));
    apr_status_t rv = apr_thread_mutex_create(&recorder->lock, APR_THREAD_MUTEX_DEFAULT, pool);

    recorder->turns = apr_array_make(pool, 64, sizeof(chatsession_turn_t *));
    recorder->server = s;
    recorder->db = conf->db;
    recorder->interval = chatsession_number(conf, CHATSESSION_CHECKPOINT);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&recorder->wake, pool);
    }
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
