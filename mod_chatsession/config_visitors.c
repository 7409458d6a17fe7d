/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Directives on who comes without having logged in: who needs no session (ChatSessionSkipHeader), who had one of the
 * software before (ChatSessionLegacyCookie), and where theirs are (ChatSessionStore).
 */
#include "config_private.h"
#include <http_core.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include "core/duration.h"
#include "secret.h"
#include "skip.h"
#include "socache.h"

const char *chatsession_add_skip_header(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    chatsession_skip_t skip = {NULL, NULL, NULL};
    const char *problem = chatsession_skip_parse(&skip, argc, argv, cmd->pool);

    (void)dir;
    if (problem) {
        return apr_psprintf(cmd->pool, "ChatSessionSkipHeader: %s", problem);
    }
    if (!conf->skips) {
        conf->skips = apr_array_make(cmd->pool, 2, sizeof(chatsession_skip_t));
    }
    APR_ARRAY_PUSH(conf->skips, chatsession_skip_t) = skip;
    return NULL;
}

static const char *legacy_option(cmd_parms *cmd, chatsession_legacy_t *legacy, const char *arg)
{
    const char *problem = NULL;
    const char *path;
    const char *secret;
    apr_size_t len;

    if (!strncmp(arg, "max-age=", 8)) {
        return cs_duration_parse(&legacy->max_age, arg + 8) && legacy->max_age >= SECONDS(1) &&
                       legacy->max_age <= DAYS(400)
                   ? NULL
                   : apr_psprintf(cmd->pool, "\"%s\" is not max-age= and a duration from 1s to 400d", arg);
    }
    if (strncmp(arg, "secret-file=", 12) != 0 || !arg[12]) {
        return apr_psprintf(cmd->pool, "\"%s\" is neither secret-file=PATH nor max-age=DURATION", arg);
    }
    path = ap_server_root_relative(cmd->pool, arg + 12);
    secret = path ? chatsession_secret_file(cmd->pool, path, CS_SECRET_MAX, &len, &problem) : NULL;
    if (!secret || !len) {
        return problem ? problem : apr_psprintf(cmd->pool, "%s holds no secret", path ? path : arg);
    }
    legacy->keyed = true;
    return cs_itsdangerous_key(legacy->key, secret, len) == APR_SUCCESS ? NULL : "OpenSSL has no SHA-1";
}

const char *chatsession_set_legacy_cookie(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    chatsession_legacy_t *legacy = apr_pcalloc(cmd->pool, sizeof(*legacy));
    const char *problem = NULL;

    (void)dir;
    legacy->max_age = DAYS(30);
    legacy->cookie = (cs_cookie_attrs_t){.name = argc ? apr_pstrdup(cmd->pool, argv[0]) : "", .path = "/"};
    problem = cs_cookie_problem(&legacy->cookie);
    for (int i = 1; i < argc && !problem; i++) {
        problem = legacy_option(cmd, legacy, argv[i]);
    }
    if (!problem && !legacy->keyed) {
        problem = "expected NAME secret-file=PATH [max-age=DURATION]";
    }
    conf->legacy = legacy;
    return problem ? apr_psprintf(cmd->pool, "ChatSessionLegacyCookie: %s", problem) : NULL;
}

/* host=N/M */
static bool parse_host(int *host, int *hosts, const char *arg)
{
    char *end;
    apr_int64_t number, count;

    if (strncmp(arg, "host=", 5) != 0 || !apr_isdigit(arg[5])) {
        return false;
    }
    number = apr_strtoi64(arg + 5, &end, 10);
    if (*end != '/' || !apr_isdigit(end[1])) {
        return false;
    }
    count = apr_strtoi64(end + 1, &end, 10);
    if (*end || number < 1 || number > count || count > CHATSESSION_SOCACHE_HOSTS) {
        return false;
    }
    *host = (int)number;
    *hosts = (int)count;
    return true;
}

const char *chatsession_set_store(cmd_parms *cmd, void *dir, const char *where, const char *option)
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int host = 1, hosts = 1;

    (void)dir;
    if (problem) {
        return problem;
    }
    conf->store_set = true;
    conf->cache = NULL;
    if (!ap_cstr_casecmp(where, "postgresql") && !option) {
        return NULL;
    }
    if (ap_cstr_casecmpn(where, "socache:", 8) || !where[8]) {
        return apr_psprintf(cmd->pool,
                            "ChatSessionStore: \"%s\" is neither postgresql nor a cache such as "
                            "socache:redis:localhost:6379",
                            where);
    }
    if (option && !parse_host(&host, &hosts, option)) {
        return apr_psprintf(cmd->pool,
                            "ChatSessionStore: \"%s\" is not host=N/M, the number of this host from 1 to M, "
                            "and how many there are, at most %d",
                            option, CHATSESSION_SOCACHE_HOSTS);
    }
    conf->cache = chatsession_socache_create(&problem, where + 8, host, hosts, cmd->pool, cmd->temp_pool);
    return conf->cache ? NULL : apr_psprintf(cmd->pool, "ChatSessionStore: %s", problem);
}
