/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What a model streams: the forms that servers send, characters that arrive in halves, octets that are no text, and
 * text that looks like the framing around it.
 */
#include "core/completion.h"
#include "core/json.h"
#include "core/sse.h"
#include "core/text.h"
#include "core/utf8.h"
#include "fixture.h"
#include "kuhn.h"

#define FFFD "\xEF\xBF\xBD"
#define GRIN "\xF0\x9F\x98\x80" /* U+1F600: \ud83d \ude00 */

static cs_completion_reader_t *make_reader(apr_pool_t *pool)
{
    cs_completion_reader_t *reader;

    assert_int_equal(cs_completion_reader_create(&reader, pool), APR_SUCCESS);
    return reader;
}

static cs_completion_t read_piece(cs_completion_reader_t *reader, const char *data, apr_pool_t *pool)
{
    cs_completion_t piece;

    memset(&piece, 0x5A, sizeof(piece));
    if (cs_completion_read(&piece, reader, data, strlen(data), pool) != APR_SUCCESS)
        fail_msg("refused: %s", data);
    assert_int_equal(piece.content_len, piece.content ? strlen(piece.content) : 0);
    assert_int_equal(piece.reasoning_len, piece.reasoning ? strlen(piece.reasoning) : 0);
    assert_true(!piece.content || cs_utf8_is_text(piece.content, piece.content_len, NULL));
    assert_true(!piece.reasoning || cs_utf8_is_text(piece.reasoning, piece.reasoning_len, NULL));
    return piece;
}

static const char *delta(const char *member, const char *escaped, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "{\"choices\":[{\"index\":0,\"delta\":{\"", member, "\":\"", escaped, "\"}}]}", NULL);
}

/** The content of one delta whose JSON string is escaped; "" for none. */
static const char *content(cs_completion_reader_t *reader, const char *escaped, apr_pool_t *pool)
{
    cs_completion_t piece = read_piece(reader, delta("content", escaped, pool), pool);

    return piece.content ? piece.content : "";
}

static const char *reasoning(cs_completion_reader_t *reader, const char *escaped, apr_pool_t *pool)
{
    cs_completion_t piece = read_piece(reader, delta("reasoning_content", escaped, pool), pool);

    return piece.reasoning ? piece.reasoning : "";
}

static void test_the_text_of_one_that_was_asked_with_a_text(void **state)
{
    static const char no_text[] = "{\"choices\":[{\"index\":0,\"text\":1}]}";
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece =
        read_piece(reader, "{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"a\\ud83d\"}]}",
                   *state);

    assert_string_equal(piece.content, "a");
    piece =
        read_piece(reader, "{\"choices\":[{\"index\":0,\"text\":\"\\ude00b\",\"finish_reason\":\"length\"}]}", *state);
    assert_string_equal(piece.content, GRIN "b");
    assert_string_equal(piece.finish_reason, "length");
    assert_false(piece.done);
    assert_int_equal(cs_completion_read(&piece, reader, no_text, strlen(no_text), *state), CS_EMALFORMED);
}

static void test_what_llamacpp_says_by_itself(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece = read_piece(reader, "{\"content\":\"Hi\",\"stop\":false}", *state);

    assert_string_equal(piece.content, "Hi");
    assert_false(piece.done);
    assert_null(piece.finish_reason);
    piece = read_piece(reader,
                       "{\"content\":\"!\",\"stop\":true,\"stop_type\":\"limit\",\"tokens_evaluated\":7,"
                       "\"tokens_predicted\":2}",
                       *state);
    assert_string_equal(piece.content, "!");
    assert_string_equal(piece.finish_reason, "length");
    assert_true(piece.done);
    assert_int_equal(json_integer_value(json_object_get(piece.usage, "total_tokens")), 9);
    piece = read_piece(reader, "{\"content\":\"\",\"stop\":true,\"stopped_limit\":false}", *state);
    assert_string_equal(piece.finish_reason, "stop");
    assert_null(piece.usage);
    assert_null(piece.content);
    piece = read_piece(reader, "{\"error\":{\"code\":400,\"message\":\"no\"}}", *state);
    assert_string_equal(piece.error, "no");
}

static void test_a_chunk_is_read(void **state)
{
    cs_completion_t piece = read_piece(make_reader(*state),
                                       "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
                                       "\"mock\",\"choices\":[{\"index\":0,"
                                       "\"delta\":{\"role\":\"assistant\",\"content\":\"Hello "
                                       "\xF0\x9F\x98\x80\"},\"finish_reason\":null}],\"usage\":null}",
                                       *state);

    assert_false(piece.done);
    assert_string_equal(piece.content, "Hello " GRIN);
    assert_null(piece.reasoning);
    assert_null(piece.tool_calls);
    assert_null(piece.finish_reason);
    assert_null(piece.usage);
    assert_null(piece.error);
    assert_string_equal(piece.model, "mock");
}

static void test_pieces_without_text_have_none(void **state)
{
    static const char *const pieces[] = {
        "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
        "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}",
        "{\"choices\":[{\"index\":0,\"delta\":{}}]}",
        "{\"choices\":[{\"index\":0,\"delta\":null}]}",
        "{\"choices\":[{\"index\":0}]}",
        "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"an alternative\"}}]}",
        "{\"choices\":[]}",
        "{\"choices\":[],\"error\":null}",
    };
    cs_completion_reader_t *reader = make_reader(*state);
    size_t at;

    for (at = 0; at < sizeof(pieces) / sizeof(pieces[0]); at++) {
        cs_completion_t piece = read_piece(reader, pieces[at], *state);

        assert_null(piece.content);
        assert_null(piece.reasoning);
        assert_null(piece.error);
        assert_false(piece.done);
    }
}

static void test_finish_reason_and_usage_are_read(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece =
        read_piece(reader, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}", *state);

    assert_string_equal(piece.finish_reason, "length");
    piece = read_piece(reader, "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}", *state);
    assert_int_equal(json_integer_value(json_object_get(piece.usage, "completion_tokens")), 4);
    assert_null(piece.finish_reason);
}

static void test_the_done_mark_is_read(void **state)
{
    static const char *const marks[] = {"[DONE]", " [DONE]", "[DONE]\r\n", "\t[DONE] "};
    size_t at;

    for (at = 0; at < sizeof(marks) / sizeof(marks[0]); at++) {
        cs_completion_t piece = read_piece(make_reader(*state), marks[at], *state);

        assert_true(piece.done);
        assert_null(piece.content);
        assert_null(piece.json);
    }
    assert_false(read_piece(make_reader(*state), delta("content", "[DONE]", *state), *state).done);
}

static void test_reasoning_has_two_names(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece = read_piece(reader, delta("reasoning_content", "hm", *state), *state);

    assert_string_equal(piece.reasoning, "hm");
    assert_null(piece.content);
    assert_string_equal(read_piece(reader, delta("reasoning", "hm", *state), *state).reasoning, "hm");
    piece = read_piece(reader,
                       "{\"choices\":[{\"delta\":{\"reasoning_content\":null,\"reasoning\":\"a\",\"content\":\"b\"}}]}",
                       *state);
    assert_string_equal(piece.reasoning, "a");
    assert_string_equal(piece.content, "b");
}

static void test_tool_calls_are_handed_on(void **state)
{
    cs_completion_t piece =
        read_piece(make_reader(*state),
                   "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":"
                   "\\\"\\ud83d\"}}]}}]}",
                   *state);
    const json_t *function = json_object_get(json_array_get(piece.tool_calls, 0), "function");

    assert_string_equal(json_string_value(json_object_get(function, "arguments")), "{\"a\":\"" FFFD);
    piece = read_piece(make_reader(*state), "{\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}", *state);
    assert_null(piece.tool_calls);
}

static void test_a_whole_answer_is_read_like_a_delta_and_is_done(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece = read_piece(reader,
                                       "{\"model\":\"mock\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                                       "\"assistant\",\"content\":\"caf\\u00e9 "
                                       "\\ud83d\\ude00\\ud83d\",\"reasoning_content\":\"hm\\ud83d\"},\"finish_reason\":"
                                       "\"stop\"}],\"usage\":{\"x\":1}}",
                                       *state);

    assert_true(piece.done);
    assert_string_equal(piece.content, "caf\xC3\xA9 " GRIN FFFD);
    assert_string_equal(piece.reasoning, "hm" FFFD);
    assert_string_equal(piece.finish_reason, "stop");
    assert_non_null(piece.usage);
    assert_string_equal(cs_completion_rest(reader), "");
}

static void test_the_backends_error_is_read(void **state)
{
    static const char *const cases[][2] = {
        {"{\"error\":{\"message\":\"out of memory\",\"code\":500}}", "out of memory"},
        {"{\"error\":\"model not found\"}", "model not found"},
        {"{\"object\":\"error\",\"message\":\"too long\"}", "too long"},
        {"{\"error\":{\"message\":\"half \\ud83d\"}}", "half " FFFD},
        {"{\"error\":{\"message\":\"\\ude00\",\"type\":\"\\ud83d\"}}", FFFD},
        {"{\"error\":{}}", "The backend reported an error without a message."},
        {"{\"error\":{\"message\":null}}", "The backend reported an error without a message."},
        {"{\"error\":{\"message\":\"\"}}", "The backend reported an error without a message."},
        {"{\"error\":500}", "The backend reported an error without a message."},
        {"{\"choices\":[],\"error\":{\"message\":\"late\"}}", "late"},
    };
    size_t at;

    for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++)
        assert_string_equal(read_piece(make_reader(*state), cases[at][0], *state).error, cases[at][1]);
}

static void test_other_forms_are_malformed_and_lose_nothing(void **state)
{
    static const char *const others[] = {
        "",
        " ",
        "{",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{}",
        "{\"choices\":{}}",
        "{\"choices\":null}",
        "[DONE",
        "DONE",
        "[DONE]x",
        "{\"choices\":[{\"delta\":{\"content\":1}}]}",
        "{\"choices\":[{\"delta\":{\"content\":[\"x\"]}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"x\",\"reasoning\":{}}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\ude00\"}}]",
        "{\"choices\":[{\"delta\":{\"content\":\"\\ude0\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\u\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"x\n\"}}]}",
        "{\"choices\":[]} {}",
        "<html>502 Bad Gateway</html>",
        "{\"object\":\"list\"}",
        "{\"content\":\"x\"}",
        "{\"content\":\"x\",\"stop\":1}",
        "{\"content\":1,\"stop\":true}",
        "{\"stop\":true}",
        "{\"error\":null}",
        "\\u0000",
        "\"\\u",
        "\"\\",
        "\"\\ud83d",
        "{\"\\ud83d",
    };
    static const cs_completion_t empty;
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece;
    size_t at;

    assert_string_equal(content(reader, "\\ud83d", *state), "");
    for (at = 0; at < sizeof(others) / sizeof(others[0]); at++) {
        memset(&piece, 0x5A, sizeof(piece));
        if (cs_completion_read(&piece, reader, others[at], strlen(others[at]), *state) != CS_EMALFORMED)
            fail_msg("accepted: %s", others[at]);
        assert_false(piece.done);
        assert_null(piece.content);
        assert_null(piece.json);
        assert_memory_equal(&piece.content_len, &empty.content_len, sizeof(piece.content_len));
    }
    assert_string_equal(content(reader, "\\ude00", *state), GRIN);
}

/* [K2] ---- halves ---- */

static void test_surrogate_halves_in_two_deltas_join(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);

    assert_string_equal(content(reader, "a\\ud83d", *state), "a");
    assert_string_equal(content(reader, "\\ude00b", *state), GRIN "b");
    assert_string_equal(content(reader, "\\uD83D", *state), "");
    assert_string_equal(content(reader, "\\uDE00\\ud83d", *state), GRIN);
    assert_string_equal(content(reader, "\\ude00", *state), GRIN);
    assert_string_equal(cs_completion_rest(reader), "");
}

static void test_halves_join_over_pieces_without_text(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);

    assert_string_equal(content(reader, "\\ud83d", *state), "");
    assert_string_equal(content(reader, "", *state), "");
    assert_null(read_piece(reader, "{\"choices\":[]}", *state).content);
    assert_null(read_piece(reader, "{\"choices\":[{\"delta\":{\"content\":null}}]}", *state).content);
    assert_string_equal(content(reader, "\\ude00", *state), GRIN);
}

static void test_content_and_reasoning_hold_their_own_halves(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);

    assert_string_equal(content(reader, "c\\ud83d", *state), "c");
    assert_string_equal(reasoning(reader, "r\\ud83c", *state), "r");
    assert_string_equal(content(reader, "\\ude00", *state), GRIN);
    assert_string_equal(reasoning(reader, "\\udf0d", *state), "\xF0\x9F\x8C\x8D");
    assert_string_equal(cs_completion_rest(reader), "");
}

/** [K2] */
static void test_a_half_that_stays_alone_becomes_u_fffd(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);

    assert_string_equal(content(reader, "\\ude00x", *state), FFFD "x");
    assert_string_equal(content(reader, "x\\ude00", *state), "x" FFFD);
    assert_string_equal(content(reader, "a\\ud83db", *state), "a" FFFD "b");
    assert_string_equal(content(reader, "\\ud83d\\ud83d\\ude00", *state), FFFD GRIN);
    assert_string_equal(content(reader, "\\ude00\\ud83d", *state), FFFD);
    assert_string_equal(content(reader, "x", *state), FFFD "x");
    assert_string_equal(content(reader, "\\ud83d", *state), "");
    assert_string_equal(content(reader, "\\ud83d", *state), FFFD);
    assert_string_equal(content(reader, "\\u0041", *state), FFFD "A");
}

static void test_the_rest_is_given_once(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);

    assert_string_equal(cs_completion_rest(reader), "");
    assert_string_equal(content(reader, "x\\ud83d", *state), "x");
    assert_true(read_piece(reader, "[DONE]", *state).done);
    assert_string_equal(cs_completion_rest(reader), FFFD);
    assert_string_equal(cs_completion_rest(reader), "");
    assert_string_equal(content(reader, "\\ude00", *state), FFFD);
}

static void test_half_a_character_of_reasoning_comes_with_done(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece;

    assert_string_equal(reasoning(reader, "x\\ud83d", *state), "x");
    piece = read_piece(reader, "[DONE]", *state);
    assert_string_equal(piece.reasoning, FFFD);
    assert_null(piece.content);
    assert_string_equal(cs_completion_rest(reader), "");
}

static void test_nul_becomes_u_fffd_and_the_tail_is_kept(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    static const char raw[] = "{\"choices\":[{\"delta\":{\"content\":\"nul\0tail\"}}]}";
    cs_completion_t piece;

    assert_string_equal(content(reader, "nul\\u0000tail", *state), "nul" FFFD "tail");
    assert_string_equal(content(reader, "\\u0000\\u0000D83D", *state), FFFD FFFD "D83D");
    assert_string_equal(content(reader, "x\\u0000", *state), "x" FFFD);
    assert_string_equal(content(reader, "\\u0000D83D", *state), FFFD "D83D");
    assert_int_equal(cs_completion_read(&piece, reader, raw, sizeof(raw) - 1, *state), APR_SUCCESS);
    assert_string_equal(piece.content, "nul" FFFD "tail");
}

static void test_kuhn_cases_become_u_fffd_and_the_rest_is_kept(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    size_t at;

    for (at = 0; at < KUHN_CASES; at++) {
        const char *framed = apr_pstrcat(*state, "<", kuhn_cases[at].octets, ">", NULL);
        const char *expected = cs_utf8_repair(framed, CS_UTF8_TERMINATED, NULL, NULL, *state);

        assert_string_equal(content(reader, framed, *state), expected);
        /* Together with an escape the text is rewritten twice. */
        assert_string_equal(content(reader, apr_pstrcat(*state, "\\u00e9", framed, NULL), *state),
                            apr_pstrcat(*state, "\xC3\xA9", expected, NULL));
    }
}

static void test_escapes_other_than_halves_are_left_alone(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);

    assert_string_equal(content(reader, "\\\\ud83d\\\\", *state), "\\ud83d\\");
    assert_string_equal(content(reader, "\\\"\\ud83d\\ude00\\\"\\/\\b\\f\\n\\r\\t", *state), "\"" GRIN "\"/\b\f\n\r\t");
    assert_string_equal(content(reader, "\\u0022\\u005c\\u000a\\u2028\\uffff\\ud7ff\\ue000", *state),
                        "\"\\\n\xE2\x80\xA8\xEF\xBF\xBF\xED\x9F\xBF\xEE\x80\x80");
    assert_string_equal(content(reader, "\\\\\\ud83d", *state), "\\");
    assert_string_equal(content(reader, "\\\\ude00", *state), FFFD "\\ude00");
}

static void test_halves_elsewhere_do_not_stop_the_answer(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece =
        read_piece(reader,
                   "{\"\\ud83d\" : \"\\ud83d\", "
                   "\"model\":\"m\\ud83d\",\"x\\u0000\":[\"\\ude00\",\"\\ude00\\ud83d\"],\"choices\":[{"
                   "\"finish_reason\":\"stop\\ud83d\",\"delta\":{\"content\":\"ok\\ud83d\",\"\\ude00\":{\"y\":"
                   "\"a\\ud83d\"}}}]}",
                   *state);
    const json_t *list = json_object_get(piece.json, "x" FFFD);

    assert_string_equal(piece.content, "ok");
    assert_string_equal(piece.model, "m" FFFD);
    assert_string_equal(piece.finish_reason, "stop" FFFD);
    assert_string_equal(json_string_value(json_object_get(piece.json, FFFD)), FFFD);
    assert_string_equal(json_string_value(json_array_get(list, 0)), FFFD);
    assert_string_equal(json_string_value(json_array_get(list, 1)), FFFD FFFD);
    assert_non_null(cs_json_print(piece.json, NULL, *state));
    assert_null(strstr(cs_json_print(piece.json, NULL, *state), "\\u0000"));
    assert_string_equal(content(reader, "\\ude00", *state), GRIN);
}

static void test_the_json_holds_the_joined_text(void **state)
{
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece;

    assert_string_equal(content(reader, "\\ud83d", *state), "");
    piece = read_piece(reader, delta("content", "\\ude00!\\ud83d", *state), *state);
    assert_string_equal(cs_json_print(piece.json, NULL, *state),
                        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" GRIN "!\"}}]}");
}

static void test_text_without_escapes_is_not_copied(void **state)
{
    cs_completion_t piece =
        read_piece(make_reader(*state), "{\"x\":0,\"choices\":[{\"delta\":{\"content\":\"caf\xC3\xA9\"}}]}", *state);
    const json_t *choice = json_array_get(json_object_get(piece.json, "choices"), 0);

    assert_ptr_equal(piece.content, json_string_value(json_object_get(json_object_get(choice, "delta"), "content")));
}

/** The octets of a code point. */
static void append_point(cs_text_t *text, unsigned int point)
{
    char escaped[16];
    json_t *value;

    if (point >= 0x10000) {
        unsigned int offset = point - 0x10000;

        apr_snprintf(escaped, sizeof(escaped), "\"\\u%04x\\u%04x\"", 0xD800 + (offset >> 10),
                     0xDC00 + (offset & 0x3FF));
    } else {
        apr_snprintf(escaped, sizeof(escaped), "\"\\u%04x\"", point);
    }
    value = json_loads(escaped, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_int_equal(cs_text_append(text, json_string_value(value), json_string_length(value), 0), APR_SUCCESS);
    json_decref(value);
}

/** What a sequence of UTF-16 code units says, halves that stay alone and NUL being U+FFFD. */
static const char *decode_units(const unsigned int *units, int count, apr_pool_t *pool)
{
    cs_text_t *text = cs_text_create(pool);
    int at;

    for (at = 0; at < count; at++) {
        bool high = units[at] >= 0xD800 && units[at] < 0xDC00, low = units[at] >= 0xDC00 && units[at] < 0xE000;

        if (high && at + 1 < count && units[at + 1] >= 0xDC00 && units[at + 1] < 0xE000) {
            append_point(text, 0x10000 + ((units[at] - 0xD800) << 10) + (units[at + 1] - 0xDC00));
            at++;
        } else {
            append_point(text, high || low || !units[at] ? 0xFFFD : units[at]);
        }
    }
    return cs_text_get(text);
}

/* Random units, half of them halves, cut into deltas anywhere: what is read is what the whole sequence says. */
static void test_units_split_anywhere_say_the_same(void **state)
{
    uint64_t seed = 1795411867;
    apr_pool_t *pool;
    int round, at;

    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    for (round = 0; round < 3000; round++) {
        static const unsigned int plain[] = {'a', '"', '\\', 0, 0xE9, 0x20AC, 0x2028, 0xFFFD, 0xFFFF, '\n'};
        unsigned int units[24];
        int count = (int)fixture_random(&seed, 24);
        cs_completion_reader_t *reader = make_reader(pool);
        cs_text_t *got = cs_text_create(pool);
        const char *escaped = "", *rest;

        for (at = 0; at < count; at++) {
            unsigned int kind = fixture_random(&seed, 4);

            units[at] = kind == 0   ? 0xD800 + fixture_random(&seed, 0x400)
                        : kind == 1 ? 0xDC00 + fixture_random(&seed, 0x400)
                                    : plain[fixture_random(&seed, 10)];
        }
        for (at = 0; at <= count; at++) {
            if (at == count || fixture_random(&seed, 3) == 0) {
                const char *text = content(reader, escaped, pool);

                assert_int_equal(cs_text_append(got, text, strlen(text), 0), APR_SUCCESS);
                escaped = "";
            }
            if (at < count)
                escaped = apr_psprintf(pool, "%s\\u%04x", escaped, units[at]);
        }
        rest = cs_completion_rest(reader);
        assert_int_equal(cs_text_append(got, rest, strlen(rest), 0), APR_SUCCESS);
        assert_string_equal(cs_text_get(got), decode_units(units, count, pool));
        apr_pool_clear(pool);
    }
}

/* ---- through the framing ---- */

typedef struct {
    cs_completion_reader_t *reader;
    cs_text_t *text;
    int events;
    bool done;
    apr_pool_t *pool;
} stream_t;

static apr_status_t on_event(void *baton, const char *name, const char *data, apr_size_t len)
{
    stream_t *stream = baton;
    cs_completion_t piece;
    apr_status_t rv = cs_completion_read(&piece, stream->reader, data, len, stream->pool);

    assert_string_equal(name, "message");
    stream->events++;
    if (rv != APR_SUCCESS)
        return rv;
    stream->done = piece.done;
    return cs_text_append(stream->text, piece.content, piece.content_len, 0);
}

/** An event as a backend frames it: the JSON is ours, so the text can only be inside it. */
static void append_event(cs_text_t *stream, const char *text, apr_size_t len, apr_pool_t *pool)
{
    json_t *json =
        cs_json_own(json_pack("{s:[{s:i, s:{s:s%}}]}", "choices", "index", 0, "delta", "content", text, len), pool);
    const char *event = apr_pstrcat(pool, "data: ", cs_json_print(json, NULL, pool), "\n\n", NULL);

    assert_int_equal(cs_text_append(stream, event, strlen(event), 0), APR_SUCCESS);
}

/** [D7] */
static void test_framing_cannot_be_forged_by_text(void **state)
{
    static const char *const pieces[] = {"\r",
                                         "\n",
                                         "\r\n",
                                         "\n\n",
                                         "\xE2\x80\xA8",
                                         "\xE2\x80\xA9",
                                         "data: ",
                                         "event: done\n",
                                         "data: [DONE]\n\n",
                                         "[DONE]",
                                         "\"}}]}",
                                         "\\",
                                         "\"",
                                         "\\n",
                                         "\\ud83d",
                                         ":",
                                         "id: 9",
                                         "\xC2\x85",
                                         GRIN,
                                         "caf\xC3\xA9",
                                         "{",
                                         " "};
    const unsigned int kinds = sizeof(pieces) / sizeof(pieces[0]);
    uint64_t seed = 31337;
    apr_pool_t *pool;
    int round;

    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    for (round = 0; round < 10000; round++) {
        stream_t stream = {make_reader(pool), cs_text_create(pool), 0, false, pool};
        cs_text_t *sent = cs_text_create(pool), *bytes = cs_text_create(pool);
        unsigned int events = 1 + fixture_random(&seed, 4), event, count;
        cs_sse_reader_t *reader;
        size_t at, step;

        for (event = 0; event < events; event++) {
            size_t start = cs_text_length(sent);

            for (count = 1 + fixture_random(&seed, 5); count; count--) {
                const char *piece = pieces[fixture_random(&seed, kinds)];

                assert_int_equal(cs_text_append(sent, piece, strlen(piece), 0), APR_SUCCESS);
            }
            append_event(bytes, cs_text_get(sent) + start, cs_text_length(sent) - start, pool);
        }
        assert_int_equal(cs_text_append(bytes, "data: [DONE]\n\n", 14, 0), APR_SUCCESS);
        assert_int_equal(cs_sse_reader_create(&reader, on_event, &stream, pool), APR_SUCCESS);
        for (at = 0; at < cs_text_length(bytes); at += step) {
            step = 1 + fixture_random(&seed, 60);
            step = step < cs_text_length(bytes) - at ? step : cs_text_length(bytes) - at;
            assert_int_equal(cs_sse_feed(reader, cs_text_get(bytes) + at, step), APR_SUCCESS);
        }
        assert_int_equal(stream.events, events + 1);
        assert_true(stream.done);
        assert_string_equal(cs_text_get(stream.text), cs_text_get(sent));
        apr_pool_clear(pool);
    }
}

static void test_any_octets_are_read_or_refused(void **state)
{
    static const char whole[] =
        "{\"choices\":[{\"delta\":{\"content\":\"a\\ud83d\\u0000\xC3\xA9\\ude00\",\"x\\ud83d\":1}}]}";
    cs_completion_reader_t *reader = make_reader(*state);
    uint64_t seed = 3;
    apr_pool_t *pool;
    int round;

    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    for (round = 0; round < 30000; round++) {
        size_t len = fixture_random(&seed, sizeof(whole)), at, changes;
        char *octets = test_malloc(len + 1);
        cs_completion_t piece;

        memcpy(octets, whole, len);
        for (changes = fixture_random(&seed, 4); changes && len; changes--) {
            at = fixture_random(&seed, (unsigned int)len);
            octets[at] = fixture_random(&seed, 2) ? "\"\\u0dD8{}[],:\x80"[fixture_random(&seed, 14)]
                                                  : (char)fixture_random(&seed, 256);
        }
        if (cs_completion_read(&piece, reader, octets, len, pool) == APR_SUCCESS && piece.content) {
            assert_true(cs_utf8_is_text(piece.content, piece.content_len, NULL));
            assert_int_equal(strlen(piece.content), piece.content_len);
        }
        test_free(octets);
        apr_pool_clear(pool);
    }
}

static void test_what_llamacpp_counts_wrongly_is_not_handed_on(void **state)
{
    static const char *const counts[] = {"\"tokens_evaluated\":-1,\"tokens_predicted\":2",
                                         "\"tokens_evaluated\":1,\"tokens_predicted\":-2",
                                         "\"tokens_evaluated\":2147483648,\"tokens_predicted\":2",
                                         "\"tokens_evaluated\":1,\"tokens_predicted\":2147483648"};
    cs_completion_reader_t *reader = make_reader(*state);

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const char *text = apr_psprintf(*state, "{\"content\":\"a\",\"stop\":true,%s}", counts[i]);
        cs_completion_t piece = read_piece(reader, text, *state);

        assert_null(piece.usage);
        assert_true(piece.done);
    }
}

static void test_why_llamacpp_stopped(void **state)
{
    static const char *const cases[][2] = {{"\"stop_type\":\"eos\"", "stop"},
                                           {"\"stop_type\":\"eos\",\"stopped_limit\":true", "length"},
                                           {"\"stop_type\":\"limit\"", "length"},
                                           {"\"stopped_limit\":true", "length"},
                                           {"\"stopped_limit\":1", "stop"},
                                           {"\"stop_type\":1", "stop"}};
    cs_completion_reader_t *reader = make_reader(*state);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = apr_psprintf(*state, "{\"content\":\"a\",\"stop\":true,%s}", cases[i][0]);

        assert_string_equal(read_piece(reader, text, *state).finish_reason, cases[i][1]);
    }
}

static void test_texts_in_parts_become_one(void **state)
{
    static const char marked[] = "{\"choices\":[{\"delta\":{\"content\":["
                                 "{\"type\":\"text\",\"text\":\"a\\ud83d\"},{\"type\":\"image_url\"},"
                                 "{\"type\":\"text\",\"text\":\"\\ude00b\"},{\"type\":\"text\",\"text\":\"\"}]}}]}";
    cs_completion_reader_t *reader = make_reader(*state);
    cs_completion_t piece = read_piece(reader, marked, *state);

    /* two texts: a half character at the end of one is not the other half of the next */
    assert_string_equal(piece.content, "a" FFFD FFFD "b");
    assert_int_equal(json_array_size(piece.parts), 1);
    assert_string_equal(content(reader, "\\ude00", *state), FFFD);
    /* one text is a piece as any other */
    piece = read_piece(reader, "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a\\ud83d\"}]}}]}",
                       *state);
    assert_string_equal(piece.content, "a");
    assert_string_equal(content(reader, "\\ude00b", *state), GRIN "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_the_text_of_one_that_was_asked_with_a_text),
        FIXTURE_TEST(test_what_llamacpp_says_by_itself),
        FIXTURE_TEST(test_a_chunk_is_read),
        FIXTURE_TEST(test_pieces_without_text_have_none),
        FIXTURE_TEST(test_finish_reason_and_usage_are_read),
        FIXTURE_TEST(test_the_done_mark_is_read),
        FIXTURE_TEST(test_reasoning_has_two_names),
        FIXTURE_TEST(test_tool_calls_are_handed_on),
        FIXTURE_TEST(test_a_whole_answer_is_read_like_a_delta_and_is_done),
        FIXTURE_TEST(test_the_backends_error_is_read),
        FIXTURE_TEST(test_other_forms_are_malformed_and_lose_nothing),
        FIXTURE_TEST(test_surrogate_halves_in_two_deltas_join),
        FIXTURE_TEST(test_halves_join_over_pieces_without_text),
        FIXTURE_TEST(test_content_and_reasoning_hold_their_own_halves),
        FIXTURE_TEST(test_a_half_that_stays_alone_becomes_u_fffd),
        FIXTURE_TEST(test_the_rest_is_given_once),
        FIXTURE_TEST(test_half_a_character_of_reasoning_comes_with_done),
        FIXTURE_TEST(test_nul_becomes_u_fffd_and_the_tail_is_kept),
        FIXTURE_TEST(test_kuhn_cases_become_u_fffd_and_the_rest_is_kept),
        FIXTURE_TEST(test_escapes_other_than_halves_are_left_alone),
        FIXTURE_TEST(test_halves_elsewhere_do_not_stop_the_answer),
        FIXTURE_TEST(test_the_json_holds_the_joined_text),
        FIXTURE_TEST(test_text_without_escapes_is_not_copied),
        FIXTURE_TEST(test_units_split_anywhere_say_the_same),
        FIXTURE_TEST(test_framing_cannot_be_forged_by_text),
        FIXTURE_TEST(test_any_octets_are_read_or_refused),
        FIXTURE_TEST(test_what_llamacpp_counts_wrongly_is_not_handed_on),
        FIXTURE_TEST(test_why_llamacpp_stopped),
        FIXTURE_TEST(test_texts_in_parts_become_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
