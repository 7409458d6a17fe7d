/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_PROMPTTEXT_H
#define CS_PROMPTTEXT_H
/*
 * A history as one text, as models without chat messages are given it, and the body that asks with it.
 */
#include "core/chatprompt.h"
#include "core/prompttemplate.h"

/** How a model's server is asked. */
typedef enum {
    CS_PROMPT_CHAT,       /* /chat/completions: messages */
    CS_PROMPT_COMPLETION, /* /completions: one text */
    CS_PROMPT_LLAMACPP    /* llama.cpp's own /completion: one text, other names */
} cs_prompt_form_e;

/** The text in pool. One that ends with an answer ends there; else with the answering role alone. options say how many
 * turns; NULL: all. */
const char *cs_prompt_to_text(const cs_prompt_t *prompt, const cs_prompt_template_t *template,
                              const cs_prompt_options_t *options, apr_pool_t *pool);

/**
 * The body of a request with one text: {"model","prompt","stop","stream","stream_options"[params…]}, for llama.cpp
 * without the model, and with "n_predict" in the place of "max_tokens". stop joins the template's and params' own.
 * Statuses as of cs_prompt_to_completions.
 */
apr_status_t cs_prompt_to_text_body(const char **body, apr_size_t *len, const cs_prompt_t *prompt,
                                    const cs_prompt_options_t *options, const cs_prompt_template_t *template,
                                    cs_prompt_form_e form, apr_pool_t *pool) CS_MUSTCHECK;

/** text percent-encoded but for letters, digits and - . _ ~ /, in pool. */
const char *cs_prompt_percent_encode(const char *text, apr_pool_t *pool);

#endif
