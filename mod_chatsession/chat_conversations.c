/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A user's conversations: list, make, read, change, put away, bring back, judge. */
#include "chat.h"
#include "core/label.h"
#include "reply.h"
#include "store/conversation.h"

const cs_json_member_t chatsession_create_members[7] = {
    {"title", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 200},
    {"model", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 64},
    {"system", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 16000},
    {"params", CS_JSON_OBJECT, CS_JSON_NULLABLE, 0, 0},
    {"examples", CS_JSON_ARRAY, CS_JSON_NULLABLE, 0, 40},
    {"client_id", CS_JSON_UUID, 0, 0, 0},
    {"temporary", CS_JSON_BOOLEAN, 0, 0, 0},
};

const cs_json_member_t chatsession_patch_members[11] = {
    {"title", CS_JSON_STRING, 0, 1, 200},
    {"pinned", CS_JSON_BOOLEAN, 0, 0, 0},
    {"archived", CS_JSON_BOOLEAN, 0, 0, 0},
    {"model", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 64},
    {"system", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 16000},
    {"params", CS_JSON_OBJECT, CS_JSON_NULLABLE, 0, 0},
    {"examples", CS_JSON_ARRAY, CS_JSON_NULLABLE, 0, 40},
    {"temporary", CS_JSON_BOOLEAN, 0, 0, 0},
    {"labels", CS_JSON_ARRAY, 0, 0, CS_LABELS_MAX},
    {"add_labels", CS_JSON_ARRAY, 0, 0, CS_LABELS_MAX},
    {"remove_labels", CS_JSON_ARRAY, 0, 0, CS_LABELS_MAX},
};

const cs_json_member_t chatsession_feedback_members[2] = {{"rating", CS_JSON_INTEGER, CS_JSON_REQUIRED, -1, 1},
                                                          {"comment", CS_JSON_STRING, CS_JSON_NULLABLE, 0, 2000}};

static int reply_text(chatsession_call_t *call, apr_status_t rv, const cs_text_t *text)
{
    return rv == APR_SUCCESS ? chatsession_reply_json_text(call->r, HTTP_OK, text)
                             : chatsession_reply_status(call->r, rv);
}

/* The end of most handlers: the object, or what the store's failure deserves. */
static int reply_object(chatsession_call_t *call, apr_status_t rv, int status, json_t *object)
{
    if (rv != APR_SUCCESS) {
        json_decref(object);
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, status, object);
}

static bool read_state(cs_conversation_state_e *state, const char *name)
{
    static const char *const names[] = {[CS_LIST_ACTIVE] = "active",
                                        [CS_LIST_ARCHIVED] = "archived",
                                        [CS_LIST_KEPT] = "kept",
                                        [CS_LIST_TRASHED] = "trashed"};

    *state = CS_LIST_ACTIVE;
    while (name && strcmp(name, names[*state]) != 0) {
        if (++*state > CS_LIST_TRASHED) {
            return false;
        }
    }
    return true;
}

int chatsession_list_conversations(chatsession_call_t *call)
{
    cs_conversation_list_t list = {.user_id = call->session->user_id,
                                   .query = chatsession_query(call, "q"),
                                   .label = chatsession_query(call, "label"),
                                   .after = chatsession_query(call, "after")};
    cs_text_t *page = cs_text_create(call->r->pool);
    apr_status_t rv;
    int answer;

    if (!read_state(&list.state, chatsession_query(call, "state"))) {
        return chatsession_bad_request(call, "state is none of active, archived, kept, trashed.");
    }
    if (!chatsession_query_int(&list.limit, call, "limit", 50, 1, CS_CONVERSATION_LIST_MAX, &answer)) {
        return answer;
    }
    rv = cs_conversation_list(page, call->conf->db, &list, call->r->pool);
    if (rv == CS_EMALFORMED) {
        return chatsession_bad_request(call, "after is not the \"next\" of a page before.");
    }
    return reply_text(call, rv, page);
}

int chatsession_create_conversation(chatsession_call_t *call)
{
    json_t *conversation;
    cs_conversation_new_t made = {.title = call->fields[0].string,
                                  .client_id = call->fields[5].string,
                                  .most = (int)chatsession_number(call->conf, CHATSESSION_USER_CONVERSATIONS)};
    const bool temporary = call->fields[6].given && call->fields[6].boolean;
    json_t *settings;
    apr_status_t rv;
    const int refused = chatsession_read_settings(call, 1, &settings);

    if (refused != DECLINED) {
        return refused;
    }
    made.settings = settings;
    made.temporary = temporary ? chatsession_number(call->conf, CHATSESSION_TEMPORARY) : 0;
    rv = cs_conversation_create(&conversation, call->conf->db, call->session->user_id, &made, call->r->pool);
    return reply_object(call, rv, HTTP_CREATED, conversation);
}

int chatsession_get_conversation(chatsession_call_t *call)
{
    cs_text_t *text = cs_text_create(call->r->pool);

    return reply_text(call,
                      cs_conversation_print(text, call->conf->db, call->session->user_id, call->ids[0], call->r->pool),
                      text);
}

/* Whether each of the members labels, add_labels and remove_labels that is given is a list of labels. */
static bool are_lists_of_labels(const cs_json_field_t *fields)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (fields[i].given && !cs_labels_are(fields[i].value)) {
            return false;
        }
    }
    return true;
}

int chatsession_patch_conversation(chatsession_call_t *call)
{
    const cs_json_field_t *fields = call->fields;
    cs_conversation_change_t change = {fields[0].string,
                                       fields[1].given ? &fields[1].boolean : NULL,
                                       fields[2].given ? &fields[2].boolean : NULL,
                                       NULL,
                                       fields[7].given,
                                       fields[8].value,
                                       fields[9].value,
                                       fields[10].value};
    json_t *settings;
    json_t *conversation;
    apr_status_t rv;
    const int refused = chatsession_read_settings(call, 3, &settings);

    if (refused != DECLINED) {
        return refused;
    }
    if (change.keep && fields[7].boolean) {
        return chatsession_bad_request(call, "temporary may only become false: a conversation that is kept stays so.");
    }
    if (!are_lists_of_labels(fields + 8)) {
        return chatsession_bad_request(call, CS_LABELS_RULE);
    }
    change.settings = settings;
    rv = cs_conversation_update(&conversation, call->conf->db, call->session->user_id, call->ids[0], &change,
                                call->r->pool);
    if (rv == CS_EFULL) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "limit_reached",
                                       "A conversation has at most 10 labels: take one off first.");
    }
    return reply_object(call, rv, HTTP_OK, conversation);
}

int chatsession_delete_conversation(chatsession_call_t *call)
{
    const apr_status_t rv =
        cs_conversation_trash(call->conf->db, call->session->user_id, call->ids[0],
                              chatsession_number(call->conf, CHATSESSION_TRASH_GRACE), call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_empty(call->r, HTTP_NO_CONTENT)
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_restore_conversation(chatsession_call_t *call)
{
    json_t *conversation;
    const apr_status_t rv =
        cs_conversation_restore(&conversation, call->conf->db, call->session->user_id, call->ids[0], call->r->pool);

    return reply_object(call, rv, HTTP_OK, conversation);
}

int chatsession_put_feedback(chatsession_call_t *call)
{
    const cs_json_field_t *comment = &call->fields[1];
    json_t *feedback;
    const apr_status_t rv =
        cs_feedback_set(&feedback, call->conf->db, call->session->user_id, call->ids[0], (int)call->fields[0].integer,
                        comment->length ? comment->string : NULL, call->r->pool);

    return reply_object(call, rv, HTTP_OK, feedback);
}
