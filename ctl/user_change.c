/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Users, changed: each change in one transaction with its entry in the audit log. A password comes from standard input
 * or from the CSPRNG, never from the command line, which everybody on the machine can read.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "core/password.h"
#include "ctl_print.h"
#include "ctl_user.h"
#include "store/second_factor.h"

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

/* What is shown to a person only once, and to a script alone on standard output. */
static int show_password(const ctl_t *ctl, const char *password)
{
    if (ctl->random_password && (printf("%s\n", password) < 0 || fflush(stdout) != 0)) {
        return ctl_fail("the password was set, but could not be printed; set it again: user password \"%s\"",
                        ctl->name);
    }
    return CTL_DONE;
}

int ctl_judge_deed(const ctl_t *ctl, apr_status_t rv, cs_user_outcome_e outcome, const char *what)
{
    if (rv == APR_ENOENT) {
        return ctl_no_such_user(ctl->name);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, what);
    }
    switch (outcome) {
    case CS_USER_TAKEN:
        return ctl_fail("the name \"%s\", or one that reads the same, is taken", ctl->name);
    case CS_USER_NO_NAME:
        return ctl_fail("\"%s\" cannot be a name; expected 1 to 64 visible characters without spaces at the ends "
                        "and without \"/\"",
                        ctl->name);
    case CS_USER_DISABLED:
        return ctl_fail("%s is disabled; first: user enable \"%s\"", ctl->name, ctl->name);
    case CS_USER_NOT_ADMIN: /* of who asks over the API */
    case CS_USER_OWN:
    case CS_USER_LAST_ADMIN:
    case CS_USER_DONE:
        break;
    }
    return CTL_DONE;
}

int ctl_user_add(ctl_t *ctl, apr_pool_t *pool)
{
    cs_user_deed_t deed = {.name = ctl->name, .role = ctl->role};
    cs_user_outcome_e outcome;
    cs_audit_entry_t entry;
    const char *password;
    apr_status_t rv;
    int code = ctl_check_role(ctl->role);

    if (code == CTL_DONE) {
        code = obtain_password(&password, &deed.phc, ctl, pool);
    }
    if (code == CTL_DONE) {
        code = ctl_make_entry(&entry, ctl, "user.create", NULL, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_user_admin_create(&outcome, ctl->db, &deed, &entry, pool);
    code = ctl_judge_deed(ctl, rv, outcome, "the user could not be added");
    return code == CTL_DONE ? show_password(ctl, password) : code;
}

int ctl_user_password(ctl_t *ctl, apr_pool_t *pool)
{
    cs_user_deed_t deed = {.name = ctl->name};
    cs_user_outcome_e outcome;
    cs_audit_entry_t entry;
    cs_user_t user;
    const char *password;
    apr_status_t rv;
    int code = ctl_find_user(&user, ctl, pool);

    if (code == CTL_DONE) {
        code = obtain_password(&password, &deed.phc, ctl, pool);
    }
    if (code == CTL_DONE) {
        code = ctl_make_entry(&entry, ctl, "user.password", NULL, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_user_admin_password(&outcome, ctl->db, &deed, &entry, pool);
    code = ctl_judge_deed(ctl, rv, outcome, "the password could not be set");
    return code == CTL_DONE ? show_password(ctl, password) : code;
}

/* Make the change and say what the user is now. */
static int change(const ctl_t *ctl, const cs_user_deed_t *deed, const char *what, apr_pool_t *pool)
{
    cs_user_outcome_e outcome;
    cs_audit_entry_t entry;
    apr_int64_t ended = 0;
    cs_user_t user;
    apr_status_t rv;
    int code = ctl_find_user(&user, ctl, pool);

    if (code == CTL_DONE) {
        code = ctl_make_entry(&entry, ctl, "user.change", NULL, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_user_admin_change(&outcome, &ended, NULL, ctl->db, deed, &entry, pool);
    code = ctl_judge_deed(ctl, rv, outcome, "the user could not be changed");
    if (code == CTL_DONE) {
        printf("%s %s; %s ended\n", ctl_printable(user.name, pool), what, ctl_count(ended, "session", pool));
    }
    return code;
}

int ctl_user_disable(ctl_t *ctl, apr_pool_t *pool)
{
    return change(ctl, &(cs_user_deed_t){.name = ctl->name, .disabled = "true"}, "is disabled", pool);
}

int ctl_user_enable(ctl_t *ctl, apr_pool_t *pool)
{
    return change(ctl, &(cs_user_deed_t){.name = ctl->name, .disabled = "false"}, "is enabled", pool);
}

int ctl_user_role(ctl_t *ctl, apr_pool_t *pool)
{
    return ctl_check_role(ctl->role) == CTL_DONE ? change(ctl, &(cs_user_deed_t){.name = ctl->name, .role = ctl->role},
                                                          apr_pstrcat(pool, "is ", ctl->role, NULL), pool)
                                                 : CTL_FAILED;
}

/* One limit, "default" being null; false: it was said that it is none. */
static bool read_limit(json_t *limits, const char *name, const char *text, apr_int64_t most)
{
    if (!text) {
        return true;
    }
    if (!strcmp(text, "default")) {
        json_object_set_new(limits, name, json_null());
        return true;
    }
    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 15 || apr_atoi64(text) > most) {
        ctl_refuse(CTL_USAGE, "%s is neither \"default\" nor a number from 0 to %" APR_INT64_T_FMT, text, most);
        return false;
    }
    json_object_set_new(limits, name, json_integer(apr_atoi64(text)));
    return true;
}

int ctl_user_limits(ctl_t *ctl, apr_pool_t *pool)
{
    const ctl_limits_t *own = &ctl->own_limits;
    json_t *limits = cs_json_own(json_object(), pool);

    /* The bounds are those of the API. */
    if (!read_limit(limits, "max_turns", own->turns, 10000) ||
        !read_limit(limits, "max_requests", own->requests, 100000) ||
        !read_limit(limits, "max_tokens", own->tokens, APR_INT64_C(1000000000000))) {
        return CTL_USAGE;
    }
    if (!json_object_size(limits)) {
        return ctl_refuse(CTL_USAGE, "give --max-turns, --max-requests or --max-tokens");
    }
    return change(ctl, &(cs_user_deed_t){.name = ctl->name, .limits = limits}, "has these limits", pool);
}

int ctl_user_second_factor(ctl_t *ctl, apr_pool_t *pool)
{
    const char *revision;
    cs_audit_entry_t entry;
    cs_user_t user;
    apr_status_t rv;
    int code;

    if (strcmp(ctl->operands[0], "reset") != 0) {
        return ctl_refuse(CTL_USAGE,
                          "expected: user second-factor reset NAME; chatsessionctl --help lists the commands");
    }
    ctl->name = ctl->operands[1];
    code = ctl_find_user(&user, ctl, pool);
    if (code == CTL_DONE) {
        code = ctl_make_entry(&entry, ctl, "factor.reset", NULL, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    entry.target_user = user.name;
    rv = cs_second_factor_remove(&revision, ctl->db, user.id, &entry, pool);
    if (rv == APR_ENOENT) {
        return ctl_refuse(CTL_ABSENT, "%s has no second factor", user.name);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the second factor could not be reset");
    }
    printf("the second factor of %s is gone%s\n", user.name, revision ? ", and with it the user's sessions" : "");
    return CTL_DONE;
}
