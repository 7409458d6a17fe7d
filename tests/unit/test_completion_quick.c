/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What the quick way takes, the whole way reads the same; what is not of its form it leaves alone. */
#include "fixture.h"

#include <apr_strings.h>
#include <string.h>
#include "core/completion_quick.h"

static const char plain[] =
    "{\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\\n\\\"b\\\\ \\u00e9\xc3\xa9\"},"
    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}";

/* The whole way, forced by a member that the quick one does not know. */
static apr_status_t read_whole(cs_completion_t *piece, const char *data, apr_size_t len, apr_pool_t *pool)
{
    cs_completion_reader_t *reader;
    const char *brace = memchr(data, '{', len);
    char *text = apr_palloc(pool, len + 16);
    apr_size_t before;

    assert_int_equal(cs_completion_reader_create(&reader, pool), APR_SUCCESS);
    if (!brace)
        return cs_completion_read(piece, reader, data, len, pool);
    before = (apr_size_t)(brace + 1 - data);
    memcpy(text, data, before);
    memcpy(text + before, "\"~\":1,", 6);
    memcpy(text + before + 6, data + before, len - before);
    return cs_completion_read(piece, reader, text, len + 6, pool);
}

static void assert_same_text(const char *a, const char *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a)
        assert_string_equal(a, b);
}

/* True: the quick way took it, and the whole way reads the same. */
static bool agrees(const char *data, apr_size_t len, apr_pool_t *pool)
{
    cs_completion_t quick = {.done = true}, whole;

    if (!cs_completion_quick(&quick, data, len, pool)) {
        assert_true(quick.done); /* left as it was */
        return false;
    }
    assert_int_equal(read_whole(&whole, data, len, pool), APR_SUCCESS);
    assert_int_equal(quick.content_len, whole.content_len);
    assert_same_text(quick.content, whole.content);
    assert_same_text(quick.finish_reason, whole.finish_reason);
    assert_same_text(quick.model, whole.model);
    assert_null(whole.error);
    assert_null(whole.reasoning);
    assert_null(whole.tool_calls);
    assert_null(whole.usage);
    assert_false(quick.done || whole.done);
    return true;
}

static void test_pieces_of_the_usual_servers_are_taken(void **state)
{
    static const char *const pieces[] = {
        "{\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}",
        "{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"llama3\",\"system_fingerprint\":"
        "\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]"
        "}",
        "{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
        "[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}",
        " { \"choices\" : [ { \"delta\" : { \"content\" : \"\\t\\/\\b\\f\\r\\n\\\\\\\"\" , \"refusal\" : null } } ] } "
        "\n",
        "{\"id\":null,\"created\":0,\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\xf0\x9f\x98\x80 \xe6\x97\xa5\"}}]}",
    };

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_true(agrees(pieces[i], strlen(pieces[i]), *state));
}

static void test_what_needs_the_whole_way_is_left_to_it(void **state)
{
    static const char *const pieces[] = {
        "[DONE]",
        "{\"choices\":[]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\",\"content\":\"b\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\",\"tool_calls\":[]}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning\":\"b\"}}]}",
        "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}}]}",
        "{\"object\":\"error\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"error\":{\"message\":\"m\"},\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"usage\":{\"total_tokens\":3},\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]} {}",
        "{\"created\":01,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"created\":9999999999999999999,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
    };

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_false(agrees(pieces[i], strlen(pieces[i]), *state));
}

/* Every octet of two pieces replaced by every octet that means something to JSON, taken out, and everything cut off. */
static void test_both_ways_agree_on_every_small_change(void **state)
{
    static const char octets[] = "{}[]:,\"\\/ 0123abcdefnrtuix\n\x01\x7f\x80\xc3\xed\xf0";
    static const char even[] =
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ab\\n\"},\"finish_reason\":\"stop\"}]}";
    const char *const pieces[] = {plain, even};
    apr_pool_t *pool;
    int taken = 0;

    apr_pool_create(&pool, *state);
    for (size_t p = 0; p < 2; p++) {
        const apr_size_t len = strlen(pieces[p]);
        for (apr_size_t at = 0; at < len; at++) {
            char text[512];
            for (apr_size_t i = 0; i < sizeof(octets); i++) {
                memcpy(text, pieces[p], len);
                text[at] = octets[i];
                taken += agrees(text, len, pool);
            }
            taken += agrees(pieces[p], at, pool);
            memmove(text + at, pieces[p] + at + 1, len - at - 1);
            memcpy(text, pieces[p], at);
            taken += agrees(text, len - 1, pool);
            apr_pool_clear(pool);
        }
    }
    assert_true(taken > 100);
    apr_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_pieces_of_the_usual_servers_are_taken),
        FIXTURE_TEST(test_what_needs_the_whole_way_is_left_to_it),
        FIXTURE_TEST(test_both_ways_agree_on_every_small_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
