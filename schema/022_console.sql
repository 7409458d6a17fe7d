-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What the console keeps of its own: how the database has grown, and lists that operators have given a name.
SET LOCAL ROLE chatsession_owner;

-- One row an hour, for the growth on the console's Home; 400 days are kept.
CREATE TABLE chatsession.storage_samples (
    at             timestamptz NOT NULL, -- the hour's beginning
    database_bytes bigint      NOT NULL,
    conversations  bigint      NOT NULL,
    messages       bigint      NOT NULL,
    CONSTRAINT storage_samples_pkey PRIMARY KEY (at)
);
GRANT SELECT, INSERT, DELETE ON chatsession.storage_samples TO chatsession;

-- Take this hour's, unless there is one; whether it was taken.
CREATE FUNCTION chatsession.storage_sample() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM chatsession.storage_samples s WHERE s.at = date_trunc('hour', now())) THEN
        RETURN false;
    END IF;
    INSERT INTO chatsession.storage_samples (at, database_bytes, conversations, messages)
        SELECT date_trunc('hour', now()), pg_database_size(current_database()), count(*), coalesce(sum(c.message_count), 0)
        FROM chatsession.conversations c
        ON CONFLICT ON CONSTRAINT storage_samples_pkey DO NOTHING;
    DELETE FROM chatsession.storage_samples s WHERE s.at < now() - interval '400 days';
    RETURN true;
END
$$;

-- A list of conversations as an operator wants to see it again: the query string of its address.
CREATE TABLE chatsession.views (
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id    uuid        NOT NULL,
    name       text        NOT NULL,
    query      text        NOT NULL,
    shared     boolean     NOT NULL DEFAULT false, -- every operator sees it
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT views_pkey PRIMARY KEY (id),
    CONSTRAINT view_has_its_user FOREIGN KEY (user_id) REFERENCES chatsession.users ON DELETE CASCADE,
    CONSTRAINT one_view_per_name UNIQUE (user_id, name),
    CONSTRAINT view_name_is_1_to_100_characters CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT view_query_is_at_most_4000_characters CHECK (char_length(query) <= 4000)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.views TO chatsession;
