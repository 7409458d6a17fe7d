/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Every function here says false for what it does not know, and the whole walk ends: numbers other than short whole
 * ones, escapes by code ("\u"), members of other names, the same name twice.
 */
#include "core/completion_quick.h"

#include <string.h>
#include <apr_strings.h>
#include "core/json.h"
#include "core/utf8.h"

/* More digits may not fit a json_int_t. */
#define MAX_DIGITS 18

typedef struct {
    const char *at;
    const char *end;
    apr_pool_t *pool;
    cs_completion_t *piece;
    bool in_delta; /* a delta was there */
} walk_t;

typedef struct {
    const char *text; /* between the quotation marks */
    apr_size_t len;
    bool escaped;
} string_t;

typedef bool read_fn(walk_t *walk);

/** A member of an object: what it is called, and how its value is read. */
typedef struct {
    const char *name;
    apr_size_t len;
    read_fn *read;
} member_t;

#define MEMBER(name, read)                                                                                             \
    {                                                                                                                  \
        name, sizeof(name) - 1, read                                                                                   \
    }

/* ---- letters ---- */

static void skip_space(walk_t *walk)
{
    while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\t' || *walk->at == '\n' || *walk->at == '\r'))
        walk->at++;
}

static bool take(walk_t *walk, char c)
{
    skip_space(walk);
    if (walk->at == walk->end || *walk->at != c)
        return false;
    walk->at++;
    return true;
}

static bool take_word(walk_t *walk, const char *word)
{
    const apr_size_t len = strlen(word);

    if ((apr_size_t)(walk->end - walk->at) < len || memcmp(walk->at, word, len) != 0)
        return false;
    walk->at += len;
    return true;
}

static bool read_string(walk_t *walk, string_t *string)
{
    if (!take(walk, '"'))
        return false;
    string->text = walk->at;
    string->escaped = false;
    while ((walk->at += cs_json_plain_length(walk->at, (apr_size_t)(walk->end - walk->at))) < walk->end &&
           *walk->at == '\\') {
        string->escaped = true;
        if (++walk->at == walk->end || !*walk->at || !strchr("\"\\/bfnrt", *walk->at))
            return false;
        walk->at++;
    }
    string->len = (apr_size_t)(walk->at - string->text);
    if (walk->at == walk->end || *walk->at != '"')
        return false;
    walk->at++;
    return true;
}

static char unescape(char letter)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *found = strchr(letters, letter);

    return found ? meant[found - letters] : letter;
}

/** The string's text in the pool; *len its octets. */
static const char *copy(const walk_t *walk, const string_t *string, apr_size_t *len)
{
    char *text = apr_pstrmemdup(walk->pool, string->text, string->len);
    apr_size_t from, to = 0;

    for (from = 0; string->escaped && from < string->len; from++)
        text[to++] = text[from] == '\\' ? unescape(text[++from]) : text[from];
    if (string->escaped)
        text[to] = '\0';
    *len = string->escaped ? to : string->len;
    return text;
}

/* ---- values ---- */

static bool read_null(walk_t *walk)
{
    skip_space(walk);
    return take_word(walk, "null");
}

static bool read_whole_number(walk_t *walk)
{
    const char *start;

    skip_space(walk);
    start = walk->at;
    while (walk->at < walk->end && *walk->at >= '0' && *walk->at <= '9')
        walk->at++;
    return walk->at > start && walk->at - start <= MAX_DIGITS && (*start != '0' || walk->at - start == 1);
}

static bool read_text_or_null(walk_t *walk)
{
    string_t ignored;

    skip_space(walk);
    return take_word(walk, "null") || read_string(walk, &ignored);
}

/** The kind of the object; "error" has a meaning of its own. */
static bool read_kind(walk_t *walk)
{
    string_t kind;

    return read_string(walk, &kind) && !kind.escaped && !(kind.len == 5 && !memcmp(kind.text, "error", 5));
}

static bool read_model(walk_t *walk)
{
    string_t model;
    apr_size_t len;

    if (!read_string(walk, &model))
        return false;
    walk->piece->model = copy(walk, &model, &len);
    return true;
}

static bool read_finish_reason(walk_t *walk)
{
    string_t reason;
    apr_size_t len;

    skip_space(walk);
    if (take_word(walk, "null"))
        return true;
    if (!read_string(walk, &reason))
        return false;
    walk->piece->finish_reason = copy(walk, &reason, &len);
    return true;
}

static bool read_content(walk_t *walk)
{
    string_t content;

    skip_space(walk);
    if (take_word(walk, "null"))
        return true;
    if (!read_string(walk, &content))
        return false;
    if (content.len)
        walk->piece->content = copy(walk, &content, &walk->piece->content_len);
    return true;
}

static bool read_index(walk_t *walk)
{
    skip_space(walk);
    return take_word(walk, "0");
}

/* ---- objects ---- */

/** The row of the next member's name, or -1. */
static int find_member(walk_t *walk, const member_t *members, int count)
{
    string_t name;
    int row;

    if (!read_string(walk, &name) || name.escaped)
        return -1;
    for (row = 0; row < count; row++) {
        if (members[row].len == name.len && !memcmp(members[row].name, name.text, name.len))
            return row;
    }
    return -1;
}

static bool read_object(walk_t *walk, const member_t *members, int count)
{
    unsigned int seen = 0;

    if (!take(walk, '{'))
        return false;
    if (take(walk, '}'))
        return true;
    do {
        const int row = find_member(walk, members, count);

        if (row < 0 || seen & 1U << row || !take(walk, ':') || !members[row].read(walk))
            return false;
        seen |= 1U << row;
    } while (take(walk, ','));
    return take(walk, '}');
}

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static bool read_delta(walk_t *walk)
{
    static const member_t members[] = {MEMBER("role", read_text_or_null), MEMBER("content", read_content),
                                       MEMBER("refusal", read_null),      MEMBER("reasoning_content", read_null),
                                       MEMBER("reasoning", read_null),    MEMBER("tool_calls", read_null)};

    walk->in_delta = true;
    return read_object(walk, members, COUNT(members));
}

static bool read_choices(walk_t *walk)
{
    static const member_t members[] = {MEMBER("index", read_index), MEMBER("delta", read_delta),
                                       MEMBER("finish_reason", read_finish_reason), MEMBER("logprobs", read_null)};

    return take(walk, '[') && read_object(walk, members, COUNT(members)) && take(walk, ']');
}

bool cs_completion_quick(cs_completion_t *piece, const char *data, apr_size_t len, apr_pool_t *pool)
{
    static const member_t members[] = {MEMBER("id", read_text_or_null),
                                       MEMBER("object", read_kind),
                                       MEMBER("created", read_whole_number),
                                       MEMBER("model", read_model),
                                       MEMBER("choices", read_choices),
                                       MEMBER("system_fingerprint", read_text_or_null),
                                       MEMBER("service_tier", read_text_or_null),
                                       MEMBER("usage", read_null)};
    cs_completion_t read = {.done = false};
    walk_t walk = {.at = data, .end = data + len, .pool = pool, .piece = &read};

    if (!read_object(&walk, members, COUNT(members)) || !walk.in_delta)
        return false;
    skip_space(&walk);
    if (walk.at != walk.end || !cs_utf8_is_text(data, len, NULL))
        return false;
    *piece = read;
    return true;
}
