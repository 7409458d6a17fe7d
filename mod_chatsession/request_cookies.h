/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_REQUEST_COOKIES_H
#define CHATSESSION_REQUEST_COOKIES_H
/* The cookies that a request came with, and those of its answer. */
#include <httpd.h>
#include "core/cookie.h"

/** The Cookie headers that stand in r, as one text for cs_cookie_find. */
const char *chatsession_cookies_left(request_rec *r);

/** Those that the client sent: of the first request, as they were when they were first asked for. */
const char *chatsession_cookies(request_rec *r);

/** The value of a cookie that the client sent, in all its Cookie headers. Statuses of cs_cookie_find. */
apr_status_t chatsession_find_cookie(request_rec *r, const char *name, const char **value, apr_size_t *len);

/** Send a cookie with the answer to the first request: one Set-Cookie of a name, also when a request changes its mind.
 * value NULL: take the cookie away. */
apr_status_t chatsession_send_cookie(request_rec *r, const cs_cookie_attrs_t *attrs, const char *value);

#endif
