/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_LABEL_H
#define CS_STORE_LABEL_H
/*
 * The labels (core/label.h) of one user's conversations, all of them at once; which of them a conversation has is
 * conversation.h's. A label is there as long as a conversation has it.
 */
#include "store/db.h"

/** Labels that a list names; nobody reads more. */
#define CS_LABEL_LIST_MAX 1000

/** [{"label","conversations"}] by name: how many conversations of the user's own, outside the trash, have it. */
apr_status_t cs_label_list(json_t **labels, cs_db_t *db, const char *user_id, apr_pool_t *pool) CS_MUSTCHECK;

/** Give label another name in all of the user's conversations, also those in the trash; to NULL: take it off. *changed
 * says how many had it. APR_ENOENT: none had. */
apr_status_t cs_label_change(apr_int64_t *changed, cs_db_t *db, const char *user_id, const char *label, const char *to,
                             apr_pool_t *pool) CS_MUSTCHECK;

#endif
