/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_BACKEND_H
#define CHATSESSION_BACKEND_H
/*
 * Asking a model. The only implementation hands the request to mod_proxy, which does connections, TLS, keep-alive, unix
 * sockets and balancers, and blocks until the answer has ended; what comes is given to stream.c's filters meanwhile. An
 * event-driven relay could take its place behind this one call: turn, queue and recorder know nothing else of how a
 * model is reached. It would send turn->body, hand every piece of the answer to what stream.c's record filter does with
 * one (stop when that says so), look around every tenth of a second as its tick filter does, and end with
 * chatsession_stream_ended.
 */
#include "turn.h"

/** Send turn->body to turn->backend and receive until the end; the outcome is in turn->state and turn->error. */
void chatsession_backend_ask(chatsession_turn_t *turn);

/** Hook proxy fixups: the headers that the backend gets, and no others. */
int chatsession_backend_headers(request_rec *r);

#endif
