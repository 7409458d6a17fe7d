/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include <apr_strings.h>
#include "store/search.h"

apr_int64_t cs_search_plan_rows(const cs_db_result_t *explained)
{
    const char *text = cs_db_rows(explained) ? cs_db_text(explained, 0, 0, NULL) : NULL;
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *plan = json_object_get(json_array_get(json, 0), "Plan");
    const apr_int64_t rows = (apr_int64_t)json_number_value(json_object_get(plan, "Plan Rows"));

    json_decref(json);
    return rows;
}

/* About the words of a query one by one: those of more messages than this are left to the texts, unless all are. The
 * first words only: a longer query is narrow by them. */
#define LEAD_ROWS 100000
#define LEAD_WORDS 8

/* Given word by word and not as one query: "all of them" says nothing of each. Words without anything that the index
 * knows match nothing here: 0 rows. */
static apr_status_t plan_lead(cs_search_t *how, cs_db_tx_t *tx, const char *query, apr_int64_t words, apr_pool_t *pool)
{
    static const char sql[] = "EXPLAIN (FORMAT JSON) SELECT FROM chatsession.messages h WHERE " CS_SEARCH_INDEXED(
        "h") " AND chatsession.search_terms(h.content) @@"
             " chatsession.search_query((chatsession.search_words($1::text))[$2::integer])";
    bool common = false;

    for (int i = 0; i < words; i++) {
        const cs_db_param_t params[] = {CS_DB_TEXT(query), CS_DB_TEXT(apr_itoa(pool, i + 1))};
        cs_db_result_t *result;
        const apr_status_t rv = cs_db_tx_run(&result, tx, sql, 2, params, pool);
        apr_int64_t rows;

        if (rv != APR_SUCCESS) {
            return rv;
        }
        rows = cs_search_plan_rows(result);
        common |= rows > LEAD_ROWS;
        if (rows > 0 && rows <= LEAD_ROWS) {
            how->lead |= 1U << i;
        }
    }
    if (!common) {
        how->lead = 0;
    }
    return APR_SUCCESS;
}

static const char *lead_sql(const cs_search_t *how, const char *query, apr_pool_t *pool)
{
    const char *sql = NULL;

    for (int i = 0; i < LEAD_WORDS; i++) {
        if (how->lead & 1U << i) {
            sql = apr_psprintf(pool, "%s%schatsession.search_query((chatsession.search_words(%s::text))[%d])",
                               sql ? sql : "", sql ? " && " : "", query, i + 1);
        }
    }
    return sql ? sql : apr_pstrcat(pool, "chatsession.search_query(", query, "::text)", NULL);
}

/* The index's answer, and, where it was not asked for all of them, the rest of the words in the texts. */
static const char *match_sql(const cs_search_t *how, const char *column, const char *query, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "chatsession.search_terms(", column, ") @@ (", lead_sql(how, query, pool), ") AND ",
                       column, " ILIKE ALL (chatsession.search_patterns(", query, "::text))",
                       how->lead ? apr_pstrcat(pool, " AND (chatsession.search_terms(", column,
                                               ") @@ chatsession.search_query(", query, "::text)) IS TRUE", NULL)
                                 : "",
                       NULL);
}

const char *cs_search_conversations(const cs_search_t *how, const char *query, apr_pool_t *pool)
{
    return apr_pstrcat(pool,
                       "c.id = ANY (ARRAY(SELECT h.conversation_id FROM chatsession.messages h "
                       "WHERE " CS_SEARCH_INDEXED("h") " AND ",
                       match_sql(how, "h.content", query, pool),
                       " UNION SELECT t.id FROM chatsession.conversations t WHERE t.title IS NOT NULL AND ",
                       match_sql(how, "t.title", query, pool), "))", NULL);
}

apr_status_t cs_search_plan(cs_search_t *how, cs_db_tx_t *tx, const char *query, apr_pool_t *pool)
{
    static const char known[] =
        "SELECT b.done_at IS NOT NULL AND chatsession.search_query($1::text) IS NOT NULL,"
        " least(cardinality(chatsession.search_words($1::text)), 8) FROM chatsession.search_backlog b";
    const cs_db_param_t params[] = {CS_DB_TEXT(query)};
    cs_db_result_t *result;
    apr_int64_t words;
    apr_status_t rv = cs_db_tx_run(&result, tx, known, 1, params, pool);

    *how = (cs_search_t){.indexed = false};
    if (rv != APR_SUCCESS || !cs_db_bool(result, 0, 0)) {
        return rv;
    }
    how->indexed = true;
    words = cs_db_int(result, 0, 1, 1);
    if (words > 1) {
        rv = plan_lead(how, tx, query, words, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_tx_run(&result, tx,
                          apr_pstrcat(pool,
                                      "EXPLAIN (FORMAT JSON) SELECT FROM chatsession.messages h "
                                      "WHERE " CS_SEARCH_INDEXED("h") " AND chatsession.search_terms(h.content) @@ (",
                                      lead_sql(how, "$1", pool), ")", NULL),
                          1, params, pool);
    }
    if (rv == APR_SUCCESS) {
        how->rows = cs_search_plan_rows(result);
    }
    return rv;
}

apr_status_t cs_search_catch_up(apr_int64_t *seen, cs_db_t *db, int batch, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(apr_itoa(pool, batch))};
    cs_db_result_t *result;
    apr_status_t rv =
        cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT chatsession.search_catch_up($1::integer)", 1, params, pool);

    *seen = rv == APR_SUCCESS ? cs_db_int(result, 0, 0, 0) : 0;
    return rv;
}
