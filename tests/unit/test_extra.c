/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Reasoning, calls of tools and parts that are no text are kept, whatever pieces they come in. */
#include "core/extra.h"
#include "core/json.h"
#include "fixture.h"

static apr_status_t add_delta(cs_extra_t *extra, const char *delta, apr_size_t limit, apr_pool_t *pool)
{
    cs_completion_reader_t *reader;
    cs_completion_t piece;
    const char *data = apr_psprintf(pool, "{\"choices\":[{\"index\":0,\"delta\":%s}]}", delta);

    assert_int_equal(cs_completion_reader_create(&reader, pool), APR_SUCCESS);
    assert_int_equal(cs_completion_read(&piece, reader, data, strlen(data), pool), APR_SUCCESS);
    return cs_extra_add(extra, &piece, limit);
}

static void test_nothing_is_nothing(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state);

    assert_int_equal(add_delta(extra, "{\"content\":\"text\"}", 1000, *state), APR_SUCCESS);
    assert_int_equal(add_delta(extra, "{\"content\":[{\"type\":\"text\",\"text\":\"text\"}]}", 1000, *state),
                     APR_SUCCESS);
    assert_null(cs_extra_print(extra, *state));
}

static void test_pieces_are_joined(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state);
    static const char *const deltas[] = {
        "{\"reasoning_content\":\"I \"}",
        "{\"reasoning\":\"think\"}",
        "{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
        "\"\"}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}",
        "{\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
        "\"{}\"}},"
        "{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}",
        "{\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}",
    };

    for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++)
        assert_int_equal(add_delta(extra, deltas[i], 1000, *state), APR_SUCCESS);
    assert_string_equal(cs_extra_print(extra, *state),
                        "{\"reasoning\":\"I think\",\"tool_calls\":["
                        "{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
                        "\"{\\\"a\\\":1}\"}},"
                        "{\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
                        "\"{}\"}}],"
                        "\"parts\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}");
}

static void test_ill_formed_calls_do_no_harm(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state);
    static const char *const deltas[] = {
        "{\"tool_calls\":[1,null,\"x\",{\"index\":\"0\"},{\"index\":0}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":7},{\"index\":0,\"function\":{\"arguments\":1}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":2,\"arguments\":\"y\"}}]}",
        "{\"tool_calls\":{\"index\":0}}",
        "{\"tool_calls\":[{\"index\":5,\"function\":7},{\"index\":5,\"function\":{\"arguments\":\"x\"}}]}",
        "{\"tool_calls\":[{\"index\":6},{\"index\":6,\"id\":\"a\"}]}",
        "{\"tool_calls\":[{\"index\":2},{\"index\":2,\"id\":3,\"function\":\"x\"}]}",
        "{\"content\":[{\"type\":\"text\"},{\"text\":\"no "
        "type\"},{\"type\":\"text\",\"text\":5},{\"type\":\"refusal\",\"text\":\"x\"}]}",
    };

    for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++)
        assert_int_equal(add_delta(extra, deltas[i], 10000, *state), APR_SUCCESS);
    assert_non_null(cs_extra_print(extra, *state));
}

static void test_all_together_have_a_limit(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state);

    assert_int_equal(add_delta(extra, "{\"reasoning\":\"1234567890\"}", 10, *state), APR_SUCCESS);
    assert_int_equal(add_delta(extra, "{\"reasoning\":\"1\"}", 10, *state), CS_ETOOBIG);
    assert_int_equal(add_delta(extra, "{\"tool_calls\":[{\"index\":0}]}", 10, *state), CS_ETOOBIG);
    assert_string_equal(cs_extra_print(extra, *state), "{\"reasoning\":\"1234567890\"}");
}

static json_t *news(const char *before, const char *after, apr_pool_t *pool)
{
    const json_t *old = before ? cs_json_own(json_loads(before, 0, NULL), pool) : NULL;

    return cs_json_own(cs_extra_news(old, cs_json_own(json_loads(after, 0, NULL), pool)), pool);
}

static void assert_news(const char *before, const char *after, const char *expected, apr_pool_t *pool)
{
    json_t *value = news(before, after, pool);
    json_t *wanted = cs_json_own(json_loads(expected, 0, NULL), pool);

    if (!json_equal(value, wanted))
        fail_msg("%s", value ? json_dumps(value, JSON_COMPACT) : "nothing");
}

static void test_what_is_new_since_a_state_before(void **state)
{
    static const char one[] =
        "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}";
    static const char two[] = "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":"
                              "\"f\",\"arguments\":\"{}\"}},"
                              "{\"index\":1,\"id\":\"b\"}],\"parts\":[{\"x\":1}]}";

    assert_news(NULL, one, one, *state);
    assert_news(one, two,
                "{\"tool_calls\":[{\"index\":0,\"type\":\"function\",\"function\":{\"arguments\":\"}\"}},{\"index\":1,"
                "\"id\":\"b\"}],"
                "\"parts\":[{\"x\":1}]}",
                *state);
    assert_news("{\"parts\":[{\"x\":1}]}", "{\"parts\":[{\"x\":1},{\"x\":2}]}", "{\"parts\":[{\"x\":2}]}", *state);
    /* arguments that are others altogether are no piece that could be appended */
    assert_null(news("{\"tool_calls\":[{\"function\":{\"arguments\":\"x\"}}]}",
                     "{\"tool_calls\":[{\"function\":{\"arguments\":\"yz\"}}]}", *state));
    assert_null(news(two, two, *state));
    assert_null(news(NULL, "{}", *state));
}

static void test_what_of_a_call_comes_late_is_taken_once(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state);
    static const char *const deltas[] = {
        "{\"tool_calls\":[{\"index\":0}]}",
        "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"1\"}}]}",
        "{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}]}",
    };

    for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++)
        assert_int_equal(add_delta(extra, deltas[i], 1000, *state), APR_SUCCESS);
    assert_string_equal(cs_extra_print(extra, *state),
                        "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"12\",\"name\":\"f\"},"
                        "\"type\":\"function\"}]}");
}

static void test_a_thousand_calls_and_parts_are_enough(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state);
    int taken = 0;

    while (add_delta(extra, "{\"tool_calls\":[{}],\"content\":[{}]}", APR_SIZE_MAX / 2, *state) == APR_SUCCESS)
        taken++;
    assert_int_equal(taken, 501);
}

static void test_a_stream_is_told_what_stands_beside_the_text(void **state)
{
    cs_extra_t *extra = cs_extra_create(*state), *parts = cs_extra_create(*state);
    json_t *beside;
    apr_size_t len = 1;

    assert_int_equal(cs_extra_version(extra), 0);
    assert_null(cs_extra_beside(extra));
    assert_string_equal(cs_extra_reasoning(extra, &len), "");
    assert_int_equal(len, 0);
    assert_int_equal(add_delta(extra, "{\"reasoning\":\"I think\"}", 1000, *state), APR_SUCCESS);
    assert_int_equal(cs_extra_version(extra), 0); /* it is handed on as text is */
    assert_string_equal(cs_extra_reasoning(extra, &len), "I think");
    assert_int_equal(len, 7);
    assert_int_equal(add_delta(extra, "{\"tool_calls\":[{\"index\":0}]}", 1000, *state), APR_SUCCESS);
    assert_int_equal(cs_extra_version(extra), 1);
    beside = cs_json_own(cs_extra_beside(extra), *state);
    assert_string_equal(cs_json_print(beside, NULL, *state), "{\"tool_calls\":[{\"index\":0}]}");
    assert_int_equal(add_delta(parts, "{\"content\":[{\"x\":1}]}", 1000, *state), APR_SUCCESS);
    beside = cs_json_own(cs_extra_beside(parts), *state);
    assert_string_equal(cs_json_print(beside, NULL, *state), "{\"parts\":[{\"x\":1}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_nothing_is_nothing),
        FIXTURE_TEST(test_pieces_are_joined),
        FIXTURE_TEST(test_ill_formed_calls_do_no_harm),
        FIXTURE_TEST(test_all_together_have_a_limit),
        FIXTURE_TEST(test_what_is_new_since_a_state_before),
        FIXTURE_TEST(test_what_of_a_call_comes_late_is_taken_once),
        FIXTURE_TEST(test_a_thousand_calls_and_parts_are_enough),
        FIXTURE_TEST(test_a_stream_is_told_what_stands_beside_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
