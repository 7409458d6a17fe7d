/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Reading rows. libpq's own copy of them is kept, and cleared with the pool, so no value is copied twice. */
#include <apr_strings.h>
#include <assert.h>
#include "store/db_private.h"

static apr_status_t clear_rows(void *rows)
{
    PQclear(rows);
    return APR_SUCCESS;
}

cs_db_result_t *cs_db_result_own(PGresult *rows, apr_pool_t *pool)
{
    cs_db_result_t *result = apr_palloc(pool, sizeof(*result));

    result->rows = rows;
    result->pool = pool;
    apr_pool_cleanup_register(pool, rows, clear_rows, apr_pool_cleanup_null);
    return result;
}

void cs_db_result_free(cs_db_result_t *result)
{
    if (result && result->rows) {
        apr_pool_cleanup_run(result->pool, result->rows, clear_rows);
        result->rows = NULL;
    }
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

const char *cs_db_text_copy(const cs_db_result_t *result, int row, int column, apr_pool_t *pool)
{
    return apr_pstrdup(pool, cs_db_text(result, row, column, NULL));
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
