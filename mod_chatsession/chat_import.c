/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Conversations from elsewhere, one per request. The page takes the files of other services apart, so no format but
 * ours is read here, and what is read is bounded by the route like any body.
 */
#include "chat.h"
#include <apr_strings.h>
#include "core/rfc3339.h"
#include "reply.h"
#include "store/import.h"

const cs_json_member_t chatsession_import_members[8] = {
    {"key", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 200},
    {"title", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 200},
    {"created_at", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 40},
    {"updated_at", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 40},
    {"pinned", CS_JSON_BOOLEAN, 0, 0, 0},
    {"archived", CS_JSON_BOOLEAN, 0, 0, 0},
    {"model", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 200},
    {"messages", CS_JSON_ARRAY, CS_JSON_REQUIRED, 1, CS_JSON_MAX_VALUES},
};

enum { KEY, TITLE, CREATED_AT, UPDATED_AT, PINNED, ARCHIVED, MODEL, MESSAGES };

/* A message's text is bounded by the body alone: answers are longer than what a user may send. */
static const cs_json_member_t message_members[] = {
    {"role", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 20},
    {"content", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 8 * 1024 * 1024},
    {"created_at", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 40},
    {"model", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 200},
    {"parent", CS_JSON_INTEGER, 0, 0, CS_JSON_MAX_VALUES},
};

enum { ROLE, CONTENT, AT, MESSAGE_MODEL, PARENT, MESSAGE_MEMBERS };

static bool is_time(const char *text)
{
    apr_time_t time;

    return !text || cs_rfc3339_parse(&time, text) == APR_SUCCESS;
}

/* What is wrong with the message at place number (from 1), or NULL. */
static const char *message_problem(const json_t *message, int number, apr_pool_t *pool)
{
    cs_json_field_t fields[MESSAGE_MEMBERS];
    const char *problem;
    const char *role;
    json_int_t parent;

    if (cs_json_read(fields, message_members, MESSAGE_MEMBERS, message, &problem, pool) != APR_SUCCESS) {
        return problem;
    }
    role = fields[ROLE].string;
    parent = fields[PARENT].given ? fields[PARENT].integer : number - 1;
    if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0) {
        return "role is neither user nor assistant.";
    }
    if (!is_time(fields[AT].string)) {
        return "created_at is not a time such as 2026-11-23T05:31:07Z.";
    }
    if (parent >= number) {
        return "parent is not the place of an earlier message.";
    }
    return !parent && strcmp(role, "user") != 0 ? "a message without a parent is not the user's." : NULL;
}

static const char *import_problem(const cs_json_field_t *fields, apr_pool_t *pool)
{
    const char *found = NULL;
    apr_pool_t *one;
    size_t i;
    json_t *message;

    if (!is_time(fields[CREATED_AT].string)) {
        return "The member \"created_at\" is not a time such as 2026-11-23T05:31:07Z.";
    }
    if (!is_time(fields[UPDATED_AT].string)) {
        return "The member \"updated_at\" is not a time such as 2026-11-23T05:31:07Z.";
    }
    /* Reading copies a message's text: a pool per message keeps one of them at a time. */
    apr_pool_create(&one, pool);
    json_array_foreach(fields[MESSAGES].value, i, message)
    {
        const char *problem = message_problem(message, (int)i + 1, one);
        if (problem) {
            found = apr_psprintf(pool, "Message %d: %s", (int)i + 1, problem);
            break;
        }
        apr_pool_clear(one);
    }
    apr_pool_destroy(one);
    return found;
}

int chatsession_post_import(chatsession_call_t *call)
{
    const cs_json_field_t *fields = call->fields;
    apr_pool_t *pool = call->r->pool;
    const char *problem = import_problem(fields, pool);
    cs_import_t import = {.key = fields[KEY].string,
                          .title = fields[TITLE].string,
                          .created_at = fields[CREATED_AT].string,
                          .updated_at = fields[UPDATED_AT].string,
                          .pinned = fields[PINNED].boolean,
                          .archived = fields[ARCHIVED].boolean,
                          .model = fields[MODEL].string,
                          .most = (int)chatsession_number(call->conf, CHATSESSION_USER_CONVERSATIONS)};
    json_t *conversation;
    bool made;
    apr_status_t rv;

    if (problem) {
        return chatsession_bad_request(call, problem);
    }
    import.messages = cs_json_print(fields[MESSAGES].value, NULL, pool);
    if (!import.messages) {
        return chatsession_reply_status(call->r, APR_ENOMEM);
    }
    rv = cs_conversation_import(&conversation, &made, call->conf->db, call->session->user_id, &import, pool);
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, made ? HTTP_CREATED : HTTP_OK, conversation)
                             : chatsession_reply_status(call->r, rv);
}
