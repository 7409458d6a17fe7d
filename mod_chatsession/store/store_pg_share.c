/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/share.h"
#include <apr_general.h>
#include <apr_strings.h>

#define SHARE_COLUMNS "s.id, s.conversation_id, c.title, s.created_at"

/* Conversations that can be read at all. */
#define IN_SIGHT "c.trashed_at IS NULL AND (c.temporary_until IS NULL OR c.temporary_until > now())"

apr_status_t cs_share_create(json_t **share, cs_db_t *db, const char *user_id, const char *conversation_id,
                             const char *message_id, apr_pool_t *pool)
{
    /* The update changes nothing: it makes a share that is there already come back. */
    static const char sql[] =
        "WITH own AS (SELECT c.id, c.title, m.id AS message_id FROM chatsession.conversations c"
        "   JOIN chatsession.messages m ON m.conversation_id = c.id"
        "   WHERE c.id = $1::uuid AND c.user_id = $2::uuid AND m.id = $3::uuid AND m.status <> 'streaming' "
        "AND " IN_SIGHT "),"
        " room AS (SELECT count(*) < " APR_STRINGIFY(
            CS_SHARES_MAX) " AS is FROM chatsession.shares s"
                           "   JOIN chatsession.conversations c ON c.id = s.conversation_id WHERE c.user_id = "
                           "$2::uuid),"
                           " made AS (INSERT INTO chatsession.shares AS s (conversation_id, last_message_id)"
                           "   SELECT own.id, own.message_id FROM own, room WHERE room.is"
                           "   ON CONFLICT ON CONSTRAINT one_share_per_message DO UPDATE SET last_message_id = "
                           "excluded.last_message_id"
                           "   RETURNING s.id, s.conversation_id, s.created_at)"
                           " SELECT " SHARE_COLUMNS ", true AS given FROM own c JOIN made s ON s.conversation_id = c.id"
                           " UNION ALL SELECT NULL, c.id, NULL, NULL, false FROM own c, room WHERE NOT room.is";
    const cs_db_param_t params[] = {CS_DB_TEXT(conversation_id), CS_DB_TEXT(user_id), CS_DB_TEXT(message_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 3, params, pool);

    *share = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    if (!cs_db_bool(result, 0, 4)) {
        return CS_ECONFLICT;
    }
    *share = cs_db_row_json(result, 0);
    json_object_del(*share, "given");
    return APR_SUCCESS;
}

apr_status_t cs_share_list(json_t **shares, cs_db_t *db, const char *user_id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT " SHARE_COLUMNS " FROM chatsession.shares s"
                              " JOIN chatsession.conversations c ON c.id = s.conversation_id"
                              " WHERE c.user_id = $1::uuid AND " IN_SIGHT " ORDER BY s.created_at DESC, s.id DESC";
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *shares = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_share_end(cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool)
{
    static const char sql[] = "DELETE FROM chatsession.shares s USING chatsession.conversations c"
                              " WHERE s.id = $1::uuid AND c.id = s.conversation_id AND c.user_id = $2::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(user_id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 2, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? APR_ENOENT : rv;
}

/* The branch, from its last message to its first by parent_id, turned round. */
static apr_status_t read_branch(json_t **messages, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    static const char sql[] =
        "WITH RECURSIVE branch AS (SELECT m.id, m.parent_id, m.seq FROM chatsession.shares s"
        "   JOIN chatsession.messages m ON m.id = s.last_message_id WHERE s.id = $1::uuid"
        "   UNION ALL SELECT m.id, m.parent_id, m.seq FROM branch b JOIN chatsession.messages m ON m.id = b.parent_id)"
        " SELECT m.role, m.content, m.status, m.created_at, m.model FROM branch b"
        " JOIN chatsession.messages m ON m.id = b.id ORDER BY b.seq";
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *messages = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

apr_status_t cs_share_read(json_t **shared, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    static const char sql[] = "SELECT s.id, c.title, u.name AS user, s.created_at FROM chatsession.shares s"
                              " JOIN chatsession.conversations c ON c.id = s.conversation_id"
                              " JOIN chatsession.users u ON u.id = c.user_id"
                              " WHERE s.id = $1::uuid AND u.disabled_at IS NULL AND " IN_SIGHT;
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};
    cs_db_result_t *result;
    json_t *messages;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *shared = NULL;
    if (rv == APR_SUCCESS && !cs_db_rows(result)) {
        rv = APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        rv = read_branch(&messages, db, id, pool);
    }
    if (rv == APR_SUCCESS) {
        *shared = cs_db_row_json(result, 0);
        json_object_set_new(*shared, "messages", messages);
    }
    return rv;
}
