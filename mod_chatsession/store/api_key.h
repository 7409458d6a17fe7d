/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_API_KEY_H
#define CS_STORE_API_KEY_H
/*
 * Keys by which programs ask a model in a user's name. The database holds the SHA-256 of a key's random bytes; the key
 * itself is shown once, by whoever made it.
 */
#include "store/db.h"

/** Keys of one user that were not ended. */
#define CS_API_KEYS_MAX 50

/** What a list shows of a key: {"id","name","prefix","created_at","last_used_at"}. hash is hex. CS_ECONFLICT: the user
 * has CS_API_KEYS_MAX. */
apr_status_t cs_api_key_create(json_t **key, cs_db_t *db, const char *user_id, const char *name, const char *prefix,
                               const char *hash, apr_pool_t *pool) CS_MUSTCHECK;

/** The user's keys that were not ended, oldest first. */
apr_status_t cs_api_key_list(json_t **keys, cs_db_t *db, const char *user_id, apr_pool_t *pool) CS_MUSTCHECK;

/** End one of the user's; APR_ENOENT when there is none of that id. */
apr_status_t cs_api_key_revoke(cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

typedef struct {
    const char *user_id, *name, *role;
} cs_api_key_user_t;

/** Whose key has that hash, and note its use. APR_ENOENT: nobody's, or it was ended, or its user is disabled. */
apr_status_t cs_api_key_use(cs_api_key_user_t *user, cs_db_t *db, const char *hash, apr_pool_t *pool) CS_MUSTCHECK;

#endif
