/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/export_format.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"

static apr_status_t put(cs_export_writer_t *writer, const char *text)
{
    writer->begun = true;
    return writer->emit(writer->baton, text, strlen(text));
}

static const char *text_of(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));

    return text ? text : "";
}

static bool is_conversation(const json_t *line)
{
    return !strcmp(text_of(line, "type"), "conversation");
}

/* --- NDJSON --- */

static const char *ndjson_end(const json_t *end, apr_pool_t *pool)
{
    return apr_pstrcat(pool, cs_json_print(end, NULL, pool), "\n", NULL);
}

/* --- JSON: one array, its last element the end --- */

static apr_status_t json_begin(cs_export_writer_t *writer)
{
    return put(writer, "[\n");
}

static apr_status_t json_line(cs_export_writer_t *writer, const json_t *line, apr_pool_t *pool)
{
    return put(writer, apr_pstrcat(pool, cs_json_print(line, NULL, pool), ",\n", NULL));
}

static const char *json_end(const json_t *end, apr_pool_t *pool)
{
    return apr_pstrcat(pool, cs_json_print(end, NULL, pool), "\n]\n", NULL);
}

/* --- CSV (RFC 4180), a record per conversation and per message --- */

static const char *const columns[] = {"type",       "id",          "conversation_id", "user",   "title",
                                      "seq",        "role",        "content",         "status", "model",
                                      "created_at", "finished_at", "parent_id"};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/*
 * A spreadsheet takes a cell that begins with one of these for a formula, which may run what a stranger wrote. One that
 * has apostrophes before it is taken for one as well, or else nobody could tell "'=1" that was written from "=1" that
 * was made harmless.
 */
static bool is_formula(const char *text)
{
    static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"}; /* = + - @ of Japanese keyboards */

    text += strspn(text, "'");
    for (apr_size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        if (!strncmp(text, wide[i], strlen(wide[i]))) {
            return true;
        }
    }
    return *text && strchr("=+-@\t\r\n", *text) != NULL;
}

/* A quoted cell. An apostrophe before what would be a formula makes it text (promise F4). */
static const char *csv_cell(const char *text, apr_pool_t *pool)
{
    const bool formula = is_formula(text);
    char *cell = apr_palloc(pool, strlen(text) * 2 + 4);
    char *out = cell;

    *out++ = '"';
    if (formula) {
        *out++ = '\'';
    }
    for (; *text; text++) {
        if (*text == '"') {
            *out++ = '"';
        }
        *out++ = *text;
    }
    *out++ = '"';
    *out = '\0';
    return cell;
}

static const char *csv_record(const json_t *line, apr_pool_t *pool)
{
    const char *record = "";

    for (apr_size_t i = 0; i < COLUMNS; i++) {
        const json_t *value = json_object_get(line, columns[i]);
        const char *text = json_is_integer(value)
                               ? apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value))
                               : csv_cell(text_of(line, columns[i]), pool);
        record = apr_pstrcat(pool, record, i ? "," : "", text, NULL);
    }
    return apr_pstrcat(pool, record, "\r\n", NULL);
}

static apr_status_t csv_begin(cs_export_writer_t *writer)
{
    for (apr_size_t i = 0; i < COLUMNS; i++) {
        apr_status_t rv = put(writer, i ? "," : "");
        rv = rv == APR_SUCCESS ? put(writer, columns[i]) : rv;
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return put(writer, "\r\n");
}

static apr_status_t csv_line(cs_export_writer_t *writer, const json_t *line, apr_pool_t *pool)
{
    return put(writer, csv_record(line, pool));
}

/* The end as a record of its own: the digest where ids stand, the number of records where an order stands. */
static const char *csv_end(const json_t *end, apr_pool_t *pool)
{
    json_t *record = cs_json_own(json_pack("{s:s,s:s,s:I}", "type", "end", "id", text_of(end, "sha256"), "seq",
                                           json_integer_value(json_object_get(end, "lines"))),
                                 pool);

    return csv_record(record, pool);
}

/* --- Markdown, for reading --- */

static apr_status_t markdown_line(cs_export_writer_t *writer, const json_t *line, apr_pool_t *pool)
{
    const char *title = text_of(line, "title");

    if (is_conversation(line)) {
        return put(writer, apr_pstrcat(pool, "# ", *title ? title : text_of(line, "id"), "\n\n", text_of(line, "user"),
                                       ", ", text_of(line, "created_at"), ", `", text_of(line, "id"), "`\n\n", NULL));
    }
    return put(writer, apr_pstrcat(pool, "## ", text_of(line, "role"), ", ", text_of(line, "created_at"),
                                   !strcmp(text_of(line, "status"), "complete")
                                       ? ""
                                       : apr_pstrcat(pool, " (", text_of(line, "status"), ")", NULL),
                                   "\n\n", text_of(line, "content"), "\n\n", NULL));
}

static const char *markdown_end(const json_t *end, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "<!-- ", cs_json_print(end, NULL, pool), " -->\n", NULL);
}

/* --- OpenAI's fine-tuning: a line per conversation, the branch that was continued last, whole turns only --- */

static json_t *message_with_id(const json_t *messages, const char *id)
{
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message)
    {
        if (!strcmp(text_of(message, "id"), id)) {
            return message;
        }
    }
    return NULL;
}

/* The newest complete answer, from which the branch is walked back. */
static json_t *last_answer(const json_t *messages)
{
    for (size_t i = json_array_size(messages); i > 0; i--) {
        json_t *message = json_array_get(messages, i - 1);
        if (!strcmp(text_of(message, "role"), "assistant") && !strcmp(text_of(message, "status"), "complete")) {
            return message;
        }
    }
    return NULL;
}

static apr_status_t openai_flush(cs_export_writer_t *writer, apr_pool_t *pool)
{
    json_t *example = json_array();
    apr_status_t rv = APR_SUCCESS;

    for (json_t *message = last_answer(writer->messages); message;
         message = message_with_id(writer->messages, text_of(message, "parent_id"))) {
        if (*text_of(message, "content")) {
            json_array_insert_new(example, 0,
                                  json_pack("{s:O,s:O}", "role", json_object_get(message, "role"), "content",
                                            json_object_get(message, "content")));
        }
    }
    if (json_array_size(example) > 1) {
        json_t *line = cs_json_own(json_pack("{s:O}", "messages", example), pool);
        rv = put(writer, apr_pstrcat(pool, cs_json_print(line, NULL, pool), "\n", NULL));
    }
    json_decref(example);
    json_decref(writer->messages);
    writer->messages = NULL;
    return rv;
}

static apr_status_t openai_line(cs_export_writer_t *writer, const json_t *line, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    if (is_conversation(line)) {
        rv = openai_flush(writer, pool);
        writer->messages = json_array();
    } else if (writer->messages) {
        json_array_append_new(writer->messages, json_deep_copy(line));
    }
    return rv;
}

/* --- the table --- */

static const cs_export_format_t formats[] = {
    {"ndjson", "ndjson", "application/x-ndjson", NULL, NULL, NULL, ndjson_end},
    {"json", "json", "application/json", json_begin, json_line, NULL, json_end},
    {"csv", "csv", "text/csv; charset=utf-8", csv_begin, csv_line, NULL, csv_end},
    {"md", "md", "text/markdown; charset=utf-8", NULL, markdown_line, NULL, markdown_end},
    {"openai", "jsonl", "application/x-ndjson", NULL, openai_line, openai_flush, NULL},
};

const cs_export_format_t *cs_export_format_find(const char *name)
{
    for (apr_size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!name || !strcmp(formats[i].name, name)) {
            return &formats[i];
        }
    }
    return NULL;
}

/* --- lines --- */

static apr_status_t begin(cs_export_writer_t *writer)
{
    return !writer->begun && writer->format->begin ? writer->format->begin(writer) : APR_SUCCESS;
}

static apr_status_t write_formatted(cs_export_writer_t *writer, const char *text, apr_size_t len, apr_pool_t *pool)
{
    json_t *line = json_loadb(text, len, 0, NULL);
    apr_status_t rv = line ? begin(writer) : CS_EMALFORMED;

    rv = rv == APR_SUCCESS ? writer->format->line(writer, line, pool) : rv;
    json_decref(line);
    return rv;
}

apr_status_t cs_export_write_line(cs_export_writer_t *writer, const char *text, apr_size_t len, apr_pool_t *pool)
{
    /* The first member of every line is its type (schema and store agree on it). */
    static const char conversation[] = "{\"type\":\"conversation\"";
    apr_status_t rv;

    writer->lines++;
    if (len >= sizeof(conversation) - 1 && !memcmp(text, conversation, sizeof(conversation) - 1)) {
        writer->conversations++;
    }
    if (writer->format->line) {
        return write_formatted(writer, text, len, pool);
    }
    rv = writer->emit(writer->baton, text, len);
    return rv == APR_SUCCESS ? writer->emit(writer->baton, "\n", 1) : rv;
}

apr_status_t cs_export_write_finish(cs_export_writer_t *writer, apr_pool_t *pool)
{
    const apr_status_t rv = begin(writer);

    return rv == APR_SUCCESS && writer->format->finish ? writer->format->finish(writer, pool) : rv;
}

json_t *cs_export_end_json(const cs_export_writer_t *writer, const char *id, const char *watermark, const char *sha256)
{
    return sha256 ? json_pack("{s:s,s:I,s:I,s:I,s:s,s:s,s:s}", "type", "end", "conversations",
                              (json_int_t)writer->conversations, "messages",
                              (json_int_t)(writer->lines - writer->conversations), "lines", (json_int_t)writer->lines,
                              "export", id, "watermark", watermark, "sha256", sha256)
                  : NULL;
}
