/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/throttle.h"
#include <apr_strings.h>

apr_status_t cs_throttle_admit(int *wait, cs_throttle_attempt_t *attempt, cs_db_t *db,
                               const cs_throttle_limits_t *limits, apr_pool_t *pool)
{
    static const char sql[] = "SELECT wait, admitted_at FROM chatsession.login_admit($1, $2::inet, $3, $4::uuid,"
                              " $5::integer, $6::bigint * interval '1 microsecond')";
    const cs_db_param_t params[] = {CS_DB_TEXT(attempt->name),
                                    CS_DB_TEXT(attempt->network),
                                    CS_DB_TEXT(attempt->device),
                                    CS_DB_TEXT(attempt->device_user),
                                    CS_DB_TEXT(apr_itoa(pool, limits->most)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->first_delay))};
    cs_db_result_t *result;
    /* Not repeated: an attempt that was counted and not heard of would count twice. */
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 6, params, pool);

    *wait = rv == APR_SUCCESS ? (int)cs_db_int(result, 0, 0, 0) : 0;
    attempt->admitted_at = rv == APR_SUCCESS ? cs_db_text(result, 0, 1, NULL) : NULL;
    return rv;
}

static apr_status_t settle(const char *sql, const cs_throttle_attempt_t *attempt, cs_db_repeat_e repeat, cs_db_t *db,
                           apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(attempt->name), CS_DB_TEXT(attempt->network),
                                    CS_DB_TEXT(attempt->device), CS_DB_TEXT(attempt->device_user),
                                    CS_DB_TEXT(attempt->admitted_at)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, repeat, sql, 5, params, pool);
}

apr_status_t cs_throttle_succeeded(const cs_throttle_attempt_t *attempt, cs_db_t *db, apr_pool_t *pool)
{
    return settle("SELECT chatsession.login_succeeded($1, $2::inet, $3, $4::uuid, $5::timestamptz)", attempt,
                  CS_DB_REPEATABLE, db, pool);
}

/* Not repeated: twice would take back two failures. */
apr_status_t cs_throttle_withdraw(const cs_throttle_attempt_t *attempt, cs_db_t *db, apr_pool_t *pool)
{
    return settle("SELECT chatsession.login_withdrawn($1, $2::inet, $3, $4::uuid, $5::timestamptz)", attempt,
                  CS_DB_ONCE, db, pool);
}

apr_status_t cs_throttle_expire(apr_int64_t *deleted, cs_db_t *db, int batch, apr_pool_t *pool)
{
    static const char sql[] =
        "DELETE FROM chatsession.login_attempts WHERE subject IN (SELECT subject FROM chatsession.login_attempts"
        " WHERE last_at < now() - interval '1 day' LIMIT $1::integer FOR UPDATE SKIP LOCKED)";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *deleted = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
}
