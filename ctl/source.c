/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "ctl_source.h"
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "ctl.h"

#define PIECE 65536
/* A message has at most 4 MiB of text, which JSON may write six times as long. */
#define LONGEST_LINE (64 * 1024 * 1024)

struct ctl_source {
    apr_file_t **files;
    int count, at;
    z_stream stream;
    bool compressed, ended; /* ended: the compressed text is over */
    unsigned char octets[PIECE];
    apr_size_t filled, used;
    char *lines; /* what was read for lines and not given yet */
    apr_size_t room, first, last;
};

static apr_status_t clean(void *data)
{
    ctl_source_t *source = data;

    if (source->compressed) {
        inflateEnd(&source->stream);
    }
    free(source->lines);
    return APR_SUCCESS;
}

/* More octets of the files behind those in the buffer; APR_EOF: there are no more. */
static apr_status_t add(ctl_source_t *source)
{
    apr_status_t rv = APR_EOF;

    while (rv == APR_EOF && source->at < source->count) {
        apr_size_t len = PIECE - source->filled;

        rv = apr_file_read(source->files[source->at], source->octets + source->filled, &len);
        if (rv == APR_EOF) {
            source->at++;
        } else if (rv == APR_SUCCESS) {
            source->filled += len;
        }
    }
    return rv;
}

/* The same for a buffer that is used up. */
static apr_status_t fill(ctl_source_t *source)
{
    source->filled = source->used = 0;
    return add(source);
}

int ctl_source_open(ctl_source_t **opened, char *const *names, int count, apr_pool_t *pool)
{
    ctl_source_t *source = apr_pcalloc(pool, sizeof(*source));
    char reason[120];
    apr_status_t rv = APR_SUCCESS;

    *opened = source;
    source->files = apr_pcalloc(pool, (apr_size_t)count * sizeof(apr_file_t *));
    for (source->count = 0; rv == APR_SUCCESS && source->count < count; source->count++) {
        rv = apr_file_open(&source->files[source->count], names[source->count], APR_READ | APR_BINARY, APR_OS_DEFAULT,
                           pool);
    }
    while (rv == APR_SUCCESS && source->filled < 2) { /* a first part may be as short as it likes */
        rv = add(source);
    }
    rv = rv == APR_EOF ? APR_SUCCESS : rv;
    if (rv != APR_SUCCESS) {
        return ctl_fail("%s cannot be read: %s", names[source->count ? source->count - 1 : 0],
                        apr_strerror(rv, reason, sizeof(reason)));
    }
    if (source->filled >= 2 && source->octets[0] == 0x1f && source->octets[1] == 0x8b) {
        source->compressed = inflateInit2(&source->stream, 15 + 16) == Z_OK;
    }
    apr_pool_cleanup_register(pool, source, clean, apr_pool_cleanup_null);
    return CTL_DONE;
}

static apr_status_t read_compressed(ctl_source_t *source, char *text, apr_size_t size, apr_size_t *len)
{
    z_stream *stream = &source->stream;

    stream->next_out = (unsigned char *)text;
    stream->avail_out = (unsigned int)size;
    while (stream->avail_out == size && !source->ended) {
        const apr_status_t rv = source->used == source->filled ? fill(source) : APR_SUCCESS;
        int answer;

        if (rv != APR_SUCCESS) {
            return rv == APR_EOF ? CS_EMALFORMED : rv;
        }
        stream->next_in = source->octets + source->used;
        stream->avail_in = (unsigned int)(source->filled - source->used);
        answer = inflate(stream, Z_NO_FLUSH);
        source->used = source->filled - stream->avail_in;
        if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR) {
            return CS_EMALFORMED;
        }
        source->ended = answer == Z_STREAM_END;
    }
    *len = size - stream->avail_out;
    if (*len) {
        return APR_SUCCESS;
    }
    return source->used < source->filled || fill(source) != APR_EOF ? CS_EMALFORMED : APR_EOF;
}

apr_status_t ctl_source_read(ctl_source_t *source, char *text, apr_size_t size, apr_size_t *len)
{
    apr_status_t rv = APR_SUCCESS;

    *len = 0;
    if (source->compressed) {
        return read_compressed(source, text, size, len);
    }
    if (source->used == source->filled && (rv = fill(source)) != APR_SUCCESS) {
        return rv;
    }
    *len = source->filled - source->used < size ? source->filled - source->used : size;
    if (*len) { /* before the first octet there is no memory to copy from */
        memcpy(text, source->octets + source->used, *len);
        source->used += *len;
    }
    return APR_SUCCESS;
}

/* Room for a piece after what is there. */
static apr_status_t make_room(ctl_source_t *source)
{
    if (source->first) {
        memmove(source->lines, source->lines + source->first, source->last - source->first);
    }
    source->last -= source->first;
    source->first = 0;
    if (source->last + PIECE > source->room) {
        const apr_size_t room = source->room ? source->room * 2 : 4 * (apr_size_t)PIECE;
        char *larger = room <= LONGEST_LINE ? realloc(source->lines, room) : NULL;

        if (!larger) {
            return room <= LONGEST_LINE ? APR_ENOMEM : CS_ETOOBIG;
        }
        source->lines = larger;
        source->room = room;
    }
    return APR_SUCCESS;
}

apr_status_t ctl_source_line(ctl_source_t *source, const char **line, apr_size_t *len)
{
    apr_size_t looked = source->first;

    for (;;) {
        const char *end = source->last > looked ? memchr(source->lines + looked, '\n', source->last - looked) : NULL;
        apr_size_t more = 0;
        apr_status_t rv;

        if (end) {
            *line = source->lines + source->first;
            *len = (apr_size_t)(end - *line);
            source->first += *len + 1;
            return APR_SUCCESS;
        }
        rv = make_room(source);
        looked = source->last;
        rv = rv == APR_SUCCESS ? ctl_source_read(source, source->lines + source->last, PIECE, &more) : rv;
        if (rv == APR_EOF && source->last > 0) {
            *line = source->lines;
            *len = source->last;
            source->first = source->last = 0;
            return APR_SUCCESS;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        source->last += more;
    }
}
