/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The directives. Any line is taken or refused with a sentence that names the directive; what is taken lies within the
 * bounds that the directive's own refusal names and is, printed and read again, the same; what is refused has changed
 * no setting. What the lines together make is whole: names are found again, lists end, mod_proxy is told of one
 * address. Input: lines of a configuration, a tab between arguments.
 */
#include <apr_cstr.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include "config.h"
#include "config_private.h"
#include "core/duration.h"
#include "core/json.h"
#include "fuzz.h"

#define ARGUMENTS 64
#define DAY (APR_INT64_C(86400) * APR_USEC_PER_SEC)

typedef struct {
    server_rec server;
    void *configs[1]; /* as ap_get_module_config reads it */
    chatsession_server_t *conf;
    chatsession_dir_t *dir;
    apr_pool_t *pool;
} host_t;

static void make_host(host_t *host, apr_pool_t *pool)
{
    *host = (host_t){.pool = pool};
    host->conf = chatsession_create_server(pool, &host->server);
    host->dir = chatsession_create_dir(pool, NULL);
    host->configs[0] = host->conf;
    host->server.module_config = (ap_conf_vector_t *)host->configs;
}

static const char *set_flag(cmd_parms *cmd, const command_rec *row, void *dir, const char *arg)
{
    const int on = !apr_cstr_casecmp(arg, "on");

    return on || !apr_cstr_casecmp(arg, "off") ? row->AP_FLAG(cmd, dir, on) : NULL;
}

/* As httpd calls a directive; NULL too for a number of arguments that httpd itself refuses. */
static const char *call(host_t *host, const command_rec *row, int argc, char **argv)
{
    cmd_parms cmd = {.info = row->cmd_data, .pool = host->pool, .temp_pool = host->pool, .server = &host->server};
    const char *problem = NULL;

    cmd.cmd = row;
    switch (row->args_how) {
    case TAKE1:
        return argc == 1 ? row->AP_TAKE1(&cmd, host->dir, argv[0]) : NULL;
    case TAKE2:
        return argc == 2 ? row->AP_TAKE2(&cmd, host->dir, argv[0], argv[1]) : NULL;
    case TAKE12:
        return argc == 1 || argc == 2 ? row->AP_TAKE2(&cmd, host->dir, argv[0], argc == 2 ? argv[1] : NULL) : NULL;
    case FLAG:
        return argc == 1 ? set_flag(&cmd, row, host->dir, argv[0]) : NULL;
    case TAKE_ARGV:
        return row->AP_TAKE_ARGV(&cmd, host->dir, argc, argv);
    case ITERATE:
        for (int i = 0; i < argc && !problem; i++) {
            problem = row->AP_TAKE1(&cmd, host->dir, argv[i]);
        }
        return problem;
    default:
        abort(); /* a kind of directive that is not called here yet */
    }
}

/* --- settings --- */

/* The setting of a row, or CHATSESSION_SETTINGS; names are compared once. */
static chatsession_setting_e setting_of(const host_t *host, const command_rec *row)
{
    static int found[256]; /* one more than the setting */
    int *mine = &found[row - chatsession_commands];

    HOLDS(row < chatsession_commands + 256);
    for (int i = 0; !*mine && i <= CHATSESSION_SETTINGS; i++) {
        const chatsession_setting_e setting = (chatsession_setting_e)i;
        json_t *json = i < CHATSESSION_SETTINGS
                           ? cs_json_own(chatsession_setting_json(host->conf, setting, host->pool), host->pool)
                           : NULL;
        if (!json || !strcmp(json_string_value(json_object_get(json, "name")), row->name)) {
            *mine = i + 1;
        }
    }
    return (chatsession_setting_e)(*mine - 1);
}

static const char *value_of(const host_t *host, chatsession_setting_e setting)
{
    const json_t *json = cs_json_own(chatsession_setting_json(host->conf, setting, host->pool), host->pool);

    HOLDS(json_is_true(json_object_get(json, "set")));
    return json_string_value(json_object_get(json, "value"));
}

/* The bounds that a refusal names hold for what is taken. */
static void lies_within(const host_t *host, const command_rec *row, apr_int64_t number)
{
    char nonsense[] = "?";
    char *argv[] = {nonsense};
    apr_interval_time_t shortest, longest;
    apr_int64_t least, most;
    const char *problem;
    char from[32], to[32];
    host_t other;

    make_host(&other, host->pool);
    problem = call(&other, row, 1, argv);
    if (problem &&
        sscanf(strstr(problem, " is not ") ? strstr(problem, " is not ") : "",
               " is not a whole number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT, &least, &most) == 2) {
        HOLDS(number >= least && number <= most);
    } else if (problem && strstr(problem, " is not a duration")) {
        HOLDS(sscanf(strstr(problem, " is not "), " is not a duration from %31s to %31[^;]", from, to) == 2);
        HOLDS(cs_duration_parse(&shortest, from) && cs_duration_parse(&longest, to));
        HOLDS(number >= shortest && number <= longest);
    }
}

static void comes_back(const host_t *host, const command_rec *row, chatsession_setting_e setting)
{
    const char *value = value_of(host, setting);
    host_t other;

    make_host(&other, host->pool);
    if (setting == CHATSESSION_DATABASE) {
        HOLDS(!value && chatsession_string(host->conf, setting)); /* it may hold a password */
    } else {
        char *argv[] = {apr_pstrdup(host->pool, value)};
        HOLDS(!call(&other, row, 1, argv));
        HOLDS(chatsession_number(other.conf, setting) == chatsession_number(host->conf, setting));
        HOLDS(!strcmp(value_of(&other, setting), value));
    }
}

static void set(host_t *host, const command_rec *row, chatsession_setting_e setting, int argc, char **argv)
{
    const chatsession_server_t before = *host->conf;
    const char *problem = call(host, row, argc, argv);

    if (problem || argc != 1) {
        HOLDS(!memcmp(before.values, host->conf->values, sizeof(before.values)));
        HOLDS(!problem || strstr(problem, row->name));
        return;
    }
    HOLDS(host->conf->values[setting].set);
    lies_within(host, row, chatsession_number(host->conf, setting));
    comes_back(host, row, setting);
    if (setting == CHATSESSION_PAGES) {
        HOLDS(*chatsession_string(host->conf, setting) == '/');
    }
    if (setting == CHATSESSION_LOGIN_URL) {
        const char *url = chatsession_string(host->conf, setting);
        HOLDS(url[0] == '/' && url[1] != '/' && !strpbrk(url, "\\?#\r\n"));
    }
}

/* --- what several lines make --- */

static void backends_hold(chatsession_server_t *conf, apr_pool_t *pool)
{
    const bool resolved = !chatsession_resolve_templates(conf, pool);

    for (int i = 0; conf->backends && i < conf->backends->nelts; i++) {
        const chatsession_backend_t *backend = &APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t);
        HOLDS(chatsession_find_backend(conf, backend->name) == backend && *backend->name &&
              strlen(backend->name) <= 64);
        HOLDS(*backend->model && backend->url[strlen(backend->url) - 1] != '/');
        HOLDS(backend->context >= 0 && backend->context <= 100000000 && backend->turns >= 0);
        HOLDS(backend->connect >= apr_time_from_msec(10) && backend->connect <= apr_time_from_sec(60));
        HOLDS(!backend->authorization || !strpbrk(backend->authorization + 7, " \t\r\n"));
        HOLDS(!resolved || (backend->template != NULL) == (backend->form != CS_PROMPT_CHAT));
    }
    for (int i = 0; conf->templates && i < conf->templates->nelts; i++) {
        const cs_prompt_template_t *template = APR_ARRAY_IDX(conf->templates, i, const cs_prompt_template_t *);
        HOLDS(chatsession_find_template(conf, template->name) == template);
    }
    HOLDS(resolved == !chatsession_resolve_templates(conf, pool));
}

static void keys_hold(chatsession_server_t *conf)
{
    int count = 0;

    HOLDS((conf->keys ? cs_keyring_count(conf->keys) : 0) == (conf->key_sources ? conf->key_sources->nelts : 0));
    chatsession_join_audit_keys(conf);
    chatsession_join_audit_keys(conf);
    for (const cs_audit_key_t *key = chatsession_audit_keys(conf); key; key = key->next) {
        HOLDS(++count < 100000); /* it ends */
    }
}

static void lists_hold(const chatsession_server_t *conf)
{
    for (int i = 0; conf->origins && i < conf->origins->nelts; i++) {
        const char *origin = APR_ARRAY_IDX(conf->origins, i, const char *);
        const char *host = strstr(origin, "://");
        HOLDS(host && host[3] && !strpbrk(host + 3, "/?#* \t"));
    }
    HOLDS(!conf->legacy || (conf->legacy->max_age >= APR_USEC_PER_SEC && conf->legacy->max_age <= 400 * DAY));
}

/* A virtual host that says nothing has what the main server has; one that says it all, what it says. */
static void merges(chatsession_server_t *conf, apr_pool_t *pool)
{
    chatsession_server_t *empty = chatsession_create_server(pool, NULL);
    chatsession_server_t *heir = chatsession_merge_server(pool, conf, empty);
    chatsession_server_t *own = chatsession_merge_server(pool, empty, conf);
    json_t *all = cs_json_own(chatsession_settings_json(conf), pool);

    HOLDS(json_object_size(all) == CHATSESSION_SETTINGS);
    HOLDS(json_equal(all, cs_json_own(chatsession_settings_json(heir), pool)));
    HOLDS(json_equal(all, cs_json_own(chatsession_settings_json(own), pool)));
    HOLDS(heir->backends == conf->backends && own->backends == conf->backends && heir->cache == conf->cache);
    keys_hold(heir);
}

/* --- lines --- */

/* False: refused, which leaves what the line began to make; httpd goes no further. */
static bool read_directive(host_t *host, const command_rec *row, int argc, char **argv)
{
    const chatsession_setting_e setting = setting_of(host, row);
    const char *problem;

    if (setting < CHATSESSION_SETTINGS) {
        set(host, row, setting, argc, argv);
        return true;
    }
    problem = call(host, row, argc, argv);
    HOLDS(!problem || strstr(problem, row->name));
    return !problem;
}

static bool read_line(host_t *host, char *line)
{
    char *argv[ARGUMENTS];
    char *rest = strchr(line, '\t');
    int argc = 0;

    while (rest && argc < ARGUMENTS) {
        *rest++ = '\0';
        argv[argc++] = rest;
        rest = strchr(rest, '\t');
    }
    for (const command_rec *row = chatsession_commands; row->name; row++) {
        if (!apr_cstr_casecmp(row->name, line)) {
            return read_directive(host, row, argc, argv);
        }
    }
    return true;
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    bool taken = true;
    host_t host;

    make_host(&host, pool);
    while (fuzz_left(&reader) && taken) {
        apr_size_t size;
        char *line = fuzz_part(&reader, '\n', &size);
        taken = size >= 8192 || read_line(&host, line); /* httpd's longest */
        free(line);
    }
    if (taken) {
        backends_hold(host.conf, pool);
        keys_hold(host.conf);
        lists_hold(host.conf);
        merges(host.conf, pool);
    }
}
