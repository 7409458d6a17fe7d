/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_H
#define CS_SESSION_H
/*
 * When a session is valid: the one place that compares a session's times. All times are the database's clock in
 * microseconds since 1970, so a jump of a host's own clock extends no session; now is an argument.
 *
 * The grace of a rotation. A new id at re-authentication ends the old one in the same statement. Requests that left the
 * browser before the new cookie reached it still carry the old id; were they refused, one tab would log the other out.
 * So an id that was replaced by its own user's next one goes on for the grace, as the session that it was: the answer
 * never names the new id, so who holds an old one wins nothing by it. It ends at once with its successor (a logout, a
 * disabled user, an operator: whatever ends the newer session), and there is none after a logout, for another user's
 * id, nor for an anonymous one, which a stranger may have planted.
 *
 * The console has limits of its own, and a clock of its own: what was used for chatting alone grows too old for it.
 */
#include <apr_time.h>
#include <stdbool.h>

typedef enum {
    CS_SESSION_VALID = 0,
    CS_SESSION_IDLE,    /* nothing was asked with it for idle_timeout */
    CS_SESSION_EXPIRED, /* its absolute lifetime is over */
    CS_SESSION_REVOKED  /* logged out or ended by an operator */
} cs_session_validity_e;

typedef struct {
    apr_time_t created;
    apr_time_t last_seen;
    apr_time_t revoked;      /* 0: not */
    apr_time_t console_seen; /* last use for the console; 0: never */
    bool rotated;            /* revoked because its user got a new id, and that one is live */
} cs_session_times_t;

typedef struct {
    apr_interval_time_t idle_timeout; /* 0: none */
    apr_interval_time_t max_lifetime; /* 0: none */
    apr_interval_time_t grace;        /* how long a rotated session goes on; 0: not at all */
} cs_session_limits_t;

/** How far ahead of now a time may lie: a replica that became the primary may be a little behind. */
#define CS_SESSION_SKEW apr_time_from_sec(60)

/** Revoked (beyond the grace of a rotation) outranks expired outranks idle. A limit is reached at exactly its time.
 * Extreme values neither overflow nor validate: a time further ahead of now than CS_SESSION_SKEW counts as over. */
cs_session_validity_e cs_session_judge(const cs_session_times_t *times, const cs_session_limits_t *limits,
                                       apr_time_t now);

/** The times as the console counts them: idle since it was last used for the console, or since its login. To be judged
 * by the console's limits. */
cs_session_times_t cs_session_console_times(const cs_session_times_t *times);

/** When the session will be idle / over if nothing more happens; 0 when there is no such limit. */
apr_time_t cs_session_idle_at(const cs_session_times_t *times, const cs_session_limits_t *limits);
apr_time_t cs_session_ends_at(const cs_session_times_t *times, const cs_session_limits_t *limits);

/** True when last_seen is older than interval and should be written back. */
int cs_session_wants_touch(const cs_session_times_t *times, apr_interval_time_t interval, apr_time_t now);

#endif
