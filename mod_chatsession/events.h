/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_EVENTS_H
#define CHATSESSION_EVENTS_H
/*
 * Server-sent events to the browser (docs/api.md, "The stream"). Data is always one line of JSON, so no text of a model
 * can forge an event.
 */
#include <httpd.h>
#include <jansson.h>
#include <util_filter.h>

/** Begin the answer: status, type, no buffering on the way (httpd's own filters, nginx). */
void chatsession_events_begin(request_rec *r);

/** Append an event without an id to bb: name NULL for an unnamed one; takes the reference to data. */
void chatsession_event_add(apr_bucket_brigade *bb, const char *name, json_t *data, apr_pool_t *pool);

/** Append a chunk of an answer: its id is how many code points of the text, and of the reasoning, there are up to it.
 */
void chatsession_event_add_chunk(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, json_t *data,
                                 apr_pool_t *pool);

/** Append the event that nearly all are, a chunk of ours with some text and nothing else, as chatsession_event_add
 * would write chatsession_chunk_json of it; text is well-formed UTF-8. */
void chatsession_event_add_text(apr_bucket_brigade *bb, apr_int64_t points, apr_int64_t thought, const char *answer_id,
                                const char *model, const char *text, apr_size_t len, apr_pool_t *pool);

/** Append a comment, which clients ignore: the sign of life in silence. */
void chatsession_event_add_heartbeat(apr_bucket_brigade *bb);

/** A chat.completion.chunk of ours around delta; takes the reference. */
json_t *chatsession_chunk_json(const char *answer_id, const char *model, json_t *delta, const char *finish_reason);

/** The data of "done"; usage is JSON text or NULL. */
json_t *chatsession_done_json(const char *answer_id, const char *status, const char *finish_reason, const char *usage,
                              const char *detail);

#endif
