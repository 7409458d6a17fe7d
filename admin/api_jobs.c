/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Jobs: how far they are, what came of them, and no further batch of one. The sweep does the work. */
#include "admin/admin.h"
#include "reply.h"
#include "store/job.h"

int chatsession_admin_reply_job(chatsession_call_t *call, json_t *job)
{
    return chatsession_reply_json(call->r, HTTP_ACCEPTED, json_pack("{s:o}", "job", job));
}

int chatsession_admin_jobs(chatsession_call_t *call)
{
    const char *kind = chatsession_query(call, "kind");
    json_t *jobs;
    const char *next;
    apr_status_t rv;
    int limit;
    int answer;

    if (!chatsession_query_int(&limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    if (kind && strcmp(kind, "expire") != 0 && strcmp(kind, "retention") != 0) {
        return chatsession_bad_request(call, "kind is none of expire, retention.");
    }
    rv = cs_job_list(&jobs, &next, call->conf->db, kind, chatsession_query(call, "after"), limit, call->r->pool);
    return chatsession_admin_reply_page(call, rv, "jobs", jobs, next);
}

int chatsession_admin_job(chatsession_call_t *call)
{
    json_t *job;
    const apr_status_t rv = cs_job_get(&job, call->conf->db, call->ids[0], call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, job) : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_job_cancel(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "job.cancel", NULL);
    json_t *job;
    const apr_status_t rv = cs_job_cancel(&job, call->conf->db, call->ids[0], &entry, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, job) : chatsession_reply_status(call->r, rv);
}
