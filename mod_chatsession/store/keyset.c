/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/keyset.h"
#include <apr_strings.h>
#include <assert.h>
#include "core/json.h"
#include "core/rfc3339.h"

apr_status_t cs_keyset_parse(cs_keyset_t *keyset, const char *cursor, apr_pool_t *pool)
{
    const char *underscore = cursor ? strchr(cursor, '_') : NULL;
    size_t digits;

    *keyset = (cs_keyset_t){NULL, NULL};
    if (!cursor) {
        return APR_SUCCESS;
    }
    digits = strspn(cursor, "0123456789");
    if (!underscore || digits == 0 || digits > 17 || cursor + digits != underscore || !cs_uuid_is(underscore + 1)) {
        return CS_EMALFORMED;
    }
    keyset->time = apr_pstrndup(pool, cursor, digits);
    keyset->id = apr_pstrdup(pool, underscore + 1);
    return APR_SUCCESS;
}

const char *cs_keyset_write(const char *time, const char *id, apr_pool_t *pool)
{
    const char *clock = strchr(time, ' ');
    apr_time_t usec = 0;
    const bool is_time = clock && cs_rfc3339_parse(&usec, apr_psprintf(pool, "%.*sT%s:00", (int)(clock - time), time,
                                                                       clock + 1)) == APR_SUCCESS;

    return is_time && usec >= 0 ? apr_psprintf(pool, "%" APR_TIME_T_FMT "_%s", usec, id) : NULL;
}

json_t *cs_keyset_page(const char **next, const cs_db_result_t *result, int limit, apr_pool_t *pool)
{
    const int cursor = cs_db_columns(result) - 1;
    json_t *rows = json_array();

    *next = NULL;
    for (int i = 0; i < cs_db_rows(result) && i < limit; i++) {
        json_t *row = cs_db_row_json(result, i);
        json_object_del(row, "next");
        json_array_append_new(rows, row);
    }
    if (cs_db_rows(result) > limit) {
        *next = cs_db_text_copy(result, limit - 1, cursor, pool);
    }
    return rows;
}

apr_status_t cs_keyset_list(json_t **rows, const char **next, cs_db_t *db, const char *sql, int count,
                            const cs_db_param_t *own, const char *after, int limit, apr_pool_t *pool)
{
    cs_db_param_t params[CS_KEYSET_OWN + 3];
    cs_db_result_t *result;
    cs_keyset_t from;
    apr_status_t rv = cs_keyset_parse(&from, after, pool);

    assert(count >= 0 && count <= CS_KEYSET_OWN);
    *rows = NULL;
    *next = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; i < count; i++) {
        params[i] = own[i];
    }
    params[count] = CS_DB_TEXT(from.time);
    params[count + 1] = CS_DB_TEXT(from.id);
    params[count + 2] = CS_DB_TEXT(apr_itoa(pool, limit));
    rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, count + 3, params, pool);
    if (rv == APR_SUCCESS) {
        *rows = cs_keyset_page(next, result, limit, pool);
    }
    return rv;
}

static apr_status_t append(cs_text_t *text, const char *string)
{
    return cs_text_append(text, string, strlen(string), 0);
}

static apr_status_t print_next(cs_text_t *text, const char *next)
{
    apr_status_t rv = append(text, ",\"next\":");

    if (rv == APR_SUCCESS) {
        rv = next ? cs_json_append_string(text, next, strlen(next)) : append(text, "null");
    }
    return rv == APR_SUCCESS ? append(text, "}") : rv;
}

apr_status_t cs_keyset_print(cs_text_t *text, const char *rows, const cs_db_result_t *result, int limit,
                             const char *next)
{
    apr_status_t rv = append(text, "{");

    if (rv == APR_SUCCESS) {
        rv = cs_json_append_string(text, rows, strlen(rows));
    }
    if (rv == APR_SUCCESS) {
        rv = append(text, ":");
    }
    if (rv == APR_SUCCESS) {
        rv = cs_db_rows_print(text, result, limit);
    }
    return rv == APR_SUCCESS ? print_next(text, next) : rv;
}
