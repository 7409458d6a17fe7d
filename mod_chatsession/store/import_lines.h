/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_IMPORT_LINES_H
#define CS_STORE_IMPORT_LINES_H
/*
 * The lines of an operators' export, back into a database: with their ids, times, revisions and feedback, so that an
 * export of what was imported has the same lines. What is there already (by its id) stays as it is, so importing twice
 * is importing once, and an import that was broken off is done again.
 */
#include "store/db.h"

typedef struct {
    const char *conversation; /* the line */
    const char *messages;     /* a JSON array of the lines that follow it */
    const char *user;         /* whose it becomes; NULL: of whom it is named after */
    bool dry_run;             /* nothing stays */
} cs_import_lines_t;

typedef struct {
    bool made; /* the conversation; false: it was there */
    apr_int64_t messages_made, messages_there;
} cs_imported_t;

/** One conversation, all of it or nothing. APR_ENOENT: there is no such user; CS_ECONFLICT: what has its id is somebody
 * else's, or what has a message's id or place is another one; CS_EDATABASE: a line is not what an export has. */
apr_status_t cs_import_lines(cs_imported_t *imported, cs_db_t *db, const cs_import_lines_t *lines,
                             apr_pool_t *pool) CS_MUSTCHECK;

#endif
