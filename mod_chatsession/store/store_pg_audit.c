/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/audit.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"

#define ENTRY_PARAMS 9

/* Where the entry comes in the chain, and its seal. */
static apr_status_t seal(cs_db_param_t place[4], cs_db_tx_t *tx, const cs_audit_key_t *key, const cs_db_param_t *params,
                         apr_pool_t *pool)
{
    static const char sql[] = "SELECT n.seq, n.at, n.before, n.content FROM chatsession.audit_next($1, $2, $3,"
                              " $4::uuid, $5, $6, coalesce($9::jsonb, '{}'), $7::inet, $8) n";
    char *hex = apr_palloc(pool, CS_AUDIT_SEAL_HEX + 1);
    cs_db_result_t *result;
    const char *content;
    apr_size_t len;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, ENTRY_PARAMS, params, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    content = cs_db_text(result, 0, 3, &len);
    rv = cs_audit_seal(hex, key, cs_db_text(result, 0, 2, NULL), content, len, pool);
    place[0] = CS_DB_TEXT(cs_db_text(result, 0, 0, NULL));
    place[1] = CS_DB_TEXT(cs_db_text(result, 0, 1, NULL));
    place[2] = CS_DB_TEXT(key->id);
    place[3] = CS_DB_TEXT(hex);
    return rv;
}

apr_status_t cs_audit_add(cs_db_tx_t *tx, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    static const char plain[] =
        "INSERT INTO chatsession.audit_entries"
        " (operator, role, action, conversation_id, target_user, reason, network, request_id, detail)"
        " VALUES ($1, $2, $3, $4::uuid, $5, $6, $7::inet, $8, coalesce($9::jsonb, '{}'))";
    static const char sealed[] =
        "INSERT INTO chatsession.audit_entries"
        " (operator, role, action, conversation_id, target_user, reason, network, request_id, detail, seq, at, key_id,"
        " mac) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4::uuid, $5, $6, $7::inet, $8, coalesce($9::jsonb, '{}'),"
        " $10::bigint, $11::timestamptz, $12, decode($13, 'hex'))";
    const char *detail = entry->detail ? cs_json_print(entry->detail, NULL, pool) : NULL;
    cs_db_param_t params[ENTRY_PARAMS + 4] =
        {CS_DB_TEXT(entry->operator_name),   CS_DB_TEXT(entry->role),        CS_DB_TEXT(entry->action),
         CS_DB_TEXT(entry->conversation_id), CS_DB_TEXT(entry->target_user), CS_DB_TEXT(entry->reason),
         CS_DB_TEXT(entry->network),         CS_DB_TEXT(entry->request_id),  CS_DB_TEXT(detail)};
    cs_db_result_t *result;
    apr_status_t rv;

    if (!entry->keys) {
        return cs_db_tx_run(&result, tx, plain, ENTRY_PARAMS, params, pool);
    }
    rv = seal(params + ENTRY_PARAMS, tx, entry->keys, params, pool);
    return rv == APR_SUCCESS ? cs_db_tx_run(&result, tx, sealed, ENTRY_PARAMS + 4, params, pool) : rv;
}

static apr_status_t write_entry(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    return cs_audit_add(tx, baton, pool);
}

apr_status_t cs_audit_write(cs_db_t *db, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    return cs_db_transaction(db, CS_DB_ONCE, write_entry, (void *)entry, pool);
}

/* clang-format off */
#define AUDIT_FILTER \
    " ($1::text IS NULL OR e.operator = $1::text)" \
    " AND ($2::text IS NULL OR e.action = $2::text OR split_part(e.action, '.', 1) = $2::text)" \
    " AND ($3::timestamptz IS NULL OR e.at >= $3::timestamptz) AND ($4::timestamptz IS NULL OR e.at < $4::timestamptz)" \
    " AND ($5::uuid IS NULL OR e.conversation_id = $5::uuid)" \
    " AND ($6::text IS NULL OR chatsession.canonical_name(e.target_user) = chatsession.canonical_name($6::text))"
#define AUDIT_COLUMNS \
    "e.seq, e.at, e.operator, e.role, e.action, e.conversation_id, e.target_user, e.reason, e.detail," \
    " host(e.network) AS network, e.request_id"
/* clang-format on */
#define AUDIT_PARAMS 6

static void filter_params(cs_db_param_t *params, const cs_audit_filter_t *filter)
{
    const char *const texts[AUDIT_PARAMS] = {filter->operator_name,   filter->action,     filter->from, filter->to,
                                             filter->conversation_id, filter->target_user};

    for (int i = 0; i < AUDIT_PARAMS; i++) {
        params[i] = CS_DB_TEXT(texts[i]);
    }
}

apr_status_t cs_audit_list(json_t **entries, apr_int64_t *next, cs_db_t *db, const cs_audit_filter_t *filter,
                           apr_int64_t before, int limit, apr_pool_t *pool)
{
    static const char sql[] = "SELECT " AUDIT_COLUMNS " FROM chatsession.audit_entries e WHERE" AUDIT_FILTER
                              " AND ($7::bigint = 0 OR e.seq < $7::bigint) ORDER BY e.seq DESC LIMIT $8::integer + 1";
    cs_db_param_t params[AUDIT_PARAMS + 2];
    cs_db_result_t *result;
    apr_status_t rv;

    filter_params(params, filter);
    params[AUDIT_PARAMS] = CS_DB_TEXT(apr_psprintf(pool, "%" APR_INT64_T_FMT, before));
    params[AUDIT_PARAMS + 1] = CS_DB_TEXT(apr_itoa(pool, limit));
    rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, AUDIT_PARAMS + 2, params, pool);

    *entries = NULL;
    *next = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *entries = json_array();
    for (int i = 0; i < cs_db_rows(result) && i < limit; i++) {
        json_array_append_new(*entries, cs_db_row_json(result, i));
    }
    if (cs_db_rows(result) > limit) {
        *next = cs_db_int(result, limit - 1, 0, 0);
    }
    return APR_SUCCESS;
}

/* --- all of them --- */

typedef struct {
    const char *sql;
    int count;
    const cs_db_param_t *params;
    cs_db_row_cb *row;
    apr_status_t (*flush)(void *baton);
    void *baton;
} walk_t;

static apr_status_t walk(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    const walk_t *work = baton;

    return cs_db_tx_walk(tx, work->sql, work->count, work->params, 1000, work->row, work->flush, work->baton, pool);
}

apr_status_t cs_audit_export(cs_db_t *db, const cs_audit_filter_t *filter, const cs_audit_entry_t *entry,
                             cs_db_row_cb *row, apr_status_t (*flush)(void *baton), void *baton, apr_pool_t *pool)
{
    static const char sql[] = "SELECT row_to_json(x)::text FROM (SELECT e.seq, chatsession.rfc3339(e.at) AS at,"
                              " e.operator, e.role, e.action, e.conversation_id, e.target_user, e.reason, e.detail,"
                              " host(e.network) AS network, e.request_id, e.key_id, encode(e.mac, 'hex') AS seal"
                              " FROM chatsession.audit_entries e WHERE" AUDIT_FILTER " ORDER BY e.seq) x";
    cs_db_param_t params[AUDIT_PARAMS];
    walk_t work = {sql, AUDIT_PARAMS, params, row, flush, baton};
    apr_status_t rv = cs_audit_write(db, entry, pool);

    filter_params(params, filter);
    return rv == APR_SUCCESS ? cs_db_transaction(db, CS_DB_ONCE, walk, &work, pool) : rv;
}

apr_status_t cs_audit_head(apr_int64_t *seq, const char **seal_hex, cs_db_t *db, apr_pool_t *pool)
{
    static const char sql[] = "SELECT e.seq, encode(e.mac, 'hex') FROM chatsession.audit_entries e"
                              " WHERE e.mac IS NOT NULL ORDER BY e.seq DESC LIMIT 1";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 0, NULL, pool);
    const bool found = rv == APR_SUCCESS && cs_db_rows(result);

    *seq = found ? cs_db_int(result, 0, 0, 0) : 0;
    *seal_hex = found ? cs_db_text(result, 0, 1, NULL) : NULL;
    return rv;
}

apr_status_t cs_audit_last_key(const char **key_id, cs_db_t *db, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT e.key_id FROM chatsession.audit_entries e WHERE e.mac IS NOT NULL ORDER BY e.seq DESC LIMIT 1";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 0, NULL, pool);

    *key_id = rv == APR_SUCCESS && cs_db_rows(result) ? cs_db_text(result, 0, 0, NULL) : NULL;
    return rv;
}

/* --- verifying --- */

#define MAX_PROBLEMS 20

typedef struct {
    const cs_audit_key_t *keys;
    apr_pool_t *pool; /* cleared after each row */
    char before[CS_AUDIT_SEAL_HEX + 1];
    apr_int64_t entries, sealed, unsealed_before, head, problems;
    apr_int64_t anchor;      /* 0: none */
    const char *anchor_seal; /* its seal, or the beginning of it */
    bool anchored;
    json_t *list;
} verify_t;

static void problem(verify_t *work, apr_int64_t seq, const char *what)
{
    if (work->problems++ < MAX_PROBLEMS) {
        json_array_append_new(work->list, json_pack("{s:I,s:s}", "seq", (json_int_t)seq, "problem", what));
    }
}

/* What is wrong with an entry that stands where it stands; NULL: nothing. */
static const char *judge(const verify_t *work, const char *key_id, const char *stored, const char *text, apr_size_t len)
{
    const cs_audit_key_t *key = cs_audit_key_find(work->keys, key_id);
    char wanted[CS_AUDIT_SEAL_HEX + 1];

    if (!key) {
        return "unknown_key";
    }
    return cs_audit_seal(wanted, key, work->before, text, len, work->pool) == APR_SUCCESS && !strcmp(wanted, stored)
               ? NULL
               : "altered";
}

/* "SEQ KEY SEAL TEXT", KEY and SEAL "-" where there is none. */
static apr_status_t look_at(void *baton, const char *line, apr_size_t line_len)
{
    verify_t *work = baton;
    const apr_int64_t seq = apr_atoi64(line);
    const char *key = strchr(line, ' ') + 1;
    const char *stored = strchr(key, ' ') + 1;
    const char *text = strchr(stored, ' ') + 1;
    const char *key_id = apr_pstrmemdup(work->pool, key, (apr_size_t)(stored - key - 1));
    const char *stored_hex = apr_pstrmemdup(work->pool, stored, (apr_size_t)(text - stored - 1));
    const char *what;

    work->entries++;
    if (!strcmp(key_id, "-")) {
        if (work->sealed) {
            problem(work, seq, "unsealed");
        } else {
            work->unsealed_before++;
        }
        apr_pool_clear(work->pool);
        return APR_SUCCESS;
    }
    work->sealed++;
    what = judge(work, key_id, stored_hex, text, line_len - (apr_size_t)(text - line));
    if (what) {
        problem(work, seq, what);
    }
    if (seq == work->anchor) {
        work->anchored = !strncmp(stored_hex, work->anchor_seal, strlen(work->anchor_seal));
    }
    work->head = seq;
    apr_cpystrn(work->before, stored_hex, sizeof(work->before));
    apr_pool_clear(work->pool);
    return APR_SUCCESS;
}

static apr_status_t read_anchor(verify_t *work, const char *anchor)
{
    const char *colon = anchor ? strchr(anchor, ':') : NULL;
    const apr_size_t digits = anchor ? strspn(anchor, "0123456789") : 0;

    if (!anchor) {
        return APR_SUCCESS;
    }
    if (!colon || digits == 0 || digits > 18 || anchor + digits != colon ||
        strspn(colon + 1, "0123456789abcdef") != strlen(colon + 1) || strlen(colon + 1) < 16 ||
        strlen(colon + 1) > CS_AUDIT_SEAL_HEX) {
        return CS_EMALFORMED;
    }
    work->anchor = apr_atoi64(anchor);
    work->anchor_seal = colon + 1;
    return APR_SUCCESS;
}

static json_t *verdict(verify_t *work)
{
    if (work->anchor && !work->anchored) {
        problem(work, work->anchor, "missing");
    }
    return json_pack("{s:b,s:I,s:I,s:I,s:o,s:I,s:o}", "ok", work->problems == 0, "entries", (json_int_t)work->entries,
                     "sealed", (json_int_t)work->sealed, "unsealed_before", (json_int_t)work->unsealed_before,
                     "problems", work->list, "problem_count", (json_int_t)work->problems, "head",
                     work->sealed ? json_pack("{s:I,s:s}", "seq", (json_int_t)work->head, "seal", work->before)
                                  : json_null());
}

apr_status_t cs_audit_verify(json_t **report, cs_db_t *db, const cs_audit_key_t *keys, const char *anchor,
                             apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT e.seq || ' ' || coalesce(e.key_id, '-') || ' ' || coalesce(encode(e.mac, 'hex'), '-') || ' ' ||"
        " chatsession.audit_text(e.seq, e.at, e.operator, e.role, e.action, e.conversation_id, e.target_user, e.reason,"
        " e.detail, e.network, e.request_id) FROM chatsession.audit_entries e ORDER BY e.seq";
    verify_t work = {.keys = keys};
    walk_t all = {.sql = sql, .row = look_at, .baton = &work};
    apr_status_t rv = read_anchor(&work, anchor);

    *report = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    work.list = json_array();
    apr_pool_create(&work.pool, pool);
    rv = cs_db_transaction(db, CS_DB_ONCE, walk, &all, pool);
    if (rv == APR_SUCCESS) {
        *report = verdict(&work);
    } else {
        json_decref(work.list);
    }
    apr_pool_destroy(work.pool);
    return rv;
}
