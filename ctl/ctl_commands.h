/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H
/* The table of the commands. */
#include "ctl.h"

/** All that --help says. */
void ctl_commands_print(void);

/** The command that words (up to a NULL) begin with, with the rest of them as its operands: the exit code. */
int ctl_commands_run(ctl_t *ctl, char **words, apr_pool_t *pool);

#endif
