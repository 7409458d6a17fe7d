/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/user_admin.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"
#include "store/columns.h"
#include "store/invitation.h"
#include "store/keyset.h"
#include "store/second_factor.h"

/*
 * Make the user named $1 with role $2 and hash $3: whether $1 can be a name, the new id, the name. No id although it
 * can: it is taken. A name is a segment of an address (api/users/{word}), which httpd does not let hold an encoded
 * slash, and where "." and ".." mean something else.
 */
#define INSERT_USER                                                                                                    \
    "WITH good AS (SELECT n FROM (VALUES ($1::text)) v(n) WHERE char_length(n) BETWEEN 1 AND 64"                       \
    "   AND strpos(n, '/') = 0 AND n NOT IN ('.', '..')"                                                               \
    "   AND chatsession.canonical_name(n) ~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$'),"          \
    " made AS (INSERT INTO chatsession.users (name, role, password_phc) SELECT n, $2::text, $3::text FROM good"        \
    "   ON CONFLICT ON CONSTRAINT one_account_per_name DO NOTHING RETURNING id)"                                       \
    " SELECT EXISTS (SELECT FROM good), (SELECT id FROM made)"

/* Changes the user $1. The row counts the sessions that a trigger ends with it; one that a login begins at this moment
 * ends uncounted. */
#define CHANGE_USER(assignment)                                                                                        \
    "WITH changed AS (UPDATE chatsession.users SET " assignment " WHERE id = $1::uuid RETURNING id)"                   \
    " SELECT (SELECT count(*) FROM chatsession.sessions WHERE user_id = $1::uuid AND revoked_at IS NULL) FROM changed"

/* The user u as the API shows it. */
#define USER_COLUMNS                                                                                                   \
    "u.name, u.role, u.created_at, u.disabled_at IS NOT NULL AS disabled,"                                             \
    " (SELECT count(*) FROM chatsession.conversations c WHERE c.user_id = u.id) AS conversations, u.last_login_at,"    \
    " u.second_factor_at, u.max_turns, u.max_requests, u.max_tokens"

/* --- looking --- */

apr_status_t cs_user_page(json_t **users, const char **next, cs_db_t *db, const cs_user_list_t *list, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " USER_COLUMNS ", u.canonical_name AS next FROM chatsession.users u"
        " WHERE ($1::text IS NULL OR u.canonical_name LIKE " CS_LIKE_LITERAL(
            "chatsession.canonical_name($1::text)") ")"
                                                    " AND ($2::text IS NULL OR u.role = $2::text)"
                                                    " AND ($3::text IS NULL OR (u.disabled_at IS NOT NULL) = ($3::text "
                                                    "= 'disabled'))"
                                                    " AND ($4::text IS NULL OR u.canonical_name > $4::text) ORDER BY "
                                                    "u.canonical_name LIMIT $5::integer + 1";
    const cs_db_param_t params[] = {CS_DB_TEXT(list->query), CS_DB_TEXT(list->role), CS_DB_TEXT(list->state),
                                    CS_DB_TEXT(list->after), CS_DB_TEXT(apr_itoa(pool, list->limit))};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 5, params, pool);

    *next = NULL;
    *users = rv == APR_SUCCESS ? cs_keyset_page(next, result, list->limit, pool) : NULL;
    return rv;
}

static const char show_user[] = "SELECT " USER_COLUMNS " FROM chatsession.users u"
                                " WHERE u.canonical_name = chatsession.canonical_name($1)";

apr_status_t cs_user_object(json_t **user, cs_db_t *db, const char *name, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(name)};

    return cs_db_run_row(user, db, CS_DB_REPEATABLE, show_user, 1, params, pool);
}

apr_status_t cs_user_sessions(json_t **sessions, cs_db_t *db, const char *name, const cs_session_limits_t *limits,
                              apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT s.ref, u.name AS user, u.role, s.created_at, s.last_seen_at, CASE WHEN $2::bigint > 0"
        "   THEN s.created_at + $2::bigint * interval '1 microsecond' END AS expires_at,"
        " host(s.network) AS network, s.user_agent"
        " FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id WHERE s.revoked_at IS NULL"
        " AND ($1::bigint = 0 OR s.last_seen_at > now() - $1::bigint * interval '1 microsecond')"
        " AND ($2::bigint = 0 OR s.created_at > now() - $2::bigint * interval '1 microsecond')"
        " AND ($3::text IS NULL OR u.canonical_name = chatsession.canonical_name($3::text))"
        " ORDER BY s.last_seen_at DESC, s.ref LIMIT " APR_STRINGIFY(CS_USER_SESSIONS_MAX);
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->idle_timeout)),
                                    CS_DB_TEXT(apr_psprintf(pool, "%" APR_TIME_T_FMT, limits->max_lifetime)),
                                    CS_DB_TEXT(name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    *sessions = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

/* --- changing --- */

typedef struct {
    const cs_user_deed_t *deed;
    const cs_audit_entry_t *entry;
    cs_user_outcome_e outcome;
    apr_int64_t ended;
    json_t *user; /* after a change, as it is then */
    apr_pool_t *pool;
} work_t;

typedef struct {
    const char *id, *name, *role;
    bool disabled;
    bool last_admin; /* the only enabled administrator */
    bool own;        /* the account of who asks */
} target_t;

/* The deed's entry, with what is known only now. Takes the reference to detail. */
static apr_status_t record(cs_db_tx_t *tx, const work_t *work, const char *target, json_t *detail, apr_pool_t *pool)
{
    cs_audit_entry_t entry = *work->entry;
    apr_status_t rv;

    entry.target_user = target;
    entry.detail = detail;
    rv = cs_audit_add(tx, &entry, pool);
    json_decref(detail);
    return rv;
}

/* Lock the enabled administrators, in one order for all: whether actor is one (NULL, the command line, is), and who is
 * the only one, if so. */
static apr_status_t lock_admins(bool *is_admin, const char **only, cs_db_tx_t *tx, const char *actor, apr_pool_t *pool)
{
    static const char sql[] = "SELECT id FROM chatsession.users WHERE role = 'admin' AND disabled_at IS NULL"
                              " ORDER BY id FOR NO KEY UPDATE";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 0, NULL, pool);

    *is_admin = !actor;
    *only = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; i < cs_db_rows(result); i++) {
        *is_admin = *is_admin || !strcmp(cs_db_text(result, i, 0, NULL), actor);
    }
    *only = cs_db_rows(result) == 1 ? cs_db_text(result, 0, 0, NULL) : NULL;
    return APR_SUCCESS;
}

/* Find and lock the user whom the deed is about; the outcome is settled where it must not be done at all. */
static apr_status_t lock_target(target_t *target, cs_db_tx_t *tx, work_t *work, apr_pool_t *pool)
{
    static const char sql[] = "SELECT id, name, role, disabled_at IS NOT NULL FROM chatsession.users"
                              " WHERE canonical_name = chatsession.canonical_name($1) FOR NO KEY UPDATE";
    const cs_db_param_t params[] = {CS_DB_TEXT(work->deed->name)};
    cs_db_result_t *result;
    const char *only;
    bool is_admin;
    apr_status_t rv = lock_admins(&is_admin, &only, tx, work->deed->actor_id, pool);

    *target = (target_t){0};
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&result, tx, sql, 1, params, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    target->id = cs_db_text(result, 0, 0, NULL);
    target->name = cs_db_text(result, 0, 1, NULL);
    target->role = cs_db_text(result, 0, 2, NULL);
    target->disabled = cs_db_bool(result, 0, 3);
    target->last_admin = only && !strcmp(only, target->id);
    target->own = work->deed->actor_id && !strcmp(target->id, work->deed->actor_id);
    if (!is_admin) {
        work->outcome = CS_USER_NOT_ADMIN;
    }
    return APR_SUCCESS;
}

static apr_status_t create(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    work_t *work = baton;
    const cs_user_deed_t *deed = work->deed;
    const cs_db_param_t params[] = {CS_DB_TEXT(deed->name), CS_DB_TEXT(deed->role), CS_DB_TEXT(deed->phc)};
    cs_db_result_t *result;
    const char *only;
    bool is_admin;
    apr_status_t rv = lock_admins(&is_admin, &only, tx, work->deed->actor_id, pool);

    work->outcome = is_admin ? CS_USER_DONE : CS_USER_NOT_ADMIN;
    if (rv != APR_SUCCESS || !is_admin) {
        return rv;
    }
    rv = cs_db_tx_run(&result, tx, INSERT_USER, 3, params, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_text(result, 0, 1, NULL)) {
        work->outcome = cs_db_bool(result, 0, 0) ? CS_USER_TAKEN : CS_USER_NO_NAME;
        return APR_SUCCESS;
    }
    if (deed->invitation) {
        rv = cs_invitation_open(tx, cs_db_text(result, 0, 1, NULL), deed->invitation, pool);
    }
    return rv == APR_SUCCESS
               ? record(tx, work, deed->name,
                        json_pack("{s:s,s:o*}", "role", deed->role, "invited", deed->invitation ? json_true() : NULL),
                        pool)
               : rv;
}

static apr_status_t invite(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    work_t *work = baton;
    const cs_user_deed_t *deed = work->deed;
    target_t target;
    apr_status_t rv;

    work->outcome = CS_USER_DONE;
    rv = lock_target(&target, tx, work, pool);
    if (rv == APR_SUCCESS && work->outcome == CS_USER_DONE) {
        work->outcome = target.own ? CS_USER_OWN : target.disabled ? CS_USER_DISABLED : CS_USER_DONE;
    }
    if (rv != APR_SUCCESS || work->outcome != CS_USER_DONE) {
        return rv;
    }
    rv = cs_invitation_open(tx, target.id, deed->invitation, pool);
    return rv == APR_SUCCESS ? record(tx, work, target.name, json_pack("{s:s}", "role", target.role), pool) : rv;
}

/* {"limits","role":{"old","new"},"disabled":{"old","new"},"sessions"}, of the first three what was changed. */
static json_t *change_detail(const cs_user_deed_t *deed, const target_t *target, bool role, bool state,
                             apr_int64_t ended)
{
    return json_pack("{s:O*,s:o*,s:o*,s:I}", "limits", deed->limits, "role",
                     role ? json_pack("{s:s,s:s}", "old", target->role, "new", deed->role) : NULL, "disabled",
                     state ? json_pack("{s:b,s:b}", "old", target->disabled, "new", !target->disabled) : NULL,
                     "sessions", (json_int_t)ended);
}

/* Limits end no session, and one may have them changed by oneself: they are no right. */
static apr_status_t change_limits(cs_db_tx_t *tx, const cs_user_deed_t *deed, const char *id, apr_pool_t *pool)
{
    static const char sql[] =
        "UPDATE chatsession.users SET"
        " max_turns = CASE WHEN $2::jsonb ? 'max_turns' THEN ($2::jsonb ->> 'max_turns')::integer ELSE max_turns END,"
        " max_requests = CASE WHEN $2::jsonb ? 'max_requests' THEN ($2::jsonb ->> 'max_requests')::integer"
        "   ELSE max_requests END,"
        " max_tokens = CASE WHEN $2::jsonb ? 'max_tokens' THEN ($2::jsonb ->> 'max_tokens')::bigint ELSE max_tokens END"
        " WHERE id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(cs_json_print(deed->limits, NULL, pool))};
    cs_db_result_t *result;

    return cs_db_tx_run(&result, tx, sql, 2, params, pool);
}

/* Role and state, either of which may be NULL: as it is. *ended: the user's sessions, which end with that. */
static apr_status_t change_rights(apr_int64_t *ended, cs_db_tx_t *tx, const cs_user_deed_t *deed, const char *id,
                                  apr_pool_t *pool)
{
    static const char sql[] = CHANGE_USER("role = coalesce($2::text, role), disabled_at = CASE WHEN $3::boolean THEN"
                                          " coalesce(disabled_at, now()) WHEN NOT $3::boolean THEN NULL"
                                          " ELSE disabled_at END");
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(deed->role), CS_DB_TEXT(deed->disabled)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 3, params, pool);

    *ended = rv == APR_SUCCESS ? cs_db_int(result, 0, 0, 0) : 0;
    return rv;
}

static apr_status_t change(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    work_t *work = baton;
    const cs_user_deed_t *deed = work->deed;
    target_t target;
    apr_status_t rv;
    bool role, state, rights;

    work->outcome = CS_USER_DONE;
    work->ended = 0;
    rv = lock_target(&target, tx, work, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    role = deed->role && strcmp(deed->role, target.role) != 0;
    state = deed->disabled && !strcmp(deed->disabled, "true") != target.disabled;
    rights = role || state;
    if (rights && target.own) {
        work->outcome = CS_USER_OWN;
    } else if (rights && target.last_admin && deed->actor_id) { /* the command line makes another one */
        work->outcome = CS_USER_LAST_ADMIN;
    }
    if (work->outcome != CS_USER_DONE) {
        return APR_SUCCESS;
    }
    if (deed->limits) {
        rv = change_limits(tx, deed, target.id, pool);
    }
    if (rv == APR_SUCCESS && rights) {
        rv = change_rights(&work->ended, tx, deed, target.id, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_row(&work->user, tx, show_user, deed->name, work->pool);
    }
    return rv == APR_SUCCESS && (rights || deed->limits)
               ? record(tx, work, target.name, change_detail(deed, &target, role, state, work->ended), pool)
               : rv;
}

static apr_status_t set_password(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] = CHANGE_USER("password_phc = $2, password_revision = password_revision + 1");
    work_t *work = baton;
    target_t target;
    cs_db_result_t *result;
    apr_status_t rv;

    work->outcome = CS_USER_DONE;
    rv = lock_target(&target, tx, work, pool);
    if (rv == APR_SUCCESS && target.own) {
        work->outcome = CS_USER_OWN;
    }
    if (rv != APR_SUCCESS || work->outcome != CS_USER_DONE) {
        return rv;
    }
    rv = cs_db_tx_run(&result, tx, sql, 2, (cs_db_param_t[]){CS_DB_TEXT(target.id), CS_DB_TEXT(work->deed->phc)}, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    work->ended = cs_db_int(result, 0, 0, 0);
    return record(tx, work, target.name, json_pack("{s:I}", "sessions", (json_int_t)work->ended), pool);
}

static apr_status_t reset_factor(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    work_t *work = baton;
    target_t target;
    const char *revision;
    apr_status_t rv;

    work->outcome = CS_USER_DONE;
    rv = lock_target(&target, tx, work, pool);
    if (rv == APR_SUCCESS && target.own) {
        work->outcome = CS_USER_OWN;
    }
    if (rv != APR_SUCCESS || work->outcome != CS_USER_DONE) {
        return rv;
    }
    rv = cs_second_factor_remove_in(&revision, tx, target.id, pool);
    if (rv == APR_ENOENT) {
        return APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? record(tx, work, target.name, NULL, pool) : rv;
}

static apr_status_t end_sessions(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char all[] =
        "WITH ended AS (UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'operator'"
        "   WHERE user_id IS NOT NULL AND revoked_at IS NULL RETURNING ref) SELECT NULL, count(*) FROM ended";
    static const char of_one[] =
        "WITH found AS (SELECT id, name FROM chatsession.users WHERE canonical_name = chatsession.canonical_name($1)),"
        " ended AS (UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'operator'"
        "   WHERE user_id IN (SELECT id FROM found) AND revoked_at IS NULL RETURNING ref)"
        " SELECT name, (SELECT count(*) FROM ended) FROM found";
    work_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->deed->name)};
    cs_db_result_t *result;
    apr_status_t rv = work->deed->name ? cs_db_tx_run(&result, tx, of_one, 1, params, pool)
                                       : cs_db_tx_run(&result, tx, all, 0, NULL, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    work->ended = cs_db_int(result, 0, 1, 0);
    return record(tx, work, cs_db_text(result, 0, 0, NULL), json_pack("{s:I}", "sessions", (json_int_t)work->ended),
                  pool);
}

/* Not repeated when its outcome is unknown: the entry would tell of two deeds. */
static apr_status_t run(work_t *work, cs_user_outcome_e *outcome, cs_db_t *db, cs_db_tx_fn *fn, apr_pool_t *pool)
{
    apr_status_t rv = cs_db_transaction(db, CS_DB_ONCE, fn, work, pool);

    *outcome = work->outcome;
    return rv;
}

apr_status_t cs_user_admin_create(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                  const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    return run(&(work_t){deed, entry, CS_USER_DONE, 0, NULL, pool}, outcome, db, create, pool);
}

apr_status_t cs_user_admin_invite(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                  const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    return run(&(work_t){deed, entry, CS_USER_DONE, 0, NULL, pool}, outcome, db, invite, pool);
}

apr_status_t cs_user_admin_change(cs_user_outcome_e *outcome, apr_int64_t *ended, json_t **user, cs_db_t *db,
                                  const cs_user_deed_t *deed, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    work_t work = {deed, entry, CS_USER_DONE, 0, NULL, pool};
    const apr_status_t rv = run(&work, outcome, db, change, pool);

    *ended = rv == APR_SUCCESS ? work.ended : 0;
    return cs_db_row_give(user, work.user, rv);
}

apr_status_t cs_user_admin_password(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                    const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    return run(&(work_t){deed, entry, CS_USER_DONE, 0, NULL, pool}, outcome, db, set_password, pool);
}

apr_status_t cs_user_admin_reset_factor(cs_user_outcome_e *outcome, cs_db_t *db, const cs_user_deed_t *deed,
                                        const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    return run(&(work_t){deed, entry, CS_USER_DONE, 0, NULL, pool}, outcome, db, reset_factor, pool);
}

apr_status_t cs_user_admin_end_sessions(apr_int64_t *ended, cs_db_t *db, const char *name,
                                        const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    const cs_user_deed_t deed = {.name = name};
    work_t work = {&deed, entry, CS_USER_DONE, 0, NULL, pool};
    apr_status_t rv = cs_db_transaction(db, CS_DB_ONCE, end_sessions, &work, pool);

    *ended = rv == APR_SUCCESS ? work.ended : 0;
    return rv;
}
