/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_DURATION_H
#define CS_DURATION_H
/* Durations as an administrator writes them, in the configuration and on the command line: "250ms", "90", "12h". */
#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

/** Digits and an optional unit (ms, s, min, h, d), seconds when there is none; at most 100 years. False: text is none.
 */
bool cs_duration_parse(apr_interval_time_t *value, const char *text);

/** The same in the largest unit that takes it whole, in pool. */
const char *cs_duration_print(apr_interval_time_t value, apr_pool_t *pool);

#endif
