/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_CHATPROMPT_H
#define CS_CHATPROMPT_H
/*
 * How a history becomes the body of a request to a model. A prompt is the system text and the messages of one branch,
 * oldest first. The model gets whole turns only: when the window is full, the oldest turns are left out, never the
 * system text and never the last message of the user.
 */
#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>
#include <stdbool.h>
#include "core/status.h"

typedef struct {
    const char *role; /* "user" or "assistant" */
    const char *content;
} cs_prompt_message_t;

typedef struct {
    const char *system;           /* NULL or "": none */
    const json_t *examples;       /* messages shown after it, always sent; NULL: none */
    apr_array_header_t *messages; /* of cs_prompt_message_t, oldest first; the last one is the user's */
} cs_prompt_t;

typedef struct {
    const char *model;
    bool stream;
    int max_turns;         /* 0: all */
    apr_size_t max_octets; /* of all texts; 0: no limit. The newest turn is sent however long it is */
    const json_t *params;  /* temperature, top_p, max_tokens, …: merged in; NULL: none */
} cs_prompt_options_t;

/** An empty prompt in pool. */
cs_prompt_t *cs_prompt_create(apr_pool_t *pool);

/** Append a message; strings are borrowed. */
void cs_prompt_add(cs_prompt_t *prompt, const char *role, const char *content);

/** How many turns: messages of the user. */
int cs_prompt_turns(const cs_prompt_t *prompt);

/** Whether it ends with a message of the user and has no other roles than the two: a message that calls itself the
 * system's is none of ours. */
bool cs_prompt_is_sendable(const cs_prompt_t *prompt);

/** The index of the first message that is sent: a user's, when turns are left out. */
int cs_prompt_window(const cs_prompt_t *prompt, const cs_prompt_options_t *options);

/** Put params, and stream with its options, into the body of a request. */
apr_status_t cs_prompt_add_options(json_t *body, const cs_prompt_options_t *options) CS_MUSTCHECK;

/** Octets of the texts that cs_prompt_to_completions sends by options. */
apr_size_t cs_prompt_octets(const cs_prompt_t *prompt, const cs_prompt_options_t *options);

/**
 * The chat-completions body in pool: {"model","messages",[params…],"stream","stream_options"}. CS_EREFUSED when the
 * prompt does not end with a message of the user, or holds a role other than the two; CS_ENOTTEXT when the model's name
 * is missing or a text is not UTF-8. params cannot replace our own members, nor "prompt", which is one of a body with
 * one text. An answer without text (stopped before its first token) is left out together with nothing else: its
 * question stays.
 */
apr_status_t cs_prompt_to_completions(const char **body, apr_size_t *len, const cs_prompt_t *prompt,
                                      const cs_prompt_options_t *options, apr_pool_t *pool) CS_MUSTCHECK;

#endif
