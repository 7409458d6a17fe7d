/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/duration.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#define MAX_NUMBER APR_INT64_C(3153600000000) /* a century in milliseconds, so that no product overflows unseen */

static const struct {
    const char *suffix;
    apr_interval_time_t unit;
} units[] = {{"ms", 1000},
             {"s", APR_USEC_PER_SEC},
             {"min", 60 * APR_USEC_PER_SEC},
             {"h", 3600 * APR_USEC_PER_SEC},
             {"d", 86400 * APR_USEC_PER_SEC}};
#define UNITS (sizeof(units) / sizeof(units[0]))
#define CENTURY (36500 * units[4].unit)

bool cs_duration_parse(apr_interval_time_t *value, const char *text)
{
    char *end;
    apr_int64_t n;

    *value = 0;
    if (!apr_isdigit(*text)) {
        return false;
    }
    errno = 0;
    n = apr_strtoi64(text, &end, 10);
    if (errno || n > MAX_NUMBER) {
        return false;
    }
    if (!*end) {
        end = (char *)"s";
    }
    for (size_t i = 0; i < UNITS; i++) {
        apr_interval_time_t product;
        if (!strcmp(end, units[i].suffix)) {
            if (__builtin_mul_overflow(n, units[i].unit, &product) || product > CENTURY) {
                return false;
            }
            *value = product;
            return true;
        }
    }
    return false;
}

const char *cs_duration_print(apr_interval_time_t value, apr_pool_t *pool)
{
    size_t unit = 0;

    for (size_t i = 0; i < UNITS; i++) {
        if (value % units[i].unit == 0 && value != 0) {
            unit = i;
        }
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%s", value / units[unit].unit, units[unit].suffix);
}
