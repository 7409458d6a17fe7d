/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The end user's own account: sessions, password, and the first password by an invitation. */
#include "chat.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include "core/password.h"
#include "core/utf8.h"
#include "login.h"
#include "reply.h"
#include "secret.h"
#include "sessions.h"
#include "store/invitation.h"
#include "store/session.h"
#include "throttle.h"

APLOG_USE_MODULE(chatsession);

const cs_json_member_t chatsession_password_members[2] = {
    {"current", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_PASSWORD_MAX_BYTES},
    {"new", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_PASSWORD_MAX_BYTES},
};

const cs_json_member_t chatsession_invitation_members[2] = {
    {"token", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 64},
    {"new", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_PASSWORD_MAX_BYTES},
};

/* --- sessions --- */

int chatsession_list_sessions(chatsession_call_t *call)
{
    const cs_session_limits_t limits = chatsession_limits(call->conf);
    json_t *sessions;
    apr_status_t rv = cs_session_list_json(&sessions, call->conf->db, call->session->user_id, call->session->id_hash,
                                           &limits, call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "sessions", sessions));
}

int chatsession_delete_session(chatsession_call_t *call)
{
    apr_status_t rv;

    if (!strcmp(call->word, call->session->ref)) {
        return chatsession_post_logout(call);
    }
    rv = cs_utf8_is_text(call->word, strlen(call->word), NULL)
             ? cs_session_end_own(call->conf->db, call->session->user_id, call->word, call->r->pool)
             : APR_ENOENT;
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    chatsession_sessions_ended(call->r, call->conf, NULL);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0124: session %s was ended by its user in session %s",
                  ap_escape_logitem(call->r->pool, call->word), call->session->ref);
    return chatsession_reply_empty(call->r, HTTP_NO_CONTENT);
}

int chatsession_delete_sessions(chatsession_call_t *call)
{
    int ended;
    apr_status_t rv =
        cs_session_end_others(&ended, call->conf->db, call->session->user_id, call->session->id_hash, call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (ended) {
        chatsession_sessions_ended(call->r, call->conf, NULL);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r,
                  "CS0125: %d other sessions were ended by their user in session %s", ended, call->session->ref);
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:i}", "sessions", ended));
}

/* --- password --- */

/* The name by which the browser knows the site, without a port. */
static const char *site_of(request_rec *r)
{
    return r->hostname ? r->hostname : r->server->server_hostname;
}

/* DECLINED: the new password may be set. */
static int check_new(chatsession_call_t *call)
{
    const cs_json_field_t *now = &call->fields[0];
    const cs_json_field_t *next = &call->fields[1];
    const cs_password_problem_t *problem;

    if (now->length == next->length && !memcmp(now->string, next->string, now->length)) {
        return chatsession_reply_error(call->r, HTTP_BAD_REQUEST, "password_unchanged",
                                       "The new password is the present one; choose another one.");
    }
    if (cs_password_acceptable_for(&problem, next->string, next->length, call->session->user, site_of(call->r)) !=
        APR_SUCCESS) {
        return chatsession_reply_error(call->r, HTTP_BAD_REQUEST, problem->code, problem->sentence);
    }
    return DECLINED;
}

/* Set the verified user's new password; all sessions end with it, and this one goes on under a new id: *begun. */
static apr_status_t change(const char **begun, chatsession_call_t *call, const cs_user_t *user)
{
    const char *revision;
    const char *phc;
    apr_status_t rv = chatsession_hash_password(&phc, call, &call->fields[1]);

    if (rv == APR_SUCCESS) {
        rv = cs_user_change_password(&revision, call->conf->db, user->id, user->password_revision, phc, call->r->pool);
    }
    if (rv == APR_SUCCESS) {
        *begun = chatsession_session_go_on(&call->session, call->r, user->id, revision);
    }
    return rv;
}

int chatsession_post_password(chatsession_call_t *call)
{
    cs_throttle_attempt_t attempt;
    const char *begun;
    cs_user_t user;
    apr_status_t rv;
    int answer = check_new(call);

    if (answer == DECLINED) {
        answer = chatsession_throttle_admit(&attempt, call, call->session->user);
    }
    if (answer != DECLINED) {
        return answer;
    }
    rv = cs_user_find(&user, call->conf->db, call->session->user, call->r->pool);
    if (rv == APR_SUCCESS) {
        rv = chatsession_check_password(call, &user, &call->fields[0]);
    }
    if (rv == CS_EBADSIG) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0126: a change of password was refused in session %s",
                      call->session->ref);
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "invalid_credentials",
                                       "The present password is wrong.");
    }
    if (rv == APR_SUCCESS) {
        rv = change(&begun, call, &user);
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (user.second_factor) {
        /* The password alone must not buy new tries at the codes. */
        chatsession_throttle_withdrawn(&attempt, call);
    } else {
        chatsession_throttle_succeeded(&attempt, call, user.id);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0127: a password was changed; session %s begins", begun);
    return chatsession_reply_empty(call->r, HTTP_NO_CONTENT);
}

/* --- invitation --- */

static apr_status_t use_invitation(const char **name, const cs_password_problem_t **problem, chatsession_call_t *call)
{
    const cs_audit_entry_t entry = {.action = "invitation.use",
                                    .network = chatsession_network(call->r),
                                    .request_id = chatsession_request_id(call->r),
                                    .keys = chatsession_audit_keys(call->conf)};
    const cs_json_field_t *token = &call->fields[0];
    const cs_json_field_t *next = &call->fields[1];
    const char *hash, *phc;
    apr_status_t rv = cs_invitation_hash(&hash, token->string, token->length, call->r->pool);

    /* Nothing is hashed for who has no invitation. */
    if (rv == APR_SUCCESS) {
        rv = cs_invitation_find(name, call->conf->db, hash, call->r->pool);
    }
    if (rv == APR_SUCCESS &&
        cs_password_acceptable_for(problem, next->string, next->length, *name, site_of(call->r)) != APR_SUCCESS) {
        return CS_EREFUSED;
    }
    if (rv == APR_SUCCESS) {
        rv = chatsession_hash_password(&phc, call, next);
    }
    return rv == APR_SUCCESS ? cs_invitation_use(call->conf->db, hash, phc, &entry, call->r->pool) : rv;
}

/* No session begins here: the login that follows asks for a second factor where there is one. */
int chatsession_post_invitation(chatsession_call_t *call)
{
    const cs_password_problem_t *problem = NULL;
    const char *name = NULL;
    const apr_status_t rv = use_invitation(&name, &problem, call);

    if (problem) {
        return chatsession_reply_error(call->r, HTTP_BAD_REQUEST, problem->code, problem->sentence);
    }
    if (rv == APR_ENOENT || rv == CS_EMALFORMED) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0320: an invitation was refused: none, used, or over");
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "invalid_invitation",
                                       "This invitation was used already or is over: ask for a new one.");
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    chatsession_sessions_ended(call->r, call->conf, NULL);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0321: a password was set by an invitation");
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:s}", "name", name));
}
