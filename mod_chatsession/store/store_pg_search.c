/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include <apr_strings.h>
#include "store/search.h"

apr_int64_t cs_search_plan_rows(const cs_db_result_t *explained)
{
    const char *text = cs_db_rows(explained) ? cs_db_text(explained, 0, 0, NULL) : NULL;
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *plan = json_object_get(json_array_get(json, 0), "Plan");
    const apr_int64_t rows = (apr_int64_t)json_number_value(json_object_get(plan, "Plan Rows"));

    json_decref(json);
    return rows;
}

apr_status_t cs_search_plan(cs_search_t *how, cs_db_tx_t *tx, const char *query, apr_pool_t *pool)
{
    static const char known[] = "SELECT b.done_at IS NOT NULL AND chatsession.search_query($1::text) IS NOT NULL"
                                " FROM chatsession.search_backlog b";
    static const char rows[] = "EXPLAIN (FORMAT JSON) SELECT FROM chatsession.messages h WHERE " CS_SEARCH_INDEXED(
        "h") " AND chatsession.search_terms(h.content) @@ chatsession.search_query($1::text)";
    const cs_db_param_t params[] = {CS_DB_TEXT(query)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, known, 1, params, pool);

    *how = (cs_search_t){false, 0};
    if (rv != APR_SUCCESS || !cs_db_bool(result, 0, 0)) {
        return rv;
    }
    how->indexed = true;
    rv = cs_db_tx_run(&result, tx, rows, 1, params, pool);
    if (rv == APR_SUCCESS) {
        how->rows = cs_search_plan_rows(result);
    }
    return rv;
}

apr_status_t cs_search_catch_up(apr_int64_t *seen, cs_db_t *db, int batch, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv =
        cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT chatsession.search_catch_up($1::integer)", 1, params, pool);

    *seen = rv == APR_SUCCESS ? cs_db_int(result, 0, 0, 0) : 0;
    return rv;
}
