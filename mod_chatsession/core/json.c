/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * A text is passed over once, by scan(), before jansson sees it: that pass counts depth and values and stops at the
 * first one too many, so a hostile text costs no memory at all. It need not know JSON's grammar: where the text is
 * well-formed the counts are exact, and jansson reads no further than the first place where it is not.
 *
 * jansson's own messages quote the text, so only its codes and positions are used.
 */
#include "core/json.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "core/text.h"
#include "core/utf8.h"

#define QUOTED_NAME_MAX 40

/* ---- parse ---- */

typedef struct {
    const char *bytes;
    apr_size_t len;
    apr_size_t at;
    apr_size_t depth;
    apr_size_t values;
} scan_t;

/** From an opening quotation mark past the closing one, or to the end. */
static void scan_string(scan_t *scan)
{
    for (scan->at++; scan->at < scan->len; scan->at++) {
        if (scan->bytes[scan->at] == '\\')
            scan->at++;
        else if (scan->bytes[scan->at] == '"')
            break;
    }
    scan->at++;
}

static bool is_delimiter(char c)
{
    return c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}' || c == '"' || c == ' ' || c == '\t' ||
           c == '\n' || c == '\r';
}

/** Past one bracket, string, number, word or delimiter. A name counts as a value until its colon takes it back. */
static void scan_token(scan_t *scan)
{
    char c = scan->bytes[scan->at];

    if (c == '"') {
        scan->values++;
        scan_string(scan);
        return;
    }
    if (!is_delimiter(c)) {
        scan->values++;
        while (scan->at < scan->len && !is_delimiter(scan->bytes[scan->at]))
            scan->at++;
        return;
    }
    if (c == '[' || c == '{') {
        scan->values++;
        scan->depth++;
    } else if ((c == ']' || c == '}') && scan->depth) {
        scan->depth--;
    } else if (c == ':' && scan->values) {
        scan->values--;
    }
    scan->at++;
}

static apr_status_t scan_text(const char *bytes, apr_size_t len, const char **problem, apr_pool_t *pool)
{
    scan_t scan = {bytes, len, 0, 0, 0};

    while (scan.at < scan.len) {
        apr_size_t start = scan.at;

        scan_token(&scan);
        if (scan.depth > CS_JSON_MAX_DEPTH) {
            *problem =
                apr_psprintf(pool, "The JSON text is nested deeper than %d levels (at octet %" APR_SIZE_T_FMT ").",
                             CS_JSON_MAX_DEPTH, start + 1);
            return CS_EMALFORMED;
        }
        if (scan.values > CS_JSON_MAX_VALUES) {
            *problem = apr_psprintf(pool, "The JSON text has more than %d values (at octet %" APR_SIZE_T_FMT ").",
                                    CS_JSON_MAX_VALUES, start + 1);
            return CS_EMALFORMED;
        }
    }
    return APR_SUCCESS;
}

static const char no_memory[] = "cannot be read: there is not enough memory";

static const char *parse_problem(enum json_error_code code)
{
    switch (code) {
    case json_error_invalid_utf8:
        return "is not UTF-8";
    case json_error_premature_end_of_input:
        return "ends too early";
    case json_error_end_of_input_expected:
        return "goes on after the end of its value";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "holds a NUL character, which no text may hold here";
    case json_error_duplicate_key:
        return "has the same member twice in one object";
    case json_error_numeric_overflow:
        return "has a number that is too large";
    case json_error_out_of_memory:
    case json_error_unknown: /* where there is none at the very start, jansson leaves the error as it was */
        return no_memory;
    default:
        return "is not well-formed";
    }
}

apr_status_t cs_json_parse(json_t **value, const char *bytes, apr_size_t len, const char **problem, apr_pool_t *pool)
{
    json_error_t error = {0};
    const char *what;
    apr_status_t rv;

    *value = NULL;
    *problem = NULL;
    if (!len) {
        *problem = "The JSON text is empty; expected one JSON value.";
        return CS_EMALFORMED;
    }
    if ((rv = scan_text(bytes, len, problem, pool)) != APR_SUCCESS)
        return rv;
    *value = cs_json_own(json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error), pool);
    if (*value)
        return APR_SUCCESS;
    what = parse_problem(json_error_code(&error));
    *problem = apr_psprintf(pool, "The JSON text %s (near line %d, column %d).", what, error.line, error.column);
    return what == no_memory ? APR_ENOMEM : CS_EMALFORMED;
}

static apr_status_t release(void *value)
{
    json_decref(value);
    return APR_SUCCESS;
}

json_t *cs_json_own(json_t *value, apr_pool_t *pool)
{
    if (value)
        apr_pool_cleanup_register(pool, value, release, apr_pool_cleanup_null);
    return value;
}

/* ---- print ---- */

static bool needs_escape(char c)
{
    return (unsigned char)c < ' ' || c == '"' || c == '\\';
}

/* Which of eight characters need an escape: each of the three terms has the highest bit of an octet set when that octet
 * is below ' ', is a quote, is a backslash; behind the first such octet perhaps others as well. */
static uint64_t eight_escapes(const char *bytes)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t eight, quotes, backslashes;

    memcpy(&eight, bytes, sizeof(eight));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    quotes = eight ^ ones * '"';
    backslashes = eight ^ ones * '\\';
    return (((eight - ones * ' ') & ~eight) | ((quotes - ones) & ~quotes) | ((backslashes - ones) & ~backslashes)) &
           tops;
}

apr_size_t cs_json_plain_length(const char *bytes, apr_size_t len)
{
    apr_size_t at = 0;
    uint64_t escapes;

    for (; at + 8 <= len; at += 8) {
        if ((escapes = eight_escapes(bytes + at)))
            return at + (apr_size_t)__builtin_ctzll(escapes) / 8;
    }
    while (at < len && !needs_escape(bytes[at]))
        at++;
    return at;
}

/** A character that may not stand in a string as it is. */
static char *write_escape(char *out, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char meant[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(meant, c) : NULL;

    *out++ = '\\';
    if (found) {
        *out++ = letters[found - meant];
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = digits[(unsigned char)c >> 4];
    out[4] = digits[c & 15];
    return out + 5;
}

char *cs_json_write_string(char *out, const char *bytes, apr_size_t len)
{
    apr_size_t at = 0;

    *out++ = '"';
    while (at < len) {
        const apr_size_t plain = cs_json_plain_length(bytes + at, len - at);

        memcpy(out, bytes + at, plain);
        out += plain;
        at += plain;
        if (at < len)
            out = write_escape(out, bytes[at++]);
    }
    *out++ = '"';
    return out;
}

static apr_status_t append(cs_text_t *text, const char *bytes, apr_size_t len)
{
    return cs_text_append(text, bytes, len, 0);
}

/* What needs no escape is written in one piece. */
static apr_status_t append_plain(cs_text_t *text, const char *bytes, apr_size_t len)
{
    char *room;
    apr_status_t rv = len < APR_SIZE_MAX - 2 ? cs_text_room(&room, text, len + 2) : CS_ETOOBIG;

    if (rv == APR_SUCCESS) {
        room[0] = '"';
        memcpy(room + 1, bytes, len);
        room[len + 1] = '"';
        cs_text_grew(text, len + 2);
    }
    return rv;
}

/* What stands between two escapes is copied in one piece: a history is mostly that. */
apr_status_t cs_json_append_string(cs_text_t *text, const char *bytes, apr_size_t len)
{
    apr_status_t rv;
    apr_size_t at = 0;

    if (cs_json_plain_length(bytes, len) == len)
        return append_plain(text, bytes, len);
    rv = append(text, "\"", 1);
    while (rv == APR_SUCCESS && at < len) {
        const apr_size_t start = at;
        char escape[6];

        at += cs_json_plain_length(bytes + at, len - at);
        rv = append(text, bytes + start, at - start);
        if (rv == APR_SUCCESS && at < len)
            rv = append(text, escape, (apr_size_t)(write_escape(escape, bytes[at++]) - escape));
    }
    return rv == APR_SUCCESS ? append(text, "\"", 1) : rv;
}

static apr_status_t print_value(cs_text_t *text, const json_t *value);

static apr_status_t print_array(cs_text_t *text, const json_t *array)
{
    apr_status_t rv = append(text, "[", 1);
    size_t at;

    for (at = 0; rv == APR_SUCCESS && at < json_array_size(array); at++) {
        rv = at ? append(text, ",", 1) : APR_SUCCESS;
        if (rv == APR_SUCCESS)
            rv = print_value(text, json_array_get(array, at));
    }
    return rv == APR_SUCCESS ? append(text, "]", 1) : rv;
}

static apr_status_t print_member(cs_text_t *text, const char *name, const json_t *value)
{
    apr_status_t rv = cs_json_append_string(text, name, strlen(name));

    if (rv == APR_SUCCESS)
        rv = append(text, ":", 1);
    return rv == APR_SUCCESS ? print_value(text, value) : rv;
}

static apr_status_t print_object(cs_text_t *text, json_t *object)
{
    apr_status_t rv = append(text, "{", 1);
    void *first = json_object_iter(object), *at;

    for (at = first; rv == APR_SUCCESS && at; at = json_object_iter_next(object, at)) {
        rv = at == first ? APR_SUCCESS : append(text, ",", 1);
        if (rv == APR_SUCCESS)
            rv = print_member(text, json_object_iter_key(at), json_object_iter_value(at));
    }
    return rv == APR_SUCCESS ? append(text, "}", 1) : rv;
}

#define NUMBER_ROOM 100 /* jansson's own array for one */
/* Significant digits that survive in any double, and those that tell any two apart. */
#define DIGITS_KEPT 15
#define DIGITS_TELLING 17

/* In as few digits as give the same number again: people set 0.3 and are not to find 0.29999999999999999. */
static size_t write_number(char digits[NUMBER_ROOM], const json_t *number)
{
    size_t len = 0;
    size_t precision;

    for (precision = DIGITS_KEPT; precision <= DIGITS_TELLING; precision++) {
        len = json_dumpb(number, digits, NUMBER_ROOM - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(precision));
        digits[len] = '\0';
        if (!len || !json_is_real(number) || strtod(digits, NULL) == json_real_value(number))
            break;
    }
    return len;
}

static apr_status_t print_number(cs_text_t *text, const json_t *number)
{
    char digits[NUMBER_ROOM];
    const size_t len = write_number(digits, number);

    return len ? append(text, digits, len) : APR_EGENERAL;
}

static apr_status_t print_value(cs_text_t *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return print_object(text, (json_t *)value); /* jansson's iterator has no const form */
    case JSON_ARRAY:
        return print_array(text, value);
    case JSON_STRING:
        return cs_json_append_string(text, json_string_value(value), json_string_length(value));
    case JSON_TRUE:
        return append(text, "true", 4);
    case JSON_FALSE:
        return append(text, "false", 5);
    case JSON_NULL:
        return append(text, "null", 4);
    default:
        return print_number(text, value);
    }
}

const char *cs_json_print(const json_t *value, apr_size_t *len, apr_pool_t *pool)
{
    cs_text_t *text = cs_text_create(pool);
    const bool printed = value && print_value(text, value) == APR_SUCCESS;

    if (len)
        *len = printed ? cs_text_length(text) : 0;
    return printed ? cs_text_get(text) : NULL;
}

/* ---- members ---- */

static const char *describe(const json_t *value, apr_pool_t *pool)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return apr_psprintf(pool, "an array of %" APR_SIZE_T_FMT, json_array_size(value));
    case JSON_STRING:
        return apr_psprintf(pool, "a string of %" APR_SIZE_T_FMT " characters",
                            cs_utf8_count(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER:
        return apr_psprintf(pool, "the integer %" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    case JSON_REAL:
        return "a number that is no integer";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

static bool is_within(apr_size_t count, const cs_json_member_t *row)
{
    return (json_int_t)count >= row->min && (json_int_t)count <= row->max;
}

static bool is_string(const json_t *value, const cs_json_member_t *row)
{
    const char *string = json_string_value(value);

    return string && is_within(cs_utf8_count(string, json_string_length(value)), row);
}

static bool is_uuid(const json_t *value, const cs_json_member_t *row)
{
    const char *string = json_string_value(value);

    (void)row;
    return string && cs_uuid_is(string);
}

static bool is_integer(const json_t *value, const cs_json_member_t *row)
{
    return json_typeof(value) == JSON_INTEGER && json_integer_value(value) >= row->min &&
           json_integer_value(value) <= row->max;
}

static bool is_boolean(const json_t *value, const cs_json_member_t *row)
{
    (void)row;
    return json_typeof(value) == JSON_TRUE || json_typeof(value) == JSON_FALSE;
}

static bool is_object(const json_t *value, const cs_json_member_t *row)
{
    (void)row;
    return json_typeof(value) == JSON_OBJECT;
}

static bool is_array(const json_t *value, const cs_json_member_t *row)
{
    return json_typeof(value) == JSON_ARRAY && is_within(json_array_size(value), row);
}

/* What a row of each type asks for. */
static const struct {
    const char *form;
    const char *unit; /* of the row's bounds, NULL: it has none */
    bool (*fits)(const json_t *value, const cs_json_member_t *row);
} types[] = {
    [CS_JSON_STRING] = {"a string of", " characters", is_string},
    [CS_JSON_INTEGER] = {"an integer from", "", is_integer},
    [CS_JSON_BOOLEAN] = {"true or false", NULL, is_boolean},
    [CS_JSON_UUID] = {"a UUID in 36 characters", NULL, is_uuid},
    [CS_JSON_OBJECT] = {"an object", NULL, is_object},
    [CS_JSON_ARRAY] = {"an array of", "", is_array},
};

static const char *describe_row(const cs_json_member_t *row, apr_pool_t *pool)
{
    const char *form = types[row->type].form, *unit = types[row->type].unit;

    if (unit) /* APR's printf does not know jansson's "lld" */
        form = apr_psprintf(pool, "%s %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT "%s", form, (apr_int64_t)row->min,
                            (apr_int64_t)row->max, unit);
    return row->flags & CS_JSON_NULLABLE ? apr_pstrcat(pool, form, ", or null", NULL) : form;
}

static void fill(cs_json_field_t *field, json_t *value, cs_json_type_e type, apr_pool_t *pool)
{
    const char *string = json_string_value(value);
    char *copy;

    if (string) {
        field->length = json_string_length(value);
        field->string = copy = apr_pstrmemdup(pool, string, field->length);
        for (; type == CS_JSON_UUID && *copy; copy++)
            *copy = (char)apr_tolower(*copy);
    }
    field->integer = json_integer_value(value);
    field->boolean = json_typeof(value) == JSON_TRUE;
    if (type == CS_JSON_OBJECT || type == CS_JSON_ARRAY)
        field->value = value;
}

static apr_status_t read_member(cs_json_field_t *field, const cs_json_member_t *row, const json_t *body,
                                const char **problem, apr_pool_t *pool)
{
    json_t *value = json_object_get(body, row->name);

    if (!value && !(row->flags & CS_JSON_REQUIRED))
        return APR_SUCCESS;
    if (!value) {
        *problem = apr_psprintf(pool, "The member \"%s\" is missing; expected %s.", row->name, describe_row(row, pool));
        return CS_EMALFORMED;
    }
    field->given = true;
    field->null = json_typeof(value) == JSON_NULL;
    if (field->null && row->flags & CS_JSON_NULLABLE)
        return APR_SUCCESS;
    if (!types[row->type].fits(value, row)) {
        *problem = apr_psprintf(pool, "The member \"%s\" is %s; expected %s.", row->name, describe(value, pool),
                                describe_row(row, pool));
        return CS_EMALFORMED;
    }
    fill(field, value, row->type, pool);
    return APR_SUCCESS;
}

/** The client's name for a member, fit for a sentence: short, and in printable ASCII. */
static const char *quotable(const char *name, apr_pool_t *pool)
{
    char text[QUOTED_NAME_MAX + 1];
    apr_size_t at;

    for (at = 0; at < QUOTED_NAME_MAX && name[at]; at++)
        text[at] = name[at] >= ' ' && name[at] <= '~' && name[at] != '"' ? name[at] : '?';
    text[at] = '\0';
    return apr_pstrdup(pool, text);
}

static const char *unknown_problem(const char *name, const cs_json_member_t *members, int count, apr_pool_t *pool)
{
    const char *known = count ? "" : "none";
    int at;

    for (at = 0; at < count; at++)
        known = apr_pstrcat(pool, known, at ? ", \"" : "\"", members[at].name, "\"", NULL);
    return apr_psprintf(pool, "The member \"%s\" is not known here; expected at most: %s.", quotable(name, pool),
                        known);
}

static bool is_known(const char *name, const cs_json_member_t *members, int count)
{
    int at;

    for (at = 0; at < count; at++) {
        if (strcmp(name, members[at].name) == 0)
            return true;
    }
    return false;
}

static apr_status_t read_body(cs_json_field_t *fields, const cs_json_member_t *members, int count, json_t *body,
                              const char **problem, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    void *it;
    int at;

    if (!json_is_object(body)) {
        *problem = apr_psprintf(pool, "The body is %s; expected an object.", body ? describe(body, pool) : "missing");
        return CS_EMALFORMED;
    }
    for (it = json_object_iter(body); it; it = json_object_iter_next(body, it)) {
        if (!is_known(json_object_iter_key(it), members, count)) {
            *problem = unknown_problem(json_object_iter_key(it), members, count, pool);
            return CS_EMALFORMED;
        }
    }
    for (at = 0; at < count && rv == APR_SUCCESS; at++)
        rv = read_member(&fields[at], &members[at], body, problem, pool);
    return rv;
}

apr_status_t cs_json_read(cs_json_field_t *fields, const cs_json_member_t *members, int count, const json_t *body,
                          const char **problem, apr_pool_t *pool)
{
    const apr_size_t size = (apr_size_t)count * sizeof(*fields);
    apr_status_t rv;

    *problem = NULL;
    memset(fields, 0, size);
    /* jansson iterates only what is not const, though it changes nothing. */
    rv = read_body(fields, members, count, (json_t *)body, problem, pool);
    if (rv != APR_SUCCESS)
        memset(fields, 0, size);
    return rv;
}

bool cs_uuid_is(const char *text)
{
    int at;

    for (at = 0; at < 36; at++) {
        bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
        char c = text[at];

        if (hyphen ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return text[36] == '\0';
}
