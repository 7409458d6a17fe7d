/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/invitation.h"
#include "core/token.h"

/* An invitation that counts: its hash is $1. */
#define OPEN "invitation_hash = $1 AND invitation_until > now() AND disabled_at IS NULL"

apr_status_t cs_invitation_draw(const char **token, const char **hash, apr_pool_t *pool)
{
    unsigned char bytes[CS_TOKEN_ID_BYTES];
    apr_status_t rv = cs_token_random(bytes, sizeof(bytes));

    *token = NULL;
    *hash = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *token = cs_base64url_encode(bytes, sizeof(bytes), pool);
    *hash = cs_token_hash(bytes, pool);
    return *hash ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t cs_invitation_hash(const char **hash, const char *token, apr_size_t len, apr_pool_t *pool)
{
    unsigned char bytes[CS_TOKEN_ID_BYTES];
    apr_size_t written = 0;
    apr_status_t rv = cs_base64url_decode(bytes, sizeof(bytes), &written, token, len);

    *hash = NULL;
    if (rv != APR_SUCCESS || written != sizeof(bytes)) {
        return CS_EMALFORMED;
    }
    *hash = cs_token_hash(bytes, pool);
    return *hash ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t cs_invitation_open(cs_db_tx_t *tx, const char *id, const char *hash, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.users SET invitation_hash = $2,"
                              " invitation_until = now() + interval '1 hour' WHERE id = $1::uuid AND role <> 'guest'";
    const cs_db_param_t params[] = {CS_DB_TEXT(id), CS_DB_TEXT(hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);

    return rv == APR_SUCCESS && cs_db_affected(result) == 0 ? APR_ENOENT : rv;
}

apr_status_t cs_invitation_find(const char **name, cs_db_t *db, const char *hash, apr_pool_t *pool)
{
    static const char sql[] = "SELECT name FROM chatsession.users WHERE " OPEN;
    const cs_db_param_t params[] = {CS_DB_TEXT(hash)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *name = rv == APR_SUCCESS && cs_db_rows(result) ? cs_db_text(result, 0, 0, NULL) : NULL;
    return rv == APR_SUCCESS && !*name ? APR_ENOENT : rv;
}

typedef struct {
    const char *hash, *phc;
    const cs_audit_entry_t *entry;
} work_t;

static apr_status_t use(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    static const char sql[] = "UPDATE chatsession.users SET password_phc = $2, password_revision = password_revision + "
                              "1, invitation_hash = NULL, invitation_until = NULL WHERE " OPEN " RETURNING name, role";
    const work_t *work = baton;
    const cs_db_param_t params[] = {CS_DB_TEXT(work->hash), CS_DB_TEXT(work->phc)};
    cs_audit_entry_t entry = *work->entry;
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!cs_db_rows(result)) {
        return APR_ENOENT;
    }
    entry.operator_name = entry.target_user = cs_db_text(result, 0, 0, NULL);
    entry.role = cs_db_text(result, 0, 1, NULL);
    return cs_audit_add(tx, &entry, pool);
}

apr_status_t cs_invitation_use(cs_db_t *db, const char *hash, const char *phc, const cs_audit_entry_t *entry,
                               apr_pool_t *pool)
{
    work_t work = {hash, phc, entry};

    return cs_db_transaction(db, CS_DB_ONCE, use, &work, pool);
}
