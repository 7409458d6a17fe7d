/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "saving.h"
#include <apr_hash.h>
#include <apr_strings.h>
#include "core/json.h"
#include "core/steady.h"
#include "core/utf8.h"
#include "counters.h"

/* A snapshot of one turn: what is being saved, while the turn itself goes on. */
struct chatsession_saving {
    cs_turn_piece_t piece;
    chatsession_turn_t *turn; /* NULL: it was removed meanwhile */
    unsigned extra_version;
    apr_time_t since; /* the oldest of it came then; 0: there is nothing */
    apr_time_t taken;
};

static void take_piece(chatsession_saving_t *saving, const chatsession_turn_t *turn, apr_pool_t *pool)
{
    cs_turn_piece_t *piece = &saving->piece;
    apr_size_t len;
    const char *thought = cs_extra_reasoning(turn->extra, &len);

    piece->answer_id = apr_pstrdup(pool, turn->answer_id);
    piece->at = turn->saved_points;
    piece->thought_at = turn->saved_thought;
    saving->extra_version = turn->saved_extra;
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
    saving->extra_version = cs_extra_version(turn->extra);
    if (saving->extra_version != turn->saved_extra) {
        piece->extra = cs_json_own(cs_extra_beside(turn->extra), pool);
    }
    saving->since = piece->len || piece->thought_len || piece->extra ? turn->unsaved_since : 0;
}

chatsession_saving_t *chatsession_saving_begin(chatsession_turn_t *turn, apr_pool_t *pool)
{
    chatsession_saving_t *saving = apr_pcalloc(pool, sizeof(*saving));

    take_piece(saving, turn, pool);
    saving->turn = turn;
    saving->taken = cs_steady_now();
    turn->saving = saving;
    return saving;
}

void chatsession_saving_forget(chatsession_saving_t *saving)
{
    saving->turn = NULL;
}

static apr_array_header_t *pieces_of(const apr_array_header_t *savings, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, savings->nelts, sizeof(const cs_turn_piece_t *));

    for (int i = 0; i < savings->nelts; i++) {
        APR_ARRAY_PUSH(pieces, const cs_turn_piece_t *) =
            &APR_ARRAY_IDX(savings, i, const chatsession_saving_t *)->piece;
    }
    return pieces;
}

apr_status_t chatsession_saving_send(apr_array_header_t **saved, cs_db_t *db, const apr_array_header_t *savings,
                                     apr_pool_t *pool)
{
    return cs_turn_save(saved, db, pieces_of(savings, pool), pool);
}

static bool has_unsaved(const chatsession_turn_t *turn)
{
    apr_size_t thought;

    cs_extra_reasoning(turn->extra, &thought);
    return cs_text_length(turn->text) > turn->saved_bytes || thought > turn->saved_thought_bytes ||
           cs_extra_version(turn->extra) != turn->saved_extra;
}

/* What the database said of what was asked. */
static void take(const chatsession_saving_t *saving, const cs_turn_saved_t *saved)
{
    const cs_turn_piece_t *piece = &saving->piece;
    chatsession_turn_t *turn = saving->turn;

    if (saved->saved_points > piece->at) {
        turn->saved_bytes += cs_utf8_prefix(piece->text, piece->len, (apr_size_t)(saved->saved_points - piece->at));
        turn->saved_points = saved->saved_points;
    }
    if (saved->saved_thought > piece->thought_at) {
        turn->saved_thought_bytes +=
            cs_utf8_prefix(piece->thought, piece->thought_len, (apr_size_t)(saved->saved_thought - piece->thought_at));
        turn->saved_thought = saved->saved_thought;
    }
    turn->saved_extra = saving->extra_version;
    if (saving->since && saved->life == CS_TURN_LIVE) {
        chatsession_count_lag(cs_steady_now() - saving->since);
    }
    /* What is not there has come since the snapshot, and may have come right after it. */
    turn->unsaved_since = has_unsaved(turn) ? saving->taken : 0;
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
void chatsession_saving_take(const apr_array_header_t *savings, const apr_array_header_t *saved, apr_pool_t *pool)
{
    apr_hash_t *asked = apr_hash_make(pool);

    for (int i = 0; i < savings->nelts; i++) {
        const chatsession_saving_t *saving = APR_ARRAY_IDX(savings, i, const chatsession_saving_t *);
        apr_hash_set(asked, saving->piece.answer_id, APR_HASH_KEY_STRING, saving);
    }
    for (int i = 0; i < saved->nelts; i++) {
        const cs_turn_saved_t *row = &APR_ARRAY_IDX(saved, i, cs_turn_saved_t);
        const chatsession_saving_t *saving = apr_hash_get(asked, row->answer_id, APR_HASH_KEY_STRING);
        if (saving && saving->turn) {
            take(saving, row);
        }
    }
}

void chatsession_saving_end(const apr_array_header_t *savings)
{
    for (int i = 0; i < savings->nelts; i++) {
        const chatsession_saving_t *saving = APR_ARRAY_IDX(savings, i, const chatsession_saving_t *);
        if (saving->turn) {
            saving->turn->saving = NULL;
        }
    }
}
