# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""OpenAI's official client, as npm has it, works with /v1: its version is pinned in tests/openai/package-lock.json."""
import json
import subprocess

import pytest

from harness.client import log_in
from harness.model import chunk
from harness.place import TREE, wait_until
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

FOLDER = TREE / "tests/openai"
FETCHED = TREE / "build/npm-openai"


@pytest.fixture(scope="module")
def library():
    subprocess.run([TREE / "dev/libraries", FOLDER, FETCHED], check=True, cwd=TREE)
    return FETCHED / "node_modules/openai/index.mjs"


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"one {model.url} model=upstream", f"two {model.url}"],
                             lines=["ChatSessionOnDisconnect stop"])


@pytest.fixture
def person(server, user, model):
    model.reset()
    return log_in(server, user)


@pytest.fixture
def run(server, library, person):
    key = person.json("POST", "api/keys", 201, json={"name": "a program"})["key"]

    def run(what):
        done = subprocess.run(["node", FOLDER / "client.mjs", library, f"{server.url}/v1", key, what], check=False,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def newest(person):
    """The answer of the newest conversation."""
    listed = person.json("GET", "api/conversations", 200)["conversations"][0]["id"]
    return person.conversation(listed)["messages"][-1]


def test_models(run):
    said = run("models")
    assert (said["listed"], said["one"]) == (["one", "two"], "one")
    assert (said["none"]["thrown"], said["none"]["code"]) == ("NotFoundError", "model_not_found")


def test_an_answer_at_once(run, model, person):
    model.script = lambda answer: answer.whole({
        "id": "c", "object": "chat.completion", "created": 1, "model": "upstream", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Because."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
    said = run("whole")
    assert said == {"text": "Because.", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    assert (newest(person)["content"], newest(person)["status"]) == ("Because.", "complete")


def test_an_answer_in_pieces(run, model, person):
    model.script = lambda answer: answer.stream("Be", "ca", "use 月.")
    assert run("stream") == {"text": "Because 月.", "finish_reason": "stop"}
    assert (newest(person)["content"], newest(person)["status"]) == ("Because 月.", "complete")
    assert model.requests[-1].json["model"] == "upstream"


def test_calls_of_tools(run, model, person):
    def script(answer):
        answer.begin()
        answer.event({**chunk(), "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]})
        for call in ({"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}},
                     {"index": 0, "function": {"arguments": "{\"at\":"}}, {"index": 0, "function": {"arguments": "\"x\"}"}}):
            answer.event({**chunk(), "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]})
        answer.finish("tool_calls")
        answer.done()

    model.script = script
    said = run("tools")
    assert said["finish_reason"] == "tool_calls" and len(said["calls"]) == 1
    assert (said["calls"][0]["id"], said["calls"][0]["function"]["name"]) == ("c1", "look")
    assert json.loads(said["calls"][0]["function"]["arguments"]) == {"at": "x"}
    assert model.requests[-1].json["tools"][0]["function"]["name"] == "look"
    assert newest(person)["extra"]["tool_calls"][0]["function"]["arguments"] == "{\"at\":\"x\"}"


def test_errors_are_of_the_clients_classes(run, model):
    said = run("errors")
    assert {name: (one["thrown"], one["status"], one["code"]) for name, one in said.items()} == {
        "model": ("NotFoundError", 404, "model_not_found"), "body": ("BadRequestError", 400, "invalid_request"),
        "key": ("AuthenticationError", 401, "unauthenticated")}
    assert model.calls == 0


def test_an_answer_that_breaks_off_is_an_error(run, model, person, server):
    def script(answer):
        answer.begin()
        answer.text("half")
        answer.cut()

    server.expect_log("AH01110")
    model.script = script
    said = run("broken")
    assert (said["thrown"], said["code"]) == ("APIError", "backend_cut")
    assert (newest(person)["content"], newest(person)["status"]) == ("half", "error")


def test_who_aborts_stops_it_where_the_configuration_says_so(run, model, person):
    closed = []

    def script(answer):
        answer.begin()
        answer.text("half")
        closed.append(answer.wait_closed())

    model.script = script
    assert run("abort") == {"aborted": True}
    wait_until(lambda: closed, "the backend's connection to be closed")
    assert closed == [True]
    wait_until(lambda: newest(person)["status"] == "stopped", "the end")
    assert newest(person)["content"] == "half"
