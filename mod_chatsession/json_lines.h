/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_JSON_LINES_H
#define CHATSESSION_JSON_LINES_H
/*
 * A download of JSON lines: an object a line, the first member of which is its type. The last line has the number and
 * the SHA-256 of those before it, so that a file which was cut shows.
 */
#include <jansson.h>
#include "download.h"

typedef struct {
    chatsession_download_t *download;
    apr_int64_t lines; /* so far, without the last one */
} chatsession_lines_t;

/** The file's name is as in download.h. */
apr_status_t chatsession_lines_create(chatsession_lines_t *lines, request_rec *r, const char *name) CS_MUSTCHECK;

/** A line of these members, which stay the caller's. Memory comes from pool. */
apr_status_t chatsession_lines_add(chatsession_lines_t *lines, const char *type, json_t *members,
                                   apr_pool_t *pool) CS_MUSTCHECK;

/** The last line, with these members (may be NULL) before its count and digest, and the end of the file. */
apr_status_t chatsession_lines_end(chatsession_lines_t *lines, json_t *members, apr_pool_t *pool) CS_MUSTCHECK;

#endif
