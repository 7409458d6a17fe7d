-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Load: how many answers are written at once over all children and hosts, who waits for which place, and what one user may use.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.live_turns
    ADD COLUMN user_id uuid,
    ADD COLUMN state   text    NOT NULL DEFAULT 'streaming',
    ADD COLUMN counted boolean NOT NULL DEFAULT false, -- began under a limit: its duration tells others how long they may wait
    ADD COLUMN round   integer NOT NULL DEFAULT 0,     -- who waits is let in by round, then by ticket
    ADD COLUMN ticket  bigint  GENERATED ALWAYS AS IDENTITY,
    ADD CONSTRAINT live_turn_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE,
    ADD CONSTRAINT state_is_queued_or_streaming CHECK (state IN ('queued', 'streaming')),
    ADD CONSTRAINT nothing_is_written_while_queued CHECK (state = 'streaming' OR saved_points = 0);
-- Is anybody waiting, and who is next? Asked whenever an answer ends.
CREATE INDEX live_turns_queued ON chatsession.live_turns (round, ticket) WHERE state = 'queued';
-- How many has a user?
CREATE INDEX live_turns_of_user ON chatsession.live_turns (user_id);

-- How long the last answers took.
CREATE TABLE chatsession.turn_durations (
    id      bigint GENERATED ALWAYS AS IDENTITY,
    seconds real   NOT NULL,
    CONSTRAINT turn_durations_pkey PRIMARY KEY (id)
);
GRANT SELECT, INSERT, DELETE ON chatsession.turn_durations TO chatsession;

-- Turns that a user began within the last minute.
CREATE TABLE chatsession.user_requests (
    user_id uuid        NOT NULL,
    at      timestamptz NOT NULL,
    n       bigint      GENERATED ALWAYS AS IDENTITY, -- two within one microsecond are two
    CONSTRAINT user_requests_pkey PRIMARY KEY (user_id, at, n),
    CONSTRAINT request_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE
);
GRANT SELECT, INSERT, DELETE ON chatsession.user_requests TO chatsession;

-- What a user's answers cost, by UTC day; a month is kept.
CREATE TABLE chatsession.user_tokens (
    user_id uuid   NOT NULL,
    day     date   NOT NULL,
    tokens  bigint NOT NULL,
    CONSTRAINT user_tokens_pkey PRIMARY KEY (user_id, day),
    CONSTRAINT tokens_have_their_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.user_tokens TO chatsession;

CREATE FUNCTION chatsession.utc_day() RETURNS date
    LANGUAGE sql STABLE
    RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date;

-- Tokens of an answer: what its server counted; a server that does not count is taken at four code points a token.
CREATE FUNCTION chatsession.tokens_of(p_usage jsonb, p_content text) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN jsonb_typeof(p_usage -> 'total_tokens') = 'number'
                THEN least(greatest((p_usage ->> 'total_tokens')::numeric, 0), 1e12)::bigint
                ELSE (char_length(p_content) + 3) / 4 END;

CREATE FUNCTION chatsession.count_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid;
BEGIN
    SELECT c.user_id INTO v_user FROM chatsession.conversations c WHERE c.id = NEW.conversation_id;
    INSERT INTO chatsession.user_tokens AS t (user_id, day, tokens)
        VALUES (v_user, chatsession.utc_day(), chatsession.tokens_of(NEW.usage, NEW.content))
        ON CONFLICT ON CONSTRAINT user_tokens_pkey DO UPDATE SET tokens = t.tokens + excluded.tokens;
    DELETE FROM chatsession.user_tokens t WHERE t.user_id = v_user AND t.day < chatsession.utc_day() - 31;
    RETURN NULL;
END
$$;
CREATE TRIGGER tokens_are_counted AFTER UPDATE OF status ON chatsession.messages
    FOR EACH ROW WHEN (OLD.status IN ('streaming', 'interrupted') AND NEW.status NOT IN ('streaming', 'interrupted'))
    EXECUTE FUNCTION chatsession.count_tokens();

-- Whoever waits is told when a place may have become free, or when one of them is to go. Nobody is told while nobody waits.
CREATE FUNCTION chatsession.tell_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.live_turns l WHERE l.state = 'queued') THEN
        PERFORM pg_notify('chatsession_queue', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER end_is_told AFTER DELETE ON chatsession.live_turns
    FOR EACH ROW EXECUTE FUNCTION chatsession.tell_queue();
CREATE TRIGGER change_is_told AFTER UPDATE OF state, stop_requested_at ON chatsession.live_turns
    FOR EACH ROW WHEN (NEW.state <> OLD.state OR NEW.stop_requested_at IS DISTINCT FROM OLD.stop_requested_at)
    EXECUTE FUNCTION chatsession.tell_queue();

CREATE FUNCTION chatsession.keep_duration() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO chatsession.turn_durations (seconds) VALUES (extract(epoch FROM clock_timestamp() - OLD.started_at))
        RETURNING id INTO v_id;
    DELETE FROM chatsession.turn_durations d WHERE d.id <= v_id - 20;
    RETURN NULL;
END
$$;
CREATE TRIGGER duration_is_kept AFTER DELETE ON chatsession.live_turns
    FOR EACH ROW WHEN (OLD.counted AND OLD.state = 'streaming') EXECUTE FUNCTION chatsession.keep_duration();

-- In which order those who wait are let in. Who was not heard of for p_fresh is passed over: its child may be dead.
CREATE FUNCTION chatsession.turn_queue(p_fresh interval) RETURNS TABLE (answer_id uuid, place integer)
LANGUAGE sql STABLE AS $$
    SELECT l.answer_id, (row_number() OVER (ORDER BY l.round, l.ticket))::integer
        FROM chatsession.live_turns l WHERE l.state = 'queued' AND l.heartbeat_at > clock_timestamp() - p_fresh
$$;

-- The round of p_user's next turn (start-time fair queueing): one after the last that the user has under way, but never before the round that is being
-- written. So a user's first goes before somebody else's second, and among equals who came first goes first.
CREATE FUNCTION chatsession.turn_round(p_user uuid) RETURNS integer
LANGUAGE sql STABLE
    RETURN greatest((SELECT coalesce(max(l.round), 0) FROM chatsession.live_turns l WHERE l.state = 'streaming'),
                    (SELECT coalesce(max(l.round), -1) + 1 FROM chatsession.live_turns l WHERE l.user_id = p_user));

-- Seconds until the p_place-th of a queue is let in, when p_max are written at once; NULL while nothing is known.
CREATE FUNCTION chatsession.turn_estimate(p_place integer, p_max integer) RETURNS real
LANGUAGE sql STABLE
    RETURN (SELECT (avg(d.seconds) * p_place / greatest(p_max, 1))::real FROM chatsession.turn_durations d);

-- One at a time decides who is let in.
CREATE FUNCTION chatsession.turn_gate() RETURNS void
LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(hashtextextended('chatsession.turn_gate', 0)) $$;

-- What p_user has used up, or NULL: turns (at once), requests (in a minute), tokens (in a UTC day). A limit of 0 is none. retry_after: seconds, NULL when nobody can know.
CREATE FUNCTION chatsession.user_limit(p_user uuid, p_turns integer, p_requests integer, p_tokens bigint,
                                       OUT exceeded text, OUT retry_after real)
LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    IF p_tokens > 0 AND (SELECT t.tokens FROM chatsession.user_tokens t
                         WHERE t.user_id = p_user AND t.day = chatsession.utc_day()) >= p_tokens THEN
        exceeded := 'tokens';
        retry_after := extract(epoch FROM ((chatsession.utc_day() + 1)::timestamp AT TIME ZONE 'UTC') - v_now);
        RETURN;
    END IF;
    IF p_requests > 0 THEN
        DELETE FROM chatsession.user_requests q WHERE q.user_id = p_user AND q.at <= v_now - interval '1 minute';
        SELECT extract(epoch FROM q.at + interval '1 minute' - v_now) INTO retry_after
            FROM chatsession.user_requests q WHERE q.user_id = p_user ORDER BY q.at DESC, q.n DESC OFFSET p_requests - 1 LIMIT 1;
        IF FOUND THEN
            exceeded := 'requests';
            RETURN;
        END IF;
    END IF;
    IF p_turns > 0 AND (SELECT count(*) FROM chatsession.live_turns l WHERE l.user_id = p_user) >= p_turns THEN
        exceeded := 'turns';
        retry_after := NULL;
    END IF;
END
$$;

-- Begin a turn as turn_begin does, where there is room for it. More outcomes: queued (begun, and waits for its place); busy (p_waiting wait already);
-- and limit (of the user; exceeded says which). untitled: the conversation had no title before; without p_titled it has none after. A limit of 0 is none. The same client_id again finds its turn whatever the limits are.
CREATE FUNCTION chatsession.turn_enter(
    p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean,
    p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea,
    p_max integer, p_waiting integer, p_user_turns integer, p_user_requests integer, p_user_tokens bigint, p_titled boolean,
    OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text,
    OUT place integer, OUT estimate real, OUT exceeded text, OUT retry_after real, OUT untitled boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_queued integer := 0;
    v_state text := 'streaming';
    v_known boolean;
    v_round integer := 0;
BEGIN
    IF p_max > 0 THEN
        PERFORM chatsession.turn_gate();
    END IF;
    IF p_user_turns > 0 OR p_user_requests > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_user::text, 1));
    END IF;
    v_known := EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = p_conversation AND m.client_id = p_client);
    IF NOT v_known THEN
        SELECT u.exceeded, u.retry_after INTO exceeded, retry_after
            FROM chatsession.user_limit(p_user, p_user_turns, p_user_requests, p_user_tokens) u;
        IF exceeded IS NOT NULL THEN
            outcome := 'limit';
            RETURN;
        END IF;
        IF p_max > 0 THEN
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
    END IF;
    SELECT c.title IS NULL INTO untitled FROM chatsession.conversations c WHERE c.id = p_conversation;
    SELECT b.outcome, b.message_id, b.answer_id, b.model INTO outcome, message_id, answer_id, model
        FROM chatsession.turn_begin(p_user, p_conversation, p_content, p_parent, p_parent_given, p_branch, p_regenerate,
                                    p_client, p_model, p_host, p_request, p_session) b;
    IF outcome <> 'begun' THEN
        RETURN;
    END IF;
    IF NOT v_known THEN
        UPDATE chatsession.live_turns l SET user_id = p_user, state = v_state, counted = p_max > 0, round = v_round
            WHERE l.answer_id = turn_enter.answer_id;
        IF untitled AND NOT p_titled THEN
            UPDATE chatsession.conversations c SET title = NULL WHERE c.id = p_conversation;
        END IF;
        IF p_user_requests > 0 THEN
            INSERT INTO chatsession.user_requests (user_id, at) VALUES (p_user, clock_timestamp());
        END IF;
    END IF;
    IF EXISTS (SELECT FROM chatsession.live_turns l WHERE l.answer_id = turn_enter.answer_id AND l.state = 'queued') THEN
        outcome := 'queued';
        SELECT q.place INTO place FROM chatsession.turn_queue(interval '1 day') q WHERE q.answer_id = turn_enter.answer_id;
        estimate := chatsession.turn_estimate(place, p_max);
    END IF;
END
$$;

-- The turns that one child has waiting: they live; those whose place has come are let in. state: queued, streaming (let in), gone (ended elsewhere). p_max 0: all are let in.
CREATE FUNCTION chatsession.turn_wait(p_answers uuid[], p_max integer, p_fresh interval)
RETURNS TABLE (answer_id uuid, state text, place integer, estimate real, stop boolean, cut boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v_free integer;
BEGIN
    PERFORM chatsession.turn_gate();
    UPDATE chatsession.live_turns l SET heartbeat_at = clock_timestamp() WHERE l.answer_id = ANY (p_answers);
    SELECT p_max - count(*) INTO v_free FROM chatsession.live_turns l WHERE l.state = 'streaming';
    IF v_free > 0 OR p_max = 0 THEN
        UPDATE chatsession.live_turns l SET state = 'streaming', started_at = clock_timestamp()
            FROM chatsession.turn_queue(p_fresh) q
            WHERE l.answer_id = q.answer_id AND (q.place <= v_free OR p_max = 0) AND l.answer_id = ANY (p_answers)
              AND l.stop_requested_at IS NULL;
    END IF;
    RETURN QUERY
        SELECT g.id, coalesce(l.state, 'gone'), coalesce(q.place, 0), chatsession.turn_estimate(q.place, p_max),
               coalesce(l.stop_requested_at IS NOT NULL, false),
               l.session_hash IS NOT NULL AND NOT chatsession.session_lives(l.session_hash)
            FROM unnest(p_answers) AS g(id)
            LEFT JOIN chatsession.live_turns l ON l.answer_id = g.id
            LEFT JOIN chatsession.turn_queue(p_fresh) q ON q.answer_id = g.id;
END
$$;

-- The place of a waiting answer in its queue; NULL when it does not wait.
CREATE FUNCTION chatsession.turn_place(p_answer uuid) RETURNS integer
LANGUAGE sql STABLE
    RETURN (SELECT q.place FROM chatsession.live_turns l, chatsession.turn_queue(interval '1 day') q
            WHERE l.answer_id = p_answer AND l.state = 'queued' AND q.answer_id = l.answer_id);

-- Over all hosts: answers that are being written, answers that wait.
CREATE FUNCTION chatsession.turn_load(OUT processing integer, OUT waiting integer)
LANGUAGE sql STABLE AS $$
    SELECT count(*) FILTER (WHERE l.state = 'streaming')::integer, count(*) FILTER (WHERE l.state = 'queued')::integer
        FROM chatsession.live_turns l
$$;
