/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "auth.h"
#include <ap_expr.h>
#include <ap_provider.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>
#include <apr_strings.h>
#include "login.h"
#include "request.h"

APLOG_USE_MODULE(chatsession);

/* --- AuthType ChatSession --- */

/* A browser that asks for a page is better served by the login page than by a bare 401. */
static bool wants_page(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return (r->method_number == M_GET) && accept && strstr(accept, "text/html");
}

static int ask_to_log_in(request_rec *r)
{
    const char *page = chatsession_string(chatsession_server(r->server), CHATSESSION_LOGIN_URL);

    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (!page || !wants_page(r)) {
        return HTTP_UNAUTHORIZED;
    }
    apr_table_setn(r->err_headers_out, "Location",
                   apr_pstrcat(r->pool, page, "?next=", ap_escape_urlencoded(r->pool, r->unparsed_uri), NULL));
    return HTTP_MOVED_TEMPORARILY;
}

static int authenticate(request_rec *r)
{
    const char *type = ap_auth_type(r);
    const chatsession_session_t *session;

    if (!type || ap_cstr_casecmp(type, "ChatSession")) {
        return DECLINED;
    }
    session = chatsession_session(r);
    if (session->status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "CS0140: nobody can be let in: the database cannot be reached");
        return HTTP_SERVICE_UNAVAILABLE;
    }
    if (!session->authenticated) {
        return ask_to_log_in(r);
    }
    r->user = apr_pstrdup(r->pool, session->user);
    r->ap_auth_type = apr_pstrdup(r->pool, "ChatSession");
    return OK;
}

/* --- Require --- */

/* Require chat-user [NAME…]: a user of ours, or one of these. */
static authz_status require_user(request_rec *r, const char *args, const void *parsed)
{
    const chatsession_session_t *session = chatsession_session(r);
    const char *name;

    (void)parsed;
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
            return apr_psprintf(cmd->pool, "Require chat-role: \"%s\" is none of user, viewer, auditor, operator, admin", role);
        }
    }
    return NULL;
}

static const authz_provider user_provider = {require_user, NULL};
static const authz_provider role_provider = {require_role, parse_roles};

void chatsession_auth_register(apr_pool_t *pool)
{
    ap_hook_check_authn(authenticate, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "chat-user", AUTHZ_PROVIDER_VERSION, &user_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "chat-role", AUTHZ_PROVIDER_VERSION, &role_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}

/* --- users of others --- */

/* The role that the first fitting ChatSessionRole gives; NULL: none fits, the row keeps its own. */
static const char *role_by_expression(request_rec *r, const chatsession_server_t *conf)
{
    for (int i = 0; conf->role_rules && i < conf->role_rules->nelts; i++) {
        const chatsession_role_rule_t *rule = &APR_ARRAY_IDX(conf->role_rules, i, chatsession_role_rule_t);
        const char *error = NULL;
        const int fits = ap_expr_exec(r, rule->condition, &error);

        if (error) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0141: ChatSessionRole %s: its expression failed: %s", rule->role, error);
        }
        else if (fits > 0) {
            return rule->role;
        }
    }
    return NULL;
}

apr_status_t chatsession_auth_see(cs_user_t *user, request_rec *r, chatsession_server_t *conf, const char *name)
{
    apr_status_t rv = cs_user_see(user, conf->db, name, role_by_expression(r, conf), r->pool);

    return rv == APR_SUCCESS && user->disabled ? CS_EBADSIG : rv;
}

/* One of httpd's own providers. APR_ENOENT: it does not know the user, the next one may. */
static apr_status_t ask_provider(cs_user_t *user, request_rec *r, chatsession_server_t *conf, const char *provider_name,
                                 const char *name, const char *password)
{
    const authn_provider *provider = ap_lookup_provider(AUTHN_PROVIDER_GROUP, provider_name, AUTHN_PROVIDER_VERSION);

    if (!provider || !provider->check_password) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0142: ChatSessionLoginProvider %s: no module offers it", provider_name);
        return APR_ENOTIMPL;
    }
    apr_table_setn(r->notes, AUTHN_PROVIDER_NAME_NOTE, provider_name);
    switch (provider->check_password(r, name, password)) {
    case AUTH_GRANTED:
        return chatsession_auth_see(user, r, conf, name);
    case AUTH_DENIED:
        return CS_EBADSIG;
    case AUTH_USER_NOT_FOUND:
        return APR_ENOENT;
    default:
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0143: ChatSessionLoginProvider %s could not say who may log in", provider_name);
        return APR_EGENERAL;
    }
}

apr_status_t chatsession_auth_check(cs_user_t *user, request_rec *r, chatsession_server_t *conf, const char *name,
                                    const char *password, apr_size_t len)
{
    apr_status_t rv = APR_ENOENT;

    if (!conf->login_providers) {
        return chatsession_login_check(user, r, conf, name, password, len);
    }
    for (int i = 0; rv == APR_ENOENT && i < conf->login_providers->nelts; i++) {
        const char *provider = APR_ARRAY_IDX(conf->login_providers, i, const char *);

        rv = strcmp(provider, "chatsession") ? ask_provider(user, r, conf, provider, name, password)
                                             : chatsession_login_check(user, r, conf, name, password, len);
    }
    return rv == APR_ENOENT ? CS_EBADSIG : rv;
}
