/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/pace.h"

/** In how many statements all are saved. */
static int parts(const cs_pace_t *pace)
{
    return pace->count > CS_PACE_TOGETHER ? (pace->count + CS_PACE_TOGETHER - 1) / CS_PACE_TOGETHER : 1;
}

/** From asking for an answer to asking for it again: what came just after it was asked for is stored by the next
 * statement, and that takes its time. */
static apr_interval_time_t period(const cs_pace_t *pace)
{
    return pace->takes < pace->interval ? pace->interval - pace->takes : 0;
}

int cs_pace_share(const cs_pace_t *pace)
{
    return (pace->count + parts(pace) - 1) / parts(pace);
}

bool cs_pace_is_due(const cs_pace_t *pace, apr_time_t asked, apr_time_t now)
{
    return now + pace->takes + cs_pace_rest(pace) - asked >= period(pace);
}

apr_time_t cs_pace_next(const cs_pace_t *pace, apr_time_t asked)
{
    const apr_time_t due = asked + period(pace);
    const apr_time_t part = pace->began + period(pace) / parts(pace);

    return parts(pace) > 1 && part < due ? part : due;
}

apr_interval_time_t cs_pace_rest(const cs_pace_t *pace)
{
    const apr_interval_time_t most = pace->interval / 4 / parts(pace);

    return pace->takes < most ? pace->takes : most;
}

void cs_pace_learn(cs_pace_t *pace, apr_interval_time_t took)
{
    pace->takes = (3 * pace->takes + took) / 4;
}
