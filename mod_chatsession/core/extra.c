/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/extra.h"

#include <apr_strings.h>
#include <string.h>
#include "core/json.h"
#include "core/text.h"

/* Calls and parts of one answer. */
#define MEMBERS 1000

struct cs_extra {
    apr_pool_t *pool;
    cs_text_t *reasoning;
    json_t *calls, *parts;
    apr_size_t size; /* of calls and parts, about */
    unsigned version;
};

cs_extra_t *cs_extra_create(apr_pool_t *pool)
{
    cs_extra_t *extra = apr_pcalloc(pool, sizeof(*extra));

    extra->pool = pool;
    extra->reasoning = cs_text_create(pool);
    extra->calls = cs_json_own(json_array(), pool);
    extra->parts = cs_json_own(json_array(), pool);
    return extra;
}

/* The call that a piece goes on with. */
static json_t *find_call(const json_t *calls, const json_t *piece)
{
    const json_t *index = json_object_get(piece, "index");
    json_t *call;
    size_t at;

    if (!json_is_integer(index)) {
        return NULL;
    }
    for (at = 0; (call = json_array_get(calls, at)); at++) {
        if (json_equal(json_object_get(call, "index"), index)) {
            break;
        }
    }
    return call;
}

/* Append the text of piece's member to call's. */
static int append_text(json_t *call, const json_t *piece, const char *name)
{
    const char *old = json_string_value(json_object_get(call, name));
    const char *more = json_string_value(json_object_get(piece, name));

    if (!more) {
        return 0;
    }
    return json_object_set_new(call, name, old ? json_sprintf("%s%s", old, more) : json_string(more));
}

static int set_once(json_t *call, const json_t *piece, const char *name)
{
    json_t *value = json_object_get(piece, name);

    return json_is_string(value) && !json_object_get(call, name) ? json_object_set(call, name, value) : 0;
}

static int go_on(json_t *call, const json_t *piece)
{
    json_t *function = json_object_get(call, "function");
    const json_t *more = json_object_get(piece, "function");

    int failed = set_once(call, piece, "id") | set_once(call, piece, "type");

    if (!json_is_object(function) && json_is_object(more)) {
        return failed | json_object_set_new(call, "function", json_deep_copy(more));
    }
    return failed | set_once(function, more, "name") | append_text(function, more, "arguments");
}

static int add_calls(json_t *calls, const json_t *pieces)
{
    json_t *piece;
    size_t at;
    int failed = 0;

    for (at = 0; (piece = json_array_get(pieces, at)); at++) {
        json_t *call = find_call(calls, piece);
        failed |= call ? go_on(call, piece) : json_array_append_new(calls, json_deep_copy(piece));
    }
    return failed;
}

apr_status_t cs_extra_add(cs_extra_t *extra, const cs_completion_t *piece, apr_size_t limit)
{
    apr_size_t size = 0;

    if (piece->tool_calls || piece->parts) {
        size += json_dumpb(piece->tool_calls, NULL, 0, JSON_COMPACT) + json_dumpb(piece->parts, NULL, 0, JSON_COMPACT);
    }
    if (extra->size + cs_text_length(extra->reasoning) + size + piece->reasoning_len > limit ||
        json_array_size(extra->calls) + json_array_size(extra->parts) > MEMBERS) {
        return CS_ETOOBIG;
    }
    extra->size += size;
    extra->version += size > 0;
    if (add_calls(extra->calls, piece->tool_calls) ||
        (piece->parts && json_array_extend(extra->parts, piece->parts) != 0)) {
        return APR_ENOMEM;
    }
    return piece->reasoning_len ? cs_text_append(extra->reasoning, piece->reasoning, piece->reasoning_len, 0)
                                : APR_SUCCESS;
}

const char *cs_extra_reasoning(const cs_extra_t *extra, apr_size_t *len)
{
    *len = cs_text_length(extra->reasoning);
    return cs_text_get(extra->reasoning);
}

unsigned cs_extra_version(const cs_extra_t *extra)
{
    return extra->version;
}

json_t *cs_extra_beside(const cs_extra_t *extra)
{
    json_t *beside = extra->version ? json_object() : NULL;

    if (json_array_size(extra->calls)) {
        json_object_set_new(beside, "tool_calls", json_deep_copy(extra->calls));
    }
    if (json_array_size(extra->parts)) {
        json_object_set_new(beside, "parts", json_deep_copy(extra->parts));
    }
    return beside;
}

/* --- from one state to a later one --- */

/* The name, id or type of a call that it had not before. */
static void add_member(json_t *delta, const json_t *before, const json_t *after, const char *name)
{
    json_t *value = json_object_get(after, name);

    if (value && !json_object_get(before, name)) {
        json_object_set(delta, name, value);
    }
}

/* What a call gained; NULL: nothing. */
static json_t *call_news(const json_t *before, const json_t *after)
{
    const json_t *old_function = json_object_get(before, "function"), *function = json_object_get(after, "function");
    const char *old = json_string_value(json_object_get(old_function, "arguments"));
    const char *arguments = json_string_value(json_object_get(function, "arguments"));
    json_t *delta = json_object(), *inner = json_object();

    add_member(inner, old_function, function, "name");
    old = old ? old : "";
    if (arguments && !strncmp(arguments, old, strlen(old)) && arguments[strlen(old)]) {
        json_object_set_new(inner, "arguments", json_string(arguments + strlen(old)));
    }
    if (json_object_size(inner)) {
        json_object_set(delta, "function", inner);
    }
    json_decref(inner);
    add_member(delta, before, after, "id");
    add_member(delta, before, after, "type");
    if (!json_object_size(delta)) {
        json_decref(delta);
        return NULL;
    }
    json_object_set(delta, "index", json_object_get(after, "index"));
    return delta;
}

static json_t *calls_news(const json_t *before, const json_t *after)
{
    json_t *news = json_array();

    for (size_t at = 0; at < json_array_size(after); at++) {
        json_t *call = json_array_get(after, at);
        json_t *delta = at < json_array_size(before) ? call_news(json_array_get(before, at), call) : json_incref(call);

        if (delta) {
            json_array_append_new(news, delta);
        }
    }
    return news;
}

static json_t *parts_news(const json_t *before, const json_t *after)
{
    json_t *news = json_array();

    for (size_t at = json_array_size(before); at < json_array_size(after); at++) {
        json_array_append(news, json_array_get(after, at));
    }
    return news;
}

json_t *cs_extra_news(const json_t *before, const json_t *after)
{
    json_t *calls = calls_news(json_object_get(before, "tool_calls"), json_object_get(after, "tool_calls"));
    json_t *parts = parts_news(json_object_get(before, "parts"), json_object_get(after, "parts"));
    json_t *news = json_object();

    if (json_array_size(calls)) {
        json_object_set(news, "tool_calls", calls);
    }
    if (json_array_size(parts)) {
        json_object_set(news, "parts", parts);
    }
    json_decref(calls);
    json_decref(parts);
    if (!json_object_size(news)) {
        json_decref(news);
        news = NULL;
    }
    return news;
}

const char *cs_extra_print(const cs_extra_t *extra, apr_pool_t *pool)
{
    json_t *all = json_object();
    const char *text = NULL;

    if (cs_text_length(extra->reasoning)) {
        json_object_set_new(all, "reasoning",
                            json_stringn(cs_text_get(extra->reasoning), cs_text_length(extra->reasoning)));
    }
    if (json_array_size(extra->calls)) {
        json_object_set(all, "tool_calls", extra->calls);
    }
    if (json_array_size(extra->parts)) {
        json_object_set(all, "parts", extra->parts);
    }
    if (json_object_size(all)) {
        text = cs_json_print(all, NULL, pool);
    }
    json_decref(all);
    return text;
}
