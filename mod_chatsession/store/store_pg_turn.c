/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/turn.h"
#include <apr_strings.h>
#include <stdlib.h>
#include "core/json.h"

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

static apr_status_t read_begun(cs_turn_begun_t *begun, const char *outcome)
{
    static const struct {
        const char *word;
        cs_turn_begun_e outcome;
    } words[] = {{"begun", CS_TURN_BEGUN}, {"same", CS_TURN_SAME},       {"absent", CS_TURN_ABSENT},
                 {"stale", CS_TURN_STALE}, {"running", CS_TURN_RUNNING}, {"queued", CS_TURN_QUEUED},
                 {"busy", CS_TURN_BUSY},   {"limit", CS_TURN_LIMITED}};

    for (size_t i = 0; outcome && i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcmp(outcome, words[i].word)) {
            begun->outcome = words[i].outcome;
            return APR_SUCCESS;
        }
    }
    return CS_EDATABASE;
}

/* A column of seconds; negative for NULL: nobody knows. */
static double seconds_of(const cs_db_result_t *result, int row, int column)
{
    const char *text = cs_db_text(result, row, column, NULL);

    return text ? strtod(text, NULL) : -1;
}

apr_status_t cs_turn_begin(cs_turn_begun_t *begun, cs_db_t *db, const cs_turn_new_t *turn, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT t.outcome, t.message_id, t.answer_id, t.model, t.place, t.estimate, t.exceeded, t.retry_after,"
        " t.untitled, CASE t.exceeded WHEN 'tokens' THEN l.tokens WHEN 'requests' THEN l.requests ELSE l.turns END"
        " FROM (SELECT coalesce(u.max_turns, $15::integer) AS turns, coalesce(u.max_requests, $16::integer) AS "
        "requests,"
        "   coalesce(u.max_tokens, $17::bigint) AS tokens FROM chatsession.users u WHERE u.id = $1::uuid) l,"
        " LATERAL chatsession.turn_enter($1::uuid, $2::uuid, $3,"
        " $4::uuid, $5::boolean, $6::boolean, $7::uuid, $8::uuid, $9, $10, $11, decode($12, 'hex'),"
        " $13::integer, $14::integer, l.turns, l.requests, l.tokens, $18::boolean) t";
    const cs_turn_limits_t *limits = &turn->limits;
    const cs_db_param_t params[] = {CS_DB_TEXT(turn->user_id),
                                    CS_DB_TEXT(turn->conversation_id),
                                    CS_DB_TEXT(turn->content),
                                    CS_DB_TEXT(turn->parent_id),
                                    CS_DB_TEXT(bool_text(turn->parent_given)),
                                    CS_DB_TEXT(bool_text(turn->branch)),
                                    CS_DB_TEXT(turn->regenerate),
                                    CS_DB_TEXT(turn->client_id),
                                    CS_DB_TEXT(turn->model),
                                    CS_DB_TEXT(turn->host),
                                    CS_DB_TEXT(turn->request_id),
                                    CS_DB_TEXT(turn->session_hash),
                                    CS_DB_TEXT(apr_itoa(pool, limits->max_turns)),
                                    CS_DB_TEXT(apr_itoa(pool, limits->max_waiting)),
                                    CS_DB_TEXT(apr_itoa(pool, limits->user_turns)),
                                    CS_DB_TEXT(apr_itoa(pool, limits->user_rate)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, limits->user_tokens)),
                                    CS_DB_TEXT(bool_text(turn->titled))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 18, params, pool);

    *begun = (cs_turn_begun_t){.outcome = CS_TURN_ABSENT};
    if (rv != APR_SUCCESS || !cs_db_rows(result)) {
        return rv; /* no row: the user was erased a moment ago */
    }
    begun->message_id = cs_db_text_copy(result, 0, 1, pool);
    begun->answer_id = cs_db_text_copy(result, 0, 2, pool);
    begun->model = cs_db_text_copy(result, 0, 3, pool);
    begun->place = (int)cs_db_int(result, 0, 4, 0);
    begun->estimate = seconds_of(result, 0, 5);
    begun->exceeded = cs_db_text_copy(result, 0, 6, pool);
    begun->retry_after = seconds_of(result, 0, 7);
    begun->untitled = cs_db_bool(result, 0, 8);
    begun->limit = cs_db_int(result, 0, 9, 0);
    rv = read_begun(begun, cs_db_text(result, 0, 0, NULL));
    cs_db_result_free(result);
    return rv;
}

apr_status_t cs_turn_history(cs_db_result_t **rows, cs_db_t *db, const char *message_id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(message_id)};

    return cs_db_run(rows, db, CS_DB_OFTEN, "SELECT role, content FROM chatsession.turn_history($1::uuid)", 1, params,
                     pool);
}

static cs_turn_life_e read_life(const char *word)
{
    return !strcmp(word, "live") ? CS_TURN_LIVE : !strcmp(word, "reaped") ? CS_TURN_REAPED : CS_TURN_PURGED;
}

static apr_status_t add(cs_text_t *text, const char *bytes)
{
    return cs_text_append(text, bytes, strlen(bytes), 0);
}

/* {"id","at","t","thought_at","thought","extra"}, what there is nothing of left out: a thousand of these are written
 * and read five times a second. */
static apr_status_t add_piece(cs_text_t *text, const cs_turn_piece_t *piece, apr_pool_t *pool)
{
    const char *extra = piece->extra ? cs_json_print(piece->extra, NULL, pool) : NULL;
    apr_status_t rv = add(text, apr_psprintf(pool, "%s{\"id\":\"%s\",\"at\":%" APR_INT64_T_FMT ",\"t\":",
                                             cs_text_length(text) > 1 ? "," : "", piece->answer_id, piece->at));

    if (rv == APR_SUCCESS) {
        rv = cs_json_append_string(text, piece->text, piece->len);
    }
    if (rv == APR_SUCCESS && piece->thought_len) {
        rv = add(text, apr_psprintf(pool, ",\"thought_at\":%" APR_INT64_T_FMT ",\"thought\":", piece->thought_at));
        if (rv == APR_SUCCESS) {
            rv = cs_json_append_string(text, piece->thought, piece->thought_len);
        }
    }
    if (rv == APR_SUCCESS && piece->extra) {
        rv = extra ? add(text, apr_pstrcat(pool, ",\"extra\":", extra, NULL)) : APR_ENOMEM;
    }
    return rv == APR_SUCCESS ? add(text, "}") : rv;
}

static apr_status_t print_pieces(cs_text_t *text, const apr_array_header_t *pieces, apr_pool_t *pool)
{
    apr_status_t rv = add(text, "[");

    for (int i = 0; rv == APR_SUCCESS && i < pieces->nelts; i++) {
        rv = add_piece(text, APR_ARRAY_IDX(pieces, i, const cs_turn_piece_t *), pool);
    }
    return rv == APR_SUCCESS ? add(text, "]") : rv;
}

apr_status_t cs_turn_save(apr_array_header_t **saved, cs_db_t *db, const apr_array_header_t *pieces, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT answer_id, saved_points, saved_thought, state, stop, cut FROM chatsession.turn_save($1::json)";
    cs_text_t *text = cs_text_create(pool);
    cs_db_result_t *result;
    apr_status_t rv = print_pieces(text, pieces, pool);

    *saved = NULL;
    if (rv == APR_SUCCESS) {
        const cs_db_param_t params[] = {{cs_text_get(text), cs_text_length(text)}};
        rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 1, params, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *saved = apr_array_make(pool, cs_db_rows(result), sizeof(cs_turn_saved_t));
    for (int i = 0; i < cs_db_rows(result); i++) {
        APR_ARRAY_PUSH(*saved, cs_turn_saved_t) =
            (cs_turn_saved_t){cs_db_text(result, i, 0, NULL), cs_db_int(result, i, 1, 0),
                              cs_db_int(result, i, 2, 0),     read_life(cs_db_text(result, i, 3, NULL)),
                              cs_db_bool(result, i, 4),       cs_db_bool(result, i, 5)};
    }
    return APR_SUCCESS;
}

apr_status_t cs_turn_wait(apr_array_header_t **waiting, cs_db_t *db, json_t *answers, int max_turns,
                          apr_interval_time_t fresh, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT answer_id, state, place, estimate, stop, cut FROM chatsession.turn_wait("
        "ARRAY(SELECT json_array_elements_text($1::json)::uuid), $2::integer, $3::bigint * interval '1 microsecond')";
    const char *text = cs_json_print(answers, NULL, pool);
    const cs_db_param_t params[] = {CS_DB_TEXT(text), CS_DB_TEXT(apr_itoa(pool, max_turns)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, fresh))};
    cs_db_result_t *result;
    apr_status_t rv;

    json_decref(answers);
    *waiting = NULL;
    rv = text ? cs_db_run(&result, db, CS_DB_OFTEN, sql, 3, params, pool) : APR_ENOMEM;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *waiting = apr_array_make(pool, cs_db_rows(result), sizeof(cs_turn_waiting_t));
    for (int i = 0; i < cs_db_rows(result); i++) {
        const char *state = cs_db_text(result, i, 1, NULL);
        APR_ARRAY_PUSH(*waiting, cs_turn_waiting_t) = (cs_turn_waiting_t){.answer_id = cs_db_text(result, i, 0, NULL),
                                                                          .admitted = !strcmp(state, "streaming"),
                                                                          .gone = !strcmp(state, "gone"),
                                                                          .place = (int)cs_db_int(result, i, 2, 0),
                                                                          .estimate = seconds_of(result, i, 3),
                                                                          .stop = cs_db_bool(result, i, 4),
                                                                          .cut = cs_db_bool(result, i, 5)};
    }
    return APR_SUCCESS;
}

apr_status_t cs_turn_load(int *processing, int *waiting, cs_db_t *db, apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv =
        cs_db_run(&result, db, CS_DB_OFTEN, "SELECT processing, waiting FROM chatsession.turn_load()", 0, NULL, pool);

    *processing = rv == APR_SUCCESS ? (int)cs_db_int(result, 0, 0, 0) : 0;
    *waiting = rv == APR_SUCCESS ? (int)cs_db_int(result, 0, 1, 0) : 0;
    return rv;
}

apr_status_t cs_turn_stop(bool *running, cs_db_t *db, const char *user_id, const char *conversation_id,
                          apr_pool_t *pool)
{
    /* No row at all: the conversation is not this user's. */
    static const char sql[] = "SELECT chatsession.turn_stop($1::uuid, $2::uuid) FROM chatsession.conversations c"
                              " WHERE c.id = $2::uuid AND c.user_id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(conversation_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 2, params, pool);

    *running = rv == APR_SUCCESS && cs_db_rows(result) && cs_db_bool(result, 0, 0);
    return rv == APR_SUCCESS && !cs_db_rows(result) ? APR_ENOENT : rv;
}

apr_status_t cs_turn_finish(cs_turn_finished_e *outcome, cs_db_t *db, const cs_turn_end_t *end, apr_pool_t *pool)
{
    static const char sql[] = "SELECT chatsession.turn_end($1::uuid, $2, $3, $4, $5::jsonb, $6, $7, $8::jsonb)";
    const cs_db_param_t params[] = {CS_DB_TEXT(end->answer_id),       CS_DB_TEXT(end->status),
                                    {end->content, end->content_len}, CS_DB_TEXT(end->finish_reason),
                                    CS_DB_TEXT(end->usage),           CS_DB_TEXT(end->detail),
                                    CS_DB_TEXT(end->model),           CS_DB_TEXT(end->extra)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 8, params, pool);
    const char *word;

    *outcome = CS_TURN_FINISHED;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    word = cs_db_text(result, 0, 0, NULL);
    if (!strcmp(word, "gone")) {
        *outcome = CS_TURN_GONE;
    } else if (!strcmp(word, "final")) {
        *outcome = CS_TURN_FINAL;
    }
    return APR_SUCCESS;
}

apr_status_t cs_turn_reap(apr_int64_t *reaped, cs_db_t *db, apr_interval_time_t silence, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, silence))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_OFTEN,
                                "SELECT chatsession.turn_reap($1::bigint * interval '1 microsecond')", 1, params, pool);

    *reaped = rv == APR_SUCCESS ? cs_db_rows(result) : 0;
    return rv;
}

apr_status_t cs_turn_follow(cs_turn_progress_t *progress, cs_db_t *db, const cs_turn_place_t *place, apr_pool_t *pool)
{
    /* Of a long answer only the pieces from the last one that begins at or before the place are read. */
    static const char sql[] =
        "SELECT m.parent_id, m.id, m.model, m.status, t.text, char_length(t.text), m.finish_reason, m.usage, m.detail,"
        " CASE WHEN m.status = 'streaming' AND t.text = '' THEN chatsession.turn_place(m.id) END,"
        " h.thought, char_length(h.thought), nullif(CASE WHEN m.status <> 'streaming' THEN m.extra - 'reasoning' ELSE"
        "   (SELECT e.extra FROM chatsession.answer_extras e WHERE e.answer_id = m.id) END, '{}')"
        " FROM chatsession.messages m JOIN chatsession.conversations c ON c.id = m.conversation_id,"
        " LATERAL (SELECT CASE WHEN m.status <> 'streaming' THEN substr(m.content, $4::integer + 1) ELSE"
        "   coalesce((SELECT string_agg(substr(p.content, greatest(1, $4::integer + 1 - p.from_point)), ''"
        "     ORDER BY p.from_point)"
        "   FROM chatsession.answer_pieces p WHERE p.answer_id = m.id AND p.from_point >= coalesce("
        "     (SELECT max(b.from_point) FROM chatsession.answer_pieces b"
        "      WHERE b.answer_id = m.id AND b.from_point <= $4::integer), 0)), '') END AS text) t,"
        " LATERAL (SELECT coalesce(CASE WHEN m.status <> 'streaming' THEN substr(m.extra->>'reasoning', $6::integer + "
        "1)"
        "   ELSE (SELECT string_agg(substr(p.content, greatest(1, $6::integer + 1 - p.from_point)), ''"
        "     ORDER BY p.from_point)"
        "   FROM chatsession.thought_pieces p WHERE p.answer_id = m.id AND p.from_point >= coalesce("
        "     (SELECT max(b.from_point) FROM chatsession.thought_pieces b"
        "      WHERE b.answer_id = m.id AND b.from_point <= $6::integer), 0)) END, '') AS thought) h"
        " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND coalesce(c.trashed_by, 'user') = 'user'"
        " AND m.role = 'assistant' AND ($3::uuid IS NULL OR m.id = $3::uuid)"
        " AND chatsession.session_lives(decode($5, 'hex')) ORDER BY m.seq DESC LIMIT 1";
    const cs_db_param_t params[] = {CS_DB_TEXT(place->conversation_id),
                                    CS_DB_TEXT(place->user_id),
                                    CS_DB_TEXT(place->answer_id),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, place->from_point)),
                                    CS_DB_TEXT(place->session_hash),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, place->from_thought))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 6, params, pool);

    *progress = (cs_turn_progress_t){0};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    progress->message_id = cs_db_text(result, 0, 0, NULL);
    progress->answer_id = cs_db_text(result, 0, 1, NULL);
    progress->model = cs_db_text(result, 0, 2, NULL);
    progress->status = cs_db_text(result, 0, 3, NULL);
    progress->text = cs_db_text(result, 0, 4, &progress->text_len);
    progress->points = cs_db_int(result, 0, 5, 0);
    progress->finish_reason = cs_db_text(result, 0, 6, NULL);
    progress->usage = cs_db_text(result, 0, 7, NULL);
    progress->detail = cs_db_text(result, 0, 8, NULL);
    progress->place = (int)cs_db_int(result, 0, 9, 0);
    progress->thought = cs_db_text(result, 0, 10, &progress->thought_len);
    progress->thought_points = cs_db_int(result, 0, 11, 0);
    progress->extra = cs_db_text(result, 0, 12, NULL);
    return APR_SUCCESS;
}
