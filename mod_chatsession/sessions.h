/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SESSIONS_H
#define CHATSESSION_SESSIONS_H
/*
 * What this host remembers of sessions: shared memory made by the parent, one for each database, and in each child the
 * thread that may listen for revocations.
 */
#include <httpd.h>
#include "config.h"

/** Hook post_config: the shared memory. */
int chatsession_sessions_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** The session of that hash, remembered or asked for. Statuses of cs_session_find. */
apr_status_t chatsession_sessions_find(cs_session_t *session, chatsession_server_t *conf, const char *id_hash,
                                       apr_pool_t *pool);

/** last_seen was written back. */
void chatsession_sessions_touched(chatsession_server_t *conf, const char *id_hash, apr_time_t last_seen);
void chatsession_sessions_console_touched(chatsession_server_t *conf, const char *id_hash, apr_time_t last_seen);

/** This host forgets a session at once (NULL: only the wait), and every other host has done so when this returns; one
 * that does not answer within a second is logged. */
void chatsession_sessions_ended(request_rec *r, chatsession_server_t *conf, const char *id_hash);

#endif
