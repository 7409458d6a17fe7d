/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Jobs: how far they are, and working them. A worker from here and the sweep of httpd may be at it at once. */
#include "store/job.h"
#include <string.h>
#include "ctl_print.h"

/* Conversations that a job looks at in one statement. */
#define JOB_BATCH 1000

apr_status_t ctl_run_job(cs_job_step_t *step, cs_db_t *db, const char *only, apr_pool_t *pool)
{
    apr_pool_t *batch;
    apr_status_t rv;

    apr_pool_create(&batch, pool);
    do {
        apr_pool_clear(batch);
        rv = cs_job_step(step, db, only, JOB_BATCH, batch);
        /* CS_ECONFLICT: a hold came in between, which the next batch sees. */
    } while (rv == CS_ECONFLICT || (rv == APR_SUCCESS && step->id && !(only && step->finished)));
    step->id = only;
    apr_pool_destroy(batch);
    return rv;
}

int ctl_job_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ID", "id"},
                                           {"KIND", "kind"},
                                           {"STATE", "state"},
                                           {"BEGUN", "created_at"},
                                           {"EXAMINED", "examined"},
                                           {"EXPIRED", "expired"},
                                           {"HELD", "held"},
                                           {"BY", "created_by"},
                                           {NULL, NULL}};
    json_t *jobs;
    const char *next;
    apr_status_t rv;

    if (ctl->kind && strcmp(ctl->kind, "expire") != 0 && strcmp(ctl->kind, "retention") != 0) {
        return ctl_refuse(CTL_USAGE, "--kind is none of expire, retention");
    }
    rv = cs_job_list(&jobs, &next, ctl->db, ctl->kind, ctl->after, (int)ctl->limit, pool);
    if (rv == CS_EMALFORMED) {
        return ctl_no_such_page();
    }
    return rv == APR_SUCCESS ? ctl_print_page(ctl, "jobs", jobs, next, columns, pool)
                             : ctl_fail_status(ctl, rv, "the jobs could not be read");
}

static int no_such_job(void)
{
    return ctl_refuse(CTL_ABSENT, "there is no such job; job list shows them");
}

/* Takes the reference. */
static int print_job(const ctl_t *ctl, json_t *job, apr_pool_t *pool)
{
    static const ctl_column_t facts[] = {{"id", "id"},
                                         {"kind", "kind"},
                                         {"state", "state"},
                                         {"begun", "created_at"},
                                         {"by", "created_by"},
                                         {"last batch", "updated_at"},
                                         {"ended", "finished_at"},
                                         {"cancelled by", "cancelled_by"},
                                         {"expected", "expected"},
                                         {"examined", "examined"},
                                         {"expired", "expired"},
                                         {"messages", "messages"},
                                         {"held", "held"},
                                         {"filter", "filter"},
                                         {NULL, NULL}};

    return ctl_print_object(ctl, job, facts, pool);
}

int ctl_job_show(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *job;
    const apr_status_t rv = cs_job_get(&job, ctl->db, ctl->id, pool);

    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? no_such_job() : ctl_fail_status(ctl, rv, "the job could not be read");
    }
    return print_job(ctl, job, pool);
}

int ctl_job_cancel(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    json_t *job;
    apr_status_t rv;
    const int code = ctl_make_entry(&entry, ctl, "job.cancel", NULL, pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_job_cancel(&job, ctl->db, ctl->id, &entry, pool);
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? no_such_job() : ctl_fail_status(ctl, rv, "the job could not be cancelled");
    }
    return print_job(ctl, job, pool); /* one that had ended stays as it ended */
}
