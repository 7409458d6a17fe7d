/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* JSON in: bounded, strict, and refused with a sentence that quotes nothing. JSON out: what comes back is the same. */
#include "core/json.h"
#include <stdlib.h>
#include "fixture.h"
#include "kuhn.h"

/** Parses; on failure asserts that there is a sentence and no value. */
static apr_status_t parse(json_t **value, const char **problem, const char *bytes, size_t len, apr_pool_t *pool)
{
    apr_status_t rv;

    *value = (json_t *)&rv;
    *problem = "untouched";
    rv = cs_json_parse(value, bytes, len, problem, pool);
    if (rv == APR_SUCCESS) {
        assert_non_null(*value);
        assert_null(*problem);
    } else {
        assert_null(*value);
        assert_non_null(*problem);
        assert_int_equal((*problem)[strlen(*problem) - 1], '.');
    }
    return rv;
}

static json_t *must_parse(const char *text, apr_pool_t *pool)
{
    const char *problem;
    json_t *value;

    if (parse(&value, &problem, text, strlen(text), pool) != APR_SUCCESS)
        fail_msg("%s: %s", text, problem);
    return value;
}

/** The sentence with which text is refused. */
static const char *refusal(const char *text, size_t len, apr_pool_t *pool)
{
    const char *problem;
    json_t *value;

    if (parse(&value, &problem, text, len, pool) != CS_EMALFORMED)
        fail_msg("a text of %zu octets was accepted", len);
    return problem;
}

static void test_values_of_every_kind_are_parsed(void **state)
{
    json_t *value =
        must_parse(" {\"s\":\"caf\\u00e9 \\ud83d\\ude00\",\"i\":-7,\"r\":0.5,\"t\":true,\"n\":null,\"a\":[1,[]]} ",
                   *state);

    assert_string_equal(json_string_value(json_object_get(value, "s")), "caf\xC3\xA9 \xF0\x9F\x98\x80");
    assert_int_equal(json_integer_value(json_object_get(value, "i")), -7);
    assert_true(json_is_null(json_object_get(value, "n")));
    assert_int_equal(json_array_size(json_object_get(value, "a")), 2);
    assert_true(json_is_string(must_parse("\"alone\"", *state)));
    assert_true(json_is_null(must_parse("null", *state)));
}

static void test_malformed_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        " ",
        "{",
        "[",
        "\"",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[1 2]",
        "{a:1}",
        "{'a':1}",
        "nul",
        "True",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "[1]]",
        "{}}",
        "0x10",
        "NaN",
        "Infinity",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\n\"",
        "// c\n{}",
        "/**/{}",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "]",
        "}",
        ":",
        ",",
        "\"a\":1",
        "[\"a\":1]",
        "{1:2}",
        "{\"a\" 1}",
        "::::",
        "{\"a\":1 \"b\":2}",
        "\\",
        "\"\\",
        "\xEF\xBB\xBF{}",
    };
    size_t at;

    for (at = 0; at < sizeof(texts) / sizeof(texts[0]); at++)
        refusal(texts[at], strlen(texts[at]), *state);
}

static void test_an_empty_text_is_refused(void **state)
{
    assert_non_null(strstr(refusal("", 0, *state), "empty"));
    assert_non_null(strstr(refusal(NULL, 0, *state), "empty"));
}

static void test_every_truncation_is_refused(void **state)
{
    static const char text[] = "{\"content\":\"caf\\u00e9 \\\\ \\\"\",\"list\":[1,2.5e3,true,null,{\"x\":{}}]}";
    size_t len;

    must_parse(text, *state);
    for (len = 0; len < strlen(text); len++) {
        /* A copy of exactly that length, so that reading past it would be noticed. */
        char *cut = test_malloc(len + 1);

        memcpy(cut, text, len);
        refusal(cut, len, *state);
        test_free(cut);
    }
}

/** [F7] */
static void test_duplicate_members_are_refused(void **state)
{
    static const char escaped[] = "{\"role\":1,\"r\\u006fle\":2}", deep[] = "[{\"a\":{\"b\":1,\"b\":1}}]";

    assert_non_null(strstr(refusal("{\"a\":1,\"a\":2}", 13, *state), "twice"));
    assert_non_null(strstr(refusal(escaped, strlen(escaped), *state), "twice"));
    assert_non_null(strstr(refusal(deep, strlen(deep), *state), "twice"));
    must_parse("[{\"a\":1},{\"a\":1}]", *state);
}

/** [F7] */
static void test_trailing_data_is_refused(void **state)
{
    static const char *const texts[] = {"{} {}", "{}x", "1 2", "[]\"", "null,", "{}\x01"};
    size_t at;

    for (at = 0; at < sizeof(texts) / sizeof(texts[0]); at++)
        refusal(texts[at], strlen(texts[at]), *state);
    assert_non_null(strstr(refusal("{} {}", 5, *state), "after the end"));
    refusal("{}\0", 3, *state);
    must_parse("{} \r\n\t", *state);
}

/** [K4] */
static void test_nul_is_refused_with_a_reason(void **state)
{
    static const char value[] = "{\"content\":\"nul\\u0000tail\"}", name[] = "{\"nul\\u0000tail\":1}";

    assert_non_null(strstr(refusal(value, strlen(value), *state), "NUL"));
    assert_non_null(strstr(refusal(name, strlen(name), *state), "NUL"));
    refusal("{\"a\":\"x\0y\"}", 11, *state);
    refusal("\0", 1, *state);
    must_parse("\"\\\\u0000\"", *state);
}

/** [K3] */
static void test_kuhn_cases_are_refused(void **state)
{
    size_t at;

    for (at = 0; at < KUHN_CASES; at++) {
        const char *text = apr_pstrcat(*state, "{\"content\":\"", kuhn_cases[at].octets, "\"}", NULL);

        if (!strstr(refusal(text, strlen(text), *state), "UTF-8"))
            fail_msg("case %zu was refused for another reason", at);
        text = apr_pstrcat(*state, "{\"", kuhn_cases[at].octets, "\":1}", NULL);
        refusal(text, strlen(text), *state);
    }
}

static void test_numbers_are_bounded(void **state)
{
    char *digits = apr_pcalloc(*state, 5001);
    static const char *const large[] = {"9223372036854775808", "-9223372036854775809", "1e309", "-1e400"};
    size_t at;

    for (at = 0; at < sizeof(large) / sizeof(large[0]); at++)
        assert_non_null(strstr(refusal(large[at], strlen(large[at]), *state), "too large"));
    memset(digits, '9', 5000);
    assert_non_null(strstr(refusal(digits, 5000, *state), "too large"));
    assert_true(json_integer_value(must_parse("9223372036854775807", *state)) == APR_INT64_MAX);
    assert_true(json_integer_value(must_parse("-9223372036854775808", *state)) == APR_INT64_MIN);
}

/** depth times open, then depth times close. */
static char *nested(size_t depth, char open, char close, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 2 * depth + 1);

    memset(text, open, depth);
    memset(text + depth, close, depth);
    return text;
}

/** [G8] */
static void test_depth_is_limited(void **state)
{
    const char *text = nested(CS_JSON_MAX_DEPTH, '[', ']', *state);

    must_parse(text, *state);
    /* Depth is what is open at once, not how often something was opened. */
    must_parse(apr_pstrcat(*state, "[", text + 1, NULL), *state);
    must_parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]"
               "]",
               *state);
    text = nested(CS_JSON_MAX_DEPTH + 1, '[', ']', *state);
    assert_non_null(strstr(refusal(text, strlen(text), *state), "32 levels"));
    /* Brackets in strings are text. */
    must_parse(apr_pstrcat(*state, "\"", nested(1000, '[', '{', *state), "\\\"[[[\"", NULL), *state);
}

static void test_depth_of_objects_is_limited(void **state)
{
    const char *text = "1";
    int at;

    for (at = 0; at < CS_JSON_MAX_DEPTH; at++)
        text = apr_pstrcat(*state, "{\"a\":", text, "}", NULL);
    must_parse(text, *state);
    text = apr_pstrcat(*state, "{\"a\":", text, "}", NULL);
    assert_non_null(strstr(refusal(text, strlen(text), *state), "32 levels"));
}

/** An array of count - 1 times unit: count values. */
static char *values(size_t count, const char *unit, apr_pool_t *pool)
{
    size_t size = strlen(unit), at;
    char *text = apr_pcalloc(pool, count * (size + 1) + 3), *end = text;

    *end++ = '[';
    for (at = 1; at < count; at++) {
        memcpy(end, unit, size);
        end += size;
        *end++ = ',';
    }
    end[-1] = ']';
    return text;
}

/** [G8] */
static void test_number_of_values_is_limited(void **state)
{
    static const char *const units[] = {"0", "\"\"", "null", "[]", "{}", "-1.5e3", "\"a,b:c\""};
    size_t at;

    for (at = 0; at < sizeof(units) / sizeof(units[0]); at++) {
        const char *text = values(CS_JSON_MAX_VALUES, units[at], *state);

        must_parse(text, *state);
        text = values(CS_JSON_MAX_VALUES + 1, units[at], *state);
        assert_non_null(strstr(refusal(text, strlen(text), *state), "10000 values"));
    }
}

static void test_names_are_no_values(void **state)
{
    const char *text = values(CS_JSON_MAX_VALUES / 2, "{\"a\" : 1}", *state);

    /* One array, and two values each: 1 + 4999 * 2. */
    must_parse(text, *state);
    text = values(CS_JSON_MAX_VALUES / 2 + 1, "{\"a\" : 1}", *state);
    assert_non_null(strstr(refusal(text, strlen(text), *state), "10000 values"));
}

static size_t allocations;

static void *counting_malloc(size_t size)
{
    allocations++;
    return malloc(size);
}

/* [G8] Shown by counting: the text is refused at its 33rd octet, and jansson has not asked for any memory. */
static void test_1mib_of_brackets_is_refused_in_linear_time(void **state)
{
    const size_t mib = 1024 * 1024;
    char *text = apr_palloc(*state, mib);
    const char *one = NULL, *other = NULL, *problem;
    apr_status_t rv[3];
    json_t *value;
    size_t at;

    allocations = 0;
    json_set_alloc_funcs(counting_malloc, free);
    memset(text, '[', mib);
    rv[0] = cs_json_parse(&value, text, mib, &one, *state);
    memset(text, '{', mib);
    rv[1] = cs_json_parse(&value, text, mib, &other, *state);
    for (at = 0; at < mib; at++)
        text[at] = "[0,"[at == 0 ? 0 : at % 2 ? 1 : 2];
    rv[2] = cs_json_parse(&value, text, mib, &problem, *state);
    json_set_alloc_funcs(malloc, free);

    assert_int_equal(allocations, 0);
    assert_int_equal(rv[0], CS_EMALFORMED);
    assert_non_null(strstr(one, "at octet 33)"));
    assert_int_equal(rv[1], CS_EMALFORMED);
    assert_non_null(strstr(other, "at octet 33)"));
    assert_int_equal(rv[2], CS_EMALFORMED);
    assert_non_null(strstr(problem, "at octet 20000)"));
}

/* Colons take values back only where JSON has names, so they cannot make room for more. */
static void test_stray_colons_do_not_hide_values(void **state)
{
    char *text =
        apr_pstrcat(*state, values(CS_JSON_MAX_VALUES + 5000, "0", *state), nested(9000, ':', ':', *state), NULL);

    assert_non_null(strstr(refusal(text, strlen(text), *state), "10000 values"));
    text = apr_pstrcat(*state, nested(9000, ':', ']', *state), values(CS_JSON_MAX_VALUES - 1, "0", *state), NULL);
    refusal(text, strlen(text), *state);
}

static void test_sentences_never_quote_the_text(void **state)
{
    static const char *const texts[] = {
        "CANARY",
        "{\"a\":CANARY}",
        "{\"CANARY\":1,\"CANARY\":2}",
        "{\"a\":\"CANARY\\u0000\"}",
        "\"CANARY",
        "{\"CANARY\" 1}",
        "[1] CANARY",
        "\"CANARY\xFF\"",
        "{\"CANARY\\u0000\":1}",
        "\"CANARY\n\"",
        "\"CANARY\\ud800\"",
    };
    size_t at;

    for (at = 0; at < sizeof(texts) / sizeof(texts[0]); at++)
        assert_null(strstr(refusal(texts[at], strlen(texts[at]), *state), "CANARY"));
}

static void test_any_octets_are_parsed_or_refused(void **state)
{
    static const char octets[] = "[]{}\",:0123\\ue-tnf \x80\xC3";
    uint64_t seed = 5;
    apr_pool_t *pool;
    char text[48];
    int round;

    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    for (round = 0; round < 50000; round++) {
        size_t len = fixture_random(&seed, sizeof(text) + 1), at;
        const char *problem;
        json_t *value;

        for (at = 0; at < len; at++)
            text[at] = octets[fixture_random(&seed, sizeof(octets) - 1)];
        (void)parse(&value, &problem, text, len, pool);
        apr_pool_clear(pool);
    }
}

/* ---- out ---- */

static void test_what_is_printed_parses_to_the_same(void **state)
{
    static const char *const texts[] = {
        "{\"a\":[1,2.5,true,false,null,\"caf\xC3\xA9 \xF0\x9F\x98\x80\"],\"b\":{}}",
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u2028\"",
        "[]",
        "-9223372036854775808",
        "0.1",
        "[0.69999999999999996,1e300,5e-324,-0.5]",
        "\"alone\"",
        "true",
    };
    size_t at, len;

    for (at = 0; at < sizeof(texts) / sizeof(texts[0]); at++) {
        json_t *value = must_parse(texts[at], *state);
        const char *text = cs_json_print(value, &len, *state);

        assert_non_null(text);
        assert_int_equal(strlen(text), len);
        assert_true(json_equal(value, must_parse(text, *state)));
        assert_string_equal(cs_json_print(must_parse(text, *state), NULL, *state), text);
    }
}

static void test_a_number_is_printed_in_as_few_digits_as_tell_it_from_others(void **state)
{
    static const char *const texts[] = {"0.3",
                                        "0.1",
                                        "0.7",
                                        "-2.5",
                                        "1e300",
                                        "0.30000000000000004",
                                        "1.1",
                                        "1e22",
                                        "123456789012345.6",
                                        "2.2250738585072014e-308"};
    uint64_t seed = 7;

    for (size_t at = 0; at < sizeof(texts) / sizeof(texts[0]); at++) {
        const json_t *value = must_parse(texts[at], *state);
        const char *text = cs_json_print(value, NULL, *state);

        assert_true(json_equal(value, must_parse(text, *state)));
        assert_true(strlen(text) <= strlen(texts[at]) + 2); /* an exponent may have a sign, and a whole number ".0" */
    }
    assert_string_equal(cs_json_print(must_parse("[0.3,0.69999999999999996]", *state), NULL, *state), "[0.3,0.7]");
    for (int n = 0; n < 100000; n++) {
        const double number = ((double)fixture_random(&seed, UINT32_MAX) * UINT32_MAX + fixture_random(&seed, 1000)) /
                              (fixture_random(&seed, 100000) + 1);
        json_t *value = cs_json_own(json_real(number), *state);

        assert_true(json_equal(value, must_parse(cs_json_print(value, NULL, *state), *state)));
        if (n % 1000 == 0)
            apr_pool_clear(*state);
    }
}

static void test_print_is_compact_and_keeps_the_order(void **state)
{
    assert_string_equal(cs_json_print(must_parse("{ \"z\" : 1 , \"a\" : [ 1 , 2 ] }", *state), NULL, *state),
                        "{\"z\":1,\"a\":[1,2]}");
}

static void test_large_values_are_printed_whole(void **state)
{
    char *text = apr_pcalloc(*state, 1024 * 1024 + 1);
    const char *printed;
    size_t len;

    memset(text, 'x', 1024 * 1024);
    printed = cs_json_print(cs_json_own(json_string(text), *state), &len, *state);
    assert_int_equal(len, 1024 * 1024 + 2);
    assert_memory_equal(printed + 1, text, 1024 * 1024);
}

static void test_a_string_is_written_as_it_is_printed(void **state)
{
    const char *tail = "\x7f/ \xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 </script>";
    char text[256], written[CS_JSON_STRING_ROOM(256) + 1];
    apr_size_t len = 0;

    for (char c = 1; c < 127; c++)
        text[len++] = c;
    memcpy(text + len, tail, strlen(tail));
    len += strlen(tail);
    *cs_json_write_string(written, text, len) = '\0';
    assert_string_equal(written, cs_json_print(cs_json_own(json_stringn(text, len), *state), NULL, *state));
    *cs_json_write_string(written, "", 0) = '\0';
    assert_string_equal(written, "\"\"");
    assert_int_equal(cs_json_write_string(written, "\0", 1) - written, CS_JSON_STRING_ROOM(1));
}

static void test_print_of_nothing_is_null(void **state)
{
    size_t len = 99;

    assert_null(cs_json_print(NULL, &len, *state));
    assert_int_equal(len, 0);
    assert_null(cs_json_own(NULL, *state));
}

static void test_the_pool_releases_what_it_owns(void **state)
{
    json_t *value = json_array();
    apr_pool_t *pool;

    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    assert_ptr_equal(cs_json_own(json_incref(value), pool), value);
    assert_int_equal(value->refcount, 2);
    apr_pool_destroy(pool);
    assert_int_equal(value->refcount, 1);
    json_decref(value);
}

/* ---- members ---- */

enum { CONTENT, PARENT, CLIENT, COUNT, FLAG, FILTER, IDS, ROWS };

static const cs_json_member_t rows[ROWS] = {
    {"content", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 5},
    {"parent_id", CS_JSON_UUID, CS_JSON_NULLABLE, 0, 0},
    {"client_id", CS_JSON_UUID, 0, 0, 0},
    {"count", CS_JSON_INTEGER, 0, -3, 3},
    {"dry_run", CS_JSON_BOOLEAN, 0, 0, 0},
    {"filter", CS_JSON_OBJECT, 0, 0, 0},
    {"ids", CS_JSON_ARRAY, 0, 1, 2},
};

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

/** Reads text by rows; on failure asserts that the fields are empty. NULL, or the sentence. */
static const char *read_text(cs_json_field_t fields[ROWS], const char *text, apr_pool_t *pool)
{
    static const cs_json_field_t empty;
    const char *problem = "untouched";
    apr_status_t rv;
    int at;

    memset(fields, 0x5A, ROWS * sizeof(*fields));
    rv = cs_json_read(fields, rows, ROWS, must_parse(text, pool), &problem, pool);
    assert_int_equal(rv == APR_SUCCESS, problem == NULL);
    if (rv == APR_SUCCESS)
        return NULL;
    assert_int_equal(rv, CS_EMALFORMED);
    for (at = 0; at < ROWS; at++) {
        assert_false(fields[at].given);
        assert_ptr_equal(fields[at].string, empty.string);
        assert_null(fields[at].value);
    }
    return problem;
}

static void test_members_are_read_by_the_table(void **state)
{
    cs_json_field_t fields[ROWS];

    assert_null(
        read_text(fields,
                  "{\"ids\":[1],\"content\":\"caf\xC3\xA9\",\"parent_id\":\"01234567-89AB-CDEF-0123-456789ABCDEF\","
                  "\"count\":-3,\"dry_run\":true,\"filter\":{\"user\":\"mika\"}}",
                  *state));
    assert_true(fields[CONTENT].given);
    assert_string_equal(fields[CONTENT].string, "caf\xC3\xA9");
    assert_int_equal(fields[CONTENT].length, 5);
    assert_string_equal(fields[PARENT].string, UUID);
    assert_false(fields[CLIENT].given);
    assert_null(fields[CLIENT].string);
    assert_int_equal(fields[COUNT].integer, -3);
    assert_true(fields[FLAG].boolean);
    assert_string_equal(json_string_value(json_object_get(fields[FILTER].value, "user")), "mika");
    assert_int_equal(json_array_size(fields[IDS].value), 1);
}

static void test_null_is_given_only_where_it_is_allowed(void **state)
{
    cs_json_field_t fields[ROWS];

    assert_null(read_text(fields, "{\"content\":\"x\",\"parent_id\":null}", *state));
    assert_true(fields[PARENT].given);
    assert_true(fields[PARENT].null);
    assert_null(fields[PARENT].string);
    assert_false(fields[CLIENT].null);
    assert_non_null(
        strstr(read_text(fields, "{\"content\":\"x\",\"client_id\":null}", *state), "\"client_id\" is null"));
    assert_non_null(strstr(read_text(fields, "{\"content\":null}", *state), "\"content\" is null"));
}

static void test_a_missing_required_member_is_named(void **state)
{
    cs_json_field_t fields[ROWS];

    assert_string_equal(read_text(fields, "{}", *state),
                        "The member \"content\" is missing; expected a string of 1 to 5 characters.");
}

static void test_every_member_refuses_every_wrong_type(void **state)
{
    static const char *const kinds[] = {"\"x\"", "1", "1.0", "true", "{}", "[1]", "null", "false"};
    static const int fitting[ROWS] = {0, -1, -1, 1, 3, 4, 5};
    cs_json_field_t fields[ROWS];
    int row, kind;

    for (row = 0; row < ROWS; row++) {
        for (kind = 0; kind < 8; kind++) {
            const char *text = apr_psprintf(*state, "{%s\"%s\":%s}", row == CONTENT ? "" : "\"content\":\"x\",",
                                            rows[row].name, kinds[kind]);
            const char *problem = read_text(fields, text, *state);

            if (kind == fitting[row] || (row == PARENT && kind == 6) || (row == FLAG && kind == 7)) {
                assert_null(problem);
            } else {
                assert_non_null(problem);
                assert_non_null(strstr(problem, rows[row].name));
                assert_non_null(strstr(problem, "expected "));
            }
        }
    }
}

static void test_bounds_count_code_points_values_and_members(void **state)
{
    static const char *const inside[] = {
        "{\"content\":\"x\"}",
        "{\"content\":\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"}",
        "{\"content\":\"x\",\"count\":3}",
        "{\"content\":\"x\",\"count\":-3}",
        "{\"content\":\"x\",\"ids\":[1,2]}",
    };
    static const char *const outside[] = {
        "{\"content\":\"\"}",
        "{\"content\":\"123456\"}",
        "{\"content\":\"x\",\"count\":4}",
        "{\"content\":\"x\",\"count\":-4}",
        "{\"content\":\"x\",\"count\":9223372036854775807}",
        "{\"content\":\"x\",\"ids\":[]}",
        "{\"content\":\"x\",\"ids\":[1,2,3]}",
    };
    cs_json_field_t fields[ROWS];
    size_t at;

    for (at = 0; at < sizeof(inside) / sizeof(inside[0]); at++)
        assert_null(read_text(fields, inside[at], *state));
    for (at = 0; at < sizeof(outside) / sizeof(outside[0]); at++)
        assert_non_null(strstr(read_text(fields, outside[at], *state), "expected "));
    assert_string_equal(read_text(fields, outside[1], *state),
                        "The member \"content\" is a string of 6 characters; expected a string of 1 to 5 characters.");
}

static void test_members_that_no_row_names_are_refused(void **state)
{
    static const char *const names[] = {"role", "user_id", "created_at", "Content", "content ", "", "__proto__"};
    cs_json_field_t fields[ROWS];
    size_t at;

    for (at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
        const char *text = apr_psprintf(*state, "{\"content\":\"x\",\"%s\":\"admin\"}", names[at]);
        const char *problem = read_text(fields, text, *state);

        assert_non_null(strstr(problem, apr_psprintf(*state, "\"%s\" is not known", names[at])));
        assert_non_null(strstr(problem, "\"content\", \"parent_id\""));
        assert_null(strstr(problem, "admin"));
    }
}

static void test_an_unknown_name_is_quoted_short_and_printable(void **state)
{
    cs_json_field_t fields[ROWS];
    const char *problem = read_text(fields,
                                    "{\"a\\u001b\\\"\xC3\xA9\\n\x7F"
                                    "1234567890123456789012345678901234567890CANARY\":1}",
                                    *state);
    const char *at;

    assert_null(strstr(problem, "CANARY"));
    assert_non_null(strstr(problem, "\"a??????123456789012345678901234567890123\""));
    for (at = problem; *at; at++)
        assert_in_range(*at, ' ', '~');
}

static void test_a_body_that_is_no_object_is_refused(void **state)
{
    static const char *const bodies[] = {"[]", "\"CANARY\"", "1", "true", "false", "null", "1.5"};
    cs_json_field_t fields[ROWS];
    const char *problem;
    size_t at;

    for (at = 0; at < sizeof(bodies) / sizeof(bodies[0]); at++) {
        problem = read_text(fields, bodies[at], *state);
        assert_non_null(strstr(problem, "expected an object"));
        assert_null(strstr(problem, "CANARY"));
    }
    assert_int_equal(cs_json_read(fields, rows, ROWS, NULL, &problem, *state), CS_EMALFORMED);
    assert_non_null(strstr(problem, "missing"));
}

static void test_a_route_without_members_takes_only_the_empty_object(void **state)
{
    cs_json_field_t none;
    const char *problem;

    assert_int_equal(cs_json_read(&none, rows, 0, must_parse("{}", *state), &problem, *state), APR_SUCCESS);
    assert_int_equal(cs_json_read(&none, rows, 0, must_parse("{\"x\":1}", *state), &problem, *state), CS_EMALFORMED);
    assert_non_null(strstr(problem, "none"));
}

static void test_uuids_have_one_form_in_either_case(void **state)
{
    static const char *const others[] = {
        "",
        "0123456789abcdef0123456789abcdef",
        "01234567-89ab-cdef-0123-456789abcde",
        "01234567-89ab-cdef-0123-456789abcdef0",
        "{01234567-89ab-cdef-0123-456789abcdef}",
        "01234567-89ab-cdef-0123-456789abcdeg",
        "01234567-89ab-cdef-0123_456789abcdef",
        "0123456-789ab-cdef-0123-456789abcdef",
        " 01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcde\xC3\xA9",
        "------------------------------------",
    };
    size_t at;

    (void)state;
    assert_true(cs_uuid_is(UUID));
    assert_true(cs_uuid_is("01234567-89AB-CDEF-0123-456789ABCDEF"));
    assert_true(cs_uuid_is("00000000-0000-0000-0000-000000000000"));
    for (at = 0; at < sizeof(others) / sizeof(others[0]); at++)
        assert_false(cs_uuid_is(others[at]));
}

/** What the characters are as a JSON string, one written after the other. */
static void write_each_alone(char *out, const char *bytes, apr_size_t len)
{
    *out++ = '"';
    for (apr_size_t at = 0; at < len; at++) {
        char alone[CS_JSON_STRING_ROOM(1)];
        const apr_size_t written = (apr_size_t)(cs_json_write_string(alone, bytes + at, 1) - alone);

        memcpy(out, alone + 1, written - 2);
        out += written - 2;
    }
    memcpy(out, "\"", 2);
}

/** Eight characters are looked at together: each octet at each place, before one that differs by a bit from what needs
 * an escape, is written as alone. */
static void test_each_octet_at_each_place_is_escaped_as_it_must_be(void **state)
{
    static const char next[] = "x #]\"\x1f";

    for (int octet = 0; octet < 256; octet++) {
        for (size_t at = 0; at < 17 * (sizeof(next) - 1); at++) {
            cs_text_t *text = cs_text_create(*state);
            char bytes[18], wanted[CS_JSON_STRING_ROOM(sizeof(bytes)) + 1], written[sizeof(wanted)];

            memset(bytes, 'x', sizeof(bytes));
            bytes[at % 17] = (char)octet;
            bytes[at % 17 + 1] = next[at / 17];
            write_each_alone(wanted, bytes, sizeof(bytes));
            *cs_json_write_string(written, bytes, sizeof(bytes)) = '\0';
            assert_string_equal(written, wanted);
            assert_int_equal(cs_json_append_string(text, bytes, sizeof(bytes)), APR_SUCCESS);
            assert_string_equal(cs_text_get(text), wanted);
        }
    }
}

/** Up to the first that needs an escape, whatever lies behind it. */
static void test_what_stands_as_it_is_is_measured(void **state)
{
    (void)state;
    assert_int_equal(cs_json_plain_length("", 0), 0);
    assert_int_equal(cs_json_plain_length("0123456789", 10), 10);
    assert_int_equal(cs_json_plain_length("0123456789\"", 11), 10);
    assert_int_equal(cs_json_plain_length("0\n \"\\#567", 9), 1);
    assert_int_equal(cs_json_plain_length("01234\\", 6), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_values_of_every_kind_are_parsed),
        FIXTURE_TEST(test_malformed_texts_are_refused),
        FIXTURE_TEST(test_an_empty_text_is_refused),
        FIXTURE_TEST(test_every_truncation_is_refused),
        FIXTURE_TEST(test_duplicate_members_are_refused),
        FIXTURE_TEST(test_trailing_data_is_refused),
        FIXTURE_TEST(test_nul_is_refused_with_a_reason),
        FIXTURE_TEST(test_kuhn_cases_are_refused),
        FIXTURE_TEST(test_numbers_are_bounded),
        FIXTURE_TEST(test_depth_is_limited),
        FIXTURE_TEST(test_depth_of_objects_is_limited),
        FIXTURE_TEST(test_number_of_values_is_limited),
        FIXTURE_TEST(test_names_are_no_values),
        FIXTURE_TEST(test_1mib_of_brackets_is_refused_in_linear_time),
        FIXTURE_TEST(test_stray_colons_do_not_hide_values),
        FIXTURE_TEST(test_sentences_never_quote_the_text),
        FIXTURE_TEST(test_any_octets_are_parsed_or_refused),
        FIXTURE_TEST(test_what_is_printed_parses_to_the_same),
        FIXTURE_TEST(test_a_number_is_printed_in_as_few_digits_as_tell_it_from_others),
        FIXTURE_TEST(test_print_is_compact_and_keeps_the_order),
        FIXTURE_TEST(test_large_values_are_printed_whole),
        FIXTURE_TEST(test_a_string_is_written_as_it_is_printed),
        FIXTURE_TEST(test_print_of_nothing_is_null),
        FIXTURE_TEST(test_the_pool_releases_what_it_owns),
        FIXTURE_TEST(test_members_are_read_by_the_table),
        FIXTURE_TEST(test_null_is_given_only_where_it_is_allowed),
        FIXTURE_TEST(test_a_missing_required_member_is_named),
        FIXTURE_TEST(test_every_member_refuses_every_wrong_type),
        FIXTURE_TEST(test_bounds_count_code_points_values_and_members),
        FIXTURE_TEST(test_members_that_no_row_names_are_refused),
        FIXTURE_TEST(test_an_unknown_name_is_quoted_short_and_printable),
        FIXTURE_TEST(test_a_body_that_is_no_object_is_refused),
        FIXTURE_TEST(test_a_route_without_members_takes_only_the_empty_object),
        FIXTURE_TEST(test_uuids_have_one_form_in_either_case),
        FIXTURE_TEST(test_each_octet_at_each_place_is_escaped_as_it_must_be),
        FIXTURE_TEST(test_what_stands_as_it_is_is_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
