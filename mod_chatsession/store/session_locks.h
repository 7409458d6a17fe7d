/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_LOCKS_H
#define CS_SESSION_LOCKS_H
/*
 * One writer at a time for each session, over all children of a host: what a store without transactions needs to read
 * something, change it and write it back. A lock serves many sessions; whoever dies with one leaves it free.
 */
#include <apr_pools.h>
#include "core/status.h"

typedef struct cs_session_locks cs_session_locks_t;

/** In shared memory, made before httpd forks. Gone with pool. */
apr_status_t cs_session_locks_create(cs_session_locks_t **locks, apr_pool_t *pool) CS_MUSTCHECK;

/** Held by one thread of the host at a time; never two at once. id_hash: 64 hex digits. */
void cs_session_lock(cs_session_locks_t *locks, const char *id_hash);
void cs_session_unlock(cs_session_locks_t *locks, const char *id_hash);

#endif
