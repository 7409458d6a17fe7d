/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "skip.h"
#include <apr_strings.h>
#include "networks.h"

static const char *const loopback[] = {"127.0.0.0/8", "::1/128"};

/* Letters, digits and what else RFC 9110 has in a token. */
static bool is_token(const char *text)
{
    static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

    return *text && strspn(text, token) == strlen(text);
}

const char *chatsession_skip_parse(chatsession_skip_t *skip, int argc, char *const argv[], apr_pool_t *pool)
{
    const char *problem = NULL;

    if (argc < 2 || argc == 3 || (argc > 3 && ap_cstr_casecmp(argv[2], "from") != 0)) {
        return "expected NAME VALUE|* [from CIDR ...]";
    }
    if (!is_token(argv[0])) {
        return apr_psprintf(pool, "\"%s\" is no name of a header", argv[0]);
    }
    skip->name = apr_pstrdup(pool, argv[0]);
    skip->value = strcmp(argv[1], "*") != 0 ? apr_pstrdup(pool, argv[1]) : NULL;
    skip->accept = apr_array_make(pool, 2, sizeof(apr_ipsubnet_t *));
    for (size_t i = 0; argc == 2 && !problem && i < sizeof(loopback) / sizeof(loopback[0]); i++) {
        problem = chatsession_networks_add(skip->accept, loopback[i], pool);
    }
    for (int i = 3; !problem && i < argc; i++) {
        problem = chatsession_networks_add(skip->accept, argv[i], pool);
    }
    return problem;
}

bool chatsession_skip_applies(const apr_array_header_t *skips, const request_rec *r)
{
    for (int i = 0; skips && i < skips->nelts; i++) {
        const chatsession_skip_t *skip = &APR_ARRAY_IDX(skips, i, chatsession_skip_t);
        const char *value = apr_table_get(r->headers_in, skip->name);

        if (value && (!skip->value || !strcmp(value, skip->value)) && chatsession_networks_have(skip->accept, r)) {
            return true;
        }
    }
    return false;
}
