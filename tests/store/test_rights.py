# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What the role that httpd logs in as may do in the database, and above all what it may not."""
import psycopg
import pytest

# Somebody who has taken over httpd tries to cover tracks or to stay.
FORBIDDEN = (
    "DELETE FROM chatsession.audit_entries", "UPDATE chatsession.audit_entries SET operator = 'nobody'",
    "TRUNCATE chatsession.audit_entries", "ALTER TABLE chatsession.audit_entries DISABLE TRIGGER ALL",
    "DROP TABLE chatsession.audit_entries", "DELETE FROM chatsession.users", "TRUNCATE chatsession.messages",
    "DELETE FROM chatsession.messages", "ALTER TABLE chatsession.messages DISABLE TRIGGER text_is_written_once",
    "CREATE TABLE chatsession.mine ()", "CREATE TABLE public.mine ()", "CREATE ROLE mine",
    "DELETE FROM chatsession.schema_steps", "SET ROLE chatsession_owner", "COPY chatsession.users TO PROGRAM 'true'",
)


@pytest.fixture(scope="module")
def module_role(database):
    """A connection as the role that httpd logs in as."""
    with psycopg.connect(database.conninfo, autocommit=True, connect_timeout=5) as connection:
        yield connection


def test_the_module_is_no_superuser_and_member_of_nothing(module_role):
    assert module_role.execute("SELECT current_user, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication"
                               " FROM pg_roles WHERE rolname = current_user").fetchone() == (
        "chatsession", False, False, False, False, False)
    assert module_role.execute("SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
                               ).fetchone() == (0,)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_module_may_not(module_role, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        module_role.execute(statement)


def test_the_module_may_add_to_the_audit_log_and_read_it(module_role):
    """[E7]"""
    module_role.execute("INSERT INTO chatsession.audit_entries (operator, role, action) VALUES ('o', 'admin', 'a.b')")
    assert module_role.execute("SELECT operator, action FROM chatsession.audit_entries").fetchall() == [("o", "a.b")]


def test_every_table_belongs_to_the_owner_that_nobody_logs_in_as(database):
    assert database.rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'chatsession'") == [
        ("chatsession_owner",)]
    assert database.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'chatsession_owner'") is False
