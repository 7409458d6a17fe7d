/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A token with which somebody sets the own password. */
#include <stdio.h>
#include <string.h>
#include "ctl_print.h"
#include "ctl_user.h"
#include "store/invitation.h"

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
static int open_invitation(ctl_t *ctl, const char *hash, cs_audit_entry_t *entry, apr_pool_t *pool)
{
    const cs_user_deed_t deed = {.name = ctl->name, .role = ctl->role, .invitation = hash};
    cs_user_outcome_e outcome = CS_USER_DONE;
    cs_user_t user;
    apr_status_t rv = cs_user_find(&user, ctl->db, ctl->name, pool);

    if (rv == APR_ENOENT) {
        entry->action = "user.create";
        rv = cs_user_admin_create(&outcome, ctl->db, &deed, entry, pool);
    } else if (rv == APR_SUCCESS && check_invited(ctl, &user) == CTL_DONE) {
        rv = cs_user_admin_invite(&outcome, ctl->db, &deed, entry, pool);
    } else if (rv == APR_SUCCESS) {
        return CTL_FAILED;
    }
    return ctl_judge_deed(ctl, rv, outcome, "the invitation could not be made");
}

int ctl_user_invite(ctl_t *ctl, apr_pool_t *pool)
{
    const char *token, *hash;
    cs_audit_entry_t entry;
    int code = ctl_check_role(ctl->role);

    if (code == CTL_DONE) {
        code = ctl_make_entry(&entry, ctl, "user.invite", NULL, pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    if (cs_invitation_draw(&token, &hash, pool) != APR_SUCCESS) {
        return ctl_fail("no token could be drawn");
    }
    code = open_invitation(ctl, hash, &entry, pool);
    if (code != CTL_DONE) {
        return code;
    }
    fprintf(stderr,
            "For %s, once, within the hour: open the chat page with #invite= and this at the end of its address:\n",
            ctl_printable(ctl->name, pool));
    return printf("%s\n", token) >= 0 && fflush(stdout) == 0
               ? CTL_DONE
               : ctl_fail("the token could not be printed; ask for another one: user invite");
}
