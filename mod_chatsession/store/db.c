/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Statements. Every answer of PostgreSQL passes through cs_db_judge, which is the only place that says
 * what a SQLSTATE means; a row set that is not looked at there does not exist.
 *
 * Statements are sent without names (the server infers the types and keeps nothing) but for those that are worth
 * preparing (db_prepare.c), and the answer is waited for with poll(), so that a server that hangs instead of dying
 * cannot hold a thread for ever.
 */
#include <apr_strings.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "core/utf8.h"
#include "store/db_private.h"

/* What the server may take longer than its own statement_timeout before it is given up. */
#define ANSWER_GRACE apr_time_from_sec(5)
#define MAX_PARAMS 65535
/* Repeats of what PostgreSQL rolled back so that another transaction could win. */
#define MAX_SERIALIZATION_REPEATS 2
/* A connection that was lost later than that after its caller came is not replaced for him: to connect may take 2 s
 * more, and he is to hear within 5 s that there is no database. */
#define LOSS_REPEATED_WITHIN apr_time_from_sec(2)

static _Thread_local char last_sqlstate[6];

const char *cs_db_last_sqlstate(void)
{
    return last_sqlstate;
}

void cs_db_remember(const cs_db_outcome_t *outcome)
{
    apr_cpystrn(last_sqlstate, outcome->sqlstate, sizeof(last_sqlstate));
}

/* ---- sending and waiting ---- */

/* False when limit passed without an answer. */
static bool await_answer(PGconn *connection, apr_interval_time_t limit)
{
    const apr_time_t deadline = cs_steady_now() + limit;

    while (PQisBusy(connection)) {
        struct pollfd fd = {.fd = PQsocket(connection), .events = POLLIN};
        apr_interval_time_t left = deadline - cs_steady_now();
        int ready;

        if (limit && left <= 0) {
            return false;
        }
        ready = poll(&fd, 1, limit ? (int)apr_time_as_msec(left) + 1 : -1);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready != 0 && !PQconsumeInput(connection)) {
            return true; /* PQgetResult tells what happened */
        }
    }
    return true;
}

static bool is_copy(const PGresult *answer)
{
    const ExecStatusType status = PQresultStatus(answer);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

static bool is_success(const PGresult *answer)
{
    const ExecStatusType status = PQresultStatus(answer);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

PGresult *cs_db_next_answer(cs_db_slot_t *slot, apr_interval_time_t limit)
{
    if (!await_answer(slot->connection, limit)) {
        cs_db_log(slot->db, 3, "CS2020", "PostgreSQL gave no answer within %d ms; the connection was closed",
                  (int)apr_time_as_msec(limit));
        slot->doomed = true;
        return NULL;
    }
    return PQgetResult(slot->connection);
}

/* A script has one answer per statement. */
PGresult *cs_db_collect(cs_db_slot_t *slot, apr_interval_time_t limit)
{
    PGresult *kept = NULL;

    for (;;) {
        PGresult *answer = cs_db_next_answer(slot, limit);

        if (!answer) {
            if (slot->doomed) {
                PQclear(kept);
                return NULL;
            }
            return kept;
        }
        if (kept && !is_success(kept)) {
            PQclear(answer);
            continue;
        }
        PQclear(kept);
        kept = answer;
        if (is_copy(answer)) { /* would wait for data that nobody sends */
            slot->doomed = true;
            return kept;
        }
    }
}

PGresult *cs_db_exec(cs_db_slot_t *slot, const char *sql, int nparams, const char *const *values,
                     apr_interval_time_t limit)
{
    if (!PQsendQueryParams(slot->connection, sql, nparams, NULL, values, NULL, NULL, 0)) {
        slot->doomed = true;
        return NULL;
    }
    return cs_db_collect(slot, limit);
}

bool cs_db_send_for_rows(cs_db_slot_t *slot, const char *sql)
{
    if (!PQsendQueryParams(slot->connection, sql, 0, NULL, NULL, NULL, NULL, 0) ||
        !PQsetSingleRowMode(slot->connection)) {
        slot->doomed = true;
        return false;
    }
    return true;
}

PGresult *cs_db_exec_script(cs_db_slot_t *slot, const char *script)
{
    return PQsendQuery(slot->connection, script) ? cs_db_collect(slot, 0) : NULL;
}

apr_interval_time_t cs_db_answer_limit(const cs_db_t *db)
{
    return db->config.statement_timeout ? db->config.statement_timeout + ANSWER_GRACE : 0;
}

/* ---- judging ---- */

typedef struct {
    const char *sqlstate; /* a beginning of it: a class has two characters */
    apr_status_t status;
    bool lost;
    bool serialization;
    bool quiet; /* expected in normal work: no line in the log */
} verdict_t;

/* The first row that fits counts. */
static const verdict_t verdicts[] = {
    {"08", CS_EUNAVAILABLE, true, false, false},     /* connection exceptions */
    {"57P", CS_EUNAVAILABLE, true, false, false},    /* shutdown, crash, cannot connect now */
    {"57014", CS_EUNAVAILABLE, false, false, false}, /* statement_timeout */
    {"55P03", CS_EUNAVAILABLE, false, false, false}, /* lock_timeout */
    {"53", CS_EUNAVAILABLE, false, false, false},    /* no disk, memory or connections left */
    {"40001", CS_ECONFLICT, false, true, true},      /* serialization_failure */
    {"40P01", CS_ECONFLICT, false, true, true},      /* deadlock_detected */
    {"23505", CS_ECONFLICT, false, false, true},     /* unique_violation */
    {"CS409", CS_ECONFLICT, false, false, true},     /* raised by our own functions */
    {"", CS_EDATABASE, false, false, false},
};

/* PostgreSQL's sentences of these classes are about the statement, the schema or the server; those of others may quote
 * what a user wrote. */
static bool message_has_no_values(const char *sqlstate)
{
    static const char *const classes[] = {"08", "3D", "42", "53", "55", "57", "58", "XX"};
    apr_size_t i;

    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strncmp(sqlstate, classes[i], 2) == 0) {
            return true;
        }
    }
    return false;
}

const char *cs_db_error_field(const PGresult *answer, int field, const char *otherwise)
{
    const char *text = answer ? PQresultErrorField(answer, field) : NULL;

    return text ? text : otherwise;
}

static void log_failure(const cs_db_t *db, const cs_db_outcome_t *outcome, const PGresult *answer, const char *sql)
{
    const char *message = cs_db_error_field(answer, PG_DIAG_MESSAGE_PRIMARY, "no message");

    if (outcome->lost) {
        cs_db_log(db, 4, "CS2021", "the connection to PostgreSQL was lost (%s) during: %.100s",
                  *outcome->sqlstate ? message : "no answer", sql);
        return;
    }
    cs_db_log(db, 3, "CS2022", "SQLSTATE %s (%s; table %s, column %s, constraint %s) from: %.200s",
              *outcome->sqlstate ? outcome->sqlstate : "unknown",
              message_has_no_values(outcome->sqlstate) ? message : "its message may hold a value",
              cs_db_error_field(answer, PG_DIAG_TABLE_NAME, "-"), cs_db_error_field(answer, PG_DIAG_COLUMN_NAME, "-"),
              cs_db_error_field(answer, PG_DIAG_CONSTRAINT_NAME, "-"), sql);
}

static const verdict_t *find_verdict(const char *sqlstate)
{
    const verdict_t *verdict = verdicts;

    while (strncmp(sqlstate, verdict->sqlstate, strlen(verdict->sqlstate)) != 0) {
        verdict++;
    }
    return verdict;
}

cs_db_outcome_t cs_db_judge(cs_db_slot_t *slot, const PGresult *answer, const char *sql)
{
    cs_db_outcome_t outcome = {.status = APR_SUCCESS};
    const verdict_t *verdict;
    bool gone;

    if (answer && is_success(answer)) {
        return outcome;
    }
    apr_cpystrn(outcome.sqlstate, cs_db_error_field(answer, PG_DIAG_SQLSTATE, ""), sizeof(outcome.sqlstate));
    verdict = find_verdict(outcome.sqlstate);
    outcome.status = verdict->status;
    outcome.serialization = verdict->serialization;
    gone = verdict->lost || !answer || PQstatus(slot->connection) != CONNECTION_OK;
    /* An error without an SQLSTATE is libpq's, of memory or of octets that make no sense, and not the server's: whether
     * the statement was run is not known, nor what would be read next. */
    outcome.lost = gone || (PQresultStatus(answer) == PGRES_FATAL_ERROR && !*outcome.sqlstate);
    if (outcome.lost) {
        outcome.status = CS_EUNAVAILABLE;
        slot->doomed = true;
    }
    if (gone) {
        cs_db_raise_generation(slot);
    }
    if (outcome.lost || !(verdict->quiet || (slot->attempt && outcome.status == CS_EDATABASE))) {
        log_failure(slot->db, &outcome, answer, sql);
    }
    return outcome;
}

/* ---- parameters ---- */

static apr_status_t check_text(int nparams, const cs_db_param_t *params)
{
    int i;

    for (i = 0; i < nparams; i++) {
        if (params[i].text && !cs_utf8_is_text(params[i].text, params[i].len, NULL)) {
            return CS_ENOTTEXT;
        }
    }
    return APR_SUCCESS;
}

/* libpq wants NUL-terminated text, a parameter is text of a length: one block, freed by the caller, not a pool's, which
 * would grow with every checkpoint of a long answer. */
static const char **terminate(int nparams, const cs_db_param_t *params)
{
    apr_size_t size = (apr_size_t)nparams * sizeof(char *);
    const char **values;
    char *at;
    int i;

    for (i = 0; i < nparams; i++) {
        size += params[i].len + 1;
    }
    values = malloc(size + 1);
    if (!values) {
        return NULL;
    }
    at = (char *)(values + nparams);
    for (i = 0; i < nparams; i++) {
        values[i] = params[i].text ? at : NULL;
        if (params[i].text) {
            memcpy(at, params[i].text, params[i].len);
            at += params[i].len;
            *at++ = '\0';
        }
    }
    return values;
}

apr_status_t cs_db_values(const char ***values, int nparams, const cs_db_param_t *params)
{
    apr_status_t rv;

    *values = NULL;
    last_sqlstate[0] = '\0';
    if (nparams < 0 || nparams > MAX_PARAMS) {
        return APR_EINVAL;
    }
    rv = check_text(nparams, params);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *values = terminate(nparams, params);
    return *values ? APR_SUCCESS : APR_ENOMEM;
}

/* ---- one statement ---- */

static cs_db_outcome_t run_once(PGresult **answer, cs_db_t *db, cs_db_repeat_e repeat, const char *sql, int nparams,
                                const char **values)
{
    cs_db_outcome_t outcome = {.status = APR_SUCCESS};
    cs_db_slot_t *slot;

    *answer = NULL;
    outcome.status = cs_db_lease(&slot, db);
    if (outcome.status != APR_SUCCESS) {
        return outcome;
    }
    *answer = repeat & CS_DB_PREPARED ? cs_db_exec_prepared(slot, sql, nparams, values, cs_db_answer_limit(db))
                                      : cs_db_exec(slot, sql, nparams, values, cs_db_answer_limit(db));
    outcome = cs_db_judge(slot, *answer, sql);
    cs_db_give_back(slot);
    return outcome;
}

bool cs_db_is_worth_repeating(const cs_db_outcome_t *outcome, bool repeat_lost, cs_db_tries_t *tries)
{
    if (outcome->serialization) {
        return tries->serializations++ < MAX_SERIALIZATION_REPEATS;
    }
    return outcome->lost && repeat_lost && tries->losses++ == 0 &&
           cs_steady_now() - tries->began < LOSS_REPEATED_WITHIN;
}

apr_status_t cs_db_run(cs_db_result_t **result, cs_db_t *db, cs_db_repeat_e repeat, const char *sql, int nparams,
                       const cs_db_param_t *params, apr_pool_t *pool)
{
    cs_db_tries_t tries = {.began = cs_steady_now()};
    cs_db_outcome_t outcome;
    const char **values;
    PGresult *answer;
    apr_status_t rv;

    *result = NULL;
    rv = cs_db_values(&values, nparams, params);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (;;) {
        outcome = run_once(&answer, db, repeat, sql, nparams, values);
        if (outcome.status == APR_SUCCESS || !cs_db_is_worth_repeating(&outcome, repeat & CS_DB_REPEATABLE, &tries)) {
            break;
        }
        PQclear(answer);
    }
    free(values);
    cs_db_remember(&outcome);
    if (outcome.status == APR_SUCCESS) {
        *result = cs_db_result_own(answer, pool);
    } else {
        PQclear(answer);
    }
    return outcome.status;
}
