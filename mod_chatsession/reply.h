/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_REPLY_H
#define CHATSESSION_REPLY_H
/*
 * Answers. Each function writes one whole answer and returns what a handler returns. Every answer of ours, errors too,
 * carries the same security headers (ASVS 5.0 3.4.1 to 3.4.8) and is never cached (14.3.2).
 */
#include <httpd.h>
#include <jansson.h>
#include "core/status.h"
#include "core/text.h"

/** The headers that every answer under our mounts carries; called once, before anything can fail. */
void chatsession_reply_headers(request_rec *r);

/** An id of this request for its answer, the log and the audit: mod_unique_id's, or one of ours. Never NULL. */
const char *chatsession_request_id(request_rec *r);

/** JSON with an HTTP status; takes the reference to value. */
int chatsession_reply_json(request_rec *r, int status, json_t *value);
/** The same of what is written already. */
int chatsession_reply_json_text(request_rec *r, int status, const cs_text_t *text);

/** An answer without a body (204). */
int chatsession_reply_empty(request_rec *r, int status);

/** {"error","detail","request_id"}. */
int chatsession_reply_error(request_rec *r, int status, const char *code, const char *detail);

/** The error that a failure of the store deserves: 404 for APR_ENOENT, 409, 503 with Retry-After, 400 for text that
 * cannot be stored, else 500; logged where it is a failure. */
int chatsession_reply_status(request_rec *r, apr_status_t status);

/** The JSON of an error, for a place that is not a whole answer (an event of a stream). New reference. */
json_t *chatsession_error_json(request_rec *r, const char *code, const char *detail);

#endif
