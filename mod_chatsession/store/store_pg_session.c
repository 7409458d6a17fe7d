/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session.h"
#include <apr_strings.h>
#include <string.h>

/* What is asked of a session s: its user, where there is one, and its successor, where there is one. */
#define COLUMNS(last_seen)                                                                                             \
    "s.ref, u.id, u.name, u.role, u.disabled_at IS NOT NULL, chatsession.usec(s.created_at),"                          \
    " chatsession.usec(" last_seen "), chatsession.usec(s.revoked_at), chatsession.usec(now()),"                       \
    " chatsession.usec(s.console_seen_at), n.id_hash IS NOT NULL AND n.revoked_at IS NULL, s.legacy_id,"               \
    " s.revoke_cause, u.second_factor_at IS NOT NULL"
#define JOINS                                                                                                          \
    " LEFT JOIN chatsession.users u ON u.id = s.user_id"                                                               \
    " LEFT JOIN chatsession.sessions n ON n.id_hash = s.replaced_by"

static cs_session_t read_session(const cs_db_result_t *result, int row, apr_pool_t *pool)
{
    return (cs_session_t){.ref = cs_db_text_copy(result, row, 0, pool),
                          .user_id = cs_db_text_copy(result, row, 1, pool),
                          .user = cs_db_text_copy(result, row, 2, pool),
                          .role = cs_db_text_copy(result, row, 3, pool),
                          .user_disabled = cs_db_bool(result, row, 4),
                          .times = {.created = cs_db_time(result, row, 5),
                                    .last_seen = cs_db_time(result, row, 6),
                                    .revoked = cs_db_time(result, row, 7),
                                    .console_seen = cs_db_time(result, row, 9),
                                    .rotated = cs_db_bool(result, row, 10)},
                          .now = cs_db_time(result, row, 8),
                          .legacy_id = cs_db_text_copy(result, row, 11, pool),
                          .revoke_cause = cs_db_text_copy(result, row, 12, pool),
                          .second_factor = cs_db_bool(result, row, 13)};
}

apr_status_t cs_session_find(cs_session_t *session, cs_db_t *db, const char *id_hash, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " COLUMNS("s.last_seen_at") " FROM chatsession.sessions s" JOINS " WHERE s.id_hash = decode($1, 'hex')";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 1, params, pool);

    *session = (cs_session_t){0};
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    *session = read_session(result, 0, pool);
    cs_db_result_free(result); /* a request may be an answer of minutes */
    return APR_SUCCESS;
}

bool cs_session_is_worth_remembering(const cs_session_t *session)
{
    return session->ref && !session->user_disabled && !session->times.revoked;
}

/* The notes as two arrays of PostgreSQL. */
static void print_notes(cs_db_param_t params[2], const cs_session_note_t *notes, int count, apr_pool_t *pool)
{
    const apr_size_t size = (apr_size_t)count * (CS_SESSION_HASH_CHARS + 1) + 3;
    char *hashes = apr_palloc(pool, size);
    char *times = apr_palloc(pool, size);
    char *hash_at = hashes;
    char *time_at = times;

    for (int i = 0; i < count; i++) {
        hash_at += apr_snprintf(hash_at, CS_SESSION_HASH_CHARS + 2, "%c%s", i ? ',' : '{', notes[i].id_hash);
        time_at += apr_snprintf(time_at, CS_SESSION_HASH_CHARS, "%c%" APR_TIME_T_FMT, i ? ',' : '{', notes[i].used);
    }
    apr_cpystrn(hash_at, "}", 2);
    apr_cpystrn(time_at, "}", 2);
    params[0] = CS_DB_TEXT(hashes);
    params[1] = CS_DB_TEXT(times);
}

/*
 * A row that somebody else has locked is being touched or ended at this moment, so it is passed over: two children that
 * write many rows in different order cannot hold each other up.
 */
apr_status_t cs_session_review(cs_session_t *sessions, cs_db_t *db, const cs_session_note_t *notes, int count,
                               apr_pool_t *pool)
{
    static const char sql[] =
        "WITH noted AS MATERIALIZED ("
        "   SELECT number, decode(hash, 'hex') AS id_hash, to_timestamp(0) + used * interval '1 microsecond' AS at"
        "   FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS t (hash, used, number)),"
        " used AS (SELECT s.id_hash, t.at FROM noted t JOIN chatsession.sessions s ON s.id_hash = t.id_hash"
        "   WHERE s.revoked_at IS NULL AND s.last_seen_at < t.at FOR UPDATE OF s SKIP LOCKED),"
        " touched AS (UPDATE chatsession.sessions s SET last_seen_at = used.at FROM used"
        "   WHERE s.id_hash = used.id_hash)"
        " SELECT " COLUMNS(
            "greatest(s.last_seen_at, t.at)") " FROM noted t"
                                              " LEFT JOIN chatsession.sessions s ON s.id_hash = t.id_hash" JOINS
                                              " ORDER BY t.number";
    cs_db_param_t params[2];
    cs_db_result_t *result;
    apr_status_t rv;

    print_notes(params, notes, count, pool);
    rv = cs_db_run(&result, db, CS_DB_OFTEN, sql, 2, params, pool);
    for (int i = 0; rv == APR_SUCCESS && i < count; i++) {
        sessions[i] = read_session(result, i, pool);
    }
    return rv;
}

/* Microseconds as text; NULL for 0. */
static const char *print_usec(apr_int64_t usec, apr_pool_t *pool)
{
    return usec ? apr_psprintf(pool, "%" APR_INT64_T_FMT, usec) : NULL;
}

static apr_status_t read_outcome(const char *outcome)
{
    if (!strcmp(outcome, "begun")) {
        return APR_SUCCESS;
    }
    return !strcmp(outcome, "taken") ? CS_EREFUSED : APR_ENOENT;
}

apr_status_t cs_session_create(int *evicted, cs_db_t *db, const cs_session_new_t *session, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT b.outcome, b.evicted, CASE WHEN b.outcome = 'begun' AND $12::boolean"
        " THEN chatsession.guest_adopt(decode($5, 'hex'), $3::uuid) END FROM chatsession.session_begin(decode($1, "
        "'hex'), $2, $3::uuid, $4::integer,"
        " decode($5, 'hex'), $6::inet, $7, $8::integer, $9::bigint * interval '1 microsecond', $10,"
        " to_timestamp(0) + $11::bigint * interval '1 microsecond') b";
    const cs_db_param_t params[] = {CS_DB_TEXT(session->id_hash),
                                    CS_DB_TEXT(session->ref),
                                    CS_DB_TEXT(session->user_id),
                                    CS_DB_TEXT(session->password_revision),
                                    CS_DB_TEXT(session->replaces),
                                    CS_DB_TEXT(session->network),
                                    CS_DB_TEXT(session->user_agent),
                                    CS_DB_TEXT(session->most ? apr_itoa(pool, session->most) : NULL),
                                    CS_DB_TEXT(print_usec(session->max_lifetime, pool)),
                                    CS_DB_TEXT(session->legacy_id),
                                    CS_DB_TEXT(print_usec(session->legacy_end, pool)),
                                    CS_DB_TEXT(session->adopt && session->user_id ? "true" : "false")};
    cs_db_result_t *result;
    /* CS_DB_ONCE: a second run would meet the first one's hash and call it a conflict; the user logs in again instead.
     */
    apr_status_t rv = cs_db_run(&result, db, CS_DB_ONCE, sql, 12, params, pool);

    if (evicted) {
        *evicted = rv == APR_SUCCESS ? (int)cs_db_int(result, 0, 1, 0) : 0;
    }
    return rv == APR_SUCCESS ? read_outcome(cs_db_text(result, 0, 0, NULL)) : rv;
}

apr_status_t cs_guest_create(const char **id, cs_db_t *db, const char *network, int most, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(network), CS_DB_TEXT(apr_itoa(pool, most))};
    cs_db_result_t *result;
    apr_status_t rv =
        cs_db_run(&result, db, CS_DB_ONCE, "SELECT chatsession.guest_make($1::inet, $2::integer)", 2, params, pool);

    *id = rv == APR_SUCCESS ? cs_db_text(result, 0, 0, NULL) : NULL;
    return rv;
}

apr_status_t cs_guest_expire(cs_db_t *db, apr_interval_time_t idle, apr_interval_time_t grace, int batch,
                             apr_pool_t *pool)
{
    static const char sql[] = "SELECT chatsession.guest_sweep($1::bigint * interval '1 microsecond',"
                              " $2::bigint * interval '1 microsecond', $3::integer)";
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, idle)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, grace)),
                                    CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);
}

apr_status_t cs_session_touch(cs_db_t *db, const char *id_hash, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.sessions SET last_seen_at = now()"
                              " WHERE id_hash = decode($1, 'hex') AND revoked_at IS NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);
}

apr_status_t cs_session_touch_console(cs_db_t *db, const char *id_hash, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.sessions SET last_seen_at = now(), console_seen_at = now()"
                              " WHERE id_hash = decode($1, 'hex') AND revoked_at IS NULL AND user_id IS NOT NULL";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);
}

apr_status_t cs_session_revoke(cs_db_t *db, const char *id_hash, const char *cause, apr_pool_t *pool)
{
    /* Who logs out with the id of before a rotation means the session that they have now. */
    static const char sql[] = "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = $2"
                              " WHERE revoked_at IS NULL"
                              " AND id_hash = chatsession.this_session(decode($1, 'hex'))";
    const cs_db_param_t params[] = {CS_DB_TEXT(id_hash), CS_DB_TEXT(cause)};
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

apr_status_t cs_session_list_json(json_t **sessions, cs_db_t *db, const char *user_id, const char *id_hash,
                                  const cs_session_limits_t *limits, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT ref, created_at, last_seen_at, least(created_at + $3::bigint * interval '1 microsecond',"
        " last_seen_at + $2::bigint * interval '1 microsecond') AS expires_at, host(network) AS network, user_agent,"
        " id_hash = chatsession.this_session(decode($4, 'hex')) AS current"
        " FROM chatsession.sessions WHERE user_id = $1::uuid AND revoked_at IS NULL"
        " AND last_seen_at > now() - $2::bigint * interval '1 microsecond'"
        " AND created_at > now() - $3::bigint * interval '1 microsecond'"
        " ORDER BY last_seen_at DESC, ref LIMIT 1000";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->idle_timeout)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->max_lifetime)),
                                    CS_DB_TEXT(id_hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 4, params, pool);

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
                              " WHERE user_id = $1::uuid AND revoked_at IS NULL "
                              " AND id_hash <> chatsession.this_session(decode($2, 'hex'))";
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
        "WITH forgotten AS (DELETE FROM chatsession.legacy_cookies WHERE forget_at < now())"
        " DELETE FROM chatsession.sessions WHERE id_hash IN (SELECT id_hash FROM chatsession.sessions"
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
