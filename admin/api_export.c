/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * An export on its way to the operator. The last line says how many lines and which SHA-256 came before it, so a cut
 * file shows; a format that has no place for such a line has it in the manifest alone. The row of the export is told
 * how far it is once a second.
 */
#include "admin/admin.h"
#include "core/export_format.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include "download.h"
#include "reply.h"

APLOG_USE_MODULE(chatsession);

#define REPORT_EVERY apr_time_from_sec(1)
/* After a report that failed: without a connection to spare the file goes on, it is only not followed. */
#define REPORT_AGAIN apr_time_from_sec(15)

typedef struct {
    chatsession_call_t *call;
    const cs_export_t *export;
    cs_export_writer_t writer;
    chatsession_download_t *download;
    apr_time_t report_at;
    apr_pool_t *line_pool; /* of one line */
    apr_pool_t *tick_pool; /* of one report */
} export_t;

static cs_export_progress_t progress_of(const export_t *export, apr_pool_t *pool)
{
    return (cs_export_progress_t){export->writer.lines, export->writer.conversations,
                                  chatsession_download_octets(export->download),
                                  chatsession_download_sha256(export->download, pool)};
}

static apr_status_t report(void *baton)
{
    export_t *export = baton;
    const apr_time_t now = apr_time_now();
    cs_export_progress_t progress;
    apr_status_t rv;

    if (now < export->report_at) {
        return APR_SUCCESS;
    }
    progress = progress_of(export, export->tick_pool);
    rv = cs_export_report(export->call->conf->db, export->export, &progress, export->tick_pool);
    apr_pool_clear(export->tick_pool);
    export->report_at = now + (rv == APR_SUCCESS ? REPORT_EVERY : REPORT_AGAIN);
    return rv == CS_EREFUSED ? rv : APR_SUCCESS;
}

/* Text that counts for the digest. */
static apr_status_t emit(void *baton, const char *text, apr_size_t len)
{
    export_t *export = baton;

    return chatsession_download_write(export->download, text, len);
}

static apr_status_t add_line(void *baton, const char *text, apr_size_t len)
{
    export_t *export = baton;
    const apr_status_t rv = cs_export_write_line(&export->writer, text, len, export->line_pool);

    apr_pool_clear(export->line_pool);
    return rv;
}

static apr_status_t flush(void *baton)
{
    export_t *export = baton;

    return chatsession_download_flush(export->download);
}

/* All lines are written: what frames them, the note that it is done, the last line. */
static apr_status_t finish(export_t *export)
{
    apr_pool_t *pool = export->call->r->pool;
    cs_export_progress_t progress;
    cs_audit_entry_t entry;
    apr_status_t rv = cs_export_write_finish(&export->writer, pool);
    json_t *end = NULL;

    if (rv == APR_SUCCESS) {
        end = cs_json_own(cs_export_end_json(&export->writer, export->export->id, export->export->watermark,
                                             chatsession_download_sha256(export->download, pool)),
                          pool);
    }
    if (!end) {
        return rv == APR_SUCCESS ? APR_ENOMEM : rv;
    }
    entry = chatsession_audit_entry(export->call, "export.complete", end);
    progress = progress_of(export, pool);
    rv = cs_export_end(export->call->conf->db, export->export, &progress,
                       json_string_value(json_object_get(end, "sha256")), &entry, pool);
    if (rv == CS_EREFUSED) {
        return rv; /* cancelled before its end was recorded: give_up says so */
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, export->call->r,
                      "CS0090: an export's end could not be recorded; it is sent without its last line");
        return rv;
    }
    return chatsession_download_end(export->download,
                                    export->writer.format->end ? export->writer.format->end(end, pool) : "");
}

/* It ended early: note how far it came, and let nobody take it for whole. */
static int give_up(export_t *export, apr_status_t why)
{
    request_rec *r = export->call->r;
    const cs_export_progress_t progress = progress_of(export, r->pool);
    json_t *detail =
        cs_json_own(json_pack("{s:s,s:I}", "export", export->export->id, "lines", (json_int_t) export->writer.lines),
                    r->pool);
    const cs_audit_entry_t entry = chatsession_audit_entry(export->call, "export.cut", detail);
    const apr_status_t rv = cs_export_end(export->call->conf->db, export->export, &progress, NULL, &entry, r->pool);

    json_decref(export->writer.messages);
    if (why == CS_EREFUSED) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS0380: an export was cancelled after %" APR_INT64_T_FMT " lines",
                      export->writer.lines);
    } else {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CS0091: an export ended early after %" APR_INT64_T_FMT " lines%s", export->writer.lines,
                      rv == APR_SUCCESS ? "" : "; that could not be noted");
    }
    if (!chatsession_download_has_begun(export->download)) {
        return why == CS_ECONFLICT
                   ? chatsession_reply_error(r, HTTP_CONFLICT, "export_changed",
                                             "What you have is not the beginning of what the export is now: something "
                                             "in it was changed or purged meanwhile. Export anew.")
                   : chatsession_reply_status(r, why);
    }
    chatsession_download_break_off(export->download);
    return OK;
}

static const char *file_name(const cs_export_t *export, const cs_export_format_t *format, apr_pool_t *pool)
{
    char name[40];
    apr_time_exp_t time;
    apr_size_t len;

    apr_time_exp_gmt(&time, export->created);
    apr_strftime(name, &len, sizeof(name), "conversations-%Y%m%dT%H%M%SZ", &time);
    return apr_pstrcat(pool, name, ".", format->extension, NULL);
}

static void tell_what_comes(request_rec *r, const cs_export_t *export)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        {"X-Export-Id", export->id},
        {"X-Export-Watermark", export->watermark},
        {"X-Export-Conversations", apr_psprintf(r->pool, "%" APR_INT64_T_FMT, export->conversations)},
        {"X-Export-Messages", apr_psprintf(r->pool, "%" APR_INT64_T_FMT, export->messages)},
        {"X-Export-From", apr_psprintf(r->pool, "%" APR_INT64_T_FMT, export->from)},
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        apr_table_setn(r->headers_out, headers[i].name, headers[i].value);
    }
}

int chatsession_admin_send_export(chatsession_call_t *call, const cs_export_t *known, bool plain)
{
    request_rec *r = call->r;
    export_t *export = apr_pcalloc(r->pool, sizeof(*export));
    const cs_export_format_t *format = cs_export_format_find(known->format);
    const chatsession_download_form_t form = {.name = file_name(known, format, r->pool),
                                              .type = format->type,
                                              .gzip = known->gzip,
                                              .plain = plain,
                                              .part = {known->from, known->from_sha256},
                                              .checkpoint = {known->octets, known->octets_sha256},
                                              .tick = report,
                                              .tick_baton = export};
    apr_status_t rv = chatsession_download_create(&export->download, r, &form);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(r, rv);
    }
    export->call = call;
    export->export = known;
    export->writer = (cs_export_writer_t){.emit = emit, .baton = export, .format = format};
    export->report_at = apr_time_now() + REPORT_EVERY;
    apr_pool_create(&export->line_pool, r->pool);
    apr_pool_create(&export->tick_pool, r->pool);
    tell_what_comes(r, known);
    rv = cs_export_walk(call->conf->db, known, add_line, flush, export, r->pool);
    rv = rv == APR_SUCCESS ? finish(export) : rv;
    return rv == APR_SUCCESS ? OK : give_up(export, rv);
}

int chatsession_admin_export(chatsession_call_t *call)
{
    const char *name = chatsession_query(call, "format");
    const char *compress = chatsession_query(call, "compress");
    const cs_export_format_t *format = cs_export_format_find(name);
    cs_console_filter_t filter;
    cs_audit_entry_t entry;
    cs_export_t export;
    cs_export_want_t want;
    apr_status_t rv;
    int answer;

    if (!format) {
        return chatsession_bad_request(call, "format is none of ndjson, json, csv, md, openai.");
    }
    if (compress && strcmp(compress, "gzip") != 0 && strcmp(compress, "none") != 0) {
        return chatsession_bad_request(call, "compress is neither gzip nor none.");
    }
    if (!chatsession_query_filter(&filter, call, &answer) || !chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    if (call->r->header_only) {
        ap_set_content_type(call->r, format->type);
        return OK; /* nothing leaves, so there is nothing to record */
    }
    want = (cs_export_want_t){&filter, format->name, compress && !strcmp(compress, "gzip"), NULL};
    entry = chatsession_audit_entry(call, "conversation.export",
                                    cs_json_own(cs_console_filter_detail(&filter), call->r->pool));
    rv = cs_export_make(&export, NULL, call->conf->db, &want, &entry, call->r->pool);
    return rv == APR_SUCCESS ? chatsession_admin_send_export(call, &export, compress != NULL)
                             : chatsession_reply_status(call->r, rv);
}
