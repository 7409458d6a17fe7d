# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Runs the C tests of the sessions in PostgreSQL, each as a test of its own, and tries what the tables must refuse."""
import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from harness.place import BUILD, TREE, WRAPPER

TESTS = re.findall(r"^ +TEST\((\w+)\)", Path(__file__).with_suffix(".c").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", TESTS)
def test_session_store(name, database):
    result = subprocess.run([*WRAPPER, str(BUILD / "tests" / "store" / "test_session_store"), name], cwd=TREE,
                            text=True, env={**os.environ, "CHATSESSION_TEST_CONNINFO": database.superuser},
                            stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=120)
    output = result.stdout + result.stderr
    assert result.returncode == 0 and "1 test(s) run." in output, f"ended with {result.returncode}\n{output}"


@pytest.mark.parametrize("columns, values, constraint", [
    ("console_seen_at", "now()", "nobody_has_no_console_and_no_successor"),
    ("replaced_by, revoked_at, revoke_cause", "sha256('one'), now(), 'x'", "nobody_has_no_console_and_no_successor"),
    ("user_id, replaced_by", "(SELECT id FROM chatsession.users LIMIT 1), sha256('one')", "replaced_has_ended"),
    ("user_id, legacy_id", "(SELECT id FROM chatsession.users LIMIT 1), 'x'", "legacy_id_is_nobodys"),
    ("legacy_id", "''", "legacy_id_is_short"),
    ("legacy_id", "repeat('x', 65)", "legacy_id_is_short"),
])
def test_the_table_refuses_what_cannot_be(database, user, columns, values, constraint):
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("INSERT INTO chatsession.sessions (id_hash, ref) VALUES (sha256('one'), 'one')")
        with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
            connection.execute(f"INSERT INTO chatsession.sessions (id_hash, ref, {columns})"
                               f" VALUES (sha256('two'), 'two', {values})")
