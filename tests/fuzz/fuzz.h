/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_FUZZ_H
#define CS_FUZZ_H
/*
 * What a fuzz target is: one function that takes any octets and holds the code to properties that are true of all of
 * them. The same object is linked twice: with libFuzzer, which invents octets (make fuzz), and with a program that
 * replays the committed seeds (make test).
 */
#include <apr_pools.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** One input, in memory of exactly that size; pool is new for each. */
void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool);

/** libFuzzer's entry: a new pool around fuzz_input. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/** A property: what is not true here is a defect, in every build. */
#define HOLDS(property)                                                                                                \
    do {                                                                                                               \
        if (!(property)) {                                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/** What is put into an out-parameter beforehand, to see that it is set. */
#define FUZZ_UNSET ((void *)0x5AFE)
#define FUZZ_UNSET_SIZE ((apr_size_t)0x5AFE)

/* An input that consists of parts is read from its start. What is missing reads as 0 and "". */
typedef struct {
    const char *at;
    const char *end;
} fuzz_reader_t;

static inline apr_size_t fuzz_left(const fuzz_reader_t *reader)
{
    return (apr_size_t)(reader->end - reader->at);
}

static inline unsigned char fuzz_octet(fuzz_reader_t *reader)
{
    return reader->at < reader->end ? (unsigned char)*reader->at++ : 0;
}

static inline apr_int64_t fuzz_int64(fuzz_reader_t *reader)
{
    apr_uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | fuzz_octet(reader);
    return (apr_int64_t)value;
}

/** len octets in memory of exactly that size and a NUL, so that a step beyond them is seen. */
static inline char *fuzz_copy(const char *bytes, apr_size_t len)
{
    char *copy = malloc(len + 1);

    HOLDS(copy);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

/** The octets up to the next mark or the end; the caller frees them. */
static inline char *fuzz_part(fuzz_reader_t *reader, char mark, apr_size_t *len)
{
    const char *found = memchr(reader->at, mark, fuzz_left(reader));
    const char *stop = found ? found : reader->end;
    char *part;

    *len = (apr_size_t)(stop - reader->at);
    part = fuzz_copy(reader->at, *len);
    reader->at = found ? stop + 1 : stop;
    return part;
}

#endif
