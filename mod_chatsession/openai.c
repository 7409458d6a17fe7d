/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "openai.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include <apr_uuid.h>
#include "chat.h"
#include "core/utf8.h"
#include "reply.h"
#include "store/conversation.h"
#include "turn.h"

#define BODY_LIMIT (16 * 1024 * 1024)
#define NOTE "chatsession-openai"
#define CONVERSATION_HEADER "X-ChatSession-Conversation"
#define SYSTEM_POINTS 16000

bool chatsession_openai_is(const request_rec *r)
{
    return apr_table_get(r->notes, NOTE) != NULL;
}

static json_t *model_json(const chatsession_backend_t *backend)
{
    return json_pack("{s:s,s:s,s:i,s:s}", "id", backend->name, "object", "model", "created", 0, "owned_by",
                     "mod_chatsession");
}

static int get_models(chatsession_call_t *call)
{
    const apr_array_header_t *backends = call->conf->backends;
    json_t *data = json_array();

    for (int i = 0; i < backends->nelts; i++) {
        const chatsession_backend_t *backend = &APR_ARRAY_IDX(backends, i, chatsession_backend_t);
        if (backend->form == CS_PROMPT_CHAT) {
            json_array_append_new(data, model_json(backend));
        }
    }
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:s,s:o}", "object", "list", "data", data));
}

static int no_such_model(chatsession_call_t *call)
{
    return chatsession_reply_error(call->r, HTTP_NOT_FOUND, "model_not_found", "There is no model of this name.");
}

/* Requests and answers pass as they are, so a model that is asked with one text has no place here. */
static const chatsession_backend_t *find_model(const chatsession_call_t *call, const char *name)
{
    const chatsession_backend_t *backend = name ? chatsession_find_backend(call->conf, name) : NULL;

    return backend && backend->form == CS_PROMPT_CHAT ? backend : NULL;
}

static int get_model(chatsession_call_t *call)
{
    const chatsession_backend_t *backend = find_model(call, call->word);

    return backend ? chatsession_reply_json(call->r, HTTP_OK, model_json(backend)) : no_such_model(call);
}

/* --- what is recorded of a request --- */

/* The text of a message; parts that are no text leave their type behind. */
static const char *text_of(const json_t *message, apr_pool_t *pool)
{
    const json_t *content = json_object_get(message, "content");
    const char *text = "";
    size_t i;
    json_t *part;

    if (json_is_string(content)) {
        return json_string_value(content);
    }
    json_array_foreach(content, i, part)
    {
        const char *type = json_string_value(json_object_get(part, "type"));
        const char *piece = json_string_value(json_object_get(part, "text"));
        text = apr_pstrcat(pool, text, *text ? "\n" : "",
                           piece ? piece : apr_pstrcat(pool, "[", type ? type : "part", "]", NULL), NULL);
    }
    return text;
}

static bool has_role(const json_t *message, const char *role)
{
    const char *value = json_string_value(json_object_get(message, "role"));

    return value && !strcmp(value, role);
}

/* The last message of the user, which is what a turn is about. */
static const char *question_of(const json_t *messages, apr_pool_t *pool)
{
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        if (has_role(message, "user")) {
            const char *text = text_of(message, pool);
            return *text ? text : NULL;
        }
    }
    return NULL;
}

/* What the first message tells the model before everything; a longer one is not kept. */
static const char *system_of(const json_t *messages, apr_pool_t *pool)
{
    const json_t *first = json_array_get(messages, 0);
    const char *text = has_role(first, "system") || has_role(first, "developer") ? text_of(first, pool) : "";

    return *text && cs_utf8_count(text, strlen(text)) <= SYSTEM_POINTS ? text : NULL;
}

/* The conversation that the header names, or a new one. OK: *id is set and *made says whether it is new. */
static int find_conversation(chatsession_call_t *call, const chatsession_backend_t *backend, const json_t *messages,
                             const char **id, bool *made)
{
    apr_pool_t *pool = call->r->pool;
    const char *named = apr_table_get(call->r->headers_in, CONVERSATION_HEADER);
    json_t *settings;
    json_t *conversation;
    apr_status_t rv;

    *id = named;
    *made = !named;
    if (named) {
        return cs_uuid_is(named) ? OK : chatsession_bad_request(call, CONVERSATION_HEADER " is no conversation's id.");
    }
    settings = cs_json_own(json_pack("{s:s,s:s?}", "model", backend->name, "system", system_of(messages, pool)), pool);
    rv = cs_conversation_create(&conversation, call->conf->db, call->session->user_id,
                                &(cs_conversation_new_t){.settings = settings,
                                                         .most =
                                                             (int)chatsession_number(call->conf,
                                                                                     CHATSESSION_USER_CONVERSATIONS)},
                                pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    cs_json_own(conversation, pool);
    *id = json_string_value(json_object_get(conversation, "id"));
    return OK;
}

static const char *new_uuid(apr_pool_t *pool)
{
    char *text = apr_palloc(pool, APR_UUID_FORMATTED_LENGTH + 1);
    apr_uuid_t uuid;

    apr_uuid_get(&uuid);
    apr_uuid_format(text, &uuid);
    return text;
}

static int post_completions(chatsession_call_t *call)
{
    apr_pool_t *pool = call->r->pool;
    const json_t *messages = json_object_get(call->body, "messages");
    const char *name = json_string_value(json_object_get(call->body, "model"));
    chatsession_relay_t relay = {.stream = json_is_true(json_object_get(call->body, "stream"))};
    cs_turn_new_t turn = {.user_id = call->session->user_id,
                          .session_hash = call->session->id_hash,
                          .client_id = new_uuid(pool),
                          .content = question_of(messages, pool)};
    const chatsession_backend_t *backend = find_model(call, name);
    bool made;
    int rv;

    if (!name || !turn.content) {
        return chatsession_bad_request(call, name ? "messages holds no message of a user with text."
                                                  : "The member \"model\" is missing; GET models lists them.");
    }
    if (cs_utf8_count(turn.content, strlen(turn.content)) > CHATSESSION_MESSAGE_MAX) {
        return chatsession_bad_request(call, "The user's last message is longer than 100000 characters.");
    }
    if (!backend) {
        return no_such_model(call);
    }
    turn.model = backend->name;
    json_object_set_new(call->body, "model", json_string(backend->model));
    relay.body = cs_json_print(call->body, &relay.body_len, pool);
    rv = find_conversation(call, backend, messages, &turn.conversation_id, &made);
    if (rv != OK || !turn.conversation_id) {
        return OK;
    }
    apr_table_setn(call->r->headers_out, CONVERSATION_HEADER, turn.conversation_id);
    apr_table_setn(call->r->headers_out, "X-Accel-Buffering", "no");
    apr_table_setn(call->r->subprocess_env, "no-gzip", "1");
    apr_table_setn(call->r->subprocess_env, "no-brotli", "1");
    rv = chatsession_turn_relay(call->r, call->conf, &turn, &relay);
    if (made && !relay.begun) {
        /* A turn that was refused leaves nothing behind. */
        const apr_status_t discarded =
            cs_conversation_discard(call->conf->db, turn.user_id, turn.conversation_id, pool);
        (void)discarded;
    }
    return rv;
}

static const chatsession_route_t routes[] = {
    {"GET", "models", CHATSESSION_USER, CHATSESSION_NO_BODY, get_models},
    {"GET", "models/{word}", CHATSESSION_USER, CHATSESSION_NO_BODY, get_model},
    {"POST", "chat/completions", CHATSESSION_USER, BODY_LIMIT, CHATSESSION_ANY_MEMBERS, post_completions},
};

int chatsession_openai_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address)
{
    apr_table_setn(r->notes, NOTE, "1");
    return chatsession_dispatch(r, conf, routes, CHATSESSION_ROUTE_COUNT(routes), address);
}
