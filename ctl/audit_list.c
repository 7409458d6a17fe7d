/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The log of what operators did, found and taken along. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "core/rfc3339.h"
#include "ctl_print.h"
#include "store/audit.h"

/* The filter of the options; CTL_DONE, or it was said what is wrong with it. */
static int read_filter(cs_audit_filter_t *filter, const ctl_t *ctl)
{
    apr_time_t time;

    *filter = (cs_audit_filter_t){.operator_name = ctl->operator_name,
                                  .action = ctl->action,
                                  .from = ctl->filter.from,
                                  .to = ctl->filter.to,
                                  .conversation_id = ctl->conversation,
                                  .target_user = ctl->filter.user};
    if ((filter->from && cs_rfc3339_parse(&time, filter->from) != APR_SUCCESS) ||
        (filter->to && cs_rfc3339_parse(&time, filter->to) != APR_SUCCESS)) {
        return ctl_refuse(CTL_USAGE, "--from and --to are times such as 2026-11-23 or 2026-11-23T05:31:07Z");
    }
    if (filter->conversation_id && !cs_uuid_is(filter->conversation_id)) {
        return ctl_refuse(CTL_USAGE, "not an id: %s", filter->conversation_id);
    }
    return CTL_DONE;
}

static bool read_after(apr_int64_t *before, const char *after)
{
    *before = after ? apr_atoi64(after) : 0;
    return !after || (*after && strlen(after) < 19 && strspn(after, "0123456789") == strlen(after) && *before > 0);
}

int ctl_audit_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"SEQ", "seq"},
                                           {"AT", "at"},
                                           {"OPERATOR", "operator"},
                                           {"ACTION", "action"},
                                           {"CONVERSATION", "conversation_id"},
                                           {"USER", "target_user"},
                                           {"REASON", "reason"},
                                           {"DETAIL", "detail"},
                                           {NULL, NULL}};
    cs_audit_filter_t filter;
    apr_int64_t before, next;
    json_t *entries;
    apr_status_t rv;
    const int code = read_filter(&filter, ctl);

    if (code != CTL_DONE) {
        return code;
    }
    if (!read_after(&before, ctl->after)) {
        return ctl_no_such_page();
    }
    rv = cs_audit_list(&entries, &next, ctl->db, &filter, before, (int)ctl->limit, pool);
    return rv == APR_SUCCESS
               ? ctl_print_page(ctl, "entries", entries, next ? apr_psprintf(pool, "%" APR_INT64_T_FMT, next) : NULL,
                                columns, pool)
               : ctl_fail_status(ctl, rv, "the audit log could not be read");
}

static apr_status_t print_line(void *baton, const char *text, apr_size_t len)
{
    (void)baton;
    return fwrite(text, 1, len, stdout) == len && putchar('\n') != EOF ? APR_SUCCESS : APR_EGENERAL;
}

int ctl_audit_export(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_filter_t filter;
    cs_audit_entry_t entry;
    apr_status_t rv;
    int code = read_filter(&filter, ctl);

    code = code == CTL_DONE ? ctl_make_entry(&entry, ctl, "audit.export", NULL, pool) : code;
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_audit_export(ctl->db, &filter, &entry, print_line, NULL, NULL, pool);
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the export is not whole");
}
