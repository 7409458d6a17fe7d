/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_HEALTH_H
#define CS_HEALTH_H
/*
 * What a PostgreSQL says about itself that somebody who looks a set-up over wants to know. Any role may ask.
 */
#include "store/db.h"

/**
 * One object; new reference. Settings by their names (numbers as numbers, times in milliseconds), and
 *   now_ms, asked_ms         the database's clock, and ours at that moment
 *   round_trip_ms            how long the question took: so much the two may differ
 *   role_…                   what the role that asks is, or may do, beyond what it needs: booleans
 *   unlogged_tables          tables of ours that a crash would empty
 *   admins                   enabled administrators; null where there are no tables yet
 *   stale_turns              running answers that nobody has written to for ten minutes
 * Statuses as in db.h.
 */
apr_status_t cs_health_facts(json_t **facts, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

#endif
