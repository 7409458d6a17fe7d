/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TEXT_H
#define CS_TEXT_H
/*
 * A growing text with a length, for what arrives piece by piece (an answer, an event). Memory is malloc's, freed with
 * the pool, so that growing does not pile up in a long request's pool. Not thread-safe.
 */
#include <apr_pools.h>
#include "core/status.h"

typedef struct cs_text cs_text_t;

cs_text_t *cs_text_create(apr_pool_t *pool);

/** Append; CS_ETOOBIG when the text would pass limit octets (0: none), and then nothing is appended. */
apr_status_t cs_text_append(cs_text_t *text, const char *bytes, apr_size_t len, apr_size_t limit) CS_MUSTCHECK;

/** Room for len octets more, to be written there and then counted by cs_text_grew; CS_ETOOBIG, or no memory: *room is
 * NULL. Valid until the next call. */
apr_status_t cs_text_room(char **room, cs_text_t *text, apr_size_t len) CS_MUSTCHECK;
void cs_text_grew(cs_text_t *text, apr_size_t len);

/** NUL-terminated, never NULL, valid until the next append. */
const char *cs_text_get(const cs_text_t *text);
apr_size_t cs_text_length(const cs_text_t *text);
void cs_text_clear(cs_text_t *text);

#endif
