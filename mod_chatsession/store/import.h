/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_IMPORT_H
#define CS_STORE_IMPORT_H
/*
 * A conversation that was held elsewhere, stored whole. Its key is the source's own name for it: of all imports with
 * one key one user gets one conversation, whatever has become of it since.
 */
#include "store/db.h"

typedef struct {
    const char *key;        /* 1 to 200 code points */
    const char *title;      /* NULL: from the first message of the user */
    const char *created_at; /* RFC 3339, checked by the caller; NULL: the first message's time */
    const char *updated_at; /* the same; NULL: the last message's time. No time of an import lies in the future */
    bool pinned, archived;
    const char *model; /* of answers that name none; may be NULL */
    /* A JSON array of {"role","content","created_at","model","parent"}: parent is the place (from 1) of an earlier
     * message, left out for the one before; 0 for none. Checked by the caller. */
    const char *messages;
    int most; /* conversations that a user may have outside of the trash; 0: no limit */
} cs_import_t;

/** CS_EFULL: the user has as many as may be. *conversation is the new one's object, or that of the one that was there;
 * its member "made", and *made, say which.
 */
apr_status_t cs_conversation_import(json_t **conversation, bool *made, cs_db_t *db, const char *user_id,
                                    const cs_import_t *import, apr_pool_t *pool) CS_MUSTCHECK;

#endif
