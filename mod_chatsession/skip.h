/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SKIP_H
#define CHATSESSION_SKIP_H
/*
 * Requests that are to be served without any session: those that carry a header which the administrator names
 * (ChatSessionSkipHeader), for monitors and other machines. They are nobody's: no cookie is read or set, nothing is
 * looked up. So the header takes away and never grants; from whom it is accepted is asked all the same, because whoever
 * may send it may also make somebody look logged out.
 */
#include <httpd.h>
#include <stdbool.h>

typedef struct {
    const char *name;
    const char *value;          /* NULL: any */
    apr_array_header_t *accept; /* of apr_ipsubnet_t *: whom it is accepted from */
} chatsession_skip_t;

/** Read NAME VALUE|* [from CIDR ...]; a sentence in pool when they are none, else NULL. */
const char *chatsession_skip_parse(chatsession_skip_t *skip, int argc, char *const argv[], apr_pool_t *pool);

/** Whether one of skips (NULL: none) says so of r. */
bool chatsession_skip_applies(const apr_array_header_t *skips, const request_rec *r);

#endif
