/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "request.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include "auth.h"
#include "causes.h"
#include "config.h"
#include "proven_user.h"
#include "request_cookies.h"
#include "request_memo.h"
#include "second_factor.h"
#include "sessions.h"
#include "skip.h"
#include "core/utf8.h"
#include "store/session.h"

APLOG_USE_MODULE(chatsession);

/* last_seen is written back at most this often per session, and ten times within the idle limit where that is short:
 * who is active must not be taken for idle. */
#define TOUCH_INTERVAL (60 * APR_USEC_PER_SEC)
#define TOUCHES_WITHIN_IDLE_LIMIT 10

static const char *const roles[] = {
    [CHATSESSION_GUEST] = "guest",     [CHATSESSION_USER] = "user",         [CHATSESSION_VIEWER] = "viewer",
    [CHATSESSION_AUDITOR] = "auditor", [CHATSESSION_OPERATOR] = "operator", [CHATSESSION_ADMIN] = "admin",
};

chatsession_access_e chatsession_access_of(const char *role)
{
    for (int i = CHATSESSION_GUEST; i <= CHATSESSION_ADMIN; i++) {
        if (role && roles[i] && !strcmp(role, roles[i])) {
            return (chatsession_access_e)i;
        }
    }
    return CHATSESSION_ANYONE;
}

chatsession_request_memo_t *chatsession_request_memo(request_rec *r)
{
    chatsession_request_memo_t *found = ap_get_module_config(r->request_config, &chatsession_module);

    if (!found) {
        found = apr_pcalloc(r->pool, sizeof(*found));
        ap_set_module_config(r->request_config, &chatsession_module, found);
    }
    return found;
}

request_rec *chatsession_first_request(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

/* Whether it was found out that a token does not count. All else means that it could not be found out. */
static bool is_no_token(apr_status_t rv)
{
    return rv == CS_EMALFORMED || rv == CS_EBADSIG || rv == CS_EEXPIRED || rv == CS_EDUPLICATE || rv == CS_ETOOBIG;
}

/* The token of the request's cookie; the cause when there is none that counts, and a status where nobody can say: who
 * has a session must not lose it because memory was short when its signature was computed. */
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
    session->purpose = CS_PURPOSE_SESSION;
    if (rv == APR_SUCCESS) {
        rv = cs_token_verify(token, conf->keys, CS_PURPOSE_SESSION, value, len, r->request_time, attrs.max_age);
    }
    if (rv == CS_EBADSIG) {
        session->purpose = CS_PURPOSE_VISITOR;
        rv = cs_token_verify(token, conf->keys, CS_PURPOSE_VISITOR, value, len, r->request_time, attrs.max_age);
    }
    if (rv != APR_SUCCESS) {
        session->cause = rv == CS_EEXPIRED ? "renew after SignatureExpired" : "renew after InvalidSignature";
        session->status = is_no_token(rv) ? APR_SUCCESS : APR_ENOMEM;
        return false;
    }
    return true;
}

/* Whether last_seen is to be written back. */
static bool wants_touch(const cs_session_times_t *times, const cs_session_limits_t *limits, apr_time_t now)
{
    const apr_interval_time_t interval = limits->idle_timeout / TOUCHES_WITHIN_IDLE_LIMIT;

    return !times->revoked && cs_session_wants_touch(times, interval < TOUCH_INTERVAL ? interval : TOUCH_INTERVAL, now);
}

static void touch(chatsession_session_t *session, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const cs_session_limits_t limits = chatsession_limits(conf);

    if (session->store && wants_touch(&session->times, &limits, session->now) &&
        session->store->touch(session->store, session->id_hash, session->now, pool) == APR_SUCCESS) {
        session->times.last_seen = session->now;
    }
}

/* What a person should hear of a session that is over; NULL where "log in" says it all. */
static const char *explain_end(cs_session_validity_e validity, const char *revoke_cause)
{
    if (validity == CS_SESSION_IDLE) {
        return "Your session ended because it was not used for a while; log in again.";
    }
    if (validity == CS_SESSION_EXPIRED) {
        return "Your session has reached its longest time; log in again.";
    }
    if (revoke_cause && !strcmp(revoke_cause, "evicted")) {
        return "Your session ended because you have logged in on more browsers than are allowed at once; log in again.";
    }
    return NULL;
}

/* Whether a session that was found counts; why not, in *session. */
static bool is_valid(chatsession_session_t *session, const chatsession_server_t *conf, const cs_session_t *stored)
{
    const cs_session_limits_t limits = chatsession_limits(conf);
    const cs_session_validity_e validity = cs_session_judge(&stored->times, &limits, stored->now);

    if (!stored->user_id) {
        return validity == CS_SESSION_VALID && chatsession_number(conf, CHATSESSION_ANONYMOUS);
    }
    if (!strcmp(stored->role, roles[CHATSESSION_GUEST]) && !chatsession_number(conf, CHATSESSION_GUESTS)) {
        return false;
    }
    session->ended = explain_end(validity, stored->revoke_cause);
    return validity == CS_SESSION_VALID && !stored->user_disabled;
}

/* Where a session is whose cookie was signed for that. NULL: nowhere, and *rv says whether that is a failure (the
 * database was not opened) or there is no such store here. */
static const cs_session_store_t *store_of(apr_status_t *rv, const chatsession_server_t *conf, cs_purpose_e purpose)
{
    const cs_session_store_t *store = purpose == CS_PURPOSE_SESSION ? conf->users : conf->cache ? conf->visitors : NULL;
    const bool missing =
        purpose == CS_PURPOSE_VISITOR || (conf->cache && !chatsession_string(conf, CHATSESSION_DATABASE));

    *rv = store ? APR_SUCCESS : missing ? APR_ENOENT : CS_EUNAVAILABLE;
    return store;
}

/* Look the session up and judge it; fills in who it is when it is valid. */
static void load(request_rec *r, const chatsession_server_t *conf, chatsession_session_t *session, const char *hash)
{
    const cs_purpose_e purpose = session->purpose;
    cs_session_t stored = {.ref = NULL};
    apr_status_t rv;
    const cs_session_store_t *store = store_of(&rv, conf, purpose);

    if (store) {
        rv = store->find(&stored, store, hash, r->pool);
    }
    session->cause = "valid_cookie_but_no_store";
    if (rv != APR_SUCCESS) {
        session->status = rv == APR_ENOENT ? APR_SUCCESS : rv;
        return;
    }
    if (!is_valid(session, conf, &stored)) {
        return;
    }
    *session = (chatsession_session_t){.status = APR_SUCCESS,
                                       .cause = "success",
                                       .cookie = true,
                                       .authenticated = chatsession_access_of(stored.role) > CHATSESSION_GUEST,
                                       .access = chatsession_access_of(stored.role),
                                       .user_id = stored.user_id,
                                       .user = stored.user,
                                       .role = stored.role,
                                       .ref = stored.ref,
                                       .id_hash = hash,
                                       .legacy_id = stored.legacy_id,
                                       .second_factor = stored.second_factor,
                                       .store = store,
                                       .purpose = purpose,
                                       .times = stored.times,
                                       .now = stored.now};
    touch(session, conf, r->pool);
}

/*
 * Sign the cookie with the first secret: same id, same time, so it lasts no longer than before. A session that goes on
 * for its grace keeps its cookie as it is: the browser has a newer one, which must not be overwritten.
 */
static void sign_anew(request_rec *r, const chatsession_server_t *conf, const chatsession_session_t *session,
                      const cs_token_t *token)
{
    cs_cookie_attrs_t attrs = chatsession_cookie(conf, r);
    const char *text;
    apr_status_t rv;

    if (!token->old_key || !session->ref || session->times.revoked) {
        return;
    }
    if (attrs.max_age) {
        attrs.max_age = apr_time_from_sec(apr_time_sec(token->issued + attrs.max_age - r->request_time));
        if (attrs.max_age <= 0) {
            return;
        }
    }
    rv = cs_token_mint(&text, conf->keys, session->purpose, token->id, token->issued, r->pool);
    if (rv == APR_SUCCESS) {
        rv = chatsession_send_cookie(r, &attrs, text);
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CS0100: session %s: its cookie could not be signed with the first secret", session->ref);
    }
}

/* --- beginning --- */

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

/* The session of before ends when the new one begins: in the same statement where both are in the same store, and
 * before that where they are not. */
static apr_status_t leave_other_store(const chatsession_session_t *current, cs_session_new_t *made,
                                      const cs_session_store_t *store, apr_pool_t *pool)
{
    apr_status_t rv;

    if (!made->replaces || current->store == store) {
        return APR_SUCCESS;
    }
    rv = current->store->revoke(current->store, made->replaces, "replaced", pool);
    made->replaces = NULL;
    return rv;
}

/* A new id: its token is what the cookie will hold, its hash and the session's handle are made's. */
static apr_status_t draw_id(const char **token, cs_session_new_t *made, const chatsession_server_t *conf,
                            cs_purpose_e purpose, apr_pool_t *pool)
{
    unsigned char id[CS_TOKEN_ID_BYTES];
    unsigned char ref[9];
    apr_status_t rv = cs_token_random(id, sizeof(id));

    *token = NULL;
    if (rv == APR_SUCCESS) {
        rv = cs_token_random(ref, sizeof(ref));
    }
    if (rv == APR_SUCCESS) {
        rv = cs_token_mint(token, conf->keys, purpose, id, apr_time_now(), pool);
    }
    if (rv == APR_SUCCESS) {
        made->ref = cs_base64url_encode(ref, sizeof(ref), pool);
        made->id_hash = cs_token_hash(id, pool);
        rv = made->id_hash ? APR_SUCCESS : APR_ENOMEM;
    }
    return rv;
}

/* Put it into its store; the sessions that end with that are ended on all hosts. */
static apr_status_t store_new(const chatsession_session_t *current, request_rec *r, cs_session_new_t *made,
                              const cs_session_store_t *store)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    int evicted = 0;
    apr_status_t rv = leave_other_store(current, made, store, r->pool);

    if (rv == APR_SUCCESS) {
        rv = store->create(&evicted, store, made, r->pool);
    }
    if (store == conf->users && (made->replaces || evicted)) {
        chatsession_sessions_ended(r, conf, made->replaces);
    }
    if (evicted) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS0101: login: %d sessions of the same user end for session %s",
                      evicted, made->ref);
    }
    return rv;
}

/* The session that was stored is current, and the browser's. */
static apr_status_t enter_new(chatsession_session_t *current, request_rec *r, const char *id_hash, cs_purpose_e purpose,
                              const char *token)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    const cs_cookie_attrs_t attrs = chatsession_cookie(conf, r);
    apr_status_t rv;

    *current = (chatsession_session_t){.cookie = true, .purpose = purpose};
    load(r, conf, current, id_hash);
    if (!current->ref && current->status == APR_SUCCESS) {
        return APR_ENOENT; /* over already: a change of its user, say, came in between */
    }
    rv = chatsession_send_cookie(r, &attrs, token);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (current->ref) {
        current->cause = "new";
        chatsession_causes_count(current->cause);
    }
    return current->status;
}

/* Make the session that made describes, under a new id; current becomes it. */
static apr_status_t begin(chatsession_session_t *current, request_rec *r, cs_session_new_t *made)
{
    const chatsession_server_t *conf = chatsession_server(r->server);
    const bool in_cache = conf->cache && !made->user_id && !made->legacy_id;
    const cs_session_store_t *store = in_cache ? conf->visitors : conf->users;
    const cs_purpose_e purpose = in_cache ? CS_PURPOSE_VISITOR : CS_PURPOSE_SESSION;
    const char *token = NULL;
    apr_status_t rv = store ? draw_id(&token, made, conf, purpose, r->pool) : CS_EUNAVAILABLE;

    if (rv == APR_SUCCESS) {
        made->network = chatsession_network(r);
        made->user_agent = user_agent(r);
        rv = store_new(current, r, made, store);
    }
    return rv == APR_SUCCESS ? enter_new(current, r, made->id_hash, purpose, token) : rv;
}

/*
 * A visitor whom the software before knew: an anonymous session that holds the legacy id, for the cookie of then. Each
 * legacy id is taken once, so a copy of the cookie is worth nothing afterwards. Of several first requests at once one
 * gets the session and the others none, so these must not remove a cookie whose name is ours.
 */
static void exchange(request_rec *r, chatsession_server_t *conf, chatsession_session_t *session)
{
    const chatsession_legacy_t *legacy = conf->legacy;
    cs_session_new_t made = {.most = 0};
    cs_itsdangerous_t found;
    const char *value;
    apr_size_t len;
    apr_status_t rv;

    if (!legacy || !conf->keys || !conf->db ||
        chatsession_find_cookie(r, legacy->cookie.name, &value, &len) != APR_SUCCESS ||
        cs_itsdangerous_read(&found, legacy->key, legacy->cookie.name, value, len, r->pool) != APR_SUCCESS ||
        cs_itsdangerous_judge(&found, legacy->max_age, r->request_time) != APR_SUCCESS) {
        return;
    }
    made.legacy_id = found.id;
    made.legacy_end = found.issued + legacy->max_age;
    rv = begin(session, r, &made);
    if ((rv == APR_SUCCESS || rv == CS_EREFUSED) &&
        strcmp(legacy->cookie.name, chatsession_cookie(conf, r).name) != 0 &&
        chatsession_send_cookie(r, &legacy->cookie, NULL) != APR_SUCCESS) {
        rv = APR_EGENERAL;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS0102: a cookie of the software before was %s",
                  rv == APR_SUCCESS ? "exchanged" : "not taken");
}

/* The walk. */
static void find_session(request_rec *r, chatsession_session_t *session)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    cs_token_t token;

    if (chatsession_skip_applies(conf->skips, r)) {
        session->cause = "skipped";
        session->skipped = true;
        return;
    }
    if (read_token(r, conf, session, &token)) {
        load(r, conf, session, apr_pstrmemdup(r->pool, token.hash, CS_TOKEN_HASH_CHARS));
        sign_anew(r, conf, session, &token);
    }
    if (!session->ref && session->status == APR_SUCCESS) {
        exchange(r, conf, session);
    }
}

static chatsession_session_t *cookie_session(request_rec *r)
{
    request_rec *first = chatsession_first_request(r);
    chatsession_request_memo_t *known = chatsession_request_memo(first);

    if (!known->session) {
        known->session = apr_pcalloc(first->pool, sizeof(*known->session));
        find_session(first, known->session);
        if (strcmp(known->session->cause, "new") != 0) { /* begin has counted that */
            chatsession_causes_count(known->session->cause);
        }
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "CS0020: session %s: %s",
                      known->session->ref ? known->session->ref : "-", known->session->cause);
    }
    return known->session;
}

/* --- who another module says it is --- */

/* A new session for the user of others, unless the one that the cookie names is theirs, with the role that they have.
 */
static apr_status_t adopt(request_rec *r, chatsession_server_t *conf, const chatsession_session_t *session,
                          const char *name)
{
    const char *role = chatsession_auth_role(r, conf);
    const chatsession_session_t *begun;
    cs_user_t user;
    apr_status_t rv;

    /* Names that differ in the case of ASCII letters alone are always one account (canonical_name). */
    if (session->authenticated && !ap_cstr_casecmp(session->user, name) && (!role || !strcmp(role, session->role))) {
        return APR_SUCCESS;
    }
    rv = conf->db ? chatsession_auth_see(&user, r, conf, name) : CS_EUNAVAILABLE;
    if (rv == APR_SUCCESS && session->authenticated && !strcmp(session->user_id, user.id) &&
        !strcmp(session->role, user.role)) {
        return APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? chatsession_session_begin(&begun, r, user.id) : rv;
}

apr_status_t chatsession_adopt(request_rec *r, const char *name)
{
    char *before = r->user;
    apr_status_t rv;

    r->user = apr_pstrdup(r->pool, name);
    rv = adopt(r, chatsession_server(r->server), cookie_session(r), r->user);
    chatsession_request_memo(chatsession_first_request(r))->adopted = r->user;
    r->user = before;
    return rv;
}

/*
 * The user whom another module has authenticated is logged in here. Whoever logs out there is logged out here, for the
 * session counts only together with that user.
 */
static chatsession_session_t *trusted_session(request_rec *r, chatsession_session_t *session)
{
    chatsession_request_memo_t *known = chatsession_request_memo(chatsession_first_request(r));
    const char *name = chatsession_proven_user(r);
    apr_status_t rv;

    if (!name) {
        session = apr_pcalloc(r->pool, sizeof(*session));
        session->cause = "none";
        return session;
    }
    if (known->adopted && !strcmp(known->adopted, name)) {
        return session;
    }
    known->adopted = name;
    rv = adopt(r, chatsession_server(r->server), session, name);
    if (rv != APR_SUCCESS) {
        const bool nobody = rv == CS_EBADSIG || rv == CS_EREFUSED || rv == APR_ENOENT;
        *session =
            (chatsession_session_t){.status = nobody ? APR_SUCCESS : rv, .cause = "none", .cookie = session->cookie};
    }
    return session;
}

static chatsession_session_t *session_of(request_rec *r)
{
    chatsession_session_t *session = cookie_session(r);

    return chatsession_dir(r)->trust_user == 1 && !session->skipped ? trusted_session(r, session) : session;
}

const chatsession_session_t *chatsession_chat_session(request_rec *r)
{
    return session_of(r);
}

const chatsession_session_t *chatsession_session(request_rec *r)
{
    const chatsession_session_t *session = session_of(r);
    chatsession_session_t *nobody;

    if (!chatsession_second_factor_is_missing(r, session, false)) {
        return session;
    }
    nobody = apr_pcalloc(r->pool, sizeof(*nobody));
    nobody->cause = session->cause;
    nobody->cookie = session->cookie;
    nobody->ended = "Set up the second factor first, on the page where you log in.";
    return nobody;
}

const chatsession_session_t *chatsession_cookie_session(request_rec *r)
{
    return cookie_session(r);
}

const chatsession_session_t *chatsession_console_session(request_rec *r)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    const cs_session_limits_t limits = chatsession_console_limits(conf);
    const chatsession_session_t *session = session_of(r);
    chatsession_session_t *seen;

    /* Whom another module vouches for is asked there. */
    if (!session->authenticated || chatsession_dir(r)->trust_user == 1) {
        return session;
    }
    seen = apr_pmemdup(r->pool, session, sizeof(*seen));
    seen->times = cs_session_console_times(&session->times);
    if (cs_session_judge(&seen->times, &limits, seen->now) != CS_SESSION_VALID) {
        *seen = (chatsession_session_t){.cause = session->cause,
                                        .cookie = session->cookie,
                                        .ended = "This login is too old for the console, or the console was not used "
                                                 "for a while; log in again."};
        return seen;
    }
    if (wants_touch(&seen->times, &limits, seen->now) &&
        cs_session_touch_console(conf->db, seen->id_hash, r->pool) == APR_SUCCESS) {
        seen->times.last_seen = seen->now;
        chatsession_sessions_console_touched(conf, seen->id_hash, seen->now);
    }
    return seen;
}

apr_status_t chatsession_session_begin(const chatsession_session_t **session, request_rec *r, const char *user_id)
{
    return chatsession_session_begin_verified(session, r, user_id, NULL);
}

apr_status_t chatsession_session_begin_verified(const chatsession_session_t **session, request_rec *r,
                                                const char *user_id, const char *password_revision)
{
    const chatsession_server_t *conf = chatsession_server(r->server);
    chatsession_session_t *current = cookie_session(r);
    cs_session_new_t made = {.user_id = user_id,
                             .password_revision = password_revision,
                             .replaces = current->id_hash,
                             .adopt = chatsession_number(conf, CHATSESSION_ADOPT),
                             .most = (int)chatsession_number(conf, CHATSESSION_MAX_PER_USER),
                             .max_lifetime = chatsession_number(conf, CHATSESSION_MAX_LIFETIME)};

    *session = current;
    if (current->skipped || (!user_id && !chatsession_number(conf, CHATSESSION_ANONYMOUS))) {
        return CS_EREFUSED;
    }
    return begin(current, r, &made);
}

const char *chatsession_session_go_on(const chatsession_session_t **session, request_rec *r, const char *user_id,
                                      const char *password_revision)
{
    const apr_status_t rv = chatsession_session_begin_verified(session, r, user_id, password_revision);
    char reason[120];

    if (rv == APR_SUCCESS) {
        return (*session)->ref;
    }
    /* The one of before is over, and what is known of a new one is not enough. */
    *cookie_session(r) = (chatsession_session_t){.cause = "none", .cookie = true};
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "CS0128: no session goes on after a change that ended all of its user's (%s); the change stands",
                  cs_strstatus(rv, reason, sizeof(reason)));
    return "none";
}

void chatsession_session_leave(request_rec *r)
{
    const cs_cookie_attrs_t attrs = chatsession_cookie(chatsession_server(r->server), r);

    if (cookie_session(r)->skipped) {
        return;
    }
    if (chatsession_send_cookie(r, &attrs, NULL) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CS0129: a browser could not be told to forget its cookie, whose session is over");
    }
    *cookie_session(r) = (chatsession_session_t){.cause = "none"};
}

apr_status_t chatsession_session_end(request_rec *r, const char *cause)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    const chatsession_session_t *current = cookie_session(r);
    apr_status_t rv = APR_SUCCESS;

    if (current->id_hash) {
        rv = current->store->revoke(current->store, current->id_hash, cause, r->pool);
        if (current->store == conf->users) {
            chatsession_sessions_ended(r, conf, current->id_hash);
        }
    }
    if (rv == APR_SUCCESS) {
        chatsession_session_leave(r);
    }
    return rv;
}

apr_status_t chatsession_session_to_write(const chatsession_session_t **session, request_rec *r)
{
    const request_rec *first = chatsession_first_request(r);
    apr_status_t rv;

    *session = session_of(r);
    if ((*session)->status != APR_SUCCESS || (*session)->ref) {
        return (*session)->status;
    }
    if (chatsession_dir(r)->trust_user == 1 || !chatsession_server(r->server)->keys || first->sent_bodyct ||
        first->eos_sent) {
        return APR_EACCES;
    }
    rv = chatsession_session_begin(session, r, NULL);
    return rv == CS_EREFUSED ? APR_EACCES : rv;
}

static void expose(request_rec *r, const chatsession_session_t *session)
{
    apr_table_setn(r->subprocess_env, "CHATSESSION_CAUSE", session->cause);
    apr_table_setn(r->subprocess_env, "CHATSESSION_AUTHENTICATED", session->authenticated ? "1" : "0");
    if (session->ref) {
        apr_table_setn(r->subprocess_env, "CHATSESSION_REF", session->ref);
    }
    if (session->legacy_id) {
        apr_table_setn(r->subprocess_env, "CHATSESSION_LEGACY_ID", session->legacy_id);
    }
    if (session->authenticated) {
        apr_table_setn(r->subprocess_env, "CHATSESSION_USER", session->user);
        apr_table_setn(r->subprocess_env, "CHATSESSION_ROLE", session->role);
        if (!r->user) {
            r->user = apr_pstrdup(r->pool, session->user);
            r->ap_auth_type = apr_pstrdup(r->pool, "ChatSession");
        }
    }
}

void chatsession_expose_session(request_rec *r)
{
    expose(r, session_of(r));
}

int chatsession_expose(request_rec *r)
{
    if (chatsession_dir(r)->expose != 1) {
        return DECLINED;
    }
    expose(r, chatsession_session(r));
    return OK;
}
