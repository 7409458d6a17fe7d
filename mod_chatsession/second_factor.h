/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SECOND_FACTOR_H
#define CHATSESSION_SECOND_FACTOR_H
/*
 * The second factor: one-time codes by the clock, set up and removed by their user, asked for at each login of ours
 * after the password was right. Whoever is logged in by another module (ChatSessionTrustUser) is that module's matter
 * and asked for nothing here; a user whose password a provider has checked is asked like any other.
 *
 * Attempts at codes count with those at passwords, per account. A right password without a code neither counts nor
 * forgives, so that whoever knows the password gets no more tries at the code than anybody at the password.
 */
#include "route.h"
#include "store/throttle.h"
#include "store/user.h"

/** A code as typed: 6 digits, or a recovery code with its hyphens. */
#define CHATSESSION_CODE_MAX 64
#define CHATSESSION_SECOND_FACTOR_LIMIT 16384

chatsession_handler_fn chatsession_get_second_factor, chatsession_begin_second_factor,
    chatsession_confirm_second_factor, chatsession_remove_second_factor, chatsession_renew_recovery_codes;
extern const cs_json_member_t chatsession_factor_begin_members[1], chatsession_factor_confirm_members[1],
    chatsession_factor_change_members[2];

/* The same rows in the end users' and in the operators' table. */
#define CHATSESSION_SECOND_FACTOR_ROUTES                                                                               \
    {"GET", "api/second-factor", CHATSESSION_UNENROLLED, CHATSESSION_NO_BODY, chatsession_get_second_factor},          \
        {"POST",                                                                                                       \
         "api/second-factor",                                                                                          \
         CHATSESSION_UNENROLLED,                                                                                       \
         CHATSESSION_SECOND_FACTOR_LIMIT,                                                                              \
         CHATSESSION_MEMBERS(chatsession_factor_begin_members),                                                        \
         chatsession_begin_second_factor},                                                                             \
        {"POST",                                                                                                       \
         "api/second-factor/confirm",                                                                                  \
         CHATSESSION_UNENROLLED,                                                                                       \
         CHATSESSION_SECOND_FACTOR_LIMIT,                                                                              \
         CHATSESSION_MEMBERS(chatsession_factor_confirm_members),                                                      \
         chatsession_confirm_second_factor},                                                                           \
        {"POST",                                                                                                       \
         "api/second-factor/remove",                                                                                   \
         CHATSESSION_USER,                                                                                             \
         CHATSESSION_SECOND_FACTOR_LIMIT,                                                                              \
         CHATSESSION_MEMBERS(chatsession_factor_change_members),                                                       \
         chatsession_remove_second_factor},                                                                            \
    {                                                                                                                  \
        "POST", "api/second-factor/recovery-codes", CHATSESSION_USER, CHATSESSION_SECOND_FACTOR_LIMIT,                 \
            CHATSESSION_MEMBERS(chatsession_factor_change_members), chatsession_renew_recovery_codes                   \
    }

/** Whether the session's user must set one up before anything else; console: under the operators' mount. */
bool chatsession_second_factor_is_missing(request_rec *r, const chatsession_session_t *session, bool console);

/** For the API: off, none, active or needed; NULL when nobody is logged in. */
const char *chatsession_second_factor_state(const chatsession_call_t *call);

/** The user's password was right. DECLINED: the login may go on, and a code that was given is used up; else an answer
 * was given: return it. */
int chatsession_second_factor_demand(chatsession_call_t *call, const cs_user_t *user, const cs_json_field_t *code,
                                     const cs_throttle_attempt_t *attempt);

#endif
