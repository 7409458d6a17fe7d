/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session.h"
#include <apr_strings.h>

apr_status_t cs_session_find(cs_session_t *session, cs_db_t *db, const char *id_hash, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT s.ref, u.id, u.name, u.role, u.disabled_at IS NOT NULL, chatsession.usec(s.created_at),"
        " chatsession.usec(s.last_seen_at), chatsession.usec(s.revoked_at), chatsession.usec(now())"
        " FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id"
        " WHERE s.id_hash = decode($1, 'hex')";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *session = (cs_session_t){0};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    session->ref = cs_db_text(result, 0, 0, NULL);
    session->user_id = cs_db_text(result, 0, 1, NULL);
    session->user = cs_db_text(result, 0, 2, NULL);
    session->role = cs_db_text(result, 0, 3, NULL);
    session->user_disabled = cs_db_bool(result, 0, 4);
    session->times = (cs_session_times_t){cs_db_time(result, 0, 5), cs_db_time(result, 0, 6), cs_db_time(result, 0, 7)};
    session->now = cs_db_time(result, 0, 8);
    return APR_SUCCESS;
}

apr_status_t cs_session_create(cs_db_t *db, const cs_session_new_t *session, apr_pool_t *pool)
{
    /* The user's row is changed, not only read: it is locked, and a change of it that is under way is waited for and
     * then seen. */
    /* CS_DB_ONCE: a second run would meet the first one's hash and call it a conflict; the user logs in again instead.
     */
    static const char sql[] =
        "WITH who AS (UPDATE chatsession.users SET last_login_at = now() WHERE id = $2::uuid AND disabled_at IS NULL"
        " AND ($7::integer IS NULL OR password_revision = $7::integer) RETURNING id),"
        " ended AS (UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'replaced'"
        " WHERE id_hash = decode($3, 'hex') AND revoked_at IS NULL AND EXISTS (SELECT FROM who))"
        " INSERT INTO chatsession.sessions (id_hash, user_id, ref, network, user_agent)"
        " SELECT decode($1, 'hex'), id, $4, $5::inet, $6 FROM who";
    const cs_db_param_t params[] = {CS_DB_TEXT(session->id_hash),          CS_DB_TEXT(session->user_id),
                                    CS_DB_TEXT(session->replaces),         CS_DB_TEXT(session->ref),
                                    CS_DB_TEXT(session->network),          CS_DB_TEXT(session->user_agent),
                                    CS_DB_TEXT(session->password_revision)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 7, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? APR_ENOENT : rv;
}

apr_status_t cs_session_touch(cs_db_t *db, const char *id_hash, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.sessions SET last_seen_at = now()"
                              " WHERE id_hash = decode($1, 'hex') AND revoked_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);
}

apr_status_t cs_session_revoke(cs_db_t *db, const char *id_hash, const char *cause, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = $2"
                              " WHERE id_hash = decode($1, 'hex') AND revoked_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash), CS_DB_TEXT(cause)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

apr_status_t cs_session_list_json(json_t **sessions, cs_db_t *db, const char *user_id,
                                  const cs_session_limits_t *limits, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT ref, created_at, last_seen_at, least(created_at + $3::bigint * interval '1 microsecond',"
        " last_seen_at + $2::bigint * interval '1 microsecond') AS expires_at, host(network) AS network, user_agent"
        " FROM chatsession.sessions WHERE user_id = $1::uuid AND revoked_at IS NULL"
        " AND last_seen_at > now() - $2::bigint * interval '1 microsecond'"
        " AND created_at > now() - $3::bigint * interval '1 microsecond'"
        " ORDER BY last_seen_at DESC, ref LIMIT 1000";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->idle_timeout)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->max_lifetime))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    *sessions = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_session_end_own(cs_db_t *db, const char *user_id, const char *ref, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'user'"
                              " WHERE user_id = $1::uuid AND ref = $2 AND revoked_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(ref)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 2, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? APR_ENOENT : rv;
}

apr_status_t cs_session_end_others(int *ended, cs_db_t *db, const char *user_id, const char *id_hash, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'user'"
                              " WHERE user_id = $1::uuid AND id_hash <> decode($2, 'hex') AND revoked_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    *ended = rv == APR_SUCCESS ? (int)cs_db_affected(result) : 0;
    return rv;
}

apr_status_t cs_session_expire(apr_int64_t *deleted, cs_db_t *db, const cs_session_limits_t *limits, int batch,
                               apr_pool_t *pool)
{
    /* A day is added, so that an operator can still see what ended a moment ago and why. */
    static const char sql[] =
        "DELETE FROM chatsession.sessions WHERE id_hash IN (SELECT id_hash FROM chatsession.sessions"
        " WHERE last_seen_at < now() - interval '1 day' - $1::bigint * interval '1 microsecond'"
        " OR created_at < now() - interval '1 day' - $2::bigint * interval '1 microsecond'"
        " OR revoked_at < now() - interval '1 day' LIMIT $3::integer)";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->idle_timeout)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->max_lifetime)),
                                    CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    *deleted = rv == APR_SUCCESS ? cs_db_affected(result) : 0;
    return rv;
}
