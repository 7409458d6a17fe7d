/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SETTINGS_H
#define CHATSESSION_SETTINGS_H
/*
 * What counts once all lines are read: `apachectl -t -D CHATSESSION_SETTINGS` prints it as JSON, for `chatsessionctl
 * check` and whoever asks which value a virtual host has. The module itself says it, because only it knows what a
 * server inherits and what a line that is not there stands for.
 *
 * {"version", "schema_step", "user", "mpm": {...}, "modules": [...], "servers": [{"name", "scheme", "file", "tls",
 * "mounts", "timeout", "proxy_timeout", "secret_files", "audit_key_files", "backends", "settings": {NAME: VALUE}}]}:
 * servers without a page of ours are left out; numbers are as the directives' own, durations in milliseconds.
 */
#include <httpd.h>

/** Hook test_config: prints when -D CHATSESSION_SETTINGS was given. */
void chatsession_settings_print(apr_pool_t *pool, server_rec *s);

#endif
