/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What only the whole configuration shows: lines that need or contradict each other, and what is made of several. */
#include "config_private.h"
#include <http_core.h>
#include <http_log.h>
#include <apr_strings.h>
#include "assets.h"
#include "mounts.h"
#include "socache.h"

APLOG_USE_MODULE(chatsession);

/* What a cache for visitors' sessions cannot do, as a sentence, or NULL. */
static const char *find_store_problem(apr_pool_t *pool, const chatsession_server_t *conf)
{
    if (!conf->cache) {
        return NULL;
    }
    if (!chatsession_number(conf, CHATSESSION_ANONYMOUS)) {
        return apr_psprintf(pool,
                            "ChatSessionStore socache:%s needs ChatSessionAnonymous on: a cache holds the sessions of "
                            "visitors who are not logged in, those of users are always in the database",
                            chatsession_socache_name(conf->cache));
    }
    if (conf->legacy && !chatsession_string(conf, CHATSESSION_DATABASE)) {
        return "ChatSessionLegacyCookie needs ChatSessionDatabase: a cache cannot promise that a cookie is taken once";
    }
    if (!conf->keys) {
        return "ChatSessionStore needs ChatSessionSecretFile (make one with: openssl rand -base64 48)";
    }
    return NULL;
}

/* What is missing or contradictory for the handlers that s has, as a sentence, or NULL. */
static const char *find_problem(apr_pool_t *pool, chatsession_server_t *conf)
{
    const bool chat = chatsession_mounts_have(conf->mounts, "chatsession") ||
                      chatsession_mounts_have(conf->mounts, "chatsession-openai");
    const bool uses_sessions = chat || chatsession_mounts_have(conf->mounts, "chatsession-admin");
    const cs_cookie_attrs_t attrs = chatsession_cookie(conf, NULL);
    const char *problem = cs_cookie_problem(&attrs);

    if (problem) {
        return apr_psprintf(pool, "the ChatSessionCookie settings contradict each other: %s", problem);
    }
    if (chatsession_number(conf, CHATSESSION_PASSWORD_MEMORY) <
        8 * chatsession_number(conf, CHATSESSION_PASSWORD_PARALLELISM)) {
        return apr_psprintf(pool,
                            "ChatSessionPasswordMemory is %" APR_INT64_T_FMT ", which is too little for "
                            "ChatSessionPasswordParallelism %" APR_INT64_T_FMT ": Argon2 wants 8 KiB for each lane",
                            chatsession_number(conf, CHATSESSION_PASSWORD_MEMORY),
                            chatsession_number(conf, CHATSESSION_PASSWORD_PARALLELISM));
    }
    if (conf->legacy && !chatsession_number(conf, CHATSESSION_ANONYMOUS)) {
        return "ChatSessionLegacyCookie needs ChatSessionAnonymous on: an anonymous session is what it is exchanged "
               "for";
    }
    problem = find_store_problem(pool, conf);
    if (problem || !uses_sessions) {
        return problem;
    }
    if (!chatsession_string(conf, CHATSESSION_DATABASE)) {
        return conf->cache ? "SetHandler chatsession needs ChatSessionDatabase: users and conversations are there, a "
                             "cache holds the sessions of visitors alone"
                           : "SetHandler chatsession needs ChatSessionDatabase";
    }
    if (!conf->keys) {
        return "SetHandler chatsession needs ChatSessionSecretFile (make one with: openssl rand -base64 48)";
    }
    if (chat && !conf->backends) {
        return "SetHandler chatsession needs a ChatSessionBackend, such as: ChatSessionBackend llama "
               "http://localhost:11434/v1 "
               "model=llama3";
    }
    return NULL;
}

/* httpd gives a virtual host without a directive of ours the main server's very structure; its mounts are its own. */
static chatsession_server_t *own_config(apr_pool_t *pconf, server_rec *s, const server_rec *first)
{
    chatsession_server_t *conf = chatsession_server(s);

    if (s != first && conf == chatsession_server(first)) {
        conf = apr_pmemdup(pconf, conf, sizeof(*conf));
        ap_set_module_config(s->module_config, &chatsession_module, conf);
    }
    return conf;
}

int chatsession_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    server_rec *first = s;

    (void)plog;
    for (; s; s = s->next) {
        chatsession_server_t *conf = own_config(pconf, s, first);
        const char *problem;

        chatsession_join_audit_keys(conf);
        conf->mounts = chatsession_mounts_find(pconf, s);
        problem = chatsession_resolve_templates(conf, ptemp);
        if (!problem) {
            problem = find_problem(ptemp, conf);
        }
        if (!problem && (chatsession_mounts_have(conf->mounts, "chatsession") ||
                         chatsession_mounts_have(conf->mounts, "chatsession-admin"))) {
            problem = chatsession_assets_load(&conf->assets, chatsession_string(conf, CHATSESSION_PAGES), pconf);
        }
        if (problem) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, "CS0001: %s", problem);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}
