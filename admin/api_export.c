/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Export of all that match, as JSON lines, streamed at constant memory. The last line says how many lines and which
 * SHA-256 came before it, so a cut file shows.
 */
#include "admin/admin.h"
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
} export_t;

static apr_status_t free_digest(void *digest)
{
    EVP_MD_CTX_free(digest);
    return APR_SUCCESS;
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
    if (!EVP_DigestUpdate(export->digest, text, len) || !EVP_DigestUpdate(export->digest, "\n", 1)) {
        return APR_EGENERAL;
    }
    apr_brigade_write(export->bb, NULL, NULL, text, len);
    apr_brigade_putc(export->bb, NULL, NULL, '\n');
    return APR_SUCCESS;
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
    ap_set_content_type(r, "application/x-ndjson");
    apr_table_setn(r->headers_out, "Content-Disposition",
                   apr_psprintf(r->pool, "attachment; filename=\"%s.ndjson\"", name));
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
    json_t *end = cs_json_own(end_json(export), call->r->pool);
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "export.complete", end);
    const char *line = cs_json_print(end, NULL, call->r->pool);

    if (cs_audit_write(call->conf->db, &entry, call->r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, call->r,
                      "CS0090: an export's end could not be recorded; it is sent without its last line");
        flush(export);
        return OK;
    }
    apr_brigade_puts(export->bb, NULL, NULL, line);
    apr_brigade_putc(export->bb, NULL, NULL, '\n');
    flush(export);
    return OK;
}

int chatsession_admin_export(chatsession_call_t *call)
{
    request_rec *r = call->r;
    const char *format = chatsession_query(call, "format");
    export_t export = {.r = r};
    cs_console_filter_t filter;
    cs_audit_entry_t entry;
    apr_status_t rv;
    int answer;

    if (format && strcmp(format, "ndjson") != 0) {
        return chatsession_bad_request(call, "format is not ndjson.");
    }
    if (!chatsession_query_filter(&filter, call, &answer)) {
        return answer;
    }
    export.bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
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
    if (!export.begun) {
        return chatsession_reply_status(r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "CS0091: an export ended early after %" APR_INT64_T_FMT " lines",
                  (apr_int64_t) export.lines);
    return OK;
}
