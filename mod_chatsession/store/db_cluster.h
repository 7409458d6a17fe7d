/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_DB_CLUSTER_H
#define CS_DB_CLUSTER_H
/*
 * What is done to a PostgreSQL before there is a database for the door in db.h: make one, give the module's role a
 * password, look who gets in. Each call opens and closes a connection of its own.
 */
#include <apr_pools.h>
#include <stdbool.h>
#include "core/status.h"

/** What libpq would use for keyword ("host", "dbname", …): of conninfo, the environment, or its default; NULL: nothing.
 * conninfo must be one. */
const char *cs_db_conninfo_value(const char *conninfo, const char *keyword, apr_pool_t *pool);

/** conninfo in keyword form, with keyword set to value (NULL: not set at all). */
const char *cs_db_conninfo_with(const char *conninfo, const char *keyword, const char *value, apr_pool_t *pool);

/** Does conninfo let its user in? CS_EUNAVAILABLE and libpq's reason in *problem when it does not. */
apr_status_t cs_db_try(const char *conninfo, const char **problem, apr_pool_t *pool) CS_MUSTCHECK;

/** Make the database that conninfo names, in UTF-8, where it is missing; *made says whether it was. Wants the right to
 * make databases; CS_EREFUSED and a sentence in *problem otherwise. */
apr_status_t cs_db_make_database(bool *made, const char *conninfo, const char **problem, apr_pool_t *pool) CS_MUSTCHECK;

/** Give a role a password. It is hashed here, so that no log of PostgreSQL ever sees it. */
apr_status_t cs_db_set_role_password(const char *conninfo, const char *role, const char *password, const char **problem,
                                     apr_pool_t *pool) CS_MUSTCHECK;

#endif
