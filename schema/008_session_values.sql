-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What other modules and applications keep in a session, by name. A row each, so that two requests that write different names lose neither.
SET LOCAL ROLE chatsession_owner;

CREATE TABLE chatsession.session_values (
    id_hash    bytea       NOT NULL,
    name       text        NOT NULL,
    value      text        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT session_values_pkey PRIMARY KEY (id_hash, name),
    CONSTRAINT value_has_its_session FOREIGN KEY (id_hash) REFERENCES chatsession.sessions ON DELETE CASCADE,
    CONSTRAINT name_is_1_to_64_plain_characters CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    CONSTRAINT value_is_at_most_8_kib CHECK (octet_length(value) <= 8192)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.session_values TO chatsession;

-- Nothing is written into a session that is over, and a session has at most 64 names. The row lock puts those who write into one session in a row, and
-- the count after it sees what they have committed. Whoever comes with the id of before a rotation writes into the session of now; the first lock waits
-- for a rotation that is under way.
CREATE FUNCTION chatsession.keep_values_few() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER values_are_few BEFORE INSERT ON chatsession.session_values
    FOR EACH ROW EXECUTE FUNCTION chatsession.keep_values_few();
