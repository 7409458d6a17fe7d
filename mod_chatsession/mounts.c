/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "mounts.h"
#include <http_config.h>
#include <apr_strings.h>

/* The first argument of a section's head ("\"/chat\">"). */
static const char *section_path(apr_pool_t *pool, const ap_directive_t *section)
{
    const char *args = apr_pstrndup(pool, section->args, strcspn(section->args, ">"));
    char *path = ap_getword_conf(pool, &args);
    size_t len = strlen(path);

    while (len && path[len - 1] == '/') {
        path[--len] = '\0';
    }
    return path;
}

static void add_mount(apr_array_header_t *mounts, const ap_directive_t *section)
{
    for (const ap_directive_t *child = section->first_child; child; child = child->next) {
        const char *args = child->args;
        const char *handler;

        if (ap_cstr_casecmp(child->directive, "SetHandler")) {
            continue;
        }
        handler = ap_getword_conf(mounts->pool, &args);
        if (!strncmp(handler, "chatsession", 11)) {
            APR_ARRAY_PUSH(mounts, chatsession_mount_t) =
                (chatsession_mount_t){section_path(mounts->pool, section), handler};
        }
    }
}

bool chatsession_mounts_is_section_of(const ap_directive_t *node, const server_rec *s)
{
    return s->defn_name && node->filename && !strcmp(node->filename, s->defn_name) &&
           node->line_num == (int)s->defn_line_number;
}

/* Sections below node; inside says whether node's own level belongs to s. */
static void walk(apr_array_header_t *mounts, const ap_directive_t *node, const server_rec *s, bool inside)
{
    for (; node; node = node->next) {
        if (inside && !ap_cstr_casecmp(node->directive, "<Location")) {
            add_mount(mounts, node);
        } else if (!ap_cstr_casecmp(node->directive, "<VirtualHost")) {
            walk(mounts, node->first_child, s, s->is_virtual && chatsession_mounts_is_section_of(node, s));
        } else if (node->first_child) {
            walk(mounts, node->first_child, s, inside);
        }
    }
}

apr_array_header_t *chatsession_mounts_find(apr_pool_t *pool, const server_rec *s)
{
    apr_array_header_t *mounts = apr_array_make(pool, 4, sizeof(chatsession_mount_t));

    /* A virtual host has the main server's sections too. */
    walk(mounts, ap_conftree, s, true);
    return mounts;
}

const char *chatsession_mounts_path(const apr_array_header_t *mounts, const char *handler)
{
    for (int i = 0; i < mounts->nelts; i++) {
        const chatsession_mount_t *mount = &APR_ARRAY_IDX(mounts, i, chatsession_mount_t);

        if (!strcmp(mount->handler, handler)) {
            return mount->path;
        }
    }
    return NULL;
}

bool chatsession_mounts_have(const apr_array_header_t *mounts, const char *handler)
{
    return chatsession_mounts_path(mounts, handler) != NULL;
}

const chatsession_mount_t *chatsession_mounts_of(const apr_array_header_t *mounts, const request_rec *r,
                                                 const char **below)
{
    const chatsession_mount_t *found = NULL;
    size_t longest = 0;

    *below = NULL;
    for (int i = 0; i < mounts->nelts; i++) {
        const chatsession_mount_t *mount = &APR_ARRAY_IDX(mounts, i, chatsession_mount_t);
        const size_t len = strlen(mount->path);

        if (!strcmp(mount->handler, r->handler) && !strncmp(r->uri, mount->path, len) &&
            (r->uri[len] == '/' || !r->uri[len]) && (!found || len > longest)) {
            found = mount;
            longest = len;
            *below = r->uri[len] ? r->uri + len + 1 : NULL;
        }
    }
    return found;
}
