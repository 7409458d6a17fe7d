/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "counters.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include "kept_memory.h"

APLOG_USE_MODULE(chatsession);

const chatsession_lag_limit_t chatsession_lag_limits[CHATSESSION_LAG_BUCKETS] = {{50, "0.05"},  {100, "0.1"},
                                                                                 {250, "0.25"}, {500, "0.5"},
                                                                                 {1000, "1"},   {2500, "2.5"},
                                                                                 {5000, "5"},   {15000, "15"}};

typedef struct {
    atomic_ullong counts[CHATSESSION_COUNTS];
    atomic_ullong lags[CHATSESSION_LAG_BUCKETS + 1]; /* the last: longer than all limits */
    atomic_ullong microseconds;
} counters_t;

static counters_t *counters;

int chatsession_counters_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    void *memory;
    const apr_status_t rv =
        chatsession_kept_memory(&memory, NULL, "counters", sizeof(counters_t), s->process->pool, ptemp);

    (void)pconf;
    (void)plog;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, "CS0344: no shared memory for the metrics");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    counters = memory;
    return OK;
}

void chatsession_count(chatsession_count_e which, apr_uint64_t times)
{
    if (counters) {
        atomic_fetch_add_explicit(&counters->counts[which], times, memory_order_relaxed);
    }
}

apr_uint64_t chatsession_counted(chatsession_count_e which)
{
    return counters ? atomic_load(&counters->counts[which]) : 0;
}

void chatsession_count_lag(apr_interval_time_t lag)
{
    int bucket = 0;

    if (!counters || lag < 0) {
        return;
    }
    while (bucket < CHATSESSION_LAG_BUCKETS && lag > apr_time_from_msec(chatsession_lag_limits[bucket].ms)) {
        bucket++;
    }
    atomic_fetch_add_explicit(&counters->lags[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->microseconds, (apr_uint64_t)lag, memory_order_relaxed);
}

chatsession_lag_t chatsession_counted_lag(void)
{
    chatsession_lag_t lag = {{0}, 0, 0};

    for (int i = 0; counters && i <= CHATSESSION_LAG_BUCKETS; i++) {
        lag.count += atomic_load(&counters->lags[i]);
        if (i < CHATSESSION_LAG_BUCKETS) {
            lag.buckets[i] = lag.count;
        }
    }
    lag.microseconds = counters ? atomic_load(&counters->microseconds) : 0;
    return lag;
}
