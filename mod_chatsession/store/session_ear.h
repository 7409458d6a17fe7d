/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_EAR_H
#define CS_SESSION_EAR_H
/*
 * How a host hears of sessions that ended elsewhere: PostgreSQL tells every listening connection of each revocation
 * (schema/005_revocation.sql), in the order of their commits. Each child has a thread that would listen; the one that
 * holds the cache's ear does, on a connection of its own, and forgets what it hears of. When the connection or the
 * child dies, nobody hears, what is remembered counts for nothing, and the next child takes over.
 *
 * Telling is asynchronous. Who must know that all hosts have heard (a logout that is answered must hold everywhere)
 * settles: it sends a mark behind its own deed, and each ear that meets the mark echoes it. Part of the door (db.h).
 */
#include "store/session_cache.h"

/** Start this child's thread for cache at the database of config; it ends with pool. */
apr_status_t cs_session_ear_start(cs_session_cache_t *cache, const cs_db_config_t *config,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Wait until every host has heard what was committed before. APR_SUCCESS; APR_TIMEUP when one did not answer within a
 * second; APR_ENOENT when this host does not hear itself and so cannot know; other statuses as in db.h.
 */
apr_status_t cs_session_ear_settle(cs_session_cache_t *cache, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

#endif
