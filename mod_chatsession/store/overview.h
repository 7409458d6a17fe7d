/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_OVERVIEW_H
#define CS_STORE_OVERVIEW_H
/* The figures of the console's Home, and the samples that tell how the database grows. */
#include "store/db.h"

/** New reference. */
apr_status_t cs_overview(json_t **overview, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** Take this hour's sample of the database's size, unless one host has done so. */
apr_status_t cs_storage_sample(cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** "schema" (the last step) and "postgresql" (its version): what the settings say of the database; new reference. */
apr_status_t cs_database_versions(json_t **versions, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

#endif
