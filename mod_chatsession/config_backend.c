/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* ChatSessionBackend: a model, and the worker of mod_proxy that leads to it. ChatSessionPromptTemplate: how one that
 * knows no messages is asked. */
#include "config_private.h"
#include <http_core.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include "core/duration.h"
#include "secret.h"

/* Tokens of 1,000 octets until a model's server has counted: three octets a token suits neither English nor Japanese
 * badly. */
#define FIRST_DENSITY 334

#define USUAL_CONNECT apr_time_from_sec(5)
#define SHORTEST_CONNECT apr_time_from_msec(10)
#define LONGEST_CONNECT apr_time_from_sec(60)

static const char *backend_number(cmd_parms *cmd, const chatsession_backend_t *backend, const char *arg,
                                  apr_int64_t *number)
{
    const char *equals = strchr(arg, '=');
    const char *text = equals ? equals + 1 : "";
    char *end;

    *number = apr_strtoi64(text, &end, 10);
    return apr_isdigit(*text) && !*end && *number >= 1 && *number <= 100000000
               ? NULL
               : apr_psprintf(cmd->pool, "ChatSessionBackend %s: \"%s\" is not a whole number from 1 to 100000000",
                              backend->name, arg);
}

static const char *read_key(cmd_parms *cmd, chatsession_backend_t *backend, const char *file)
{
    const char *path = ap_server_root_relative(cmd->pool, file);
    const char *problem;
    apr_size_t len;
    const char *key = path ? chatsession_secret_file(cmd->pool, path, 4096, &len, &problem) : NULL;

    if (!key) {
        return apr_psprintf(cmd->pool, "ChatSessionBackend %s: key-file: %s", backend->name,
                            path ? problem : "not a path");
    }
    if (!len || strlen(key) != len || strpbrk(key, " \t\r\n")) {
        return apr_psprintf(cmd->pool, "ChatSessionBackend %s: key-file: %s does not hold one key on one line",
                            backend->name, path);
    }
    backend->authorization = apr_pstrcat(cmd->pool, "Bearer ", key, NULL);
    return NULL;
}

static const struct {
    const char *name;
    cs_prompt_form_e form;
} forms[] = {{"chat", CS_PROMPT_CHAT}, {"completions", CS_PROMPT_COMPLETION}, {"llamacpp", CS_PROMPT_LLAMACPP}};

static const char *set_form(cmd_parms *cmd, chatsession_backend_t *backend, const char *arg)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (!strcmp(forms[i].name, arg + 5)) {
            backend->form = forms[i].form;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool,
                        "ChatSessionBackend %s: \"%s\" is none of form=chat, form=completions and "
                        "form=llamacpp",
                        backend->name, arg);
}

static const char *set_chat_mode(cmd_parms *cmd, chatsession_backend_t *backend, const char *arg)
{
    backend->last_alone = !strcmp(arg + 10, "off");
    return backend->last_alone || !strcmp(arg + 10, "on")
               ? NULL
               : apr_psprintf(cmd->pool, "ChatSessionBackend %s: \"%s\" is neither chat-mode=on nor chat-mode=off",
                              backend->name, arg);
}

static const char *backend_option(cmd_parms *cmd, chatsession_backend_t *backend, const char *arg)
{
    const char *problem;

    if (!strncmp(arg, "model=", 6) && arg[6]) {
        backend->model = apr_pstrdup(cmd->pool, arg + 6);
        return NULL;
    }
    if (!strncmp(arg, "form=", 5)) {
        return set_form(cmd, backend, arg);
    }
    if (!strncmp(arg, "template=", 9) && arg[9]) {
        backend->template_name = apr_pstrdup(cmd->pool, arg + 9);
        return NULL;
    }
    if (!strncmp(arg, "connect=", 8)) {
        return cs_duration_parse(&backend->connect, arg + 8) && backend->connect >= SHORTEST_CONNECT &&
                       backend->connect <= LONGEST_CONNECT
                   ? NULL
                   : apr_psprintf(cmd->pool, "ChatSessionBackend %s: \"%s\" is no duration from 10ms to 60s",
                                  backend->name, arg);
    }
    if (!strncmp(arg, "chat-mode=", 10)) {
        return set_chat_mode(cmd, backend, arg);
    }
    if (!strncmp(arg, "context=", 8)) {
        return backend_number(cmd, backend, arg, &backend->context);
    }
    if (!strncmp(arg, "turns=", 6)) {
        apr_int64_t turns;
        problem = backend_number(cmd, backend, arg, &turns);
        backend->turns = (int)turns;
        return problem;
    }
    if (!strncmp(arg, "key-file=", 9) && arg[9]) {
        return read_key(cmd, backend, arg + 9);
    }
    return apr_psprintf(cmd->pool,
                        "ChatSessionBackend %s: \"%s\" is none of model=NAME, key-file=PATH, context=TOKENS, turns=N, "
                        "chat-mode=on|off, form=chat|completions|llamacpp, template=NAME and connect=DURATION",
                        backend->name, arg);
}

/* Lines of configuration out of memory, in the form that ap_build_config reads. */
static apr_status_t next_line(void *buf, apr_size_t size, void *param)
{
    const char **rest = param;
    const char *end = strchr(*rest, '\n');
    apr_size_t len;

    if (!end) {
        return APR_EOF;
    }
    len = (apr_size_t)(end - *rest) + 1;
    if (len >= size) {
        return APR_ENOSPC;
    }
    memcpy(buf, *rest, len);
    ((char *)buf)[len] = '\0';
    *rest += len;
    return APR_SUCCESS;
}

/*
 * Let mod_proxy keep connections to the backend: the <Proxy> section that an administrator would write by hand. timeout
 * bounds what a turn cannot watch itself, the writing of the request and the TLS handshake (silence is timed by
 * stream.c); ttl is below the keep-alive of common model servers; retry=0: the next turn may try at once.
 */
static const char *declare_worker(cmd_parms *cmd, const char *url, apr_interval_time_t connect)
{
    const char *rest = apr_psprintf(cmd->pool,
                                    "<Proxy \"%s\">\n"
                                    "ProxySet enablereuse=on connectiontimeout=%dms timeout=30 retry=0 ttl=4\n"
                                    "</Proxy>\n",
                                    url, (int)apr_time_as_msec(connect));
    ap_directive_t *tree = NULL;
    cmd_parms parms = *cmd;
    const char *problem;

    if (!strncmp(url, "balancer:", 9)) {
        return NULL;
    }
    if (!ap_find_linked_module("mod_proxy.c")) {
        return "ChatSessionBackend: needs mod_proxy and mod_proxy_http; load them before this line";
    }
    parms.config_file = ap_pcfg_open_custom(cmd->pool, "ChatSessionBackend", &rest, NULL, next_line, NULL);
    parms.directive = NULL;
    problem = ap_build_config(&parms, cmd->pool, cmd->temp_pool, &tree);
    if (!problem && tree) {
        problem = ap_walk_config(tree, &parms, cmd->server->lookup_defaults);
    }
    return problem ? apr_psprintf(cmd->pool, "ChatSessionBackend: mod_proxy does not take \"%s\": %s", url, problem)
                   : NULL;
}

static bool is_backend_url(const char *url)
{
    return !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8) || !strncmp(url, "balancer://", 11) ||
           (!strncmp(url, "unix:", 5) && strstr(url, "|http"));
}

const char *chatsession_add_backend(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    chatsession_backend_t *backend;
    char *url;

    (void)dir;
    if (argc < 2) {
        return "ChatSessionBackend: expected NAME URL [model=NAME] [key-file=PATH] [context=TOKENS] [turns=N] "
               "[chat-mode=on|off] [form=chat|completions|llamacpp] [template=NAME] [connect=DURATION]";
    }
    if (!*argv[0] || strlen(argv[0]) > 64 ||
        strspn(argv[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-") != strlen(argv[0])) {
        return apr_psprintf(cmd->pool, "ChatSessionBackend: \"%s\" is no name of 1 to 64 letters, digits and . _ : / -",
                            argv[0]);
    }
    if (!is_backend_url(argv[1]) || strpbrk(argv[1], "\"\\\r\n?#")) {
        return apr_psprintf(cmd->pool,
                            "ChatSessionBackend %s: \"%s\" is no URL of an OpenAI API such as "
                            "http://localhost:11434/v1",
                            argv[0], argv[1]);
    }
    if (!conf->backends) {
        conf->backends = apr_array_make(cmd->pool, 2, sizeof(chatsession_backend_t));
    }
    if (conf->backends->nelts && chatsession_find_backend(conf, argv[0])) {
        return apr_psprintf(cmd->pool, "ChatSessionBackend: the name \"%s\" is taken already", argv[0]);
    }
    url = apr_pstrdup(cmd->pool, argv[1]);
    while (*url && url[strlen(url) - 1] == '/') {
        url[strlen(url) - 1] = '\0';
    }
    backend = apr_array_push(conf->backends);
    *backend = (chatsession_backend_t){.name = apr_pstrdup(cmd->pool, argv[0]),
                                       .url = url,
                                       .model = apr_pstrdup(cmd->pool, argv[0]),
                                       .connect = USUAL_CONNECT,
                                       .density = apr_palloc(cmd->pool, sizeof(*backend->density))};
    atomic_init(backend->density, FIRST_DENSITY);
    for (int i = 2; i < argc; i++) {
        const char *problem = backend_option(cmd, backend, argv[i]);
        if (problem) {
            return problem;
        }
    }
    return declare_worker(cmd, url, backend->connect);
}

const chatsession_backend_t *chatsession_find_backend(const chatsession_server_t *conf, const char *name)
{
    for (int i = 0; conf->backends && i < conf->backends->nelts; i++) {
        const chatsession_backend_t *backend = &APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t);
        if (!name || !strcmp(backend->name, name)) {
            return backend;
        }
    }
    return NULL;
}

/* --- templates --- */

const char *chatsession_add_template(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    cs_prompt_template_t *template;

    (void)dir;
    if (argc < 2) {
        return "ChatSessionPromptTemplate: expected NAME and options such as requester=User";
    }
    if (!*argv[0]) {
        return "ChatSessionPromptTemplate: \"\" is no name; template= of a ChatSessionBackend could not say it";
    }
    if (chatsession_find_template(conf, argv[0])) {
        return apr_psprintf(cmd->pool, "ChatSessionPromptTemplate: the name \"%s\" is taken already", argv[0]);
    }
    template = cs_prompt_template_create(argv[0], cmd->pool);
    for (int i = 1; i < argc; i++) {
        const char *problem;
        if (cs_prompt_template_set(template, apr_pstrdup(cmd->pool, argv[i]), &problem, cmd->pool) != APR_SUCCESS) {
            return apr_psprintf(cmd->pool, "ChatSessionPromptTemplate %s: \"%s\": %s", argv[0], argv[i], problem);
        }
    }
    if (!conf->templates) {
        conf->templates = apr_array_make(cmd->pool, 2, sizeof(const cs_prompt_template_t *));
    }
    APR_ARRAY_PUSH(conf->templates, const cs_prompt_template_t *) = template;
    return NULL;
}

const cs_prompt_template_t *chatsession_find_template(const chatsession_server_t *conf, const char *name)
{
    for (int i = 0; conf->templates && i < conf->templates->nelts; i++) {
        const cs_prompt_template_t *template = APR_ARRAY_IDX(conf->templates, i, const cs_prompt_template_t *);
        if (!strcmp(template->name, name)) {
            return template;
        }
    }
    return cs_prompt_template_builtin(name);
}

static const char *resolve_template(const chatsession_server_t *conf, chatsession_backend_t *backend, apr_pool_t *pool)
{
    if (backend->form == CS_PROMPT_CHAT) {
        return backend->template_name
                   ? apr_psprintf(pool,
                                  "ChatSessionBackend %s has a template= but not form=completions or "
                                  "form=llamacpp: messages need none",
                                  backend->name)
                   : NULL;
    }
    if (!backend->template_name) {
        return apr_psprintf(pool,
                            "ChatSessionBackend %s needs template=redpajama, template=rinna or the name of a "
                            "ChatSessionPromptTemplate",
                            backend->name);
    }
    /* A virtual host may share the main server's backends: what they mean was decided there. */
    if (!backend->template) {
        backend->template = chatsession_find_template(conf, backend->template_name);
    }
    return backend->template ? NULL
                             : apr_psprintf(pool,
                                            "ChatSessionBackend %s: template=%s is neither redpajama nor rinna, and no "
                                            "ChatSessionPromptTemplate has this name",
                                            backend->name, backend->template_name);
}

const char *chatsession_resolve_templates(chatsession_server_t *conf, apr_pool_t *pool)
{
    const char *name = chatsession_string(conf, CHATSESSION_CHATSTREAM_PROMPT);
    const char *problem = NULL;

    if (!chatsession_find_template(conf, name)) {
        return apr_psprintf(pool,
                            "ChatSessionChatStreamPrompt: \"%s\" is neither redpajama nor rinna, and no "
                            "ChatSessionPromptTemplate has this name",
                            name);
    }
    for (int i = 0; conf->backends && i < conf->backends->nelts && !problem; i++) {
        problem = resolve_template(conf, &APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t), pool);
    }
    return problem;
}
