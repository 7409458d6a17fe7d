/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_EXPORT_FORMAT_H
#define CS_EXPORT_FORMAT_H
/*
 * The formats of an export: each makes its text from the lines of the first one (a conversation, then its messages),
 * one line at a time, and holds no more than one conversation. The text that a format ends with, its end's own line, is
 * not part of the digest.
 */
#include <apr_pools.h>
#include <jansson.h>
#include <stdbool.h>
#include "core/status.h"

typedef apr_status_t cs_export_emit_fn(void *baton, const char *text, apr_size_t len);

typedef struct cs_export_format cs_export_format_t;

typedef struct {
    cs_export_emit_fn *emit;
    void *baton;
    const cs_export_format_t *format;
    apr_int64_t lines, conversations; /* that were written, in those of the first format */
    json_t *messages;                 /* openai: of the conversation that is being read; the caller lets go of it */
    bool begun;                       /* something was emitted */
} cs_export_writer_t;

struct cs_export_format {
    const char *name, *extension, *type;
    apr_status_t (*begin)(cs_export_writer_t *writer);                                      /* may be NULL */
    apr_status_t (*line)(cs_export_writer_t *writer, const json_t *line, apr_pool_t *pool); /* NULL: as it is */
    apr_status_t (*finish)(cs_export_writer_t *writer, apr_pool_t *pool);                   /* may be NULL */
    const char *(*end)(const json_t *end,
                       apr_pool_t *pool); /* the last line, or NULL: the format has no place for one */
};

/** Write one line of the first format (its text, a JSON object) in the writer's. pool is that of one line. */
apr_status_t cs_export_write_line(cs_export_writer_t *writer, const char *text, apr_size_t len,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** All lines are written: what frames them. */
apr_status_t cs_export_write_finish(cs_export_writer_t *writer, apr_pool_t *pool) CS_MUSTCHECK;

/** The last line, and what the audit log keeps of it; sha256 is that of all text before it. New reference; NULL: no
 * memory, or no digest. */
json_t *cs_export_end_json(const cs_export_writer_t *writer, const char *id, const char *watermark, const char *sha256);

/** The format of that name, the first for NULL; NULL: there is none. */
const cs_export_format_t *cs_export_format_find(const char *name);

#endif
