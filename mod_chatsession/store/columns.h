/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_COLUMNS_H
#define CS_STORE_COLUMNS_H
/*
 * What a conversation and a message are to the API, as column lists: the user's and the operators' statements share
 * them, so both show the same object. c is chatsession.conversations, m is chatsession.messages, f is
 * chatsession.feedback (left joined).
 */
#define CS_CONVERSATION_COLUMNS                                                                                        \
    "c.id, c.title, c.created_at, c.updated_at, c.pinned, c.archived, c.message_count, c.trashed_at, c.purge_at,"      \
    " array_to_json(c.labels) AS labels"

/** What only its owner is shown of it: a list has it not. */
#define CS_CONVERSATION_SETTINGS                                                                                       \
    ", c.model, c.system, c.params, c.examples, chatsession.retention_notice(c) AS retention"

/** content and comment are expressions: a reader without the right to content gets NULL for both. */
#define CS_MESSAGE_COLUMNS(content, comment)                                                                           \
    "m.id, m.parent_id, m.seq, m.role, " content                                                                       \
    " AS content, m.status, m.created_at, m.finished_at, m.model, m.finish_reason, m.usage, m.detail,"                 \
    " CASE WHEN f.message_id IS NOT NULL THEN json_build_object('rating', f.rating, 'comment', " comment               \
    ") END AS feedback"

/** What is being written stands elsewhere. Of all other messages the row itself has it: a function called for each row
 * of a long conversation took longer than all else. */
#define CS_MESSAGE_TEXT                                                                                                \
    "CASE WHEN m.status = 'streaming' THEN chatsession.text_so_far(m.id, m.status, m.content) ELSE m.content END"
#define CS_MESSAGE_EXTRA                                                                                               \
    "CASE WHEN m.status = 'streaming' THEN chatsession.extra_so_far(m.id, m.status, m.extra) ELSE m.extra END"

#define CS_MESSAGES_WITH_FEEDBACK " FROM chatsession.messages m LEFT JOIN chatsession.feedback f ON f.message_id = m.id"

/** Whether the user $1 may have one conversation more: fewer than most outside of the trash; most 0: always. No more of
 * them are counted than that. */
#define CS_ROOM_FOR_CONVERSATION(most)                                                                                 \
    "(" most "::integer = 0 OR (SELECT count(*) FROM (SELECT FROM chatsession.conversations r"                         \
    " WHERE r.user_id = $1::uuid AND r.trashed_at IS NULL LIMIT " most "::integer) r) < " most "::integer)"

/** A text that ILIKE finds literally: its escape character and wildcards lose their meaning. */
#define CS_LIKE_LITERAL(param)                                                                                         \
    "'%' || replace(replace(replace(" param ", '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'"

#endif
