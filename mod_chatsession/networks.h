/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_NETWORKS_H
#define CHATSESSION_NETWORKS_H
/* Lists of addresses and networks of a configuration. */
#include <httpd.h>
#include <apr_network_io.h>
#include <stdbool.h>

/** Append ADDRESS or ADDRESS/BITS to networks, of apr_ipsubnet_t *; a sentence in pool when it is none, else NULL. */
const char *chatsession_networks_add(apr_array_header_t *networks, const char *network, apr_pool_t *pool);

/** Whether who asks is in one of networks (NULL: none). */
bool chatsession_networks_have(const apr_array_header_t *networks, const request_rec *r);

#endif
