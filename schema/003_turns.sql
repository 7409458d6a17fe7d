-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- A turn: begin, save, stop, finish, reap. Each is one call, so one commit and one round trip.
SET LOCAL ROLE chatsession_owner;

-- A conversation's name before somebody gives it one: the first words, on one line.
CREATE FUNCTION chatsession.title_of(p_content text) RETURNS text
LANGUAGE sql IMMUTABLE
    RETURN (SELECT CASE WHEN char_length(t.line) > 60 THEN btrim(left(t.line, 59)) || '…' ELSE nullif(t.line, '') END
            FROM (SELECT btrim(regexp_replace(left(p_content, 1000), '[[:space:]]+', ' ', 'g')) AS line) t);

-- Begin a turn of p_user in p_conversation: store the user's message (or, with p_regenerate, take the one that this answer answers) and an answer in state
-- streaming. outcome: begun; same (p_client is known: message_id and answer_id are that turn's); absent (not p_user's, in the trash, or no such
-- message); stale (p_parent is not the newest message); running (an answer is being written).
CREATE FUNCTION chatsession.turn_begin(
    p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean,
    p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea,
    OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text)
LANGUAGE plpgsql AS $$
DECLARE
    v_seq integer;
    v_newest uuid;
    v_request text;
    v_status text;
    v_parent uuid := p_parent;
BEGIN
    -- The row lock puts the turns of one conversation in a row: two tabs at once see each other's work.
    PERFORM FROM chatsession.conversations c
        WHERE c.id = p_conversation AND c.user_id = p_user AND c.trashed_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'absent';
        RETURN;
    END IF;
    SELECT m.parent_id, m.id, m.model, m.request_id, m.status INTO message_id, answer_id, model, v_request, v_status
        FROM chatsession.messages m WHERE m.conversation_id = p_conversation AND m.client_id = p_client;
    IF FOUND THEN
        -- The same request: its first call was committed, but its answer was lost on the way. The turn is still its to write.
        outcome := CASE WHEN v_request = p_request AND v_status = 'streaming' THEN 'begun' ELSE 'same' END;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM chatsession.live_turns l WHERE l.conversation_id = p_conversation) THEN
        outcome := 'running';
        RETURN;
    END IF;
    SELECT m.seq, m.id INTO v_seq, v_newest
        FROM chatsession.messages m WHERE m.conversation_id = p_conversation ORDER BY m.seq DESC LIMIT 1;
    v_seq := coalesce(v_seq, 0);

    IF p_regenerate IS NOT NULL THEN
        SELECT m.parent_id INTO message_id FROM chatsession.messages m
            WHERE m.id = p_regenerate AND m.conversation_id = p_conversation AND m.role = 'assistant';
        IF NOT FOUND THEN
            outcome := 'absent';
            RETURN;
        END IF;
    ELSE
        IF p_branch THEN
            IF p_parent IS NOT NULL AND NOT EXISTS (SELECT FROM chatsession.messages m
                    WHERE m.id = p_parent AND m.conversation_id = p_conversation AND m.role = 'assistant') THEN
                outcome := 'absent';
                RETURN;
            END IF;
        ELSIF p_parent_given AND p_parent IS DISTINCT FROM v_newest THEN
            outcome := 'stale';
            RETURN;
        ELSE
            v_parent := v_newest;
        END IF;
        v_seq := v_seq + 1;
        INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, request_id)
            VALUES (p_conversation, v_seq, v_parent, 'user', 'complete', p_content, p_request)
            RETURNING id INTO message_id;
    END IF;

    INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, client_id, model, request_id)
        VALUES (p_conversation, v_seq + 1, message_id, 'assistant', 'streaming', '', p_client, p_model, p_request)
        RETURNING id INTO answer_id;
    INSERT INTO chatsession.live_turns (answer_id, conversation_id, host, session_hash)
        VALUES (answer_id, p_conversation, p_host, p_session);
    UPDATE chatsession.conversations c
        SET updated_at = clock_timestamp(),
            message_count = c.message_count + CASE WHEN p_regenerate IS NULL THEN 2 ELSE 1 END,
            title = coalesce(c.title, chatsession.title_of(p_content))
        WHERE c.id = p_conversation;
    model := p_model;
    outcome := 'begun';
END
$$;

-- The branch that ends with p_message, oldest first: what the model is asked with. Messages without text are left out.
CREATE FUNCTION chatsession.turn_history(p_message uuid) RETURNS TABLE (role text, content text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE branch AS (
        SELECT m.parent_id, m.seq, m.role, m.content FROM chatsession.messages m WHERE m.id = p_message
        UNION ALL
        SELECT m.parent_id, m.seq, m.role, m.content FROM branch b JOIN chatsession.messages m ON m.id = b.parent_id
    )
    SELECT b.role, b.content FROM branch b WHERE b.content <> '' ORDER BY b.seq
$$;

-- Neither ended nor its user disabled. Its times are judged where requests are (core/session.c): a stream alone renews nothing and ends with its answer.
CREATE FUNCTION chatsession.session_lives(p_hash bytea) RETURNS boolean
LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id
                   WHERE s.id_hash = p_hash AND s.revoked_at IS NULL AND u.disabled_at IS NULL);

-- Record the next pieces of all answers that one child is writing, and hear what became of them: p_pieces is [{"id","at","t"}], "at" the code points
-- before the piece. A piece is taken only where it continues what is there, so the same call twice stores it once. saved_points is how far each
-- answer is recorded now. state: live; reaped (given up for dead while it lived: only its end can still be recorded); gone (purged). stop: somebody asked for it.
-- cut: the session that asked has ended, or its user is disabled.
CREATE FUNCTION chatsession.turn_save(p_pieces json)
RETURNS TABLE (answer_id uuid, saved_points integer, state text, stop boolean, cut boolean)
LANGUAGE sql AS $$
    WITH given AS (
        SELECT g.id, g.at, g.t FROM json_to_recordset(p_pieces) AS g(id uuid, at integer, t text)
    ), beat AS (
        UPDATE chatsession.live_turns l
            SET heartbeat_at = clock_timestamp(),
                saved_points = CASE WHEN l.saved_points = g.at THEN g.at + char_length(g.t) ELSE l.saved_points END
            FROM given g WHERE l.answer_id = g.id
            RETURNING l.answer_id, l.saved_points, l.stop_requested_at IS NOT NULL AS stop, l.session_hash
    ), added AS (
        INSERT INTO chatsession.answer_pieces (answer_id, from_point, content)
            SELECT g.id, g.at, g.t FROM given g JOIN beat b ON b.answer_id = g.id
                WHERE g.t <> '' AND b.saved_points = g.at + char_length(g.t)
            ON CONFLICT ON CONSTRAINT answer_pieces_pkey DO NOTHING
    )
    SELECT g.id, coalesce(b.saved_points, g.at),
           CASE WHEN b.answer_id IS NOT NULL THEN 'live'
                WHEN EXISTS (SELECT FROM chatsession.messages m WHERE m.id = g.id) THEN 'reaped' ELSE 'gone' END,
           coalesce(b.stop, false),
           b.session_hash IS NOT NULL AND NOT chatsession.session_lives(b.session_hash)
        FROM given g LEFT JOIN beat b ON b.answer_id = g.id
$$;

-- Ask the running answer of a conversation to stop; true when there is one.
CREATE FUNCTION chatsession.turn_stop(p_user uuid, p_conversation uuid) RETURNS boolean
LANGUAGE sql AS $$
    WITH asked AS (
        UPDATE chatsession.live_turns l SET stop_requested_at = coalesce(l.stop_requested_at, clock_timestamp())
            FROM chatsession.conversations c
            WHERE l.conversation_id = p_conversation AND c.id = l.conversation_id AND c.user_id = p_user
            RETURNING 1
    )
    SELECT EXISTS (SELECT FROM asked)
$$;

-- End an answer with its whole text. outcome: finished; already (it ended like this before: the call is a repeat); gone (expired, purged); final (it ended
-- otherwise before and stays so). An answer that was given up for dead may still come whole.
CREATE FUNCTION chatsession.turn_finish(
    p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_old chatsession.messages;
BEGIN
    -- The order in which everybody locks: conversation, message, live turn.
    PERFORM FROM chatsession.conversations c
        WHERE c.id = (SELECT m.conversation_id FROM chatsession.messages m WHERE m.id = p_answer) FOR UPDATE;
    SELECT * INTO v_old FROM chatsession.messages m WHERE m.id = p_answer FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    IF v_old.status = p_status AND v_old.content = p_content THEN
        RETURN 'already';
    END IF;
    IF v_old.status <> 'streaming' AND NOT (v_old.status = 'interrupted' AND starts_with(p_content, v_old.content)) THEN
        RETURN 'final';
    END IF;
    UPDATE chatsession.messages m
        SET status = p_status, content = p_content, finished_at = clock_timestamp(), finish_reason = p_finish_reason,
            usage = p_usage, detail = p_detail, model = coalesce(p_model, m.model)
        WHERE m.id = p_answer;
    DELETE FROM chatsession.live_turns l WHERE l.answer_id = p_answer;
    UPDATE chatsession.conversations c SET updated_at = clock_timestamp() WHERE c.id = v_old.conversation_id;
    RETURN 'finished';
END
$$;

-- Answers whose writer has not been heard of for p_silence are interrupted, with the text recorded so far. A database that has only just started waits as long
-- before it calls anybody dead: their heartbeats could not arrive. A conversation that somebody is at is left for the next time.
CREATE FUNCTION chatsession.turn_reap(p_silence interval) RETURNS SETOF uuid
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
                finished_at = clock_timestamp(), detail = 'The server that was writing this answer went away.'
            WHERE m.id = v_turn.answer_id AND m.status = 'streaming';
        DELETE FROM chatsession.live_turns l WHERE l.answer_id = v_turn.answer_id;
        RETURN NEXT v_turn.answer_id;
    END LOOP;
END
$$;
