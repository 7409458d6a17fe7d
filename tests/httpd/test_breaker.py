# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A model's server that fails is left alone, and who asks is told at once."""
import socket
import time
import uuid


from harness.client import Client, log_in
from harness.model import Model
from harness.place import wait_until

PAUSE = 1.0
LINES = ["ChatSessionBreakerFailures 5", "ChatSessionBreakerPause 1s"]


def fail(answer):
    answer.whole({"error": {"message": "no"}}, status=500)


def ask(client, conversation, **members):
    return client.post(f"api/conversations/{conversation}/messages",
                       json={"content": "x", "client_id": str(uuid.uuid4()), **members})


def trip(client, model, times=5):
    model.script = fail
    for _ in range(times):
        assert client.turn(client.new_conversation(), "x").done["status"] == "error"


def health(server, database, name=0):
    operator = Client(server.url, "/chat-admin")
    operator.login(database.add_user(f"v{uuid.uuid4().hex[:8]}", "viewer"))
    return operator.get("api/overview").json()["backends"][name]


def test_five_failures_open_it_over_all_children(make_httpd, database, user, model):
    """[G12] 503 with Retry-After while it is open, and nothing stored"""
    server = make_httpd(database.conninfo, children=3, lines=[*LINES[:1], "ChatSessionBreakerPause 1h"],
                        backends=[f"one {model.url}"])
    server.expect_log("CS0052", "CS0341")
    client = log_in(server, user)
    trip(client, model)
    conversation, answers = client.new_conversation(), []
    for _ in range(20):
        answers.append(ask(client, conversation))  # a connection each: other children too
        client.session.close()
    assert {one.status_code for one in answers} == {503}
    assert {one.json()["error"] for one in answers} == {"backend_unavailable"}
    assert 3000 < int(answers[0].headers["Retry-After"]) <= 3601
    assert model.calls == 5 and client.conversation(conversation)["messages"] == []
    seen = health(server, database)
    assert (seen["state"], seen["failures"], seen["failed"], seen["refused"]) == ("open", 5, 5, 20)


def test_a_trial_closes_it(make_httpd, database, user, model):
    """[G12] one that succeeds"""
    server = make_httpd(database.conninfo, children=3, lines=LINES, backends=[f"one {model.url}"])
    server.expect_log("CS0052", "CS0341")
    client = log_in(server, user)
    trip(client, model)
    conversation = client.new_conversation()
    wait_until(lambda: health(server, database)["state"] == "half_open", "the pause")
    model.script = lambda answer: answer.stream("He", "re")
    assert client.turn(conversation, "y").text == "Here"
    assert client.turn(conversation, "z").text == "Here"
    seen = health(server, database)
    assert (seen["state"], seen["failures"], seen["requests"]) == ("closed", 0, 7) and seen["first_token_ms"] >= 0


def test_no_more_than_one_trial_a_pause(make_httpd, database, user, model):
    """[G12] no retry storm"""
    server = make_httpd(database.conninfo, lines=LINES, backends=[f"one {model.url}"])
    server.expect_log("CS0052", "CS0341")
    client = log_in(server, user)
    trip(client, model)
    wait_until(lambda: health(server, database)["state"] == "half_open", "the pause")
    began = time.monotonic()
    statuses = [ask(client, client.new_conversation()).status_code for _ in range(12)]
    pauses = 2 + (time.monotonic() - began) // PAUSE
    assert 1 <= model.calls - 5 <= pauses and statuses.count(200) == model.calls - 5 and statuses.count(503) > 0


def test_what_the_server_refuses_is_no_failure_of_it(make_httpd, database, user, model):
    """[G12] a question that the model's server does not take keeps nobody else out"""
    server = make_httpd(database.conninfo, lines=LINES, backends=[f"one {model.url}"])
    server.expect_log("CS0052", "CS0051")
    client = log_in(server, user)
    model.script = lambda answer: answer.whole({"error": {"message": "too long"}}, status=400)
    for _ in range(6):
        assert client.turn(client.new_conversation(), "x").done["status"] == "error"
    assert health(server, database)["failures"] == 0
    trip(client, model, 4)
    model.script = lambda answer: answer.stream("Hello")
    client.turn(client.new_conversation(), "x")
    trip(client, model, 4)
    assert health(server, database)["state"] == "closed"


def test_each_backend_has_its_own_and_the_api_says_503(make_httpd, database, user, model):
    """[G12]"""
    other = Model()
    server = make_httpd(database.conninfo, lines=[*LINES[:1], "ChatSessionBreakerPause 1h"],
                        backends=[f"one {model.url}", f"two {other.url}"])
    server.expect_log("CS0052", "CS0341")
    client = log_in(server, user)
    trip(client, model)
    assert client.turn(client.new_conversation(), "x", model="two").text == "Hello"
    headers = {"Authorization": "Bearer " + client.json("POST", "api/keys", 201, json={"name": "a program"})["key"]}
    api = Client(server.url, "/v1")
    body = {"model": "one", "messages": [{"role": "user", "content": "x"}]}
    answer = api.post("chat/completions", json=body, headers=headers)
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "backend_unavailable"
    assert "Retry-After" in answer.headers
    other.close()


def test_a_server_that_takes_no_connection_fails_within_the_limit(make_httpd, database, user):
    """[G12] connect has a time limit; a backlog that is full answers nothing"""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        fillers = []
        for _ in range(4):  # until the kernel drops what comes
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        server = make_httpd(database.conninfo, lines=LINES, backends=[f"hole http://127.0.0.1:{port}/v1 connect=300ms"])
        server.expect_log("AH00957", "AH01114", "CS0341")
        client = log_in(server, user)
        for _ in range(5):
            turn = client.turn(client.new_conversation(), "x")
            assert (turn.done["status"], turn.error["error"]) == ("error", "backend_unavailable")
        assert ask(client, client.new_conversation()).status_code == 503
        for filler in fillers:
            filler.close()


def test_a_reload_closes_it(make_httpd, database, user, model):
    server = make_httpd(database.conninfo, lines=[*LINES[:1], "ChatSessionBreakerPause 1h"], backends=[f"one {model.url}"])
    server.expect_log("CS0052", "CS0341")
    client = log_in(server, user)
    trip(client, model)
    assert ask(client, client.new_conversation()).status_code == 503
    server.graceful()
    model.script = lambda answer: answer.stream("Hello")
    assert client.turn(client.new_conversation(), "x").text == "Hello"
