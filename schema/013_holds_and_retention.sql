-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- How long a conversation is kept: holds, which outrank everything; rules; and the jobs that take many conversations out of sight bit by bit.
SET LOCAL ROLE chatsession_owner;

ALTER TABLE chatsession.conversations
    DROP CONSTRAINT trashed_by_is_known,
    ADD CONSTRAINT trashed_by_is_known CHECK (trashed_by IN ('user', 'operator', 'retention')),
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}', -- operators' words; sorted, each once
    ADD CONSTRAINT at_most_20_tags CHECK (cardinality(tags) <= 20),
    ADD CONSTRAINT no_tag_is_null CHECK (array_position(tags, NULL) IS NULL);
-- The list by tag.
CREATE INDEX conversations_by_tag ON chatsession.conversations USING gin (tags) WHERE tags <> '{}';

-- --- holds

-- Why something must be kept whatever else is said. What it holds stays until the matter is released; nothing is ever taken out of it, so that what was
-- promised to a court cannot shrink unseen.
CREATE TABLE chatsession.matters (
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    name           text        NOT NULL,
    reason         text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text        NOT NULL,
    released_at    timestamptz,
    released_by    text,
    release_reason text,
    CONSTRAINT matters_pkey PRIMARY KEY (id),
    CONSTRAINT matter_name_is_1_to_200_characters CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT matter_reason_is_1_to_1000_characters CHECK (char_length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT release_reason_is_1_to_1000_characters CHECK (char_length(release_reason) BETWEEN 1 AND 1000),
    CONSTRAINT release_is_whole CHECK ((released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_reason IS NULL))
);
CREATE UNIQUE INDEX one_open_matter_per_name ON chatsession.matters (chatsession.canonical_name(name)) WHERE released_at IS NULL;
-- The list, newest first, by keyset.
CREATE INDEX matters_by_time ON chatsession.matters (created_at DESC, id DESC);
GRANT SELECT, INSERT, UPDATE (released_at, released_by, release_reason) ON chatsession.matters TO chatsession;

-- Users all of whose conversations are held, those of tomorrow too.
CREATE TABLE chatsession.matter_custodians (
    matter_id uuid        NOT NULL,
    user_id   uuid        NOT NULL,
    added_at  timestamptz NOT NULL DEFAULT now(),
    added_by  text        NOT NULL,
    CONSTRAINT matter_custodians_pkey PRIMARY KEY (matter_id, user_id),
    CONSTRAINT custodian_has_its_matter FOREIGN KEY (matter_id) REFERENCES chatsession.matters,
    CONSTRAINT custodian_is_a_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE
);
CREATE INDEX matters_of_user ON chatsession.matter_custodians (user_id);
GRANT SELECT, INSERT ON chatsession.matter_custodians TO chatsession;

-- Single conversations.
CREATE TABLE chatsession.matter_conversations (
    matter_id       uuid        NOT NULL,
    conversation_id uuid        NOT NULL,
    added_at        timestamptz NOT NULL DEFAULT now(),
    added_by        text        NOT NULL,
    CONSTRAINT matter_conversations_pkey PRIMARY KEY (matter_id, conversation_id),
    CONSTRAINT held_conversation_has_its_matter FOREIGN KEY (matter_id) REFERENCES chatsession.matters,
    CONSTRAINT held_conversation_is_one FOREIGN KEY (conversation_id) REFERENCES chatsession.conversations ON DELETE CASCADE
);
CREATE INDEX matters_of_conversation ON chatsession.matter_conversations (conversation_id);
GRANT SELECT, INSERT ON chatsession.matter_conversations TO chatsession;

-- A released matter stays released and takes nothing more: whoever wants to hold again makes another one.
CREATE FUNCTION chatsession.keep_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'matter % was released and stays so', OLD.id USING ERRCODE = 'CS409';
END
$$;
CREATE TRIGGER release_is_final BEFORE UPDATE ON chatsession.matters
    FOR EACH ROW WHEN (OLD.released_at IS NOT NULL) EXECUTE FUNCTION chatsession.keep_released();

-- The lock on the matter's row puts a hold and a release in an order; that on the user's row, a hold and a deletion.
CREATE FUNCTION chatsession.keep_matter_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM chatsession.matters m WHERE m.id = NEW.matter_id AND m.released_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'matter % was released and holds nothing more', NEW.matter_id USING ERRCODE = 'CS409';
    END IF;
    IF TG_TABLE_NAME = 'matter_custodians' THEN
        PERFORM FROM chatsession.users u WHERE u.id = NEW.user_id FOR NO KEY UPDATE;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER only_an_open_matter_holds BEFORE INSERT ON chatsession.matter_custodians
    FOR EACH ROW EXECUTE FUNCTION chatsession.keep_matter_open();
CREATE TRIGGER only_an_open_matter_holds BEFORE INSERT ON chatsession.matter_conversations
    FOR EACH ROW EXECUTE FUNCTION chatsession.keep_matter_open();

-- What open matters hold.
CREATE VIEW chatsession.held_users AS
    SELECT DISTINCT k.user_id FROM chatsession.matter_custodians k JOIN chatsession.matters m ON m.id = k.matter_id
    WHERE m.released_at IS NULL;
CREATE VIEW chatsession.held_conversations AS
    SELECT DISTINCT k.conversation_id FROM chatsession.matter_conversations k JOIN chatsession.matters m ON m.id = k.matter_id
    WHERE m.released_at IS NULL;
GRANT SELECT ON chatsession.held_users, chatsession.held_conversations TO chatsession;

CREATE FUNCTION chatsession.is_held(p_conversation uuid, p_user uuid) RETURNS boolean
LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM chatsession.held_users h WHERE h.user_id = p_user)
        OR EXISTS (SELECT FROM chatsession.held_conversations h WHERE h.conversation_id = p_conversation);

-- What is held is not deleted, whoever tries and by whatever statement; nor taken out of sight but by its owner, who must not learn of the hold: the row stays.
-- The row is locked already (a new hold on it waits); FOR SHARE on its user makes a new hold on that user wait as well.
CREATE FUNCTION chatsession.keep_held_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM chatsession.users u WHERE u.id = OLD.user_id FOR SHARE;
    IF chatsession.is_held(OLD.id, OLD.user_id) THEN
        RAISE EXCEPTION 'conversation % is on hold', OLD.id USING ERRCODE = 'CS409';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER held_is_not_deleted BEFORE DELETE ON chatsession.conversations
    FOR EACH ROW EXECUTE FUNCTION chatsession.keep_held_conversation();
CREATE TRIGGER held_is_not_expired BEFORE UPDATE OF trashed_at, trashed_by ON chatsession.conversations
    FOR EACH ROW WHEN (NEW.trashed_by <> 'user' AND OLD.trashed_by IS DISTINCT FROM NEW.trashed_by)
    EXECUTE FUNCTION chatsession.keep_held_conversation();
-- Nor does it slip away to another user.
CREATE TRIGGER held_keeps_its_user BEFORE UPDATE OF user_id ON chatsession.conversations
    FOR EACH ROW WHEN (OLD.user_id <> NEW.user_id) EXECUTE FUNCTION chatsession.keep_held_conversation();

CREATE FUNCTION chatsession.keep_held_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Deleted with its conversation, which was asked already and is gone from this statement's sight.
    IF EXISTS (SELECT FROM chatsession.conversations c
               WHERE c.id = OLD.conversation_id AND chatsession.is_held(c.id, c.user_id)) THEN
        RAISE EXCEPTION 'conversation % is on hold', OLD.conversation_id USING ERRCODE = 'CS409';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER held_is_not_deleted BEFORE DELETE ON chatsession.messages
    FOR EACH ROW EXECUTE FUNCTION chatsession.keep_held_message();

CREATE FUNCTION chatsession.keep_held_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.held_users h WHERE h.user_id = OLD.id)
       OR EXISTS (SELECT FROM chatsession.held_conversations h JOIN chatsession.conversations c ON c.id = h.conversation_id
                  WHERE c.user_id = OLD.id) THEN
        RAISE EXCEPTION 'user % is on hold', OLD.id USING ERRCODE = 'CS409';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER held_is_not_deleted BEFORE DELETE ON chatsession.users
    FOR EACH ROW EXECUTE FUNCTION chatsession.keep_held_user();

-- --- retention

-- How long conversations are kept. The most specific rule for a conversation counts: one for a tag of it, else for its user, a model that answered in it, its
-- user's role, else the one for everyone. Of several equally specific ones (two tags) the one that keeps it longest.
CREATE TABLE chatsession.retention_rules (
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    subject    text        NOT NULL,
    value      text,       -- the tag, model or role
    user_id    uuid,
    clock      text        NOT NULL, -- what keep_days count from: age, its beginning; idle, its last change
    keep_days  integer,    -- NULL: for ever
    pinned_too boolean     NOT NULL DEFAULT false, -- else what its owner pinned is kept
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text        NOT NULL,
    CONSTRAINT retention_rules_pkey PRIMARY KEY (id),
    CONSTRAINT one_rule_per_subject UNIQUE NULLS NOT DISTINCT (subject, value, user_id),
    CONSTRAINT rule_is_for_a_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE,
    CONSTRAINT subject_is_known CHECK (subject IN ('tag', 'user', 'model', 'role', 'everyone')),
    CONSTRAINT value_belongs_to_the_subject CHECK ((value IS NOT NULL) = (subject IN ('tag', 'model', 'role'))),
    CONSTRAINT user_belongs_to_the_subject CHECK ((user_id IS NOT NULL) = (subject = 'user')),
    CONSTRAINT value_is_1_to_200_characters CHECK (char_length(value) BETWEEN 1 AND 200),
    CONSTRAINT clock_is_age_or_idle CHECK (clock IN ('age', 'idle')),
    CONSTRAINT keep_days_is_1_to_36500 CHECK (keep_days BETWEEN 1 AND 36500)
);
CREATE INDEX retention_rules_of_user ON chatsession.retention_rules (user_id) WHERE user_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.retention_rules TO chatsession;

-- 1 is the most specific.
CREATE FUNCTION chatsession.retention_rank(p_subject text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['tag', 'user', 'model', 'role', 'everyone'], p_subject);

-- The rules as they would be: without p_without, with p_draft (columns of a rule; NULL: none).
CREATE FUNCTION chatsession.retention_rules_with(p_draft jsonb, p_without uuid)
RETURNS TABLE (id uuid, rank integer, subject text, value text, user_id uuid, clock text, keep_days integer, pinned_too boolean)
LANGUAGE sql STABLE AS $$
    SELECT r.id, chatsession.retention_rank(r.subject), r.subject, r.value, r.user_id, r.clock, r.keep_days, r.pinned_too
        FROM chatsession.retention_rules r WHERE r.id IS DISTINCT FROM p_without
    UNION ALL
    SELECT NULL, chatsession.retention_rank(d.subject), d.subject, d.value, d.user_id, d.clock, d.keep_days, coalesce(d.pinned_too, false)
        FROM jsonb_to_record(p_draft) AS d(subject text, value text, user_id uuid, clock text, keep_days integer, pinned_too boolean)
        WHERE p_draft IS NOT NULL
$$;

-- Whether a rule speaks of a conversation whose user has p_role; not asked for subject model, for which its messages must be looked at.
CREATE FUNCTION chatsession.retention_applies(
    c chatsession.conversations, p_role text, p_subject text, p_value text, p_user uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE
    RETURN CASE p_subject WHEN 'tag' THEN p_value = ANY (c.tags) WHEN 'user' THEN p_user = c.user_id
                          WHEN 'role' THEN p_value = p_role ELSE p_subject = 'everyone' END;

-- When a rule ends a conversation; infinity: never.
CREATE FUNCTION chatsession.retention_end(c chatsession.conversations, p_clock text, p_days integer, p_pinned_too boolean)
RETURNS timestamptz LANGUAGE sql STABLE
    RETURN CASE WHEN p_days IS NULL OR (c.pinned AND NOT p_pinned_too) THEN 'infinity'
                ELSE CASE p_clock WHEN 'age' THEN c.created_at ELSE c.updated_at END + p_days * interval '1 day' END;

-- What becomes of active conversations by these rules: of p_window of them in the order of ids after p_after, or of all (both NULL). due_at is infinity for
-- what is kept for ever, NULL where no rule says anything. Holds are not asked here.
CREATE FUNCTION chatsession.retention_due(p_draft jsonb, p_without uuid, p_after uuid, p_window integer)
RETURNS TABLE (id uuid, created_at timestamptz, updated_at timestamptz, due_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH rules AS MATERIALIZED (
        SELECT * FROM chatsession.retention_rules_with(p_draft, p_without)
    )
    SELECT c.id, c.created_at, c.updated_at, v.due_at
    FROM (SELECT s.* FROM chatsession.conversations s
          WHERE s.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') ORDER BY s.id LIMIT p_window) c
    JOIN chatsession.users u ON u.id = c.user_id
    LEFT JOIN LATERAL (
        SELECT chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due_at
        FROM rules r
        WHERE CASE r.subject WHEN 'model'
              THEN EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = c.id AND m.model = r.value)
              ELSE chatsession.retention_applies(c, u.role, r.subject, r.value, r.user_id) END
        ORDER BY r.rank, due_at DESC LIMIT 1) v ON true
    WHERE c.trashed_at IS NULL
$$;

-- --- jobs

-- Work on many conversations, done batch by batch by whichever host gets to it; what is done so far is committed with the batch, so a host that dies
-- takes nothing along. A row is also the report, and those of kind retention are the history of runs.
CREATE TABLE chatsession.jobs (
    id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    kind         text        NOT NULL,
    state        text        NOT NULL DEFAULT 'running',
    created_at   timestamptz NOT NULL DEFAULT now(), -- also the watermark: what was changed since is left alone
    created_by   text        NOT NULL,               -- an operator; or, in brackets, what started it
    updated_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    cancelled_by text,
    filter       jsonb       NOT NULL DEFAULT '{}',  -- of an expiry: the list's filter
    grace        interval    NOT NULL,               -- from out of sight to gone
    expected     bigint,                             -- of an expiry: the count that was confirmed
    position     uuid,                               -- conversations up to here were looked at
    examined     bigint      NOT NULL DEFAULT 0,
    expired      bigint      NOT NULL DEFAULT 0,
    messages     bigint      NOT NULL DEFAULT 0,     -- of the expired
    held         bigint      NOT NULL DEFAULT 0,     -- left alone because a matter holds them
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT job_kind_is_known CHECK (kind IN ('expire', 'retention')),
    CONSTRAINT job_state_is_known CHECK (state IN ('running', 'done', 'cancelled')),
    CONSTRAINT job_ends_with_a_time CHECK ((finished_at IS NULL) = (state = 'running')),
    CONSTRAINT cancelled_by_somebody CHECK ((cancelled_by IS NOT NULL) = (state = 'cancelled'))
);
CREATE INDEX jobs_by_time ON chatsession.jobs (created_at DESC, id DESC);
-- The next one to work on.
CREATE INDEX jobs_running ON chatsession.jobs (updated_at) WHERE state = 'running';
CREATE UNIQUE INDEX one_retention_run_at_a_time ON chatsession.jobs (kind) WHERE state = 'running' AND kind = 'retention';
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.jobs TO chatsession;
