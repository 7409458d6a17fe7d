/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Sums of times are made with checked arithmetic. What cannot be represented counts as over: a broken row or clock must
 * end a session, never extend one.
 */
#include "core/session.h"

/** Whether now is at or past start + limit; also when that sum is no time. */
static bool is_over(apr_time_t start, apr_interval_time_t limit, apr_time_t now)
{
    apr_time_t end;

    if (__builtin_add_overflow(start, limit, &end))
        return true;
    return end <= now;
}

static bool is_ahead(apr_time_t time, apr_time_t now)
{
    apr_time_t latest;

    return !__builtin_add_overflow(now, CS_SESSION_SKEW, &latest) && time > latest;
}

static bool is_in_grace(const cs_session_times_t *times, const cs_session_limits_t *limits, apr_time_t now)
{
    return times->rotated && !is_ahead(times->revoked, now) && !is_over(times->revoked, limits->grace, now);
}

cs_session_validity_e cs_session_judge(const cs_session_times_t *times, const cs_session_limits_t *limits,
                                       apr_time_t now)
{
    if (times->revoked && !is_in_grace(times, limits, now))
        return CS_SESSION_REVOKED;
    if (is_ahead(times->created, now))
        return CS_SESSION_EXPIRED;
    if (limits->max_lifetime && is_over(times->created, limits->max_lifetime, now))
        return CS_SESSION_EXPIRED;
    if (limits->idle_timeout &&
        (is_ahead(times->last_seen, now) || is_over(times->last_seen, limits->idle_timeout, now)))
        return CS_SESSION_IDLE;
    return CS_SESSION_VALID;
}

cs_session_times_t cs_session_console_times(const cs_session_times_t *times)
{
    cs_session_times_t seen = *times;

    seen.last_seen = times->console_seen > times->created ? times->console_seen : times->created;
    return seen;
}

static apr_time_t end_of(apr_time_t start, apr_interval_time_t limit)
{
    apr_time_t end;

    if (!limit)
        return 0;
    if (__builtin_add_overflow(start, limit, &end))
        return limit > 0 ? APR_INT64_MAX : APR_INT64_MIN;
    return end;
}

apr_time_t cs_session_idle_at(const cs_session_times_t *times, const cs_session_limits_t *limits)
{
    return end_of(times->last_seen, limits->idle_timeout);
}

apr_time_t cs_session_ends_at(const cs_session_times_t *times, const cs_session_limits_t *limits)
{
    return end_of(times->created, limits->max_lifetime);
}

int cs_session_wants_touch(const cs_session_times_t *times, apr_interval_time_t interval, apr_time_t now)
{
    apr_interval_time_t age;

    if (now < times->last_seen)
        return 0;
    return __builtin_sub_overflow(now, times->last_seen, &age) || age > interval;
}
