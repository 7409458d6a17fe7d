/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What operators look for. Any query string gives a filter or a sentence; a filter, written as JSON for a job's row and
 * the audit log, is read back as the same; its SQL is made of our words alone, whatever was asked. Where a list goes on
 * is digits, hex and a UUID, or refused. Input: a query string.
 */
#include "store/console_filter.h"

#include <apr_strings.h>
#include "core/address.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "fuzz.h"
#include "store/console_order.h"

static void parts_hold(const cs_console_filter_t *filter)
{
    apr_time_t time;

    HOLDS(!filter->state || cs_console_is_state(filter->state));
    HOLDS(!filter->feedback || cs_console_is_feedback(filter->feedback));
    HOLDS(!filter->matter || cs_uuid_is(filter->matter));
    HOLDS(!filter->from || cs_rfc3339_parse(&time, filter->from) == APR_SUCCESS);
    HOLDS(!filter->to || cs_rfc3339_parse(&time, filter->to) == APR_SUCCESS);
    HOLDS(!filter->min_messages || (apr_atoi64(filter->min_messages) >= 0 && strlen(filter->min_messages) <= 9));
    HOLDS(!filter->max_messages || (apr_atoi64(filter->max_messages) <= 999999999 && *filter->max_messages));
}

static void ids_hold(const char *ids, apr_pool_t *pool)
{
    const json_t *array = cs_json_own(json_loads(ids, JSON_REJECT_DUPLICATES, NULL), pool);

    HOLDS(json_is_array(array));
    for (size_t i = 0; i < json_array_size(array); i++) {
        HOLDS(cs_uuid_is(json_string_value(json_array_get(array, i))));
    }
}

static void comes_back(const cs_console_filter_t *filter, apr_pool_t *pool)
{
    const json_t *json = cs_json_own(cs_console_filter_json(filter), pool);
    cs_console_filter_t again;

    cs_console_filter_from_json(&again, json, pool);
    HOLDS(json_equal(json, cs_json_own(cs_console_filter_json(&again), pool)));
    HOLDS(!cs_console_filter_problem(&again, pool));
}

/* The same parts with other values give the same statement, and the values are its parameters. */
static void statement_holds(const cs_console_filter_t *filter, apr_pool_t *pool)
{
    static const cs_search_t searches[] = {{.indexed = false}, {.indexed = true}, {.indexed = true, .lead = 5}};
    cs_db_param_t params[CS_CONSOLE_PARAMS];
    cs_console_filter_t other = *filter;

    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        const char **value = cs_console_field(&other, i);
        *value = *value && value != &other.state && value != &other.feedback ? "other" : *value;
    }
    for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
        const char *sql = cs_console_where(filter, &searches[i], pool);
        HOLDS(!strcmp(sql, cs_console_where(&other, &searches[i], pool)) && !strstr(sql, "false"));
        HOLDS(!strchr(sql, ';') && !strstr(sql, "--"));
    }
    cs_console_params(params, filter);
    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        const char *value = *cs_console_field(&other, i);
        bool found = !value;
        for (int at = 0; at < CS_CONSOLE_PARAMS; at++) {
            found |= params[at].text == *cs_console_field((cs_console_filter_t *)filter, i);
        }
        HOLDS(found);
    }
}

static void cursor_holds(const char *sort, const char *cursor, apr_pool_t *pool)
{
    const cs_console_order_t *order = cs_console_order(sort);
    cs_console_cursor_t place = {FUZZ_UNSET, FUZZ_UNSET, FUZZ_UNSET};

    HOLDS(sort || order);
    if (!order) {
        return;
    }
    if (cs_console_cursor_parse(&place, order, cursor, pool) != APR_SUCCESS || !cursor) {
        HOLDS(!place.text && !place.number && !place.id);
        return;
    }
    HOLDS(cs_uuid_is(place.id) && !strcmp(cursor + strlen(cursor) - 36, place.id));
    HOLDS((place.text != NULL) == (order->cursor != CS_CURSOR_NUMBER));
    HOLDS((place.number != NULL) == (order->cursor != CS_CURSOR_TEXT));
    HOLDS(!place.number || (*place.number && strspn(place.number, "0123456789") == strlen(place.number)));
    HOLDS(!place.number || strlen(place.number) <= 17);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    char *query = fuzz_part(&reader, '\0', &len);
    cs_console_filter_t filter;
    apr_table_t *pairs;

    if (len <= 8190 && cs_query_read(&pairs, query, pool)) { /* httpd's longest line */
        const char *problem = cs_console_filter_read(&filter, pairs, pool);
        cursor_holds(apr_table_get(pairs, "sort"), apr_table_get(pairs, "after"), pool);
        if (problem) {
            HOLDS(*problem && problem[strlen(problem) - 1] == '.');
        } else {
            parts_hold(&filter);
            comes_back(&filter, pool);
            statement_holds(&filter, pool);
            if (filter.ids) {
                ids_hold(filter.ids, pool);
            }
        }
    }
    free(query);
}
