/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/job.h"
#include <apr_strings.h>
#include "core/json.h"
#include "store/keyset.h"

/* The text that was searched for stays out of what is shown. */
#define JOB_COLUMNS                                                                                                    \
    "j.id, j.kind, j.state, j.created_at, j.created_by, j.finished_at, j.cancelled_by,"                                \
    " j.filter - 'q' - 'ids' || CASE WHEN j.filter ? 'ids'"                                                            \
    "   THEN jsonb_build_object('ids', jsonb_array_length(j.filter -> 'ids')) ELSE '{}' END AS filter,"                \
    " j.expected, j.examined, j.expired, j.messages, j.held,"                                                          \
    " CASE WHEN j.state = 'done' THEN 1.0 WHEN j.position IS NULL THEN 0.0"                                            \
    "   ELSE ('x' || left(j.position::text, 8))::bit(32)::bigint / 4294967296.0 END::float8 AS progress"

static const char show_job[] = "SELECT " JOB_COLUMNS " FROM chatsession.jobs j WHERE j.id = $1::uuid";

/* --- what a job's filter is in its row --- */

apr_status_t cs_job_read_filter(cs_console_filter_t *filter, const char *text, apr_pool_t *pool)
{
    json_t *json = json_loads(text, 0, NULL);

    cs_console_filter_from_json(filter, json, pool);
    json_decref(json);
    return json ? APR_SUCCESS : CS_EMALFORMED;
}

/* --- working --- */

typedef struct {
    cs_job_step_t *step;
    const char *only;
    int batch;
    apr_pool_t *pool;
} step_t;

/* The row to work on, locked. */
static apr_status_t lock_job(cs_db_result_t **result, cs_db_tx_t *tx, const char *only, apr_pool_t *pool)
{
    static const char next[] = "SELECT id, kind, filter FROM chatsession.jobs WHERE state = 'running'"
                               " ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED";
    static const char this[] = "SELECT id, kind, filter FROM chatsession.jobs WHERE state = 'running' AND id = $1::uuid"
                               " FOR UPDATE";
    const cs_db_param_t params[] = {CS_DB_TEXT(only)};

    return cs_db_tx_run(result, tx, only ? this : next, only ? 1 : 0, params, pool);
}

static apr_status_t read_step(cs_job_step_t *step, cs_db_tx_t *tx, const char *id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT id, state <> 'running', expired, messages, held FROM chatsession.jobs"
                              " WHERE id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 1, params, pool);

    if (rv == APR_SUCCESS && cs_db_rows(result)) {
        *step = (cs_job_step_t){cs_db_text(result, 0, 0, NULL), cs_db_bool(result, 0, 1), cs_db_int(result, 0, 2, 0),
                                cs_db_int(result, 0, 3, 0), cs_db_int(result, 0, 4, 0)};
    }
    return rv;
}

static apr_status_t work(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    step_t *want = baton;
    cs_db_result_t *result;
    cs_console_filter_t filter;
    const char *id;
    apr_status_t rv = lock_job(&result, tx, want->only, pool);

    *want->step = (cs_job_step_t){0};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return want->only ? read_step(want->step, tx, want->only, want->pool) : APR_SUCCESS;
    }
    id = cs_db_text(result, 0, 0, NULL);
    if (!strcmp(cs_db_text(result, 0, 1, NULL), "retention")) {
        rv = cs_console_retain_batch(tx, id, want->batch, pool);
    } else {
        rv = cs_job_read_filter(&filter, cs_db_text(result, 0, 2, NULL), pool);
        if (rv == APR_SUCCESS) {
            rv = cs_console_expire_batch(tx, &filter, id, want->batch, pool);
        }
    }
    return rv == APR_SUCCESS ? read_step(want->step, tx, id, want->pool) : rv;
}

apr_status_t cs_job_step(cs_job_step_t *step, cs_db_t *db, const char *only, int batch, apr_pool_t *pool)
{
    step_t want = {step, only, batch, pool};
    apr_status_t rv;

    *step = (cs_job_step_t){0};
    rv = cs_db_transaction(db, CS_DB_REPEATABLE, work, &want, pool);

    if (rv != APR_SUCCESS) {
        *step = (cs_job_step_t){0};
    }
    return rv;
}

/* --- beginning --- */

typedef struct {
    const cs_console_filter_t *filter;
    apr_int64_t confirm;
    const char *by;
    apr_interval_time_t grace, every;
    const cs_audit_entry_t *entry;
    cs_console_count_t *count;
    const char *id;
    json_t *job; /* as it is then */
    apr_pool_t *pool;
} begin_t;

static apr_status_t show(begin_t *begin, cs_db_tx_t *tx)
{
    return cs_db_tx_row(&begin->job, tx, show_job, begin->id, begin->pool);
}

/* The deed's entry, with the job's id. */
static apr_status_t record(const begin_t *begin, cs_db_tx_t *tx, apr_pool_t *pool)
{
    cs_audit_entry_t entry;

    if (!begin->entry) {
        return APR_SUCCESS;
    }
    entry = *begin->entry;
    entry.detail = cs_json_own(entry.detail ? json_copy(entry.detail) : json_object(), pool);
    json_object_set_new(entry.detail, "job", json_string(begin->id));
    return cs_audit_add(tx, &entry, pool);
}

static apr_status_t begin_expiry(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] = "INSERT INTO chatsession.jobs (kind, created_by, filter, grace, expected) VALUES"
                              " ('expire', $1, $2::jsonb, $3::bigint * interval '1 microsecond', $4::bigint)"
                              " RETURNING id, chatsession.rfc3339(now() + grace)";
    begin_t *begin = baton;
    json_t *filter = cs_json_own(cs_console_filter_json(begin->filter), pool);
    const cs_db_param_t params[] = {CS_DB_TEXT(begin->by), CS_DB_TEXT(cs_json_print(filter, NULL, pool)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, begin->grace)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, begin->confirm))};
    cs_db_result_t *result;
    apr_status_t rv = cs_console_tx_count(begin->count, tx, begin->filter, begin->pool);

    if (rv == APR_SUCCESS && begin->count->conversations != begin->confirm) {
        return CS_EREFUSED;
    }
    rv = rv == APR_SUCCESS ? cs_db_tx_run(&result, tx, sql, 4, params, begin->pool) : rv;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    begin->id = cs_db_text(result, 0, 0, NULL);
    begin->count->purge_at = cs_db_text(result, 0, 1, NULL);
    rv = show(begin, tx);
    return rv == APR_SUCCESS ? record(begin, tx, pool) : rv;
}

apr_status_t cs_job_expire(const char **id, json_t **job, cs_console_count_t *count, cs_db_t *db,
                           const cs_console_filter_t *filter, apr_int64_t confirm, apr_interval_time_t grace,
                           const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    begin_t begin = {filter, confirm, entry->operator_name, grace, 0, entry, count, NULL, NULL, pool};
    apr_status_t rv;

    *count = (cs_console_count_t){0};
    rv = cs_db_transaction(db, CS_DB_ONCE, begin_expiry, &begin, pool);
    *id = rv == APR_SUCCESS ? begin.id : NULL;
    return cs_db_row_give(job, begin.job, rv);
}

static apr_status_t begin_retention(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH old AS (DELETE FROM chatsession.jobs WHERE finished_at < now() - interval '400 days')"
        " INSERT INTO chatsession.jobs (kind, created_by, grace)"
        " SELECT 'retention', $1, $2::bigint * interval '1 microsecond'"
        " WHERE EXISTS (SELECT FROM chatsession.retention_rules WHERE keep_days IS NOT NULL)"
        " AND NOT EXISTS (SELECT FROM chatsession.jobs WHERE kind = 'retention' AND (state = 'running'"
        "   OR created_at > now() - $3::bigint * interval '1 microsecond')) ON CONFLICT DO NOTHING RETURNING id";
    begin_t *begin = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(begin->by),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, begin->grace)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, begin->every))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 3, params, begin->pool);

    begin->id = rv == APR_SUCCESS && cs_db_rows(result) ? cs_db_text(result, 0, 0, NULL) : NULL;
    begin->job = NULL;
    if (!begin->id) {
        return rv;
    }
    rv = show(begin, tx);
    return rv == APR_SUCCESS ? record(begin, tx, pool) : rv;
}

apr_status_t cs_job_retention(const char **id, json_t **job, cs_db_t *db, const char *by, apr_interval_time_t grace,
                              apr_interval_time_t every, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    begin_t begin = {.by = by, .grace = grace, .every = every, .entry = entry, .pool = pool};
    const apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, begin_retention, &begin, pool);

    *id = rv == APR_SUCCESS ? begin.id : NULL;
    return cs_db_row_give(job, begin.job, rv);
}

/* --- looking, cancelling --- */

apr_status_t cs_job_list(json_t **jobs, const char **next, cs_db_t *db, const char *kind, const char *after, int limit,
                         apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " JOB_COLUMNS ", chatsession.usec(j.created_at) || '_' || j.id AS next FROM chatsession.jobs j"
        " WHERE ($1::text IS NULL OR j.kind = $1::text)"
        " AND ($2::bigint IS NULL OR (j.created_at, j.id) < (to_timestamp(0) + $2::bigint * interval '1 microsecond', "
        "$3::uuid)) ORDER BY j.created_at DESC, j.id DESC LIMIT $4::integer + 1";
    const cs_db_param_t own[] = {CS_DB_TEXT(kind)};

    return cs_keyset_list(jobs, next, db, sql, 1, own, after, limit, pool);
}

apr_status_t cs_job_get(json_t **job, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};

    return cs_db_run_row(job, db, CS_DB_REPEATABLE, show_job, 1, params, pool);
}

static apr_status_t cancel(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH known AS MATERIALIZED (SELECT id, state FROM chatsession.jobs WHERE id = $1::uuid FOR UPDATE),"
        " ended AS (UPDATE chatsession.jobs j SET state = 'cancelled', cancelled_by = $2, finished_at = now(),"
        "   filter = j.filter - 'q' FROM known WHERE j.id = known.id AND known.state = 'running' RETURNING 1)"
        " SELECT (SELECT count(*) FROM known), (SELECT count(*) FROM ended)";
    begin_t *begin = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(begin->id), CS_DB_TEXT(begin->by)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);

    if (rv == APR_SUCCESS && !cs_db_int(result, 0, 0, 0)) {
        return APR_ENOENT;
    }
    rv = rv == APR_SUCCESS ? show(begin, tx) : rv;
    return rv == APR_SUCCESS && cs_db_int(result, 0, 1, 0) ? record(begin, tx, pool) : rv;
}

apr_status_t cs_job_cancel(json_t **job, cs_db_t *db, const char *id, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    begin_t begin = {.id = id, .by = entry->operator_name, .entry = entry, .pool = pool};
    const apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, cancel, &begin, pool);

    return cs_db_row_give(job, begin.job, rv);
}
