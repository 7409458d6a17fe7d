/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * One pass of the housekeeping that httpd does every few seconds, for a cron job or for a database whose httpd is down.
 * httpd's time-outs are not known here: without options nothing goes that a server could still count as valid.
 */
#include <stdio.h>
#include "ctl.h"
#include "store/conversation.h"
#include "store/session.h"
#include "store/throttle.h"
#include "store/turn.h"

/* Rows of one statement: short locks. A statement may take fewer although there are more. */
#define BATCH 500

static apr_status_t purge_all(apr_int64_t *total, cs_db_t *db, apr_pool_t *pool)
{
    apr_int64_t count = 0;
    apr_status_t rv;

    *total = 0;
    do {
        rv = cs_conversation_purge(&count, db, BATCH, pool);
        *total += count;
    } while (rv == APR_SUCCESS && count);
    return rv;
}

static apr_status_t expire_all(apr_int64_t *total, cs_db_t *db, const cs_session_limits_t *limits, apr_pool_t *pool)
{
    apr_int64_t count = 0;
    apr_status_t rv;

    *total = 0;
    do {
        rv = cs_session_expire(&count, db, limits, BATCH, pool);
        *total += count;
    } while (rv == APR_SUCCESS && count);
    return rv;
}

static apr_status_t forget_all(apr_int64_t *total, cs_db_t *db, apr_pool_t *pool)
{
    apr_int64_t count = 0;
    apr_status_t rv;

    *total = 0;
    do {
        rv = cs_throttle_expire(&count, db, BATCH, pool);
        *total += count;
    } while (rv == APR_SUCCESS && count);
    return rv;
}

int ctl_sweep(ctl_t *ctl, apr_pool_t *pool)
{
    cs_job_step_t step = {0};
    apr_int64_t count;
    apr_status_t rv = cs_turn_reap(&count, ctl->db, ctl->turn_silence, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "answers whose server went away could not be interrupted");
    }
    printf("%" APR_INT64_T_FMT " answers interrupted because their server went away\n", count);
    rv = purge_all(&count, ctl->db, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "conversations could not be purged");
    }
    printf("%" APR_INT64_T_FMT " conversations purged\n", count);
    rv = ctl_run_job(&step, ctl->db, NULL, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the jobs could not be worked to their end");
    }
    rv = expire_all(&count, ctl->db, &ctl->limits, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "old sessions could not be deleted");
    }
    printf("%" APR_INT64_T_FMT " old sessions deleted\n", count);
    rv = forget_all(&count, ctl->db, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "old attempts to log in could not be deleted");
    }
    printf("%" APR_INT64_T_FMT " old attempts to log in deleted\n", count);
    return CTL_DONE;
}
