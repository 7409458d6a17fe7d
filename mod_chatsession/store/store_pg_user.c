/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/user.h"
#include <string.h>

const char *const cs_user_roles[] = {"user", "viewer", "auditor", "operator", "admin", NULL};

#define CHECK_VIOLATION "23514"

/* Changes the user $1. The row counts the sessions that a trigger ends with it where the condition holds; one that a
 * login begins at this moment ends uncounted. */
#define CHANGE_AND_END(assignment, condition)                                                                          \
    "WITH changed AS (UPDATE chatsession.users SET " assignment " WHERE id = $1::uuid RETURNING id)"                   \
    " SELECT (SELECT count(*) FROM chatsession.sessions WHERE user_id = $1::uuid AND revoked_at IS NULL "              \
    "AND " condition ") FROM changed"

bool cs_user_is_role(const char *role)
{
    int i;

    for (i = 0; cs_user_roles[i]; i++) {
        if (strcmp(cs_user_roles[i], role) == 0) {
            return true;
        }
    }
    return false;
}

/* The checks of the table are rules for people, not defects. */
static apr_status_t as_refusal(apr_status_t rv)
{
    return rv == CS_EDATABASE && strcmp(cs_db_last_sqlstate(), CHECK_VIOLATION) == 0 ? CS_EREFUSED : rv;
}

apr_status_t cs_user_find(cs_user_t *user, cs_db_t *db, const char *name, apr_pool_t *pool)
{
    static const char sql[] = "SELECT id, name, role, password_phc, disabled_at IS NOT NULL, password_revision"
                              " FROM chatsession.users"
                              " WHERE canonical_name = chatsession.canonical_name($1)";
    const cs_db_param_t params[] = {CS_DB_TEXT(name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *user = (cs_user_t){0};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    user->id = cs_db_text(result, 0, 0, NULL);
    user->name = cs_db_text(result, 0, 1, NULL);
    user->role = cs_db_text(result, 0, 2, NULL);
    user->phc = cs_db_text(result, 0, 3, NULL);
    user->disabled = cs_db_bool(result, 0, 4);
    user->password_revision = cs_db_text(result, 0, 5, NULL);
    return APR_SUCCESS;
}

apr_status_t cs_user_create(const char **id, cs_db_t *db, const char *name, const char *role, const char *phc,
                            apr_pool_t *pool)
{
    static const char sql[] =
        "INSERT INTO chatsession.users (name, role, password_phc) VALUES ($1, $2, $3) RETURNING id";
    const cs_db_param_t params[] = {CS_DB_TEXT(name), CS_DB_TEXT(role), CS_DB_TEXT(phc)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);

    *id = rv == APR_SUCCESS ? cs_db_text(result, 0, 0, NULL) : NULL;
    return as_refusal(rv);
}

/* sql is a CHANGE_AND_END with the user as $1 and value as $2. Twice is as good as once. */
static apr_status_t change(int *ended, cs_db_t *db, const char *sql, const cs_db_param_t params[2], apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
    const bool found = rv == APR_SUCCESS && cs_db_rows(result) == 1;

    if (ended) {
        *ended = found ? (int)cs_db_int(result, 0, 0, 0) : 0;
    }
    return rv == APR_SUCCESS && !found ? APR_ENOENT : as_refusal(rv);
}

apr_status_t cs_user_set_password(int *ended, cs_db_t *db, const char *id, const char *phc, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(phc)};

    return change(ended, db, CHANGE_AND_END("password_phc = $2, password_revision = password_revision + 1", "true"),
                  params, pool);
}

apr_status_t cs_user_change_password(const char **revision, cs_db_t *db, const char *id, const char *revision_before,
                                     const char *phc, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.users SET password_phc = $3, password_revision = password_revision + 1"
        " WHERE id = $1::uuid AND password_revision = $2::integer AND disabled_at IS NULL"
        " RETURNING password_revision";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(revision_before), CS_DB_TEXT(phc)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);
    const bool changed = rv == APR_SUCCESS && cs_db_rows(result) == 1;

    *revision = changed ? cs_db_text(result, 0, 0, NULL) : NULL;
    return rv == APR_SUCCESS && !changed ? CS_ECONFLICT : as_refusal(rv);
}

apr_status_t cs_user_set_role(int *ended, cs_db_t *db, const char *id, const char *role, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(role)};

    return change(ended, db,
                  CHANGE_AND_END("role = $2",
                                 "EXISTS (SELECT FROM chatsession.users WHERE id = $1::uuid AND role <> $2)"),
                  params, pool);
}

apr_status_t cs_user_set_disabled(int *ended, cs_db_t *db, const char *id, bool disabled, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(disabled ? "true" : "false")};

    return change(ended, db,
                  CHANGE_AND_END("disabled_at = CASE WHEN $2::boolean THEN coalesce(disabled_at, now()) END",
                                 "$2::boolean"),
                  params, pool);
}

apr_status_t cs_user_rehash(cs_db_t *db, const char *id, const char *phc_before, const char *phc, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.users SET password_phc = $3 WHERE id = $1::uuid AND password_phc = $2";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(phc_before), CS_DB_TEXT(phc)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);

    return rv == APR_SUCCESS && cs_db_affected(result) == 0 ? APR_ENOENT : as_refusal(rv);
}

apr_status_t cs_user_list_json(json_t **users, cs_db_t *db, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT u.name, u.role, u.created_at, u.disabled_at IS NOT NULL AS disabled,"
        " (SELECT count(*) FROM chatsession.conversations c WHERE c.user_id = u.id) AS conversations, u.last_login_at"
        " FROM chatsession.users u ORDER BY u.canonical_name";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 0, NULL, pool);

    *users = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}
