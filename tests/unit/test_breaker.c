/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* [G12] When a circuit breaker lets somebody through. */
#include "core/breaker.h"
#include "fixture.h"

static const cs_breaker_policy_t policy = {3, 10};

static void trip(cs_breaker_t *breaker, apr_time_t now)
{
    for (unsigned i = 0; i < policy.failures; i++) {
        assert_true(cs_breaker_admit(breaker, &policy, now));
        assert_int_equal(cs_breaker_fail(breaker, &policy, now), i + 1 == policy.failures);
    }
}

static void test_it_opens_after_so_many_failures_in_a_row(void **state)
{
    cs_breaker_t breaker = {0};
    apr_interval_time_t wait;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_false(cs_breaker_fail(&breaker, &policy, 100));
        assert_false(cs_breaker_fail(&breaker, &policy, 100));
        assert_int_equal(cs_breaker_state(&breaker, &policy, 100, &wait), CS_BREAKER_CLOSED);
        assert_false(cs_breaker_succeed(&breaker, &policy));
    }
    trip(&breaker, 100);
    assert_int_equal(cs_breaker_state(&breaker, &policy, 103, &wait), CS_BREAKER_OPEN);
    assert_int_equal(wait, 7);
    assert_false(cs_breaker_admit(&breaker, &policy, 109));
    assert_int_equal(atomic_load(&breaker.refused), 1);
}

static void test_one_trial_a_pause_goes_through(void **state)
{
    cs_breaker_t breaker = {0};

    (void)state;
    trip(&breaker, 100);
    assert_int_equal(cs_breaker_state(&breaker, &policy, 110, NULL), CS_BREAKER_HALF_OPEN);
    assert_true(cs_breaker_admit(&breaker, &policy, 110));
    assert_false(cs_breaker_admit(&breaker, &policy, 110));
    assert_false(cs_breaker_fail(&breaker, &policy, 115));
    assert_false(cs_breaker_admit(&breaker, &policy, 119));
    assert_true(cs_breaker_admit(&breaker, &policy, 120));
}

static void test_a_success_closes_it(void **state)
{
    cs_breaker_t breaker = {0};

    (void)state;
    trip(&breaker, 100);
    assert_true(cs_breaker_admit(&breaker, &policy, 110));
    assert_true(cs_breaker_succeed(&breaker, &policy));
    assert_false(cs_breaker_succeed(&breaker, &policy));
    assert_true(cs_breaker_admit(&breaker, &policy, 111));
    assert_int_equal(cs_breaker_state(&breaker, &policy, 111, NULL), CS_BREAKER_CLOSED);
}

static void test_a_clock_that_is_put_back_keeps_nobody_out(void **state)
{
    cs_breaker_t breaker = {0};

    (void)state;
    trip(&breaker, 1000000);
    assert_true(cs_breaker_admit(&breaker, &policy, 5));
    assert_false(cs_breaker_admit(&breaker, &policy, 6));
}

static void test_zero_failures_never_open_it(void **state)
{
    const cs_breaker_policy_t never = {0, 10};
    cs_breaker_t breaker = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(cs_breaker_fail(&breaker, &never, i));
    assert_true(cs_breaker_admit(&breaker, &never, 100));
    assert_false(cs_breaker_succeed(&breaker, &never));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_opens_after_so_many_failures_in_a_row),
        cmocka_unit_test(test_one_trial_a_pause_goes_through),
        cmocka_unit_test(test_a_success_closes_it),
        cmocka_unit_test(test_a_clock_that_is_put_back_keeps_nobody_out),
        cmocka_unit_test(test_zero_failures_never_open_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
