-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What a running answer has beside its text is recorded with it, so that a killed child loses no more of it than of the text, and
-- whoever follows the answer sees it come.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.live_turns
    ADD COLUMN saved_thought integer NOT NULL DEFAULT 0, -- code points of the reasoning in thought_pieces
    DROP CONSTRAINT nothing_is_written_while_queued,
    ADD CONSTRAINT nothing_is_written_while_queued CHECK (state = 'streaming' OR (saved_points = 0 AND saved_thought = 0));

-- The model's reasoning as far as it is recorded, as answer_pieces has the text.
CREATE TABLE chatsession.thought_pieces (
    answer_id  uuid    NOT NULL,
    from_point integer NOT NULL, -- code points before this piece
    content    text    NOT NULL,
    CONSTRAINT thought_pieces_pkey PRIMARY KEY (answer_id, from_point),
    CONSTRAINT thought_has_its_turn FOREIGN KEY (answer_id) REFERENCES chatsession.live_turns ON DELETE CASCADE,
    CONSTRAINT thought_has_text CHECK (content <> '')
);
GRANT SELECT, INSERT, DELETE ON chatsession.thought_pieces TO chatsession;

-- Calls of tools and parts that are no text, all of them as far as they are recorded: they are few and change in their middle.
CREATE TABLE chatsession.answer_extras (
    answer_id uuid  NOT NULL,
    extra     jsonb NOT NULL, -- {"tool_calls":[…],"parts":[…]}
    CONSTRAINT answer_extras_pkey PRIMARY KEY (answer_id),
    CONSTRAINT extra_has_its_turn FOREIGN KEY (answer_id) REFERENCES chatsession.live_turns ON DELETE CASCADE,
    CONSTRAINT extra_is_an_object CHECK (jsonb_typeof(extra) = 'object')
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.answer_extras TO chatsession;

-- What an answer has beside its text as far as it is recorded.
CREATE FUNCTION chatsession.extra_so_far(p_id uuid, p_status text, p_extra jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN CASE WHEN p_status <> 'streaming' THEN p_extra
                ELSE nullif(coalesce((SELECT jsonb_build_object('reasoning', string_agg(p.content, '' ORDER BY p.from_point))
                                      FROM chatsession.thought_pieces p WHERE p.answer_id = p_id HAVING count(*) > 0), '{}')
                            || coalesce((SELECT e.extra FROM chatsession.answer_extras e WHERE e.answer_id = p_id), '{}'), '{}') END;

-- Record pieces [{"id","at","t","thought_at","thought","extra"}]: as before, and the reasoning in the same way; extra, where one is
-- given, takes the place of what was recorded.
DROP FUNCTION chatsession.turn_save(json);
CREATE FUNCTION chatsession.turn_save(p_pieces json)
RETURNS TABLE (answer_id uuid, saved_points integer, saved_thought integer, state text, stop boolean, cut boolean) LANGUAGE sql AS $$
    WITH given AS (
        SELECT g.id, g.at, g.t, g.thought_at, g.thought, g.extra
            FROM json_to_recordset(p_pieces) AS g(id uuid, at integer, t text, thought_at integer, thought text, extra jsonb)
    ), beat AS (
        UPDATE chatsession.live_turns l
            SET heartbeat_at = clock_timestamp(),
                saved_points = CASE WHEN l.saved_points = g.at THEN g.at + char_length(g.t) ELSE l.saved_points END,
                saved_thought = CASE WHEN l.saved_thought = g.thought_at THEN g.thought_at + char_length(g.thought)
                                     ELSE l.saved_thought END
            FROM given g WHERE l.answer_id = g.id
            RETURNING l.answer_id, l.saved_points, l.saved_thought, l.stop_requested_at IS NOT NULL AS stop, l.session_hash
    ), added AS (
        INSERT INTO chatsession.answer_pieces (answer_id, from_point, content)
            SELECT g.id, g.at, g.t FROM given g JOIN beat b ON b.answer_id = g.id
                WHERE g.t <> '' AND b.saved_points = g.at + char_length(g.t)
            ON CONFLICT ON CONSTRAINT answer_pieces_pkey DO NOTHING
    ), thought AS (
        INSERT INTO chatsession.thought_pieces (answer_id, from_point, content)
            SELECT g.id, g.thought_at, g.thought FROM given g JOIN beat b ON b.answer_id = g.id
                WHERE g.thought <> '' AND b.saved_thought = g.thought_at + char_length(g.thought)
            ON CONFLICT ON CONSTRAINT thought_pieces_pkey DO NOTHING
    ), beside AS (
        INSERT INTO chatsession.answer_extras (answer_id, extra)
            SELECT g.id, g.extra FROM given g JOIN beat b ON b.answer_id = g.id WHERE jsonb_typeof(g.extra) = 'object'
            ON CONFLICT ON CONSTRAINT answer_extras_pkey DO UPDATE SET extra = EXCLUDED.extra
    )
    SELECT g.id, coalesce(b.saved_points, g.at), coalesce(b.saved_thought, g.thought_at),
           CASE WHEN b.answer_id IS NOT NULL THEN 'live'
                WHEN EXISTS (SELECT FROM chatsession.messages m WHERE m.id = g.id) THEN 'reaped' ELSE 'gone' END,
           coalesce(b.stop, false),
           b.session_hash IS NOT NULL AND NOT chatsession.session_lives(b.session_hash)
        FROM given g LEFT JOIN beat b ON b.answer_id = g.id
$$;

-- As before, and with what the answer has beside its text.
CREATE OR REPLACE FUNCTION chatsession.turn_reap(p_silence interval) RETURNS SETOF uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_turn record;
BEGIN
    IF pg_postmaster_start_time() > clock_timestamp() - p_silence THEN
        RETURN;
    END IF;
    FOR v_turn IN
        SELECT l.answer_id, l.conversation_id FROM chatsession.live_turns l WHERE l.heartbeat_at < clock_timestamp() - p_silence
    LOOP
        PERFORM FROM chatsession.conversations c WHERE c.id = v_turn.conversation_id FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM FROM chatsession.messages m WHERE m.id = v_turn.answer_id FOR UPDATE;
        PERFORM FROM chatsession.live_turns l
            WHERE l.answer_id = v_turn.answer_id AND l.heartbeat_at < clock_timestamp() - p_silence FOR UPDATE;
        CONTINUE WHEN NOT FOUND;
        UPDATE chatsession.messages m
            SET status = 'interrupted', content = chatsession.text_so_far(m.id, m.status, m.content),
                extra = chatsession.extra_so_far(m.id, m.status, m.extra),
                finished_at = clock_timestamp(), detail = 'The server that was writing this answer went away.'
            WHERE m.id = v_turn.answer_id AND m.status = 'streaming';
        DELETE FROM chatsession.live_turns l WHERE l.answer_id = v_turn.answer_id;
        RETURN NEXT v_turn.answer_id;
    END LOOP;
END
$$;
