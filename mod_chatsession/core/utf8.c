/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * One function, sequence(), knows table 3-7 of Unicode; everything else walks with it. Runs of ASCII, the common case,
 * are passed over eight octets at a time.
 */
#include "core/utf8.h"

#include <string.h>
#include <apr_strings.h>

#define REPLACEMENT "\xEF\xBF\xBD"
#define REPLACEMENT_LEN 3

/** How many octets of bytes, from its start, are ASCII without NUL; may stop early by up to seven. */
static apr_size_t ascii_run(const unsigned char *bytes, apr_size_t len)
{
    const apr_uint64_t high = APR_UINT64_C(0x8080808080808080), ones = APR_UINT64_C(0x0101010101010101);
    apr_size_t at = 0;
    apr_uint64_t word;

    for (; len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, bytes + at, sizeof(word));
        /* With no high bit set, subtracting one from each octet borrows exactly where an octet is 0. */
        if ((word & high) || ((word - ones) & high))
            break;
    }
    return at;
}

/** The trailing octets that lead asks for, and the bounds of the first of them; 0 when lead cannot begin a sequence. */
static apr_size_t trailing(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *low = 0xA0; /* else overlong */
        else if (lead == 0xED)
            *high = 0x9F; /* else a surrogate */
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90; /* else overlong */
        else if (lead == 0xF4)
            *high = 0x8F; /* else past U+10FFFF */
        return 3;
    }
    return 0;
}

/**
 * The octets of the character at bytes (len > 0). When they are no character of text, *ill is set and the result is the
 * length of the maximal ill-formed subsequence, at least 1.
 */
static apr_size_t sequence(const unsigned char *bytes, apr_size_t len, bool *ill)
{
    unsigned char low, high;
    apr_size_t wanted, at;

    *ill = false;
    if (bytes[0] && bytes[0] < 0x80)
        return 1;
    wanted = trailing(bytes[0], &low, &high);
    for (at = 1; at <= wanted; at++) {
        if (at >= len || bytes[at] < low || bytes[at] > high)
            break;
        low = 0x80;
        high = 0xBF;
    }
    *ill = !wanted || at <= wanted;
    return at;
}

bool cs_utf8_is_text(const char *bytes, apr_size_t len, apr_size_t *bad)
{
    const unsigned char *octets = (const unsigned char *)bytes;
    apr_size_t at = 0;
    bool ill = false;

    while (at < len) {
        apr_size_t step = octets[at] < 0x80 ? ascii_run(octets + at, len - at) : 0;

        if (!step)
            step = sequence(octets + at, len - at, &ill);
        if (ill)
            break;
        at += step;
    }
    if (bad)
        *bad = at;
    return !ill;
}

apr_size_t cs_utf8_count(const char *text, apr_size_t len)
{
    apr_size_t points = 0, at;

    for (at = 0; at < len; at++)
        points += ((unsigned char)text[at] & 0xC0) != 0x80;
    return points;
}

apr_size_t cs_utf8_prefix(const char *text, apr_size_t len, apr_size_t points)
{
    apr_size_t at;

    for (at = 0; at < len; at++) {
        if (((unsigned char)text[at] & 0xC0) != 0x80 && points-- == 0)
            break;
    }
    return at;
}

/** Write the repaired text to out, or only measure it when out is NULL. */
static apr_size_t repair_into(char *out, const unsigned char *octets, apr_size_t len)
{
    apr_size_t at = 0, written = 0;

    while (at < len) {
        bool ill;
        apr_size_t step = sequence(octets + at, len - at, &ill);
        apr_size_t size = ill ? REPLACEMENT_LEN : step;

        if (out)
            memcpy(out + written, ill ? REPLACEMENT : (const char *)octets + at, size);
        written += size;
        at += step;
    }
    return written;
}

const char *cs_utf8_repair(const char *bytes, apr_size_t len, apr_size_t *out_len, bool *repaired, apr_pool_t *pool)
{
    const bool terminated = len == CS_UTF8_TERMINATED;
    apr_size_t good, length;
    const char *text;
    char *copy;

    if (terminated)
        len = strlen(bytes);
    if (cs_utf8_is_text(bytes, len, &good)) {
        text = terminated ? bytes : apr_pstrmemdup(pool, bytes, len);
        length = len;
    } else {
        length = good + repair_into(NULL, (const unsigned char *)bytes + good, len - good);
        text = copy = apr_palloc(pool, length + 1);
        memcpy(copy, bytes, good);
        repair_into(copy + good, (const unsigned char *)bytes + good, len - good);
        copy[length] = '\0';
    }
    if (out_len)
        *out_len = length;
    if (repaired)
        *repaired = good < len;
    return text;
}
