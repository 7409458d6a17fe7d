# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Each thing by which somebody shows a right, offered wherever another one belongs; what a program behind httpd sees of it; and logins by the dozen."""
import re
import threading
import uuid

import pytest
from harness.client import Client, log_in
from harness.place import new_folder
from harness.postgres import chatsessionctl

PASSWORD = "seven pale lanterns"
HASH_KIB = 65536
# where a token belongs
SLOTS = ("session", "known browser", "key", "invitation", "cursor", "export link", "shared chat")


def slot(server, reader, name, token, export):
    """The status of token in that slot, asked by reader, an operator, where only somebody logged in may ask."""
    nobody = Client(server.url)
    if name in ("session", "known browser"):
        return nobody.get("api/conversations", headers={"Cookie": f"{'sid' if name == 'session' else 'known'}={token}"}).status_code
    if name == "key":
        return Client(server.url, "/v1").get("models", headers={"Authorization": f"Bearer {token}"}).status_code
    if name == "invitation":
        return nobody.post("api/invitation", json={"token": token[:64], "new": PASSWORD}).status_code
    if name == "cursor":
        return reader.get("api/conversations", params={"after": token}).status_code
    if name == "export link":
        return reader.console.get(f"api/exports/{export}/file", params={"link": token}).status_code
    return reader.get(f"api/shared/{token}").status_code


def answer_id(client, conversation):
    return client.conversation(conversation)["messages"][-1]["id"]


@pytest.fixture(scope="module")
def tokens(make_module_httpd, database):
    """(server, an operator's client, an export's id, {kind: token}): one living token of each kind."""
    server = make_module_httpd(database.conninfo)
    reader = Client(server.url)
    reader.login(database.add_user("reader", "operator"))
    conversations = [reader.new_conversation(f"chat {i}") for i in range(3)]
    first = conversations[0]
    reader.turn(first, "a question")
    share = reader.json("POST", f"api/conversations/{first}/share", 201, json={"message_id": answer_id(reader, first)})
    key = reader.json("POST", "api/keys", 201, json={"name": "a key"})
    export = reader.console.json("POST", "api/exports", 201, json={"ids": [first], "format": "ndjson"})
    page = reader.json("GET", "api/conversations", 200, params={"limit": 2})
    found = {"session": reader.cookies["sid"], "known browser": reader.cookies["known"], "key": key["key"],
             "invitation": chatsessionctl(database.superuser, "user", "invite", "invited", "--role", "user",
                                          "--key-file", str(server.folder / "secret")).stdout.strip(),
             "cursor": page["next"], "export link": export["token"], "shared chat": share["id"]}
    return server, reader, export["export"]["id"], found


@pytest.mark.parametrize("kind", SLOTS)
def test_each_token_counts_in_no_place_of_another(tokens, kind):
    """[A5] Every kind in every other slot: none is taken."""
    server, reader, export, found = tokens
    taken = [name for name in SLOTS if name != kind and slot(server, reader, name, found[kind], export) not in (400, 401, 403, 404)]
    assert taken == []


def test_each_token_counts_in_its_own_place(tokens):
    """[A5] Else the test above would show nothing. A known browser's is asked for by a login alone (test_throttle.py)."""
    server, reader, export, found = tokens
    got = {name: slot(server, reader, name, found[name], export) for name in SLOTS if name != "known browser"}
    assert got == dict.fromkeys(got, 200)


def test_no_token_is_in_what_a_program_sees_or_in_any_log(make_httpd, make_database):
    """[B7] [L3] A canary in each place, the log at its most talkative; a program behind httpd gets nothing of it."""
    database = make_database()
    folder = new_folder("cgi")
    script = folder / "env.cgi"
    script.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nenv\n")
    script.chmod(0o755)
    server = make_httpd(database.conninfo, modules=("cgid",), log_level="notice chatsession:trace8", lines=[
        f'ScriptAlias "/cgi" "{folder}"', f'ScriptSock "{folder}/sock"', '<Location "/cgi">', "ChatSession on", "Require all granted", "</Location>"])
    user = database.add_user(f"canary {uuid.uuid4().hex[:8]}")
    client = log_in(server, user)
    invitation = chatsessionctl(database.superuser, "user", "invite", user.name, "--role", "user", "--key-file", str(server.folder / "secret")).stdout.strip()
    key = client.json("POST", "api/keys", 201, json={"name": "a key"})["key"]
    claims = {"CHATSESSION_USER": "root", "CHATSESSION-ROLE": "admin", "Chatsession-Authenticated": "1", "Remote-User": "root", "Session": "x"}
    text = client.get(f"{server.url}/cgi/env.cgi", headers=claims).text
    seen = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert (seen["CHATSESSION_USER"], seen["REMOTE_USER"], seen["CHATSESSION_ROLE"]) == (user.name, user.name, "user")
    session, known = client.cookies["sid"], client.cookies["known"]
    secrets = [user.password, invitation, key, session, session.split(".")[2], session.split(".")[4], known]
    assert not [secret for secret in secrets if secret in str(seen)]
    assert Client(server.url).post("api/invitation", json={"token": invitation, "new": "short"}).status_code == 400
    assert Client(server.url).post("api/invitation", json={"token": invitation, "new": PASSWORD}).status_code == 200
    assert client.get("api/conversations").status_code == 401
    for path in ("api/nothing", "%00", "api/conversations/x"):
        assert session not in client.get(path).text
    logged = "\n".join(server.error_log + server.access_log)
    assert "CS0321" in logged, "the log is at the level that the test needs"
    assert not [secret for secret in [*secrets, PASSWORD] if secret in logged]


def peak_kib(server):
    """The most memory that any child of the server has had."""
    return max(int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status", encoding="ascii").read()).group(1)) for pid in server.children)


def test_a_flood_of_logins_hashes_few_at_once_and_lets_everybody_else_through(make_httpd, database):
    """[C2] 24 logins at once on one child that may hash one at a time: never the memory of three, and the others are answered meanwhile."""
    server = make_httpd(database.conninfo, threads=40, lines=[f"ChatSessionPasswordMemory {HASH_KIB}", "ChatSessionPasswordConcurrency 1",
                                                              "ChatSessionLoginDelay 0", "ChatSessionLoginLimit 100"])
    user = database.add_user(f"patient {uuid.uuid4().hex[:8]}")
    client = log_in(server, user)
    before = peak_kib(server)
    answers, others = [], []
    flood = [threading.Thread(target=lambda i=i: answers.append(Client(server.url).post(
        "api/login", json={"username": f"nobody {i}", "password": PASSWORD}).status_code)) for i in range(24)]
    for thread in flood:
        thread.start()
    while any(thread.is_alive() for thread in flood):
        others.append(client.get("api/conversations").status_code)
    assert set(answers) == {401} and len(answers) == 24
    assert others and set(others) == {200}
    assert peak_kib(server) - before < 2 * HASH_KIB
