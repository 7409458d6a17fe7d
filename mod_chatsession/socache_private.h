/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SOCACHE_PRIVATE_H
#define CHATSESSION_SOCACHE_PRIVATE_H
/* What socache.c, the cache and its entries, and socache_store.c, sessions and values made of entries, share. */
#include <ap_socache.h>
#include <httpd.h>
#include <apr_global_mutex.h>
#include "core/session_entry.h"
#include "socache.h"
#include "store/session_locks.h"

/* memcached takes a time of more than 30 days for a date long ago. */
#define CHATSESSION_SOCACHE_LONGEST apr_time_from_sec(30 * 86400L - 60)
/* Beyond a session's end: whether it is over, core/session.c decides by its times. And so long stays what was ended or
 * removed; afterwards it is not found, which says the same. */
#define CHATSESSION_SOCACHE_MARGIN apr_time_from_sec(60)

struct chatsession_socache {
    const char *spec;
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    int host, hosts;
    const char *own_name;      /* of this httpd among all that could write here; the same after a restart */
    apr_global_mutex_t *mutex; /* NULL: the provider needs none */
    bool locked_out;           /* this child cannot take it */
    cs_session_locks_t *locks;
};

typedef struct {
    cs_session_store_t base; /* first: what the callers have is this */
    const chatsession_socache_t *cache;
    server_rec *server;
    cs_session_limits_t limits;
} chatsession_socache_store_t;

/** A provider that wants a lock keeps all in this host's memory; the others ask a server. */
bool chatsession_socache_is_remote(const chatsession_socache_t *cache);

/** Write an entry, which is kept until then, but for at least CHATSESSION_SOCACHE_MARGIN and at most
 * CHATSESSION_SOCACHE_LONGEST. CS_EUNAVAILABLE, and a line in the log: the cache did not take it. */
apr_status_t chatsession_socache_put(const chatsession_socache_store_t *store, const unsigned char *key,
                                     const char *text, apr_time_t until, apr_pool_t *pool);

/** The same without a word in the log, and with the provider's status. */
apr_status_t chatsession_socache_try_put(const chatsession_socache_store_t *store, const unsigned char *key,
                                         const char *text, apr_time_t until, apr_pool_t *pool);

/** An entry's octets, in pool. APR_ENOENT: there is none; CS_EMALFORMED: it is none of ours; CS_EUNAVAILABLE, and a
 * line in the log: nobody can say. */
apr_status_t chatsession_socache_get(const char **text, apr_size_t *len, const chatsession_socache_store_t *store,
                                     const unsigned char *key, apr_pool_t *pool);

/** CS_EMALFORMED becomes APR_ENOENT: what another program wrote there, or a cache mixed up, counts as nothing, and
 * somebody should hear of it, as of what. Other statuses stay. */
apr_status_t chatsession_socache_pass_over(const chatsession_socache_store_t *store, apr_status_t rv, const char *what);

#endif
