/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SESSIONS_H
#define CHATSESSION_SESSIONS_H
/*
 * What this host remembers of sessions, and how it hears that it must forget: the shared memory is made by the parent,
 * each child listens to PostgreSQL.
 */
#include <httpd.h>
#include "config.h"
#include "store/session_cache.h"

/** Hook post_config: the shared memory of all servers' sessions. */
int chatsession_sessions_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** At child start, for a server whose database differs from the others': listen for revocations. */
apr_status_t chatsession_sessions_listen(chatsession_server_t *conf, const cs_db_config_t *config, apr_pool_t *pchild);

/** The cache, or NULL when it is switched off. */
cs_session_cache_t *chatsession_session_cache(void);

/** This host forgets a session at once; other hosts hear of it from PostgreSQL. */
void chatsession_session_forget(const char *id_hash);

#endif
