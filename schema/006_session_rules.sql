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

-- Begin a session, of a user or (p_user NULL) of nobody; the number of the user's sessions that were evicted for it, or
-- -1 and no session when p_legacy was exchanged before. The order is the point: the user's row is locked first, so of
-- two logins at once the second one sees the first one's session and the limit holds.
CREATE FUNCTION chatsession.session_begin(
    p_hash bytea, p_ref text, p_user uuid, p_replaces bytea, p_network inet, p_user_agent text,
    p_most integer,      -- live sessions of the user, this one included; NULL: any number
    p_lifetime interval, -- older sessions are over and count for nothing; NULL: none is
    p_legacy text, p_legacy_end timestamptz
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    evicted integer := 0;
BEGIN
    IF p_legacy IS NOT NULL THEN
        INSERT INTO chatsession.legacy_cookies (id_hash, forget_at)
            VALUES (sha256(convert_to(p_legacy, 'UTF8')), p_legacy_end) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN -1;
        END IF;
    END IF;
    UPDATE chatsession.users SET last_login_at = now() WHERE id = p_user;
    INSERT INTO chatsession.sessions (id_hash, ref, user_id, network, user_agent, legacy_id)
        VALUES (p_hash, p_ref, p_user, p_network, p_user_agent, p_legacy);
    -- Only a session of the same user has a successor; of a chain all point to its live end.
    UPDATE chatsession.sessions SET replaced_by = p_hash WHERE replaced_by = p_replaces AND user_id = p_user;
    UPDATE chatsession.sessions SET revoked_at = now(),
           revoke_cause = CASE WHEN user_id = p_user THEN 'rotated' ELSE 'replaced' END,
           replaced_by = CASE WHEN user_id = p_user THEN p_hash END
     WHERE id_hash = p_replaces AND revoked_at IS NULL;
    UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'evicted'
     WHERE revoked_at IS NULL AND id_hash IN (
           SELECT s.id_hash FROM chatsession.sessions s
            WHERE s.user_id = p_user AND s.revoked_at IS NULL AND s.id_hash <> p_hash
              AND (p_lifetime IS NULL OR s.created_at > now() - p_lifetime)
            ORDER BY s.last_seen_at DESC, s.id_hash OFFSET p_most - 1)
       AND p_most IS NOT NULL;
    GET DIAGNOSTICS evicted = ROW_COUNT;
    RETURN evicted;
END
$$;
