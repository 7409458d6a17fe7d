# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""/v1 for programs: requests as OpenAI's clients send them, answers octet for octet, recorded as turns of a key's user;
keys that are shown once, stored hashed and ended at once (promises B7, E1, E4, G5, H8, L3)."""
import http.client
import json
import threading
import uuid

import pytest
import requests

from harness.client import Client, log_in
from harness.model import chunk, pausing
from harness.passwords import MODULES, htpasswd
from harness.place import new_folder, wait_until
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

PROXY_ENDED = ("AH01110", "AH01102", "AH00898")
ODD = ('{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","x_unknown":[1.0,2e3],'
       '"choices":[{"index":0,"delta":{"content":"\\u65e5\\u672c"},"finish_reason":null}]}')


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"one {model.url} model=upstream", f"two {model.url}"],
                             log_level="notice chatsession:trace8 proxy:trace8 proxy_http:trace8", children=2,
                             lines=["ChatSessionCheckpoint 20ms", "ChatSessionFirstTokenTimeout 2s"])


@pytest.fixture
def client(server, user, model):
    model.reset()
    server.expect_log(*PROXY_ENDED)
    return log_in(server, user)


@pytest.fixture
def key(client):
    return client.json("POST", "api/keys", 201, json={"name": "a program"})["key"]


def ask(server, key, body=None, path="chat/completions", method="POST", headers=None, **options):
    sent = {"Authorization": f"Bearer {key}"} if key else {}
    return requests.request(method, f"{server.url}/v1/{path}", headers={**sent, **(headers or {})}, timeout=30,
                            json=body, **options)


def question(content="Why?", **members):
    return {"model": "one", "messages": [{"role": "user", "content": content}], **members}


def whole(content="Because."):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "upstream", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}


def conversation_of(client, response):
    return client.conversation(response.headers["X-ChatSession-Conversation"])


def error_of(response, status, code):
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["code"] == code and error["message"]
    return error


# --- keys


def test_a_key_is_shown_once_and_stored_hashed(client, database):
    made = client.json("POST", "api/keys", 201, json={"name": "laptop"})
    assert made["key"].startswith("csk_") and len(made["key"]) == 47 and made["prefix"] == made["key"][:12]
    listed = client.get("api/keys")
    assert made["key"] not in listed.text
    entry = next(one for one in listed.json()["keys"] if one["id"] == made["id"])
    assert entry == {name: made[name] for name in ("id", "name", "prefix", "created_at", "last_used_at")}
    row = database.rows("SELECT to_jsonb(k)::text FROM chatsession.api_keys k WHERE id = %s", (made["id"],))[0][0]
    assert made["key"][12:] not in row


def test_a_key_that_was_ended_opens_nothing_at_once(client, server, key):
    assert ask(server, key, path="models", method="GET").status_code == 200
    identifier = client.get("api/keys").json()["keys"][-1]["id"]
    assert client.get("api/keys").json()["keys"][-1]["last_used_at"]
    assert client.delete(f"api/keys/{identifier}").status_code == 204
    error_of(ask(server, key, path="models", method="GET"), 401, "unauthenticated")
    assert identifier not in client.get("api/keys").text


def test_a_key_is_its_users_alone_and_ends_with_the_account(client, server, database):
    """[E1]"""
    person = database.add_user(f"u{uuid.uuid4().hex[:8]}")
    other = log_in(server, person)
    made = other.json("POST", "api/keys", 201, json={"name": "x"})
    assert client.delete(f"api/keys/{made['id']}").status_code == 404
    assert made["id"] not in client.get("api/keys").text
    assert ask(server, made["key"], path="models", method="GET").status_code == 200
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = %s RETURNING id", (person.name,))
    error_of(ask(server, made["key"], path="models", method="GET"), 401, "unauthenticated")


def test_nobody_has_more_than_fifty_keys(server, database):
    person = Client(server.url)
    person.login(database.add_user(f"u{uuid.uuid4().hex[:8]}"))
    for number in range(50):
        person.json("POST", "api/keys", 201, json={"name": str(number)})
    assert person.json("POST", "api/keys", 409, json={"name": "one more"})["error"] == "too_many_keys"


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer x", "Bearer csk_", "Basic eDp5", "csk_",
                                    "Bearer csk_" + "A" * 43, "Bearer csk_" + "\u00e9" * 20, "Bearer csk_" + "A" * 5000])
def test_without_a_key_nothing_is_asked(client, server, model, header):
    """[E4] also with a session's cookie, which a browser sends by itself"""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Content-Type": "application/json", "Cookie": cookie}
    if header is not None:
        headers["Authorization"] = header.encode("utf-8")
    connection.request("POST", "/v1/chat/completions", json.dumps(question()), headers)
    response = connection.getresponse()
    assert response.status == 401 and response.getheader("WWW-Authenticate") == "Bearer"
    assert json.loads(response.read())["error"]["code"] == "unauthenticated" and model.calls == 0
    connection.close()


def test_a_key_opens_the_models_and_nothing_else(server, key, operator):
    """[E4] [E5]"""
    for path in ("/chat/api/conversations", "/chat-admin/api/overview", "/chat/api/keys"):
        assert requests.get(server.url + path, headers={"Authorization": f"Bearer {key}"}, timeout=30).status_code == 401


def test_a_key_is_in_no_log(client, server, key):
    """[B7] [L3] at trace8 of all that we have to do with; httpd itself logs all headers from trace4 on"""
    ask(server, key, question("canary-words"))
    text = "\n".join(server.error_log + server.access_log)
    assert key not in text and "canary-words" not in text


# --- questions and answers


def test_an_answer_that_is_not_streamed_is_passed_on_octet_for_octet_and_recorded(client, server, model, key):
    text = json.dumps(whole("Because \u6708."), indent=3) + "\n"
    model.script = lambda answer: answer.whole(text, headers=[("X-Internal", "10.0.0.7"), ("Set-Cookie", "a=b")])
    response = ask(server, key, question("Why \u6708?", temperature=0.5, tools=[{"type": "function"}], n=1))
    assert (response.status_code, response.content) == (200, text.encode())
    assert response.headers["Content-Type"] == "application/json"
    assert "X-Internal" not in response.headers and "Set-Cookie" not in response.headers
    assert model.requests[-1].json == {**question("Why \u6708?", temperature=0.5, tools=[{"type": "function"}], n=1),
                                       "model": "upstream"}
    assert model.requests[-1].header("Authorization") is None
    kept = conversation_of(client, response)
    assert [(one["role"], one["content"], one["status"]) for one in kept["messages"]] == [
        ("user", "Why \u6708?", "complete"), ("assistant", "Because \u6708.", "complete")]
    assert kept["messages"][1]["usage"]["total_tokens"] == 5 and kept["messages"][1]["model"] == "one"
    assert kept["title"] == "Why \u6708?"


def test_a_stream_is_passed_on_octet_for_octet_as_it_comes(client, server, model, key):
    gate = threading.Event()
    octets = []

    def script(answer):
        answer.begin()
        for piece in (f"data: {ODD}\r\n\r\n", ": a comment\n\n", "data: " + json.dumps(chunk(" text")) + "\n\n"):
            octets.append(piece.encode())
            answer.raw(piece.encode())
        answer.hold(gate)
        for piece in ("data: " + json.dumps(chunk(None, "stop")) + "\n\n", "data: [DONE]\n\n"):
            octets.append(piece.encode())
            answer.raw(piece.encode())
        answer.end()

    model.script = script
    response = ask(server, key, question(stream=True), stream=True)
    assert response.headers["Content-Type"] == "text/event-stream"
    pieces = response.iter_content(chunk_size=None)
    got = b""
    while b" text" not in got:
        got += next(pieces)
    gate.set()
    assert got + b"".join(pieces) == b"".join(octets)
    answer = conversation_of(client, response)["messages"][1]
    assert (answer["content"], answer["status"], answer["finish_reason"]) == ("\u65e5\u672c text", "complete", "stop")


def test_done_is_passed_on_only_when_the_answer_is_committed(client, server, model, key):
    """H, W3"""
    model.script = lambda answer: answer.stream("x")
    for _ in range(10):
        response = ask(server, key, question(stream=True), stream=True)
        for line in response.iter_lines():
            if line == b"data: [DONE]":
                assert conversation_of(client, response)["messages"][1]["status"] == "complete"


def test_a_conversation_goes_on_where_the_header_names_it(client, server, model, key):
    first = ask(server, key, {"model": "one", "messages": [{"role": "system", "content": "Be brief."},
                                                           {"role": "user", "content": "one"}], "stream": True})
    identifier = first.headers["X-ChatSession-Conversation"]
    second = ask(server, key, {"model": "two", "messages": [
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "image_url", "image_url": {"url": "u"}}]}],
        "stream": True}, headers={"X-ChatSession-Conversation": identifier})
    kept = conversation_of(client, second)
    assert kept["id"] == identifier and kept["system"] == "Be brief."
    assert [one["content"] for one in kept["messages"]] == ["one", "Hello", "two\n[image_url]", "Hello"]
    assert [one["model"] for one in kept["messages"][1::2]] == ["one", "two"]
    stranger = ask(server, key, question(), headers={"X-ChatSession-Conversation": str(uuid.uuid4())})
    error_of(stranger, 404, "not_found")


def test_tool_calls_are_passed_on_and_kept(client, server, model, key):
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

    def script(answer):
        answer.begin()
        answer.event({**chunk(), "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]})
        answer.finish("tool_calls")
        answer.done()

    model.script = script
    response = ask(server, key, question(stream=True))
    assert b'"tool_calls"' in response.content
    assert conversation_of(client, response)["messages"][1]["extra"] == {"tool_calls": [call]}


def test_the_models_are_listed_in_openais_form(server, key):
    listed = ask(server, key, path="models", method="GET").json()
    assert listed["object"] == "list" and [one["id"] for one in listed["data"]] == ["one", "two"]
    assert ask(server, key, path="models/two", method="GET").json()["object"] == "model"
    error_of(ask(server, key, path="models/three", method="GET"), 404, "model_not_found")


# --- errors


@pytest.mark.parametrize("body, status, code", [
    ({"messages": [{"role": "user", "content": "x"}]}, 400, "invalid_request"),
    ({"model": "three", "messages": [{"role": "user", "content": "x"}]}, 404, "model_not_found"),
    ({"model": "one"}, 400, "invalid_request"), ({"model": "one", "messages": []}, 400, "invalid_request"),
    ({"model": "one", "messages": [{"role": "system", "content": "x"}]}, 400, "invalid_request"),
    ({"model": "one", "messages": [1, None, {"role": 1}]}, 400, "invalid_request"), ([], 400, "invalid_request"),
    ({"model": "one", "messages": [{"role": "user", "content": "x\u0000"}]}, 400, "invalid_request")])
def test_a_bad_request_is_refused_in_openais_form_and_nothing_is_kept(server, model, key, database, body, status, code):
    """[F7] [K4]"""
    before = database.value("SELECT count(*) FROM chatsession.conversations")
    error_of(ask(server, key, body), status, code)
    assert database.value("SELECT count(*) FROM chatsession.conversations") == before and model.calls == 0


def test_a_refusal_of_the_models_server_is_passed_on(client, server, model, key):
    server.expect_log("CS0052")
    text = json.dumps({"error": {"message": "too long", "type": "invalid_request_error", "param": "messages",
                                 "code": "context_length_exceeded"}})
    model.script = lambda answer: answer.whole(text, status=400)
    response = ask(server, key, question())
    assert (response.status_code, response.text) == (400, text)
    assert conversation_of(client, response)["messages"][1]["status"] == "error"


def test_what_the_models_server_says_of_our_key_is_not_the_callers(server, model, key):
    server.expect_log("CS0052")
    model.script = lambda answer: answer.whole({"error": {"message": "wrong key sk-secret"}}, status=401)
    response = ask(server, key, question())
    error_of(response, 502, "backend_error")
    assert "sk-secret" not in response.text


def test_a_stream_that_breaks_off_ends_with_an_error_and_what_came_is_kept(client, server, model, key):
    """[H8]"""
    def script(answer):
        answer.begin()
        answer.text("half")
        answer.reset()

    model.script = script
    response = ask(server, key, question(stream=True))
    events = [line for line in response.text.splitlines() if line.startswith("data: ")]
    assert "half" in events[0] and json.loads(events[-1][6:])["error"]["code"] == "backend_cut"
    assert "[DONE]" not in response.text
    answer = conversation_of(client, response)["messages"][1]
    assert (answer["content"], answer["status"]) == ("half", "error")


def test_a_server_that_is_silent_is_left(server, model, key):
    """[G12]"""
    server.expect_log(*PROXY_ENDED)
    model.script = lambda answer: answer.wait_closed()
    error_of(ask(server, key, question()), 504, "backend_timeout")


def test_limits_are_told_in_openais_form_and_leave_no_empty_conversation(make_httpd, database, model, user):
    """[G5] [G6]"""
    model.reset()
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], lines=["ChatSessionUserRequests 1"])
    client = log_in(server, user)
    key = client.json("POST", "api/keys", 201, json={"name": "x"})["key"]
    assert ask(server, key, question(stream=True)).status_code == 200
    before = database.value("SELECT count(*) FROM chatsession.conversations")
    response = ask(server, key, question(stream=True))
    error_of(response, 429, "request_limit")
    assert int(response.headers["Retry-After"]) > 1
    assert database.value("SELECT count(*) FROM chatsession.conversations") == before and model.calls == 1


def test_a_caller_that_leaves_loses_nothing(client, server, model, key):
    """[H9]"""
    gate = threading.Event()

    model.script = pausing(gate, "one", " two")
    response = ask(server, key, question(stream=True), stream=True)
    next(response.iter_content(chunk_size=None))
    response.close()
    gate.set()
    wait_until(lambda: conversation_of(client, response)["messages"][1]["status"] == "complete", "the answer")
    assert conversation_of(client, response)["messages"][1]["content"] == "one two"


def test_a_user_whom_httpd_has_authenticated_needs_no_key(make_httpd, database, model):
    """r->user of another module, where ChatSessionTrustUser is on"""
    model.reset()
    passwords = htpasswd(new_folder("passwords"), nora="nora's words")
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], modules=MODULES, lines=[
        '<Location "/v1">', "AuthType Basic", "AuthName models", f'AuthUserFile "{passwords}"', "Require valid-user",
        "ChatSessionTrustUser on", "</Location>"])
    url = f"{server.url}/v1/chat/completions"
    assert requests.post(url, json=question(), timeout=30).status_code == 401
    response = requests.post(url, json=question(stream=True), auth=("nora", "nora's words"), timeout=30)
    assert response.status_code == 200 and b"[DONE]" in response.content
    assert database.value("SELECT u.name FROM chatsession.users u JOIN chatsession.conversations c ON c.user_id = u.id"
                          " WHERE c.id = %s", (response.headers["X-ChatSession-Conversation"],)) == "nora"
