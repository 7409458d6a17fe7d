# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""ChatStream's interface: its paths, bodies, headers and statuses, the cumulative form of its stream, roles per call,
other origins, and the load over all children. tests/browser/test_chatstream.py speaks to it from a browser."""
import threading
import uuid
from urllib.parse import unquote

import pytest
import requests

from harness.client import Client, log_in
from harness.model import pausing
from harness.place import wait_until
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

PROXY_ENDED = ("AH01110", "AH01102", "AH00898", "CS0052")
MARK = "<::EOS::>"
ID_HEADER = "X-ChatStream-Last-Generated-Message-Id"
ELSEWHERE = "http://localhost:3000"
NAMES = ("chat_stream", "clear_context", "get_prompt", "set_feedback", "set_generation_params", "get_generation_params",
         "get_load", "get_resource_usage")


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"], children=2, lines=[
        "ChatSessionChatStream on", "ChatSessionCheckpoint 20ms", "ChatSessionMaxTurns 2", "ChatSessionMaxWaiting 5",
        f"ChatSessionAllowOrigin {ELSEWHERE}", f"ChatSessionChatStreamRole user {' '.join(NAMES)}"])


@pytest.fixture
def client(server, database, model):
    model.reset()
    server.expect_log(*PROXY_ENDED)
    one = Client(server.url)
    one.login(database.add_user(f"u{uuid.uuid4().hex[:10]}"))
    return one


def ask(client, text="Why?", regenerate=False, **options):
    return client.post("chat_stream", json={"user_input": text, "regenerate": regenerate}, **options)


def pieces(response):
    """What a client makes of the body: it splits at the mark."""
    assert response.status_code == 200, response.text
    *texts, rest = response.content.decode().split(MARK)
    assert rest == ""
    return texts


def conversations(client):
    return [client.conversation(one["id"]) for one in client.get("api/conversations").json()["conversations"]]


# --- chat_stream


def test_each_piece_is_the_whole_text_so_far_and_the_mark(client, model):
    model.script = lambda answer: answer.stream("\u6708", "\u306e", "", " moon")
    response = ask(client, "Why?")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert pieces(response) == ["\u6708", "\u6708\u306e", "\u6708\u306e moon"]
    (conversation,) = conversations(client)
    question, answer = conversation["messages"]
    assert (question["content"], answer["content"], answer["status"]) == ("Why?", "\u6708\u306e moon", "complete")
    assert response.headers[ID_HEADER] == answer["id"]


def test_pieces_come_as_the_model_sends_them(client, model):
    gate = threading.Event()

    model.script = pausing(gate, "one", " two")
    response = ask(client, stream=True)
    body = response.iter_content(chunk_size=None)
    assert next(body).decode() == "one" + MARK
    gate.set()
    assert b"".join(body).decode() == "one two" + MARK


def test_a_session_has_one_conversation_until_it_is_cleared(client, model):
    ask(client, "one")
    ask(client, "two")
    assert [one["content"] for one in model.requests[-1].json["messages"]] == ["one", "Hello", "two"]
    cleared = client.post("clear_context")
    assert (cleared.status_code, cleared.json()) == (200, {"success": True, "message": "Context successfully cleared"})
    ask(client, "three")
    assert [one["content"] for one in model.requests[-1].json["messages"]] == ["three"]
    assert sorted(len(one["messages"]) for one in conversations(client)) == [2, 4]


def test_regenerate_makes_the_last_answer_anew(client, model):
    first = ask(client, "one").headers[ID_HEADER]
    model.script = lambda answer: answer.stream("another")
    response = ask(client, None, regenerate=True)
    assert pieces(response)[-1] == "another" and response.headers[ID_HEADER] != first
    (conversation,) = conversations(client)
    assert [one["content"] for one in conversation["messages"]] == ["one", "Hello", "another"]
    assert model.requests[-1].json["messages"] == [{"role": "user", "content": "one"}]


def test_regenerate_on_an_empty_history_is_409_with_error_and_detail(client, model):
    response = ask(client, None, regenerate=True)
    assert response.status_code == 409 and {"error", "detail"} <= set(response.json()) and model.calls == 0


@pytest.mark.parametrize("body", [{}, {"user_input": None, "regenerate": False}, {"user_input": ""}, {"user_input": 1}, []])
def test_nothing_to_say_is_400(client, model, body):
    response = client.post("chat_stream", json=body)
    assert response.status_code == 400 and {"error", "detail"} <= set(response.json()) and model.calls == 0


def test_who_leaves_stops_the_answer_and_what_came_is_kept(client, model):
    closed = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("half")
        try:
            while True:  # its reader's leaving is seen by what is written
                answer.text(".")
                if closed.wait(0.05):
                    return
        except OSError:
            closed.set()

    model.script = script
    response = ask(client, "one", stream=True)
    next(response.iter_content(chunk_size=None))
    response.close()
    assert closed.wait(15), "the model went on writing"
    wait_until(lambda: conversations(client)[0]["messages"][-1]["status"] == "stopped", "the answer to be stopped")
    assert conversations(client)[0]["messages"][-1]["content"].startswith("half")
    model.reset()
    assert pieces(ask(client, "two"))[-1] == "Hello"


def test_a_question_while_an_answer_runs_ends_that_one(client, model):
    gate = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("half")
        gate.set()
        answer.wait_closed()

    model.script = script
    first = ask(client, "one", stream=True)
    assert gate.wait(15)
    model.reset()
    assert pieces(ask(client, "two"))[-1] == "Hello"
    first.close()
    assert [(one["content"], one["status"]) for one in conversations(client)[0]["messages"][1::2]] == [
        ("half", "stopped"), ("Hello", "complete")]


def test_an_error_before_the_first_token_has_its_status_and_one_after_it_cuts_the_body(client, model):
    """[H8]"""
    model.script = lambda answer: answer.whole({"error": {"message": "x"}}, status=500)
    response = ask(client)
    assert response.status_code == 502 and {"error", "detail"} <= set(response.json())

    def script(answer):
        answer.begin()
        answer.text("half")
        answer.reset()

    model.script = script
    with pytest.raises(requests.RequestException):
        ask(client)
    assert conversations(client)[0]["messages"][-1]["content"] == "half"


# --- the other calls


def test_the_prompt_is_null_before_the_first_turn_and_encoded_after_it(client):
    assert client.get("get_prompt").json() == {"success": True, "message": "no prompt", "prompt": None}
    ask(client, "Why <so>?\n\u6708")
    body = client.get("get_prompt").json()
    assert (body["success"], body["message"]) == (True, "success")
    assert "<" not in body["prompt"] and " " not in body["prompt"]
    assert unquote(body["prompt"]) == "<human>: Why <so>?\n\u6708\n<bot>: Hello"


def test_feedback_is_recorded_at_its_answer(client, database):
    identifier = ask(client).headers[ID_HEADER]
    for is_like, form in ((True, None), (False, {"why": ["a", 1]}), (True, "text")):
        response = client.post("set_feedback", json={"message_id": identifier, "is_like": is_like, "form_data": form})
        assert (response.status_code, response.json()) == (200, {"success": True, "message": "success"})
        rating, kept = database.rows("SELECT rating, form FROM chatsession.feedback WHERE message_id = %s", (identifier,))[0]
        assert rating == (1 if is_like else -1) and (form is None or kept == form)
    for body in ({}, {"message_id": "x", "is_like": True}, {"message_id": identifier, "is_like": 1}):
        assert client.post("set_feedback", json=body).status_code == 400
    assert client.post("set_feedback", json={"message_id": str(uuid.uuid4()), "is_like": True}).status_code == 404


def test_generation_parameters_are_merged_bounded_and_sent(client, model):
    defaults = {"temperature": 1.0, "top_k_value": 50, "top_p_value": 1.0}
    assert client.get("get_generation_params").json() == {
        "success": True, "message": "success", "generation_params": defaults}
    response = client.post("set_generation_params", json={"temperature": 0.5, "top_k_value": 7})
    assert response.json()["generation_params"] == {**defaults, "temperature": 0.5, "top_k_value": 7}
    ask(client)
    sent = model.requests[-1].json
    assert (sent["temperature"], sent["top_k"]) == (0.5, 7) and "top_p" not in sent
    client.post("set_generation_params", json={"top_p_value": 0.9})
    ask(client)
    assert model.requests[-1].json["top_p"] == 0.9 and model.requests[-1].json["top_k"] == 7
    for name, bad, words in (("temperature", 1.1, "0 to 1"), ("temperature", -0.1, "0 to 1"), ("top_k_value", 0, "1 to 500"),
                             ("top_k_value", 501, "1 to 500"), ("top_k_value", 1.5, "1 to 500"), ("top_p_value", "x", "0 to 1")):
        body = client.post("set_generation_params", json={name: bad}).json()
        assert body["success"] is False and name in body["message"] and words in body["message"]
    assert client.get("get_generation_params").json()["generation_params"] == {
        "temperature": 0.5, "top_k_value": 7, "top_p_value": 0.9}


def test_the_load_is_that_of_all_children(server, client, database, model):
    gate = threading.Event()

    model.script = pausing(gate, "x")
    others = []
    for _ in range(3):
        one = Client(server.url)
        one.login(database.add_user(f"u{uuid.uuid4().hex[:10]}"))
        others.append(one)
    running = [ask(one, stream=True) for one in others[:2]]
    third = threading.Thread(target=lambda: pieces(ask(others[2])))
    third.start()
    wait_until(lambda: client.get("get_load").json()["chatstream_workers"][0]["waiting"] == 1, "one to wait")
    assert client.get("get_load").json() == {"success": True, "message": "success", "chatstream_workers": [
        {"name": "all", "processing": 2, "waiting": 1, "max_processing": 2, "max_waiting": 5}]}
    gate.set()
    third.join()
    for one in running:
        one.content  # noqa: B018  reads it to its end
    wait_until(lambda: client.get("get_load").json()["chatstream_workers"][0]["processing"] == 0, "nothing to run")


def test_the_memory_of_the_server_is_told(client):
    usage = client.get("get_resource_usage").json()["resource_usage"]
    assert usage["virtual_bytes"] >= usage["resident_bytes"] > 1_000_000


def test_one_more_than_may_wait_is_429_too_many_requests(make_httpd, database, model):
    """[G5]"""
    gate = threading.Event()

    model.reset()
    model.script = pausing(gate, "x")
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"],
                        lines=["ChatSessionChatStream on", "ChatSessionMaxTurns 1", "ChatSessionMaxWaiting 0"])
    clients = []
    for _ in range(2):
        clients.append(Client(server.url))
        clients[-1].login(database.add_user(f"u{uuid.uuid4().hex[:10]}"))
    running = ask(clients[0], stream=True)
    response = ask(clients[1])
    assert response.status_code == 429 and response.json()["error"] == "too_many_requests"
    assert int(response.headers["Retry-After"]) >= 1
    gate.set()
    assert pieces(running) == ["x"]


# --- who may


def test_without_a_login_every_call_is_401(server):
    for name in NAMES:
        method = "GET" if name.startswith("get") else "POST"
        response = Client(server.url).request(method, name, json={} if method == "POST" else None)
        assert response.status_code == 401 and {"error", "detail"} <= set(response.json()), name


def test_a_visitor_is_a_guest_by_asking_where_guests_are_let_in(make_httpd, make_database, model):
    """A page made for ChatStream, whose visitors have no account, goes on without a change; a call that keeps nothing, is
    refused or comes from elsewhere makes no guest."""
    model.reset()
    database = make_database()
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"], lines=["ChatSessionChatStream on", "ChatSessionGuests 2"])

    def guests():
        return database.value("SELECT count(*) FROM chatsession.users WHERE role = 'guest'")

    visitor, other = Client(server.url), Client(server.url)
    assert [visitor.post("clear_context").status_code, visitor.get("get_prompt").status_code] == [401, 401]
    assert visitor.post("chat_stream", data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert ask(visitor, headers={"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert guests() == 0
    assert pieces(ask(visitor, "Why?"))[-1] == pieces(ask(visitor, "And?"))[-1] == "Hello"
    assert [message["content"] for message in conversations(visitor)[0]["messages"]] == ["Why?", "Hello", "And?", "Hello"]
    assert visitor.post("clear_context").json()["success"] is True
    assert pieces(ask(other))[-1] == "Hello" and len(conversations(other)[0]["messages"]) == 2
    assert guests() == 2 and len(conversations(visitor)) == 1
    response = ask(Client(server.url))
    assert (response.status_code, response.json()["error"], guests()) == (429, "too_many_guests", 2)


def test_what_guests_may_call_is_said_as_for_any_role(make_httpd, make_database):
    """[E1] Nobody becomes a guest to be refused."""
    database = make_database()
    for role, status in (("guest", 200), ("user", 401)):
        server = make_httpd(database.conninfo, lines=[
            "ChatSessionChatStream on", "ChatSessionGuests 9", f"ChatSessionChatStreamRole {role} set_generation_params get_generation_params"])
        client = Client(server.url)
        assert client.post("set_generation_params", json={"temperature": 0.5}).status_code == status
        assert client.get("get_generation_params").status_code == status
        assert ask(client).status_code == (403 if role == "guest" else 401)
    assert database.value("SELECT count(*) FROM chatsession.users WHERE role = 'guest'") == 1


def test_each_role_calls_what_it_is_allowed(make_httpd, database, model):
    """[E1] the default is that of ChatStream's default role; a rule is for its role and those above it"""
    people = {role: database.add_user(f"{role}{uuid.uuid4().hex[:6]}", role) for role in ("user", "viewer", "admin")}

    def allowed(server, role):
        client = Client(server.url)
        client.login(people[role])
        found = set()
        for name in NAMES:
            method = "GET" if name.startswith("get") else "POST"
            response = client.request(method, name, json={} if method == "POST" else None)
            if response.status_code == 403:
                body = response.json()
                assert (body["success"], body["message"]) == (False, "Forbidden") and body["detail"]
            else:
                found.add(name)
        return found

    server = make_httpd(database.conninfo, lines=["ChatSessionChatStream on"])
    assert allowed(server, "user") == {"chat_stream", "clear_context", "set_feedback"}
    assert allowed(server, "viewer") == set(NAMES)
    server = make_httpd(database.conninfo, lines=[
        "ChatSessionChatStream on", "ChatSessionChatStreamRole user get_load", "ChatSessionChatStreamRole admin get_prompt"])
    assert allowed(server, "user") == allowed(server, "viewer") == {"get_load"}
    assert allowed(server, "admin") == {"get_load", "get_prompt"}


def test_without_the_directive_there_is_nothing(httpd, user):
    client = log_in(httpd, user)
    assert {client.post(name, json={}).status_code for name in NAMES} == {404}


def test_an_allowed_origin_may_read_and_send_and_no_other(client, server):
    """[D2]"""
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    response = client.request("OPTIONS", "chat_stream", headers={"Origin": ELSEWHERE, **preflight})
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"
    response = ask(client, origin=ELSEWHERE)
    assert response.status_code == 200 and response.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert response.headers["Access-Control-Expose-Headers"] == ID_HEADER and "Origin" in response.headers["Vary"]
    for origin in ("https://evil.example", "null", ELSEWHERE + ".evil.example"):
        response = client.request("OPTIONS", "chat_stream", headers={"Origin": origin, **preflight})
        assert response.status_code == 405 and "Access-Control-Allow-Origin" not in response.headers
        response = ask(client, origin=origin)
        assert response.status_code == 403 and "Access-Control-Allow-Origin" not in response.headers
    assert "Access-Control-Allow-Origin" not in client.get("api/session", headers={"Origin": ELSEWHERE}).headers


# --- the mock responses


@pytest.mark.parametrize("mode, first, second", [("echo", "Why?", "Why?"), ("round", "Hello!", None), ("long", "## Part 1", "## Part 1")])
def test_the_three_mock_responses(make_httpd, database, mode, first, second):
    server = make_httpd(database.conninfo, mock=f"{mode} wait=0ms pace=0ms", lines=["ChatSessionChatStream on"])
    client = Client(server.url)
    client.login(database.add_user(f"u{uuid.uuid4().hex[:10]}"))
    texts = [pieces(ask(client))[-1] for _ in range(2)]
    assert texts[0].startswith(first)
    assert texts[1].startswith(second) if second else texts[1] != texts[0]
