/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Rows as JSON, as a tree or as text: the one table that says which SQL type becomes which JSON type. */
#include <apr_strings.h>
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/json.h"
#include "store/db_private.h"

/* The database's encoding is UTF8 (db_pool.c refuses any other), so jansson need not look at each character. */
static json_t *json_from_text(const char *text, apr_size_t len)
{
    return json_stringn_nocheck(text, len);
}

static json_t *json_from_bool(const char *text, apr_size_t len)
{
    (void)len;
    return json_boolean(*text == 't');
}

static json_t *json_from_int(const char *text, apr_size_t len)
{
    (void)len;
    return json_integer(apr_atoi64(text));
}

static json_t *json_from_float(const char *text, apr_size_t len)
{
    const double number = strtod(text, NULL);

    /* JSON has no NaN and no Infinity */
    return isfinite(number) ? json_real(number) : json_from_text(text, len);
}

static json_t *json_from_json(const char *text, apr_size_t len)
{
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY, NULL);

    if (!value) { /* PostgreSQL's integers have no end */
        value = json_loadb(text, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    }
    return value ? value : json_from_text(text, len);
}

#define RFC3339_FORM "YYYY-MM-DDThh:mm:ss.000Z"

/* "2026-11-23 05:31:07.5+00" (TimeZone UTC, DateStyle ISO) to "2026-11-23T05:31:07.500Z". Cut, not rounded, so that a
 * time never falls into the next second. What has no such form (infinity, years BC or past 9999) stays as it is. */
static bool rfc3339_of(char out[static sizeof(RFC3339_FORM)], const char *text, apr_size_t len)
{
    const apr_size_t date_and_time = 19;
    apr_size_t i;

    if (len < date_and_time + 3 || text[4] != '-' || text[10] != ' ' || memcmp(text + len - 3, "+00", 3) != 0) {
        return false;
    }
    memcpy(out, RFC3339_FORM, sizeof(RFC3339_FORM));
    memcpy(out, text, date_and_time);
    out[10] = 'T';
    for (i = date_and_time; i < date_and_time + 4 && i < len - 3; i++) {
        out[i] = text[i];
    }
    return true;
}

static json_t *json_from_time(const char *text, apr_size_t len)
{
    char rfc3339[sizeof(RFC3339_FORM)];

    return rfc3339_of(rfc3339, text, len) ? json_string(rfc3339) : json_from_text(text, len);
}

/* ---- the same as text: each writes where there is room for it and returns where it ends ---- */

/* What PostgreSQL writes is JSON as it stands: integers, json, jsonb. */
static char *write_as_is(char *out, const char *text, apr_size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

/* A text of a form that holds nothing to be escaped. */
static char *write_quoted(char *out, const char *text, apr_size_t len)
{
    *out++ = '"';
    out = write_as_is(out, text, len);
    *out++ = '"';
    return out;
}

static char *write_bool(char *out, const char *text, apr_size_t len)
{
    (void)len;
    return *text == 't' ? write_as_is(out, "true", 4) : write_as_is(out, "false", 5);
}

static char *write_float(char *out, const char *text, apr_size_t len)
{
    return isfinite(strtod(text, NULL)) ? write_as_is(out, text, len) : write_quoted(out, text, len);
}

static char *write_time(char *out, const char *text, apr_size_t len)
{
    if (!rfc3339_of(out + 1, text, len)) {
        return write_quoted(out, text, len);
    }
    out[0] = '"';
    out[sizeof(RFC3339_FORM)] = '"'; /* where it has its NUL */
    return out + sizeof(RFC3339_FORM) + 1;
}

typedef struct {
    Oid type;
    json_t *(*make)(const char *text, apr_size_t len);
    char *(*write)(char *out, const char *text, apr_size_t len);
} json_type_t;

/* The numbers are those of PostgreSQL's catalog pg_type, fixed for ever. */
static const json_type_t json_types[] = {
    {16, json_from_bool, write_bool},     /* bool */
    {20, json_from_int, write_as_is},     /* int8 */
    {21, json_from_int, write_as_is},     /* int2 */
    {23, json_from_int, write_as_is},     /* int4 */
    {114, json_from_json, write_as_is},   /* json */
    {701, json_from_float, write_float},  /* float8 */
    {1184, json_from_time, write_time},   /* timestamptz */
    {2950, json_from_text, write_quoted}, /* uuid */
    {3802, json_from_json, write_as_is},  /* jsonb */
};
static const json_type_t any_other = {0, json_from_text, cs_json_write_string};

static const json_type_t *type_of(const PGresult *rows, int column)
{
    const Oid type = PQftype(rows, column);

    for (apr_size_t i = 0; i < sizeof(json_types) / sizeof(json_types[0]); i++) {
        if (json_types[i].type == type) {
            return &json_types[i];
        }
    }
    return &any_other;
}

static json_t *make_field(const PGresult *rows, int row, int column)
{
    const json_type_t *type = type_of(rows, column);

    return PQgetisnull(rows, row, column)
               ? json_null()
               : type->make(PQgetvalue(rows, row, column), (apr_size_t)PQgetlength(rows, row, column));
}

json_t *cs_db_row_json(const cs_db_result_t *result, int row)
{
    json_t *object = json_object();

    assert(row >= 0 && row < cs_db_rows(result));
    for (int column = 0; column < cs_db_columns(result); column++) {
        json_object_set_new_nocheck(object, PQfname(result->rows, column), make_field(result->rows, row, column));
    }
    return object;
}

/* The row of a statement that ended with rv; its result goes. */
static apr_status_t take_row(json_t **row, cs_db_result_t *result, apr_status_t rv)
{
    const bool found = rv == APR_SUCCESS && cs_db_rows(result);

    *row = found ? cs_db_row_json(result, 0) : NULL;
    cs_db_result_free(result);
    return rv == APR_SUCCESS && !found ? APR_ENOENT : rv;
}

apr_status_t cs_db_run_row(json_t **row, cs_db_t *db, cs_db_repeat_e repeat, const char *sql, int nparams,
                           const cs_db_param_t *params, apr_pool_t *pool)
{
    cs_db_result_t *result;
    const apr_status_t rv = cs_db_run(&result, db, repeat, sql, nparams, params, pool);

    return take_row(row, result, rv);
}

apr_status_t cs_db_tx_row(json_t **row, cs_db_tx_t *tx, const char *sql, const char *id, apr_pool_t *pool)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(id)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, sql, 1, params, pool);

    rv = take_row(row, result, rv);
    if (rv == APR_SUCCESS) {
        cs_json_own(*row, pool);
    }
    return rv;
}

apr_status_t cs_db_row_give(json_t **given, json_t *row, apr_status_t rv)
{
    if (given) {
        *given = rv == APR_SUCCESS ? json_incref(row) : NULL;
    }
    return rv;
}

json_t *cs_db_rows_json(const cs_db_result_t *result)
{
    json_t *array = json_array();

    for (int row = 0; row < cs_db_rows(result); row++) {
        json_array_append_new(array, cs_db_row_json(result, row));
    }
    return array;
}

typedef struct {
    /* the same in each row */
    const json_type_t *type;
    const char *head; /* a brace or a comma, and the member's name with its colon; HEAD_ROOM octets can be read */
    apr_size_t head_len;
    /* of one row */
    const char *text;
    apr_size_t len;
    bool null;
    bool long_text;
} field_t;

/* Most heads are shorter than this. */
#define HEAD_ROOM 32

static void make_head(field_t *field, const char *name, char begin, apr_pool_t *pool)
{
    char *head = apr_pcalloc(pool, CS_JSON_STRING_ROOM(strlen(name)) + HEAD_ROOM);
    char *end;

    *head = begin;
    end = cs_json_write_string(head + 1, name, strlen(name));
    *end++ = ':';
    field->head = head;
    field->head_len = (apr_size_t)(end - head);
}

static field_t *fields_of(const cs_db_result_t *result)
{
    const int count = cs_db_columns(result);
    field_t *fields = apr_palloc(result->pool, (apr_size_t)count * sizeof(*fields));

    for (int i = 0; i < count; i++) {
        fields[i].type = type_of(result->rows, i);
        make_head(&fields[i], PQfname(result->rows, i), i ? ',' : '{', result->pool);
    }
    return fields;
}

/* For each character of a longer text that might need an escape no room is reserved. */
#define LONG_TEXT 400
/* For what is written around a value, or in its place. */
#define ROOM_BESIDE (sizeof(RFC3339_FORM) + 2)

/* Read the row's values; the room for what is written of it but for its long texts. A value is text without a NUL, and
 * to find its end takes less than to ask libpq for its length. */
static apr_size_t read_row(field_t *fields, int count, const PGresult *rows, int row)
{
    apr_size_t room = HEAD_ROOM;

    for (int i = 0; i < count; i++) {
        field_t *field = &fields[i];
        const bool is_text = field->type == &any_other;

        field->text = PQgetvalue(rows, row, i);
        field->len = strlen(field->text);
        field->null = !field->len && PQgetisnull(rows, row, i);
        field->long_text = is_text && field->len > LONG_TEXT;
        room += field->head_len + ROOM_BESIDE;
        if (!field->long_text) {
            room += is_text ? CS_JSON_STRING_ROOM(field->len) : field->len;
        }
    }
    return room;
}

/* A copy of one size takes no call; what it writes too much is written over by what follows. */
static char *write_head(char *out, const field_t *field)
{
    if (field->head_len <= HEAD_ROOM) {
        memcpy(out, field->head, HEAD_ROOM);
    } else {
        memcpy(out, field->head, field->head_len);
    }
    return out + field->head_len;
}

/* Write the fields from number from on, as far as there is room for them: returns the number of the long text that is
 * to follow its head, or count. */
static int write_fields(char **out, const field_t *fields, int from, int count)
{
    char *at = *out;
    int i;

    for (i = from; i < count; i++) {
        const field_t *field = &fields[i];

        at = write_head(at, field);
        if (field->long_text) {
            break;
        }
        at = field->null ? write_as_is(at, "null", 4) : field->type->write(at, field->text, field->len);
    }
    *out = at;
    return i;
}

/* Room is made once for a row and once more after each long text, not for each piece. */
static apr_status_t print_row_open(cs_text_t *out, const cs_db_result_t *result, int row, field_t *fields)
{
    const int count = cs_db_columns(result);
    const apr_size_t room = read_row(fields, count, result->rows, row);
    char *begin;
    apr_status_t rv = cs_text_room(&begin, out, room);
    int i = 0;

    while (rv == APR_SUCCESS) {
        char *at = begin;

        i = write_fields(&at, fields, i, count);
        cs_text_grew(out, (apr_size_t)(at - begin));
        if (i == count) {
            break;
        }
        rv = cs_json_append_string(out, fields[i].text, fields[i].len);
        if (rv == APR_SUCCESS) {
            rv = cs_text_room(&begin, out, room);
        }
        i++;
    }
    return rv;
}

apr_status_t cs_db_row_print_open(cs_text_t *text, const cs_db_result_t *result, int row)
{
    assert(row >= 0 && row < cs_db_rows(result));
    return print_row_open(text, result, row, fields_of(result));
}

static apr_status_t append(cs_text_t *out, const char *bytes, apr_size_t len)
{
    return cs_text_append(out, bytes, len, 0);
}

apr_status_t cs_db_rows_print(cs_text_t *text, const cs_db_result_t *result, int limit)
{
    const int count = limit < cs_db_rows(result) ? limit : cs_db_rows(result);
    field_t *fields = fields_of(result);
    apr_status_t rv = append(text, "[", 1);

    for (int row = 0; rv == APR_SUCCESS && row < count; row++) {
        rv = row ? append(text, "},", 2) : APR_SUCCESS;
        if (rv == APR_SUCCESS) {
            rv = print_row_open(text, result, row, fields);
        }
    }
    return rv == APR_SUCCESS ? append(text, count > 0 ? "}]" : "]", count > 0 ? 2 : 1) : rv;
}
