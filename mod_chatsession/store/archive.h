/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_ARCHIVE_H
#define CS_STORE_ARCHIVE_H
/*
 * All that is here of one person, for that person: profile, sessions, keys (without what opens anything), use by day,
 * who looked at the conversations, and the conversations themselves with all revisions and feedback. Statuses as in
 * db.h.
 */
#include "store/db.h"

/** One line: members of a type ("profile", "session", "key", "usage", "access", "conversation", "message"). members is
 * borrowed and may be changed. Any status but APR_SUCCESS ends the walk. */
typedef apr_status_t cs_archive_line_cb(void *baton, const char *type, json_t *members, apr_pool_t *pool);

/** Line by line; no connection is held while line runs, and no more than one conversation is in memory. APR_ENOENT:
 * there is no such user, and no line came. */
apr_status_t cs_archive_walk(cs_db_t *db, const char *user_id, cs_archive_line_cb *line, void *baton,
                             apr_pool_t *pool) CS_MUSTCHECK;

/** Which operators opened the user's conversations, newest first: {"at","role","operator","conversation_id","title"};
 * operator is NULL unless named. conversation_id NULL: all. At most 200. New reference. */
apr_status_t cs_access_list(json_t **access, cs_db_t *db, const char *user_id, const char *conversation_id, bool named,
                            apr_pool_t *pool) CS_MUSTCHECK;

#endif
