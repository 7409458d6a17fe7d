/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SESSION_PROVIDER_H
#define CHATSESSION_SESSION_PROVIDER_H
/*
 * A place for mod_session's data in our sessions (ChatSessionProvideSession), so that what uses mod_session
 * (mod_auth_form, mod_lua, SessionEnv) works with our cookie instead of one of its own. mod_session's session is one
 * text that is read and written whole; it is kept as one value of ours, so of two requests at the same time the later
 * one's counts: what must not be lost belongs into values of its own (mod_chatsession.h).
 */
#include <httpd.h>

/** Hook pre_config. */
int chatsession_session_provider_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
