/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_REFUSAL_H
#define CS_REFUSAL_H
/*
 * Calls that are refused, the first, the second and so on, until all went through: each time what was called must be a
 * failure. The Makefile links a program that has WRAP(function) with --wrap for it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include "fixture.h"

/* The call that is refused, counted from now; 0: none. */
static int calls_left;

static bool is_refused(void)
{
    return calls_left && --calls_left == 0;
}

#define WRAP(type, name, parameters, arguments, refusal)                                                               \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return is_refused() ? (refusal) : __real_##name arguments;                                                     \
    }

/* For json_set_alloc_funcs. */
static void *refusable_malloc(size_t size)
{
    return is_refused() ? NULL : malloc(size);
}

#define UNSET ((void *)0x5AFE)

typedef apr_status_t act_fn(const void *with, apr_pool_t *pool);

/* Calls act until nothing is refused any more; how often something was. */
static int refuse_each(act_fn *act, const void *with)
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
