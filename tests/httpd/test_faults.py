# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Processes and databases die; what was acknowledged does not (promises H1 to H5, H13)."""
import concurrent.futures
import json
import os
import signal
import threading
import uuid

import pytest
import requests

from harness.client import Client, log_in, read_turn
from harness.model import pausing
from harness.place import wait_until
from harness.postgres import new_database
from harness.relay import postgres_relay

LONG = "".join(f"{number}, \u4e16\u754c\U0001f600 " for number in range(400))
# What httpd's log may say when its database is away: ours, each from the place that could not go on.
# The last is libpq's own, of a server that ends while somebody connects: no notice receiver can be set so early.
AWAY = ("CS0012", "CS0060", "CS0061", "CS0071", "CS0072", "CS0030", "CS20",
        "WARNING:  terminating connection due to immediate shutdown command")


def last(client, conversation):
    return client.conversation(conversation)["messages"][-1]


def interrupted_after_a_kill(server, client, seconds):
    """Kill the child in mid-answer; check what must hold afterwards."""
    conversation = client.new_conversation()
    client.turn(conversation, "first")
    seen = ""
    with client.send(conversation, LONG) as stream:
        turn = stream.next("turn").json
        while len(seen) < 40:
            seen += stream.next("message").json["choices"][0]["delta"].get("content", "")
        server.kill_child()
        with pytest.raises((requests.RequestException, AssertionError)):
            stream.next("done")
    wait_until(lambda: last(client, conversation)["status"] != "streaming", "the answer to be given up", seconds)
    messages = client.conversation(conversation)["messages"]
    assert [message["content"] for message in messages[:3]] == ["first", "first", LONG]
    answer = messages[3]
    assert (answer["id"], answer["status"]) == (turn["answer_id"], "interrupted")
    assert LONG.startswith(answer["content"]) and answer["detail"].endswith(".")
    followed = read_turn(client.stream("GET", f"api/conversations/{conversation}/stream"))
    assert followed.text == answer["content"] and followed.done["status"] == "interrupted"
    again = read_turn(client.stream("POST", f"api/conversations/{conversation}/regenerate", json={
        "message_id": answer["id"], "client_id": str(uuid.uuid4())}))
    assert again.turn["message_id"] == turn["message_id"] and again.turn["answer_id"] != answer["id"]
    client.json("POST", f"api/conversations/{conversation}/stop", 202 if again.done is None else 200)
    return answer


def test_a_killed_child_loses_no_message_and_its_answer_is_interrupted_within_15_s(make_httpd, database, user):
    """[H1] [H2] with the limits as they are by default"""
    server = make_httpd(database.conninfo, mock="echo wait=0ms pace=2ms")
    interrupted_after_a_kill(server, log_in(server, user), 15)


def test_the_limits_of_that_are_those_of_the_configuration_and_what_was_recorded_is_kept(make_httpd, database, user):
    """[H1] [H2] several times, and the text is there up to one checkpoint before the end"""
    server = make_httpd(database.conninfo, mock="echo wait=0ms pace=2ms", lines=[
        "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 100ms", "ChatSessionCheckpoint 10ms"])
    client = log_in(server, user)
    for _ in range(3):
        interrupted_after_a_kill(server, client, 15)
    assert database.value("SELECT count(*) FROM chatsession.messages WHERE status = 'streaming'") == 0
    assert database.value("SELECT count(*) FROM chatsession.live_turns") == 0


def test_no_childs_death_delays_the_giving_up_of_answers_whose_writer_is_gone(make_httpd, make_database):
    """[H2] every child looks for them. Were it one for all, its death would put that off until another takes over; both
    children of the start are killed, so that one is it."""
    database = make_database()
    database.add_user("mika")
    server = make_httpd(database.conninfo, children=2, lines=[
        "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 100ms"])
    for child in server.children:
        server.kill_child(child)
        answer = begin(database, str(uuid.uuid4()), "one")[2]
        database.rows("UPDATE chatsession.live_turns SET heartbeat_at = now() - interval '2s'")
        wait_until(lambda: database.value("SELECT status FROM chatsession.messages WHERE id = %s", (answer,))
                   == "interrupted", "the answer to be given up", 5)


def test_the_other_children_go_on_when_one_is_killed(make_httpd, database, user, model):
    """[H2]"""
    server = make_httpd(database.conninfo, children=3, backends=[f"scripted {model.url}"], lines=[
        "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 100ms", "ChatSessionCheckpoint 20ms"])
    client, gate = log_in(server, user), threading.Event()

    model.script = pausing(gate, "half", " and half")
    running = []
    for _ in range(6):
        conversation = client.new_conversation()
        stream = client.send(conversation, "x")
        stream.next("message")
        running.append((conversation, stream))
        wait_until(lambda: last(client, conversation)["content"] == "half", "the first half to be recorded")
    server.kill_child(server.children[-1])
    gate.set()
    ends = []
    for conversation, stream in running:
        try:
            ends.append(read_turn(stream).done["status"])
        except requests.RequestException:
            ends.append("cut")
    assert set(ends) <= {"complete", "cut"} and "complete" in ends
    for (conversation, _), end in zip(running, ends):
        if end == "cut":
            wait_until(lambda: last(client, conversation)["status"] == "interrupted", "its answer to be given up")
        assert last(client, conversation)["content"] == ("half and half" if end == "complete" else "half")


def test_killing_httpd_whole_loses_nothing_and_a_new_start_gives_its_answers_up(make_httpd, database, user):
    """[H3]"""
    server = make_httpd(database.conninfo, mock="echo wait=0ms pace=2ms", lines=[
        "ChatSessionTurnSilence 1s", "ChatSessionSweepInterval 100ms", "ChatSessionCheckpoint 10ms"])
    client = log_in(server, user)
    conversation = client.new_conversation()
    with client.send(conversation, LONG) as stream:
        for _ in range(5):
            stream.next("message")
        children = server.children
        os.kill(server.pid, signal.SIGKILL)
        for child in children:
            os.kill(child, signal.SIGKILL)
        server._process.wait()
    server.expect_log("AH00098")
    server.start()
    wait_until(lambda: last(client, conversation)["status"] == "interrupted", "the answer to be given up")
    question, answer = client.conversation(conversation)["messages"]
    assert question["content"] == LONG and LONG.startswith(answer["content"])


# --- the database


@pytest.fixture
def cluster(make_postgres):
    """What is committed survives an immediate stop here; the other tests' cluster saves that time."""
    return make_postgres(settings={"synchronous_commit": "on", "full_page_writes": "on"})


@pytest.fixture
def own(cluster):
    """A database in a cluster of the test's own, with a user."""
    database = new_database(cluster)
    return database, database.add_user("mika")


def serve(make_httpd, database, **options):
    lines = ["ChatSessionDatabaseWait 500ms", "ChatSessionCheckpoint 20ms", *options.pop("lines", [])]
    server = make_httpd(database.conninfo, children=2, lines=lines, **options)
    server.expect_log(*AWAY)
    return server


def test_an_immediate_restart_of_the_database_heals_within_2_s_without_touching_httpd(make_httpd, cluster, own):
    """[H4] [H5] three times; every child and every pooled connection"""
    database, user = own
    server = serve(make_httpd, database)
    client = log_in(server, user)
    conversation = client.new_conversation("kept")
    client.turn(conversation, "kept too")
    children = server.children
    for _ in range(3):
        cluster.restart("immediate")
        # From the moment when PostgreSQL takes connections.
        wait_until(lambda: client.get(f"api/conversations/{conversation}").status_code == 200, "the first success", 2)
        for _ in range(20):
            # A connection of its own each time, so that it meets both children.
            fresh = Client(server.url)
            fresh.session.cookies.update(client.cookies)
            assert [message["content"] for message in fresh.conversation(conversation)["messages"]] == ["kept too"] * 2
        assert client.turn(client.new_conversation(), "again").done["status"] == "complete"
    assert server.children == children


def test_while_the_database_is_down_every_call_is_503_and_never_an_empty_history(make_httpd, cluster, own):
    """[H5] [L4] also a correct session is not called logged out, and a conversation not missing"""
    database, user = own
    server = serve(make_httpd, database)
    client = log_in(server, user)
    conversation = client.new_conversation()
    children = server.children
    cluster.stop("immediate")
    known = client.get("api/session")  # shared memory may still know who it is; the database alone knows who it is not
    assert known.status_code == 503 or known.json()["authenticated"]
    calls = [("GET", "api/conversations"), ("GET", f"api/conversations/{conversation}"),
             ("GET", f"api/conversations/{conversation}/stream"),
             ("POST", f"api/conversations/{conversation}/messages"),
             ("POST", f"api/conversations/{conversation}/stop"), ("DELETE", f"api/conversations/{conversation}"),
             ("POST", "api/login"), ("POST", "api/logout"), ("GET", "readyz")]
    for method, path in calls:
        body = {"json": {"username": "mika", "password": user.password} if "login" in path else
                {"content": "x", "client_id": str(uuid.uuid4())}} if method == "POST" else {}
        response = client.request(method, path, **body)
        assert response.status_code == 503, f"{method} {path}: {response.status_code} {response.text}"
        assert response.json()["error"] == "database_unavailable" and int(response.headers["Retry-After"]) > 0
        assert "Set-Cookie" not in response.headers
    assert Client(server.url).post("api/login", json={"username": "mika", "password": user.password}).status_code == 503
    assert client.get("healthz").status_code == 200 and client.get("").status_code == 200
    cluster.start()
    wait_until(lambda: client.get("readyz").status_code == 200, "the server to be ready again", 2)
    assert client.get("api/session").json()["authenticated"]
    assert client.conversation(conversation)["messages"] == [] and server.children == children


def test_httpd_starts_without_its_database_and_heals_when_it_comes(make_httpd, cluster, own):
    """[H5] [L4]"""
    database, user = own
    cluster.stop()
    server = serve(make_httpd, database)
    client = Client(server.url)
    assert client.get("healthz").status_code == 200
    assert client.get("readyz").status_code == 503
    assert client.post("api/login", json={"username": user.name, "password": user.password}).status_code == 503
    cluster.start()
    wait_until(lambda: client.get("readyz").status_code == 200, "the server to be ready", 2)
    client.login(user)
    assert client.turn(client.new_conversation(), "hello").text == "hello"


def test_ending_every_connection_of_the_database_is_not_noticed_by_a_reader(make_httpd, own):
    """[H5] pg_terminate_backend; what may be repeated is repeated"""
    database, user = own
    server = serve(make_httpd, database)
    client = log_in(server, user)
    conversation = client.new_conversation()
    children = server.children
    for _ in range(10):
        with database.connect() as connection:
            server.end_connections(connection)
        assert client.get(f"api/conversations/{conversation}").status_code == 200
    assert server.children == children


def gated(model, gate):
    model.script = pausing(gate, "before", ", after")
    return "before, after"


@pytest.mark.parametrize("when", ["within the answer", "at its end"])
def test_an_answer_that_runs_over_a_restart_of_the_database_comes_whole(make_httpd, cluster, own, model, when):
    """[H4] also when the database is away at the moment of the commit: done waits for it"""
    database, user = own
    server = serve(make_httpd, database, backends=[f"scripted {model.url}"])
    client, gate = log_in(server, user), threading.Event()
    text = gated(model, gate)
    conversation = client.new_conversation()
    children = server.children
    with client.send(conversation, "a question") as stream:
        stream.next("message")
        wait_until(lambda: last(client, conversation)["content"] == "before", "the first piece to be recorded")
        cluster.stop("immediate")
        if when == "at its end":
            gate.set()
            stream.next("message")
        cluster.start()
        gate.set()
        turn = read_turn(stream)
    assert turn.done["status"] == "complete" and turn.error is None
    question, answer = client.conversation(conversation)["messages"]
    assert (question["content"], answer["content"], answer["status"]) == ("a question", text, "complete")
    assert server.children == children


def test_nothing_is_called_done_before_it_is_committed(make_httpd, own, model):
    """W3: the answer's row is locked by somebody, so its end cannot be written"""
    database, user = own
    server = serve(make_httpd, database, backends=[f"scripted {model.url}"])
    client, gate = log_in(server, user), threading.Event()
    gated(model, gate)
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream, database.connect(autocommit=False) as blocker:
        answer_id = stream.next("turn").json["answer_id"]
        blocker.execute("SELECT FROM chatsession.messages WHERE id = %s FOR UPDATE", (answer_id,))
        gate.set()
        seen = []
        reader = threading.Thread(target=lambda: seen.append(stream.next("done")))
        reader.start()
        wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"),
                   "the commit to wait for the lock")
        assert not seen and b"event: done" not in stream.bytes
        blocker.rollback()
        reader.join(20)
        assert seen[0].json["status"] == "complete"
    assert last(client, conversation)["content"] == "before, after"


class Shut:
    """A relay's rule: once the statement with this text is answered, nothing that holds `word` reaches the database."""

    def __init__(self, needle=b"", word=b""):
        self.needle, self.word = needle, word
        self.link, self.shut, self.refused = None, not needle, 0

    def __call__(self, link, way, data):
        if way == "up" and self.shut and self.word in data:
            self.refused += 1
            link.cut = "end"
            return b""
        if way == "up" and self.link is None and self.needle and self.needle in data:
            self.link = link
        elif way == "down" and link is self.link and data.endswith(b"Z\0\0\0\5I"):
            self.link, self.needle, self.shut = None, b"", True
        return data


@pytest.fixture
def relayed(make_httpd, cluster, own):
    """(server, relay, database, client): one whose database is behind a relay."""
    relays = []

    def make(rule, backend, *lines):
        database, user = own
        relays.append(postgres_relay(cluster, rule))
        server = make_httpd(database.conninfo.replace(cluster.host, str(relays[0].folder)), backends=[backend], lines=lines)
        server.expect_log(*AWAY)
        return server, relays[0], database, log_in(server, user)

    yield make
    for relay in relays:
        relay.close()


def test_a_database_that_goes_between_a_question_and_its_history_costs_time_and_no_answer(relayed, model):
    """[H4] the question is committed, so what the model is to read of it is waited for as the end of an answer is"""
    rule = Shut(b"a question of weight")
    model.script = lambda answer: answer.stream("an ", "answer")
    _, _, _, client = relayed(rule, f"scripted {model.url}", "ChatSessionDatabaseWait 200ms")
    conversation = client.new_conversation()
    with client.send(conversation, "a question of weight") as stream:
        stream.next("turn")
        turns = []
        reader = threading.Thread(target=lambda: turns.append(read_turn(stream)))
        reader.start()
        # The first heartbeat comes when the database was asked in vain.
        wait_until(lambda: stream.heartbeats or turns, "the database to be missed")
        rule.shut = False
        reader.join(30)
        turn, = turns
    assert (turn.error, turn.done["status"], turn.text) == (None, "complete", "an answer")
    assert [asked.json["messages"][-1]["content"] for asked in model.requests] == ["a question of weight"]


def test_no_answer_is_given_up_for_a_silence_that_was_the_databases(relayed, model):
    """[H2] [H4] after an outage longer than ChatSessionTurnSilence its writer has that time to be heard again"""
    rule, gate = Shut(), threading.Event()
    rule.shut = False
    text = gated(model, gate)
    _, relay, database, client = relayed(rule, f"scripted {model.url}", "ChatSessionTurnSilence 3s",
                                         "ChatSessionSweepInterval 100ms", "ChatSessionDatabaseWait 200ms")
    conversation = client.new_conversation()
    with client.send(conversation, "a question") as stream:
        answer = stream.next("turn").json["answer_id"]
        stream.next("message")
        relay.cut()
        wait_until(lambda: database.value("SELECT heartbeat_at < now() - interval '3 seconds' FROM chatsession.live_turns"),
                   "the silence to be long")
        swept = Swept()
        rule.word, rule.shut = answer.encode(), True  # the writer is heard last
        relay.rule = lambda link, way, data: swept(link, way, rule(link, way, data))
        relay.mend()
        wait_until(lambda: swept.times, "the reaper to come by")
        assert database.value("SELECT status FROM chatsession.messages WHERE id = %s", (answer,)) == "streaming"
        rule.shut = False
        gate.set()
        turn = read_turn(stream)
    assert turn.done["status"] == "complete" and last(client, conversation)["content"] == text


class Swept:
    """Counts the reaper's statements that were answered."""

    def __init__(self):
        self.link, self.times = None, 0

    def __call__(self, link, way, data):
        if way == "up" and b"turn_reap" in data:
            self.link = link
        elif way == "down" and link is self.link and b"turn_reap" in data:
            self.times += 1
        return data


# --- an answer of the database that is lost on its way


def begin(database, client_id, request_id, conversation=None):
    """turn_begin of anybody's conversation, or of a new one: (outcome, message, answer, the conversation)."""
    if conversation is None:
        conversation = database.value("INSERT INTO chatsession.conversations (user_id) SELECT id FROM chatsession.users"
                                      " LIMIT 1 RETURNING id")
    return (*database.rows(
        "SELECT t.outcome, t.message_id::text, t.answer_id::text FROM chatsession.conversations c, LATERAL"
        " chatsession.turn_begin(c.user_id, c.id, 'x', NULL, false, false, NULL, %s, 'model', 'host', %s, NULL, 'streaming', false, 0, true) t"
        " WHERE c.id = %s", (client_id, request_id, conversation))[0], conversation)


def test_a_turn_that_is_begun_again_by_its_own_request_is_still_that_requests_to_write(make_database):
    """[H4] [J1] another request with the same client_id only follows it, and so does its own once it has ended"""
    database, key = make_database(), str(uuid.uuid4())
    database.add_user("mika")
    first = begin(database, key, "request one")
    assert first[0] == "begun"
    assert begin(database, key, "request one", first[3]) == first
    assert begin(database, key, "request two", first[3]) == ("same", *first[1:])
    assert begin(database, str(uuid.uuid4()), "request one", first[3])[0] == "running"
    assert database.value("SELECT count(*) FROM chatsession.messages") == 2
    assert database.value("SELECT chatsession.turn_finish(%s, 'complete', 'y', NULL, NULL, NULL, NULL)",
                          (first[2],)) == "finished"
    assert begin(database, key, "request one", first[3]) == ("same", *first[1:])


def test_an_answer_that_is_saved_while_its_conversation_is_purged_is_gone_and_not_reaped(make_database):
    """[J5] the statement waits for the purge's locks, and what it saw before it waited is no answer"""
    database = make_database()
    database.add_user("mika")
    _, _, answer, conversation = begin(database, str(uuid.uuid4()), "request")
    piece = json.dumps([{"id": answer, "at": 0, "t": "x", "thought_at": 0, "thought": ""}])
    with (database.connect(autocommit=False) as purge, database.connect() as saving,
          concurrent.futures.ThreadPoolExecutor(1) as pool):
        purge.execute("DELETE FROM chatsession.conversations WHERE id = %s", (conversation,))
        saved = pool.submit(lambda: saving.execute("SELECT state FROM chatsession.turn_save(%s::json)", (piece,)).fetchone()[0])
        wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                          " AND pid = %s", (saving.info.backend_pid,)), "the save to wait for the purge")
        purge.commit()
        assert saved.result(15) == "gone"


class Forgetful:
    """A rule for a way to PostgreSQL that passes one statement on and loses the answer to it."""

    def __init__(self, needle):
        self._needle, self._armed, self.lost = needle, None, threading.Event()

    def __call__(self, link, way, data):
        if way == "up" and self._needle in data and not self.lost.is_set():
            self._armed = link
        if way == "down" and self._armed is link:
            link.cut = "end"
            self.lost.set()
            return b""
        return data


def test_a_lost_answer_to_the_begin_of_a_turn_leads_to_one_turn_that_is_written(make_httpd, postgres, database, user,
                                                                              model):
    """[H4] [H6] the door asks again, and the turn that it finds is no other request's"""
    words = "the answer to this is lost"
    forgetful = Forgetful(words.encode())
    relay = postgres_relay(postgres, forgetful)
    try:
        conninfo = database.conninfo.replace(postgres.host, str(relay.folder))
        server = make_httpd(conninfo, backends=[f"scripted {model.url}"])
        server.expect_log(*AWAY)
        client = log_in(server, user)
        conversation = client.new_conversation()
        turn = client.turn(conversation, words)
        assert forgetful.lost.is_set()
        assert (turn.done["status"], turn.text, model.calls) == ("complete", "Hello", 1)
        assert [message["content"] for message in client.conversation(conversation)["messages"]] == [words, "Hello"]
    finally:
        relay.close()


# --- restarts that somebody wanted


@pytest.mark.parametrize("first", ["before", ""], ids=["within the answer", "before the first token"])
def test_stopping_httpd_ends_running_answers_and_keeps_what_came(make_httpd, database, user, model, first):
    """[H14] also what was not recorded yet; no child has to be killed"""
    server = make_httpd(database.conninfo, children=2, backends=[f"scripted {model.url}"], lines=[
        "ChatSessionCheckpoint 5s"])
    client, over = log_in(server, user), threading.Event()

    def script(answer):
        answer.begin()
        answer.text(first)
        answer.hold(over)

    model.script = script
    conversations = [client.new_conversation() for _ in range(3)]
    streams = [client.send(conversation, "a question") for conversation in conversations]
    for stream in streams:
        stream.next("message" if first else "turn")
    wait_until(lambda: model.calls == 3, "the model to be asked")
    server.stop()
    over.set()
    assert [line for line in server.error_log if "AH00045" in line or "AH00046" in line] == []
    for conversation in conversations:
        assert database.rows("SELECT content, status, detail FROM chatsession.messages WHERE conversation_id = %s"
                             " ORDER BY seq", (conversation,)) == [
            ("a question", "complete", None), (first, "interrupted", "The server was stopped.")]
    assert database.value("SELECT count(*) FROM chatsession.live_turns WHERE conversation_id = ANY(%s)",
                          ([*map(uuid.UUID, conversations)],)) == 0


def test_a_graceful_restart_lets_running_answers_come_whole(make_httpd, database, user, model):
    """[H13]"""
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"], lines=["ChatSessionCheckpoint 20ms"])
    client, gate = log_in(server, user), threading.Event()
    text = gated(model, gate)
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        stream.next("message")
        server.graceful()
        assert Client(server.url).get("healthz").status_code == 200
        other = Client(server.url)
        other.session.cookies.update(client.cookies)
        assert last(other, conversation)["status"] == "streaming"
        gate.set()
        turn = read_turn(stream)
    assert turn.done["status"] == "complete" and turn.text in text
    assert last(other, conversation)["content"] == text


def test_a_bad_configuration_is_refused_by_a_graceful_restart_and_service_goes_on(make_httpd, database, user):
    """[H13]"""
    server = make_httpd(database.conninfo)
    client = log_in(server, user)
    good = server.config.read_text()
    server.config.write_text(good + "\nChatSessionIdleTimeout never\n")
    code, said = server.configtest()
    assert code != 0 and "ChatSessionIdleTimeout" in said and "never" in said
    assert client.get("api/session").json()["authenticated"]
    server.config.write_text(good)
    server.graceful()
    assert client.get("api/session").json()["authenticated"]


def test_a_server_that_is_stopped_while_its_database_is_away_ends_in_good_order(make_httpd, cluster, own):
    """The sweep is waiting for a connection then; a child must not close the connections under it."""
    database, user = own
    server = serve(make_httpd, database)
    client = log_in(server, user)
    cluster.stop()
    for _ in range(2):  # each waits for a restart in vain, longer than the sweep's interval
        assert client.get("api/session").status_code == 503
    server.stop()
    assert not [line for line in server.error_log if "exit signal" in line or "Assertion" in line]
