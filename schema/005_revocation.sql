-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Every host hears at once that a session ended, whoever ended it and how: the module, chatsessionctl, or a hand in psql.
SET LOCAL ROLE chatsession_owner;

CREATE FUNCTION chatsession.tell_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('chatsession_revoked', encode(OLD.id_hash, 'hex'));
    RETURN NULL;
END
$$;
CREATE TRIGGER revoked_is_told AFTER UPDATE OF revoked_at ON chatsession.sessions
    FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION chatsession.tell_revoked();
-- Times set back by hand end a session as well; the module only moves last_seen_at on.
CREATE TRIGGER times_set_back_are_told AFTER UPDATE OF created_at, last_seen_at ON chatsession.sessions
    FOR EACH ROW WHEN (NEW.created_at <> OLD.created_at OR NEW.last_seen_at < OLD.last_seen_at)
    EXECUTE FUNCTION chatsession.tell_revoked();
CREATE TRIGGER deleted_is_told AFTER DELETE ON chatsession.sessions
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL) EXECUTE FUNCTION chatsession.tell_revoked();

-- A user's role, name or being disabled is part of what is remembered of each of their sessions.
CREATE FUNCTION chatsession.tell_user_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('chatsession_revoked', encode(s.id_hash, 'hex')) FROM chatsession.sessions s WHERE s.user_id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER user_change_is_told AFTER UPDATE OF name, role, disabled_at ON chatsession.users
    FOR EACH ROW EXECUTE FUNCTION chatsession.tell_user_changed();
