/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/import.h"
#include <apr_strings.h>
#include "store/columns.h"

/* One statement, so an import is whole or not there. Messages without a time of their own have the conversation's. */
static const char import_sql[] =
    "WITH given AS MATERIALIZED ("
    "   SELECT gen_random_uuid() AS id, g.n::integer AS seq, g.m->>'role' AS role, g.m->>'content' AS content,"
    "     coalesce((g.m->>'parent')::integer, g.n::integer - 1) AS parent, g.m->>'model' AS model,"
    "     least((g.m->>'created_at')::timestamptz, now()) AS at"
    "   FROM jsonb_array_elements($8::jsonb) WITH ORDINALITY AS g(m, n)),"
    " made AS (INSERT INTO chatsession.conversations AS c"
    "     (user_id, client_key, title, created_at, updated_at, pinned, archived, message_count)"
    "   SELECT $1::uuid, $2,"
    "     coalesce($3, chatsession.title_of((SELECT content FROM given WHERE role = 'user' ORDER BY seq LIMIT 1))),"
    "     least(coalesce($4::timestamptz, min(at)), now()), least(coalesce($5::timestamptz, max(at)), now()),"
    "     $6::boolean, $7::boolean, count(*) FROM given HAVING " CS_ROOM_FOR_CONVERSATION(
        "$10") "   ON CONFLICT (user_id, client_key) WHERE client_key IS NOT NULL DO NOTHING"
               "   RETURNING " CS_CONVERSATION_COLUMNS "),"
               " said AS (INSERT INTO chatsession.messages"
               "     (id, conversation_id, seq, parent_id, role, status, content, created_at, finished_at, model)"
               "   SELECT g.id, made.id, g.seq, p.id, g.role, 'complete', g.content, coalesce(g.at, made.created_at),"
               "     CASE WHEN g.role = 'assistant' THEN coalesce(g.at, made.created_at) END,"
               "     CASE WHEN g.role = 'assistant' THEN coalesce(g.model, $9) END"
               "   FROM given g CROSS JOIN made LEFT JOIN given p ON p.seq = g.parent)"
               " SELECT made.*, true AS made FROM made"
               " UNION ALL SELECT " CS_CONVERSATION_COLUMNS ", false FROM chatsession.conversations c"
               " WHERE c.user_id = $1::uuid AND c.client_key = $2 AND NOT EXISTS (SELECT FROM made)";

static const char *text_of(bool value)
{
    return value ? "true" : "false";
}

apr_status_t cs_conversation_import(json_t **conversation, bool *made, cs_db_t *db, const char *user_id,
                                    const cs_import_t *import, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id),
                                    CS_DB_TEXT(import->key),
                                    CS_DB_TEXT(import->title),
                                    CS_DB_TEXT(import->created_at),
                                    CS_DB_TEXT(import->updated_at),
                                    CS_DB_TEXT(text_of(import->pinned)),
                                    CS_DB_TEXT(text_of(import->archived)),
                                    CS_DB_TEXT(import->messages),
                                    CS_DB_TEXT(import->model),
                                    CS_DB_TEXT(apr_itoa(pool, import->most))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, import_sql, 10, params, pool);

    *conversation = NULL;
    *made = false;
    if (rv == APR_SUCCESS && !cs_db_rows(result)) {
        /* Another request committed the same key while this one waited for it: the statement's view is older. */
        rv = cs_db_run(&result, db, CS_DB_REPEATABLE, import_sql, 10, params, pool);
    }
    if (rv == APR_SUCCESS && !cs_db_rows(result)) {
        rv = CS_EFULL;
    }
    if (rv == APR_SUCCESS) {
        *conversation = cs_db_row_json(result, 0);
        *made = json_is_true(json_object_get(*conversation, "made"));
    }
    return rv;
}
