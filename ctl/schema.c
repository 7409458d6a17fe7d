/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include <apr_file_info.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"
#include "store/schema.h"

/* Where `make install` puts the files, seen from the program's own place; in the source tree it is ./schema. */
static const char *installed_dir(apr_pool_t *pool)
{
    char program[4096];
    const ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    apr_finfo_t info;

    if (len > 0) {
        const char *installed;
        char *slash;

        program[len] = '\0';
        slash = strrchr(program, '/');
        *(slash ? slash : program) = '\0';
        installed = apr_pstrcat(pool, program, "/../share/mod_chatsession/schema", NULL);
        if (apr_stat(&info, installed, APR_FINFO_TYPE, pool) == APR_SUCCESS) {
            return installed;
        }
    }
    return "schema";
}

const char *ctl_schema_dir(const ctl_t *ctl, apr_pool_t *pool)
{
    return ctl->dir ? ctl->dir : installed_dir(pool);
}

static void print_applied(void *baton, const cs_schema_step_t *step)
{
    ++*(int *)baton;
    printf("applied %s\n", step->name);
    fflush(stdout);
}

static void print_state(void *baton, const cs_schema_step_t *step)
{
    static const char *const words[] = {"applied", "pending", "changed since it was applied", "newer than the files"};

    ++*(int *)baton;
    printf("%-32s %s%s%s\n", step->name, words[step->state], step->applied_at ? " " : "",
           step->applied_at ? step->applied_at : "");
}

typedef apr_status_t schema_fn(cs_db_t *db, const char *dir, cs_schema_step_cb *step, void *baton, const char **problem,
                               apr_pool_t *pool);

static int work(ctl_t *ctl, schema_fn *fn, cs_schema_step_cb *print, int *steps, apr_pool_t *pool)
{
    const char *problem;
    apr_status_t rv = fn(ctl->db, ctl_schema_dir(ctl, pool), print, steps, &problem, pool);

    if (rv == CS_EUNAVAILABLE && ctl->last_error) {
        return ctl_fail_status(ctl, rv, "the schema could not be read or applied");
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail("%s", problem);
}

int ctl_schema_apply(ctl_t *ctl, apr_pool_t *pool)
{
    int steps = 0;
    int code = work(ctl, cs_schema_apply, print_applied, &steps, pool);

    if (code == CTL_DONE && steps == 0) {
        printf("nothing to apply\n");
    }
    return code;
}

int ctl_schema_status(ctl_t *ctl, apr_pool_t *pool)
{
    int steps = 0;

    return work(ctl, cs_schema_status, print_state, &steps, pool);
}
