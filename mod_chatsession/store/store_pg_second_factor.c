/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/second_factor.h"
#include <apr_strings.h>

apr_status_t cs_second_factor_find(cs_second_factor_t *factor, cs_db_t *db, const char *user_id, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT f.secret, f.confirmed_at IS NOT NULL, f.last_step, (SELECT count(*) FROM chatsession.recovery_codes c"
        " WHERE c.user_id = f.user_id AND c.used_at IS NULL) FROM chatsession.second_factors f"
        " WHERE f.user_id = $1::uuid AND (f.confirmed_at IS NOT NULL"
        " OR f.begun_at > now() - interval '" CS_SECOND_FACTOR_BEGUN_MINUTES " min')";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *factor = (cs_second_factor_t){.last_step = -1};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    factor->secret = cs_db_text(result, 0, 0, NULL);
    factor->active = cs_db_bool(result, 0, 1);
    factor->last_step = cs_db_int(result, 0, 2, -1);
    factor->codes_left = (int)cs_db_int(result, 0, 3, 0);
    return APR_SUCCESS;
}

apr_status_t cs_second_factor_begin(cs_db_t *db, const char *user_id, const char *secret, apr_pool_t *pool)
{
    static const char sql[] =
        "INSERT INTO chatsession.second_factors AS f (user_id, secret) VALUES ($1::uuid, $2)"
        " ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, begun_at = now() WHERE f.confirmed_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(secret)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? CS_ECONFLICT : rv;
}

/* One statement and its entry, both or neither. */
typedef struct {
    const char *sql;
    int nparams;
    const cs_db_param_t *params;
    const cs_audit_entry_t *entry;
    const char *value; /* the first column of the only row */
} deed_t;

static apr_status_t run_deed(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    deed_t *deed = baton;
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, deed->sql, deed->nparams, deed->params, pool);

    deed->value = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    deed->value = cs_db_text(result, 0, 0, NULL);
    return cs_audit_add(tx, deed->entry, pool);
}

apr_status_t cs_second_factor_confirm(const char **revision, cs_db_t *db, const cs_second_factor_new_t *confirmed,
                                      const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH f AS (UPDATE chatsession.second_factors SET confirmed_at = now(), last_step = $3::bigint"
        "   WHERE user_id = $1::uuid AND secret = $2 AND confirmed_at IS NULL"
        "   AND begun_at > now() - interval '" CS_SECOND_FACTOR_BEGUN_MINUTES " min' RETURNING user_id),"
        " c AS (INSERT INTO chatsession.recovery_codes (user_id, code_hash)"
        "   SELECT f.user_id, decode(v, 'hex') FROM f, json_array_elements_text($4::json) v)"
        " UPDATE chatsession.users u SET second_factor_at = now(), password_revision = password_revision + 1"
        " FROM f WHERE u.id = f.user_id RETURNING u.password_revision";
    const cs_db_param_t params[] = {CS_DB_TEXT(confirmed->user_id), CS_DB_TEXT(confirmed->secret),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, confirmed->step)),
                                    CS_DB_TEXT(confirmed->code_hashes)};
    deed_t deed = {sql, 4, params, entry, NULL};
    apr_status_t rv = cs_db_transaction(db, CS_DB_ONCE, run_deed, &deed, pool);

    *revision = rv == APR_SUCCESS ? deed.value : NULL;
    return rv;
}

apr_status_t cs_second_factor_use(cs_db_t *db, const char *user_id, apr_int64_t step, const char *resealed,
                                  apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.second_factors SET last_step = $2::bigint,"
                              " secret = coalesce($3::text, secret)"
                              " WHERE user_id = $1::uuid AND confirmed_at IS NOT NULL AND last_step < $2::bigint";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, step)),
                                    CS_DB_TEXT(resealed)};
    cs_db_result_t *result;
    /* Not repeated: the second run would find the code used by the first. */
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 3, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? APR_ENOENT : rv;
}

apr_status_t cs_second_factor_recover(cs_db_t *db, const char *user_id, const char *code_hash,
                                      const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.recovery_codes SET used_at = now()"
                              " WHERE user_id = $1::uuid AND code_hash = decode($2, 'hex') AND used_at IS NULL"
                              " RETURNING user_id";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(code_hash)};
    deed_t deed = {sql, 2, params, entry, NULL};

    return cs_db_transaction(db, CS_DB_ONCE, run_deed, &deed, pool);
}

apr_status_t cs_second_factor_renew(cs_db_t *db, const char *user_id, const char *code_hashes,
                                    const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH f AS (SELECT user_id FROM chatsession.second_factors"
        "   WHERE user_id = $1::uuid AND confirmed_at IS NOT NULL FOR UPDATE),"
        " gone AS (DELETE FROM chatsession.recovery_codes c USING f WHERE c.user_id = f.user_id)"
        " INSERT INTO chatsession.recovery_codes (user_id, code_hash)"
        " SELECT f.user_id, decode(v, 'hex') FROM f, json_array_elements_text($2::json) v RETURNING user_id";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(code_hashes)};
    deed_t deed = {sql, 2, params, entry, NULL};

    return cs_db_transaction(db, CS_DB_ONCE, run_deed, &deed, pool);
}

/* --- taking it away --- */

/* A row when there was one; the revision when logins needed it. */
#define REMOVE                                                                                                         \
    "WITH f AS (DELETE FROM chatsession.second_factors WHERE user_id = $1::uuid RETURNING user_id, confirmed_at),"     \
    " u AS (UPDATE chatsession.users SET second_factor_at = NULL, password_revision = password_revision + 1"           \
    "   FROM f WHERE users.id = f.user_id AND f.confirmed_at IS NOT NULL RETURNING password_revision)"                 \
    " SELECT (SELECT password_revision FROM u) FROM f"

apr_status_t cs_second_factor_remove_in(const char **revision, cs_db_tx_t *tx, const char *user_id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, REMOVE, 1, params, pool);

    *revision = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    *revision = cs_db_text(result, 0, 0, NULL);
    return APR_SUCCESS;
}

typedef struct {
    const char *user_id, *revision;
    const cs_audit_entry_t *entry;
} removal_t;

static apr_status_t run_removal(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    removal_t *removal = baton;
    apr_status_t rv = cs_second_factor_remove_in(&removal->revision, tx, removal->user_id, pool);

    return rv == APR_SUCCESS && removal->entry ? cs_audit_add(tx, removal->entry, pool) : rv;
}

apr_status_t cs_second_factor_remove(const char **revision, cs_db_t *db, const char *user_id,
                                     const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    removal_t removal = {user_id, NULL, entry};
    apr_status_t rv = cs_db_transaction(db, CS_DB_ONCE, run_removal, &removal, pool);

    *revision = rv == APR_SUCCESS ? removal.revision : NULL;
    return rv;
}
