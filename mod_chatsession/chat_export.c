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
#include <apr_strings.h>
#include "json_lines.h"
#include "reply.h"
#include "store/conversation.h"

APLOG_USE_MODULE(chatsession);

static apr_status_t print_text(chatsession_download_t *to, const json_t *conversation, bool markdown, apr_pool_t *pool)
{
    const char *title = json_string_value(json_object_get(conversation, "title"));
    const char *head = apr_psprintf(pool, markdown ? "# %s\n" : "%s\n", title ? title : "");
    apr_status_t rv = chatsession_download_write(to, head, strlen(head));
    size_t i;
    json_t *message;

    json_array_foreach(json_object_get(conversation, "messages"), i, message)
    {
        const char *status = json_string_value(json_object_get(message, "status"));
        const bool whole = !strcmp(status, "complete");
        const char *text = apr_psprintf(pool, markdown ? "\n## %s\n\n_%s%s%s_\n\n%s\n" : "\n%s (%s%s%s)\n\n%s\n",
                                        json_string_value(json_object_get(message, "role")),
                                        json_string_value(json_object_get(message, "created_at")), whole ? "" : ", ",
                                        whole ? "" : status, json_string_value(json_object_get(message, "content")));

        rv = rv == APR_SUCCESS ? chatsession_download_write(to, text, strlen(text)) : rv;
    }
    return rv;
}

/* It is not whole: a status where that can still be said, else the way is cut. */
static int give_up(chatsession_call_t *call, chatsession_download_t *download, apr_int64_t conversations,
                   apr_status_t why)
{
    if (!chatsession_download_has_begun(download)) {
        return chatsession_reply_status(call->r, why);
    }
    if (why != APR_ECONNABORTED) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, why, call->r,
                      "CS0300: a user's export ended early, after %" APR_INT64_T_FMT " conversations", conversations);
        chatsession_download_break_off(download);
    }
    return OK;
}

/* --- one --- */

static int send_text(chatsession_call_t *call, const json_t *conversation, const chatsession_download_form_t *form,
                     bool markdown)
{
    chatsession_download_t *download;
    apr_status_t rv = chatsession_download_create(&download, call->r, form);

    rv = rv == APR_SUCCESS ? print_text(download, conversation, markdown, call->r->pool) : rv;
    rv = rv == APR_SUCCESS ? chatsession_download_end(download, "") : rv;
    return rv == APR_SUCCESS ? OK : give_up(call, download, 0, rv);
}

int chatsession_export_conversation(chatsession_call_t *call)
{
    static const struct {
        const char *name, *type;
    } formats[] = {{"json", "application/json"},
                   {"md", "text/markdown; charset=utf-8"},
                   {"txt", "text/plain; charset=utf-8"}};
    const char *name = chatsession_query(call, "format");
    const char *file;
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
    file = apr_psprintf(call->r->pool, "conversation-%s.%s", call->ids[0], formats[format].name);
    if (format == 0) {
        apr_table_setn(call->r->headers_out, "Content-Disposition",
                       apr_psprintf(call->r->pool, "attachment; filename=\"%s\"", file));
        return chatsession_reply_json(call->r, HTTP_OK, conversation);
    }
    cs_json_own(conversation, call->r->pool);
    return send_text(call, conversation,
                     &(chatsession_download_form_t){.name = file, .type = formats[format].type, .plain = true},
                     format == 1);
}

/* --- all of one's own, or some of it --- */

/* Ids in one address: more do not fit into a request's line. */
#define IDS_MAX 200

typedef struct {
    chatsession_call_t *call;
    chatsession_lines_t file; /* Markdown uses its download alone */
    bool markdown;
    json_int_t conversations;
} export_t;

static apr_status_t begin(export_t *export)
{
    request_rec *r = export->call->r;
    char time[24];
    apr_time_exp_t now;
    apr_size_t len;
    const char *name;

    apr_time_exp_gmt(&now, r->request_time);
    apr_strftime(time, &len, sizeof(time), "%Y%m%dT%H%M%SZ", &now);
    name = apr_psprintf(r->pool, "conversations-%s.%s", time, export->markdown ? "md" : "ndjson");
    if (export->markdown) {
        return chatsession_download_create(&export->file.download, r,
                                           &(chatsession_download_form_t){.name = name,
                                                                          .type = "text/markdown; charset=utf-8",
                                                                          .plain = true});
    }
    return chatsession_lines_create(&export->file, r, name);
}

static apr_status_t print_lines(export_t *export, json_t *conversation, apr_pool_t *pool)
{
    json_t *id = json_object_get(conversation, "id");
    json_t *messages = cs_json_own(json_incref(json_object_get(conversation, "messages")), pool);
    apr_status_t rv;
    size_t i;
    json_t *message;

    json_object_del(conversation, "messages");
    rv = chatsession_lines_add(&export->file, "conversation", conversation, pool);
    json_array_foreach(messages, i, message)
    {
        if (rv == APR_SUCCESS) {
            json_object_set(message, "conversation_id", id);
            rv = chatsession_lines_add(&export->file, "message", message, pool);
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
    export->conversations++;
    if (export->markdown) {
        const char *between = export->conversations > 1 ? "\n---\n\n" : "";

        rv = chatsession_download_write(export->file.download, between, strlen(between));
        rv = rv == APR_SUCCESS ? print_text(export->file.download, conversation, true, pool) : rv;
    } else {
        rv = print_lines(export, conversation, pool);
    }
    return rv == APR_SUCCESS ? chatsession_download_flush(export->file.download) : rv;
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

static apr_status_t finish(export_t *export)
{
    apr_pool_t *pool = export->call->r->pool;
    json_t *counts;

    if (export->markdown) {
        return chatsession_download_end(export->file.download, "");
    }
    counts = cs_json_own(json_pack("{s:I,s:I}", "conversations", export->conversations, "messages",
                                   (json_int_t) export->file.lines - export->conversations),
                         pool);
    return chatsession_lines_end(&export->file, counts, pool);
}

int chatsession_export_all(chatsession_call_t *call)
{
    const char *format = chatsession_query(call, "format");
    export_t export = {.call = call, .markdown = format && !strcmp(format, "md")};
    apr_array_header_t *ids;
    apr_status_t rv;

    if (format && !export.markdown && strcmp(format, "ndjson") != 0) {
        return chatsession_bad_request(call, "format is neither ndjson nor md.");
    }
    if (!read_ids(&ids, call)) {
        return chatsession_bad_request(call, "ids names no conversations: expected are 1 to 200 ids with commas.");
    }
    rv = begin(&export);
    if (rv == APR_SUCCESS) {
        rv = ids ? export_named(&export, ids) : export_pages(&export);
    }
    rv = rv == APR_SUCCESS ? finish(&export) : rv;
    return rv == APR_SUCCESS ? OK : give_up(call, export.file.download, export.conversations, rv);
}
