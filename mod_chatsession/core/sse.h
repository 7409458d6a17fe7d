/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SSE_H
#define CS_SSE_H
/*
 * Server-sent events (WHATWG HTML, section "Event stream interpretation"), taken apart from bytes that arrive split
 * anywhere. CR, LF and CRLF end a line, also when CR and LF come in different pieces; a leading byte order mark is
 * dropped; comments are counted but not reported. A line or an event's data past the limit is CS_ETOOBIG and the reader
 * stays failed.
 */
#include <apr_pools.h>
#include "core/status.h"

/** Octets of one event's data. */
#define CS_SSE_MAX_EVENT (1024 * 1024)

typedef struct cs_sse_reader cs_sse_reader_t;

/** One whole event: name ("message" when it had none) and data (lines joined by LF, data_len octets, NUL-terminated),
 * valid during the call. A status other than APR_SUCCESS stops the reader for good. */
typedef apr_status_t cs_sse_event_cb(void *baton, const char *name, const char *data, apr_size_t data_len);

/** A reader in pool; its buffer is freed with the pool. */
apr_status_t cs_sse_reader_create(cs_sse_reader_t **reader, cs_sse_event_cb *event, void *baton,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** Feed len octets. APR_SUCCESS, CS_ETOOBIG, or what the callback returned. */
apr_status_t cs_sse_feed(cs_sse_reader_t *reader, const char *bytes, apr_size_t len) CS_MUSTCHECK;

#endif
