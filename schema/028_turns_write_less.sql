-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- A turn writes each of its rows once where it wrote some twice. A statement on messages or conversations reads all their constraints and enters a row in each
-- index that holds a changed column, so fewer statements are most of what a turn can save (docs/performance.md, "What a turn costs PostgreSQL").
SET LOCAL ROLE chatsession_owner;

-- conversations_by_begin has the same rows in the same order, read from its other end.
DROP INDEX chatsession.conversations_by_age;

-- As before (003_turns.sql), with what turn_enter knows of the turn: it stands in live_turns at once, and a conversation that shall have no title yet gets none.
-- untitled: it had none before.
DROP FUNCTION chatsession.turn_begin(uuid, uuid, text, uuid, boolean, boolean, uuid, uuid, text, text, text, bytea);
CREATE FUNCTION chatsession.turn_begin(
    p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean,
    p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea,
    p_state text, p_counted boolean, p_round integer, p_titled boolean,
    OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text, OUT untitled boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_seq integer;
    v_newest uuid;
    v_request text;
    v_status text;
    v_parent uuid := p_parent;
BEGIN
    -- The row lock puts the turns of one conversation in a row: two tabs at once see each other's work.
    SELECT c.title IS NULL INTO untitled FROM chatsession.conversations c
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
    answer_id := gen_random_uuid();

    IF p_regenerate IS NOT NULL THEN
        SELECT m.parent_id INTO message_id FROM chatsession.messages m
            WHERE m.id = p_regenerate AND m.conversation_id = p_conversation AND m.role = 'assistant';
        IF NOT FOUND THEN
            outcome := 'absent';
            RETURN;
        END IF;
        INSERT INTO chatsession.messages (id, conversation_id, seq, parent_id, role, status, content, client_id, model, request_id)
            VALUES (answer_id, p_conversation, v_seq + 1, message_id, 'assistant', 'streaming', '', p_client, p_model, p_request);
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
        message_id := gen_random_uuid();
        INSERT INTO chatsession.messages (id, conversation_id, seq, parent_id, role, status, content, client_id, model, request_id)
            VALUES (message_id, p_conversation, v_seq + 1, v_parent, 'user', 'complete', p_content, NULL, NULL, p_request),
                   (answer_id, p_conversation, v_seq + 2, message_id, 'assistant', 'streaming', '', p_client, p_model, p_request);
    END IF;

    INSERT INTO chatsession.live_turns (answer_id, conversation_id, host, session_hash, user_id, state, counted, round)
        VALUES (answer_id, p_conversation, p_host, p_session, p_user, p_state, p_counted, p_round);
    UPDATE chatsession.conversations c
        SET updated_at = clock_timestamp(),
            message_count = c.message_count + CASE WHEN p_regenerate IS NULL THEN 2 ELSE 1 END,
            title = CASE WHEN p_titled THEN coalesce(c.title, chatsession.title_of(p_content)) ELSE c.title END
        WHERE c.id = p_conversation;
    model := p_model;
    outcome := 'begun';
END
$$;

-- As before (010_load.sql says what it promises).
CREATE OR REPLACE FUNCTION chatsession.turn_enter(
    p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean,
    p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea,
    p_max integer, p_waiting integer, p_user_turns integer, p_user_requests integer, p_user_tokens bigint, p_titled boolean,
    OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text,
    OUT place integer, OUT estimate real, OUT exceeded text, OUT retry_after real, OUT untitled boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_queued integer := 0;
    v_state text := 'streaming';
    v_limited boolean := p_user_turns > 0 OR p_user_requests > 0 OR p_user_tokens > 0;
    v_known boolean := false;
    v_round integer := 0;
BEGIN
    IF p_max > 0 THEN
        PERFORM chatsession.turn_gate();
    END IF;
    IF p_user_turns > 0 OR p_user_requests > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_user::text, 1));
    END IF;
    IF v_limited OR p_max > 0 THEN
        v_known := EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = p_conversation AND m.client_id = p_client);
    END IF;
    IF v_limited AND NOT v_known THEN
        SELECT u.exceeded, u.retry_after INTO exceeded, retry_after
            FROM chatsession.user_limit(p_user, p_user_turns, p_user_requests, p_user_tokens) u;
        IF exceeded IS NOT NULL THEN
            outcome := 'limit';
            RETURN;
        END IF;
    END IF;
    IF p_max > 0 AND NOT v_known THEN
        v_round := chatsession.turn_round(p_user);
        SELECT count(*) INTO v_queued FROM chatsession.live_turns l WHERE l.state = 'queued';
        IF v_queued > 0 OR (SELECT count(*) FROM chatsession.live_turns l WHERE l.state = 'streaming') >= p_max THEN
            v_state := 'queued';
        END IF;
        IF v_state = 'queued' AND v_queued >= p_waiting THEN
            outcome := 'busy';
            retry_after := chatsession.turn_estimate(v_queued + 1, p_max);
            RETURN;
        END IF;
    END IF;
    SELECT b.outcome, b.message_id, b.answer_id, b.model, b.untitled INTO outcome, message_id, answer_id, model, untitled
        FROM chatsession.turn_begin(p_user, p_conversation, p_content, p_parent, p_parent_given, p_branch, p_regenerate,
                                    p_client, p_model, p_host, p_request, p_session, v_state, p_max > 0, v_round, p_titled) b;
    IF outcome <> 'begun' THEN
        RETURN;
    END IF;
    IF p_user_requests > 0 AND NOT v_known THEN
        INSERT INTO chatsession.user_requests (user_id, at) VALUES (p_user, clock_timestamp());
    END IF;
    IF EXISTS (SELECT FROM chatsession.live_turns l WHERE l.answer_id = turn_enter.answer_id AND l.state = 'queued') THEN
        outcome := 'queued';
        SELECT q.place INTO place FROM chatsession.turn_queue(interval '1 day') q WHERE q.answer_id = turn_enter.answer_id;
        estimate := chatsession.turn_estimate(place, p_max);
    END IF;
END
$$;

-- As before, but for the conversation: its updated_at is when its last turn began, so its row is not written a second time.
CREATE OR REPLACE FUNCTION chatsession.turn_finish(
    p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text) RETURNS text
LANGUAGE plpgsql AS $$
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
    RETURN 'finished';
END
$$;

-- As before; days of long ago go when a new one comes, not at each turn.
CREATE OR REPLACE FUNCTION chatsession.count_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
    v_day date := chatsession.utc_day();
    v_tokens bigint := chatsession.tokens_of(NEW.usage, NEW.content);
BEGIN
    SELECT c.user_id INTO v_user FROM chatsession.conversations c WHERE c.id = NEW.conversation_id;
    UPDATE chatsession.user_tokens t SET tokens = t.tokens + v_tokens WHERE t.user_id = v_user AND t.day = v_day;
    IF NOT FOUND THEN
        INSERT INTO chatsession.user_tokens AS t (user_id, day, tokens) VALUES (v_user, v_day, v_tokens)
            ON CONFLICT ON CONSTRAINT user_tokens_pkey DO UPDATE SET tokens = t.tokens + excluded.tokens;
        DELETE FROM chatsession.user_tokens t WHERE t.user_id = v_user AND t.day < v_day - 31;
    END IF;
    RETURN NULL;
END
$$;
