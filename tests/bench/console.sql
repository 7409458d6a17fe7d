-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- The data of tests/bench/console.py: :conversations conversations of 5,000 users over a year and more, ten messages each, 70 % of them English, 30 % Japanese with
-- Latin words in it; words are as uneven as in life. As superuser, in a database with the schema.
SET session_replication_role = replica;
SET search_path = chatsession;
SELECT setseed(0.42);
CREATE UNLOGGED TABLE bench_en AS SELECT g AS n, (SELECT string_agg(w, ' ') FROM (
   SELECT left(translate(md5((power(random(), 3) * 30000)::int::text || 'w'), '0123456789', 'aeiouastnr'), 3 + (random() * 6)::int + g * 0) AS w
   FROM generate_series(1, 8 + (random() * 6)::int)) x) AS t FROM generate_series(0, 19999) g;
CREATE UNLOGGED TABLE bench_ja AS SELECT g AS n, (SELECT string_agg(w, '') FROM (
   SELECT chr(19968 + (power(random(), 2) * 1500)::int + g * 0) || chr(19968 + (power(random(), 2) * 1500)::int) ||
          (ARRAY['の','は','を','に','が','、',' API ','です。'])[1 + (random() * 7)::int] AS w
   FROM generate_series(1, 6 + (random() * 6)::int)) x) AS t FROM generate_series(0, 19999) g;
INSERT INTO users (id, name) SELECT md5('u' || g)::uuid, 'user' || g FROM generate_series(0, 4999) g;
INSERT INTO conversations (id, user_id, title, created_at, updated_at, message_count, pinned, archived, trashed_at, trashed_by, purge_at, tags)
SELECT md5('c' || i)::uuid, md5('u' || (power(random(), 2) * 4999)::int)::uuid, left(CASE WHEN i % 10 < 7 THEN e.t ELSE j.t END, 60), at, at + (random() * random() * interval '9 days'), 2 + 2 * (i % 9),
   random() < 0.01, random() < 0.05, CASE WHEN tr THEN at + interval '10 days' END, CASE WHEN tr THEN 'user' END, CASE WHEN tr THEN now() + interval '20 days' END,
   CASE WHEN i % 50 = 7 THEN ARRAY['important'] WHEN i % 10007 = 3 THEN ARRAY['rare'] ELSE '{}' END
FROM (SELECT i, now() - interval '463 days' + i * interval '40 seconds' AS at, i % 33 = 5 AS tr FROM generate_series(1, :conversations) i) s
JOIN bench_en e ON e.n = (i::bigint * 7919) % 20000 JOIN bench_ja j ON j.n = (i::bigint * 6007) % 20000;
INSERT INTO messages (id, conversation_id, seq, parent_id, role, status, content, created_at, finished_at, client_id, model, finish_reason, usage)
SELECT md5('m' || i || '.' || s)::uuid, md5('c' || i)::uuid, s, CASE WHEN s > 1 THEN md5('m' || i || '.' || s - 1)::uuid END,
   CASE WHEN s % 2 = 1 THEN 'user' ELSE 'assistant' END,
   CASE WHEN s % 2 = 1 THEN 'complete' WHEN k % 200 = 0 THEN 'error' WHEN k % 100 = 1 THEN 'interrupted' WHEN k % 70 = 2 THEN 'stopped' ELSE 'complete' END,
   CASE WHEN i % 10 < 7 THEN e.t || CASE WHEN s % 2 = 0 THEN ' ' || e2.t ELSE '' END ELSE j.t || CASE WHEN s % 2 = 0 THEN j2.t ELSE '' END END
     || CASE WHEN k % 1000 = 9 THEN ' ticket' || i ELSE '' END || CASE WHEN k % 100000 = 77 THEN ' Zeppelin飛行船' ELSE '' END,
   at + s * interval '30 seconds', CASE WHEN s % 2 = 0 THEN at + s * interval '30 seconds' + interval '5 seconds' END, CASE WHEN s % 2 = 0 THEN md5('k' || i || '.' || s)::uuid END,
   CASE WHEN s % 2 = 0 THEN CASE WHEN i % 10000 = 11 THEN 'rare-model' WHEN i % 3 = 0 THEN 'large' ELSE 'small' END END,
   CASE WHEN s % 2 = 0 THEN 'stop' END, CASE WHEN s % 2 = 0 THEN '{"total_tokens": 120}'::jsonb END
FROM (SELECT i, s, i::bigint * 18 + s AS k, now() - interval '463 days' + i * interval '40 seconds' AS at
      FROM generate_series(1, :conversations) i, generate_series(1, 18) s WHERE s <= 2 + 2 * (i % 9)) x
JOIN bench_en e ON e.n = (k * 7919) % 20000 JOIN bench_en e2 ON e2.n = (k * 104729) % 19993
JOIN bench_ja j ON j.n = (k * 6007) % 20000 JOIN bench_ja j2 ON j2.n = (k * 15485863) % 19993;

INSERT INTO feedback (message_id, conversation_id, rating, comment) SELECT id, conversation_id, CASE WHEN random() < 0.7 THEN 1 ELSE -1 END, CASE WHEN random() < 0.1 THEN 'a word' END
  FROM messages TABLESAMPLE system (1) WHERE role = 'assistant';
UPDATE search_backlog SET done_at = now();
