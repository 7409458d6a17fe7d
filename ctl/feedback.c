/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What users said of answers: a look at content, which is recorded. */
#include "store/feedback.h"
#include "core/json.h"
#include "ctl_filter.h"
#include "ctl_print.h"

int ctl_feedback_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"AT", "at"},     {"RATING", "rating"}, {"CONVERSATION", "conversation_id"},
                                           {"USER", "user"}, {"MODEL", "model"},   {"COMMENT", "comment"},
                                           {NULL, NULL}};
    const cs_feedback_filter_t filter = {.kind = ctl->filter.feedback,
                                         .user = ctl->filter.user,
                                         .model = ctl->filter.model,
                                         .from = ctl->filter.from,
                                         .to = ctl->filter.to};
    cs_audit_entry_t entry;
    json_t *feedback;
    const char *next;
    apr_status_t rv;
    int code = ctl_check_filter(ctl, pool);

    code = code == CTL_DONE ? ctl_make_entry(&entry, ctl, "feedback.read", ctl_filter_detail(ctl, pool), pool) : code;
    if (code != CTL_DONE) {
        return code;
    }
    entry.target_user = filter.user;
    rv = cs_feedback_list(&feedback, &next, ctl->db, &filter, ctl->after, (int)ctl->limit, &entry, pool);
    if (rv == CS_EMALFORMED) {
        return ctl_no_such_page();
    }
    return rv == APR_SUCCESS ? ctl_print_page(ctl, "feedback", feedback, next, columns, pool)
                             : ctl_fail_status(ctl, rv, "the feedback could not be read");
}
