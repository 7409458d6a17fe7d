/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/api_key.h"
#include <apr_strings.h>

#define KEY_COLUMNS "k.id, k.name, k.prefix, k.created_at, k.last_used_at"

apr_status_t cs_api_key_create(json_t **key, cs_db_t *db, const char *user_id, const char *name, const char *prefix,
                               const char *hash, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " KEY_COLUMNS " FROM chatsession.key_make($1::uuid, $2, $3, decode($4, 'hex'), $5::integer) k";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(name), CS_DB_TEXT(prefix), CS_DB_TEXT(hash),
                                    CS_DB_TEXT(apr_itoa(pool, CS_API_KEYS_MAX))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 5, params, pool);

    *key = NULL;
    if (rv == APR_SUCCESS && !cs_db_rows(result)) {
        return CS_ECONFLICT;
    }
    if (rv == APR_SUCCESS) {
        *key = cs_db_row_json(result, 0);
    }
    return rv;
}

apr_status_t cs_api_key_list(json_t **keys, cs_db_t *db, const char *user_id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT " KEY_COLUMNS " FROM chatsession.api_keys k"
                              " WHERE k.user_id = $1::uuid AND k.revoked_at IS NULL ORDER BY k.created_at, k.id";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *keys = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_api_key_revoke(cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.api_keys k SET revoked_at = coalesce(k.revoked_at, now())"
                              " WHERE k.id = $1::uuid AND k.user_id = $2::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? APR_ENOENT : rv;
}

apr_status_t cs_api_key_use(cs_api_key_user_t *user, cs_db_t *db, const char *hash, apr_pool_t *pool)
{
    static const char sql[] = "SELECT user_id, user_name, role FROM chatsession.key_use(decode($1, 'hex'))";
    const cs_db_param_t params[] = {CS_DB_TEXT(hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *user = (cs_api_key_user_t){0};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    user->user_id = cs_db_text(result, 0, 0, NULL);
    user->name = cs_db_text(result, 0, 1, NULL);
    user->role = cs_db_text(result, 0, 2, NULL);
    return user->user_id ? APR_SUCCESS : APR_ENOENT;
}
