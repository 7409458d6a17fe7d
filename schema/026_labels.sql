-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Words by which users find their own conversations again. The operators' words are conversations.tags: those decide what is kept, these decide nothing.
SET LOCAL ROLE chatsession_owner;

-- 1 to 40 characters that can be seen, spaces between them at most, no line ends (mod_chatsession/core/label.h says the same).
CREATE FUNCTION chatsession.is_label(p_text text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_text IS NOT NULL AND char_length(p_text) BETWEEN 1 AND 40 AND p_text !~ '[\u0001-\u001F\u007F-\u009F\u2028\u2029]'
        AND regexp_replace(p_text, '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0]', '', 'g')
            ~ '^[^\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000](.*[^\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000])?$';

CREATE FUNCTION chatsession.are_labels(p_labels text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NOT EXISTS (SELECT FROM unnest(p_labels) l WHERE NOT chatsession.is_label(l));

-- A JSON array of labels as a conversation has them: each once, in one order.
CREATE FUNCTION chatsession.labels_of(p_labels jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT l FROM jsonb_array_elements_text(p_labels) l GROUP BY l ORDER BY l COLLATE "C");

-- One after the other, since PostgreSQL 17.12 adds no column with a default to a table whose row type a function takes, as retention_applies does.
ALTER TABLE chatsession.conversations ADD COLUMN labels text[]; -- their owner's words; sorted, each once
ALTER TABLE chatsession.conversations ALTER COLUMN labels SET DEFAULT '{}';
UPDATE chatsession.conversations SET labels = '{}';
ALTER TABLE chatsession.conversations
    ALTER COLUMN labels SET NOT NULL,
    ADD CONSTRAINT at_most_10_labels CHECK (cardinality(labels) <= 10),
    ADD CONSTRAINT labels_are_visible CHECK (labels = '{}' OR chatsession.are_labels(labels));

-- A user's list under one label, and which labels there are.
CREATE INDEX conversations_labelled ON chatsession.conversations (user_id, pinned DESC, updated_at DESC, id DESC) WHERE labels <> '{}';
