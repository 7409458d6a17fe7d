/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_SHARE_H
#define CS_STORE_SHARE_H
/*
 * Conversations that their owners let others read: a message and those that it continues, as they were. A share ends
 * with its conversation, and is out of sight while that is in the trash, over, or its owner disabled. Which ones a user
 * has is theirs alone to see; reading one needs its id and no right to the conversation.
 */
#include "store/db.h"

/** Shares of one user. */
#define CS_SHARES_MAX 1000

/** What is shared: {"id","conversation_id","title","created_at"}. The same message again is the same share. APR_ENOENT:
 * the conversation is not the user's, or has no such message that has ended; CS_ECONFLICT: the user has CS_SHARES_MAX.
 */
apr_status_t cs_share_create(json_t **share, cs_db_t *db, const char *user_id, const char *conversation_id,
                             const char *message_id, apr_pool_t *pool) CS_MUSTCHECK;

/** The user's, newest first. */
apr_status_t cs_share_list(json_t **shares, cs_db_t *db, const char *user_id, apr_pool_t *pool) CS_MUSTCHECK;

/** End one of the user's; APR_ENOENT when there is none of that id. */
apr_status_t cs_share_end(cs_db_t *db, const char *user_id, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/** What it lets everybody read: {"id","title","user","created_at","messages":[{"role","content","status","created_at",
 * "model"}]}, first to last. */
apr_status_t cs_share_read(json_t **shared, cs_db_t *db, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

#endif
