/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_LISTENER_H
#define CS_LISTENER_H
/*
 * Hears what PostgreSQL is told by NOTIFY on one channel, in a thread of its own on a connection of its own. Part of
 * the door (db.h).
 *
 * What is not heard is unknown: while the connection is away, cs_listener_is_listening says so, and whoever relies on
 * being told must ask the database instead. After each (re)connect the callback is told by a NULL payload that anything
 * may have happened meanwhile.
 */
#include "store/db.h"

typedef struct cs_listener cs_listener_t;

/** In the listener's thread; payload NULL: from now on everything is heard, before this anything may have been missed.
 */
typedef void cs_listener_cb(void *baton, const char *payload);

/** Start listening on channel (a lower-case identifier of ours) at the database of config; the thread ends with pool.
 */
apr_status_t cs_listener_start(cs_listener_t **listener, const cs_db_config_t *config, const char *channel,
                               cs_listener_cb *heard, void *baton, apr_pool_t *pool) CS_MUSTCHECK;

bool cs_listener_is_listening(const cs_listener_t *listener);

#endif
