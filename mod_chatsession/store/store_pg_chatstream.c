/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/chatstream.h"
#include "core/json.h"

apr_status_t cs_chatstream_get(cs_chatstream_context_t *context, cs_db_t *db, const char *user_id,
                               const char *session_hash, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT c.id AS conversation_id, (SELECT m.id FROM chatsession.messages m WHERE m.conversation_id = c.id"
        "   AND m.role = 'assistant' ORDER BY m.seq DESC LIMIT 1) AS answer_id, x.params"
        " FROM chatsession.chatstream_contexts x LEFT JOIN chatsession.conversations c"
        "   ON c.id = x.conversation_id AND c.user_id = $1::uuid AND c.trashed_at IS NULL"
        " WHERE x.session_hash = decode($2, 'hex')";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(session_hash)};
    cs_db_result_t *result;
    json_t *row;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    *context = (cs_chatstream_context_t){0};
    if (rv == APR_SUCCESS && cs_db_rows(result)) {
        row = cs_json_own(cs_db_row_json(result, 0), pool);
        context->conversation_id = json_string_value(json_object_get(row, "conversation_id"));
        context->answer_id = json_string_value(json_object_get(row, "answer_id"));
        context->params = json_object_get(row, "params");
        context->params = json_is_object(context->params) ? context->params : NULL;
    }
    return rv;
}

apr_status_t cs_chatstream_set_conversation(cs_db_t *db, const char *session_hash, const char *conversation_id,
                                            apr_pool_t *pool)
{
    static const char sql[] =
        "INSERT INTO chatsession.chatstream_contexts (session_hash, conversation_id) VALUES (decode($1, 'hex'), "
        "$2::uuid)"
        " ON CONFLICT ON CONSTRAINT chatstream_contexts_pkey DO UPDATE SET conversation_id = excluded.conversation_id";
    const cs_db_param_t params[] = {CS_DB_TEXT(session_hash), CS_DB_TEXT(conversation_id)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

apr_status_t cs_chatstream_set_params(cs_db_t *db, const char *user_id, const char *session_hash, const json_t *values,
                                      apr_pool_t *pool)
{
    static const char sql[] =
        "WITH kept AS (INSERT INTO chatsession.chatstream_contexts (session_hash, params)"
        "   VALUES (decode($2, 'hex'), $3::jsonb)"
        "   ON CONFLICT ON CONSTRAINT chatstream_contexts_pkey DO UPDATE SET params = excluded.params"
        "   RETURNING conversation_id)"
        " UPDATE chatsession.conversations c SET params = $3::jsonb FROM kept"
        " WHERE c.id = kept.conversation_id AND c.user_id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(session_hash),
                                    CS_DB_TEXT(cs_json_print(values, NULL, pool))};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);
}

apr_status_t cs_chatstream_set_form(cs_db_t *db, const char *user_id, const char *message_id, const char *form,
                                    apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.feedback f SET form = $3::jsonb FROM chatsession.messages m, chatsession.conversations c"
        " WHERE f.message_id = $2::uuid AND m.id = f.message_id AND c.id = m.conversation_id AND c.user_id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(message_id), CS_DB_TEXT(form)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);
}
