/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The formats of an export. Whatever text stands in a line, CSV is a record of so many cells that give the text back,
 * and no cell begins as a formula does; NDJSON and JSON are read back as what was written. Input: the cells of a line,
 * NUL between. */
#include "core/export_format.h"

#include <apr_strings.h>
#include "core/json.h"
#include "core/text.h"
#include "core/utf8.h"
#include "fuzz.h"

static const char *const columns[] = {"title", "content", "user", "role", "model", "id"};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define CELLS 13 /* of every record */

static apr_status_t collect(void *baton, const char *text, apr_size_t len)
{
    return cs_text_append(baton, text, len, 0);
}

/* Whether a spreadsheet takes text for a formula: by its first character, a wide one of Japanese keyboards too. */
static bool begins_a_formula(const char *text)
{
    return (*text && strchr("=+-@\t\r\n", *text)) || !strncmp(text, "\uff1d", 3) || !strncmp(text, "\uff0b", 3) ||
           !strncmp(text, "\uff0d", 3) || !strncmp(text, "\uff20", 3);
}

/* One cell of a record at *at, without its quotes; *at is behind it then. */
static const char *read_cell(const char **at, apr_pool_t *pool)
{
    char *cell = apr_palloc(pool, strlen(*at) + 1);
    char *out = cell;
    const char *c = *at;

    if (*c != '"') {
        const size_t len = strcspn(c, ",\r");
        HOLDS(strspn(c, "0123456789-") == len);
        *at = c + len;
        return apr_pstrndup(pool, c, len);
    }
    for (c++; *c != '"' || c[1] == '"'; c++) {
        HOLDS(*c);
        c += *c == '"';
        *out++ = *c;
    }
    *out = '\0';
    *at = c + 1;
    HOLDS(!begins_a_formula(cell));
    return cell;
}

/* Whether cell is text, or has one apostrophe more where text would be a formula without those that it begins with. */
static bool says(const char *cell, const char *text)
{
    const bool marked = begins_a_formula(text + strspn(text, "'"));

    return !strcmp(cell + marked, text) && (!marked || *cell == '\'');
}

static void csv_holds(const char *text, const json_t *line, apr_pool_t *pool)
{
    static const char *const order[CELLS] = {"type",       "id",          "conversation_id", "user",   "title",
                                             "seq",        "role",        "content",         "status", "model",
                                             "created_at", "finished_at", "parent_id"};

    for (int i = 0; i < CELLS; i++) {
        const char *value = json_string_value(json_object_get(line, order[i]));
        const char *cell = read_cell(&text, pool);
        HOLDS(json_is_integer(json_object_get(line, order[i])) || says(cell, value ? value : ""));
        HOLDS(*text++ == (i < CELLS - 1 ? ',' : '\r'));
    }
    HOLDS(!strcmp(text, "\n"));
}

static void json_holds(const char *text, size_t len, const json_t *line)
{
    json_t *again = json_loadb(text, len, 0, NULL);

    HOLDS(again && json_equal(again, line));
    json_decref(again);
}

static json_t *read_line(fuzz_reader_t *reader)
{
    json_t *line = json_object();
    apr_size_t len;

    json_object_set_new(line, "type", json_string(fuzz_octet(reader) & 1 ? "conversation" : "message"));
    json_object_set_new(line, "seq", json_integer(fuzz_int64(reader)));
    for (size_t i = 0; i < COLUMNS; i++) {
        char *part = fuzz_part(reader, '\0', &len);
        if (len && cs_utf8_is_text(part, len, NULL)) {
            json_object_set_new(line, columns[i], json_stringn(part, len));
        }
        free(part);
    }
    return line;
}

/* What a format writes of one line and nothing else. */
static const char *write_line(const char *name, const json_t *line, apr_size_t *len, apr_pool_t *pool)
{
    const cs_export_format_t *format = cs_export_format_find(name);
    cs_text_t *text = cs_text_create(pool);
    cs_export_writer_t writer = {.emit = collect, .baton = text};

    HOLDS(format);
    HOLDS(!format->line || format->line(&writer, line, pool) == APR_SUCCESS);
    if (!format->line) { /* as it is: the end has the form of all lines */
        const char *end = format->end(line, pool);
        HOLDS(cs_text_append(text, end, strlen(end), 0) == APR_SUCCESS);
    } else if (format->finish) {
        HOLDS(format->finish(&writer, pool) == APR_SUCCESS);
    }
    json_decref(writer.messages);
    *len = cs_text_length(text);
    return cs_text_get(text);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    json_t *line = read_line(&reader);
    const char *text = write_line("csv", line, &len, pool);

    HOLDS(strlen(text) == len);
    csv_holds(text, line, pool);
    text = write_line("ndjson", line, &len, pool);
    HOLDS(len > 1 && text[len - 1] == '\n' && !memchr(text, '\n', len - 1));
    json_holds(text, len, line);
    text = write_line("json", line, &len, pool);
    HOLDS(len > 2 && !strcmp(text + len - 2, ",\n"));
    json_holds(text, len - 2, line);
    write_line("md", line, &len, pool);
    write_line("openai", line, &len, pool);
    json_decref(line);
}
