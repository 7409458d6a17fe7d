# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""schema/schema.sql is what the steps add up to: the one page that shows tables, constraints, indexes, functions and rights as they stand.

A change of the steps changes it: write it anew with

    WRITE_SCHEMA_SQL=1 make test-httpd PYTEST_ARGS="-k schema_sql"

and look at the difference before committing both.
"""
import os
import re
import subprocess

from harness.place import TREE
from harness.postgres import program

PAGE = TREE / "schema" / "schema.sql"
HEAD = """-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What roles.sql and the numbered steps add up to, as pg_dump shows it. For reading; tests/store/test_schema_sql.py
-- holds it against the steps and writes it anew.

"""


def dumped(database):
    """pg_dump's words, without those that differ from one version or run to the next."""
    text = subprocess.run([program("pg_dump"), "--schema-only", "--schema=chatsession", "-d", database.superuser], check=True,
                          text=True, capture_output=True).stdout
    kept = [line.rstrip() for line in text.splitlines()
            if not re.match(r"--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict ", line)]
    return HEAD + re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"


def test_schema_sql_is_what_the_steps_add_up_to(database):
    if os.environ.get("WRITE_SCHEMA_SQL"):
        PAGE.write_text(dumped(database), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == dumped(database)


def test_every_constraint_has_a_name_of_its_own_choosing(database):
    """A name that PostgreSQL made (table_column_check) says nothing to the person who meets it in an error."""
    names = [name for (name,) in database.rows(
        "SELECT conname FROM pg_constraint WHERE connamespace = 'chatsession'::regnamespace")]
    assert len(names) > 20
    assert [name for name in names if re.search(r"_(check|key|fkey|not_null)\d*$", name)] == []
