# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl does what operators do in the console: on the same database, with the same effect on running servers, and with
the same entries in the audit log, in one chain with those of httpd."""
import itertools
import json

import pytest
from harness.client import Client, log_in
from harness.place import wait_until
from harness.postgres import chatsessionctl

DONE, FAILED, USAGE, ABSENT, HELD, CHANGED = range(6)
WHO = "(chatsessionctl)"
MISSING = "00000000-0000-4000-8000-000000000000"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(httpd, database):
    """One whose audit log has a sealed entry: from now on the command line needs the key."""
    console = Client(httpd.url, "/chat-admin")
    httpd.boss = database.add_user("boss", "admin")
    console.login(httpd.boss)
    console.json("GET", f"api/conversations/{MISSING}?reason=x", 404)
    console.json("GET", "api/conversations?q=nothing", 200)
    httpd.console = console
    return httpd


@pytest.fixture
def ctl(database, server):
    """ctl(*words): the CompletedProcess, told the key; code: the exit code that is expected."""
    def run(*words, code=DONE, key=server.key):
        result = chatsessionctl(database.superuser, *map(str, words), *key, check=False)
        assert result.returncode == code, result
        assert code == DONE or (result.stderr.startswith("chatsessionctl: ") and result.stdout == ""), result
        return result

    return run


@pytest.fixture
def person(database):
    return database.add_user(f"person {next(_numbers)}")


def entries(database, target=None):
    """What the command line did, oldest first: (action, target, detail)."""
    return database.rows("SELECT action, target_user, detail FROM chatsession.audit_entries WHERE operator = %s"
                         " AND (%s::text IS NULL OR target_user = %s) ORDER BY seq", (WHO, target, target))


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


# --- what is recorded


def test_whatever_is_done_to_a_user_is_in_the_audit_log(ctl, server, database):
    """[E6] [L2] One entry each, in the words of the console, and the chain of httpd goes on through them."""
    name = "recorded one"
    ctl("user", "add", name, "--role", "user", "--random-password")
    ctl("user", "role", name, "viewer")
    ctl("user", "limits", name, "--max-turns", "2", "--max-tokens", "default")
    ctl("user", "disable", name)
    ctl("user", "enable", name)
    ctl("user", "password", name, "--random-password")
    ctl("session", "revoke", "--user", name)
    assert entries(database, name) == [
        ("user.create", name, {"role": "user"}),
        ("user.change", name, {"role": {"old": "user", "new": "viewer"}, "sessions": 0}),
        ("user.change", name, {"limits": {"max_turns": 2, "max_tokens": None}, "sessions": 0}),
        ("user.change", name, {"disabled": {"old": False, "new": True}, "sessions": 0}),
        ("user.change", name, {"disabled": {"old": True, "new": False}, "sessions": 0}),
        ("user.password", name, {"sessions": 0}),
        ("session.revoke", name, {"sessions": 0})]
    assert server.console.json("GET", "api/audit/verify", 200)["ok"] is True


def test_what_changes_nothing_is_not_recorded(ctl, database, person):
    ctl("user", "enable", person.name)
    ctl("user", "role", person.name, "user")
    assert entries(database, person.name) == []


def test_without_the_key_nothing_happens_once_the_log_is_sealed(ctl, database, person):
    """[E6] no entry, no deed"""
    client_rows = database.rows("SELECT to_jsonb(u) FROM chatsession.users u ORDER BY id")
    for words in (("user", "disable", person.name), ("user", "role", person.name, "admin"), ("session", "revoke", "--all"),
                  ("user", "limits", person.name, "--max-turns", "1"), ("user", "password", person.name, "--random-password"),
                  ("user", "add", "unrecorded", "--role", "admin", "--random-password")):
        assert "--key-file" in ctl(*words, code=FAILED, key=()).stderr
        assert "cannot be read" in ctl(*words, code=FAILED, key=("--key-file", "/nowhere")).stderr
    assert database.rows("SELECT to_jsonb(u) FROM chatsession.users u ORDER BY id") == client_rows


def test_a_key_that_is_not_the_logs_seals_nothing(ctl, server, database, person, tmp_path):
    """[E7] An entry under a key that nobody has would be a break in the chain for ever; a rotated key goes on with the old one behind it."""
    other = tmp_path / "other"
    other.write_bytes(bytes(range(48)))
    assert "no --key-file is what sealed" in ctl("user", "disable", person.name, code=FAILED, key=("--key-file", str(other))).stderr
    assert entries(database, person.name) == []
    ctl("user", "disable", person.name, key=("--key-file", server.key[1], "--key-file", str(other)))
    assert server.console.json("GET", "api/audit/verify", 200)["ok"] is True


def test_the_environment_names_the_key(ctl, database, server, person):
    result = chatsessionctl(database.superuser, "user", "disable", person.name, env={"CHATSESSION_KEY_FILE": server.key[1]})
    assert result.returncode == DONE and [row[0] for row in entries(database, person.name)] == ["user.change"]


def test_a_deed_whose_entry_cannot_be_written_is_not_done(ctl, database, person):
    """[E6]"""
    database.rows("ALTER TABLE chatsession.audit_entries ADD CONSTRAINT no_more CHECK (operator <> '(chatsessionctl)') NOT VALID")
    try:
        ctl("user", "disable", person.name, code=FAILED)
        ctl("user", "add", "unrecorded", "--role", "user", "--random-password", code=FAILED)
    finally:
        database.rows("ALTER TABLE chatsession.audit_entries DROP CONSTRAINT no_more")
    assert database.value("SELECT count(*) FROM chatsession.users WHERE disabled_at IS NOT NULL AND name = %s OR name = 'unrecorded'",
                          (person.name,)) == 0


# --- what running servers notice


def test_what_the_command_line_takes_away_is_gone_at_the_next_request(ctl, server, person):
    """[A8]"""
    for words in (("user", "disable", person.name), ("session", "revoke", "--user", person.name), ("user", "role", person.name, "viewer")):
        client = log_in(server, person)
        ctl(*words)
        wait_until(lambda client=client: not is_logged_in(client), f"the session to end by {words}")
        if words[1] == "disable":
            ctl("user", "enable", person.name)


def test_one_session_or_all_are_ended(ctl, server, database, person):
    first, second = log_in(server, person), log_in(server, person)
    refs = [one["ref"] for one in json.loads(ctl("session", "list", "--user", person.name, "--json", key=()).stdout)["sessions"]]
    assert len(refs) == 2
    result = chatsessionctl(database.superuser, "session", "revoke", *server.key, "--", refs[0])
    assert result.stdout == "1 session ended\n"
    wait_until(lambda: [is_logged_in(first), is_logged_in(second)].count(True) == 1, "one of them to end")
    assert database.value("SELECT detail->'refs' FROM chatsession.audit_entries WHERE operator = %s AND action = 'session.revoke'"
                          " ORDER BY seq DESC LIMIT 1", (WHO,)) == [refs[0]]


# --- users


def test_the_last_administrator_can_be_disabled_here_alone(ctl, database, server):
    """[E5] An account that fell into wrong hands must be stopped; whoever has the database can make another."""
    assert database.rows("SELECT name FROM chatsession.users WHERE role = 'admin' AND disabled_at IS NULL") == [("boss",)]
    ctl("user", "disable", "boss")
    assert database.value("SELECT count(*) FROM chatsession.users WHERE role = 'admin' AND disabled_at IS NULL") == 0
    wait_until(lambda: not is_logged_in(server.console), "the session to end")
    ctl("user", "enable", "boss")
    server.console.login(server.boss)


def test_limits_are_the_users_own(ctl, database, person):
    def limits():
        return database.rows("SELECT max_turns, max_requests, max_tokens FROM chatsession.users WHERE name = %s", (person.name,))[0]

    assert "has these limits" in ctl("user", "limits", person.name, "--max-turns", 3, "--max-requests", 0, "--max-tokens", 10**12).stdout
    assert limits() == (3, 0, 10**12)
    ctl("user", "limits", person.name, "--max-requests", "default")
    assert limits() == (3, None, 10**12)
    for wrong in (("--max-turns", "10001"), ("--max-turns", "-1"), ("--max-tokens", "x"), ("--max-requests", ""), ()):
        ctl("user", "limits", person.name, *wrong, code=USAGE)
    ctl("user", "limits", "absent", "--max-turns", 1, code=ABSENT)
    assert limits() == (3, None, 10**12)


def test_users_are_found_by_a_part_of_the_name_role_and_state(ctl, database):
    for number in range(3):
        database.add_user(f"Finder {number}", "viewer" if number else "user")
    ctl("user", "disable", "finder 2")

    def found(*words):
        return [user["name"] for user in json.loads(ctl("user", "list", *words, "--json", key=()).stdout)["users"]]

    assert found("--query", "FINDER") == ["Finder 0", "Finder 1", "Finder 2"]
    assert found("--query", "inder", "--role", "viewer") == ["Finder 1", "Finder 2"]
    assert found("--query", "inder", "--state", "disabled") == ["Finder 2"]
    page = ctl("user", "list", "--query", "finder", "--limit", 2, key=())
    assert page.stdout.count("Finder") == 2 and "--after finder 1" in page.stderr
    assert found("--query", "finder", "--after", "finder 1") == ["Finder 2"]
    ctl("user", "list", "--state", "asleep", code=USAGE, key=())
    ctl("user", "list", "--role", "god", code=FAILED, key=())
