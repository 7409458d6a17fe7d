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

static const char *id_text(apr_int64_t points, apr_int64_t thought, apr_pool_t *pool)
{
    return thought ? apr_psprintf(pool, "%" APR_INT64_T_FMT "+%" APR_INT64_T_FMT, points, thought)
                   : apr_psprintf(pool, "%" APR_INT64_T_FMT, points);
}

void chatsession_event_add_chunk(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, json_t *data,
                                 apr_pool_t *pool)
{
    add(bb, NULL, id_text(points, thought, pool), data, pool);
}

/* Written in one go: building and printing a value for each token took more time than sending it. */
void chatsession_event_add_text(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, const char *answer_id,
                                const char *model, const char *text, apr_size_t len, apr_pool_t *pool)
{
    static const char begin[] = "id: %s\ndata: {\"id\":";
    static const char middle[] = ",\"object\":\"chat.completion.chunk\",\"created\":%" APR_TIME_T_FMT ",\"model\":";
    static const char choice[] = ",\"choices\":[{\"index\":0,\"delta\":{\"content\":";
    static const char end[] = "},\"finish_reason\":null}]}\n\n";
    const apr_size_t numbers = 3 * 21;
    const apr_size_t room = sizeof(begin) + sizeof(middle) + sizeof(choice) + sizeof(end) + numbers +
                            CS_JSON_STRING_ROOM(strlen(answer_id)) + CS_JSON_STRING_ROOM(strlen(model)) +
                            CS_JSON_STRING_ROOM(len);
    char *event = apr_palloc(pool, room);
    char *at = event + apr_snprintf(event, room, begin, id_text(points, thought, pool));

    at = cs_json_write_string(at, answer_id, strlen(answer_id));
    at += apr_snprintf(at, sizeof(middle) + numbers, middle, apr_time_sec(apr_time_now()));
    at = cs_json_write_string(at, model, strlen(model));
    memcpy(at, choice, sizeof(choice) - 1);
    at = cs_json_write_string(at + sizeof(choice) - 1, text, len);
    memcpy(at, end, sizeof(end) - 1);
    apr_brigade_write(bb, NULL, NULL, event, (apr_size_t)(at + sizeof(end) - 1 - event));
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
