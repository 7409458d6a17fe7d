/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "skip.h"
#include <apr_network_io.h>
#include <apr_strings.h>

static const char *const loopback[] = {"127.0.0.0/8", "::1/128"};

/* Letters, digits and what else RFC 9110 has in a token. */
static bool is_token(const char *text)
{
    static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

    return *text && strspn(text, token) == strlen(text);
}

static const char *add_network(chatsession_skip_t *skip, const char *network, apr_pool_t *pool)
{
    const char *slash = strchr(network, '/');
    const char *address = slash ? apr_pstrmemdup(pool, network, (apr_size_t)(slash - network)) : network;
    apr_ipsubnet_t *subnet;

    /* APR also takes 10.1 for 10.1.0.0/16: here a network is written out. */
    if ((!strchr(address, ':') && strspn(address, "0123456789.") != strlen(address)) ||
        apr_ipsubnet_create(&subnet, address, slash ? slash + 1 : NULL, pool) != APR_SUCCESS) {
        return apr_psprintf(pool, "\"%s\" is no address and no network such as 192.0.2.0/24 or 2001:db8::/32", network);
    }
    APR_ARRAY_PUSH(skip->accept, apr_ipsubnet_t *) = subnet;
    return NULL;
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
        problem = add_network(skip, loopback[i], pool);
    }
    for (int i = 3; !problem && i < argc; i++) {
        problem = add_network(skip, argv[i], pool);
    }
    return problem;
}

static bool is_accepted(const chatsession_skip_t *skip, const request_rec *r)
{
    for (int i = 0; i < skip->accept->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(skip->accept, i, apr_ipsubnet_t *), r->useragent_addr)) {
            return true;
        }
    }
    return false;
}

bool chatsession_skip_applies(const apr_array_header_t *skips, const request_rec *r)
{
    for (int i = 0; skips && i < skips->nelts; i++) {
        const chatsession_skip_t *skip = &APR_ARRAY_IDX(skips, i, chatsession_skip_t);
        const char *value = apr_table_get(r->headers_in, skip->name);

        if (value && (!skip->value || !strcmp(value, skip->value)) && is_accepted(skip, r)) {
            return true;
        }
    }
    return false;
}
