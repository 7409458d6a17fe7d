# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""One person's data: who looked at it, all of it as one archive, and its erasure with a certificate (promise I3), by the
console, by oneself and by the command line, and again after a backup was brought back."""
import hashlib
import json
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, log_in
from harness.postgres import chatsessionctl, program
from harness.world import World

CANARY = "canary-7f3a"


@pytest.fixture(scope="module")
def world(make_module_httpd, database):
    server = make_module_httpd(database.conninfo, lines=["ChatSessionSelfErase on", "ChatSessionShowAccess name"])
    made = World(server, database)
    yield made
    made.close()


@pytest.fixture
def person(world):
    """Somebody with something of everything; the client is logged in."""
    name = f"{CANARY}-{uuid.uuid4().hex[:8]}"
    world.users[name] = world.database.add_user(name)
    world.ids[name] = str(world.connection.execute("SELECT id FROM chatsession.users WHERE name = %s", (name,)).fetchone()[0])
    thing = world.thing(name, title=f"{CANARY} title", question=f"{CANARY} question", answer=f"{CANARY} answer")
    world.thing(name, trashed_by="user", title=f"{CANARY} trash")
    client = world.log_in(name)
    client.json("PUT", f"api/messages/{thing.answer}/feedback", 200, json={"rating": -1, "comment": f"{CANARY} comment"})
    client.json("POST", "api/keys", 201, json={"name": f"{CANARY} key"})
    client.thing, client.name, client.id = thing, name, world.ids[name]
    world.connection.execute("INSERT INTO chatsession.session_values (id_hash, name, value) SELECT id_hash, 'cart', %s"
                             " FROM chatsession.sessions WHERE user_id = %s", (f"{CANARY} value", client.id))
    world.connection.execute("INSERT INTO chatsession.user_tokens (user_id, day, tokens) VALUES (%s, now()::date, 7)",
                             (client.id,))
    world.connection.execute("INSERT INTO chatsession.login_attempts (subject) VALUES"
                             " (chatsession.login_subject('account', chatsession.canonical_name(%s)))", (name,))
    world.connection.execute("INSERT INTO chatsession.retention_rules (subject, user_id, clock, keep_days, changed_by)"
                             " VALUES ('user', %s, 'age', 36500, 'ada')", (client.id,))
    return client


def console(world, name="ada"):
    return world.clients[name].console


def erase(world, person, status=200, by="ada", **body):
    return console(world, by).json("POST", f"api/users/{person.name}/erase", status, json=body)


def counted(world, person):
    """The deed as the dry run has shown it."""
    shown = erase(world, person, dry_run=True)
    return {"id": shown["id"], "conversations": shown["removed"]["conversations"],
            "messages": shown["removed"]["messages"]}


def dump(database):
    return subprocess.run([program("pg_dump"), "--data-only", "-d", database.superuser], check=True, text=True,
                          capture_output=True).stdout


def tables_with(text, *needles):
    """The tables of a dump in which one of the needles stands."""
    found, table = set(), None
    for line in text.splitlines():
        if line.startswith("COPY "):
            table = line.split()[1].removeprefix("chatsession.")
        elif line == "\\.":
            table = None
        elif table and any(needle in line for needle in needles):
            found.add(table)
    return found


# --- erasure


def test_an_erasure_removes_everything_and_leaves_ids_and_a_tombstone(world, person):
    """[I3] The dump holds no word, name or number of the person's; the audit log has the id, and the second time changes nothing."""
    before = tables_with(dump(world.database), person.id, CANARY)
    assert {"users", "conversations", "messages", "feedback", "sessions", "session_values", "api_keys", "user_tokens",
            "retention_rules"} <= before
    deed = counted(world, person)
    assert (deed["conversations"], deed["messages"]) == (2, 4)
    answer = erase(world, person, reason="her letter", **deed)
    certificate = answer["certificate"]
    assert answer["erased"] is True and certificate["user_id"] == person.id and certificate["erased_by"] == "ada"
    assert certificate["removed"] == {"conversations": 2, "messages": 4, "feedback": 1, "sessions": 1, "values": 1,
                                      "keys": 1, "second_factors": 0, "usage_days": 1, "retention_rules": 1, "matters": 0}
    assert tables_with(dump(world.database), person.id, CANARY) == {"audit_entries", "erasures"}
    assert CANARY not in dump(world.database)
    assert person.get("api/conversations").status_code == 401
    state = world.state()
    again = erase(world, person, **deed)
    assert (again["erased"], again["certificate"]) == (False, certificate)
    assert world.state() == state
    assert console(world, "aude").json("GET", f"api/erasures/{person.id}", 200) == certificate
    assert certificate in console(world, "aude").json("GET", "api/erasures", 200)["erasures"]


def test_every_table_that_refers_to_a_user_is_counted_or_goes_along(world):
    """[I3] A new table with a user in it has to be thought of here."""
    referring = {name for (name,) in world.database.rows(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'chatsession.users'::regclass")}
    assert {name.removeprefix("chatsession.") for name in referring} == {
        "conversations", "sessions", "second_factors", "live_turns", "user_requests", "user_tokens", "api_keys",
        "matter_custodians", "retention_rules", "views"}


def test_the_certificate_names_the_place_in_the_chain(world, person):
    certificate = erase(world, person, **counted(world, person))["certificate"]
    seq, operator, target, detail, seal = world.connection.execute(
        "SELECT seq, operator, target_user, detail, encode(mac, 'hex') FROM chatsession.audit_entries"
        " WHERE action = 'user.erase' ORDER BY seq DESC LIMIT 1").fetchone()
    assert certificate["audit"] == {"seq": seq, "seal": seal}
    assert (operator, target, detail["user_id"], detail["removed"]) == ("ada", None, person.id, certificate["removed"])
    assert console(world, "aude").json("GET", "api/audit/verify", 200)["ok"] is True
    response = console(world, "aude").get(f"api/erasures/{person.id}")
    assert response.headers["Content-Disposition"] == f'attachment; filename="erasure-{person.id}.json"'


@pytest.mark.parametrize("what", ["users", "ids"])
def test_what_a_matter_holds_is_not_erased_until_it_is_released(world, person, what):
    held = {"users": [person.name]} if what == "users" else {"ids": [person.thing.conversation]}
    matter = console(world).json("POST", "api/matters", 201, json={"name": f"m {uuid.uuid4()}", "reason": "court", **held})
    assert erase(world, person, dry_run=True)["held"] is True
    deed = counted(world, person)
    assert erase(world, person, 409, **deed)["error"] == "held"
    own = person.json("POST", "api/erase", 409, json={"password": world.users[person.name].password, "conversations": 2,
                                                      "messages": 4})
    assert own["error"] == "not_now" and "matter" not in own["detail"] and "hold" not in own["detail"]
    assert person.json("GET", f"api/conversations/{person.thing.conversation}", 200)["title"] == f"{CANARY} title"
    console(world).json("POST", f"api/matters/{matter['id']}/release", 200, json={"reason": "over"})
    assert erase(world, person, **deed)["erased"] is True


def test_an_erasure_wants_the_count_that_was_shown(world, person):
    deed = counted(world, person)
    world.thing(person.name)
    assert erase(world, person, 409, **deed)["error"] == "count_changed"
    assert erase(world, person, 400, id=deed["id"])["error"] == "invalid_request"
    assert erase(world, person, 409, **(deed | {"id": world.ids["berta"]}))["error"] == "count_changed"
    assert person.json("GET", "api/session", 200)["authenticated"] is True


def test_a_name_that_somebody_else_has_by_now_is_not_erased_by_the_old_request(world, person):
    deed = counted(world, person)
    erase(world, person, **deed)
    world.database.add_user(person.name)
    assert erase(world, person, **deed)["erased"] is False
    assert world.connection.execute("SELECT count(*) FROM chatsession.users WHERE name = %s", (person.name,)).fetchone() == (1,)


def test_nobody_erases_oneself_in_the_console_and_none_but_administrators_anybody(world, person):
    mine = counted(world, type("Ada", (), {"name": "ada"}))
    assert console(world).json("POST", "api/users/ada/erase", 403, json=mine)["error"] == "own_account"
    assert erase(world, person, 403, by="otto", dry_run=True)["error"] == "forbidden"


def test_of_erasures_at_once_one_does_it(world, person):
    """[I3]"""
    deed = counted(world, person)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: erase(world, person, **deed)["erased"], range(4)))
    assert sorted(answers) == [False, False, False, True]


def test_what_cannot_be_recorded_is_not_erased(world, person):
    """[E6]"""
    deed = counted(world, person)
    world.httpd.expect_log("CS2022", "CS0013")
    world.connection.execute("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        assert erase(world, person, 500, **deed)["error"] == "internal_error"
    finally:
        world.connection.execute("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert person.json("GET", f"api/conversations/{person.thing.conversation}", 200)["title"] == f"{CANARY} title"


def test_a_person_of_many_conversations_goes_in_one_transaction(world, person):
    world.connection.execute(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, title, message_count) SELECT %s, 'n ' || n, 20"
        "  FROM generate_series(1, 300) n RETURNING id)"
        " INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        "  SELECT c.id, s, 'user', 'complete', 'x' FROM c, generate_series(1, 20) s", (person.id,))
    removed = erase(world, person, **counted(world, person))["certificate"]["removed"]
    assert (removed["conversations"], removed["messages"]) == (302, 6004)
    assert tables_with(dump(world.database), person.id) == {"audit_entries", "erasures"}


# --- by oneself


def test_oneself_is_erased_with_the_password_and_the_count(world, person):
    """[I3]"""
    password = world.users[person.name].password
    shown = person.json("GET", "api/erase", 200)
    assert shown["allowed"] is True and shown["removed"]["messages"] == 4 and "matters" not in shown["removed"]
    body = {"password": password, "conversations": 2, "messages": 4}
    assert person.json("POST", "api/erase", 403, json=body | {"password": "wrong"})["error"] == "invalid_credentials"
    assert person.json("POST", "api/erase", 400, json={"conversations": 2, "messages": 4})["error"] == "invalid_request"
    assert person.json("POST", "api/erase", 409, json=body | {"messages": 5})["error"] == "count_changed"
    response = person.post("api/erase", json=body)
    assert response.status_code == 200 and response.json()["certificate"]["erased_by"] == "(own account)"
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"' and "Max-Age=0" in response.headers["Set-Cookie"]
    assert person.json("GET", "api/session", 200)["authenticated"] is False
    assert CANARY not in "".join(line for line in dump(world.database).splitlines() if person.id in line)
    assert Client(world.httpd.url).post("api/login", json={"username": person.name, "password": password}).status_code == 401


def test_without_the_directive_nobody_erases_oneself(make_httpd, make_database):
    database = make_database()
    user = database.add_user("mika")
    client = Client(make_httpd(database.conninfo).url)
    client.login(user)
    assert client.json("GET", "api/erase", 200) == {"allowed": False, "removed": None}
    assert client.json("POST", "api/erase", 403, json={"password": user.password, "conversations": 0, "messages": 0})[
        "error"] == "forbidden"
    assert client.json("GET", "api/access", 200) == {"shown": False, "access": []}
    assert client.json("GET", "api/session", 200)["authenticated"] is True


def test_the_last_administrator_stays(make_httpd, make_database):
    """[E5]"""
    database = make_database()
    user = database.add_user("root", "admin")
    server = make_httpd(database.conninfo, lines=["ChatSessionSelfErase on"])
    client = log_in(server, user)
    assert client.json("POST", "api/erase", 409, json={"password": user.password, "conversations": 0, "messages": 0})[
        "error"] == "last_admin"


# --- by the command line, and after a restore


def test_the_command_line_erases_and_does_it_again_after_a_restore(world, person, tmp_path):
    """[I3] A backup brings the person back; the list of certificates says whom to erase again."""
    secret, who = str(world.httpd.folder / "secret"), person.name
    shown = chatsessionctl(world.database.superuser, "user", "erase", who)
    assert json.loads(shown.stdout)["removed"]["messages"] == 4 and "--confirm 2/4" in shown.stderr
    refused = chatsessionctl(world.database.superuser, "user", "erase", who, "--confirm", "2/5", "--key-file", secret,
                             check=False)
    assert refused.returncode == 5 and "more or fewer" in refused.stderr
    # A backup of that person's rows, in the least form of one.
    rows = {table: world.connection.execute(f"SELECT json_agg(t)::text FROM chatsession.{table} t WHERE {where} = %s",
                                            (person.id,)).fetchone()[0]
            for table, where in (("users", "id"), ("conversations", "user_id"))}
    done = chatsessionctl(world.database.superuser, "user", "erase", who, "--confirm", "2/4", "--key-file", secret)
    assert json.loads(done.stdout)["user_id"] == person.id
    kept = tmp_path / "erasures.ndjson"
    kept.write_text(chatsessionctl(world.database.superuser, "erasure", "list").stdout)
    world.connection.execute("DELETE FROM chatsession.erasures WHERE user_id = %s", (person.id,))
    for table, columns in (("users", "id, name, role, password_phc, created_at"), ("conversations", "id, user_id, title")):
        world.connection.execute(f"INSERT INTO chatsession.{table} ({columns}) SELECT {columns} FROM"
                                 f" json_populate_recordset(NULL::chatsession.{table}, %s)", (rows[table],))
    again = chatsessionctl(world.database.superuser, "erasure", "apply", str(kept), "--key-file", secret)
    assert again.stdout == "1 erased again\n"
    assert tables_with(dump(world.database), person.id) == {"audit_entries", "erasures"}
    assert chatsessionctl(world.database.superuser, "erasure", "apply", str(kept), "--key-file", secret).stdout == \
        "0 erased again\n"
    assert console(world, "aude").json("GET", "api/audit/verify", 200)["ok"] is True
    kept.write_text("no line of ours\n")
    assert chatsessionctl(world.database.superuser, "erasure", "apply", str(kept), "--key-file", secret,
                          check=False).returncode == 1


def test_the_module_can_erase_in_no_other_way(world):
    with pytest.raises(Exception, match="permission denied"), world.database.postgres.connect(
            world.database.name, user="chatsession") as connection:
        connection.execute("DELETE FROM chatsession.erasures")


# --- the archive


def lines_of(text):
    lines = text.splitlines()
    end = json.loads(lines.pop())
    assert end == {"type": "end", "lines": len(lines),
                   "sha256": hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()}
    return [json.loads(line) for line in lines]


def test_an_archive_holds_everything_of_one_person_and_nothing_that_opens_anything(world, person):
    console(world, "aude").json("GET", f"api/conversations/{person.thing.conversation}?reason=ticket", 200)
    by_console = console(world).get(f"api/users/{person.name}/archive?reason=her+letter")
    assert by_console.status_code == 200
    assert by_console.headers["Content-Disposition"] == f'attachment; filename="person-{person.id}.ndjson"'
    lines = lines_of(by_console.text)
    kinds = [line["type"] for line in lines]
    assert kinds == ["profile", "session", "key", "usage", "access", "conversation", "message", "message", "conversation",
                     "message", "message"]
    of = {kind: [line for line in lines if line["type"] == kind] for kind in set(kinds)}
    assert of["profile"][0]["name"] == person.name and of["session"][0]["values"] == {"cart": f"{CANARY} value"}
    assert of["access"][0]["role"] == "auditor" and "operator" not in of["access"][0] and "reason" not in of["access"][0]
    assert any(message["feedback"] and message["feedback"]["comment"] == f"{CANARY} comment" for message in of["message"])
    secrets = world.connection.execute("SELECT password_phc FROM chatsession.users WHERE id = %s", (person.id,)).fetchone()[0]
    assert secrets not in by_console.text and "hash" not in by_console.text
    assert [line for line in lines_of(person.get("api/archive").text) if line["type"] != "session"] == [
        line for line in lines if line["type"] != "session"]
    by_tool = chatsessionctl(world.database.superuser, "user", "archive", person.name, *world.httpd.key).stdout.splitlines()
    assert [json.loads(line)["type"] for line in by_tool] == kinds
    assert world.connection.execute("SELECT operator, target_user, reason, detail ->> 'messages' FROM"
                                    " chatsession.audit_entries WHERE action = 'user.archive' ORDER BY seq DESC LIMIT 2"
                                    ).fetchall() == [("(chatsessionctl)", person.name, None, "4"), ("ada", person.name, "her letter", "4")]


def test_an_archive_that_cannot_be_recorded_does_not_leave(world, person):
    """[E6]"""
    world.httpd.expect_log("CS2022", "CS0013")
    world.connection.execute("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        response = console(world).get(f"api/users/{person.name}/archive")
    finally:
        world.connection.execute("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert response.status_code == 500 and CANARY not in response.text


# --- who looked


def test_a_user_sees_who_opened_the_own_conversations_and_nobody_elses(world, person):
    thing = person.thing
    console(world, "aude").json("GET", f"api/conversations/{thing.conversation}?reason=a+secret+reason", 200)
    console(world, "otto").json("GET", f"api/conversations/{world.thing('anna').conversation}", 200)
    shown = person.json("GET", "api/access", 200)
    assert shown["shown"] is True and [row["operator"] for row in shown["access"]] == ["aude"]
    row = shown["access"][0]
    assert (row["role"], row["conversation_id"], row["title"]) == ("auditor", thing.conversation, f"{CANARY} title")
    assert "a secret reason" not in json.dumps(shown)
    assert person.json("GET", f"api/access?conversation={thing.conversation}", 200) == shown
    annas = world.clients["anna"].json("GET", "api/conversations", 200)["conversations"][0]["id"]
    assert person.json("GET", f"api/access?conversation={annas}", 200)["access"] == []
    assert person.json("GET", "api/access?conversation=x", 400)["error"] == "invalid_request"


def test_only_the_role_is_shown_where_so_configured(make_httpd, database, world, person):
    console(world, "aude").json("GET", f"api/conversations/{person.thing.conversation}", 200)
    server = make_httpd(database.conninfo, lines=["ChatSessionShowAccess role"])
    client = Client(server.url)
    client.login(world.users[person.name])
    row, = client.json("GET", "api/access", 200)["access"]
    assert (row["role"], row["operator"]) == ("auditor", None)
