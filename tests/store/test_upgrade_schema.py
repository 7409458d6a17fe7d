# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""An older schema with data comes to this version's by one command, and whoever dies on the way leaves an older one or a newer
one, never something between.

"Older" is the schema of 0.9: steps 001 to 011. UPGRADE_STATEMENTS=all kills at every statement instead of at some.
"""
import os
import shutil
import subprocess

import pytest
from harness.place import BUILD, TREE, new_folder, wait_until
from harness.postgres import chatsessionctl

OLD = 11
STEPS = sorted(path.name for path in (TREE / "schema").glob("[0-9][0-9][0-9]_*.sql"))
EACH = 1 if os.environ.get("UPGRADE_STATEMENTS") == "all" else 6
LOCK = 20261126

# What the schema is, from PostgreSQL's own tables.
SHAPE = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT format('%s %s %s', relname, relkind, relacl) AS line FROM pg_class WHERE relnamespace = 'chatsession'::regnamespace
    UNION ALL SELECT format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'chatsession'::regnamespace AND attnum > 0
    UNION ALL SELECT format('%s %s %s', oid::regprocedure, proconfig, md5(coalesce(prosrc, '') || coalesce(pg_get_function_sqlbody(oid), '')))
        FROM pg_proc WHERE pronamespace = 'chatsession'::regnamespace
    UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'chatsession'::regnamespace
    UNION ALL SELECT format('%s %s', tgname, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal) AS all_of_it"""

# 200 conversations of four people, in every state that a message can have; some sessions.
DATA = """
INSERT INTO chatsession.users (name, role) SELECT 'person' || n, CASE n WHEN 1 THEN 'admin' ELSE 'user' END FROM generate_series(1, 4) n;
INSERT INTO chatsession.conversations (user_id, title, pinned)
    SELECT u.id, 'Über ' || u.name || ' 会話 ' || n, n % 7 = 0 FROM chatsession.users u, generate_series(1, 50) n;
INSERT INTO chatsession.messages (conversation_id, seq, role, status, content, finished_at)
    SELECT id, 1, 'user', 'complete', 'question of ' || title, NULL FROM chatsession.conversations;
INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, finished_at)
    SELECT conversation_id, 2, id, 'assistant', (ARRAY['complete', 'stopped', 'interrupted', 'error'])[1 + abs(hashtext(content)) % 4],
           'answer to ' || content, now() FROM chatsession.messages WHERE seq = 1;
INSERT INTO chatsession.sessions (id_hash, ref, user_id) SELECT sha256(name::bytea), 'ref-' || name, id FROM chatsession.users;
"""
# What a person would miss.
KEPT = """
SELECT (SELECT string_agg(name || role, ',' ORDER BY name) FROM chatsession.users),
       (SELECT md5(string_agg(title || pinned::text, ',' ORDER BY title)) FROM chatsession.conversations),
       (SELECT md5(string_agg(seq || role || status || content, ',' ORDER BY content)) FROM chatsession.messages),
       (SELECT count(*) FROM chatsession.sessions)"""


@pytest.fixture(scope="module")
def old_steps():
    """The folder of 0.9's steps."""
    folder = new_folder("schema")
    for name in (*STEPS[:OLD], "roles.sql"):
        shutil.copy(TREE / "schema" / name, folder)
    return folder


@pytest.fixture
def old_database(make_database, old_steps):
    database = make_database(template=None)
    chatsessionctl(database.superuser, "schema", "apply", "--dir", str(old_steps))
    database.rows(DATA)
    return database


def apply(database, check=True):
    return chatsessionctl(database.superuser, "schema", "apply", "--dir", str(TREE / "schema"), check=check)


def at(database):
    return database.value("SELECT max(number) FROM chatsession.schema_steps")


def test_one_command_brings_an_older_schema_with_its_data_to_this_version(old_database, database):
    """[I9] 0.9 with data comes to this version's schema, which is the same as that of a new database."""
    before = old_database.rows(KEPT)
    apply(old_database)
    assert at(old_database) == len(STEPS)
    assert old_database.rows(KEPT) == before
    assert old_database.value(SHAPE) == database.value(SHAPE)


def test_older_files_refuse_a_newer_schema_with_a_sentence(old_database, old_steps):
    """[I9] Who goes back to 0.9's program hears that the database is newer, and nothing is changed."""
    apply(old_database)
    shape = old_database.value(SHAPE)
    result = chatsessionctl(old_database.superuser, "schema", "apply", "--dir", str(old_steps), check=False)
    assert result.returncode == 1 and STEPS[OLD] in result.stderr and "newer than the files" in result.stderr
    assert old_database.value(SHAPE) == shape and at(old_database) == len(STEPS)


# --- death at a statement

GATE = f"""
CREATE SEQUENCE public.statements;
CREATE TABLE public.gate (at bigint);
INSERT INTO public.gate VALUES (0);
CREATE FUNCTION public.gate() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.statements') = (SELECT at FROM public.gate) THEN
        PERFORM pg_advisory_lock({LOCK});
    END IF;
END $$;
GRANT ALL ON public.gate, public.statements TO PUBLIC;
CREATE EVENT TRIGGER gate ON ddl_command_start EXECUTE FUNCTION public.gate();
"""


def die_at(database, number):
    """Apply, and die at that statement: the program by SIGKILL, its connection with it. False: there are not so many."""
    database.rows(f"SELECT setval('public.statements', 1, false); UPDATE public.gate SET at = {number}")
    with database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        process = subprocess.Popen([str(BUILD / "chatsessionctl"), "--database", database.superuser, "schema", "apply", "--dir",
                                    str(TREE / "schema")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        wait_until(lambda: process.poll() is not None or holder.execute(waiting, (LOCK,)).fetchone(), "a statement", 60)
        if process.poll() is not None:
            return False
        process.kill()
        process.wait()
        pid = holder.execute(waiting, (LOCK,)).fetchone()[0]
        holder.execute("SELECT pg_terminate_backend(%s)", (pid,))
        wait_until(lambda: not holder.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone(), "its end")
    return True


def test_a_death_at_a_statement_leaves_the_old_schema_or_the_new_one(old_database, old_steps):
    """[I9] Killed at one statement after the other: the schema is that of the step before, whole, and its data are there."""
    shapes = {OLD: old_database.value(SHAPE)}
    kept = old_database.rows(KEPT)
    old_database.rows(GATE)
    deaths, number, last = 0, 1, OLD
    while die_at(old_database, number):
        step = at(old_database)
        shape = old_database.value(SHAPE)
        assert shapes.setdefault(step, shape) == shape, f"killed at statement {number}: step {step}, and more or less than that"
        assert old_database.rows(KEPT) == kept
        deaths += 1
        # Steps that were committed before the death stay: in the next one it begins with the first statement again.
        number, last = (1 if step > last else number + EACH), step
    assert at(old_database) == len(STEPS) and old_database.rows(KEPT) == kept
    assert deaths >= 3
