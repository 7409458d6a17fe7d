/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/view.h"
#include <apr_general.h>

#define VIEW_COLUMNS "v.id, v.name, v.query, v.shared, u.name AS user, v.user_id = $1::uuid AS own"

apr_status_t cs_view_list(json_t **views, cs_db_t *db, const char *user_id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT " VIEW_COLUMNS " FROM chatsession.views v JOIN chatsession.users u"
                              " ON u.id = v.user_id WHERE v.user_id = $1::uuid OR v.shared"
                              " ORDER BY v.user_id <> $1::uuid, v.name, v.id LIMIT 1000";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *views = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

/* A statement that gives the view that it changed, and the entry of that. */
typedef struct {
    const char *sql;
    int count;
    const cs_db_param_t *params;
    const cs_audit_entry_t *entry; /* NULL: it is not recorded */
    apr_status_t none;             /* what it means that there is no view */
    cs_db_result_t *result;
    apr_pool_t *pool; /* of the result */
} change_t;

static apr_status_t change_one(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    change_t *change = baton;
    apr_status_t rv = cs_db_tx_run(&change->result, tx, change->sql, change->count, change->params, change->pool);

    if (rv == APR_SUCCESS && !cs_db_rows(change->result)) {
        return change->none;
    }
    return rv == APR_SUCCESS && change->entry ? cs_audit_add(tx, change->entry, pool) : rv;
}

apr_status_t cs_view_save(json_t **view, cs_db_t *db, const char *user_id, const cs_view_t *wanted,
                          const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH v AS (INSERT INTO chatsession.views AS w (user_id, name, query, shared)"
        "   SELECT $1::uuid, $2::text, $3::text, $4::boolean WHERE (SELECT count(*) FROM chatsession.views o"
        "     WHERE o.user_id = $1::uuid AND o.name <> $2::text) < " APR_STRINGIFY(
            CS_VIEWS_MAX) "   ON CONFLICT ON CONSTRAINT one_view_per_name DO UPDATE SET query = excluded.query,"
                          "     shared = excluded.shared RETURNING *)"
                          " SELECT " VIEW_COLUMNS " FROM v JOIN chatsession.users u ON u.id = v.user_id";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(wanted->name), CS_DB_TEXT(wanted->query),
                                    CS_DB_TEXT(wanted->shared ? "true" : "false")};
    change_t change = {.sql = sql, .count = 4, .params = params, .entry = entry, .none = CS_EREFUSED, .pool = pool};
    apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, change_one, &change, pool);

    *view = rv == APR_SUCCESS ? cs_db_row_json(change.result, 0) : NULL;
    return rv;
}

apr_status_t cs_view_delete(cs_db_t *db, const char *user_id, const char *id, const cs_audit_entry_t *entry,
                            apr_pool_t *pool)
{
    static const char sql[] = "DELETE FROM chatsession.views WHERE user_id = $1::uuid AND id = $2::uuid RETURNING name";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(id)};
    change_t change = {.sql = sql, .count = 2, .params = params, .entry = entry, .none = APR_ENOENT, .pool = pool};

    return cs_db_transaction(db, CS_DB_ONCE, change_one, &change, pool);
}
