-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What a conversation's owner is told of how long it is kept; and conversations that their owner does not want to keep: in no list, and gone after a while.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.conversations
    ADD COLUMN temporary_until timestamptz; -- NULL: kept; else out of its owner's sight from then on, and purged
-- The sweep: temporary ones that are over.
CREATE INDEX conversations_temporary ON chatsession.conversations (temporary_until) WHERE temporary_until IS NOT NULL AND trashed_at IS NULL;

-- {"verdict": "temporary", "due", "pinned" or "kept", "due_at"}: of a temporary one when it ends; of another what the rule says that counts for it
-- (retention_due says the same of many at once). Holds are left out: their owner must not learn of them.
CREATE FUNCTION chatsession.retention_notice(c chatsession.conversations) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.temporary_until IS NOT NULL
           THEN jsonb_build_object('verdict', 'temporary', 'due_at', chatsession.rfc3339(c.temporary_until))
           ELSE jsonb_build_object('verdict', CASE WHEN isfinite(v.due_at) THEN 'due' WHEN v.keep_days IS NOT NULL THEN 'pinned' ELSE 'kept' END,
                                   'due_at', CASE WHEN isfinite(v.due_at) THEN chatsession.rfc3339(v.due_at) END) END
    FROM (SELECT) AS one LEFT JOIN LATERAL (
        SELECT r.keep_days, chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due_at
        FROM chatsession.retention_rules_with(NULL, NULL) r JOIN chatsession.users u ON u.id = c.user_id
        WHERE CASE r.subject WHEN 'model'
              THEN EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.model = r.value)
              ELSE chatsession.retention_applies(c, u.role, r.subject, r.value, r.user_id) END
        ORDER BY r.rank, due_at DESC LIMIT 1) v ON true
    WHERE c.trashed_at IS NULL
$$;
