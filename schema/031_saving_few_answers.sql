-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Saving what was written: a statement about five answers took as much as one about eighty, for it read all of live_turns to find its own, and put all living sessions together
-- to look for a few among them.
SET LOCAL ROLE chatsession_owner;

-- As before (023_thoughts.sql says what it promises, 029_saving_answers.sql why answer_is_there is volatile). Without hash and merge joins, each piece finds its turn by the key.
-- What it found goes on with it, so that nothing is joined a second time; OFFSET 0 keeps the living sessions from being hashed. A piece need not have what it has nothing of
-- (thought, extra). EXECUTE, and so a plan made anew each time: one that was kept from when no turn was running compares every piece with every turn, and reads all users for each,
-- until live_turns is analysed, and what runs here goes from none to a thousand within a minute.
CREATE OR REPLACE FUNCTION chatsession.turn_save(p_pieces json)
RETURNS TABLE (answer_id uuid, saved_points integer, saved_thought integer, state text, stop boolean, cut boolean)
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY EXECUTE $save$
    WITH given AS (
        SELECT g.id, g.at, g.t, g.thought_at, g.thought, g.extra
            FROM json_to_recordset($1) AS g(id uuid, at integer, t text, thought_at integer, thought text, extra jsonb)
    ), beat AS (
        UPDATE chatsession.live_turns l
            SET heartbeat_at = clock_timestamp(),
                saved_points = CASE WHEN l.saved_points = g.at THEN g.at + char_length(g.t) ELSE l.saved_points END,
                saved_thought = CASE WHEN l.saved_thought = g.thought_at THEN g.thought_at + char_length(g.thought)
                                     ELSE l.saved_thought END
            FROM given g WHERE l.answer_id = g.id
            RETURNING g.*, l.saved_points, l.saved_thought, l.stop_requested_at IS NOT NULL AS stop, l.session_hash
    ), added AS (
        INSERT INTO chatsession.answer_pieces (answer_id, from_point, content)
            SELECT b.id, b.at, b.t FROM beat b WHERE b.t <> '' AND b.saved_points = b.at + char_length(b.t)
            ON CONFLICT ON CONSTRAINT answer_pieces_pkey DO NOTHING
    ), thought AS (
        INSERT INTO chatsession.thought_pieces (answer_id, from_point, content)
            SELECT b.id, b.thought_at, b.thought FROM beat b
                WHERE b.thought <> '' AND b.saved_thought = b.thought_at + char_length(b.thought)
            ON CONFLICT ON CONSTRAINT thought_pieces_pkey DO NOTHING
    ), beside AS (
        INSERT INTO chatsession.answer_extras (answer_id, extra)
            SELECT b.id, b.extra FROM beat b WHERE jsonb_typeof(b.extra) = 'object'
            ON CONFLICT ON CONSTRAINT answer_extras_pkey DO UPDATE SET extra = EXCLUDED.extra
    )
    SELECT b.id, b.saved_points, b.saved_thought, 'live'::text, b.stop,
           b.session_hash IS NOT NULL AND NOT EXISTS (SELECT FROM chatsession.living_sessions s WHERE s.id_hash = b.session_hash OFFSET 0)
        FROM beat b
    UNION ALL
    SELECT g.id, g.at, g.thought_at, CASE WHEN chatsession.answer_is_there(g.id) THEN 'reaped' ELSE 'gone' END, false, false
        FROM given g WHERE g.id NOT IN (SELECT b.id FROM beat b)
    $save$ USING p_pieces;
END
$$;
