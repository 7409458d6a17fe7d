/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A page of the operators' list of conversations. */
#include <apr_strings.h>
#include "store/console.h"
#include "store/console_filter.h"
#include "store/console_order.h"
#include "store/keyset.h"
#include "store/search.h"

typedef struct {
    const cs_console_list_t *list;
    const cs_console_order_t *order;
    cs_console_cursor_t place;
    const cs_audit_entry_t *entry;
    cs_db_result_t *result;
    apr_int64_t estimate;
    apr_pool_t *pool; /* of the result */
} page_t;

#define PARAMS (CS_CONSOLE_PARAMS + 5)

/* clang-format off */
/* The page is found first; what is shown of its rows is looked up for them alone. */
static const char page_begins[] =
    "SELECT c.id, CASE WHEN $17::boolean THEN c.title END AS title, u.name AS user, c.created_at, c.updated_at,"
    " c.message_count, " CS_CONSOLE_STATE ", c.trashed_at, c.purge_at, " CS_CONSOLE_HELD " AS held, c.pinned, c.archived,"
    " array_to_json(c.tags) AS tags, coalesce(a.models, '[]') AS models, a.not_whole, a.tokens, f.up, f.down,"
    " CASE WHEN $17::boolean THEN (SELECT ";
static const char page_goes_on[] =
    " AS next FROM (SELECT c.*, u.canonical_name FROM chatsession.conversations c JOIN chatsession.users u ON u.id = c.user_id WHERE ";
static const char page_ends[] =
    ") c JOIN chatsession.users u ON u.id = c.user_id"
    " CROSS JOIN LATERAL (SELECT json_agg(DISTINCT m.model) FILTER (WHERE m.model IS NOT NULL) AS models,"
    "   count(*) FILTER (WHERE m.status NOT IN ('complete', 'streaming')) AS not_whole,"
    "   coalesce(sum(CASE WHEN m.usage ? 'total_tokens' THEN chatsession.tokens_of(m.usage, '') END), 0)::bigint AS tokens"
    "   FROM chatsession.messages m WHERE m.conversation_id = c.id) a"
    " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE f.rating = 1) AS up, count(*) FILTER (WHERE f.rating = -1) AS down"
    "   FROM chatsession.messages m JOIN chatsession.feedback f ON f.message_id = m.id WHERE m.conversation_id = c.id) f"
    " ORDER BY ";
static const char snippet[] =
    CS_SEARCH_SNIPPET("m.content", "$4") " FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.content <> '' AND "
    CS_SEARCH_READ("m.content", "$4") " ORDER BY m.seq LIMIT 1";
/* clang-format on */

static void page_params(cs_db_param_t *params, const page_t *page, apr_pool_t *pool)
{
    cs_console_params(params, &page->list->filter);
    params[CS_CONSOLE_PARAMS] = CS_DB_TEXT(page->place.text);
    params[CS_CONSOLE_PARAMS + 1] = CS_DB_TEXT(page->place.number);
    params[CS_CONSOLE_PARAMS + 2] = CS_DB_TEXT(page->place.id);
    params[CS_CONSOLE_PARAMS + 3] = CS_DB_TEXT(page->list->content ? "true" : "false");
    params[CS_CONSOLE_PARAMS + 4] = CS_DB_TEXT(apr_itoa(pool, page->list->limit));
}

static const char *page_sql(const page_t *page, const cs_search_t *search, apr_pool_t *pool)
{
    const cs_console_order_t *order = page->order;
    const char *by = order->by[page->list->descending];

    return apr_pstrcat(pool, page_begins, page->list->filter.query ? snippet : "NULL", ") END AS snippet, ", order->key,
                       " || '_' || c.id", page_goes_on, cs_console_where(&page->list->filter, search, pool),
                       " AND ($14::text IS NULL OR true) AND ($15::text IS NULL OR true) AND ($16::text IS NULL OR "
                       "true)",
                       page->place.id ? " AND " : "", page->place.id ? order->after[page->list->descending] : "",
                       " ORDER BY ", by, " LIMIT $18::integer + 1", page_ends, by, NULL);
}

/* How many match, by PostgreSQL's statistics: for the first page of a list that has more. */
static apr_status_t estimate(page_t *page, cs_db_tx_t *tx, const cs_search_t *search, apr_pool_t *pool)
{
    cs_db_param_t params[CS_CONSOLE_PARAMS];
    cs_db_result_t *result;
    apr_status_t rv;

    cs_console_params(params, &page->list->filter);
    rv = cs_db_tx_run(&result, tx,
                      apr_pstrcat(pool, "EXPLAIN (FORMAT JSON) SELECT FROM chatsession.conversations c WHERE ",
                                  cs_console_where(&page->list->filter, search, pool), NULL),
                      CS_CONSOLE_PARAMS, params, pool);
    if (rv == APR_SUCCESS) {
        page->estimate = cs_search_plan_rows(result);
    }
    return rv;
}

static apr_status_t find_page(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    page_t *page = baton;
    cs_db_param_t params[PARAMS];
    cs_search_t search;
    apr_status_t rv = cs_console_plan(&search, tx, &page->list->filter, true, pool);

    if (rv == APR_SUCCESS) {
        page_params(params, page, pool);
        rv = cs_db_tx_run(&page->result, tx, page_sql(page, &search, pool), PARAMS, params, page->pool);
    }
    if (rv == APR_SUCCESS && !page->place.id && cs_db_rows(page->result) > page->list->limit) {
        rv = estimate(page, tx, &search, pool);
    }
    return rv == APR_SUCCESS && page->entry ? cs_audit_add(tx, page->entry, pool) : rv;
}

apr_status_t cs_console_list(cs_console_page_t *found, cs_db_t *db, const cs_console_list_t *list,
                             const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    page_t page = {.list = list, .order = cs_console_order(list->sort), .entry = entry, .pool = pool, .estimate = -1};
    apr_status_t rv;

    *found = (cs_console_page_t){NULL, NULL, -1};
    if (!page.order) {
        return CS_EMALFORMED;
    }
    rv = cs_console_cursor_parse(&page.place, page.order, list->after, pool);
    if (rv == APR_SUCCESS) {
        rv = cs_db_transaction(db, CS_DB_REPEATABLE, find_page, &page, pool);
    }
    if (rv == APR_SUCCESS) {
        found->conversations = cs_keyset_page(&found->next, page.result, list->limit, pool);
        found->estimate = page.place.id ? -1
                          : found->next ? page.estimate
                                        : (apr_int64_t)json_array_size(found->conversations);
    }
    return rv;
}
