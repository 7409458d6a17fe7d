/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/export.h"
#include <apr_strings.h>
#include "core/json.h"
#include "store/job.h"
#include "store/keyset.h"

/* A run whose last word is older than this is over: its child was killed. A reader may hold up a write for a minute. */
#define SILENCE "interval '2 minutes'"
/* How long a link opens something, and how long an export can be gone on with. */
#define LINK_LIFE "interval '10 minutes'"
#define RESUMABLE "x.state IN ('ready', 'running', 'cut') AND x.created_at > now() - interval '1 day'"

/* To the microsecond: what is read by it must be the same each time. */
#define WATERMARK(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* clang-format off */
#define EXPORT_COLUMNS \
    "x.id, CASE WHEN x.state = 'running' AND x.updated_at < now() - " SILENCE " THEN 'cut' ELSE x.state END AS state," \
    " x.created_at, " WATERMARK("x.watermark") " AS watermark, x.operator, x.format, x.gzip," \
    " x.filter - 'q' - 'ids' || jsonb_build_object('text_search', x.filter ? 'q') || CASE WHEN x.filter ? 'ids'" \
    "   THEN jsonb_build_object('ids', jsonb_array_length(x.filter -> 'ids')) ELSE '{}' END AS filter," \
    " x.expected, x.expected_messages, x.started_at, x.finished_at, x.cancelled_by, x.lines, x.conversations," \
    " x.lines - x.conversations AS messages, x.octets, encode(x.sha256, 'hex') AS sha256, x.run > 1 AS resumed," \
    " " RESUMABLE " AS resumable," \
    " CASE WHEN x.state = 'done' THEN 1.0 WHEN x.expected = 0 THEN 0.0" \
    "   ELSE least(x.conversations::float8 / x.expected, 1) END::float8 AS progress"
/* clang-format on */

static const char *number(apr_int64_t n, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, n);
}

static const char show_export[] = "SELECT " EXPORT_COLUMNS " FROM chatsession.exports x WHERE x.id = $1::uuid";

/* entry with the export's id and what else of it is to be known. */
static apr_status_t record(cs_db_tx_t *tx, const cs_audit_entry_t *entry, const char *id, json_t *more,
                           apr_pool_t *pool)
{
    cs_audit_entry_t with = *entry;

    with.detail = cs_json_own(entry->detail ? json_copy(entry->detail) : json_object(), pool);
    if (json_object_set_new(with.detail, "export", json_string(id)) ||
        (more && json_object_update(with.detail, cs_json_own(more, pool)))) {
        return APR_ENOMEM;
    }
    return cs_audit_add(tx, &with, pool);
}

/* --- beginning --- */

typedef struct {
    cs_export_t *export;
    const cs_export_want_t *want;
    const cs_audit_entry_t *entry;
    json_t *shown; /* the row as it is then */
    apr_pool_t *pool;
} make_t;

static apr_status_t make(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH old AS (DELETE FROM chatsession.exports WHERE created_at < now() - interval '400 days'),"
        " forgotten AS (UPDATE chatsession.exports SET filter = filter - 'q'"
        "   WHERE filter ? 'q' AND created_at BETWEEN now() - interval '400 days' AND now() - interval '1 day')"
        " INSERT INTO chatsession.exports (operator, format, gzip, filter, expected, expected_messages, state, run,"
        "   started_at, link_hash, link_until)"
        " SELECT $1, $2, $3::boolean, $4::jsonb, $5::bigint, $6::bigint,"
        "   CASE WHEN $7::text IS NULL THEN 'running' ELSE 'ready' END, CASE WHEN $7::text IS NULL THEN 1 ELSE 0 END,"
        "   CASE WHEN $7::text IS NULL THEN now() END, decode($7::text, 'hex'),"
        "   CASE WHEN $7::text IS NOT NULL THEN now() + " LINK_LIFE " END"
        " RETURNING id, " WATERMARK("watermark") ", chatsession.usec(created_at), run";
    make_t *work = baton;
    cs_export_t *export = work->export;
    const cs_export_want_t *want = work->want;
    json_t *filter = cs_json_own(cs_console_filter_json(want->filter), pool);
    cs_console_count_t count;
    cs_db_result_t *result;
    apr_status_t rv = cs_console_tx_count_all(&count, tx, want->filter, pool);

    if (rv == APR_SUCCESS) {
        const cs_db_param_t params[] = {CS_DB_TEXT(work->entry->operator_name),
                                        CS_DB_TEXT(want->format),
                                        CS_DB_TEXT(want->gzip ? "true" : "false"),
                                        CS_DB_TEXT(cs_json_print(filter, NULL, pool)),
                                        CS_DB_TEXT(number(count.conversations, pool)),
                                        CS_DB_TEXT(number(count.messages, pool)),
                                        CS_DB_TEXT(want->link_sha256)};
        rv = cs_db_tx_run(&result, tx, sql, 7, params, work->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *export = (cs_export_t){.id = cs_db_text(result, 0, 0, NULL),
                            .watermark = cs_db_text(result, 0, 1, NULL),
                            .created = cs_db_time(result, 0, 2),
                            .run = (int)cs_db_int(result, 0, 3, 0),
                            .format = want->format,
                            .gzip = want->gzip,
                            .filter = *want->filter,
                            .conversations = count.conversations,
                            .messages = count.messages};
    rv = cs_db_tx_row(&work->shown, tx, show_export, export->id, work->pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return record(tx, work->entry, export->id,
                  json_pack("{s:s,s:b,s:I,s:I}", "format", want->format, "gzip", want->gzip, "conversations",
                            (json_int_t)count.conversations, "messages", (json_int_t)count.messages),
                  pool);
}

apr_status_t cs_export_make(cs_export_t *export, json_t **shown, cs_db_t *db, const cs_export_want_t *want,
                            const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    make_t work = {export, want, entry, NULL, pool};
    apr_status_t rv;

    *export = (cs_export_t){0};
    rv = cs_db_transaction(db, CS_DB_ONCE, make, &work, pool);
    return cs_db_row_give(shown, work.shown, rv);
}

typedef struct {
    const char *id, *link_sha256;
    const cs_export_part_t *have;
    const cs_audit_entry_t *entry;
    json_t *shown;
    apr_pool_t *pool;
} relink_t;

static apr_status_t relink(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.exports x SET link_hash = decode($3, 'hex'), link_until = now() + " LINK_LIFE ","
        "   link_from = $4::bigint, link_sha256 = decode($5, 'hex')"
        " WHERE x.id = $1::uuid AND x.operator = $2 AND " RESUMABLE;
    relink_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->id), CS_DB_TEXT(work->entry->operator_name),
                                    CS_DB_TEXT(work->link_sha256), CS_DB_TEXT(number(work->have->octets, pool)),
                                    CS_DB_TEXT(work->have->sha256)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 5, params, pool);

    if (rv == APR_SUCCESS && !cs_db_affected(result)) {
        return APR_ENOENT;
    }
    rv = rv == APR_SUCCESS ? cs_db_tx_row(&work->shown, tx, show_export, work->id, work->pool) : rv;
    return rv == APR_SUCCESS
               ? record(tx, work->entry, work->id, json_pack("{s:I}", "from", (json_int_t)work->have->octets), pool)
               : rv;
}

apr_status_t cs_export_relink(json_t **shown, cs_db_t *db, const char *id, const char *link_sha256,
                              const cs_export_part_t *have, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    relink_t work = {id, link_sha256, have, entry, NULL, pool};
    const apr_status_t rv = cs_db_transaction(db, CS_DB_ONCE, relink, &work, pool);

    return cs_db_row_give(shown, work.shown, rv);
}

apr_status_t cs_export_open(cs_export_t *export, cs_db_t *db, const char *id, const char *operator_name,
                            const char *link_sha256, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.exports x SET state = 'running', run = x.run + 1, started_at = coalesce(x.started_at, "
        "now()),"
        "   updated_at = now(), finished_at = NULL, link_hash = NULL, link_until = NULL, lines = 0, conversations = 0"
        " WHERE x.id = $1::uuid AND x.operator = $2 AND x.link_hash = decode($3, 'hex') AND x.link_until > now()"
        "   AND " RESUMABLE
        " RETURNING x.id, " WATERMARK("x.watermark") ", chatsession.usec(x.created_at), x.run, x.format, x.gzip,"
                                                     "   x.filter, x.expected, x.expected_messages, x.link_from, "
                                                     "encode(x.link_sha256, 'hex'), x.octets,"
                                                     "   encode(x.octets_sha256, 'hex')";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(operator_name), CS_DB_TEXT(link_sha256)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);

    *export = (cs_export_t){0};
    if (rv != APR_SUCCESS || !cs_db_rows(result)) {
        return rv == APR_SUCCESS ? APR_ENOENT : rv;
    }
    *export = (cs_export_t){.id = cs_db_text(result, 0, 0, NULL),
                            .watermark = cs_db_text(result, 0, 1, NULL),
                            .created = cs_db_time(result, 0, 2),
                            .run = (int)cs_db_int(result, 0, 3, 0),
                            .format = cs_db_text(result, 0, 4, NULL),
                            .gzip = cs_db_bool(result, 0, 5),
                            .conversations = cs_db_int(result, 0, 7, 0),
                            .messages = cs_db_int(result, 0, 8, 0),
                            .from = cs_db_int(result, 0, 9, 0),
                            .from_sha256 = cs_db_text(result, 0, 10, NULL),
                            .octets = cs_db_int(result, 0, 11, 0),
                            .octets_sha256 = cs_db_text(result, 0, 12, NULL)};
    return cs_job_read_filter(&export->filter, cs_db_text(result, 0, 6, NULL), pool);
}

/* --- how far it is, and its end --- */

apr_status_t cs_export_report(cs_db_t *db, const cs_export_t *export, const cs_export_progress_t *progress,
                              apr_pool_t *pool)
{
    /* What a resumed run comes by again is not news: the furthest that was ever sent stays. */
    static const char sql[] =
        "UPDATE chatsession.exports x SET updated_at = now(), lines = $3::bigint, conversations = $4::bigint,"
        "   octets = greatest(x.octets, $5::bigint),"
        "   octets_sha256 = CASE WHEN $5::bigint > x.octets THEN decode($6, 'hex') ELSE x.octets_sha256 END"
        " WHERE x.id = $1::uuid AND x.run = $2::integer AND x.state = 'running'";
    const cs_db_param_t params[] = {CS_DB_TEXT(export->id),
                                    CS_DB_TEXT(number(export->run, pool)),
                                    CS_DB_TEXT(number(progress->lines, pool)),
                                    CS_DB_TEXT(number(progress->conversations, pool)),
                                    CS_DB_TEXT(number(progress->octets, pool)),
                                    CS_DB_TEXT(progress->octets_sha256)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 6, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? CS_EREFUSED : rv;
}

typedef struct {
    const cs_export_t *export;
    const cs_export_progress_t *progress;
    const char *sha256;
    const cs_audit_entry_t *entry;
} end_t;

static apr_status_t end(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.exports x SET updated_at = now(), finished_at = now(), lines = $3::bigint,"
        "   conversations = $4::bigint, octets = greatest(x.octets, $5::bigint), sha256 = decode($6, 'hex'),"
        "   state = CASE WHEN $6::text IS NULL THEN 'cut' ELSE 'done' END,"
        "   octets_sha256 = CASE WHEN $5::bigint > x.octets THEN decode($7, 'hex') ELSE x.octets_sha256 END,"
        "   filter = CASE WHEN $6::text IS NULL THEN x.filter ELSE x.filter - 'q' END"
        " WHERE x.id = $1::uuid AND x.run = $2::integer AND x.state = 'running'";
    const end_t *work = baton;
    const cs_export_progress_t *progress = work->progress;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->export->id),
                                    CS_DB_TEXT(number(work->export->run, pool)),
                                    CS_DB_TEXT(number(progress->lines, pool)),
                                    CS_DB_TEXT(number(progress->conversations, pool)),
                                    CS_DB_TEXT(number(progress->octets, pool)),
                                    CS_DB_TEXT(work->sha256),
                                    CS_DB_TEXT(progress->octets_sha256)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 7, params, pool);

    if (rv == APR_SUCCESS && !cs_db_affected(result)) {
        return CS_EREFUSED;
    }
    return rv == APR_SUCCESS ? cs_audit_add(tx, work->entry, pool) : rv;
}

apr_status_t cs_export_end(cs_db_t *db, const cs_export_t *export, const cs_export_progress_t *progress,
                           const char *sha256, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    end_t work = {export, progress, sha256, entry};

    return cs_db_transaction(db, CS_DB_ONCE, end, &work, pool);
}

/* --- looking, cancelling --- */

apr_status_t cs_export_list(json_t **exports, const char **next, cs_db_t *db, const char *after, int limit,
                            apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " EXPORT_COLUMNS ", chatsession.usec(x.created_at) || '_' || x.id AS next FROM chatsession.exports x"
        " WHERE ($1::bigint IS NULL OR (x.created_at, x.id) < (to_timestamp(0) + $1::bigint * interval '1 "
        "microsecond', "
        "$2::uuid)) ORDER BY x.created_at DESC, x.id DESC LIMIT $3::integer + 1";

    return cs_keyset_list(exports, next, db, sql, 0, NULL, after, limit, pool);
}

apr_status_t cs_export_get(json_t **export, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};

    return cs_db_run_row(export, db, CS_DB_REPEATABLE, show_export, 1, params, pool);
}

apr_status_t cs_export_manifest(json_t **manifest, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    const char *seal;
    apr_int64_t seq = 0;
    json_t *export;
    json_t *head;
    apr_status_t rv = cs_export_get(&export, db, id, pool);

    *manifest = NULL;
    if (rv == APR_SUCCESS) {
        cs_json_own(export, pool);
        rv = cs_audit_head(&seq, &seal, db, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    head = seq ? json_pack("{s:I,s:s}", "seq", (json_int_t)seq, "seal", seal) : json_null();
    *manifest = json_pack("{s:s,s:O,s:o}", "type", "manifest", "export", export, "audit_head", head);
    return *manifest ? APR_SUCCESS : APR_ENOMEM;
}

typedef struct {
    const char *id;
    const cs_audit_entry_t *entry;
    json_t *shown;
    apr_pool_t *pool;
} cancel_t;

static apr_status_t cancel(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH known AS MATERIALIZED (SELECT id, state FROM chatsession.exports WHERE id = $1::uuid FOR UPDATE),"
        " ended AS (UPDATE chatsession.exports x SET state = 'cancelled', cancelled_by = $2, finished_at = now(),"
        "   updated_at = now(), link_hash = NULL, link_until = NULL, filter = x.filter - 'q' FROM known"
        "   WHERE x.id = known.id AND known.state IN ('ready', 'running', 'cut') RETURNING 1)"
        " SELECT (SELECT count(*) FROM known), (SELECT count(*) FROM ended)";
    cancel_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->id), CS_DB_TEXT(work->entry->operator_name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);

    if (rv == APR_SUCCESS && !cs_db_int(result, 0, 0, 0)) {
        return APR_ENOENT;
    }
    rv = rv == APR_SUCCESS ? cs_db_tx_row(&work->shown, tx, show_export, work->id, work->pool) : rv;
    return rv == APR_SUCCESS && cs_db_int(result, 0, 1, 0) ? record(tx, work->entry, work->id, NULL, pool) : rv;
}

apr_status_t cs_export_cancel(json_t **shown, cs_db_t *db, const char *id, const cs_audit_entry_t *entry,
                              apr_pool_t *pool)
{
    cancel_t work = {id, entry, NULL, pool};
    const apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, cancel, &work, pool);

    return cs_db_row_give(shown, work.shown, rv);
}
