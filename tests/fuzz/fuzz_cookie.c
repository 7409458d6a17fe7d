/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The Cookie header as any client may write it, and Set-Cookie with any attributes. An input is flags, Max-Age in 8
 * octets, then name, path, domain, value and header, each ended by NUL.
 */
#include "core/cookie.h"

#include <apr_strings.h>
#include "fuzz.h"

static apr_status_t find(const char **value, apr_size_t *len, const char *header, const char *name)
{
    apr_status_t rv;

    *value = FUZZ_UNSET;
    *len = FUZZ_UNSET_SIZE;
    rv = cs_cookie_find(value, len, header, name);
    HOLDS(rv == APR_SUCCESS || rv == APR_ENOENT || rv == CS_EDUPLICATE);
    if (rv == APR_SUCCESS)
        HOLDS(*value >= header && *value + *len <= header + strlen(header));
    else
        HOLDS(!*value && !*len);
    return rv;
}

/* The same header twice says nothing new. */
static void read_header(const char *header, const char *name, apr_pool_t *pool)
{
    const char *value, *again;
    apr_size_t len, again_len;
    apr_status_t rv = find(&value, &len, header, name);

    HOLDS(find(&again, &again_len, apr_pstrcat(pool, header, "; ", header, NULL), name) == rv);
    HOLDS(again_len == len && (!len || memcmp(again, value, len) == 0));
}

/* What is left holds no cookie of that name, and another one is what it was. */
static void take_out(const char *header, const char *name, const char *other, apr_pool_t *pool)
{
    const char *left = cs_cookie_without(header, name, pool), *value, *value_left;
    apr_size_t len, len_left;
    const bool had = find(&value, &len, header, name) != APR_ENOENT;

    HOLDS(had || left == header);
    HOLDS(strlen(left) <= strlen(header) && find(&value, &len, left, name) == APR_ENOENT);
    if (strcmp(name, other) != 0) {
        HOLDS(find(&value, &len, header, other) == find(&value_left, &len_left, left, other));
        HOLDS(len == len_left && (!len || memcmp(value, value_left, len) == 0));
    }
}

static bool is_one_line(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            return false;
    }
    return true;
}

/* What we set comes back as it was. */
static void write_header(const cs_cookie_attrs_t *attrs, const char *value, apr_pool_t *pool)
{
    const char *header = FUZZ_UNSET, *removal = FUZZ_UNSET, *found;
    apr_size_t len;
    apr_status_t rv = cs_cookie_format(&header, attrs, value, pool);

    HOLDS(rv == APR_SUCCESS || rv == CS_EREFUSED || rv == CS_ETOOBIG);
    HOLDS((rv == APR_SUCCESS) == (header != NULL));
    if (rv == APR_SUCCESS) {
        HOLDS(!cs_cookie_problem(attrs) && is_one_line(header));
        HOLDS(find(&found, &len, apr_pstrmemdup(pool, header, strcspn(header, ";")), attrs->name) == APR_SUCCESS);
        HOLDS(len == strlen(value) && memcmp(found, value, len) == 0);
    }
    rv = cs_cookie_format_removal(&removal, attrs, pool);
    HOLDS((rv == APR_SUCCESS) == (removal != NULL) && (rv == APR_SUCCESS) == !cs_cookie_problem(attrs));
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const unsigned char flags = fuzz_octet(&reader);
    const apr_int64_t max_age = fuzz_int64(&reader);
    char *parts[5];
    cs_cookie_attrs_t attrs;
    apr_size_t size;

    for (int i = 0; i < 5; i++)
        parts[i] = fuzz_part(&reader, '\0', &size);
    attrs = (cs_cookie_attrs_t){.name = parts[0],
                                .path = parts[1],
                                .domain = *parts[2] ? parts[2] : NULL,
                                .max_age = flags & 1 ? max_age : max_age % 1000 * APR_USEC_PER_SEC,
                                .secure = flags & 2,
                                .http_only = flags & 4,
                                .samesite = (cs_samesite_e)((flags >> 3) % 3)};
    write_header(&attrs, parts[3], pool);
    read_header(parts[4], "sid", pool);
    read_header(parts[4], parts[0], pool);
    take_out(parts[4], "sid", parts[0], pool);
    take_out(parts[4], parts[0], "sid", pool);
    for (int i = 0; i < 5; i++)
        free(parts[i]);
}
