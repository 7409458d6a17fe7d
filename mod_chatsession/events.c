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

/* Digits of the longest number. */
#define NUMBER_ROOM 20

static char *write_number(char *at, apr_int64_t number)
{
    char digits[NUMBER_ROOM];
    apr_size_t len = 0;

    do {
        digits[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (len) {
        *at++ = digits[--len];
    }
    return at;
}

#define ID_ROOM (2 * NUMBER_ROOM + 1)

static char *write_id(char *at, apr_int64_t points, apr_int64_t thought)
{
    at = write_number(at, points);
    if (thought) {
        *at++ = '+';
        at = write_number(at, thought);
    }
    return at;
}

static const char *id_text(apr_int64_t points, apr_int64_t thought, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, ID_ROOM + 1);

    *write_id(text, points, thought) = '\0';
    return text;
}

void chatsession_event_add_chunk(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, json_t *data,
                                 apr_pool_t *pool)
{
    add(bb, NULL, id_text(points, thought, pool), data, pool);
}

/* The parts of an event that nearly all are. */
static const char text_id[] = "id: ", text_begin[] = "\ndata: {\"id\":",
                  text_created[] = ",\"object\":\"chat.completion.chunk\",\"created\":", text_model[] = ",\"model\":",
                  text_choice[] = ",\"choices\":[{\"index\":0,\"delta\":{\"content\":",
                  text_end[] = "},\"finish_reason\":null}]}\n\n";
#define WRITE(at, text) ((char *)memcpy(at, text, sizeof(text) - 1) + sizeof(text) - 1)

/* Written in one go: building and printing a value for each token took more time than sending it, and formatting its
 * numbers more than all the rest of it. */
void chatsession_event_add_text(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, const char *answer_id,
                                const char *model, const char *text, apr_size_t len, apr_pool_t *pool)
{
    const apr_size_t id_len = strlen(answer_id), model_len = strlen(model);
    char *event =
        apr_palloc(pool, sizeof(text_id) + sizeof(text_begin) + sizeof(text_created) + sizeof(text_model) +
                             sizeof(text_choice) + sizeof(text_end) + ID_ROOM + NUMBER_ROOM +
                             CS_JSON_STRING_ROOM(id_len) + CS_JSON_STRING_ROOM(model_len) + CS_JSON_STRING_ROOM(len));
    char *at = write_id(WRITE(event, text_id), points, thought);

    at = cs_json_write_string(WRITE(at, text_begin), answer_id, id_len);
    at = write_number(WRITE(at, text_created), apr_time_sec(apr_time_now()));
    at = cs_json_write_string(WRITE(at, text_model), model, model_len);
    at = cs_json_write_string(WRITE(at, text_choice), text, len);
    at = WRITE(at, text_end);
    apr_brigade_write(bb, NULL, NULL, event, (apr_size_t)(at - event));
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
