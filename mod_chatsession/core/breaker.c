/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/breaker.h"

static bool is_tripped(unsigned failures, const cs_breaker_policy_t *policy)
{
    return policy->failures && failures >= policy->failures;
}

/** How long until the next trial. A clock that was put back does not make it longer. */
static apr_interval_time_t wait_from(apr_time_t tried, const cs_breaker_policy_t *policy, apr_time_t now)
{
    return now < tried || now - tried >= policy->pause ? 0 : policy->pause - (now - tried);
}

cs_breaker_state_e cs_breaker_state(const cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now,
                                    apr_interval_time_t *wait)
{
    const bool tripped = is_tripped(atomic_load(&breaker->failures), policy);
    const apr_interval_time_t left = tripped ? wait_from(atomic_load(&breaker->tried), policy, now) : 0;

    if (wait)
        *wait = left;
    if (!tripped)
        return CS_BREAKER_CLOSED;
    return left ? CS_BREAKER_OPEN : CS_BREAKER_HALF_OPEN;
}

/** Of all who come when a trial is due, one. */
static bool take_trial(cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now)
{
    long long tried = atomic_load(&breaker->tried);

    return !wait_from(tried, policy, now) && atomic_compare_exchange_strong(&breaker->tried, &tried, now);
}

bool cs_breaker_admit(cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now)
{
    if (is_tripped(atomic_load(&breaker->failures), policy) && !take_trial(breaker, policy, now)) {
        atomic_fetch_add(&breaker->refused, 1);
        return false;
    }
    atomic_fetch_add(&breaker->admitted, 1);
    return true;
}

bool cs_breaker_succeed(cs_breaker_t *breaker, const cs_breaker_policy_t *policy)
{
    return is_tripped(atomic_exchange(&breaker->failures, 0), policy);
}

bool cs_breaker_fail(cs_breaker_t *breaker, const cs_breaker_policy_t *policy, apr_time_t now)
{
    const unsigned before = atomic_fetch_add(&breaker->failures, 1);

    atomic_fetch_add(&breaker->failed, 1);
    if (is_tripped(before, policy) || !is_tripped(before + 1, policy))
        return false;
    atomic_store(&breaker->tried, now);
    return true;
}

void cs_breaker_hear(cs_breaker_t *breaker, apr_interval_time_t waited)
{
    atomic_fetch_add(&breaker->heard, 1);
    atomic_fetch_add(&breaker->waited, waited > 0 ? (unsigned long long)waited : 0);
}
