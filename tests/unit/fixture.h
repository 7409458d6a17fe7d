/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_FIXTURE_H
#define CS_FIXTURE_H
/*
 * What every unit test has: a pool of its own in *state, destroyed after it, a generator of numbers that are the same
 * in every run, and calls that can be refused, the first, the second and so on, until all went through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>

static inline int fixture_setup(void **state)
{
    apr_pool_t *pool = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return -1;
    *state = pool;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

#define FIXTURE_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/** xorshift64: *seed must not be 0. The result lies below bound. */
static inline unsigned int fixture_random(uint64_t *seed, unsigned int bound)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned int)((*seed >> 32) % bound);
}

/* The call that is refused, counted from now; 0: none. */
static int calls_left;

static inline bool is_refused(void)
{
    return calls_left && --calls_left == 0;
}

/* The Makefile links a program that has WRAP(function) with --wrap for it. */
#define WRAP(type, name, parameters, arguments, refusal)                                                               \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return is_refused() ? (refusal) : __real_##name arguments;                                                     \
    }

/* For json_set_alloc_funcs. */
static inline void *refusable_malloc(size_t size)
{
    return is_refused() ? NULL : malloc(size);
}

#define UNSET ((void *)0x5AFE)

typedef apr_status_t act_fn(const void *with, apr_pool_t *pool);

/* Calls act until nothing is refused any more; how often something was. */
static inline int refuse_each(act_fn *act, const void *with)
{
    for (int n = 1;; n++) {
        apr_pool_t *pool;
        apr_status_t rv;
        bool refused;

        assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
        calls_left = n;
        rv = act(with, pool);
        refused = calls_left == 0;
        calls_left = 0;
        apr_pool_destroy(pool);
        assert_int_equal(rv == APR_SUCCESS, !refused);
        if (!refused)
            return n - 1;
    }
}

#endif
