/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "causes.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include "config.h"
#include "core/rfc3339.h"
#include "kept_memory.h"

APLOG_USE_MODULE(chatsession);

static const char *const causes[] = {"success",
                                     "new",
                                     "none",
                                     "skipped",
                                     "valid_cookie_but_no_store",
                                     "renew after InvalidSignature",
                                     "renew after SignatureExpired"};
#define CAUSES (sizeof(causes) / sizeof(causes[0]))

typedef struct {
    apr_time_t since;
    atomic_ullong requests[CAUSES];
} counts_t;

static counts_t *counts;

int chatsession_causes_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    bool fresh;
    void *memory;
    const apr_status_t rv =
        chatsession_kept_memory(&memory, &fresh, "causes", sizeof(counts_t), s->process->pool, ptemp);

    (void)pconf;
    (void)plog;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, "CS0185: no shared memory for counting requests by cause");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    counts = memory;
    if (fresh) {
        counts->since = apr_time_now();
    }
    return OK;
}

void chatsession_causes_count(const char *cause)
{
    for (size_t i = 0; counts && i < CAUSES; i++) {
        if (!strcmp(cause, causes[i])) {
            atomic_fetch_add_explicit(&counts->requests[i], 1, memory_order_relaxed);
            return;
        }
    }
}

json_t *chatsession_causes_json(apr_pool_t *pool)
{
    json_t *requests = json_object();

    for (size_t i = 0; counts && i < CAUSES; i++) {
        json_object_set_new(requests, causes[i], json_integer((json_int_t)atomic_load(&counts->requests[i])));
    }
    return json_pack("{s:s?,s:o}", "since", counts ? cs_rfc3339_print(counts->since, pool) : NULL, "requests",
                     requests);
}
