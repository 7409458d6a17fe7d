/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_STREAM_H
#define CHATSESSION_STREAM_H
/*
 * What happens while mod_proxy works for a turn, by three filters:
 *   replay  (request input)       gives mod_proxy the upstream body, whole and with its end in one call, so that it is
 * never spooled to a file record  (request output)      takes the model's bytes apart, appends the text to the turn,
 * sends events to the browser; the browser's leaving is kept to itself tick    (backend connection)  cuts a blocking
 * read into slices: heartbeats, stop, time limits, all in the request's own thread
 */
#include "turn.h"

void chatsession_stream_register(void);

/** Hook pre_connection: put tick on mod_proxy's connections. It stays there while the connection is kept and does
 * nothing outside of a turn. */
int chatsession_stream_pre_connection(conn_rec *c, void *csd);

/** Put replay and record on the turn's request. */
void chatsession_stream_attach(chatsession_turn_t *turn);

/** mod_proxy came back with status: judge how the answer ended. */
void chatsession_stream_ended(chatsession_turn_t *turn, int status);

/** Pass what is unsent, and then bb, to the browser now; after it has left, only drop it. bb is empty afterwards. */
void chatsession_stream_send(chatsession_turn_t *turn, apr_bucket_brigade *bb);

/** Pass what is unsent. */
void chatsession_stream_flush(chatsession_turn_t *turn);

/** End the browser's answer here and now; nothing more is sent to it. */
void chatsession_stream_end(chatsession_turn_t *turn);

/** The browser may hear no more: end its answer here and now, without "done". The turn goes on. */
void chatsession_stream_cut(chatsession_turn_t *turn);

/** While a turn runs, its thread waits for a browser that does not read only so long. */
void chatsession_stream_patience(chatsession_turn_t *turn, bool begin);

/** Whether httpd is being stopped, not gracefully. */
bool chatsession_stream_is_stopping(const chatsession_turn_t *turn);

/** Do what others want of the turn: cut it, or bring it into the state in which its thread ends it. */
void chatsession_stream_obey(chatsession_turn_t *turn);

/** A heartbeat when it is time for one. */
void chatsession_stream_heartbeat(chatsession_turn_t *turn);

#endif
