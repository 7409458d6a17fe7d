/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What users take home. One conversation: JSON with everything, Markdown or plain text to read. All of one's own, or
 * some of it: the operators' JSON lines, or Markdown. It is read conversation by conversation, so that a slow reader
 * holds neither a database connection nor more memory than one conversation; the last line of the JSON lines tells a
 * whole file from one that was cut.
 */
#include "chat.h"
#include <http_log.h>
#include <http_protocol.h>
#include <openssl/evp.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include "reply.h"
#include "store/conversation.h"

APLOG_USE_MODULE(chatsession);

static void print_text(request_rec *r, const json_t *conversation, bool markdown)
{
    const char *title = json_string_value(json_object_get(conversation, "title"));
    const json_t *messages = json_object_get(conversation, "messages");
    size_t i;
    json_t *message;

    ap_rprintf(r, markdown ? "# %s\n" : "%s\n", title ? title : "");
    json_array_foreach(messages, i, message)
    {
        const char *role = json_string_value(json_object_get(message, "role"));
        const char *status = json_string_value(json_object_get(message, "status"));
        const char *at = json_string_value(json_object_get(message, "created_at"));

        ap_rprintf(r, markdown ? "\n## %s\n\n_%s%s%s_\n\n" : "\n%s (%s%s%s)\n\n", role, at,
                   strcmp(status, "complete") != 0 ? ", " : "", strcmp(status, "complete") != 0 ? status : "");
        ap_rputs(json_string_value(json_object_get(message, "content")), r);
        ap_rputs("\n", r);
    }
}

int chatsession_export_conversation(chatsession_call_t *call)
{
    static const struct {
        const char *name, *type;
    } formats[] = {{"json", "application/json"},
                   {"md", "text/markdown; charset=utf-8"},
                   {"txt", "text/plain; charset=utf-8"}};
    const char *name = chatsession_query(call, "format");
    json_t *conversation;
    size_t format = 0;
    apr_status_t rv;

    while (name && format < sizeof(formats) / sizeof(formats[0]) && strcmp(name, formats[format].name) != 0) {
        format++;
    }
    if (format == sizeof(formats) / sizeof(formats[0])) {
        return chatsession_bad_request(call, "format is none of json, md, txt.");
    }
    rv = cs_conversation_get(&conversation, call->conf->db, call->session->user_id, call->ids[0], call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    /* A name made of the id alone: no title can put anything into the header. */
    apr_table_setn(call->r->headers_out, "Content-Disposition",
                   apr_psprintf(call->r->pool, "attachment; filename=\"conversation-%s.%s\"", call->ids[0],
                                formats[format].name));
    if (format == 0) {
        return chatsession_reply_json(call->r, HTTP_OK, conversation);
    }
    ap_set_content_type(call->r, formats[format].type);
    print_text(call->r, conversation, format == 1);
    json_decref(conversation);
    return OK;
}

/* --- all of one's own, or some of it --- */

/* Ids in one address: more do not fit into a request's line. */
#define IDS_MAX 200

typedef struct {
    chatsession_call_t *call;
    EVP_MD_CTX *digest; /* of the lines; NULL for Markdown */
    json_int_t lines, conversations;
    bool begun; /* the first octets have left: an error can no longer be a status */
} export_t;

static apr_status_t free_digest(void *digest)
{
    EVP_MD_CTX_free(digest);
    return APR_SUCCESS;
}

static void begin(export_t *export)
{
    request_rec *r = export->call->r;
    const bool lines = export->digest != NULL;
    char name[40];
    apr_time_exp_t now;
    apr_size_t len;

    export->begun = true;
    apr_time_exp_gmt(&now, r->request_time);
    apr_strftime(name, &len, sizeof(name), "conversations-%Y%m%dT%H%M%SZ", &now);
    ap_set_content_type(r, lines ? "application/x-ndjson" : "text/markdown; charset=utf-8");
    apr_table_setn(r->headers_out, "Content-Disposition",
                   apr_psprintf(r->pool, "attachment; filename=\"%s.%s\"", name, lines ? "ndjson" : "md"));
}

/* One line of JSON: members, with "type" before them. */
static apr_status_t print_line(export_t *export, const char *type, json_t *members, apr_pool_t *pool)
{
    json_t *line = cs_json_own(json_pack("{s:s}", "type", type), pool);
    const char *text;
    apr_size_t len;

    if (!line || json_object_update(line, members) || !(text = cs_json_print(line, &len, pool))) {
        return APR_ENOMEM;
    }
    export->lines++;
    if (!EVP_DigestUpdate(export->digest, text, len) || !EVP_DigestUpdate(export->digest, "\n", 1)) {
        return APR_EGENERAL;
    }
    return ap_rwrite(text, (int)len, export->call->r) < 0 || ap_rputc('\n', export->call->r) < 0 ? APR_ECONNABORTED
                                                                                                 : APR_SUCCESS;
}

static apr_status_t print_lines(export_t *export, json_t *conversation, apr_pool_t *pool)
{
    json_t *id = json_object_get(conversation, "id");
    json_t *messages = cs_json_own(json_incref(json_object_get(conversation, "messages")), pool);
    apr_status_t rv;
    size_t i;
    json_t *message;

    json_object_del(conversation, "messages");
    rv = print_line(export, "conversation", conversation, pool);
    json_array_foreach(messages, i, message)
    {
        if (rv == APR_SUCCESS) {
            json_object_set(message, "conversation_id", id);
            rv = print_line(export, "message", message, pool);
        }
    }
    return rv;
}

/* One conversation; one that was purged in between is left out. */
static apr_status_t export_one(export_t *export, const char *id, apr_pool_t *pool)
{
    const chatsession_call_t *call = export->call;
    json_t *conversation;
    apr_status_t rv = cs_conversation_get(&conversation, call->conf->db, call->session->user_id, id, pool);

    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    cs_json_own(conversation, pool);
    if (!export->begun) {
        begin(export);
    }
    export->conversations++;
    if (export->digest) {
        rv = print_lines(export, conversation, pool);
    } else {
        ap_rputs(export->conversations > 1 ? "\n---\n\n" : "", call->r);
        print_text(call->r, conversation, true);
    }
    if (rv == APR_SUCCESS && ap_rflush(call->r) < 0) {
        rv = APR_ECONNABORTED;
    }
    return call->r->connection->aborted ? APR_ECONNABORTED : rv;
}

static apr_status_t export_pages(export_t *export)
{
    const chatsession_call_t *call = export->call;
    const char *next = NULL;
    apr_status_t rv;
    apr_pool_t *one;

    apr_pool_create(&one, call->r->pool);
    do {
        json_t *ids;
        size_t i;
        json_t *row;

        rv = cs_conversation_ids(&ids, &next, call->conf->db, call->session->user_id, next, call->r->pool);
        json_array_foreach(ids, i, row)
        {
            if (rv == APR_SUCCESS) {
                rv = export_one(export, json_string_value(json_object_get(row, "id")), one);
                apr_pool_clear(one);
            }
        }
        json_decref(ids);
    } while (rv == APR_SUCCESS && next);
    apr_pool_destroy(one);
    return rv;
}

/* Those that were asked for, in that order. */
static apr_status_t export_named(export_t *export, const apr_array_header_t *ids)
{
    apr_pool_t *one;
    apr_status_t rv = APR_SUCCESS;
    int i;

    apr_pool_create(&one, export->call->r->pool);
    for (i = 0; i < ids->nelts && rv == APR_SUCCESS; i++) {
        rv = export_one(export, APR_ARRAY_IDX(ids, i, const char *), one);
        apr_pool_clear(one);
    }
    apr_pool_destroy(one);
    return rv;
}

/* *ids: what ?ids= names, or NULL without it; false: it names something else than one to IDS_MAX conversations. */
static bool read_ids(apr_array_header_t **ids, const chatsession_call_t *call)
{
    const char *text = chatsession_query(call, "ids");
    char *rest = text ? apr_pstrdup(call->r->pool, text) : NULL;
    char *last;
    const char *id;

    *ids = text ? apr_array_make(call->r->pool, 16, sizeof(const char *)) : NULL;
    for (id = rest ? apr_strtok(rest, ",", &last) : NULL; id; id = apr_strtok(NULL, ",", &last)) {
        if (!cs_uuid_is(id) || (*ids)->nelts == IDS_MAX) {
            return false;
        }
        APR_ARRAY_PUSH(*ids, const char *) = id;
    }
    return !text || (*ids)->nelts > 0;
}

static void finish(export_t *export)
{
    request_rec *r = export->call->r;
    unsigned char sum[EVP_MAX_MD_SIZE];
    char hex[EVP_MAX_MD_SIZE * 2 + 1];
    unsigned int size = 0;

    if (!export->begun) {
        begin(export);
    }
    if (!export->digest) {
        return;
    }
    EVP_DigestFinal_ex(export->digest, sum, &size);
    apr_escape_hex(hex, sum, size, 0, NULL);
    ap_rputs(cs_json_print(cs_json_own(json_pack("{s:s,s:I,s:I,s:I,s:s}", "type", "end", "conversations",
                                                 export->conversations, "messages",
                                                 export->lines - export->conversations, "lines", export->lines,
                                                 "sha256", hex),
                                       r->pool),
                           NULL, r->pool),
             r);
    ap_rputs("\n", r);
}

int chatsession_export_all(chatsession_call_t *call)
{
    request_rec *r = call->r;
    const char *format = chatsession_query(call, "format");
    export_t export = {.call = call};
    apr_array_header_t *ids;
    apr_status_t rv;

    if (format && strcmp(format, "ndjson") != 0 && strcmp(format, "md") != 0) {
        return chatsession_bad_request(call, "format is neither ndjson nor md.");
    }
    if (!read_ids(&ids, call)) {
        return chatsession_bad_request(call, "ids names no conversations: expected are 1 to 200 ids with commas.");
    }
    if (!format || !strcmp(format, "ndjson")) {
        export.digest = EVP_MD_CTX_new();
        apr_pool_cleanup_register(r->pool, export.digest, free_digest, apr_pool_cleanup_null);
        if (!export.digest || !EVP_DigestInit_ex(export.digest, EVP_sha256(), NULL)) {
            return chatsession_reply_status(r, APR_ENOMEM);
        }
    }
    rv = ids ? export_named(&export, ids) : export_pages(&export);
    if (rv != APR_SUCCESS && !export.begun) {
        return chatsession_reply_status(r, rv);
    }
    if (rv == APR_SUCCESS) {
        finish(&export);
    } else if (rv != APR_ECONNABORTED) {
        /* Breaking the connection off is the one way left to say that this is not all of it. */
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, r,
                      "CS0300: a user's export ended early, after %" APR_INT64_T_FMT " conversations",
                      (apr_int64_t) export.conversations);
        r->connection->aborted = 1;
    }
    return OK;
}
