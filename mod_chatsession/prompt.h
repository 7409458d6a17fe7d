/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_PROMPT_H
#define CHATSESSION_PROMPT_H
/*
 * What a turn asks its model, in the form that the backend wants, and how the text that comes back is read: both are
 * decided by the same line of configuration.
 */
#include "core/chatprompt.h"
#include "turn.h"

/** Write turn->body out of the branch that ends with the user's message, as its conversation's settings say. */
apr_status_t chatsession_prompt_history(chatsession_turn_t *turn) CS_MUSTCHECK;

/** Write turn->body out of prompt. */
apr_status_t chatsession_prompt_write(chatsession_turn_t *turn, const cs_prompt_t *prompt,
                                      const cs_prompt_options_t *options) CS_MUSTCHECK;

/** Append to out what text of the model is of the answer; last: no more will come. */
apr_status_t chatsession_prompt_text(chatsession_turn_t *turn, const char *text, apr_size_t len, bool last,
                                     cs_text_t *out) CS_MUSTCHECK;

/** Learn from what the model's server counted. */
void chatsession_prompt_calibrate(const chatsession_turn_t *turn);

#endif
