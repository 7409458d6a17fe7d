/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_KEYSET_H
#define CS_STORE_KEYSET_H
/*
 * Pages of conversations, newest first, by keyset: a page begins after the last row of the one before, whatever was
 * added meanwhile, and costs the same on page 1 and on page 10,000. The cursor is "<updated_at in microseconds>_<id>";
 * it only says where to begin, never what may be seen. A statement of pages gives it in its last column, next; one that
 * is asked often leaves it to cs_keyset_write, for it is wanted of one row.
 */
#include "store/db.h"

typedef struct {
    const char *time; /* both NULL: from the newest */
    const char *id;
} cs_keyset_t;

/** CS_EMALFORMED unless cursor is NULL or a text of ours; strings in pool. */
apr_status_t cs_keyset_parse(cs_keyset_t *keyset, const char *cursor, apr_pool_t *pool) CS_MUSTCHECK;

/** The cursor of a row with that time, as PostgreSQL writes it in UTC ("2026-11-23 05:31:07.5+00"), and that id. NULL
 * for a time before 1970, of which there is no cursor. */
const char *cs_keyset_write(const char *time, const char *id, apr_pool_t *pool);

/**
 * The rows of a statement that asked for limit + 1: at most limit of them as JSON without the cursor column (new
 * reference), and in *next the cursor of the last one when there are more.
 */
json_t *cs_keyset_page(const char **next, const cs_db_result_t *result, int limit, apr_pool_t *pool);

/** The most own parameters that a statement of cs_keyset_list may have. */
#define CS_KEYSET_OWN 4

/** Run a statement whose last three parameters are where to begin (time and id, NULL: from the newest) and the limit,
 * after count of its own, and make a page of its rows. CS_EMALFORMED: after is no cursor; else as cs_db_run. */
apr_status_t cs_keyset_list(json_t **rows, const char **next, cs_db_t *db, const char *sql, int count,
                            const cs_db_param_t *own, const char *after, int limit, apr_pool_t *pool) CS_MUSTCHECK;

/** At most limit rows as the text of an object, {"<rows>":[…],"next":…}, at the end of text; next may be NULL. */
apr_status_t cs_keyset_print(cs_text_t *text, const char *rows, const cs_db_result_t *result, int limit,
                             const char *next) CS_MUSTCHECK;

#endif
