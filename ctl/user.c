/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Users, looked at. */
#include <stdio.h>
#include <string.h>
#include "ctl_print.h"
#include "ctl_user.h"
#include "store/user_admin.h"

int ctl_no_such_user(const char *name)
{
    return ctl_refuse(CTL_ABSENT, "there is no user \"%s\"", name);
}

int ctl_find_user(cs_user_t *user, const ctl_t *ctl, apr_pool_t *pool)
{
    apr_status_t rv = cs_user_find(user, ctl->db, ctl->name, pool);

    if (rv == APR_ENOENT) {
        return ctl_no_such_user(ctl->name);
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the user could not be looked up");
}

int ctl_check_role(const char *role)
{
    if (cs_user_is_role(role)) {
        return CTL_DONE;
    }
    return ctl_fail("\"%s\" is no role; there are user, viewer, auditor, operator and admin", role);
}

int ctl_user_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ROLE", "role"},
                                           {"STATE", "state"},
                                           {"LAST LOGIN", "last_login_at"},
                                           {"CONVERSATIONS", "conversations"},
                                           {"NAME", "name"},
                                           {NULL, NULL}};
    const cs_user_list_t list = {.query = ctl->filter.query,
                                 .role = ctl->role,
                                 .state = ctl->filter.state,
                                 .after = ctl->after,
                                 .limit = (int)ctl->limit};
    const char *next;
    json_t *users, *user;
    size_t i;
    apr_status_t rv;

    if (ctl->role && ctl_check_role(ctl->role) != CTL_DONE) {
        return CTL_FAILED;
    }
    if (list.state && strcmp(list.state, "active") != 0 && strcmp(list.state, "disabled") != 0) {
        return ctl_refuse(CTL_USAGE, "--state of a user is active or disabled");
    }
    rv = cs_user_page(&users, &next, ctl->db, &list, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the users could not be listed");
    }
    json_array_foreach(ctl->json ? NULL : users, i, user)
    {
        json_object_set_new(user, "state",
                            json_string(json_is_true(json_object_get(user, "disabled")) ? "disabled" : "enabled"));
    }
    return ctl_print_page(ctl, "users", users, next, columns, pool);
}

static const char *text_of(const json_t *user, const char *member)
{
    const char *text = json_string_value(json_object_get(user, member));

    return text ? text : "never";
}

static void print_user(const json_t *user, apr_pool_t *pool)
{
    printf("%-14s%s\n", "name", ctl_printable(text_of(user, "name"), pool));
    printf("%-14s%s\n", "role", text_of(user, "role"));
    printf("%-14s%s\n", "state", json_is_true(json_object_get(user, "disabled")) ? "disabled" : "enabled");
    printf("%-14s%s\n", "made", text_of(user, "created_at"));
    printf("%-14s%s\n", "last login", text_of(user, "last_login_at"));
    printf("%-14s%s\n", "factor since",
           json_is_null(json_object_get(user, "second_factor_at")) ? "none" : text_of(user, "second_factor_at"));
    printf("%-14s%" JSON_INTEGER_FORMAT "\n", "conversations",
           json_integer_value(json_object_get(user, "conversations")));
    printf("%-14s%" APR_SIZE_T_FMT "\n", "sessions", json_array_size(json_object_get(user, "sessions")));
}

int ctl_user_show(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *user, *sessions;
    apr_status_t rv = cs_user_object(&user, ctl->db, ctl->name, pool);

    if (rv == APR_ENOENT) {
        return ctl_no_such_user(ctl->name);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_user_sessions(&sessions, ctl->db, ctl->name, &(cs_session_limits_t){.grace = 0}, pool);
    }
    if (rv != APR_SUCCESS) {
        json_decref(user);
        return ctl_fail_status(ctl, rv, "the user could not be looked up");
    }
    json_object_set_new(user, "sessions", sessions);
    if (ctl->json) {
        return ctl_print_json(user);
    }
    print_user(user, pool);
    if (json_array_size(sessions)) {
        printf("\n");
        ctl_print_sessions(sessions, pool);
    }
    json_decref(user);
    return CTL_DONE;
}
