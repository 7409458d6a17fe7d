/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_SEARCH_H
#define CS_STORE_SEARCH_H
/*
 * Words in texts: what the schema's search_* functions make of them, as conditions (schema/021_search.sql says what is
 * found). Both conditions mean the same; only cs_search_conversations uses the index of words. query is a parameter of
 * type text.
 */
#include "store/db.h"

/** chatsession.messages m that the index of words has. */
#define CS_SEARCH_INDEXED(m) m ".searchable AND " m ".content <> ''"

/* IS TRUE: no condition for an index. */
#define CS_SEARCH_READ(column, query)                                                                                  \
    "(" column " ILIKE ALL (chatsession.search_patterns(" query "::text)) AND (chatsession.search_query(" query        \
    "::text) IS NULL OR (chatsession.search_terms(" column ") @@ chatsession.search_query(" query "::text)) IS TRUE))"

#define CS_SEARCH_SNIPPET(column, query) "chatsession.search_snippet(" column ", " query "::text)"

typedef struct {
    bool indexed;     /* the index has all texts, and the query a word that it knows */
    apr_int64_t rows; /* about how many messages the index gives, by PostgreSQL's statistics */
    /* The words, by bit, that the index is asked for; 0: all. The others stand in so many messages that merging their
     * lists would take longer than looking for them in the texts that have these. */
    unsigned lead;
} cs_search_t;

apr_status_t cs_search_plan(cs_search_t *how, cs_db_tx_t *tx, const char *query, apr_pool_t *pool) CS_MUSTCHECK;

/** A condition for chatsession.conversations c that the index of words answers: title or a message has them all. query
 * names the statement's parameter. An array: whatever PostgreSQL believes about its size, it is made once and its
 * conversations are looked up by their ids. */
const char *cs_search_conversations(const cs_search_t *how, const char *query, apr_pool_t *pool);

/** Of PostgreSQL's own words on a plan (EXPLAIN (FORMAT JSON)): how many rows it expects. */
apr_int64_t cs_search_plan_rows(const cs_db_result_t *explained);

/** Take messages of before the index into it, up to batch at once; *seen is 0 when all are in. */
apr_status_t cs_search_catch_up(apr_int64_t *seen, cs_db_t *db, int batch, apr_pool_t *pool) CS_MUSTCHECK;

#endif
