/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "second_factor.h"
#include <http_log.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include "auth.h"
#include "core/base32.h"
#include "core/cipher.h"
#include "core/password.h"
#include "core/recovery_code.h"
#include "core/totp.h"
#include "reply.h"
#include "store/second_factor.h"
#include "throttle.h"

APLOG_USE_MODULE(chatsession);

const cs_json_member_t chatsession_factor_begin_members[1] = {
    {"password", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_PASSWORD_MAX_BYTES},
};
const cs_json_member_t chatsession_factor_confirm_members[1] = {
    {"code", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CHATSESSION_CODE_MAX},
};
const cs_json_member_t chatsession_factor_change_members[2] = {
    {"password", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_PASSWORD_MAX_BYTES},
    {"code", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CHATSESSION_CODE_MAX},
};

/* --- who must have one --- */

static chatsession_factor_e policy_of(request_rec *r)
{
    if (chatsession_dir(r)->trust_user == 1) {
        return CHATSESSION_FACTOR_OFF;
    }
    return (chatsession_factor_e)chatsession_number(chatsession_server(r->server), CHATSESSION_SECOND_FACTOR);
}

bool chatsession_second_factor_is_missing(request_rec *r, const chatsession_session_t *session, bool console)
{
    const chatsession_factor_e policy = policy_of(r);

    if (!session->authenticated || session->second_factor) {
        return false;
    }
    return policy == CHATSESSION_FACTOR_EVERYONE ||
           (policy == CHATSESSION_FACTOR_OPERATORS && console && session->access >= CHATSESSION_VIEWER);
}

const char *chatsession_second_factor_state(const chatsession_call_t *call)
{
    if (!call->session->authenticated) {
        return NULL;
    }
    if (policy_of(call->r) == CHATSESSION_FACTOR_OFF) {
        return "off";
    }
    if (call->session->second_factor) {
        return "active";
    }
    return chatsession_second_factor_is_missing(call->r, call->session, call->console) ? "needed" : "none";
}

/* --- codes --- */

/* What a sealed secret belongs to. */
static const char *context_of(const char *user_id, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "second factor of ", user_id, NULL);
}

static apr_status_t open_secret(cs_opened_t *opened, chatsession_call_t *call, const char *user_id, const char *sealed)
{
    apr_status_t rv =
        cs_cipher_open(opened, call->conf->keys, context_of(user_id, call->r->pool), sealed, call->r->pool);

    if (rv == APR_SUCCESS && opened->len != CS_TOTP_SECRET_BYTES) {
        rv = CS_EMALFORMED;
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, call->r,
                      "CS0160: the second factor of user %s was sealed by a secret that ChatSessionSecretFile does not "
                      "name any more; name it again, or reset the second factor",
                      user_id);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* The secret under the first key where it is under an old one; NULL: it stays as it is. */
static const char *seal_anew(chatsession_call_t *call, const char *user_id, const cs_opened_t *opened)
{
    const char *sealed = NULL;

    if (opened->old_key && cs_cipher_seal(&sealed, call->conf->keys, context_of(user_id, call->r->pool), opened->bytes,
                                          opened->len, call->r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, call->r,
                      "CS0167: the second factor of user %s could not be sealed with the first secret", user_id);
    }
    return sealed;
}

/* Whom a deed is about and who does it: always the user. */
static cs_audit_entry_t entry_of(chatsession_call_t *call, const char *name, const char *role, const char *action)
{
    return (cs_audit_entry_t){.operator_name = name,
                              .role = role,
                              .action = action,
                              .target_user = name,
                              .network = chatsession_network(call->r),
                              .request_id = chatsession_request_id(call->r),
                              .keys = chatsession_audit_keys(call->conf)};
}

/* Use a code of the user's, whichever of the two kinds it is. CS_EBADSIG: it is wrong, or was used. */
static apr_status_t use_code(chatsession_call_t *call, const cs_user_t *user, const char *code)
{
    const cs_audit_entry_t entry = entry_of(call, user->name, user->role, "factor.recover");
    cs_second_factor_t factor;
    cs_opened_t opened;
    const char *hash;
    apr_int64_t step;
    apr_status_t rv = cs_second_factor_find(&factor, call->conf->db, user->id, call->r->pool);

    if (rv == APR_SUCCESS && !factor.active) {
        rv = APR_ENOENT;
    }
    if (rv == APR_SUCCESS && cs_recovery_code_hash(&hash, code, call->r->pool) == APR_SUCCESS) {
        rv = cs_second_factor_recover(call->conf->db, user->id, hash, &entry, call->r->pool);
    } else if (rv == APR_SUCCESS) {
        rv = open_secret(&opened, call, user->id, factor.secret);
        if (rv == APR_SUCCESS) {
            rv = cs_totp_check(&step, opened.bytes, code, apr_time_now(), factor.last_step);
        }
        if (rv == APR_SUCCESS) {
            rv =
                cs_second_factor_use(call->conf->db, user->id, step, seal_anew(call, user->id, &opened), call->r->pool);
        }
    }
    return rv == APR_ENOENT ? CS_EBADSIG : rv;
}

#define WRONG_CODE "The code is wrong, or was used already."

int chatsession_second_factor_demand(chatsession_call_t *call, const cs_user_t *user, const cs_json_field_t *code,
                                     const cs_throttle_attempt_t *attempt)
{
    apr_status_t rv;

    if (!user->second_factor || policy_of(call->r) == CHATSESSION_FACTOR_OFF) {
        return DECLINED;
    }
    if (!code->given) {
        chatsession_throttle_withdrawn(attempt, call);
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0161: login: a code is asked for");
        return chatsession_reply_error(call->r, HTTP_UNAUTHORIZED, "second_factor_required",
                                       "Give the code of your authenticator app, or a recovery code, as well.");
    }
    rv = use_code(call, user, code->string);
    if (rv == CS_EBADSIG) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0162: login refused: its code is wrong or was used");
        return chatsession_reply_error(call->r, HTTP_UNAUTHORIZED, "invalid_code", WRONG_CODE);
    }
    return rv == APR_SUCCESS ? DECLINED : chatsession_reply_status(call->r, rv);
}

/* --- the own second factor --- */

/* DECLINED: factor is the session's user's, and active or not as wanted. Absent counts as not active. */
static int find_own(cs_second_factor_t *factor, chatsession_call_t *call, bool active)
{
    apr_status_t rv;

    *factor = (cs_second_factor_t){.last_step = CS_TOTP_NO_STEP};
    if (policy_of(call->r) == CHATSESSION_FACTOR_OFF) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "second_factor_off",
                                       "This site asks for no second factor.");
    }
    rv = cs_second_factor_find(factor, call->conf->db, call->session->user_id, call->r->pool);
    if (rv != APR_SUCCESS && rv != APR_ENOENT) {
        return chatsession_reply_status(call->r, rv);
    }
    if (factor->active == active) {
        return DECLINED;
    }
    return active ? chatsession_reply_error(call->r, HTTP_CONFLICT, "no_second_factor",
                                            "No second factor is set up: there is nothing to be changed.")
                  : chatsession_reply_error(call->r, HTTP_CONFLICT, "second_factor_active",
                                            "A second factor is set up already: remove it first.");
}

static int refuse(chatsession_call_t *call, const char *code, const char *detail)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0165: a change of the second factor was refused in session %s",
                  call->session->ref);
    return chatsession_reply_error(call->r, HTTP_FORBIDDEN, code, detail);
}

/* DECLINED: the password is that of the session's user. */
static int check_own_password(cs_user_t *user, chatsession_call_t *call, const cs_json_field_t *password)
{
    apr_status_t rv = chatsession_auth_check(user, call, call->session->user, password);

    if (rv == APR_SUCCESS && strcmp(user->id, call->session->user_id) != 0) {
        rv = CS_EBADSIG;
    }
    if (rv == CS_EBADSIG) {
        return refuse(call, "invalid_credentials", "The password is wrong.");
    }
    return rv == APR_SUCCESS ? DECLINED : chatsession_reply_status(call->r, rv);
}

/* DECLINED: password and code are the user's, and the code is used up. */
static int check_both(cs_user_t *user, cs_throttle_attempt_t *attempt, chatsession_call_t *call)
{
    cs_second_factor_t factor;
    apr_status_t rv;
    int answer = find_own(&factor, call, true);

    if (answer == DECLINED) {
        answer = chatsession_throttle_admit(attempt, call, call->session->user);
    }
    if (answer == DECLINED) {
        answer = check_own_password(user, call, &call->fields[0]);
    }
    if (answer != DECLINED) {
        return answer;
    }
    rv = use_code(call, user, call->fields[1].string);
    if (rv == CS_EBADSIG) {
        return refuse(call, "invalid_code", WRONG_CODE);
    }
    return rv == APR_SUCCESS ? DECLINED : chatsession_reply_status(call->r, rv);
}

/* New recovery codes for their user to see once (a new reference), and their hashes as JSON. */
static apr_status_t make_codes(json_t **codes, const char **hashes, apr_pool_t *pool)
{
    json_t *kept = cs_json_own(json_array(), pool);
    apr_status_t rv = APR_SUCCESS;

    *codes = json_array();
    for (int i = 0; rv == APR_SUCCESS && i < CS_RECOVERY_CODES; i++) {
        const char *code, *hash;

        rv = cs_recovery_code_make(&code, &hash, pool);
        if (rv == APR_SUCCESS) {
            json_array_append_new(*codes, json_string(code));
            json_array_append_new(kept, json_string(hash));
        }
    }
    *hashes = cs_json_print(kept, NULL, pool);
    return rv == APR_SUCCESS && !*hashes ? APR_EGENERAL : rv;
}

int chatsession_get_second_factor(chatsession_call_t *call)
{
    cs_second_factor_t factor;
    apr_status_t rv = cs_second_factor_find(&factor, call->conf->db, call->session->user_id, call->r->pool);

    if (rv != APR_SUCCESS && rv != APR_ENOENT) {
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:s,s:o}", "state", chatsession_second_factor_state(call),
                                            "recovery_codes",
                                            factor.active ? json_integer(factor.codes_left) : json_null()));
}

/* What an app shows beside the code: the name by which the browser knows the site. */
static const char *issuer(request_rec *r)
{
    return r->hostname ? r->hostname : r->server->server_hostname;
}

static int reply_secret(chatsession_call_t *call, const unsigned char secret[CS_TOTP_SECRET_BYTES])
{
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:s,s:s}", "secret",
                                            cs_base32_encode(secret, CS_TOTP_SECRET_BYTES, call->r->pool), "uri",
                                            cs_totp_uri(issuer(call->r), call->session->user, secret, call->r->pool)));
}

int chatsession_begin_second_factor(chatsession_call_t *call)
{
    unsigned char secret[CS_TOTP_SECRET_BYTES];
    const char *sealed;
    cs_second_factor_t factor;
    cs_throttle_attempt_t attempt;
    cs_user_t user;
    apr_status_t rv;
    int answer = find_own(&factor, call, false);

    if (answer == DECLINED) {
        answer = chatsession_throttle_admit(&attempt, call, call->session->user);
    }
    if (answer == DECLINED) {
        answer = check_own_password(&user, call, &call->fields[0]);
    }
    if (answer != DECLINED) {
        return answer;
    }
    chatsession_throttle_withdrawn(&attempt, call);
    rv = cs_token_random(secret, sizeof(secret));
    if (rv == APR_SUCCESS) {
        rv = cs_cipher_seal(&sealed, call->conf->keys, context_of(user.id, call->r->pool), secret, sizeof(secret),
                            call->r->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_second_factor_begin(call->conf->db, user.id, sealed, call->r->pool);
    }
    answer = rv == APR_SUCCESS ? reply_secret(call, secret) : chatsession_reply_status(call->r, rv);
    OPENSSL_cleanse(secret, sizeof(secret));
    return answer;
}

/* The code of a secret that was begun: *step. CS_EBADSIG: it is none of it. */
static apr_status_t check_begun(apr_int64_t *step, chatsession_call_t *call, const cs_second_factor_t *factor)
{
    cs_opened_t opened;
    apr_status_t rv = open_secret(&opened, call, call->session->user_id, factor->secret);

    *step = CS_TOTP_NO_STEP;
    return rv == APR_SUCCESS
               ? cs_totp_check(step, opened.bytes, call->fields[0].string, apr_time_now(), CS_TOTP_NO_STEP)
               : rv;
}

/* From now on it counts; all sessions end, and this one goes on under a new id: *begun. */
static apr_status_t activate(const char **begun, chatsession_call_t *call, const cs_second_factor_new_t *confirmed)
{
    const cs_audit_entry_t entry = entry_of(call, call->session->user, call->session->role, "factor.enrol");
    const char *revision;
    apr_status_t rv = cs_second_factor_confirm(&revision, call->conf->db, confirmed, &entry, call->r->pool);

    if (rv == APR_SUCCESS) {
        *begun = chatsession_session_go_on(&call->session, call->r, confirmed->user_id, revision);
    }
    return rv;
}

int chatsession_confirm_second_factor(chatsession_call_t *call)
{
    cs_second_factor_new_t confirmed = {.user_id = call->session->user_id};
    cs_second_factor_t factor;
    cs_throttle_attempt_t attempt;
    json_t *codes = NULL;
    const char *begun;
    apr_status_t rv;
    int answer = find_own(&factor, call, false);

    if (answer == DECLINED && !factor.secret) {
        answer = chatsession_reply_error(call->r, HTTP_CONFLICT, "second_factor_not_begun",
                                         "No second factor was begun in the last quarter of an hour: begin anew.");
    }
    if (answer == DECLINED) {
        answer = chatsession_throttle_admit(&attempt, call, call->session->user);
    }
    if (answer != DECLINED) {
        return answer;
    }
    rv = check_begun(&confirmed.step, call, &factor);
    if (rv == CS_EBADSIG) {
        return refuse(call, "invalid_code", "The code is wrong. Is the clock of the device that shows it right?");
    }
    if (rv == APR_SUCCESS) {
        rv = make_codes(&codes, &confirmed.code_hashes, call->r->pool);
    }
    if (rv == APR_SUCCESS) {
        confirmed.secret = factor.secret;
        rv = activate(&begun, call, &confirmed);
    }
    if (rv != APR_SUCCESS) {
        json_decref(codes);
        return chatsession_reply_status(call->r, rv == APR_ENOENT ? CS_ECONFLICT : rv);
    }
    chatsession_throttle_succeeded(&attempt, call, confirmed.user_id);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0163: a second factor was set up; session %s begins", begun);
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "recovery_codes", codes));
}

int chatsession_remove_second_factor(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = entry_of(call, call->session->user, call->session->role, "factor.remove");
    cs_throttle_attempt_t attempt;
    const char *revision;
    const char *begun;
    cs_user_t user;
    apr_status_t rv;
    int answer = check_both(&user, &attempt, call);

    if (answer != DECLINED) {
        return answer;
    }
    rv = cs_second_factor_remove(&revision, call->conf->db, user.id, &entry, call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv == APR_ENOENT ? CS_ECONFLICT : rv);
    }
    begun = chatsession_session_go_on(&call->session, call->r, user.id, revision);
    chatsession_throttle_succeeded(&attempt, call, user.id);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0164: a second factor was removed; session %s begins", begun);
    return chatsession_reply_empty(call->r, HTTP_NO_CONTENT);
}

int chatsession_renew_recovery_codes(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = entry_of(call, call->session->user, call->session->role, "factor.renew");
    cs_throttle_attempt_t attempt;
    const char *hashes;
    json_t *codes = NULL;
    cs_user_t user;
    apr_status_t rv;
    int answer = check_both(&user, &attempt, call);

    if (answer != DECLINED) {
        return answer;
    }
    rv = make_codes(&codes, &hashes, call->r->pool);
    if (rv == APR_SUCCESS) {
        rv = cs_second_factor_renew(call->conf->db, user.id, hashes, &entry, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        json_decref(codes);
        return chatsession_reply_status(call->r, rv == APR_ENOENT ? CS_ECONFLICT : rv);
    }
    chatsession_throttle_succeeded(&attempt, call, user.id);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0168: recovery codes were made anew in session %s",
                  call->session->ref);
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "recovery_codes", codes));
}
