/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * chatsessionctl: schema, secrets, housekeeping, and all that operators do in the console, from the command line. The
 * options are in options.c, the commands in commands.c, their work in a file per noun.
 */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include "ctl.h"
#include "ctl_commands.h"
#include "ctl_options.h"

static int read_and_run(int argc, char **argv, apr_pool_t *pool)
{
    ctl_t ctl;
    char **words;
    const int code = ctl_options_read(&ctl, &words, argc, argv, pool);

    return code == CTL_GO_ON ? ctl_commands_run(&ctl, words, pool) : code;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    int code;

    if (apr_initialize() != APR_SUCCESS) {
        return ctl_fail("APR cannot be initialised");
    }
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    code = read_and_run(argc, argv, pool);
    apr_pool_destroy(pool);
    return fflush(stdout) == 0 ? code : ctl_fail("standard output cannot be written");
}
