-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- How long a conversation is kept, known sooner.
SET LOCAL ROLE chatsession_owner;

-- As before (017_how_long_kept.sql says what it promises), in the language that keeps its plans for the connection: as a function in SQL it was planned anew for
-- every conversation that was opened, which took more than to read 200 messages. The plan is the same whatever the conversation, and PostgreSQL, which takes one
-- that knows the values for cheaper, is told so.
CREATE OR REPLACE FUNCTION chatsession.retention_notice(c chatsession.conversations) RETURNS jsonb LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF c.trashed_at IS NOT NULL THEN
        RETURN NULL;
    ELSIF c.temporary_until IS NOT NULL THEN
        RETURN jsonb_build_object('verdict', 'temporary', 'due_at', chatsession.rfc3339(c.temporary_until));
    END IF;
    RETURN (
        SELECT jsonb_build_object('verdict', CASE WHEN isfinite(v.due_at) THEN 'due' WHEN v.keep_days IS NOT NULL THEN 'pinned' ELSE 'kept' END,
                                  'due_at', CASE WHEN isfinite(v.due_at) THEN chatsession.rfc3339(v.due_at) END)
        FROM (SELECT) AS one LEFT JOIN LATERAL (
            SELECT r.keep_days, chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due_at
            FROM chatsession.retention_rules_with(NULL, NULL) r JOIN chatsession.users u ON u.id = c.user_id
            WHERE CASE r.subject WHEN 'model'
                  THEN EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.model = r.value)
                  ELSE chatsession.retention_applies(c, u.role, r.subject, r.value, r.user_id) END
            ORDER BY r.rank, due_at DESC LIMIT 1) v ON true);
END
$$;
