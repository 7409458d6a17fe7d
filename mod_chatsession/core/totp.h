/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TOTP_H
#define CS_TOTP_H
/*
 * One-time codes by the clock (TOTP, RFC 6238, on HOTP, RFC 4226), with what every authenticator app knows: SHA-1, 6
 * digits, steps of 30 seconds. A code of the step before or after counts too, for clocks that differ a little and for
 * the time that typing takes.
 *
 * That a code works only once is the store's matter: it remembers the last step that was used, and only later ones are
 * looked at here.
 */
#include <apr_pools.h>
#include <apr_time.h>
#include "core/status.h"

/** As long as the hash (RFC 4226 section 4, R6). */
#define CS_TOTP_SECRET_BYTES 20
#define CS_TOTP_DIGITS 6
#define CS_TOTP_SECONDS 30
/** Steps before and after the present one that count. */
#define CS_TOTP_WINDOW 1
/** Before all steps: no code was used yet. */
#define CS_TOTP_NO_STEP (-1)

/** The 31 bits that HOTP's dynamic truncation yields (RFC 4226 section 5.3); a code is their last digits. */
apr_status_t cs_hotp(apr_uint32_t *value, const unsigned char secret[CS_TOTP_SECRET_BYTES],
                     apr_uint64_t counter) CS_MUSTCHECK;

/** The step of a time, counted from 1970. */
apr_int64_t cs_totp_step(apr_time_t now);

/**
 * Whether code (as typed: spaces do not count) is that of a step around now and later than after. APR_SUCCESS and the
 * step; CS_EBADSIG: it is not, and *step is CS_TOTP_NO_STEP. Every step is compared, in the same time.
 */
apr_status_t cs_totp_check(apr_int64_t *step, const unsigned char secret[CS_TOTP_SECRET_BYTES], const char *code,
                           apr_time_t now, apr_int64_t after) CS_MUSTCHECK;

/** The address that an app reads from a QR code: otpauth://totp/ISSUER:USER?secret=…; any text is percent-encoded. */
const char *cs_totp_uri(const char *issuer, const char *user, const unsigned char secret[CS_TOTP_SECRET_BYTES],
                        apr_pool_t *pool);

#endif
