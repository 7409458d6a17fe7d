/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/conversation.h"
#include <apr_strings.h>
#include "store/columns.h"
#include "store/keyset.h"

/* One row as JSON, or APR_ENOENT: the end of every statement that returns the object it changed. */
static apr_status_t one_row(json_t **object, cs_db_t *db, cs_db_repeat_e repeat, const char *sql, int count,
                            const cs_db_param_t *params, apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, repeat, sql, count, params, pool);

    *object = NULL;
    if (rv == APR_SUCCESS && !cs_db_rows(result)) {
        rv = APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        *object = cs_db_row_json(result, 0);
    }
    return rv;
}

apr_status_t cs_conversation_list(json_t **conversations, const char **next, cs_db_t *db,
                                  const cs_conversation_list_t *list, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " CS_CONVERSATION_COLUMNS ", hit.snippet, " CS_KEYSET_CURSOR
        " FROM chatsession.conversations c LEFT JOIN LATERAL (SELECT " CS_SNIPPET(
            "m.content",
            "$2") " AS snippet"
                  "   FROM chatsession.messages m WHERE $2::text IS NOT NULL AND m.conversation_id = c.id"
                  "   AND m.content ILIKE " CS_LIKE_LITERAL(
                      "$2::text") " ORDER BY m.seq LIMIT 1) hit ON true"
                                  " WHERE c.user_id = $1::uuid AND CASE WHEN $3::boolean THEN c.trashed_by = 'user' "
                                  "ELSE c.trashed_at IS NULL END"
                                  " AND ($2::text IS NULL OR hit.snippet IS NOT NULL OR c.title ILIKE " CS_LIKE_LITERAL(
                                      "$2::text") ")"
                                                  " AND " CS_KEYSET_AFTER("$4", "$5") " ORDER BY " CS_KEYSET_ORDER
                                                                                      " LIMIT $6::integer + 1";
    cs_keyset_t after;
    cs_db_result_t *result;
    apr_status_t rv = cs_keyset_parse(&after, list->after, pool);

    *conversations = NULL;
    *next = NULL;
    if (rv == APR_SUCCESS) {
        const cs_db_param_t params[] = {CS_DB_TEXT(list->user_id),
                                        CS_DB_TEXT(list->query),
                                        CS_DB_TEXT(list->trashed ? "true" : "false"),
                                        CS_DB_TEXT(after.time),
                                        CS_DB_TEXT(after.id),
                                        CS_DB_TEXT(apr_itoa(pool, list->limit))};
        rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 6, params, pool);
    }
    if (rv == APR_SUCCESS) {
        *conversations = cs_keyset_page(next, result, list->limit, pool);
    }
    return rv;
}

apr_status_t cs_conversation_create(json_t **conversation, cs_db_t *db, const char *user_id, const char *title,
                                    apr_pool_t *pool)
{
    static const char sql[] = "INSERT INTO chatsession.conversations AS c (user_id, title) VALUES ($1::uuid, $2)"
                              " RETURNING " CS_CONVERSATION_COLUMNS;
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(title)};

    return one_row(conversation, db, CS_DB_ONCE, sql, 2, params, pool);
}

apr_status_t cs_conversation_newer(json_t **messages, cs_db_t *db, const char *user_id, const char *id,
                                   const char *message_id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT " CS_MESSAGE_COLUMNS(CS_MESSAGE_TEXT, "f.comment") CS_MESSAGES_WITH_FEEDBACK
        " JOIN chatsession.conversations c ON c.id = m.conversation_id"
        " WHERE m.conversation_id = $1::uuid AND c.user_id = $2::uuid"
        " AND m.seq > coalesce((SELECT o.seq FROM chatsession.messages o WHERE o.id = $3::uuid AND o.conversation_id = "
        "c.id), 0)"
        " ORDER BY m.seq";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id), CS_DB_TEXT(message_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    *messages = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_conversation_get(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                 apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " CS_CONVERSATION_COLUMNS " FROM chatsession.conversations c"
        " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND coalesce(c.trashed_by, 'user') = 'user'";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};
    json_t *messages;
    apr_status_t rv = one_row(conversation, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    if (rv == APR_SUCCESS) {
        rv = cs_conversation_newer(&messages, db, user_id, id, NULL, pool);
        if (rv == APR_SUCCESS) {
            json_object_set_new(*conversation, "messages", messages);
        } else {
            json_decref(*conversation);
            *conversation = NULL;
        }
    }
    return rv;
}

static const char *bool_text(const bool *value)
{
    return !value ? NULL : *value ? "true" : "false";
}

apr_status_t cs_conversation_update(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                    const cs_conversation_change_t *change, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.conversations c SET title = coalesce($3, c.title),"
                              " pinned = coalesce($4::boolean, c.pinned), archived = coalesce($5::boolean, c.archived)"
                              " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND c.trashed_at IS NULL"
                              " RETURNING " CS_CONVERSATION_COLUMNS;
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id), CS_DB_TEXT(change->title),
                                    CS_DB_TEXT(bool_text(change->pinned)), CS_DB_TEXT(bool_text(change->archived))};

    return one_row(conversation, db, CS_DB_REPEATABLE, sql, 5, params, pool);
}

apr_status_t cs_conversation_trash(cs_db_t *db, const char *user_id, const char *id, apr_interval_time_t grace,
                                   apr_pool_t *pool)
{
    static const char sql[] =
        "WITH found AS (SELECT c.id FROM chatsession.conversations c WHERE c.id = $1::uuid AND c.user_id = $2::uuid"
        "   AND coalesce(c.trashed_by, 'user') = 'user' FOR UPDATE),"
        " trashed AS (UPDATE chatsession.conversations c SET trashed_at = now(), trashed_by = 'user',"
        "   purge_at = now() + $3::bigint * interval '1 microsecond' FROM found WHERE c.id = found.id AND c.trashed_at "
        "IS NULL),"
        " stopped AS (UPDATE chatsession.live_turns l SET stop_requested_at = coalesce(l.stop_requested_at, now())"
        "   FROM found WHERE l.conversation_id = found.id)"
        " SELECT id FROM found";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, grace))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    return rv == APR_SUCCESS && !cs_db_rows(result) ? APR_ENOENT : rv;
}

apr_status_t cs_conversation_restore(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                     apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.conversations c SET trashed_at = NULL, trashed_by = NULL, purge_at = NULL"
        " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND coalesce(c.trashed_by, 'user') = 'user'"
        " RETURNING " CS_CONVERSATION_COLUMNS;
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};

    return one_row(conversation, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

apr_status_t cs_feedback_set(json_t **feedback, cs_db_t *db, const char *user_id, const char *message_id, int rating,
                             const char *comment, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH own AS (SELECT m.id FROM chatsession.messages m JOIN chatsession.conversations c ON c.id = "
        "m.conversation_id"
        "   WHERE m.id = $1::uuid AND c.user_id = $2::uuid AND c.trashed_at IS NULL AND m.role = 'assistant'),"
        " taken AS (DELETE FROM chatsession.feedback f USING own WHERE f.message_id = own.id AND $3::smallint = 0),"
        " given AS (INSERT INTO chatsession.feedback (message_id, rating, comment)"
        "   SELECT own.id, $3::smallint, $4 FROM own WHERE $3::smallint <> 0"
        "   ON CONFLICT ON CONSTRAINT feedback_pkey DO UPDATE SET rating = excluded.rating, comment = "
        "excluded.comment, at = now())"
        " SELECT $3::smallint AS rating, CASE WHEN $3::smallint <> 0 THEN $4 END AS comment FROM own";
    const cs_db_param_t params[] = {CS_DB_TEXT(message_id), CS_DB_TEXT(user_id), CS_DB_TEXT(apr_itoa(pool, rating)),
                                    CS_DB_TEXT(comment)};

    return one_row(feedback, db, CS_DB_REPEATABLE, sql, 4, params, pool);
}

apr_status_t cs_conversation_purge(apr_int64_t *purged, cs_db_t *db, int batch, apr_pool_t *pool)
{
    /* SKIP LOCKED: two hosts sweep at once without waiting for each other, and each row goes once. The messages bound
     * the batch, for they are what takes the time; one conversation always goes. */
    static const char sql[] =
        "DELETE FROM chatsession.conversations WHERE id IN (SELECT d.id FROM ("
        "  SELECT f.id, sum(f.message_count) OVER (ORDER BY f.purge_at, f.id) - f.message_count AS before FROM ("
        "    SELECT c.id, c.purge_at, c.message_count FROM chatsession.conversations c"
        "    WHERE c.purge_at <= now() AND c.user_id NOT IN (SELECT h.user_id FROM chatsession.held_users h)"
        "      AND c.id NOT IN (SELECT h.conversation_id FROM chatsession.held_conversations h) ORDER BY c.purge_at, c.id LIMIT $1::integer FOR UPDATE SKIP LOCKED) f) d"
        " WHERE d.before < $1::integer * 10)";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *purged = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
}
