-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Who talks: users and their sessions.
SET LOCAL ROLE chatsession_owner;

-- Microseconds since 1970: the form in which the module compares times.
CREATE FUNCTION chatsession.usec(timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM $1) * 1000000)::bigint;

-- RFC 3339 in UTC with milliseconds: how the API writes a time.
CREATE FUNCTION chatsession.rfc3339(timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- One spelling per person: compatibility forms folded, case folded, invisible characters removed (ASVS 5.0 1.1.1).
-- "admin", "Admin", full-width "admin" and "admin" with a zero-width space are one name.
CREATE FUNCTION chatsession.canonical_name(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN normalize(lower(normalize(regexp_replace($1, U&'[\00AD\034F\061C\115F\1160\17B4\17B5\180B-\180E\200B-\200F\2028-\202E\2060-\206F\3164\FE00-\FE0F\FEFF\FFA0]', '', 'g'), NFKC) COLLATE "und-x-icu"), NFKC);

CREATE TABLE chatsession.users (
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    name           text        NOT NULL,
    canonical_name text        GENERATED ALWAYS AS (chatsession.canonical_name(name)) STORED,
    role           text        NOT NULL DEFAULT 'user',
    password_phc   text,       -- Argon2id; NULL: no password here, somebody else authenticates
    disabled_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    last_login_at  timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT one_account_per_name UNIQUE (canonical_name),
    CONSTRAINT name_is_1_to_64_characters CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT name_is_visible CHECK (canonical_name ~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$'),
    CONSTRAINT role_is_known CHECK (role IN ('user', 'viewer', 'auditor', 'operator', 'admin')),
    CONSTRAINT password_is_argon2id CHECK (password_phc LIKE '$argon2id$%')
);
GRANT SELECT, INSERT, UPDATE ON chatsession.users TO chatsession;

-- A browser's signed id. Only the hash of the id is here, so a dump of this table holds no usable cookie.
CREATE TABLE chatsession.sessions (
    id_hash      bytea       NOT NULL,
    ref          text        NOT NULL, -- a handle for people and logs, no secret
    user_id      uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz,
    revoke_cause text,
    network      inet,       -- where it logged in from
    user_agent   text,
    CONSTRAINT sessions_pkey PRIMARY KEY (id_hash),
    CONSTRAINT id_hash_is_sha256 CHECK (octet_length(id_hash) = 32),
    CONSTRAINT one_session_per_ref UNIQUE (ref),
    CONSTRAINT session_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE,
    CONSTRAINT revoked_with_a_cause CHECK ((revoked_at IS NULL) = (revoke_cause IS NULL)),
    CONSTRAINT user_agent_is_short CHECK (char_length(user_agent) <= 256)
);
-- A user's own sessions, and ending them all.
CREATE INDEX sessions_of_user ON chatsession.sessions (user_id);
-- The sweep: what has not been seen for long.
CREATE INDEX sessions_by_last_seen ON chatsession.sessions (last_seen_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.sessions TO chatsession;
