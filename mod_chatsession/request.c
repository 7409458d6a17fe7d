/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "request.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include "config.h"
#include "sessions.h"
#include "core/utf8.h"
#include "store/session.h"

APLOG_USE_MODULE(chatsession);

/* last_seen is written back at most this often per session, and ten times within the idle limit where that is short:
 * who is active must not be taken for idle. */
#define TOUCH_INTERVAL (60 * APR_USEC_PER_SEC)
#define TOUCHES_WITHIN_IDLE_LIMIT 10

static const char *const roles[] = {
    [CHATSESSION_USER] = "user",         [CHATSESSION_VIEWER] = "viewer", [CHATSESSION_AUDITOR] = "auditor",
    [CHATSESSION_OPERATOR] = "operator", [CHATSESSION_ADMIN] = "admin",
};

chatsession_access_e chatsession_access_of(const char *role)
{
    for (int i = CHATSESSION_USER; i <= CHATSESSION_ADMIN; i++) {
        if (role && !strcmp(role, roles[i])) {
            return (chatsession_access_e)i;
        }
    }
    return CHATSESSION_ANYONE;
}

/* Several Cookie headers (HTTP/2 splits them) are one list; httpd's table joins them with ", ", which is no separator
 * of cookies. */
static int join_cookie(void *baton, const char *name, const char *value)
{
    apr_array_header_t *headers = baton;

    (void)name;
    APR_ARRAY_PUSH(headers, const char *) = value;
    return 1;
}

apr_status_t chatsession_find_cookie(request_rec *r, const char *name, const char **value, apr_size_t *len)
{
    apr_array_header_t *headers = apr_array_make(r->pool, 2, sizeof(const char *));

    apr_table_do(join_cookie, headers, r->headers_in, "Cookie", NULL);
    if (!headers->nelts) {
        return APR_ENOENT;
    }
    return cs_cookie_find(value, len, apr_array_pstrcat(r->pool, headers, ';'), name);
}

/* The token of the request's cookie; the cause when there is none that counts. */
static bool read_token(request_rec *r, const chatsession_server_t *conf, chatsession_session_t *session,
                       cs_token_t *token)
{
    const cs_cookie_attrs_t attrs = chatsession_cookie(conf, r);
    const char *value;
    apr_size_t len;
    apr_status_t rv = chatsession_find_cookie(r, attrs.name, &value, &len);

    session->cookie = rv != APR_ENOENT;
    if (rv == APR_ENOENT || !conf->keys) {
        session->cause = "none";
        return false;
    }
    if (rv == APR_SUCCESS) {
        rv = cs_token_verify(token, conf->keys, CS_PURPOSE_SESSION, value, len, r->request_time, attrs.max_age);
    }
    if (rv != APR_SUCCESS) {
        session->cause = rv == CS_EEXPIRED ? "renew after SignatureExpired" : "renew after InvalidSignature";
        return false;
    }
    return true;
}

static void touch(chatsession_session_t *session, chatsession_server_t *conf, const char *hash, apr_time_t now,
                  apr_pool_t *pool)
{
    apr_interval_time_t interval = chatsession_limits(conf).idle_timeout / TOUCHES_WITHIN_IDLE_LIMIT;

    interval = interval < TOUCH_INTERVAL ? interval : TOUCH_INTERVAL;
    if (cs_session_wants_touch(&session->times, interval, now) &&
        cs_session_touch(conf->db, hash, pool) == APR_SUCCESS) {
        session->times.last_seen = now;
        chatsession_sessions_touched(conf, hash, now);
    }
}

/* Look the session up and judge it; fills in who it is when it is valid. */
static void load(request_rec *r, chatsession_server_t *conf, chatsession_session_t *session, const cs_token_t *token)
{
    const cs_session_limits_t limits = chatsession_limits(conf);
    const char *hash = cs_token_hash(token->id, r->pool);
    cs_session_t stored;
    apr_status_t rv = conf->db ? chatsession_sessions_find(&stored, conf, hash, r->pool) : CS_EUNAVAILABLE;

    session->cause = "valid_cookie_but_no_store";
    if (rv != APR_SUCCESS) {
        session->status = rv == APR_ENOENT ? APR_SUCCESS : rv;
        return;
    }
    if (cs_session_judge(&stored.times, &limits, stored.now) != CS_SESSION_VALID || stored.user_disabled) {
        return;
    }
    *session = (chatsession_session_t){APR_SUCCESS,
                                       "success",
                                       true,
                                       true,
                                       chatsession_access_of(stored.role),
                                       stored.user_id,
                                       stored.user,
                                       stored.role,
                                       stored.ref,
                                       hash,
                                       stored.times};
    touch(session, conf, hash, stored.now, r->pool);
}

static chatsession_session_t *memo(request_rec *r)
{
    return ap_get_module_config(r->request_config, &chatsession_module);
}

/* The request that the client sent: subrequests and internal redirects share its session. */
static request_rec *first_request(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

static chatsession_session_t *session_of(request_rec *r)
{
    request_rec *first = first_request(r);
    chatsession_session_t *session = memo(first);
    chatsession_server_t *conf = chatsession_server(first->server);
    cs_token_t token;

    if (!session) {
        session = apr_pcalloc(first->pool, sizeof(*session));
        ap_set_module_config(first->request_config, &chatsession_module, session);
        if (read_token(first, conf, session, &token)) {
            load(first, conf, session, &token);
        }
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "CS0020: session %s: %s", session->ref ? session->ref : "-",
                      session->cause);
    }
    return session;
}

const chatsession_session_t *chatsession_session(request_rec *r)
{
    return session_of(r);
}

/* One Set-Cookie, also when a request changes its mind: logging in with a live session ends that and begins another. */
static apr_status_t send_cookie(request_rec *r, const char *value)
{
    const cs_cookie_attrs_t attrs = chatsession_cookie(chatsession_server(r->server), r);
    const char *header = NULL;
    apr_status_t rv;

    rv = value ? cs_cookie_format(&header, &attrs, value, r->pool) : cs_cookie_format_removal(&header, &attrs, r->pool);
    if (rv == APR_SUCCESS) {
        apr_table_set(r->err_headers_out, "Set-Cookie", header);
    }
    return rv;
}

const char *chatsession_network(request_rec *r)
{
    /* A link-local address may carry a zone, which PostgreSQL's inet does not know. */
    return apr_pstrndup(r->pool, r->useragent_ip, strcspn(r->useragent_ip, "%"));
}

static const char *user_agent(request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "User-Agent");
    apr_size_t len;

    if (!text) {
        return NULL;
    }
    text = cs_utf8_repair(text, strlen(text), &len, NULL, r->pool);
    return apr_pstrndup(r->pool, text, cs_utf8_prefix(text, len, CS_SESSION_USER_AGENT_MAX));
}

apr_status_t chatsession_session_begin(const chatsession_session_t **session, request_rec *r, const char *user_id)
{
    return chatsession_session_begin_verified(session, r, user_id, NULL);
}

apr_status_t chatsession_session_begin_verified(const chatsession_session_t **session, request_rec *r,
                                                const char *user_id, const char *password_revision)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    chatsession_session_t *current = session_of(r);
    unsigned char id[CS_TOKEN_ID_BYTES];
    unsigned char ref[9];
    cs_token_t token = {.old_key = false};
    const char *text;
    apr_status_t rv;
    cs_session_new_t made = {.user_id = user_id,
                             .password_revision = password_revision,
                             .replaces = current->id_hash,
                             .network = chatsession_network(r),
                             .user_agent = user_agent(r)};

    *session = current;
    rv = cs_token_random(id, sizeof(id));
    if (rv == APR_SUCCESS) {
        rv = cs_token_random(ref, sizeof(ref));
    }
    if (rv == APR_SUCCESS) {
        rv = cs_token_mint(&text, conf->keys, CS_PURPOSE_SESSION, id, apr_time_now(), r->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(token.id, id, sizeof(id));
    made.id_hash = cs_token_hash(id, r->pool);
    made.ref = cs_base64url_encode(ref, sizeof(ref), r->pool);
    rv = cs_session_create(conf->db, &made, r->pool);
    if (made.replaces) {
        chatsession_sessions_ended(r, conf, made.replaces);
    }
    if (rv == APR_SUCCESS) {
        rv = send_cookie(r, text);
    }
    if (rv == APR_SUCCESS) {
        *current = (chatsession_session_t){.cookie = true};
        load(r, conf, current, &token);
        rv = current->authenticated || current->status != APR_SUCCESS ? current->status : CS_EUNAVAILABLE;
    }
    return rv;
}

apr_status_t chatsession_session_end(request_rec *r, const char *cause)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    chatsession_session_t *current = session_of(r);
    apr_status_t rv = APR_SUCCESS;

    if (current->id_hash) {
        rv = cs_session_revoke(conf->db, current->id_hash, cause, r->pool);
        chatsession_sessions_ended(r, conf, current->id_hash);
    }
    if (rv == APR_SUCCESS) {
        rv = send_cookie(r, NULL);
        *current = (chatsession_session_t){.cause = "none"};
    }
    return rv;
}

void chatsession_expose_session(request_rec *r)
{
    const chatsession_session_t *session = session_of(r);

    apr_table_setn(r->subprocess_env, "CHATSESSION_CAUSE", session->cause);
    apr_table_setn(r->subprocess_env, "CHATSESSION_AUTHENTICATED", session->authenticated ? "1" : "0");
    if (session->authenticated) {
        apr_table_setn(r->subprocess_env, "CHATSESSION_USER", session->user);
        apr_table_setn(r->subprocess_env, "CHATSESSION_ROLE", session->role);
        apr_table_setn(r->subprocess_env, "CHATSESSION_REF", session->ref);
        if (!r->user) {
            r->user = apr_pstrdup(r->pool, session->user);
            r->ap_auth_type = apr_pstrdup(r->pool, "ChatSession");
        }
    }
}

int chatsession_expose(request_rec *r)
{
    if (chatsession_dir(r)->expose != 1) {
        return DECLINED;
    }
    chatsession_expose_session(r);
    return OK;
}
