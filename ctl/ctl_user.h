/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_USER_H
#define CTL_USER_H
/* What the commands on users share. */
#include "ctl.h"
#include "store/user_admin.h"

/** Say so; CTL_ABSENT. */
int ctl_no_such_user(const char *name);
/** CTL_DONE, or it was said that this is no role. */
int ctl_check_role(const char *role);
/** Say what was not done to ctl->name; CTL_DONE when it was. */
int ctl_judge_deed(const ctl_t *ctl, apr_status_t rv, cs_user_outcome_e outcome, const char *what);

#endif
