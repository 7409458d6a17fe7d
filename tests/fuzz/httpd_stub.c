/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * As much of httpd, and of our own rooms beside the configuration, as the directives call while a configuration is
 * read. No file is opened and no program run: a file holds its own name, a program prints its own command.
 */
#include <apr_cstr.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include "config.h"
#include "fuzz.h"
#include "request.h"
#include "secret.h"
#include "socache.h"

module AP_MODULE_DECLARE_DATA chatsession_module = {.module_index = 0};

/* --- httpd --- */

char *ap_server_root_relative(apr_pool_t *p, const char *fname)
{
    char *path = NULL;

    return apr_filepath_merge(&path, "/etc/apache2", fname, 0, p) == APR_SUCCESS ? path : NULL;
}

const char *ap_check_cmd_context(cmd_parms *cmd, unsigned forbidden)
{
    (void)cmd;
    (void)forbidden;
    return NULL;
}

const char *ap_set_flag_slot(cmd_parms *cmd, void *struct_ptr_v, int arg)
{
    *(int *)((char *)struct_ptr_v + (apr_uintptr_t)cmd->info) = arg ? 1 : 0;
    return NULL;
}

int ap_cstr_casecmp(const char *s1, const char *s2)
{
    return apr_cstr_casecmp(s1, s2);
}

int ap_cstr_casecmpn(const char *s1, const char *s2, apr_size_t n)
{
    return apr_cstr_casecmpn(s1, s2, n);
}

ap_expr_info_t *ap_expr_parse_cmd_mi(const cmd_parms *cmd, const char *expr, unsigned int flags, const char **err,
                                     ap_expr_lookup_fn_t *lookup_fn, int module_index)
{
    static ap_expr_info_t parsed;

    (void)cmd;
    (void)flags;
    (void)lookup_fn;
    (void)module_index;
    *err = *expr ? NULL : "there is nothing";
    return *err ? NULL : &parsed;
}

void *ap_lookup_provider(const char *provider_group, const char *provider_name, const char *provider_version)
{
    (void)provider_group;
    (void)provider_version;
    return strcmp(provider_name, "file") != 0 ? NULL : &chatsession_module;
}

module *ap_find_linked_module(const char *name)
{
    (void)name;
    return &chatsession_module;
}

/* --- a configuration out of memory: what ChatSessionBackend tells mod_proxy --- */

static apr_status_t (*next_line)(void *buf, apr_size_t size, void *param);
static void *lines;

ap_configfile_t *ap_pcfg_open_custom(apr_pool_t *p, const char *descr, void *param,
                                     apr_status_t (*getc_func)(char *ch, void *param),
                                     apr_status_t (*gets_func)(void *buf, apr_size_t bufsiz, void *param),
                                     apr_status_t (*close_func)(void *param))
{
    HOLDS(descr && param && !getc_func && gets_func && !close_func);
    next_line = gets_func;
    lines = param;
    return apr_pcalloc(p, sizeof(ap_configfile_t));
}

/* One section about one address and nothing else, whatever stands in the address. */
const char *ap_build_config(cmd_parms *parms, apr_pool_t *conf_pool, apr_pool_t *temp_pool, ap_directive_t **conftree)
{
    char line[8192];

    (void)parms;
    (void)temp_pool;
    (void)conf_pool;
    *conftree = NULL;
    if (next_line(line, sizeof(line), lines) != APR_SUCCESS) {
        return "a line is too long";
    }
    HOLDS(!strncmp(line, "<Proxy \"", 8) && strlen(line) >= 11 && !strcmp(line + strlen(line) - 3, "\">\n"));
    HOLDS(strcspn(line + 8, "\"\\\r\n") == strlen(line) - 11);
    HOLDS(next_line(line, sizeof(line), lines) == APR_SUCCESS && !strncmp(line, "ProxySet ", 9));
    HOLDS(next_line(line, sizeof(line), lines) == APR_SUCCESS && !strcmp(line, "</Proxy>\n"));
    HOLDS(next_line(line, sizeof(line), lines) == APR_EOF);
    return NULL;
}

const char *ap_walk_config(ap_directive_t *conftree, cmd_parms *parms, ap_conf_vector_t *section_vector)
{
    (void)conftree;
    (void)parms;
    (void)section_vector;
    return NULL;
}

/* --- our own rooms --- */

chatsession_access_e chatsession_access_of(const char *role)
{
    static const char *const roles[] = {[CHATSESSION_USER] = "user",
                                        [CHATSESSION_VIEWER] = "viewer",
                                        [CHATSESSION_AUDITOR] = "auditor",
                                        [CHATSESSION_OPERATOR] = "operator",
                                        [CHATSESSION_ADMIN] = "admin"};

    for (int i = CHATSESSION_USER; i <= CHATSESSION_ADMIN; i++) {
        if (!strcmp(role, roles[i])) {
            return (chatsession_access_e)i;
        }
    }
    return CHATSESSION_ANYONE;
}

static const char *contents(apr_pool_t *pool, const char *name, apr_size_t max, apr_size_t *len, const char **problem)
{
    *len = strlen(name);
    *problem = NULL;
    if (*len > max) {
        *len = 0;
        *problem = "it is too long";
        return NULL;
    }
    return apr_pstrdup(pool, name);
}

const char *chatsession_secret_file(apr_pool_t *pool, const char *path, apr_size_t max, apr_size_t *len,
                                    const char **problem)
{
    const char *slash = strrchr(path, '/');

    return contents(pool, slash ? slash + 1 : path, max, len, problem);
}

const char *chatsession_secret_program(apr_pool_t *pool, const char *command, apr_size_t max, apr_size_t *len,
                                       const char **problem)
{
    return contents(pool, command, max, len, problem);
}

chatsession_socache_t *chatsession_socache_create(const char **problem, const char *spec, int host, int hosts,
                                                  apr_pool_t *pool, apr_pool_t *temp)
{
    (void)temp;
    HOLDS(*spec && host >= 1 && host <= hosts && hosts <= CHATSESSION_SOCACHE_HOSTS);
    *problem = *spec == ':' ? "no provider" : NULL;
    return *problem ? NULL : apr_palloc(pool, 1);
}
