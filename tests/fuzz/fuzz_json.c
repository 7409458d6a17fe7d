/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A request's body: the limits hold for what is taken, what is taken is the same after printing and reading it, and the
 * members of a body come out within the bounds of their rows or not at all. */
#include "core/json.h"

#include "core/utf8.h"
#include "fuzz.h"

static const cs_json_member_t members[] = {
    {"content", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 8},
    {"parent_id", CS_JSON_UUID, CS_JSON_NULLABLE, 0, 0},
    {"rating", CS_JSON_INTEGER, 0, -1, 1},
    {"pinned", CS_JSON_BOOLEAN, 0, 0, 0},
    {"params", CS_JSON_OBJECT, CS_JSON_NULLABLE, 0, 0},
    {"ids", CS_JSON_ARRAY, 0, 1, 3},
};
#define MEMBERS ((int)(sizeof(members) / sizeof(members[0])))

typedef struct {
    int values;
    int depth;
} extent_t;

static void measure(extent_t *extent, json_t *value, int depth)
{
    json_t *member;
    const char *name;
    size_t index;

    extent->values++;
    if (json_is_array(value) || json_is_object(value))
        depth++;
    if (depth > extent->depth)
        extent->depth = depth;
    if (json_is_string(value))
        HOLDS(cs_utf8_is_text(json_string_value(value), json_string_length(value), NULL));
    json_array_foreach(value, index, member) measure(extent, member, depth);
    json_object_foreach(value, name, member) measure(extent, member, depth);
}

/* A sentence for people, whatever the client sent. */
static bool is_sentence(const char *text)
{
    return text && *text && text[strlen(text) - 1] == '.' && cs_utf8_is_text(text, strlen(text), NULL) &&
           !strpbrk(text, "\r\n");
}

static void print_and_read(json_t *value, apr_pool_t *pool)
{
    const char *problem = FUZZ_UNSET, *text;
    apr_size_t len = FUZZ_UNSET_SIZE;
    json_t *again = FUZZ_UNSET;

    text = cs_json_print(value, &len, pool);
    HOLDS(text && strlen(text) == len);
    HOLDS(cs_json_parse(&again, text, len, &problem, pool) == APR_SUCCESS && !problem);
    HOLDS(json_equal(value, again));
}

static void check_field(const cs_json_field_t *field, const cs_json_member_t *row)
{
    if (!field->given || field->null) {
        HOLDS(!field->string && !field->value && (field->given || !(row->flags & CS_JSON_REQUIRED)));
        HOLDS(!field->null || row->flags & CS_JSON_NULLABLE);
        return;
    }
    if (row->type == CS_JSON_STRING)
        HOLDS(field->string && (json_int_t)cs_utf8_count(field->string, field->length) >= row->min &&
              (json_int_t)cs_utf8_count(field->string, field->length) <= row->max);
    if (row->type == CS_JSON_UUID)
        HOLDS(field->length == 36 && cs_uuid_is(field->string) && !strpbrk(field->string, "ABCDEF"));
    if (row->type == CS_JSON_INTEGER)
        HOLDS(field->integer >= row->min && field->integer <= row->max);
    if (row->type == CS_JSON_OBJECT)
        HOLDS(json_is_object(field->value));
    if (row->type == CS_JSON_ARRAY)
        HOLDS(json_array_size(field->value) >= 1 && json_array_size(field->value) <= 3);
}

static void read_members(const json_t *value, apr_pool_t *pool)
{
    static const cs_json_field_t zero[MEMBERS];
    const char *problem = FUZZ_UNSET;
    cs_json_field_t fields[MEMBERS];

    memset(fields, 0x5A, sizeof(fields));
    if (cs_json_read(fields, members, MEMBERS, value, &problem, pool) != APR_SUCCESS) {
        HOLDS(is_sentence(problem) && memcmp(fields, zero, sizeof(zero)) == 0);
        return;
    }
    HOLDS(!problem && json_is_object(value));
    for (int i = 0; i < MEMBERS; i++)
        check_field(&fields[i], &members[i]);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    const char *problem = FUZZ_UNSET;
    json_t *value = FUZZ_UNSET;
    extent_t extent = {0, 0};
    apr_status_t rv = cs_json_parse(&value, bytes, len, &problem, pool);

    if (rv != APR_SUCCESS) {
        HOLDS(rv == CS_EMALFORMED && !value && is_sentence(problem));
        return;
    }
    HOLDS(value && !problem);
    measure(&extent, value, 0);
    HOLDS(extent.values <= CS_JSON_MAX_VALUES && extent.depth <= CS_JSON_MAX_DEPTH);
    print_and_read(value, pool);
    read_members(value, pool);
}
