/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/retention.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"
#include "store/user.h"

/* A count over everything is asked for seldom and by one person; it may take longer than a page of a list. */
#define LONG_COUNT "SET LOCAL statement_timeout = '2min'"

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

const char *cs_retention_rule_problem(const cs_retention_rule_t *rule)
{
    static const char *const subjects[] = {"tag", "user", "model", "role", "everyone", NULL};
    static const char *const clocks[] = {"age", "idle", NULL};

    if (!is_one_of(rule->subject, subjects)) {
        return "subject is none of tag, user, model, role, everyone.";
    }
    if (!is_one_of(rule->clock, clocks)) {
        return "clock is none of age, idle.";
    }
    if (!strcmp(rule->subject, "everyone") ? rule->value != NULL : rule->value == NULL) {
        return "value is the tag, user, model or role that the rule is for; a rule for everyone has none.";
    }
    if (!strcmp(rule->subject, "role") && !cs_user_is_role(rule->value)) {
        return "value is none of user, viewer, auditor, operator, admin.";
    }
    return NULL;
}

static const char show_rules[] =
    "SELECT r.id, r.subject, coalesce(r.value, u.name) AS value, r.clock, r.keep_days, r.pinned_too, r.changed_at,"
    " r.changed_by FROM chatsession.retention_rules r LEFT JOIN chatsession.users u ON u.id = r.user_id"
    " ORDER BY chatsession.retention_rank(r.subject), coalesce(r.value, u.canonical_name)";

apr_status_t cs_retention_list(json_t **rules, cs_db_t *db, apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, show_rules, 0, NULL, pool);

    *rules = rv == APR_SUCCESS ? cs_db_rows_json(result) : NULL;
    return rv;
}

typedef struct {
    const cs_retention_change_t *change;
    apr_int64_t confirm;
    const cs_audit_entry_t *entry; /* NULL: only count */
    bool counted;
    cs_retention_count_t *count;
    cs_db_result_t *rules; /* as they are then */
    apr_pool_t *pool;
} work_t;

/* The rule as the schema's functions take it; NULL for none. CS_EREFUSED: nobody has that name. */
static apr_status_t draft(const char **text, cs_db_tx_t *tx, const cs_retention_rule_t *rule, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT jsonb_strip_nulls(jsonb_build_object('subject', $1::text, 'value', CASE WHEN $1::text <> 'user' THEN "
        "$2::text END, 'user_id', u.id, 'clock', $3::text, 'keep_days', $4::integer, 'pinned_too', $5::boolean)),"
        " $1::text = 'user' AND u.id IS NULL FROM (SELECT) AS one LEFT JOIN chatsession.users u"
        "   ON $1::text = 'user' AND u.canonical_name = chatsession.canonical_name($2::text)";
    cs_db_result_t *result;
    apr_status_t rv;

    *text = NULL;
    if (!rule) {
        return APR_SUCCESS;
    }
    {
        const cs_db_param_t params[] = {CS_DB_TEXT(rule->subject), CS_DB_TEXT(rule->value), CS_DB_TEXT(rule->clock),
                                        CS_DB_TEXT(rule->keep_days), CS_DB_TEXT(rule->pinned_too ? "true" : "false")};
        rv = cs_db_tx_run(&result, tx, sql, 5, params, pool);
    }
    if (rv == APR_SUCCESS && cs_db_bool(result, 0, 1)) {
        return CS_EREFUSED;
    }
    *text = rv == APR_SUCCESS ? cs_db_text(result, 0, 0, NULL) : NULL;
    return rv;
}

static apr_status_t count_due(cs_retention_count_t *count, cs_db_tx_t *tx, const char *text, const char *replaces,
                              apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT count(*) FILTER (WHERE NOT f.held), coalesce(sum(f.message_count) FILTER (WHERE NOT f.held), "
        "0)::bigint,"
        " count(*) FILTER (WHERE f.held), chatsession.rfc3339(min(f.created_at) FILTER (WHERE NOT f.held))"
        " FROM (SELECT c.message_count, c.created_at,"
        "   c.user_id IN (SELECT h.user_id FROM chatsession.held_users h)"
        "   OR c.id IN (SELECT h.conversation_id FROM chatsession.held_conversations h) AS held"
        "   FROM chatsession.retention_due($1::jsonb, $2::uuid, NULL, NULL) d"
        "   JOIN chatsession.conversations c ON c.id = d.id WHERE d.due_at <= now()) f";
    const cs_db_param_t params[] = {CS_DB_TEXT(text), CS_DB_TEXT(replaces)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, LONG_COUNT, 0, NULL, pool);

    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);
    }
    if (rv == APR_SUCCESS) {
        *count = (cs_retention_count_t){cs_db_int(result, 0, 0, 0), cs_db_int(result, 0, 1, 0),
                                        cs_db_int(result, 0, 2, 0), cs_db_text(result, 0, 3, NULL)};
    }
    return rv;
}

/* Put the change into the table; APR_ENOENT: there is no rule to replace. */
static apr_status_t apply(cs_db_tx_t *tx, const work_t *work, const char *text, apr_pool_t *pool)
{
    static const char add[] =
        "INSERT INTO chatsession.retention_rules (subject, value, user_id, clock, keep_days, pinned_too, changed_by)"
        " SELECT d.subject, d.value, d.user_id, d.clock, d.keep_days, coalesce(d.pinned_too, false), $3"
        " FROM jsonb_to_record($1::jsonb) AS d(subject text, value text, user_id uuid, clock text, keep_days integer,"
        "   pinned_too boolean) WHERE $2::uuid IS NULL";
    static const char replace[] =
        "UPDATE chatsession.retention_rules r SET subject = d.subject, value = d.value, user_id = d.user_id,"
        " clock = d.clock, keep_days = d.keep_days, pinned_too = coalesce(d.pinned_too, false), changed_by = $3,"
        " changed_at = now() FROM jsonb_to_record($1::jsonb) AS d(subject text, value text, user_id uuid, clock text,"
        "   keep_days integer, pinned_too boolean) WHERE r.id = $2::uuid";
    static const char take[] = "DELETE FROM chatsession.retention_rules WHERE id = $2::uuid AND $1::jsonb IS NULL"
                               " AND $3::text IS NOT NULL";
    const char *replaces = work->change->replaces;
    const cs_db_param_t params[] = {CS_DB_TEXT(text), CS_DB_TEXT(replaces), CS_DB_TEXT(work->entry->operator_name)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, !text ? take : replaces ? replace : add, 3, params, pool);

    return rv == APR_SUCCESS && !cs_db_affected(result) ? APR_ENOENT : rv;
}

static apr_status_t record(cs_db_tx_t *tx, const work_t *work, const char *text, apr_pool_t *pool)
{
    cs_audit_entry_t entry = *work->entry;
    json_t *detail = cs_json_own(json_pack("{s:I,s:s*}", "conversations", (json_int_t)work->count->conversations,
                                           "replaces", work->change->replaces),
                                 pool);

    if (text) {
        json_object_set_new(detail, "rule", json_loads(text, 0, NULL));
    }
    entry.detail = detail;
    return cs_audit_add(tx, &entry, pool);
}

static apr_status_t change(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    /* Two changes at once: each is counted with the other's rules. */
    static const char lock[] = "LOCK TABLE chatsession.retention_rules IN SHARE ROW EXCLUSIVE MODE";
    work_t *work = baton;
    cs_db_result_t *result;
    const char *text;
    apr_status_t rv = work->entry ? cs_db_tx_run(&result, tx, lock, 0, NULL, pool) : APR_SUCCESS;

    if (rv == APR_SUCCESS) {
        rv = draft(&text, tx, work->change->rule, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = count_due(work->count, tx, text, work->change->replaces, work->pool);
    }
    if (rv != APR_SUCCESS || !work->entry) {
        return rv;
    }
    work->counted = work->count->conversations == work->confirm;
    if (!work->counted) {
        return APR_SUCCESS;
    }
    rv = apply(tx, work, text, pool);
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&work->rules, tx, show_rules, 0, NULL, work->pool);
    }
    return rv == APR_SUCCESS ? record(tx, work, text, pool) : rv;
}

apr_status_t cs_retention_preview(cs_retention_count_t *count, cs_db_t *db, const cs_retention_change_t *wanted,
                                  apr_pool_t *pool)
{
    work_t work = {.change = wanted, .count = count, .pool = pool};

    *count = (cs_retention_count_t){0};
    return cs_db_transaction(db, CS_DB_REPEATABLE, change, &work, pool);
}

apr_status_t cs_retention_change(json_t **rules, cs_retention_count_t *count, cs_db_t *db,
                                 const cs_retention_change_t *wanted, apr_int64_t confirm,
                                 const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    work_t work = {.change = wanted, .confirm = confirm, .entry = entry, .count = count, .pool = pool};
    apr_status_t rv;

    *count = (cs_retention_count_t){0};
    rv = cs_db_transaction(db, CS_DB_ONCE, change, &work, pool);
    *rules = rv == APR_SUCCESS && work.counted ? cs_db_rows_json(work.rules) : NULL;
    return rv;
}

apr_status_t cs_retention_explain(json_t **answer, cs_db_t *db, const char *id, apr_pool_t *pool)
{
    /* Words for what the numbers say; the first that holds. */
    static const char sql[] =
        "SELECT c.id, CASE WHEN h.holds IS NOT NULL THEN 'held' WHEN c.trashed_at IS NOT NULL THEN 'trashed'"
        "   WHEN r.rule IS NULL THEN 'no_rule' WHEN r.rule->'keep_days' = 'null' THEN 'kept_for_ever'"
        "   WHEN r.rule->'due_at' = 'null' THEN 'pinned' ELSE 'due' END AS verdict,"
        " coalesce(h.holds, '[]') AS holds, c.pinned, array_to_json(c.tags) AS tags, c.trashed_at, c.trashed_by,"
        " c.purge_at, CASE WHEN c.trashed_at IS NULL THEN r.rule->>'due_at' END AS due_at, r.rule,"
        " coalesce(r.rules, '[]') AS rules"
        " FROM chatsession.conversations c"
        " CROSS JOIN LATERAL (SELECT json_agg(json_build_object('id', m.id, 'name', m.name) ORDER BY m.created_at, "
        "m.id)"
        "   AS holds FROM chatsession.matters m WHERE m.released_at IS NULL AND (EXISTS (SELECT FROM"
        "   chatsession.matter_custodians k WHERE k.matter_id = m.id AND k.user_id = c.user_id) OR EXISTS (SELECT FROM"
        "   chatsession.matter_conversations k WHERE k.matter_id = m.id AND k.conversation_id = c.id))) h"
        " CROSS JOIN LATERAL (SELECT jsonb_agg(x.rule ORDER BY x.rank, x.due DESC) AS rules,"
        "   (jsonb_agg(x.rule ORDER BY x.rank, x.due DESC))->0 AS rule FROM ("
        "     SELECT q.rank, q.due, jsonb_build_object('id', q.id, 'subject', q.subject, 'value', CASE q.subject WHEN "
        "'user' "
        "THEN q.name ELSE q.value END, 'clock', q.clock, 'keep_days', q.keep_days, 'pinned_too', q.pinned_too, "
        "'due_at',"
        "       CASE WHEN isfinite(q.due) THEN chatsession.rfc3339(q.due) END) AS rule FROM ("
        "       SELECT r.*, u.name, chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due"
        "       FROM chatsession.retention_rules_with(NULL, NULL) r JOIN chatsession.users u ON u.id = c.user_id"
        "       WHERE CASE r.subject WHEN 'model' THEN EXISTS (SELECT FROM chatsession.messages m"
        "         WHERE m.conversation_id = c.id AND m.model = r.value)"
        "       ELSE chatsession.retention_applies(c, u.role, r.subject, r.value, r.user_id) END) q) x) r"
        " WHERE c.id = $1::uuid";
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};

    return cs_db_run_row(answer, db, CS_DB_REPEATABLE, sql, 1, params, pool);
}
