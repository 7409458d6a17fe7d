/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "login.h"
#include <http_log.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include "auth.h"
#include "core/password.h"
#include "core/rfc3339.h"
#include "reply.h"
#include "second_factor.h"
#include "throttle.h"

APLOG_USE_MODULE(chatsession);

const cs_json_member_t chatsession_login_members[3] = {
    {"username", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 256},
    {"password", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_PASSWORD_MAX_BYTES},
    {"code", CS_JSON_STRING, 0, 1, CHATSESSION_CODE_MAX},
};

/* --- the gate: hashing is dear in memory and time, so only so many at once; the others wait their turn --- */

static struct {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *freed;
    int free;
} gate;

apr_status_t chatsession_login_init(chatsession_server_t *conf, apr_pool_t *pool)
{
    apr_status_t rv = apr_thread_mutex_create(&gate.lock, APR_THREAD_MUTEX_DEFAULT, pool);

    gate.free = (int)chatsession_number(conf, CHATSESSION_PASSWORD_CONCURRENCY);
    return rv == APR_SUCCESS ? apr_thread_cond_create(&gate.freed, pool) : rv;
}

static void gate_enter(void)
{
    apr_thread_mutex_lock(gate.lock);
    while (!gate.free) {
        apr_thread_cond_wait(gate.freed, gate.lock);
    }
    gate.free--;
    apr_thread_mutex_unlock(gate.lock);
}

static void gate_leave(void)
{
    apr_thread_mutex_lock(gate.lock);
    gate.free++;
    apr_thread_cond_signal(gate.freed);
    apr_thread_mutex_unlock(gate.lock);
}

/* --- handlers --- */

static json_t *time_json(chatsession_call_t *call, apr_time_t time)
{
    const char *text = time ? cs_rfc3339_print(time, call->r->pool) : NULL;

    return text ? json_string(text) : json_null();
}

static json_t *backend_names(const chatsession_server_t *conf)
{
    json_t *names = json_array();

    for (int i = 0; conf->backends && i < conf->backends->nelts; i++) {
        json_array_append_new(names, json_string(APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t).name));
    }
    return names;
}

int chatsession_get_session(chatsession_call_t *call)
{
    const chatsession_session_t *session = call->session;
    const cs_session_limits_t limits =
        call->console ? chatsession_console_limits(call->conf) : chatsession_limits(call->conf);
    const chatsession_backend_t *backend = chatsession_find_backend(call->conf, NULL);
    const bool in = session->authenticated;
    const apr_interval_time_t fresh = chatsession_number(call->conf, CHATSESSION_REAUTHENTICATE);
    json_t *body;

    body = json_pack("{s:b,s:o,s:s,s:o,s:o,s:s?,s:o,s:s?}", "authenticated", in, "user",
                     in ? json_pack("{s:s,s:s}", "name", session->user, "role", session->role) : json_null(), "cause",
                     session->cause, "idle_expires_at",
                     in ? time_json(call, cs_session_idle_at(&session->times, &limits)) : json_null(), "expires_at",
                     in ? time_json(call, cs_session_ends_at(&session->times, &limits)) : json_null(), "model",
                     backend ? backend->name : NULL, "models", backend_names(call->conf), "second_factor",
                     chatsession_second_factor_state(call));
    if (!call->console && chatsession_number(call->conf, CHATSESSION_GUESTS)) {
        json_object_set_new(body, "guests", json_true());
        json_object_set_new(body, "guest",
                            session->access == CHATSESSION_GUEST ? json_string(session->user) : json_null());
    }
    if (call->console && in) {
        json_object_set_new(body, "fresh_until",
                            time_json(call, fresh && chatsession_dir(call->r)->trust_user != 1
                                                ? session->times.created + fresh
                                                : 0));
    }
    return chatsession_reply_json(call->r, HTTP_OK, body);
}

apr_status_t chatsession_check_password(chatsession_call_t *call, const cs_user_t *user,
                                        const cs_json_field_t *password)
{
    const cs_password_cost_t cost = chatsession_password_cost(call->conf);
    const char *phc;
    bool rehash = false;
    apr_status_t rv;

    gate_enter();
    rv = cs_password_verify(&rehash, user->phc, password->string, password->length, &cost);
    if (rv == APR_SUCCESS && rehash && !user->disabled &&
        cs_password_hash(&phc, password->string, password->length, &cost, call->r->pool) == APR_SUCCESS) {
        gate_leave();
        /* A better hash of the same password: the login does not depend on it. */
        if (cs_user_rehash(call->conf->db, user->id, user->phc, phc, call->r->pool) != APR_SUCCESS) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, call->r, "CS0030: a password could not be hashed anew");
        }
    } else {
        gate_leave();
    }
    return rv == CS_EMALFORMED || (rv == APR_SUCCESS && (!user->id || user->disabled)) ? CS_EBADSIG : rv;
}

apr_status_t chatsession_hash_password(const char **phc, chatsession_call_t *call, const cs_json_field_t *password)
{
    const cs_password_cost_t cost = chatsession_password_cost(call->conf);
    apr_status_t rv;

    gate_enter();
    rv = cs_password_hash(phc, password->string, password->length, &cost, call->r->pool);
    gate_leave();
    return rv;
}

apr_status_t chatsession_login_check(cs_user_t *user, chatsession_call_t *call, const char *name,
                                     const cs_json_field_t *password)
{
    apr_status_t rv = cs_user_find(user, call->conf->db, name, call->r->pool);
    const bool known = rv == APR_SUCCESS && user->phc;

    if (rv != APR_SUCCESS && rv != APR_ENOENT) {
        return rv;
    }
    rv = chatsession_check_password(call, user, password);
    /* Somebody without a password here may have one elsewhere. */
    return rv == CS_EBADSIG && !known ? APR_ENOENT : rv;
}

int chatsession_post_login(chatsession_call_t *call)
{
    const char *name = call->fields[0].string;
    cs_throttle_attempt_t attempt;
    cs_user_t user = {0};
    apr_status_t rv;
    int answer;

    if (call->session->skipped) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "forbidden",
                                       "The request asks by a header to be served without a session; leave that out "
                                       "to log in.");
    }
    answer = chatsession_throttle_admit(&attempt, call, name);
    if (answer != DECLINED) {
        return answer;
    }
    rv = chatsession_auth_check(&user, call, name, &call->fields[1]);
    if (rv == APR_SUCCESS) {
        /* Only whoever has the right password hears of it. */
        answer = chatsession_second_factor_demand(call, &user, &call->fields[2], &attempt);
        if (answer != DECLINED) {
            return answer;
        }
        rv = chatsession_session_begin_verified(&call->session, call->r, user.id, user.password_revision);
    }
    if (rv == CS_EBADSIG || rv == APR_ENOENT) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0031: login refused");
        return chatsession_reply_error(call->r, HTTP_UNAUTHORIZED, "invalid_credentials",
                                       "The name or the password is wrong.");
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    chatsession_throttle_succeeded(&attempt, call, user.id);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0032: login: session %s begins", call->session->ref);
    return chatsession_get_session(call);
}

int chatsession_post_logout(chatsession_call_t *call)
{
    const char *ref = call->session->ref;
    apr_status_t rv = chatsession_session_end(call->r, "logout");

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (ref) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0033: logout: session %s ends", ref);
    }
    apr_table_setn(call->r->err_headers_out, "Clear-Site-Data", "\"cache\", \"storage\"");
    return chatsession_reply_empty(call->r, HTTP_NO_CONTENT);
}
