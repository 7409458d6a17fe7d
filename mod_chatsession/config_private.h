/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_CONFIG_PRIVATE_H
#define CHATSESSION_CONFIG_PRIVATE_H
/* What the files of the configuration share among themselves: directives' functions, as httpd calls them. NULL, or what
 * is wrong with the line. */
#include <httpd.h>
#include <http_config.h>
#include "config.h"

const char *chatsession_add_secret_file(cmd_parms *cmd, void *dir, const char *arg);
const char *chatsession_add_audit_key_file(cmd_parms *cmd, void *dir, const char *arg);
const char *chatsession_add_backend(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *chatsession_add_template(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

/** When all lines are read: the templates that lines name; a sentence where one does not exist. */
const char *chatsession_resolve_templates(chatsession_server_t *conf, apr_pool_t *pool);

/** When all lines are read: what the secrets sealed before there were keys of the log's own still verifies. */
void chatsession_join_audit_keys(chatsession_server_t *conf);

#endif
