/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/prompttemplate.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>
#include "core/utf8.h"

static const cs_prompt_template_t builtins[] = {
    {.name = "redpajama",
     .begin = "",
     .system = "",
     .requester = "<human>",
     .responder = "<bot>",
     .role_end = ": ",
     .last_role_end = ":",
     .message_end = "\n",
     .stops = {"<|endoftext|>", "\n<"}},
    {.name = "rinna",
     .begin = "",
     .system = "",
     .requester = "User",
     .responder = "System",
     .role_end = ": ",
     .last_role_end = ": ",
     .message_end = "<NL>",
     .input = {{"\n", "<NL>"}},
     .output = {{"<NL>", "\n"}}},
};

const cs_prompt_template_t *cs_prompt_template_builtin(const char *name)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
        if (!strcmp(builtins[i].name, name))
            return &builtins[i];
    }
    return NULL;
}

cs_prompt_template_t *cs_prompt_template_create(const char *name, apr_pool_t *pool)
{
    cs_prompt_template_t *template = apr_pcalloc(pool, sizeof(*template));

    template->name = apr_pstrdup(pool, name);
    template->begin = template->system = "";
    template->requester = "User";
    template->responder = "Assistant";
    template->role_end = template->last_role_end = ": ";
    template->message_end = "\n";
    return template;
}

/* ---- one option ---- */

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"begin", offsetof(cs_prompt_template_t, begin)},
    {"system", offsetof(cs_prompt_template_t, system)},
    {"requester", offsetof(cs_prompt_template_t, requester)},
    {"responder", offsetof(cs_prompt_template_t, responder)},
    {"role-end", offsetof(cs_prompt_template_t, role_end)},
    {"last-role-end", offsetof(cs_prompt_template_t, last_role_end)},
    {"message-end", offsetof(cs_prompt_template_t, message_end)},
};

/** value with its escapes resolved, or NULL where one is unknown. */
static const char *unescape(const char *value, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(value) + 1);
    char *out = text;

    for (; *value; value++) {
        if (*value != '\\') {
            *out++ = *value;
            continue;
        }
        switch (*++value) {
        case 'n':
            *out++ = '\n';
            break;
        case 't':
            *out++ = '\t';
            break;
        case '\\':
            *out++ = '\\';
            break;
        default:
            return NULL;
        }
    }
    *out = '\0';
    return text;
}

static apr_status_t add_stop(cs_prompt_template_t *template, const char *text, const char **problem)
{
    int count = 0;

    while (template->stops[count])
        count++;
    if (!*text || count == CS_TEMPLATE_STOPS) {
        *problem = *text ? "more than 8 times stop=" : "stop= without a text";
        return CS_EREFUSED;
    }
    template->stops[count] = text;
    return APR_SUCCESS;
}

static apr_status_t add_replacement(cs_replacement_t *replacements, const char *text, const char **problem,
                                    apr_pool_t *pool)
{
    /* From the second octet on: what is replaced is never nothing. */
    const char *arrow = *text ? strstr(text + 1, "=>") : NULL;
    int count = 0;

    while (replacements[count].from)
        count++;
    if (!arrow || count == CS_TEMPLATE_REPLACEMENTS) {
        *problem = arrow ? "more than 8 replacements of one direction" : "a replacement is written FROM=>TO";
        return CS_EREFUSED;
    }
    replacements[count].from = apr_pstrmemdup(pool, text, (apr_size_t)(arrow - text));
    replacements[count].to = arrow + 2;
    return APR_SUCCESS;
}

static apr_status_t set_text(cs_prompt_template_t *template, const char *name, const char *text, const char **problem)
{
    const bool follows = template->last_role_end == template->role_end;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!strcmp(texts[i].name, name)) {
            *(const char **)((char *)template + texts[i].offset) = text;
            if (follows && !strcmp(name, "role-end"))
                template->last_role_end = text;
            return APR_SUCCESS;
        }
    }
    *problem = "it is none of begin=, system=, requester=, responder=, role-end=, last-role-end=, message-end=, stop=, "
               "input= and output=";
    return CS_EREFUSED;
}

apr_status_t cs_prompt_template_set(cs_prompt_template_t *template, const char *option, const char **problem,
                                    apr_pool_t *pool)
{
    const char *equals = strchr(option, '=');
    const char *name = equals ? apr_pstrmemdup(pool, option, (apr_size_t)(equals - option)) : option;
    const char *text = unescape(equals ? equals + 1 : "", pool);

    *problem = NULL;
    if (!text || strlen(text) > CS_TEMPLATE_OCTETS || !cs_utf8_is_text(text, strlen(text), NULL)) {
        *problem = text ? "its value is no UTF-8 text of at most 256 octets"
                        : "after a backslash there is one of n, t and another backslash";
        return CS_EREFUSED;
    }
    if (!strcmp(name, "stop"))
        return add_stop(template, text, problem);
    if (!strcmp(name, "input"))
        return add_replacement(template->input, text, problem, pool);
    if (!strcmp(name, "output"))
        return add_replacement(template->output, text, problem, pool);
    return set_text(template, name, text, problem);
}
