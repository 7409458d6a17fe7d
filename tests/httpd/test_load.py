# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""How much at once (promises G5, G6, H2, H11): so many answers over all children and hosts, so many turns that wait,
first come first served but fair between users; a share of the workers; what one user may use. The model is scripted:
an answer ends when the test opens its gate."""
import threading
import uuid

import pytest

from harness.client import Client, read_turn
from harness.place import wait_until

PROXY_ENDED = ("AH01110", "AH01102")
QUICK = ("ChatSessionCheckpoint 20ms", "ChatSessionHeartbeat 100ms")


class Gates:
    """A model that writes "one" of each answer and ends it when its gate is opened; gates by the question."""

    def __init__(self, model):
        self.gates, self.begun, self.all_open, self._lock = {}, [], False, threading.Lock()
        model.script = self.run

    def gate(self, question):
        with self._lock:
            gate = self.gates.setdefault(question, threading.Event())
            if self.all_open:
                gate.set()
            return gate

    def run(self, answer):
        question = answer.asked.json["messages"][-1]["content"]
        with self._lock:
            self.begun.append(question)
        answer.begin()
        answer.text("one")
        answer.hold(self.gate(question))
        answer.text(" two")
        answer.finish()
        answer.done()

    def open(self, question):
        self.gate(question).set()

    def open_all(self):
        """Of those questions too that have not reached the model yet."""
        with self._lock:
            self.all_open = True
            for gate in self.gates.values():
                gate.set()


@pytest.fixture
def gates(model):
    made = Gates(model)
    yield made
    made.open_all()


@pytest.fixture
def make_server(make_httpd, make_database, model):
    """make_server(lines, ...) -> (server, database); each test has a queue of its own."""
    made = make_database()

    def make(*lines, **options):
        server = make_httpd(made.conninfo, backends=[f"scripted {model.url}"], lines=[*QUICK, *lines],
                            **{"children": 2, **options})
        server.expect_log(*PROXY_ENDED)
        return server, made

    return make


def log_in(server, database, name):
    user = database.add_user(name)
    one = Client(server.url)
    one.login(user)
    return one


def ask(client, question, conversation=None):
    """The EventStream of a new turn, after its event turn."""
    stream = client.send(conversation or client.new_conversation(), question)
    stream.next("turn")
    return stream


def place(stream):
    return stream.next("queue").json["position"]


def refused(client, status=429, **body):
    response = client.post(f"api/conversations/{client.new_conversation()}/messages",
                           json={"content": "x", "client_id": str(uuid.uuid4()), **body})
    assert response.status_code == status, response.text
    assert int(response.headers["Retry-After"]) >= 1
    return response.json()


def test_no_more_answers_at_once_than_set_over_all_children_and_hosts(make_server, gates, model):
    """[G5] two servers on one database are two hosts; who waits is let in when an answer ends anywhere"""
    server, database = make_server("ChatSessionMaxTurns 2")
    second, _ = make_server("ChatSessionMaxTurns 2")
    for number, client in enumerate((log_in(server, database, "anna"), log_in(server, database, "berta"))):
        assert ask(client, f"running {number}").next("message")
    waiting = ask(log_in(second, database, "carla"), "waits")
    assert place(waiting) == 1 and model.calls == 2
    gates.open("running 1")
    gates.open("waits")
    turn = read_turn(waiting)
    assert (turn.text, turn.done["status"]) == ("one two", "complete")
    assert gates.begun == ["running 0", "running 1", "waits"]


def test_places_move_up_and_the_first_to_come_is_the_first_to_go(make_server, gates):
    server, database = make_server("ChatSessionMaxTurns 1")
    clients = [log_in(server, database, name) for name in ("anna", "berta", "carla", "dora")]
    streams = [ask(clients[0], "0")]
    streams[0].next("message")
    for number in (1, 2, 3):
        streams.append(ask(clients[number], str(number)))
        assert place(streams[number]) == number
    gates.open("0")
    assert read_turn(streams[0]).done["status"] == "complete"
    assert place(streams[2]) == 1 and place(streams[3]) == 2
    for number in ("1", "2", "3"):
        gates.open(number)
    assert [read_turn(stream).done["status"] for stream in streams[1:]] == ["complete"] * 3
    assert gates.begun == ["0", "1", "2", "3"]


def test_a_user_with_many_questions_does_not_make_others_wait_for_all_of_them(make_server, gates):
    """fair between users: anybody's first goes before somebody's second"""
    server, database = make_server("ChatSessionMaxTurns 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    streams = {"a0": ask(anna, "a0")}
    streams["a0"].next("message")
    for question in ("a1", "a2", "a3"):
        streams[question] = ask(anna, question)
        place(streams[question])
    streams["b1"] = ask(berta, "b1")
    assert place(streams["b1"]) == 1, "before all that anna has waiting, who has one running"
    for question in ("a0", "b1", "a1", "a2", "a3"):
        gates.open(question)
        assert read_turn(streams[question]).done["status"] == "complete"
    assert gates.begun == ["a0", "b1", "a1", "a2", "a3"]


def test_an_estimate_is_told_once_answers_have_ended(make_server, gates, model):
    server, database = make_server("ChatSessionMaxTurns 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    running = ask(anna, "0")
    running.next("message")
    waiting = ask(berta, "1")
    assert waiting.next("queue").json == {"position": 1, "estimate": None}
    gates.open("0")
    gates.open("1")
    read_turn(waiting)
    running = ask(anna, "2")
    running.next("message")
    told = ask(berta, "3").next("queue").json
    assert told["position"] == 1 and isinstance(told["estimate"], int) and told["estimate"] >= 0


def test_one_more_than_may_wait_is_429_with_retry_after_and_nothing_stored(make_server, gates, model):
    """[G5]"""
    server, database = make_server("ChatSessionMaxTurns 1", "ChatSessionMaxWaiting 1")
    anna, berta, carla = (log_in(server, database, name) for name in ("anna", "berta", "carla"))
    running = ask(anna, "0")
    running.next("message")
    waiting = ask(berta, "1")
    place(waiting)
    body = refused(carla)
    assert (body["error"], body["limit"]) == ("too_many_requests", 1) and body["retry_after"] >= 1
    assert database.value("SELECT count(*) FROM chatsession.messages") == 4 and model.calls == 1
    gates.open("0")
    gates.open("1")
    assert [read_turn(stream).done["status"] for stream in (running, waiting)] == ["complete"] * 2
    gates.open("x")
    assert carla.turn(carla.new_conversation(), "x").done["status"] == "complete"


def test_who_waits_already_is_found_again_when_nobody_more_may_wait(make_server, gates):
    """[J1] the same client_id while it waits is the same turn, and its follower hears of the queue too"""
    server, database = make_server("ChatSessionMaxTurns 1", "ChatSessionMaxWaiting 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    ask(anna, "0").next("message")
    conversation, key = berta.new_conversation(), str(uuid.uuid4())
    first = berta.send(conversation, "1", client_id=key)
    identifier = first.next("turn").json["answer_id"]
    again = berta.send(conversation, "1", client_id=key)
    assert again.next("turn").json["answer_id"] == identifier
    assert place(again) == 1
    gates.open("0")
    gates.open("1")
    assert (read_turn(first).done["status"], read_turn(again).done["status"]) == ("complete", "complete")
    assert gates.begun == ["0", "1"]


def test_a_turn_that_waits_can_be_stopped_and_is_never_asked(make_server, gates, model):
    """[H11] before its first token, from another tab"""
    server, database = make_server("ChatSessionMaxTurns 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    ask(anna, "0").next("message")
    conversation = berta.new_conversation()
    waiting = ask(berta, "1", conversation)
    place(waiting)
    assert berta.json("POST", f"api/conversations/{conversation}/stop", 202) == {"stopping": True}
    assert read_turn(waiting).done["status"] == "stopped"
    question, answer = berta.conversation(conversation)["messages"]
    assert (question["content"], answer["content"], answer["status"]) == ("1", "", "stopped")
    assert model.calls == 1 and database.value("SELECT count(*) FROM chatsession.live_turns") == 1


def test_who_waits_and_leaves_keeps_the_place(make_server, gates):
    """[H9]"""
    server, database = make_server("ChatSessionMaxTurns 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    ask(anna, "0").next("message")
    conversation = berta.new_conversation()
    with ask(berta, "1", conversation) as waiting:
        place(waiting)
    gates.open("0")
    gates.open("1")
    wait_until(lambda: berta.conversation(conversation)["messages"][-1]["status"] == "complete", "the answer")
    assert berta.conversation(conversation)["messages"][-1]["content"] == "one two"


def test_the_places_of_a_killed_child_come_back_by_themselves(make_server, gates):
    """[H2] both the places of what it wrote and of what it had waiting"""
    server, database = make_server("ChatSessionMaxTurns 2", "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 100ms",
                                   children=1)
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    for number in range(2):
        ask(anna, f"lost {number}").next("message")
    place(ask(berta, "lost 2"))
    server.kill_child()
    gates.open("after")
    with berta.send(berta.new_conversation(), "after") as stream:
        assert read_turn(stream).done["status"] == "complete"
    wait_until(lambda: database.value("SELECT count(*) FROM chatsession.live_turns") == 0, "the places to be free")
    assert database.rows("SELECT DISTINCT status FROM chatsession.messages WHERE role = 'assistant' AND content <> 'one two'"
                         ) == [("interrupted",)]


def test_a_server_that_is_stopped_ends_what_waits(make_server, gates):
    """[H14]"""
    server, database = make_server("ChatSessionMaxTurns 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    ask(anna, "0").next("message")
    place(ask(berta, "1"))
    server.expect_log("AH00052")
    server.stop()
    assert database.rows("SELECT DISTINCT status FROM chatsession.messages WHERE role = 'assistant'") == [("interrupted",)]


def test_nobody_listens_and_no_row_is_kept_while_there_is_no_limit(make_server, gates):
    server, database = make_server()
    anna = log_in(server, database, "anna")
    gates.open("0")
    anna.turn(anna.new_conversation(), "0")
    assert database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chatsession queue'") == 0
    assert database.value("SELECT count(*) FROM chatsession.turn_durations") == 0
    assert database.value("SELECT count(*) FROM chatsession.user_requests") == 0


# --- the share of the workers


def test_streams_leave_workers_for_all_other_calls(make_server, gates):
    """[G5] of ten workers eight stream; login, history and console are answered by the two others"""
    server, database = make_server("ChatSessionStreamShare 80", children=1, threads=10)
    anna = log_in(server, database, "anna")
    operator = Client(server.url, "/chat-admin")
    operator.login(database.add_user("operator", "admin"))
    server.expect_log("AH00484")  # eight of ten, and three calls at once, are all there are
    streams = [ask(anna, str(number)) for number in range(8)]
    body = refused(anna, 503)
    assert body["error"] == "streams_busy"
    follower = anna.get(f"api/conversations/{anna.new_conversation()}/stream")
    assert follower.status_code == 503
    for _ in range(5):
        log_in(server, database, f"u{uuid.uuid4().hex[:8]}")
        assert anna.get("api/conversations").status_code == 200
        assert operator.get("api/overview").json()["running"] == 8
    gates.open_all()
    assert {read_turn(stream).done["status"] for stream in streams} == {"complete"}
    gates.open("x")
    assert anna.turn(anna.new_conversation(), "x").done["status"] == "complete"


# --- what one user may use


def test_a_users_answers_at_once(make_server, gates):
    """[G5] the limit is the user's, in all tabs and on all hosts"""
    server, database = make_server("ChatSessionUserTurns 2")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    tab = Client(make_server("ChatSessionUserTurns 2")[0].url)
    tab.session.cookies.update({name: value for name, value in anna.cookies.items()})
    streams = [ask(anna, str(number)) for number in range(2)]
    assert (refused(anna)["error"], refused(anna)["limit"]) == ("turn_limit", 2)
    gates.open("b")
    assert berta.turn(berta.new_conversation(), "b").done["status"] == "complete"
    gates.open_all()
    assert {read_turn(stream).done["status"] for stream in streams} == {"complete"}
    gates.open("c")
    assert anna.turn(anna.new_conversation(), "c").done["status"] == "complete"


def test_one_users_own_limit_counts_in_place_of_that_for_all(make_server, gates):
    """[G5] more, fewer, or none"""
    server, database = make_server("ChatSessionUserTurns 1")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    database.rows("UPDATE chatsession.users SET max_turns = 2 WHERE name = 'anna' RETURNING id")
    streams = [ask(anna, str(number)) for number in range(2)]
    assert (refused(anna)["error"], refused(anna)["limit"]) == ("turn_limit", 2)
    streams.append(ask(berta, "3"))
    assert refused(berta)["limit"] == 1
    database.rows("UPDATE chatsession.users SET max_turns = 0 WHERE name = 'berta' RETURNING id")
    streams.append(ask(berta, "4"))
    gates.open_all()
    assert {read_turn(stream).done["status"] for stream in streams} == {"complete"}


def test_a_users_requests_in_a_minute(make_server, gates, model):
    """[G6] counted over all children; a retry of the same turn costs nothing; the oldest one's minute says when again"""
    server, database = make_server("ChatSessionUserRequests 3", children=3)
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))
    gates.open("q")
    conversation, key = anna.new_conversation(), str(uuid.uuid4())
    for _ in range(4):
        assert anna.turn(conversation, "q", client_id=key).done["status"] == "complete"
    for _ in range(2):
        anna.turn(anna.new_conversation(), "q")
    body = refused(anna)
    assert (body["error"], body["limit"]) == ("request_limit", 3) and 30 < body["retry_after"] <= 61
    berta.turn(berta.new_conversation(), "q")
    database.rows("UPDATE chatsession.user_requests SET at = at - interval '1 minute' WHERE n ="
                  " (SELECT min(n) FROM chatsession.user_requests WHERE user_id = (SELECT id FROM chatsession.users"
                  " WHERE name = 'anna')) RETURNING n")
    anna.turn(anna.new_conversation(), "q")
    assert refused(anna)["error"] == "request_limit" and model.calls == 5


def test_a_users_tokens_in_a_day(make_server, model):
    """what the model's server counted, or else a token for four code points; midnight UTC says when again"""
    server, database = make_server("ChatSessionUserTokens 100")
    anna, berta = (log_in(server, database, name) for name in ("anna", "berta"))

    def counted(answer):
        answer.begin()
        answer.text("Hello")
        answer.finish()
        answer.event({"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [],
                      "usage": {"prompt_tokens": 90, "completion_tokens": 9, "total_tokens": 99}})
        answer.done()

    model.script = counted
    anna.turn(anna.new_conversation(), "x")
    model.script = lambda answer: answer.stream("four" * 2)
    anna.turn(anna.new_conversation(), "x")
    assert database.value("SELECT tokens FROM chatsession.user_tokens") == 101
    body = refused(anna)
    assert (body["error"], body["limit"]) == ("token_limit", 100) and body["retry_after"] <= 86401
    assert berta.turn(berta.new_conversation(), "x").done["status"] == "complete"
    database.rows("UPDATE chatsession.user_tokens SET day = day - 1 RETURNING day")
    assert anna.turn(anna.new_conversation(), "x").done["status"] == "complete"


# --- the browser leaves


def test_an_answer_whose_browser_left_can_be_stopped_by_directive(make_server, model):
    """[H9]"""
    server, database = make_server("ChatSessionOnDisconnect stop")
    anna = log_in(server, database, "anna")
    closed = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("one")
        if answer.wait_closed():
            closed.set()

    model.script = script
    conversation = anna.new_conversation()
    with ask(anna, "x", conversation) as stream:
        stream.next("message")
    assert closed.wait(15), "the model went on writing"
    wait_until(lambda: anna.conversation(conversation)["messages"][-1]["status"] == "stopped", "the answer to be stopped")
    assert anna.conversation(conversation)["messages"][-1]["content"] == "one"
