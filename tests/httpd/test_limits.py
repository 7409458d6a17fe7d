# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What one who asks too much, too slowly or in a strange way costs the others: nothing that they would notice."""
import json
import re
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


from harness.client import Client, log_in
from harness.model import chunk
from harness.place import SANITIZE, wait_until

MIB = 1 << 20


def same_browser(client):
    other = Client(client.origin)
    other.cookies.update(client.cookies)
    return other


def cookie_of(client):
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def send_raw(server, client, conversation, content="x"):
    """A socket over which a message was sent, and from which nothing has been read."""
    body = json.dumps({"content": content, "client_id": str(uuid.uuid4())}).encode()
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", server.port))
    one.sendall(f"POST /chat/api/conversations/{conversation}/messages HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                f"Origin: {server.url}\r\nCookie: {cookie_of(client)}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return one


def resident(pids):
    """Octets of memory that these processes have together."""
    return sum(int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) for pid in pids) * 1024


def test_a_reader_who_does_not_read_costs_little_and_the_answer_is_recorded(make_httpd, database, user, model):
    """[G4]"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], lines=["ChatSessionUserTurns 0"])
    client = log_in(server, user)
    text = "0123456789abcde\n" * (MIB // 16)

    def script(answer):
        answer.begin()
        for at in range(0, len(text), 4096):
            answer.event(chunk(text[at:at + 4096]))
        answer.finish()
        answer.done()

    model.script = script
    client.turn(client.new_conversation(), "warm up")
    before = resident(server.children)
    conversations = [client.new_conversation() for _ in range(6)]
    readers = [send_raw(server, client, one) for one in conversations]
    for one in conversations:
        wait_until(lambda one=one: client.conversation(one)["messages"][-1:] and
                   client.conversation(one)["messages"][-1]["status"] == "complete", "the whole answer", 60)
        assert client.conversation(one)["messages"][-1]["content"] == text
    # AddressSanitizer keeps what was freed, and puts a wall around each block.
    assert resident(server.children) - before < (512 if "address" in SANITIZE else 64) * MIB
    for reader in readers:
        reader.close()


def test_a_body_that_comes_too_slowly_is_given_up_and_stores_nothing(make_httpd, database, user, model):
    """[G3] httpd's own time limits hold for what we read"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], threads=4,
                        lines=["RequestReadTimeout header=20 body=1", "ChatSessionStreamShare 100"])
    client = log_in(server, user)
    conversation = client.new_conversation()
    slow = []
    for _ in range(3):
        one = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        one.sendall(f"POST /chat/api/conversations/{conversation}/messages HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                    f"Origin: {server.url}\r\nCookie: {cookie_of(client)}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: 100\r\n\r\n{{\"content\":".encode())
        slow.append(one)
    assert client.get("api/session").status_code == 200, "the fourth worker answers"
    for one in slow:
        answer = b"".join(iter(lambda one=one: one.recv(4096), b""))
        assert answer == b"" or answer.split()[1] in (b"400", b"408"), answer
        one.close()
    assert client.conversation(conversation)["messages"] == [] and model.calls == 0


def test_headers_past_httpds_limits_are_refused_and_the_server_goes_on(make_httpd, database, user, model):
    """[G2]"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"])
    client = log_in(server, user)
    children = server.children
    long = [("Cookie", "sid=" + "a" * 9000)]
    for headers in (long, [(f"X-{number}", "x") for number in range(150)], [("X" * 9000, "x")]):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            one.sendall(f"GET /chat/api/session HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
            assert one.recv(100).split()[1] in (b"400", b"431")
    longest = "sid=" + "a" * 8000
    assert Client(server.url).get("api/session", headers={"Cookie": longest}).json()["authenticated"] is False
    assert client.get("api/session").json()["authenticated"] is True and server.children == children


def test_no_connection_is_held_while_models_think(make_httpd, database, user, model):
    """[G7] ten answers on a pool of two; the other calls do not wait for them"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"],
                        lines=["ChatSessionDatabaseConnections 2", "ChatSessionDatabaseWait 2s"])
    client = log_in(server, user)
    gate, asked = threading.Event(), threading.Semaphore(0)

    def script(answer):
        asked.release()
        answer.hold(gate)
        answer.stream("x")

    model.script = script
    conversations = [client.new_conversation() for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        turns = [pool.submit(same_browser(client).turn, one, "x") for one in conversations]
        try:
            for _ in conversations:
                assert asked.acquire(timeout=30)
            states = database.rows("SELECT state, count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                   " AND usename = 'chatsession' GROUP BY state")
            assert not any(state and state.startswith("idle in transaction") for state, _ in states)
            for _ in range(5):
                assert client.get("api/conversations").status_code == 200
        finally:
            gate.set()
        assert [turn.result().done["status"] for turn in turns] == ["complete"] * 10


def test_a_search_that_takes_too_long_is_ended_by_name(make_httpd, database, user, model):
    """[F3] whatever it waits for; and what looks like an expression is only text"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], lines=["ChatSessionStatementTimeout 3s"])
    server.expect_log("CS")
    client = log_in(server, user)
    evil = "(a+)+$"
    client.json("POST", "api/conversations", 201, json={"title": f"x {evil}"})
    client.json("POST", "api/conversations", 201, json={"title": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    found = client.json("GET", "api/conversations", 200, params={"q": evil})["conversations"]
    assert [one["title"] for one in found] == [f"x {evil}"]
    with database.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE chatsession.messages IN ACCESS EXCLUSIVE MODE")
        answer = client.get("api/conversations", params={"q": "anything"})
        blocker.execute("ROLLBACK")
    assert answer.status_code == 503 and answer.json()["error"] in ("database_unavailable", "statement_timeout"), answer.text
    assert client.get("api/conversations", params={"q": evil}).status_code == 200


def test_a_log_line_stays_one_line(make_httpd, database, user, operator, model):
    """[F5] nothing that somebody sends begins a line of its own or moves the cursor of who reads it"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], log_level="info chatsession:trace8")
    server.expect_log("AH")
    client = log_in(server, user)
    forged = "x\r\n[forged] [core:error] \x1b[31mred\x1b[0m \x07 %n%s"
    Client(server.url).post("api/login", json={"username": forged, "password": forged})
    client.post("api/conversations", json={"title": forged, "model": forged})
    conversation = client.new_conversation()
    client.post(f"api/conversations/{conversation}/messages", json={"content": forged, "client_id": forged, forged: forged})
    client.turn(conversation, forged)
    client.get("api/conversations", params={"q": forged}, headers={"User-Agent": "\x1b[31m %n", "Last-Event-ID": "%n%n"})
    client.get("api/nothing%0d%0a[forged]%1b[31m")
    log_in(server, operator).console.get("api/conversations/x%0d%0a[forged]", params={"reason": forged})
    lines = (server.folder / "error.log").read_bytes() + (server.folder / "access.log").read_bytes()
    assert not re.search(rb"^\[forged\]", lines, re.MULTILINE)
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", lines), re.search(rb".*[\x00-\x08\x0b-\x1f\x7f].*", lines)[0]
    for line in (server.folder / "error.log").read_text().splitlines():
        assert line.startswith("[") or line.startswith("CRASH") or "AH" in line, line


def test_conversations_of_a_user_and_messages_of_one_have_a_number(make_httpd, database, user, model):
    """[G11] in the trash they do not count, and a repeat finds what it made"""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], lines=[
        "ChatSessionUserConversations 3", "ChatSessionConversationMessages 5", "ChatSessionChatStream on"])
    client = log_in(server, database.add_user(f"u{uuid.uuid4().hex[:8]}"))
    name = str(uuid.uuid4())
    first = client.json("POST", "api/conversations", 201, json={"client_id": name})["id"]
    others = [client.new_conversation() for _ in range(2)]
    for path, body in (("api/conversations", {}), ("chat_stream", {"user_input": "x", "regenerate": False}),
                       ("api/conversations/import", {"key": "k:1", "messages": [{"role": "user", "content": "x"}]})):
        assert client.json("POST", path, 409, json=body)["error"] == "limit_reached", path
    assert client.json("POST", "api/conversations", 201, json={"client_id": name})["id"] == first
    assert client.delete(f"api/conversations/{others[0]}").status_code == 204
    client.json("POST", "api/conversations/import", 201, json={"key": "k:1", "messages": [{"role": "user", "content": "x"}]})
    client.json("POST", "api/conversations/import", 200, json={"key": "k:1", "messages": [{"role": "user", "content": "x"}]})
    for _ in range(2):
        client.turn(first, "x")
    refused = client.json("POST", f"api/conversations/{first}/messages", 409,
                          json={"content": "x", "client_id": str(uuid.uuid4())})
    assert refused["error"] == "limit_reached" and len(client.conversation(first)["messages"]) == 4
    assert client.turn(others[1], "x").done["status"] == "complete"
