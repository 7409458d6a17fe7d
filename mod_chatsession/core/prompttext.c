/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/prompttext.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"
#include "core/text.h"

/* ---- the text ---- */

static apr_status_t add(cs_text_t *out, const char *text)
{
    return cs_text_append(out, text, strlen(text), 0);
}

/** The replacement that begins at text, or NULL. */
static const cs_replacement_t *replacement_at(const cs_replacement_t *replacements, const char *text)
{
    for (; replacements->from; replacements++) {
        if (!strncmp(text, replacements->from, strlen(replacements->from)))
            return replacements;
    }
    return NULL;
}

static apr_status_t add_replaced(cs_text_t *out, const char *text, const cs_replacement_t *replacements)
{
    const char *start = text;
    apr_status_t rv = APR_SUCCESS;

    if (!replacements->from)
        return add(out, text);
    while (*text && rv == APR_SUCCESS) {
        const cs_replacement_t *found = replacement_at(replacements, text);

        if (!found) {
            text++;
            continue;
        }
        rv = cs_text_append(out, start, (apr_size_t)(text - start), 0);
        if (rv == APR_SUCCESS)
            rv = add(out, found->to);
        start = text += strlen(found->from);
    }
    return rv == APR_SUCCESS ? add(out, start) : rv;
}

/** role "": the text stands alone. */
static apr_status_t add_message(cs_text_t *out, const cs_prompt_template_t *template, bool first, const char *role,
                                const char *content)
{
    apr_status_t rv = add(out, first ? "" : template->message_end);

    if (rv == APR_SUCCESS && *role)
        rv = add(out, role);
    if (rv == APR_SUCCESS && *role)
        rv = add(out, template->role_end);
    return rv == APR_SUCCESS ? add_replaced(out, content, template->input) : rv;
}

static const char *role_of(const cs_prompt_template_t *template, const char *role)
{
    return strcmp(role, "user") == 0 ? template->requester : template->responder;
}

/** system and examples; *first turns false when there is something. */
static apr_status_t add_before(cs_text_t *out, const cs_prompt_t *prompt, const cs_prompt_template_t *template,
                               bool *first)
{
    apr_status_t rv = APR_SUCCESS;
    size_t at;

    *first = true;
    if (prompt->system && *prompt->system) {
        rv = add_message(out, template, true, template->system, prompt->system);
        *first = false;
    }
    for (at = 0; at < json_array_size(prompt->examples) && rv == APR_SUCCESS; at++) {
        const json_t *example = json_array_get(prompt->examples, at);
        const char *role = json_string_value(json_object_get(example, "role"));
        const char *content = json_string_value(json_object_get(example, "content"));

        if (role && content) {
            rv = add_message(out, template, *first, role_of(template, role), content);
            *first = false;
        }
    }
    return rv;
}

static apr_status_t add_messages(cs_text_t *out, const cs_prompt_t *prompt, const cs_prompt_template_t *template,
                                 const cs_prompt_options_t *options)
{
    bool first, asked = false;
    apr_status_t rv = add_before(out, prompt, template, &first);

    for (int at = options ? cs_prompt_window(prompt, options) : 0; at < prompt->messages->nelts && rv == APR_SUCCESS;
         at++) {
        const cs_prompt_message_t *message = &APR_ARRAY_IDX(prompt->messages, at, cs_prompt_message_t);
        const bool is_users = strcmp(message->role, "user") == 0;

        if (!is_users && !(message->content && *message->content))
            continue;
        asked = is_users;
        rv = add_message(out, template, first, role_of(template, message->role), message->content);
        first = false;
    }
    if (rv == APR_SUCCESS && asked)
        rv = add(out, template->message_end);
    if (rv == APR_SUCCESS && asked)
        rv = add(out, template->responder);
    return rv == APR_SUCCESS && asked ? add(out, template->last_role_end) : rv;
}

const char *cs_prompt_to_text(const cs_prompt_t *prompt, const cs_prompt_template_t *template,
                              const cs_prompt_options_t *options, apr_pool_t *pool)
{
    cs_text_t *out = cs_text_create(pool);
    apr_status_t rv = add(out, template->begin);

    if (rv == APR_SUCCESS)
        rv = add_messages(out, prompt, template, options);
    return rv == APR_SUCCESS ? cs_text_get(out) : NULL;
}

/* ---- the body ---- */

static int add_stop(json_t *stops, json_t *text)
{
    json_t *known;
    size_t at;

    for (at = 0; (known = json_array_get(stops, at)); at++) {
        if (json_equal(known, text))
            return 0;
    }
    return json_array_append(stops, text);
}

static int set_stops(json_t *body, const cs_prompt_template_t *template)
{
    json_t *own = json_object_get(body, "stop"), *stops = json_array(), *text;
    int failed = stops ? 0 : -1;
    size_t at;

    for (at = 0; template->stops[at]; at++)
        failed |= json_array_append_new(stops, json_string(template->stops[at]));
    if (json_is_string(own))
        failed |= add_stop(stops, own);
    for (at = 0; (text = json_array_get(own, at)); at++)
        failed |= add_stop(stops, text);
    if (json_array_size(stops))
        failed |= json_object_set(body, "stop", stops);
    json_decref(stops);
    return failed;
}

/** What llama.cpp calls otherwise. */
static int rename_for_llamacpp(json_t *body)
{
    json_t *most = json_object_get(body, "max_tokens");
    int failed = most ? json_object_set(body, "n_predict", most) : 0;

    json_object_del(body, "max_tokens");
    json_object_del(body, "stream_options");
    return failed;
}

static apr_status_t fill_body(json_t *json, const cs_prompt_options_t *options, const cs_prompt_template_t *template,
                              cs_prompt_form_e form)
{
    apr_status_t rv = APR_SUCCESS;

    if (form != CS_PROMPT_LLAMACPP && json_object_set_new(json, "model", json_string(options->model)) != 0)
        return CS_ENOTTEXT;
    rv = cs_prompt_add_options(json, options);
    if (rv == APR_SUCCESS && set_stops(json, template))
        rv = APR_ENOMEM;
    if (rv == APR_SUCCESS && form == CS_PROMPT_LLAMACPP && rename_for_llamacpp(json))
        rv = APR_ENOMEM;
    return rv;
}

apr_status_t cs_prompt_to_text_body(const char **body, apr_size_t *len, const cs_prompt_t *prompt,
                                    const cs_prompt_options_t *options, const cs_prompt_template_t *template,
                                    cs_prompt_form_e form, apr_pool_t *pool)
{
    const char *text;
    json_t *json;
    apr_status_t rv;

    *body = NULL;
    *len = 0;
    if (!cs_prompt_is_sendable(prompt))
        return CS_EREFUSED;
    if (!(text = cs_prompt_to_text(prompt, template, options, pool)))
        return APR_ENOMEM;
    json = json_object();
    /* jansson makes no string of what is not UTF-8. */
    rv = json_object_set_new(json, "prompt", json_string(text)) == 0 ? APR_SUCCESS : CS_ENOTTEXT;
    if (rv == APR_SUCCESS)
        rv = fill_body(json, options, template, form);
    if (rv == APR_SUCCESS && !(*body = cs_json_print(json, len, pool)))
        rv = APR_ENOMEM;
    json_decref(json);
    return rv;
}

/* ---- for ChatStream ---- */

const char *cs_prompt_percent_encode(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(text) + 1);
    char *out = encoded;

    for (; *text; text++) {
        const unsigned char octet = (unsigned char)*text;

        if (octet < 0x80 && (apr_isalnum(octet) || strchr("-._~/", octet))) {
            *out++ = (char)octet;
        } else {
            *out++ = '%';
            *out++ = hex[octet >> 4];
            *out++ = hex[octet & 15];
        }
    }
    *out = '\0';
    return encoded;
}
