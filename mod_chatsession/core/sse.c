/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Lines are taken straight from the bytes that are fed; only a line that is cut by the end of a piece is put together
 * in a buffer of its own. A field is read when its line is whole, an event when its empty line comes: that is why it
 * makes no difference where the bytes are split.
 */
#include "core/sse.h"

#include <stdbool.h>
#include <string.h>
#include "core/text.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define BYTE_ORDER_MARK_LEN 3
/* A line of the longest data that an event may have. */
#define MAX_LINE (CS_SSE_MAX_EVENT + sizeof("data: ") - 1)
#define REPLACEMENT "\xEF\xBF\xBD"

struct cs_sse_reader {
    cs_sse_event_cb *event;
    void *baton;
    cs_text_t *line; /* the beginning of a line whose end has not come */
    cs_text_t *data;
    cs_text_t *name;
    apr_status_t failed;
    apr_size_t mark; /* octets of the byte order mark seen; BYTE_ORDER_MARK_LEN: no longer looked for */
    bool after_cr;   /* an LF that comes now belongs to the CR before it */
    bool in_data;    /* a data field, perhaps an empty one, came since the last empty line */
};

apr_status_t cs_sse_reader_create(cs_sse_reader_t **reader, cs_sse_event_cb *event, void *baton, apr_pool_t *pool)
{
    *reader = apr_pcalloc(pool, sizeof(**reader));
    (*reader)->event = event;
    (*reader)->baton = baton;
    (*reader)->line = cs_text_create(pool);
    (*reader)->data = cs_text_create(pool);
    (*reader)->name = cs_text_create(pool);
    return APR_SUCCESS;
}

static apr_status_t dispatch(cs_sse_reader_t *reader)
{
    apr_status_t rv = APR_SUCCESS;
    const char *name = cs_text_length(reader->name) ? cs_text_get(reader->name) : "message";

    if (reader->in_data)
        rv = reader->event(reader->baton, name, cs_text_get(reader->data), cs_text_length(reader->data));
    cs_text_clear(reader->data);
    cs_text_clear(reader->name);
    reader->in_data = false;
    return rv;
}

static apr_status_t add_data(cs_sse_reader_t *reader, const char *value, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;

    if (reader->in_data)
        rv = cs_text_append(reader->data, "\n", 1, CS_SSE_MAX_EVENT);
    reader->in_data = true;
    return rv == APR_SUCCESS ? cs_text_append(reader->data, value, len, CS_SSE_MAX_EVENT) : rv;
}

/** The name is handed on as a C string: a NUL in it becomes U+FFFD, or "done" NUL "x" would read as "done". */
static apr_status_t set_name(cs_sse_reader_t *reader, const char *value, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;
    const char *nul;

    cs_text_clear(reader->name);
    while (rv == APR_SUCCESS && (nul = memchr(value, '\0', len))) {
        rv = cs_text_append(reader->name, value, (apr_size_t)(nul - value), 0);
        if (rv == APR_SUCCESS)
            rv = cs_text_append(reader->name, REPLACEMENT, sizeof(REPLACEMENT) - 1, 0);
        len -= (apr_size_t)(nul - value) + 1;
        value = nul + 1;
    }
    return rv == APR_SUCCESS ? cs_text_append(reader->name, value, len, 0) : rv;
}

static bool is_field(const char *line, apr_size_t len, const char *name)
{
    return len == strlen(name) && memcmp(line, name, len) == 0;
}

/** One whole line without its end. */
static apr_status_t read_line(cs_sse_reader_t *reader, const char *line, apr_size_t len)
{
    const char *colon, *value;
    apr_size_t name_len;

    if (len > MAX_LINE)
        return CS_ETOOBIG;
    if (!len)
        return dispatch(reader);
    colon = memchr(line, ':', len);
    if (colon == line)
        return APR_SUCCESS; /* a comment */
    name_len = colon ? (apr_size_t)(colon - line) : len;
    value = colon ? colon + 1 : line + len;
    if (value < line + len && *value == ' ')
        value++;
    if (is_field(line, name_len, "data"))
        return add_data(reader, value, (apr_size_t)(line + len - value));
    if (is_field(line, name_len, "event"))
        return set_name(reader, value, (apr_size_t)(line + len - value));
    return APR_SUCCESS; /* id and retry are for clients that reconnect; others are to be ignored */
}

static apr_status_t hold(cs_sse_reader_t *reader, const char *bytes, apr_size_t len)
{
    return cs_text_append(reader->line, bytes, len, MAX_LINE);
}

/** A line ends here; its beginning may be held. */
static apr_status_t end_line(cs_sse_reader_t *reader, const char *bytes, apr_size_t len)
{
    apr_status_t rv;

    if (!cs_text_length(reader->line))
        return read_line(reader, bytes, len);
    if ((rv = hold(reader, bytes, len)) == APR_SUCCESS)
        rv = read_line(reader, cs_text_get(reader->line), cs_text_length(reader->line));
    cs_text_clear(reader->line);
    return rv;
}

/** How many of the bytes belong to a byte order mark; what looked like its beginning and is not becomes a line's. */
static apr_size_t pass_mark(cs_sse_reader_t *reader, const char *bytes, apr_size_t len, apr_status_t *rv)
{
    apr_size_t at = 0;

    while (reader->mark < BYTE_ORDER_MARK_LEN && at < len) {
        if (bytes[at] != BYTE_ORDER_MARK[reader->mark]) {
            *rv = hold(reader, BYTE_ORDER_MARK, reader->mark);
            reader->mark = BYTE_ORDER_MARK_LEN;
            break;
        }
        reader->mark++;
        at++;
    }
    return at;
}

/** Where the line ends, or end. *line_feed, the next one as far as is known, is looked for again only from behind it:
 * where lines end in CR alone, each would else be searched to the end of all. */
static const char *find_line_end(const char *line, const char *end, const char **line_feed)
{
    const char *cr;

    if (*line_feed <= line && !(*line_feed = memchr(line, '\n', (apr_size_t)(end - line))))
        *line_feed = end;
    cr = memchr(line, '\r', (apr_size_t)(*line_feed - line));
    return cr ? cr : *line_feed;
}

static apr_status_t feed(cs_sse_reader_t *reader, const char *bytes, apr_size_t len)
{
    const char *const end = bytes + len;
    apr_status_t rv = APR_SUCCESS;
    const char *line = bytes + pass_mark(reader, bytes, len, &rv);
    const char *line_feed = bytes;

    while (rv == APR_SUCCESS && line < end) {
        const char *stop;

        if (reader->after_cr && *line == '\n')
            line++;
        reader->after_cr = false;
        stop = find_line_end(line, end, &line_feed);
        if (stop == end) {
            rv = hold(reader, line, (apr_size_t)(end - line));
            break;
        }
        reader->after_cr = *stop == '\r';
        rv = end_line(reader, line, (apr_size_t)(stop - line));
        line = stop + 1;
    }
    return rv;
}

apr_status_t cs_sse_feed(cs_sse_reader_t *reader, const char *bytes, apr_size_t len)
{
    if (reader->failed == APR_SUCCESS && len)
        reader->failed = feed(reader, bytes, len);
    return reader->failed;
}
