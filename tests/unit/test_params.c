/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Generation parameters have bounds, and what is not named is refused. */
#include "core/params.h"
#include "core/json.h"
#include "fixture.h"

#define HUNDRED "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

static apr_status_t check(const char *text, const char **problem, apr_pool_t *pool)
{
    const char *malformed;
    json_t *json;

    assert_int_equal(cs_json_parse(&json, text, strlen(text), &malformed, pool), APR_SUCCESS);
    return json_is_array(json) ? cs_examples_check(problem, json, pool) : cs_params_check(problem, json, pool);
}

static void test_what_is_within_its_bounds_is_taken(void **state)
{
    static const char *const good[] = {
        "{}",
        "{\"temperature\":0,\"top_p\":1,\"top_k\":500,\"max_tokens\":1,\"seed\":4294967295}",
        "{\"temperature\":2.0,\"presence_penalty\":-2,\"frequency_penalty\":1.5}",
        "{\"stop\":\"\\n\"}",
        "{\"stop\":\"" HUNDRED "\"}",
        "{\"stop\":[\"a\",\"b\",\"c\",\"\\u754c\"]}",
        "[]",
        "[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"y\"}]",
    };
    const char *problem;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(check(good[i], &problem, *state), APR_SUCCESS);
        assert_null(problem);
    }
}

static void test_what_is_out_of_bounds_is_named(void **state)
{
    static const char *const bad[][2] = {
        {"{\"temperature\":2.01}", "\"temperature\" is not a number from 0 to 2"},
        {"{\"temperature\":-0.01}", "temperature"},
        {"{\"temperature\":\"1\"}", "temperature"},
        {"{\"temperature\":null}", "temperature"},
        {"{\"top_p\":1.5}", "top_p"},
        {"{\"top_k\":0}", "\"top_k\" is not a whole number from 1 to 500"},
        {"{\"top_k\":1.5}", "top_k"},
        {"{\"top_k\":501}", "top_k"},
        {"{\"top_p\":true}", "top_p"},
        {"{\"max_tokens\":0}", "max_tokens"},
        {"{\"seed\":-1}", "seed"},
        {"{\"presence_penalty\":3}", "presence_penalty"},
        {"{\"frequency_penalty\":-2.5}", "frequency_penalty"},
        {"{\"stop\":\"\"}", "stop"},
        {"{\"stop\":[]}", "stop"},
        {"{\"stop\":[1]}", "stop"},
        {"{\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "stop"},
        {"{\"n\":5,\"temperature\":1}", "none of temperature"},
        {"{\"n\":5}", "none of temperature"},
        {"{\"tools\":[]}", "none of temperature"},
        {"{\"model\":\"other\"}", "none of temperature"},
        {"[{\"role\":\"assistant\",\"content\":\"x\"}]", "examples[0]"},
        {"[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"system\",\"content\":\"y\"}]", "examples[1]"},
        {"[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"assistant\",\"content\":\"y\"}]", "examples[0]"},
        {"[{\"role\":\"user\",\"content\":\"x\",\"name\":\"z\"}]", "examples[0]"},
        {"[{\"role\":\"user\",\"content\":\"x\"}]", "without an answer"},
        {"[1]", "examples[0]"},
        {"[{\"name\":\"user\",\"content\":\"x\"}]", "examples[0]"},
        {"[{\"role\":\"user\",\"name\":\"x\"}]", "examples[0]"},
        {"{\"stop\":\"" HUNDRED "1\"}", "stop"},
        {"{\"stop\":{}}", "stop"},
    };
    const char *problem;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(check(bad[i][0], &problem, *state), CS_EREFUSED);
        assert_non_null(strstr(problem, bad[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_what_is_within_its_bounds_is_taken),
        FIXTURE_TEST(test_what_is_out_of_bounds_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
