/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/prompttext.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

typedef struct {
    const char *requester, *responder;
    const char *line_end;   /* between messages */
    const char *inner_end;  /* in the place of a line's end within a text; NULL: as it is */
    const char *after_role; /* of a role that stands alone at the end */
} family_t;

static const family_t families[] = {
    [CS_PROMPT_REDPAJAMA] = {"<human>", "<bot>", "\n", NULL, ":"},
    [CS_PROMPT_RINNA] = {"User", "System", "<NL>", "<NL>", ": "},
};

static const char *replace_line_ends(const char *text, const char *with, apr_pool_t *pool)
{
    const char *end = with ? strchr(text, '\n') : NULL;
    const char *replaced = "";

    for (; end; end = strchr(text, '\n')) {
        replaced = apr_pstrcat(pool, replaced, apr_pstrmemdup(pool, text, (apr_size_t)(end - text)), with, NULL);
        text = end + 1;
    }
    return *replaced ? apr_pstrcat(pool, replaced, text, NULL) : text;
}

const char *cs_prompt_to_text(const cs_prompt_t *prompt, cs_prompt_family_e index, apr_pool_t *pool)
{
    const family_t *family = &families[index];
    const char *text =
        prompt->system && *prompt->system ? apr_pstrcat(pool, prompt->system, family->line_end, NULL) : "";
    bool asked = false;

    for (int i = 0; i < prompt->messages->nelts; i++) {
        const cs_prompt_message_t *message = &APR_ARRAY_IDX(prompt->messages, i, cs_prompt_message_t);

        asked = !strcmp(message->role, "user");
        text = apr_pstrcat(pool, text, i ? family->line_end : "", asked ? family->requester : family->responder, ": ",
                           replace_line_ends(message->content, family->inner_end, pool), NULL);
    }
    return asked ? apr_pstrcat(pool, text, family->line_end, family->responder, family->after_role, NULL) : text;
}

const char *cs_prompt_percent_encode(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(text) + 1);
    char *out = encoded;

    for (; *text; text++) {
        const unsigned char octet = (unsigned char)*text;

        if (octet < 0x80 && (apr_isalnum(octet) || strchr("-._~/", octet))) {
            *out++ = (char)octet;
        } else {
            *out++ = '%';
            *out++ = hex[octet >> 4];
            *out++ = hex[octet & 15];
        }
    }
    *out = '\0';
    return encoded;
}
