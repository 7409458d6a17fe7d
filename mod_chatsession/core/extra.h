/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_EXTRA_H
#define CS_EXTRA_H
/*
 * What an answer has beside its text: the model's reasoning, calls of tools, parts that are no text. They come piece by
 * piece like the text and are kept together as one JSON object.
 */
#include "core/completion.h"

typedef struct cs_extra cs_extra_t;

cs_extra_t *cs_extra_create(apr_pool_t *pool);

/** Take what piece has of it; CS_ETOOBIG when all would be longer than limit octets, and then nothing is taken. */
apr_status_t cs_extra_add(cs_extra_t *extra, const cs_completion_t *piece, apr_size_t limit) CS_MUSTCHECK;

/** The reasoning so far, valid until more of it comes. */
const char *cs_extra_reasoning(const cs_extra_t *extra, apr_size_t *len);

/** {"tool_calls","parts"} so far, each only where there is one; a new reference, NULL: nothing came, or no memory. */
json_t *cs_extra_beside(const cs_extra_t *extra);

/** A number that changes with what cs_extra_beside says; 0: nothing came. */
unsigned cs_extra_version(const cs_extra_t *extra);

/**
 * From one {"tool_calls","parts"} (NULL: nothing) to a later one of the same answer in the form of a delta: new calls,
 * what the arguments of others gained, new parts. A new reference, NULL: nothing new, or no memory.
 */
json_t *cs_extra_news(const json_t *before, const json_t *after);

/** {"reasoning","tool_calls","parts"} as JSON text in pool, each only where there is one; NULL: nothing came. */
const char *cs_extra_print(const cs_extra_t *extra, apr_pool_t *pool);

#endif
