/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_CACHE_H
#define CS_SESSION_CACHE_H
/*
 * What is remembered of sessions between requests, in memory that all children of a host share: the way of a request
 * whose session is known touches no database.
 *
 * A hash table of sets of eight places each, so a look-up costs the same with ten sessions and with a million; a full
 * set gives up the place that was longest unused. Each stripe of sets has a robust lock: a child that is killed while
 * it holds one leaves the stripe empty, not locked.
 *
 * The cache never makes a dead session live: it holds what the database said, and it is told of every revocation
 * (session_ear.h). A child that asks the database takes the set's mark first and gives it back with the answer; a
 * revocation heard in between changed the mark, and the answer is not kept. Sessions are known by the 64 hex digits of
 * their id's hash.
 */
#include <apr_pools.h>
#include "store/session.h"

typedef struct cs_session_cache cs_session_cache_t;

/** Places of one set; the number of entries is a multiple of it. */
#define CS_SESSION_CACHE_WAYS 8

/** Shared memory for at least entries sessions, about 0.5 KiB each, made before httpd forks. Gone with pool. */
apr_status_t cs_session_cache_create(cs_session_cache_t **cache, int entries, apr_pool_t *pool) CS_MUSTCHECK;

/** The session, strings in pool, with now as the database's clock would show it. APR_ENOENT: not known, or remembered
 * for longer than life. *ageing: half of that is over; told to one caller. */
apr_status_t cs_session_cache_find(cs_session_t *session, bool *ageing, cs_session_cache_t *cache, const char *id_hash,
                                   apr_interval_time_t life, apr_pool_t *pool) CS_MUSTCHECK;

/** Take this before asking the database. */
apr_uint32_t cs_session_cache_mark(cs_session_cache_t *cache, const char *id_hash);

/** Remember what the database said after mark was taken; does nothing when the mark has changed or the session does not
 * fit. */
void cs_session_cache_put(cs_session_cache_t *cache, const char *id_hash, const cs_session_t *session,
                          apr_uint32_t mark);

/** last_seen was written back: all children know. */
void cs_session_cache_touch(cs_session_cache_t *cache, const char *id_hash, apr_time_t last_seen);
/** The same, and it was used for the console. */
void cs_session_cache_touch_console(cs_session_cache_t *cache, const char *id_hash, apr_time_t last_seen);

/** Forget one session; forget all. Both change the marks. */
void cs_session_cache_remove(cs_session_cache_t *cache, const char *id_hash);
void cs_session_cache_clear(cs_session_cache_t *cache);

/** How many are remembered now. Tests look by it. */
int cs_session_cache_count(cs_session_cache_t *cache);

/*
 * The host's ear (session_ear.h): one child at a time listens to PostgreSQL for all of them. What is remembered counts
 * only while somebody hears.
 */

/** Become the one who listens; APR_TIMEUP when another child still is after limit. Whoever had it and died has been
 * noticed: nobody hears now. */
apr_status_t cs_session_cache_take_ear(cs_session_cache_t *cache, apr_interval_time_t limit) CS_MUSTCHECK;
void cs_session_cache_leave_ear(cs_session_cache_t *cache);
void cs_session_cache_set_hearing(cs_session_cache_t *cache, bool hearing);
bool cs_session_cache_is_hearing(const cs_session_cache_t *cache);

/*
 * Waiting for all hosts' ears: a request expects echoes of its token, the host's ear counts them in, whichever child it
 * sits in.
 */

/** Characters of a token. */
#define CS_SESSION_CACHE_TOKEN 20

/** A slot for the token's echoes, or -1 when too many wait already; cs_session_cache_await gives it back. */
int cs_session_cache_expect(cs_session_cache_t *cache, const char *token);
void cs_session_cache_echo(cs_session_cache_t *cache, const char *token);
/** Wait for count echoes; APR_TIMEUP when they do not come within limit. */
apr_status_t cs_session_cache_await(cs_session_cache_t *cache, int slot, int count, apr_interval_time_t limit);

#endif
