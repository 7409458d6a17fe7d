/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/audit.h"
#include <apr_strings.h>
#include "core/json.h"

apr_status_t cs_audit_add(cs_db_tx_t *tx, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    static const char sql[] =
        "INSERT INTO chatsession.audit_entries"
        " (operator, role, action, conversation_id, target_user, reason, network, request_id, detail)"
        " VALUES ($1, $2, $3, $4::uuid, $5, $6, $7::inet, $8, coalesce($9::jsonb, '{}'))";
    const char *detail = entry->detail ? cs_json_print(entry->detail, NULL, pool) : NULL;
    const cs_db_param_t params[] =
        {CS_DB_TEXT(entry->operator_name),   CS_DB_TEXT(entry->role),        CS_DB_TEXT(entry->action),
         CS_DB_TEXT(entry->conversation_id), CS_DB_TEXT(entry->target_user), CS_DB_TEXT(entry->reason),
         CS_DB_TEXT(entry->network),         CS_DB_TEXT(entry->request_id),  CS_DB_TEXT(detail)};
    cs_db_result_t *result;

    return cs_db_tx_run(&result, tx, sql, 9, params, pool);
}

static apr_status_t write_entry(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    return cs_audit_add(tx, baton, pool);
}

apr_status_t cs_audit_write(cs_db_t *db, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    return cs_db_transaction(db, CS_DB_ONCE, write_entry, (void *)entry, pool);
}

apr_status_t cs_audit_list(json_t **entries, apr_int64_t *next, cs_db_t *db, apr_int64_t before, int limit,
                           apr_pool_t *pool)
{
    static const char sql[] = "SELECT seq, at, operator, role, action, conversation_id, target_user, reason, detail,"
                              " host(network) AS network, request_id FROM chatsession.audit_entries"
                              " WHERE ($1::bigint = 0 OR seq < $1::bigint) ORDER BY seq DESC LIMIT $2::integer + 1";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, before)),
                                    CS_DB_TEXT(apr_itoa(pool, limit))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    *entries = NULL;
    *next = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *entries = json_array();
    for (int i = 0; i < cs_db_rows(result) && i < limit; i++) {
        json_array_append_new(*entries, cs_db_row_json(result, i));
    }
    if (cs_db_rows(result) > limit) {
        *next = cs_db_int(result, limit - 1, 0, 0);
    }
    return APR_SUCCESS;
}
