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
extern const cs_json_member_t chatsession_create_members[7], chatsession_patch_members[11],
    chatsession_feedback_members[2];

/* chat_turns.c */
chatsession_handler_fn chatsession_post_message, chatsession_post_regenerate, chatsession_post_stop,
    chatsession_get_stream;
extern const cs_json_member_t chatsession_message_members[5], chatsession_regenerate_members[3];

/* chat_models.c */
chatsession_handler_fn chatsession_get_models;
/** DECLINED when name is NULL or a model's. */
int chatsession_check_model(chatsession_call_t *call, const char *name);
/** The members model, system, params and examples of a body, beginning at field first, those that were given. DECLINED:
 * go on; else it was answered. */
int chatsession_read_settings(chatsession_call_t *call, int first, json_t **settings);
#define CHATSESSION_SETTINGS_MEMBERS 4

/* chat_keys.c */
chatsession_handler_fn chatsession_list_keys, chatsession_create_key, chatsession_delete_key;
extern const cs_json_member_t chatsession_key_members[1];

/* chat_account.c */
chatsession_handler_fn chatsession_list_sessions, chatsession_delete_session, chatsession_delete_sessions,
    chatsession_post_password, chatsession_post_invitation;
extern const cs_json_member_t chatsession_password_members[2], chatsession_invitation_members[2];

/* chat_guest.c */
chatsession_handler_fn chatsession_post_guest;

/* chat_person.c */
chatsession_handler_fn chatsession_get_access, chatsession_get_archive, chatsession_get_erase, chatsession_post_erase;
extern const cs_json_member_t chatsession_own_erase_members[3];

/* chat_export.c */
chatsession_handler_fn chatsession_export_conversation, chatsession_export_all;

/* chat_shares.c */
chatsession_handler_fn chatsession_create_share, chatsession_list_shares, chatsession_delete_share,
    chatsession_get_shared;
extern const cs_json_member_t chatsession_share_members[1];

/* chat_labels.c */
chatsession_handler_fn chatsession_list_labels, chatsession_patch_labels;
extern const cs_json_member_t chatsession_label_members[2];

/* chat_import.c */
chatsession_handler_fn chatsession_post_import;
extern const cs_json_member_t chatsession_import_members[9];

/** Code points of a user's message. */
#define CHATSESSION_MESSAGE_MAX 100000

#endif
