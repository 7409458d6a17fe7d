-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- A second factor: one-time codes by the clock (RFC 6238), and recovery codes.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.users ADD COLUMN second_factor_at timestamptz; -- since when a login needs a code; NULL: it does not

CREATE TABLE chatsession.second_factors (
    user_id      uuid        NOT NULL,
    secret       text        NOT NULL, -- sealed by the module (ChatSessionSecretFile): of no use without that file
    begun_at     timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,          -- NULL: shown, but no code of it was seen yet; nobody is asked for one
    last_step    bigint,               -- of the last code that was used: only later ones count
    CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
    CONSTRAINT second_factor_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE,
    CONSTRAINT confirmed_by_a_code CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.second_factors TO chatsession;

-- A code has 120 random bits, so its hash alone leads nowhere.
CREATE TABLE chatsession.recovery_codes (
    user_id   uuid  NOT NULL,
    code_hash bytea NOT NULL, -- SHA-256
    used_at   timestamptz,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_code_has_its_factor FOREIGN KEY (user_id) REFERENCES chatsession.second_factors ON DELETE CASCADE,
    CONSTRAINT code_hash_is_sha256 CHECK (octet_length(code_hash) = 32)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.recovery_codes TO chatsession;

-- As before, and a second factor that comes or goes ends the sessions too. It raises password_revision as well, which is what a login is checked against
-- (session_begin): a login that looked before the change begins no session after it. Who has a second factor goes on waiting after failed attempts when
-- the password is changed, or whoever knows it could try codes without end.
CREATE OR REPLACE FUNCTION chatsession.end_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The attempt that was admitted at that time had the right password, and more is asked for: as if it had not been made. Unlike login_succeeded it
-- forgives nothing that came before, so the password alone buys no new tries at codes.
CREATE FUNCTION chatsession.login_withdrawn(name text, network inet, device text, device_user uuid, admitted_at timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
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
