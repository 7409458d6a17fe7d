/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_values.h"
#include <string.h>

#define CHECK_VIOLATION "23514"

apr_status_t cs_session_value_get(const char **value, cs_db_t *db, const char *id_hash, const char *name,
                                  apr_pool_t *pool)
{
    static const char sql[] = "SELECT value FROM chatsession.session_values"
                              " WHERE id_hash = chatsession.this_session(decode($1, 'hex')) AND name = $2";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash), CS_DB_TEXT(name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    *value = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    *value = cs_db_text(result, 0, 0, NULL);
    return APR_SUCCESS;
}

apr_status_t cs_session_value_set(cs_db_t *db, const char *id_hash, const char *name, const char *value,
                                  apr_pool_t *pool)
{
    static const char sql[] = "INSERT INTO chatsession.session_values (id_hash, name, value)"
                              " VALUES (decode($1, 'hex'), $2, $3)"
                              " ON CONFLICT ON CONSTRAINT session_values_pkey"
                              " DO UPDATE SET value = excluded.value, updated_at = now()";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash), CS_DB_TEXT(name), CS_DB_TEXT(value)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    if (rv == CS_EDATABASE && !strcmp(cs_db_last_sqlstate(), CHECK_VIOLATION)) {
        return CS_EREFUSED;
    }
    return rv == APR_SUCCESS && cs_db_affected(result) == 0 ? APR_ENOENT : rv;
}

apr_status_t cs_session_value_remove(cs_db_t *db, const char *id_hash, const char *name, apr_pool_t *pool)
{
    static const char sql[] = "DELETE FROM chatsession.session_values WHERE id_hash = "
                              "chatsession.this_session(decode($1, 'hex')) AND name = $2";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash), CS_DB_TEXT(name)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

apr_status_t cs_session_values_json(json_t **values, cs_db_t *db, const char *id_hash, const char *except,
                                    apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT name, value FROM chatsession.session_values"
        " WHERE id_hash = chatsession.this_session(decode($1, 'hex')) AND name IS DISTINCT FROM $2 ORDER BY name";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash), CS_DB_TEXT(except)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    *values = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *values = json_object();
    for (int i = 0; i < cs_db_rows(result); i++) {
        if (json_object_set_new(*values, cs_db_text(result, i, 0, NULL), json_string(cs_db_text(result, i, 1, NULL)))) {
            json_decref(*values);
            *values = NULL;
            return APR_ENOMEM;
        }
    }
    return *values ? APR_SUCCESS : APR_ENOMEM;
}
