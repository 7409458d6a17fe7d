/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * ChatSessionSecretFile and ChatSessionAuditKeyFile: read while httpd is still root. A secret also seals the audit log
 * where no key of its own is named, and goes on verifying what it sealed.
 */
#include "config_private.h"
#include <http_core.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>
#include "secret.h"

static const char *append_audit_key(cs_audit_key_t **list, cmd_parms *cmd, const char *directive, const char *secret,
                                    apr_size_t len)
{
    while (*list) {
        list = &(*list)->next;
    }
    return cs_audit_key_make(list, (const unsigned char *)secret, len, cmd->pool) == APR_SUCCESS
               ? NULL
               : apr_pstrcat(cmd->pool, directive, ": OpenSSL has no HMAC-SHA256 to give", NULL);
}

/* The key that was added last came from there. */
static void note_source(chatsession_server_t *conf, const char *path, bool program, apr_pool_t *pool)
{
    chatsession_key_source_t source = {cs_keyring_id(conf->keys, cs_keyring_count(conf->keys) - 1), 0};
    apr_finfo_t info;

    if (!program && apr_stat(&info, path, APR_FINFO_MTIME, pool) == APR_SUCCESS) {
        source.changed = info.mtime;
    }
    if (!conf->key_sources) {
        conf->key_sources = apr_array_make(pool, 2, sizeof(chatsession_key_source_t));
    }
    APR_ARRAY_PUSH(conf->key_sources, chatsession_key_source_t) = source;
}

const char *chatsession_add_secret_file(cmd_parms *cmd, void *dir, const char *arg)
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    const bool program = !strncmp(arg, "exec:", 5);
    const char *path = program ? arg : ap_server_root_relative(cmd->pool, arg);
    const char *problem = NULL;
    const char *secret = NULL;
    apr_size_t len;

    (void)dir;
    if (program) {
        secret = chatsession_secret_program(cmd->pool, arg + 5, CS_SECRET_MAX, &len, &problem);
    } else if (path) {
        secret = chatsession_secret_file(cmd->pool, path, CS_SECRET_MAX, &len, &problem);
    }
    if (!secret) {
        return apr_psprintf(cmd->pool, "ChatSessionSecretFile: %s", problem ? problem : "not a path");
    }
    if (!conf->keys && cs_keyring_create(&conf->keys, cmd->pool) != APR_SUCCESS) {
        return "ChatSessionSecretFile: out of memory or OpenSSL is not usable";
    }
    if (cs_keyring_add(conf->keys, (const unsigned char *)secret, len, &problem) != APR_SUCCESS) {
        return apr_psprintf(cmd->pool, "ChatSessionSecretFile: %s: %s", path, problem);
    }
    note_source(conf, path, program, cmd->pool);
    return append_audit_key(&conf->secret_audit_keys, cmd, "ChatSessionSecretFile", secret, len);
}

const char *chatsession_add_audit_key_file(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *path = ap_server_root_relative(cmd->pool, arg);
    const char *problem = NULL;
    const char *secret;
    apr_size_t len;

    (void)dir;
    secret = path ? chatsession_secret_file(cmd->pool, path, CS_SECRET_MAX, &len, &problem) : NULL;
    if (!secret) {
        return apr_psprintf(cmd->pool, "ChatSessionAuditKeyFile: %s", problem ? problem : "not a path");
    }
    if (len < CS_SECRET_MIN) {
        return apr_psprintf(cmd->pool, "ChatSessionAuditKeyFile: %s: shorter than %d bytes", path, CS_SECRET_MIN);
    }
    return append_audit_key(&chatsession_server(cmd->server)->audit_keys, cmd, "ChatSessionAuditKeyFile", secret, len);
}

/* What the secrets sealed before there was a file of keys still verifies. */
void chatsession_join_audit_keys(chatsession_server_t *conf)
{
    cs_audit_key_t *key = conf->audit_keys;

    while (key && key->next && key != conf->secret_audit_keys) {
        key = key->next;
    }
    if (key && key != conf->secret_audit_keys && !key->next) {
        key->next = conf->secret_audit_keys;
    }
}

const cs_audit_key_t *chatsession_audit_keys(const chatsession_server_t *conf)
{
    return conf->audit_keys ? conf->audit_keys : conf->secret_audit_keys;
}
