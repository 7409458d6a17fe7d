/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "chat.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include "assets.h"
#include "chatstream.h"
#include "login.h"
#include "reply.h"
#include "second_factor.h"
#include "store/schema.h"

/* The body of a message: CHATSESSION_MESSAGE_MAX code points, each of up to 12 octets as JSON escapes, stay below. */
#define MESSAGE_LIMIT (1280 * 1024)
#define SMALL_LIMIT 16384
/* System text and examples. */
#define SETTINGS_LIMIT (1024 * 1024)
/* One conversation from elsewhere. */
#define IMPORT_LIMIT (8 * 1024 * 1024)

static int get_healthz(chatsession_call_t *call)
{
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:s}", "status", "live"));
}

/* Ready: the database answers and holds the schema that this module was made for. */
static int get_readyz(chatsession_call_t *call)
{
    const char *problem = NULL;
    const apr_status_t rv = cs_schema_check(&problem, call->conf->db, call->r->pool);

    if (rv == APR_SUCCESS) {
        return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:s}", "status", "ready"));
    }
    if (rv == CS_EREFUSED) {
        return chatsession_reply_error(call->r, HTTP_SERVICE_UNAVAILABLE, "schema_mismatch", problem);
    }
    return chatsession_reply_status(call->r, CS_EUNAVAILABLE);
}

static const chatsession_route_t routes[] = {
    {"GET", "healthz", CHATSESSION_NO_SESSION, CHATSESSION_NO_BODY, get_healthz},
    {"GET", "readyz", CHATSESSION_NO_SESSION, CHATSESSION_NO_BODY, get_readyz},
    CHATSESSION_LOGIN_ROUTES,
    CHATSESSION_SECOND_FACTOR_ROUTES,
    {"POST", "api/guest", CHATSESSION_ANYONE, CHATSESSION_NO_BODY, chatsession_post_guest},
    {"POST", "api/invitation", CHATSESSION_ANYONE, SMALL_LIMIT, CHATSESSION_MEMBERS(chatsession_invitation_members),
     chatsession_post_invitation},
    {"GET", "api/sessions", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_list_sessions},
    {"DELETE", "api/sessions", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_delete_sessions},
    {"DELETE", "api/sessions/{word}", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_delete_session},
    {"POST", "api/password", CHATSESSION_USER, SMALL_LIMIT, CHATSESSION_MEMBERS(chatsession_password_members),
     chatsession_post_password},
    {"GET", "api/access", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_get_access},
    {"GET", "api/archive", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_get_archive},
    {"GET", "api/erase", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_get_erase},
    {"POST", "api/erase", CHATSESSION_USER, SMALL_LIMIT, CHATSESSION_MEMBERS(chatsession_own_erase_members),
     chatsession_post_erase},
    {"GET", "api/keys", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_list_keys},
    {"POST", "api/keys", CHATSESSION_USER, SMALL_LIMIT, CHATSESSION_MEMBERS(chatsession_key_members),
     chatsession_create_key},
    {"DELETE", "api/keys/{id}", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_delete_key},
    {"GET", "api/models", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_get_models},
    {"GET", "api/conversations", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_list_conversations},
    {"POST", "api/conversations", CHATSESSION_GUEST, SETTINGS_LIMIT, CHATSESSION_MEMBERS(chatsession_create_members),
     chatsession_create_conversation},
    {"POST", "api/conversations/import", CHATSESSION_USER, IMPORT_LIMIT,
     CHATSESSION_MEMBERS(chatsession_import_members), chatsession_post_import},
    {"GET", "api/export", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_export_all},
    {"GET", "api/conversations/{id}", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_get_conversation},
    {"PATCH", "api/conversations/{id}", CHATSESSION_GUEST, SETTINGS_LIMIT,
     CHATSESSION_MEMBERS(chatsession_patch_members), chatsession_patch_conversation},
    {"DELETE", "api/conversations/{id}", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_delete_conversation},
    {"POST", "api/conversations/{id}/restore", CHATSESSION_GUEST, CHATSESSION_NO_BODY,
     chatsession_restore_conversation},
    {"POST", "api/conversations/{id}/messages", CHATSESSION_GUEST, MESSAGE_LIMIT,
     CHATSESSION_MEMBERS(chatsession_message_members), chatsession_post_message},
    {"POST", "api/conversations/{id}/regenerate", CHATSESSION_GUEST, SMALL_LIMIT,
     CHATSESSION_MEMBERS(chatsession_regenerate_members), chatsession_post_regenerate},
    {"POST", "api/conversations/{id}/stop", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_post_stop},
    {"GET", "api/conversations/{id}/stream", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_get_stream},
    {"GET", "api/conversations/{id}/export", CHATSESSION_GUEST, CHATSESSION_NO_BODY, chatsession_export_conversation},
    {"POST", "api/conversations/{id}/share", CHATSESSION_USER, SMALL_LIMIT,
     CHATSESSION_MEMBERS(chatsession_share_members), chatsession_create_share},
    {"GET", "api/shares", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_list_shares},
    {"DELETE", "api/shares/{id}", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_delete_share},
    {"GET", "api/shared/{id}", CHATSESSION_USER, CHATSESSION_NO_BODY, chatsession_get_shared},
    {"PUT", "api/messages/{id}/feedback", CHATSESSION_GUEST, SMALL_LIMIT,
     CHATSESSION_MEMBERS(chatsession_feedback_members), chatsession_put_feedback},
};

int chatsession_chat_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address)
{
    int answered;

    if (r->method_number == M_GET && chatsession_assets_serve(r, conf->assets, "page", address->below) == OK) {
        return OK;
    }
    answered = chatsession_chatstream_handler(r, conf, address);
    if (answered != DECLINED) {
        return answered;
    }
    return chatsession_dispatch(r, conf, routes, CHATSESSION_ROUTE_COUNT(routes), address);
}
