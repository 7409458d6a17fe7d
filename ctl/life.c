/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Holds, retention and jobs from the command line: what a script or a look at night needs. A run from here works beside
 * the sweep of httpd; a job's row keeps the two apart.
 */
#include <stdio.h>
#include <string.h>
#include "ctl.h"
#include "store/hold.h"
#include "store/job.h"
#include "store/retention.h"

/* Conversations that a job looks at in one statement. */
#define JOB_BATCH 1000

static const char *text_of(const json_t *row, const char *name, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? ctl_printable(text, pool) : "-";
}

static long long number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

int ctl_hold_list(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *matters;
    const char *next;
    size_t i;
    const json_t *row;
    apr_status_t rv = cs_matter_list(&matters, &next, ctl->db, ctl->all ? NULL : "open", NULL, 10000, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the matters could not be read");
    }
    if (ctl->json) {
        return ctl_print_json(matters);
    }
    printf("%-36s  %-24s  %10s  %13s  %s\n", "ID", "SINCE", "CUSTODIANS", "CONVERSATIONS", "NAME");
    json_array_foreach(matters, i, row)
    {
        printf("%-36s  %-24s  %10lld  %13lld  %s%s\n", text_of(row, "id", pool), text_of(row, "created_at", pool),
               number_of(row, "custodians"), number_of(row, "conversations"), text_of(row, "name", pool),
               json_is_null(json_object_get(row, "released_at")) ? "" : " (released)");
    }
    json_decref(matters);
    return CTL_DONE;
}

int ctl_retention_list(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *rules;
    size_t i;
    const json_t *row;
    apr_status_t rv = cs_retention_list(&rules, ctl->db, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the retention rules could not be read");
    }
    if (ctl->json) {
        return ctl_print_json(rules);
    }
    printf("The most specific rule for a conversation counts; of two for tags, the longer one.\n");
    json_array_foreach(rules, i, row)
    {
        const json_t *days = json_object_get(row, "keep_days");

        printf("%-8s  %-32s  ", text_of(row, "subject", pool), text_of(row, "value", pool));
        if (json_is_null(days)) {
            printf("for ever\n");
        } else {
            printf("%lld days of %s%s\n", (long long)json_integer_value(days), text_of(row, "clock", pool),
                   json_is_true(json_object_get(row, "pinned_too")) ? ", pinned too" : "");
        }
    }
    json_decref(rules);
    return CTL_DONE;
}

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

int ctl_retention_run(ctl_t *ctl, apr_pool_t *pool)
{
    cs_job_step_t step = {0};
    const char *id;
    apr_status_t rv = cs_job_retention(&id, ctl->db, CTL_OPERATOR, ctl->grace, 0, NULL, pool);

    if (rv == APR_SUCCESS && !id) {
        /* What a timer meets most of the time is no failure. */
        printf("nothing was run: a run is under way, or no rule ends anything\n");
        return CTL_DONE;
    }
    if (rv == APR_SUCCESS) {
        rv = ctl_run_job(&step, ctl->db, id, pool);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the retention rules could not be run to their end");
    }
    printf("%" APR_INT64_T_FMT " conversations (%" APR_INT64_T_FMT " messages) expired; %" APR_INT64_T_FMT
           " left alone because they are on hold\n",
           step.expired, step.messages, step.held);
    return CTL_DONE;
}

int ctl_job_list(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *jobs;
    const char *next;
    size_t i;
    const json_t *row;
    apr_status_t rv = cs_job_list(&jobs, &next, ctl->db, NULL, NULL, 1000, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the jobs could not be read");
    }
    if (ctl->json) {
        return ctl_print_json(jobs);
    }
    printf("%-36s  %-9s  %-9s  %-24s  %8s  %8s  %6s  %s\n", "ID", "KIND", "STATE", "BEGUN", "EXAMINED", "EXPIRED",
           "HELD", "BY");
    json_array_foreach(jobs, i, row)
    {
        printf("%-36s  %-9s  %-9s  %-24s  %8lld  %8lld  %6lld  %s\n", text_of(row, "id", pool),
               text_of(row, "kind", pool), text_of(row, "state", pool), text_of(row, "created_at", pool),
               number_of(row, "examined"), number_of(row, "expired"), number_of(row, "held"),
               text_of(row, "created_by", pool));
    }
    json_decref(jobs);
    return CTL_DONE;
}
