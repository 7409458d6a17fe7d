/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/import_lines.h"
#include <apr_strings.h>
#include "core/json.h"

typedef struct {
    cs_imported_t *imported;
    cs_import_piece_t *piece;
    const cs_import_how_t *how;
    const cs_import_conversation_t *conversation; /* that is stored now */
    int problems;                                 /* of the piece as it came: a repeated transaction begins anew */
    long problem_count;
} import_t;

/* clang-format off */
static const char import_sql[] =
    "WITH w AS (SELECT u.id AS user_id, d.c FROM (SELECT $1::jsonb AS c) d JOIN chatsession.users u"
    "   ON u.canonical_name = chatsession.canonical_name(coalesce($3, d.c->>'user'))),"
    /* A time to be purged that has passed would undo the import at the next sweep. */
    " made AS (INSERT INTO chatsession.conversations (id, user_id, title, created_at, updated_at, pinned, archived,"
    "     trashed_at, trashed_by, purge_at, message_count, tags, labels, model, system, params,"
    "     examples)"
    "   SELECT (w.c->>'id')::uuid, w.user_id, w.c->>'title', (w.c->>'created_at')::timestamptz,"
    "     (w.c->>'updated_at')::timestamptz, (w.c->>'pinned')::boolean, (w.c->>'archived')::boolean,"
    "     (w.c->>'trashed_at')::timestamptz, CASE WHEN w.c->>'trashed_at' IS NOT NULL THEN 'operator' END,"
    "     CASE WHEN (w.c->>'purge_at')::timestamptz < now() THEN now() + interval '30 days'"
    "       ELSE (w.c->>'purge_at')::timestamptz END, (w.c->>'message_count')::integer,"
    "     coalesce(ARRAY(SELECT jsonb_array_elements_text(w.c->'tags')), '{}'),"
    "     coalesce(chatsession.labels_of(w.c->'labels'), '{}'), w.c->>'model', w.c->>'system',"
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

/* One conversation; APR_ENOENT: there is no such user; CS_ECONFLICT: what has an id or a place of it is something else.
 */
static apr_status_t import_one(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    const import_t *work = baton;
    const cs_import_conversation_t *one = work->conversation;
    const char *messages = apr_pstrcat(pool, "[", apr_array_pstrcat(pool, one->messages, ','), "]", NULL);
    const cs_db_param_t params[] = {CS_DB_TEXT(one->text), CS_DB_TEXT(messages), CS_DB_TEXT(work->how->user)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, import_sql, 3, params, pool);
    apr_int64_t made, there;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_bool(result, 0, 0)) {
        return APR_ENOENT;
    }
    /* The last column counts what was there before: the statement does not see what it inserts. */
    made = cs_db_int(result, 0, 3, 0);
    there = cs_db_int(result, 0, 5, 0);
    if (cs_db_int(result, 0, 1, 0) != 1 || made + there != cs_db_int(result, 0, 4, 0)) {
        return CS_ECONFLICT;
    }
    *(cs_db_bool(result, 0, 2) ? &work->imported->made : &work->imported->there) += 1;
    work->imported->messages_made += made;
    work->imported->messages_there += there;
    return APR_SUCCESS;
}

/* Does rv say that something is wrong with the conversation? Then it is among the piece's problems. */
static bool is_its_problem(const import_t *work, apr_status_t rv)
{
    const cs_import_conversation_t *one = work->conversation;

    if (rv == APR_ENOENT) {
        cs_import_piece_complain(work->piece, one->line, CS_IMPORT_NO_USER,
                                 work->how->user ? work->how->user : one->user);
    } else if (rv == CS_ECONFLICT) {
        cs_import_piece_complain(work->piece, one->line, CS_IMPORT_TAKEN, NULL);
    } else if (rv == CS_EDATABASE || rv == CS_ENOTTEXT) {
        /* CS_ENOTTEXT: what PostgreSQL calls a character that is not in its repertoire. */
        cs_import_piece_complain(work->piece, one->line, CS_IMPORT_REFUSED,
                                 rv == CS_ENOTTEXT ? "22021" : cs_db_last_sqlstate());
    }
    return rv == APR_ENOENT || rv == CS_ECONFLICT || rv == CS_EDATABASE || rv == CS_ENOTTEXT;
}

static json_t *detail_of(const import_t *work)
{
    const cs_imported_t *imported = work->imported;

    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "first_line", (json_int_t)work->piece->first, "last_line",
                     (json_int_t)work->piece->line, "conversations", (json_int_t)imported->made, "messages",
                     (json_int_t)imported->messages_made, "conversations_there", (json_int_t)imported->there,
                     "messages_there", (json_int_t)imported->messages_there, "problems",
                     (json_int_t)work->piece->problem_count);
}

static apr_status_t record(const import_t *work, cs_db_tx_t *tx, apr_pool_t *pool)
{
    cs_audit_entry_t entry = *work->how->entry;

    entry.action = "conversation.import";
    entry.target_user = work->how->user;
    entry.detail = cs_json_own(detail_of(work), pool);
    return entry.detail ? cs_audit_add(tx, &entry, pool) : APR_ENOMEM;
}

static apr_status_t import(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    import_t *work = baton;
    const apr_array_header_t *conversations = work->piece->conversations;
    apr_status_t rv = APR_SUCCESS;
    apr_pool_t *one;

    *work->imported = (cs_imported_t){0};
    work->piece->problems->nelts = work->problems;
    work->piece->problem_count = work->problem_count;
    apr_pool_create(&one, pool);
    for (int i = 0; i < conversations->nelts && rv == APR_SUCCESS; i++) {
        work->conversation = &APR_ARRAY_IDX(conversations, i, cs_import_conversation_t);
        rv = cs_db_tx_attempt(tx, import_one, work, one);
        apr_pool_clear(one);
        if (rv != APR_SUCCESS && is_its_problem(work, rv)) {
            rv = APR_SUCCESS;
        }
    }
    apr_pool_destroy(one);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return work->how->dry_run ? CS_EREFUSED : record(work, tx, pool);
}

apr_status_t cs_import_lines(cs_imported_t *imported, cs_import_piece_t *piece, cs_db_t *db, const cs_import_how_t *how,
                             apr_pool_t *pool)
{
    import_t work = {.imported = imported,
                     .piece = piece,
                     .how = how,
                     .problems = piece->problems->nelts,
                     .problem_count = piece->problem_count};
    apr_status_t rv;

    *imported = (cs_imported_t){0};
    rv = cs_db_transaction(db, CS_DB_REPEATABLE, import, &work, pool);
    return rv == CS_EREFUSED && how->dry_run ? APR_SUCCESS : rv;
}
