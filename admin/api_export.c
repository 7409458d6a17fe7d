/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Export of all that match, streamed at constant memory. The last line says how many lines and which SHA-256 came
 * before it, so a cut file shows; a format that has no place for such a line has it in the audit log alone.
 */
#include "admin/admin.h"
#include "admin/export_format.h"
#include <http_log.h>
#include <http_protocol.h>
#include <openssl/evp.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include "reply.h"

APLOG_USE_MODULE(chatsession);

typedef struct {
    request_rec *r;
    apr_bucket_brigade *bb;
    EVP_MD_CTX *digest;
    json_int_t lines, conversations;
    bool begun; /* the first octets have left: an error can no longer be a status */
    const chatsession_format_t *format;
    chatsession_writer_t writer;
    apr_pool_t *line_pool; /* of one line */
} export_t;

static apr_status_t free_digest(void *digest)
{
    EVP_MD_CTX_free(digest);
    return APR_SUCCESS;
}

/* Text that counts for the digest. */
static apr_status_t emit(void *baton, const char *text, apr_size_t len)
{
    export_t *export = baton;

    if (!EVP_DigestUpdate(export->digest, text, len)) {
        return APR_EGENERAL;
    }
    return apr_brigade_write(export->bb, NULL, NULL, text, len);
}

static apr_status_t add_formatted(export_t *export, const char *text, apr_size_t len)
{
    json_t *line = json_loadb(text, len, 0, NULL);
    apr_status_t rv = line ? APR_SUCCESS : CS_EMALFORMED;

    if (rv == APR_SUCCESS && !export->writer.begun && export->format->begin) {
        rv = export->format->begin(&export->writer);
    }
    if (rv == APR_SUCCESS) {
        rv = export->format->line(&export->writer, line, export->line_pool);
    }
    json_decref(line);
    apr_pool_clear(export->line_pool);
    return rv;
}

static apr_status_t add_line(void *baton, const char *text, apr_size_t len)
{
    /* The first member of every line is its type (schema and store agree on it). */
    static const char conversation[] = "{\"type\":\"conversation\"";
    export_t *export = baton;

    export->lines++;
    if (len >= sizeof(conversation) - 1 && !memcmp(text, conversation, sizeof(conversation) - 1)) {
        export->conversations++;
    }
    if (!export->format->line) {
        apr_status_t rv = emit(export, text, len);
        return rv == APR_SUCCESS ? emit(export, "\n", 1) : rv;
    }
    return add_formatted(export, text, len);
}

static void begin(export_t *export)
{
    request_rec *r = export->r;
    char name[40];
    apr_time_exp_t now;
    apr_size_t len;

    export->begun = true;
    apr_time_exp_gmt(&now, r->request_time);
    apr_strftime(name, &len, sizeof(name), "conversations-%Y%m%dT%H%M%SZ", &now);
    ap_set_content_type(r, export->format->type);
    apr_table_setn(r->headers_out, "Content-Disposition",
                   apr_psprintf(r->pool, "attachment; filename=\"%s.%s\"", name, export->format->extension));
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
}

static apr_status_t flush(void *baton)
{
    export_t *export = baton;
    apr_status_t rv;

    if (!export->begun) {
        begin(export);
    }
    APR_BRIGADE_INSERT_TAIL(export->bb, apr_bucket_flush_create(export->bb->bucket_alloc));
    rv = ap_pass_brigade(export->r->output_filters, export->bb);
    apr_brigade_cleanup(export->bb);
    return export->r->connection->aborted ? APR_ECONNABORTED : rv;
}

/* The last line, and what the audit log keeps of it. New reference. */
static json_t *end_json(export_t *export)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    char hex[EVP_MAX_MD_SIZE * 2 + 1];
    unsigned int size = 0;

    EVP_DigestFinal_ex(export->digest, sum, &size);
    apr_escape_hex(hex, sum, size, 0, NULL);
    return json_pack("{s:s,s:I,s:I,s:I,s:s}", "type", "end", "conversations", export->conversations, "messages",
                     export->lines - export->conversations, "lines", export->lines, "sha256", hex);
}

static int finish(chatsession_call_t *call, export_t *export)
{
    json_t *end;
    cs_audit_entry_t entry;

    if (!export->writer.begun && export->format->begin) {
        export->format->begin(&export->writer);
    }
    if (export->format->finish) {
        export->format->finish(&export->writer, call->r->pool);
    }
    end = cs_json_own(end_json(export), call->r->pool);
    entry = chatsession_audit_entry(call, "export.complete", end);

    if (cs_audit_write(call->conf->db, &entry, call->r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, call->r,
                      "CS0090: an export's end could not be recorded; it is sent without its last line");
        flush(export);
        return OK;
    }
    if (export->format->end) {
        apr_brigade_puts(export->bb, NULL, NULL, export->format->end(end, call->r->pool));
    }
    flush(export);
    return OK;
}

int chatsession_admin_export(chatsession_call_t *call)
{
    request_rec *r = call->r;
    const char *format = chatsession_query(call, "format");
    export_t export = {.r = r, .format = chatsession_format_find(format), .writer = {.emit = emit}};
    cs_console_filter_t filter;
    cs_audit_entry_t entry;
    apr_status_t rv;
    int answer;

    if (!export.format) {
        return chatsession_bad_request(call, "format is none of ndjson, json, csv, md, openai.");
    }
    if (!chatsession_query_filter(&filter, call, &answer) || !chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    export.bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    export.writer.baton = &export;
    apr_pool_create(&export.line_pool, r->pool);
    export.digest = EVP_MD_CTX_new();
    apr_pool_cleanup_register(r->pool, export.digest, free_digest, apr_pool_cleanup_null);
    if (!export.digest || !EVP_DigestInit_ex(export.digest, EVP_sha256(), NULL)) {
        return chatsession_reply_status(r, APR_ENOMEM);
    }
    entry =
        chatsession_audit_entry(call, "conversation.export", cs_json_own(chatsession_filter_json(&filter), r->pool));
    rv = cs_console_export(call->conf->db, &filter, &entry, add_line, flush, &export, r->pool);
    if (rv == APR_SUCCESS) {
        return finish(call, &export);
    }
    json_decref(export.writer.messages);
    if (!export.begun) {
        return chatsession_reply_status(r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "CS0091: an export ended early after %" APR_INT64_T_FMT " lines",
                  (apr_int64_t) export.lines);
    return OK;
}
