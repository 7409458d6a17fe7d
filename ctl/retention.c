/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The rules of how long conversations are kept. A run from here works beside the sweep of httpd; a job's row keeps the
 * two apart. */
#include "store/retention.h"
#include <stdio.h>
#include "ctl_print.h"

static const char *text_of(const json_t *row, const char *name, apr_pool_t *pool)
{
    return ctl_cell(json_object_get(row, name), pool);
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
        return ctl_print_json(json_pack("{s:o}", "rules", rules));
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
