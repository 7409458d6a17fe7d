-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Models: which one a conversation talks to and how, what an answer has beside its text, and keys by which programs ask.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.conversations
    ADD COLUMN model    text,  -- NULL: the first of the configuration
    ADD COLUMN system   text,  -- what the model is told before everything
    ADD COLUMN params   jsonb, -- temperature and the like (core/params.c has the bounds)
    ADD COLUMN examples jsonb, -- turns that the model is shown before the first one: [{"role","content"}]
    ADD CONSTRAINT model_is_a_name CHECK (char_length(model) BETWEEN 1 AND 64),
    ADD CONSTRAINT system_is_at_most_16000_characters CHECK (char_length(system) BETWEEN 1 AND 16000),
    ADD CONSTRAINT params_are_an_object CHECK (jsonb_typeof(params) = 'object'),
    ADD CONSTRAINT examples_are_an_array CHECK (jsonb_typeof(examples) = 'array');

ALTER TABLE chatsession.messages
    ADD COLUMN extra jsonb, -- of an answer: {"reasoning":"…","tool_calls":[…],"parts":[…]}
    ADD CONSTRAINT only_answers_have_more_than_text CHECK (extra IS NULL OR role = 'assistant');

-- End an answer as turn_finish does, with what it has beside its text.
CREATE FUNCTION chatsession.turn_end(
    p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text, p_extra jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_outcome text := chatsession.turn_finish(p_answer, p_status, p_content, p_finish_reason, p_usage, p_detail, p_model);
BEGIN
    IF p_extra IS NOT NULL AND v_outcome IN ('finished', 'already') THEN
        UPDATE chatsession.messages m SET extra = p_extra WHERE m.id = p_answer AND m.extra IS DISTINCT FROM p_extra;
    END IF;
    RETURN v_outcome;
END
$$;

-- Name a conversation of p_user by what the model says, unless somebody named it meanwhile: it still has the first words that it began with.
CREATE FUNCTION chatsession.title_by_model(p_user uuid, p_message uuid, p_title text) RETURNS boolean
LANGUAGE sql AS $$
    WITH named AS (
        UPDATE chatsession.conversations c SET title = chatsession.title_of(p_title)
            FROM chatsession.messages m
            WHERE m.id = p_message AND c.id = m.conversation_id AND c.user_id = p_user
              AND c.title = chatsession.title_of(m.content) AND chatsession.title_of(p_title) IS NOT NULL
            RETURNING 1
    )
    SELECT EXISTS (SELECT FROM named)
$$;

-- Keys by which programs ask a model in a user's name. Only the hash of a key is here; its beginning is for lists.
CREATE TABLE chatsession.api_keys (
    id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id      uuid        NOT NULL,
    name         text        NOT NULL,
    prefix       text        NOT NULL,
    key_hash     bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT one_key_per_hash UNIQUE (key_hash),
    CONSTRAINT key_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE,
    CONSTRAINT key_name_is_1_to_64_characters CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT key_hash_is_sha256 CHECK (octet_length(key_hash) = 32)
);
-- A user's own.
CREATE INDEX api_keys_of_user ON chatsession.api_keys (user_id, created_at);
GRANT SELECT, INSERT, UPDATE ON chatsession.api_keys TO chatsession;

-- Make a key; no row when the user has p_max already.
CREATE FUNCTION chatsession.key_make(p_user uuid, p_name text, p_prefix text, p_hash bytea, p_max integer)
RETURNS SETOF chatsession.api_keys LANGUAGE plpgsql AS $$
BEGIN
    -- Two at once see each other.
    PERFORM FROM chatsession.users u WHERE u.id = p_user FOR UPDATE;
    IF (SELECT count(*) FROM chatsession.api_keys k WHERE k.user_id = p_user AND k.revoked_at IS NULL AND k.key_hash <> p_hash) >= p_max THEN
        RETURN;
    END IF;
    RETURN QUERY INSERT INTO chatsession.api_keys AS k (user_id, name, prefix, key_hash) VALUES (p_user, p_name, p_prefix, p_hash)
        ON CONFLICT ON CONSTRAINT one_key_per_hash DO UPDATE SET name = k.name RETURNING k.*;
END
$$;

-- Whose key it is, when it holds; its use is noted once a minute.
CREATE FUNCTION chatsession.key_use(p_hash bytea, OUT user_id uuid, OUT user_name text, OUT role text)
LANGUAGE plpgsql AS $$
DECLARE
    v_key uuid;
    v_seen timestamptz;
BEGIN
    SELECT k.id, k.last_used_at, u.id, u.name, u.role INTO v_key, v_seen, user_id, user_name, role
        FROM chatsession.api_keys k JOIN chatsession.users u ON u.id = k.user_id
        WHERE k.key_hash = p_hash AND k.revoked_at IS NULL AND u.disabled_at IS NULL;
    IF FOUND AND (v_seen IS NULL OR v_seen < now() - interval '1 minute') THEN
        UPDATE chatsession.api_keys k SET last_used_at = now() WHERE k.id = v_key;
    END IF;
END
$$;

-- What a session has under way through ChatStream's interface: one conversation, and how its model is asked.
CREATE TABLE chatsession.chatstream_contexts (
    session_hash    bytea NOT NULL,
    conversation_id uuid,
    params          jsonb,
    CONSTRAINT chatstream_contexts_pkey PRIMARY KEY (session_hash),
    CONSTRAINT context_has_its_session FOREIGN KEY (session_hash) REFERENCES chatsession.sessions ON DELETE CASCADE,
    CONSTRAINT context_is_about_a_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations ON DELETE SET NULL
);
-- Deleting a conversation looks for them.
CREATE INDEX chatstream_contexts_by_conversation ON chatsession.chatstream_contexts (conversation_id);
GRANT SELECT, INSERT, UPDATE ON chatsession.chatstream_contexts TO chatsession;

-- What a form of a page says beside the rating.
ALTER TABLE chatsession.feedback ADD COLUMN form jsonb;
