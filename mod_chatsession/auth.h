/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_AUTH_H
#define CHATSESSION_AUTH_H
/*
 * Our sessions for the whole site, and the site's users for our sessions:
 *   out: AuthType ChatSession with Require valid-user, chat-user NAME… or chat-role ROLE in any <Location>;
 *   in:  the login form asks httpd's own providers (ChatSessionLoginProvider), or the user that another module has
 * authenticated is taken as it is (ChatSessionTrustUser). Such a user's row is made on first sight; ChatSessionRole
 * says by expressions which role it has.
 */
#include <httpd.h>
#include "config.h"
#include "route.h"
#include "store/user.h"

/** Register the hook and the Require providers. */
void chatsession_auth_register(apr_pool_t *pool);

/**
 * Check a name and password by the configured providers, in their order. APR_SUCCESS and *user (our row of it);
 * CS_EBADSIG: wrong, unknown or disabled; other statuses: somebody could not say.
 */
apr_status_t chatsession_auth_check(cs_user_t *user, chatsession_call_t *call, const char *name,
                                    const cs_json_field_t *password);

/** The role that ChatSessionRole gives r->user; NULL: there are no such rules and the row's own counts. Where there
 * are, whom none of them fits is "user". */
const char *chatsession_auth_role(request_rec *r, const chatsession_server_t *conf);

/** The row of a user whom somebody else has authenticated, made on first sight, with the role that ChatSessionRole
 * gives. CS_EBADSIG: disabled. CS_EREFUSED: the name cannot be a user's here. */
apr_status_t chatsession_auth_see(cs_user_t *user, request_rec *r, chatsession_server_t *conf, const char *name);

#endif
