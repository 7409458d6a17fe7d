/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * mod_status's page is HTML that its hooks write: the one place where C writes some. All of it stands here as it is;
 * only numbers and the names of models, which are letters, digits and . _ : / -, are put in.
 */
#include "status_page.h"
#include <http_config.h>
#include <http_protocol.h>
#include <mod_status.h>
#include "breaker.h"
#include "counters.h"

static const struct {
    const char *key, *words;
    chatsession_count_e first, last;
} rows[] = {{"ChatSessionComplete", "answers complete", CHATSESSION_COUNT_COMPLETE, CHATSESSION_COUNT_COMPLETE},
            {"ChatSessionStopped", "stopped", CHATSESSION_COUNT_STOPPED, CHATSESSION_COUNT_STOPPED},
            {"ChatSessionError", "ended in an error", CHATSESSION_COUNT_ERROR, CHATSESSION_COUNT_ERROR},
            {"ChatSessionInterrupted", "interrupted", CHATSESSION_COUNT_INTERRUPTED, CHATSESSION_COUNT_INTERRUPTED},
            {"ChatSessionRefused", "refused", CHATSESSION_COUNT_REFUSED_QUEUE, CHATSESSION_COUNT_REFUSED_BACKEND}};

static apr_uint64_t sum(chatsession_count_e first, chatsession_count_e last)
{
    apr_uint64_t all = 0;

    for (int i = (int)first; i <= (int)last; i++) {
        all += chatsession_counted((chatsession_count_e)i);
    }
    return all;
}

static void put_backends(request_rec *r, bool is_short)
{
    json_t *backends = chatsession_breaker_json(chatsession_server(r->server));

    for (size_t i = 0; i < json_array_size(backends); i++) {
        const json_t *backend = json_array_get(backends, i);

        ap_rprintf(r, is_short ? "ChatSessionBackend: %s %s\n" : "<dt>Model %s: %s</dt>\n",
                   json_string_value(json_object_get(backend, "name")),
                   json_string_value(json_object_get(backend, "state")));
    }
    json_decref(backends);
}

int chatsession_status_page(request_rec *r, int flags)
{
    const bool is_short = flags & AP_STATUS_SHORT;

    ap_rputs(is_short ? "" : "<hr />\n<h2>mod_chatsession</h2>\n<dl>\n", r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const apr_uint64_t count = sum(rows[i].first, rows[i].last);

        if (is_short) {
            ap_rprintf(r, "%s: %" APR_UINT64_T_FMT "\n", rows[i].key, count);
        } else {
            ap_rprintf(r, "<dt>%" APR_UINT64_T_FMT " %s</dt>\n", count, rows[i].words);
        }
    }
    put_backends(r, is_short);
    ap_rputs(is_short ? "" : "</dl>\n", r);
    return OK;
}
