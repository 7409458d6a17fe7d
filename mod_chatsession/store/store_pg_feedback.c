/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/feedback.h"
#include <apr_strings.h>
#include <string.h>
#include "store/keyset.h"

/* clang-format off */
/* In words of its own each, so that the index of that kind serves. */
static const struct {
    const char *kind, *condition;
} kinds[] = {{"any", ""}, {"up", " AND f.rating = 1"}, {"down", " AND f.rating = -1"}, {"comment", " AND f.comment IS NOT NULL"}};

/* The page is found first; what is shown of its rows is looked up for them alone. */
static const char begins[] =
    "SELECT f.at, f.rating, f.comment, f.form, f.message_id, c.id AS conversation_id, c.title, u.name AS user, a.model,"
    " left(q.content, 300) AS question, left(a.content, 300) AS answer, c.trashed_at IS NOT NULL AS trashed,"
    " chatsession.usec(f.at) || '_' || f.message_id AS next"
    " FROM (SELECT f.* FROM chatsession.feedback f"
    "   WHERE ($1::bigint IS NULL OR (f.at, f.message_id) < (to_timestamp(0) + $1::bigint * interval '1 microsecond', $2::uuid))"
    "   AND ($3::timestamptz IS NULL OR f.at >= $3::timestamptz) AND ($4::timestamptz IS NULL OR f.at < $4::timestamptz)"
    "   AND ($5::text IS NULL OR true) AND ($6::text IS NULL OR true)";
/* Conditions of their own, so that the planner may begin with the user's conversations. */
static const char of_user[] =
    "   AND f.conversation_id IN (SELECT c.id FROM chatsession.conversations c JOIN chatsession.users u ON u.id = c.user_id"
    "     WHERE u.canonical_name = chatsession.canonical_name($5::text))";
static const char of_model[] =
    "   AND EXISTS (SELECT FROM chatsession.messages m WHERE m.id = f.message_id AND m.model = $6::text)";
static const char ends[] =
    "   ORDER BY f.at DESC, f.message_id DESC LIMIT $7::integer + 1) f"
    " JOIN chatsession.messages a ON a.id = f.message_id LEFT JOIN chatsession.messages q ON q.id = a.parent_id"
    " JOIN chatsession.conversations c ON c.id = f.conversation_id JOIN chatsession.users u ON u.id = c.user_id"
    " ORDER BY f.at DESC, f.message_id DESC";
/* clang-format on */
#define PARAMS 7

typedef struct {
    const char *sql;
    const cs_db_param_t *params;
    const cs_audit_entry_t *entry;
    cs_db_result_t *result;
    apr_pool_t *pool; /* of the result */
} page_t;

static apr_status_t find_page(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    page_t *page = baton;
    apr_status_t rv = cs_db_tx_run(&page->result, tx, page->sql, PARAMS, page->params, page->pool);

    return rv == APR_SUCCESS ? cs_audit_add(tx, page->entry, pool) : rv;
}

static const char *condition_of(const char *kind)
{
    apr_size_t i = 0;

    while (kind && i < sizeof(kinds) / sizeof(kinds[0]) - 1 && strcmp(kind, kinds[i].kind) != 0) {
        i++;
    }
    return kinds[i].condition;
}

apr_status_t cs_feedback_list(json_t **feedback, const char **next, cs_db_t *db, const cs_feedback_filter_t *filter,
                              const char *after, int limit, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    cs_keyset_t place;
    apr_status_t rv = cs_keyset_parse(&place, after, pool);

    *feedback = NULL;
    *next = NULL;
    if (rv == APR_SUCCESS) {
        const cs_db_param_t params[PARAMS] = {CS_DB_TEXT(place.time),           CS_DB_TEXT(place.id),
                                              CS_DB_TEXT(filter->from),         CS_DB_TEXT(filter->to),
                                              CS_DB_TEXT(filter->user),         CS_DB_TEXT(filter->model),
                                              CS_DB_TEXT(apr_itoa(pool, limit))};
        page_t page = {.sql = apr_pstrcat(pool, begins, condition_of(filter->kind), filter->user ? of_user : "",
                                          filter->model ? of_model : "", ends, NULL),
                       .params = params,
                       .entry = entry,
                       .pool = pool};

        rv = cs_db_transaction(db, CS_DB_REPEATABLE, find_page, &page, pool);
        *feedback = rv == APR_SUCCESS ? cs_keyset_page(next, page.result, limit, pool) : NULL;
    }
    return rv;
}
