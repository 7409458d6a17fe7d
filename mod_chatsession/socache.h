/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SOCACHE_H
#define CHATSESSION_SOCACHE_H
/*
 * Visitors' sessions in one of httpd's caches (mod_socache_shmcb, mod_socache_redis, mod_socache_memcache): the
 * sessions of those who are not logged in, with their values; no PostgreSQL is asked for them.
 *
 * A cache has store, retrieve and remove, and nothing that does two of them at once. So an entry never holds what two
 * requests may write independently (core/session_entry.h), and only the lists of names are read, changed and written
 * back: each host has one of its own per session, and a lock for it. A cache may lose entries at any time: a session
 * without its entry is no session.
 *
 * httpd's clients for redis and memcached say "not found" for some seconds after a server could not be reached. What is
 * not found is therefore believed only when the same server takes a trial entry right then.
 */
#include <httpd.h>
#include "core/session.h"
#include "store/session_store.h"

typedef struct chatsession_socache chatsession_socache_t;

/** How many hosts may write into one cache. */
#define CHATSESSION_SOCACHE_HOSTS 64

/** The cache that PROVIDER[:ARGUMENTS] names, for this one of so many hosts; while the configuration is read. NULL and
 * what is wrong. */
chatsession_socache_t *chatsession_socache_create(const char **problem, const char *spec, int host, int hosts,
                                                  apr_pool_t *pconf, apr_pool_t *ptemp);

/** How the configuration names it. */
const char *chatsession_socache_name(const chatsession_socache_t *cache);

/** Hook pre_config: the name of the lock for the directive Mutex. */
int chatsession_socache_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Open it in the parent (hook post_config). What is wrong is logged. */
apr_status_t chatsession_socache_open(chatsession_socache_t *cache, server_rec *s, apr_pool_t *pconf);

/** The same in a child. Without its lock it is not used: everything answers CS_EUNAVAILABLE. */
void chatsession_socache_attach(chatsession_socache_t *cache, server_rec *s, apr_pool_t *pchild);

/** The store of the sessions of s, which end by these limits. */
const cs_session_store_t *chatsession_socache_store(const chatsession_socache_t *cache, server_rec *s,
                                                    const cs_session_limits_t *limits, apr_pool_t *pool);

#endif
