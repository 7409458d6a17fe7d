/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Directives on users whom others know: who checks a login (ChatSessionLoginProvider), which role such a user has
 * (ChatSessionRole), and what a role may call of ChatStream's interface (ChatSessionChatStreamRole).
 */
#include "config_private.h"
#include <ap_provider.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_auth.h>
#include <apr_strings.h>
#include <string.h>
#include "chatstream.h"
#include "request.h"

APLOG_USE_MODULE(chatsession);

const char *chatsession_add_login_provider(cmd_parms *cmd, void *dir, const char *arg)
{
    chatsession_server_t *conf = chatsession_server(cmd->server);

    (void)dir;
    if (strcmp(arg, "chatsession") != 0 && !ap_lookup_provider(AUTHN_PROVIDER_GROUP, arg, AUTHN_PROVIDER_VERSION)) {
        return apr_psprintf(cmd->pool,
                            "ChatSessionLoginProvider: \"%s\" is neither chatsession nor the provider of a loaded "
                            "module (load mod_authn_%s before this line)",
                            arg, arg);
    }
    if (!conf->login_providers) {
        conf->login_providers = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->login_providers, const char *) = apr_pstrdup(cmd->pool, arg);
    return NULL;
}

const char *chatsession_add_role_rule(cmd_parms *cmd, void *dir, const char *role, const char *condition)
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    const char *problem = NULL;
    const ap_expr_info_t *parsed;

    (void)dir;
    if (chatsession_access_of(role) == CHATSESSION_ANYONE) {
        return apr_psprintf(cmd->pool, "ChatSessionRole: \"%s\" is none of user, viewer, auditor, operator, admin",
                            role);
    }
    parsed = ap_expr_parse_cmd(cmd, condition, 0, &problem, NULL);
    if (problem) {
        return apr_psprintf(cmd->pool, "ChatSessionRole %s: \"%s\" is no expression: %s", role, condition, problem);
    }
    if (!conf->role_rules) {
        conf->role_rules = apr_array_make(cmd->pool, 2, sizeof(chatsession_role_rule_t));
    }
    APR_ARRAY_PUSH(conf->role_rules, chatsession_role_rule_t) =
        (chatsession_role_rule_t){apr_pstrdup(cmd->pool, role), parsed};
    return NULL;
}

const char *chatsession_add_chatstream_role(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    chatsession_chatstream_role_t role = {argc ? chatsession_access_of(argv[0]) : CHATSESSION_ANYONE, 0};

    (void)dir;
    if (role.access == CHATSESSION_ANYONE || argc < 2) {
        return apr_psprintf(cmd->pool,
                            "ChatSessionChatStreamRole: expected one of guest, user, viewer, auditor, operator, admin "
                            "and the "
                            "names of calls, not \"%s\"",
                            argc ? argv[0] : "");
    }
    for (int i = 1; i < argc; i++) {
        apr_int64_t index;
        if (!chatsession_parse_choice(&index, CHATSESSION_CHATSTREAM_NAMES, argv[i])) {
            return apr_psprintf(cmd->pool, "ChatSessionChatStreamRole: \"%s\" is none of " CHATSESSION_CHATSTREAM_NAMES,
                                argv[i]);
        }
        role.allowed |= 1U << index;
    }
    if (!conf->chatstream_roles) {
        conf->chatstream_roles = apr_array_make(cmd->pool, 2, sizeof(role));
    }
    APR_ARRAY_PUSH(conf->chatstream_roles, chatsession_chatstream_role_t) = role;
    return NULL;
}
