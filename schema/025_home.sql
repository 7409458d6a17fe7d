-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- The console's Home among ten million messages: what happened of late by an index that does not depend on the order of the
-- table, and the totals from the hour's sample. Feedback with words, which is rare among feedback. Better guesses at how common a word is.
SET LOCAL ROLE chatsession_owner;

-- The charts of Home: the answers of a day.
DROP INDEX chatsession.messages_by_time;
CREATE INDEX answers_by_time ON chatsession.messages (created_at) WHERE role = 'assistant';
-- The trash, newest first.
CREATE INDEX conversations_trashed ON chatsession.conversations (updated_at DESC, id DESC) WHERE trashed_at IS NOT NULL;

-- The conversation stands beside the rating: whether a conversation has any is asked of each in turn, without its messages.
ALTER TABLE chatsession.feedback ADD COLUMN conversation_id uuid;
UPDATE chatsession.feedback f SET conversation_id = m.conversation_id FROM chatsession.messages m WHERE m.id = f.message_id;
ALTER TABLE chatsession.feedback ALTER COLUMN conversation_id SET NOT NULL;

-- Whoever writes feedback may name the message alone.
CREATE FUNCTION chatsession.feedback_finds_its_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.conversation_id := coalesce(NEW.conversation_id, (SELECT m.conversation_id FROM chatsession.messages m WHERE m.id = NEW.message_id));
    RETURN NEW;
END
$$;
CREATE TRIGGER feedback_finds_its_conversation BEFORE INSERT ON chatsession.feedback
    FOR EACH ROW EXECUTE FUNCTION chatsession.feedback_finds_its_conversation();

-- Conversations with feedback; with a comment, and with a thumb down, which are rarer.
CREATE INDEX feedback_of_conversation ON chatsession.feedback (conversation_id);
CREATE INDEX feedback_commented ON chatsession.feedback (conversation_id) WHERE comment IS NOT NULL;
CREATE INDEX feedback_down ON chatsession.feedback (conversation_id) WHERE rating = -1;

ALTER TABLE chatsession.storage_samples ADD COLUMN trashed bigint; -- of the conversations; NULL: of before this step

-- As before, with those in the trash.
CREATE OR REPLACE FUNCTION chatsession.storage_sample() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.storage_samples s WHERE s.at = date_trunc('hour', now())) THEN
        RETURN false;
    END IF;
    INSERT INTO chatsession.storage_samples (at, database_bytes, conversations, messages, trashed)
        SELECT date_trunc('hour', now()), pg_database_size(current_database()), count(*), coalesce(sum(c.message_count), 0),
               count(c.trashed_at)
        FROM chatsession.conversations c
        ON CONFLICT ON CONSTRAINT storage_samples_pkey DO NOTHING;
    DELETE FROM chatsession.storage_samples s WHERE s.at < now() - interval '400 days';
    RETURN true;
END
$$;

-- How many conversations, in the trash and not, and messages there are: counted now, or, where that would take Home longer than it
-- is looked at, as of the sample of this hour or the one before.
CREATE FUNCTION chatsession.totals(p_counted_up_to bigint)
RETURNS TABLE (active bigint, trashed bigint, messages bigint, counted_at timestamptz) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'chatsession.conversations'::regclass) > p_counted_up_to THEN
        RETURN QUERY SELECT s.conversations - s.trashed, s.trashed, s.messages, s.at FROM chatsession.storage_samples s
            WHERE s.at > now() - interval '2 hours' AND s.trashed IS NOT NULL ORDER BY s.at DESC LIMIT 1;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT count(*) - count(c.trashed_at), count(c.trashed_at), coalesce(sum(c.message_count), 0)::bigint, NULL::timestamptz
        FROM chatsession.conversations c;
END
$$;

-- A search asks these how many messages a word has: a sample of 90,000 knows words that one message in some thousand has, and its forms.
ALTER STATISTICS chatsession.message_words SET STATISTICS 300;
