# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Which model answers and how it is asked: several backends, a conversation's own settings, the window of a model's
context, what comes beside the text, titles, balancers, and where keys may be seen (promises F6, J6, L3)."""
import json
import subprocess
import threading
import uuid
from pathlib import Path

import pytest

from harness.client import Client, log_in, read_turn
from harness.model import Model, chunk
from harness.place import free_port, give_port_back, wait_until

KEY = "sk-canary-4711-of-the-second-model"
BALANCER = ("proxy_balancer", "slotmem_shm", "lbmethod_byrequests")


@pytest.fixture(scope="module")
def models():
    made = [Model(), Model()]
    yield made
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def server(make_module_httpd, database, models, tmp_path_factory):
    key = tmp_path_factory.mktemp("keys") / "key"
    key.touch(mode=0o600)
    key.write_text(f"{KEY}\n")
    return make_module_httpd(database.conninfo, log_level="trace8", lines=["ChatSessionCheckpoint 20ms"], backends=[
        f"first {models[0].url} model=one", f"second {models[1].url} model=two key-file={key} context=100 turns=5"])


@pytest.fixture
def client(server, user, models):
    for model in models:
        model.reset()
    return log_in(server, user)


def asked(model):
    return model.requests[-1].json


def patch(client, conversation, status=200, **members):
    return client.json("PATCH", f"api/conversations/{conversation}", status, json=members)


def stored(client, conversation):
    return client.conversation(conversation)["messages"][-1]


# --- which


def test_the_models_are_listed_by_name_and_nothing_else_of_them(client):
    text = client.get("api/models").text
    assert json.loads(text) == {"models": [{"name": "first", "default": True, "context": None},
                                           {"name": "second", "default": False, "context": 100}]}
    assert "http" not in text and "sk-" not in text


def test_a_conversation_keeps_its_model_and_a_turn_may_name_another(client, models):
    conversation = client.json("POST", "api/conversations", 201, json={"model": "second"})["id"]
    turn = client.turn(conversation, "x")
    assert turn.turn["model"] == "second" and stored(client, conversation)["model"] == "second"
    assert (asked(models[1])["model"], models[1].calls, models[0].calls) == ("two", 1, 0)
    turn = client.turn(conversation, "y", model="first")
    assert turn.turn["model"] == "first" and asked(models[0])["model"] == "one"
    assert client.turn(conversation, "z").turn["model"] == "second"
    again = read_turn(client.stream("POST", f"api/conversations/{conversation}/regenerate", json={
        "message_id": turn.turn["answer_id"], "client_id": str(uuid.uuid4()), "model": "second"}))
    assert again.turn["model"] == "second"
    assert patch(client, conversation, model=None)["model"] is None
    assert client.turn(conversation, "w").turn["model"] == "first"


def test_a_model_that_is_not_configured_is_refused_where_it_is_named(client, models):
    conversation = client.new_conversation()
    for method, path, body in (
            ("POST", "api/conversations", {}), ("PATCH", f"api/conversations/{conversation}", {}),
            ("POST", f"api/conversations/{conversation}/messages", {"content": "x", "client_id": str(uuid.uuid4())})):
        assert client.json(method, path, 400, json={**body, "model": "third"})["error"] == "unknown_model"
    assert models[0].calls == models[1].calls == 0


def test_a_conversation_whose_model_was_taken_away_goes_on_with_the_first(client, database):
    conversation = client.new_conversation()
    database.rows("UPDATE chatsession.conversations SET model = 'gone' WHERE id = %s RETURNING id", (conversation,))
    assert client.turn(conversation, "x").turn["model"] == "first"


# --- how


def test_parameters_system_text_and_examples_reach_the_model(client, models):
    params = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "stop": ["END", "\n\n"], "seed": 7,
              "presence_penalty": -1, "frequency_penalty": 1.5}
    examples = [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]
    made = client.json("POST", "api/conversations", 201,
                       json={"system": "Be brief.", "params": params, "examples": examples})
    assert (made["system"], made["params"], made["examples"]) == ("Be brief.", params, examples)
    client.turn(made["id"], "3+3")
    sent = asked(models[0])
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, *examples, {"role": "user", "content": "3+3"}]
    assert {name: sent[name] for name in params} == params
    changed = patch(client, made["id"], system=None, params={"temperature": 1}, title="named")
    assert (changed["system"], changed["params"], changed["examples"]) == (None, {"temperature": 1}, examples)
    client.turn(made["id"], "4+4")
    assert "top_p" not in asked(models[0]) and asked(models[0])["messages"][0] == examples[0]
    changed = patch(client, made["id"], params=None, examples=None)
    assert (changed["params"], changed["examples"]) == (None, None)


@pytest.mark.parametrize("members, word", [
    ({"params": {"temperature": 2.5}}, "temperature"), ({"params": {"n": 2}}, "params"),
    ({"params": {"messages": []}}, "params"), ({"examples": [{"role": "system", "content": "x"}]}, "examples[0]"),
    ({"system": ""}, "system")])
def test_settings_out_of_bounds_are_refused_with_their_name(client, members, word):
    """[F6] a conversation's settings cannot order other things of the model"""
    conversation = client.new_conversation()
    assert word in patch(client, conversation, 400, **members)["detail"]
    assert client.json("POST", "api/conversations", 400, json=members)["error"] == "invalid_request"
    assert client.conversation(conversation)["params"] is None


def test_settings_are_their_owners_alone(client, server, database):
    """[E1]"""
    conversation = client.json("POST", "api/conversations", 201, json={"system": "secret"})["id"]
    stranger = Client(server.url)
    stranger.login(database.add_user(f"u{uuid.uuid4().hex[:8]}"))
    assert stranger.get(f"api/conversations/{conversation}").status_code == 404
    assert stranger.patch(f"api/conversations/{conversation}", json={"system": "x"}).status_code == 404
    assert "secret" not in client.get("api/conversations").text


# --- the window


def test_no_more_turns_are_sent_than_set(client, models):
    conversation = client.json("POST", "api/conversations", 201, json={"model": "second"})["id"]
    for number in range(8):
        client.turn(conversation, str(number))
    sent = [one["content"] for one in asked(models[1])["messages"] if one["role"] == "user"]
    assert sent == ["3", "4", "5", "6", "7"]


def test_the_history_fits_the_context_by_what_the_server_counts(make_httpd, database, user):
    """whole turns only; the newest goes however long it is; usage corrects the estimate"""
    model = Model()
    server = make_httpd(database.conninfo, backends=[f"small {model.url} context=400"])
    client = log_in(server, user)
    conversation = client.json("POST", "api/conversations", 201, json={"params": {"max_tokens": 100}})["id"]
    usage = {"total_tokens": 0}

    def script(answer):
        octets = sum(len(one["content"].encode()) for one in answer.asked.json["messages"])
        answer.begin()
        answer.text("a" * 100)
        answer.finish()
        if usage["total_tokens"]:
            answer.event({"object": "chat.completion.chunk", "choices": [],
                          "usage": {**usage, "prompt_tokens": octets}})
        answer.done()

    model.script = script

    def sent(words):
        client.turn(conversation, words)
        messages = asked(model)["messages"]
        assert messages[0]["role"] == messages[-1]["role"] == "user" and messages[-1]["content"] == words
        return sum(len(one["content"]) for one in messages)

    # 300 tokens for the request; at three octets a token about 898 octets of it
    assert [sent("q" * 100) for _ in range(7)] == [100, 300, 500, 700, 700, 700, 700]
    assert sent("w" * 2000) == 2000, "the newest turn is sent whole"
    usage["total_tokens"] = 1  # from now on each octet is a token
    sent("w" * 2000)
    for _ in range(12):
        last = sent("q" * 100)
    assert last == 300
    model.close()


# --- beside the text


def test_reasoning_calls_and_parts_are_sent_on_and_kept(client, models):
    def script(answer):
        answer.begin()
        for delta in ({"reasoning_content": "I think"}, {"reasoning": ", so I am"},
                      {"tool_calls": [{"index": 0, "id": "c1", "type": "function",
                                       "function": {"name": "look", "arguments": "{\"a\":"}}]},
                      {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
                      {"content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "u"}}]},
                      {"content": " there"}):
            answer.event({**chunk(), "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        answer.finish("tool_calls")
        answer.done()

    models[0].script = script
    conversation = client.new_conversation()
    turn = client.turn(conversation, "x")
    deltas = [event.json["choices"][0]["delta"] for event in turn.events if event.event == "message"]
    assert [delta.get("reasoning_content") for delta in deltas[:2]] == ["I think", ", so I am"]
    assert deltas[2]["tool_calls"][0]["function"]["name"] == "look" and deltas[3]["tool_calls"][0]["index"] == 0
    assert deltas[4] == {"content": "see", "parts": [{"type": "image_url", "image_url": {"url": "u"}}]}
    answer = stored(client, conversation)
    assert (answer["content"], answer["status"], answer["finish_reason"]) == ("see there", "complete", "tool_calls")
    assert answer["extra"] == {
        "reasoning": "I think, so I am",
        "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"a\":1}"}}],
        "parts": [{"type": "image_url", "image_url": {"url": "u"}}]}
    models[0].reset()
    client.turn(conversation, "y")
    assert stored(client, conversation)["extra"] is None
    assert asked(models[0])["messages"][1] == {"role": "assistant", "content": "see there"}


def test_what_comes_beside_the_text_is_content_and_hidden_from_viewers(client, models, server, database):
    """[E1]"""
    def script(answer):
        answer.begin()
        answer.event({**chunk(), "choices": [{"index": 0, "delta": {"reasoning": "canary-thought"}, "finish_reason": None}]})
        answer.text("x")
        answer.finish()
        answer.done()

    models[0].script = script
    conversation = client.new_conversation()
    client.turn(conversation, "x")
    for role, seen in (("viewer", False), ("auditor", True)):
        operator = Client(server.url, "/chat-admin")
        operator.login(database.add_user(f"{role}{uuid.uuid4().hex[:6]}", role))
        text = operator.get(f"api/conversations/{conversation}", params={"reason": "x"}).text
        assert ("canary-thought" in text) == seen


# --- titles


def titled(make_httpd, database, user, model, word, *expected):
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"], lines=[f"ChatSessionTitle {word}"])
    server.expect_log(*expected)
    return log_in(server, user)


def test_the_model_names_a_conversation_after_its_first_turn_and_nobody_waits(make_httpd, database, user, models):
    """[J6] a title changes no message"""
    model = models[0]
    model.reset()
    gate = threading.Event()

    def script(answer):
        if "title" in answer.asked.json["messages"][-1]["content"]:
            answer.hold(gate)
            answer.stream('"The ', 'tides."\n', "They rise.")
        else:
            answer.stream("Because of the moon.")

    model.script = script
    client = titled(make_httpd, database, user, model, "model")
    conversation = client.new_conversation()
    assert client.turn(conversation, "Why are there tides?").done["status"] == "complete"
    assert client.conversation(conversation)["title"] == "Why are there tides?"
    assert client.turn(conversation, "And waves?").done["status"] == "complete"
    gate.set()
    wait_until(lambda: client.conversation(conversation)["title"] == "The tides", "the model's title")
    assert [one["content"] for one in client.conversation(conversation)["messages"]] == [
        "Why are there tides?", "Because of the moon.", "And waves?", "Because of the moon."]
    asked_for = [one.json for one in model.requests if "title" in one.json["messages"][-1]["content"]]
    assert len(asked_for) == 1 and [one["content"] for one in asked_for[0]["messages"][:2]] == [
        "Why are there tides?", "Because of the moon."]


def test_a_title_that_somebody_gave_meanwhile_stays(make_httpd, database, user, models):
    model = models[0]
    model.reset()
    gate, ended = threading.Event(), threading.Event()

    def script(answer):
        if "title" in answer.asked.json["messages"][-1]["content"]:
            answer.hold(gate)
            answer.stream("The model's")
            ended.set()
        else:
            answer.stream("x")

    model.script = script
    client = titled(make_httpd, database, user, model, "model")
    conversation, named = client.new_conversation(), client.new_conversation("mine from the start")
    client.turn(named, "x")
    client.turn(conversation, "x")
    patch(client, conversation, title="mine")
    gate.set()
    assert ended.wait(15)
    client.turn(conversation, "y")
    assert client.conversation(conversation)["title"] == "mine"
    assert client.conversation(named)["title"] == "mine from the start"
    assert len([one for one in model.requests if "title" in one.json["messages"][-1]["content"]]) == 1


def test_a_title_that_fails_leaves_the_first_words(make_httpd, database, user, models):
    model = models[0]
    model.reset()

    def script(answer):
        if "title" in answer.asked.json["messages"][-1]["content"]:
            answer.whole({"error": {"message": "no"}}, status=500)
        else:
            answer.stream("x")

    model.script = script
    client = titled(make_httpd, database, user, model, "model", "CS0052")
    conversation = client.new_conversation()
    client.turn(conversation, "first words")
    wait_until(lambda: model.calls == 2, "the title to be asked for")
    assert client.turn(conversation, "y").done["status"] == "complete"
    assert client.conversation(conversation)["title"] == "first words"


def test_without_titles_a_conversation_has_none_until_it_is_named(make_httpd, database, user, models):
    models[0].reset()
    client = titled(make_httpd, database, user, models[0], "off")
    conversation = client.new_conversation()
    client.turn(conversation, "x")
    client.turn(conversation, "y")
    assert client.conversation(conversation)["title"] is None and models[0].calls == 2


# --- balancers and keys


def test_a_dead_member_of_a_balancer_is_passed_over(make_httpd, database, user, models):
    models[0].reset()
    dead = free_port()
    server = make_httpd(database.conninfo, modules=BALANCER, backends=["balanced balancer://models/v1"], lines=[
        "<Proxy balancer://models>", f"BalancerMember http://127.0.0.1:{dead} retry=60",
        f"BalancerMember http://127.0.0.1:{models[0].port}", "</Proxy>"])
    server.expect_log("AH00957", "AH00959", "AH01114", "AH10501")
    client = log_in(server, user)
    conversation = client.new_conversation()
    for number in range(6):
        turn = client.turn(conversation, str(number))
        assert (turn.text, turn.done["status"]) == ("Hello", "complete")
    assert models[0].calls == 6
    assert models[0].requests[0].path == "/v1/chat/completions"
    give_port_back(dead)


def test_a_key_goes_to_its_model_and_is_seen_nowhere_else(client, server, models, operator):
    """[L3] not in a log at trace8, in a process list, in an environment, in an answer; not sent to another model"""
    conversation = client.json("POST", "api/conversations", 201, json={"model": "second"})["id"]
    client.turn(conversation, "x")
    assert models[1].requests[-1].header("Authorization") == f"Bearer {KEY}"
    client.turn(conversation, "y", model="first")
    assert models[0].requests[-1].header("Authorization") is None
    assert KEY not in "\n".join(server.error_log + server.access_log)
    for pid in [server.pid, *server.children]:
        for name in ("cmdline", "environ"):
            assert KEY.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    assert KEY not in subprocess.run(["ps", "axeww"], text=True, capture_output=True, check=True).stdout
    for path in ("api/models", "api/session", f"api/conversations/{conversation}"):
        assert KEY not in client.get(path).text
