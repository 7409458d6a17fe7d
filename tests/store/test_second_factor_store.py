# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Runs the C tests of second factors in PostgreSQL, each as a test of its own, and tries what the tables must refuse."""
import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from harness.place import BUILD, TREE

TESTS = re.findall(r"^ +TEST\((\w+)\)", Path(__file__).with_suffix(".c").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", TESTS)
def test_second_factor_store(name, database):
    result = subprocess.run([str(BUILD / "tests" / "store" / "test_second_factor_store"), name], cwd=TREE, text=True,
                            env={**os.environ, "CHATSESSION_TEST_CONNINFO": database.superuser},
                            stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=120)
    output = result.stdout + result.stderr
    assert result.returncode == 0 and "1 test(s) run." in output, f"ended with {result.returncode}\n{output}"


@pytest.mark.parametrize("statement, error", [
    ("UPDATE chatsession.second_factors SET confirmed_at = now()", "confirmed_by_a_code"),
    ("UPDATE chatsession.second_factors SET last_step = 1", "confirmed_by_a_code"),
    ("INSERT INTO chatsession.recovery_codes SELECT user_id, 'short' FROM chatsession.second_factors",
     "code_hash_is_sha256"),
    ("INSERT INTO chatsession.recovery_codes VALUES (gen_random_uuid(), sha256('x'))", "recovery_code_has_its_factor"),
    ("INSERT INTO chatsession.second_factors VALUES (gen_random_uuid(), 'x')", "second_factor_has_its_user"),
])
def test_the_tables_refuse_what_cannot_be(database, user, statement, error):
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("INSERT INTO chatsession.second_factors (user_id, secret)"
                           " SELECT id, 'sealed' FROM chatsession.users WHERE name = %s", (user.name,))
        with pytest.raises(psycopg.errors.IntegrityError, match=error):
            connection.execute(statement)


def test_a_user_who_is_deleted_takes_it_along(database):
    """Erasure leaves no secret behind."""
    with database.connect() as connection:
        connection.execute("INSERT INTO chatsession.users (name) VALUES ('gone')")
        connection.execute("INSERT INTO chatsession.second_factors (user_id, secret)"
                           " SELECT id, 'sealed' FROM chatsession.users WHERE name = 'gone'")
        connection.execute("INSERT INTO chatsession.recovery_codes SELECT id, sha256('x') FROM chatsession.users"
                           " WHERE name = 'gone'")
        connection.execute("DELETE FROM chatsession.users WHERE name = 'gone'")
        for table in ("second_factors", "recovery_codes"):
            assert connection.execute(f"SELECT count(*) FROM chatsession.{table}"
                                      " WHERE user_id NOT IN (SELECT id FROM chatsession.users)").fetchone() == (0,)
