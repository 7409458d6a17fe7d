/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_H
#define CTL_H
/*
 * What the commands of chatsessionctl get and give. A command prints its result on standard output; when it cannot do
 * its work, it says why by ctl_fail and returns what that returns.
 */
#include <apr_pools.h>
#include "store/db.h"

typedef struct {
    cs_db_t *db;
    const char *dir;  /* --dir; NULL: not given */
    const char *name; /* the operand NAME */
    const char *role; /* the operand ROLE or --role */
    bool password_stdin;
    bool random_password;
    const char *last_error; /* what the database door logged last; NULL: nothing */
} ctl_t;

/** A command's function: the exit code. */
typedef int ctl_command_fn(ctl_t *ctl, apr_pool_t *pool);

#define CTL_DONE 0
#define CTL_FAILED 1
#define CTL_USAGE 2

/** A sentence on standard error; CTL_FAILED. */
int ctl_fail(const char *format, ...) CS_PRINTF(1, 2);
/** "what failed: why" from a status, with what the door logged; CTL_FAILED. */
int ctl_fail_status(const ctl_t *ctl, apr_status_t status, const char *what);

ctl_command_fn ctl_schema_apply, ctl_schema_status;
ctl_command_fn ctl_user_add, ctl_user_list, ctl_user_disable, ctl_user_enable, ctl_user_password, ctl_user_role;

#endif
