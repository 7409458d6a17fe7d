/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * From a history to a model's request: the body is JSON and says what the history said, by the same people, no more
 * turns than allowed, and params change none of our members. An input is flags, the window, then parts ended by 0x1E:
 * the system text, the params as JSON, and a message each, whose first octet is its role.
 */
#include "core/chatprompt.h"

#include "core/json.h"
#include "core/utf8.h"
#include "fuzz.h"

#define MAX_PARTS 64

static const char *const roles[] = {"user", "assistant", "system"};

typedef struct {
    char *text[MAX_PARTS];
    int count;
} parts_t;

static const cs_prompt_message_t *message_at(const cs_prompt_t *prompt, int at)
{
    return &APR_ARRAY_IDX(prompt->messages, at, cs_prompt_message_t);
}

static bool is_sendable(const cs_prompt_t *prompt)
{
    const int count = prompt->messages->nelts;

    for (int i = 0; i < count; i++) {
        if (message_at(prompt, i)->role == roles[2])
            return false;
    }
    return count && message_at(prompt, count - 1)->role == roles[0];
}

static bool is_utf8(const char *text)
{
    return cs_utf8_is_text(text, strlen(text), NULL);
}

static bool is_all_text(const cs_prompt_t *prompt)
{
    for (int i = 0; i < prompt->messages->nelts; i++) {
        if (!is_utf8(message_at(prompt, i)->content))
            return false;
    }
    return is_utf8(prompt->system);
}

static void check_message(const json_t *message, const char *role, const char *content)
{
    HOLDS(!strcmp(json_string_value(json_object_get(message, "role")), role));
    HOLDS(!strcmp(json_string_value(json_object_get(message, "content")), content));
}

/* From the last message back to where the window begins, or to the first when all turns fit. */
static void check_messages(const json_t *messages, const cs_prompt_t *prompt, int max_turns)
{
    const bool all = !max_turns || cs_prompt_turns(prompt) <= max_turns;
    size_t left = json_array_size(messages);
    int turns = 0;

    for (int i = prompt->messages->nelts; (all || turns < max_turns) && i--;) {
        const cs_prompt_message_t *message = message_at(prompt, i);

        turns += message->role == roles[0];
        if (message->role == roles[0] || *message->content) {
            HOLDS(left);
            check_message(json_array_get(messages, --left), message->role, message->content);
        }
    }
    if (*prompt->system) {
        HOLDS(left);
        check_message(json_array_get(messages, --left), "system", prompt->system);
    }
    HOLDS(!left);
}

static void check_params(const json_t *json, json_t *params)
{
    const char *name;
    json_t *value;

    json_object_foreach(params, name, value)
    {
        if (strcmp(name, "model") && strcmp(name, "messages") && strcmp(name, "prompt") && strcmp(name, "stream") &&
            strcmp(name, "stream_options"))
            HOLDS(json_equal(json_object_get(json, name), value));
    }
    HOLDS(!json_object_get(json, "prompt")); /* is ours too, in the other form of body */
}

static void check_body(const char *body, apr_size_t len, const cs_prompt_t *prompt, const cs_prompt_options_t *options)
{
    json_error_t error;
    json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);

    HOLDS(json && strlen(body) == len && is_utf8(body));
    HOLDS(!strcmp(json_string_value(json_object_get(json, "model")), options->model));
    HOLDS(json_is_boolean(json_object_get(json, "stream")) &&
          json_is_true(json_object_get(json, "stream")) == options->stream);
    HOLDS(json_is_object(json_object_get(json, "stream_options")) == options->stream);
    check_messages(json_object_get(json, "messages"), prompt, options->max_turns);
    check_params(json, (json_t *)options->params);
    json_decref(json);
}

static void write_body(const cs_prompt_t *prompt, const cs_prompt_options_t *options, apr_pool_t *pool)
{
    const char *body = FUZZ_UNSET;
    apr_size_t len = FUZZ_UNSET_SIZE;
    apr_status_t rv = cs_prompt_to_completions(&body, &len, prompt, options, pool);

    if (rv != APR_SUCCESS)
        HOLDS(!body && !len);
    if (!is_sendable(prompt))
        HOLDS(rv == CS_EREFUSED);
    else if (rv == APR_SUCCESS)
        check_body(body, len, prompt, options);
    else /* a text that is none may also lie outside the window */
        HOLDS(rv == CS_ENOTTEXT && !is_all_text(prompt));
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const bool stream = fuzz_octet(&reader) % 2;
    const int max_turns = fuzz_octet(&reader) % 8;
    cs_prompt_options_t options = {.model = "a model", .stream = stream, .max_turns = max_turns};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    parts_t parts = {.count = 0};
    const char *problem;
    json_t *params;

    while (parts.count < MAX_PARTS && (parts.count < 2 || fuzz_left(&reader)))
        parts.text[parts.count++] = fuzz_part(&reader, 0x1E, &len);
    prompt->system = parts.text[0];
    if (cs_json_parse(&params, parts.text[1], strlen(parts.text[1]), &problem, pool) == APR_SUCCESS)
        options.params = params;
    for (int i = 2; i < parts.count; i++) {
        const char *text = parts.text[i];

        cs_prompt_add(prompt, roles[(unsigned char)*text % 32 == 2 ? 2 : *text % 2 != 0], *text ? text + 1 : text);
    }
    write_body(prompt, &options, pool);
    while (parts.count)
        free(parts.text[--parts.count]);
}
