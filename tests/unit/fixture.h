/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_FIXTURE_H
#define CS_FIXTURE_H
/*
 * What every unit test has: a pool of its own in *state, destroyed after it, and a generator of numbers that are the
 * same in every run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

#endif
