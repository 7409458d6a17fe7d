# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What somebody finds later of what happened: by its request's id, and by what happened."""
import re
import threading
import uuid

import pytest

from harness.client import Client
from harness.place import wait_until
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)
from harness.world import World

FORMATS = [r'ErrorLogFormat "[%{u}t] [%-m:%l] [pid %P:tid %T] %7F: %E: [client\ %a] %M [request %L]"',
           'LogFormat "%m %>s %L" joined', "CustomLog joined.log joined", "LogLevel chatsession:info"]
INSIDE = re.compile(r"SELECT|INSERT|chatsession\.\w+ |relation|constraint|/usr/|/work/|/tmp/|\.c:\d+|libpq|PG::|stack|0x[0-9a-f]{6}", re.I)


@pytest.fixture(scope="module")
def world(make_module_httpd, database, model):
    made = World(make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"], lines=FORMATS), database)
    yield made
    made.close()


def joined(world):
    """{id: [status]} of the access log."""
    lines = [line.split() for line in (world.httpd.folder / "joined.log").read_text().splitlines()]
    return {request: [status for _, status, one in lines if one == request] for _, _, request in lines}


def test_one_id_leads_from_the_answer_to_both_logs_the_audit_entry_the_message_and_the_model(world, model):
    """[L1]"""
    anna, ada = world.clients["anna"], world.clients["ada"].console
    thing = world.thing("anna")
    model.reset()
    model.script = lambda answer: answer.whole({"error": "no"}, 500)
    world.httpd.expect_log("CS0052")
    with anna.send(thing.conversation, "hello", parent_id=thing.answer) as stream:
        turn = list(stream)
    said = stream.response.headers["X-Request-Id"]
    assert model.requests[-1].header("X-Request-Id") == said
    assert [event.json["request_id"] for event in turn if event.event == "error"] == [said]
    world.httpd.wait_log("CS0052")
    assert f"[request {said}]" in next(line for line in world.httpd.error_log if "CS0052" in line)
    stored = world.connection.execute("SELECT request_id FROM chatsession.messages WHERE conversation_id = %s AND request_id IS NOT NULL",
                                      (thing.conversation,)).fetchall()
    assert (said,) in stored
    looks = [ada.get(f"api/conversations/{thing.conversation}?reason=r{n}").headers["X-Request-Id"] for n in range(50)]
    refused = [Client(world.httpd.url).get("api/conversations").headers["X-Request-Id"] for _ in range(50)]
    entries = world.connection.execute("SELECT request_id, reason, at::text FROM chatsession.audit_entries WHERE conversation_id = %s"
                                       " AND action = 'conversation.read' ORDER BY seq", (thing.conversation,)).fetchall()
    assert [(request, reason) for request, reason, _ in entries] == [(one, f"r{n}") for n, one in enumerate(looks)]
    assert len(set(looks + refused)) == 100
    wait_until(lambda: all(one in joined(world) for one in looks + refused), "the access log to have them")
    assert [joined(world)[one] for one in looks + refused] == [["200"]] * 50 + [["401"]] * 50
    assert all(at.endswith("Z") for at in [one["at"] for one in ada.json("GET", "api/audit?limit=5", 200)["entries"]])


def test_what_happened_is_found_afterwards(world, model):
    """[L2] Logins that succeed and fail, refusals of rights, of limits and of the other site, what operators look at, what
    models fail at: each has a line in httpd's log at info, or an entry in the audit log, with the request's id."""
    def log_line(number, answer):
        request = answer.headers["X-Request-Id"]
        wait_until(lambda: any(number in line and request in line for line in world.httpd.error_log),
                   f"a line {number} of request {request}")
    person = world.database.add_user(f"lena-{uuid.uuid4().hex[:6]}")
    client = Client(world.httpd.url)
    log_line("CS0031", client.post("api/login", json={"username": person.name, "password": "wrong one"}))
    good = client.post("api/login", json={"username": person.name, "password": person.password})
    log_line("CS0032", good)
    log_line("CS0033", client.post("api/logout"))
    world.httpd.expect_log("CS0052")
    model.script = lambda answer: answer.whole({"error": "no"}, 503)
    with world.clients["anna"].send(world.clients["anna"].new_conversation(), "hello") as stream:
        list(stream)
    log_line("CS0052", stream.response)
    world.connection.execute("UPDATE chatsession.users SET max_requests = 1 WHERE name = 'berta'")
    berta = world.log_in("berta")
    conversation = berta.new_conversation()
    answers = [berta.post(f"api/conversations/{conversation}/messages", json={"content": "x", "client_id": str(uuid.uuid4())}) for _ in range(2)]
    assert answers[-1].status_code == 429, answers[-1].text
    log_line("CS0200", answers[-1])
    log_line("CS2050", world.clients["anna"].console.get("api/conversations"))
    log_line("CS2050", world.clients["vera"].console.get("api/audit"))
    log_line("CS2051", world.clients["anna"].post("api/conversations", json={}, origin="https://elsewhere.example"))


def test_an_error_tells_its_code_and_its_id_and_nothing_of_the_inside(world, model):
    """[L6] Of every status that a client can cause, of a database that refuses, of a model that fails."""
    anna, nobody = world.clients["anna"], Client(world.httpd.url)
    thing = world.thing("anna")
    path = f"api/conversations/{thing.conversation}"
    world.httpd.expect_log("CS2022", "CS0013", "CS0052", "AH01110", "AH01102", "AH01114")
    world.connection.execute("REVOKE UPDATE ON chatsession.conversations FROM chatsession")
    try:
        broken = anna.patch(path, json={"title": "x"})
    finally:
        world.connection.execute("GRANT UPDATE ON chatsession.conversations TO chatsession")
    answers = [
        (500, broken), (400, anna.get("api/conversations?limit=x")), (400, anna.post("api/conversations", data=b"{", headers={"Content-Type": "application/json"})),
        (400, anna.get("api/conversations?after=1_'")), (401, nobody.get("api/conversations")), (403, anna.console.get("api/audit")),
        (403, anna.post("api/conversations", json={}, origin="https://elsewhere.example")), (404, anna.get("api/conversations/00000000-0000-4000-8000-000000000000")),
        (404, anna.get("api/nothing/../../etc/passwd")), (405, anna.request("PUT", "api/conversations")),
        (409, anna.post(f"{path}/messages", json={"content": "x", "client_id": str(uuid.uuid4()), "parent_id": thing.question})),
        (413, nobody.post("api/login", data=b" " * 20000, headers={"Content-Type": "application/json"})),
        (415, nobody.post("api/login", data=b"x", headers={"Content-Type": "text/plain"}))]
    for status, answer in answers:
        body = answer.json()
        assert answer.status_code == status, answer.text
        assert re.fullmatch("[a-z_]+", body["error"]) and body["request_id"] == answer.headers["X-Request-Id"], body
        assert not INSIDE.search(body["error"] + body["detail"]), body
    for script in (lambda answer: answer.whole({"error": "psql: SELECT /usr/lib"}, 500), lambda answer: answer.reset()):
        model.script = script
        with anna.send(anna.new_conversation(), "hello") as stream:
            error = next(event.json for event in stream if event.event == "error")
        assert re.fullmatch("[a-z_]+", error["error"]) and error["request_id"] == stream.response.headers["X-Request-Id"]
        assert not INSIDE.search(error["detail"]) and model.url not in error["detail"], error


def scrape(server):
    """{name with labels: value}"""
    answer = Client(server.url, "/chat-admin").get("metrics")
    assert answer.status_code == 200
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in answer.text.splitlines() if not line.startswith("#")}


def test_audit_log_and_metrics_agree_with_the_database_after_faults(make_httpd, make_database, model):
    """[L8] Connections that are cut under operators' looks, children that are killed under answers: each look that was answered
    has one entry and the chain is whole; each answer in the database is counted once, by how it ended."""
    database = make_database()
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"], children=2, lines=[
        "ChatSessionMetricsFrom 127.0.0.0/8", "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 100ms"])
    server.expect_log("CS2", "CS0012", "CS0060")
    anna, ada = Client(server.url), Client(server.url)
    anna.login(database.add_user("anna"))
    ada.login(database.add_user("ada", "admin"))
    conversation = anna.new_conversation()
    model.script = lambda answer: answer.stream("x")
    for _ in range(5):
        anna.turn(anna.new_conversation(), "x")
    looks = {}
    for n in range(40):
        if n % 5 == 3:
            with database.connect() as connection:
                server.end_connections(connection)
        answer = ada.console.get(f"api/conversations/{conversation}?reason=r{n}")
        assert answer.status_code in (200, 503), answer.text
        looks[answer.headers["X-Request-Id"]] = answer.status_code
    gate = threading.Event()
    model.script = lambda answer: (answer.begin(), answer.text("half"), answer.hold(gate))
    for killed in (1, 2):
        with anna.send(anna.new_conversation(), "x") as stream:
            stream.next("message")
            server.kill_children()
        # No kill may meet a sweep between its statement and its count, which would die with the child.
        wait_until(lambda killed=killed: scrape(server)["chatsession_reaped_total"] == killed, "the sweep to count what it ended")
    gate.set()
    assert database.value("SELECT count(*) FROM chatsession.live_turns") == 0
    entries = dict(database.rows("SELECT request_id, count(*) FROM chatsession.audit_entries WHERE action = 'conversation.read' GROUP BY 1"))
    assert {request for request, status in looks.items() if status == 200} <= set(entries) <= set(looks)
    assert set(entries.values()) == {1} and list(looks.values()).count(200) > 20
    assert ada.console.json("GET", "api/audit/verify", 200)["ok"] is True
    stored = dict(database.rows("SELECT status, count(*) FROM chatsession.messages WHERE role = 'assistant' GROUP BY 1"))
    counted = scrape(server)
    assert counted["chatsession_reaped_total"] == stored["interrupted"]
    assert {status: counted[f'chatsession_turns_total{{status="{status}"}}'] for status in ("complete", "stopped", "error", "interrupted")} == {
        "complete": stored["complete"], "stopped": 0, "error": 0, "interrupted": 0}
    assert (stored, counted['chatsession_turns{state="streaming"}']) == ({"complete": 5, "interrupted": 2}, 0)
