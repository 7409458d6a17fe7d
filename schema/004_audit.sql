-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What operators did. Names, not references: an entry outlives the user and the conversation that it tells of.
SET LOCAL ROLE chatsession_owner;

CREATE TABLE chatsession.audit_entries (
    seq             bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    operator        text        NOT NULL,
    role            text        NOT NULL,
    action          text        NOT NULL,
    conversation_id uuid,
    target_user     text,
    reason          text,
    detail          jsonb       NOT NULL DEFAULT '{}',
    network         inet,
    request_id      text,
    CONSTRAINT audit_entries_pkey PRIMARY KEY (seq),
    CONSTRAINT action_is_noun_dot_verb CHECK (action ~ '^[a-z]+\.[a-z]+$'),
    CONSTRAINT reason_is_at_most_1000_characters CHECK (char_length(reason) BETWEEN 1 AND 1000)
);
-- "Who opened this conversation?"
CREATE INDEX audit_entries_of_conversation ON chatsession.audit_entries (conversation_id) WHERE conversation_id IS NOT NULL;
-- Append only for the module: no UPDATE, no DELETE, no TRUNCATE.
GRANT SELECT, INSERT ON chatsession.audit_entries TO chatsession;
