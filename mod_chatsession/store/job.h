/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_JOB_H
#define CS_STORE_JOB_H
/*
 * Work on many conversations, done in batches by whoever calls cs_job_step: the sweep of any host, or chatsessionctl. A
 * batch and the note of it are one transaction, and a lock on the job's row keeps two workers apart; so a worker that
 * is killed takes nothing along and the next one goes on where it was. The filter of a job is the console's.
 */
#include "store/console.h"

typedef struct {
    const char *id;                      /* NULL: there was nothing to do */
    bool finished;                       /* this was its last batch */
    apr_int64_t expired, messages, held; /* of the whole job so far */
} cs_job_step_t;

/** One batch of the job that waited longest; of the job called only, when that is not NULL, waiting for another worker
 * that is at it. CS_ECONFLICT: something was put on hold at this moment; the next call sees it. */
apr_status_t cs_job_step(cs_job_step_t *step, cs_db_t *db, const char *only, int batch, apr_pool_t *pool) CS_MUSTCHECK;

/** Expire all that match by a job; *job as by cs_job_get, job may be NULL. CS_EREFUSED, and there is none, when their
 * number is not confirm; *count is what it was found to be. */
apr_status_t cs_job_expire(const char **id, json_t **job, cs_console_count_t *count, cs_db_t *db,
                           const cs_console_filter_t *filter, apr_int64_t confirm, apr_interval_time_t grace,
                           const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Begin a run of the retention rules, by whom is said. *id, and *job as above, are NULL when there is nothing to run:
 * no rule that ends anything, a run under way, or one that began less than every ago (0: does not matter). entry may be
 * NULL. */
apr_status_t cs_job_retention(const char **id, json_t **job, cs_db_t *db, const char *by, apr_interval_time_t grace,
                              apr_interval_time_t every, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** A page of jobs, newest first; kind NULL: all. New reference. */
apr_status_t cs_job_list(json_t **jobs, const char **next, cs_db_t *db, const char *kind, const char *after, int limit,
                         apr_pool_t *pool) CS_MUSTCHECK;

/** One job as in the list; new reference. */
apr_status_t cs_job_get(json_t **job, cs_db_t *db, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/** No further batch of it; *job as above. What was expired stays so, and can be restored. A job that has ended stays as
 * it ended. */
apr_status_t cs_job_cancel(json_t **job, cs_db_t *db, const char *id, const cs_audit_entry_t *entry,
                           apr_pool_t *pool) CS_MUSTCHECK;

/** The filter that the row of a job or an export has as a text (cs_console_filter_json); CS_EMALFORMED: it is no JSON.
 */
apr_status_t cs_job_read_filter(cs_console_filter_t *filter, const char *text, apr_pool_t *pool) CS_MUSTCHECK;

#endif
