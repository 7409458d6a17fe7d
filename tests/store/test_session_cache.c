/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The memory of sessions that children share; driven by test_session_cache.py. No database is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/token.h"
#include "store/session_cache.h"

#define LONG_LIFE apr_time_from_sec(3600)
#define NOW apr_time_from_sec(1795411867)

static apr_pool_t *pool;
static cs_session_cache_t *cache;

static int setup(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    return cs_session_cache_create(&cache, 1024, pool) == APR_SUCCESS ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

static const char *hash_of(int n)
{
    unsigned char id[CS_TOKEN_ID_BYTES] = {0};

    memcpy(id, &n, sizeof(n));
    return cs_token_hash(id, pool);
}

static cs_session_t session_of(const char *name)
{
    return (cs_session_t){.ref = "ref",
                          .user_id = "00000000-0000-4000-8000-000000000000",
                          .user = name,
                          .role = "user",
                          .times = {.created = NOW - 10, .last_seen = NOW - 5},
                          .now = NOW};
}

static void remember(int n, const char *name)
{
    const char *hash = hash_of(n);
    const cs_session_t session = session_of(name);

    cs_session_cache_put(cache, hash, &session, cs_session_cache_mark(cache, hash));
}

static bool ageing; /* what the last look-up said */

static bool knows(int n)
{
    cs_session_t found;

    return cs_session_cache_find(&found, &ageing, cache, hash_of(n), LONG_LIFE, pool) == APR_SUCCESS;
}

static void test_what_was_remembered_is_found_as_it_was(void **state)
{
    cs_session_t found;

    (void)state;
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), LONG_LIFE, pool), APR_ENOENT);
    remember(1, "美香");
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), LONG_LIFE, pool), APR_SUCCESS);
    assert_string_equal(found.user, "美香");
    assert_string_equal(found.role, "user");
    assert_string_equal(found.ref, "ref");
    assert_true(found.times.created == NOW - 10 && found.times.last_seen == NOW - 5 && found.times.revoked == 0);
    assert_true(found.now >= NOW); /* the database's clock goes on */
    assert_false(knows(2));
}

static void test_an_anonymous_session_is_found_as_it_was(void **state)
{
    const cs_session_t session = {.ref = "ref", .legacy_id = "old-1", .times = {.created = NOW}, .now = NOW};
    const char *hash = hash_of(1);
    cs_session_t found;

    (void)state;
    cs_session_cache_put(cache, hash, &session, cs_session_cache_mark(cache, hash));
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash, LONG_LIFE, pool), APR_SUCCESS);
    assert_null(found.user_id);
    assert_null(found.user);
    assert_null(found.role);
    assert_string_equal(found.legacy_id, "old-1");
}

static void test_the_consoles_use_is_remembered_apart(void **state)
{
    cs_session_t found;

    (void)state;
    remember(1, "mika");
    cs_session_cache_touch(cache, hash_of(1), NOW + 1);
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), LONG_LIFE, pool), APR_SUCCESS);
    assert_true(found.times.last_seen == NOW + 1 && found.times.console_seen == 0);
    cs_session_cache_touch_console(cache, hash_of(1), NOW + 2);
    cs_session_cache_touch_console(cache, hash_of(1), NOW);
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), LONG_LIFE, pool), APR_SUCCESS);
    assert_true(found.times.last_seen == NOW + 2 && found.times.console_seen == NOW + 2);
}

static void test_a_revocation_between_question_and_answer_is_not_overwritten(void **state)
{
    const char *hash = hash_of(1);
    const cs_session_t session = session_of("mika");
    const apr_uint32_t mark = cs_session_cache_mark(cache, hash);

    (void)state;
    cs_session_cache_remove(cache, hash);
    cs_session_cache_put(cache, hash, &session, mark);
    assert_false(knows(1));
}

static void test_forgetting_all_also_refuses_answers_that_are_on_their_way(void **state)
{
    const char *hash = hash_of(1);
    const cs_session_t session = session_of("mika");
    const apr_uint32_t mark = cs_session_cache_mark(cache, hash);

    (void)state;
    remember(2, "mika");
    cs_session_cache_clear(cache);
    cs_session_cache_put(cache, hash, &session, mark);
    assert_false(knows(1));
    assert_false(knows(2));
    assert_int_equal(cs_session_cache_count(cache), 0);
}

static void test_remove_forgets_that_session_and_no_other(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        remember(i, "mika");
    }
    cs_session_cache_remove(cache, hash_of(50));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(knows(i), i != 50);
    }
}

static void test_a_life_that_is_over_is_not_found(void **state)
{
    cs_session_t found;

    (void)state;
    remember(1, "mika");
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), 0, pool), APR_ENOENT);
}

/* So one request in the life of an entry has it looked up anew, and no request waits for that. */
static void test_one_caller_hears_that_half_the_life_is_over(void **state)
{
    const apr_interval_time_t life = apr_time_from_sec(2);
    const apr_time_t began = apr_time_now();
    cs_session_t found;
    bool first = false;

    (void)state;
    remember(1, "mika");
    while (!first && cs_session_cache_find(&found, &first, cache, hash_of(1), life, pool) == APR_SUCCESS) {
        assert_true(knows(1) && !ageing);
    }
    assert_true(first && apr_time_now() - began >= life / 2);
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), LONG_LIFE, pool), APR_SUCCESS);
    assert_false(ageing);
    remember(1, "mika");
    while (cs_session_cache_find(&found, &ageing, cache, hash_of(1), life, pool) == APR_SUCCESS && !ageing) {
        /* until the new life is half over */
    }
    assert_true(ageing);
}

static void test_touch_moves_last_seen_forward_only(void **state)
{
    cs_session_t found;

    (void)state;
    remember(1, "mika");
    cs_session_cache_touch(cache, hash_of(1), NOW + 60);
    cs_session_cache_touch(cache, hash_of(1), NOW);
    cs_session_cache_touch(cache, hash_of(2), NOW); /* unknown: nothing happens */
    assert_int_equal(cs_session_cache_find(&found, &ageing, cache, hash_of(1), LONG_LIFE, pool), APR_SUCCESS);
    assert_true(found.times.last_seen == NOW + 60);
}

static void test_a_full_set_gives_up_the_place_longest_unused(void **state)
{
    (void)state;
    apr_pool_clear(pool);
    assert_int_equal(cs_session_cache_create(&cache, CS_SESSION_CACHE_WAYS, pool), APR_SUCCESS); /* one set */
    for (int i = 0; i < CS_SESSION_CACHE_WAYS; i++) {
        remember(i, "mika");
        usleep(2); /* another microsecond for each */
    }
    assert_true(knows(0)); /* asked for just now: 1 is the oldest */
    remember(100, "mika");
    assert_true(knows(0));
    assert_false(knows(1));
    assert_true(knows(100));
    assert_int_equal(cs_session_cache_count(cache), CS_SESSION_CACHE_WAYS);
}

static void test_ten_thousand_sessions_fit_into_the_default_size(void **state)
{
    int known = 0;

    (void)state;
    apr_pool_clear(pool);
    assert_int_equal(cs_session_cache_create(&cache, 65536, pool), APR_SUCCESS);
    for (int i = 0; i < 10000; i++) {
        remember(i, "mika");
    }
    for (int i = 0; i < 10000; i++) {
        known += knows(i);
    }
    assert_int_equal(known, 10000);
}

static void test_a_name_that_does_not_fit_is_not_remembered_cut_short(void **state)
{
    char name[1000];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    remember(1, name);
    assert_false(knows(1));
}

/* A child that is killed at any moment, also with a lock in its hand, stops nobody. */
static void test_a_killed_child_leaves_no_lock_behind(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        const pid_t child = fork();

        if (child == 0) {
            for (int i = 0;; i++) {
                remember(i % 512, "mika");
                knows(i % 512);
            }
        }
        for (int i = 0; i < 200 + round * 5; i++) {
            knows(i % 512);
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        remember(round, "mika");
        assert_true(knows(round));
        apr_pool_clear(pool);
        assert_int_equal(cs_session_cache_create(&cache, 1024, pool), APR_SUCCESS);
    }
}

static void test_the_ear_of_a_dead_child_passes_on_and_nobody_hears_meanwhile(void **state)
{
    int ready[2];
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        const apr_status_t rv = cs_session_cache_take_ear(cache, apr_time_from_sec(1));
        cs_session_cache_set_hearing(cache, rv == APR_SUCCESS);
        (void)!write(ready[1], "x", 1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(cs_session_cache_is_hearing(cache));
    assert_int_equal(cs_session_cache_take_ear(cache, 1000), APR_TIMEUP);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(cs_session_cache_take_ear(cache, apr_time_from_sec(1)), APR_SUCCESS);
    assert_false(cs_session_cache_is_hearing(cache));
    cs_session_cache_leave_ear(cache);
    close(ready[0]);
    close(ready[1]);
}

static void test_only_echoes_of_the_own_token_count(void **state)
{
    const int slot = cs_session_cache_expect(cache, "abcdefghijklmnopqrst");
    const int other = cs_session_cache_expect(cache, "ABCDEFGHIJKLMNOPQRST");

    (void)state;
    assert_true(slot >= 0 && other >= 0 && slot != other);
    cs_session_cache_echo(cache, "ABCDEFGHIJKLMNOPQRST");
    cs_session_cache_echo(cache, "somebody-elses-token");
    assert_int_equal(cs_session_cache_await(cache, slot, 1, 1000), APR_TIMEUP);
    assert_int_equal(cs_session_cache_await(cache, other, 1, 1000), APR_SUCCESS);
}

static void test_a_slot_is_given_back_and_late_echoes_do_not_count_for_the_next(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        const int slot = cs_session_cache_expect(cache, "abcdefghijklmnopqrst");
        assert_true(slot >= 0);
        cs_session_cache_echo(cache, "abcdefghijklmnopqrst");
        cs_session_cache_echo(cache, "abcdefghijklmnopqrst");
        assert_int_equal(cs_session_cache_await(cache, slot, 1, 1000), APR_SUCCESS);
    }
    assert_int_equal(cs_session_cache_await(cache, cs_session_cache_expect(cache, "abcdefghijklmnopqrst"), 1, 1000),
                     APR_TIMEUP);
}

int main(int argc, char **argv)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_remembered_is_found_as_it_was),
        TEST(test_an_anonymous_session_is_found_as_it_was),
        TEST(test_the_consoles_use_is_remembered_apart),
        TEST(test_a_revocation_between_question_and_answer_is_not_overwritten),
        TEST(test_forgetting_all_also_refuses_answers_that_are_on_their_way),
        TEST(test_remove_forgets_that_session_and_no_other),
        TEST(test_a_life_that_is_over_is_not_found),
        TEST(test_one_caller_hears_that_half_the_life_is_over),
        TEST(test_touch_moves_last_seen_forward_only),
        TEST(test_a_full_set_gives_up_the_place_longest_unused),
        TEST(test_ten_thousand_sessions_fit_into_the_default_size),
        TEST(test_a_name_that_does_not_fit_is_not_remembered_cut_short),
        TEST(test_a_killed_child_leaves_no_lock_behind),
        TEST(test_the_ear_of_a_dead_child_passes_on_and_nobody_hears_meanwhile),
        TEST(test_only_echoes_of_the_own_token_count),
        TEST(test_a_slot_is_given_back_and_late_echoes_do_not_count_for_the_next),
    };

    if (apr_initialize() != APR_SUCCESS) {
        return 1;
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
