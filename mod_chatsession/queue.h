/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_QUEUE_H
#define CHATSESSION_QUEUE_H
/*
 * How much at once. Over all children and hosts: ChatSessionMaxTurns answers are written, ChatSessionMaxWaiting turns
 * wait for a place, which is a row of live_turns in state queued; the schema decides whose place has come
 * (schema/009_load.sql), the recorder hears of it. In each child: streams take no more than ChatSessionStreamShare of
 * the workers, so that all other calls are answered while they run.
 */
#include "turn.h"

/** At child start. */
void chatsession_queue_init(void);

/** Take one of this child's places for streams; false: all are taken. */
bool chatsession_streams_enter(const chatsession_server_t *conf);
void chatsession_streams_leave(void);

/** 503: this child's places are taken. */
int chatsession_streams_refuse(request_rec *r);

/** The limits that a new turn is begun under. */
cs_turn_limits_t chatsession_queue_limits(const chatsession_server_t *conf);

/** 429: nobody more may wait, or the user has used up what one user may. */
int chatsession_queue_refuse(request_rec *r, const cs_turn_limits_t *limits, const cs_turn_begun_t *begun);

/** Wait until the turn is let in, telling its browser of its place; its state is another one afterwards. */
void chatsession_queue_wait(chatsession_turn_t *turn);

/** The data of "queue"; estimate negative: unknown. */
json_t *chatsession_queue_json(int place, double estimate);

#endif
