/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Transactions, walks through long results, scripts.
 *
 * A transaction remembers its first failure and sends nothing after it, so it cannot be committed whatever its function
 * returns; and it counts as committed only when COMMIT answered COMMIT.
 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include "store/db_private.h"

struct cs_db_tx {
    cs_db_t *db;
    cs_db_slot_t *slot;
    cs_db_outcome_t failure; /* the first one; nothing is sent after it */
    int cursors;
};

/* Send one statement of ours or of the caller in tx, whose first failure is its last statement. */
static PGresult *tx_exec(cs_db_tx_t *tx, const char *sql, int nparams, const char **values)
{
    cs_db_outcome_t outcome;
    PGresult *answer;

    if (tx->failure.status != APR_SUCCESS) {
        cs_db_remember(&tx->failure);
        return NULL;
    }
    answer = cs_db_exec(tx->slot, sql, nparams, (const char *const *)values, cs_db_answer_limit(tx->db));
    outcome = cs_db_judge(tx->slot, answer, sql);
    cs_db_remember(&outcome);
    if (outcome.status == APR_SUCCESS) {
        return answer;
    }
    tx->failure = outcome;
    PQclear(answer);
    return NULL;
}

static void tx_command(cs_db_tx_t *tx, const char *sql)
{
    PQclear(tx_exec(tx, sql, 0, NULL));
}

apr_status_t cs_db_tx_run(cs_db_result_t **result, cs_db_tx_t *tx, const char *sql, int nparams,
                          const cs_db_param_t *params, apr_pool_t *pool)
{
    const char **values;
    PGresult *answer;
    apr_status_t rv;

    *result = NULL;
    rv = cs_db_values(&values, nparams, params);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    answer = tx_exec(tx, sql, nparams, values);
    free(values);
    if (answer) {
        *result = cs_db_result_own(answer, pool);
    }
    return tx->failure.status;
}

/* COMMIT is answered as a success also where there is nothing to commit (fn ended the transaction itself) and, with the
 * word ROLLBACK, after a failure. Only the word COMMIT inside a sound transaction means that it is stored. */
static void commit(cs_db_tx_t *tx)
{
    const bool sound = PQtransactionStatus(tx->slot->connection) == PQTRANS_INTRANS;
    PGresult *answer = tx_exec(tx, "COMMIT", 0, NULL);

    if (answer && (!sound || strcmp(PQcmdStatus(answer), "COMMIT") != 0)) {
        tx->failure.status = CS_EDATABASE;
        cs_db_log(tx->db, 3, "CS2023", "COMMIT answered %s %s a transaction: its statements are not known to be stored",
                  PQcmdStatus(answer), sound ? "in" : "outside");
    }
    PQclear(answer);
}

static void roll_back(cs_db_tx_t *tx)
{
    if (!tx->slot->doomed) {
        PQclear(cs_db_exec(tx->slot, "ROLLBACK", 0, NULL, cs_db_answer_limit(tx->db)));
    }
}

typedef struct {
    apr_status_t status;
    cs_db_outcome_t failure; /* of the database, if it was one */
    bool undone;             /* it is certain that nothing was committed */
    bool fn_called;
} attempt_t;

static attempt_t attempt_transaction(cs_db_t *db, const char *begin, cs_db_tx_fn *fn, void *baton, apr_pool_t *pool)
{
    attempt_t attempt = {.undone = true};
    cs_db_tx_t tx = {.db = db};

    attempt.status = cs_db_lease(&tx.slot, db);
    if (attempt.status != APR_SUCCESS) {
        return attempt;
    }
    tx_command(&tx, begin);
    if (tx.failure.status == APR_SUCCESS) {
        attempt.fn_called = true;
        attempt.status = fn(baton, &tx, pool);
    }
    if (attempt.status == APR_SUCCESS && tx.failure.status == APR_SUCCESS) {
        commit(&tx);
        attempt.undone = !tx.failure.lost;
    } else if (attempt.fn_called) {
        roll_back(&tx);
    }
    cs_db_give_back(tx.slot);
    if (attempt.status == APR_SUCCESS) {
        attempt.status = tx.failure.status;
    }
    attempt.failure = tx.failure;
    return attempt;
}

static apr_status_t transact(cs_db_t *db, const char *begin, cs_db_repeat_e repeat, cs_db_tx_fn *fn, void *baton,
                             apr_pool_t *pool)
{
    cs_db_tries_t tries = {.began = cs_steady_now()};

    cs_db_remember(&(cs_db_outcome_t){.status = APR_SUCCESS});
    for (;;) {
        attempt_t attempt = attempt_transaction(db, begin, fn, baton, pool);
        const bool may_repeat = attempt.undone && ((repeat & CS_DB_REPEATABLE) || !attempt.fn_called);

        if (attempt.status == APR_SUCCESS || !may_repeat || !cs_db_is_worth_repeating(&attempt.failure, true, &tries)) {
            cs_db_remember(&attempt.failure);
            return attempt.status;
        }
    }
}

apr_status_t cs_db_transaction(cs_db_t *db, cs_db_repeat_e repeat, cs_db_tx_fn *fn, void *baton, apr_pool_t *pool)
{
    return transact(db, "BEGIN", repeat, fn, baton, pool);
}

apr_status_t cs_db_snapshot(cs_db_t *db, cs_db_tx_fn *fn, void *baton, apr_pool_t *pool)
{
    return transact(db, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", CS_DB_ONCE, fn, baton, pool);
}

/* A failure that the data brought about, so that other data may do better in the same transaction. */
static bool is_of_the_data(const cs_db_tx_t *tx)
{
    return !tx->slot->doomed && !tx->failure.lost && !tx->failure.serialization &&
           tx->failure.status != CS_EUNAVAILABLE;
}

apr_status_t cs_db_tx_attempt(cs_db_tx_t *tx, cs_db_tx_fn *fn, void *baton, apr_pool_t *pool)
{
    apr_status_t rv;

    tx_command(tx, "SAVEPOINT cs_attempt");
    if (tx->failure.status != APR_SUCCESS) {
        return tx->failure.status;
    }
    tx->slot->attempt = true;
    rv = fn(baton, tx, pool);
    tx->slot->attempt = false;
    if (rv == APR_SUCCESS) {
        rv = tx->failure.status;
    }
    if (rv != APR_SUCCESS && is_of_the_data(tx)) {
        const cs_db_outcome_t failure = tx->failure;

        tx->failure = (cs_db_outcome_t){.status = APR_SUCCESS};
        tx_command(tx, "ROLLBACK TO SAVEPOINT cs_attempt");
        tx_command(tx, "RELEASE SAVEPOINT cs_attempt");
        cs_db_remember(tx->failure.status == APR_SUCCESS ? &failure : &tx->failure);
        return tx->failure.status == APR_SUCCESS ? rv : tx->failure.status;
    }
    tx_command(tx, "RELEASE SAVEPOINT cs_attempt");
    return rv == APR_SUCCESS ? tx->failure.status : rv;
}

/* ---- long results ---- */

typedef struct {
    cs_db_row_cb *row;
    apr_status_t (*flush)(void *baton);
    void *baton;
} walk_t;

static apr_status_t deliver(const walk_t *walk, const PGresult *answer)
{
    const bool null = PQgetisnull(answer, 0, 0) != 0;

    return walk->row(walk->baton, null ? NULL : PQgetvalue(answer, 0, 0), (apr_size_t)PQgetlength(answer, 0, 0));
}

/* One FETCH; its rows are handed on as they come, so that the server makes the next ones meanwhile and no more than
 * one of them is held here, however long. After a failure of the callback the rest is read and dropped. */
static apr_status_t fetch_batch(int *rows, cs_db_tx_t *tx, const char *fetch, const walk_t *walk)
{
    const apr_interval_time_t limit = cs_db_answer_limit(tx->db);
    apr_status_t rv = tx->failure.status;
    PGresult *answer;
    bool ended = false;

    *rows = 0;
    if (rv != APR_SUCCESS || !cs_db_send_for_rows(tx->slot, fetch)) {
        return rv != APR_SUCCESS ? rv : (tx->failure = cs_db_judge(tx->slot, NULL, fetch)).status;
    }
    while ((answer = cs_db_next_answer(tx->slot, limit))) {
        if (PQresultStatus(answer) == PGRES_SINGLE_TUPLE) {
            ++*rows;
            rv = rv == APR_SUCCESS ? deliver(walk, answer) : rv;
        } else if (tx->failure.status == APR_SUCCESS) {
            tx->failure = cs_db_judge(tx->slot, answer, fetch);
            ended = true;
        }
        PQclear(answer);
    }
    if (!ended) {
        tx->failure = cs_db_judge(tx->slot, NULL, fetch);
    }
    cs_db_remember(&tx->failure);
    return rv == APR_SUCCESS ? tx->failure.status : rv;
}

static apr_status_t fetch_all(cs_db_tx_t *tx, const char *fetch, const walk_t *walk)
{
    for (;;) {
        int rows;
        apr_status_t rv = fetch_batch(&rows, tx, fetch, walk);

        if (rv == APR_SUCCESS && walk->flush && rows > 0) {
            rv = walk->flush(walk->baton);
        }
        if (rv != APR_SUCCESS || rows == 0) {
            return rv;
        }
    }
}

/*
 * The callbacks wait for a reader who may be slow: while they do, the transaction is idle, or the server waits to be
 * read from. Neither must end the walk, so the server's own limit for a statement is off and the one here counts, for
 * each wait. A server that goes on working for nobody sees by itself that we left (where it can: PostgreSQL 14).
 * To compile a statement that reads row by row by two indexes takes longer than it saves: 2.5 s instead of 0.9 s for an
 * export of 100,000 messages.
 */
static void prepare_to_walk(cs_db_tx_t *tx)
{
    tx_command(tx, "SELECT set_config(s.name, v.value, true) FROM (VALUES"
                   " ('idle_in_transaction_session_timeout', '5min'), ('statement_timeout', '0'),"
                   " ('client_connection_check_interval', '1s'), ('cursor_tuple_fraction', '1'), ('jit', 'off')) v "
                   "(name, value)"
                   " JOIN pg_settings s ON s.name = v.name");
}

apr_status_t cs_db_tx_walk(cs_db_tx_t *tx, const char *sql, int nparams, const cs_db_param_t *params, int batch,
                           cs_db_row_cb *row, apr_status_t (*flush)(void *baton), void *baton, apr_pool_t *pool)
{
    const walk_t walk = {row, flush, baton};
    const int number = tx->cursors++;
    const char **values;
    apr_status_t rv = cs_db_values(&values, nparams, params);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    prepare_to_walk(tx);
    PQclear(
        tx_exec(tx, apr_psprintf(pool, "DECLARE cs_walk_%d NO SCROLL CURSOR FOR %s", number, sql), nparams, values));
    free(values);
    rv = fetch_all(tx, apr_psprintf(pool, "FETCH %d FROM cs_walk_%d", batch < 1 ? 1 : batch, number), &walk);
    if (tx->failure.status == APR_SUCCESS) {
        tx_command(tx, apr_psprintf(pool, "CLOSE cs_walk_%d", number));
    }
    return rv;
}

/* ---- scripts ---- */

static const char *describe(const PGresult *answer, const char *script, apr_pool_t *pool)
{
    const apr_int64_t position = apr_atoi64(cs_db_error_field(answer, PG_DIAG_STATEMENT_POSITION, "0"));
    int line = 1;
    apr_int64_t i;

    for (i = 0; i + 1 < position && script[i]; i++) {
        line += script[i] == '\n';
    }
    return apr_psprintf(pool, "%s (SQLSTATE %s%s)", cs_db_error_field(answer, PG_DIAG_MESSAGE_PRIMARY, "no answer"),
                        cs_db_error_field(answer, PG_DIAG_SQLSTATE, "unknown"),
                        position > 0 ? apr_psprintf(pool, ", line %d", line) : "");
}

apr_status_t cs_db_tx_script(cs_db_tx_t *tx, const char *script, const char **problem, apr_pool_t *pool)
{
    PGresult *answer;

    *problem = NULL;
    if (tx->failure.status != APR_SUCCESS) {
        *problem = "a statement before it failed";
        return tx->failure.status;
    }
    answer = cs_db_exec_script(tx->slot, script);
    tx->failure = cs_db_judge(tx->slot, answer, script);
    cs_db_remember(&tx->failure);
    if (tx->failure.status != APR_SUCCESS) {
        *problem = describe(answer, script, pool);
    } else if (PQtransactionStatus(tx->slot->connection) != PQTRANS_INTRANS) {
        tx->failure.status = CS_EREFUSED;
        *problem = "it ends the transaction that it runs in; leave COMMIT and ROLLBACK out";
    }
    PQclear(answer);
    return tx->failure.status;
}
