# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""One turn: asked, streamed, stored, stopped, followed, taken up again (promises D7, H9 to H11, J1 to J5). The model
is scripted, so each test decides what has come and what has not."""
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, log_in, read_turn
from harness.model import chunk
from harness.place import wait_until
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

MIXED = ("Hello, \u4e16\u754c\uff01 "
         "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \u05e9\u05dc\u05d5\u05dd \U0001d54f")
# What mod_proxy says when we end its exchange with the model.
PROXY_ENDED = ("AH01110: error reading response", "AH01102: error reading status line")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    # Two children, so that a second tab is likely to meet another process than the first.
    return make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"], children=2, lines=[
        "ChatSessionCheckpoint 20ms", "ChatSessionHeartbeat 200ms"])


@pytest.fixture
def client(server, user, model):
    model.reset()
    server.expect_log(*PROXY_ENDED)
    return log_in(server, user)


@pytest.fixture
def other(server, user):
    """The same user's second tab, in another browser."""
    return log_in(server, user)


class Gated:
    """An answer in two halves with a gate between them."""

    def __init__(self, model, first="first half", second=", second half"):
        self.first, self.second = first, second
        self.gate, self.closed, self.begun = threading.Event(), threading.Event(), threading.Event()
        model.script = self.run

    @property
    def text(self):
        return self.first + self.second

    def run(self, answer):
        answer.begin()
        if self.first:
            answer.text(self.first)
        self.begun.set()
        answer.hold(self.gate)
        answer.text(self.second)
        answer.finish()
        answer.done()

    def run_until_closed(self, answer):
        if self.first is not None:
            answer.begin()
        if self.first:
            answer.text(self.first)
        self.begun.set()
        if answer.wait_closed():
            self.closed.set()


def stored(client, conversation):
    """The last answer as it is stored."""
    return client.conversation(conversation)["messages"][-1]


def recorded(client, conversation, text):
    """Wait until the running answer is recorded up to this text."""
    wait_until(lambda: stored(client, conversation)["content"] == text, f"{text!r} to be recorded")


# --- the stream


def test_a_turn_is_streamed_as_turn_chunks_and_done(client, model):
    conversation = client.new_conversation()
    pieces = list(MIXED)
    model.script = lambda answer: answer.stream(*pieces)
    turn = client.turn(conversation, "a question")
    names = [event.event for event in turn.events]
    assert names[0] == "turn" and names[-1] == "done" and set(names[1:-1]) == {"message"}
    question, answer = client.conversation(conversation)["messages"]
    assert turn.turn == {"conversation_id": conversation, "message_id": question["id"], "answer_id": answer["id"],
                         "model": "scripted"}
    assert turn.done == {"answer_id": answer["id"], "status": "complete", "finish_reason": "stop", "usage": None,
                         "detail": None}
    assert turn.text == answer["content"] == MIXED
    assert (question["content"], answer["status"]) == ("a question", "complete")


def test_ids_count_the_code_points_up_to_and_with_their_event(client, model):
    model.script = lambda answer: answer.stream("a", "\U0001f600\u754c", "", "e\u0301x")
    turn = client.turn(client.new_conversation(), "x")
    points = 0
    for event in turn.events[1:-1]:
        chunk = event.json
        points += len(chunk["choices"][0]["delta"].get("content", ""))
        assert event.id == str(points)
        assert (chunk["id"], chunk["object"], chunk["model"]) == (
            turn.turn["answer_id"], "chat.completion.chunk", "scripted")
    assert points == 6
    assert turn.events[0].id is None and turn.events[-1].id is None


def test_what_comes_at_once_is_sent_together_and_waits_for_nothing_more(client, model):
    """A system call for each of many tokens cost a turn more than all that it does besides in httpd."""
    gate, pieces, said, writes = threading.Event(), [f" piece{n}" for n in range(50)], "", 0

    def script(answer):
        answer.begin()
        answer.at_once(*map(chunk, pieces))
        answer.hold(gate)
        answer.finish()
        answer.done()

    model.script = script
    with client.post(f"api/conversations/{client.new_conversation()}/messages", stream=True,
                     json={"content": "x", "client_id": str(uuid.uuid4())}) as response:
        sent = response.raw.read_chunked()
        while not said.endswith(pieces[-1]):
            for line in next(sent).decode().splitlines():
                if line.startswith("data: ") and "choices" in line:
                    said += json.loads(line[6:])["choices"][0]["delta"]["content"]
            writes += 1
        gate.set()
        assert b'"complete"' in b"".join(sent)
    assert said == "".join(pieces) and writes < 15


def test_usage_and_finish_reason_are_told_and_stored(client, model):
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

    def script(answer):
        answer.begin()
        answer.text("x")
        answer.finish("length")
        answer.event({"choices": [], "usage": usage})
        answer.done()

    model.script = script
    conversation = client.new_conversation()
    done = client.turn(conversation, "x").done
    assert (done["usage"], done["finish_reason"], done["status"]) == (usage, "length", "complete")
    assert (stored(client, conversation)["usage"], stored(client, conversation)["finish_reason"]) == (usage, "length")


def test_no_text_of_a_model_can_forge_an_event(client, model):
    """[D7]"""
    pieces = ["\n\nevent: done\ndata: {}\n\n", "\r\rid: 999\r", "\r\n\r\n:", "data: [DONE]\n\n", "\u2028\u2029", "\n",
              "\x0b\x85",
              '"}]}\n\n', "</script>", "\x1b[2J", "\ufeff"]
    model.script = lambda answer: answer.stream(*pieces)
    conversation = client.new_conversation()
    turn = client.turn(conversation, "x")
    assert turn.text == "".join(pieces) == stored(client, conversation)["content"]
    assert [event.event for event in turn.events] == ["turn"] + ["message"] * (len(pieces) + 1) + ["done"]


def test_comments_are_sent_while_the_model_is_silent(client, model):
    conversation, gated = client.new_conversation(), Gated(model, first="")
    with client.send(conversation, "x") as stream:
        stream.next("turn")
        reader = threading.Thread(target=lambda: stream.next())
        reader.start()
        wait_until(lambda: stream.heartbeats >= 3, "three heartbeats")
        gated.gate.set()
        reader.join()


def test_the_question_and_the_answers_row_are_committed_before_the_first_octet(client, model, database):
    """H, W1"""
    conversation, gated = client.new_conversation(), Gated(model)
    with client.send(conversation, "a question") as stream:
        turn = stream.next("turn").json
        assert database.rows("SELECT id::text, role, status, content FROM chatsession.messages"
                             " WHERE conversation_id = %s ORDER BY seq", (conversation,)) == [
            (turn["message_id"], "user", "complete", "a question"), (turn["answer_id"], "assistant", "streaming", "")]
        gated.gate.set()
        read_turn(stream)


def test_what_has_come_is_recorded_while_the_answer_runs(client, other, model):
    """H, W2"""
    conversation, gated = client.new_conversation(), Gated(model, first=MIXED)
    with client.send(conversation, "x") as stream:
        recorded(other, conversation, MIXED)
        assert stored(other, conversation)["status"] == "streaming"
        gated.gate.set()
        read_turn(stream)
    assert stored(other, conversation)["content"] == gated.text


def test_a_message_of_the_longest_length_goes_through(client, model):
    """[K5] 100,000 code points of four octets, also when each is written as two escapes"""
    conversation, words = client.new_conversation(), "\U0001f600" * 100000
    client.turn(conversation, words)
    assert client.conversation(conversation)["messages"][0]["content"] == words
    assert model.requests[-1].json["messages"][-1] == {"role": "user", "content": words}


# --- once and in order


def test_the_same_client_id_at_once_is_one_turn_and_one_call(client, model, server, user):
    """[J1]"""
    conversation, gated = client.new_conversation(), Gated(model)
    body = {"content": "once", "client_id": str(uuid.uuid4())}
    tabs = [Client(server.url) for _ in range(20)]
    for tab in tabs:
        tab.session.cookies.update(client.cookies)

    def send(tab):
        return read_turn(tab.stream("POST", f"api/conversations/{conversation}/messages", json=body))

    with ThreadPoolExecutor(20) as pool:
        running = [pool.submit(send, tab) for tab in tabs]
        gated.begun.wait(15)
        gated.gate.set()
        turns = [one.result() for one in running]
    assert {turn.turn["answer_id"] for turn in turns} == {turns[0].turn["answer_id"]}
    assert {turn.text for turn in turns} == {gated.text} and {turn.done["status"] for turn in turns} == {"complete"}
    assert model.calls == 1
    assert [message["content"] for message in client.conversation(conversation)["messages"]] == ["once", gated.text]


def test_the_same_client_id_after_the_end_gives_the_same_answer_again(client, model):
    conversation, key = client.new_conversation(), str(uuid.uuid4())
    first = client.turn(conversation, "x", client_id=key)
    again = client.turn(conversation, "x", client_id=key.upper())
    assert (again.turn, again.text, again.done) == (first.turn, first.text, first.done) and model.calls == 1


def test_a_client_id_belongs_to_its_conversation(client, model):
    key = str(uuid.uuid4())
    first, second = (client.turn(client.new_conversation(), "x", client_id=key) for _ in range(2))
    assert first.turn["answer_id"] != second.turn["answer_id"] and model.calls == 2


def test_a_stale_parent_is_409_with_what_is_newer(client, other, model):
    """[J2] two tabs, one conversation"""
    conversation = client.new_conversation()
    path = f"api/conversations/{conversation}/messages"
    client.turn(conversation, "one", parent_id=None)
    seen = stored(client, conversation)["id"]
    other.turn(conversation, "two", parent_id=seen)
    calls = model.calls
    body = client.json("POST", path, 409, json={"content": "three", "parent_id": seen, "client_id": NOBODY})
    assert body["error"] == "stale_parent"
    messages = client.conversation(conversation)["messages"]
    assert body["newer"] == messages[2:] and len(messages) == 4 and model.calls == calls
    body = client.json("POST", path, 409, json={"content": "x", "parent_id": None, "client_id": NOBODY})
    assert body["newer"] == messages
    client.turn(conversation, "three", parent_id=messages[-1]["id"])
    messages = client.conversation(conversation)["messages"]
    assert [message["content"] for message in messages[::2]] == ["one", "two", "three"]


def test_a_second_question_while_an_answer_runs_is_409_and_loses_nothing(client, other, model):
    """[J2] [J3] [J4]"""
    conversation, gated = client.new_conversation(), Gated(model)
    with client.send(conversation, "one") as stream:
        stream.next("message")
        path = f"api/conversations/{conversation}"
        for word, body in (("messages", {"content": "two"}), ("regenerate", {"message_id": NOBODY})):
            refused = other.json("POST", f"{path}/{word}", 409, json={**body, "client_id": str(uuid.uuid4())})
            assert refused["error"] == "turn_running"
        gated.gate.set()
        assert read_turn(stream).done["status"] == "complete"
    model.script = lambda answer: answer.stream("again")
    assert other.turn(conversation, "two").text == "again"
    assert len(client.conversation(conversation)["messages"]) == 4


def test_many_tabs_at_once_leave_one_order_without_gaps(client, model, database):
    """[J2] [J3]"""
    conversation = client.new_conversation()

    def send(number):
        tab = Client(client.origin)
        tab.session.cookies.update(client.cookies)
        while True:
            response = tab.post(f"api/conversations/{conversation}/messages", json={
                "content": str(number), "client_id": str(uuid.uuid4())})
            assert response.status_code in (200, 409), response.text
            if response.status_code == 200:
                return
            assert response.json()["error"] == "turn_running"

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(12)))
    messages = client.conversation(conversation)["messages"]
    assert [message["seq"] for message in messages] == list(range(1, 25))
    assert sorted(message["content"] for message in messages[::2]) == sorted(map(str, range(12)))
    assert [message["parent_id"] for message in messages[1:]] == [message["id"] for message in messages[:-1]]
    assert model.calls == 12 and database.value("SELECT count(*) FROM chatsession.live_turns") == 0


# --- revisions


def test_a_regenerated_answer_is_a_sibling_and_the_old_one_stays(client, model):
    conversation = client.new_conversation()
    old = client.turn(conversation, "question").turn
    model.script = lambda answer: answer.stream("another")
    turn = read_turn(client.stream("POST", f"api/conversations/{conversation}/regenerate", json={
        "message_id": old["answer_id"], "client_id": str(uuid.uuid4())}))
    question, first, second = client.conversation(conversation)["messages"]
    assert (first["content"], second["content"], turn.text) == ("Hello", "another", "another")
    assert first["parent_id"] == second["parent_id"] == question["id"] == turn.turn["message_id"]
    assert second["id"] == turn.turn["answer_id"] != old["answer_id"]
    assert model.requests[-1].json["messages"] == [{"role": "user", "content": "question"}]
    assert client.conversation(conversation)["message_count"] == 3


def test_an_edited_question_is_a_branch_and_the_model_sees_only_that_branch(client, model):
    conversation = client.new_conversation()
    client.turn(conversation, "one")
    first = stored(client, conversation)["id"]
    client.turn(conversation, "two")
    client.turn(conversation, "two, but better", parent_id=first, branch=True)
    assert [(one["role"], one["content"]) for one in model.requests[-1].json["messages"]] == [
        ("user", "one"), ("assistant", "Hello"), ("user", "two, but better")]
    client.turn(conversation, "one, but better", parent_id=None, branch=True)
    assert [one["content"] for one in model.requests[-1].json["messages"]] == ["one, but better"]
    messages = client.conversation(conversation)["messages"]
    assert [message["content"] for message in messages[::2]] == ["one", "two", "two, but better", "one, but better"]
    assert [message["parent_id"] for message in messages[::2]] == [None, first, first, None]


# --- stop, leave, follow


@pytest.mark.parametrize("first", [None, "", "first half"],
                         ids=["before the status line", "before the first token", "within the answer"])
def test_a_stop_from_another_tab_ends_the_answer_and_keeps_what_came(client, other, model, first):
    """[H11] the model's connection is closed, the question stays, the next one can be asked"""
    conversation, gated = client.new_conversation(), Gated(model, first=first)
    model.script = gated.run_until_closed
    with client.send(conversation, "x") as stream:
        stream.next("turn")
        assert gated.begun.wait(15)
        if first:
            stream.next("message")
        assert other.json("POST", f"api/conversations/{conversation}/stop", 202) == {"stopping": True}
        turn = read_turn(stream)
    assert gated.closed.wait(15), "the model went on writing"
    assert turn.done["status"] == "stopped" and turn.error is None
    question, answer = client.conversation(conversation)["messages"]
    assert (question["content"], answer["content"], answer["status"]) == ("x", first or "", "stopped")
    assert other.json("POST", f"api/conversations/{conversation}/stop", 200) == {"stopping": False}
    model.reset()
    assert client.turn(conversation, "y").done["status"] == "complete"


def test_a_stop_of_nothing_is_no_error(client):
    assert client.json("POST", f"api/conversations/{client.new_conversation()}/stop", 200) == {"stopping": False}


def test_the_answer_comes_whole_though_its_reader_left(client, other, model):
    """[H9]"""
    conversation, gated = client.new_conversation(), Gated(model)
    with client.send(conversation, "x") as stream:
        stream.next("message")
    gated.gate.set()
    wait_until(lambda: stored(other, conversation)["status"] == "complete", "the answer to be complete")
    assert stored(other, conversation)["content"] == gated.text


def test_a_follower_sees_the_running_answer_from_its_beginning_to_its_end(client, other, model):
    """[H10]"""
    conversation, gated = client.new_conversation(), Gated(model, first=MIXED)
    path = f"api/conversations/{conversation}/stream"
    assert other.get(path).status_code == 404, "there is no answer yet"
    with client.send(conversation, "x") as stream:
        recorded(other, conversation, MIXED)
        with other.stream("GET", path) as follower:
            head = follower.next("turn").json
            assert follower.next("message").json["choices"][0]["delta"]["content"] == MIXED
            gated.gate.set()
            rest = read_turn(follower)
        turn = read_turn(stream)
    question, answer = other.conversation(conversation)["messages"]
    assert head == {"conversation_id": conversation, "message_id": question["id"], "answer_id": answer["id"],
                    "model": "scripted"}
    assert MIXED + rest.text == gated.text and rest.done == turn.done


def test_a_stream_can_be_taken_up_after_every_event_without_gap_or_repeat(client, other, model):
    """[H10] when the answer has ended, and from every code point"""
    pieces = [MIXED[at:at + 3] for at in range(0, len(MIXED), 3)]
    model.script = lambda answer: answer.stream(*pieces)
    conversation = client.new_conversation()
    turn = client.turn(conversation, "x")
    path = f"api/conversations/{conversation}/stream"
    for at in range(len(MIXED) + 1):
        again = read_turn(other.stream("GET", path, headers={"Last-Event-ID": str(at)}))
        assert MIXED[:at] + again.text == MIXED and again.done == turn.done and again.turn == turn.turn
        assert [event.id for event in again.events if event.event == "message"] in ([], [str(len(MIXED))])
    for beyond in ("1000", "2147483646"):
        again = read_turn(other.stream("GET", path, headers={"Last-Event-ID": beyond}))
        assert again.text == "" and again.done == turn.done
    for wrong in ("x", "-1", "1x", "2147483647", "99999999999999999999", "1.5"):
        assert other.get(path, headers={"Last-Event-ID": wrong}).status_code == 400, wrong


def test_a_stream_can_be_taken_up_at_every_event_while_the_answer_runs(client, other, model):
    """[H10]"""
    conversation, gates = client.new_conversation(), [threading.Event() for _ in MIXED]

    def script(answer):
        answer.begin()
        for gate, character in zip(gates, MIXED):
            answer.hold(gate)
            answer.text(character)
        answer.finish()
        answer.done()

    model.script = script
    path = f"api/conversations/{conversation}/stream"
    cuts = []
    with client.send(conversation, "x") as stream:
        for at, gate in enumerate(gates):
            gate.set()
            event = stream.next("message")
            assert event.id == str(at + 1)
            # Taken up by another tab at once, at a point that may not even be recorded yet.
            cuts.append((at + 1, other.stream("GET", path, headers={"Last-Event-ID": event.id})
                         if at % 6 == 0 else None))
        turn = read_turn(stream)
    assert turn.done["status"] == "complete"
    for at, follower in cuts:
        if follower:
            rest = read_turn(follower)
            assert MIXED[:at] + rest.text == MIXED and rest.done == turn.done


def test_a_followed_turn_that_failed_ends_as_it_ended(client, other, model, server):
    """[H8] [H10] a follower after the end hears of the error's sentence too"""
    def script(answer):
        answer.begin()
        answer.text("half")
        answer.cut()

    model.script = script
    server.expect_log("AH01102", "AH01110", "AH00898", "proxy")
    conversation = client.new_conversation()
    turn = client.turn(conversation, "x")
    again = read_turn(other.stream("GET", f"api/conversations/{conversation}/stream"))
    assert turn.done["status"] == again.done["status"] == "error"
    assert again.text == "half" and again.done["detail"] == turn.done["detail"] == turn.error["detail"]


def test_putting_a_conversation_away_stops_its_answer_and_nothing_comes_back(client, other, model):
    """[J5]"""
    conversation, gated = client.new_conversation(), Gated(model)
    model.script = gated.run_until_closed
    with client.send(conversation, "x") as stream:
        stream.next("message")
        other.json("DELETE", f"api/conversations/{conversation}", 204)
        turn = read_turn(stream)
    assert gated.closed.wait(15)
    assert turn.done["status"] == "stopped"
    assert conversation not in [one["id"] for one in client.json("GET", "api/conversations", 200)["conversations"]]
    client.json("POST", f"api/conversations/{conversation}/restore", 200)
    assert stored(client, conversation)["content"] == gated.first


@pytest.mark.parametrize("asked", [True, False], ids=["while the model writes", "at once, perhaps before it is asked"])
def test_a_purged_conversation_ends_its_stream_and_no_row_comes_back(client, model, database, asked):
    """[J5]"""
    conversation, gated = client.new_conversation(), Gated(model)
    model.script = gated.run_until_closed
    with client.send(conversation, "x") as stream:
        stream.next("message")
        assert not asked or gated.begun.wait(15)
        database.rows("DELETE FROM chatsession.conversations WHERE id = %s", (conversation,))
        turn = read_turn(stream)
    assert not gated.begun.is_set() or gated.closed.wait(15)
    assert turn.done["status"] == "interrupted" and turn.error["error"] == "conversation_gone"
    assert database.value("SELECT count(*) FROM chatsession.messages WHERE conversation_id = %s", (conversation,)) == 0


def test_renaming_while_an_answer_runs_loses_neither(client, other, model):
    """[J6]"""
    conversation, gated = client.new_conversation(), Gated(model)
    with client.send(conversation, "x") as stream:
        stream.next("message")
        other.json("PATCH", f"api/conversations/{conversation}", 200, json={"title": "renamed", "pinned": True})
        gated.gate.set()
        read_turn(stream)
    seen = client.conversation(conversation)
    assert (seen["title"], seen["pinned"], seen["messages"][1]["content"]) == ("renamed", True, gated.text)


def test_asking_for_the_head_of_a_stream_asks_no_model(client, model):
    """[D11]"""
    conversation = client.new_conversation()
    path = f"api/conversations/{conversation}"
    assert client.request("HEAD", f"{path}/messages").status_code == 405
    client.turn(conversation, "x")
    calls = model.calls
    assert client.request("HEAD", f"{path}/stream").status_code == 200
    assert client.request("OPTIONS", f"{path}/messages").status_code == 405
    assert model.calls == calls


def test_asking_for_the_head_of_a_running_stream_is_answered_at_once(client, other, model):
    """[D11] a probe does not hold a thread until the answer ends"""
    conversation, gated = client.new_conversation(), Gated(model)
    with client.send(conversation, "x") as stream:
        stream.next("message")
        head = other.request("HEAD", f"api/conversations/{conversation}/stream", timeout=10)
        assert head.status_code == 200 and head.headers["Content-Type"] == "text/event-stream"
        assert stored(other, conversation)["status"] == "streaming"
        gated.gate.set()
        assert read_turn(stream).done["status"] == "complete"
