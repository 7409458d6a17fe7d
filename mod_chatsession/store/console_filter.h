/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_CONSOLE_FILTER_H
#define CS_STORE_CONSOLE_FILTER_H
/*
 * The operators' filter as SQL. A statement is put together of fixed fragments, one for each part of the filter that is
 * given, so that the planner sees semi-joins where a part names few conversations; values are always parameters, and
 * every statement has all of them: $1 to $CS_CONSOLE_PARAMS.
 */
#include "store/console.h"
#include "store/search.h"

#define CS_CONSOLE_PARAMS 13

/** Is it kept by a matter that is open, over chatsession.conversations c? Subselects that stand alone are looked up
 * once a statement, not once a row. */
#define CS_CONSOLE_HELD                                                                                                \
    "(c.user_id IN (SELECT h.user_id FROM chatsession.held_users h)"                                                   \
    "   OR c.id IN (SELECT h.conversation_id FROM chatsession.held_conversations h))"

#define CS_CONSOLE_STATE "CASE WHEN c.trashed_at IS NULL THEN 'active' ELSE 'trashed' END AS state"

/** What matches, over chatsession.conversations c, in brackets. search: NULL or not indexed, and words are looked for
 * in the texts in the order of the list until a page is full, which is quicker for words that are everywhere. */
const char *cs_console_where(const cs_console_filter_t *filter, const cs_search_t *search, apr_pool_t *pool);

/** The first CS_CONSOLE_PARAMS parameters of such a statement. */
void cs_console_params(cs_db_param_t *params, const cs_console_filter_t *filter);

/** How to search; not indexed: by looking. page: only as many rows as a page has are wanted. A filter without words
 * costs no statement. */
apr_status_t cs_console_plan(cs_search_t *search, cs_db_tx_t *tx, const cs_console_filter_t *filter, bool page,
                             apr_pool_t *pool) CS_MUSTCHECK;

#endif
