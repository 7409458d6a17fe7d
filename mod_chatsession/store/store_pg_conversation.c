/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/conversation.h"
#include <apr_general.h>
#include <apr_strings.h>
#include "core/json.h"
#include "core/label.h"
#include "store/columns.h"
#include "store/keyset.h"

static const char *bool_text(const bool *value)
{
    return !value ? NULL : *value ? "true" : "false";
}

/* How many ids one call gives. */
#define IDS 200

apr_status_t cs_conversation_ids(json_t **ids, const char **next, cs_db_t *db, const char *user_id, const char *after,
                                 apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT c.id, chatsession.usec(c.created_at) || '_' || c.id AS next FROM chatsession.conversations c"
        " WHERE c.user_id = $1::uuid AND coalesce(c.trashed_by, 'user') = 'user'"
        " AND ($2::bigint IS NULL OR (c.created_at, c.id) >"
        "   (to_timestamp(0) + $2::bigint * interval '1 microsecond', $3::uuid))"
        " ORDER BY c.created_at, c.id LIMIT $4::integer + 1";
    const cs_db_param_t own[] = {CS_DB_TEXT(user_id)};

    return cs_keyset_list(ids, next, db, sql, 1, own, after, IDS, pool);
}

apr_status_t cs_conversation_create(json_t **conversation, cs_db_t *db, const char *user_id,
                                    const cs_conversation_new_t *made, apr_pool_t *pool)
{
    /* The same key again finds the first one's work, also while that is being committed: the update waits for it. */
    static const char sql[] =
        "INSERT INTO chatsession.conversations AS c (user_id, title, model, system, params, examples, client_key,"
        " temporary_until) SELECT $1::uuid, $2, $3::jsonb ->> 'model', $3::jsonb ->> 'system',"
        " nullif($3::jsonb -> 'params', 'null'), nullif($3::jsonb -> 'examples', 'null'), 'client:' || $4,"
        " now() + nullif($5::bigint, 0) * interval '1 microsecond'"
        " WHERE " CS_ROOM_FOR_CONVERSATION(
            "$6") " OR EXISTS (SELECT FROM chatsession.conversations o"
                  "   WHERE o.user_id = $1::uuid AND o.client_key = 'client:' || $4)"
                  " ON CONFLICT (user_id, client_key) WHERE client_key IS NOT NULL"
                  " DO UPDATE SET client_key = excluded.client_key RETURNING " CS_CONVERSATION_COLUMNS
                      CS_CONVERSATION_SETTINGS;
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id),
                                    CS_DB_TEXT(made->title),
                                    CS_DB_TEXT(made->settings ? cs_json_print(made->settings, NULL, pool) : NULL),
                                    CS_DB_TEXT(made->client_id),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, made->temporary)),
                                    CS_DB_TEXT(apr_itoa(pool, made->most))};
    const apr_status_t rv =
        cs_db_run_row(conversation, db, made->client_id ? CS_DB_REPEATABLE : CS_DB_ONCE, sql, 6, params, pool);

    return rv == APR_ENOENT ? CS_EFULL : rv;
}

apr_status_t cs_conversation_discard(cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool)
{
    static const char sql[] = "DELETE FROM chatsession.conversations c"
                              " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND c.message_count = 0";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

static json_t *if_set(json_t *value)
{
    return json_is_null(value) ? NULL : value;
}

apr_status_t cs_conversation_settings(cs_conversation_settings_t *settings, cs_db_t *db, const char *user_id,
                                      const char *id, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT c.model, c.system, c.params, c.examples, c.message_count FROM chatsession.conversations c"
        " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND c.trashed_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};
    json_t *row;
    apr_status_t rv = cs_db_run_row(&row, db, CS_DB_OFTEN, sql, 2, params, pool);

    *settings = (cs_conversation_settings_t){0};
    if (rv == APR_SUCCESS) {
        cs_json_own(row, pool);
        settings->model = json_string_value(json_object_get(row, "model"));
        settings->system = json_string_value(json_object_get(row, "system"));
        settings->params = if_set(json_object_get(row, "params"));
        settings->examples = if_set(json_object_get(row, "examples"));
        settings->messages = json_integer_value(json_object_get(row, "message_count"));
    }
    return rv;
}

apr_status_t cs_conversation_title(cs_db_t *db, const char *user_id, const char *message_id, const char *title,
                                   apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(message_id), CS_DB_TEXT(title)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT chatsession.title_by_model($1::uuid, $2::uuid, $3)", 3,
                     params, pool);
}

static apr_status_t messages_after(cs_db_result_t **messages, cs_db_t *db, const char *user_id, const char *id,
                                   const char *message_id, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " CS_MESSAGE_COLUMNS(CS_MESSAGE_TEXT,
                                     "f.comment") ", " CS_MESSAGE_EXTRA " AS extra" CS_MESSAGES_WITH_FEEDBACK
                                                  " JOIN chatsession.conversations c ON c.id = m.conversation_id"
                                                  " WHERE m.conversation_id = $1::uuid AND c.user_id = $2::uuid"
                                                  " AND m.seq > coalesce((SELECT o.seq FROM chatsession.messages o "
                                                  "WHERE o.id = $3::uuid AND o.conversation_id = "
                                                  "c.id), 0)"
                                                  " ORDER BY m.seq";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id), CS_DB_TEXT(message_id)};

    return cs_db_run(messages, db, CS_DB_OFTEN, sql, 3, params, pool);
}

/* The conversation's row, or APR_ENOENT, and its messages. */
static apr_status_t whole(cs_db_result_t **conversation, cs_db_result_t **messages, cs_db_t *db, const char *user_id,
                          const char *id, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " CS_CONVERSATION_COLUMNS CS_CONVERSATION_SETTINGS " FROM chatsession.conversations c"
        " WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND coalesce(c.trashed_by, 'user') = 'user'"
        " AND (c.temporary_until IS NULL OR c.temporary_until > now())";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};
    apr_status_t rv = cs_db_run(conversation, db, CS_DB_OFTEN, sql, 2, params, pool);

    if (rv == APR_SUCCESS && !cs_db_rows(*conversation)) {
        rv = APR_ENOENT;
    }
    return rv == APR_SUCCESS ? messages_after(messages, db, user_id, id, NULL, pool) : rv;
}

apr_status_t cs_conversation_newer(json_t **messages, cs_db_t *db, const char *user_id, const char *id,
                                   const char *message_id, apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv = messages_after(&result, db, user_id, id, message_id, pool);

    *messages = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_conversation_get(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                 apr_pool_t *pool)
{
    cs_db_result_t *row, *messages;
    apr_status_t rv = whole(&row, &messages, db, user_id, id, pool);

    *conversation = NULL;
    if (rv == APR_SUCCESS) {
        *conversation = cs_db_row_json(row, 0);
        json_object_set_new(*conversation, "messages", cs_db_rows_json(messages));
    }
    return rv;
}

apr_status_t cs_conversation_print(cs_text_t *text, cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool)
{
    static const char member[] = ",\"messages\":";
    cs_db_result_t *row, *messages;
    apr_status_t rv = whole(&row, &messages, db, user_id, id, pool);

    if (rv == APR_SUCCESS) {
        rv = cs_db_row_print_open(text, row, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_text_append(text, member, sizeof(member) - 1, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_rows_print(text, messages, cs_db_rows(messages));
    }
    return rv == APR_SUCCESS ? cs_text_append(text, "}", 1, 0) : rv;
}

static const char *print_or_null(const json_t *value, apr_pool_t *pool)
{
    return value ? cs_json_print(value, NULL, pool) : NULL;
}

apr_status_t cs_conversation_update(json_t **conversation, cs_db_t *db, const char *user_id, const char *id,
                                    const cs_conversation_change_t *change, apr_pool_t *pool)
{
    /* Which labels it has then is settled while nobody else can change them. */
    static const char sql[] =
        "WITH wanted AS (SELECT c.id, CASE WHEN coalesce($8, $9, $10) IS NULL THEN c.labels ELSE"
        "     chatsession.labels_of(to_jsonb(coalesce(chatsession.labels_of($9::jsonb), '{}') ||"
        "       ARRAY(SELECT l FROM unnest(coalesce(chatsession.labels_of($8::jsonb), c.labels)) l"
        "             WHERE l <> ALL (coalesce(chatsession.labels_of($10::jsonb), '{}'))))) END AS labels"
        "   FROM chatsession.conversations c"
        "   WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND c.trashed_at IS NULL"
        "   AND (c.temporary_until IS NULL OR c.temporary_until > now()) FOR NO KEY UPDATE),"
        " changed AS (UPDATE chatsession.conversations c SET title = coalesce($3, c.title),"
        "   pinned = coalesce($4::boolean, c.pinned), archived = coalesce($5::boolean, c.archived),"
        "   model = CASE WHEN $6::jsonb ? 'model' THEN $6::jsonb ->> 'model' ELSE c.model END,"
        "   system = CASE WHEN $6::jsonb ? 'system' THEN $6::jsonb ->> 'system' ELSE c.system END,"
        "   params = CASE WHEN $6::jsonb ? 'params' THEN nullif($6::jsonb -> 'params', 'null') ELSE c.params END,"
        "   examples ="
        "     CASE WHEN $6::jsonb ? 'examples' THEN nullif($6::jsonb -> 'examples', 'null') ELSE c.examples END,"
        "   temporary_until = CASE WHEN $7::boolean THEN NULL ELSE c.temporary_until END, labels = w.labels"
        "   FROM wanted w WHERE c.id = w.id AND c.user_id = $2::uuid AND cardinality(w.labels) <= $11::integer"
        "   RETURNING " CS_CONVERSATION_COLUMNS CS_CONVERSATION_SETTINGS ")"
        " SELECT changed.* FROM wanted LEFT JOIN changed ON true";
    const cs_db_param_t params[] = {CS_DB_TEXT(id),
                                    CS_DB_TEXT(user_id),
                                    CS_DB_TEXT(change->title),
                                    CS_DB_TEXT(bool_text(change->pinned)),
                                    CS_DB_TEXT(bool_text(change->archived)),
                                    CS_DB_TEXT(cs_json_print(change->settings, NULL, pool)),
                                    CS_DB_TEXT(bool_text(&change->keep)),
                                    CS_DB_TEXT(print_or_null(change->labels, pool)),
                                    CS_DB_TEXT(print_or_null(change->add_labels, pool)),
                                    CS_DB_TEXT(print_or_null(change->remove_labels, pool)),
                                    CS_DB_TEXT(APR_STRINGIFY(CS_LABELS_MAX))};
    apr_status_t rv = cs_db_run_row(conversation, db, CS_DB_REPEATABLE, sql, 11, params, pool);

    if (rv == APR_SUCCESS && json_is_null(json_object_get(*conversation, "id"))) {
        json_decref(*conversation);
        *conversation = NULL;
        rv = CS_EFULL;
    }
    return rv;
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

    return cs_db_run_row(conversation, db, CS_DB_REPEATABLE, sql, 2, params, pool);
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

    return cs_db_run_row(feedback, db, CS_DB_REPEATABLE, sql, 4, params, pool);
}

apr_status_t cs_conversation_end_temporary(apr_int64_t *ended, cs_db_t *db, int batch, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.conversations SET trashed_at = now(), trashed_by = 'retention', purge_at = now()"
        " WHERE id IN (SELECT c.id FROM chatsession.conversations c"
        "   WHERE c.temporary_until <= now() AND c.trashed_at IS NULL AND NOT chatsession.is_held(c.id, c.user_id)"
        "     AND NOT EXISTS (SELECT FROM chatsession.live_turns l WHERE l.conversation_id = c.id)"
        "   ORDER BY c.temporary_until LIMIT $1::integer FOR UPDATE OF c SKIP LOCKED)";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *ended = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
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
        "      AND c.id NOT IN (SELECT h.conversation_id FROM chatsession.held_conversations h) ORDER BY c.purge_at, "
        "c.id LIMIT $1::integer FOR UPDATE SKIP LOCKED) f) d"
        " WHERE d.before < $1::integer * 10)";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *purged = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
}
