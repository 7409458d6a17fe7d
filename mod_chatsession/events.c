/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "events.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include "core/json.h"

void chatsession_events_begin(request_rec *r)
{
    r->status = HTTP_OK;
    ap_set_content_type(r, "text/event-stream");
    apr_table_setn(r->headers_out, "X-Accel-Buffering", "no");
    /* Compression would hold tokens back. */
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
    r->no_cache = 1;
}

static void add(apr_bucket_brigade *bb, const char *name, const char *id, json_t *data, apr_pool_t *pool)
{
    apr_size_t len = 0;
    const char *text = cs_json_print(data, &len, pool);

    json_decref(data);
    if (!text) {
        return;
    }
    if (name) {
        apr_brigade_printf(bb, NULL, NULL, "event: %s\n", name);
    }
    if (id) {
        apr_brigade_printf(bb, NULL, NULL, "id: %s\n", id);
    }
    apr_brigade_puts(bb, NULL, NULL, "data: ");
    apr_brigade_write(bb, NULL, NULL, text, len);
    apr_brigade_puts(bb, NULL, NULL, "\n\n");
}

void chatsession_event_add(apr_bucket_brigade *bb, const char *name, json_t *data, apr_pool_t *pool)
{
    add(bb, name, NULL, data, pool);
}

void chatsession_event_add_chunk(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, json_t *data,
                                 apr_pool_t *pool)
{
    const char *id = apr_psprintf(pool, "%" APR_INT64_T_FMT, points);

    add(bb, NULL, thought ? apr_psprintf(pool, "%s+%" APR_INT64_T_FMT, id, thought) : id, data, pool);
}

void chatsession_event_add_heartbeat(apr_bucket_brigade *bb)
{
    apr_brigade_puts(bb, NULL, NULL, ":\n\n");
}

json_t *chatsession_chunk_json(const char *answer_id, const char *model, json_t *delta, const char *finish_reason)
{
    return json_pack("{s:s,s:s,s:I,s:s?,s:[{s:i,s:o,s:s?}]}", "id", answer_id, "object", "chat.completion.chunk",
                     "created", (json_int_t)apr_time_sec(apr_time_now()), "model", model, "choices", "index", 0,
                     "delta", delta, "finish_reason", finish_reason);
}

json_t *chatsession_done_json(const char *answer_id, const char *status, const char *finish_reason, const char *usage,
                              const char *detail)
{
    json_t *usage_json = usage ? json_loads(usage, 0, NULL) : NULL;

    return json_pack("{s:s,s:s,s:s?,s:o,s:s?}", "answer_id", answer_id, "status", status, "finish_reason",
                     finish_reason, "usage", usage_json ? usage_json : json_null(), "detail", detail);
}
