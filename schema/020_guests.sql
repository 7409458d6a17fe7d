-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Guests: visitors who chat without logging in. Each is a user of its own whom nothing but the browser's cookie leads to, with a role below all others; what a
-- guest wrote goes over to the user who logs in from the same browser, where so configured.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.users
    DROP CONSTRAINT role_is_known,
    ADD CONSTRAINT role_is_known CHECK (role IN ('guest', 'user', 'viewer', 'auditor', 'operator', 'admin')),
    ADD CONSTRAINT guests_have_no_password CHECK (role <> 'guest' OR password_phc IS NULL);
-- How many a network made lately, and the sweep.
CREATE INDEX guests_by_age ON chatsession.users (created_at) WHERE role = 'guest';

-- A new guest, or NULL when p_most were made from this address (of IPv6: from its 64 bits) within the hour.
CREATE FUNCTION chatsession.guest_make(p_network inet, p_most integer) RETURNS uuid
LANGUAGE plpgsql AS $$
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

-- A guest who is no more: with the owner's rights, because the module may not delete users in any other way. Only of a guest who has no conversation.
CREATE FUNCTION chatsession.guest_end(p_guest uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM chatsession.users u WHERE u.id = p_guest AND u.role = 'guest'
        AND NOT EXISTS (SELECT FROM chatsession.conversations c WHERE c.user_id = p_guest)
        AND NOT EXISTS (SELECT FROM chatsession.held_users h WHERE h.user_id = p_guest)
$$;
REVOKE EXECUTE ON FUNCTION chatsession.guest_end FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chatsession.guest_end TO chatsession;

-- What the guest of that session has written is p_user's from now on; how many conversations. Nothing of anybody who is no guest, nothing for one who is,
-- and what is on hold stays where it is. Called in the statement that begins p_user's session, so both happen or neither does. An answer that is being
-- written goes along and goes on.
CREATE FUNCTION chatsession.guest_adopt(p_session bytea, p_user uuid) RETURNS integer
LANGUAGE plpgsql AS $$
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

-- Guests whose last session is over for p_idle: what they wrote can be reached by nobody any more, so it goes into the trash for p_grace, and they go when it is
-- purged. At most p_batch of them.
CREATE FUNCTION chatsession.guest_sweep(p_idle interval, p_grace interval, p_batch integer) RETURNS integer
LANGUAGE plpgsql AS $$
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
