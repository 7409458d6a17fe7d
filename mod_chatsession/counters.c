/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "counters.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

APLOG_USE_MODULE(chatsession);

const int chatsession_lag_limits[CHATSESSION_LAG_BUCKETS] = {50, 100, 250, 500, 1000, 2500, 5000, 15000};

typedef struct {
    atomic_ullong counts[CHATSESSION_COUNTS];
    atomic_ullong lags[CHATSESSION_LAG_BUCKETS + 1]; /* the last: longer than all limits */
    atomic_ullong microseconds;
} counters_t;

/* httpd loads the module anew at a restart, and then this is NULL: the address is retained beside the memory. */
static counters_t *counters;

int chatsession_counters_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    /* Another version of this module, loaded by a graceful restart, may count more. */
    const char *key = apr_psprintf(ptemp, "chatsession-counters-%" APR_SIZE_T_FMT, sizeof(counters_t));
    struct {
        counters_t *counters;
    } *kept = ap_retained_data_get(key);
    apr_shm_t *shm;
    apr_status_t rv;

    (void)pconf;
    (void)plog;
    if (!kept) {
        kept = ap_retained_data_create(key, sizeof(*kept));
    }
    if (!kept->counters) {
        rv = apr_shm_create(&shm, sizeof(counters_t), NULL, s->process->pool);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, "CS0344: no shared memory for the metrics");
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        kept->counters = apr_shm_baseaddr_get(shm);
        memset(kept->counters, 0, sizeof(counters_t));
    }
    counters = kept->counters;
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
    while (bucket < CHATSESSION_LAG_BUCKETS && lag > apr_time_from_msec(chatsession_lag_limits[bucket])) {
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
