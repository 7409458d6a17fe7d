/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_ADDRESS_H
#define CS_ADDRESS_H
/*
 * A request's address taken apart: its path held against a route's pattern, its query string read. Both come from
 * anybody; what they give is UTF-8 without NUL.
 */
#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>

#define CS_PATH_IDS 2

/** What a path has where its pattern has {id} and {word}; NULL where it has none. In the pool that was given. */
typedef struct {
    const char *ids[CS_PATH_IDS]; /* as lower-case UUIDs */
    const char *word;
} cs_path_t;

/** Whether path, decoded and without its first slash, matches pattern segment by segment: {id} is a UUID, {word} any
 * text. found is set in any case, and empty where it does not match. */
bool cs_path_match(cs_path_t *found, const char *pattern, const char *path, apr_pool_t *pool);

/** The names and values of a query string, or of NULL, percent-decoded; false when it is not decodable text, and then
 * *pairs is what came before. */
bool cs_query_read(apr_table_t **pairs, const char *query, apr_pool_t *pool);

#endif
