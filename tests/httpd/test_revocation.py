# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What is remembered of sessions, and that it is forgotten in time: promise A8, on every child and every host."""
import pytest
from harness.client import Client, log_in
from harness.place import wait_until


@pytest.fixture(scope="module")
def hosts(make_module_httpd, database):
    """Two httpd of two children each on one PostgreSQL, which share the secret but no memory."""
    first = make_module_httpd(database.conninfo, children=2)
    second = make_module_httpd(database.conninfo, children=2, start=False)
    (second.folder / "secret").write_bytes((first.folder / "secret").read_bytes())
    return first, second.start()


@pytest.fixture
def account(database):
    """A user of this test alone."""
    account.number = getattr(account, "number", 0) + 1
    return database.add_user(f"revoked{account.number}")


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


def on(host, client):
    """The same browser at another host: the same cookies, also after the first host has taken them away."""
    one = Client(host.url)
    one.cookies.update(client.cookies)
    return one


def looks_at_sessions(database):
    """How often a session was looked up, as PostgreSQL counts it."""
    with database.connect() as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        return connection.execute(
            "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'sessions_pkey'").fetchone()[0]


def test_a_known_session_costs_no_statement(httpd, database, account):
    """PostgreSQL reports its counts late, so they are compared over many more requests than it may be behind."""
    client = log_in(httpd, account)
    assert is_logged_in(client)
    before = looks_at_sessions(database)
    for _ in range(300):
        assert is_logged_in(client)
    wait_until(lambda: looks_at_sessions(database) >= before, "the counts")
    assert looks_at_sessions(database) - before < 30


def test_a_logout_holds_on_the_other_host_for_the_next_request(hosts, account):
    """[A8]"""
    first, second = hosts
    for _ in range(50):
        client = log_in(first, account)
        elsewhere = on(second, client)
        assert is_logged_in(elsewhere)
        client.logout()
        assert not is_logged_in(elsewhere)
    # The other host's word came: none was given up after a second, or this machine stood still.
    assert sum("CS0007" in line for line in first.log.lines()) < 5


@pytest.mark.parametrize("statement", [
    "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'by hand' WHERE revoked_at IS NULL",
    "DELETE FROM chatsession.sessions",
    "UPDATE chatsession.users SET disabled_at = now()",
])
def test_what_is_done_by_hand_in_the_database_holds_on_every_host(hosts, database, account, statement):
    client = Client(hosts[0].url)
    client.login(account)
    clients = [client, on(hosts[1], client)]
    assert all(is_logged_in(each) for each in clients)
    with database.connect() as connection:
        connection.execute(statement)
    for each in clients:
        wait_until(lambda: not is_logged_in(each), "the session to be refused", seconds=5)
    with database.connect() as connection:
        connection.execute("UPDATE chatsession.users SET disabled_at = NULL")


def test_a_new_role_counts_at_once(hosts, database, account):
    """[A7] [A8] with a new session; the one of the former role is over"""
    client = Client(hosts[1].url)
    client.login(account)
    assert client.json("GET", "api/session", 200)["user"]["role"] == "user"
    with database.connect() as connection:
        connection.execute("UPDATE chatsession.users SET role = 'auditor' WHERE name = %s", (account.name,))
    wait_until(lambda: not is_logged_in(client), "the session to be refused", seconds=5)
    assert client.login(account)["user"]["role"] == "auditor"


def test_a_child_that_cannot_hear_asks_the_database(hosts, database, account):
    """When the ears are cut off, nothing that is remembered counts: a revocation made in the same moment holds."""
    client = Client(hosts[0].url)
    client.login(account)
    clients = [client, on(hosts[1], client)]
    assert all(is_logged_in(each) for each in clients)
    with database.connect() as connection:
        for host in hosts:
            host.end_connections(connection)
        connection.execute(
            "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'by hand' WHERE revoked_at IS NULL")
    for each in clients:
        wait_until(lambda: not is_logged_in(each), "the session to be refused", seconds=5)
