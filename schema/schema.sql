-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What roles.sql and the numbered steps add up to, as pg_dump shows it. For reading; tests/store/test_schema_sql.py
-- holds it against the steps and writes it anew.

CREATE SCHEMA chatsession;

ALTER SCHEMA chatsession OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.answer_is_there(p_answer uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM chatsession.messages m WHERE m.id = p_answer);
END
$$;

ALTER FUNCTION chatsession.answer_is_there(p_answer uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.is_label(p_text text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((p_text IS NOT NULL) AND ((char_length(p_text) >= 1) AND (char_length(p_text) <= 40)) AND (p_text !~ '[\u0001-\u001F\u007F-\u009F\u2028\u2029]'::text) AND (regexp_replace(p_text, '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0]'::text, ''::text, 'g'::text) ~ '^[^\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000](.*[^\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000])?$'::text));

ALTER FUNCTION chatsession.is_label(p_text text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.are_labels(p_labels text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (NOT (EXISTS (SELECT FROM unnest(are_labels.p_labels) l(l) WHERE (NOT chatsession.is_label(l.l)))));

ALTER FUNCTION chatsession.are_labels(p_labels text[]) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.audit_next(p_operator text, p_role text, p_action text, p_conversation uuid, p_user text, p_reason text, p_detail jsonb, p_network inet, p_request text, OUT seq bigint, OUT at timestamp with time zone, OUT before text, OUT content text) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('chatsession.audit_entries', 0));
    seq := nextval('chatsession.audit_entries_seq_seq');
    at := clock_timestamp();
    before := coalesce((SELECT encode(e.mac, 'hex') FROM chatsession.audit_entries e WHERE e.mac IS NOT NULL
                        ORDER BY e.seq DESC LIMIT 1), '');
    content := chatsession.audit_text(seq, at, p_operator, p_role, p_action, p_conversation, p_user, p_reason, p_detail, p_network,
                                      p_request);
END
$$;

ALTER FUNCTION chatsession.audit_next(p_operator text, p_role text, p_action text, p_conversation uuid, p_user text, p_reason text, p_detail jsonb, p_network inet, p_request text, OUT seq bigint, OUT at timestamp with time zone, OUT before text, OUT content text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.usec(timestamp with time zone) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((EXTRACT(epoch FROM ($1 AT TIME ZONE 'UTC'::text)) * (1000000)::numeric))::bigint;

ALTER FUNCTION chatsession.usec(timestamp with time zone) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.audit_text(seq bigint, at timestamp with time zone, operator text, role text, action text, conversation_id uuid, target_user text, reason text, detail jsonb, network inet, request_id text) RETURNS text
    LANGUAGE sql STABLE
    RETURN (jsonb_build_array(seq, chatsession.usec(at), operator, role, action, conversation_id, target_user, reason, detail, (network)::text, request_id))::text;

ALTER FUNCTION chatsession.audit_text(seq bigint, at timestamp with time zone, operator text, role text, action text, conversation_id uuid, target_user text, reason text, detail jsonb, network inet, request_id text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.canonical_name(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NORMALIZE(lower((NORMALIZE(regexp_replace($1, '[­͏؜ᅟᅠ឴឵᠋-᠎​-‏
-‮⁠-⁯ㅤ︀-️﻿ﾠ]'::text, ''::text, 'g'::text), NFKC) COLLATE "und-x-icu")), NFKC);

ALTER FUNCTION chatsession.canonical_name(text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.count_tokens() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION chatsession.count_tokens() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.end_sessions_of_user() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    cause CONSTANT text := CASE
        WHEN NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL THEN 'user_disabled'
        WHEN (NEW.second_factor_at IS NULL) <> (OLD.second_factor_at IS NULL) THEN 'second_factor_changed'
        WHEN NEW.password_revision <> OLD.password_revision THEN 'password_changed'
        WHEN NEW.role <> OLD.role THEN 'role_changed' END;
BEGIN
    IF cause IS NOT NULL THEN
        UPDATE chatsession.sessions s SET revoked_at = now(), revoke_cause = cause
         WHERE s.user_id = NEW.id AND s.revoked_at IS NULL;
    END IF;
    -- Nobody has to wait for what was tried against the old password, or against the second factor that is gone.
    IF cause IN ('password_changed', 'second_factor_changed') AND NEW.second_factor_at IS NULL THEN
        DELETE FROM chatsession.login_attempts a
         WHERE a.subject = chatsession.login_subject('account', NEW.canonical_name);
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION chatsession.end_sessions_of_user() OWNER TO chatsession_owner;

CREATE TABLE chatsession.answer_extras (
    answer_id uuid NOT NULL,
    extra jsonb NOT NULL,
    CONSTRAINT extra_is_an_object CHECK ((jsonb_typeof(extra) = 'object'::text))
);

ALTER TABLE chatsession.answer_extras OWNER TO chatsession_owner;

CREATE TABLE chatsession.thought_pieces (
    answer_id uuid NOT NULL,
    from_point integer NOT NULL,
    content text NOT NULL,
    CONSTRAINT thought_has_text CHECK ((content <> ''::text))
);

ALTER TABLE chatsession.thought_pieces OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.extra_so_far(p_id uuid, p_status text, p_extra jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN CASE WHEN (p_status <> 'streaming'::text) THEN p_extra ELSE NULLIF((COALESCE((SELECT jsonb_build_object('reasoning', string_agg(p.content, ''::text ORDER BY p.from_point)) AS jsonb_build_object FROM chatsession.thought_pieces p WHERE (p.answer_id = extra_so_far.p_id) HAVING (count(*) > 0)), '{}'::jsonb) || COALESCE((SELECT e.extra FROM chatsession.answer_extras e WHERE (e.answer_id = extra_so_far.p_id)), '{}'::jsonb)), '{}'::jsonb) END;

ALTER FUNCTION chatsession.extra_so_far(p_id uuid, p_status text, p_extra jsonb) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.feedback_finds_its_conversation() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.conversation_id := coalesce(NEW.conversation_id, (SELECT m.conversation_id FROM chatsession.messages m WHERE m.id = NEW.message_id));
    RETURN NEW;
END
$$;

ALTER FUNCTION chatsession.feedback_finds_its_conversation() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.guest_adopt(p_session bytea, p_user uuid) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_guest uuid;
    v_count integer;
BEGIN
    SELECT u.id INTO v_guest FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id
        WHERE s.id_hash = p_session AND u.role = 'guest' AND u.id <> p_user;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM chatsession.users u WHERE u.id = p_user AND u.role <> 'guest') THEN
        RETURN 0;
    END IF;
    UPDATE chatsession.conversations c SET user_id = p_user, client_key = NULL
        WHERE c.user_id = v_guest AND NOT chatsession.is_held(c.id, v_guest);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE chatsession.live_turns l SET user_id = p_user WHERE l.user_id = v_guest;
    PERFORM chatsession.guest_end(v_guest);
    RETURN v_count;
END
$$;

ALTER FUNCTION chatsession.guest_adopt(p_session bytea, p_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.guest_end(p_guest uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM chatsession.users u WHERE u.id = p_guest AND u.role = 'guest'
        AND NOT EXISTS (SELECT FROM chatsession.conversations c WHERE c.user_id = p_guest)
        AND NOT EXISTS (SELECT FROM chatsession.held_users h WHERE h.user_id = p_guest)
$$;

ALTER FUNCTION chatsession.guest_end(p_guest uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.guest_make(p_network inet, p_most integer) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_network CONSTANT inet := set_masklen(p_network, CASE family(p_network) WHEN 4 THEN 32 ELSE 64 END);
    v_id uuid;
BEGIN
    -- Two at once count each other.
    PERFORM pg_advisory_xact_lock(hashtextextended(network(v_network)::text, 2));
    IF (SELECT count(DISTINCT u.id) FROM chatsession.users u JOIN chatsession.sessions s ON s.user_id = u.id
        WHERE u.role = 'guest' AND u.created_at > now() - interval '1 hour' AND s.network <<= v_network) >= p_most THEN
        RETURN NULL;
    END IF;
    INSERT INTO chatsession.users (name, role)
        VALUES ('guest ' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16), 'guest') RETURNING id INTO v_id;
    RETURN v_id;
END
$$;

ALTER FUNCTION chatsession.guest_make(p_network inet, p_most integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.guest_sweep(p_idle interval, p_grace interval, p_batch integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_guests uuid[];
BEGIN
    SELECT coalesce(array_agg(g.id), '{}') INTO v_guests FROM (
        SELECT u.id FROM chatsession.users u WHERE u.role = 'guest' AND u.created_at < now() - p_idle
           AND NOT EXISTS (SELECT FROM chatsession.sessions s WHERE s.user_id = u.id AND s.revoked_at IS NULL
                           AND s.last_seen_at > now() - p_idle)
         ORDER BY u.created_at LIMIT p_batch) g;
    UPDATE chatsession.conversations c SET trashed_at = now(), trashed_by = 'retention', purge_at = now() + p_grace
        WHERE c.user_id = ANY (v_guests) AND c.trashed_at IS NULL AND NOT chatsession.is_held(c.id, c.user_id);
    PERFORM chatsession.guest_end(g) FROM unnest(v_guests) g;
    RETURN cardinality(v_guests);
END
$$;

ALTER FUNCTION chatsession.guest_sweep(p_idle interval, p_grace interval, p_batch integer) OWNER TO chatsession_owner;

CREATE TABLE chatsession.matter_conversations (
    matter_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text NOT NULL
);

ALTER TABLE chatsession.matter_conversations OWNER TO chatsession_owner;

CREATE TABLE chatsession.matters (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    released_at timestamp with time zone,
    released_by text,
    release_reason text,
    CONSTRAINT matter_name_is_1_to_200_characters CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT matter_reason_is_1_to_1000_characters CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 1000))),
    CONSTRAINT release_is_whole CHECK ((((released_at IS NULL) = (released_by IS NULL)) AND ((released_at IS NULL) = (release_reason IS NULL)))),
    CONSTRAINT release_reason_is_1_to_1000_characters CHECK (((char_length(release_reason) >= 1) AND (char_length(release_reason) <= 1000)))
);

ALTER TABLE chatsession.matters OWNER TO chatsession_owner;

CREATE VIEW chatsession.held_conversations AS
 SELECT DISTINCT k.conversation_id
   FROM (chatsession.matter_conversations k
     JOIN chatsession.matters m ON ((m.id = k.matter_id)))
  WHERE (m.released_at IS NULL);

ALTER TABLE chatsession.held_conversations OWNER TO chatsession_owner;

CREATE TABLE chatsession.matter_custodians (
    matter_id uuid NOT NULL,
    user_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text NOT NULL
);

ALTER TABLE chatsession.matter_custodians OWNER TO chatsession_owner;

CREATE VIEW chatsession.held_users AS
 SELECT DISTINCT k.user_id
   FROM (chatsession.matter_custodians k
     JOIN chatsession.matters m ON ((m.id = k.matter_id)))
  WHERE (m.released_at IS NULL);

ALTER TABLE chatsession.held_users OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.is_held(p_conversation uuid, p_user uuid) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((EXISTS (SELECT FROM chatsession.held_users h WHERE (h.user_id = is_held.p_user))) OR (EXISTS (SELECT FROM chatsession.held_conversations h WHERE (h.conversation_id = is_held.p_conversation))));

ALTER FUNCTION chatsession.is_held(p_conversation uuid, p_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_duration() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO chatsession.turn_durations (seconds) VALUES (extract(epoch FROM clock_timestamp() - OLD.started_at))
        RETURNING id INTO v_id;
    DELETE FROM chatsession.turn_durations d WHERE d.id <= v_id - 20;
    RETURN NULL;
END
$$;

ALTER FUNCTION chatsession.keep_duration() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_held_conversation() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM chatsession.users u WHERE u.id = OLD.user_id FOR SHARE;
    IF chatsession.is_held(OLD.id, OLD.user_id) THEN
        RAISE EXCEPTION 'conversation % is on hold', OLD.id USING ERRCODE = 'CS409';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;

ALTER FUNCTION chatsession.keep_held_conversation() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_held_message() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Deleted with its conversation, which was asked already and is gone from this statement's sight.
    IF EXISTS (SELECT FROM chatsession.conversations c
               WHERE c.id = OLD.conversation_id AND chatsession.is_held(c.id, c.user_id)) THEN
        RAISE EXCEPTION 'conversation % is on hold', OLD.conversation_id USING ERRCODE = 'CS409';
    END IF;
    RETURN OLD;
END
$$;

ALTER FUNCTION chatsession.keep_held_message() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_held_user() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.held_users h WHERE h.user_id = OLD.id)
       OR EXISTS (SELECT FROM chatsession.held_conversations h JOIN chatsession.conversations c ON c.id = h.conversation_id
                  WHERE c.user_id = OLD.id) THEN
        RAISE EXCEPTION 'user % is on hold', OLD.id USING ERRCODE = 'CS409';
    END IF;
    RETURN OLD;
END
$$;

ALTER FUNCTION chatsession.keep_held_user() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_matter_open() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM chatsession.matters m WHERE m.id = NEW.matter_id AND m.released_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'matter % was released and holds nothing more', NEW.matter_id USING ERRCODE = 'CS409';
    END IF;
    IF TG_TABLE_NAME = 'matter_custodians' THEN
        PERFORM FROM chatsession.users u WHERE u.id = NEW.user_id FOR NO KEY UPDATE;
    END IF;
    RETURN NEW;
END
$$;

ALTER FUNCTION chatsession.keep_matter_open() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_released() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'matter % was released and stays so', OLD.id USING ERRCODE = 'CS409';
END
$$;

ALTER FUNCTION chatsession.keep_released() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_text() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.status = 'streaming' OR (OLD.status = 'interrupted' AND starts_with(NEW.content, OLD.content)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'message % is % and its text is final', OLD.id, OLD.status USING ERRCODE = 'CS409';
END
$$;

ALTER FUNCTION chatsession.keep_text() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.keep_values_few() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM FROM chatsession.sessions s WHERE s.id_hash = NEW.id_hash FOR NO KEY UPDATE;
    NEW.id_hash := chatsession.this_session(NEW.id_hash);
    PERFORM FROM chatsession.sessions s WHERE s.id_hash = NEW.id_hash AND s.revoked_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM chatsession.session_values v WHERE v.id_hash = NEW.id_hash AND v.name <> NEW.name) >= 64 THEN
        RAISE EXCEPTION 'a session holds at most 64 values' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

ALTER FUNCTION chatsession.keep_values_few() OWNER TO chatsession_owner;

CREATE TABLE chatsession.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT key_hash_is_sha256 CHECK ((octet_length(key_hash) = 32)),
    CONSTRAINT key_name_is_1_to_64_characters CHECK (((char_length(name) >= 1) AND (char_length(name) <= 64)))
);

ALTER TABLE chatsession.api_keys OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.key_make(p_user uuid, p_name text, p_prefix text, p_hash bytea, p_max integer) RETURNS SETOF chatsession.api_keys
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION chatsession.key_make(p_user uuid, p_name text, p_prefix text, p_hash bytea, p_max integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.key_use(p_hash bytea, OUT user_id uuid, OUT user_name text, OUT role text) RETURNS record
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION chatsession.key_use(p_hash bytea, OUT user_id uuid, OUT user_name text, OUT role text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.labels_of(p_labels jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT l.value AS l FROM jsonb_array_elements_text(labels_of.p_labels) l(value) GROUP BY l.value ORDER BY (l.value COLLATE "C"));

ALTER FUNCTION chatsession.labels_of(p_labels jsonb) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.login_admit(name text, network inet, device text, device_user uuid, most integer, first_delay interval, OUT wait integer, OUT admitted_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    subjects CONSTANT bytea[] := chatsession.login_subjects(name, network, device, device_user);
    longest interval;
BEGIN
    -- Twice: without a lock, so that a flood of refused attempts only reads, and with it.
    FOR locked IN 0..1 LOOP
        IF locked = 1 THEN
            -- In the order of subjects, always: no deadlock.
            INSERT INTO chatsession.login_attempts AS a (subject)
                SELECT s FROM unnest(subjects) WITH ORDINALITY AS u (s, i) ORDER BY i
                ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject;
        END IF;
        admitted_at := clock_timestamp();
        SELECT max(greatest(a.not_before, (SELECT r FROM unnest(a.recent) r ORDER BY r DESC OFFSET most - 1 LIMIT 1)
                                          + interval '1 hour')) - admitted_at
          INTO longest FROM chatsession.login_attempts a WHERE a.subject = ANY (subjects);
        IF longest > interval '0' THEN
            wait := ceil(extract(epoch FROM longest));
            RETURN;
        END IF;
    END LOOP;
    UPDATE chatsession.login_attempts a
       SET failures = counted.failures, last_at = admitted_at,
           not_before = CASE WHEN a.subject = subjects[1]
                             THEN admitted_at + nullif(chatsession.login_delay(counted.failures, most, first_delay),
                                                       interval '0') END,
           recent = ARRAY(SELECT r FROM unnest(a.recent) r WHERE r > admitted_at - interval '1 hour' ORDER BY r)
                    || admitted_at
      FROM (SELECT c.subject, 1 + CASE WHEN c.last_at < admitted_at - interval '1 day' THEN 0 ELSE c.failures END
                              AS failures
              FROM chatsession.login_attempts c WHERE c.subject = ANY (subjects)) counted
     WHERE a.subject = counted.subject;
END
$$;

ALTER FUNCTION chatsession.login_admit(name text, network inet, device text, device_user uuid, most integer, first_delay interval, OUT wait integer, OUT admitted_at timestamp with time zone) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.login_delay(failures integer, most integer, first_delay interval) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (failures >= most) THEN '1 day'::interval WHEN (failures < 3) THEN '00:00:00'::interval ELSE LEAST((first_delay * power((2)::double precision, (LEAST((failures - 3), 20))::double precision)), '00:15:00'::interval) END;

ALTER FUNCTION chatsession.login_delay(failures integer, most integer, first_delay interval) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.login_subject(kind text, value text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256(convert_to(((kind || ' '::text) || value), 'UTF8'::name));

ALTER FUNCTION chatsession.login_subject(kind text, value text) OWNER TO chatsession_owner;

CREATE TABLE chatsession.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    canonical_name text GENERATED ALWAYS AS (chatsession.canonical_name(name)) STORED,
    role text DEFAULT 'user'::text NOT NULL,
    password_phc text,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_login_at timestamp with time zone,
    password_revision integer DEFAULT 0 NOT NULL,
    second_factor_at timestamp with time zone,
    max_turns integer,
    max_requests integer,
    max_tokens bigint,
    invitation_hash text,
    invitation_until timestamp with time zone,
    CONSTRAINT guests_are_not_invited CHECK (((role <> 'guest'::text) OR (invitation_hash IS NULL))),
    CONSTRAINT guests_have_no_password CHECK (((role <> 'guest'::text) OR (password_phc IS NULL))),
    CONSTRAINT invitation_has_an_end CHECK (((invitation_hash IS NULL) = (invitation_until IS NULL))),
    CONSTRAINT invitation_is_sha256 CHECK ((invitation_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT max_requests_is_0_to_100000 CHECK (((max_requests >= 0) AND (max_requests <= 100000))),
    CONSTRAINT max_tokens_is_0_to_a_million_million CHECK (((max_tokens >= 0) AND (max_tokens <= '1000000000000'::bigint))),
    CONSTRAINT max_turns_is_0_to_10000 CHECK (((max_turns >= 0) AND (max_turns <= 10000))),
    CONSTRAINT name_is_1_to_64_characters CHECK (((char_length(name) >= 1) AND (char_length(name) <= 64))),
    CONSTRAINT name_is_visible CHECK ((canonical_name ~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$'::text)),
    CONSTRAINT password_is_argon2id CHECK ((password_phc ~~ '$argon2id$%'::text)),
    CONSTRAINT role_is_known CHECK ((role = ANY (ARRAY['guest'::text, 'user'::text, 'viewer'::text, 'auditor'::text, 'operator'::text, 'admin'::text])))
);

ALTER TABLE chatsession.users OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.login_subjects(name text, network inet, device text, device_user uuid) RETURNS bytea[]
    LANGUAGE sql STABLE
    RETURN CASE WHEN (EXISTS (SELECT FROM chatsession.users u WHERE ((u.id = login_subjects.device_user) AND (u.canonical_name = chatsession.canonical_name(login_subjects.name))))) THEN ARRAY[chatsession.login_subject('device'::text, device)] ELSE ARRAY[chatsession.login_subject('account'::text, chatsession.canonical_name(name)), chatsession.login_subject('network'::text, (network(set_masklen(network, CASE family(network) WHEN 4 THEN 32 ELSE 64 END)))::text)] END;

ALTER FUNCTION chatsession.login_subjects(name text, network inet, device text, device_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.login_succeeded(name text, network inet, device text, device_user uuid, admitted_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    one bytea;
BEGIN
    FOREACH one IN ARRAY chatsession.login_subjects(name, network, device, device_user) LOOP
        DELETE FROM chatsession.login_attempts a WHERE a.subject = one AND array_remove(a.recent, admitted_at) = '{}';
        UPDATE chatsession.login_attempts a
           SET failures = 0, not_before = NULL, recent = array_remove(a.recent, admitted_at)
         WHERE a.subject = one;
    END LOOP;
END
$$;

ALTER FUNCTION chatsession.login_succeeded(name text, network inet, device text, device_user uuid, admitted_at timestamp with time zone) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.login_withdrawn(name text, network inet, device text, device_user uuid, admitted_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    one bytea;
BEGIN
    FOREACH one IN ARRAY chatsession.login_subjects(name, network, device, device_user) LOOP
        UPDATE chatsession.login_attempts a
           SET failures = greatest(a.failures - 1, 0), recent = array_remove(a.recent, admitted_at),
               -- It was admitted, so no wait of before was left; one of an attempt after it stays.
               not_before = CASE WHEN a.last_at > admitted_at THEN a.not_before END
         WHERE a.subject = one;
    END LOOP;
END
$$;

ALTER FUNCTION chatsession.login_withdrawn(name text, network inet, device text, device_user uuid, admitted_at timestamp with time zone) OWNER TO chatsession_owner;

CREATE TABLE chatsession.conversations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    title text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    message_count integer DEFAULT 0 NOT NULL,
    pinned boolean DEFAULT false NOT NULL,
    archived boolean DEFAULT false NOT NULL,
    trashed_at timestamp with time zone,
    trashed_by text,
    purge_at timestamp with time zone,
    model text,
    system text,
    params jsonb,
    examples jsonb,
    client_key text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    temporary_until timestamp with time zone,
    labels text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT at_most_10_labels CHECK ((cardinality(labels) <= 10)),
    CONSTRAINT at_most_20_tags CHECK ((cardinality(tags) <= 20)),
    CONSTRAINT client_key_is_1_to_200_characters CHECK (((char_length(client_key) >= 1) AND (char_length(client_key) <= 200))),
    CONSTRAINT examples_are_an_array CHECK ((jsonb_typeof(examples) = 'array'::text)),
    CONSTRAINT labels_are_visible CHECK (((labels = '{}'::text[]) OR chatsession.are_labels(labels))),
    CONSTRAINT message_count_is_not_negative CHECK ((message_count >= 0)),
    CONSTRAINT model_is_a_name CHECK (((char_length(model) >= 1) AND (char_length(model) <= 64))),
    CONSTRAINT no_tag_is_null CHECK ((array_position(tags, NULL::text) IS NULL)),
    CONSTRAINT params_are_an_object CHECK ((jsonb_typeof(params) = 'object'::text)),
    CONSTRAINT system_is_at_most_16000_characters CHECK (((char_length(system) >= 1) AND (char_length(system) <= 16000))),
    CONSTRAINT title_is_at_most_200_characters CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200))),
    CONSTRAINT trash_is_whole CHECK ((((trashed_at IS NULL) = (purge_at IS NULL)) AND ((trashed_at IS NULL) = (trashed_by IS NULL)))),
    CONSTRAINT trashed_by_is_known CHECK ((trashed_by = ANY (ARRAY['user'::text, 'operator'::text, 'retention'::text])))
);

ALTER TABLE chatsession.conversations OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_applies(c chatsession.conversations, p_role text, p_subject text, p_value text, p_user uuid) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN CASE p_subject WHEN 'tag'::text THEN (p_value = ANY ((c).tags)) WHEN 'user'::text THEN (p_user = (c).user_id) WHEN 'role'::text THEN (p_value = p_role) ELSE (p_subject = 'everyone'::text) END;

ALTER FUNCTION chatsession.retention_applies(c chatsession.conversations, p_role text, p_subject text, p_value text, p_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_due(p_draft jsonb, p_without uuid, p_after uuid, p_window integer) RETURNS TABLE(id uuid, created_at timestamp with time zone, updated_at timestamp with time zone, due_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    WITH rules AS MATERIALIZED (
        SELECT * FROM chatsession.retention_rules_with(p_draft, p_without)
    )
    SELECT c.id, c.created_at, c.updated_at, v.due_at
    FROM (SELECT s.* FROM chatsession.conversations s
          WHERE s.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') ORDER BY s.id LIMIT p_window) c
    JOIN chatsession.users u ON u.id = c.user_id
    LEFT JOIN LATERAL (
        SELECT chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due_at
        FROM rules r
        WHERE CASE r.subject WHEN 'model'
              THEN EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.model = r.value)
              ELSE chatsession.retention_applies(c, u.role, r.subject, r.value, r.user_id) END
        ORDER BY r.rank, due_at DESC LIMIT 1) v ON true
    WHERE c.trashed_at IS NULL
$$;

ALTER FUNCTION chatsession.retention_due(p_draft jsonb, p_without uuid, p_after uuid, p_window integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_end(c chatsession.conversations, p_clock text, p_days integer, p_pinned_too boolean) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN CASE WHEN ((p_days IS NULL) OR ((c).pinned AND (NOT p_pinned_too))) THEN 'infinity'::timestamp with time zone ELSE (CASE p_clock WHEN 'age'::text THEN (c).created_at ELSE (c).updated_at END + ((p_days)::double precision * '1 day'::interval)) END;

ALTER FUNCTION chatsession.retention_end(c chatsession.conversations, p_clock text, p_days integer, p_pinned_too boolean) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_rank(p_subject text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['tag'::text, 'user'::text, 'model'::text, 'role'::text, 'everyone'::text], p_subject);

ALTER FUNCTION chatsession.retention_rank(p_subject text) OWNER TO chatsession_owner;

CREATE TABLE chatsession.messages (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    conversation_id uuid NOT NULL,
    seq integer NOT NULL,
    parent_id uuid,
    role text NOT NULL,
    status text NOT NULL,
    content text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    client_id uuid,
    model text,
    finish_reason text,
    usage jsonb,
    detail text,
    request_id text,
    extra jsonb,
    searchable boolean DEFAULT true NOT NULL,
    CONSTRAINT answers_have_a_question CHECK (((role = 'user'::text) OR (parent_id IS NOT NULL))),
    CONSTRAINT finished_with_a_time CHECK (((role = 'user'::text) OR ((finished_at IS NULL) = (status = 'streaming'::text)))),
    CONSTRAINT only_answers_are_in_progress CHECK (((role = 'assistant'::text) OR (status = 'complete'::text))),
    CONSTRAINT only_answers_have_a_client_id CHECK (((client_id IS NULL) OR (role = 'assistant'::text))),
    CONSTRAINT only_answers_have_more_than_text CHECK (((extra IS NULL) OR (role = 'assistant'::text))),
    CONSTRAINT role_is_user_or_assistant CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text]))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['streaming'::text, 'complete'::text, 'stopped'::text, 'interrupted'::text, 'error'::text])))
);

ALTER TABLE chatsession.messages OWNER TO chatsession_owner;

CREATE TABLE chatsession.retention_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    subject text NOT NULL,
    value text,
    user_id uuid,
    clock text NOT NULL,
    keep_days integer,
    pinned_too boolean DEFAULT false NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT clock_is_age_or_idle CHECK ((clock = ANY (ARRAY['age'::text, 'idle'::text]))),
    CONSTRAINT keep_days_is_1_to_36500 CHECK (((keep_days >= 1) AND (keep_days <= 36500))),
    CONSTRAINT subject_is_known CHECK ((subject = ANY (ARRAY['tag'::text, 'user'::text, 'model'::text, 'role'::text, 'everyone'::text]))),
    CONSTRAINT user_belongs_to_the_subject CHECK (((user_id IS NOT NULL) = (subject = 'user'::text))),
    CONSTRAINT value_belongs_to_the_subject CHECK (((value IS NOT NULL) = (subject = ANY (ARRAY['tag'::text, 'model'::text, 'role'::text])))),
    CONSTRAINT value_is_1_to_200_characters CHECK (((char_length(value) >= 1) AND (char_length(value) <= 200)))
);

ALTER TABLE chatsession.retention_rules OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_end_of(c chatsession.conversations) RETURNS timestamp with time zone
    LANGUAGE sql STABLE COST 1000
    RETURN (SELECT chatsession.retention_end(retention_end_of.c, r.clock, r.keep_days, r.pinned_too) AS due_at FROM chatsession.retention_rules r WHERE CASE r.subject WHEN 'model'::text THEN (EXISTS (SELECT FROM chatsession.messages m WHERE ((m.conversation_id = (retention_end_of.c).id) AND (m.model = r.value)))) ELSE chatsession.retention_applies(retention_end_of.c, (SELECT u.role FROM chatsession.users u WHERE (u.id = (retention_end_of.c).user_id)), r.subject, r.value, r.user_id) END ORDER BY (chatsession.retention_rank(r.subject)), (chatsession.retention_end(retention_end_of.c, r.clock, r.keep_days, r.pinned_too)) DESC LIMIT 1);

ALTER FUNCTION chatsession.retention_end_of(c chatsession.conversations) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_notice(c chatsession.conversations) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    IF c.trashed_at IS NOT NULL THEN
        RETURN NULL;
    ELSIF c.temporary_until IS NOT NULL THEN
        RETURN jsonb_build_object('verdict', 'temporary', 'due_at', chatsession.rfc3339(c.temporary_until));
    END IF;
    RETURN (
        SELECT jsonb_build_object('verdict', CASE WHEN isfinite(v.due_at) THEN 'due' WHEN v.keep_days IS NOT NULL THEN 'pinned' ELSE 'kept' END,
                                  'due_at', CASE WHEN isfinite(v.due_at) THEN chatsession.rfc3339(v.due_at) END)
        FROM (SELECT) AS one LEFT JOIN LATERAL (
            SELECT r.keep_days, chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due_at
            FROM chatsession.retention_rules_with(NULL, NULL) r JOIN chatsession.users u ON u.id = c.user_id
            WHERE CASE r.subject WHEN 'model'
                  THEN EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.model = r.value)
                  ELSE chatsession.retention_applies(c, u.role, r.subject, r.value, r.user_id) END
            ORDER BY r.rank, due_at DESC LIMIT 1) v ON true);
END
$$;

ALTER FUNCTION chatsession.retention_notice(c chatsession.conversations) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.retention_rules_with(p_draft jsonb, p_without uuid) RETURNS TABLE(id uuid, rank integer, subject text, value text, user_id uuid, clock text, keep_days integer, pinned_too boolean)
    LANGUAGE sql STABLE
    AS $$
    SELECT r.id, chatsession.retention_rank(r.subject), r.subject, r.value, r.user_id, r.clock, r.keep_days, r.pinned_too
        FROM chatsession.retention_rules r WHERE r.id IS DISTINCT FROM p_without
    UNION ALL
    SELECT NULL, chatsession.retention_rank(d.subject), d.subject, d.value, d.user_id, d.clock, d.keep_days, coalesce(d.pinned_too, false)
        FROM jsonb_to_record(p_draft) AS d(subject text, value text, user_id uuid, clock text, keep_days integer, pinned_too boolean)
        WHERE p_draft IS NOT NULL
$$;

ALTER FUNCTION chatsession.retention_rules_with(p_draft jsonb, p_without uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.rfc3339(timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_char(($1 AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text);

ALTER FUNCTION chatsession.rfc3339(timestamp with time zone) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_catch_up(p_batch integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_from uuid;
    v_last uuid;
    v_seen integer;
BEGIN
    SELECT b.position INTO v_from FROM chatsession.search_backlog b WHERE b.done_at IS NULL FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT count(*), (array_agg(w.id ORDER BY w.id DESC))[1] INTO v_seen, v_last
        FROM (SELECT m.id FROM chatsession.messages m
              WHERE m.id > coalesce(v_from, '00000000-0000-0000-0000-000000000000') ORDER BY m.id LIMIT p_batch) w;
    UPDATE chatsession.messages m SET searchable = true
        WHERE m.id > coalesce(v_from, '00000000-0000-0000-0000-000000000000') AND m.id <= v_last AND NOT m.searchable;
    UPDATE chatsession.search_backlog b SET position = coalesce(v_last, b.position), done_at = CASE WHEN v_seen < p_batch THEN now() END;
    RETURN v_seen;
END
$$;

ALTER FUNCTION chatsession.search_catch_up(p_batch integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_words(p_query text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_remove(regexp_split_to_array(p_query, '[\s\u3000]+'::text), ''::text);

ALTER FUNCTION chatsession.search_words(p_query text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_patterns(p_query text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT (('%'::text || replace(replace(replace(w.word, '\'::text, '\\'::text), '%'::text, '\%'::text), '_'::text, '\_'::text)) || '%'::text) FROM unnest(chatsession.search_words(search_patterns.p_query)) w(word));

ALTER FUNCTION chatsession.search_patterns(p_query text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_runs(p_text text) RETURNS SETOF text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_matches(lower("left"(p_text, 100000)), '([0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]+)|([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2070-\u2fff\u3005-\u3007\u3021-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdf\U00010000-\U0010ffff]+)'::text, 'g'::text);

ALTER FUNCTION chatsession.search_runs(p_text text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_query(p_query text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE COST 1000 PARALLEL SAFE
    RETURN (SELECT (string_agg((((''''::text || t.term) || ''''::text) || CASE WHEN t.open THEN ':*'::text ELSE ''::text END), ' & '::text))::tsquery AS string_agg FROM unnest(chatsession.search_words(search_query.p_query)) w(word), LATERAL (SELECT r.run, ((lower(w.word) ~~ ('%'::text || r.run[1])) AND (row_number() OVER () = count(*) OVER ())) AS ends FROM chatsession.search_runs(w.word) r(run)) q, LATERAL (SELECT "left"(q.run[1], 64) AS term, q.ends AS open WHERE (q.run[1] IS NOT NULL) UNION ALL SELECT substr(q.run[2], i.i, 2) AS substr, (char_length(q.run[2]) = 1) FROM generate_series(1, GREATEST(1, (char_length(q.run[2]) - 1))) i(i) WHERE (q.run[2] IS NOT NULL)) t);

ALTER FUNCTION chatsession.search_query(p_query text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_snippet(p_text text, p_query text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(substr(p_text, GREATEST(1, (strpos(lower(p_text), lower((chatsession.search_words(p_query))[1])) - 40)), 120), '\s+'::text, ' '::text, 'g'::text);

ALTER FUNCTION chatsession.search_snippet(p_text text, p_query text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.search_terms(p_text text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE COST 1000 PARALLEL SAFE
    AS $$
DECLARE
    v_text text := lower(left(p_text, 100000));
    v_terms text[];
    v_chars text[];
BEGIN
    IF v_text ~ '\S{65}' THEN
        v_text := regexp_replace(v_text, '([0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]{64})[0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]+', '\1', 'g');
    END IF;
    v_terms := regexp_split_to_array(v_text, '[^0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]+');
    IF v_text ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2070-\u2fff\u3005-\u3007\u3021-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdf\U00010000-\U0010ffff]' THEN
        v_chars := string_to_array(regexp_replace(v_text, '[^\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2070-\u2fff\u3005-\u3007\u3021-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdf\U00010000-\U0010ffff]+', ' ', 'g'), NULL);
        -- By lead(), not by v_chars[i + 1]: reaching an element of such an array walks past all before it.
        v_terms := v_terms || ARRAY(SELECT rtrim(pair.this || coalesce(pair.next, ''))
                                    FROM (SELECT c.this, lead(c.this) OVER (ORDER BY c.i) AS next
                                          FROM unnest(v_chars) WITH ORDINALITY AS c(this, i)) pair WHERE pair.this <> ' ');
    END IF;
    RETURN array_to_tsvector(array_remove(v_terms, ''));
END
$$;

ALTER FUNCTION chatsession.search_terms(p_text text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.session_begin(p_hash bytea, p_ref text, p_user uuid, p_revision integer, p_replaces bytea, p_network inet, p_user_agent text, p_most integer, p_lifetime interval, p_legacy text, p_legacy_end timestamp with time zone, OUT outcome text, OUT evicted integer) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_rotated boolean;
BEGIN
    evicted := 0;
    IF p_user IS NOT NULL THEN
        UPDATE chatsession.users SET last_login_at = now()
         WHERE id = p_user AND disabled_at IS NULL AND (p_revision IS NULL OR password_revision = p_revision);
        IF NOT FOUND THEN
            outcome := 'refused';
            RETURN;
        END IF;
    END IF;
    IF p_legacy IS NOT NULL THEN
        INSERT INTO chatsession.legacy_cookies (id_hash, forget_at)
            VALUES (sha256(convert_to(p_legacy, 'UTF8')), p_legacy_end) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            outcome := 'taken';
            RETURN;
        END IF;
    END IF;
    INSERT INTO chatsession.sessions (id_hash, ref, user_id, network, user_agent, legacy_id)
        VALUES (p_hash, p_ref, p_user, p_network, p_user_agent, p_legacy);
    -- Only a session of the same user has a successor.
    UPDATE chatsession.sessions SET revoked_at = now(),
           revoke_cause = CASE WHEN user_id = p_user THEN 'rotated' ELSE 'replaced' END,
           replaced_by = CASE WHEN user_id = p_user THEN p_hash END
     WHERE id_hash = p_replaces AND revoked_at IS NULL
     RETURNING replaced_by IS NOT NULL INTO v_rotated;
    -- What others keep in it (the next step of the schema) goes along, also when it ended a moment ago with the user's password or role, but never from one user to another.
    UPDATE chatsession.session_values SET id_hash = p_hash
     WHERE id_hash = p_replaces
       AND EXISTS (SELECT FROM chatsession.sessions s WHERE s.id_hash = p_replaces AND s.user_id = p_user);
    -- Of a chain all point to its live end. What ended otherwise (a new password) takes its predecessors with it.
    IF v_rotated THEN
        UPDATE chatsession.sessions SET replaced_by = p_hash WHERE replaced_by = p_replaces;
    END IF;
    UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'evicted'
     WHERE revoked_at IS NULL AND id_hash IN (
           SELECT s.id_hash FROM chatsession.sessions s
            WHERE s.user_id = p_user AND s.revoked_at IS NULL AND s.id_hash <> p_hash
              AND (p_lifetime IS NULL OR s.created_at > now() - p_lifetime)
            ORDER BY s.last_seen_at DESC, s.id_hash OFFSET p_most - 1)
       AND p_most IS NOT NULL;
    GET DIAGNOSTICS evicted = ROW_COUNT;
    outcome := 'begun';
END
$$;

ALTER FUNCTION chatsession.session_begin(p_hash bytea, p_ref text, p_user uuid, p_revision integer, p_replaces bytea, p_network inet, p_user_agent text, p_most integer, p_lifetime interval, p_legacy text, p_legacy_end timestamp with time zone, OUT outcome text, OUT evicted integer) OWNER TO chatsession_owner;

CREATE TABLE chatsession.sessions (
    id_hash bytea NOT NULL,
    ref text NOT NULL,
    user_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    revoke_cause text,
    network inet,
    user_agent text,
    console_seen_at timestamp with time zone,
    replaced_by bytea,
    legacy_id text,
    CONSTRAINT id_hash_is_sha256 CHECK ((octet_length(id_hash) = 32)),
    CONSTRAINT legacy_id_is_nobodys CHECK (((legacy_id IS NULL) OR (user_id IS NULL))),
    CONSTRAINT legacy_id_is_short CHECK (((char_length(legacy_id) >= 1) AND (char_length(legacy_id) <= 64))),
    CONSTRAINT nobody_has_no_console_and_no_successor CHECK (((user_id IS NOT NULL) OR ((console_seen_at IS NULL) AND (replaced_by IS NULL)))),
    CONSTRAINT replaced_has_ended CHECK (((replaced_by IS NULL) OR (revoked_at IS NOT NULL))),
    CONSTRAINT revoked_with_a_cause CHECK (((revoked_at IS NULL) = (revoke_cause IS NULL))),
    CONSTRAINT user_agent_is_short CHECK ((char_length(user_agent) <= 256))
);

ALTER TABLE chatsession.sessions OWNER TO chatsession_owner;

CREATE VIEW chatsession.living_sessions AS
 SELECT s.id_hash
   FROM ((chatsession.sessions s
     JOIN chatsession.users u ON ((u.id = s.user_id)))
     LEFT JOIN chatsession.sessions n ON ((n.id_hash = s.replaced_by)))
  WHERE ((u.disabled_at IS NULL) AND ((s.revoked_at IS NULL) OR ((n.id_hash IS NOT NULL) AND (n.revoked_at IS NULL))));

ALTER TABLE chatsession.living_sessions OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.session_lives(p_hash bytea) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (EXISTS (SELECT FROM chatsession.living_sessions s WHERE (s.id_hash = session_lives.p_hash)));

ALTER FUNCTION chatsession.session_lives(p_hash bytea) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.storage_sample() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.storage_samples s WHERE s.at = date_trunc('hour', now())) THEN
        RETURN false;
    END IF;
    INSERT INTO chatsession.storage_samples (at, database_bytes, conversations, messages, trashed)
        SELECT date_trunc('hour', now()), pg_database_size(current_database()), count(*), coalesce(sum(c.message_count), 0),
               count(c.trashed_at)
        FROM chatsession.conversations c
        ON CONFLICT ON CONSTRAINT storage_samples_pkey DO NOTHING;
    DELETE FROM chatsession.storage_samples s WHERE s.at < now() - interval '400 days';
    RETURN true;
END
$$;

ALTER FUNCTION chatsession.storage_sample() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.tell_queue() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.live_turns l WHERE l.state = 'queued') THEN
        PERFORM pg_notify('chatsession_queue', '');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION chatsession.tell_queue() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.tell_revoked() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('chatsession_revoked', encode(OLD.id_hash, 'hex'));
    RETURN NULL;
END
$$;

ALTER FUNCTION chatsession.tell_revoked() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.tell_user_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('chatsession_revoked', encode(s.id_hash, 'hex')) FROM chatsession.sessions s WHERE s.user_id = OLD.id;
    RETURN NULL;
END
$$;

ALTER FUNCTION chatsession.tell_user_changed() OWNER TO chatsession_owner;

CREATE TABLE chatsession.answer_pieces (
    answer_id uuid NOT NULL,
    from_point integer NOT NULL,
    content text NOT NULL,
    CONSTRAINT piece_has_text CHECK ((content <> ''::text))
);

ALTER TABLE chatsession.answer_pieces OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.text_so_far(p_id uuid, p_status text, p_content text) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN (p_status <> 'streaming'::text) THEN p_content ELSE COALESCE((SELECT string_agg(p.content, ''::text ORDER BY p.from_point) AS string_agg FROM chatsession.answer_pieces p WHERE (p.answer_id = text_so_far.p_id)), ''::text) END;

ALTER FUNCTION chatsession.text_so_far(p_id uuid, p_status text, p_content text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.this_session(p_hash bytea) RETURNS bytea
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT s.replaced_by FROM chatsession.sessions s WHERE (s.id_hash = this_session.p_hash)), p_hash);

ALTER FUNCTION chatsession.this_session(p_hash bytea) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.title_by_model(p_user uuid, p_message uuid, p_title text) RETURNS boolean
    LANGUAGE sql
    AS $$
    WITH named AS (
        UPDATE chatsession.conversations c SET title = chatsession.title_of(p_title)
            FROM chatsession.messages m
            WHERE m.id = p_message AND c.id = m.conversation_id AND c.user_id = p_user
              AND c.title = chatsession.title_of(m.content) AND chatsession.title_of(p_title) IS NOT NULL
            RETURNING 1
    )
    SELECT EXISTS (SELECT FROM named)
$$;

ALTER FUNCTION chatsession.title_by_model(p_user uuid, p_message uuid, p_title text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.title_of(p_content text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT CASE WHEN (char_length(t.line) > 60) THEN (btrim("left"(t.line, 59)) || '…'::text) ELSE NULLIF(t.line, ''::text) END AS "nullif" FROM (SELECT btrim(regexp_replace("left"(title_of.p_content, 1000), '[[:space:]]+'::text, ' '::text, 'g'::text)) AS line) t);

ALTER FUNCTION chatsession.title_of(p_content text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.tokens_of(p_usage jsonb, p_content text) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (jsonb_typeof((p_usage -> 'total_tokens'::text)) = 'number'::text) THEN (LEAST(GREATEST(((p_usage ->> 'total_tokens'::text))::numeric, (0)::numeric), '1000000000000'::numeric))::bigint ELSE (((char_length(p_content) + 3) / 4))::bigint END;

ALTER FUNCTION chatsession.tokens_of(p_usage jsonb, p_content text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.totals(p_counted_up_to bigint) RETURNS TABLE(active bigint, trashed bigint, messages bigint, counted_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'chatsession.conversations'::regclass) > p_counted_up_to THEN
        RETURN QUERY SELECT s.conversations - s.trashed, s.trashed, s.messages, s.at FROM chatsession.storage_samples s
            WHERE s.at > now() - interval '2 hours' AND s.trashed IS NOT NULL ORDER BY s.at DESC LIMIT 1;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT count(*) - count(c.trashed_at), count(c.trashed_at), coalesce(sum(c.message_count), 0)::bigint, NULL::timestamptz
        FROM chatsession.conversations c;
END
$$;

ALTER FUNCTION chatsession.totals(p_counted_up_to bigint) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_begin(p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean, p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea, p_state text, p_counted boolean, p_round integer, p_titled boolean, OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text, OUT untitled boolean) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION chatsession.turn_begin(p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean, p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea, p_state text, p_counted boolean, p_round integer, p_titled boolean, OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text, OUT untitled boolean) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_end(p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text, p_extra jsonb) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    v_outcome text := chatsession.turn_finish(p_answer, p_status, p_content, p_finish_reason, p_usage, p_detail, p_model);
BEGIN
    IF p_extra IS NOT NULL AND v_outcome IN ('finished', 'already') THEN
        UPDATE chatsession.messages m SET extra = p_extra WHERE m.id = p_answer AND m.extra IS DISTINCT FROM p_extra;
    END IF;
    RETURN v_outcome;
END
$$;

ALTER FUNCTION chatsession.turn_end(p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text, p_extra jsonb) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_enter(p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean, p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea, p_max integer, p_waiting integer, p_user_turns integer, p_user_requests integer, p_user_tokens bigint, p_titled boolean, OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text, OUT place integer, OUT estimate real, OUT exceeded text, OUT retry_after real, OUT untitled boolean) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION chatsession.turn_enter(p_user uuid, p_conversation uuid, p_content text, p_parent uuid, p_parent_given boolean, p_branch boolean, p_regenerate uuid, p_client uuid, p_model text, p_host text, p_request text, p_session bytea, p_max integer, p_waiting integer, p_user_turns integer, p_user_requests integer, p_user_tokens bigint, p_titled boolean, OUT outcome text, OUT message_id uuid, OUT answer_id uuid, OUT model text, OUT place integer, OUT estimate real, OUT exceeded text, OUT retry_after real, OUT untitled boolean) OWNER TO chatsession_owner;

CREATE TABLE chatsession.turn_durations (
    id bigint NOT NULL,
    seconds real NOT NULL
);

ALTER TABLE chatsession.turn_durations OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_estimate(p_place integer, p_max integer) RETURNS real
    LANGUAGE sql STABLE
    RETURN (SELECT (((avg(d.seconds) * (turn_estimate.p_place)::double precision) / (GREATEST(turn_estimate.p_max, 1))::double precision))::real AS float4 FROM chatsession.turn_durations d);

ALTER FUNCTION chatsession.turn_estimate(p_place integer, p_max integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_finish(p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text) RETURNS text
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION chatsession.turn_finish(p_answer uuid, p_status text, p_content text, p_finish_reason text, p_usage jsonb, p_detail text, p_model text) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_gate() RETURNS void
    LANGUAGE sql
    AS $$ SELECT pg_advisory_xact_lock(hashtextextended('chatsession.turn_gate', 0)) $$;

ALTER FUNCTION chatsession.turn_gate() OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_history(p_message uuid) RETURNS TABLE(role text, content text)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

ALTER FUNCTION chatsession.turn_history(p_message uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_load(OUT processing integer, OUT waiting integer) RETURNS record
    LANGUAGE sql STABLE
    AS $$
    SELECT count(*) FILTER (WHERE l.state = 'streaming')::integer, count(*) FILTER (WHERE l.state = 'queued')::integer
        FROM chatsession.live_turns l
$$;

ALTER FUNCTION chatsession.turn_load(OUT processing integer, OUT waiting integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_queue(p_fresh interval) RETURNS TABLE(answer_id uuid, place integer)
    LANGUAGE sql STABLE
    AS $$
    SELECT l.answer_id, (row_number() OVER (ORDER BY l.round, l.ticket))::integer
        FROM chatsession.live_turns l WHERE l.state = 'queued' AND l.heartbeat_at > clock_timestamp() - p_fresh
$$;

ALTER FUNCTION chatsession.turn_queue(p_fresh interval) OWNER TO chatsession_owner;

CREATE TABLE chatsession.live_turns (
    answer_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    host text NOT NULL,
    session_hash bytea,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    stop_requested_at timestamp with time zone,
    saved_points integer DEFAULT 0 NOT NULL,
    user_id uuid,
    state text DEFAULT 'streaming'::text NOT NULL,
    counted boolean DEFAULT false NOT NULL,
    round integer DEFAULT 0 NOT NULL,
    ticket bigint NOT NULL,
    saved_thought integer DEFAULT 0 NOT NULL,
    CONSTRAINT nothing_is_written_while_queued CHECK (((state = 'streaming'::text) OR ((saved_points = 0) AND (saved_thought = 0)))),
    CONSTRAINT state_is_queued_or_streaming CHECK ((state = ANY (ARRAY['queued'::text, 'streaming'::text])))
)
WITH (fillfactor='50');

ALTER TABLE chatsession.live_turns OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_place(p_answer uuid) RETURNS integer
    LANGUAGE sql STABLE
    RETURN (SELECT q.place FROM chatsession.live_turns l, chatsession.turn_queue('1 day'::interval) q(answer_id, place) WHERE ((l.answer_id = turn_place.p_answer) AND (l.state = 'queued'::text) AND (q.answer_id = l.answer_id)));

ALTER FUNCTION chatsession.turn_place(p_answer uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_reap(p_silence interval) RETURNS SETOF uuid
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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

ALTER FUNCTION chatsession.turn_reap(p_silence interval) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_round(p_user uuid) RETURNS integer
    LANGUAGE sql STABLE
    RETURN GREATEST((SELECT COALESCE(max(l.round), 0) AS "coalesce" FROM chatsession.live_turns l WHERE (l.state = 'streaming'::text)), (SELECT (COALESCE(max(l.round), '-1'::integer) + 1) FROM chatsession.live_turns l WHERE (l.user_id = turn_round.p_user)));

ALTER FUNCTION chatsession.turn_round(p_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_save(p_pieces json) RETURNS TABLE(answer_id uuid, saved_points integer, saved_thought integer, state text, stop boolean, cut boolean)
    LANGUAGE plpgsql
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $_$
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
$_$;

ALTER FUNCTION chatsession.turn_save(p_pieces json) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_stop(p_user uuid, p_conversation uuid) RETURNS boolean
    LANGUAGE sql
    AS $$
    WITH asked AS (
        UPDATE chatsession.live_turns l SET stop_requested_at = coalesce(l.stop_requested_at, clock_timestamp())
            FROM chatsession.conversations c
            WHERE l.conversation_id = p_conversation AND c.id = l.conversation_id AND c.user_id = p_user
            RETURNING 1
    )
    SELECT EXISTS (SELECT FROM asked)
$$;

ALTER FUNCTION chatsession.turn_stop(p_user uuid, p_conversation uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.turn_wait(p_answers uuid[], p_max integer, p_fresh interval) RETURNS TABLE(answer_id uuid, state text, place integer, estimate real, stop boolean, cut boolean)
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION chatsession.turn_wait(p_answers uuid[], p_max integer, p_fresh interval) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.user_erase(p_user uuid, p_by text, p_removed jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_name text;
BEGIN
    DELETE FROM chatsession.conversations c WHERE c.user_id = p_user;
    DELETE FROM chatsession.users u WHERE u.id = p_user RETURNING u.canonical_name INTO v_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no user % to erase', p_user USING ERRCODE = 'CS409';
    END IF;
    DELETE FROM chatsession.login_attempts a WHERE a.subject = chatsession.login_subject('account', v_name);
    INSERT INTO chatsession.erasures AS e (user_id, erased_by, removed) VALUES (p_user, p_by, p_removed)
        ON CONFLICT ON CONSTRAINT erasures_pkey DO UPDATE SET repeated = e.repeated + 1;
END
$$;

ALTER FUNCTION chatsession.user_erase(p_user uuid, p_by text, p_removed jsonb) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.user_erase_some(p_user uuid, p_messages integer) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM chatsession.conversations c WHERE c.id IN (
        SELECT d.id FROM (SELECT f.id, sum(f.message_count + 1) OVER (ORDER BY f.id) - f.message_count - 1 AS before
                          FROM chatsession.conversations f WHERE f.user_id = p_user) d WHERE d.before < p_messages);
    RETURN (SELECT count(*) FROM chatsession.conversations c WHERE c.user_id = p_user);
END
$$;

ALTER FUNCTION chatsession.user_erase_some(p_user uuid, p_messages integer) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.user_erasure(p_user uuid, p_conversations bigint, p_messages bigint, OUT outcome text, OUT removed jsonb) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_role text;
    v_disabled timestamptz;
BEGIN
    PERFORM FROM chatsession.users u WHERE u.role = 'admin' AND u.disabled_at IS NULL ORDER BY u.id FOR NO KEY UPDATE;
    PERFORM FROM chatsession.conversations c WHERE c.user_id = p_user ORDER BY c.id FOR UPDATE;
    SELECT u.role, u.disabled_at INTO v_role, v_disabled FROM chatsession.users u WHERE u.id = p_user FOR UPDATE;
    IF NOT FOUND THEN
        SELECT e.removed INTO removed FROM chatsession.erasures e WHERE e.user_id = p_user;
        outcome := CASE WHEN FOUND THEN 'before' ELSE 'absent' END;
        RETURN;
    END IF;
    removed := chatsession.user_inventory(p_user);
    outcome := CASE
        WHEN chatsession.user_is_held(p_user) THEN 'held'
        WHEN (removed ->> 'conversations')::bigint <> p_conversations OR (removed ->> 'messages')::bigint <> p_messages THEN 'changed'
        WHEN v_role = 'admin' AND v_disabled IS NULL AND NOT EXISTS (
            SELECT FROM chatsession.users u WHERE u.role = 'admin' AND u.disabled_at IS NULL AND u.id <> p_user) THEN 'last_admin'
        ELSE 'ready' END;
END
$$;

ALTER FUNCTION chatsession.user_erasure(p_user uuid, p_conversations bigint, p_messages bigint, OUT outcome text, OUT removed jsonb) OWNER TO chatsession_owner;

CREATE TABLE chatsession.feedback (
    message_id uuid NOT NULL,
    rating smallint NOT NULL,
    comment text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    form jsonb,
    conversation_id uuid NOT NULL,
    CONSTRAINT comment_is_at_most_2000_characters CHECK (((char_length(comment) >= 1) AND (char_length(comment) <= 2000))),
    CONSTRAINT rating_is_up_or_down CHECK ((rating = ANY (ARRAY['-1'::integer, 1])))
);

ALTER TABLE chatsession.feedback OWNER TO chatsession_owner;

CREATE TABLE chatsession.second_factors (
    user_id uuid NOT NULL,
    secret text NOT NULL,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone,
    last_step bigint,
    CONSTRAINT confirmed_by_a_code CHECK (((confirmed_at IS NULL) = (last_step IS NULL)))
);

ALTER TABLE chatsession.second_factors OWNER TO chatsession_owner;

CREATE TABLE chatsession.session_values (
    id_hash bytea NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT name_is_1_to_64_plain_characters CHECK ((name ~ '^[A-Za-z0-9_.-]{1,64}$'::text)),
    CONSTRAINT value_is_at_most_8_kib CHECK ((octet_length(value) <= 8192))
);

ALTER TABLE chatsession.session_values OWNER TO chatsession_owner;

CREATE TABLE chatsession.user_tokens (
    user_id uuid NOT NULL,
    day date NOT NULL,
    tokens bigint NOT NULL
);

ALTER TABLE chatsession.user_tokens OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.user_inventory(p_user uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN jsonb_build_object('conversations', (SELECT count(*) AS count FROM chatsession.conversations c WHERE (c.user_id = user_inventory.p_user)), 'messages', (SELECT count(*) AS count FROM (chatsession.conversations c JOIN chatsession.messages m ON ((m.conversation_id = c.id))) WHERE (c.user_id = user_inventory.p_user)), 'feedback', (SELECT count(*) AS count FROM ((chatsession.conversations c JOIN chatsession.messages m ON ((m.conversation_id = c.id))) JOIN chatsession.feedback f ON ((f.message_id = m.id))) WHERE (c.user_id = user_inventory.p_user)), 'sessions', (SELECT count(*) AS count FROM chatsession.sessions s WHERE (s.user_id = user_inventory.p_user)), 'values', (SELECT count(*) AS count FROM (chatsession.sessions s JOIN chatsession.session_values v ON ((v.id_hash = s.id_hash))) WHERE (s.user_id = user_inventory.p_user)), 'keys', (SELECT count(*) AS count FROM chatsession.api_keys k WHERE (k.user_id = user_inventory.p_user)), 'second_factors', (SELECT count(*) AS count FROM chatsession.second_factors f WHERE (f.user_id = user_inventory.p_user)), 'usage_days', (SELECT count(*) AS count FROM chatsession.user_tokens t WHERE (t.user_id = user_inventory.p_user)), 'retention_rules', (SELECT count(*) AS count FROM chatsession.retention_rules r WHERE (r.user_id = user_inventory.p_user)), 'matters', (SELECT count(*) AS count FROM chatsession.matter_custodians k WHERE (k.user_id = user_inventory.p_user)));

ALTER FUNCTION chatsession.user_inventory(p_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.user_is_held(p_user uuid) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((EXISTS (SELECT FROM chatsession.held_users h WHERE (h.user_id = user_is_held.p_user))) OR (EXISTS (SELECT FROM (chatsession.held_conversations h JOIN chatsession.conversations c ON ((c.id = h.conversation_id))) WHERE (c.user_id = user_is_held.p_user))));

ALTER FUNCTION chatsession.user_is_held(p_user uuid) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.user_limit(p_user uuid, p_turns integer, p_requests integer, p_tokens bigint, OUT exceeded text, OUT retry_after real) RETURNS record
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION chatsession.user_limit(p_user uuid, p_turns integer, p_requests integer, p_tokens bigint, OUT exceeded text, OUT retry_after real) OWNER TO chatsession_owner;

CREATE FUNCTION chatsession.utc_day() RETURNS date
    LANGUAGE sql STABLE
    RETURN ((clock_timestamp() AT TIME ZONE 'UTC'::text))::date;

ALTER FUNCTION chatsession.utc_day() OWNER TO chatsession_owner;

CREATE TABLE chatsession.audit_entries (
    seq bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    operator text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    conversation_id uuid,
    target_user text,
    reason text,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    network inet,
    request_id text,
    key_id text,
    mac bytea,
    CONSTRAINT action_is_noun_dot_verb CHECK ((action ~ '^[a-z]+\.[a-z]+$'::text)),
    CONSTRAINT mac_is_hmac_sha256 CHECK ((octet_length(mac) = 32)),
    CONSTRAINT reason_is_at_most_1000_characters CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 1000))),
    CONSTRAINT seal_names_its_secret CHECK (((key_id IS NULL) = (mac IS NULL)))
);

ALTER TABLE chatsession.audit_entries OWNER TO chatsession_owner;

ALTER TABLE chatsession.audit_entries ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME chatsession.audit_entries_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE chatsession.chatstream_contexts (
    session_hash bytea NOT NULL,
    conversation_id uuid,
    params jsonb
);

ALTER TABLE chatsession.chatstream_contexts OWNER TO chatsession_owner;

CREATE TABLE chatsession.erasures (
    user_id uuid NOT NULL,
    erased_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_by text NOT NULL,
    removed jsonb NOT NULL,
    repeated integer DEFAULT 0 NOT NULL,
    CONSTRAINT repeated_is_not_negative CHECK ((repeated >= 0))
);

ALTER TABLE chatsession.erasures OWNER TO chatsession_owner;

CREATE TABLE chatsession.exports (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    state text DEFAULT 'ready'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    watermark timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    operator text NOT NULL,
    format text NOT NULL,
    gzip boolean NOT NULL,
    filter jsonb NOT NULL,
    expected bigint NOT NULL,
    expected_messages bigint NOT NULL,
    run integer DEFAULT 0 NOT NULL,
    link_hash bytea,
    link_until timestamp with time zone,
    link_from bigint DEFAULT 0 NOT NULL,
    link_sha256 bytea,
    started_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    lines bigint DEFAULT 0 NOT NULL,
    conversations bigint DEFAULT 0 NOT NULL,
    octets bigint DEFAULT 0 NOT NULL,
    octets_sha256 bytea,
    sha256 bytea,
    cancelled_by text,
    CONSTRAINT export_cancelled_by_somebody CHECK (((cancelled_by IS NOT NULL) = (state = 'cancelled'::text))),
    CONSTRAINT export_digests_are_sha256 CHECK (((octet_length(link_hash) = 32) AND (octet_length(link_sha256) = 32) AND (octet_length(octets_sha256) = 32) AND (octet_length(sha256) = 32))),
    CONSTRAINT export_done_has_its_digest CHECK (((state <> 'done'::text) OR (sha256 IS NOT NULL))),
    CONSTRAINT export_ends_with_a_time CHECK (((finished_at IS NULL) = (state = ANY (ARRAY['ready'::text, 'running'::text])))),
    CONSTRAINT export_format_is_known CHECK ((format = ANY (ARRAY['ndjson'::text, 'json'::text, 'csv'::text, 'md'::text, 'openai'::text]))),
    CONSTRAINT export_link_is_whole CHECK (((link_hash IS NULL) = (link_until IS NULL))),
    CONSTRAINT export_state_is_known CHECK ((state = ANY (ARRAY['ready'::text, 'running'::text, 'done'::text, 'cut'::text, 'cancelled'::text])))
);

ALTER TABLE chatsession.exports OWNER TO chatsession_owner;

CREATE TABLE chatsession.jobs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    cancelled_by text,
    filter jsonb DEFAULT '{}'::jsonb NOT NULL,
    grace interval NOT NULL,
    expected bigint,
    "position" uuid,
    examined bigint DEFAULT 0 NOT NULL,
    expired bigint DEFAULT 0 NOT NULL,
    messages bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    CONSTRAINT cancelled_by_somebody CHECK (((cancelled_by IS NOT NULL) = (state = 'cancelled'::text))),
    CONSTRAINT job_ends_with_a_time CHECK (((finished_at IS NULL) = (state = 'running'::text))),
    CONSTRAINT job_kind_is_known CHECK ((kind = ANY (ARRAY['expire'::text, 'retention'::text]))),
    CONSTRAINT job_state_is_known CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'cancelled'::text])))
);

ALTER TABLE chatsession.jobs OWNER TO chatsession_owner;

CREATE TABLE chatsession.legacy_cookies (
    id_hash bytea NOT NULL,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT legacy_id_hash_is_sha256 CHECK ((octet_length(id_hash) = 32))
);

ALTER TABLE chatsession.legacy_cookies OWNER TO chatsession_owner;

ALTER TABLE chatsession.live_turns ALTER COLUMN ticket ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME chatsession.live_turns_ticket_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE chatsession.login_attempts (
    subject bytea NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL,
    not_before timestamp with time zone,
    recent timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    CONSTRAINT subject_is_sha256 CHECK ((octet_length(subject) = 32))
);

ALTER TABLE chatsession.login_attempts OWNER TO chatsession_owner;

CREATE TABLE chatsession.recovery_codes (
    user_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT code_hash_is_sha256 CHECK ((octet_length(code_hash) = 32))
);

ALTER TABLE chatsession.recovery_codes OWNER TO chatsession_owner;

CREATE TABLE chatsession.schema_steps (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sha256_is_hex CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);

ALTER TABLE chatsession.schema_steps OWNER TO chatsession_owner;

CREATE TABLE chatsession.search_backlog (
    "position" uuid,
    done_at timestamp with time zone,
    only_one boolean DEFAULT true NOT NULL,
    CONSTRAINT there_is_one_backlog CHECK (only_one)
);

ALTER TABLE chatsession.search_backlog OWNER TO chatsession_owner;

CREATE TABLE chatsession.shares (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    conversation_id uuid NOT NULL,
    last_message_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE chatsession.shares OWNER TO chatsession_owner;

CREATE TABLE chatsession.storage_samples (
    at timestamp with time zone NOT NULL,
    database_bytes bigint NOT NULL,
    conversations bigint NOT NULL,
    messages bigint NOT NULL,
    trashed bigint
);

ALTER TABLE chatsession.storage_samples OWNER TO chatsession_owner;

ALTER TABLE chatsession.turn_durations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME chatsession.turn_durations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE chatsession.user_requests (
    user_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    n bigint NOT NULL
);

ALTER TABLE chatsession.user_requests OWNER TO chatsession_owner;

ALTER TABLE chatsession.user_requests ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME chatsession.user_requests_n_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE chatsession.views (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    shared boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT view_name_is_1_to_100_characters CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT view_query_is_at_most_4000_characters CHECK ((char_length(query) <= 4000))
);

ALTER TABLE chatsession.views OWNER TO chatsession_owner;

ALTER TABLE ONLY chatsession.answer_extras
    ADD CONSTRAINT answer_extras_pkey PRIMARY KEY (answer_id);

ALTER TABLE ONLY chatsession.answer_pieces
    ADD CONSTRAINT answer_pieces_pkey PRIMARY KEY (answer_id, from_point);

ALTER TABLE ONLY chatsession.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY chatsession.chatstream_contexts
    ADD CONSTRAINT chatstream_contexts_pkey PRIMARY KEY (session_hash);

ALTER TABLE ONLY chatsession.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY chatsession.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY chatsession.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.legacy_cookies
    ADD CONSTRAINT legacy_cookies_pkey PRIMARY KEY (id_hash);

ALTER TABLE ONLY chatsession.live_turns
    ADD CONSTRAINT live_turns_pkey PRIMARY KEY (answer_id);

ALTER TABLE ONLY chatsession.login_attempts
    ADD CONSTRAINT login_attempts_pkey PRIMARY KEY (subject);

ALTER TABLE ONLY chatsession.matter_conversations
    ADD CONSTRAINT matter_conversations_pkey PRIMARY KEY (matter_id, conversation_id);

ALTER TABLE ONLY chatsession.matter_custodians
    ADD CONSTRAINT matter_custodians_pkey PRIMARY KEY (matter_id, user_id);

ALTER TABLE ONLY chatsession.matters
    ADD CONSTRAINT matters_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.users
    ADD CONSTRAINT one_account_per_name UNIQUE (canonical_name);

ALTER TABLE ONLY chatsession.live_turns
    ADD CONSTRAINT one_answer_at_a_time UNIQUE (conversation_id);

ALTER TABLE ONLY chatsession.api_keys
    ADD CONSTRAINT one_key_per_hash UNIQUE (key_hash);

ALTER TABLE ONLY chatsession.messages
    ADD CONSTRAINT one_order_per_conversation UNIQUE (conversation_id, seq);

ALTER TABLE ONLY chatsession.retention_rules
    ADD CONSTRAINT one_rule_per_subject UNIQUE NULLS NOT DISTINCT (subject, value, user_id);

ALTER TABLE ONLY chatsession.sessions
    ADD CONSTRAINT one_session_per_ref UNIQUE (ref);

ALTER TABLE ONLY chatsession.shares
    ADD CONSTRAINT one_share_per_message UNIQUE (last_message_id);

ALTER TABLE ONLY chatsession.views
    ADD CONSTRAINT one_view_per_name UNIQUE (user_id, name);

ALTER TABLE ONLY chatsession.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash);

ALTER TABLE ONLY chatsession.retention_rules
    ADD CONSTRAINT retention_rules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.schema_steps
    ADD CONSTRAINT schema_steps_pkey PRIMARY KEY (number);

ALTER TABLE ONLY chatsession.search_backlog
    ADD CONSTRAINT search_backlog_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY chatsession.second_factors
    ADD CONSTRAINT second_factors_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY chatsession.session_values
    ADD CONSTRAINT session_values_pkey PRIMARY KEY (id_hash, name);

ALTER TABLE ONLY chatsession.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id_hash);

ALTER TABLE ONLY chatsession.shares
    ADD CONSTRAINT shares_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.storage_samples
    ADD CONSTRAINT storage_samples_pkey PRIMARY KEY (at);

ALTER TABLE ONLY chatsession.thought_pieces
    ADD CONSTRAINT thought_pieces_pkey PRIMARY KEY (answer_id, from_point);

ALTER TABLE ONLY chatsession.turn_durations
    ADD CONSTRAINT turn_durations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.user_requests
    ADD CONSTRAINT user_requests_pkey PRIMARY KEY (user_id, at, n);

ALTER TABLE ONLY chatsession.user_tokens
    ADD CONSTRAINT user_tokens_pkey PRIMARY KEY (user_id, day);

ALTER TABLE ONLY chatsession.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY chatsession.views
    ADD CONSTRAINT views_pkey PRIMARY KEY (id);

CREATE INDEX answers_by_time ON chatsession.messages USING btree (created_at) WHERE (role = 'assistant'::text);

CREATE INDEX api_keys_of_user ON chatsession.api_keys USING btree (user_id, created_at);

CREATE INDEX audit_entries_by_action ON chatsession.audit_entries USING btree (action, seq DESC);

CREATE INDEX audit_entries_by_operator ON chatsession.audit_entries USING btree (operator, seq DESC);

CREATE INDEX audit_entries_of_conversation ON chatsession.audit_entries USING btree (conversation_id) WHERE (conversation_id IS NOT NULL);

CREATE INDEX audit_entries_sealed ON chatsession.audit_entries USING btree (seq DESC) WHERE (mac IS NOT NULL);

CREATE INDEX chatstream_contexts_by_conversation ON chatsession.chatstream_contexts USING btree (conversation_id);

CREATE INDEX conversations_archived ON chatsession.conversations USING btree (updated_at DESC, id DESC) WHERE archived;

CREATE INDEX conversations_as_listed ON chatsession.conversations USING btree (user_id, pinned DESC, updated_at DESC, id DESC) WHERE (trashed_at IS NULL);

CREATE INDEX conversations_by_begin ON chatsession.conversations USING btree (created_at DESC, id DESC);

CREATE INDEX conversations_by_length ON chatsession.conversations USING btree (message_count DESC, id DESC);

CREATE INDEX conversations_by_tag ON chatsession.conversations USING gin (tags) WHERE (tags <> '{}'::text[]);

CREATE INDEX conversations_by_time ON chatsession.conversations USING btree (updated_at DESC, id DESC);

CREATE INDEX conversations_by_title ON chatsession.conversations USING btree (COALESCE(title, ''::text), id);

CREATE INDEX conversations_by_word ON chatsession.conversations USING gin (chatsession.search_terms(title)) WITH (gin_pending_list_limit='1024') WHERE (title IS NOT NULL);

CREATE INDEX conversations_labelled ON chatsession.conversations USING btree (user_id, pinned DESC, updated_at DESC, id DESC) WHERE (labels <> '{}'::text[]);

CREATE INDEX conversations_of_user ON chatsession.conversations USING btree (user_id, updated_at DESC, id DESC);

CREATE INDEX conversations_pinned ON chatsession.conversations USING btree (updated_at DESC, id DESC) WHERE pinned;

CREATE INDEX conversations_temporary ON chatsession.conversations USING btree (temporary_until) WHERE ((temporary_until IS NOT NULL) AND (trashed_at IS NULL));

CREATE INDEX conversations_to_purge ON chatsession.conversations USING btree (purge_at) WHERE (purge_at IS NOT NULL);

CREATE INDEX conversations_trashed ON chatsession.conversations USING btree (updated_at DESC, id DESC) WHERE (trashed_at IS NOT NULL);

CREATE INDEX erasures_by_time ON chatsession.erasures USING btree (erased_at DESC, user_id DESC);

CREATE INDEX exports_by_time ON chatsession.exports USING btree (created_at DESC, id DESC);

CREATE INDEX feedback_by_time ON chatsession.feedback USING btree (at DESC, message_id DESC);

CREATE INDEX feedback_commented ON chatsession.feedback USING btree (conversation_id) WHERE (comment IS NOT NULL);

CREATE INDEX feedback_commented_by_time ON chatsession.feedback USING btree (at DESC, message_id DESC) WHERE (comment IS NOT NULL);

CREATE INDEX feedback_down ON chatsession.feedback USING btree (conversation_id) WHERE (rating = '-1'::integer);

CREATE INDEX feedback_down_by_time ON chatsession.feedback USING btree (at DESC, message_id DESC) WHERE (rating = '-1'::integer);

CREATE INDEX feedback_of_conversation ON chatsession.feedback USING btree (conversation_id);

CREATE INDEX guests_by_age ON chatsession.users USING btree (created_at) WHERE (role = 'guest'::text);

CREATE INDEX jobs_by_time ON chatsession.jobs USING btree (created_at DESC, id DESC);

CREATE INDEX jobs_running ON chatsession.jobs USING btree (updated_at) WHERE (state = 'running'::text);

CREATE INDEX legacy_cookies_by_end ON chatsession.legacy_cookies USING btree (forget_at);

CREATE INDEX live_turns_of_user ON chatsession.live_turns USING btree (user_id);

CREATE INDEX live_turns_queued ON chatsession.live_turns USING btree (round, ticket) WHERE (state = 'queued'::text);

CREATE INDEX login_attempts_by_age ON chatsession.login_attempts USING btree (last_at);

CREATE INDEX matters_by_time ON chatsession.matters USING btree (created_at DESC, id DESC);

CREATE INDEX matters_of_conversation ON chatsession.matter_conversations USING btree (conversation_id);

CREATE INDEX matters_of_user ON chatsession.matter_custodians USING btree (user_id);

CREATE INDEX messages_by_model ON chatsession.messages USING btree (model, conversation_id) WHERE (model IS NOT NULL);

CREATE INDEX messages_by_parent ON chatsession.messages USING btree (parent_id);

CREATE INDEX messages_by_word ON chatsession.messages USING gin (chatsession.search_terms(content)) WITH (gin_pending_list_limit='1024') WHERE (searchable AND (content <> ''::text));

CREATE INDEX messages_not_whole ON chatsession.messages USING btree (status, conversation_id) WHERE (status <> 'complete'::text);

CREATE UNIQUE INDEX one_conversation_per_client_key ON chatsession.conversations USING btree (user_id, client_key) WHERE (client_key IS NOT NULL);

CREATE UNIQUE INDEX one_open_matter_per_name ON chatsession.matters USING btree (chatsession.canonical_name(name)) WHERE (released_at IS NULL);

CREATE UNIQUE INDEX one_retention_run_at_a_time ON chatsession.jobs USING btree (kind) WHERE ((state = 'running'::text) AND (kind = 'retention'::text));

CREATE UNIQUE INDEX one_turn_per_client_id ON chatsession.messages USING btree (conversation_id, client_id) WHERE (client_id IS NOT NULL);

CREATE INDEX retention_rules_of_user ON chatsession.retention_rules USING btree (user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX sessions_by_last_seen ON chatsession.sessions USING btree (last_seen_at);

CREATE INDEX sessions_by_successor ON chatsession.sessions USING btree (replaced_by) WHERE (replaced_by IS NOT NULL);

CREATE INDEX sessions_of_user ON chatsession.sessions USING btree (user_id);

CREATE INDEX shares_of_conversation ON chatsession.shares USING btree (conversation_id);

CREATE UNIQUE INDEX users_by_invitation ON chatsession.users USING btree (invitation_hash) WHERE (invitation_hash IS NOT NULL);

CREATE STATISTICS chatsession.message_words ON chatsession.search_terms(content) FROM chatsession.messages;
ALTER STATISTICS chatsession.message_words SET STATISTICS 300;

ALTER STATISTICS chatsession.message_words OWNER TO chatsession_owner;

CREATE TRIGGER change_is_told AFTER UPDATE OF state, stop_requested_at ON chatsession.live_turns FOR EACH ROW WHEN (((new.state <> old.state) OR (new.stop_requested_at IS DISTINCT FROM old.stop_requested_at))) EXECUTE FUNCTION chatsession.tell_queue();

CREATE TRIGGER console_time_set_back_is_told AFTER UPDATE OF console_seen_at ON chatsession.sessions FOR EACH ROW WHEN ((COALESCE(new.console_seen_at, '-infinity'::timestamp with time zone) < old.console_seen_at)) EXECUTE FUNCTION chatsession.tell_revoked();

CREATE TRIGGER deleted_is_told AFTER DELETE ON chatsession.sessions FOR EACH ROW WHEN ((old.revoked_at IS NULL)) EXECUTE FUNCTION chatsession.tell_revoked();

CREATE TRIGGER duration_is_kept AFTER DELETE ON chatsession.live_turns FOR EACH ROW WHEN ((old.counted AND (old.state = 'streaming'::text))) EXECUTE FUNCTION chatsession.keep_duration();

CREATE TRIGGER end_is_told AFTER DELETE ON chatsession.live_turns FOR EACH ROW EXECUTE FUNCTION chatsession.tell_queue();

CREATE TRIGGER feedback_finds_its_conversation BEFORE INSERT ON chatsession.feedback FOR EACH ROW EXECUTE FUNCTION chatsession.feedback_finds_its_conversation();

CREATE TRIGGER held_is_not_deleted BEFORE DELETE ON chatsession.conversations FOR EACH ROW EXECUTE FUNCTION chatsession.keep_held_conversation();

CREATE TRIGGER held_is_not_deleted BEFORE DELETE ON chatsession.messages FOR EACH ROW EXECUTE FUNCTION chatsession.keep_held_message();

CREATE TRIGGER held_is_not_deleted BEFORE DELETE ON chatsession.users FOR EACH ROW EXECUTE FUNCTION chatsession.keep_held_user();

CREATE TRIGGER held_is_not_expired BEFORE UPDATE OF trashed_at, trashed_by ON chatsession.conversations FOR EACH ROW WHEN (((new.trashed_by <> 'user'::text) AND (old.trashed_by IS DISTINCT FROM new.trashed_by))) EXECUTE FUNCTION chatsession.keep_held_conversation();

CREATE TRIGGER held_keeps_its_user BEFORE UPDATE OF user_id ON chatsession.conversations FOR EACH ROW WHEN ((old.user_id <> new.user_id)) EXECUTE FUNCTION chatsession.keep_held_conversation();

CREATE TRIGGER only_an_open_matter_holds BEFORE INSERT ON chatsession.matter_conversations FOR EACH ROW EXECUTE FUNCTION chatsession.keep_matter_open();

CREATE TRIGGER only_an_open_matter_holds BEFORE INSERT ON chatsession.matter_custodians FOR EACH ROW EXECUTE FUNCTION chatsession.keep_matter_open();

CREATE TRIGGER release_is_final BEFORE UPDATE ON chatsession.matters FOR EACH ROW WHEN ((old.released_at IS NOT NULL)) EXECUTE FUNCTION chatsession.keep_released();

CREATE TRIGGER revoked_is_told AFTER UPDATE OF revoked_at ON chatsession.sessions FOR EACH ROW WHEN ((new.revoked_at IS NOT NULL)) EXECUTE FUNCTION chatsession.tell_revoked();

CREATE TRIGGER text_is_written_once BEFORE UPDATE OF content ON chatsession.messages FOR EACH ROW WHEN ((old.content IS DISTINCT FROM new.content)) EXECUTE FUNCTION chatsession.keep_text();

CREATE TRIGGER times_set_back_are_told AFTER UPDATE OF created_at, last_seen_at ON chatsession.sessions FOR EACH ROW WHEN (((new.created_at <> old.created_at) OR (new.last_seen_at < old.last_seen_at))) EXECUTE FUNCTION chatsession.tell_revoked();

CREATE TRIGGER tokens_are_counted AFTER UPDATE OF status ON chatsession.messages FOR EACH ROW WHEN (((old.status = ANY (ARRAY['streaming'::text, 'interrupted'::text])) AND (new.status <> ALL (ARRAY['streaming'::text, 'interrupted'::text])))) EXECUTE FUNCTION chatsession.count_tokens();

CREATE TRIGGER user_change_ends_sessions AFTER UPDATE OF password_revision, role, disabled_at ON chatsession.users FOR EACH ROW EXECUTE FUNCTION chatsession.end_sessions_of_user();

CREATE TRIGGER user_change_is_told AFTER UPDATE OF name, role, disabled_at ON chatsession.users FOR EACH ROW EXECUTE FUNCTION chatsession.tell_user_changed();

CREATE TRIGGER values_are_few BEFORE INSERT ON chatsession.session_values FOR EACH ROW EXECUTE FUNCTION chatsession.keep_values_few();

ALTER TABLE ONLY chatsession.chatstream_contexts
    ADD CONSTRAINT context_has_its_session FOREIGN KEY (session_hash) REFERENCES chatsession.sessions(id_hash) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.chatstream_contexts
    ADD CONSTRAINT context_is_about_a_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations(id) ON DELETE SET NULL;

ALTER TABLE ONLY chatsession.conversations
    ADD CONSTRAINT conversation_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id);

ALTER TABLE ONLY chatsession.matter_custodians
    ADD CONSTRAINT custodian_has_its_matter FOREIGN KEY (matter_id) REFERENCES chatsession.matters(id);

ALTER TABLE ONLY chatsession.matter_custodians
    ADD CONSTRAINT custodian_is_a_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.answer_extras
    ADD CONSTRAINT extra_has_its_turn FOREIGN KEY (answer_id) REFERENCES chatsession.live_turns(answer_id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.feedback
    ADD CONSTRAINT feedback_is_on_a_message FOREIGN KEY (message_id) REFERENCES chatsession.messages(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.matter_conversations
    ADD CONSTRAINT held_conversation_has_its_matter FOREIGN KEY (matter_id) REFERENCES chatsession.matters(id);

ALTER TABLE ONLY chatsession.matter_conversations
    ADD CONSTRAINT held_conversation_is_one FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.api_keys
    ADD CONSTRAINT key_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.live_turns
    ADD CONSTRAINT live_turn_has_its_answer FOREIGN KEY (answer_id) REFERENCES chatsession.messages(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.live_turns
    ADD CONSTRAINT live_turn_has_its_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.live_turns
    ADD CONSTRAINT live_turn_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.messages
    ADD CONSTRAINT message_has_its_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.messages
    ADD CONSTRAINT parent_is_a_message FOREIGN KEY (parent_id) REFERENCES chatsession.messages(id);

ALTER TABLE ONLY chatsession.answer_pieces
    ADD CONSTRAINT piece_has_its_turn FOREIGN KEY (answer_id) REFERENCES chatsession.live_turns(answer_id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.recovery_codes
    ADD CONSTRAINT recovery_code_has_its_factor FOREIGN KEY (user_id) REFERENCES chatsession.second_factors(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.user_requests
    ADD CONSTRAINT request_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.retention_rules
    ADD CONSTRAINT rule_is_for_a_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.second_factors
    ADD CONSTRAINT second_factor_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.sessions
    ADD CONSTRAINT session_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.shares
    ADD CONSTRAINT share_ends_at_a_message FOREIGN KEY (last_message_id) REFERENCES chatsession.messages(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.shares
    ADD CONSTRAINT share_has_its_conversation FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.sessions
    ADD CONSTRAINT successor_is_a_session FOREIGN KEY (replaced_by) REFERENCES chatsession.sessions(id_hash) ON DELETE SET NULL;

ALTER TABLE ONLY chatsession.thought_pieces
    ADD CONSTRAINT thought_has_its_turn FOREIGN KEY (answer_id) REFERENCES chatsession.live_turns(answer_id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.user_tokens
    ADD CONSTRAINT tokens_have_their_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.session_values
    ADD CONSTRAINT value_has_its_session FOREIGN KEY (id_hash) REFERENCES chatsession.sessions(id_hash) ON DELETE CASCADE;

ALTER TABLE ONLY chatsession.views
    ADD CONSTRAINT view_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users(id) ON DELETE CASCADE;

GRANT USAGE ON SCHEMA chatsession TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.answer_extras TO chatsession;

GRANT SELECT,INSERT,DELETE ON TABLE chatsession.thought_pieces TO chatsession;

REVOKE ALL ON FUNCTION chatsession.guest_end(p_guest uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION chatsession.guest_end(p_guest uuid) TO chatsession;

GRANT SELECT,INSERT ON TABLE chatsession.matter_conversations TO chatsession;

GRANT SELECT,INSERT ON TABLE chatsession.matters TO chatsession;

GRANT UPDATE(released_at) ON TABLE chatsession.matters TO chatsession;

GRANT UPDATE(released_by) ON TABLE chatsession.matters TO chatsession;

GRANT UPDATE(release_reason) ON TABLE chatsession.matters TO chatsession;

GRANT SELECT ON TABLE chatsession.held_conversations TO chatsession;

GRANT SELECT,INSERT ON TABLE chatsession.matter_custodians TO chatsession;

GRANT SELECT ON TABLE chatsession.held_users TO chatsession;

GRANT SELECT,INSERT,UPDATE ON TABLE chatsession.api_keys TO chatsession;

GRANT SELECT,INSERT,UPDATE ON TABLE chatsession.users TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.conversations TO chatsession;

GRANT SELECT,INSERT,UPDATE ON TABLE chatsession.messages TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.retention_rules TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.sessions TO chatsession;

GRANT SELECT ON TABLE chatsession.living_sessions TO chatsession;

GRANT SELECT,INSERT,DELETE ON TABLE chatsession.answer_pieces TO chatsession;

GRANT SELECT,INSERT,DELETE ON TABLE chatsession.turn_durations TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.live_turns TO chatsession;

REVOKE ALL ON FUNCTION chatsession.user_erase(p_user uuid, p_by text, p_removed jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION chatsession.user_erase(p_user uuid, p_by text, p_removed jsonb) TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.feedback TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.second_factors TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.session_values TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.user_tokens TO chatsession;

GRANT SELECT,INSERT ON TABLE chatsession.audit_entries TO chatsession;

GRANT USAGE ON SEQUENCE chatsession.audit_entries_seq_seq TO chatsession;

GRANT SELECT,INSERT,UPDATE ON TABLE chatsession.chatstream_contexts TO chatsession;

GRANT SELECT ON TABLE chatsession.erasures TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.exports TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.jobs TO chatsession;

GRANT SELECT,INSERT,DELETE ON TABLE chatsession.legacy_cookies TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.login_attempts TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.recovery_codes TO chatsession;

GRANT SELECT ON TABLE chatsession.schema_steps TO chatsession;

GRANT SELECT,UPDATE ON TABLE chatsession.search_backlog TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.shares TO chatsession;

GRANT SELECT,INSERT,DELETE ON TABLE chatsession.storage_samples TO chatsession;

GRANT SELECT,INSERT,DELETE ON TABLE chatsession.user_requests TO chatsession;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE chatsession.views TO chatsession;
