/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "networks.h"
#include <apr_strings.h>
#include <string.h>

/* APR also takes 10.1 for 10.1.0.0/16: here a network is written out. */
static bool is_address(const char *text)
{
    int dots = 0;

    for (const char *at = text; *at; at++) {
        dots += *at == '.';
    }
    return strchr(text, ':') || (dots == 3 && strspn(text, "0123456789.") == strlen(text));
}

const char *chatsession_networks_add(apr_array_header_t *networks, const char *network, apr_pool_t *pool)
{
    const char *slash = strchr(network, '/');
    const char *address = slash ? apr_pstrmemdup(pool, network, (apr_size_t)(slash - network)) : network;
    apr_ipsubnet_t *subnet;

    if (!is_address(address) || apr_ipsubnet_create(&subnet, address, slash ? slash + 1 : NULL, pool) != APR_SUCCESS) {
        return apr_psprintf(pool, "\"%s\" is no address and no network such as 192.0.2.0/24 or 2001:db8::/32", network);
    }
    APR_ARRAY_PUSH(networks, apr_ipsubnet_t *) = subnet;
    return NULL;
}

bool chatsession_networks_have(const apr_array_header_t *networks, const request_rec *r)
{
    for (int i = 0; networks && i < networks->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(networks, i, apr_ipsubnet_t *), r->useragent_addr)) {
            return true;
        }
    }
    return false;
}
