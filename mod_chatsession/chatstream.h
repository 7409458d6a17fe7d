/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_CHATSTREAM_H
#define CHATSESSION_CHATSTREAM_H
/*
 * ChatStream's interface under the mount of the chat (ChatSessionChatStream on), so that its browser client works as it
 * is. It knows one conversation of a session; here that is one of the user's, in the list of the chat page like any.
 */
#include "route.h"

/** The names that ChatSessionChatStreamRole may allow, separated by |. */
#define CHATSESSION_CHATSTREAM_NAMES                                                                                   \
    "chat_stream|clear_context|get_prompt|set_feedback|set_generation_params|get_generation_params|get_load|"          \
    "get_resource_usage"

/** A role, and what it and those above it may call: bits in the order of the names. */
typedef struct {
    chatsession_access_e access;
    unsigned allowed;
} chatsession_chatstream_role_t;

/** Answer a request that is one of the interface's; DECLINED: it is not. */
int chatsession_chatstream_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address);

#endif
