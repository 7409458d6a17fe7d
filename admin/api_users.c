/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Users as operators see them and administrators change them. Before a change is answered, every host has heard of the
 * sessions that ended with it. A new password is random and shown once: nobody chooses one for somebody else. With an
 * invitation nobody but the user ever knows it.
 */
#include "admin/admin.h"
#include <apr_strings.h>
#include "core/password.h"
#include "login.h"
#include "mounts.h"
#include "reply.h"
#include "sessions.h"
#include "store/invitation.h"
#include "store/user.h"
#include "store/user_admin.h"

/* Roles are short words; what is none of them is said so by name. */
#define ROLE_LENGTH 16

const cs_json_member_t chatsession_user_create_members[3] = {
    {"name", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 64},
    {"role", CS_JSON_STRING, CS_JSON_REQUIRED, 1, ROLE_LENGTH},
    {"invite", CS_JSON_BOOLEAN, 0, 0, 0},
};
/* The bounds are those of the directives for all users. */
const cs_json_member_t chatsession_user_change_members[5] = {
    {"role", CS_JSON_STRING, 0, 1, ROLE_LENGTH},
    {"disabled", CS_JSON_BOOLEAN, 0, 0, 0},
    {"max_turns", CS_JSON_INTEGER, CS_JSON_NULLABLE, 0, 10000},
    {"max_requests", CS_JSON_INTEGER, CS_JSON_NULLABLE, 0, 100000},
    {"max_tokens", CS_JSON_INTEGER, CS_JSON_NULLABLE, 0, 1000000000000},
};

#define ROLES_EXPECTED "\"role\" is none of user, viewer, auditor, operator, admin."

static bool is_state(const char *word)
{
    return !strcmp(word, "active") || !strcmp(word, "disabled");
}

int chatsession_admin_users(chatsession_call_t *call)
{
    cs_user_list_t list = {.query = chatsession_query(call, "q"),
                           .role = chatsession_query(call, "role"),
                           .state = chatsession_query(call, "state"),
                           .after = chatsession_query(call, "after")};
    const char *next;
    json_t *users;
    apr_status_t rv;
    int answer;

    if (!chatsession_query_int(&list.limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    if (list.role && !cs_user_is_role(list.role)) {
        return chatsession_bad_request(call, ROLES_EXPECTED);
    }
    if (list.state && !is_state(list.state)) {
        return chatsession_bad_request(call, "state is none of active, disabled.");
    }
    rv = cs_user_page(&users, &next, call->conf->db, &list, call->r->pool);
    return rv == APR_SUCCESS
               ? chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o,s:s?}", "users", users, "next", next))
               : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_user(chatsession_call_t *call)
{
    const cs_session_limits_t limits = chatsession_limits(call->conf);
    json_t *sessions = NULL;
    json_t *user;
    apr_status_t rv = cs_user_object(&user, call->conf->db, call->word, call->r->pool);

    if (rv == APR_SUCCESS && call->session->access >= CHATSESSION_OPERATOR) {
        rv = cs_user_sessions(&sessions, call->conf->db, call->word, &limits, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        json_decref(user);
        return chatsession_reply_status(call->r, rv);
    }
    chatsession_admin_mark_current(sessions, call);
    json_object_set_new(user, "sessions", sessions ? sessions : json_null());
    return chatsession_reply_json(call->r, HTTP_OK, user);
}

/* A random password and its hash. */
static apr_status_t make_password(const char **password, const char **phc, chatsession_call_t *call)
{
    cs_json_field_t field = {0};
    apr_status_t rv = cs_password_random(password, call->r->pool);

    *phc = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    field.string = *password;
    field.length = strlen(*password);
    return chatsession_hash_password(phc, call, &field);
}

/* The answer to what was not done; *answer is for the handler to return. False: it was done. */
static bool is_refused(chatsession_call_t *call, cs_user_outcome_e outcome, int *answer)
{
    static const struct {
        int status;
        const char *code, *detail;
    } refusals[] = {
        [CS_USER_NOT_ADMIN] = {HTTP_FORBIDDEN, "forbidden", "Your role does not allow this any more."},
        [CS_USER_OWN] = {HTTP_FORBIDDEN, "own_account",
                         "You cannot change your own role, or disable, reset or invite your own account: another "
                         "administrator can."},
        [CS_USER_LAST_ADMIN] = {HTTP_CONFLICT, "last_admin",
                                "This is the last enabled administrator: make another one first."},
        [CS_USER_NO_NAME] =
            {HTTP_BAD_REQUEST, "invalid_request",
             "\"name\" must be 1 to 64 visible characters without spaces at the ends and without \"/\"; "
             "\".\" and \"..\" are none."},
        [CS_USER_TAKEN] = {HTTP_CONFLICT, "name_taken", "The name, or one that reads the same, is taken."},
        [CS_USER_DISABLED] = {HTTP_CONFLICT, "user_disabled", "The user is disabled: enable the account first."},
    };

    *answer = OK;
    if (outcome == CS_USER_DONE) {
        return false;
    }
    *answer =
        chatsession_reply_error(call->r, refusals[outcome].status, refusals[outcome].code, refusals[outcome].detail);
    return true;
}

/* {"token","path"}: what follows this host's origin in the address to be handed on; null where the chat page is none
 * of this host's. */
static json_t *invitation_json(const chatsession_call_t *call, const char *token)
{
    const char *mount = chatsession_mounts_path(call->conf->mounts, "chatsession");

    return json_pack("{s:s,s:s?}", "token", token, "path",
                     mount ? apr_pstrcat(call->r->pool, mount, "/#invite=", token, NULL) : NULL);
}

int chatsession_admin_user_create(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "user.create", NULL);
    cs_user_deed_t deed = {.name = call->fields[0].string,
                           .role = call->fields[1].string,
                           .actor_id = call->session->user_id};
    cs_user_outcome_e outcome = CS_USER_DONE;
    const char *password = NULL, *token = NULL;
    apr_status_t rv;
    int answer;

    if (!cs_user_is_role(deed.role)) {
        return chatsession_bad_request(call, ROLES_EXPECTED);
    }
    rv = call->fields[2].boolean ? cs_invitation_draw(&token, &deed.invitation, call->r->pool)
                                 : make_password(&password, &deed.phc, call);
    if (rv == APR_SUCCESS) {
        rv = cs_user_admin_create(&outcome, call->conf->db, &deed, &entry, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (is_refused(call, outcome, &answer)) {
        return answer;
    }
    return chatsession_reply_json(call->r, HTTP_CREATED,
                                  json_pack("{s:s,s:s,s:s*,s:o*}", "name", deed.name, "role", deed.role, "password",
                                            password, "invitation", token ? invitation_json(call, token) : NULL));
}

int chatsession_admin_user_invite(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "user.invite", NULL);
    cs_user_deed_t deed = {.name = call->word, .actor_id = call->session->user_id};
    cs_user_outcome_e outcome = CS_USER_DONE;
    const char *token;
    apr_status_t rv = cs_invitation_draw(&token, &deed.invitation, call->r->pool);
    int answer;

    if (rv == APR_SUCCESS) {
        rv = cs_user_admin_invite(&outcome, call->conf->db, &deed, &entry, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (is_refused(call, outcome, &answer)) {
        return answer;
    }
    return chatsession_reply_json(call->r, HTTP_CREATED,
                                  json_pack("{s:o}", "invitation", invitation_json(call, token)));
}

/* The limits of the body, those that were given; NULL: none was. */
static json_t *read_limits(const chatsession_call_t *call)
{
    json_t *limits = NULL;

    for (int i = 2; i < 5; i++) {
        const char *name = chatsession_user_change_members[i].name;
        if (call->fields[i].given) {
            limits = limits ? limits : cs_json_own(json_object(), call->r->pool);
            json_object_set_new(limits, name,
                                call->fields[i].null ? json_null() : json_integer(call->fields[i].integer));
        }
    }
    return limits;
}

int chatsession_admin_user_change(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "user.change", NULL);
    const cs_json_field_t *role = &call->fields[0];
    const cs_json_field_t *disabled = &call->fields[1];
    const cs_user_deed_t deed = {.name = call->word,
                                 .role = role->given ? role->string : NULL,
                                 .disabled = !disabled->given    ? NULL
                                             : disabled->boolean ? "true"
                                                                 : "false",
                                 .limits = read_limits(call),
                                 .actor_id = call->session->user_id};
    cs_user_outcome_e outcome;
    apr_int64_t ended;
    json_t *user;
    apr_status_t rv;
    int answer;

    if (!deed.role && !deed.disabled && !deed.limits) {
        return chatsession_bad_request(call, "Give \"role\", \"disabled\", \"max_turns\", \"max_requests\" or "
                                             "\"max_tokens\".");
    }
    if (deed.role && !cs_user_is_role(deed.role)) {
        return chatsession_bad_request(call, ROLES_EXPECTED);
    }
    rv = cs_user_admin_change(&outcome, &ended, &user, call->conf->db, &deed, &entry, call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (is_refused(call, outcome, &answer)) {
        return answer;
    }
    chatsession_sessions_ended(call->r, call->conf, NULL);
    return chatsession_reply_json(call->r, HTTP_OK, user);
}

int chatsession_admin_user_password(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "user.password", NULL);
    cs_user_deed_t deed = {.name = call->word, .actor_id = call->session->user_id};
    cs_user_outcome_e outcome = CS_USER_DONE;
    const char *password;
    apr_status_t rv = make_password(&password, &deed.phc, call);
    int answer;

    if (rv == APR_SUCCESS) {
        rv = cs_user_admin_password(&outcome, call->conf->db, &deed, &entry, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (is_refused(call, outcome, &answer)) {
        return answer;
    }
    chatsession_sessions_ended(call->r, call->conf, NULL);
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:s}", "password", password));
}

int chatsession_admin_user_reset_factor(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "factor.reset", NULL);
    const cs_user_deed_t deed = {.name = call->word, .actor_id = call->session->user_id};
    cs_user_outcome_e outcome;
    const apr_status_t rv = cs_user_admin_reset_factor(&outcome, call->conf->db, &deed, &entry, call->r->pool);
    int answer;

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (is_refused(call, outcome, &answer)) {
        return answer;
    }
    chatsession_sessions_ended(call->r, call->conf, NULL);
    return chatsession_reply_empty(call->r, HTTP_NO_CONTENT);
}

int chatsession_admin_user_revoke(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "session.revoke", NULL);
    apr_int64_t ended;
    const apr_status_t rv = cs_user_admin_end_sessions(&ended, call->conf->db, call->word, &entry, call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    chatsession_sessions_ended(call->r, call->conf, NULL);
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:I}", "sessions", (json_int_t)ended));
}
