/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_PROVEN_USER_H
#define CHATSESSION_PROVEN_USER_H
/*
 * The user whom another module has authenticated. r->user alone proves nothing: mod_auth_basic and mod_auth_form write
 * the name there before they check the password, an ErrorDocument takes it over from the request that was refused, and
 * mod_auth_form's login handler writes it after all checks of the location. What counts is r->user as it stands when
 * httpd has let the request through authentication.
 */
#include <httpd.h>

/** The user whom another module has authenticated in this request, or NULL. */
const char *chatsession_proven_user(request_rec *r);

/** Hooks check_authz and fixups, before all others: r->user is now one whom httpd has let through. */
int chatsession_note_authenticated(request_rec *r);
int chatsession_note_user(request_rec *r);

#endif
