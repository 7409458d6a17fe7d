/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/base32.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const char *cs_base32_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, (len * 8 + 4) / 5 + 1);
    char *out = text;
    unsigned int held = 0;
    int bits = 0;

    for (apr_size_t i = 0; i < len; i++) {
        held = (held << 8 | bytes[i]) & 0xFFFF;
        for (bits += 8; bits >= 5; bits -= 5) {
            *out++ = alphabet[held >> (bits - 5) & 31];
        }
    }
    if (bits) {
        *out++ = alphabet[held << (5 - bits) & 31];
    }
    *out = '\0';
    return text;
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

apr_status_t cs_base32_decode(unsigned char *out, apr_size_t len, const char *text)
{
    const apr_size_t wanted = (len * 8 + 4) / 5;
    unsigned int held = 0;
    apr_size_t written = 0, digits = 0;
    int bits = 0;

    for (; *text; text++) {
        const int digit = digit_of(*text);

        if (*text == ' ' || *text == '-') {
            continue;
        }
        if (digit < 0 || ++digits > wanted) {
            return CS_EMALFORMED;
        }
        held = (held << 5 | (unsigned int)digit) & 0xFFFF;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[written++] = (unsigned char)(held >> bits);
        }
    }
    /* The spare bits of the last character are 0 in the one spelling. */
    return digits == wanted && !(held & ((1U << bits) - 1)) ? APR_SUCCESS : CS_EMALFORMED;
}
