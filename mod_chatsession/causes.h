/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_CAUSES_H
#define CHATSESSION_CAUSES_H
/*
 * How this host's requests came by their sessions, counted by cause: in shared memory, so over all children, and from
 * httpd's start on, over graceful restarts too.
 */
#include <httpd.h>
#include <jansson.h>

/** Hook post_config: the shared memory. */
int chatsession_causes_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** A request has that cause; one that chatsession_session_t knows. */
void chatsession_causes_count(const char *cause);

/** {"since":…,"requests":{cause:number, …}} with every cause; a new reference, NULL without memory. */
json_t *chatsession_causes_json(apr_pool_t *pool);

#endif
