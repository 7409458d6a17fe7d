/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/erasure.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"
#include "store/keyset.h"

/* Messages of one statement: well within the time limit of one. */
#define BATCH "2000"

apr_status_t cs_erasure_preview(json_t **preview, cs_db_t *db, const char *name_or_id, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT u.id, u.name, chatsession.user_is_held(u.id) AS held, chatsession.user_inventory(u.id) AS removed"
        " FROM chatsession.users u WHERE u.id = $2::uuid OR ($2 IS NULL AND u.canonical_name = "
        "chatsession.canonical_name($1))";
    const cs_db_param_t params[] = {CS_DB_TEXT(name_or_id), CS_DB_TEXT(cs_uuid_is(name_or_id) ? name_or_id : NULL)};

    return cs_db_run_row(preview, db, CS_DB_REPEATABLE, sql, 2, params, pool);
}

/* clang-format off */
#define CERTIFICATE \
    "x.user_id, x.erased_at, x.erased_by, x.removed, x.repeated," \
    " (SELECT jsonb_build_object('seq', e.seq, 'seal', encode(e.mac, 'hex')) FROM chatsession.audit_entries e" \
    "  WHERE e.action = 'user.erase' AND e.detail ->> 'user_id' = x.user_id::text ORDER BY e.seq LIMIT 1) AS audit"
/* clang-format on */

static const char show_certificate[] = "SELECT " CERTIFICATE " FROM chatsession.erasures x WHERE x.user_id = $1::uuid";

typedef struct {
    const cs_erasure_t *erasure;
    const cs_audit_entry_t *entry;
    cs_erasure_outcome_e outcome;
    json_t *certificate;
    apr_pool_t *pool;
} work_t;

static cs_erasure_outcome_e read_outcome(const char *word)
{
    static const char *const words[] =
        {[CS_ERASURE_DONE] = "ready", [CS_ERASURE_BEFORE] = "before",   [CS_ERASURE_ABSENT] = "absent",
         [CS_ERASURE_HELD] = "held",  [CS_ERASURE_CHANGED] = "changed", [CS_ERASURE_LAST_ADMIN] = "last_admin"};
    int i = CS_ERASURE_DONE;

    while (i < CS_ERASURE_LAST_ADMIN && strcmp(word, words[i]) != 0) {
        i++;
    }
    return (cs_erasure_outcome_e)i;
}

static const char *count_text(apr_int64_t count, apr_pool_t *pool)
{
    return count < 0 ? NULL : apr_psprintf(pool, "%" APR_INT64_T_FMT, count);
}

static apr_status_t erase_conversations(cs_db_tx_t *tx, const char *user_id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id), CS_DB_TEXT(BATCH)};
    cs_db_result_t *result = NULL;
    apr_status_t rv;

    do {
        rv = cs_db_tx_run(&result, tx, "SELECT chatsession.user_erase_some($1::uuid, $2::integer)", 2, params, pool);
    } while (rv == APR_SUCCESS && cs_db_int(result, 0, 0, 0) > 0);
    return rv;
}

static apr_status_t record(cs_db_tx_t *tx, const work_t *work, const char *removed, apr_pool_t *pool)
{
    cs_audit_entry_t entry = *work->entry;

    entry.detail =
        cs_json_own(json_pack("{s:s,s:o}", "user_id", work->erasure->user_id, "removed", json_loads(removed, 0, NULL)),
                    pool);
    return entry.detail ? cs_audit_add(tx, &entry, pool) : APR_ENOMEM;
}

static apr_status_t erase(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    work_t *work = baton;
    const cs_erasure_t *erasure = work->erasure;
    const cs_db_param_t params[] = {CS_DB_TEXT(erasure->user_id), CS_DB_TEXT(count_text(erasure->conversations, pool)),
                                    CS_DB_TEXT(count_text(erasure->messages, pool))};
    cs_db_result_t *result;
    const char *removed;
    apr_status_t rv = cs_db_tx_run(&result, tx,
                                   "SELECT e.outcome, e.removed FROM chatsession.user_erasure($1::uuid, $2::bigint,"
                                   " $3::bigint) e",
                                   3, params, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    work->outcome = read_outcome(cs_db_text(result, 0, 0, NULL));
    removed = cs_db_text(result, 0, 1, NULL);
    work->certificate = NULL;
    if (work->outcome == CS_ERASURE_BEFORE) {
        return cs_db_tx_row(&work->certificate, tx, show_certificate, erasure->user_id, work->pool);
    }
    if (work->outcome != CS_ERASURE_DONE) {
        return APR_SUCCESS;
    }
    rv = erase_conversations(tx, erasure->user_id, pool);
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&result, tx, "SELECT chatsession.user_erase($1::uuid, $2, $3::jsonb)", 3,
                          (cs_db_param_t[]){CS_DB_TEXT(erasure->user_id), CS_DB_TEXT(erasure->by), CS_DB_TEXT(removed)},
                          pool);
    }
    if (rv == APR_SUCCESS) {
        rv = record(tx, work, removed, pool);
    }
    /* It names the entry, so it cannot be read before that. */
    return rv == APR_SUCCESS ? cs_db_tx_row(&work->certificate, tx, show_certificate, erasure->user_id, work->pool)
                             : rv;
}

apr_status_t cs_erasure_run(cs_erasure_outcome_e *outcome, json_t **certificate, cs_db_t *db,
                            const cs_erasure_t *erasure, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    work_t work = {erasure, entry, CS_ERASURE_ABSENT, NULL, pool};
    /* A second run finds the tombstone of the first. */
    apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, erase, &work, pool);

    *outcome = work.outcome;
    return cs_db_row_give(certificate, work.certificate, rv);
}

apr_status_t cs_erasure_certificate(json_t **certificate, cs_db_t *db, const char *user_id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(user_id)};

    return cs_db_run_row(certificate, db, CS_DB_REPEATABLE, show_certificate, 1, params, pool);
}

apr_status_t cs_erasure_list(json_t **certificates, const char **next, cs_db_t *db, const char *after, int limit,
                             apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT " CERTIFICATE ", chatsession.usec(x.erased_at) || '_' || x.user_id AS next FROM chatsession.erasures x"
        " WHERE $1::bigint IS NULL OR (x.erased_at, x.user_id) <"
        " (to_timestamp(0) + $1::bigint * interval '1 microsecond', $2::uuid)"
        " ORDER BY x.erased_at DESC, x.user_id DESC LIMIT $3::integer + 1";

    return cs_keyset_list(certificates, next, db, sql, 0, NULL, after, limit, pool);
}
