/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/console.h"
#include <apr_strings.h>
#include "store/columns.h"
#include "store/console_filter.h"
#include "store/export.h"

/* One statement and its audit entry, in one transaction. */
typedef struct {
    const char *sql;
    int count;
    const cs_db_param_t *params;
    const cs_audit_entry_t *entry;
    cs_db_result_t *result;
    apr_pool_t *pool; /* of the result */
} audited_t;

static apr_status_t run_audited(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    audited_t *work = baton;
    apr_status_t rv = cs_db_tx_run(&work->result, tx, work->sql, work->count, work->params, work->pool);

    return rv == APR_SUCCESS && work->entry ? cs_audit_add(tx, work->entry, pool) : rv;
}

static apr_status_t run(cs_db_result_t **result, cs_db_t *db, audited_t work, apr_pool_t *pool)
{
    apr_status_t rv;

    work.pool = pool;
    if (!work.entry) {
        return cs_db_run(result, db, CS_DB_REPEATABLE, work.sql, work.count, work.params, pool);
    }
    rv = cs_db_transaction(db, CS_DB_REPEATABLE, run_audited, &work, pool);
    *result = rv == APR_SUCCESS ? work.result : NULL;
    return rv;
}

/* --- one conversation --- */

typedef struct {
    const char *id;
    bool content;
    const cs_audit_entry_t *entry;
    cs_db_result_t *conversation, *messages;
    apr_pool_t *pool;
} get_t;

static apr_status_t get(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char conversation[] =
        "SELECT c.id, CASE WHEN $2::boolean THEN c.title END AS title, u.name AS user, c.created_at, c.updated_at, "
        "c.pinned,"
        " c.archived, c.message_count, " CS_CONSOLE_STATE ", c.trashed_at, c.trashed_by, c.purge_at, " CS_CONSOLE_HELD
        " AS held,"
        " array_to_json(c.tags) AS tags, c.model, CASE WHEN $2::boolean THEN c.system END AS system, c.params"
        " FROM chatsession.conversations c JOIN chatsession.users u ON u.id = c.user_id WHERE c.id = $1::uuid";
    static const char messages[] = "SELECT " CS_MESSAGE_COLUMNS(
        "CASE WHEN $2::boolean THEN " CS_MESSAGE_TEXT " END",
        "CASE WHEN $2::boolean THEN f.comment END") ", CASE WHEN $2::boolean THEN " CS_MESSAGE_EXTRA
                                                    " END AS extra, m.client_id, "
                                                    "m.request_id" CS_MESSAGES_WITH_FEEDBACK
                                                    " WHERE m.conversation_id = $1::uuid ORDER BY m.seq";
    get_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->id), CS_DB_TEXT(work->content ? "true" : "false")};
    apr_status_t rv = cs_db_tx_run(&work->conversation, tx, conversation, 2, params, work->pool);

    if (rv == APR_SUCCESS && !cs_db_rows(work->conversation)) {
        rv = APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&work->messages, tx, messages, 2, params, work->pool);
    }
    return rv == APR_SUCCESS ? cs_audit_add(tx, work->entry, pool) : rv;
}

apr_status_t cs_console_get(json_t **conversation, cs_db_t *db, const char *id, bool content,
                            const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    get_t work = {.id = id, .content = content, .entry = entry, .pool = pool};
    apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, get, &work, pool);

    *conversation = NULL;
    if (rv == APR_SUCCESS) {
        *conversation = cs_db_row_json(work.conversation, 0);
        json_object_set_new(*conversation, "messages", cs_db_rows_json(work.messages));
    }
    return rv;
}

/* --- count, expire, restore --- */

static void read_count(cs_console_count_t *count, const cs_db_result_t *result)
{
    count->conversations = cs_db_int(result, 0, 0, 0);
    count->messages = cs_db_int(result, 0, 1, 0);
    count->held = cs_db_columns(result) > 2 ? cs_db_int(result, 0, 2, 0) : 0;
    count->purge_at = cs_db_columns(result) > 3 ? cs_db_text(result, 0, 3, NULL) : NULL;
}

/* A statement over the filter: begins, its conditions and ends, with its own parameters after the filter's. A count
 * over everything is asked for seldom and by one person; it may take longer than a page of a list. */
#define LONG_COUNT "SET LOCAL statement_timeout = '2min'"

static apr_status_t run_filtered(cs_db_result_t **result, cs_db_tx_t *tx, const cs_console_filter_t *filter,
                                 const char *begins, const char *ends, const cs_db_param_t *more, int count,
                                 apr_pool_t *pool)
{
    cs_db_param_t params[CS_CONSOLE_PARAMS + 2];
    cs_search_t search;
    apr_status_t rv = cs_console_plan(&search, tx, filter, false, pool);

    cs_console_params(params, filter);
    for (int i = 0; i < count; i++) {
        params[CS_CONSOLE_PARAMS + i] = more[i];
    }
    return rv == APR_SUCCESS
               ? cs_db_tx_run(result, tx,
                              apr_pstrcat(pool, begins, cs_console_where(filter, &search, pool), ends, NULL),
                              CS_CONSOLE_PARAMS + count, params, pool)
               : rv;
}

apr_status_t cs_console_tx_count(cs_console_count_t *count, cs_db_tx_t *tx, const cs_console_filter_t *filter,
                                 apr_pool_t *pool)
{
    static const char begins[] =
        "SELECT count(*) FILTER (WHERE NOT f.held), coalesce(sum(f.message_count) FILTER (WHERE NOT f.held), "
        "0)::bigint,"
        " count(*) FILTER (WHERE f.held) FROM (SELECT c.message_count, " CS_CONSOLE_HELD " AS held"
        "   FROM chatsession.conversations c WHERE ";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, LONG_COUNT, 0, NULL, pool);

    *count = (cs_console_count_t){0};
    if (rv == APR_SUCCESS) {
        rv = run_filtered(&result, tx, filter, begins, " AND c.trashed_at IS NULL) f", NULL, 0, pool);
    }
    if (rv == APR_SUCCESS) {
        read_count(count, result);
    }
    return rv;
}

typedef struct {
    const cs_console_filter_t *filter;
    cs_console_count_t *count;
} count_t;

static apr_status_t count_in_tx(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    const count_t *work = baton;

    return cs_console_tx_count(work->count, tx, work->filter, pool);
}

apr_status_t cs_console_count(cs_console_count_t *count, cs_db_t *db, const cs_console_filter_t *filter,
                              apr_pool_t *pool)
{
    count_t work = {filter, count};

    *count = (cs_console_count_t){0};
    return cs_db_transaction(db, CS_DB_REPEATABLE, count_in_tx, &work, pool);
}

typedef struct {
    const cs_console_filter_t *filter;
    apr_int64_t confirm;
    apr_interval_time_t grace;
    const cs_audit_entry_t *entry;
    cs_console_count_t *count;
    apr_pool_t *pool;
} expire_t;

static apr_status_t expire(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    /* The rows are locked before they are counted, so what is expired is what was counted. */
    static const char begins[] = "WITH found AS MATERIALIZED (SELECT c.id, c.message_count, " CS_CONSOLE_HELD " AS held"
                                 "   FROM chatsession.conversations c WHERE ";
    static const char ends[] =
        " AND c.trashed_at IS NULL ORDER BY c.id FOR UPDATE OF c),"
        " due AS MATERIALIZED (SELECT count(*) FILTER (WHERE NOT held) AS conversations,"
        "   coalesce(sum(message_count) FILTER (WHERE NOT held), 0)::bigint AS messages,"
        "   count(*) FILTER (WHERE held) AS held, now() + $14::bigint * interval '1 microsecond' AS purge_at FROM "
        "found),"
        " gone AS (UPDATE chatsession.conversations c SET trashed_at = now(), trashed_by = 'operator', purge_at = "
        "due.purge_at"
        "   FROM found, due WHERE c.id = found.id AND NOT found.held AND due.conversations = $15::bigint),"
        " stopped AS (UPDATE chatsession.live_turns l SET stop_requested_at = coalesce(l.stop_requested_at, now())"
        "   FROM found, due WHERE l.conversation_id = found.id AND NOT found.held AND due.conversations = $15::bigint)"
        " SELECT conversations, messages, held, chatsession.rfc3339(purge_at) FROM due";
    const expire_t *work = baton;
    const cs_db_param_t more[] = {CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, work->grace)),
                                  CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, work->confirm))};
    cs_db_result_t *result;
    apr_status_t rv = run_filtered(&result, tx, work->filter, begins, ends, more, 2, work->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    read_count(work->count, result);
    return work->count->conversations == work->confirm ? cs_audit_add(tx, work->entry, pool) : CS_EREFUSED;
}

apr_status_t cs_console_expire(cs_console_count_t *count, cs_db_t *db, const cs_console_filter_t *filter,
                               apr_int64_t confirm, apr_interval_time_t grace, const cs_audit_entry_t *entry,
                               apr_pool_t *pool)
{
    expire_t work = {filter, confirm, grace, entry, count, pool};

    *count = (cs_console_count_t){0};
    return cs_db_transaction(db, CS_DB_REPEATABLE, expire, &work, pool);
}

/*
 * One batch of a job. Its row, which the transaction has locked, says where to go on, what is too new and how long the
 * grace is; a window of conversations in the order of their ids is looked at, whatever matches, so that a batch costs
 * about the same however little does. What "found" locks is what goes, less what is held.
 */
/* clang-format off */
#define JOB_WINDOW(job) \
    "WITH j AS MATERIALIZED (SELECT * FROM chatsession.jobs WHERE id = " job "::uuid)," \
    " batch AS MATERIALIZED (SELECT c.* FROM chatsession.conversations c" \
    "   WHERE c.id > coalesce((SELECT j.position FROM j), '00000000-0000-0000-0000-000000000000')"
/* The rows of due, locked: whoever wrote in one since then has made it another one. */
#define JOB_FOUND \
    " found AS MATERIALIZED (SELECT c.id, c.message_count, " CS_CONSOLE_HELD " AS held" \
    "   FROM due JOIN chatsession.conversations c ON c.id = due.id" \
    "   WHERE c.trashed_at IS NULL AND c.updated_at = due.updated_at ORDER BY c.id FOR UPDATE OF c),"
#define JOB_EXPIRE(limit, by) \
    " gone AS (UPDATE chatsession.conversations c SET trashed_at = now(), trashed_by = '" by "', purge_at = now() + j.grace" \
    "   FROM found, j WHERE c.id = found.id AND NOT found.held RETURNING c.message_count)," \
    " stopped AS (UPDATE chatsession.live_turns l SET stop_requested_at = coalesce(l.stop_requested_at, now())" \
    "   FROM found WHERE l.conversation_id = found.id AND NOT found.held)," \
    " seen AS (SELECT count(*) AS examined, (SELECT b.id FROM batch b ORDER BY b.id DESC LIMIT 1) AS last FROM batch)" \
    " UPDATE chatsession.jobs w SET position = coalesce(seen.last, w.position), examined = w.examined + seen.examined," \
    "   expired = w.expired + (SELECT count(*) FROM gone)," \
    "   messages = w.messages + (SELECT coalesce(sum(message_count), 0) FROM gone)," \
    "   held = w.held + (SELECT count(*) FROM found WHERE found.held), updated_at = clock_timestamp()," \
    "   state = CASE WHEN seen.examined < " limit "::integer THEN 'done' ELSE 'running' END," \
    "   finished_at = CASE WHEN seen.examined < " limit "::integer THEN clock_timestamp() END," \
    "   filter = CASE WHEN seen.examined < " limit "::integer THEN w.filter - 'q' ELSE w.filter END" \
    " FROM seen, j WHERE w.id = j.id"
/* clang-format on */

/* clang-format off */
apr_status_t cs_console_expire_batch(cs_db_tx_t *tx, const cs_console_filter_t *filter, const char *job, int batch,
                                     apr_pool_t *pool)
{
    /* Of few conversations it is quicker to look into their texts than to ask the index for all that have the words. */
    static const char begins[] =
        JOB_WINDOW("$14")
        "   AND ($6::json IS NULL OR c.id IN (SELECT v::uuid FROM json_array_elements_text($6::json) v))"
        "   ORDER BY c.id LIMIT $15::integer),"
        " due AS MATERIALIZED (SELECT c.id, c.updated_at FROM batch b JOIN chatsession.conversations c ON c.id = b.id WHERE ";
    static const char ends[] =
        "   AND c.trashed_at IS NULL AND c.updated_at <= (SELECT j.created_at FROM j)),"
        JOB_FOUND JOB_EXPIRE("$15", "operator");
    cs_db_param_t params[CS_CONSOLE_PARAMS + 2];
    cs_db_result_t *result;

    cs_console_params(params, filter);
    params[CS_CONSOLE_PARAMS] = CS_DB_TEXT(job);
    params[CS_CONSOLE_PARAMS + 1] = CS_DB_TEXT(apr_itoa(pool, batch));
    return cs_db_tx_run(&result, tx, apr_pstrcat(pool, begins, cs_console_where(filter, NULL, pool), ends, NULL),
                        CS_CONSOLE_PARAMS + 2, params, pool);
}

apr_status_t cs_console_retain_batch(cs_db_tx_t *tx, const char *job, int batch, apr_pool_t *pool)
{
    static const char sql[] =
        JOB_WINDOW("$1") " ORDER BY c.id LIMIT $2::integer),"
        " due AS MATERIALIZED (SELECT d.id, d.updated_at FROM j, LATERAL"
        "   chatsession.retention_due(NULL, NULL, j.position, $2::integer) d WHERE d.due_at <= now()),"
        JOB_FOUND JOB_EXPIRE("$2", "retention");
    const cs_db_param_t params[] = {CS_DB_TEXT(job), CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;

    return cs_db_tx_run(&result, tx, sql, 2, params, pool);
}
/* clang-format on */

apr_status_t cs_console_restore(cs_console_count_t *count, cs_db_t *db, const char *ids, const cs_audit_entry_t *entry,
                                apr_pool_t *pool)
{
    static const char sql[] =
        "WITH back AS (UPDATE chatsession.conversations c SET trashed_at = NULL, trashed_by = NULL, purge_at = NULL"
        "   WHERE c.trashed_at IS NOT NULL AND c.id IN (SELECT v::uuid FROM json_array_elements_text($1::json) v)"
        "   RETURNING c.message_count)"
        " SELECT count(*), coalesce(sum(message_count), 0)::bigint FROM back";
    const cs_db_param_t params[] = {CS_DB_TEXT(ids)};
    cs_db_result_t *result;
    apr_status_t rv = run(&result, db, (audited_t){.sql = sql, .count = 1, .params = params, .entry = entry}, pool);

    *count = (cs_console_count_t){0};
    if (rv == APR_SUCCESS) {
        read_count(count, result);
    }
    return rv;
}

typedef struct {
    const char *ids;
    apr_int64_t confirm;
    const cs_audit_entry_t *entry;
    cs_console_count_t *count;
} purge_t;

static apr_status_t purge(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH found AS MATERIALIZED (SELECT c.id, c.message_count, " CS_CONSOLE_HELD " AS held"
        "   FROM chatsession.conversations c WHERE c.trashed_at IS NOT NULL"
        "   AND c.id IN (SELECT v::uuid FROM json_array_elements_text($1::json) v) ORDER BY c.id FOR UPDATE OF c),"
        " due AS MATERIALIZED (SELECT count(*) FILTER (WHERE NOT held) AS conversations,"
        "   coalesce(sum(message_count) FILTER (WHERE NOT held), 0)::bigint AS messages,"
        "   count(*) FILTER (WHERE held) AS held FROM found),"
        " gone AS (DELETE FROM chatsession.conversations c USING found, due"
        "   WHERE c.id = found.id AND NOT found.held AND due.conversations = $2::bigint)"
        " SELECT conversations, messages, held FROM due";
    const purge_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->ids),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, work->confirm))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    read_count(work->count, result);
    return work->count->conversations == work->confirm ? cs_audit_add(tx, work->entry, pool) : CS_EREFUSED;
}

apr_status_t cs_console_purge(cs_console_count_t *count, cs_db_t *db, const char *ids, apr_int64_t confirm,
                              const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    purge_t work = {ids, confirm, entry, count};

    *count = (cs_console_count_t){0};
    return cs_db_transaction(db, CS_DB_ONCE, purge, &work, pool);
}

/* --- hold, tags --- */

apr_status_t cs_console_hold(apr_int64_t *held, cs_db_tx_t *tx, const cs_console_filter_t *filter, const char *matter,
                             const char *by, apr_pool_t *pool)
{
    /* The lock: what is being purged is waited for, and not held then. */
    static const char begins[] = "INSERT INTO chatsession.matter_conversations (matter_id, conversation_id, added_by)"
                                 " SELECT $14::uuid, f.id, $15 FROM (SELECT c.id FROM chatsession.conversations c"
                                 "   WHERE ";
    const cs_db_param_t more[] = {CS_DB_TEXT(matter), CS_DB_TEXT(by)};
    cs_db_result_t *result;
    apr_status_t rv = run_filtered(&result, tx, filter, begins,
                                   " ORDER BY c.id FOR KEY SHARE OF c) f ON CONFLICT DO NOTHING", more, 2, pool);

    *held = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
}

typedef struct {
    const char *ids;
    const cs_console_tags_t *tags;
    const cs_audit_entry_t *entry;
    cs_console_count_t *count;
} tag_t;

static apr_status_t tag(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH wanted AS MATERIALIZED (SELECT c.id, ARRAY("
        "     SELECT DISTINCT t FROM unnest(c.tags || ARRAY(SELECT json_array_elements_text($2::json))) t"
        "     WHERE t NOT IN (SELECT json_array_elements_text($3::json)) ORDER BY t) AS tags"
        "   FROM chatsession.conversations c WHERE c.id IN (SELECT v::uuid FROM json_array_elements_text($1::json) v)"
        "   ORDER BY c.id FOR NO KEY UPDATE),"
        " changed AS (UPDATE chatsession.conversations c SET tags = w.tags FROM wanted w"
        "   WHERE c.id = w.id AND cardinality(w.tags) <= 20 RETURNING c.message_count)"
        " SELECT count(*), coalesce(sum(message_count), 0)::bigint, (SELECT count(*) FROM wanted) FROM changed";
    tag_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->ids), CS_DB_TEXT(work->tags->add), CS_DB_TEXT(work->tags->remove)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 3, params, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    work->count->conversations = cs_db_int(result, 0, 0, 0);
    work->count->messages = cs_db_int(result, 0, 1, 0);
    return cs_db_int(result, 0, 2, 0) == work->count->conversations ? cs_audit_add(tx, work->entry, pool) : CS_EREFUSED;
}

apr_status_t cs_console_tag(cs_console_count_t *count, cs_db_t *db, const char *ids, const cs_console_tags_t *tags,
                            const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    tag_t work = {ids, tags, entry, count};

    *count = (cs_console_count_t){0};
    return cs_db_transaction(db, CS_DB_REPEATABLE, tag, &work, pool);
}

/* --- export --- */

apr_status_t cs_console_tx_count_all(cs_console_count_t *count, cs_db_tx_t *tx, const cs_console_filter_t *filter,
                                     apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv = run_filtered(&result, tx, filter,
                                   "SELECT count(*), coalesce(sum(c.message_count), 0)::bigint"
                                   " FROM chatsession.conversations c WHERE ",
                                   "", NULL, 0, pool);

    *count = (cs_console_count_t){0};
    if (rv == APR_SUCCESS) {
        read_count(count, result);
    }
    return rv;
}

typedef struct {
    const cs_export_t *export;
    cs_db_row_cb *row;
    apr_status_t (*flush)(void *baton);
    void *baton;
} export_t;

/* clang-format off */
/* What ended by the watermark (WATERMARK), and what did not. */
#define WATERMARK "$14::timestamptz"
/* To the microsecond, which is also what the order is by: an import has the same. */
#define EXACT(time) "to_char(" time " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define ENDED "(m.role = 'user' OR m.finished_at <= " WATERMARK ")"

/*
 * Conversation by conversation in the order of their age, by two indexes and without a sort of what is long; PostgreSQL
 * makes the JSON. Nothing that a turn after the watermark changes is in a line: the time of the last change is that of
 * the last message before it.
 */
static const char export_begins[] = "SELECT l.line FROM (SELECT * FROM chatsession.conversations c WHERE ";
static const char export_ends[] =
    " AND c.created_at <= " WATERMARK
    "   ORDER BY c.created_at, c.id) c"
    " CROSS JOIN LATERAL ((SELECT row_to_json(x)::text AS line FROM (SELECT 'conversation' AS type, c.id,"
    "     u.name AS user, c.title, " EXACT("c.created_at") " AS created_at,"
    "     " EXACT("coalesce(last.created_at, c.created_at)") " AS updated_at, c.pinned, c.archived, " CS_CONSOLE_STATE ","
    "     " EXACT("c.trashed_at") " AS trashed_at, " EXACT("c.purge_at") " AS purge_at,"
    "     CASE WHEN c.updated_at <= " WATERMARK " THEN c.message_count ELSE coalesce(last.seq, 0) END AS message_count,"
    "     array_to_json(c.tags) AS tags, array_to_json(c.labels) AS labels, c.model, c.system, c.params, c.examples"
    "   FROM chatsession.users u LEFT JOIN LATERAL (SELECT m.created_at, m.seq FROM chatsession.messages m"
    "     WHERE m.conversation_id = c.id AND m.created_at <= " WATERMARK " ORDER BY m.seq DESC LIMIT 1) last ON true"
    "   WHERE u.id = c.user_id) x)"
    " UNION ALL"
    "   (SELECT (SELECT row_to_json(x)::text FROM (SELECT 'message' AS type, m.id, m.conversation_id, m.parent_id, m.seq,"
    "     m.role, CASE WHEN " ENDED " THEN m.content ELSE '' END AS content,"
    "     CASE WHEN " ENDED " THEN m.status ELSE 'streaming' END AS status,"
    "     " EXACT("m.created_at") " AS created_at,"
    "     CASE WHEN " ENDED " THEN " EXACT("m.finished_at") " END AS finished_at, m.model,"
    "     CASE WHEN " ENDED " THEN m.finish_reason END AS finish_reason, CASE WHEN " ENDED " THEN m.usage END AS usage,"
    "     CASE WHEN " ENDED " THEN m.detail END AS detail, CASE WHEN " ENDED " THEN m.extra END AS extra,"
    "     CASE WHEN f.at <= " WATERMARK " THEN json_build_object('rating', f.rating, 'comment', f.comment) END"
    "       AS feedback) x)"
    "   FROM chatsession.messages m LEFT JOIN chatsession.feedback f ON f.message_id = m.id"
    "   WHERE m.conversation_id = c.id AND m.created_at <= " WATERMARK " ORDER BY m.seq)) l";
/* clang-format on */

static apr_status_t walk(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    const export_t *work = baton;
    cs_db_param_t params[CS_CONSOLE_PARAMS + 1];
    cs_search_t search;
    apr_status_t rv = cs_console_plan(&search, tx, &work->export->filter, false, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    cs_console_params(params, &work->export->filter);
    params[CS_CONSOLE_PARAMS] = CS_DB_TEXT(work->export->watermark);
    return cs_db_tx_walk(tx,
                         apr_pstrcat(pool, export_begins, cs_console_where(&work->export->filter, &search, pool),
                                     export_ends, NULL),
                         CS_CONSOLE_PARAMS + 1, params, 2000, work->row, work->flush, work->baton, pool);
}

apr_status_t cs_export_walk(cs_db_t *db, const cs_export_t *export, cs_db_row_cb *row,
                            apr_status_t (*flush)(void *baton), void *baton, apr_pool_t *pool)
{
    export_t work = {export, row, flush, baton};

    return cs_db_snapshot(db, walk, &work, pool);
}

/* --- people --- */

apr_status_t cs_console_load(cs_console_load_t *load, cs_db_t *db, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT t.processing, t.waiting, (SELECT count(*) FROM chatsession.sessions WHERE revoked_at IS NULL),"
        " count(*) FILTER (WHERE a.state = 'active'), count(*) FILTER (WHERE a.state = 'idle'),"
        " count(*) FILTER (WHERE a.state LIKE 'idle in transaction%')"
        " FROM chatsession.turn_load() t LEFT JOIN pg_stat_activity a"
        "   ON a.datname = current_database() AND a.usename = current_user GROUP BY t.processing, t.waiting";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 0, NULL, pool);

    *load = (cs_console_load_t){0};
    if (rv == APR_SUCCESS) {
        *load = (cs_console_load_t){.streaming = (int)cs_db_int(result, 0, 0, 0),
                                    .queued = (int)cs_db_int(result, 0, 1, 0),
                                    .sessions = cs_db_int(result, 0, 2, 0),
                                    .active = (int)cs_db_int(result, 0, 3, 0),
                                    .idle = (int)cs_db_int(result, 0, 4, 0),
                                    .in_transaction = (int)cs_db_int(result, 0, 5, 0)};
    }
    return rv;
}

apr_status_t cs_console_revoke(apr_int64_t *ended, cs_db_t *db, const char *refs, const cs_audit_entry_t *entry,
                               apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'operator'"
        " WHERE revoked_at IS NULL AND ref IN (SELECT v FROM json_array_elements_text($1::json) v)";
    const cs_db_param_t params[] = {CS_DB_TEXT(refs)};
    cs_db_result_t *result;
    apr_status_t rv = run(&result, db, (audited_t){.sql = sql, .count = 1, .params = params, .entry = entry}, pool);

    *ended = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
}
