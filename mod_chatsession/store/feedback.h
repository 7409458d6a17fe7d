/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_FEEDBACK_H
#define CS_STORE_FEEDBACK_H
/* What users said of answers, over all users, for operators who may read content. */
#include "store/audit.h"

typedef struct {
    const char *kind;      /* one of cs_console_is_feedback (store/console.h); NULL: any */
    const char *user;      /* a name as typed; NULL: all */
    const char *model;     /* that gave the answer; NULL: any */
    const char *from, *to; /* given at or after, and before: RFC 3339, checked by the caller; NULL: no such limit */
} cs_feedback_filter_t;

/**
 * A page, newest first, each with its conversation, whose it is, and the beginnings of question and answer; new
 * reference. entry is written in the same transaction. CS_EMALFORMED: after is no cursor of ours. CS_EUNAVAILABLE with
 * SQLSTATE 57014: it took too long.
 */
apr_status_t cs_feedback_list(json_t **feedback, const char **next, cs_db_t *db, const cs_feedback_filter_t *filter,
                              const char *after, int limit, const cs_audit_entry_t *entry,
                              apr_pool_t *pool) CS_MUSTCHECK;

#endif
