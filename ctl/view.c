/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The lists that operators have given a name; each is somebody's, whom --user names. */
#include "store/view.h"
#include <stdio.h>
#include <string.h>
#include "core/utf8.h"
#include "ctl_print.h"

/* As the API bounds them. */
#define NAME_CHARS 100
#define LIST_CHARS 4000

int ctl_view_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ID", "id"},     {"USER", "user"},  {"SHARED", "shared"},
                                           {"NAME", "name"}, {"LIST", "query"}, {NULL, NULL}};
    cs_user_t user;
    json_t *views;
    apr_status_t rv;
    const int code = ctl_find_user(&user, ctl, pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_view_list(&views, ctl->db, user.id, pool);
    return rv == APR_SUCCESS ? ctl_print_page(ctl, "views", views, NULL, columns, pool)
                             : ctl_fail_status(ctl, rv, "the views could not be read");
}

static bool is_between(const char *text, apr_size_t least, apr_size_t most)
{
    const apr_size_t count = cs_utf8_count(text, strlen(text));

    return count >= least && count <= most;
}

int ctl_view_save(ctl_t *ctl, apr_pool_t *pool)
{
    const cs_view_t wanted = {ctl->name, ctl->list, ctl->shared};
    cs_audit_entry_t entry;
    cs_user_t user;
    json_t *view;
    apr_status_t rv;
    int code;

    if (!is_between(wanted.name, 1, NAME_CHARS) || !is_between(wanted.query, 0, LIST_CHARS)) {
        return ctl_refuse(CTL_USAGE, "a view has a name of 1 to 100 characters and a list of at most 4000");
    }
    ctl->name = ctl->filter.user;
    code = ctl_find_user(&user, ctl, pool);
    code = code == CTL_DONE ? ctl_make_entry(&entry, ctl, "view.save", NULL, pool) : code;
    if (code != CTL_DONE) {
        return code;
    }
    entry.target_user = user.name;
    rv = cs_view_save(&view, ctl->db, user.id, &wanted, &entry, pool);
    if (rv == CS_EREFUSED) {
        return ctl_fail("%s has 100 saved views already; delete one first", user.name);
    }
    return rv == APR_SUCCESS ? ctl_print_json(view) : ctl_fail_status(ctl, rv, "the view could not be saved");
}

int ctl_view_delete(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    cs_user_t user;
    apr_status_t rv;
    int code;

    ctl->name = ctl->filter.user;
    code = ctl_find_user(&user, ctl, pool);
    code = code == CTL_DONE ? ctl_make_entry(&entry, ctl, "view.delete", NULL, pool) : code;
    if (code != CTL_DONE) {
        return code;
    }
    entry.target_user = user.name;
    rv = cs_view_delete(ctl->db, user.id, ctl->id, &entry, pool);
    if (rv == APR_ENOENT) {
        return ctl_refuse(CTL_ABSENT, "%s has no such view", user.name);
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the view could not be deleted");
}
