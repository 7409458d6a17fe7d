/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What a model writes after a template's last role becomes the answer's text, however it is cut into pieces. */
#include "core/answertext.h"
#include "fixture.h"

typedef struct {
    const char *written, *answer;
    bool stopped;
} case_t;

static cs_answertext_t *create(const cs_prompt_template_t *template, apr_pool_t *pool)
{
    return cs_answertext_create(template, NULL, pool);
}

/** In two pieces cut at first; then nothing more. */
static void check_split(cs_answertext_t *answer, const case_t *one, size_t first, apr_pool_t *pool)
{
    cs_text_t *out = cs_text_create(pool);

    assert_int_equal(cs_answertext_feed(answer, one->written, first, out), APR_SUCCESS);
    assert_int_equal(cs_answertext_feed(answer, one->written + first, strlen(one->written) - first, out), APR_SUCCESS);
    assert_int_equal(cs_answertext_end(answer, out), APR_SUCCESS);
    assert_string_equal(cs_text_get(out), one->answer);
    assert_int_equal(cs_answertext_is_stopped(answer), one->stopped);
}

static void check(const cs_prompt_template_t *template, const case_t *cases, size_t count, apr_pool_t *pool)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t first = 0; first <= strlen(cases[i].written); first++)
            check_split(create(template, pool), &cases[i], first, pool);
    }
}

static void test_redpajama(void **state)
{
    static const case_t cases[] = {{" four", "four", false},
                                   {"four", "four", false},
                                   {"  four", " four", false},
                                   {"", "", false},
                                   {" ", "", false},
                                   {" one\ntwo\n<human>: x", "one\ntwo", true},
                                   {" one\n", "one\n", false},
                                   {" a < b\n\n< c", "a < b\n", true},
                                   {" x<|endoftext|>y", "x", true},
                                   {" x<|endoftex", "x<|endoftex", false},
                                   {"<|endoftext|>", "", true}};

    check(cs_prompt_template_builtin("redpajama"), cases, sizeof(cases) / sizeof(cases[0]), *state);
}

static void test_rinna(void **state)
{
    static const case_t cases[] = {{"one<NL>two<NL>", "one\ntwo\n", false},
                                   {"<N<NL>L>", "<N\nL>", false},
                                   {"\xE6\x9C\x88<NL", "\xE6\x9C\x88<NL", false},
                                   {" a", " a", false}};

    check(cs_prompt_template_builtin("rinna"), cases, sizeof(cases) / sizeof(cases[0]), *state);
}

static const cs_prompt_template_t *template_of(apr_pool_t *pool, const char *const options[])
{
    cs_prompt_template_t *template = cs_prompt_template_create("t", pool);
    const char *problem;

    for (; *options; options++)
        assert_int_equal(cs_prompt_template_set(template, *options, &problem, pool), APR_SUCCESS);
    return template;
}

static void test_the_first_of_the_list_counts_even_when_it_is_longer(void **state)
{
    static const char *const options[] = {"stop=abcd", "output=abc=>3", "output=ab=>2", "output=b=>", NULL};
    static const case_t cases[] = {{"xab", "x2", false}, {"xabcx", "x3x", false}, {"abcabcd!", "3", true},
                                   {"abx", "2x", false}, {"bbab", "2", false},    {"aabb", "a2", false}};

    check(template_of(*state, options), cases, sizeof(cases) / sizeof(cases[0]), *state);
}

static void test_what_is_put_in_is_not_looked_at_again(void **state)
{
    static const char *const options[] = {"output=a=>aa", "output=x=>STOP", "stop=STOP", NULL};
    static const case_t cases[] = {{"axa", "aaSTOPaa", false}};

    check(template_of(*state, options), cases, 1, *state);
}

static void test_stop_texts_of_the_request(void **state)
{
    static const case_t one = {"a END b", "a ", true};
    const cs_prompt_template_t *template = cs_prompt_template_builtin("rinna");
    json_t *list = json_pack("[s,s]", "never", "END"), *text = json_string("END");

    check_split(cs_answertext_create(template, list, *state), &one, 3, *state);
    check_split(cs_answertext_create(template, text, *state), &one, 4, *state);
    json_decref(list);
    json_decref(text);
}

static void test_what_is_no_stop_text_stops_nothing(void **state)
{
    static const case_t one = {"a END b", "a ", true}, all = {"a b", "a b", false};
    const cs_prompt_template_t *template = cs_prompt_template_builtin("rinna");
    json_t *list = json_pack("[s,i,n,s]", "", 1, "END"), *text = json_string("");

    check_split(cs_answertext_create(template, list, *state), &one, 3, *state);
    check_split(cs_answertext_create(template, text, *state), &all, 1, *state);
    json_decref(list);
    json_decref(text);
}

/* It has no role to go on from: all that the model writes is its answer. */
static void test_a_last_role_that_ends_otherwise_has_no_lead(void **state)
{
    static const char *const options[] = {"role-end=: ", "last-role-end=> ", NULL};
    static const case_t cases[] = {{": a", ": a", false}, {" a", " a", false}};

    check(template_of(*state, options), cases, 2, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_redpajama),
        FIXTURE_TEST(test_rinna),
        FIXTURE_TEST(test_the_first_of_the_list_counts_even_when_it_is_longer),
        FIXTURE_TEST(test_what_is_put_in_is_not_looked_at_again),
        FIXTURE_TEST(test_stop_texts_of_the_request),
        FIXTURE_TEST(test_what_is_no_stop_text_stops_nothing),
        FIXTURE_TEST(test_a_last_role_that_ends_otherwise_has_no_lead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
