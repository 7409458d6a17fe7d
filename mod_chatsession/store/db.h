/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_DB_H
#define CS_DB_H
/*
 * The one door to PostgreSQL. Driver, open, check and close are APR DBD's (apr_dbd_pgsql); the connections of one child
 * stand in an apr_reslist of our own whose wait has a limit; statements run by libpq's PQexecParams on
 * apr_dbd_native_handle(), because APR DBD has no lengths, no SQLSTATE and no way to tell an error from an empty
 * result. Nobody else calls APR DBD or libpq. Nothing here knows httpd.
 *
 * What this door closes (each has a test of that name in tests/store/):
 *
 *   a. after a restart of PostgreSQL no connection stays poisoned: what a server keeps (prepared statements) is its
 *      connection's alone, and a dead connection is thrown away, never reset;
 *   b. a dead connection cannot crash the child: transactions are statements like any other;
 *   c. a transaction that was rolled back is never called committed: every statement's status and COMMIT's command tag
 *      are looked at;
 *   d. text with a NUL or with invalid UTF-8 is refused before it is sent (CS_ENOTTEXT), never cut short;
 *   e. an SQL error is CS_EDATABASE or CS_EUNAVAILABLE, never an empty result;
 *   f. the wait for a connection ends after acquire_timeout with CS_EUNAVAILABLE.
 *
 * Connecting happens in the thread that needs the connection, outside the list's lock, so one hanging connect holds up
 * nobody else.
 */
#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include "core/status.h"
#include "core/text.h"

typedef struct cs_db cs_db_t; /* one child's connections to one PostgreSQL; thread-safe */
typedef struct cs_db_result
    cs_db_result_t; /* rows copied out of reach of the connection; lives in the pool it was made in */

/** One line for the log: level as syslog's (3 error, 4 warning, 6 info, 7 debug), a number "CSnnnn", never a
 * parameter's value. */
typedef void cs_db_log_cb(void *baton, int level, const char *number, const char *message);

typedef struct {
    const char *conninfo; /* libpq keywords or URI; connect_timeout, tcp_user_timeout, keepalives, client_encoding,
                             application_name and time limits are added where it does not name them */
    int max_connections;  /* per child, 1 to 1000 */
    apr_interval_time_t acquire_timeout;   /* f. */
    apr_interval_time_t statement_timeout; /* 0: the server's own */
    cs_db_log_cb *log;                     /* may be NULL */
    void *log_baton;
} cs_db_config_t;

/** A parameter: text of len octets, or NULL. Numbers and booleans are sent as text; SQL casts them ("$1::uuid"). */
typedef struct {
    const char *text; /* NULL: SQL NULL */
    apr_size_t len;
} cs_db_param_t;

#define CS_DB_TEXT(string) cs_db_param_text(string) /* NUL-terminated; NULL is SQL NULL */

static inline cs_db_param_t cs_db_param_text(const char *text)
{
    return (cs_db_param_t){text, text ? strlen(text) : 0};
}

/** May the statement be sent a second time on a new connection when the first died, within 2 s, without an answer? */
typedef enum {
    CS_DB_ONCE = 0,       /* no: the outcome of a lost connection is unknown, the caller hears CS_EUNAVAILABLE */
    CS_DB_REPEATABLE = 1, /* yes: it only reads, or carries a key that makes the second run find the first one's work */
    CS_DB_PREPARED = 2,   /* no; and a statement in static memory that is sent often and planned the same whatever its
                             values are: parsed and planned once for each connection, where that is possible */
    CS_DB_OFTEN = 3       /* yes; and the same */
} cs_db_repeat_e;

/** Check conninfo without connecting: NULL, or what libpq says is wrong with it (in pool), without any password. */
const char *cs_db_conninfo_problem(const char *conninfo, apr_pool_t *pool);

/** Once per process, before any other call: loads the driver. CS_EUNAVAILABLE and a sentence when apr_dbd_pgsql is not
 * installed. */
apr_status_t cs_db_init(const char **problem, apr_pool_t *pool) CS_MUSTCHECK;

/** A set of connections in pool (of the child's lifetime); none is opened yet. CS_EREFUSED and a line in the log for a
 * config that is out of bounds or whose conninfo libpq cannot parse. No call may be under way when pool goes. */
apr_status_t cs_db_create(cs_db_t **db, const cs_db_config_t *config, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Run one statement. APR_SUCCESS and *result (also with 0 rows); CS_EUNAVAILABLE (also for the SQLSTATEs that time
 * cures: class 53, no disk or memory left; 55P03, lock_timeout; 57014, statement_timeout); CS_ENOTTEXT (and nothing was
 * sent); CS_ECONFLICT for SQLSTATE 23505, 40001 and 40P01 after two repeats, and for 'CS409', which our SQL functions
 * raise; CS_EDATABASE otherwise. *result is NULL on failure. sqlstate of the failure: cs_db_last_sqlstate. No
 * connection is held when this returns.
 */
apr_status_t cs_db_run(cs_db_result_t **result, cs_db_t *db, cs_db_repeat_e repeat, const char *sql, int nparams,
                       const cs_db_param_t *params, apr_pool_t *pool) CS_MUSTCHECK;

/** The same for a statement that gives one row or none: *row as by cs_db_row_json (new reference), or APR_ENOENT. */
apr_status_t cs_db_run_row(json_t **row, cs_db_t *db, cs_db_repeat_e repeat, const char *sql, int nparams,
                           const cs_db_param_t *params, apr_pool_t *pool) CS_MUSTCHECK;

/** The five characters of the last failure in this thread, "" after a success or when PostgreSQL gave none. */
const char *cs_db_last_sqlstate(void);

/** Work of several statements in one transaction: fn runs its statements by cs_db_tx_run and returns APR_SUCCESS to
 * commit, anything else to roll back. */
typedef struct cs_db_tx cs_db_tx_t;
typedef apr_status_t cs_db_tx_fn(void *baton, cs_db_tx_t *tx, apr_pool_t *pool);

/** APR_SUCCESS only when COMMIT answered COMMIT. fn may be called again when repeat allows it and nothing was
 * committed. The whole has no time limit but the statements'. */
apr_status_t cs_db_transaction(cs_db_t *db, cs_db_repeat_e repeat, cs_db_tx_fn *fn, void *baton,
                               apr_pool_t *pool) CS_MUSTCHECK;
/** The same for reading alone: all statements see the database as it was at the first one. Once fn was called it is not
 * repeated. */
apr_status_t cs_db_snapshot(cs_db_t *db, cs_db_tx_fn *fn, void *baton, apr_pool_t *pool) CS_MUSTCHECK;
apr_status_t cs_db_tx_run(cs_db_result_t **result, cs_db_tx_t *tx, const char *sql, int nparams,
                          const cs_db_param_t *params, apr_pool_t *pool) CS_MUSTCHECK;

/** The row that shows what a transaction has done to the object called id, in its own sight: *row as by cs_db_run_row,
 * but pool's. Read before the audit entry, which comes last: nobody hears of a failure when all was done and only the
 * look at it failed. APR_ENOENT: there is none. */
apr_status_t cs_db_tx_row(json_t **row, cs_db_tx_t *tx, const char *sql, const char *id, apr_pool_t *pool) CS_MUSTCHECK;
/** That row for who asked for the transaction, which ended with rv: *given is a new reference, NULL unless rv is
 * APR_SUCCESS; given may be NULL. Returns rv. */
apr_status_t cs_db_row_give(json_t **given, json_t *row, apr_status_t rv) CS_MUSTCHECK;

/** Inside a transaction, fn by itself: when it fails for what it was given (any status but CS_EUNAVAILABLE), what it
 * did is undone, the status is returned, and the transaction goes on. What PostgreSQL refuses meanwhile is not logged:
 * the caller says what is wrong with the data. */
apr_status_t cs_db_tx_attempt(cs_db_tx_t *tx, cs_db_tx_fn *fn, void *baton, apr_pool_t *pool) CS_MUSTCHECK;

/** One row of a long result: the first column's text. Any status but APR_SUCCESS ends the walk. */
typedef apr_status_t cs_db_row_cb(void *baton, const char *text, apr_size_t len);

/**
 * Inside a transaction, walk a query of any size at constant memory, that of its longest row: a cursor, FETCH batch
 * rows at a time, row(first column) each as it comes. flush, if not NULL, is called after each batch. The statement
 * time limit counts for each wait for the server. Nothing else may be done in the transaction meanwhile.
 */
apr_status_t cs_db_tx_walk(cs_db_tx_t *tx, const char *sql, int nparams, const cs_db_param_t *params, int batch,
                           cs_db_row_cb *row, apr_status_t (*flush)(void *baton), void *baton,
                           apr_pool_t *pool) CS_MUSTCHECK;

/** Run a script of many statements in one transaction of the simple protocol (the schema's steps). The text is ours,
 * never a user's. */
apr_status_t cs_db_tx_script(cs_db_tx_t *tx, const char *script, const char **problem, apr_pool_t *pool) CS_MUSTCHECK;

/* A result. row and column count from 0; out of range is a defect and aborts in debug builds, reads as absent
 * otherwise. */
int cs_db_rows(const cs_db_result_t *result);
int cs_db_columns(const cs_db_result_t *result);
/** Free its rows, and all texts of them, before its pool is: libpq takes 3 KiB and more for a single row, which an
 * answer that runs for minutes need not carry. It has no rows then; NULL is allowed. */
void cs_db_result_free(cs_db_result_t *result);
/** NULL for SQL NULL; otherwise NUL-terminated text; *len may be NULL. */
const char *cs_db_text(const cs_db_result_t *result, int row, int column, apr_size_t *len);
/** A copy in pool, for what outlives the result; NULL for SQL NULL. */
const char *cs_db_text_copy(const cs_db_result_t *result, int row, int column, apr_pool_t *pool);
apr_int64_t cs_db_int(const cs_db_result_t *result, int row, int column, apr_int64_t if_null);
bool cs_db_bool(const cs_db_result_t *result, int row, int column);
/** A column of microseconds since 1970 (SQL: chatsession.usec(timestamptz)); 0 for NULL. */
apr_time_t cs_db_time(const cs_db_result_t *result, int row, int column);
/** Rows the statement changed (command tag). */
apr_int64_t cs_db_affected(const cs_db_result_t *result);

/**
 * Row number row as a JSON object with a member per column, named by the column: bool, int2/int4/int8, float8,
 * json/jsonb as what they are, NULL as null, timestamptz as RFC 3339 in UTC with milliseconds, everything else as text.
 * New reference. So an SQL alias is the API's name, and there is one place that turns rows into JSON.
 */
json_t *cs_db_row_json(const cs_db_result_t *result, int row);
/** All rows as an array of such objects; new reference. */
json_t *cs_db_rows_json(const cs_db_result_t *result);
/** The first limit rows (all of them when there are fewer) as the text of such an array, at the end of text and without
 * a tree between: for what is asked for often and has many rows. */
apr_status_t cs_db_rows_print(cs_text_t *text, const cs_db_result_t *result, int limit) CS_MUSTCHECK;
/** One row as the text of such an object, without its closing brace: the caller adds to it. */
apr_status_t cs_db_row_print_open(cs_text_t *text, const cs_db_result_t *result, int row) CS_MUSTCHECK;

/** Connections now: open, lent; and how many waits ran into acquire_timeout since the start. Tests look by it. */
void cs_db_counts(cs_db_t *db, int *open, int *lent, apr_uint32_t *timeouts);

#endif
