-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- The audit log as a chain: each entry carries an HMAC over itself and the one before it, under a key that is not in this database. Whoever can write here,
-- a superuser too, can neither change nor take out an entry without that being seen; that the end was cut off shows against the heads in httpd's log.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.audit_entries
    ADD COLUMN key_id text,  -- NULL with the next: from before the chain
    ADD COLUMN mac    bytea,
    ADD CONSTRAINT seal_names_its_secret CHECK ((key_id IS NULL) = (mac IS NULL)),
    ADD CONSTRAINT mac_is_hmac_sha256 CHECK (octet_length(mac) = 32);
-- The entry to go on from.
CREATE INDEX audit_entries_sealed ON chatsession.audit_entries (seq DESC) WHERE mac IS NOT NULL;
-- The log by operator and by action.
CREATE INDEX audit_entries_by_operator ON chatsession.audit_entries (operator, seq DESC);
CREATE INDEX audit_entries_by_action ON chatsession.audit_entries (action, seq DESC);

-- What is sealed of an entry: every column, in a form that does not depend on how it was written.
CREATE FUNCTION chatsession.audit_text(
    seq bigint, at timestamptz, operator text, role text, action text, conversation_id uuid, target_user text,
    reason text, detail jsonb, network inet, request_id text) RETURNS text
LANGUAGE sql STABLE
    RETURN jsonb_build_array(seq, chatsession.usec(at), operator, role, action, conversation_id, target_user, reason, detail,
                             network::text, request_id)::text;

-- The place of the next entry, the seal of the one before, and what is to be sealed. Entries are written one after the other: the lock is kept to the end of the
-- transaction, so whoever calls this does it last.
CREATE FUNCTION chatsession.audit_next(
    p_operator text, p_role text, p_action text, p_conversation uuid, p_user text, p_reason text, p_detail jsonb,
    p_network inet, p_request text, OUT seq bigint, OUT at timestamptz, OUT before text, OUT content text)
LANGUAGE plpgsql AS $$
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
GRANT USAGE ON SEQUENCE chatsession.audit_entries_seq_seq TO chatsession;
