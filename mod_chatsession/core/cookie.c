/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The reader follows the header once from left to right and never allocates; the writer refuses what a browser would
 * drop or read differently, because a cookie that is silently not stored shows only as "cannot log in".
 */
#include "core/cookie.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* RFC 6265bis: browsers drop a cookie whose name and value pass 4096 octets, an attribute past 1024. */
#define MAX_PAIR 4096
#define MAX_ATTRIBUTE 1024
#define MAX_AGE apr_time_from_sec(400 * 24 * 3600)

typedef struct {
    const char *at;
    apr_size_t len;
} slice_t;

static slice_t trim(const char *from, const char *to)
{
    slice_t slice;

    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (from < to && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    slice.at = from;
    slice.len = (apr_size_t)(to - from);
    return slice;
}

static slice_t unquote(slice_t slice)
{
    if (slice.len >= 2 && slice.at[0] == '"' && slice.at[slice.len - 1] == '"') {
        slice.at++;
        slice.len -= 2;
    }
    return slice;
}

static bool is_same(slice_t slice, const char *text, apr_size_t len)
{
    return slice.len == len && memcmp(slice.at, text, len) == 0;
}

/** Whether the cookie from at to end has that name; *value is what it says then. */
static bool is_named(slice_t *value, const char *at, const char *end, const char *name)
{
    const char *equals = memchr(at, '=', (apr_size_t)(end - at));

    if (!equals || !is_same(trim(at, equals), name, strlen(name)))
        return false;
    *value = unquote(trim(equals + 1, end));
    return true;
}

apr_status_t cs_cookie_find(const char **value, apr_size_t *len, const char *header, const char *name)
{
    const char *at = header;

    *value = NULL;
    *len = 0;
    while (at && *at) {
        const char *end = at + strcspn(at, ";");
        slice_t found;

        if (is_named(&found, at, end, name)) {
            if (*value && !is_same(found, *value, *len)) {
                *value = NULL;
                *len = 0;
                return CS_EDUPLICATE;
            }
            *value = found.at;
            *len = found.len;
        }
        at = *end ? end + 1 : end;
    }
    return *value ? APR_SUCCESS : APR_ENOENT;
}

const char *cs_cookie_without(const char *header, const char *name, apr_pool_t *pool)
{
    char *left, *to;
    bool found = false;

    if (!strstr(header, name))
        return header;
    left = to = apr_palloc(pool, strlen(header) + 1);
    for (const char *at = header, *next; *at; at = next) {
        const char *end = at + strcspn(at, ";");
        slice_t value;

        next = *end ? end + 1 : end;
        if (is_named(&value, at, end, name)) {
            found = true;
        } else {
            const char *from = to > left ? at - 1 : at; /* what separates it from the one before */

            memcpy(to, from, (apr_size_t)(end - from));
            to += end - from;
        }
    }
    *to = '\0';
    return found ? left + strspn(left, " \t") : header;
}

/** RFC 9110's token: the form of a cookie's name. */
static bool is_token(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if (!apr_isalnum(*at) && !strchr("!#$%&'*+-.^_`|~", *at))
            return false;
    }
    return at > text;
}

/** RFC 6265's cookie-octet: what a value may consist of. */
static bool is_value(const char *text)
{
    for (; *text; text++) {
        unsigned char octet = (unsigned char)*text;

        if (octet <= ' ' || octet >= 0x7F || strchr("\",;\\", octet))
            return false;
    }
    return true;
}

static bool is_attribute(const char *text)
{
    const char *at;

    for (at = text; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F || *at == ';')
            return false;
    }
    return at > text && at - text <= MAX_ATTRIBUTE;
}

/** Browsers compare the prefixes without regard to case, so "__host-" binds a cookie as "__Host-" does. */
static bool has_prefix(const char *name, const char *prefix)
{
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static const char *prefix_problem(const cs_cookie_attrs_t *attrs)
{
    if (has_prefix(attrs->name, "__Host-")) {
        if (!attrs->secure)
            return "A cookie whose name begins with __Host- must have Secure: use TLS, or a name without the prefix.";
        if (attrs->domain)
            return "A cookie whose name begins with __Host- must not have a Domain: remove the Domain, or the prefix.";
        if (strcmp(attrs->path, "/") != 0)
            return "A cookie whose name begins with __Host- must have the path \"/\": set it, or remove the prefix.";
    }
    if (has_prefix(attrs->name, "__Secure-") && !attrs->secure)
        return "A cookie whose name begins with __Secure- must have Secure: use TLS, or a name without the prefix.";
    return NULL;
}

const char *cs_cookie_problem(const cs_cookie_attrs_t *attrs)
{
    if (!attrs->name || !is_token(attrs->name))
        return "A cookie's name must be a token: letters, digits and !#$%&'*+-.^_`|~ only, at least one.";
    if (!attrs->path || attrs->path[0] != '/')
        return "A cookie's path must begin with '/'.";
    if (!is_attribute(attrs->path))
        return "A cookie's path must be at most 1024 octets without control characters and ';'.";
    if (attrs->domain && !is_attribute(attrs->domain))
        return "A cookie's Domain must be 1 to 1024 octets without control characters and ';'.";
    if (attrs->max_age < 0 || attrs->max_age > MAX_AGE)
        return "A cookie's Max-Age must lie between 0 and 400 days: browsers keep none for longer.";
    if (apr_time_usec(attrs->max_age))
        return "A cookie's Max-Age must be whole seconds.";
    if (attrs->samesite == CS_SAMESITE_NONE && !attrs->secure)
        return "SameSite=None needs Secure: browsers drop the cookie otherwise. Use TLS, or SameSite=Lax.";
    return prefix_problem(attrs);
}

static const char *const samesite_names[] =
    {[CS_SAMESITE_LAX] = "Lax", [CS_SAMESITE_STRICT] = "Strict", [CS_SAMESITE_NONE] = "None"};

static const char *set_cookie(const cs_cookie_attrs_t *attrs, const char *value, const char *max_age, apr_pool_t *pool)
{
    return apr_pstrcat(pool, attrs->name, "=", value, "; Path=", attrs->path, attrs->domain ? "; Domain=" : "",
                       attrs->domain ? attrs->domain : "", max_age, attrs->secure ? "; Secure" : "",
                       attrs->http_only ? "; HttpOnly" : "", "; SameSite=", samesite_names[attrs->samesite], NULL);
}

apr_status_t cs_cookie_format(const char **header, const cs_cookie_attrs_t *attrs, const char *value, apr_pool_t *pool)
{
    const char *max_age = "";

    *header = NULL;
    if (cs_cookie_problem(attrs) || !is_value(value))
        return CS_EREFUSED;
    if (strlen(attrs->name) + strlen(value) > MAX_PAIR)
        return CS_ETOOBIG;
    if (attrs->max_age)
        max_age = apr_psprintf(pool, "; Max-Age=%" APR_TIME_T_FMT, apr_time_sec(attrs->max_age));
    *header = set_cookie(attrs, value, max_age, pool);
    return APR_SUCCESS;
}

apr_status_t cs_cookie_format_removal(const char **header, const cs_cookie_attrs_t *attrs, apr_pool_t *pool)
{
    *header = NULL;
    if (cs_cookie_problem(attrs))
        return CS_EREFUSED;
    *header = set_cookie(attrs, "", "; Max-Age=0", pool);
    return APR_SUCCESS;
}
