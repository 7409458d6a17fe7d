/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What the files say and what the database says are merged into one list of steps, ordered by number; a step is judged
 * by which of the two halves it has.
 */
#include "store/schema.h"
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <stdlib.h>
#include <string.h>
#include "core/sha256.h"

#define MAX_FILE_BYTES (4 * 1024 * 1024)

typedef struct {
    cs_schema_step_t is;
    const char *file_sha256; /* NULL: no file */
    const char *sql;
    const char *applied_sha256; /* NULL: not in the database */
} step_t;

typedef struct {
    cs_db_t *db;
    const char *dir;
    const char *roles;         /* roles.sql's text */
    apr_array_header_t *steps; /* of step_t, by number */
    bool prepared;             /* the database has the table of steps */
    const char *problem;
} schema_t;

#define STEP(schema, i) APR_ARRAY_IDX((schema)->steps, i, step_t)

/* ---- the files ---- */

static apr_status_t read_file(const char **text, apr_size_t *len, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *bytes;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    *text = NULL;
    *len = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (rv == APR_SUCCESS && info.size > MAX_FILE_BYTES) {
        rv = CS_ETOOBIG;
    }
    if (rv == APR_SUCCESS) {
        bytes = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        rv = info.size ? apr_file_read_full(file, bytes, (apr_size_t)info.size, len) : APR_SUCCESS;
        *text = bytes;
    }
    apr_file_close(file);
    return rv;
}

static apr_status_t cannot_read(schema_t *schema, const char *path, apr_status_t rv, apr_pool_t *pool)
{
    char reason[120];

    schema->problem = apr_psprintf(pool, "%s cannot be read: %s", path, cs_strstatus(rv, reason, sizeof(reason)));
    return CS_EREFUSED;
}

/* NNN_name.sql */
static bool is_step_name(const char *name)
{
    const apr_size_t len = strlen(name);
    int i;

    for (i = 0; i < 3; i++) {
        if (!apr_isdigit(name[i])) {
            return false;
        }
    }
    return len > strlen("000_.sql") && name[3] == '_' && strcmp(name + len - strlen(".sql"), ".sql") == 0;
}

static apr_status_t load_step(schema_t *schema, const char *name, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, schema->dir, "/", name, NULL);
    step_t *step = apr_array_push(schema->steps);
    apr_size_t len;
    apr_status_t rv;

    memset(step, 0, sizeof(*step));
    step->is.number = (int)strtol(name, NULL, 10);
    step->is.name = apr_pstrdup(pool, name);
    rv = read_file(&step->sql, &len, path, pool);
    if (rv != APR_SUCCESS) {
        return cannot_read(schema, path, rv, pool);
    }
    if (strlen(step->sql) != len) {
        schema->problem = apr_psprintf(pool, "%s holds a NUL; expected SQL", path);
        return CS_EREFUSED;
    }
    step->file_sha256 = cs_sha256_hex(step->sql, len, pool);
    return step->file_sha256 ? APR_SUCCESS : APR_EGENERAL;
}

static int by_number(const void *a, const void *b)
{
    return ((const step_t *)a)->is.number - ((const step_t *)b)->is.number;
}

static void sort_steps(schema_t *schema)
{
    qsort(schema->steps->elts, (size_t)schema->steps->nelts, sizeof(step_t), by_number);
}

/* 001, 002, 003 without a gap or a double */
static apr_status_t check_numbers(schema_t *schema, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < schema->steps->nelts; i++) {
        if (STEP(schema, i).is.number != i + 1) {
            schema->problem = apr_psprintf(pool,
                                           "the steps in %s are not numbered one by one: %s stands where %03d is "
                                           "expected",
                                           schema->dir, STEP(schema, i).is.name, i + 1);
            return CS_EREFUSED;
        }
    }
    if (i == 0) {
        schema->problem = apr_psprintf(pool, "%s holds no step of the schema (001_name.sql and so on)", schema->dir);
        return CS_EREFUSED;
    }
    return APR_SUCCESS;
}

static apr_status_t load_files(schema_t *schema, apr_pool_t *pool)
{
    const char *roles = apr_pstrcat(pool, schema->dir, "/roles.sql", NULL);
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_size_t len;
    apr_status_t rv = apr_dir_open(&dir, schema->dir, pool);

    if (rv != APR_SUCCESS) {
        return cannot_read(schema, schema->dir, rv, pool);
    }
    while (rv == APR_SUCCESS && apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (is_step_name(entry.name)) {
            rv = load_step(schema, entry.name, pool);
        }
    }
    apr_dir_close(dir);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    sort_steps(schema);
    rv = read_file(&schema->roles, &len, roles, pool);
    return rv == APR_SUCCESS ? check_numbers(schema, pool) : cannot_read(schema, roles, rv, pool);
}

/* ---- the database ---- */

static step_t *find_step(schema_t *schema, int number)
{
    int i;

    for (i = 0; i < schema->steps->nelts; i++) {
        if (STEP(schema, i).is.number == number) {
            return &STEP(schema, i);
        }
    }
    return NULL;
}

static void note_applied(schema_t *schema, const cs_db_result_t *rows, int row)
{
    const int number = (int)cs_db_int(rows, row, 0, 0);
    step_t *step = find_step(schema, number);

    if (!step) {
        step = apr_array_push(schema->steps);
        memset(step, 0, sizeof(*step));
        step->is.number = number;
        step->is.name = cs_db_text(rows, row, 1, NULL);
    }
    step->applied_sha256 = cs_db_text(rows, row, 2, NULL);
    step->is.applied_at = cs_db_text(rows, row, 3, NULL);
}

static apr_status_t has_table(bool *present, cs_db_t *db, apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE,
                                "SELECT to_regclass('chatsession.schema_steps') IS NOT "
                                "NULL",
                                0, NULL, pool);

    *present = rv == APR_SUCCESS && cs_db_bool(result, 0, 0);
    return rv;
}

static void judge_steps(schema_t *schema)
{
    int i;

    for (i = 0; i < schema->steps->nelts; i++) {
        step_t *step = &STEP(schema, i);

        if (!step->applied_sha256) {
            step->is.state = CS_SCHEMA_PENDING;
        } else if (!step->file_sha256) {
            step->is.state = CS_SCHEMA_NEWER;
        } else if (strcmp(step->applied_sha256, step->file_sha256) != 0) {
            step->is.state = CS_SCHEMA_CHANGED;
        } else {
            step->is.state = CS_SCHEMA_APPLIED;
        }
    }
}

static apr_status_t load_applied(schema_t *schema, apr_pool_t *pool)
{
    cs_db_result_t *rows;
    apr_status_t rv = has_table(&schema->prepared, schema->db, pool);
    int i;

    if (rv == APR_SUCCESS && schema->prepared) {
        rv = cs_db_run(&rows, schema->db, CS_DB_REPEATABLE,
                       "SELECT number, name, sha256, date_trunc('second', applied_at) FROM chatsession.schema_steps"
                       " ORDER BY number",
                       0, NULL, pool);
        for (i = 0; rv == APR_SUCCESS && i < cs_db_rows(rows); i++) {
            note_applied(schema, rows, i);
        }
    }
    sort_steps(schema);
    judge_steps(schema);
    return rv;
}

static apr_status_t load(schema_t *schema, cs_db_t *db, const char *dir, apr_pool_t *pool)
{
    apr_status_t rv;

    *schema = (schema_t){.db = db, .dir = dir, .steps = apr_array_make(pool, 16, sizeof(step_t))};
    rv = load_files(schema, pool);
    return rv == APR_SUCCESS ? load_applied(schema, pool) : rv;
}

/* Files and database must be of one history before anything is added to it. */
static apr_status_t refuse_foreign_history(schema_t *schema, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < schema->steps->nelts; i++) {
        const step_t *step = &STEP(schema, i);

        if (step->is.state == CS_SCHEMA_NEWER) {
            schema->problem = apr_psprintf(pool,
                                           "the database holds step %d (%s), which is newer than the files in %s; use "
                                           "the files of the version that applied it",
                                           step->is.number, step->is.name, schema->dir);
            return CS_EREFUSED;
        }
        if (step->is.state == CS_SCHEMA_CHANGED) {
            schema->problem = apr_psprintf(pool,
                                           "%s was applied as SHA-256 %.12s..., but the file in %s is %.12s... now; a "
                                           "step is never edited: bring the old file back, and put the change into a "
                                           "new step",
                                           step->is.name, step->applied_sha256, schema->dir, step->file_sha256);
            return CS_EREFUSED;
        }
    }
    return APR_SUCCESS;
}

/* ---- applying ---- */

/* A step may take as long as it takes, but waiting for a lock would hold up everybody behind it. */
static const char begin_sql[] = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
                                "SET LOCAL idle_in_transaction_session_timeout = 0;"
                                "SELECT pg_advisory_xact_lock(hashtextextended('chatsession.schema_steps', 0));"
                                "SET LOCAL lock_timeout = '10s'";

static const char table_sql[] = "SET LOCAL ROLE chatsession_owner;"
                                "CREATE TABLE IF NOT EXISTS chatsession.schema_steps ("
                                "    number     integer     NOT NULL,"
                                "    name       text        NOT NULL,"
                                "    sha256     text        NOT NULL,"
                                "    applied_at timestamptz NOT NULL DEFAULT now(),"
                                "    CONSTRAINT schema_steps_pkey PRIMARY KEY (number),"
                                "    CONSTRAINT sha256_is_hex CHECK (sha256 ~ '^[0-9a-f]{64}$'));"
                                "GRANT SELECT ON chatsession.schema_steps TO chatsession";

/* Whoever is no superuser may apply steps, but could not run roles.sql again. */
static const char needs_roles_sql[] =
    "SELECT current_setting('is_superuser')::boolean OR to_regnamespace('chatsession') IS NULL"
    " OR (SELECT count(*) FROM pg_roles WHERE rolname IN ('chatsession', 'chatsession_owner')) < 2";

static apr_status_t run_part(schema_t *schema, cs_db_tx_t *tx, const char *name, const char *sql, apr_pool_t *pool)
{
    const char *problem;
    apr_status_t rv = cs_db_tx_script(tx, sql, &problem, pool);

    if (rv != APR_SUCCESS) {
        schema->problem = apr_psprintf(pool, "%s: %s; nothing of it was applied", name, problem);
    }
    return rv;
}

static apr_status_t prepare(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    schema_t *schema = baton;
    cs_db_result_t *needed = NULL;
    apr_status_t rv = run_part(schema, tx, "the start of the transaction", begin_sql, pool);

    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&needed, tx, needs_roles_sql, 0, NULL, pool);
    }
    if (rv == APR_SUCCESS && cs_db_bool(needed, 0, 0)) {
        rv = run_part(schema, tx, "roles.sql", schema->roles, pool);
    }
    return rv == APR_SUCCESS ? run_part(schema, tx, "the table chatsession.schema_steps", table_sql, pool) : rv;
}

typedef struct {
    schema_t *schema;
    step_t *step;
    bool done_by_another;
} application_t;

static apr_status_t record_step(application_t *application, cs_db_tx_t *tx, apr_pool_t *pool)
{
    const step_t *step = application->step;
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, step->is.number)), CS_DB_TEXT(step->is.name),
                                    CS_DB_TEXT(step->file_sha256)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx,
                                   "INSERT INTO chatsession.schema_steps (number, name, sha256)"
                                   " VALUES ($1::integer, $2, $3) ON CONFLICT (number) DO NOTHING",
                                   3, params, pool);

    application->done_by_another = rv == APR_SUCCESS && cs_db_affected(result) == 0;
    return rv;
}

static apr_status_t apply_step(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    application_t *application = baton;
    schema_t *schema = application->schema;
    const step_t *step = application->step;
    apr_status_t rv = run_part(schema, tx, "the start of the transaction", begin_sql, pool);

    if (rv == APR_SUCCESS) {
        rv = run_part(schema, tx, "the owner's role", "SET LOCAL ROLE chatsession_owner", pool);
    }
    if (rv == APR_SUCCESS) {
        rv = record_step(application, tx, pool);
    }
    if (rv != APR_SUCCESS || application->done_by_another) {
        return rv;
    }
    /* the step begins as the user who runs it and takes the role that it needs by itself */
    rv = run_part(schema, tx, "the own role", "SET LOCAL ROLE NONE", pool);
    return rv == APR_SUCCESS ? run_part(schema, tx, step->is.name, step->sql, pool) : rv;
}

static apr_status_t apply_pending(schema_t *schema, cs_schema_step_cb *notify, void *baton, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < schema->steps->nelts; i++) {
        application_t application = {schema, &STEP(schema, i), false};
        apr_status_t rv;

        if (application.step->is.state != CS_SCHEMA_PENDING) {
            continue;
        }
        rv = cs_db_transaction(schema->db, CS_DB_REPEATABLE, apply_step, &application, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        application.step->is.state = CS_SCHEMA_APPLIED;
        if (!application.done_by_another) {
            notify(baton, &application.step->is);
        }
    }
    return APR_SUCCESS;
}

static bool is_complete(const schema_t *schema)
{
    int i;

    for (i = 0; i < schema->steps->nelts; i++) {
        if (STEP(schema, i).is.state == CS_SCHEMA_PENDING) {
            return false;
        }
    }
    return true;
}

static apr_status_t explain(const char **problem, const schema_t *schema, apr_status_t rv, apr_pool_t *pool)
{
    char reason[120];

    *problem = rv == APR_SUCCESS ? NULL : schema->problem;
    if (rv != APR_SUCCESS && !*problem) {
        *problem = apr_pstrdup(pool, cs_strstatus(rv, reason, sizeof(reason)));
    }
    return rv;
}

apr_status_t cs_schema_apply(cs_db_t *db, const char *dir, cs_schema_step_cb *step, void *baton, const char **problem,
                             apr_pool_t *pool)
{
    schema_t schema;
    apr_status_t rv = load(&schema, db, dir, pool);

    if (rv == APR_SUCCESS) {
        rv = refuse_foreign_history(&schema, pool);
    }
    if (rv == APR_SUCCESS && !is_complete(&schema)) {
        rv = cs_db_transaction(db, CS_DB_REPEATABLE, prepare, &schema, pool);
        if (rv == APR_SUCCESS) {
            rv = apply_pending(&schema, step, baton, pool);
        }
    }
    return explain(problem, &schema, rv, pool);
}

apr_status_t cs_schema_status(cs_db_t *db, const char *dir, cs_schema_step_cb *step, void *baton, const char **problem,
                              apr_pool_t *pool)
{
    schema_t schema;
    apr_status_t rv = load(&schema, db, dir, pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < schema.steps->nelts; i++) {
        step(baton, &STEP(&schema, i).is);
    }
    if (rv == APR_SUCCESS) {
        rv = refuse_foreign_history(&schema, pool);
    }
    return explain(problem, &schema, rv, pool);
}

apr_status_t cs_schema_check(const char **problem, cs_db_t *db, apr_pool_t *pool)
{
    cs_db_result_t *result;
    bool present;
    int step = 0;
    apr_status_t rv = has_table(&present, db, pool);

    *problem = NULL;
    if (rv == APR_SUCCESS && present) {
        rv =
            cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT max(number) FROM chatsession.schema_steps", 0, NULL, pool);
        step = rv == APR_SUCCESS ? (int)cs_db_int(result, 0, 0, 0) : 0;
    }
    if (rv != APR_SUCCESS || step == CS_SCHEMA_STEP) {
        return rv;
    }
    *problem = step < CS_SCHEMA_STEP
                   ? apr_psprintf(pool,
                                  "The database is at schema step %d, this module needs step %d: run "
                                  "chatsessionctl schema apply.",
                                  step, CS_SCHEMA_STEP)
                   : apr_psprintf(pool,
                                  "The database is at schema step %d, which is newer than this module's step %d: "
                                  "install the module that belongs to it.",
                                  step, CS_SCHEMA_STEP);
    return CS_EREFUSED;
}
