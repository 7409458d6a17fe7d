/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_BREAKER_H
#define CS_BREAKER_H
/*
 * A circuit breaker: after so many failures in a row nobody is let through but one trial per pause, and the first
 * success lets all through again. It is memory that processes share, all zero at first, and every call may be made by
 * several at once.
 */
#include <apr_time.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    unsigned failures;         /* in a row, that open it; 0: never */
    apr_interval_time_t pause; /* between trials */
} cs_breaker_policy_t;

typedef struct {
    atomic_uint failures;                    /* in a row */
    atomic_llong tried;                      /* when it opened, or the last trial was let through */
    atomic_ullong admitted, failed, refused; /* since the beginning */
    atomic_ullong waited;                    /* microseconds until the first token, together */
    atomic_ullong heard;                     /* of so many */
} cs_breaker_t;

typedef enum {
    CS_BREAKER_CLOSED,
    CS_BREAKER_OPEN,
    CS_BREAKER_HALF_OPEN /* the next one is a trial */
} cs_breaker_state_e;

/** What it is now; *wait, if not NULL, is how long until the next trial (0 unless open). */
cs_breaker_state_e cs_breaker_state(const cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now,
                                    apr_interval_time_t *wait);

/** Whether somebody may go through. */
bool cs_breaker_admit(cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now);

/** Somebody who went through came back well; true when that closed it. */
bool cs_breaker_succeed(cs_breaker_t *breaker, const cs_breaker_policy_t *policy);

/** Somebody who went through failed; true when that opened it. */
bool cs_breaker_fail(cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now);

/** The first token came after so long. */
void cs_breaker_hear(cs_breaker_t *breaker, apr_interval_time_t waited);

#endif
