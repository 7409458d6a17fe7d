/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/label.h"
#include <apr_general.h>

apr_status_t cs_label_list(json_t **labels, cs_db_t *db, const char *user_id, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT l AS label, count(*) AS conversations FROM chatsession.conversations c, unnest(c.labels) l"
        " WHERE c.user_id = $1::uuid AND c.labels <> '{}' AND c.trashed_at IS NULL AND c.temporary_until IS NULL"
        " GROUP BY l ORDER BY lower(l), l LIMIT " APR_STRINGIFY(CS_LABEL_LIST_MAX);
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *labels = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_label_change(apr_int64_t *changed, cs_db_t *db, const char *user_id, const char *label, const char *to,
                             apr_pool_t *pool)
{
    /* Locked in one order, so that two changes at once wait for each other; coming back they find what is left. */
    static const char sql[] =
        "WITH had AS (SELECT c.id FROM chatsession.conversations c"
        "   WHERE c.user_id = $1::uuid AND c.labels <> '{}' AND c.labels @> ARRAY[$2] ORDER BY c.id FOR NO KEY UPDATE)"
        " UPDATE chatsession.conversations c"
        " SET labels = chatsession.labels_of(to_jsonb(CASE WHEN $3::text IS NULL THEN array_remove(c.labels, $2)"
        "   ELSE array_replace(c.labels, $2, $3) END))"
        " FROM had WHERE c.id = had.id AND c.user_id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(label), CS_DB_TEXT(to)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);

    *changed = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv == APR_SUCCESS && !*changed ? APR_ENOENT : rv;
}
