/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/import_lines.h"

typedef struct {
    const cs_import_lines_t *lines;
    cs_imported_t *imported;
} import_t;

/* clang-format off */
static const char import_sql[] =
    "WITH w AS (SELECT u.id AS user_id, d.c FROM (SELECT $1::jsonb AS c) d JOIN chatsession.users u"
    "   ON u.canonical_name = chatsession.canonical_name(coalesce($3, d.c->>'user'))),"
    /* A time to be purged that has passed would undo the import at the next sweep. */
    " made AS (INSERT INTO chatsession.conversations (id, user_id, title, created_at, updated_at, pinned, archived,"
    "     trashed_at, trashed_by, purge_at, message_count, tags, model, system, params, examples)"
    "   SELECT (w.c->>'id')::uuid, w.user_id, w.c->>'title', (w.c->>'created_at')::timestamptz,"
    "     (w.c->>'updated_at')::timestamptz, (w.c->>'pinned')::boolean, (w.c->>'archived')::boolean,"
    "     (w.c->>'trashed_at')::timestamptz, CASE WHEN w.c->>'trashed_at' IS NOT NULL THEN 'operator' END,"
    "     CASE WHEN (w.c->>'purge_at')::timestamptz < now() THEN now() + interval '30 days'"
    "       ELSE (w.c->>'purge_at')::timestamptz END, (w.c->>'message_count')::integer,"
    "     coalesce(ARRAY(SELECT jsonb_array_elements_text(w.c->'tags')), '{}'), w.c->>'model', w.c->>'system',"
    "     nullif(w.c->'params', 'null'), nullif(w.c->'examples', 'null') FROM w"
    "   ON CONFLICT (id) DO NOTHING RETURNING id),"
    " target AS (SELECT id, true AS made FROM made UNION ALL SELECT c.id, false FROM chatsession.conversations c, w"
    "   WHERE c.id = (w.c->>'id')::uuid AND c.user_id = w.user_id AND NOT EXISTS (SELECT FROM made)),"
    " given AS MATERIALIZED (SELECT (m->>'id')::uuid AS id, (m->>'parent_id')::uuid AS parent_id,"
    "     (m->>'seq')::integer AS seq, m->>'role' AS role, m->>'content' AS content,"
    "     CASE m->>'status' WHEN 'streaming' THEN 'interrupted' ELSE m->>'status' END AS status,"
    "     (m->>'created_at')::timestamptz AS created_at, coalesce((m->>'finished_at')::timestamptz,"
    "       CASE WHEN m->>'role' = 'assistant' THEN (m->>'created_at')::timestamptz END) AS finished_at,"
    "     m->>'model' AS model, m->>'finish_reason' AS finish_reason, nullif(m->'usage', 'null') AS usage,"
    "     m->>'detail' AS detail, nullif(m->'extra', 'null') AS extra, nullif(m->'feedback', 'null') AS feedback"
    "   FROM jsonb_array_elements($2::jsonb) m),"
    " said AS (INSERT INTO chatsession.messages (id, conversation_id, seq, parent_id, role, status, content, created_at,"
    "     finished_at, model, finish_reason, usage, detail, extra)"
    "   SELECT g.id, t.id, g.seq, g.parent_id, g.role, g.status, g.content, g.created_at, g.finished_at, g.model,"
    "     g.finish_reason, g.usage, g.detail, g.extra FROM given g, target t"
    "   ON CONFLICT DO NOTHING RETURNING id, conversation_id),"
    " rated AS (INSERT INTO chatsession.feedback (message_id, conversation_id, rating, comment, at)"
    "   SELECT g.id, s.conversation_id, (g.feedback->>'rating')::smallint, g.feedback->>'comment', coalesce(g.finished_at, g.created_at)"
    "   FROM given g JOIN said s ON s.id = g.id WHERE g.feedback IS NOT NULL),"
    " counted AS (UPDATE chatsession.conversations c SET message_count = c.message_count + (SELECT count(*) FROM said)"
    "   FROM target t WHERE c.id = t.id AND NOT t.made AND EXISTS (SELECT FROM said))"
    " SELECT EXISTS (SELECT FROM w), (SELECT count(*) FROM target), (SELECT bool_or(made) FROM target),"
    "   (SELECT count(*) FROM said), (SELECT count(*) FROM given),"
    "   (SELECT count(*) FROM given g JOIN chatsession.messages m ON m.id = g.id JOIN target t ON t.id = m.conversation_id)";
/* clang-format on */

static apr_status_t import(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    const import_t *work = baton;
    const cs_import_lines_t *lines = work->lines;
    const cs_db_param_t params[] = {CS_DB_TEXT(lines->conversation), CS_DB_TEXT(lines->messages),
                                    CS_DB_TEXT(lines->user)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, import_sql, 3, params, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_bool(result, 0, 0)) {
        return APR_ENOENT;
    }
    /* The last column counts what was there before: the statement does not see what it inserts. */
    *work->imported = (cs_imported_t){cs_db_bool(result, 0, 2), cs_db_int(result, 0, 3, 0), cs_db_int(result, 0, 5, 0)};
    if (cs_db_int(result, 0, 1, 0) != 1 ||
        work->imported->messages_made + work->imported->messages_there != cs_db_int(result, 0, 4, 0)) {
        return CS_ECONFLICT;
    }
    return lines->dry_run ? CS_EREFUSED : APR_SUCCESS;
}

apr_status_t cs_import_lines(cs_imported_t *imported, cs_db_t *db, const cs_import_lines_t *lines, apr_pool_t *pool)
{
    import_t work = {lines, imported};
    apr_status_t rv;

    *imported = (cs_imported_t){0};
    rv = cs_db_transaction(db, CS_DB_REPEATABLE, import, &work, pool);
    return rv == CS_EREFUSED && lines->dry_run ? APR_SUCCESS : rv;
}
