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

static struct {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *wake;
    apr_thread_t *thread;
    apr_array_header_t *turns; /* of chatsession_turn_t * */
    server_rec *server;
    apr_interval_time_t interval;
    bool stopping;
    bool failing; /* the last save failed: said once, not at every tick */
} recorder;

/* --- one tick --- */

/* What the turns of one database have gained; NULL when it has none. Under the lock. */
static apr_array_header_t *snapshot(const cs_db_t *db, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, recorder.turns->nelts, sizeof(piece_t));

    for (int i = 0; i < recorder.turns->nelts; i++) {
        const chatsession_turn_t *turn = APR_ARRAY_IDX(recorder.turns, i, chatsession_turn_t *);
        if (turn->conf->db == db) {
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

/* The turn with that answer, if it is still running. Under the lock. */
static chatsession_turn_t *find_turn(const char *answer_id)
{
    for (int i = 0; i < recorder.turns->nelts; i++) {
        chatsession_turn_t *turn = APR_ARRAY_IDX(recorder.turns, i, chatsession_turn_t *);
        if (!strcmp(turn->answer_id, answer_id)) {
            return turn;
        }
    }
    return NULL;
}

/* Row number row of the save's answer for piece: how far it is saved now, whether to stop. Under the lock. */
static void take_row(const cs_db_result_t *rows, int row, const piece_t *piece)
{
    chatsession_turn_t *turn = find_turn(piece->answer_id);
    const apr_int64_t points = cs_db_int(rows, row, 1, piece->at);

    if (turn && points > piece->at) {
        turn->saved_bytes += cs_utf8_prefix(piece->text, piece->len, (apr_size_t)(points - piece->at));
        turn->saved_points = points;
    }
    if (turn && cs_db_bool(rows, row, 2)) {
        atomic_store(&turn->stop, true);
    }
}

/* What the database said: rows answer pieces by id; an answer without a row is gone. Under the lock. */
static void take_answer(const cs_db_result_t *rows, const apr_array_header_t *pieces)
{
    for (int i = 0; i < pieces->nelts; i++) {
        const piece_t *piece = &APR_ARRAY_IDX(pieces, i, piece_t);
        int row = 0;

        while (row < cs_db_rows(rows) && strcmp(cs_db_text(rows, row, 0, NULL), piece->answer_id) != 0) {
            row++;
        }
        if (row < cs_db_rows(rows)) {
            take_row(rows, row, piece);
        } else {
            chatsession_turn_t *turn = find_turn(piece->answer_id);
            if (turn) {
                atomic_store(&turn->gone, true);
            }
        }
    }
}

static void save(cs_db_t *db, apr_pool_t *pool)
{
    apr_array_header_t *pieces = snapshot(db, pool);
    cs_db_result_t *rows;
    apr_status_t rv;

    apr_thread_mutex_unlock(recorder.lock);
    rv = cs_turn_save(&rows, db, pieces_json(pieces), pool);
    apr_thread_mutex_lock(recorder.lock);
    if (rv == APR_SUCCESS) {
        take_answer(rows, pieces);
    }
    if (rv != APR_SUCCESS && !recorder.failing) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, recorder.server,
                     "CS0060: %d running answers could not be recorded; they are kept in memory and tried again",
                     pieces->nelts);
    } else if (rv == APR_SUCCESS && recorder.failing) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, recorder.server, "CS0061: running answers are recorded again");
    }
    recorder.failing = rv != APR_SUCCESS;
}

/* Save the turns of each database in use, one after the other. Under the lock, which is let go during the statements.
 */
static void tick(apr_pool_t *pool)
{
    apr_array_header_t *dbs = apr_array_make(pool, 2, sizeof(cs_db_t *));

    for (int i = 0; i < recorder.turns->nelts; i++) {
        cs_db_t *db = APR_ARRAY_IDX(recorder.turns, i, chatsession_turn_t *)->conf->db;
        int known = 0;
        while (known < dbs->nelts && APR_ARRAY_IDX(dbs, known, cs_db_t *) != db) {
            known++;
        }
        if (known == dbs->nelts) {
            APR_ARRAY_PUSH(dbs, cs_db_t *) = db;
        }
    }
    for (int i = 0; i < dbs->nelts; i++) {
        save(APR_ARRAY_IDX(dbs, i, cs_db_t *), pool);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *baton)
{
    apr_pool_t *pool;

    (void)baton;
    if (apr_pool_create(&pool, apr_thread_pool_get(thread)) != APR_SUCCESS) {
        return NULL;
    }
    apr_thread_mutex_lock(recorder.lock);
    while (!recorder.stopping) {
        if (!recorder.turns->nelts) {
            apr_thread_cond_wait(recorder.wake, recorder.lock);
            continue;
        }
        apr_thread_cond_timedwait(recorder.wake, recorder.lock, recorder.interval);
        tick(pool);
        apr_pool_clear(pool);
    }
    apr_thread_mutex_unlock(recorder.lock);
    return NULL;
}

/* --- the request threads' side --- */

void chatsession_recorder_add(chatsession_turn_t *turn)
{
    apr_thread_mutex_lock(recorder.lock);
    APR_ARRAY_PUSH(recorder.turns, chatsession_turn_t *) = turn;
    if (recorder.turns->nelts == 1) {
        apr_thread_cond_signal(recorder.wake);
    }
    apr_thread_mutex_unlock(recorder.lock);
}

void chatsession_recorder_remove(chatsession_turn_t *turn)
{
    apr_thread_mutex_lock(recorder.lock);
    for (int i = 0; i < recorder.turns->nelts; i++) {
        if (APR_ARRAY_IDX(recorder.turns, i, chatsession_turn_t *) == turn) {
            APR_ARRAY_IDX(recorder.turns, i, chatsession_turn_t *) =
                APR_ARRAY_IDX(recorder.turns, recorder.turns->nelts - 1, chatsession_turn_t *);
            recorder.turns->nelts--;
            break;
        }
    }
    apr_thread_mutex_unlock(recorder.lock);
}

apr_status_t chatsession_recorder_append(chatsession_turn_t *turn, const char *bytes, apr_size_t len, apr_size_t limit)
{
    apr_status_t rv;

    apr_thread_mutex_lock(recorder.lock);
    rv = cs_text_append(turn->text, bytes, len, limit);
    apr_thread_mutex_unlock(recorder.lock);
    return rv;
}

void chatsession_recorder_stop(const char *conversation_id)
{
    apr_thread_mutex_lock(recorder.lock);
    for (int i = 0; i < recorder.turns->nelts; i++) {
        chatsession_turn_t *turn = APR_ARRAY_IDX(recorder.turns, i, chatsession_turn_t *);
        if (!strcmp(turn->conversation_id, conversation_id)) {
            atomic_store(&turn->stop, true);
        }
    }
    apr_thread_mutex_unlock(recorder.lock);
}

/* --- life --- */

static apr_status_t stop(void *unused)
{
    apr_status_t ended;

    (void)unused;
    apr_thread_mutex_lock(recorder.lock);
    recorder.stopping = true;
    apr_thread_cond_signal(recorder.wake);
    apr_thread_mutex_unlock(recorder.lock);
    return apr_thread_join(&ended, recorder.thread);
}

apr_status_t chatsession_recorder_start(chatsession_server_t *conf, server_rec *s, apr_pool_t *pool)
{
    apr_status_t rv = apr_thread_mutex_create(&recorder.lock, APR_THREAD_MUTEX_DEFAULT, pool);

    recorder.turns = apr_array_make(pool, 64, sizeof(chatsession_turn_t *));
    recorder.server = s;
    recorder.interval = chatsession_number(conf, CHATSESSION_CHECKPOINT);
    recorder.stopping = recorder.failing = false;
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&recorder.wake, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&recorder.thread, NULL, run, NULL, pool);
    }
    if (rv == APR_SUCCESS) {
        /* Before the pool's sub-pools go: the thread uses the connections that live there. */
        apr_pool_pre_cleanup_register(pool, NULL, stop);
    }
    return rv;
}
