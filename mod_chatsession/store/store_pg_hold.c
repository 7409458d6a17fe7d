/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/hold.h"
#include <apr_strings.h>
#include "core/json.h"
#include "store/keyset.h"

#define MATTER_COLUMNS                                                                                                 \
    "m.id, m.name, m.reason, m.created_at, m.created_by, m.released_at, m.released_by, m.release_reason,"              \
    " (SELECT count(*) FROM chatsession.matter_custodians k WHERE k.matter_id = m.id) AS custodians,"                  \
    " (SELECT count(*) FROM chatsession.matter_conversations k WHERE k.matter_id = m.id) AS conversations"

apr_status_t cs_matter_list(json_t **matters, const char **next, cs_db_t *db, const char *state, const char *after,
                            int limit, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " MATTER_COLUMNS ", chatsession.usec(m.created_at) || '_' || m.id AS next FROM chatsession.matters m"
        " WHERE ($1::text IS NULL OR (m.released_at IS NULL) = ($1::text = 'open'))"
        " AND ($2::bigint IS NULL OR (m.created_at, m.id) < (to_timestamp(0) + $2::bigint * interval '1 microsecond', "
        "$3::uuid)) ORDER BY m.created_at DESC, m.id DESC LIMIT $4::integer + 1";
    const cs_db_param_t own[] = {CS_DB_TEXT(state)};

    return cs_keyset_list(matters, next, db, sql, 1, own, after, limit, pool);
}

static const char show_matter[] =
    "SELECT " MATTER_COLUMNS ", (SELECT coalesce(json_agg(u.name ORDER BY u.canonical_name), '[]')"
    "   FROM chatsession.matter_custodians k JOIN chatsession.users u ON u.id = k.user_id WHERE k.matter_id = m.id)"
    " AS users, (SELECT coalesce(json_agg(json_build_object('id', h.conversation_id, 'user', h.name)), '[]') FROM ("
    "   SELECT k.conversation_id, u.name FROM chatsession.matter_conversations k"
    "   JOIN chatsession.conversations c ON c.id = k.conversation_id JOIN chatsession.users u ON u.id = c.user_id"
    "   WHERE k.matter_id = m.id ORDER BY k.added_at, k.conversation_id"
    "   LIMIT " APR_STRINGIFY(CS_MATTER_CONVERSATIONS) ") h) AS held"
                                                       " FROM chatsession.matters m WHERE m.id = $1::uuid";

apr_status_t cs_matter_get(json_t **matter, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};

    return cs_db_run_row(matter, db, CS_DB_REPEATABLE, show_matter, 1, params, pool);
}

/* --- hold and release --- */

typedef struct {
    const cs_hold_t *hold;
    const cs_audit_entry_t *entry;
    bool is_new;
    const char *id; /* of a new one: once it is made */
    const char *unknown;
    json_t *matter;   /* as it is then */
    apr_pool_t *pool; /* of what outlives the transaction */
} work_t;

static apr_status_t make_matter(work_t *work, cs_db_tx_t *tx)
{
    static const char sql[] = "INSERT INTO chatsession.matters (name, reason, created_by) VALUES ($1, $2, $3)"
                              " RETURNING id";
    const cs_db_param_t params[] = {CS_DB_TEXT(work->hold->name), CS_DB_TEXT(work->hold->reason),
                                    CS_DB_TEXT(work->entry->operator_name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 3, params, work->pool);

    work->id = rv == APR_SUCCESS ? cs_db_text(result, 0, 0, NULL) : NULL;
    return rv;
}

/* Is there such a matter? Its lock makes a release wait. */
static apr_status_t lock_matter(cs_db_tx_t *tx, const char *id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT id FROM chatsession.matters WHERE id = $1::uuid FOR NO KEY UPDATE";
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 1, params, pool);

    return rv == APR_SUCCESS && !cs_db_rows(result) ? APR_ENOENT : rv;
}

static apr_status_t hold_users(work_t *work, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char unknown[] =
        "SELECT v FROM json_array_elements_text($1::json) v WHERE NOT EXISTS (SELECT FROM chatsession.users u"
        "   WHERE u.canonical_name = chatsession.canonical_name(v)) LIMIT 1";
    static const char sql[] =
        "INSERT INTO chatsession.matter_custodians (matter_id, user_id, added_by)"
        " SELECT $2::uuid, u.id, $3 FROM chatsession.users u WHERE u.canonical_name IN"
        "   (SELECT chatsession.canonical_name(v) FROM json_array_elements_text($1::json) v) ORDER BY u.id"
        " ON CONFLICT DO NOTHING";
    const cs_db_param_t params[] = {CS_DB_TEXT(work->hold->users), CS_DB_TEXT(work->id),
                                    CS_DB_TEXT(work->entry->operator_name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, unknown, 1, params, work->pool);

    if (rv == APR_SUCCESS && cs_db_rows(result)) {
        work->unknown = cs_db_text(result, 0, 0, NULL);
        return CS_EREFUSED;
    }
    return rv == APR_SUCCESS ? cs_db_tx_run(&result, tx, sql, 3, params, pool) : rv;
}

/* The entry, with what is known only now. */
static apr_status_t record(const work_t *work, cs_db_tx_t *tx, apr_int64_t conversations, apr_pool_t *pool)
{
    cs_audit_entry_t entry = *work->entry;

    entry.detail = cs_json_own(work->entry->detail ? json_copy(work->entry->detail) : json_object(), pool);
    json_object_set_new(entry.detail, "matter", json_string(work->id));
    json_object_set_new(entry.detail, "conversations", json_integer(conversations));
    if (work->hold && work->hold->users) {
        json_object_set_new(entry.detail, "users", json_loads(work->hold->users, 0, NULL));
    }
    return cs_audit_add(tx, &entry, pool);
}

static apr_status_t hold_all(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    work_t *work = baton;
    apr_int64_t conversations = 0;
    apr_status_t rv = work->is_new ? make_matter(work, tx) : lock_matter(tx, work->id, pool);

    if (rv == APR_SUCCESS && work->hold->users) {
        rv = hold_users(work, tx, pool);
    }
    if (rv == APR_SUCCESS && work->hold->conversations) {
        rv = cs_console_hold(&conversations, tx, work->hold->conversations, work->id, work->entry->operator_name, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_row(&work->matter, tx, show_matter, work->id, work->pool);
    }
    return rv == APR_SUCCESS ? record(work, tx, conversations, pool) : rv;
}

apr_status_t cs_matter_hold(json_t **matter, const char **unknown, cs_db_t *db, const char *id, const cs_hold_t *hold,
                            const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    work_t work = {.hold = hold, .entry = entry, .is_new = !id, .id = id, .pool = pool};
    const apr_status_t rv = cs_db_transaction(db, id ? CS_DB_REPEATABLE : CS_DB_ONCE, hold_all, &work, pool);

    *unknown = work.unknown;
    return cs_db_row_give(matter, work.matter, rv);
}

static apr_status_t release(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.matters SET released_at = now(), released_by = $2,"
                              " release_reason = $3 WHERE id = $1::uuid";
    work_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->id), CS_DB_TEXT(work->entry->operator_name),
                                    CS_DB_TEXT(work->entry->reason)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 3, params, pool);

    if (rv == APR_SUCCESS && !cs_db_affected(result)) {
        return APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_row(&work->matter, tx, show_matter, work->id, work->pool);
    }
    return rv == APR_SUCCESS ? cs_audit_add(tx, work->entry, pool) : rv;
}

apr_status_t cs_matter_release(json_t **matter, cs_db_t *db, const char *id, const cs_audit_entry_t *entry,
                               apr_pool_t *pool)
{
    work_t work = {.entry = entry, .id = id, .pool = pool};
    const apr_status_t rv = cs_db_transaction(db, CS_DB_ONCE, release, &work, pool);

    return cs_db_row_give(matter, work.matter, rv);
}
