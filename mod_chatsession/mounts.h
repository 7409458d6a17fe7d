/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_MOUNTS_H
#define CHATSESSION_MOUNTS_H
/*
 * Where our handlers stand: the <Location "path"> sections with a SetHandler of ours. httpd does not tell a handler
 * which section chose it, so they are looked up in the configuration tree once, when the configuration is checked.
 */
#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

typedef struct {
    const char *path; /* without a trailing slash, "" for the root */
    const char *handler;
} chatsession_mount_t;

/** The mounts of s, of chatsession_mount_t. */
apr_array_header_t *chatsession_mounts_find(apr_pool_t *pool, const server_rec *s);

/** The path of the first of mounts with that handler; NULL: none has it. */
const char *chatsession_mounts_path(const apr_array_header_t *mounts, const char *handler);

/** Whether one of mounts has that handler. */
bool chatsession_mounts_have(const apr_array_header_t *mounts, const char *handler);

/**
 * The innermost mount of r's handler that r->uri lies under; NULL when none. *below is the path after its slash, NULL
 * for the mount itself without a slash.
 */
const chatsession_mount_t *chatsession_mounts_of(const apr_array_header_t *mounts, const request_rec *r,
                                                 const char **below);

/** Whether that <VirtualHost> section of the configuration's tree is s's. */
bool chatsession_mounts_is_section_of(const ap_directive_t *node, const server_rec *s);

#endif
