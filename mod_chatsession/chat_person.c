/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What is here of oneself as a person: who looked at it, all of it to take along, and having it erased. */
#include "chat.h"
#include <http_log.h>
#include <apr_strings.h>
#include "archive.h"
#include "core/password.h"
#include "login.h"
#include "reply.h"
#include "secret.h"
#include "sessions.h"
#include "store/archive.h"
#include "store/erasure.h"
#include "throttle.h"

APLOG_USE_MODULE(chatsession);

const cs_json_member_t chatsession_own_erase_members[3] = {
    {"password", CS_JSON_STRING, 0, 1, CS_PASSWORD_MAX_BYTES},
    {"conversations", CS_JSON_INTEGER, CS_JSON_REQUIRED, 0, 2000000000},
    {"messages", CS_JSON_INTEGER, CS_JSON_REQUIRED, 0, 2000000000},
};

int chatsession_get_access(chatsession_call_t *call)
{
    const apr_int64_t shown = chatsession_number(call->conf, CHATSESSION_SHOW_ACCESS);
    const char *conversation = chatsession_query(call, "conversation");
    json_t *access = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (conversation && !cs_uuid_is(conversation)) {
        return chatsession_bad_request(call, "conversation is no UUID.");
    }
    if (shown != CHATSESSION_ACCESS_HIDDEN) {
        rv = cs_access_list(&access, call->conf->db, call->session->user_id, conversation,
                            shown == CHATSESSION_ACCESS_NAME, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:b,s:o}", "shown", shown != CHATSESSION_ACCESS_HIDDEN, "access",
                                            access ? access : json_array()));
}

int chatsession_get_archive(chatsession_call_t *call)
{
    return chatsession_archive_reply(call, call->session->user_id);
}

int chatsession_get_erase(chatsession_call_t *call)
{
    const bool allowed = chatsession_number(call->conf, CHATSESSION_SELF_ERASE);
    json_t *preview = NULL;
    json_t *removed = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (allowed) {
        rv = cs_erasure_preview(&preview, call->conf->db, call->session->user_id, call->r->pool);
        removed = json_incref(json_object_get(preview, "removed"));
        json_decref(preview);
        /* How many matters name somebody is not theirs to know. */
        json_object_del(removed, "matters");
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:b,s:o}", "allowed", allowed, "removed",
                                            removed ? removed : json_null()));
}

/* DECLINED: it is the user who asks. Who has no password here has logged in elsewhere; then the login must be fresh. */
static int check_person(chatsession_call_t *call)
{
    const apr_interval_time_t limit = chatsession_number(call->conf, CHATSESSION_REAUTHENTICATE);
    cs_throttle_attempt_t attempt;
    cs_user_t user;
    apr_status_t rv = cs_user_find(&user, call->conf->db, call->session->user, call->r->pool);
    int answer;

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (!user.phc) {
        return !limit || call->session->now - call->session->times.created < limit
                   ? DECLINED
                   : chatsession_reply_error(call->r, HTTP_FORBIDDEN, "reauthenticate",
                                             "This destroys much: log in again first, your last login is too old.");
    }
    if (!call->fields[0].given) {
        return chatsession_bad_request(call, "Give \"password\": what is erased does not come back.");
    }
    answer = chatsession_throttle_admit(&attempt, call, call->session->user);
    if (answer != DECLINED) {
        return answer;
    }
    rv = chatsession_check_password(call, &user, &call->fields[0]);
    if (rv != APR_SUCCESS) {
        return rv == CS_EBADSIG
                   ? chatsession_reply_error(call->r, HTTP_FORBIDDEN, "invalid_credentials", "The password is wrong.")
                   : chatsession_reply_status(call->r, rv);
    }
    chatsession_throttle_withdrawn(&attempt, call);
    return DECLINED;
}

static int answer_refusal(chatsession_call_t *call, cs_erasure_outcome_e outcome)
{
    switch (outcome) {
    case CS_ERASURE_CHANGED:
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "count_changed",
                                       "There are more or fewer conversations or messages than were shown: look "
                                       "again.");
    case CS_ERASURE_LAST_ADMIN:
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "last_admin",
                                       "You are the last enabled administrator: make another one first.");
    case CS_ERASURE_HELD:
        /* Not why: who is held must not learn of the matter. */
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "not_now",
                                       "Your account cannot be erased from here now; ask the administrator.");
    case CS_ERASURE_DONE:
    case CS_ERASURE_BEFORE:
    case CS_ERASURE_ABSENT:
        break;
    }
    return chatsession_reply_status(call->r, APR_ENOENT);
}

int chatsession_post_erase(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = {.operator_name = "(own account)",
                                    .role = call->session->role,
                                    .action = "user.erase",
                                    .request_id = chatsession_request_id(call->r),
                                    .keys = chatsession_audit_keys(call->conf)};
    const cs_erasure_t erasure = {.user_id = call->session->user_id,
                                  .by = "(own account)",
                                  .conversations = call->fields[1].integer,
                                  .messages = call->fields[2].integer};
    cs_erasure_outcome_e outcome;
    json_t *certificate;
    apr_status_t rv;
    int answer;

    if (!chatsession_number(call->conf, CHATSESSION_SELF_ERASE)) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "forbidden",
                                       "Accounts are erased by the administrator here.");
    }
    answer = check_person(call);
    if (answer != DECLINED) {
        return answer;
    }
    rv = cs_erasure_run(&outcome, &certificate, call->conf->db, &erasure, &entry, call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (outcome != CS_ERASURE_DONE) {
        json_decref(certificate);
        return answer_refusal(call, outcome);
    }
    chatsession_sessions_ended(call->r, call->conf, call->session->id_hash);
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, call->r, "CS0312: user %s erased the own account", erasure.user_id);
    chatsession_session_leave(call->r);
    apr_table_setn(call->r->err_headers_out, "Clear-Site-Data", "\"cache\", \"storage\"");
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "certificate", certificate));
}
