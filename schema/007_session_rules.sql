-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What a session may be beyond one login: nobody's, the successor of another, exchanged for a cookie of before.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.sessions
    ALTER COLUMN user_id DROP NOT NULL,          -- NULL: anonymous
    ADD COLUMN console_seen_at timestamptz,      -- last used for the console; NULL: never
    ADD COLUMN replaced_by     bytea,            -- the same user's newer session: requests on their way go on for a moment
    ADD COLUMN legacy_id       text,             -- what the visitor was called by the software before
    ADD CONSTRAINT successor_is_a_session FOREIGN KEY (replaced_by) REFERENCES chatsession.sessions ON DELETE SET NULL,
    ADD CONSTRAINT replaced_has_ended CHECK (replaced_by IS NULL OR revoked_at IS NOT NULL),
    ADD CONSTRAINT nobody_has_no_console_and_no_successor
        CHECK (user_id IS NOT NULL OR (console_seen_at IS NULL AND replaced_by IS NULL)),
    ADD CONSTRAINT legacy_id_is_nobodys CHECK (legacy_id IS NULL OR user_id IS NULL),
    ADD CONSTRAINT legacy_id_is_short CHECK (char_length(legacy_id) BETWEEN 1 AND 64);
-- A rotation hands its predecessors on; deleting a session looks for them.
CREATE INDEX sessions_by_successor ON chatsession.sessions (replaced_by) WHERE replaced_by IS NOT NULL;

-- Cookies of before that were exchanged: each is taken once. A row stays until its cookie is too old anyway.
CREATE TABLE chatsession.legacy_cookies (
    id_hash   bytea       NOT NULL, -- SHA-256 of the legacy id
    forget_at timestamptz NOT NULL,
    CONSTRAINT legacy_cookies_pkey PRIMARY KEY (id_hash),
    CONSTRAINT legacy_id_hash_is_sha256 CHECK (octet_length(id_hash) = 32)
);
-- The sweep.
CREATE INDEX legacy_cookies_by_end ON chatsession.legacy_cookies (forget_at);
GRANT SELECT, INSERT, DELETE ON chatsession.legacy_cookies TO chatsession;

-- As last_seen_at set back by hand: no host goes by what it remembers.
CREATE TRIGGER console_time_set_back_is_told AFTER UPDATE OF console_seen_at ON chatsession.sessions
    FOR EACH ROW WHEN (coalesce(NEW.console_seen_at, '-infinity') < OLD.console_seen_at)
    EXECUTE FUNCTION chatsession.tell_revoked();

-- Neither ended nor its user disabled; a rotated session lives on in its successor, however long that is: the browser is the same. Times are judged where
-- requests are (core/session.c), the grace too: a stream alone renews nothing and ends with its answer.
CREATE OR REPLACE FUNCTION chatsession.session_lives(p_hash bytea) RETURNS boolean
LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id
                   LEFT JOIN chatsession.sessions n ON n.id_hash = s.replaced_by
                   WHERE s.id_hash = p_hash AND u.disabled_at IS NULL
                   AND (s.revoked_at IS NULL OR (n.id_hash IS NOT NULL AND n.revoked_at IS NULL)));

-- What a request with that id means by "this session": it, or its successor when it was rotated.
CREATE FUNCTION chatsession.this_session(p_hash bytea) RETURNS bytea
LANGUAGE sql STABLE
    RETURN coalesce((SELECT s.replaced_by FROM chatsession.sessions s WHERE s.id_hash = p_hash), p_hash);

-- Begin a session, of a user or (p_user NULL) of nobody. outcome: begun; refused (p_user is gone or disabled, or their password is no longer the one that was
-- verified); taken (p_legacy was exchanged before). Only begun changes anything. evicted: how many of the user's sessions ended because they were too many.
-- The order is the point: the user's row is changed first and so locked. A change of it that is under way is waited for and then seen (and the other
-- way round: end_sessions_of_user), and of two logins at once the second one sees the first one's session, so the limit holds.
CREATE FUNCTION chatsession.session_begin(
    p_hash bytea, p_ref text, p_user uuid,
    p_revision integer,  -- of the password that was verified; NULL: none was
    p_replaces bytea, p_network inet, p_user_agent text,
    p_most integer,      -- live sessions of the user, this one included; NULL: any number
    p_lifetime interval, -- older sessions are over and count for nothing; NULL: none is
    p_legacy text, p_legacy_end timestamptz,
    OUT outcome text, OUT evicted integer
) LANGUAGE plpgsql AS $$
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
