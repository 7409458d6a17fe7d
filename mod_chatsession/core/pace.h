/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_PACE_H
#define CS_PACE_H
/*
 * When running answers are saved: each once an interval, few of them by one statement, many by several that are spread
 * over the interval, so that what a thousand have written is no burst of work in which their next tokens wait.
 *
 * Whoever saves keeps the answers in the order in which he asked for them last. At cs_pace_next he takes the first
 * cs_pace_share, and those behind them that are due, by one statement. A database that does not keep up so gets larger
 * statements and not more of them.
 */
#include <apr_time.h>
#include <stdbool.h>

/* So many answers are saved by one statement as long as the database keeps up. */
#define CS_PACE_TOGETHER 250

typedef struct {
    apr_interval_time_t interval; /* within it what has come is stored */
    apr_interval_time_t takes;    /* what a statement takes, about */
    int count;                    /* of answers */
    apr_time_t began;             /* when the last statement was begun */
} cs_pace_t;

/** How many of the answers, at least, one statement saves. */
int cs_pace_share(const cs_pace_t *pace);

/** Whether an answer that was asked for at asked must be again now: it would be late after another statement. */
bool cs_pace_is_due(const cs_pace_t *pace, apr_time_t asked, apr_time_t now);

/** When the next statement is to begin; asked: when the first of the answers was asked for. */
apr_time_t cs_pace_next(const cs_pace_t *pace, apr_time_t asked);

/** How long the database is left alone after a statement, however late the next one is. */
apr_interval_time_t cs_pace_rest(const cs_pace_t *pace);

/** A statement has taken so long. */
void cs_pace_learn(cs_pace_t *pace, apr_interval_time_t took);

#endif
