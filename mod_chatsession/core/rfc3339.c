/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/rfc3339.h"

#include <stdbool.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define YEAR_10000 (APR_INT64_C(253402300800) * APR_USEC_PER_SEC)

const char *cs_rfc3339_print(apr_time_t time, apr_pool_t *pool)
{
    apr_time_exp_t t;

    if (time < 0 || time >= YEAR_10000) {
        return NULL;
    }
    apr_time_exp_gmt(&t, time); /* of such a time it always succeeds */
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                        t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec / 1000);
}

/* Exactly count digits at *text, which moves on, then mark; false when something else stands there. */
static bool number(int *value, const char **text, int count, const char *mark)
{
    const size_t len = strlen(mark);

    *value = 0;
    for (; count; count--, (*text)++) {
        if (!apr_isdigit(**text)) {
            return false;
        }
        *value = *value * 10 + (**text - '0');
    }
    if (strncmp(*text, mark, len) != 0) {
        return false;
    }
    *text += len;
    return true;
}

/* ".123456…" at *text, if it is there; digits past microseconds are dropped. */
static bool fraction(int *usec, const char **text)
{
    int scale = 100000;

    *usec = 0;
    if (**text != '.') {
        return true;
    }
    if (!apr_isdigit(*++*text)) {
        return false;
    }
    for (; apr_isdigit(**text); (*text)++, scale /= 10) {
        *usec += (**text - '0') * scale;
    }
    return true;
}

/* "Z", "+09:00" or "-05:30" to the end of text, in seconds. */
static bool offset(int *seconds, const char *text)
{
    const int sign = *text == '-' ? -1 : 1;
    int hours;
    int minutes;

    *seconds = 0;
    if (*text == 'Z') {
        return !text[1];
    }
    if (*text != '+' && *text != '-') {
        return false;
    }
    text++;
    if (!number(&hours, &text, 2, ":") || !number(&minutes, &text, 2, "") || *text || hours > 23 || minutes > 59) {
        return false;
    }
    *seconds = sign * (hours * 60 + minutes) * 60;
    return true;
}

/* The calendar is asked for the time and back: a day that it does not have comes back as another. */
static apr_status_t on_calendar(apr_time_t *time, apr_time_exp_t *t)
{
    apr_time_exp_t back;

    if (t->tm_year < 70 || t->tm_hour > 23 || t->tm_min > 59 || t->tm_sec > 59 ||
        apr_time_exp_gmt_get(time, t) != APR_SUCCESS) {
        return CS_EMALFORMED;
    }
    /* A day that its month has not becomes one of the next month. */
    apr_time_exp_gmt(&back, *time);
    if (back.tm_mday != t->tm_mday) {
        *time = 0;
        return CS_EMALFORMED;
    }
    return APR_SUCCESS;
}

apr_status_t cs_rfc3339_parse(apr_time_t *time, const char *text)
{
    apr_time_exp_t t = {0};
    int zone = 0;
    apr_status_t rv;

    *time = 0;
    if (!number(&t.tm_year, &text, 4, "-") || !number(&t.tm_mon, &text, 2, "-") || !number(&t.tm_mday, &text, 2, "")) {
        return CS_EMALFORMED;
    }
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    if (*text) {
        if (*text++ != 'T' || !number(&t.tm_hour, &text, 2, ":") || !number(&t.tm_min, &text, 2, ":") ||
            !number(&t.tm_sec, &text, 2, "") || !fraction(&t.tm_usec, &text) || !offset(&zone, text)) {
            return CS_EMALFORMED;
        }
    }
    rv = on_calendar(time, &t);
    if (rv == APR_SUCCESS) {
        *time -= apr_time_from_sec(zone);
    }
    return rv;
}
