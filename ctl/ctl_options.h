/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H
/*
 * The options, all of them, whatever command takes them. Which one a command takes is what its line of help says: an
 * option that stands there is taken, one that stands there outside of brackets must be given, and FILTER stands for all
 * that choose conversations.
 */
#include "ctl.h"

/** Set ctl to what counts where an option is not given, then read the command line. *words are what is left of it, up
 * to a NULL. CTL_GO_ON, or the exit code when there is nothing more to do. */
int ctl_options_read(ctl_t *ctl, char ***words, int argc, char **argv, apr_pool_t *pool);
#define CTL_GO_ON (-1)

/** Do the options that were given suit a command with these arguments? NULL, or the name of the one that does not. */
const char *ctl_options_problem(const ctl_t *ctl, const char *arguments);

/** A line or two for each option, for --help. */
void ctl_options_print(void);

/** A sentence on wrong usage, "problem word"; CTL_USAGE. */
int ctl_usage(const char *problem, const char *word);

#endif
