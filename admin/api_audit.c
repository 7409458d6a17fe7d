/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The log of what operators did: found, verified, taken along. */
#include "admin/admin.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "core/rfc3339.h"
#include "reply.h"

APLOG_USE_MODULE(chatsession);

static bool is_time(const char *text)
{
    apr_time_t time;

    return !text || cs_rfc3339_parse(&time, text) == APR_SUCCESS;
}

/* The filter of the query string; false: an error was answered. */
static bool read_filter(cs_audit_filter_t *filter, chatsession_call_t *call, int *answer)
{
    *filter = (cs_audit_filter_t){.operator_name = chatsession_query(call, "operator"),
                                  .action = chatsession_query(call, "action"),
                                  .from = chatsession_query(call, "from"),
                                  .to = chatsession_query(call, "to"),
                                  .conversation_id = chatsession_query(call, "conversation"),
                                  .target_user = chatsession_query(call, "user")};
    *answer = OK;
    if (!is_time(filter->from) || !is_time(filter->to)) {
        *answer = chatsession_bad_request(call, "from and to are times such as 2026-11-23 or 2026-11-23T05:31:07Z.");
        return false;
    }
    if (filter->conversation_id && !cs_uuid_is(filter->conversation_id)) {
        *answer = chatsession_bad_request(call, "conversation is no UUID.");
        return false;
    }
    return true;
}

int chatsession_admin_audit(chatsession_call_t *call)
{
    const char *after = chatsession_query(call, "after");
    cs_audit_filter_t filter;
    apr_int64_t before = 0;
    apr_int64_t next;
    json_t *entries;
    char *end = NULL;
    apr_status_t rv;
    int limit;
    int answer;

    if (!read_filter(&filter, call, &answer) || !chatsession_query_int(&limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    if (after) {
        before = apr_strtoi64(after, &end, 10);
        if (*end || !apr_isdigit(*after) || before < 1) {
            return chatsession_bad_request(call, "after is not the \"next\" of a page before.");
        }
    }
    rv = cs_audit_list(&entries, &next, call->conf->db, &filter, before, limit, call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:o,s:s?}", "entries", entries, "next",
                                            next ? apr_psprintf(call->r->pool, "%" APR_INT64_T_FMT, next) : NULL));
}

int chatsession_admin_audit_verify(chatsession_call_t *call)
{
    json_t *report;
    const apr_status_t rv = cs_audit_verify(&report, call->conf->db, chatsession_audit_keys(call->conf),
                                            chatsession_query(call, "anchor"), call->r->pool);

    if (rv == CS_EMALFORMED) {
        return chatsession_bad_request(call, "anchor is no SEQ:SEAL, as a line CS0252 in httpd's error log has it.");
    }
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, report) : chatsession_reply_status(call->r, rv);
}

typedef struct {
    request_rec *r;
    apr_bucket_brigade *bb;
    bool begun;
} export_t;

static apr_status_t add_line(void *baton, const char *text, apr_size_t len)
{
    export_t *export = baton;

    apr_brigade_write(export->bb, NULL, NULL, text, len);
    return apr_brigade_putc(export->bb, NULL, NULL, '\n');
}

static apr_status_t flush(void *baton)
{
    export_t *export = baton;
    apr_status_t rv;

    if (!export->begun) {
        ap_set_content_type(export->r, "application/x-ndjson");
        apr_table_setn(export->r->headers_out, "Content-Disposition", "attachment; filename=\"audit.ndjson\"");
        export->begun = true;
    }
    APR_BRIGADE_INSERT_TAIL(export->bb, apr_bucket_flush_create(export->bb->bucket_alloc));
    rv = ap_pass_brigade(export->r->output_filters, export->bb);
    apr_brigade_cleanup(export->bb);
    return export->r->connection->aborted ? APR_ECONNABORTED : rv;
}

int chatsession_admin_audit_export(chatsession_call_t *call)
{
    request_rec *r = call->r;
    export_t export = {.r = r};
    cs_audit_filter_t filter;
    cs_audit_entry_t entry;
    apr_status_t rv;
    int answer;

    if (!read_filter(&filter, call, &answer) || !chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    export.bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    entry = chatsession_audit_entry(call, "audit.export", NULL);
    rv = cs_audit_export(call->conf->db, &filter, &entry, add_line, flush, &export, r->pool);
    if (rv != APR_SUCCESS && !export.begun) {
        return chatsession_reply_status(r, rv);
    }
    if (rv != APR_SUCCESS) {
        /* What is not whole does not end as if it were: the connection is cut. */
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "CS0253: an export of the audit log ended early");
        r->connection->aborted = 1;
        return OK;
    }
    flush(&export);
    return OK;
}
