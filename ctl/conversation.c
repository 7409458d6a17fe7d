/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Everybody's conversations, looked at. As in the console, a search and a look into one are looks at content, which are
 * recorded before anything of it is printed; a list of metadata is not.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "ctl_filter.h"
#include "ctl_print.h"
#include "store/console_order.h"

static int read_order(cs_console_list_t *list, const ctl_t *ctl)
{
    const cs_console_order_t *order = cs_console_order(ctl->sort);

    if (!order || (ctl->order && strcmp(ctl->order, "asc") != 0 && strcmp(ctl->order, "desc") != 0)) {
        return ctl_refuse(CTL_USAGE,
                          "--sort is none of updated, created, messages, title, user, or --order none of asc, "
                          "desc");
    }
    if (order->content && !list->content) {
        return ctl_refuse(CTL_USAGE, "a title is content: there is none to sort by with --metadata");
    }
    list->sort = ctl->sort;
    list->descending = ctl->order ? !strcmp(ctl->order, "desc") : order->descending;
    return CTL_DONE;
}

int ctl_conversation_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ID", "id"},
                                           {"CHANGED", "updated_at"},
                                           {"MESSAGES", "message_count"},
                                           {"STATE", "state"},
                                           {"HELD", "held"},
                                           {"USER", "user"},
                                           {"TITLE", "title"},
                                           {NULL, NULL}};
    cs_console_list_t list = {.filter = ctl->filter,
                              .after = ctl->after,
                              .limit = (int)ctl->limit,
                              .content = !ctl->metadata};
    const cs_audit_entry_t *entry;
    cs_console_page_t page;
    apr_status_t rv;
    int code = ctl_check_filter(ctl, pool);

    code = code == CTL_DONE ? read_order(&list, ctl) : code;
    code = code == CTL_DONE ? ctl_search_entry(&entry, ctl, pool) : code;
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_console_list(&page, ctl->db, &list, entry, pool);
    if (rv == CS_EMALFORMED) {
        return ctl_no_such_page();
    }
    return rv == APR_SUCCESS ? ctl_print_page(ctl, "conversations", page.conversations, page.next, columns, pool)
                             : ctl_fail_status(ctl, rv, "the conversations could not be listed");
}

/* A text as it was written, its lines indented; what moves a cursor is made harmless. */
static void print_text(const char *text, apr_pool_t *pool)
{
    while (*text) {
        const size_t len = strcspn(text, "\n");

        printf("    %s\n", ctl_printable(apr_pstrmemdup(pool, text, len), pool));
        text += len + (text[len] == '\n');
    }
}

static void print_message(const json_t *message, apr_pool_t *pool)
{
    const json_t *content = json_object_get(message, "content");
    const json_t *feedback = json_object_get(message, "feedback");

    printf("\n%s  %s  %s  %s", ctl_cell(json_object_get(message, "seq"), pool),
           ctl_cell(json_object_get(message, "created_at"), pool), ctl_cell(json_object_get(message, "role"), pool),
           ctl_cell(json_object_get(message, "status"), pool));
    if (!json_is_null(json_object_get(message, "model"))) {
        printf("  %s", ctl_cell(json_object_get(message, "model"), pool));
    }
    if (json_is_object(feedback)) {
        printf("  rated %s", ctl_cell(json_object_get(feedback, "rating"), pool));
    }
    putchar('\n');
    if (json_is_string(content)) {
        print_text(json_string_value(content), pool);
    }
}

static int print_conversation(json_t *conversation, apr_pool_t *pool)
{
    static const ctl_column_t facts[] = {{"id", "id"},
                                         {"user", "user"},
                                         {"title", "title"},
                                         {"begun", "created_at"},
                                         {"changed", "updated_at"},
                                         {"messages", "message_count"},
                                         {"state", "state"},
                                         {"purge at", "purge_at"},
                                         {"held", "held"},
                                         {"tags", "tags"},
                                         {"model", "model"},
                                         {NULL, NULL}};
    size_t i;
    const json_t *message;

    ctl_print_facts(conversation, facts, pool);
    json_array_foreach(json_object_get(conversation, "messages"), i, message)
    {
        print_message(message, pool);
    }
    json_decref(conversation);
    return CTL_DONE;
}

static bool is_blank(const char *text)
{
    return !text || !text[strspn(text, " \t\r\n\u3000")];
}

int ctl_conversation_show(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    json_t *conversation;
    apr_status_t rv;
    int code;

    /* Whether httpd asks for one (ChatSessionReadReason) is not known here: a rule with a way round it is none. */
    if (!ctl->metadata && is_blank(ctl->reason)) {
        return ctl_refuse(CTL_USAGE, "say why you read it: --reason TEXT, for example the number of a case; "
                                     "--metadata shows no content");
    }
    code = ctl_make_entry(&entry, ctl, ctl->metadata ? "conversation.inspect" : "conversation.read", NULL, pool);
    if (code != CTL_DONE) {
        return code;
    }
    entry.conversation_id = ctl->id;
    rv = cs_console_get(&conversation, ctl->db, ctl->id, !ctl->metadata, &entry, pool);
    if (rv == APR_ENOENT) {
        return ctl_no_such_conversation();
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the conversation could not be read");
    }
    return ctl->json ? ctl_print_json(conversation) : print_conversation(conversation, pool);
}
