/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The commands on users. A password comes from standard input or from the CSPRNG, never from the command line, which
 * everybody on the machine can read.
 */
#include <stdio.h>
#include <string.h>
#include "core/password.h"
#include "ctl.h"
#include "store/invitation.h"
#include "store/second_factor.h"
#include "store/user_admin.h"

/* The longest password, one octet more to notice a longer one, a line's end. */
#define INPUT_BYTES (CS_PASSWORD_MAX_BYTES + 3)

static int read_password(const char **password, apr_size_t *len, const ctl_t *ctl, apr_pool_t *pool)
{
    char *line = apr_pcalloc(pool, INPUT_BYTES + 1);
    const cs_password_problem_t *problem;

    *password = line;
    *len = fread(line, 1, INPUT_BYTES, stdin);
    if (ferror(stdin)) {
        return ctl_fail("the password cannot be read from standard input");
    }
    if (*len && line[*len - 1] == '\n') {
        line[--*len] = '\0';
    }
    if (*len && line[*len - 1] == '\r') {
        line[--*len] = '\0';
    }
    return cs_password_acceptable_for(&problem, line, *len, ctl->name, NULL) == APR_SUCCESS
               ? CTL_DONE
               : ctl_fail("%s", problem->sentence);
}

/* The password that the options ask for, and its hash. */
static int obtain_password(const char **password, const char **phc, const ctl_t *ctl, apr_pool_t *pool)
{
    apr_size_t len = 0;
    apr_status_t rv = APR_SUCCESS;

    *phc = NULL;
    if (ctl->password_stdin == ctl->random_password) {
        ctl_fail("give either --password-stdin or --random-password");
        return CTL_USAGE;
    }
    if (ctl->random_password) {
        rv = cs_password_random(password, pool);
        len = rv == APR_SUCCESS ? strlen(*password) : 0;
    } else if (read_password(password, &len, ctl, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    if (rv == APR_SUCCESS) {
        rv = cs_password_hash(phc, *password, len, &cs_password_default_cost, pool);
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the password could not be hashed");
}

static int check_role(const char *role)
{
    if (cs_user_is_role(role)) {
        return CTL_DONE;
    }
    return ctl_fail("\"%s\" is no role; there are user, viewer, auditor, operator and admin", role);
}

int ctl_find_user(cs_user_t *user, const ctl_t *ctl, apr_pool_t *pool)
{
    apr_status_t rv = cs_user_find(user, ctl->db, ctl->name, pool);

    if (rv == APR_ENOENT) {
        return ctl_fail("there is no user \"%s\"", ctl->name);
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the user could not be looked up");
}

/* What is shown to a person only once, and to a script alone on standard output. */
static int show_password(const ctl_t *ctl, const char *password)
{
    if (ctl->random_password && (printf("%s\n", password) < 0 || fflush(stdout) != 0)) {
        return ctl_fail("the password was set, but could not be printed; set it again: user password \"%s\"",
                        ctl->name);
    }
    return CTL_DONE;
}

static int add_failed(const ctl_t *ctl, apr_status_t rv)
{
    if (rv == CS_ECONFLICT) {
        return ctl_fail("the name \"%s\", or one that reads the same, is taken", ctl->name);
    }
    if (rv == CS_EREFUSED) {
        return ctl_fail("\"%s\" cannot be a name; expected 1 to 64 visible characters without spaces at the ends "
                        "and without \"/\"",
                        ctl->name);
    }
    return ctl_fail_status(ctl, rv, "the user could not be added");
}

int ctl_user_add(ctl_t *ctl, apr_pool_t *pool)
{
    const char *password, *phc, *id;
    int code = check_role(ctl->role);
    apr_status_t rv;

    if (code == CTL_DONE) {
        code = obtain_password(&password, &phc, ctl, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_user_create(&id, ctl->db, ctl->name, ctl->role, phc, pool);
    return rv == APR_SUCCESS ? show_password(ctl, password) : add_failed(ctl, rv);
}

/* Whether one who is there can be invited with that role. */
static int check_invited(const ctl_t *ctl, const cs_user_t *user)
{
    if (user->disabled) {
        return ctl_fail("%s is disabled; first: user enable \"%s\"", user->name, user->name);
    }
    return strcmp(user->role, ctl->role) == 0
               ? CTL_DONE
               : ctl_fail("%s is there and has the role %s, not %s; first: user role \"%s\" %s", user->name, user->role,
                          ctl->role, user->name, ctl->role);
}

/* Invite the user of that name, made where there is none, and record it. */
static int open_invitation(ctl_t *ctl, const char *hash, const cs_audit_key_t *keys, apr_pool_t *pool)
{
    cs_audit_entry_t entry = {.operator_name = CTL_OPERATOR, .role = "admin", .keys = keys};
    const cs_user_deed_t deed = {.name = ctl->name, .role = ctl->role, .invitation = hash};
    cs_user_outcome_e outcome = CS_USER_DONE;
    cs_user_t user;
    apr_status_t rv = cs_user_find(&user, ctl->db, ctl->name, pool);

    if (rv == APR_ENOENT) {
        entry.action = "user.create";
        rv = cs_user_admin_create(&outcome, ctl->db, &deed, &entry, pool);
    } else if (rv == APR_SUCCESS && check_invited(ctl, &user) == CTL_DONE) {
        entry.action = "user.invite";
        rv = cs_user_admin_invite(&outcome, ctl->db, &deed, &entry, pool);
    } else if (rv == APR_SUCCESS) {
        return CTL_FAILED;
    }
    if (rv == APR_SUCCESS && outcome != CS_USER_DONE) {
        return add_failed(ctl, outcome == CS_USER_NO_NAME ? CS_EREFUSED : CS_ECONFLICT);
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the invitation could not be made");
}

int ctl_user_invite(ctl_t *ctl, apr_pool_t *pool)
{
    const char *token, *hash;
    cs_audit_key_t *keys;
    int code = check_role(ctl->role);

    if (code == CTL_DONE) {
        code = ctl_read_entry_keys(&keys, ctl, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    if (cs_invitation_draw(&token, &hash, pool) != APR_SUCCESS) {
        return ctl_fail("no token could be drawn");
    }
    if (open_invitation(ctl, hash, keys, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    fprintf(stderr,
            "For %s, once, within the hour: open the chat page with #invite= and this at the end of its address:\n",
            ctl_printable(ctl->name, pool));
    return printf("%s\n", token) >= 0 && fflush(stdout) == 0
               ? CTL_DONE
               : ctl_fail("the token could not be printed; ask for another one: user invite");
}

int ctl_user_password(ctl_t *ctl, apr_pool_t *pool)
{
    const char *password, *phc;
    cs_user_t user;
    int code = ctl_find_user(&user, ctl, pool);
    apr_status_t rv;

    if (code == CTL_DONE) {
        code = obtain_password(&password, &phc, ctl, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_user_set_password(NULL, ctl->db, user.id, phc, pool);
    return rv == APR_SUCCESS ? show_password(ctl, password) : ctl_fail_status(ctl, rv, "the password could not be set");
}

static int report_change(const ctl_t *ctl, apr_status_t rv, const cs_user_t *user, const char *word, int ended)
{
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the user could not be changed");
    }
    printf("%s is %s; %d %s ended\n", user->name, word, ended, ended == 1 ? "session" : "sessions");
    return CTL_DONE;
}

static int set_disabled(const ctl_t *ctl, bool disabled, apr_pool_t *pool)
{
    cs_user_t user;
    int ended = 0;
    apr_status_t rv;

    if (ctl_find_user(&user, ctl, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    rv = cs_user_set_disabled(&ended, ctl->db, user.id, disabled, pool);
    return report_change(ctl, rv, &user, disabled ? "disabled" : "enabled", ended);
}

int ctl_user_disable(ctl_t *ctl, apr_pool_t *pool)
{
    return set_disabled(ctl, true, pool);
}

int ctl_user_enable(ctl_t *ctl, apr_pool_t *pool)
{
    return set_disabled(ctl, false, pool);
}

int ctl_user_role(ctl_t *ctl, apr_pool_t *pool)
{
    cs_user_t user;
    int ended = 0;
    apr_status_t rv;

    if (check_role(ctl->role) != CTL_DONE || ctl_find_user(&user, ctl, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    rv = cs_user_set_role(&ended, ctl->db, user.id, ctl->role, pool);
    return report_change(ctl, rv, &user, ctl->role, ended);
}

int ctl_user_second_factor(ctl_t *ctl, apr_pool_t *pool)
{
    const char *revision;
    cs_user_t user;
    apr_status_t rv;

    if (strcmp(ctl->operands[0], "reset") != 0) {
        ctl_fail("expected: user second-factor reset NAME; chatsessionctl --help lists the commands");
        return CTL_USAGE;
    }
    ctl->name = ctl->operands[1];
    if (ctl_find_user(&user, ctl, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    rv = cs_second_factor_remove(&revision, ctl->db, user.id, NULL, pool);
    if (rv == APR_ENOENT) {
        return ctl_fail("%s has no second factor", user.name);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the second factor could not be reset");
    }
    printf("the second factor of %s is gone%s\n", user.name, revision ? ", and with it the user's sessions" : "");
    return CTL_DONE;
}

static const char *text_of(const json_t *user, const char *member)
{
    const char *text = json_string_value(json_object_get(user, member));

    return text ? text : "never";
}

int ctl_user_list(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *users, *user;
    size_t i;
    apr_status_t rv = cs_user_list_json(&users, ctl->db, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the users could not be listed");
    }
    if (ctl->json) {
        return ctl_print_json(json_pack("{s:o}", "users", users));
    }
    printf("%-9s %-9s %-25s %s\n", "ROLE", "STATE", "LAST LOGIN", "NAME");
    json_array_foreach(users, i, user)
    {
        printf("%-9s %-9s %-25s %s\n", text_of(user, "role"),
               json_is_true(json_object_get(user, "disabled")) ? "disabled" : "enabled", text_of(user, "last_login_at"),
               text_of(user, "name"));
    }
    json_decref(users);
    return CTL_DONE;
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
        return ctl_fail("there is no user \"%s\"", ctl->name);
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
