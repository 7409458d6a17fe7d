/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "fixture.h"
#include "core/duration.h"

static void test_a_number_with_a_unit_is_a_duration(void **state)
{
    static const struct {
        const char *text;
        apr_interval_time_t value;
    } cases[] = {{"0", 0},
                 {"0d", 0},
                 {"250ms", 250000},
                 {"90", 90 * APR_USEC_PER_SEC},
                 {"90s", 90 * APR_USEC_PER_SEC},
                 {"30min", 1800 * APR_USEC_PER_SEC},
                 {"12h", 43200 * APR_USEC_PER_SEC},
                 {"007d", 604800 * APR_USEC_PER_SEC},
                 {"36500d", APR_INT64_C(36500) * 86400 * APR_USEC_PER_SEC}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        apr_interval_time_t value = -1;
        assert_true(cs_duration_parse(&value, cases[i].text));
        assert_true(value == cases[i].value);
    }
}

static void test_anything_else_is_none_and_leaves_0(void **state)
{
    static const char *const texts[] = {"",
                                        " 1s",
                                        "-1s",
                                        "+1s",
                                        "s",
                                        "1 s",
                                        "1S",
                                        "1m",
                                        "1sec",
                                        "1.5s",
                                        "1s ",
                                        "36501d",
                                        "876001h",
                                        "3153600001s",
                                        "9223372036854775807d",
                                        "99999999999999999999",
                                        "0x10",
                                        "1min30s"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        apr_interval_time_t value = -1;
        assert_false(cs_duration_parse(&value, texts[i]));
        assert_true(value == 0);
    }
}

static void test_print_takes_the_largest_unit_and_parses_back(void **state)
{
    static const char *const texts[] = {"0ms", "1ms", "1500ms", "1s", "90s", "2min", "1h", "36h", "30d", "36500d"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        apr_interval_time_t value;
        assert_true(cs_duration_parse(&value, texts[i]));
        assert_string_equal(cs_duration_print(value, *state), texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_number_with_a_unit_is_a_duration),
        FIXTURE_TEST(test_anything_else_is_none_and_leaves_0),
        FIXTURE_TEST(test_print_takes_the_largest_unit_and_parses_back),
    };

    return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
