/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A session's times: both sides of each limit, what outranks what, and numbers that no clock gives. */
#include "core/session.h"
#include <stdbool.h>
#include "fixture.h"

#define SECOND APR_USEC_PER_SEC
#define START (apr_time_from_sec(1795411867))

static const cs_session_limits_t limits = {.idle_timeout = 1800 * SECOND, .max_lifetime = 12 * 3600 * SECOND};
static const cs_session_limits_t no_limits = {.grace = 0};

static cs_session_validity_e judge(apr_time_t created, apr_time_t last_seen, apr_time_t now)
{
    cs_session_times_t times = {.created = created, .last_seen = last_seen, .revoked = 0};

    return cs_session_judge(&times, &limits, now);
}

/** [A6] */
static void test_a_limit_is_reached_at_exactly_its_time(void **state)
{
    (void)state;
    assert_int_equal(judge(START, START, START + limits.idle_timeout - 1), CS_SESSION_VALID);
    assert_int_equal(judge(START, START, START + limits.idle_timeout), CS_SESSION_IDLE);
    assert_int_equal(judge(START, START + limits.max_lifetime - 1, START + limits.max_lifetime - 1), CS_SESSION_VALID);
    assert_int_equal(judge(START, START + limits.max_lifetime - 1, START + limits.max_lifetime), CS_SESSION_EXPIRED);
}

static void test_revoked_outranks_expired_outranks_idle(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START, .revoked = START + 1};
    apr_time_t late = START + 100 * 24 * 3600 * SECOND;

    (void)state;
    assert_int_equal(cs_session_judge(&times, &limits, late), CS_SESSION_REVOKED);
    assert_int_equal(cs_session_judge(&times, &limits, START), CS_SESSION_REVOKED);
    assert_int_equal(cs_session_judge(&times, &no_limits, START), CS_SESSION_REVOKED);
    times.revoked = 0;
    assert_int_equal(cs_session_judge(&times, &limits, late), CS_SESSION_EXPIRED);
    assert_int_equal(cs_session_judge(&times, &limits, START + limits.idle_timeout), CS_SESSION_IDLE);
}

static void test_no_limit_means_no_end(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START, .revoked = 0};

    (void)state;
    assert_int_equal(cs_session_judge(&times, &no_limits, START + 1000 * 24 * 3600 * SECOND), CS_SESSION_VALID);
    assert_int_equal(cs_session_idle_at(&times, &no_limits), 0);
    assert_int_equal(cs_session_ends_at(&times, &no_limits), 0);
}

/** [A6] */
static void test_years_2038_and_2106_are_ordinary(void **state)
{
    static const apr_int64_t seconds[] = {2147483647, 2147483648, 4294967295, 4294967296, 4102444800};
    size_t at;

    (void)state;
    for (at = 0; at < sizeof(seconds) / sizeof(seconds[0]); at++) {
        apr_time_t then = apr_time_from_sec(seconds[at]);

        assert_int_equal(judge(then - SECOND, then, then + SECOND), CS_SESSION_VALID);
        assert_int_equal(judge(then - SECOND, then, then + limits.idle_timeout), CS_SESSION_IDLE);
    }
}

/* A negative age is not "very young": a session from the future would live as long as its clock is wrong. */
static void test_times_ahead_of_now_are_not_valid(void **state)
{
    cs_session_times_t ahead = {.created = START + 3600 * SECOND, .last_seen = START + 3600 * SECOND, .revoked = 0};

    (void)state;
    assert_int_equal(judge(START + CS_SESSION_SKEW, START, START), CS_SESSION_VALID);
    assert_int_equal(judge(START + CS_SESSION_SKEW + 1, START, START), CS_SESSION_EXPIRED);
    assert_int_equal(judge(START, START + CS_SESSION_SKEW, START), CS_SESSION_VALID);
    assert_int_equal(judge(START, START + CS_SESSION_SKEW + 1, START), CS_SESSION_IDLE);
    assert_int_equal(cs_session_judge(&ahead, &no_limits, START), CS_SESSION_EXPIRED);
}

/** [A6] */
static void test_extreme_values_neither_overflow_nor_validate(void **state)
{
    static const apr_time_t extremes[] = {APR_INT64_MIN, APR_INT64_MIN + 1, -1, 0, 1, APR_INT64_MAX - 1, APR_INT64_MAX};
    const size_t count = sizeof(extremes) / sizeof(extremes[0]);
    size_t created, seen, now, limit;

    (void)state;
    for (created = 0; created < count; created++) {
        for (seen = 0; seen < count; seen++) {
            for (now = 0; now < count; now++) {
                for (limit = 0; limit < count; limit++) {
                    cs_session_times_t times = {.created = extremes[created],
                                                .last_seen = extremes[seen],
                                                .revoked = 0};
                    cs_session_limits_t some = {.idle_timeout = extremes[limit], .max_lifetime = extremes[limit]};
                    cs_session_validity_e validity = cs_session_judge(&times, &some, extremes[now]);

                    /* Without wrapping, what is valid was made before now and has not reached created + limit. */
                    if (validity == CS_SESSION_VALID && extremes[limit]) {
                        __int128 end = (__int128)extremes[created] + extremes[limit];

                        assert_true((__int128)extremes[now] < end && end <= APR_INT64_MAX);
                        assert_true((__int128)extremes[created] <= (__int128)extremes[now] + CS_SESSION_SKEW);
                    }
                    (void)cs_session_wants_touch(&times, some.idle_timeout, extremes[now]);
                }
            }
        }
    }
    assert_int_equal(judge(APR_INT64_MAX, APR_INT64_MAX, APR_INT64_MAX), CS_SESSION_EXPIRED);
    assert_int_equal(judge(APR_INT64_MIN, APR_INT64_MIN, APR_INT64_MAX), CS_SESSION_EXPIRED);
    assert_int_equal(judge(START, APR_INT64_MAX, START), CS_SESSION_IDLE);
}

static void test_ends_are_the_sums_or_the_last_time_there_is(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START + SECOND, .revoked = 0};
    cs_session_times_t last = {.created = APR_INT64_MAX - 1, .last_seen = APR_INT64_MAX - 1, .revoked = 0};
    cs_session_times_t first = {.created = APR_INT64_MIN, .last_seen = APR_INT64_MIN, .revoked = 0};
    const cs_session_limits_t backwards = {.idle_timeout = -1};

    (void)state;
    assert_int_equal(cs_session_idle_at(&times, &limits), START + SECOND + limits.idle_timeout);
    assert_int_equal(cs_session_ends_at(&times, &limits), START + limits.max_lifetime);
    assert_true(cs_session_idle_at(&last, &limits) == APR_INT64_MAX);
    assert_true(cs_session_ends_at(&last, &limits) == APR_INT64_MAX);
    assert_true(cs_session_idle_at(&first, &backwards) == APR_INT64_MIN);
}

static void test_touch_is_wanted_when_last_seen_is_older_than_the_interval(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START, .revoked = 0};
    cs_session_times_t ancient = {.created = START, .last_seen = APR_INT64_MIN, .revoked = 0};

    (void)state;
    assert_false(cs_session_wants_touch(&times, 60 * SECOND, START + 60 * SECOND));
    assert_true(cs_session_wants_touch(&times, 60 * SECOND, START + 60 * SECOND + 1));
    assert_false(cs_session_wants_touch(&times, 60 * SECOND, START - 3600 * SECOND));
    assert_true(cs_session_wants_touch(&ancient, 60 * SECOND, APR_INT64_MAX));
}

static const cs_session_limits_t with_grace = {.idle_timeout = 1800 * SECOND,
                                               .max_lifetime = 12 * 3600 * SECOND,
                                               .grace = 10 * SECOND};

static void test_a_rotated_session_goes_on_for_exactly_the_grace(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START, .revoked = START + SECOND, .rotated = true};

    (void)state;
    assert_int_equal(cs_session_judge(&times, &with_grace, START + SECOND), CS_SESSION_VALID);
    assert_int_equal(cs_session_judge(&times, &with_grace, START + 11 * SECOND - 1), CS_SESSION_VALID);
    assert_int_equal(cs_session_judge(&times, &with_grace, START + 11 * SECOND), CS_SESSION_REVOKED);
    assert_int_equal(cs_session_judge(&times, &limits, START + SECOND), CS_SESSION_REVOKED);
}

/* A logout, another user's login, a successor that ended: the store does not call these rotated. */
static void test_what_was_not_rotated_has_no_grace(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START, .revoked = START + SECOND};

    (void)state;
    assert_int_equal(cs_session_judge(&times, &with_grace, START + SECOND), CS_SESSION_REVOKED);
    assert_int_equal(cs_session_judge(&times, &with_grace, START), CS_SESSION_REVOKED);
}

static void test_grace_lengthens_no_other_limit_and_trusts_no_strange_time(void **state)
{
    cs_session_times_t old = {.created = START - 12 * 3600 * SECOND,
                              .last_seen = START,
                              .revoked = START,
                              .rotated = true};
    cs_session_times_t idle = {.created = START, .last_seen = START, .revoked = START, .rotated = true};
    cs_session_times_t ahead = {.created = START,
                                .last_seen = START,
                                .revoked = START + CS_SESSION_SKEW + 1,
                                .rotated = true};
    cs_session_times_t last = {.created = START, .last_seen = START, .revoked = APR_INT64_MAX, .rotated = true};
    cs_session_limits_t endless = with_grace;

    (void)state;
    assert_int_equal(cs_session_judge(&old, &with_grace, START), CS_SESSION_EXPIRED);
    endless.grace = 3600 * SECOND;
    assert_int_equal(cs_session_judge(&idle, &endless, START + 1800 * SECOND), CS_SESSION_IDLE);
    assert_int_equal(cs_session_judge(&ahead, &with_grace, START), CS_SESSION_REVOKED);
    assert_int_equal(cs_session_judge(&last, &with_grace, APR_INT64_MAX), CS_SESSION_REVOKED);
}

static void test_the_consoles_clock_begins_at_the_login_and_moves_with_the_console(void **state)
{
    cs_session_times_t times = {.created = START, .last_seen = START + 900 * SECOND};

    (void)state;
    assert_true(cs_session_console_times(&times).last_seen == START);
    times.console_seen = START + 60 * SECOND;
    assert_true(cs_session_console_times(&times).last_seen == START + 60 * SECOND);
    assert_true(cs_session_console_times(&times).created == START);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_limit_is_reached_at_exactly_its_time),
        FIXTURE_TEST(test_revoked_outranks_expired_outranks_idle),
        FIXTURE_TEST(test_no_limit_means_no_end),
        FIXTURE_TEST(test_years_2038_and_2106_are_ordinary),
        FIXTURE_TEST(test_times_ahead_of_now_are_not_valid),
        FIXTURE_TEST(test_extreme_values_neither_overflow_nor_validate),
        FIXTURE_TEST(test_ends_are_the_sums_or_the_last_time_there_is),
        FIXTURE_TEST(test_a_rotated_session_goes_on_for_exactly_the_grace),
        FIXTURE_TEST(test_what_was_not_rotated_has_no_grace),
        FIXTURE_TEST(test_grace_lengthens_no_other_limit_and_trusts_no_strange_time),
        FIXTURE_TEST(test_the_consoles_clock_begins_at_the_login_and_moves_with_the_console),
        FIXTURE_TEST(test_touch_is_wanted_when_last_seen_is_older_than_the_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
