/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Reading rows. libpq's own copy of them is kept, and cleared with the pool, so no value is copied twice; and the one
 * table that says which SQL type becomes which JSON type.
 */
#include <apr_strings.h>
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "store/db_private.h"

struct cs_db_result {
    PGresult *rows;
};

static apr_status_t clear_rows(void *rows)
{
    PQclear(rows);
    return APR_SUCCESS;
}

cs_db_result_t *cs_db_result_own(PGresult *rows, apr_pool_t *pool)
{
    cs_db_result_t *result = apr_palloc(pool, sizeof(*result));

    result->rows = rows;
    apr_pool_cleanup_register(pool, rows, clear_rows, apr_pool_cleanup_null);
    return result;
}

int cs_db_rows(const cs_db_result_t *result)
{
    return PQntuples(result->rows);
}

int cs_db_columns(const cs_db_result_t *result)
{
    return PQnfields(result->rows);
}

const char *cs_db_text(const cs_db_result_t *result, int row, int column, apr_size_t *len)
{
    const bool inside = row >= 0 && row < cs_db_rows(result) && column >= 0 && column < cs_db_columns(result);

    assert(inside);
    if (len) {
        *len = 0;
    }
    if (!inside || PQgetisnull(result->rows, row, column)) {
        return NULL;
    }
    if (len) {
        *len = (apr_size_t)PQgetlength(result->rows, row, column);
    }
    return PQgetvalue(result->rows, row, column);
}

apr_int64_t cs_db_int(const cs_db_result_t *result, int row, int column, apr_int64_t if_null)
{
    const char *text = cs_db_text(result, row, column, NULL);

    return text ? apr_atoi64(text) : if_null;
}

bool cs_db_bool(const cs_db_result_t *result, int row, int column)
{
    const char *text = cs_db_text(result, row, column, NULL);

    return text && *text == 't';
}

apr_time_t cs_db_time(const cs_db_result_t *result, int row, int column)
{
    return cs_db_int(result, row, column, 0);
}

apr_int64_t cs_db_affected(const cs_db_result_t *result)
{
    return apr_atoi64(PQcmdTuples(result->rows));
}

/* ---- JSON ---- */

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

/* "2026-11-23 05:31:07.5+00" (TimeZone UTC, DateStyle ISO) to "2026-11-23T05:31:07.500Z". Cut, not rounded, so that a
 * time never falls into the next second. What has no such form (infinity, years BC or past 9999) stays as it is. */
static json_t *json_from_time(const char *text, apr_size_t len)
{
    char rfc3339[] = "YYYY-MM-DDThh:mm:ss.000Z";
    const apr_size_t date_and_time = 19;
    apr_size_t i;

    if (len < date_and_time + 3 || text[4] != '-' || text[10] != ' ' || strcmp(text + len - 3, "+00") != 0) {
        return json_from_text(text, len);
    }
    memcpy(rfc3339, text, date_and_time);
    rfc3339[10] = 'T';
    for (i = date_and_time; i < date_and_time + 4 && i < len - 3; i++) {
        rfc3339[i] = text[i];
    }
    return json_string(rfc3339);
}

typedef struct {
    Oid type;
    json_t *(*make)(const char *text, apr_size_t len);
} json_type_t;

/* The numbers are those of PostgreSQL's catalog pg_type, fixed for ever. */
static const json_type_t json_types[] = {
    {16, json_from_bool},   /* bool */
    {20, json_from_int},    /* int8 */
    {21, json_from_int},    /* int2 */
    {23, json_from_int},    /* int4 */
    {114, json_from_json},  /* json */
    {701, json_from_float}, /* float8 */
    {1184, json_from_time}, /* timestamptz */
    {3802, json_from_json}, /* jsonb */
};

static json_t *json_from_field(const PGresult *rows, int row, int column)
{
    const Oid type = PQftype(rows, column);
    const char *text = PQgetvalue(rows, row, column);
    const apr_size_t len = (apr_size_t)PQgetlength(rows, row, column);
    apr_size_t i;

    if (PQgetisnull(rows, row, column)) {
        return json_null();
    }
    for (i = 0; i < sizeof(json_types) / sizeof(json_types[0]); i++) {
        if (json_types[i].type == type) {
            return json_types[i].make(text, len);
        }
    }
    return json_from_text(text, len);
}

json_t *cs_db_row_json(const cs_db_result_t *result, int row)
{
    json_t *object = json_object();
    int column;

    assert(row >= 0 && row < cs_db_rows(result));
    for (column = 0; column < cs_db_columns(result); column++) {
        json_object_set_new_nocheck(object, PQfname(result->rows, column), json_from_field(result->rows, row, column));
    }
    return object;
}

json_t *cs_db_rows_json(const cs_db_result_t *result)
{
    json_t *array = json_array();
    int row;

    for (row = 0; row < cs_db_rows(result); row++) {
        json_array_append_new(array, cs_db_row_json(result, row));
    }
    return array;
}
