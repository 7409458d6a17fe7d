/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_TITLE_H
#define CHATSESSION_TITLE_H
/*
 * A conversation's title by the model (ChatSessionTitle model): after its first answer has ended, and the browser's
 * stream with it, the model is asked once more in the same thread. Nobody waits for it; when it fails, the first words
 * stay.
 */
#include "turn.h"

/** Before the stream of a turn begins: whether its conversation is to be named; the browser's next request must not
 * wait behind that on this connection. */
bool chatsession_title_prepare(chatsession_turn_t *turn);

/** After its end: end the browser's stream and name the conversation. */
void chatsession_title_make(chatsession_turn_t *turn);

#endif
