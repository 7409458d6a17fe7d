/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_IMPORT_LINES_H
#define CS_STORE_IMPORT_LINES_H
/*
 * The lines of an operators' export, back into a database: with their ids, times, revisions and feedback, so that an
 * export of what was imported has the same lines. What is there already (by its id) stays as it is, so importing twice
 * is importing once, and an import that was broken off is done again.
 */
#include "core/import_piece.h"
#include "store/audit.h"

typedef struct {
    const char *user;              /* whose the conversations become; NULL: of whom each is named after */
    bool dry_run;                  /* nothing stays, and nothing is recorded */
    const cs_audit_entry_t *entry; /* of the piece; its detail is made here */
} cs_import_how_t;

typedef struct {
    apr_int64_t made, there; /* conversations */
    apr_int64_t messages_made, messages_there;
} cs_imported_t;

/** What is whole of piece, each conversation all of it or nothing, in one transaction with the audit entry. What is
 * wrong with one is added to the piece's problems and costs itself alone; a failure means that nothing was stored. */
apr_status_t cs_import_lines(cs_imported_t *imported, cs_import_piece_t *piece, cs_db_t *db, const cs_import_how_t *how,
                             apr_pool_t *pool) CS_MUSTCHECK;

#endif
