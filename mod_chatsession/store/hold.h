/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_HOLD_H
#define CS_STORE_HOLD_H
/*
 * Matters: why some conversations must be kept, and which. That what is held is not deleted is the schema's promise
 * (triggers in 009_holds_and_retention.sql), kept against every statement; here matters are made, added to and
 * released. Nothing is taken out of a matter but by its release. Each change has its audit entry in its transaction.
 */
#include "store/console.h"

typedef struct {
    const char *name, *reason; /* of a new matter */
    const char *users;         /* a JSON array of names: all that these say, also from now on; NULL: none */
    const cs_console_filter_t *conversations; /* single ones; NULL: none */
} cs_hold_t;

/** A page of matters, newest first; state: "open", "released", NULL for all. New reference. */
apr_status_t cs_matter_list(json_t **matters, const char **next, cs_db_t *db, const char *state, const char *after,
                            int limit, apr_pool_t *pool) CS_MUSTCHECK;

/** One matter with its custodians and, at most CS_MATTER_CONVERSATIONS, its conversations. New reference. */
#define CS_MATTER_CONVERSATIONS 1000
apr_status_t cs_matter_get(json_t **matter, cs_db_t *db, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Make a matter (id NULL), or add to the one called id (hold->name and reason are not looked at then). *matter is what
 * it holds now, as by cs_matter_get. CS_EREFUSED: *unknown is a name that no user has; CS_ECONFLICT: an open matter has
 * the name, or this one was released.
 */
apr_status_t cs_matter_hold(json_t **matter, const char **unknown, cs_db_t *db, const char *id, const cs_hold_t *hold,
                            const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Release it: from now on the rules count again. *matter as above. CS_ECONFLICT: it was released before. entry->reason
 * is why. */
apr_status_t cs_matter_release(json_t **matter, cs_db_t *db, const char *id, const cs_audit_entry_t *entry,
                               apr_pool_t *pool) CS_MUSTCHECK;

#endif
