/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TURN_EAR_H
#define CS_TURN_EAR_H
/*
 * How a child whose turns wait hears that a place may be free: PostgreSQL tells whoever listens (schema/009_load.sql).
 * The thread listens only while the child has somebody waiting, and a little longer, so that a server without a queue
 * holds no connection for it. When the connection is lost nothing is heard until it is back: who waits looks by itself
 * now and then. Part of the door (db.h).
 */
#include "store/db.h"

typedef struct cs_turn_ear cs_turn_ear_t;

/** Called in the ear's thread: look at the queue now. */
typedef void cs_turn_ear_cb(void *baton);

/** Start this child's thread for the database of config; it ends with pool. */
apr_status_t cs_turn_ear_start(cs_turn_ear_t **started, const cs_db_config_t *config, cs_turn_ear_cb *wake, void *baton,
                               apr_pool_t *pool) CS_MUSTCHECK;

/** Listen from now on, or no more. Does not wait. */
void cs_turn_ear_need(cs_turn_ear_t *ear, bool needed);

#endif
