/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_VALUES_H
#define CS_SESSION_VALUES_H
/*
 * Named values that others keep in a session. A session is named by the hash of its id, as in store/session.h. Each
 * write is one statement on one name, so requests that write different names lose nothing of each other; of two that
 * write the same name the later one stays. Values live as long as their session and go over to the session that
 * replaces it when its user logs in again. Statuses as in db.h.
 */
#include "store/db.h"

/** The bounds, which the table checks. */
#define CS_SESSION_VALUE_MAX 8192
#define CS_SESSION_VALUES_MAX 64

/** The value of that name, in pool. APR_ENOENT and NULL: there is none. */
apr_status_t cs_session_value_get(const char **value, cs_db_t *db, const char *id_hash, const char *name,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** Write a value. APR_ENOENT: the session is over. CS_EREFUSED: name is not 1 to 64 of A-Z a-z 0-9 _ . -, value is
 * longer than CS_SESSION_VALUE_MAX octets, or the session has CS_SESSION_VALUES_MAX other names. */
apr_status_t cs_session_value_set(cs_db_t *db, const char *id_hash, const char *name, const char *value,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** APR_SUCCESS also when there is no such value. */
apr_status_t cs_session_value_remove(cs_db_t *db, const char *id_hash, const char *name, apr_pool_t *pool) CS_MUSTCHECK;

/** All values but the one named except (NULL: all), as {"name":"value"}; a new reference, NULL on failure. */
apr_status_t cs_session_values_json(json_t **values, cs_db_t *db, const char *id_hash, const char *except,
                                    apr_pool_t *pool) CS_MUSTCHECK;

#endif
