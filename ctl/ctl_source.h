/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H
/*
 * The text of an exported file, read once from its beginning: of its parts, one after the other, when the download was
 * resumed, and decompressed when it is a gzip file.
 */
#include <apr_pools.h>
#include <stdbool.h>
#include "core/status.h"

typedef struct ctl_source ctl_source_t;

/** The files of names, which may not be none, as one text. What is wrong with one is said; then it is the exit code's
 * turn. */
int ctl_source_open(ctl_source_t **opened, char *const *names, int count, apr_pool_t *pool);

/** At most size octets of text; APR_EOF after the last; CS_EMALFORMED when a compressed file breaks off or is none. */
apr_status_t ctl_source_read(ctl_source_t *source, char *text, apr_size_t size, apr_size_t *len) CS_MUSTCHECK;

/** The next line without its end, in a buffer of the source's that the next call overwrites; CS_ETOOBIG for a line that
 * no export has. The text after the last end of a line is a line too. */
apr_status_t ctl_source_line(ctl_source_t *source, const char **line, apr_size_t *len) CS_MUSTCHECK;

#endif
