/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What users said of answers. */
#include "admin/admin.h"
#include "core/rfc3339.h"
#include "reply.h"
#include "store/feedback.h"

/* The filter of the query string; false: an error was answered, return *answer. */
static bool read_filter(cs_feedback_filter_t *filter, chatsession_call_t *call, int *answer)
{
    /* Judged as the list's filter is: the same words mean the same there. */
    cs_console_filter_t judged = {.feedback = chatsession_query(call, "feedback"),
                                  .from = chatsession_query(call, "from"),
                                  .to = chatsession_query(call, "to")};

    *filter = (cs_feedback_filter_t){.kind = judged.feedback,
                                     .user = chatsession_query(call, "user"),
                                     .model = chatsession_query(call, "model"),
                                     .from = judged.from,
                                     .to = judged.to};
    return chatsession_check_filter(&judged, call, answer);
}

static json_t *filter_json(const cs_feedback_filter_t *filter, apr_pool_t *pool)
{
    return cs_json_own(json_pack("{s:s*,s:s*,s:s*,s:s*,s:s*}", "feedback", filter->kind, "user", filter->user, "model",
                                 filter->model, "from", filter->from, "to", filter->to),
                       pool);
}

int chatsession_admin_feedback(chatsession_call_t *call)
{
    cs_feedback_filter_t filter;
    cs_audit_entry_t entry;
    json_t *feedback;
    const char *next;
    apr_status_t rv;
    int limit;
    int answer;

    if (!read_filter(&filter, call, &answer) || !chatsession_query_int(&limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    entry = chatsession_audit_entry(call, "feedback.read", filter_json(&filter, call->r->pool));
    entry.target_user = filter.user;
    rv = cs_feedback_list(&feedback, &next, call->conf->db, &filter, chatsession_query(call, "after"), limit, &entry,
                          call->r->pool);
    return rv == APR_SUCCESS || rv == CS_EMALFORMED ? chatsession_admin_reply_page(call, rv, "feedback", feedback, next)
                                                    : chatsession_admin_reply_slow(call, rv);
}
