/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/archive.h"
#include "core/json.h"
#include "store/conversation.h"

/* clang-format off */
/* A look at content that names the conversation. Why somebody looked, and holds, are not the owner's to know. */
#define ACCESS \
    " FROM chatsession.audit_entries e JOIN chatsession.conversations c ON c.id = e.conversation_id" \
    " WHERE c.user_id = $1::uuid AND e.action = 'conversation.read'"
/* clang-format on */

apr_status_t cs_access_list(json_t **access, cs_db_t *db, const char *user_id, const char *conversation_id, bool named,
                            apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT e.at, e.role, CASE WHEN $3::boolean THEN e.operator END AS operator, e.conversation_id, c.title" ACCESS
        " AND ($2::uuid IS NULL OR c.id = $2::uuid) ORDER BY e.seq DESC LIMIT 200";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(conversation_id),
                                    CS_DB_TEXT(named ? "true" : "false")};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    *access = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

typedef struct {
    cs_db_t *db;
    const char *user_id;
    cs_archive_line_cb *line;
    void *baton;
} walk_t;

/* What there is beside the conversations: few rows each. */
static const struct {
    const char *type, *sql;
} parts[] = {
    {"profile", "SELECT u.id, u.name, u.role, u.created_at, u.last_login_at, u.disabled_at, u.second_factor_at,"
                " u.password_phc IS NOT NULL AS has_password FROM chatsession.users u WHERE u.id = $1::uuid"},
    {"session", "SELECT s.ref, s.created_at, s.last_seen_at, s.revoked_at, s.revoke_cause, host(s.network) AS network,"
                " s.user_agent, (SELECT coalesce(json_object_agg(v.name, v.value), '{}')"
                "   FROM chatsession.session_values v WHERE v.id_hash = s.id_hash) AS values"
                " FROM chatsession.sessions s WHERE s.user_id = $1::uuid ORDER BY s.created_at, s.ref"},
    {"key", "SELECT k.id, k.name, k.prefix, k.created_at, k.last_used_at, k.revoked_at FROM chatsession.api_keys k"
            " WHERE k.user_id = $1::uuid ORDER BY k.created_at, k.id"},
    {"usage", "SELECT t.day::text AS day, t.tokens FROM chatsession.user_tokens t WHERE t.user_id = $1::uuid ORDER BY "
              "t.day"},
    {"access", "SELECT e.at, e.role, e.conversation_id" ACCESS " ORDER BY e.seq"},
};

static apr_status_t walk_part(const walk_t *walk, int i, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(walk->user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, walk->db, CS_DB_REPEATABLE, parts[i].sql, 1, params, pool);

    if (rv == APR_SUCCESS && i == 0 && !cs_db_rows(result)) {
        return APR_ENOENT;
    }
    for (int row = 0; rv == APR_SUCCESS && row < cs_db_rows(result); row++) {
        rv = walk->line(walk->baton, parts[i].type, cs_json_own(cs_db_row_json(result, row), pool), pool);
    }
    return rv;
}

/* One conversation and its messages; one that was purged in between is left out. */
static apr_status_t walk_conversation(const walk_t *walk, const char *id, apr_pool_t *pool)
{
    json_t *conversation, *messages, *message;
    size_t i;
    apr_status_t rv = cs_conversation_get(&conversation, walk->db, walk->user_id, id, pool);

    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    cs_json_own(conversation, pool);
    messages = cs_json_own(json_incref(json_object_get(conversation, "messages")), pool);
    json_object_del(conversation, "messages");
    rv = walk->line(walk->baton, "conversation", conversation, pool);
    json_array_foreach(messages, i, message)
    {
        if (rv == APR_SUCCESS) {
            json_object_set_new(message, "conversation_id", json_string(id));
            rv = walk->line(walk->baton, "message", message, pool);
        }
    }
    return rv;
}

static apr_status_t walk_conversations(const walk_t *walk, apr_pool_t *pool)
{
    const char *next = NULL;
    apr_pool_t *one;
    apr_status_t rv;

    apr_pool_create(&one, pool);
    do {
        json_t *ids, *row;
        size_t i;

        rv = cs_conversation_ids(&ids, &next, walk->db, walk->user_id, next, pool);
        json_array_foreach(ids, i, row)
        {
            if (rv == APR_SUCCESS) {
                rv = walk_conversation(walk, json_string_value(json_object_get(row, "id")), one);
                apr_pool_clear(one);
            }
        }
        json_decref(ids);
    } while (rv == APR_SUCCESS && next);
    apr_pool_destroy(one);
    return rv;
}

apr_status_t cs_archive_walk(cs_db_t *db, const char *user_id, cs_archive_line_cb *line, void *baton, apr_pool_t *pool)
{
    const walk_t walk = {db, user_id, line, baton};
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; rv == APR_SUCCESS && i < (int)(sizeof(parts) / sizeof(parts[0])); i++) {
        rv = walk_part(&walk, i, pool);
    }
    return rv == APR_SUCCESS ? walk_conversations(&walk, pool) : rv;
}
