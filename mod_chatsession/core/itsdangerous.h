/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_ITSDANGEROUS_H
#define CS_ITSDANGEROUS_H
/*
 * Reading what itsdangerous' URLSafeTimedSerializer wrote with its defaults, so that visitors of a site that used a
 * Python session middleware before are known on their first visit. A text is
 *
 *     <payload>.<time>.<signature>
 *
 * each in base64url without padding: payload is JSON, or, with a dot in front, JSON in zlib's form; time is seconds
 * since 1970, big-endian without leading zero octets; signature is HMAC-SHA1 over all before the last dot under
 * SHA1("itsdangerous" + "signer" + secret). Nothing is written in this form, and the signature is checked in constant
 * time before the rest is looked at.
 */
#include <apr_pools.h>
#include <apr_time.h>
#include "core/status.h"

/** Octets of a text, and of its JSON when it is inflated: more is refused. */
#define CS_ITSDANGEROUS_MAX 4096
/** Characters of an id. */
#define CS_ITSDANGEROUS_ID_MAX 64

#define CS_ITSDANGEROUS_KEY_BYTES 20

typedef struct {
    const char *id;    /* letters, digits and . _ : - */
    apr_time_t issued; /* whole seconds */
} cs_itsdangerous_t;

/** The signing key of a secret of len octets; APR_EGENERAL when OpenSSL has no SHA-1 to give. */
apr_status_t cs_itsdangerous_key(unsigned char key[CS_ITSDANGEROUS_KEY_BYTES], const char *secret,
                                 apr_size_t len) CS_MUSTCHECK;

/**
 * The id under name in the JSON object that text (len octets, any bytes) holds, in pool. CS_EMALFORMED or CS_EBADSIG;
 * *read is zeroed then.
 */
apr_status_t cs_itsdangerous_read(cs_itsdangerous_t *read, const unsigned char key[CS_ITSDANGEROUS_KEY_BYTES],
                                  const char *name, const char *text, apr_size_t len, apr_pool_t *pool) CS_MUSTCHECK;

/** APR_SUCCESS, or CS_EEXPIRED: issued more than CS_TOKEN_SKEW ahead of now, or issued + max_age <= now. */
apr_status_t cs_itsdangerous_judge(const cs_itsdangerous_t *read, apr_interval_time_t max_age,
                                   apr_time_t now) CS_MUSTCHECK;

#endif
