# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The operators' console: found, read, expired, brought back, exported, and all of it in the audit log before anything
leaves the server (promises E3, E5 to E7, I1, I5)."""
import hashlib
import json
import re
import threading
import uuid

import psycopg
import pytest

from harness.client import Client, read_turn
from harness.model import Model
from harness.place import wait_until

MISSING = "00000000-0000-4000-8000-000000000000"
SECRET = "\u79d8\u5bc6 secret %_\\ \U0001f512"


@pytest.fixture(autouse=True)
def empty(world):
    world.connection.execute("DELETE FROM chatsession.conversations")


def console(world, name):
    return world.clients[name].console


def listed(client, **query):
    return client.json("GET", "api/conversations", 200, params=query)["conversations"]


def entries(world, action=None, since=0):
    """The audit entries as the database has them, oldest first."""
    rows = world.connection.execute("SELECT to_jsonb(a) FROM chatsession.audit_entries a WHERE seq > %s ORDER BY seq",
                                    (since,)).fetchall()
    return [row[0] for row in rows if action is None or row[0]["action"] == action]


@pytest.fixture
def now(world):
    """The seq of the newest audit entry when the test begins."""
    return world.connection.execute("SELECT coalesce(max(seq), 0) FROM chatsession.audit_entries").fetchone()[0]


# --- find


def test_the_list_filters_by_user_time_state_and_text(world):
    anna, berta = world.thing("anna", title="first"), world.thing("berta", title="second", answer=SECRET)
    trashed = world.thing("anna", trashed_by="user")
    world.connection.execute("UPDATE chatsession.conversations SET updated_at = '2026-01-02T03:04:05Z' WHERE id = %s",
                             (anna.conversation,))
    client = console(world, "aude")

    def found(**query):
        return {one["id"] for one in listed(client, **query)}

    assert found() == {anna.conversation, berta.conversation}
    assert found(state="trashed") == {trashed.conversation}
    assert found(user="ANNA") == {anna.conversation} and found(user="nobody") == set()
    assert found(**{"from": "2026-01-02T03:04:05Z", "to": "2026-01-02T03:04:06Z"}) == {anna.conversation}
    assert found(to="2026-01-02T03:04:05Z") == set() and found(**{"from": "2026-01-03"}) == {berta.conversation}
    assert found(q="SECRET %_\\") == {berta.conversation} and found(q="\u79d8\u5bc6") == {berta.conversation}
    assert found(q="second") == {berta.conversation} and found(q="%") == {berta.conversation}
    assert found(q="secret", user="anna") == set()


def test_a_row_of_the_list_has_these_members(world):
    thing = world.thing("anna", title=SECRET)
    row, = listed(console(world, "aude"))
    assert set(row) == {"id", "title", "user", "created_at", "updated_at", "message_count", "state", "trashed_at",
                        "purge_at", "models", "snippet", "held", "tags", "pinned", "archived", "not_whole", "tokens",
                        "up", "down"}
    assert [row[name] for name in ("id", "title", "user", "message_count", "state", "models", "snippet")] == [
        thing.conversation, SECRET, "anna", 2, "active", ["mock"], None]


def test_the_list_pages_without_gap_or_repeat(world):
    made = {world.thing(name).conversation for name in ("anna", "berta") * 6}
    seen, after = [], ""
    while after is not None:
        page = console(world, "vera").json("GET", f"api/conversations?limit=5&after={after}", 200)
        seen += [one["id"] for one in page["conversations"]]
        after = page["next"]
        world.thing("anna")
    assert len(seen) == 12 and set(seen) == made


def test_a_viewer_sees_that_something_was_said_but_not_what(world, now):
    """[E5] a title is content; reading rights grow with the role"""
    thing = world.thing("anna", title=SECRET, question=SECRET, answer=SECRET)
    viewer = console(world, "vera")
    responses = [viewer.get("api/conversations"), viewer.get(f"api/conversations/{thing.conversation}"),
                 viewer.get("api/overview"), viewer.get("api/users")]
    assert all(response.status_code == 200 for response in responses)
    for response in responses:
        assert "secret" not in response.text and "\\u79d8" not in response.text and "\u79d8" not in response.text
    row, = responses[0].json()["conversations"]
    conversation = responses[1].json()
    assert row["title"] is None and conversation["title"] is None and row["message_count"] == 2
    assert [message["content"] for message in conversation["messages"]] == [None, None]
    assert [message["role"] for message in conversation["messages"]] == ["user", "assistant"]
    for query in ("q=secret", "q=%25"):
        assert viewer.get(f"api/conversations?{query}").status_code == 403
    assert [entry["action"] for entry in entries(world, since=now)] == ["conversation.inspect"]


def test_a_search_is_in_the_audit_log_without_the_text_that_was_searched(world, now):
    """[E6]"""
    world.thing("anna", answer=SECRET)
    assert len(listed(console(world, "aude"), q="secret", user="anna")) == 1
    entry, = entries(world, since=now)
    assert (entry["action"], entry["operator"], entry["role"]) == ("conversation.search", "aude", "auditor")
    assert entry["detail"] == {"user": "anna", "text_search": True}
    assert "secret" not in json.dumps(entry)
    listed(console(world, "aude"), user="anna")
    assert len(entries(world, since=now)) == 1, "a list of metadata is no reading"


# --- read


def test_reading_a_conversation_is_recorded_with_its_reason(world, now):
    """[E6]"""
    thing = world.thing("anna", title="t", question="q", answer=SECRET)
    response = console(world, "aude").get(f"api/conversations/{thing.conversation}",
                                          params={"reason": f"ticket {SECRET}"})
    conversation = response.json()
    assert conversation["user"] == "anna" and [one["content"] for one in conversation["messages"]] == ["q", SECRET]
    entry, = entries(world, since=now)
    assert (entry["action"], entry["operator"], entry["role"], entry["conversation_id"], entry["reason"]) == (
        "conversation.read", "aude", "auditor", thing.conversation, f"ticket {SECRET}")
    assert entry["request_id"] == response.headers["X-Request-Id"] and entry["network"].startswith("127.0.0.1")
    console(world, "aude").json("GET", f"api/conversations/{MISSING}", 404)
    assert len(entries(world, since=now)) == 1


def test_without_a_reason_no_conversation_is_shown_where_it_is_wanted(make_httpd, database, world):
    """[E6] To whoever may read content; who may not sees the same as ever. Nothing is recorded of what was not shown."""
    server = make_httpd(database.conninfo, lines=["ChatSessionReadReason on"])
    thing = world.thing("anna", answer="secret")
    for name in ("aude", "ada"):
        client = Client(server.url, "/chat-admin")
        client.login(world.users[name])
        for query in ("", "?reason=", "?reason=%20%E3%80%80%09"):
            answer = client.get(f"api/conversations/{thing.conversation}{query}")
            assert (answer.status_code, answer.json()["error"]) == (403, "reason_needed") and "secret" not in answer.text
        assert "secret" in client.get(f"api/conversations/{thing.conversation}?reason=%E4%BB%B6").text
    vera = Client(server.url, "/chat-admin")
    vera.login(world.users["vera"])
    assert vera.get(f"api/conversations/{thing.conversation}").json()["messages"][1]["content"] is None
    assert world.connection.execute("SELECT operator, reason FROM chatsession.audit_entries WHERE conversation_id = %s AND action = 'conversation.read'"
                                    " ORDER BY seq", (thing.conversation,)).fetchall() == [("aude", "\u4ef6"), ("ada", "\u4ef6")]


def test_without_its_audit_entry_nothing_is_shown_searched_or_changed(world, httpd):
    """[E6] the module's role may not write to the log for a while"""
    thing = world.thing("anna", title=SECRET, question=SECRET, answer=SECRET)
    httpd.expect_log("CS0013", "CS2022")
    client = console(world, "ada")
    before = world.state()
    world.connection.execute("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        responses = [
            client.get(f"api/conversations/{thing.conversation}"), client.get("api/conversations?q=secret"),
            client.get("api/export"), client.get(f"api/export?ids={thing.conversation}"),
            console(world, "vera").get(f"api/conversations/{thing.conversation}"),
            client.post("api/conversations/expire", json={"ids": [thing.conversation], "dry_run": False,
                                                          "confirm": {"conversations": 1}}),
            client.post("api/conversations/restore", json={"ids": [thing.conversation]}),
            client.post("api/sessions/revoke", json={"refs": [world.session_ref("anna")]})]
    finally:
        world.connection.execute("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    for response in responses:
        assert response.status_code in (500, 503), response.text
        assert "secret" not in response.text and "\u79d8" not in response.text
    after = world.state()
    before.pop("sessions"), after.pop("sessions")  # the one that was made to be revoked
    assert after == before
    assert world.connection.execute("SELECT count(*) FROM chatsession.sessions WHERE revoke_cause = 'operator'"
                                    " AND revoked_at > now() - interval '1 min' AND user_id = %s",
                                    (world.ids["anna"],)).fetchone()[0] == 0


@pytest.mark.parametrize("statement", [
    "UPDATE chatsession.audit_entries SET reason = 'x'", "DELETE FROM chatsession.audit_entries",
    "TRUNCATE chatsession.audit_entries", "DROP TABLE chatsession.audit_entries",
    "ALTER TABLE chatsession.audit_entries DISABLE TRIGGER ALL", "SET ROLE chatsession_owner"])
def test_the_modules_role_cannot_change_what_the_log_holds(world, database, statement):
    """[E7]"""
    listed(console(world, "aude"), q="x")
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


# --- expire and restore


def expire(client, status=200, **body):
    return client.json("POST", "api/conversations/expire", status, json=body)


def test_a_dry_run_counts_and_changes_nothing(world):
    things = [world.thing("anna") for _ in range(3)]
    world.thing("anna", trashed_by="user"), world.thing("berta")
    before = world.state()
    client = console(world, "otto")
    assert expire(client, filter={"user": "anna"}, dry_run=True) == {"conversations": 3, "messages": 6, "held": 0}
    assert expire(client, filter={}, dry_run=True) == {"conversations": 4, "messages": 8, "held": 0}
    assert expire(client, ids=[things[0].conversation, MISSING], dry_run=True) == {
        "conversations": 1, "messages": 2, "held": 0}
    assert world.state() == before


def test_expiring_needs_the_count_that_was_shown(world, now):
    """[E8] what is expired is what was counted"""
    for _ in range(3):
        world.thing("anna")
    client = console(world, "otto")
    before = world.state()
    body = expire(client, 409, filter={"user": "anna"}, dry_run=False, confirm={"conversations": 2})
    assert (body["error"], body["conversations"], body["messages"]) == ("count_changed", 3, 6)
    assert world.state() == before
    done = expire(client, filter={"user": "anna"}, dry_run=False, confirm={"conversations": 3})
    assert (done["conversations"], done["messages"]) == (3, 6) and re.fullmatch(r"[\d-]+T[\d:.]+Z", done["purge_at"])
    entry, = entries(world, "conversation.expire", now)
    assert entry["detail"] == {"user": "anna", "text_search": False, "conversations": 3}
    assert listed(client) == [] and len(listed(client, state="trashed")) == 3


@pytest.mark.parametrize("body, status", [({"dry_run": True}, 200),
                                          ({"dry_run": False, "confirm": {"conversations": 7}}, 409)],
                         ids=["a dry run", "a wrong count"])
def test_a_count_by_text_is_a_search_in_the_audit_log(world, now, body, status):
    """[E6] how many texts hold a word tells what they hold, so it is recorded, without the word"""
    world.thing("anna", answer=SECRET), world.thing("anna")
    answer = expire(console(world, "otto"), status, filter={"user": "anna", "q": "secret"}, **body)
    assert (answer["conversations"], answer["messages"]) == (1, 2)
    entry, = entries(world, since=now)
    assert (entry["action"], entry["operator"], entry["role"]) == ("conversation.search", "otto", "operator")
    assert entry["detail"] == {"user": "anna", "text_search": True} and "secret" not in json.dumps(entry)
    expire(console(world, "otto"), filter={"user": "anna"}, dry_run=True)
    assert len(entries(world, since=now)) == 1, "a count without a text is no search"


def test_a_count_by_text_that_cannot_be_recorded_is_not_told(world, httpd):
    """[E6]"""
    world.thing("anna", answer=SECRET)
    httpd.expect_log("CS0013", "CS2022")
    world.connection.execute("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        answers = [expire(console(world, "otto"), 500, filter={"q": "secret"}, **body) for body in (
            {"dry_run": True}, {"dry_run": False, "confirm": {"conversations": 7}})]
    finally:
        world.connection.execute("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert ["conversations" in answer for answer in answers] == [False, False]


def test_what_an_operator_expired_is_unreadable_at_once_for_its_owner_who_cannot_bring_it_back(world):
    """[I1]"""
    thing, kept = world.thing("anna", answer=SECRET), world.thing("anna")
    owner, path = world.clients["anna"], f"api/conversations/{thing.conversation}"
    expire(console(world, "otto"), ids=[thing.conversation], dry_run=False, confirm={"conversations": 1})
    calls = [("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/restore"), ("GET", f"{path}/stream"),
             ("GET", f"{path}/export"), ("POST", f"{path}/messages"), ("POST", f"{path}/regenerate"),
             ("PUT", f"api/messages/{thing.answer}/feedback")]
    bodies = {"PATCH": {"title": "x"}, "PUT": {"rating": 1}}
    for method, where in calls:
        body = bodies.get(method, {"message_id": thing.answer, "client_id": MISSING} if "regenerate" in where else
                          {"content": "x", "client_id": MISSING})
        response = owner.request(method, where, **({"json": body} if method != "GET" else {}))
        assert response.status_code == 404 and SECRET not in response.text, f"{method} {where}: {response.status_code}"
    for query in ("", "?state=trashed", "?q=secret", "?q=secret&state=trashed"):
        shown = owner.get(f"api/conversations{query}").json()["conversations"]
        assert thing.conversation not in [one["id"] for one in shown]
    assert owner.conversation(kept.conversation)


def test_an_operator_brings_back_what_was_expired(world, now):
    things = [world.thing("anna", answer=SECRET), world.thing("berta", trashed_by="user"), world.thing("anna")]
    ids = [thing.conversation for thing in things]
    client = console(world, "otto")
    before = world.clients["anna"].conversation(ids[0])
    expire(client, ids=ids[:1], dry_run=False, confirm={"conversations": 1})
    assert client.json("POST", "api/conversations/restore", 200, json={"ids": [*ids, MISSING]}) == {
        "conversations": 2, "messages": 4}
    assert world.clients["anna"].conversation(ids[0]) == before
    entry, = entries(world, "conversation.restore", now)
    assert entry["detail"]["ids"] == [*ids, MISSING]


def test_what_was_expired_is_purged_by_the_sweep_after_the_grace_period(make_httpd, database, world):
    """[I1]"""
    server = make_httpd(database.conninfo, lines=["ChatSessionTrashGrace 500ms", "ChatSessionSweepInterval 100ms"])
    client = Client(server.url, "/chat-admin")
    client.login(world.users["otto"])
    kept, due = world.thing("anna"), world.thing("anna", answer="canary canary")
    expire(client, ids=[due.conversation], dry_run=False, confirm={"conversations": 1})
    wait_until(lambda: world.connection.execute("SELECT count(*) FROM chatsession.conversations WHERE id = %s",
                                                (due.conversation,)).fetchone()[0] == 0, "the purge")
    assert world.connection.execute("SELECT count(*) FROM chatsession.messages WHERE content LIKE '%canary%'"
                                    ).fetchone()[0] == 0
    assert client.json("POST", "api/conversations/restore", 200, json={"ids": [due.conversation]}) == {
        "conversations": 0, "messages": 0}
    assert world.clients["anna"].conversation(kept.conversation)


def test_expiring_a_running_answer_stops_it_and_no_row_comes_back(make_httpd, database, world):
    """[I4] [J5]"""
    model, gate = Model(), threading.Event()

    def script(answer):
        answer.begin()
        answer.text("half")
        gate.set() if answer.wait_closed() else None

    model.script = script
    try:
        server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"])
        server.expect_log("AH01110")
        client = Client(server.url)
        client.login(world.users["anna"])
        operator = Client(server.url, "/chat-admin")
        operator.login(world.users["otto"])
        conversation = client.new_conversation()
        with client.send(conversation, "x") as stream:
            stream.next("message")
            expire(operator, ids=[conversation], dry_run=False, confirm={"conversations": 1})
            assert read_turn(stream).done["status"] in ("stopped", "interrupted")
        assert gate.wait(15), "the model went on"
        assert client.get(f"api/conversations/{conversation}").status_code == 404
        assert database.value("SELECT count(*) FROM chatsession.live_turns") == 0
    finally:
        model.close()


# --- export


def export(client, query=""):
    """The lines of an export whose last line vouches for the others."""
    response = client.get(f"api/export{query}")
    assert response.status_code == 200, response.text
    assert re.fullmatch(r'attachment; filename="conversations-\d{8}T\d{6}Z\.ndjson"',
                        response.headers["Content-Disposition"])
    *octets, last = response.content.splitlines(keepends=True)
    lines, end = [json.loads(line) for line in octets], json.loads(last)
    assert end == {"type": "end", "export": response.headers["X-Export-Id"],
                   "watermark": response.headers["X-Export-Watermark"], "conversations": sum(line["type"] == "conversation" for line in lines),
                   "messages": sum(line["type"] == "message" for line in lines), "lines": len(lines),
                   "sha256": hashlib.sha256(b"".join(octets)).hexdigest()}
    return lines


def test_an_export_is_complete_and_its_last_line_proves_it(world, now):
    """[I5]"""
    things = [world.thing("anna", title=SECRET, question="q\n\u2028\u0085", answer=SECRET) for _ in range(3)]
    world.thing("berta")
    lines = export(console(world, "otto"), "?user=anna&format=ndjson")
    assert [line["type"] for line in lines] == ["conversation", "message", "message"] * 3
    assert [line["id"] for line in lines[::3]] == [thing.conversation for thing in things]
    for at, thing in enumerate(things):
        head, question, answer = lines[3 * at:3 * at + 3]
        assert (head["user"], head["title"], head["state"], head["message_count"]) == ("anna", SECRET, "active", 2)
        assert (question["content"], answer["content"], answer["id"]) == ("q\n\u2028\u0085", SECRET, thing.answer)
        assert question["conversation_id"] == answer["conversation_id"] == thing.conversation
    begun, ended = entries(world, since=now)
    assert (begun["action"], ended["action"]) == ("conversation.export", "export.complete")
    assert begun["detail"]["user"] == "anna" and ended["detail"]["lines"] == 9 and len(ended["detail"]["sha256"]) == 64


def test_an_export_takes_ids_or_the_lists_filter(world):
    first, second, trashed = world.thing("anna"), world.thing("anna"), world.thing("anna", trashed_by="operator")
    client = console(world, "otto")

    def exported(query):
        return {line["id"] for line in export(client, query) if line["type"] == "conversation"}

    assert exported("?state=all") == {first.conversation, second.conversation, trashed.conversation}
    assert exported("") == exported("?state=active") == {first.conversation, second.conversation}
    assert exported(f"?state=all&ids={first.conversation},{trashed.conversation}") == {
        first.conversation, trashed.conversation}
    assert exported("?state=trashed") == {trashed.conversation}
    assert exported("?user=nobody") == set() and exported(f"?ids={MISSING}") == set()


def test_a_large_export_is_one_snapshot_whatever_is_written_meanwhile(world):
    """[I5]"""
    world.connection.execute(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, title, message_count)"
        "  SELECT %s, n::text, 2 FROM generate_series(1, 1500) n RETURNING id)"
        " INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        "  SELECT c.id, s, 'user', 'complete', repeat('\u4e16', 500) FROM c, generate_series(1, 2) s",
        (world.ids["anna"],))
    over, writing = threading.Event(), threading.Event()

    def write():
        connection = world.database.connect()
        while not over.is_set():
            connection.execute("INSERT INTO chatsession.conversations (user_id, title) VALUES (%s, 'late')",
                               (world.ids["anna"],))
            connection.execute("DELETE FROM chatsession.conversations WHERE id IN (SELECT id FROM"
                               " chatsession.conversations WHERE title <> 'late' LIMIT 1)")
            writing.set()
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert writing.wait(15)
        lines = export(console(world, "otto"))
    finally:
        over.set()
        thread.join()
    messages = {}
    for line in lines:
        if line["type"] == "message":
            messages.setdefault(line["conversation_id"], []).append(line["seq"])
    for line in lines:
        if line["type"] == "conversation":
            assert messages.get(line["id"], []) == ([] if line["title"] == "late" else [1, 2])
    assert len(messages) > 1000


# --- people


def test_the_overview_counts_what_is_there(world):
    world.thing("anna"), world.thing("anna"), world.thing("anna", trashed_by="user")
    overview = console(world, "vera").json("GET", "api/overview", 200)
    assert overview["conversations"] == {"active": 2, "trashed": 1} and overview["messages"] == 6
    assert overview["users"] == len(world.users) and overview["running"] == 0
    assert overview["turns_last_hour"] == 3 and overview["database_bytes"] > 0 and overview["oldest_purge_at"]


def test_the_users_are_listed_with_what_they_have(world, database):
    world.thing("anna"), world.thing("anna")
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'berta'")
    try:
        users = {user["name"]: user for user in console(world, "vera").json("GET", "api/users", 200)["users"]}
    finally:
        database.rows("UPDATE chatsession.users SET disabled_at = NULL WHERE name = 'berta'")
    assert set(users) == set(world.users)
    assert (users["anna"]["conversations"], users["anna"]["role"], users["anna"]["disabled"]) == (2, "user", False)
    assert users["berta"]["disabled"] is True and users["anna"]["last_login_at"]


def test_a_revoked_session_is_dead_at_its_next_request(world, now):
    """[J7]"""
    client = world.log_in("anna")
    operator = console(world, "otto")
    newest = max((one for one in operator.json("GET", "api/sessions", 200)["sessions"] if one["user"] == "anna"),
                 key=lambda one: one["created_at"])
    assert newest["network"] == "127.0.0.1" and "python-requests" in newest["user_agent"]
    refs = [newest["ref"], "no such ref"]
    assert operator.json("POST", "api/sessions/revoke", 200, json={"refs": refs}) == {"sessions": 1}
    assert client.get("api/conversations").status_code == 401
    assert client.get("api/session").json()["cause"] == "valid_cookie_but_no_store"
    assert operator.json("POST", "api/sessions/revoke", 200, json={"refs": refs}) == {"sessions": 0}
    assert newest["ref"] not in operator.get("api/sessions").text
    first, second = entries(world, "session.revoke", now)
    assert first["detail"]["refs"] == refs and first["operator"] == "otto"


def test_the_audit_log_is_shown_newest_first_page_by_page(world, now):
    thing, client = world.thing("anna"), console(world, "aude")
    for number in range(7):
        client.get(f"api/conversations/{thing.conversation}", params={"reason": f"reason {number}"})
    seen, after = [], ""
    while after is not None and len(seen) < 7:
        page = client.json("GET", f"api/audit?limit=3&after={after}", 200)
        assert len(page["entries"]) <= 3
        seen += page["entries"]
        after = page["next"]
        client.get(f"api/conversations/{thing.conversation}", params={"reason": "later"})
    assert [entry["reason"] for entry in seen[:7]] == [f"reason {number}" for number in range(6, -1, -1)]
    assert [entry["seq"] for entry in seen] == sorted({entry["seq"] for entry in seen}, reverse=True)
    assert set(seen[0]) == {"seq", "at", "operator", "role", "action", "conversation_id", "target_user", "reason",
                            "detail", "network", "request_id"}
    assert [seen[0][name] for name in ("operator", "network", "conversation_id")] == [
        "aude", "127.0.0.1", thing.conversation]


def test_a_reason_that_is_too_long_or_no_text_is_refused_before_anything_is_read(world, now):
    thing = world.thing("anna")
    for reason in ("x" * 1001, "\0"):
        response = console(world, "aude").get(f"api/conversations/{thing.conversation}", params={"reason": reason})
        assert response.status_code == 400
    assert entries(world, since=now) == []
    assert console(world, "aude").get(f"api/conversations/{thing.conversation}",
                                      params={"reason": "\U0001f600" * 250}).status_code == 200


def test_what_operators_do_to_users_things_carries_no_text_of_theirs_into_the_log(world, now):
    """[E6] [L3]"""
    thing = world.thing("anna", title=SECRET, question=SECRET, answer=SECRET)
    client = console(world, "ada")
    listed(client, q=SECRET)
    client.get(f"api/conversations/{thing.conversation}")
    export(client, f"?ids={thing.conversation}")
    expire(client, filter={"q": SECRET}, dry_run=False, confirm={"conversations": 1})
    assert len(entries(world, since=now)) == 6  # the expiry by text is a search as well
    assert "secret" not in json.dumps(entries(world, since=now)).lower()
    assert str(uuid.UUID(thing.conversation)) in json.dumps(entries(world, since=now))


# --- filters, orders


def test_the_list_filters_by_what_became_of_answers_and_by_length(world):
    """[G13] status, feedback, length, pinned, archived, expiring: each part of the filter, in the list and in the count
    of an expiry alike."""
    one, two, three = (world.thing("anna", title=title) for title in ("one", "two", "three"))
    run = world.connection.execute
    run("UPDATE chatsession.messages SET status = 'interrupted' WHERE id = %s", (one.answer,))
    run("INSERT INTO chatsession.feedback (message_id, rating, comment) VALUES (%s, 1, NULL), (%s, -1, 'no')",
        (one.answer, two.answer))
    run("UPDATE chatsession.conversations SET message_count = 7, pinned = true WHERE id = %s", (two.conversation,))
    run("UPDATE chatsession.conversations SET archived = true, created_at = now() - interval '28 days' WHERE id = %s",
        (three.conversation,))
    run("INSERT INTO chatsession.retention_rules (subject, clock, keep_days, changed_by)"
        " VALUES ('everyone', 'age', 30, 'ada')")
    for wanted, query in [([one], {"status": "interrupted"}), ([], {"status": "error"}), ([one, two], {"feedback": "any"}),
                          ([one], {"feedback": "up"}), ([two], {"feedback": "down"}), ([two], {"feedback": "comment"}),
                          ([two], {"min_messages": "3"}), ([one, three], {"max_messages": "6"}),
                          ([two], {"state": "pinned"}), ([three], {"state": "archived"}), ([three], {"state": "expiring"}),
                          ([one, two, three], {"model": "mock"}), ([], {"model": "none"}),
                          ([two], {"min_messages": "3", "feedback": "down", "state": "pinned", "q": "tw"})]:
        ids = {thing.conversation for thing in wanted}
        assert {row["id"] for row in listed(console(world, "otto"), **query)} == ids, query
        counted = console(world, "otto").json("POST", "api/conversations/expire", 200,
                                              json={"filter": query, "dry_run": True})
        assert counted["conversations"] == len(ids), query
    run("DELETE FROM chatsession.retention_rules")
    row = {row["title"]: row for row in listed(console(world, "otto"))}["one"]
    assert [row[name] for name in ("not_whole", "up", "down", "pinned", "archived")] == [1, 1, 0, False, False]


@pytest.mark.parametrize("query", ["status=whole", "feedback=good", "min_messages=-1", "max_messages=x", "state=gone",
                                   "sort=id", "sort=updated;", "order=up", "min_messages=9999999999"])
def test_a_part_of_the_filter_that_is_none_is_refused(world, query):
    """[F1] Words of the filter and of the order come from fixed lists."""
    assert console(world, "aude").json("GET", f"api/conversations?{query}", 400)["error"] == "invalid_request"


def test_each_order_pages_without_gap_or_repeat_in_either_direction(world):
    """[G13] Keyset pages in five orders, ties, empty and foreign titles included."""
    titles = ["", "b", "B", "a", "\u4e95", "a", "'; --", "%"]
    for n, title in enumerate(titles):
        thing = world.thing(("anna", "berta")[n % 2], title=title or "x")
        world.connection.execute("UPDATE chatsession.conversations SET title = %s, message_count = %s WHERE id = %s",
                                 (title or None, n // 3, thing.conversation))
    client = console(world, "aude")
    keys = {"updated": lambda row: row["updated_at"], "created": lambda row: row["created_at"],
            "messages": lambda row: row["message_count"], "title": lambda row: (row["title"] or "").encode(),
            "user": lambda row: row["user"]}
    for sort, key in keys.items():
        for order in ("asc", "desc"):
            rows, after = [], ""
            while after is not None:
                page = client.json("GET", "api/conversations", 200,
                                   params={"sort": sort, "order": order, "limit": 3, "after": after})
                rows += page["conversations"]
                assert ("estimate" in page) == (not after)
                after = page["next"]
            assert len(rows) == len({row["id"] for row in rows}) == len(titles), (sort, order)
            assert [key(row) for row in rows] == sorted(map(key, rows), reverse=order == "desc"), (sort, order)


def test_a_viewer_does_not_learn_titles_by_their_order(world):
    """[E5] What may not be read may not be sorted by, and no cursor carries it."""
    assert console(world, "vera").json("GET", "api/conversations?sort=title", 403)["error"] == "forbidden"


@pytest.mark.parametrize("cursor", ["x_{id}", "zz_{id}", "616_{id}", "ff_{id}", "00_{id}", "61.1_{id}", "61", "61_1"])
def test_a_cursor_that_is_none_of_ours_is_refused(world, cursor):
    """[F7]"""
    response = console(world, "aude").get("api/conversations", params={"sort": "title", "after": cursor.format(id=MISSING)})
    assert response.status_code == 400, response.text




def test_messages_of_before_the_index_come_into_it_bit_by_bit(world):
    """[I8] A step that is stopped in the middle goes on where it was; a search finds all of it before, meanwhile, after."""
    run = world.connection.execute
    wanted = {world.thing("anna", title="x", question="an old needle").conversation for _ in range(5)}
    run("UPDATE chatsession.messages SET searchable = false")
    run("UPDATE chatsession.search_backlog SET position = NULL, done_at = NULL")
    client = console(world, "aude")
    # Nothing to do may also mean that httpd's own sweep is at it.
    while not run("SELECT done_at IS NOT NULL FROM chatsession.search_backlog").fetchone()[0]:
        assert {row["id"] for row in listed(client, q="old needle")} == wanted
        run("SELECT chatsession.search_catch_up(4)")
    assert run("SELECT bool_and(searchable) FROM chatsession.messages").fetchone()[0]
    assert {row["id"] for row in listed(client, q="old needle")} == wanted


def test_a_search_that_takes_too_long_is_ended_and_says_so(world, database, make_httpd):
    """[F3] The database's time limit ends a search or a list, with an error of its own and words on what to do."""
    server = make_httpd(database.conninfo, lines=["ChatSessionStatementTimeout 2s"])
    client = Client(server.url)
    client.login(world.users["aude"])
    blocker = database.connect(autocommit=False)
    server.expect_log("CS0012", "CS2022")
    try:
        blocker.execute("LOCK TABLE chatsession.conversations IN ACCESS EXCLUSIVE MODE")
        problem = client.console.json("GET", "api/conversations?q=needle", 503)
    finally:
        blocker.close()
    assert problem["error"] == "search_too_slow" and "narrow" in problem["detail"]
