/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_CHAT_H
#define CHATSESSION_CHAT_H
/* The end users' handler; chat.c holds the route table, chat_*.c one subject each. */
#include "route.h"

/** Handler "chatsession". */
int chatsession_chat_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address);

/* chat_conversations.c */
chatsession_handler_fn chatsession_list_conversations, chatsession_create_conversation, chatsession_get_conversation,
    chatsession_patch_conversation, chatsession_delete_conversation, chatsession_restore_conversation,
    chatsession_put_feedback;
extern const cs_json_member_t chatsession_create_members[2], chatsession_patch_members[3],
    chatsession_feedback_members[2];

/* chat_turns.c */
chatsession_handler_fn chatsession_post_message, chatsession_post_regenerate, chatsession_post_stop,
    chatsession_get_stream;
extern const cs_json_member_t chatsession_message_members[4], chatsession_regenerate_members[2];

/* chat_account.c */
chatsession_handler_fn chatsession_list_sessions, chatsession_delete_session, chatsession_delete_sessions,
    chatsession_post_password;
extern const cs_json_member_t chatsession_password_members[2];

/* chat_export.c */
chatsession_handler_fn chatsession_export_conversation, chatsession_export_all;

/* chat_import.c */
chatsession_handler_fn chatsession_post_import;
extern const cs_json_member_t chatsession_import_members[8];

/** Code points of a user's message. */
#define CHATSESSION_MESSAGE_MAX 100000

#endif
