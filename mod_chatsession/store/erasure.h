/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_ERASURE_H
#define CS_STORE_ERASURE_H
/*
 * Erasing a person: all that is here of a user goes in one transaction with its audit entry, and a tombstone with the
 * user's id and the counts stays (schema/015_erasure.sql). The entry names the id and never the name. Statuses as in
 * db.h.
 */
#include "store/audit.h"

typedef enum {
    CS_ERASURE_DONE,
    CS_ERASURE_BEFORE,    /* a tombstone stands already: nothing was changed */
    CS_ERASURE_ABSENT,    /* there is and was no such user */
    CS_ERASURE_HELD,      /* an open matter holds something of the user's */
    CS_ERASURE_CHANGED,   /* there is more or less than was counted */
    CS_ERASURE_LAST_ADMIN /* nobody could administer afterwards */
} cs_erasure_outcome_e;

typedef struct {
    const char *user_id;       /* a UUID */
    const char *by;            /* as the tombstone names who did it */
    apr_int64_t conversations; /* what was shown to who confirmed it; negative: whatever there is */
    apr_int64_t messages;
} cs_erasure_t;

/** What an erasure would take of the user of that name or id: {"id","name","held","removed":{…}}. APR_ENOENT: there is
 * no such user. New reference. */
apr_status_t cs_erasure_preview(json_t **preview, cs_db_t *db, const char *name_or_id, apr_pool_t *pool) CS_MUSTCHECK;

/** Erase; entry's detail is filled in here. Nothing was changed unless *outcome is CS_ERASURE_DONE. *certificate, new
 * reference: as by cs_erasure_certificate for CS_ERASURE_DONE and CS_ERASURE_BEFORE, else NULL; certificate may be
 * NULL. */
apr_status_t cs_erasure_run(cs_erasure_outcome_e *outcome, json_t **certificate, cs_db_t *db,
                            const cs_erasure_t *erasure, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** The certificate of an erasure: {"user_id","erased_at","erased_by","removed","repeated","audit":{"seq","seal"}}.
 * APR_ENOENT: nobody with this id was erased. New reference. */
apr_status_t cs_erasure_certificate(json_t **certificate, cs_db_t *db, const char *user_id,
                                    apr_pool_t *pool) CS_MUSTCHECK;

/** A page of certificates, newest first; *next continues it (NULL at the end). CS_EMALFORMED: after is no text of ours.
 */
apr_status_t cs_erasure_list(json_t **certificates, const char **next, cs_db_t *db, const char *after, int limit,
                             apr_pool_t *pool) CS_MUSTCHECK;

#endif
