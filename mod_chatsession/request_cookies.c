/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "request_cookies.h"
#include <apr_strings.h>
#include <string.h>
#include "request_memo.h"

/* Several Cookie headers are one list. (mod_http2 has joined what HTTP/2 splits; of what HTTP/1.1 forbids httpd makes
 * one header with ", ", which is no separator: a comma may be part of a cookie's value, and whoever can write one must
 * not be able to write a second session.) */
typedef struct {
    const char *all;
    apr_pool_t *pool;
} joined_t;

static int join_cookie(void *baton, const char *name, const char *value)
{
    joined_t *joined = baton;

    (void)name;
    joined->all = joined->all ? apr_pstrcat(joined->pool, joined->all, ";", value, NULL) : value;
    return 1;
}

const char *chatsession_cookies_left(request_rec *r)
{
    joined_t joined = {.pool = r->pool};

    apr_table_do(join_cookie, &joined, r->headers_in, "Cookie", NULL);
    return joined.all ? joined.all : "";
}

const char *chatsession_cookies(request_rec *r)
{
    request_rec *first = chatsession_first_request(r);
    chatsession_request_memo_t *known = chatsession_request_memo(first);

    if (!known->cookies) {
        known->cookies = chatsession_cookies_left(first);
    }
    return known->cookies;
}

apr_status_t chatsession_find_cookie(request_rec *r, const char *name, const char **value, apr_size_t *len)
{
    return cs_cookie_find(value, len, chatsession_cookies(r), name);
}

/* One Set-Cookie of a name, also when a request changes its mind; those of others stay. */
static void put_cookie(request_rec *r, const char *name, const char *header)
{
    const apr_array_header_t *lines = apr_table_elts(r->err_headers_out);
    apr_array_header_t *others = apr_array_make(r->pool, 2, sizeof(const char *));
    const size_t len = strlen(name);

    for (int i = 0; i < lines->nelts; i++) {
        const apr_table_entry_t *line = &APR_ARRAY_IDX(lines, i, apr_table_entry_t);
        if (!ap_cstr_casecmp(line->key, "Set-Cookie") &&
            (strncmp(line->val, name, len) != 0 || line->val[len] != '=')) {
            APR_ARRAY_PUSH(others, const char *) = line->val;
        }
    }
    apr_table_unset(r->err_headers_out, "Set-Cookie");
    for (int i = 0; i < others->nelts; i++) {
        apr_table_addn(r->err_headers_out, "Set-Cookie", APR_ARRAY_IDX(others, i, const char *));
    }
    apr_table_addn(r->err_headers_out, "Set-Cookie", header);
    /* Whatever the answer is, it is this browser's alone now. */
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

apr_status_t chatsession_send_cookie(request_rec *r, const cs_cookie_attrs_t *attrs, const char *value)
{
    const char *header = NULL;
    apr_status_t rv =
        value ? cs_cookie_format(&header, attrs, value, r->pool) : cs_cookie_format_removal(&header, attrs, r->pool);

    if (rv == APR_SUCCESS) {
        put_cookie(chatsession_first_request(r), attrs->name, header);
    }
    return rv;
}
