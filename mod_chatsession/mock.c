/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "mock.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include "config.h"
#include "core/json.h"
#include "core/utf8.h"
#include "events.h"
#include "reply.h"

#define MOCK_BODY_LIMIT (64 * 1024 * 1024)
/* Code points of one token. */
#define TOKEN_POINTS 4

static const char *const round_answers[] = {
    "Hello! This is the built-in model: its answers stand in the program.",
    "こんにちは。これは組み込みのモデルです。答えはプログラムの中に書いてあります。",
    "A list:\n\n1. one\n2. **two**\n3. `three`\n",
    "Ask again and the round begins anew.",
};

static const char long_paragraph[] =
    "## Part %d\n\nThis answer is long on purpose: it shows how a page behaves while much text arrives. "
    "長い回答の途中でもページは滑らかに動きます。\n\n"
    "| column | value |\n|---|---:|\n| part | %d |\n| square | %d |\n\n"
    "```c\nint main(void)\n{\n    return %d;\n}\n```\n\n";

static atomic_uint round_next;

static const char *long_answer(apr_pool_t *pool)
{
    const char *answer = "";

    for (int i = 1; i <= 20; i++) {
        answer = apr_pstrcat(pool, answer, apr_psprintf(pool, long_paragraph, i, i, i * i, i), NULL);
    }
    return answer;
}

/* The text of the last message of the request; a message of several parts is joined. */
static const char *last_text(const json_t *body, apr_pool_t *pool)
{
    const json_t *messages = json_object_get(body, "messages");
    const json_t *content = json_object_get(json_array_get(messages, json_array_size(messages) - 1), "content");
    const char *text = "";
    size_t i;
    json_t *part;

    if (json_is_string(content)) {
        return json_string_value(content);
    }
    json_array_foreach(content, i, part)
    {
        const char *piece = json_string_value(json_object_get(part, "text"));
        text = apr_pstrcat(pool, text, piece ? piece : "", NULL);
    }
    return text;
}

static const char *answer_to(const json_t *body, chatsession_mock_e mode, apr_pool_t *pool)
{
    switch (mode) {
    case CHATSESSION_MOCK_ROUND:
        return round_answers[atomic_fetch_add(&round_next, 1) % (sizeof(round_answers) / sizeof(round_answers[0]))];
    case CHATSESSION_MOCK_LONG:
        return long_answer(pool);
    case CHATSESSION_MOCK_ECHO:
        break;
    }
    return last_text(body, pool);
}

static json_t *usage_json(const char *answer)
{
    const json_int_t tokens = (json_int_t)(cs_utf8_count(answer, strlen(answer)) + TOKEN_POINTS - 1) / TOKEN_POINTS;

    return json_pack("{s:I,s:I,s:I}", "prompt_tokens", (json_int_t)1, "completion_tokens", tokens, "total_tokens",
                     tokens + 1);
}

static bool send_now(request_rec *r, apr_bucket_brigade *bb)
{
    apr_status_t rv;

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(bb->bucket_alloc));
    rv = ap_pass_brigade(r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return rv == APR_SUCCESS && !r->connection->aborted;
}

static void stream_answer(request_rec *r, const chatsession_dir_t *conf, const char *model, const char *answer)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    const char *rest = answer;
    apr_pool_t *pool;

    chatsession_events_begin(r);
    apr_pool_create(&pool, r->pool);
    apr_sleep(conf->mock_wait);
    /* Where clients look for the role. */
    chatsession_event_add(bb, NULL,
                          chatsession_chunk_json("chatcmpl-mock", model,
                                                 json_pack("{s:s,s:s}", "role", "assistant", "content", ""), NULL),
                          pool);
    while (*rest) {
        const apr_size_t len = cs_utf8_prefix(rest, strlen(rest), TOKEN_POINTS);
        apr_pool_clear(pool);
        chatsession_event_add(bb, NULL,
                              chatsession_chunk_json("chatcmpl-mock", model, json_pack("{s:s%}", "content", rest, len),
                                                     NULL),
                              pool);
        rest += len;
        if ((conf->mock_pace || !*rest) && !send_now(r, bb)) {
            return;
        }
        apr_sleep(conf->mock_pace);
    }
    chatsession_event_add(bb, NULL, chatsession_chunk_json("chatcmpl-mock", model, json_object(), "stop"), pool);
    chatsession_event_add(bb, NULL,
                          json_pack("{s:s,s:s,s:s,s:[],s:o}", "id", "chatcmpl-mock", "object", "chat.completion.chunk",
                                    "model", model, "choices", "usage", usage_json(answer)),
                          pool);
    apr_brigade_puts(bb, NULL, NULL, "data: [DONE]\n\n");
    send_now(r, bb);
}

static int whole_answer(request_rec *r, const chatsession_dir_t *conf, const char *model, const char *answer)
{
    apr_sleep(conf->mock_wait);
    return chatsession_reply_json(r, HTTP_OK,
                                  json_pack("{s:s,s:s,s:I,s:s,s:[{s:i,s:{s:s,s:s},s:s}],s:o}", "id", "chatcmpl-mock",
                                            "object", "chat.completion", "created",
                                            (json_int_t)apr_time_sec(apr_time_now()), "model", model, "choices",
                                            "index", 0, "message", "role", "assistant", "content", answer,
                                            "finish_reason", "stop", "usage", usage_json(answer)));
}

/* The request's body as JSON, or an answered error. */
static int read_request(request_rec *r, json_t **body)
{
    char *bytes;
    const char *problem = "no body";
    apr_size_t len = 0;
    long got;

    *body = NULL;
    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) == OK && ap_should_client_block(r) && r->remaining > 0 &&
        r->remaining <= MOCK_BODY_LIMIT) {
        bytes = apr_palloc(r->pool, (apr_size_t)r->remaining + 1);
        const apr_size_t size = (apr_size_t)r->remaining + 1;
        while ((got = ap_get_client_block(r, bytes + len, size - len)) > 0) {
            len += (apr_size_t)got;
        }
        if (cs_json_parse(body, bytes, len, &problem, r->pool) == APR_SUCCESS &&
            json_array_size(json_object_get(*body, "messages")) > 0) {
            return OK;
        }
    }
    return chatsession_reply_error(r, HTTP_BAD_REQUEST, "invalid_request", problem);
}

int chatsession_mock_handler(request_rec *r, const char *below)
{
    const chatsession_dir_t *conf = chatsession_dir(r);
    const char *model;
    const char *answer;
    json_t *body;

    if (r->method_number == M_GET && !strcmp(below, "models")) {
        return chatsession_reply_json(r, HTTP_OK,
                                      json_pack("{s:s,s:[{s:s,s:s,s:s}]}", "object", "list", "data", "id", "mock",
                                                "object", "model", "owned_by", "mod_chatsession"));
    }
    if (r->method_number != M_POST || strcmp(below, "chat/completions") != 0) {
        return HTTP_NOT_FOUND;
    }
    if (read_request(r, &body) != OK || !body) {
        return OK;
    }
    model = json_string_value(json_object_get(body, "model"));
    model = model ? model : "mock";
    answer = answer_to(body, conf->mock, r->pool);
    if (!json_is_true(json_object_get(body, "stream"))) {
        return whole_answer(r, conf, model, answer);
    }
    stream_answer(r, conf, model, answer);
    return OK;
}
