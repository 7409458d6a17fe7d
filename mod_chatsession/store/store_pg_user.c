/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/user.h"
#include <string.h>

#define CHECK_VIOLATION "23514"

bool cs_user_is_role(const char *role)
{
    static const char *const roles[] = {"user", "viewer", "auditor", "operator", "admin"};

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(roles[i], role) == 0) {
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

/* The first row: id, name, role, password_phc, disabled, password_revision, second_factor. */
static apr_status_t read_user(cs_user_t *user, const cs_db_result_t *result)
{
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    user->id = cs_db_text(result, 0, 0, NULL);
    user->name = cs_db_text(result, 0, 1, NULL);
    user->role = cs_db_text(result, 0, 2, NULL);
    user->phc = cs_db_text(result, 0, 3, NULL);
    user->disabled = cs_db_bool(result, 0, 4);
    user->password_revision = cs_db_text(result, 0, 5, NULL);
    user->second_factor = cs_db_bool(result, 0, 6);
    return APR_SUCCESS;
}

apr_status_t cs_user_find(cs_user_t *user, cs_db_t *db, const char *name, apr_pool_t *pool)
{
    static const char sql[] = "SELECT id, name, role, password_phc, disabled_at IS NOT NULL, password_revision,"
                              " second_factor_at IS NOT NULL"
                              " FROM chatsession.users"
                              " WHERE canonical_name = chatsession.canonical_name($1)";
    const cs_db_param_t params[] = {CS_DB_TEXT(name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *user = (cs_user_t){0};
    return rv == APR_SUCCESS ? read_user(user, result) : rv;
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

apr_status_t cs_user_rehash(cs_db_t *db, const char *id, const char *phc_before, const char *phc, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.users SET password_phc = $3 WHERE id = $1::uuid AND password_phc = $2";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(phc_before), CS_DB_TEXT(phc)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);

    return rv == APR_SUCCESS && cs_db_affected(result) == 0 ? APR_ENOENT : as_refusal(rv);
}

/*
 * Two who are first to see a user at once: the second one's statement waits for the first one's row, adds nothing, and
 * does not see it either, as it began before; it is run again then.
 */
#define SIGHTS 2

apr_status_t cs_user_see(cs_user_t *user, bool *ended, cs_db_t *db, const char *name, const char *role,
                         apr_pool_t *pool)
{
    /* Only a changed role is written: an update that changes nothing would still wake every host's ear. */
    static const char sql[] =
        "WITH given AS (SELECT WHERE lower($1::text COLLATE \"und-x-icu\") = chatsession.canonical_name($1)"
        /* As the table's checks have it: a name of somebody else's is no defect to be logged. */
        " AND char_length($1) <= 64"
        " AND $1 ~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$'),"
        " made AS (INSERT INTO chatsession.users (name, role) SELECT $1::text, coalesce($2::text, 'user') FROM given"
        " ON CONFLICT ON CONSTRAINT one_account_per_name DO NOTHING"
        " RETURNING id, name, role, password_phc, disabled_at, password_revision),"
        " changed AS (UPDATE chatsession.users SET role = $2 FROM given"
        " WHERE canonical_name = chatsession.canonical_name($1) AND role <> $2 RETURNING id)"
        " SELECT id, name, role, password_phc, disabled_at IS NOT NULL, password_revision, false, false FROM made"
        " UNION ALL SELECT u.id, u.name, coalesce($2, u.role), u.password_phc, u.disabled_at IS NOT NULL,"
        " u.password_revision, u.second_factor_at IS NOT NULL, EXISTS (SELECT FROM changed)"
        " FROM chatsession.users u, given WHERE u.canonical_name = chatsession.canonical_name($1)";
    const cs_db_param_t params[] = {CS_DB_TEXT(name), CS_DB_TEXT(role)};
    cs_db_result_t *result;
    apr_status_t rv = APR_ENOENT;

    *user = (cs_user_t){0};
    *ended = false;
    for (int i = 0; rv == APR_ENOENT && i < SIGHTS; i++) {
        rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
        if (rv == APR_SUCCESS) {
            rv = read_user(user, result);
        }
    }
    if (rv == APR_SUCCESS) {
        *ended = cs_db_bool(result, 0, 7);
    }
    return rv == APR_ENOENT ? CS_EREFUSED : as_refusal(rv);
}
