/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Prepared statements: parsed once for each connection, and planned once where PostgreSQL finds that the values make no
 * difference. They belong to the connection, which is thrown away when it dies and never reset, so no statement
 * outlives what it was prepared on.
 *
 * What cannot be used is not insisted on. Behind a pooler that gives each transaction another server connection the
 * name is not found (26000) or somebody else's (42P05), and after a step of the schema the plan no longer fits (0A000).
 * None of the three has carried out anything, so the statement is sent once more without a name.
 */
#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>
#include "store/db_private.h"

static bool is_state(const PGresult *answer, const char *sqlstate)
{
    return strcmp(cs_db_error_field(answer, PG_DIAG_SQLSTATE, ""), sqlstate) == 0;
}

/* Those of the connection, which may have gone since: slot_disconnect clears the pool. */
static apr_hash_t *names_of(cs_db_slot_t *slot)
{
    if (!slot->prepared) {
        slot->prepared = apr_hash_make(slot->connection_pool);
    }
    return slot->prepared;
}

static void give_up(cs_db_t *db)
{
    if (apr_atomic_xchg32(&db->unprepared, 1) == 0) {
        cs_db_log(db, 6, "CS0430",
                  "prepared statements do not last on these connections, as behind a pooler; statements are sent "
                  "whole");
    }
}

/* NULL: it cannot be prepared, which the statement itself will explain. */
static const char *prepare(cs_db_slot_t *slot, const char *sql, apr_interval_time_t limit)
{
    const char *name = apr_psprintf(slot->connection_pool, "cs_%u", ++slot->prepared_count);
    PGresult *answer = PQsendPrepare(slot->connection, name, sql, 0, NULL) ? cs_db_collect(slot, limit) : NULL;
    const bool done = answer && PQresultStatus(answer) == PGRES_COMMAND_OK;

    if (is_state(answer, "42P05")) {
        give_up(slot->db);
    }
    PQclear(answer);
    if (done) {
        /* Known by its address: those who ask for this have their statements in static memory. */
        const char **key = apr_pmemdup(slot->connection_pool, &sql, sizeof(sql));
        apr_hash_set(names_of(slot), key, sizeof(*key), name);
    }
    return done ? name : NULL;
}

PGresult *cs_db_exec_prepared(cs_db_slot_t *slot, const char *sql, int nparams, const char *const *values,
                              apr_interval_time_t limit)
{
    const char *name = NULL;
    PGresult *answer;

    if (apr_atomic_read32(&slot->db->unprepared) == 0) {
        name = apr_hash_get(names_of(slot), &sql, sizeof(sql));
        name = name ? name : prepare(slot, sql, limit);
    }
    if (!name || slot->doomed || !PQsendQueryPrepared(slot->connection, name, nparams, values, NULL, NULL, 0)) {
        return cs_db_exec(slot, sql, nparams, values, limit);
    }
    answer = cs_db_collect(slot, limit);
    if (is_state(answer, "26000") || is_state(answer, "0A000")) {
        if (is_state(answer, "26000")) {
            give_up(slot->db);
        }
        apr_hash_set(names_of(slot), &sql, sizeof(sql), NULL);
        PQclear(answer);
        return cs_db_exec(slot, sql, nparams, values, limit);
    }
    return answer;
}
