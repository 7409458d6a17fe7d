/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SESSIONS_H
#define CHATSESSION_SESSIONS_H
/*
 * Where sessions are, and what this host remembers of them: shared memory made by the parent, one for each database,
 * and in each child the thread that may listen for revocations.
 */
#include <httpd.h>
#include "config.h"

/** Hook post_config: the shared memory, and the cache for visitors' sessions. */
int chatsession_sessions_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** At child start, when the database is open: where the sessions of s are. What is wrong is logged. */
void chatsession_sessions_open(server_rec *s, apr_pool_t *pchild);

/** The use for the console was written back. */
void chatsession_sessions_console_touched(chatsession_server_t *conf, const char *id_hash, apr_time_t last_seen);

/** This host forgets a session at once (NULL: only the wait), and every other host has done so when this returns; one
 * that does not answer within a second is logged. */
void chatsession_sessions_ended(request_rec *r, chatsession_server_t *conf, const char *id_hash);

#endif
