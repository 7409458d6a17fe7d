/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What happens when there is no memory: each time that core or jansson asks for some it is refused in turn. What was
 * called is a failure or goes on without, and never hands on the half.
 */
#include "fixture.h"

#include <stdlib.h>
#include "core/answertext.h"
#include "core/chatprompt.h"
#include "core/completion.h"
#include "core/extra.h"
#include "core/json.h"
#include "core/prompttext.h"
#include "core/sse.h"
#include "core/text.h"

WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)

/* What jansson asks memory for: of this size it gets none. */
static size_t refused_size;

static void *json_malloc(size_t size)
{
    return size == refused_size ? NULL : refusable_malloc(size);
}

/* Calls act with each of the first 60 calls refused, where jansson goes on without what it could not have: how often it
 * failed. */
static int refuse_sixty(act_fn *act, const void *with)
{
    int failed = 0;

    for (int n = 1; n <= 60; n++) {
        apr_pool_t *pool;

        assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
        calls_left = n;
        failed += act(with, pool) != APR_SUCCESS;
        calls_left = 0;
        apr_pool_destroy(pool);
    }
    return failed;
}

/* --- json, prompt, completion, sse --- */

/* jansson's own reader ends the program when its memory does, so only what is done with values is tried. */
static apr_status_t print(const void *with, apr_pool_t *pool)
{
    apr_size_t len = 1;
    const char *text = cs_json_print(with, &len, pool);

    assert_int_equal(text ? strlen(text) : 0, len);
    return text ? APR_SUCCESS : APR_ENOMEM;
}

static void test_json_without_memory_is_not_printed(void **state)
{
    const char *text = "{\"content\":\"a\\ud83d\\ude00b\",\"ids\":[1,2.5,true,null,{\"x\":{}}";
    const char *problem;
    json_t *value;

    /* long enough for the printed text to grow several times */
    for (int i = 0; i < 200; i++)
        text = apr_psprintf(*state, "%s,\"id %d\"", text, i);
    text = apr_pstrcat(*state, text, "]}", NULL);
    assert_int_equal(cs_json_parse(&value, text, strlen(text), &problem, *state), APR_SUCCESS);
    assert_true(refuse_each(print, value) > 3);
    /* The memory ends at each place of such a value once. */
    for (int before = 0; before < 140; before++) {
        text = apr_psprintf(*state, "[\"%0*d\",\"%0120d\",{\"a\":1,\"b\":[2,\"\\n\"]},{},[],false,4]", before, 0, 0);
        assert_int_equal(cs_json_parse(&value, text, strlen(text), &problem, *state), APR_SUCCESS);
        assert_true(refuse_each(print, value) > 1);
    }
}

static void test_json_that_cannot_be_read_for_want_of_memory_is_not_called_malformed(void **state)
{
    const char *problem = UNSET;
    json_t *value = UNSET;

    calls_left = 1;
    assert_int_equal(cs_json_parse(&value, "{}", 2, &problem, *state), APR_ENOMEM);
    assert_null(value);
    assert_non_null(strstr(problem, "not enough memory"));
}

/* More than jansson's arrays have room for at first. */
static const json_t *examples(apr_pool_t *pool)
{
    const int left = calls_left;
    json_t *all;

    calls_left = 0;
    all = cs_json_own(json_array(), pool);
    for (int i = 0; i < 10; i++)
        assert_int_equal(json_array_append_new(all, json_pack("{s:s, s:s}", "role", i % 2 ? "assistant" : "user",
                                                              "content", "an example")),
                         0);
    calls_left = left;
    return all;
}

static apr_status_t write_body(const void *with, apr_pool_t *pool)
{
    const cs_prompt_options_t options = {.model = "m", .stream = true, .params = with};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    const char *body = UNSET;
    apr_size_t len = 1;
    apr_status_t rv;

    prompt->system = "Be brief.";
    cs_prompt_add(prompt, "user", "one");
    cs_prompt_add(prompt, "assistant", "two");
    cs_prompt_add(prompt, "user", "three");
    prompt->examples = examples(pool);
    rv = cs_prompt_to_completions(&body, &len, prompt, &options, pool);
    assert_int_equal(rv == APR_SUCCESS, body != NULL);
    assert_int_equal(body ? strlen(body) : 0, len);
    return rv;
}

typedef struct {
    cs_prompt_form_e form;
    const json_t *params;
    const char *question;
    const cs_prompt_template_t *template;
} text_form_t;

/* The same of a model that is asked with one text. */
static apr_status_t write_text_body(const void *with, apr_pool_t *pool)
{
    const text_form_t *form = with;
    const cs_prompt_options_t options = {.model = "m", .stream = true, .params = form->params};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    const char *body = UNSET;
    apr_size_t len = 1;
    apr_status_t rv;

    prompt->system = "Be brief.";
    prompt->examples = examples(pool);
    cs_prompt_add(prompt, "user", form->question);
    cs_prompt_add(prompt, "assistant", "two");
    cs_prompt_add(prompt, "user", "three");
    rv = cs_prompt_to_text_body(&body, &len, prompt, &options, form->template, form->form, pool);
    assert_int_equal(rv == APR_SUCCESS, body != NULL);
    assert_int_equal(body ? strlen(body) : 0, len);
    return rv;
}

static void test_no_model_that_is_asked_with_a_text_gets_half_of_it(void **state)
{
    static const char params[] = "{\"max_tokens\":9,\"stop\":[\"END\",\"\\n\"]}";
    text_form_t form = {CS_PROMPT_COMPLETION, NULL, "one", cs_prompt_template_builtin("redpajama")};
    cs_prompt_template_t own = *form.template;
    const char *problem;
    json_t *value;

    assert_int_equal(cs_json_parse(&value, params, sizeof(params) - 1, &problem, *state), APR_SUCCESS);
    form.params = value;
    assert_true(refuse_each(write_text_body, &form) > 5);
    form.form = CS_PROMPT_LLAMACPP;
    assert_true(refuse_each(write_text_body, &form) > 5);
    own.begin = "<s>";
    form.template = &own;
    assert_true(refuse_each(write_text_body, &form) > 5);
    form.template = cs_prompt_template_builtin("rinna");
    /* The memory ends at each place of such a text once. */
    for (int before = 0; before < 130; before++) {
        form.question = apr_psprintf(*state, "%0*d\na\n\nb", before, 0);
        assert_true(refuse_each(write_text_body, &form) > 5);
    }
}

static void test_no_model_gets_half_a_body(void **state)
{
    const char *problem;
    json_t *params;

    assert_int_equal(cs_json_parse(&params, "{\"temperature\":1,\"top_p\":0.5}", 29, &problem, *state), APR_SUCCESS);
    assert_true(refuse_each(write_body, params) > 10);
}

/* What the model writes, in two pieces with replacements and, at its end, half a stop text. */
static apr_status_t read_answer(const void *with, apr_pool_t *pool)
{
    cs_prompt_template_t *template = cs_prompt_template_create("t", pool);
    cs_text_t *out = cs_text_create(pool);
    cs_answertext_t *answer;
    const char *problem;
    apr_status_t rv;

    assert_int_equal(cs_prompt_template_set(template, "output=a=>bcd", &problem, pool), APR_SUCCESS);
    assert_int_equal(cs_prompt_template_set(template, "stop=STOP", &problem, pool), APR_SUCCESS);
    answer = cs_answertext_create(template, NULL, pool);
    rv = cs_answertext_feed(answer, with, strlen(with), out);
    if (rv == APR_SUCCESS)
        rv = cs_answertext_feed(answer, "aaa STO", 7, out);
    return rv == APR_SUCCESS ? cs_answertext_end(answer, out) : rv;
}

static void test_an_answer_without_memory_is_no_answer(void **state)
{
    /* The memory ends at each place of such an answer once. */
    for (int before = 0; before < 16; before++)
        assert_true(refuse_each(read_answer, apr_psprintf(*state, " %0*d a %0230d a a a xaax", before, 0, 0)) > 3);
}

static apr_status_t read_piece(const void *with, apr_pool_t *pool)
{
    cs_completion_reader_t *reader;
    cs_completion_t piece;
    apr_status_t rv = cs_completion_reader_create(&reader, pool);

    assert_int_equal(rv, APR_SUCCESS);
    rv = cs_completion_read(&piece, reader, with, strlen(with), pool);
    assert_true(rv == APR_SUCCESS || (!piece.content && !piece.json));
    return rv;
}

static void test_a_piece_without_memory_is_no_piece(void **state)
{
    static const char *const pieces[] = {
        "{\"x\":[\"\\udc00\",\"\\udc00\"],\"choices\":[]}",
        "{\"content\":\"a\",\"stop\":true,\"tokens_evaluated\":7,\"tokens_predicted\":2}",
        "{\"x\":[\"\\udc00\",\"\\udc00\"],\"choices\":[{\"delta\":{\"reasoning\":\"a\\ud83d\",\"content\":[{},"
        "{\"type\":\"text\",\"text\":\"b\\ud83d\"},{\"type\":\"text\",\"text\":\"\\ude00\"}]}}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_true(refuse_sixty(read_piece, pieces[i]) > 10);
}

static apr_status_t add_beside(const void *with, apr_pool_t *pool)
{
    static const char *const pieces[] = {
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}",
        "{\"choices\":[{\"delta\":{\"content\":[{},{},{},{},{},{},{},{},{},{}],"
        "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"x\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"y\"}}]}}]}",
    };
    cs_extra_t *extra = cs_extra_create(pool);
    const int left = calls_left;
    apr_status_t rv = APR_SUCCESS;

    (void)with;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && rv == APR_SUCCESS; i++) {
        cs_completion_reader_t *reader;
        cs_completion_t piece;

        calls_left = 0;
        assert_int_equal(cs_completion_reader_create(&reader, pool), APR_SUCCESS);
        assert_int_equal(cs_completion_read(&piece, reader, pieces[i], strlen(pieces[i]), pool), APR_SUCCESS);
        calls_left = left;
        rv = cs_extra_add(extra, &piece, 10000);
    }
    return rv;
}

static void test_a_call_without_memory_is_refused(void **state)
{
    (void)state;
    assert_true(refuse_sixty(add_beside, NULL) > 10);
}

/* The half that is held back is joined to the text in a string of its own. */
static void test_half_a_character_does_not_become_text_when_memory_ends(void **state)
{
    static const char first[] = "{\"choices\":[{\"delta\":{\"content\":\"a\\ud83d\"}}]}";
    static const char marked[] = "{\"other\":\"\\udc00\",\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}";
    const char *second = apr_psprintf(*state, "{\"choices\":[{\"delta\":{\"content\":\"\\ude00%0777d\"}}]}", 0);
    const struct {
        const char *piece;
        size_t refused;
    } rows[] = {{first, 2}, {second, 4 + 777 + 1}, {marked, 4}};
    cs_completion_reader_t *reader;
    cs_completion_t piece;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(cs_completion_reader_create(&reader, *state), APR_SUCCESS);
        if (i == 1)
            assert_int_equal(cs_completion_read(&piece, reader, first, strlen(first), *state), APR_SUCCESS);
        refused_size = rows[i].refused;
        assert_int_equal(cs_completion_read(&piece, reader, rows[i].piece, strlen(rows[i].piece), *state), APR_ENOMEM);
        refused_size = 0;
        assert_null(piece.content);
        assert_null(piece.json);
    }
}

static apr_status_t on_event(void *events, const char *name, const char *data, apr_size_t data_len)
{
    (void)name;
    assert_int_equal(strlen(data), data_len);
    ++*(int *)events;
    return APR_SUCCESS;
}

static apr_status_t feed(const void *with, apr_pool_t *pool)
{
    cs_sse_reader_t *reader = UNSET;
    int events = 0;
    apr_status_t rv = cs_sse_reader_create(&reader, on_event, &events, pool);

    for (const char *at = with; *at && rv == APR_SUCCESS; at++)
        rv = cs_sse_feed(reader, at, 1);
    assert_int_equal(rv == APR_SUCCESS, events == 1);
    return rv;
}

/* In one piece lines are not held, so the name and the data are the first that ask for memory. */
static apr_status_t feed_whole(const void *with, apr_pool_t *pool)
{
    static const char named[] = "event: a\0b\0c\ndata: d\ndata: e\n\n";
    cs_sse_reader_t *reader = UNSET;
    int events = 0;
    apr_status_t rv = cs_sse_reader_create(&reader, on_event, &events, pool);

    (void)with;
    if (rv == APR_SUCCESS)
        rv = cs_sse_feed(reader, named, sizeof(named) - 1);
    assert_int_equal(rv == APR_SUCCESS, events == 1);
    return rv;
}

static void test_an_event_without_memory_is_not_handed_on(void **state)
{
    (void)state;
    assert_true(refuse_each(feed, "event: x\ndata: y\ndata: z\n\n") >= 3);
    assert_true(refuse_each(feed_whole, NULL) >= 2);
}

static apr_status_t append(const void *with, apr_pool_t *pool)
{
    cs_text_t *text = cs_text_create(pool);
    apr_size_t before = 0;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < 4 && rv == APR_SUCCESS; i++) {
        before = cs_text_length(text);
        rv = cs_text_append(text, with, strlen(with), 0);
    }
    if (rv != APR_SUCCESS)
        assert_int_equal(cs_text_length(text), before);
    assert_int_equal(strlen(cs_text_get(text)), cs_text_length(text));
    return rv;
}

static void test_a_text_that_cannot_grow_keeps_what_it_has(void **state)
{
    char piece[201];

    (void)state;
    memset(piece, 'x', 200);
    piece[200] = '\0';
    assert_int_equal(refuse_each(append, piece), 3);
}

/* No octet of it is looked at: there is no memory for half of all that can be addressed. */
static void test_a_text_of_half_of_all_memory_is_refused(void **state)
{
    cs_text_t *text = cs_text_create(*state);

    calls_left = 1;
    assert_int_equal(cs_text_append(text, "x", APR_SIZE_MAX / 2 + 2, 0), APR_ENOMEM);
    assert_int_equal(calls_left, 0);
    assert_int_equal(cs_text_length(text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_json_without_memory_is_not_printed),
        FIXTURE_TEST(test_json_that_cannot_be_read_for_want_of_memory_is_not_called_malformed),
        FIXTURE_TEST(test_no_model_gets_half_a_body),
        FIXTURE_TEST(test_no_model_that_is_asked_with_a_text_gets_half_of_it),
        FIXTURE_TEST(test_half_a_character_does_not_become_text_when_memory_ends),
        FIXTURE_TEST(test_an_event_without_memory_is_not_handed_on),
        FIXTURE_TEST(test_a_text_that_cannot_grow_keeps_what_it_has),
        FIXTURE_TEST(test_a_text_of_half_of_all_memory_is_refused),
        FIXTURE_TEST(test_an_answer_without_memory_is_no_answer),
        FIXTURE_TEST(test_a_piece_without_memory_is_no_piece),
        FIXTURE_TEST(test_a_call_without_memory_is_refused),
    };

    json_set_alloc_funcs(json_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
