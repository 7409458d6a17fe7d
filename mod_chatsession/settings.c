/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "settings.h"
#include <ap_mpm.h>
#include <http_config.h>
#include <http_core.h>
#include <unixd.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdio.h>
#include "config.h"
#include "core/version.h"
#include "mounts.h"
#include "store/schema.h"

#define DEFINE "CHATSESSION_SETTINGS"

/* The arguments of every line of that directive: those of s itself, or, where it has none, of the main server. Of the
 * directives that are asked for all may stand outside of sections only. */
typedef struct {
    const char *directive;
    const server_rec *server;
    apr_array_header_t *own, *main; /* of const char * */
} lookup_t;

static void look(lookup_t *lookup, const ap_directive_t *node, bool inside, apr_array_header_t *found)
{
    for (; node; node = node->next) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost")) {
            if (chatsession_mounts_is_section_of(node, lookup->server)) {
                look(lookup, node->first_child, true, lookup->own);
            }
        } else if (node->first_child) {
            look(lookup, node->first_child, inside, found);
        } else if (inside && !ap_cstr_casecmp(node->directive, lookup->directive)) {
            APR_ARRAY_PUSH(found, const char *) = node->args;
        }
    }
}

static apr_array_header_t *lines_of(const server_rec *s, const char *directive, apr_pool_t *pool)
{
    lookup_t lookup = {directive, s, apr_array_make(pool, 2, sizeof(char *)), apr_array_make(pool, 2, sizeof(char *))};

    look(&lookup, ap_conftree, true, lookup.main);
    return lookup.own->nelts ? lookup.own : lookup.main;
}

/* The first word of the last line; NULL: there is none. */
static const char *word_of(const server_rec *s, const char *directive, apr_pool_t *pool)
{
    const apr_array_header_t *lines = lines_of(s, directive, pool);
    const char *args = lines->nelts ? APR_ARRAY_IDX(lines, lines->nelts - 1, const char *) : NULL;

    return args ? ap_getword_conf(pool, &args) : NULL;
}

/* All words of all lines, as paths; what begins with exec: is a program. */
static json_t *paths_of(const server_rec *s, const char *directive, apr_pool_t *pool)
{
    const apr_array_header_t *lines = lines_of(s, directive, pool);
    json_t *paths = json_array();

    for (int i = 0; i < lines->nelts; i++) {
        const char *args = APR_ARRAY_IDX(lines, i, const char *);

        while (*args) {
            const char *path = ap_getword_conf(pool, &args);
            json_array_append_new(paths,
                                  json_string(strncmp(path, "exec:", 5) != 0 ? ap_server_root_relative(pool, path)
                                                                             : path));
        }
    }
    return paths;
}

static json_t *mounts_of(const chatsession_server_t *conf)
{
    json_t *mounts = json_array();

    for (int i = 0; i < conf->mounts->nelts; i++) {
        const chatsession_mount_t *mount = &APR_ARRAY_IDX(conf->mounts, i, chatsession_mount_t);
        json_array_append_new(mounts, json_pack("{s:s,s:s}", "path", mount->path, "handler", mount->handler));
    }
    return mounts;
}

static json_t *backends_of(const chatsession_server_t *conf)
{
    json_t *backends = json_array();

    for (int i = 0; conf->backends && i < conf->backends->nelts; i++) {
        const chatsession_backend_t *backend = &APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t);
        json_array_append_new(backends, json_pack("{s:s,s:s}", "name", backend->name, "url", backend->url));
    }
    return backends;
}

static json_t *server_of(server_rec *s, const chatsession_server_t *conf, apr_pool_t *pool)
{
    const char *proxy_timeout = word_of(s, "ProxyTimeout", pool);
    const char *tls = word_of(s, "SSLEngine", pool);
    apr_interval_time_t timeout = s->timeout;

    if (proxy_timeout) {
        ap_timeout_parameter_parse(proxy_timeout, &timeout, "s");
    }
    return json_pack("{s:s?,s:s?,s:s?,s:b,s:o,s:I,s:I,s:o,s:o,s:o,s:o}", "name", s->server_hostname, "scheme",
                     s->server_scheme, "file", s->defn_name, "tls", tls && ap_cstr_casecmp(tls, "off") != 0, "mounts",
                     mounts_of(conf), "timeout", (json_int_t)apr_time_as_msec(s->timeout), "proxy_timeout",
                     (json_int_t)apr_time_as_msec(timeout), "secret_files", paths_of(s, "ChatSessionSecretFile", pool),
                     "audit_key_files", paths_of(s, "ChatSessionAuditKeyFile", pool), "backends", backends_of(conf),
                     "settings", chatsession_settings_json(conf));
}

static json_t *mpm(void)
{
    int children = 0, threads = 0, limit = 0;

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &limit);
    return json_pack("{s:s,s:i,s:i,s:i}", "name", ap_show_mpm(), "children", children, "threads", threads ? threads : 1,
                     "server_limit", limit);
}

void chatsession_settings_print(apr_pool_t *pool, server_rec *s)
{
    json_t *servers = json_array();
    json_t *all;

    if (!ap_exists_config_define(DEFINE)) {
        json_decref(servers);
        return;
    }
    for (server_rec *one = s; one; one = one->next) {
        const chatsession_server_t *conf = chatsession_server(one);
        if (conf->mounts && conf->mounts->nelts) {
            json_array_append_new(servers, server_of(one, conf, pool));
        }
    }
    all = json_pack("{s:s,s:i,s:s?,s:o,s:b,s:o}", "version", CS_VERSION, "schema_step", CS_SCHEMA_STEP, "user",
                    ap_unixd_config.user_name, "mpm", mpm(), "reqtimeout",
                    ap_find_linked_module("mod_reqtimeout.c") != NULL, "servers", servers);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    fflush(stdout);
    json_decref(all);
}
