-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Saving what was written: sooner done, and right about what was purged meanwhile.
SET LOCAL ROLE chatsession_owner;

-- Sessions that were not ended, nor was what took their place, of users who may come in. It is asked for every running answer five times a second: as a function
-- called for each it took 19 of the 53 µs of saving a piece; a relation is joined.
CREATE VIEW chatsession.living_sessions AS
    SELECT s.id_hash FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id
        LEFT JOIN chatsession.sessions n ON n.id_hash = s.replaced_by
        WHERE u.disabled_at IS NULL AND (s.revoked_at IS NULL OR (n.id_hash IS NOT NULL AND n.revoked_at IS NULL));
GRANT SELECT ON chatsession.living_sessions TO chatsession;

CREATE OR REPLACE FUNCTION chatsession.session_lives(p_hash bytea) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM chatsession.living_sessions s WHERE s.id_hash = p_hash);

-- Volatile, so that it sees what is committed by now: a statement that has waited for a purge's row lock sees the messages of before, and took a turn without its
-- conversation for one that another host had ended.
CREATE FUNCTION chatsession.answer_is_there(p_answer uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM chatsession.messages m WHERE m.id = p_answer);
END
$$;

-- As before (023_thoughts.sql says what it promises).
CREATE OR REPLACE FUNCTION chatsession.turn_save(p_pieces json)
RETURNS TABLE (answer_id uuid, saved_points integer, saved_thought integer, state text, stop boolean, cut boolean)
LANGUAGE sql AS $$
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
                WHEN chatsession.answer_is_there(g.id) THEN 'reaped' ELSE 'gone' END,
           coalesce(b.stop, false),
           b.session_hash IS NOT NULL AND NOT EXISTS (SELECT FROM chatsession.living_sessions s WHERE s.id_hash = b.session_hash)
        FROM given g LEFT JOIN beat b ON b.answer_id = g.id
$$;
