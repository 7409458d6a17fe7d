/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_H
#define CS_SESSION_H
/*
 * When a session is valid: the one place that compares a session's times. All times are the database's clock in
 * microseconds since 1970, so a jump of a host's own clock extends no session; now is an argument.
 */
#include <apr_time.h>

typedef enum {
    CS_SESSION_VALID = 0,
    CS_SESSION_IDLE,    /* nothing was asked with it for idle_timeout */
    CS_SESSION_EXPIRED, /* its absolute lifetime is over */
    CS_SESSION_REVOKED  /* logged out or ended by an operator */
} cs_session_validity_e;

typedef struct {
    apr_time_t created;
    apr_time_t last_seen;
    apr_time_t revoked; /* 0: not */
} cs_session_times_t;

typedef struct {
    apr_interval_time_t idle_timeout; /* 0: none */
    apr_interval_time_t max_lifetime; /* 0: none */
} cs_session_limits_t;

/** How far ahead of now a time may lie: a replica that became the primary may be a little behind. */
#define CS_SESSION_SKEW apr_time_from_sec(60)

/** Revoked outranks expired outranks idle. A limit is reached at exactly its time. Extreme values neither overflow nor
 * validate: a time further ahead of now than CS_SESSION_SKEW counts as over. */
cs_session_validity_e cs_session_judge(const cs_session_times_t *times, const cs_session_limits_t *limits,
                                       apr_time_t now);

/** When the session will be idle / over if nothing more happens; 0 when there is no such limit. */
apr_time_t cs_session_idle_at(const cs_session_times_t *times, const cs_session_limits_t *limits);
apr_time_t cs_session_ends_at(const cs_session_times_t *times, const cs_session_limits_t *limits);

/** True when last_seen is older than interval and should be written back. */
int cs_session_wants_touch(const cs_session_times_t *times, apr_interval_time_t interval, apr_time_t now);

#endif
