/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_EXPORT_FORMAT_H
#define CHATSESSION_EXPORT_FORMAT_H
/*
 * The formats of an export: each makes its text from the lines of the first one (a conversation, then its messages),
 * one line at a time, and holds no more than one conversation. The text that a format ends with, its end's own line, is
 * not part of the digest.
 */
#include <apr_pools.h>
#include <jansson.h>
#include <stdbool.h>
#include "core/status.h"

typedef apr_status_t chatsession_emit_fn(void *baton, const char *text, apr_size_t len);

typedef struct chatsession_format chatsession_format_t;

typedef struct {
    chatsession_emit_fn *emit;
    void *baton;
    json_t *messages; /* openai: of the conversation that is being read */
    bool begun;       /* something was emitted */
} chatsession_writer_t;

struct chatsession_format {
    const char *name, *extension, *type;
    apr_status_t (*begin)(chatsession_writer_t *writer);                                      /* may be NULL */
    apr_status_t (*line)(chatsession_writer_t *writer, const json_t *line, apr_pool_t *pool); /* NULL: as it is */
    apr_status_t (*finish)(chatsession_writer_t *writer, apr_pool_t *pool);                   /* may be NULL */
    const char *(*end)(const json_t *end,
                       apr_pool_t *pool); /* the last line, or NULL: the format has no place for one */
};

/** The format of that name, the first for NULL; NULL: there is none. */
const chatsession_format_t *chatsession_format_find(const char *name);

#endif
