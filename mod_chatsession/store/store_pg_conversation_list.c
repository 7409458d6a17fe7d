/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The user's list of conversations, which each page asks for when it is opened, and the search in it.
 *
 * The plain list is one of sixteen statements, by state, by whether it goes on after a row and by whether a label is
 * asked for. Each is written out, so that PostgreSQL sees which index has its rows in their order, and prepared:
 * planning took four times as long as reading.
 *
 * To be planned once, a statement must also look no dearer without its values than with them. Of a limit that it does
 * not know PostgreSQL expects a tenth of what there is: of a user's thousand more rows than a page has, and so each
 * page was planned anew. The longest page is therefore written in, and the limit that was asked for stands outside.
 */
#include <apr_strings.h>
#include "store/columns.h"
#include "store/conversation.h"
#include "store/keyset.h"
#include "store/search.h"

/* Where CS_CONVERSATION_COLUMNS has what the cursor is made of. */
enum { ID = 0, UPDATED_AT = 3, PINNED = 4 };

/* clang-format off */
#define OF_USER " WHERE c.user_id = $1::uuid AND c.temporary_until IS NULL AND "
#define ORDERED " ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC LIMIT "
#define LONGEST APR_STRINGIFY(CS_CONVERSATION_LIST_MAX) " + 1"
#define ASKED_FOR "$2::integer + 1"
#define PAST(pinned, time, id) "(c.pinned, c.updated_at, c.id) <" \
    " (" pinned "::boolean, to_timestamp(0) + " time "::bigint * interval '1 microsecond', " id "::uuid)"
#define LABELLED(label) " AND c.labels <> '{}' AND c.labels @> ARRAY[" label "::text]"

#define LIST(state, more) \
    "SELECT * FROM (SELECT " CS_CONVERSATION_COLUMNS ", NULL::text AS snippet, NULL::uuid AS message_id" \
    " FROM chatsession.conversations c" OF_USER state more ORDERED LONGEST ") c" ORDERED ASKED_FOR
/* A parameter that a statement does not name has no type to PostgreSQL, so the label's number depends. */
#define LISTS(state) \
    {{LIST(state, ""), LIST(state, LABELLED("$3"))}, \
     {LIST(state, " AND " PAST("$3", "$4", "$5")), LIST(state, " AND " PAST("$3", "$4", "$5") LABELLED("$6"))}}

#define ACTIVE "c.trashed_at IS NULL AND NOT c.archived"
#define ARCHIVED "c.trashed_at IS NULL AND c.archived"
#define KEPT "c.trashed_at IS NULL"
#define TRASHED "c.trashed_by = 'user'"

static const struct {
    const char *where;
    const char *list[2][2]; /* [goes on after a row][has a label] */
} states[] = {
    [CS_LIST_ACTIVE] = {ACTIVE, LISTS(ACTIVE)},
    [CS_LIST_ARCHIVED] = {ARCHIVED, LISTS(ARCHIVED)},
    [CS_LIST_KEPT] = {KEPT, LISTS(KEPT)},
    [CS_LIST_TRASHED] = {TRASHED, LISTS(TRASHED)}};

static const char search_begins[] =
    "SELECT " CS_CONVERSATION_COLUMNS ", hit.snippet, hit.id AS message_id"
    " FROM chatsession.conversations c LEFT JOIN LATERAL (SELECT m.id, " CS_SEARCH_SNIPPET("m.content", "$3") " AS snippet"
    "   FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.content <> ''"
    "   AND " CS_SEARCH_READ("m.content", "$3") " ORDER BY m.seq LIMIT 1) hit ON true" OF_USER;
static const char search_found[] =
    " AND (hit.id IS NOT NULL OR " CS_SEARCH_READ("c.title", "$3") ")"
    " AND ($5::bigint IS NULL OR " PAST("$4", "$5", "$6") ")";
static const char any_label[] = " AND $7::text IS NULL";
static const char by_label[] = LABELLED("$7");
/* clang-format on */

/* A word with more rows than this is found sooner by looking into one user's texts. */
#define COMMON_ROWS 2000

typedef struct {
    const cs_conversation_list_t *list;
    const cs_db_param_t *params;
    cs_db_result_t *result;
    apr_pool_t *pool;
} search_t;

static apr_status_t search(void *baton, cs_db_tx_t *tx, apr_pool_t *pool)
{
    search_t *work = baton;
    cs_search_t how;
    apr_status_t rv = cs_search_plan(&how, tx, work->list->query, pool);
    const bool by_index = how.indexed && how.rows <= COMMON_ROWS;

    return rv == APR_SUCCESS
               ? cs_db_tx_run(&work->result, tx,
                              apr_pstrcat(pool, search_begins, states[work->list->state].where, search_found,
                                          by_index ? " AND " : "",
                                          by_index ? cs_search_conversations(&how, "$3", pool) : "",
                                          work->list->label ? by_label : any_label, ORDERED ASKED_FOR, NULL),
                              7, work->params, work->pool)
               : rv;
}

static apr_status_t list_found(cs_db_result_t **result, cs_db_t *db, const cs_conversation_list_t *list,
                               const cs_db_param_t *limits, const cs_db_param_t *after, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {limits[0], limits[1], CS_DB_TEXT(list->query), after[0],
                                    after[1],  after[2],  CS_DB_TEXT(list->label)};
    search_t work = {list, params, NULL, pool};
    apr_status_t rv = cs_db_transaction(db, CS_DB_REPEATABLE, search, &work, pool);

    *result = work.result;
    return rv;
}

static apr_status_t list_all(cs_db_result_t **result, cs_db_t *db, const cs_conversation_list_t *list,
                             const cs_db_param_t *limits, const cs_db_param_t *after, apr_pool_t *pool)
{
    cs_db_param_t params[6] = {limits[0], limits[1]};
    int count = 2;

    if (list->after) {
        for (int i = 0; i < 3; i++) {
            params[count++] = after[i];
        }
    }
    if (list->label) {
        params[count++] = CS_DB_TEXT(list->label);
    }
    return cs_db_run(result, db, CS_DB_OFTEN, states[list->state].list[list->after != NULL][list->label != NULL], count,
                     params, pool);
}

/* A keyset cursor (keyset.h), with a p before it when the row is pinned: of the page's last row, when there are more.
 */
static const char *cursor_of(const cs_db_result_t *result, int limit, apr_pool_t *pool)
{
    const int last = limit - 1;
    const char *cursor = NULL;

    if (cs_db_rows(result) > limit) {
        cursor = cs_keyset_write(cs_db_text(result, last, UPDATED_AT, NULL), cs_db_text(result, last, ID, NULL), pool);
    }
    return cursor && cs_db_bool(result, last, PINNED) ? apr_pstrcat(pool, "p", cursor, NULL) : cursor;
}

apr_status_t cs_conversation_list(cs_text_t *page, cs_db_t *db, const cs_conversation_list_t *list, apr_pool_t *pool)
{
    const bool pinned = list->after && *list->after == 'p';
    cs_keyset_t from;
    cs_db_result_t *result = NULL;
    apr_status_t rv = cs_keyset_parse(&from, list->after ? list->after + pinned : NULL, pool);

    if (rv == APR_SUCCESS) {
        const cs_db_param_t limits[] = {CS_DB_TEXT(list->user_id), CS_DB_TEXT(apr_itoa(pool, list->limit))};
        const cs_db_param_t after[] = {CS_DB_TEXT(pinned ? "true" : "false"), CS_DB_TEXT(from.time),
                                       CS_DB_TEXT(from.id)};

        rv = list->query ? list_found(&result, db, list, limits, after, pool)
                         : list_all(&result, db, list, limits, after, pool);
    }
    return rv == APR_SUCCESS
               ? cs_keyset_print(page, "conversations", result, list->limit, cursor_of(result, list->limit, pool))
               : rv;
}
