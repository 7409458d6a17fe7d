-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What is said: conversations, messages, and the answers that are being written right now.
SET LOCAL ROLE chatsession_owner;

CREATE TABLE chatsession.conversations (
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id       uuid        NOT NULL,
    title         text,       -- NULL until the first message or its owner names it
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    message_count integer     NOT NULL DEFAULT 0,
    pinned        boolean     NOT NULL DEFAULT false,
    archived      boolean     NOT NULL DEFAULT false,
    trashed_at    timestamptz, -- out of sight since then …
    trashed_by    text,        -- … by its owner's or an operator's hand: only the owner's own can be restored by the owner
    purge_at      timestamptz, -- … and physically gone soon after this
    CONSTRAINT conversations_pkey PRIMARY KEY (id),
    CONSTRAINT conversation_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users,
    CONSTRAINT title_is_at_most_200_characters CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT message_count_is_not_negative CHECK (message_count >= 0),
    CONSTRAINT trash_is_whole CHECK ((trashed_at IS NULL) = (purge_at IS NULL) AND (trashed_at IS NULL) = (trashed_by IS NULL)),
    CONSTRAINT trashed_by_is_known CHECK (trashed_by IN ('user', 'operator'))
);
-- A user's list, newest first, by keyset.
CREATE INDEX conversations_of_user ON chatsession.conversations (user_id, updated_at DESC, id DESC);
-- The operators' list over all users.
CREATE INDEX conversations_by_time ON chatsession.conversations (updated_at DESC, id DESC);
-- The sweep: what is due.
CREATE INDEX conversations_to_purge ON chatsession.conversations (purge_at) WHERE purge_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.conversations TO chatsession;

CREATE TABLE chatsession.messages (
    id              uuid        NOT NULL DEFAULT gen_random_uuid(),
    conversation_id uuid        NOT NULL,
    seq             integer     NOT NULL, -- the order of a conversation; never a clock
    parent_id       uuid,                 -- what it answers or continues; siblings are revisions
    role            text        NOT NULL,
    status          text        NOT NULL,
    content         text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at     timestamptz,
    client_id       uuid,                 -- of an answer: the client's key for the whole turn
    model           text,
    finish_reason   text,
    usage           jsonb,
    detail          text,                 -- of an answer that did not complete: why, in a sentence
    request_id      text,
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT one_order_per_conversation UNIQUE (conversation_id, seq),
    CONSTRAINT message_has_its_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations ON DELETE CASCADE,
    CONSTRAINT parent_is_a_message FOREIGN KEY (parent_id) REFERENCES chatsession.messages,
    CONSTRAINT role_is_user_or_assistant CHECK (role IN ('user', 'assistant')),
    CONSTRAINT status_is_known CHECK (status IN ('streaming', 'complete', 'stopped', 'interrupted', 'error')),
    CONSTRAINT only_answers_are_in_progress CHECK (role = 'assistant' OR status = 'complete'),
    CONSTRAINT answers_have_a_question CHECK (role = 'user' OR parent_id IS NOT NULL),
    CONSTRAINT finished_with_a_time CHECK (role = 'user' OR (finished_at IS NULL) = (status = 'streaming')),
    CONSTRAINT only_answers_have_a_client_id CHECK (client_id IS NULL OR role = 'assistant')
);
-- The same client_id again finds the same turn.
CREATE UNIQUE INDEX one_turn_per_client_id ON chatsession.messages (conversation_id, client_id) WHERE client_id IS NOT NULL;
-- Deleting a conversation looks for children of each message.
CREATE INDEX messages_by_parent ON chatsession.messages (parent_id);
GRANT SELECT, INSERT, UPDATE ON chatsession.messages TO chatsession;

-- A message's text is written once. An answer's comes when it ends; one that was given up for dead and then came whole after all may only grow.
CREATE FUNCTION chatsession.keep_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'streaming' OR (OLD.status = 'interrupted' AND starts_with(NEW.content, OLD.content)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'message % is % and its text is final', OLD.id, OLD.status USING ERRCODE = 'CS409';
END
$$;
CREATE TRIGGER text_is_written_once BEFORE UPDATE OF content ON chatsession.messages
    FOR EACH ROW WHEN (OLD.content IS DISTINCT FROM NEW.content) EXECUTE FUNCTION chatsession.keep_text();

CREATE TABLE chatsession.feedback (
    message_id uuid        NOT NULL,
    rating     smallint    NOT NULL,
    comment    text,
    at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT feedback_pkey PRIMARY KEY (message_id),
    CONSTRAINT feedback_is_on_a_message FOREIGN KEY (message_id) REFERENCES chatsession.messages ON DELETE CASCADE,
    CONSTRAINT rating_is_up_or_down CHECK (rating IN (-1, 1)),
    CONSTRAINT comment_is_at_most_2000_characters CHECK (char_length(comment) BETWEEN 1 AND 2000)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.feedback TO chatsession;

-- Answers being written. Small rows beside the wide messages, so that a heartbeat is a cheap (HOT) update; gone when the answer ends.
CREATE TABLE chatsession.live_turns (
    answer_id         uuid        NOT NULL,
    conversation_id   uuid        NOT NULL,
    host              text        NOT NULL,
    session_hash      bytea,      -- the session that asked: when it ends, its browser hears no more
    started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    stop_requested_at timestamptz,
    saved_points      integer     NOT NULL DEFAULT 0, -- code points of the text in answer_pieces
    CONSTRAINT live_turns_pkey PRIMARY KEY (answer_id),
    CONSTRAINT one_answer_at_a_time UNIQUE (conversation_id),
    CONSTRAINT live_turn_has_its_answer FOREIGN KEY (answer_id) REFERENCES chatsession.messages ON DELETE CASCADE,
    CONSTRAINT live_turn_has_its_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations ON DELETE CASCADE
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.live_turns TO chatsession;

-- The text of an answer as far as it is recorded, piece by piece, without rewriting what is there.
CREATE TABLE chatsession.answer_pieces (
    answer_id  uuid    NOT NULL,
    from_point integer NOT NULL, -- code points before this piece
    content    text    NOT NULL,
    CONSTRAINT answer_pieces_pkey PRIMARY KEY (answer_id, from_point),
    CONSTRAINT piece_has_its_turn FOREIGN KEY (answer_id) REFERENCES chatsession.live_turns ON DELETE CASCADE,
    CONSTRAINT piece_has_text CHECK (content <> '')
);
GRANT SELECT, INSERT, DELETE ON chatsession.answer_pieces TO chatsession;

-- The text of a message as far as it is recorded.
CREATE FUNCTION chatsession.text_so_far(p_id uuid, p_status text, p_content text) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN p_status <> 'streaming' THEN p_content
                ELSE coalesce((SELECT string_agg(p.content, '' ORDER BY p.from_point)
                               FROM chatsession.answer_pieces p WHERE p.answer_id = p_id), '') END;
