/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What a model says. Kind 0: any pieces, each ended by 0x1E, through one reader: what comes out is text, whatever came
 * in. Kind 1: UTF-16 units as escapes, cut into pieces where the input says: the text is the same as that of the units
 * joined, read by the rules of UTF-16.
 */
#include "core/completion.h"

#include <apr_strings.h>
#include "core/text.h"
#include "core/utf8.h"
#include "fuzz.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static bool is_text(const char *text)
{
    return !text || cs_utf8_is_text(text, strlen(text), NULL);
}

static void check_text(const char *text, apr_size_t len)
{
    HOLDS(text ? len > 0 && strlen(text) == len && cs_utf8_is_text(text, len, NULL) : len == 0);
}

static apr_status_t read_one(cs_completion_t *piece, cs_completion_reader_t *reader, const char *data, apr_size_t len,
                             apr_pool_t *pool)
{
    static const cs_completion_t zero;
    apr_status_t rv;

    memset(piece, 0x5A, sizeof(*piece));
    rv = cs_completion_read(piece, reader, data, len, pool);
    HOLDS(rv == APR_SUCCESS || rv == CS_EMALFORMED);
    if (rv != APR_SUCCESS) {
        HOLDS(memcmp(piece, &zero, sizeof(zero)) == 0);
        return rv;
    }
    check_text(piece->content, piece->content_len);
    check_text(piece->reasoning, piece->reasoning_len);
    HOLDS(is_text(piece->finish_reason) && is_text(piece->model) && is_text(piece->error));
    HOLDS(!piece->error || *piece->error);
    HOLDS(!piece->tool_calls || json_is_array(piece->tool_calls));
    HOLDS(!piece->usage || json_is_object(piece->usage));
    return rv;
}

/* What the browser gets: our own print of the piece can be read, and has no NUL and no half of a character. */
static void check_json(const cs_completion_t *piece)
{
    json_error_t error;
    char *text = json_dumps(piece->json, JSON_COMPACT);
    json_t *again;

    HOLDS(text && is_text(text));
    again = json_loads(text, 0, &error);
    HOLDS(again && json_equal(again, piece->json));
    json_decref(again);
    free(text);
}

static void read_pieces(fuzz_reader_t *input, apr_pool_t *pool)
{
    cs_completion_reader_t *reader = FUZZ_UNSET;
    cs_completion_t piece;

    HOLDS(cs_completion_reader_create(&reader, pool) == APR_SUCCESS);
    while (fuzz_left(input)) {
        apr_size_t len;
        char *data = fuzz_part(input, 0x1E, &len);

        if (read_one(&piece, reader, data, len, pool) == APR_SUCCESS && piece.json)
            check_json(&piece);
        free(data);
    }
    HOLDS(is_text(cs_completion_rest(reader)));
    HOLDS(!*cs_completion_rest(reader));
}

static void append(cs_text_t *text, const char *bytes, apr_size_t len)
{
    HOLDS(cs_text_append(text, bytes, len, 0) == APR_SUCCESS);
}

static void append_point(cs_text_t *text, unsigned int point)
{
    char octets[4];

    if (point == 0 || (point >= 0xD800 && point <= 0xDFFF)) {
        append(text, REPLACEMENT, 3);
    } else if (point < 0x80) {
        octets[0] = (char)point;
        append(text, octets, 1);
    } else if (point < 0x800) {
        octets[0] = (char)(0xC0 | point >> 6);
        octets[1] = (char)(0x80 | (point & 63));
        append(text, octets, 2);
    } else if (point < 0x10000) {
        octets[0] = (char)(0xE0 | point >> 12);
        octets[1] = (char)(0x80 | (point >> 6 & 63));
        octets[2] = (char)(0x80 | (point & 63));
        append(text, octets, 3);
    } else {
        octets[0] = (char)(0xF0 | point >> 18);
        octets[1] = (char)(0x80 | (point >> 12 & 63));
        octets[2] = (char)(0x80 | (point >> 6 & 63));
        octets[3] = (char)(0x80 | (point & 63));
        append(text, octets, 4);
    }
}

/* The text of UTF-16 units: two halves in a row are a character, a half alone and NUL are U+FFFD. */
static const char *expected(const unsigned int *units, apr_size_t count, apr_pool_t *pool)
{
    cs_text_t *text = cs_text_create(pool);

    for (apr_size_t i = 0; i < count; i++) {
        if (i + 1 < count && units[i] >> 10 == 0x36 && units[i + 1] >> 10 == 0x37) {
            append_point(text, 0x10000 + ((units[i] & 0x3FF) << 10) + (units[i + 1] & 0x3FF));
            i++;
        } else {
            append_point(text, units[i]);
        }
    }
    return cs_text_get(text);
}

/* One octet says what unit comes (many are halves), the next whether a piece ends after it and how it is spelt. */
static void split_units(fuzz_reader_t *input, apr_pool_t *pool)
{
    static const unsigned int halves[] = {0xD83D, 0xDE00, 0xD800, 0xDFFF, 0, 0x22, 0x5C, 0x3042};
    const apr_size_t max = fuzz_left(input) / 2;
    const char *member = fuzz_octet(input) % 2 ? "content" : "reasoning_content";
    unsigned int *units = apr_pcalloc(pool, (max + 1) * sizeof(*units));
    cs_text_t *text = cs_text_create(pool), *escapes = cs_text_create(pool);
    cs_completion_reader_t *reader;
    cs_completion_t piece;
    apr_size_t count = 0;
    const char *rest;

    HOLDS(cs_completion_reader_create(&reader, pool) == APR_SUCCESS);
    while (fuzz_left(input)) {
        const unsigned char what = fuzz_octet(input), how = fuzz_octet(input);
        char escape[7];

        if (count < max) {
            units[count] = what < 128 ? halves[what % 8] : (unsigned int)(what << 8 | how);
            snprintf(escape, sizeof(escape), how & 4 ? "\\u%04X" : "\\u%04x", units[count++]);
            append(escapes, escape, 6);
        }
        if (how & 3 && fuzz_left(input))
            continue;
        {
            const char *data = apr_psprintf(pool, "{\"choices\":[{\"index\":0,\"delta\":{\"%s\":\"%s\"}}]}", member,
                                            cs_text_get(escapes));

            HOLDS(read_one(&piece, reader, data, strlen(data), pool) == APR_SUCCESS);
            append(text, piece.content ? piece.content : "", piece.content_len);
            append(text, piece.reasoning ? piece.reasoning : "", piece.reasoning_len);
            cs_text_clear(escapes);
        }
    }
    HOLDS(read_one(&piece, reader, "[DONE]", 6, pool) == APR_SUCCESS && piece.done);
    append(text, piece.reasoning ? piece.reasoning : "", piece.reasoning_len);
    rest = cs_completion_rest(reader);
    append(text, rest, strlen(rest));
    HOLDS(strcmp(cs_text_get(text), expected(units, count, pool)) == 0);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};

    if (fuzz_octet(&reader) % 2 == 0)
        read_pieces(&reader, pool);
    else
        split_units(&reader, pool);
}
