/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STEADY_H
#define CS_STEADY_H
/*
 * The clock that nobody sets. How long something takes, when it is too late, how long to wait: all that is measured
 * here, so that a host whose clock is put right ends no answer and leaves none without a heartbeat. What is shown,
 * stored or compared with a time of day is apr_time_now()'s or, better, PostgreSQL's.
 */
#include <apr_time.h>
#include <pthread.h>
#include <time.h>

/** Microseconds since some moment of the past, the same for all processes of the host. */
apr_time_t cs_steady_now(void);
/** A moment of this clock as the system's calls with CLOCK_MONOTONIC want it. */
struct timespec cs_steady_timespec(apr_time_t moment);
/** Wait on cond, whose lock is held, for at most limit; APR's own wait ends by the time of day. 0 or ETIMEDOUT. */
int cs_steady_wait(pthread_cond_t *cond, pthread_mutex_t *lock, apr_interval_time_t limit);

#endif
