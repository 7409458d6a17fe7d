-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Models: which one a conversation talks to and how, and what an answer has beside its text.
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
