/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The clock that nobody sets. tests/faults/clock.py shows what it is for. */
#include "fixture.h"
#include <errno.h>
#include "core/steady.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void test_it_never_goes_back(void **state)
{
    apr_time_t last = cs_steady_now();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        const apr_time_t now = cs_steady_now();
        assert_true(now >= last);
        last = now;
    }
}

static void test_a_moment_is_the_same_in_seconds_and_nanoseconds(void **state)
{
    const struct timespec ts = cs_steady_timespec(apr_time_from_sec(7) + 654321);

    (void)state;
    assert_int_equal(ts.tv_sec, 7);
    assert_int_equal(ts.tv_nsec, 654321000);
}

/* [H15] The limit is a length of time, not a time of day. */
static void test_a_wait_ends_when_its_time_is_over_and_not_before(void **state)
{
    const apr_time_t until = cs_steady_now() + 2000;

    (void)state;
    pthread_mutex_lock(&lock);
    assert_int_equal(cs_steady_wait(&cond, &lock, 2000), ETIMEDOUT);
    pthread_mutex_unlock(&lock);
    assert_true(cs_steady_now() >= until);
}

static void *signal_it(void *unused)
{
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void test_a_signal_ends_it_at_once(void **state)
{
    pthread_t thread;

    (void)state;
    pthread_mutex_lock(&lock);
    assert_int_equal(pthread_create(&thread, NULL, signal_it, NULL), 0);
    assert_int_equal(cs_steady_wait(&cond, &lock, apr_time_from_sec(60)), 0);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_it_never_goes_back),
        FIXTURE_TEST(test_a_moment_is_the_same_in_seconds_and_nanoseconds),
        FIXTURE_TEST(test_a_wait_ends_when_its_time_is_over_and_not_before),
        FIXTURE_TEST(test_a_signal_ends_it_at_once),
    };

    return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
