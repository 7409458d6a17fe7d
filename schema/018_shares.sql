-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Conversations that their owners let others read: one branch, as it was when it was shared. The id is what the link holds; whoever opens it has logged in.
SET LOCAL ROLE chatsession_owner;

CREATE TABLE chatsession.shares (
    id              uuid        NOT NULL DEFAULT gen_random_uuid(),
    conversation_id uuid        NOT NULL,
    last_message_id uuid        NOT NULL, -- what is shared is this message and those that it continues: no other revision, nothing later
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shares_pkey PRIMARY KEY (id),
    CONSTRAINT share_has_its_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations ON DELETE CASCADE,
    CONSTRAINT share_ends_at_a_message FOREIGN KEY (last_message_id) REFERENCES chatsession.messages ON DELETE CASCADE,
    -- The same again finds the same link.
    CONSTRAINT one_share_per_message UNIQUE (last_message_id)
);
-- A conversation's shares, and those of a user by way of their conversations.
CREATE INDEX shares_of_conversation ON chatsession.shares (conversation_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.shares TO chatsession;
