/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_VALUES_H
#define CHATSESSION_VALUES_H
/* What others keep in a session: the optional functions of mod_chatsession.h for modules, the environment for CGI and
 * PHP. */
#include <httpd.h>

/** The name under which mod_session's data are kept (session_provider.c): not for other modules, not in the
 * environment. */
#define CHATSESSION_VALUE_OF_MOD_SESSION "mod_session"

/** Register the optional functions and the hook. */
void chatsession_values_register(apr_pool_t *pool);

#endif
