/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Everybody's conversations: find, read, expire, bring back. */
#include "admin/admin.h"
#include <apr_strings.h>
#include "reply.h"
#include "store/console_order.h"
#include "store/job.h"

const cs_json_member_t chatsession_expire_members[5] = {
    {"ids", CS_JSON_ARRAY, 0, 1, 10000},
    {"filter", CS_JSON_OBJECT, 0, 0, 0},
    {"dry_run", CS_JSON_BOOLEAN, CS_JSON_REQUIRED, 0, 0},
    {"confirm", CS_JSON_OBJECT, 0, 0, 0},
    {"job", CS_JSON_BOOLEAN, 0, 0, 0},
};

/* More than this many are expired by a job: one statement would hold their locks, and its caller, for too long. */
#define EXPIRE_AT_ONCE 1000

const cs_json_member_t chatsession_tag_members[3] = {
    {"ids", CS_JSON_ARRAY, CS_JSON_REQUIRED, 1, 10000},
    {"add", CS_JSON_ARRAY, 0, 0, 20},
    {"remove", CS_JSON_ARRAY, 0, 0, 20},
};

const cs_json_member_t chatsession_restore_members[1] = {{"ids", CS_JSON_ARRAY, CS_JSON_REQUIRED, 1, 10000}};

static bool may_read(const chatsession_call_t *call)
{
    return call->session->access >= CHATSESSION_AUDITOR;
}

/* sort and order of the query string; false: an error was answered, return *answer. */
static bool read_order(cs_console_list_t *list, chatsession_call_t *call, int *answer)
{
    const cs_console_order_t *sort;
    const char *order = chatsession_query(call, "order");

    *answer = OK;
    list->sort = chatsession_query(call, "sort");
    sort = cs_console_order(list->sort);
    if (!sort || (order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)) {
        *answer = chatsession_bad_request(call, "sort is none of updated, created, messages, title, user, or order "
                                                "none of asc, desc.");
        return false;
    }
    if (sort->content && !list->content) {
        *answer = chatsession_reply_error(call->r, HTTP_FORBIDDEN, "forbidden",
                                          "A title is content: sorting by it needs the role auditor.");
        return false;
    }
    list->descending = order ? !strcmp(order, "desc") : sort->descending;
    return true;
}

static int reply_page(chatsession_call_t *call, const cs_console_page_t *page)
{
    json_t *body = json_pack("{s:o,s:s?}", "conversations", page->conversations, "next", page->next);

    if (page->estimate >= 0) {
        json_object_set_new(body, "estimate", json_integer(page->estimate));
    }
    return chatsession_reply_json(call->r, HTTP_OK, body);
}

int chatsession_admin_list(chatsession_call_t *call)
{
    cs_console_list_t list = {.after = chatsession_query(call, "after"), .content = may_read(call)};
    cs_audit_entry_t entry;
    cs_console_page_t page;
    apr_status_t rv;
    int answer;

    if (!chatsession_query_filter(&list.filter, call, &answer) ||
        !chatsession_query_int(&list.limit, call, "limit", 50, 1, 200, &answer) || !read_order(&list, call, &answer)) {
        return answer;
    }
    if (list.filter.query && !list.content) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "forbidden",
                                       "Searching in texts needs the role auditor.");
    }
    /* A search reads content: it is in the audit log. A list of metadata is not. */
    entry = chatsession_audit_entry(call, "conversation.search",
                                    cs_json_own(cs_console_filter_detail(&list.filter), call->r->pool));
    rv = cs_console_list(&page, call->conf->db, &list, list.filter.query ? &entry : NULL, call->r->pool);
    if (rv == CS_EMALFORMED) {
        return chatsession_bad_request(call, "after is not the \"next\" of a page before in this order.");
    }
    return rv == APR_SUCCESS ? reply_page(call, &page) : chatsession_admin_reply_slow(call, rv);
}

static bool is_blank(const char *text)
{
    return !text || !text[strspn(text, " \t\r\n\u3000")];
}

int chatsession_admin_get(chatsession_call_t *call)
{
    cs_audit_entry_t entry =
        chatsession_audit_entry(call, may_read(call) ? "conversation.read" : "conversation.inspect", NULL);
    json_t *conversation;
    apr_status_t rv;

    entry.conversation_id = call->ids[0];
    entry.reason = chatsession_query(call, "reason");
    if (entry.reason && strlen(entry.reason) > 1000) {
        return chatsession_bad_request(call, "reason is longer than 1000 octets.");
    }
    if (may_read(call) && chatsession_number(call->conf, CHATSESSION_READ_REASON) && is_blank(entry.reason)) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "reason_needed",
                                       "Say why you read this conversation: ?reason=, for example the number of a "
                                       "case.");
    }
    rv = cs_console_get(&conversation, call->conf->db, call->ids[0], may_read(call), &entry, call->r->pool);
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, conversation)
                             : chatsession_reply_status(call->r, rv);
}

bool chatsession_admin_read_ids(const char **ids, const json_t *array, apr_pool_t *pool)
{
    size_t i;
    json_t *id;

    json_array_foreach(array, i, id)
    {
        if (!json_is_string(id) || !cs_uuid_is(json_string_value(id))) {
            return false;
        }
    }
    *ids = cs_json_print(array, NULL, pool);
    return true;
}

bool chatsession_admin_read_filter(cs_console_filter_t *filter, const json_t *body, const char **problem,
                                   apr_pool_t *pool)
{
    cs_json_member_t members[CS_CONSOLE_FIELDS];
    cs_json_field_t fields[CS_CONSOLE_FIELDS];

    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        members[i] = (cs_json_member_t){cs_console_fields[i].name, CS_JSON_STRING, CS_JSON_NULLABLE, 0,
                                        (apr_int64_t)cs_console_fields[i].bytes};
    }
    if (cs_json_read(fields, members, CS_CONSOLE_FIELDS, body, problem, pool) != APR_SUCCESS) {
        return false;
    }
    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        *cs_console_field(filter, i) = fields[i].length ? fields[i].string : NULL;
    }
    return true;
}

bool chatsession_admin_read_target(cs_console_filter_t *filter, chatsession_call_t *call, int *answer)
{
    const cs_json_field_t *ids = &call->fields[0];
    const cs_json_field_t *given = &call->fields[1];
    const char *problem = "ids holds something that is no UUID.";

    *filter = (cs_console_filter_t){0};
    if (ids->given == given->given) {
        *answer = chatsession_bad_request(call, "Give either ids or filter.");
        return false;
    }
    if (ids->given ? !chatsession_admin_read_ids(&filter->ids, ids->value, call->r->pool)
                   : !chatsession_admin_read_filter(filter, given->value, &problem, call->r->pool)) {
        *answer = chatsession_bad_request(call, problem);
        return false;
    }
    return chatsession_check_filter(filter, call, answer);
}

static json_t *count_json(const cs_console_count_t *count)
{
    return json_pack("{s:I,s:I,s:s*}", "conversations", (json_int_t)count->conversations, "messages",
                     (json_int_t)count->messages, "purge_at", count->purge_at);
}

/* Of what is to be expired: also how many a hold keeps out of it. */
static json_t *expiry_json(const cs_console_count_t *count)
{
    json_t *body = count_json(count);

    json_object_set_new(body, "held", json_integer(count->held));
    return body;
}

static int reply_changed(chatsession_call_t *call, const cs_console_count_t *count)
{
    json_t *body = chatsession_error_json(call->r, "count_changed",
                                          "The number of conversations is no longer the one you confirmed; "
                                          "nothing was expired.");

    json_object_set_new(body, "conversations", json_integer(count->conversations));
    json_object_set_new(body, "messages", json_integer(count->messages));
    json_object_set_new(body, "held", json_integer(count->held));
    return chatsession_reply_json(call->r, HTTP_CONFLICT, body);
}

/* A count by text tells what texts hold, as a search does. */
static apr_status_t audit_search(chatsession_call_t *call, const cs_console_filter_t *filter)
{
    cs_audit_entry_t entry;

    if (!filter->query) {
        return APR_SUCCESS;
    }
    entry = chatsession_audit_entry(call, "conversation.search",
                                    cs_json_own(cs_console_filter_detail(filter), call->r->pool));
    return cs_audit_write(call->conf->db, &entry, call->r->pool);
}

static int expire_by_job(chatsession_call_t *call, const cs_console_filter_t *filter, apr_int64_t confirmed,
                         const cs_audit_entry_t *entry)
{
    cs_console_count_t count = {0};
    const char *id;
    json_t *job;
    const apr_status_t rv =
        cs_job_expire(&id, &job, &count, call->conf->db, filter, confirmed,
                      chatsession_number(call->conf, CHATSESSION_TRASH_GRACE), entry, call->r->pool);

    if (rv == CS_EREFUSED) {
        return reply_changed(call, &count);
    }
    return rv == APR_SUCCESS ? chatsession_admin_reply_job(call, job) : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_expire(chatsession_call_t *call)
{
    const json_t *confirmed = call->fields[3].given ? json_object_get(call->fields[3].value, "conversations") : NULL;
    cs_console_filter_t filter;
    cs_console_count_t count = {0};
    cs_audit_entry_t entry;
    json_t *detail;
    apr_status_t rv;
    int answer;

    if (!chatsession_admin_read_target(&filter, call, &answer)) {
        return answer;
    }
    rv = audit_search(call, &filter);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (call->fields[2].boolean) {
        rv = cs_console_count(&count, call->conf->db, &filter, call->r->pool);
        return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, expiry_json(&count))
                                 : chatsession_reply_status(call->r, rv);
    }
    if (!json_is_integer(confirmed)) {
        return chatsession_bad_request(call, "confirm.conversations is missing: repeat the count of the dry run.");
    }
    if ((!filter.ids || json_integer_value(confirmed) > EXPIRE_AT_ONCE) && !chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    detail = cs_json_own(cs_console_filter_detail(&filter), call->r->pool);
    json_object_set(detail, "conversations", (json_t *)confirmed);
    entry = chatsession_audit_entry(call, "conversation.expire", detail);
    if (call->fields[4].boolean || (!call->fields[4].given && json_integer_value(confirmed) > EXPIRE_AT_ONCE)) {
        return expire_by_job(call, &filter, json_integer_value(confirmed), &entry);
    }
    rv = cs_console_expire(&count, call->conf->db, &filter, json_integer_value(confirmed),
                           chatsession_number(call->conf, CHATSESSION_TRASH_GRACE), &entry, call->r->pool);
    if (rv == CS_EREFUSED) {
        return reply_changed(call, &count);
    }
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, expiry_json(&count))
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_restore(chatsession_call_t *call)
{
    cs_audit_entry_t entry;
    cs_console_count_t count = {0};
    const char *ids;
    apr_status_t rv;

    if (!chatsession_admin_read_ids(&ids, call->fields[0].value, call->r->pool)) {
        return chatsession_bad_request(call, "ids holds something that is no UUID.");
    }
    entry = chatsession_audit_entry(call, "conversation.restore",
                                    cs_json_own(json_pack("{s:O}", "ids", call->fields[0].value), call->r->pool));
    rv = cs_console_restore(&count, call->conf->db, ids, &entry, call->r->pool);
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, count_json(&count))
                             : chatsession_reply_status(call->r, rv);
}

/* --- tags --- */

/* A list of tags as PostgreSQL takes it, "[]" when absent; false when one is no word. */
static bool read_tags(const char **tags, const cs_json_field_t *field, apr_pool_t *pool)
{
    size_t i;
    json_t *tag;

    *tags = "[]";
    if (!field->given) {
        return true;
    }
    json_array_foreach(field->value, i, tag)
    {
        const char *text = json_string_value(tag);

        if (!text || !cs_console_is_tag(text)) {
            return false;
        }
    }
    *tags = cs_json_print(field->value, NULL, pool);
    return true;
}

int chatsession_admin_tag(chatsession_call_t *call)
{
    cs_console_tags_t tags;
    cs_console_count_t count = {0};
    cs_audit_entry_t entry;
    const char *ids;
    apr_status_t rv;

    if (!chatsession_admin_read_ids(&ids, call->fields[0].value, call->r->pool)) {
        return chatsession_bad_request(call, "ids holds something that is no UUID.");
    }
    if (!read_tags(&tags.add, &call->fields[1], call->r->pool) ||
        !read_tags(&tags.remove, &call->fields[2], call->r->pool)) {
        return chatsession_bad_request(call, "add and remove are lists of words of 1 to 50 characters without commas.");
    }
    entry = chatsession_audit_entry(call, "conversation.tag",
                                    cs_json_own(json_pack("{s:O,s:o,s:o}", "ids", call->fields[0].value, "add",
                                                          json_loads(tags.add, 0, NULL), "remove",
                                                          json_loads(tags.remove, 0, NULL)),
                                                call->r->pool));
    rv = cs_console_tag(&count, call->conf->db, ids, &tags, &entry, call->r->pool);
    if (rv == CS_EREFUSED) {
        return chatsession_bad_request(call, "A conversation has at most 20 tags; nothing was changed.");
    }
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, count_json(&count))
                             : chatsession_reply_status(call->r, rv);
}
