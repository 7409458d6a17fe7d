/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_CONFIG_PRIVATE_H
#define CHATSESSION_CONFIG_PRIVATE_H
/* What the files of the configuration share among themselves. */
#include <httpd.h>
#include <http_config.h>
#include "config.h"

#define MILLISECONDS(n) ((apr_int64_t)(n)*1000)
#define SECONDS(n) ((apr_int64_t)(n)*APR_USEC_PER_SEC)
#define MINUTES(n) SECONDS((n)*60LL)
#define HOURS(n) MINUTES((n)*60LL)
#define DAYS(n) HOURS((n)*24LL)

/* Functions of directives, as httpd calls them: NULL, or what is wrong with the line. */
const char *chatsession_add_secret_file(cmd_parms *cmd, void *dir, const char *arg);
const char *chatsession_add_audit_key_file(cmd_parms *cmd, void *dir, const char *arg);
const char *chatsession_add_backend(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *chatsession_add_template(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *chatsession_add_skip_header(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *chatsession_set_legacy_cookie(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *chatsession_set_store(cmd_parms *cmd, void *dir, const char *where, const char *option);
const char *chatsession_add_login_provider(cmd_parms *cmd, void *dir, const char *arg);
const char *chatsession_add_role_rule(cmd_parms *cmd, void *dir, const char *role, const char *condition);
const char *chatsession_add_chatstream_role(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

/** Which of choices, words in the order of their enum separated by |, text is, in any case; false: none. */
bool chatsession_parse_choice(apr_int64_t *value, const char *choices, const char *text);

/** When all lines are read: the templates that lines name; a sentence where one does not exist. */
const char *chatsession_resolve_templates(chatsession_server_t *conf, apr_pool_t *pool);

/** When all lines are read: what the secrets sealed before there were keys of the log's own still verifies. */
void chatsession_join_audit_keys(chatsession_server_t *conf);

#endif
