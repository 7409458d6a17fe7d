/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Durations in the configuration: what is taken lies between 0 and a century, and comes back from its own print; so
 * does every whole number of milliseconds, which the first eight octets are. */
#include "core/duration.h"

#include "fuzz.h"

#define CENTURY (36500 * APR_INT64_C(86400) * APR_USEC_PER_SEC)

static void print_and_read(apr_interval_time_t value, apr_pool_t *pool)
{
    apr_interval_time_t again;

    HOLDS(cs_duration_parse(&again, cs_duration_print(value, pool)) && again == value);
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const apr_uint64_t number = (apr_uint64_t)fuzz_int64(&reader);
    apr_interval_time_t value = 0x5AFE;
    char *text = fuzz_part(&reader, '\0', &len);

    if (cs_duration_parse(&value, text)) {
        HOLDS(value >= 0 && value <= CENTURY);
        print_and_read(value, pool);
    } else {
        HOLDS(value == 0);
    }
    print_and_read((apr_interval_time_t)(number % (CENTURY / 1000 + 1)) * 1000, pool);
    free(text);
}
