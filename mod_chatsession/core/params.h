/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_PARAMS_H
#define CS_PARAMS_H
/*
 * What a user may set of how a model answers: names and bounds of the OpenAI API. What is not named here is refused, so
 * that nobody orders tools, other formats or many answers at once through a conversation's settings.
 */
#include <apr_pools.h>
#include <jansson.h>
#include "core/status.h"

/** Whether params may be a conversation's. CS_EREFUSED and a sentence in *problem (in pool) that names the member, what
 * was there and what was expected. */
apr_status_t cs_params_check(const char **problem, const json_t *params, apr_pool_t *pool) CS_MUSTCHECK;

/** The same for example turns: a user's and an assistant's message in turn, each {"role","content"}. */
apr_status_t cs_examples_check(const char **problem, const json_t *examples, apr_pool_t *pool) CS_MUSTCHECK;

#endif
