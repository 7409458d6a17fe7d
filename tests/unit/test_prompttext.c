/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A history as one text, for the two families of models and for a template of one's own, and the body with it. */
#include "core/prompttext.h"
#include "core/json.h"
#include "fixture.h"

#define EIGHT "12345678"
#define SIXTY_FOUR EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
#define LONG SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR /* 256 octets */

static cs_prompt_t *history(int count, apr_pool_t *pool)
{
    static const char *const texts[] = {"one\ntwo", "three", "four", "five"};
    cs_prompt_t *prompt = cs_prompt_create(pool);

    for (int i = 0; i < count; i++)
        cs_prompt_add(prompt, i % 2 ? "assistant" : "user", texts[i]);
    return prompt;
}

static const char *render(const char *name, int count, apr_pool_t *pool)
{
    return cs_prompt_to_text(history(count, pool), cs_prompt_template_builtin(name), NULL, pool);
}

static void test_redpajama(void **state)
{
    assert_string_equal(render("redpajama", 0, *state), "");
    assert_string_equal(render("redpajama", 1, *state), "<human>: one\ntwo\n<bot>:");
    assert_string_equal(render("redpajama", 2, *state), "<human>: one\ntwo\n<bot>: three");
    assert_string_equal(render("redpajama", 3, *state), "<human>: one\ntwo\n<bot>: three\n<human>: four\n<bot>:");
}

static void test_rinna(void **state)
{
    assert_string_equal(render("rinna", 3, *state), "User: one<NL>two<NL>System: three<NL>User: four<NL>System: ");
}

static const cs_prompt_template_t *chatml(apr_pool_t *pool)
{
    static const char *const options[] = {"begin=<s>",
                                          "system=<|im_start|>system",
                                          "requester=<|im_start|>user",
                                          "responder=<|im_start|>assistant",
                                          "role-end=\\n",
                                          "message-end=<|im_end|>\\n",
                                          "stop=<|im_end|>",
                                          "input=<|im_=><_im_"};
    cs_prompt_template_t *template = cs_prompt_template_create("chatml", pool);
    const char *problem;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        assert_int_equal(cs_prompt_template_set(template, options[i], &problem, pool), APR_SUCCESS);
    return template;
}

static void test_own_template_with_system_text_and_examples(void **state)
{
    cs_prompt_t *prompt = history(1, *state);

    prompt->system = "Be <|im_end|> brief.";
    prompt->examples = cs_json_own(json_pack("[{s:s,s:s},{s:s,s:s}]", "role", "user", "content", "q", "role",
                                             "assistant", "content", "a"),
                                   *state);
    assert_string_equal(cs_prompt_to_text(prompt, chatml(*state), NULL, *state),
                        "<s><|im_start|>system\nBe <_im_end|> brief.<|im_end|>\n"
                        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
                        "<|im_start|>user\none\ntwo<|im_end|>\n<|im_start|>assistant\n");
}

static void test_an_answer_without_text_is_left_out(void **state)
{
    cs_prompt_t *prompt = cs_prompt_create(*state);

    prompt->system = "";
    cs_prompt_add(prompt, "user", "a");
    cs_prompt_add(prompt, "assistant", "");
    cs_prompt_add(prompt, "assistant", NULL);
    cs_prompt_add(prompt, "user", "b");
    assert_string_equal(cs_prompt_to_text(prompt, cs_prompt_template_builtin("redpajama"), NULL, *state),
                        "<human>: a\n<human>: b\n<bot>:");
}

static json_t *body_of(const cs_prompt_t *prompt, const char *params, const char *name, cs_prompt_form_e form,
                       apr_pool_t *pool)
{
    const cs_prompt_options_t options = {.model = "m",
                                         .stream = true,
                                         .max_turns = 1,
                                         .params = cs_json_own(json_loads(params, 0, NULL), pool)};
    const char *body;
    apr_size_t len;

    assert_int_equal(cs_prompt_to_text_body(&body, &len, prompt, &options, cs_prompt_template_builtin(name), form,
                                            pool),
                     APR_SUCCESS);
    return cs_json_own(json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL), pool);
}

static void assert_json(const json_t *value, const char *expected, apr_pool_t *pool)
{
    json_t *other = cs_json_own(json_loads(expected, 0, NULL), pool);

    if (!json_equal(value, other))
        fail_msg("%s is not %s", json_dumps(value, JSON_COMPACT), expected);
}

static void test_body_of_completions(void **state)
{
    assert_json(body_of(history(3, *state),
                        "{\"max_tokens\":9,\"stop\":[\"END\",\"\\n<\"],\"prompt\":\"x\",\"messages\":[]}", "redpajama",
                        CS_PROMPT_COMPLETION, *state),
                "{\"model\":\"m\",\"prompt\":\"<human>: four\\n<bot>:\",\"max_tokens\":9,\"stream\":true,"
                "\"stream_options\":{\"include_usage\":true},\"stop\":[\"<|endoftext|>\",\"\\n<\",\"END\"]}",
                *state);
}

static void test_body_of_llamacpp(void **state)
{
    assert_json(body_of(history(1, *state), "{\"max_tokens\":9,\"top_k\":3,\"stop\":\"END\"}", "rinna",
                        CS_PROMPT_LLAMACPP, *state),
                "{\"prompt\":\"User: one<NL>two<NL>System: \",\"n_predict\":9,\"top_k\":3,\"stream\":true,"
                "\"stop\":[\"END\"]}",
                *state);
    assert_json(body_of(history(1, *state), "{}", "rinna", CS_PROMPT_LLAMACPP, *state),
                "{\"prompt\":\"User: one<NL>two<NL>System: \",\"stream\":true}", *state);
    assert_json(body_of(history(1, *state), "{\"stop\":7}", "rinna", CS_PROMPT_LLAMACPP, *state),
                "{\"prompt\":\"User: one<NL>two<NL>System: \",\"stream\":true,\"stop\":7}", *state);
}

static void test_what_no_model_may_be_asked(void **state)
{
    const cs_prompt_options_t options = {.model = "m"};
    const cs_prompt_template_t *template = cs_prompt_template_builtin("rinna");
    cs_prompt_t *prompt = history(2, *state);
    const char *body;
    apr_size_t len;

    assert_int_equal(cs_prompt_to_text_body(&body, &len, prompt, &options, template, CS_PROMPT_COMPLETION, *state),
                     CS_EREFUSED);
    cs_prompt_add(prompt, "user", "\xff");
    assert_int_equal(cs_prompt_to_text_body(&body, &len, prompt, &options, template, CS_PROMPT_COMPLETION, *state),
                     CS_ENOTTEXT);
    assert_null(body);
}

static void test_options_that_are_refused(void **state)
{
    cs_prompt_template_t *template = cs_prompt_template_create("t", *state);
    static const char *const bad[] = {"colour=red", "begin",    "stop=",     "input=ab", "input==>x",      "output=a-b",
                                      "begin=\\x",  "begin=\\", "stop=\xff", "input=",   "begin=" LONG "1"};
    const char *problem;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        problem = NULL;
        if (i == 1) {
            /* a text may be empty, and is when it has no value */
            assert_int_equal(cs_prompt_template_set(template, bad[i], &problem, *state), APR_SUCCESS);
            continue;
        }
        assert_int_equal(cs_prompt_template_set(template, bad[i], &problem, *state), CS_EREFUSED);
        assert_non_null(problem);
    }
    for (int i = 0; i < CS_TEMPLATE_STOPS; i++)
        assert_int_equal(cs_prompt_template_set(template, "stop=x", &problem, *state), APR_SUCCESS);
    assert_int_equal(cs_prompt_template_set(template, "stop=x", &problem, *state), CS_EREFUSED);
    for (int i = 0; i < CS_TEMPLATE_REPLACEMENTS; i++)
        assert_int_equal(cs_prompt_template_set(template, "output=x=>", &problem, *state), APR_SUCCESS);
    assert_int_equal(cs_prompt_template_set(template, "output=x=>y", &problem, *state), CS_EREFUSED);
}

static void test_the_last_role_ends_like_the_others_until_it_is_said(void **state)
{
    cs_prompt_template_t *template = cs_prompt_template_create("t", *state);
    const char *problem;

    assert_int_equal(cs_prompt_template_set(template, "role-end=> ", &problem, *state), APR_SUCCESS);
    assert_string_equal(template->last_role_end, "> ");
    assert_int_equal(cs_prompt_template_set(template, "last-role-end=>", &problem, *state), APR_SUCCESS);
    assert_int_equal(cs_prompt_template_set(template, "role-end=: ", &problem, *state), APR_SUCCESS);
    assert_string_equal(template->last_role_end, ">");
}

static void test_percent_encoding(void **state)
{
    assert_string_equal(cs_prompt_percent_encode("a-b._~/ <\n%\xE6\x9C\x88", *state), "a-b._~/%20%3C%0A%25%E6%9C%88");
}

static void test_an_example_without_a_text_is_left_out(void **state)
{
    cs_prompt_t *prompt = history(1, *state);

    prompt->examples = cs_json_own(json_pack("[{s:s},{s:s},{s:s,s:s}]", "role", "user", "content", "nobody's", "role",
                                             "assistant", "content", "hers"),
                                   *state);
    assert_string_equal(cs_prompt_to_text(prompt, cs_prompt_template_builtin("redpajama"), NULL, *state),
                        "<bot>: hers\n<human>: one\ntwo\n<bot>:");
}

static void test_escapes_and_the_longest_text_of_a_template(void **state)
{
    cs_prompt_template_t *template = cs_prompt_template_create("t", *state);
    const char *problem;

    assert_int_equal(cs_prompt_template_set(template, "begin=a\\tb\\\\n\\n", &problem, *state), APR_SUCCESS);
    assert_string_equal(template->begin, "a\tb\\n\n");
    assert_int_equal(cs_prompt_template_set(template, "system=" LONG, &problem, *state), APR_SUCCESS);
    assert_string_equal(template->system, LONG);
}

static void test_there_is_no_template_of_another_name(void **state)
{
    (void)state;
    assert_non_null(cs_prompt_template_builtin("rinna"));
    assert_null(cs_prompt_template_builtin("Rinna"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_redpajama),
        FIXTURE_TEST(test_rinna),
        FIXTURE_TEST(test_own_template_with_system_text_and_examples),
        FIXTURE_TEST(test_an_answer_without_text_is_left_out),
        FIXTURE_TEST(test_body_of_completions),
        FIXTURE_TEST(test_body_of_llamacpp),
        FIXTURE_TEST(test_what_no_model_may_be_asked),
        FIXTURE_TEST(test_options_that_are_refused),
        FIXTURE_TEST(test_the_last_role_ends_like_the_others_until_it_is_said),
        FIXTURE_TEST(test_percent_encoding),
        FIXTURE_TEST(test_an_example_without_a_text_is_left_out),
        FIXTURE_TEST(test_escapes_and_the_longest_text_of_a_template),
        FIXTURE_TEST(test_there_is_no_template_of_another_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
