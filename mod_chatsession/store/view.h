/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_VIEW_H
#define CS_STORE_VIEW_H
/* Lists that an operator has given a name: seen by their owner and, where shared, by every operator. Who changes the
 * own ones leaves no entry (NULL) in the audit log; who changes another's does. */
#include "store/audit.h"

/** The user's own and those that others share, by name; new reference. */
apr_status_t cs_view_list(json_t **views, cs_db_t *db, const char *user_id, apr_pool_t *pool) CS_MUSTCHECK;

typedef struct {
    const char *name;
    const char *query; /* of the list's address */
    bool shared;
} cs_view_t;

/** The view as it is listed, new reference; one of the same name of this user is replaced. CS_EREFUSED: the user has
 * CS_VIEWS_MAX already. */
#define CS_VIEWS_MAX 100
apr_status_t cs_view_save(json_t **view, cs_db_t *db, const char *user_id, const cs_view_t *wanted,
                          const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** APR_ENOENT: the user has none with that id. */
apr_status_t cs_view_delete(cs_db_t *db, const char *user_id, const char *id, const cs_audit_entry_t *entry,
                            apr_pool_t *pool) CS_MUSTCHECK;

#endif
