/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The body is built as a jansson value and printed once, so nothing that a user wrote can become anything but a string.
 * Our own members win over params: those come from a conversation's settings and may hold the same names.
 */
#include "core/chatprompt.h"

#include <string.h>
#include "core/json.h"

cs_prompt_t *cs_prompt_create(apr_pool_t *pool)
{
    cs_prompt_t *prompt = apr_pcalloc(pool, sizeof(*prompt));

    prompt->messages = apr_array_make(pool, 16, sizeof(cs_prompt_message_t));
    return prompt;
}

void cs_prompt_add(cs_prompt_t *prompt, const char *role, const char *content)
{
    cs_prompt_message_t *message = apr_array_push(prompt->messages);

    message->role = role;
    message->content = content;
}

static const cs_prompt_message_t *message_at(const cs_prompt_t *prompt, int index)
{
    return &APR_ARRAY_IDX(prompt->messages, index, cs_prompt_message_t);
}

static bool is_users(const cs_prompt_message_t *message)
{
    return strcmp(message->role, "user") == 0;
}

int cs_prompt_turns(const cs_prompt_t *prompt)
{
    int turns = 0, at;

    for (at = 0; at < prompt->messages->nelts; at++)
        turns += is_users(message_at(prompt, at));
    return turns;
}

static apr_size_t octets_of(const char *text)
{
    return text ? strlen(text) : 0;
}

/** What is sent whatever the window is. */
static apr_size_t fixed_octets(const cs_prompt_t *prompt)
{
    apr_size_t octets = octets_of(prompt->system);
    size_t at;

    for (at = 0; at < json_array_size(prompt->examples); at++)
        octets += json_string_length(json_object_get(json_array_get(prompt->examples, at), "content"));
    return octets;
}

int cs_prompt_window(const cs_prompt_t *prompt, const cs_prompt_options_t *options)
{
    apr_size_t octets = fixed_octets(prompt);
    int at = prompt->messages->nelts, start = at, turns = 0;

    while (at > 0) {
        octets += octets_of(message_at(prompt, --at)->content);
        if (!is_users(message_at(prompt, at)))
            continue;
        if (turns && options->max_octets && octets > options->max_octets)
            return start;
        start = at;
        if (++turns == options->max_turns)
            return cs_prompt_turns(prompt) > turns ? start : 0;
    }
    return options->max_octets && octets > options->max_octets ? start : 0;
}

apr_size_t cs_prompt_octets(const cs_prompt_t *prompt, const cs_prompt_options_t *options)
{
    apr_size_t octets = fixed_octets(prompt);
    int at;

    for (at = cs_prompt_window(prompt, options); at < prompt->messages->nelts; at++)
        octets += octets_of(message_at(prompt, at)->content);
    return octets;
}

bool cs_prompt_is_sendable(const cs_prompt_t *prompt)
{
    int count = prompt->messages->nelts, at;

    for (at = 0; at < count; at++) {
        const char *role = message_at(prompt, at)->role;

        if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0)
            return false;
    }
    return count > 0 && is_users(message_at(prompt, count - 1));
}

static apr_status_t add_message(json_t *messages, const char *role, const char *content)
{
    json_t *text = json_string(content), *message;

    /* jansson makes no string of what is not UTF-8. */
    if (!text)
        return CS_ENOTTEXT;
    message = json_pack("{s:s, s:o}", "role", role, "content", text);
    return json_array_append_new(messages, message) == 0 ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t add_messages(json_t *messages, const cs_prompt_t *prompt, const cs_prompt_options_t *options)
{
    apr_status_t rv = APR_SUCCESS;
    int at;

    if (prompt->system && *prompt->system)
        rv = add_message(messages, "system", prompt->system);
    if (rv == APR_SUCCESS && prompt->examples && json_array_extend(messages, (json_t *)prompt->examples) != 0)
        rv = APR_ENOMEM;
    for (at = cs_prompt_window(prompt, options); at < prompt->messages->nelts && rv == APR_SUCCESS; at++) {
        const cs_prompt_message_t *message = message_at(prompt, at);

        if (is_users(message) || (message->content && *message->content))
            rv = add_message(messages, message->role, message->content);
    }
    return rv;
}

static bool is_ours(const char *name)
{
    return strcmp(name, "model") == 0 || strcmp(name, "messages") == 0 || strcmp(name, "prompt") == 0 ||
           strcmp(name, "stream") == 0 || strcmp(name, "stream_options") == 0;
}

static int add_params(json_t *body, json_t *params)
{
    int failed = 0;
    void *at;

    for (at = json_object_iter(params); at; at = json_object_iter_next(params, at)) {
        if (!is_ours(json_object_iter_key(at)))
            failed |= json_object_set(body, json_object_iter_key(at), json_object_iter_value(at));
    }
    return failed;
}

apr_status_t cs_prompt_add_options(json_t *body, const cs_prompt_options_t *options)
{
    /* jansson iterates only what is not const, though it changes nothing but a count of references. */
    int failed = add_params(body, (json_t *)options->params);

    failed |= json_object_set_new(body, "stream", json_boolean(options->stream));
    if (options->stream)
        failed |= json_object_set_new(body, "stream_options", json_pack("{s:b}", "include_usage", 1));
    return failed ? APR_ENOMEM : APR_SUCCESS;
}

apr_status_t cs_prompt_to_completions(const char **body, apr_size_t *len, const cs_prompt_t *prompt,
                                      const cs_prompt_options_t *options, apr_pool_t *pool)
{
    json_t *messages = json_array(), *json = json_object();
    apr_status_t rv = CS_EREFUSED;

    *body = NULL;
    *len = 0;
    if (!cs_prompt_is_sendable(prompt))
        goto cleanup;
    if (json_object_set_new(json, "model", json_string(options->model)) != 0) {
        rv = CS_ENOTTEXT;
        goto cleanup;
    }
    if ((rv = json_object_set(json, "messages", messages) == 0 ? APR_SUCCESS : APR_ENOMEM) != APR_SUCCESS)
        goto cleanup;
    if ((rv = add_messages(messages, prompt, options)) == APR_SUCCESS)
        rv = cs_prompt_add_options(json, options);
    if (rv == APR_SUCCESS && !(*body = cs_json_print(json, len, pool)))
        rv = APR_ENOMEM;

cleanup:
    json_decref(messages);
    json_decref(json);
    return rv;
}
