/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Turns as the end user asks for them: say, say again, stop, follow. */
#include "chat.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include "recorder.h"
#include "reply.h"
#include "turn.h"

const cs_json_member_t chatsession_message_members[5] = {
    {"content", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CHATSESSION_MESSAGE_MAX},
    {"parent_id", CS_JSON_UUID, CS_JSON_NULLABLE, 0, 0},
    {"client_id", CS_JSON_UUID, CS_JSON_REQUIRED, 0, 0},
    {"branch", CS_JSON_BOOLEAN, 0, 0, 0},
    {"model", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 64},
};

const cs_json_member_t chatsession_regenerate_members[3] = {
    {"message_id", CS_JSON_UUID, CS_JSON_REQUIRED, 0, 0},
    {"client_id", CS_JSON_UUID, CS_JSON_REQUIRED, 0, 0},
    {"model", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 64},
};

/* Run it with the model that the body names, if it names one. */
static int run(chatsession_call_t *call, cs_turn_new_t *turn, const char *model)
{
    const int refused = chatsession_check_model(call, model);

    turn->model = model;
    return refused == DECLINED ? chatsession_turn_run(call->r, call->conf, turn) : refused;
}

int chatsession_post_message(chatsession_call_t *call)
{
    const cs_json_field_t *fields = call->fields;
    cs_turn_new_t turn = {.user_id = call->session->user_id,
                          .session_hash = call->session->id_hash,
                          .conversation_id = call->ids[0],
                          .content = fields[0].string,
                          .parent_given = fields[1].given,
                          .parent_id = fields[1].string,
                          .client_id = fields[2].string,
                          .branch = fields[3].given && fields[3].boolean};

    return run(call, &turn, fields[4].string);
}

int chatsession_post_regenerate(chatsession_call_t *call)
{
    cs_turn_new_t turn = {.user_id = call->session->user_id,
                          .session_hash = call->session->id_hash,
                          .conversation_id = call->ids[0],
                          .regenerate = call->fields[0].string,
                          .client_id = call->fields[1].string};

    return run(call, &turn, call->fields[2].string);
}

int chatsession_post_stop(chatsession_call_t *call)
{
    bool running;
    const apr_status_t rv = cs_turn_stop(&running, call->conf->db, call->session->user_id, call->ids[0], call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (running) {
        /* When the answer runs in this child, its thread hears of it without waiting for the next tick. */
        chatsession_recorder_stop(call->conf->recorder, call->ids[0]);
    }
    return chatsession_reply_json(call->r, running ? HTTP_ACCEPTED : HTTP_OK, json_pack("{s:b}", "stopping", running));
}

static bool read_points(apr_int64_t *points, const char **at)
{
    char *end;

    *points = apr_isdigit(**at) ? apr_strtoi64(*at, &end, 10) : -1;
    if (*points < 0 || *points >= APR_INT32_MAX) {
        return false;
    }
    *at = end;
    return true;
}

/* An id: code points of the text, and, after a plus, of the reasoning. */
static bool read_place(cs_turn_place_t *place, const char *id)
{
    if (!read_points(&place->from_point, &id)) {
        return false;
    }
    if (*id == '+') {
        id++;
        return read_points(&place->from_thought, &id) && !*id;
    }
    return !*id;
}

int chatsession_get_stream(chatsession_call_t *call)
{
    cs_turn_place_t place = {.user_id = call->session->user_id,
                             .session_hash = call->session->id_hash,
                             .conversation_id = call->ids[0]};
    const char *last = apr_table_get(call->r->headers_in, "Last-Event-ID");

    if (last && *last && !read_place(&place, last)) {
        return chatsession_bad_request(call, "Last-Event-ID is not an id of this stream.");
    }
    return chatsession_turn_follow(call->r, call->conf, &place);
}
