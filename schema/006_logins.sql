-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Logins: how often somebody may try, and that no session outlives the password it was begun with.
SET LOCAL ROLE chatsession_owner;

-- Counts the passwords that were set, not the better hashes of the same one: a session is begun only if the password
-- that was verified is still the user's.
ALTER TABLE chatsession.users ADD COLUMN password_revision integer NOT NULL DEFAULT 0;

-- Who tried. A subject is a hash, because people type passwords into the field of the name; an account that does not
-- exist has its row like any other.
CREATE TABLE chatsession.login_attempts (
    subject    bytea         NOT NULL, -- SHA-256 of "account NAME", "network ADDRESS/PREFIX" or "device ID"
    failures   integer       NOT NULL DEFAULT 0, -- in a row
    last_at    timestamptz   NOT NULL DEFAULT now(),
    not_before timestamptz,            -- the next attempt
    recent     timestamptz[] NOT NULL DEFAULT '{}', -- attempts of the last hour that did not succeed (yet)
    CONSTRAINT login_attempts_pkey PRIMARY KEY (subject),
    CONSTRAINT subject_is_sha256 CHECK (octet_length(subject) = 32)
);
-- The sweep: what is too old to count.
CREATE INDEX login_attempts_by_age ON chatsession.login_attempts (last_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.login_attempts TO chatsession;

CREATE FUNCTION chatsession.login_subject(kind text, value text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256(convert_to(kind || ' ' || value, 'UTF8'));

-- Where an attempt counts: with its account and its network, or, from a browser that has logged in to this account
-- before, with that browser alone, so that no stranger's attempts keep the owner out.
CREATE FUNCTION chatsession.login_subjects(name text, network inet, device text, device_user uuid) RETURNS bytea[]
    LANGUAGE sql STABLE
    RETURN CASE WHEN EXISTS (SELECT FROM chatsession.users u
                              WHERE u.id = $4 AND u.canonical_name = chatsession.canonical_name($1))
                THEN ARRAY[chatsession.login_subject('device', $3)]
                ELSE ARRAY[chatsession.login_subject('account', chatsession.canonical_name($1)),
                           chatsession.login_subject('network', network(set_masklen($2,
                               CASE family($2) WHEN 4 THEN 32 ELSE 64 END))::text)]
           END;

-- How long after so many failures in a row the next attempt may come. A day without any ends the row.
CREATE FUNCTION chatsession.login_delay(failures integer, most integer, first_delay interval) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN $1 >= $2 THEN interval '1 day'
                WHEN $1 < 3 THEN interval '0'
                ELSE least($3 * power(2, least($1 - 3, 20)), interval '15 min') END;

-- May somebody try to log in? wait: NULL, or in so many seconds. An attempt that may counts as failed from here on,
-- before anything is hashed, so that attempts at the same moment are as few as attempts one after the other;
-- login_succeeded takes it back. most: failures in an hour, and in a row.
CREATE FUNCTION chatsession.login_admit(name text, network inet, device text, device_user uuid, most integer,
                                        first_delay interval, OUT wait integer, OUT admitted_at timestamptz)
    LANGUAGE plpgsql AS $$
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

-- The attempt that was admitted at that time had the right password.
CREATE FUNCTION chatsession.login_succeeded(name text, network inet, device text, device_user uuid,
                                            admitted_at timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
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

-- A new password, another role and disabling end the user's sessions, whoever changes the row and how. A trigger,
-- because its statement sees what was committed while the change waited for the row: a login that came first. A login
-- that comes second waits for the row itself (cs_session_create) and then finds the password or the user changed.
CREATE FUNCTION chatsession.end_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cause CONSTANT text := CASE
        WHEN NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL THEN 'user_disabled'
        WHEN NEW.password_revision <> OLD.password_revision THEN 'password_changed'
        WHEN NEW.role <> OLD.role THEN 'role_changed' END;
BEGIN
    IF cause IS NOT NULL THEN
        UPDATE chatsession.sessions s SET revoked_at = now(), revoke_cause = cause
         WHERE s.user_id = NEW.id AND s.revoked_at IS NULL;
    END IF;
    -- Nobody has to wait for what was tried against the old password.
    IF cause = 'password_changed' THEN
        DELETE FROM chatsession.login_attempts a
         WHERE a.subject = chatsession.login_subject('account', NEW.canonical_name);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER user_change_ends_sessions AFTER UPDATE OF password_revision, role, disabled_at ON chatsession.users
    FOR EACH ROW EXECUTE FUNCTION chatsession.end_sessions_of_user();
