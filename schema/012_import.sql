-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Conversations that are brought along from elsewhere, and the order in which the list shows them.
SET LOCAL ROLE chatsession_owner;

-- What its maker calls a conversation: the same file imported twice, or a request sent again because its answer was lost, makes it once.
ALTER TABLE chatsession.conversations
    ADD COLUMN client_key text,
    ADD CONSTRAINT client_key_is_1_to_200_characters CHECK (char_length(client_key) BETWEEN 1 AND 200);
CREATE UNIQUE INDEX one_conversation_per_client_key ON chatsession.conversations (user_id, client_key) WHERE client_key IS NOT NULL;

-- A user's list as it is shown, pinned ones first, by keyset.
CREATE INDEX conversations_as_listed ON chatsession.conversations (user_id, pinned DESC, updated_at DESC, id DESC) WHERE trashed_at IS NULL;
