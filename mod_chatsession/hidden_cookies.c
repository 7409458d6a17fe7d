/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "hidden_cookies.h"
#include <httpd.h>
#include <http_config.h>
#include <http_request.h>
#include <util_filter.h>
#include <string.h>
#include "config.h"
#include "request.h"
#include "request_cookies.h"
#include "throttle.h"
#include "core/cookie.h"

#define FILTER "CHATSESSION_COOKIES"
/* Behind mod_include, which reads the request's headers as a handler does; before mod_cache's filters. */
#define FILTER_TYPE (AP_FTYPE_CONTENT_SET - 2)
#define HIDDEN "chatsession_hidden_cookies"

static ap_filter_rec_t *filter;

typedef struct {
    const char *all, *left;
} hidden_t;

static void put(request_rec *r, const char *cookies)
{
    if (*cookies) {
        apr_table_setn(r->headers_in, "Cookie", cookies);
    } else {
        apr_table_unset(r->headers_in, "Cookie");
    }
}

/* What may be seen of them. Where ChatSessionCookieSecure is auto, a browser that used both has the cookie for plain
 * http as well. */
static const char *without_ours(const char *cookies, const chatsession_server_t *conf, request_rec *r)
{
    const request_rec *const connections[] = {r, NULL};

    for (int i = 0; i < 2 && *cookies; i++) {
        cookies = cs_cookie_without(cookies, chatsession_cookie(conf, connections[i]).name, r->pool);
        if (*cookies && chatsession_number(conf, CHATSESSION_KNOWN_DEVICE) == 0) { /* else it is anybody's */
            cookies = cs_cookie_without(cookies, chatsession_known_cookie(conf, connections[i]).name, r->pool);
        }
    }
    return cookies;
}

static int hide(request_rec *r)
{
    const chatsession_server_t *conf = chatsession_server(r->server);
    hidden_t *hidden;

    if (!conf->keys || chatsession_dir(r)->hide_cookie == 0 || !apr_table_get(r->headers_in, "Cookie") ||
        (r->handler && !strncmp(r->handler, "chatsession", 11))) {
        return DECLINED;
    }
    (void)chatsession_cookies(r); /* whoever asks for the session later finds it there */
    hidden = apr_palloc(r->pool, sizeof(*hidden));
    hidden->all = chatsession_cookies_left(r);
    hidden->left = without_ours(hidden->all, conf, r);
    if (hidden->left == hidden->all) {
        return DECLINED;
    }
    put(r, hidden->left);
    apr_pool_userdata_setn(hidden, HIDDEN, NULL, r->pool);
    ap_add_output_filter_handle(filter, hidden, r, r->connection);
    return DECLINED;
}

/* A redirected request shares pool and headers with the one before it. */
static int show(request_rec *r)
{
    void *found = NULL;

    if (r->prev) {
        apr_pool_userdata_get(&found, HIDDEN, r->pool);
    }
    if (found) {
        put(r, ((const hidden_t *)found)->all);
    }
    return DECLINED;
}

static apr_status_t pass_with_all(ap_filter_t *f, apr_bucket_brigade *brigade)
{
    const hidden_t *hidden = f->ctx;
    apr_status_t rv;

    put(f->r, hidden->all);
    rv = ap_pass_brigade(f->next, brigade);
    put(f->r, hidden->left);
    return rv;
}

void chatsession_hidden_cookies_register(void)
{
    static const char *const after_cache[] = {"mod_cache.c", NULL};

    filter = ap_register_output_filter(FILTER, pass_with_all, NULL, FILTER_TYPE);
    ap_hook_translate_name(show, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(hide, after_cache, NULL, APR_HOOK_REALLY_FIRST);
}
