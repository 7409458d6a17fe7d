# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The audit log is a chain under a key that the database does not hold (promise E7): whoever can write to the database,
a superuser too, can change nothing in it unseen."""
import json
import os
import re

import pytest

from harness.client import Client
from harness.place import wait_until
from harness.postgres import chatsessionctl
from harness.world import World


@pytest.fixture
def world(make_httpd, make_database):
    database = make_database()
    server = make_httpd(database.conninfo, lines=["ChatSessionSweepInterval 100ms"])
    made = World(server, database)
    client = made.clients["aude"].console
    for number in range(6):
        client.json("GET", f"api/conversations/{made.thing('anna').conversation}?reason=ticket+{number}", 200)
    yield made
    made.close()


def verify(world, status=200, **query):
    return world.clients["aude"].console.json("GET", "api/audit/verify", status, params=query)


def seqs(world):
    return [row[0] for row in world.connection.execute("SELECT seq FROM chatsession.audit_entries ORDER BY seq")]


def test_a_chain_that_nobody_touched_verifies(world):
    report = verify(world)
    assert (report["ok"], report["entries"], report["sealed"], report["unsealed_before"], report["problems"]) == (
        True, 6, 6, 0, [])
    assert report["head"]["seq"] == seqs(world)[-1] and re.fullmatch("[0-9a-f]{64}", report["head"]["seal"])


@pytest.mark.parametrize("change", [
    "operator = 'somebody'", "role = 'admin'", "action = 'a.b'", "reason = 'another'", "reason = NULL",
    "target_user = 'x'", "conversation_id = NULL", "detail = '{\"x\": 1}'", "network = '192.0.2.1'",
    "request_id = 'x'", "at = at + interval '1 microsecond'", "mac = sha256('x')"])
def test_one_changed_entry_is_named(world, change):
    """[E7]"""
    third = seqs(world)[2]
    world.connection.execute(f"UPDATE chatsession.audit_entries SET {change} WHERE seq = %s", (third,))
    report = verify(world)
    assert report["ok"] is False and {"seq": third, "problem": "altered"} in report["problems"]
    # a seal that was changed breaks the next one as well, a text does not
    assert report["problem_count"] == (2 if change.startswith("mac") else 1)


def test_an_entry_that_was_taken_out_is_seen_at_the_next_one(world):
    """[E7]"""
    every = seqs(world)
    world.connection.execute("DELETE FROM chatsession.audit_entries WHERE seq = %s", (every[2],))
    assert verify(world)["problems"] == [{"seq": every[3], "problem": "altered"}]


def test_an_entry_that_was_slipped_in_is_seen(world):
    world.connection.execute("INSERT INTO chatsession.audit_entries (operator, role, action) VALUES ('x', 'admin', 'a.b')")
    assert verify(world)["problems"] == [{"seq": seqs(world)[-1], "problem": "unsealed"}]
    world.connection.execute("UPDATE chatsession.audit_entries SET key_id = 'made up', mac = sha256('y')"
                             " WHERE operator = 'x'")
    assert verify(world)["problems"] == [{"seq": seqs(world)[-1], "problem": "unknown_key"}]


def test_two_entries_that_changed_places_are_seen(world):
    second, third = seqs(world)[1:3]
    world.connection.execute("CREATE TEMP TABLE two AS SELECT * FROM chatsession.audit_entries WHERE seq IN (%s, %s)",
                             (second, third))
    world.connection.execute("UPDATE two SET seq = %s::bigint + %s - seq", (second, third))
    world.connection.execute("DELETE FROM chatsession.audit_entries WHERE seq IN (%s, %s)", (second, third))
    world.connection.execute("INSERT INTO chatsession.audit_entries OVERRIDING SYSTEM VALUE SELECT * FROM two")
    assert {one["seq"] for one in verify(world)["problems"]} >= {second, third}


def test_an_end_that_was_cut_off_is_seen_against_the_head_in_the_log(world):
    """[E7]"""
    said = f"CS0252: the audit log's head is {seqs(world)[-1]}:"
    wait_until(lambda: any(said in line for line in world.httpd.error_log), "the head in the log", 30)
    line = re.search(r"head is (\d+:[0-9a-f]{64})$", [line for line in world.httpd.error_log if said in line][0]).group(1)
    assert verify(world, anchor=line)["ok"] is True
    assert verify(world, anchor=line[:line.index(":") + 17])["ok"] is True
    world.connection.execute("DELETE FROM chatsession.audit_entries WHERE seq = %s", (seqs(world)[-1],))
    assert verify(world)["ok"] is True, "that is what the anchor is for"
    report = verify(world, anchor=line)
    assert report["ok"] is False and report["problems"] == [{"seq": int(line.split(":")[0]), "problem": "missing"}]
    for wrong in ("x", "1", "1:", "1:abc", "1:" + "g" * 64, "1:" + "a" * 65, ":" + "a" * 64):
        verify(world, 400, anchor=wrong)


def test_entries_of_many_at_once_stand_one_after_the_other(world):
    import threading
    ids = [world.thing("anna").conversation for _ in range(8)]

    def look(one):
        client = Client(world.httpd.url, "/chat-admin", world.clients["aude"].session)
        client.json("GET", f"api/conversations/{one}", 200)

    threads = [threading.Thread(target=look, args=(one,)) for one in ids]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    report = verify(world)
    assert (report["ok"], report["sealed"]) == (True, 14)


def test_the_log_is_found_by_operator_action_time_conversation_and_user(world):
    thing = world.thing("berta")
    world.clients["otto"].console.json("POST", "api/conversations/tag", 200, json={"ids": [thing.conversation],
                                                                                   "add": ["x"]})
    world.clients["otto"].console.json("GET", f"api/conversations/{thing.conversation}", 200)
    world.clients["ada"].console.json("PATCH", "api/users/berta", 200, json={"role": "viewer"})

    def found(**query):
        return [entry["action"] for entry in
                world.clients["aude"].console.json("GET", "api/audit", 200, params=query)["entries"]]

    assert found(operator="otto") == ["conversation.read", "conversation.tag"]
    assert found(action="conversation.tag") == ["conversation.tag"] and len(found(action="conversation")) == 8
    assert found(conversation=thing.conversation) == ["conversation.read"]
    assert found(user="BERTA") == ["user.change"] and found(user="nobody") == []
    assert found(to="2020-01-01") == [] and len(found(**{"from": "2020-01-01"})) == 9
    for wrong in ({"from": "x"}, {"to": "x"}, {"conversation": "x"}):
        world.clients["aude"].console.json("GET", "api/audit", 400, params=wrong)


def test_the_log_is_exported_with_its_seals_and_that_is_in_it(world):
    response = world.clients["otto"].console.get("api/audit/export?action=conversation.read")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit.ndjson"'
    assert [line["seq"] for line in lines] == seqs(world)[:6] and all(len(line["seal"]) == 64 for line in lines)
    assert world.connection.execute("SELECT operator FROM chatsession.audit_entries WHERE action = 'audit.export'"
                                    ).fetchall() == [("otto",)]


def test_the_command_line_verifies_with_the_same_key(world, tmp_path):
    secret = world.httpd.folder / "secret"
    result = chatsessionctl(world.database.superuser, "audit", "verify", "--key-file", str(secret))
    assert result.stdout.startswith("6 entries, 6 of them sealed: the chain is whole; its head is ")
    third = seqs(world)[2]
    world.connection.execute("UPDATE chatsession.audit_entries SET reason = 'x' WHERE seq = %s", (third,))
    result = chatsessionctl(world.database.superuser, "audit", "verify", "--key-file", str(secret), check=False)
    assert result.returncode == 1 and f"{third} altered" in result.stdout
    other = tmp_path / "other"
    other.write_bytes(os.urandom(48))
    other.chmod(0o600)
    result = chatsessionctl(world.database.superuser, "audit", "verify", "--key-file", str(other), check=False)
    assert result.returncode == 1 and "unknown_key" in result.stdout


def test_a_key_of_its_own_goes_on_where_the_secret_left_off(world, make_httpd, tmp_path):
    key = tmp_path / "audit.key"
    key.write_bytes(os.urandom(48))
    key.chmod(0o600)
    old = world.httpd.folder / "secret"
    server = make_httpd(world.database.conninfo, lines=[f'ChatSessionSecretFile "{old}"',
                                                        f'ChatSessionAuditKeyFile "{key}"'])
    client = Client(server.url, "/chat-admin")
    client.login(world.users["aude"])
    client.json("GET", f"api/conversations/{world.thing('anna').conversation}", 200)
    report = client.json("GET", "api/audit/verify", 200)
    assert (report["ok"], report["sealed"]) == (True, 7)
    assert len({row[0] for row in world.connection.execute("SELECT key_id FROM chatsession.audit_entries")}) == 2
    assert verify(world)["problems"] == [{"seq": seqs(world)[-1], "problem": "unknown_key"}]


def test_entries_from_before_the_chain_are_counted_and_no_problem(make_httpd, make_database):
    database = make_database()
    database.rows("INSERT INTO chatsession.audit_entries (operator, role, action) VALUES ('x', 'admin', 'a.b')")
    world = World(make_httpd(database.conninfo), database)
    try:
        world.clients["aude"].console.json("GET", f"api/conversations/{world.thing('anna').conversation}", 200)
        report = verify(world)
        assert (report["ok"], report["entries"], report["sealed"], report["unsealed_before"]) == (True, 2, 1, 1)
    finally:
        world.close()
