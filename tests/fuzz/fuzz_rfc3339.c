/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Times in the console's filters: read, printed and read again they are the same to the millisecond; so is any number,
 * which the first eight octets are. */
#include "core/rfc3339.h"

#include "fuzz.h"

#define MILLISECOND 1000

static void print_and_read(apr_time_t time, apr_pool_t *pool)
{
    const char *text = cs_rfc3339_print(time, pool);
    apr_time_t again;

    HOLDS((text == NULL) == (time < 0 || time >= APR_INT64_C(253402300800000000)));
    if (text) {
        HOLDS(strlen(text) == strlen("2026-11-23T05:31:07.123Z"));
        HOLDS(cs_rfc3339_parse(&again, text) == APR_SUCCESS && again == time - time % MILLISECOND);
    }
}

/* As much as one offset puts a time forward, its opposite puts it back. */
static void turn_offset(const char *text, apr_time_t time)
{
    const apr_size_t at = strlen(text) >= 6 ? strlen(text) - 6 : 0;
    char *copy = fuzz_copy(text, strlen(text));
    apr_time_t turned, utc;

    if (copy[at] == '+' || (copy[at] == '-' && strchr(copy, 'T'))) {
        copy[at] = copy[at] == '+' ? '-' : '+';
        HOLDS(cs_rfc3339_parse(&turned, copy) == APR_SUCCESS);
        copy[at] = 'Z';
        copy[at + 1] = '\0';
        HOLDS(cs_rfc3339_parse(&utc, copy) == APR_SUCCESS && time + turned == 2 * utc);
        HOLDS(text[at] == '+' ? time <= utc : time >= utc);
    }
    free(copy);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const apr_time_t number = fuzz_int64(&reader);
    apr_time_t time = 0x5AFE;
    char *text = fuzz_part(&reader, '\0', &len);

    if (cs_rfc3339_parse(&time, text) == APR_SUCCESS) {
        print_and_read(time, pool);
        turn_offset(text, time);
    } else {
        HOLDS(time == 0);
    }
    print_and_read(number, pool);
    free(text);
}
