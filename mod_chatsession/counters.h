/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_COUNTERS_H
#define CHATSESSION_COUNTERS_H
/*
 * What happened on this host, counted in shared memory: over all children, and from httpd's start on, over graceful
 * restarts too. For the metrics and mod_status.
 */
#include <httpd.h>
#include <apr_time.h>

typedef enum {
    CHATSESSION_COUNT_COMPLETE, /* turns by how they ended; these four in this order */
    CHATSESSION_COUNT_STOPPED,
    CHATSESSION_COUNT_ERROR,
    CHATSESSION_COUNT_INTERRUPTED,
    CHATSESSION_COUNT_REFUSED_QUEUE, /* turns that were refused, by reason */
    CHATSESSION_COUNT_REFUSED_TURNS,
    CHATSESSION_COUNT_REFUSED_REQUESTS,
    CHATSESSION_COUNT_REFUSED_TOKENS,
    CHATSESSION_COUNT_REFUSED_STREAMS,
    CHATSESSION_COUNT_REFUSED_BACKEND,
    CHATSESSION_COUNT_REAPED, /* answers of dead writers that this host has ended */
    CHATSESSION_COUNTS
} chatsession_count_e;

/** Limits of the lag's buckets, in milliseconds and, as Prometheus has them, in seconds (APR's %g leaves out the 0
 * before the point); what is longer is in none of them. */
typedef struct {
    int ms;
    const char *seconds;
} chatsession_lag_limit_t;
#define CHATSESSION_LAG_BUCKETS 8
extern const chatsession_lag_limit_t chatsession_lag_limits[CHATSESSION_LAG_BUCKETS];

typedef struct {
    apr_uint64_t buckets[CHATSESSION_LAG_BUCKETS]; /* each counts those of the ones before it too */
    apr_uint64_t count, microseconds;
} chatsession_lag_t;

/** Hook post_config: the shared memory. */
int chatsession_counters_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

void chatsession_count(chatsession_count_e which, apr_uint64_t times);
apr_uint64_t chatsession_counted(chatsession_count_e which);

/** From what a model wrote until it was recorded it took so long. */
void chatsession_count_lag(apr_interval_time_t lag);
chatsession_lag_t chatsession_counted_lag(void);

#endif
