/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/totp.h"
#include <stdbool.h>
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "core/base32.h"

#define MAC_BYTES 20
#define CODES 1000000 /* 10 to the power of CS_TOTP_DIGITS */

apr_status_t cs_hotp(apr_uint32_t *value, const unsigned char secret[CS_TOTP_SECRET_BYTES], apr_uint64_t counter)
{
    unsigned char message[8], mac[MAC_BYTES];
    const unsigned char *at;

    *value = 0;
    for (int i = 7; i >= 0; i--, counter >>= 8) {
        message[i] = (unsigned char)counter;
    }
    if (!HMAC(EVP_sha1(), secret, CS_TOTP_SECRET_BYTES, message, sizeof(message), mac, NULL)) {
        return APR_EGENERAL;
    }
    at = mac + (mac[MAC_BYTES - 1] & 15);
    *value = (apr_uint32_t)(at[0] & 127) << 24 | (apr_uint32_t)at[1] << 16 | (apr_uint32_t)at[2] << 8 | at[3];
    OPENSSL_cleanse(mac, sizeof(mac));
    return APR_SUCCESS;
}

apr_int64_t cs_totp_step(apr_time_t now)
{
    return apr_time_sec(now) / CS_TOTP_SECONDS;
}

/* The digits alone; false when these are not as many as a code has, or something else is there. */
static bool read_code(char digits[CS_TOTP_DIGITS + 1], const char *code)
{
    int count = 0;

    memset(digits, 0, CS_TOTP_DIGITS + 1);
    for (; *code; code++) {
        if (*code == ' ') {
            continue;
        }
        if (!apr_isdigit(*code) || count == CS_TOTP_DIGITS) {
            return false;
        }
        digits[count++] = *code;
    }
    return count == CS_TOTP_DIGITS;
}

apr_status_t cs_totp_check(apr_int64_t *step, const unsigned char secret[CS_TOTP_SECRET_BYTES], const char *code,
                           apr_time_t now, apr_int64_t after)
{
    char given[CS_TOTP_DIGITS + 1], wanted[CS_TOTP_DIGITS + 1];
    const bool is_code = read_code(given, code);
    const apr_int64_t present = cs_totp_step(now);

    *step = CS_TOTP_NO_STEP;
    for (apr_int64_t each = present - CS_TOTP_WINDOW; each <= present + CS_TOTP_WINDOW; each++) {
        apr_uint32_t value;
        apr_status_t rv = cs_hotp(&value, secret, (apr_uint64_t)each);

        if (rv != APR_SUCCESS) {
            *step = CS_TOTP_NO_STEP;
            return rv;
        }
        apr_snprintf(wanted, sizeof(wanted), "%0*u", CS_TOTP_DIGITS, value % CODES);
        if (!CRYPTO_memcmp(given, wanted, CS_TOTP_DIGITS) && is_code && each > after) {
            *step = each;
        }
    }
    OPENSSL_cleanse(wanted, sizeof(wanted));
    return *step == CS_TOTP_NO_STEP ? CS_EBADSIG : APR_SUCCESS;
}

/* RFC 3986's unreserved characters stay; apps do not read "+" as a space. */
static const char *percent_encode(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(text) + 1);
    char *out = encoded;

    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if ((*c < 128 && apr_isalnum(*c)) || strchr("-._~", *c)) {
            *out++ = (char)*c;
        } else {
            *out++ = '%';
            *out++ = hex[*c >> 4];
            *out++ = hex[*c & 15];
        }
    }
    *out = '\0';
    return encoded;
}

const char *cs_totp_uri(const char *issuer, const char *user, const unsigned char secret[CS_TOTP_SECRET_BYTES],
                        apr_pool_t *pool)
{
    const char *site = percent_encode(issuer, pool);

    return apr_pstrcat(pool, "otpauth://totp/", site, ":", percent_encode(user, pool),
                       "?secret=", cs_base32_encode(secret, CS_TOTP_SECRET_BYTES, pool), "&issuer=", site,
                       "&algorithm=SHA1&digits=6&period=30", NULL);
}
