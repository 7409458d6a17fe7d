-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Finding among many: an index of words, and one for each order in which operators list conversations.
SET LOCAL ROLE chatsession_owner;

-- --- words

-- What a text can be found by. Scripts that put spaces between words: each word, in small letters. The others (Japanese, Chinese, Korean, Thai, signs): each
-- character with its neighbour, the last of a run alone, so that words of one and two characters are found as well. A mixed text has both. No extension is
-- needed. Words are cut at 64 characters and texts at 100,000: the index entry of one message has an end.
-- The characters of the others stand in the second half of search_runs' pattern and, again, in search_terms, which every message goes through: it does without runs.
CREATE FUNCTION chatsession.search_runs(p_text text) RETURNS SETOF text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_matches(lower(left(p_text, 100000)), '([0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]+)|([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2070-\u2fff\u3005-\u3007\u3021-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdf\U00010000-\U0010ffff]+)', 'g');

CREATE FUNCTION chatsession.search_terms(p_text text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
    v_text text := lower(left(p_text, 100000));
    v_terms text[];
    v_chars text[];
BEGIN
    IF v_text ~ '\S{65}' THEN
        v_text := regexp_replace(v_text, '([0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]{64})[0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]+', '\1', 'g');
    END IF;
    v_terms := regexp_split_to_array(v_text, '[^0-9a-z\u00aa\u00b5\u00ba\u00c0-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u1fff]+');
    IF v_text ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2070-\u2fff\u3005-\u3007\u3021-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdf\U00010000-\U0010ffff]' THEN
        v_chars := string_to_array(regexp_replace(v_text, '[^\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2070-\u2fff\u3005-\u3007\u3021-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdf\U00010000-\U0010ffff]+', ' ', 'g'), NULL);
        -- By lead(), not by v_chars[i + 1]: reaching an element of such an array walks past all before it.
        v_terms := v_terms || ARRAY(SELECT rtrim(pair.this || coalesce(pair.next, ''))
                                    FROM (SELECT c.this, lead(c.this) OVER (ORDER BY c.i) AS next
                                          FROM unnest(v_chars) WITH ORDINALITY AS c(this, i)) pair WHERE pair.this <> ' ');
    END IF;
    RETURN array_to_tsvector(array_remove(v_terms, ''));
END
$$;

-- What is searched for: words with white space between them, all of which must stand in the same text, each literally and from the beginning of a word on; its end
-- may be missing. NULL: nothing in it that the index knows (only signs such as %).
CREATE FUNCTION chatsession.search_words(p_query text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_remove(regexp_split_to_array(p_query, '[\s\u3000]+'), '');

CREATE FUNCTION chatsession.search_query(p_query text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
    RETURN (SELECT string_agg('''' || t.term || '''' || CASE WHEN t.open THEN ':*' ELSE '' END, ' & ')::tsquery
            FROM unnest(chatsession.search_words(p_query)) AS w(word),
                 LATERAL (SELECT r.run, lower(w.word) LIKE '%' || r.run[1] AND row_number() OVER () = count(*) OVER () AS ends
                          FROM chatsession.search_runs(w.word) AS r(run)) q,
                 LATERAL (SELECT left(q.run[1], 64) AS term, q.ends AS open WHERE q.run[1] IS NOT NULL
                          UNION ALL
                          SELECT substr(q.run[2], i, 2), char_length(q.run[2]) = 1
                          FROM generate_series(1, greatest(1, char_length(q.run[2]) - 1)) i WHERE q.run[2] IS NOT NULL) t);

-- The words as ILIKE takes them: its escape character and wildcards lose their meaning.
CREATE FUNCTION chatsession.search_patterns(p_query text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT '%' || replace(replace(replace(w.word, '\', '\\'), '%', '\%'), '_', '\_') || '%'
                 FROM unnest(chatsession.search_words(p_query)) AS w(word));

-- The text around the first of the words, on one line.
CREATE FUNCTION chatsession.search_snippet(p_text text, p_query text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(substr(p_text, greatest(1, strpos(lower(p_text), lower((chatsession.search_words(p_query))[1])) - 40), 120), '\s+', ' ', 'g');

-- Messages of before this step come into the index bit by bit, by the sweep, so that nobody waits for it; new ones at once. Until all are in, a search
-- reads texts where it would ask the index.
ALTER TABLE chatsession.messages ADD COLUMN searchable boolean NOT NULL DEFAULT false;
ALTER TABLE chatsession.messages ALTER COLUMN searchable SET DEFAULT true;
-- A search. What is being written is not in it: its text is empty here until it ends. The list of entries that wait to be sorted in is kept short, for a search reads it all.
CREATE INDEX messages_by_word ON chatsession.messages USING gin (chatsession.search_terms(content)) WITH (gin_pending_list_limit = 1024)
    WHERE searchable AND content <> '';
-- How common a word is decides how it is looked for. An index with a condition tells the planner nothing of that; these do.
CREATE STATISTICS chatsession.message_words ON (chatsession.search_terms(content)) FROM chatsession.messages;
CREATE INDEX conversations_by_word ON chatsession.conversations USING gin (chatsession.search_terms(title)) WITH (gin_pending_list_limit = 1024)
    WHERE title IS NOT NULL;

CREATE TABLE chatsession.search_backlog (
    position uuid,                 -- messages up to here are in the index
    done_at  timestamptz,
    only_one boolean NOT NULL DEFAULT true,
    CONSTRAINT search_backlog_pkey PRIMARY KEY (only_one),
    CONSTRAINT there_is_one_backlog CHECK (only_one)
);
INSERT INTO chatsession.search_backlog (done_at) SELECT CASE WHEN NOT EXISTS (SELECT FROM chatsession.messages) THEN now() END;
GRANT SELECT, UPDATE ON chatsession.search_backlog TO chatsession;

-- Take the next p_batch messages into the index; how many were looked at, 0 when all are in. The lock: one host at a time, the others go on.
CREATE FUNCTION chatsession.search_catch_up(p_batch integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_from uuid;
    v_last uuid;
    v_seen integer;
BEGIN
    SELECT b.position INTO v_from FROM chatsession.search_backlog b WHERE b.done_at IS NULL FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT count(*), (array_agg(w.id ORDER BY w.id DESC))[1] INTO v_seen, v_last
        FROM (SELECT m.id FROM chatsession.messages m
              WHERE m.id > coalesce(v_from, '00000000-0000-0000-0000-000000000000') ORDER BY m.id LIMIT p_batch) w;
    UPDATE chatsession.messages m SET searchable = true
        WHERE m.id > coalesce(v_from, '00000000-0000-0000-0000-000000000000') AND m.id <= v_last AND NOT m.searchable;
    UPDATE chatsession.search_backlog b SET position = coalesce(v_last, b.position), done_at = CASE WHEN v_seen < p_batch THEN now() END;
    RETURN v_seen;
END
$$;

-- --- orders and filters of the operators' list

CREATE INDEX conversations_by_begin ON chatsession.conversations (created_at DESC, id DESC);
CREATE INDEX conversations_by_length ON chatsession.conversations (message_count DESC, id DESC);
CREATE INDEX conversations_by_title ON chatsession.conversations (coalesce(title, ''), id);
CREATE INDEX conversations_pinned ON chatsession.conversations (updated_at DESC, id DESC) WHERE pinned;
CREATE INDEX conversations_archived ON chatsession.conversations (updated_at DESC, id DESC) WHERE archived;
-- By a model that answered, and which models did.
CREATE INDEX messages_by_model ON chatsession.messages (model, conversation_id) WHERE model IS NOT NULL;
-- By an answer that did not come whole.
CREATE INDEX messages_not_whole ON chatsession.messages (status, conversation_id) WHERE status <> 'complete';
-- What happened of late: the charts of the console's Home.
CREATE INDEX messages_by_time ON chatsession.messages USING brin (created_at);

-- When the retention rules end one conversation; infinity: never; NULL: no rule speaks of it.
CREATE FUNCTION chatsession.retention_end_of(c chatsession.conversations) RETURNS timestamptz
LANGUAGE sql STABLE COST 1000
    RETURN (SELECT chatsession.retention_end(c, r.clock, r.keep_days, r.pinned_too) AS due_at
            FROM chatsession.retention_rules r
            WHERE CASE r.subject WHEN 'model'
                  THEN EXISTS (SELECT FROM chatsession.messages m WHERE m.conversation_id = (c).id AND m.model = r.value)
                  ELSE chatsession.retention_applies(c, (SELECT u.role FROM chatsession.users u WHERE u.id = (c).user_id), r.subject, r.value, r.user_id) END
            ORDER BY chatsession.retention_rank(r.subject), due_at DESC LIMIT 1);
