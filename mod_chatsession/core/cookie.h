/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_COOKIE_H
#define CS_COOKIE_H
/*
 * The Cookie request header and the Set-Cookie answer, after RFC 6265bis. The reader is total: any bytes give a value,
 * absence, or CS_EDUPLICATE; it never fails on what other applications on the same host put there.
 */
#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>
#include "core/status.h"

typedef enum { CS_SAMESITE_LAX = 0, CS_SAMESITE_STRICT, CS_SAMESITE_NONE } cs_samesite_e;

typedef struct {
    const char *name;            /* a cookie-name token; "__Host-" and "__Secure-" prefixes are the caller's */
    const char *path;            /* never NULL, begins with '/' */
    const char *domain;          /* NULL: host-only */
    apr_interval_time_t max_age; /* 0: a cookie of the browser's session; whole seconds otherwise, at most 400 days */
    bool secure;
    bool http_only;
    cs_samesite_e samesite;
} cs_cookie_attrs_t;

/**
 * The value of cookie name in header (one Cookie header's text; several are joined with "; " by the caller). Names are
 * compared case-sensitively. APR_SUCCESS, APR_ENOENT, or CS_EDUPLICATE when the name stands there twice with different
 * values (cookie tossing). *value points into header and is *len octets long, surrounding double quotes removed.
 */
apr_status_t cs_cookie_find(const char **value, apr_size_t *len, const char *header, const char *name) CS_MUSTCHECK;

/** header (as for cs_cookie_find) without the cookies of that name, however often it stands there: header itself when
 * it has none, else a text in pool, which is empty when nothing is left. */
const char *cs_cookie_without(const char *header, const char *name, apr_pool_t *pool);

/** A Set-Cookie header's text in pool. CS_EREFUSED when attributes contradict each other (see cs_cookie_problem) or
 * value holds a forbidden octet; CS_ETOOBIG when name and value pass the 4096 octets that browsers keep. */
apr_status_t cs_cookie_format(const char **header, const cs_cookie_attrs_t *attrs, const char *value,
                              apr_pool_t *pool) CS_MUSTCHECK;

/** The Set-Cookie that removes the cookie: same name, path, domain and attributes, empty value, Max-Age=0. */
apr_status_t cs_cookie_format_removal(const char **header, const cs_cookie_attrs_t *attrs,
                                      apr_pool_t *pool) CS_MUSTCHECK;

/**
 * What is wrong with attrs, as a sentence (static), or NULL: SameSite=None without Secure; __Host- without Secure, with
 * a Domain or a path other than "/"; __Secure- without Secure; a name that is no token; a Max-Age beyond 400 days or
 * not in whole seconds; a path without '/' in front; control characters or ';' in path or domain, or more than 1024
 * octets.
 */
const char *cs_cookie_problem(const cs_cookie_attrs_t *attrs);

#endif
