/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The hard part is "\uD83D" at the end of one piece and "\uDE00" at the start of the next: jansson refuses a lone half.
 * So a piece that has "\u" in it is rewritten before it is parsed. Inside strings, each NUL and each lone half becomes
 * U+FFFD, except a half that could belong to a neighbouring piece: a low one at the very start or a high one at the
 * very end of a string that is no name. That one becomes a mark, NUL and its four hex digits. As no other NUL is left,
 * a mark cannot be mistaken for text. After parsing, the marks of content and reasoning are joined with what the reader
 * holds, and all others become U+FFFD too.
 *
 * A piece without "\u", in valid UTF-8, is parsed where it stands and its text is not copied.
 */
#include "core/completion.h"

#include <string.h>
#include <apr_strings.h>
#include "core/completion_quick.h"
#include "core/json.h"
#include "core/text.h"
#include "core/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"
#define REPLACEMENT_LEN 3
#define ESCAPE_LEN 6 /* \uXXXX */
#define MARK_LEN 5   /* NUL and XXXX, as parsed */

#define IS_HIGH(unit) (((unit)&0xFC00U) == 0xD800U)
#define IS_LOW(unit) (((unit)&0xFC00U) == 0xDC00U)

struct cs_completion_reader {
    unsigned int content;   /* the high half that is held back; 0: none */
    unsigned int reasoning; /* the same */
};

apr_status_t cs_completion_reader_create(cs_completion_reader_t **reader, apr_pool_t *pool)
{
    *reader = apr_pcalloc(pool, sizeof(**reader));
    return APR_SUCCESS;
}

/* ---- before parsing: the escapes ---- */

typedef struct {
    const char *at;
    const char *end;
    char *out;
    bool marked; /* a mark was written */
} rewrite_t;

/** The four hex digits at at. */
static bool read_hex4(unsigned int *unit, const char *at)
{
    unsigned int value = 0;
    int digit;

    *unit = 0;
    for (digit = 0; digit < 4; digit++) {
        char c = at[digit];

        if (c >= '0' && c <= '9')
            value = value << 4 | (unsigned int)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (unsigned int)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            value = value << 4 | (unsigned int)(c - 'A' + 10);
        else
            return false;
    }
    *unit = value;
    return true;
}

static bool read_escape(unsigned int *unit, const char *at, const char *end)
{
    return end - at >= ESCAPE_LEN && at[0] == '\\' && at[1] == 'u' && read_hex4(unit, at + 2);
}

static void put(rewrite_t *rewrite, const char *bytes, apr_size_t len)
{
    memcpy(rewrite->out, bytes, len);
    rewrite->out += len;
}

/** The escape at rewrite->at, inside the string that goes from start to end (without quotation marks). */
static void rewrite_escape(rewrite_t *rewrite, const char *start, const char *end, bool is_name)
{
    const char *at = rewrite->at;
    unsigned int unit, next;
    bool edge;

    rewrite->at += at + 1 < end ? 2 : 1;
    if (!read_escape(&unit, at, end) || (unit && !IS_HIGH(unit) && !IS_LOW(unit))) {
        put(rewrite, at, (apr_size_t)(rewrite->at - at));
        return;
    }
    rewrite->at = at + ESCAPE_LEN;
    if (IS_HIGH(unit) && read_escape(&next, rewrite->at, end) && IS_LOW(next)) {
        rewrite->at += ESCAPE_LEN;
        put(rewrite, at, 2 * ESCAPE_LEN);
        return;
    }
    edge = (IS_LOW(unit) && at == start) || (IS_HIGH(unit) && rewrite->at == end);
    if (edge && !is_name) {
        put(rewrite, "\\u0000", ESCAPE_LEN);
        put(rewrite, at + 2, 4);
        rewrite->marked = true;
    } else {
        put(rewrite, REPLACEMENT, REPLACEMENT_LEN);
    }
}

/** The closing quotation mark of the string whose first octet is at, or end. */
static const char *string_end(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at;
}

static bool is_followed_by_colon(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at < end && *at == ':';
}

/** From an opening quotation mark past the closing one. */
static void rewrite_string(rewrite_t *rewrite)
{
    const char *start = rewrite->at + 1, *end = string_end(start, rewrite->end);
    bool is_name = end < rewrite->end && is_followed_by_colon(end + 1, rewrite->end);

    put(rewrite, "\"", 1);
    rewrite->at = start;
    while (rewrite->at < end) {
        const char *escape = memchr(rewrite->at, '\\', (apr_size_t)(end - rewrite->at));
        const char *stop = escape ? escape : end;

        put(rewrite, rewrite->at, (apr_size_t)(stop - rewrite->at));
        rewrite->at = stop;
        if (escape)
            rewrite_escape(rewrite, start, end, is_name);
    }
    if (rewrite->at < rewrite->end)
        put(rewrite, rewrite->at++, 1);
}

/** data with every escape that jansson would refuse or cut at rewritten; *marked says whether there are marks. */
static const char *rewrite_escapes(const char *data, apr_size_t *len, bool *marked, apr_pool_t *pool)
{
    /* A mark takes ten octets in the place of six, so no text grows beyond twice its size. */
    char *out = apr_palloc(pool, 2 * *len + 1);
    rewrite_t rewrite = {data, data + *len, out, false};

    while (rewrite.at < rewrite.end) {
        const char *quote = memchr(rewrite.at, '"', (apr_size_t)(rewrite.end - rewrite.at));
        const char *stop = quote ? quote : rewrite.end;

        put(&rewrite, rewrite.at, (apr_size_t)(stop - rewrite.at));
        rewrite.at = stop;
        if (quote)
            rewrite_string(&rewrite);
    }
    *len = (apr_size_t)(rewrite.out - out);
    *marked = rewrite.marked;
    return out;
}

/* ---- after parsing: the marks ---- */

/** Takes the marks off both ends of the text; 0 where there is none. */
static void take_marks(const char **text, apr_size_t *len, unsigned int *low, unsigned int *high)
{
    const char *end = *text + *len;

    *low = *high = 0;
    if (*len >= MARK_LEN && !**text) {
        read_hex4(low, *text + 1);
        if (IS_LOW(*low))
            *text += MARK_LEN;
        else
            *low = 0;
    }
    if (end - *text >= MARK_LEN && !*(end - MARK_LEN)) {
        read_hex4(high, end - MARK_LEN + 1);
        end -= MARK_LEN;
    }
    *len = (apr_size_t)(end - *text);
}

/** The octets of U+FFFD for each half, or of the character that two halves make. */
static apr_size_t join(char out[2 * REPLACEMENT_LEN + 1], unsigned int high, unsigned int low)
{
    unsigned int point = 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);

    if (high && low) {
        out[0] = (char)(0xF0 | point >> 18);
        out[1] = (char)(0x80 | (point >> 12 & 0x3F));
        out[2] = (char)(0x80 | (point >> 6 & 0x3F));
        out[3] = (char)(0x80 | (point & 0x3F));
        return 4;
    }
    if (!high && !low)
        return 0;
    memcpy(out, REPLACEMENT, REPLACEMENT_LEN);
    return REPLACEMENT_LEN;
}

/** The text of one string of the piece, joined with *held, which becomes the half held back at its end. */
static apr_status_t join_text(json_t *string, unsigned int *held, bool last, apr_pool_t *pool)
{
    const char *text = json_string_value(string);
    apr_size_t len = json_string_length(string), head_len, tail_len = 0;
    char head[2 * REPLACEMENT_LEN + 1], tail[2 * REPLACEMENT_LEN + 1];
    unsigned int low, high;
    char *joined;

    if (!len)
        return APR_SUCCESS;
    take_marks(&text, &len, &low, &high);
    head_len = join(head, *held, low);
    *held = high;
    if (last) {
        tail_len = join(tail, high, 0);
        *held = 0;
    }
    if (!head_len && !tail_len && !high)
        return APR_SUCCESS;
    joined = apr_palloc(pool, head_len + len + tail_len + 1);
    memcpy(joined, head, head_len);
    memcpy(joined + head_len, text, len);
    memcpy(joined + head_len + len, tail, tail_len);
    /* Where memory ends, the old text with its marks stays, which must not be handed on. */
    return json_string_setn_nocheck(string, joined, head_len + len + tail_len) == 0 ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t clean_string(json_t *string, apr_pool_t *pool)
{
    unsigned int none = 0;

    if (!memchr(json_string_value(string), '\0', json_string_length(string)))
        return APR_SUCCESS;
    return join_text(string, &none, true, pool);
}

/** U+FFFD for every mark that is left in value; as deep as jansson parses at most. */
static apr_status_t clean_marks(json_t *value, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    size_t index;
    void *at;

    if (json_typeof(value) == JSON_STRING)
        return clean_string(value, pool);
    for (index = 0; rv == APR_SUCCESS && index < json_array_size(value); index++)
        rv = clean_marks(json_array_get(value, index), pool);
    for (at = json_object_iter(value); rv == APR_SUCCESS && at; at = json_object_iter_next(value, at))
        rv = clean_marks(json_object_iter_value(at), pool);
    return rv;
}

/* ---- the piece ---- */

/** A member that may be missing or null but nothing else than a string. */
static apr_status_t get_string(json_t **string, const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    *string = json_is_string(value) ? value : NULL;
    return !value || *string || json_typeof(value) == JSON_NULL ? APR_SUCCESS : CS_EMALFORMED;
}

/** A string of object, or NULL; error objects and the like are taken as they come. */
static const char *string_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const char *error_of(const json_t *json)
{
    const json_t *error = json_object_get(json, "error");
    const char *kind = string_of(json, "object"), *message = NULL;

    if (json_is_object(error))
        message = string_of(error, "message");
    else if (json_is_string(error))
        message = json_string_value(error);
    else if (kind && strcmp(kind, "error") == 0)
        message = string_of(json, "message");
    else if (!error || json_typeof(error) == JSON_NULL)
        return NULL;
    return message && *message ? message : "The backend reported an error without a message.";
}

/** The choice with index 0; others are alternatives that nobody asked for. */
static json_t *first_choice(const json_t *choices)
{
    json_t *choice;
    size_t at;

    for (at = 0; (choice = json_array_get(choices, at)); at++) {
        if (json_integer_value(json_object_get(choice, "index")) == 0)
            break;
    }
    return choice;
}

static json_t *if_object(json_t *value)
{
    return json_is_object(value) ? value : NULL;
}

/** Where a piece keeps what is asked of it; what is not there is NULL. */
typedef struct {
    json_t *choice;
    json_t *delta; /* or message */
    json_t *content;
    json_t *reasoning;
    bool is_whole; /* an answer that is not streamed */
} parts_t;

static json_t *text_of_part(const json_t *part)
{
    const char *type = string_of(part, "type");
    json_t *text = json_object_get(part, "text");

    return json_is_string(text) && type && strcmp(type, "text") == 0 ? text : NULL;
}

/** several: content has more than one text, so a half character at an end of this one joins with nothing. */
static apr_status_t take_part(json_t *part, bool several, json_t *others, cs_text_t *joined, apr_pool_t *pool)
{
    json_t *text = text_of_part(part);
    apr_status_t rv;

    if (!text)
        return json_array_append(others, part) == 0 ? APR_SUCCESS : APR_ENOMEM;
    rv = several ? clean_string(text, pool) : APR_SUCCESS;
    return rv == APR_SUCCESS ? cs_text_append(joined, json_string_value(text), json_string_length(text), 0) : rv;
}

/** A content in parts becomes one text, and what is no text stands as "parts" beside it. */
static apr_status_t join_parts(json_t *delta, apr_pool_t *pool)
{
    json_t *content = json_object_get(delta, "content"), *others, *part;
    apr_status_t rv = APR_SUCCESS;
    size_t index, texts = 0;
    cs_text_t *joined;

    if (!json_is_array(content))
        return APR_SUCCESS;
    for (index = 0; (part = json_array_get(content, index)); index++) {
        if (json_typeof(part) != JSON_OBJECT)
            return CS_EMALFORMED;
        texts += text_of_part(part) != NULL;
    }
    joined = cs_text_create(pool);
    others = json_array();
    for (index = 0; rv == APR_SUCCESS && index < json_array_size(content); index++)
        rv = take_part(json_array_get(content, index), texts > 1, others, joined, pool);
    if (rv == APR_SUCCESS &&
        (json_object_set(delta, "parts", others) != 0 ||
         json_object_set_new(delta, "content", json_stringn_nocheck(cs_text_get(joined), cs_text_length(joined)))))
        rv = APR_ENOMEM;
    json_decref(others);
    return rv;
}

static apr_status_t find_texts(parts_t *parts)
{
    apr_status_t rv = parts->delta ? get_string(&parts->content, parts->delta, "content")
                                   : get_string(&parts->content, parts->choice, "text");

    if (rv == APR_SUCCESS)
        rv = get_string(&parts->reasoning, parts->delta, "reasoning_content");
    if (rv == APR_SUCCESS && !parts->reasoning)
        rv = get_string(&parts->reasoning, parts->delta, "reasoning");
    return rv;
}

/* ---- llama.cpp's own /completion ---- */

/** {"content":"…","stop":false}; the last one has "stop":true and counts. */
static bool is_llamacpp(const json_t *json)
{
    return json_is_string(json_object_get(json, "content")) && json_is_boolean(json_object_get(json, "stop"));
}

static const char *finish_of_llamacpp(const json_t *json)
{
    const char *type = string_of(json, "stop_type");

    return (type && strcmp(type, "limit") == 0) || json_is_true(json_object_get(json, "stopped_limit")) ? "length"
                                                                                                        : "stop";
}

/** Its last piece in OpenAI's words: choices with the finish reason, usage. */
static apr_status_t find_llamacpp(parts_t *parts, json_t *json)
{
    const json_int_t asked = json_integer_value(json_object_get(json, "tokens_evaluated"));
    const json_int_t answered = json_integer_value(json_object_get(json, "tokens_predicted"));

    parts->content = json_object_get(json, "content");
    if (json_typeof(json_object_get(json, "stop")) == JSON_FALSE)
        return APR_SUCCESS;
    parts->is_whole = true;
    if (json_object_set_new(json, "choices",
                            json_pack("[{s:i,s:s}]", "index", 0, "finish_reason", finish_of_llamacpp(json))) != 0)
        return APR_ENOMEM;
    parts->choice = json_array_get(json_object_get(json, "choices"), 0);
    if (asked < 0 || answered < 0 || asked > APR_INT32_MAX || answered > APR_INT32_MAX || !(asked + answered))
        return APR_SUCCESS;
    return json_object_set_new(json, "usage",
                               json_pack("{s:I,s:I,s:I}", "prompt_tokens", asked, "completion_tokens", answered,
                                         "total_tokens", asked + answered)) == 0
               ? APR_SUCCESS
               : APR_ENOMEM;
}

static apr_status_t find_parts(parts_t *parts, const json_t *json, apr_pool_t *pool)
{
    json_t *choices = json_object_get(json, "choices");
    apr_status_t rv;

    memset(parts, 0, sizeof(*parts));
    if (!json_is_object(json))
        return CS_EMALFORMED;
    if (!json_is_array(choices) && is_llamacpp(json))
        return find_llamacpp(parts, (json_t *)json);
    if (!json_is_array(choices))
        return error_of(json) ? APR_SUCCESS : CS_EMALFORMED;
    parts->choice = first_choice(choices);
    parts->delta = if_object(json_object_get(parts->choice, "delta"));
    if (!parts->delta) {
        parts->delta = if_object(json_object_get(parts->choice, "message"));
        parts->is_whole = parts->delta != NULL;
    }
    rv = join_parts(parts->delta, pool);
    return rv == APR_SUCCESS ? find_texts(parts) : rv;
}

static void set_text(const char **text, apr_size_t *len, const json_t *string)
{
    *len = json_string_length(string);
    *text = *len ? json_string_value(string) : NULL;
}

static void set_piece(cs_completion_t *piece, const parts_t *parts)
{
    json_t *calls = json_object_get(parts->delta, "tool_calls");
    json_t *others = json_object_get(parts->delta, "parts");

    piece->done = parts->is_whole;
    set_text(&piece->content, &piece->content_len, parts->content);
    set_text(&piece->reasoning, &piece->reasoning_len, parts->reasoning);
    piece->tool_calls = json_array_size(calls) ? calls : NULL;
    piece->parts = json_array_size(others) ? others : NULL;
    piece->finish_reason = string_of(parts->choice, "finish_reason");
    piece->usage = if_object(json_object_get(piece->json, "usage"));
    piece->model = string_of(piece->json, "model");
    piece->error = error_of(piece->json);
}

/** The JSON of data, whatever its octets and escapes are. */
static json_t *parse(const char *data, apr_size_t len, bool *marked, apr_pool_t *pool)
{
    const char *text = data;
    json_error_t error;

    *marked = false;
    if (!cs_utf8_is_text(text, len, NULL))
        text = cs_utf8_repair(text, len, &len, NULL, pool);
    if (memmem(text, len, "\\u", 2))
        text = rewrite_escapes(text, &len, marked, pool);
    /* JSON_ALLOW_NUL is for the marks: no other NUL has been left. */
    return json_loadb(text, len, *marked ? JSON_ALLOW_NUL : 0, &error);
}

static bool is_done_mark(const char *data, apr_size_t len)
{
    while (len && (data[len - 1] == ' ' || data[len - 1] == '\t' || data[len - 1] == '\r' || data[len - 1] == '\n'))
        len--;
    while (len && (*data == ' ' || *data == '\t')) {
        data++;
        len--;
    }
    return len == 6 && memcmp(data, "[DONE]", 6) == 0;
}

/** The end of the stream. What the content still waits for is cs_completion_rest's; reasoning has no such call. */
static void read_done(cs_completion_t *piece, cs_completion_reader_t *reader)
{
    piece->done = true;
    if (reader->reasoning) {
        piece->reasoning = REPLACEMENT;
        piece->reasoning_len = REPLACEMENT_LEN;
        reader->reasoning = 0;
    }
}

/** The order matters: replacing a string's text frees the old one, so pointers into strings are taken last. */
static apr_status_t read_json(cs_completion_t *piece, cs_completion_reader_t *reader, bool marked, apr_pool_t *pool)
{
    parts_t parts;
    apr_status_t rv = find_parts(&parts, piece->json, pool);

    if (rv != APR_SUCCESS)
        return rv;
    rv = join_text(parts.content, &reader->content, parts.is_whole, pool);
    if (rv == APR_SUCCESS)
        rv = join_text(parts.reasoning, &reader->reasoning, parts.is_whole, pool);
    if (rv == APR_SUCCESS && marked)
        rv = clean_marks(piece->json, pool);
    if (rv == APR_SUCCESS)
        set_piece(piece, &parts);
    return rv;
}

apr_status_t cs_completion_read(cs_completion_t *piece, cs_completion_reader_t *reader, const char *data,
                                apr_size_t len, apr_pool_t *pool)
{
    bool marked;
    apr_status_t rv;

    memset(piece, 0, sizeof(*piece));
    if (is_done_mark(data, len)) {
        read_done(piece, reader);
        return APR_SUCCESS;
    }
    /* Half a character that is held back belongs to whatever text comes next. */
    if (!reader->content && !reader->reasoning && cs_completion_quick(piece, data, len, pool))
        return APR_SUCCESS;
    piece->json = cs_json_own(parse(data, len, &marked, pool), pool);
    if ((rv = read_json(piece, reader, marked, pool)) != APR_SUCCESS)
        memset(piece, 0, sizeof(*piece));
    return rv;
}

const char *cs_completion_rest(cs_completion_reader_t *reader)
{
    const char *rest = reader->content ? REPLACEMENT : "";

    reader->content = reader->reasoning = 0;
    return rest;
}
