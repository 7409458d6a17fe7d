-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Turns find their rows by index, whatever the tables held when their statements were planned.
--
-- PostgreSQL keeps a function's plans for the life of a connection, until the table is analyzed. live_turns is empty at almost any time, and messages is small on a
-- new site: a plan from then reads the whole table, which is cheaper for a page of rows, and goes on doing so when there are many. Without autovacuum a turn's begin took
-- 0.9 ms with 1,000 messages in the table and 2.4 ms with 7,000; it takes 0.7 ms now (docs/performance.md, "What a turn costs PostgreSQL").
SET LOCAL ROLE chatsession_owner;

ALTER FUNCTION chatsession.turn_enter SET enable_seqscan = off;
ALTER FUNCTION chatsession.turn_begin SET enable_seqscan = off;
ALTER FUNCTION chatsession.turn_end SET enable_seqscan = off;
ALTER FUNCTION chatsession.turn_finish SET enable_seqscan = off;
ALTER FUNCTION chatsession.turn_reap SET enable_seqscan = off;

-- As before (003_turns.sql), in the language that keeps its plan. Each message is looked up by the one that follows it; a join of all messages is never what is wanted.
CREATE OR REPLACE FUNCTION chatsession.turn_history(p_message uuid) RETURNS TABLE (role text, content text) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
        WITH RECURSIVE branch AS (
            SELECT m.parent_id, m.seq, m.role, m.content FROM chatsession.messages m WHERE m.id = p_message
            UNION ALL
            SELECT m.parent_id, m.seq, m.role, m.content FROM branch b JOIN chatsession.messages m ON m.id = b.parent_id
        )
        SELECT b.role, b.content FROM branch b WHERE b.content <> '' ORDER BY b.seq;
END
$$;
