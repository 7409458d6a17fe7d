/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "chatstream.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include <apr_uuid.h>
#include <stdio.h>
#include <unistd.h>
#include "chat.h"
#include "core/prompttext.h"
#include "core/steady.h"
#include "core/utf8.h"
#include "recorder.h"
#include "reply.h"
#include "store/chatstream.h"
#include "store/conversation.h"
#include "turn.h"

#define MARK "<::EOS::>"
#define ID_HEADER "X-ChatStream-Last-Generated-Message-Id"
#define BODY_LIMIT (1280 * 1024)
#define FORM_LIMIT 16384
/* An answer whose reader has left is stopped; the next question comes after it. */
#define STOP_PATIENCE apr_time_from_sec(5)
#define STOP_PAUSE (50 * 1000)

static int reply_success(chatsession_call_t *call, const char *message, const char *name, json_t *value)
{
    json_t *body = json_pack("{s:b,s:s}", "success", 1, "message", message);

    if (name) {
        json_object_set_new(body, name, value);
    }
    return chatsession_reply_json(call->r, HTTP_OK, body);
}

static int get_context(chatsession_call_t *call, cs_chatstream_context_t *context)
{
    const apr_status_t rv =
        cs_chatstream_get(context, call->conf->db, call->session->user_id, call->session->id_hash, call->r->pool);

    return rv == APR_SUCCESS ? DECLINED : chatsession_reply_status(call->r, rv);
}

/* --- chat_stream --- */

static apr_status_t make_conversation(chatsession_call_t *call, cs_chatstream_context_t *context)
{
    apr_pool_t *pool = call->r->pool;
    json_t *settings = cs_json_own(json_pack("{s:O?}", "params", context->params), pool);
    json_t *conversation;
    apr_status_t rv =
        cs_conversation_create(&conversation, call->conf->db, call->session->user_id,
                               &(cs_conversation_new_t){.settings = settings,
                                                        .most =
                                                            (int)chatsession_number(call->conf,
                                                                                    CHATSESSION_USER_CONVERSATIONS)},
                               pool);

    if (rv == APR_SUCCESS) {
        cs_json_own(conversation, pool);
        context->conversation_id = json_string_value(json_object_get(conversation, "id"));
        rv = cs_chatstream_set_conversation(call->conf->db, call->session->id_hash, context->conversation_id, pool);
    }
    return rv;
}

static void stop_running(chatsession_call_t *call, const char *conversation_id)
{
    bool running;

    if (cs_turn_stop(&running, call->conf->db, call->session->user_id, conversation_id, call->r->pool) == APR_SUCCESS &&
        running) {
        chatsession_recorder_stop(call->conf->recorder, conversation_id);
    }
}

static int run(chatsession_call_t *call, const cs_turn_new_t *asked)
{
    const apr_time_t deadline = cs_steady_now() + STOP_PATIENCE;

    for (;;) {
        chatsession_plain_t plain = {.mark = MARK, .id_header = ID_HEADER};
        cs_turn_new_t turn = *asked;
        char client_id[APR_UUID_FORMATTED_LENGTH + 1];
        apr_uuid_t uuid;
        int rv;

        apr_uuid_get(&uuid);
        apr_uuid_format(client_id, &uuid);
        turn.client_id = client_id;
        rv = chatsession_turn_plain(call->r, call->conf, &turn, &plain);
        if (!plain.running) {
            return rv;
        }
        if (cs_steady_now() >= deadline) {
            return chatsession_reply_error(call->r, HTTP_CONFLICT, "turn_running",
                                           "Another answer of this session is being written.");
        }
        stop_running(call, turn.conversation_id);
        apr_sleep(STOP_PAUSE);
    }
}

static int post_chat_stream(chatsession_call_t *call)
{
    const char *input = json_string_value(json_object_get(call->body, "user_input"));
    const bool again = json_is_true(json_object_get(call->body, "regenerate"));
    cs_turn_new_t turn = {.user_id = call->session->user_id, .session_hash = call->session->id_hash};
    cs_chatstream_context_t context;
    const int refused = get_context(call, &context);
    apr_status_t rv = APR_SUCCESS;

    if (refused != DECLINED) {
        return refused;
    }
    if (again && !context.answer_id) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "nothing_to_regenerate",
                                       "There is no answer yet that could be made anew.");
    }
    if (!again && (!input || !*input || cs_utf8_count(input, strlen(input)) > CHATSESSION_MESSAGE_MAX)) {
        return chatsession_bad_request(call, "user_input is not a text of 1 to 100000 characters.");
    }
    if (!context.conversation_id) {
        rv = make_conversation(call, &context);
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    turn.conversation_id = context.conversation_id;
    turn.content = again ? NULL : input;
    turn.regenerate = again ? context.answer_id : NULL;
    return run(call, &turn);
}

static int post_clear_context(chatsession_call_t *call)
{
    cs_chatstream_context_t context;
    const int refused = get_context(call, &context);
    apr_status_t rv;

    if (refused != DECLINED) {
        return refused;
    }
    if (context.conversation_id) {
        stop_running(call, context.conversation_id);
    }
    rv = cs_chatstream_set_conversation(call->conf->db, call->session->id_hash, NULL, call->r->pool);
    return rv == APR_SUCCESS ? reply_success(call, "Context successfully cleared", NULL, NULL)
                             : chatsession_reply_status(call->r, rv);
}

static int get_prompt(chatsession_call_t *call)
{
    apr_pool_t *pool = call->r->pool;
    cs_prompt_t *prompt = cs_prompt_create(pool);
    cs_chatstream_context_t context;
    cs_db_result_t *rows;
    const char *text;
    apr_status_t rv;
    const int refused = get_context(call, &context);

    if (refused != DECLINED) {
        return refused;
    }
    if (!context.answer_id) {
        return reply_success(call, "no prompt", "prompt", json_null());
    }
    rv = cs_turn_history(&rows, call->conf->db, context.answer_id, pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    for (int i = 0; i < cs_db_rows(rows); i++) {
        cs_prompt_add(prompt, cs_db_text(rows, i, 0, NULL), cs_db_text(rows, i, 1, NULL));
    }
    text = cs_prompt_to_text(prompt,
                             chatsession_find_template(call->conf,
                                                       chatsession_string(call->conf, CHATSESSION_CHATSTREAM_PROMPT)),
                             NULL, pool);
    if (!text) {
        return chatsession_reply_status(call->r, APR_ENOMEM);
    }
    return reply_success(call, "success", "prompt", json_string(cs_prompt_percent_encode(text, pool)));
}

/* --- feedback --- */

static int post_set_feedback(chatsession_call_t *call)
{
    apr_pool_t *pool = call->r->pool;
    const char *id = json_string_value(json_object_get(call->body, "message_id"));
    const json_t *is_like = json_object_get(call->body, "is_like");
    const json_t *form = json_object_get(call->body, "form_data");
    const char *form_text = form && !json_is_null(form) ? cs_json_print(form, NULL, pool) : NULL;
    json_t *feedback;
    apr_status_t rv;

    if (!id || !cs_uuid_is(id) || !json_is_boolean(is_like)) {
        return chatsession_bad_request(call, "message_id is not an answer's id, or is_like is neither true nor false.");
    }
    if (form_text && strlen(form_text) > FORM_LIMIT) {
        return chatsession_bad_request(call, "form_data is longer than 16384 octets.");
    }
    rv = cs_feedback_set(&feedback, call->conf->db, call->session->user_id, id, json_is_true(is_like) ? 1 : -1, NULL,
                         pool);
    json_decref(feedback);
    if (rv == APR_SUCCESS && form_text) {
        rv = cs_chatstream_set_form(call->conf->db, call->session->user_id, id, form_text, pool);
    }
    return rv == APR_SUCCESS ? reply_success(call, "success", NULL, NULL) : chatsession_reply_status(call->r, rv);
}

/* --- parameters --- */

static const struct {
    const char *theirs, *ours;
    bool whole;
    double min, max, fallback;
} parameters[] = {{"temperature", "temperature", false, 0, 1, 1},
                  {"top_k_value", "top_k", true, 1, 500, 50},
                  {"top_p_value", "top_p", false, 0, 1, 1}};

#define PARAMETERS ((int)(sizeof(parameters) / sizeof(parameters[0])))

static json_t *parameters_json(const json_t *params)
{
    json_t *all = json_object();

    for (int i = 0; i < PARAMETERS; i++) {
        json_t *value = json_object_get(params, parameters[i].ours);
        json_object_set_new(all, parameters[i].theirs,
                            value                 ? json_incref(value)
                            : parameters[i].whole ? json_integer((json_int_t)parameters[i].fallback)
                                                  : json_real(parameters[i].fallback));
    }
    return all;
}

static int get_generation_params(chatsession_call_t *call)
{
    cs_chatstream_context_t context;
    const int refused = get_context(call, &context);

    return refused != DECLINED ? refused
                               : reply_success(call, "success", "generation_params", parameters_json(context.params));
}

/* Take what the body sets into params; the sentence of what is out of its range, or NULL. */
static const char *take_parameters(json_t *params, const json_t *body, apr_pool_t *pool)
{
    for (int i = 0; i < PARAMETERS; i++) {
        json_t *value = json_object_get(body, parameters[i].theirs);

        if (!value) {
            continue;
        }
        if (!json_is_number(value) || (parameters[i].whole && !json_is_integer(value)) ||
            json_number_value(value) < parameters[i].min || json_number_value(value) > parameters[i].max) {
            return apr_psprintf(pool, "%s must be a %snumber from %g to %g.", parameters[i].theirs,
                                parameters[i].whole ? "whole " : "", parameters[i].min, parameters[i].max);
        }
        json_object_set(params, parameters[i].ours, value);
    }
    return NULL;
}

static int post_set_generation_params(chatsession_call_t *call)
{
    cs_chatstream_context_t context;
    const int refused = get_context(call, &context);
    const char *problem;
    json_t *params;
    apr_status_t rv;

    if (refused != DECLINED) {
        return refused;
    }
    params = cs_json_own(context.params ? json_copy(context.params) : json_object(), call->r->pool);
    problem = take_parameters(params, call->body, call->r->pool);
    if (problem) {
        return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:b,s:s}", "success", 0, "message", problem));
    }
    rv =
        cs_chatstream_set_params(call->conf->db, call->session->user_id, call->session->id_hash, params, call->r->pool);
    return rv == APR_SUCCESS ? reply_success(call, "success", "generation_params", parameters_json(params))
                             : chatsession_reply_status(call->r, rv);
}

/* --- load --- */

static int get_load(chatsession_call_t *call)
{
    int processing;
    int waiting;
    const apr_status_t rv = cs_turn_load(&processing, &waiting, call->conf->db, call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return reply_success(call, "success", "chatstream_workers",
                         json_pack("[{s:s,s:i,s:i,s:I,s:I}]", "name", "all", "processing", processing, "waiting",
                                   waiting, "max_processing",
                                   (json_int_t)chatsession_number(call->conf, CHATSESSION_MAX_TURNS), "max_waiting",
                                   (json_int_t)chatsession_number(call->conf, CHATSESSION_MAX_WAITING)));
}

/* Octets of this child that lie in memory, and how many it has asked for. */
static int get_resource_usage(chatsession_call_t *call)
{
    const json_int_t page = sysconf(_SC_PAGESIZE);
    char text[128] = "";
    char *end;
    FILE *file = fopen("/proc/self/statm", "re");
    json_int_t size;
    json_int_t resident;

    if (file) {
        if (!fgets(text, sizeof(text), file)) {
            text[0] = '\0';
        }
        fclose(file);
    }
    size = apr_strtoi64(text, &end, 10);
    resident = apr_strtoi64(end, NULL, 10);
    return reply_success(call, "success", "resource_usage",
                         json_pack("{s:I,s:I}", "resident_bytes", resident * page, "virtual_bytes", size * page));
}

/* --- the door --- */

/* In the order of CHATSESSION_CHATSTREAM_NAMES. Who may is said by ChatSessionChatStreamRole, after the login. */
static const chatsession_route_t routes[] = {
    {"POST", "chat_stream", CHATSESSION_NEW_GUEST, BODY_LIMIT, CHATSESSION_ANY_MEMBERS, post_chat_stream},
    {"POST", "clear_context", CHATSESSION_GUEST, CHATSESSION_NO_BODY, post_clear_context},
    {"GET", "get_prompt", CHATSESSION_GUEST, CHATSESSION_NO_BODY, get_prompt},
    {"POST", "set_feedback", CHATSESSION_GUEST, BODY_LIMIT, CHATSESSION_ANY_MEMBERS, post_set_feedback},
    {"POST", "set_generation_params", CHATSESSION_NEW_GUEST, BODY_LIMIT, CHATSESSION_ANY_MEMBERS,
     post_set_generation_params},
    {"GET", "get_generation_params", CHATSESSION_GUEST, CHATSESSION_NO_BODY, get_generation_params},
    {"GET", "get_load", CHATSESSION_GUEST, CHATSESSION_NO_BODY, get_load},
    {"GET", "get_resource_usage", CHATSESSION_GUEST, CHATSESSION_NO_BODY, get_resource_usage},
};

/* chat_stream, clear_context and set_feedback, as ChatStream's default role. */
#define DEFAULT_ALLOWED ((1U << 0) | (1U << 1) | (1U << 3))

static bool is_allowed(const chatsession_server_t *conf, chatsession_access_e access, int index)
{
    unsigned allowed = conf->chatstream_roles ? 0 : access > CHATSESSION_USER ? ~0U : DEFAULT_ALLOWED;

    for (int i = 0; conf->chatstream_roles && i < conf->chatstream_roles->nelts; i++) {
        const chatsession_chatstream_role_t *role =
            &APR_ARRAY_IDX(conf->chatstream_roles, i, chatsession_chatstream_role_t);
        allowed |= role->access <= access ? role->allowed : 0;
    }
    return allowed >> index & 1;
}

static int forbid(request_rec *r)
{
    return chatsession_reply_json(r, HTTP_FORBIDDEN,
                                  json_pack("{s:b,s:s,s:s,s:s,s:s}", "success", 0, "message", "Forbidden", "error",
                                            "forbidden", "detail", "Your role does not allow this call.", "request_id",
                                            chatsession_request_id(r)));
}

/* Pages of an allowed origin may read the answers; true when the request only asks whether they may. */
static bool allow_origin(request_rec *r, const chatsession_server_t *conf)
{
    const char *origin = apr_table_get(r->headers_in, "Origin");
    bool allowed = false;

    for (int i = 0; origin && conf->origins && i < conf->origins->nelts; i++) {
        allowed |= !ap_cstr_casecmp(origin, APR_ARRAY_IDX(conf->origins, i, const char *));
    }
    apr_table_mergen(r->err_headers_out, "Vary", "Origin");
    if (!allowed) {
        return false;
    }
    apr_table_setn(r->err_headers_out, "Access-Control-Allow-Origin", origin);
    apr_table_setn(r->err_headers_out, "Access-Control-Allow-Credentials", "true");
    apr_table_setn(r->err_headers_out, "Access-Control-Expose-Headers", ID_HEADER);
    apr_table_setn(r->err_headers_out, "Cross-Origin-Resource-Policy", "cross-origin");
    if (r->method_number != M_OPTIONS || !apr_table_get(r->headers_in, "Access-Control-Request-Method")) {
        return false;
    }
    apr_table_setn(r->err_headers_out, "Access-Control-Allow-Methods", "GET, POST");
    apr_table_setn(r->err_headers_out, "Access-Control-Allow-Headers", "Content-Type");
    apr_table_setn(r->err_headers_out, "Access-Control-Max-Age", "600");
    return true;
}

int chatsession_chatstream_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address)
{
    const chatsession_session_t *session;
    int index = 0;

    if (!chatsession_number(conf, CHATSESSION_CHATSTREAM)) {
        return DECLINED;
    }
    while (index < CHATSESSION_ROUTE_COUNT(routes) && strcmp(routes[index].path, address->below) != 0) {
        index++;
    }
    if (index == CHATSESSION_ROUTE_COUNT(routes)) {
        return DECLINED;
    }
    if (allow_origin(r, conf)) {
        return chatsession_reply_empty(r, HTTP_NO_CONTENT);
    }
    session = chatsession_session(r);
    if (session->access >= CHATSESSION_GUEST && !is_allowed(conf, session->access, index)) {
        return forbid(r);
    }
    /* Nobody becomes a guest to be refused. */
    if (session->status == APR_SUCCESS && session->access < CHATSESSION_GUEST &&
        !is_allowed(conf, CHATSESSION_GUEST, index)) {
        return chatsession_reply_error(r, HTTP_UNAUTHORIZED, "unauthenticated",
                                       session->ended ? session->ended : "Log in first.");
    }
    return chatsession_dispatch(r, conf, routes, CHATSESSION_ROUTE_COUNT(routes), address);
}
