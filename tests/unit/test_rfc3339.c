/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "fixture.h"
#include "core/rfc3339.h"

static void test_print_and_parse_are_inverse(void **state)
{
    const apr_time_t times[] = {0, APR_INT64_C(1795411867123000), APR_INT64_C(2147483648000000),
                                APR_INT64_C(253402300799999000)};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        apr_time_t back;
        const char *text = cs_rfc3339_print(times[i], *state);
        assert_non_null(text);
        assert_int_equal(cs_rfc3339_parse(&back, text), APR_SUCCESS);
        assert_true(back == times[i]);
    }
    assert_string_equal(cs_rfc3339_print(times[1], *state), "2026-11-23T05:31:07.123Z");
}

static void test_times_outside_the_years_1970_to_9999_are_not_printed(void **state)
{
    assert_null(cs_rfc3339_print(-1, *state));
    assert_null(cs_rfc3339_print(APR_INT64_C(253402300800000000), *state));
    assert_null(cs_rfc3339_print(APR_INT64_MAX, *state));
}

static void test_dates_offsets_and_fractions_are_read(void **state)
{
    static const struct {
        const char *text;
        apr_time_t seconds, usec;
    } cases[] = {{"2026-11-23", 1795392000, 0},
                 {"2026-11-23T05:31:07Z", 1795411867, 0},
                 {"2026-11-23T14:31:07+09:00", 1795411867, 0},
                 {"2026-11-23T00:01:07-05:30", 1795411867, 0},
                 {"2026-11-23T05:31:07.5Z", 1795411867, 500000},
                 {"2026-11-23T05:31:07.1234567891Z", 1795411867, 123456},
                 {"2028-02-29", 1835395200, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        apr_time_t time;
        assert_int_equal(cs_rfc3339_parse(&time, cases[i].text), APR_SUCCESS);
        assert_true(time == cases[i].seconds * APR_USEC_PER_SEC + cases[i].usec);
    }
}

static void test_what_is_no_time_is_refused(void **state)
{
    static const char *const cases[] = {"",
                                        "abc",
                                        "2026",
                                        "2026-11",
                                        "2026-11-2",
                                        "2026-13-01",
                                        "2026-00-01",
                                        "2026-02-29",
                                        "2026-11-31",
                                        "2026-11-23T",
                                        "2026-11-23 05:31:07",
                                        "2026-11-23T05:31:07",
                                        "2026-11-23T24:00:00Z",
                                        "2026-11-23T05:60:00Z",
                                        "2026-11-23T05:31:60Z",
                                        "2026-11-23T05:31:07.Z",
                                        "2026-11-23T05:31:07+9:00",
                                        "2026-11-23T05:31:07+24:00",
                                        "2026-11-23T05:31:07+09:60",
                                        "2026-11-23T05:31:07+09:0",
                                        "2026-11-23T05:31:07+09:00x",
                                        "2026-11-23T05:31:7Z",
                                        "2026-11-23T05:3",
                                        "2026-11-23T5:31:07Z",
                                        "2026-11-23T05:31:07 Z",
                                        "2026-11-23T05:31:07Zx",
                                        "1969-12-31",
                                        "２０２６-11-23"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        apr_time_t time = 1;
        assert_int_equal(cs_rfc3339_parse(&time, cases[i]), CS_EMALFORMED);
        assert_true(time == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_print_and_parse_are_inverse),
        FIXTURE_TEST(test_times_outside_the_years_1970_to_9999_are_not_printed),
        FIXTURE_TEST(test_dates_offsets_and_fractions_are_read),
        FIXTURE_TEST(test_what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
