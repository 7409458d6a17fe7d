/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_PROMPTTEXT_H
#define CS_PROMPTTEXT_H
/*
 * A history as one text, as models without chat messages are given it. A history that ends with a question ends with
 * the answering role alone, for the model to go on from.
 */
#include "core/chatprompt.h"

typedef enum {
    CS_PROMPT_REDPAJAMA, /* "<human>: text\n<bot>: text\n" */
    CS_PROMPT_RINNA      /* "User: text<NL>System: text<NL>"; a line's end within a text is <NL> too */
} cs_prompt_family_e;

/** The text in pool. */
const char *cs_prompt_to_text(const cs_prompt_t *prompt, cs_prompt_family_e index, apr_pool_t *pool);

/** text percent-encoded but for letters, digits and - . _ ~ /, in pool. */
const char *cs_prompt_percent_encode(const char *text, apr_pool_t *pool);

#endif
