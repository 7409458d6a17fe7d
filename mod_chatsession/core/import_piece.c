/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/import_piece.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"

static const struct {
    const char *name, *text; /* text: a value goes into the place of %s */
} words[] = {
    [CS_IMPORT_NOT_JSON] = {"not_json", "no JSON: this is no export as JSON lines, or it was cut here (%s)"},
    [CS_IMPORT_STRAY_MESSAGE] = {"stray_message", "a message without its conversation before it"},
    [CS_IMPORT_UNKNOWN_LINE] = {"unknown_line", "neither a conversation nor a message of an export"},
    [CS_IMPORT_NO_USER] = {"no_user", "there is no user %s: make one, or name whose the conversations become"},
    [CS_IMPORT_TAKEN] = {"taken",
                         "something else, or somebody else's, has the id of this conversation or of a message of "
                         "it; it was left out"},
    [CS_IMPORT_REFUSED] = {"refused", "this conversation or a message of it is not as an export has it: SQLSTATE %s"},
    [CS_IMPORT_CUT] = {"cut", "the file ends in the middle of this conversation, which was left out"},
};

const char *cs_import_problem_name(cs_import_problem_e kind)
{
    return words[kind].name;
}

const char *cs_import_problem_text(const cs_import_problem_t *problem, apr_pool_t *pool)
{
    const char *text = words[problem->kind].text;
    const char *place = strstr(text, "%s");

    return place ? apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(place - text)),
                               problem->value ? problem->value : "?", place + 2, NULL)
                 : text;
}

cs_import_piece_t *cs_import_piece_make(long first, apr_pool_t *pool)
{
    cs_import_piece_t *piece = apr_pcalloc(pool, sizeof(*piece));

    piece->conversations = apr_array_make(pool, 16, sizeof(cs_import_conversation_t));
    piece->problems = apr_array_make(pool, 4, sizeof(cs_import_problem_t));
    piece->first = first;
    piece->line = first - 1;
    piece->pool = pool;
    apr_pool_create(&piece->line_pool, pool);
    return piece;
}

void cs_import_piece_complain(cs_import_piece_t *piece, long line, cs_import_problem_e kind, const char *value)
{
    piece->problem_count++;
    if (piece->problems->nelts < CS_IMPORT_PROBLEMS) {
        APR_ARRAY_PUSH(piece->problems, cs_import_problem_t) =
            (cs_import_problem_t){line, kind, apr_pstrdup(piece->pool, value)};
    }
}

static const char *member(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));

    return text ? text : "";
}

static cs_import_conversation_t *last_of(const cs_import_piece_t *piece)
{
    return &APR_ARRAY_IDX(piece->conversations, piece->conversations->nelts - 1, cs_import_conversation_t);
}

static void begin_conversation(cs_import_piece_t *piece, const json_t *line, const char *text)
{
    APR_ARRAY_PUSH(piece->conversations, cs_import_conversation_t) =
        (cs_import_conversation_t){piece->line, apr_pstrdup(piece->pool, member(line, "id")),
                                   apr_pstrdup(piece->pool, member(line, "user")), text,
                                   apr_array_make(piece->pool, 8, sizeof(const char *))};
    piece->open = true;
}

/* Is line, which is a message, one of the conversation whose lines are read? */
static bool is_of_last(const cs_import_piece_t *piece, const json_t *line)
{
    return piece->open && !strcmp(member(line, "conversation_id"), last_of(piece)->id);
}

static void take(cs_import_piece_t *piece, const json_t *line, const char *bytes, apr_size_t len)
{
    const char *type = member(line, "type");
    const bool conversation = !strcmp(type, "conversation") && json_is_string(json_object_get(line, "user"));

    if (conversation || (!strcmp(type, "message") && is_of_last(piece, line))) {
        const char *text = apr_pstrmemdup(piece->pool, bytes, len);

        piece->octets += len;
        if (conversation) {
            begin_conversation(piece, line, text);
        } else {
            APR_ARRAY_PUSH(last_of(piece)->messages, const char *) = text;
        }
    } else if (!strcmp(type, "message")) {
        cs_import_piece_complain(piece, piece->line, CS_IMPORT_STRAY_MESSAGE, NULL);
    } else {
        piece->open = false;
        piece->ended = !strcmp(type, "end");
        if (!piece->ended) {
            cs_import_piece_complain(piece, piece->line, CS_IMPORT_UNKNOWN_LINE, NULL);
        }
    }
}

/* NULL: it is no JSON. */
static json_t *parse_line(const char **problem, cs_import_piece_t *piece, const char *text, apr_size_t len)
{
    json_t *line;

    return cs_json_parse(&line, text, len, problem, piece->line_pool) == APR_SUCCESS ? line : NULL;
}

static void add_line(cs_import_piece_t *piece, const json_t *line, const char *text, apr_size_t len,
                     const char *problem)
{
    piece->line++;
    piece->ended = false;
    if (line) {
        take(piece, line, text, len);
    } else {
        cs_import_piece_complain(piece, piece->line, CS_IMPORT_NOT_JSON, problem);
    }
    apr_pool_clear(piece->line_pool);
}

apr_status_t cs_import_piece_add(cs_import_piece_t *piece, const char *text, apr_size_t len, apr_size_t limit)
{
    const char *problem;
    const json_t *line = parse_line(&problem, piece, text, len);

    if (limit && piece->octets >= limit && !strcmp(member(line, "type"), "conversation")) {
        apr_pool_clear(piece->line_pool);
        return APR_EAGAIN;
    }
    add_line(piece, line, text, len, problem);
    return APR_SUCCESS;
}

void cs_import_piece_add_all(cs_import_piece_t *piece, const char *text, apr_size_t len)
{
    const char *end = text + len;

    while (text < end) {
        const char *stop = memchr(text, '\n', (apr_size_t)(end - text));
        const apr_size_t size = (apr_size_t)((stop ? stop : end) - text);
        const char *problem;
        const json_t *line;

        line = parse_line(&problem, piece, text, size);
        add_line(piece, line, text, size, problem);
        text += size + 1;
    }
}

void cs_import_piece_finish(cs_import_piece_t *piece)
{
    if (piece->open) {
        const cs_import_conversation_t *last = apr_array_pop(piece->conversations);

        cs_import_piece_complain(piece, last->line, CS_IMPORT_CUT, NULL);
        piece->open = false;
    }
}
