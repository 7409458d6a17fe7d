/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "route.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "guest.h"
#include "openai.h"
#include "reply.h"
#include "second_factor.h"

APLOG_USE_MODULE(chatsession);

/* --- path and method --- */

static bool is_method(const request_rec *r, const char *method)
{
    return !strcmp(r->method, method) || (r->header_only && !strcmp(method, "GET"));
}

/* The row for the request; *allow collects the methods of rows that match by path alone. */
static const chatsession_route_t *find_route(chatsession_call_t *call, const chatsession_route_t *table, int count,
                                             const char *below, const char **allow)
{
    cs_path_t path;

    *allow = NULL;
    for (int i = 0; i < count; i++) {
        if (!cs_path_match(&path, table[i].path, below, call->r->pool)) {
            continue;
        }
        if (is_method(call->r, table[i].method)) {
            memcpy(call->ids, path.ids, sizeof(call->ids));
            call->word = path.word;
            return &table[i];
        }
        *allow = *allow ? apr_pstrcat(call->r->pool, *allow, ", ", table[i].method, NULL) : table[i].method;
    }
    return NULL;
}

/* --- who --- */

/* OK when the session may use the route. */
static int check_access(chatsession_call_t *call)
{
    const chatsession_access_e needed = call->route->access;

    if (call->session->status != APR_SUCCESS && (needed != CHATSESSION_ANYONE || call->session->cookie)) {
        return chatsession_reply_status(call->r, call->session->status);
    }
    /* Not "more than": a guest's route is a user's too, and a user may owe a second factor there. */
    if (needed != CHATSESSION_ANYONE && needed != CHATSESSION_UNENROLLED && call->session->access >= needed &&
        chatsession_second_factor_is_missing(call->r, call->session, call->console)) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "second_factor_needed",
                                       "Set up a second factor first: api/second-factor.");
    }
    if (needed == CHATSESSION_ANYONE || call->session->access >= needed) {
        return DECLINED;
    }
    if (needed == CHATSESSION_NEW_GUEST && chatsession_guests_may_come(call)) {
        return DECLINED;
    }
    if (!call->session->authenticated) {
        return chatsession_reply_error(call->r, HTTP_UNAUTHORIZED, "unauthenticated",
                                       call->session->ended ? call->session->ended : "Log in first.");
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS2050: 403: the role of session %s, %s, does not allow %s %s",
                  call->session->ref, call->session->role, call->route->method, call->route->path);
    return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "forbidden", "Your role does not allow this.");
}

static bool is_own_origin(request_rec *r, const char *origin)
{
    const char *host = apr_table_get(r->headers_in, "Host");

    return !ap_cstr_casecmp(origin, apr_pstrcat(r->pool, ap_http_scheme(r), "://", host ? host : "", NULL));
}

static bool is_allowed_origin(const chatsession_call_t *call, const char *origin)
{
    for (int i = 0; call->conf->origins && i < call->conf->origins->nelts; i++) {
        if (!ap_cstr_casecmp(origin, APR_ARRAY_IDX(call->conf->origins, i, const char *))) {
            return true;
        }
    }
    return false;
}

/*
 * May this request come from where it says? The browser's own word (Sec-Fetch-Site) counts first, then Origin. A
 * request with neither is no browser's: it may read, and change something as long as it carries no cookie of ours.
 * Reading counts too, because an operator's reading is recorded in their name: a link on another site must not do that.
 */
static bool is_same_site(const chatsession_call_t *call)
{
    const char *site = apr_table_get(call->r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(call->r->headers_in, "Origin");

    if (call->session->by_key) {
        /* No browser sends a key by itself. */
        return true;
    }
    if (site && (!strcmp(site, "same-origin") || !strcmp(site, "none"))) {
        return true;
    }
    if (origin) {
        return (!site && is_own_origin(call->r, origin)) || is_allowed_origin(call, origin);
    }
    return !site && (!strcmp(call->route->method, "GET") || !call->session->cookie);
}

/* --- body --- */

static bool is_json(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const size_t len = type ? strcspn(type, "; \t") : 0;

    return len == 16 && !ap_cstr_casecmpn(type, "application/json", len);
}

static int too_large(chatsession_call_t *call)
{
    return chatsession_reply_error(call->r, HTTP_REQUEST_ENTITY_TOO_LARGE, "payload_too_large",
                                   apr_psprintf(call->r->pool,
                                                "The body is larger than the %" APR_SIZE_T_FMT
                                                " octets that this call takes.",
                                                call->route->body_limit));
}

/* Read the body whole; the limit counts while reading, so a chunked body without end is cut off. DECLINED: go on. */
static int read_body(chatsession_call_t *call, const char **body, apr_size_t *len)
{
    request_rec *r = call->r;
    const apr_size_t limit = call->route->body_limit;
    apr_size_t size = 0;
    char *bytes;
    long got;
    int rv = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);

    *body = "";
    *len = 0;
    if (rv != OK) {
        return rv;
    }
    if (!ap_should_client_block(r)) {
        return DECLINED;
    }
    if (r->remaining > (apr_off_t)limit) {
        return too_large(call);
    }
    size = r->remaining > 0 ? (apr_size_t)r->remaining + 1 : 8192;
    bytes = apr_palloc(r->pool, size);
    while ((got = ap_get_client_block(r, bytes + *len, size - *len)) > 0) {
        *len += (apr_size_t)got;
        if (*len > limit) {
            return too_large(call);
        }
        if (*len == size) {
            char *larger = apr_palloc(r->pool, size * 2);
            memcpy(larger, bytes, *len);
            bytes = larger;
            size *= 2;
        }
    }
    if (got < 0) {
        return chatsession_reply_error(r, HTTP_BAD_REQUEST, "invalid_request", "The body did not arrive whole.");
    }
    *body = bytes;
    return DECLINED;
}

/* Read and check the body by the row's members. DECLINED: go on. */
static int check_body(chatsession_call_t *call)
{
    request_rec *r = call->r;
    const char *body;
    const char *problem;
    apr_size_t len;
    json_t *json;
    int rv;

    if (!call->route->body_limit) {
        return DECLINED;
    }
    if (!is_json(r) || apr_table_get(r->headers_in, "Content-Encoding")) {
        return chatsession_reply_error(r, HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type",
                                       "Send the body as application/json, not compressed.");
    }
    rv = read_body(call, &body, &len);
    if (rv != DECLINED) {
        return rv;
    }
    if (cs_json_parse(&json, body, len, &problem, r->pool) != APR_SUCCESS) {
        return chatsession_bad_request(call, problem);
    }
    if (!call->route->members) {
        call->body = json;
        return json_is_object(json) ? DECLINED : chatsession_bad_request(call, "The body is not a JSON object.");
    }
    if (cs_json_read(call->fields, call->route->members, call->route->member_count, json, &problem, r->pool) !=
        APR_SUCCESS) {
        return chatsession_bad_request(call, problem);
    }
    return DECLINED;
}

/* --- query --- */

const char *chatsession_hide_query(request_rec *r)
{
    const char *args = r->args;
    const char *query = strchr(r->the_request, '?');
    const char *rest = query ? strchr(query, ' ') : NULL;

    if (query) {
        r->the_request =
            apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, r->the_request, (apr_size_t)(query - r->the_request)),
                        rest ? rest : "", NULL);
        r->unparsed_uri = apr_pstrndup(r->pool, r->unparsed_uri, strcspn(r->unparsed_uri, "?"));
    }
    r->args = NULL;
    return args;
}

const char *chatsession_query(const chatsession_call_t *call, const char *name)
{
    const char *value = apr_table_get(call->query, name);

    return value && *value ? value : NULL;
}

bool chatsession_query_int(int *value, chatsession_call_t *call, const char *name, int fallback, int min, int max,
                           int *answer)
{
    const char *text = chatsession_query(call, name);
    char *end = NULL;
    apr_int64_t n = text ? apr_strtoi64(text, &end, 10) : fallback;

    *value = fallback;
    *answer = OK;
    if (text && (*end || !apr_isdigit(*text) || n < min || n > max)) {
        *answer = chatsession_bad_request(call, apr_psprintf(call->r->pool, "%s is not a whole number from %d to %d.",
                                                             name, min, max));
        return false;
    }
    *value = (int)n;
    return true;
}

int chatsession_bad_request(chatsession_call_t *call, const char *detail)
{
    return chatsession_reply_error(call->r, HTTP_BAD_REQUEST, "invalid_request", detail);
}

int chatsession_dispatch(request_rec *r, chatsession_server_t *conf, const chatsession_route_t *table, int count,
                         const chatsession_address_t *address)
{
    chatsession_call_t *call = apr_pcalloc(r->pool, sizeof(*call));
    const char *allow;
    int rv;

    call->r = r;
    call->conf = conf;
    call->route = find_route(call, table, count, address->below, &allow);
    if (!call->route && !allow) {
        return chatsession_reply_error(r, HTTP_NOT_FOUND, "not_found", "There is nothing at this address.");
    }
    if (!call->route) {
        apr_table_setn(r->err_headers_out, "Allow", allow);
        return chatsession_reply_error(r, HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
                                       apr_pstrcat(r->pool, "This address takes ", allow, ".", NULL));
    }
    if (call->route->access != CHATSESSION_NO_SESSION) {
        call->console = !strcmp(r->handler, "chatsession-admin");
        if (chatsession_openai_is(r)) {
            call->session = chatsession_key_session(r, conf);
        } else {
            call->session = call->console ? chatsession_console_session(r) : chatsession_chat_session(r);
            chatsession_expose_session(r);
        }
        rv = check_access(call);
    } else {
        rv = DECLINED;
    }
    if (rv != DECLINED) {
        return rv;
    }
    if (call->session && !is_same_site(call)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS2051: 403: %s %s does not come from a page of this site",
                      call->route->method, call->route->path);
        return chatsession_reply_error(r, HTTP_FORBIDDEN, "cross_site",
                                       "The request does not come from a page of this site (Sec-Fetch-Site, Origin).");
    }
    if (!cs_query_read(&call->query, address->query, r->pool)) {
        return chatsession_bad_request(call, "The query string is not percent-encoded UTF-8 text.");
    }
    rv = check_body(call);
    if (rv == DECLINED && call->route->access == CHATSESSION_NEW_GUEST && call->session->access < CHATSESSION_GUEST) {
        rv = chatsession_guest_begin(call);
    }
    return rv == DECLINED ? call->route->handle(call) : rv;
}
