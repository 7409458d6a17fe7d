/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_RFC3339_H
#define CS_RFC3339_H
/* Times as the API writes and reads them: RFC 3339, UTC. */
#include <apr_pools.h>
#include <apr_time.h>
#include "core/status.h"

/** "2026-11-23T05:31:07.123Z" in pool; NULL for a time outside the years 1970 to 9999. */
const char *cs_rfc3339_print(apr_time_t time, apr_pool_t *pool);

/**
 * A date ("2026-11-23", its first moment in UTC) or a date and time with seconds and "Z" or an offset
 * ("2026-11-23T05:31:07+09:00"; a fraction of a second is allowed). CS_EMALFORMED for anything else, also for a day
 * that the calendar does not have.
 */
apr_status_t cs_rfc3339_parse(apr_time_t *time, const char *text) CS_MUSTCHECK;

#endif
