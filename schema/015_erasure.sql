-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Erasing a person: what of somebody is here, taking all of it away, and the tombstone that stays.
SET LOCAL ROLE chatsession_owner;

-- Who was erased. No name: a tombstone is there so that a backup which is brought back can be cleaned again, and so that it can be proved what was done.
CREATE TABLE chatsession.erasures (
    user_id   uuid        NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    erased_by text        NOT NULL, -- an operator; or, in brackets, what did it
    removed   jsonb       NOT NULL, -- how many rows of what, as user_inventory counts them
    repeated  integer     NOT NULL DEFAULT 0, -- how often it was done again, after a backup had brought the person back
    CONSTRAINT erasures_pkey PRIMARY KEY (user_id),
    CONSTRAINT repeated_is_not_negative CHECK (repeated >= 0)
);
-- The list, newest first, by keyset.
CREATE INDEX erasures_by_time ON chatsession.erasures (erased_at DESC, user_id DESC);
-- Written by user_erase alone: the module can neither forge nor lose a tombstone.
GRANT SELECT ON chatsession.erasures TO chatsession;

-- How much of p_user is here, by what it is. Every table that a user is referred to in stands here or goes with one that does (tests/httpd/test_erasure.py).
CREATE FUNCTION chatsession.user_inventory(p_user uuid) RETURNS jsonb
LANGUAGE sql STABLE
    RETURN jsonb_build_object(
        'conversations', (SELECT count(*) FROM chatsession.conversations c WHERE c.user_id = p_user),
        'messages', (SELECT count(*) FROM chatsession.conversations c JOIN chatsession.messages m ON m.conversation_id = c.id
                     WHERE c.user_id = p_user),
        'feedback', (SELECT count(*) FROM chatsession.conversations c JOIN chatsession.messages m ON m.conversation_id = c.id
                     JOIN chatsession.feedback f ON f.message_id = m.id WHERE c.user_id = p_user),
        'sessions', (SELECT count(*) FROM chatsession.sessions s WHERE s.user_id = p_user),
        'values', (SELECT count(*) FROM chatsession.sessions s JOIN chatsession.session_values v ON v.id_hash = s.id_hash
                   WHERE s.user_id = p_user),
        'keys', (SELECT count(*) FROM chatsession.api_keys k WHERE k.user_id = p_user),
        'second_factors', (SELECT count(*) FROM chatsession.second_factors f WHERE f.user_id = p_user),
        'usage_days', (SELECT count(*) FROM chatsession.user_tokens t WHERE t.user_id = p_user),
        'retention_rules', (SELECT count(*) FROM chatsession.retention_rules r WHERE r.user_id = p_user),
        'matters', (SELECT count(*) FROM chatsession.matter_custodians k WHERE k.user_id = p_user));

CREATE FUNCTION chatsession.user_is_held(p_user uuid) RETURNS boolean
LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM chatsession.held_users h WHERE h.user_id = p_user)
        OR EXISTS (SELECT FROM chatsession.held_conversations h JOIN chatsession.conversations c ON c.id = h.conversation_id
                   WHERE c.user_id = p_user);

-- May p_user be erased, when what is here is what was counted (p_conversations, p_messages; NULL: whatever there is)? outcome: ready; before (a tombstone
-- stands, there is nothing to do); absent; held; changed (the counts are others now: removed has them); last_admin. Rows are locked in the order in which a
-- turn locks them, conversations first, and the user's row makes a login, a hold or a new conversation that comes now wait and then find nobody.
CREATE FUNCTION chatsession.user_erasure(p_user uuid, p_conversations bigint, p_messages bigint, OUT outcome text, OUT removed jsonb)
LANGUAGE plpgsql AS $$
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

-- Some of p_user's conversations, with about p_messages messages: a person of many years goes in several statements of one transaction. How many are left.
CREATE FUNCTION chatsession.user_erase_some(p_user uuid, p_messages integer) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM chatsession.conversations c WHERE c.id IN (
        SELECT d.id FROM (SELECT f.id, sum(f.message_count + 1) OVER (ORDER BY f.id) - f.message_count - 1 AS before
                          FROM chatsession.conversations f WHERE f.user_id = p_user) d WHERE d.before < p_messages);
    RETURN (SELECT count(*) FROM chatsession.conversations c WHERE c.user_id = p_user);
END
$$;

-- The rest of p_user, and the tombstone, which says p_removed. With the owner's rights: the module may not delete users in any other way, and neither forge a
-- tombstone nor lose one. What is on hold is refused by its triggers here too.
CREATE FUNCTION chatsession.user_erase(p_user uuid, p_by text, p_removed jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
REVOKE EXECUTE ON FUNCTION chatsession.user_erase FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chatsession.user_erase TO chatsession;
