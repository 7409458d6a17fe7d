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

/** {"reasoning","tool_calls","parts"} as JSON text in pool, each only where there is one; NULL: nothing came. */
const char *cs_extra_print(const cs_extra_t *extra, apr_pool_t *pool);

#endif
