/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * An event stream from upstream: the events and how it ends are the same whether the octets come at once, one by one,
 * or in pieces as the input says. An input is the number of the event at which the receiver has enough, two sizes of
 * pieces, and the stream.
 */
#include "core/sse.h"

#include "core/text.h"
#include "fuzz.h"

typedef struct {
    cs_text_t *log; /* name, data and their lengths, event by event */
    int enough;     /* 0: never */
    apr_status_t status;
} outcome_t;

static apr_status_t on_event(void *baton, const char *name, const char *data, apr_size_t data_len)
{
    outcome_t *outcome = baton;
    const apr_size_t lens[] = {strlen(name), data_len};

    HOLDS(*name && data_len <= CS_SSE_MAX_EVENT && !data[data_len]);
    HOLDS(cs_text_append(outcome->log, (const char *)lens, sizeof(lens), 0) == APR_SUCCESS);
    HOLDS(cs_text_append(outcome->log, name, lens[0], 0) == APR_SUCCESS);
    HOLDS(cs_text_append(outcome->log, data, data_len, 0) == APR_SUCCESS);
    return outcome->enough && !--outcome->enough ? CS_ECONFLICT : APR_SUCCESS;
}

/* In pieces of first and second octets by turns. */
static outcome_t feed(const char *bytes, apr_size_t len, const apr_size_t pieces[2], int enough, apr_pool_t *pool)
{
    outcome_t outcome = {cs_text_create(pool), enough, APR_SUCCESS};
    cs_sse_reader_t *reader = FUZZ_UNSET;

    HOLDS(cs_sse_reader_create(&reader, on_event, &outcome, pool) == APR_SUCCESS);
    for (int turn = 0; len; turn = !turn) {
        const apr_size_t part = pieces[turn] < len ? pieces[turn] : len;
        char *exact = malloc(part);
        apr_status_t rv;

        HOLDS(exact);
        memcpy(exact, bytes, part);
        rv = cs_sse_feed(reader, exact, part);
        HOLDS(outcome.status == APR_SUCCESS || rv == outcome.status);
        outcome.status = rv;
        free(exact);
        bytes += part;
        len -= part;
    }
    return outcome;
}

static void compare(const outcome_t *one, const outcome_t *two)
{
    HOLDS(one->status == APR_SUCCESS || one->status == CS_ECONFLICT);
    HOLDS(one->status == two->status);
    HOLDS(cs_text_length(one->log) == cs_text_length(two->log));
    HOLDS(memcmp(cs_text_get(one->log), cs_text_get(two->log), cs_text_length(one->log)) == 0);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const int enough = fuzz_octet(&reader) % 8;
    const apr_size_t pieces[] = {fuzz_octet(&reader) % 32 + 1U, fuzz_octet(&reader) % 32 + 1U};
    const apr_size_t size = fuzz_left(&reader), whole[] = {size, size}, ones[] = {1, 1};
    const outcome_t unsplit = feed(reader.at, size, whole, enough, pool);
    outcome_t split = feed(reader.at, size, pieces, enough, pool);

    compare(&unsplit, &split);
    split = feed(reader.at, size, ones, enough, pool);
    compare(&unsplit, &split);
}
