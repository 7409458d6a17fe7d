/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A history as one text, for the two families of models. */
#include "core/prompttext.h"
#include "fixture.h"

static const char *render(cs_prompt_family_e family, int count, apr_pool_t *pool)
{
    static const char *const texts[] = {"one\ntwo", "three", "four", "five"};
    cs_prompt_t *prompt = cs_prompt_create(pool);

    for (int i = 0; i < count; i++)
        cs_prompt_add(prompt, i % 2 ? "assistant" : "user", texts[i]);
    return cs_prompt_to_text(prompt, family, pool);
}

static void test_redpajama(void **state)
{
    assert_string_equal(render(CS_PROMPT_REDPAJAMA, 0, *state), "");
    assert_string_equal(render(CS_PROMPT_REDPAJAMA, 1, *state), "<human>: one\ntwo\n<bot>:");
    assert_string_equal(render(CS_PROMPT_REDPAJAMA, 2, *state), "<human>: one\ntwo\n<bot>: three");
    assert_string_equal(render(CS_PROMPT_REDPAJAMA, 3, *state),
                        "<human>: one\ntwo\n<bot>: three\n<human>: four\n<bot>:");
}

static void test_rinna(void **state)
{
    assert_string_equal(render(CS_PROMPT_RINNA, 3, *state),
                        "User: one<NL>two<NL>System: three<NL>User: four<NL>System: ");
}

static void test_percent_encoding(void **state)
{
    assert_string_equal(cs_prompt_percent_encode("a-b._~/ <\n%\xE6\x9C\x88", *state), "a-b._~/%20%3C%0A%25%E6%9C%88");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_redpajama),
        FIXTURE_TEST(test_rinna),
        FIXTURE_TEST(test_percent_encoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
