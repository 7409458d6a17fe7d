/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_ANSWERTEXT_H
#define CS_ANSWERTEXT_H
/*
 * From what a model writes after a template's last role to the text of its answer: the rest of the separator is taken
 * off its start, replacements are made, and it ends at the first stop text, whether the model's server knows that one
 * or not. It comes in pieces of any size, and how it is split makes no difference: what may be the beginning of
 * something to look for is held back until more has come.
 */
#include <jansson.h>
#include <stdbool.h>
#include "core/prompttemplate.h"
#include "core/text.h"

typedef struct cs_answertext cs_answertext_t;

/** stop: of the request, a text or an array of texts; NULL: the template's alone. Texts are borrowed. */
cs_answertext_t *cs_answertext_create(const cs_prompt_template_t *template, const json_t *stop, apr_pool_t *pool);

/** Append to out what is certain with these octets more. After a stop text nothing is. */
apr_status_t cs_answertext_feed(cs_answertext_t *answer, const char *text, apr_size_t len, cs_text_t *out) CS_MUSTCHECK;

/** No more will come: append what was held back. */
apr_status_t cs_answertext_end(cs_answertext_t *answer, cs_text_t *out) CS_MUSTCHECK;

/** Whether a stop text has come. */
bool cs_answertext_is_stopped(const cs_answertext_t *answer);

#endif
