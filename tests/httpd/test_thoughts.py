# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What an answer has beside its text while it is being written: recorded with it, and told to whoever follows it."""
import threading

import pytest

from harness.client import log_in, read_turn
from harness.model import chunk
from harness.place import wait_until
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"a\":"}}


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"one {model.url}"], children=2, lines=[
        "ChatSessionCheckpoint 20ms", "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 200ms"])


@pytest.fixture
def client(server, user, model):
    model.reset()
    return log_in(server, user)


def delta(answer, **members):
    answer.event({**chunk(), "choices": [{"index": 0, "delta": members, "finish_reason": None}]})


def thinks(gate):
    """A script that thinks, calls a tool, waits, and ends."""
    def script(answer):
        answer.begin()
        delta(answer, reasoning_content="I thi")
        delta(answer, reasoning_content="nk 思う")
        delta(answer, tool_calls=[CALL])
        delta(answer, content="so")
        answer.hold(gate)
        delta(answer, reasoning_content=" again")
        delta(answer, tool_calls=[{"index": 0, "function": {"arguments": "1}"}}])
        delta(answer, content=" far")
        answer.finish()
        answer.done()
    return script


def last(client, conversation):
    return client.conversation(conversation)["messages"][-1]


def told(turn):
    """What the chunks of a stream say, put together: (reasoning, text, arguments)."""
    deltas = [event.json["choices"][0]["delta"] for event in turn.events if event.event == "message"]
    calls = [call for one in deltas for call in one.get("tool_calls", [])]
    return ("".join(one.get("reasoning_content") or "" for one in deltas), "".join(one.get("content") or "" for one in deltas),
            "".join(call["function"].get("arguments", "") for call in calls))


WHOLE = ("I think 思う again", "so far", '{"a":1}')


def test_a_killed_child_keeps_them_up_to_the_last_checkpoint(client, server, model):
    """[H1] not the text alone"""
    gate = threading.Event()
    model.script = thinks(gate)
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        stream.next("message")
        wait_until(lambda: (last(client, conversation)["extra"] or {}).get("tool_calls") and
                   last(client, conversation)["content"] == "so", "a checkpoint")
        assert last(client, conversation)["extra"] == {"reasoning": "I think 思う", "tool_calls": [CALL]}
        for child in list(server.children):
            server.kill_child(child)
    gate.set()
    wait_until(lambda: last(client, conversation)["status"] == "interrupted", "the reaper", 20)
    answer = last(client, conversation)
    assert (answer["content"], answer["extra"]) == ("so", {"reasoning": "I think 思う", "tool_calls": [CALL]})


def test_a_second_tab_sees_them_come(client, model):
    gate = threading.Event()
    model.script = thinks(gate)
    conversation = client.new_conversation()
    with client.send(conversation, "x") as first:
        first.next("message")
        with client.stream("GET", f"api/conversations/{conversation}/stream") as second:
            seen = []
            while not any(one.get("tool_calls") for one in seen):
                seen.append(second.next("message").json["choices"][0]["delta"])
            assert "".join(one.get("reasoning_content", "") for one in seen) == "I think 思う"
            gate.set()
            rest = read_turn(second)
            reasoning, text, arguments = told(rest)
            assert reasoning == " again" and arguments == "1}" and text.endswith(" far")
        assert read_turn(first).done["status"] == "complete"
    assert told(read_turn(client.stream("GET", f"api/conversations/{conversation}/stream"))) == WHOLE
    assert last(client, conversation)["extra"]["reasoning"] == WHOLE[0]


def test_a_stream_is_taken_up_after_any_event(client, model):
    """[H10] reasoning too: no gap, no repeat, while it is written and when it has ended"""
    gate = threading.Event()
    model.script = thinks(gate)
    conversation = client.new_conversation()
    path = f"api/conversations/{conversation}/stream"
    with client.send(conversation, "x") as stream:
        events = [stream.next("message") for _ in range(4)]
        assert [one.id for one in events] == ["0+5", "0+10", "0+10", "2+10"]
        wait_until(lambda: last(client, conversation)["content"] == "so", "a checkpoint")
        followers = [client.stream("GET", path, headers={"Last-Event-ID": one.id}) for one in events]
        gate.set()
        heard = [told(read_turn(follower))[:2] for follower in followers]
        read_turn(stream)
    expected = [(WHOLE[0][int(one.id.split("+")[1]):], WHOLE[1][int(one.id.split("+")[0]):]) for one in events]
    assert heard == expected
    assert [told(read_turn(client.stream("GET", path, headers={"Last-Event-ID": one.id})))[:2] for one in events] == expected
    for bad in ("2+", "+2", "2+x", "2+3+4", "2-3", "2+-3", "2147483647+1", "1+2147483647"):
        assert client.get(path, headers={"Last-Event-ID": bad}).status_code == 400, bad
