/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "auth.h"
#include <ap_expr.h>
#include <ap_provider.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <apr_strings.h>
#include "login.h"
#include "proven_user.h"
#include "request.h"
#include "sessions.h"

APLOG_USE_MODULE(chatsession);

/* --- AuthType ChatSession --- */

static bool is_ours(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !ap_cstr_casecmp(type, "ChatSession");
}

/* A browser that opens a page is better served by the login page than by a bare 401; a script, a picture and a part of
 * a page are not. */
static bool wants_page(request_rec *r)
{
    const char *mode = apr_table_get(r->headers_in, "Sec-Fetch-Mode");
    const char *accept = apr_table_get(r->headers_in, "Accept");

    if (r->method_number != M_GET || r->main || (r->prev && r->prev->status != HTTP_OK)) {
        return false;
    }
    return mode ? !strcmp(mode, "navigate") : accept && strstr(accept, "text/html");
}

/* The address that the browser asked for, as a path that cannot be read as another site; NULL: it has none. */
static const char *asked_path(request_rec *r)
{
    const char *path;

    while (r->prev) {
        r = r->prev;
    }
    path = r->unparsed_uri;
    if (!path || *path != '/') {
        return NULL;
    }
    return apr_pstrcat(r->pool, "/", path + strspn(path, "/\\"), NULL);
}

/* Whether r asks for the login page, or for something below it: sending it there would never end. */
static bool is_login_page(const request_rec *r, const char *page)
{
    const size_t len = strlen(page);

    return !strcmp(r->uri, page) || (len > 1 && page[len - 1] == '/' && !strncmp(r->uri, page, len));
}

static int ask_to_log_in(request_rec *r)
{
    const char *page = chatsession_string(chatsession_server(r->server), CHATSESSION_LOGIN_URL);
    const char *path = asked_path(r);

    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    ap_note_auth_failure(r);
    if (!page || !wants_page(r)) {
        return HTTP_UNAUTHORIZED;
    }
    if (is_login_page(r, page)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "CS0144: ChatSessionLoginUrl %s is itself behind AuthType ChatSession; nobody can log in there",
                      page);
        return HTTP_UNAUTHORIZED;
    }
    if (path) {
        page = apr_pstrcat(r->pool, page, "?next=", ap_escape_urlencoded(r->pool, path), NULL);
    }
    apr_table_setn(r->err_headers_out, "Location", page);
    return HTTP_MOVED_TEMPORARILY;
}

/* Hook note_auth_failure: a 401 names what would help (RFC 9110 15.5.2); browsers know no such scheme and ask nobody.
 */
static int note_failure(request_rec *r, const char *type)
{
    if (ap_cstr_casecmp(type, "ChatSession")) {
        return DECLINED;
    }
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   ap_auth_name(r) ? apr_psprintf(r->pool, "ChatSession realm=\"%s\"", ap_auth_name(r))
                                   : "ChatSession");
    return OK;
}

/* The browser may keep what the site says, but asks before each use: after a log-out nothing is shown, and no shared
 * cache ever has it. */
static void keep_private(request_rec *r)
{
    const char *vary = apr_table_get(r->err_headers_out, "Vary");

    if (!vary || !ap_find_token(r->pool, vary, "Cookie")) {
        apr_table_mergen(r->err_headers_out, "Vary", "Cookie");
        apr_table_mergen(r->err_headers_out, "Cache-Control", "private, no-cache");
    }
}

static int say_unavailable(request_rec *r)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "CS0140: nobody can be let in: the database, or the cache of ChatSessionStore, cannot be reached");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    return HTTP_SERVICE_UNAVAILABLE;
}

/*
 * Before any Require is judged, which mod_authz_core does for the first time before authentication: whoever is logged
 * in is r->user already. So each form of Require sees them, "Require not" cannot be passed by being judged too early,
 * and a wrong role is a 403, while only who is not logged in is asked to do so.
 */
static int recognise(request_rec *r)
{
    const chatsession_session_t *session;

    if (!is_ours(r)) {
        return DECLINED;
    }
    session = chatsession_session(r);
    keep_private(r);
    if (session->status != APR_SUCCESS) {
        return say_unavailable(r);
    }
    if (session->authenticated) {
        r->user = apr_pstrdup(r->pool, session->user);
        r->ap_auth_type = apr_pstrdup(r->pool, "ChatSession");
    }
    return DECLINED;
}

static int authenticate(request_rec *r)
{
    const chatsession_session_t *session;

    if (!is_ours(r)) {
        return DECLINED;
    }
    session = chatsession_session(r);
    if (session->status != APR_SUCCESS) {
        return say_unavailable(r);
    }
    return session->authenticated ? OK : ask_to_log_in(r);
}

/* --- Require --- */

/* Require chat-user [NAME…]: a user of ours, or one of these. */
static authz_status require_user(request_rec *r, const char *args, const void *parsed)
{
    const chatsession_session_t *session = chatsession_session(r);
    const char *name;

    (void)parsed;
    if (session->status != APR_SUCCESS) {
        return AUTHZ_GENERAL_ERROR;
    }
    if (!session->authenticated) {
        return AUTHZ_DENIED_NO_USER;
    }
    if (!*args) {
        return AUTHZ_GRANTED;
    }
    while (*(name = ap_getword_conf(r->pool, &args))) {
        if (!strcmp(name, session->user)) {
            return AUTHZ_GRANTED;
        }
    }
    return AUTHZ_DENIED;
}

/* Require chat-role ROLE…: one of these roles, or one that reaches further. */
static authz_status require_role(request_rec *r, const char *args, const void *parsed)
{
    const chatsession_session_t *session = chatsession_session(r);
    const char *role;

    (void)parsed;
    if (session->status != APR_SUCCESS) {
        return AUTHZ_GENERAL_ERROR;
    }
    if (!session->authenticated) {
        return AUTHZ_DENIED_NO_USER;
    }
    while (*(role = ap_getword_conf(r->pool, &args))) {
        if (session->access >= chatsession_access_of(role)) {
            return AUTHZ_GRANTED;
        }
    }
    return AUTHZ_DENIED;
}

static const char *parse_roles(cmd_parms *cmd, const char *args, const void **parsed)
{
    const char *role;

    *parsed = NULL;
    if (!*args) {
        return "Require chat-role: name at least one of user, viewer, auditor, operator, admin";
    }
    while (*(role = ap_getword_conf(cmd->pool, &args))) {
        if (chatsession_access_of(role) == CHATSESSION_ANYONE) {
            return apr_psprintf(cmd->pool,
                                "Require chat-role: \"%s\" is none of user, viewer, auditor, operator, admin", role);
        }
    }
    return NULL;
}

static const authz_provider user_provider = {require_user, NULL};
static const authz_provider role_provider = {require_role, parse_roles};

void chatsession_auth_register(apr_pool_t *pool)
{
    ap_hook_check_access(recognise, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(authenticate, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(chatsession_note_authenticated, NULL, NULL, APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(note_failure, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "chat-user", AUTHZ_PROVIDER_VERSION, &user_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "chat-role", AUTHZ_PROVIDER_VERSION, &role_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}

/* --- users of others --- */

const char *chatsession_auth_role(request_rec *r, const chatsession_server_t *conf)
{
    for (int i = 0; conf->role_rules && i < conf->role_rules->nelts; i++) {
        const chatsession_role_rule_t *rule = &APR_ARRAY_IDX(conf->role_rules, i, chatsession_role_rule_t);
        const char *error = NULL;
        const int fits = ap_expr_exec(r, rule->condition, &error);

        if (error) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0141: ChatSessionRole %s: its expression failed: %s",
                          rule->role, error);
        } else if (fits > 0) {
            return rule->role;
        }
    }
    return conf->role_rules ? "user" : NULL;
}

apr_status_t chatsession_auth_see(cs_user_t *user, request_rec *r, chatsession_server_t *conf, const char *name)
{
    bool ended;
    apr_status_t rv = cs_user_see(user, &ended, conf->db, name, chatsession_auth_role(r, conf), r->pool);

    if (rv == CS_EREFUSED) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CS0145: a name that another module has authenticated cannot be a user's here: expected 1 to 64 "
                      "visible characters without full-width letters, ligatures and the like");
    }
    if (rv == APR_SUCCESS && ended) {
        chatsession_sessions_ended(r, conf, NULL);
    }
    return rv == APR_SUCCESS && user->disabled ? CS_EBADSIG : rv;
}

/* Providers, and the expressions of ChatSessionRole, find the user where an authentication module would have put it. */
static authn_status check_password(request_rec *r, const authn_provider *provider, const char *provider_name,
                                   const char *name, const char *password)
{
    char *before = r->user;
    authn_status status;

    apr_table_setn(r->notes, AUTHN_PROVIDER_NAME_NOTE, provider_name);
    r->user = apr_pstrdup(r->pool, name);
    status = provider->check_password(r, name, password);
    r->user = before;
    apr_table_unset(r->notes, AUTHN_PROVIDER_NAME_NOTE);
    return status;
}

static apr_status_t see_as(cs_user_t *user, request_rec *r, chatsession_server_t *conf, const char *name)
{
    char *before = r->user;
    apr_status_t rv;

    r->user = apr_pstrdup(r->pool, name);
    rv = chatsession_auth_see(user, r, conf, name);
    r->user = before;
    /* To whoever logs in it is a wrong name like any other. */
    return rv == CS_EREFUSED ? CS_EBADSIG : rv;
}

/* One of httpd's own providers. APR_ENOENT: it does not know the user, the next one may. */
static apr_status_t ask_provider(cs_user_t *user, chatsession_call_t *call, const char *provider_name, const char *name,
                                 const cs_json_field_t *password)
{
    request_rec *r = call->r;
    const authn_provider *provider = ap_lookup_provider(AUTHN_PROVIDER_GROUP, provider_name, AUTHN_PROVIDER_VERSION);

    if (!provider || !provider->check_password) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0142: ChatSessionLoginProvider %s: no module offers it",
                      provider_name);
        return APR_ENOTIMPL;
    }
    switch (check_password(r, provider, provider_name, name, password->string)) {
    case AUTH_GRANTED:
        return see_as(user, r, call->conf, name);
    case AUTH_DENIED:
        return CS_EBADSIG;
    case AUTH_USER_NOT_FOUND:
        return APR_ENOENT;
    default:
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0143: ChatSessionLoginProvider %s could not say who may log in",
                      provider_name);
        return APR_EGENERAL;
    }
}

apr_status_t chatsession_auth_check(cs_user_t *user, chatsession_call_t *call, const char *name,
                                    const cs_json_field_t *password)
{
    const apr_array_header_t *providers = call->conf->login_providers;
    apr_status_t rv = APR_ENOENT;

    if (!providers) {
        return chatsession_login_check(user, call, name, password);
    }
    for (int i = 0; rv == APR_ENOENT && i < providers->nelts; i++) {
        const char *provider = APR_ARRAY_IDX(providers, i, const char *);

        rv = strcmp(provider, "chatsession") != 0 ? ask_provider(user, call, provider, name, password)
                                                  : chatsession_login_check(user, call, name, password);
    }
    return rv == APR_ENOENT ? CS_EBADSIG : rv;
}
