/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* One conversation as a file to keep: JSON with everything, Markdown or plain text to read. */
#include "chat.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include "reply.h"
#include "store/conversation.h"

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
