/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_LOGIN_H
#define CHATSESSION_LOGIN_H
/* Who am I, log in, log out: the same three rows in the end users' and in the operators' table. */
#include "route.h"
#include "store/user.h"

chatsession_handler_fn chatsession_get_session, chatsession_post_login, chatsession_post_logout;
extern const cs_json_member_t chatsession_login_members[3];

/** The body of a login: a name and a password of 1024 octets in \u escapes, and a code. */
#define CHATSESSION_LOGIN_LIMIT 16384

#define CHATSESSION_LOGIN_ROUTES                                                                                       \
    {"GET", "api/session", CHATSESSION_ANYONE, CHATSESSION_NO_BODY, chatsession_get_session},                          \
        {"POST",                                                                                                       \
         "api/login",                                                                                                  \
         CHATSESSION_ANYONE,                                                                                           \
         CHATSESSION_LOGIN_LIMIT,                                                                                      \
         CHATSESSION_MEMBERS(chatsession_login_members),                                                               \
         chatsession_post_login},                                                                                      \
    {                                                                                                                  \
        "POST", "api/logout", CHATSESSION_ANYONE, CHATSESSION_NO_BODY, chatsession_post_logout                         \
    }

/** APR_SUCCESS: the password is the user's. CS_EBADSIG: it is not; an unknown user (zeroed), one without a password and
 * a disabled one cost the same work as a wrong one. It is hashed anew where that has become dearer. */
apr_status_t chatsession_check_password(chatsession_call_t *call, const cs_user_t *user,
                                        const cs_json_field_t *password);

/** Our own users. APR_SUCCESS and *user; APR_ENOENT: no such user with a password here; CS_EBADSIG: wrong password, or
 * disabled; the same work in all three. Other statuses as in db.h. */
apr_status_t chatsession_login_check(cs_user_t *user, chatsession_call_t *call, const char *name,
                                     const cs_json_field_t *password);

/** The hash of a new password, at the configured cost. */
apr_status_t chatsession_hash_password(const char **phc, chatsession_call_t *call, const cs_json_field_t *password);

/** At child start: the gate that bounds how many passwords are hashed at once. */
apr_status_t chatsession_login_init(chatsession_server_t *conf, apr_pool_t *pool);

#endif
