/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/steady.h"

apr_time_t cs_steady_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

struct timespec cs_steady_timespec(apr_time_t moment)
{
    struct timespec ts;

    ts.tv_sec = (time_t)apr_time_sec(moment);
    ts.tv_nsec = (long)apr_time_usec(moment) * 1000;
    return ts;
}

int cs_steady_wait(pthread_cond_t *cond, pthread_mutex_t *lock, apr_interval_time_t limit)
{
    const struct timespec until = cs_steady_timespec(cs_steady_now() + limit);

    return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &until);
}
