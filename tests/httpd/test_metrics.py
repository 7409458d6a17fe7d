# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""[L5] The metrics say what was done, in Prometheus' text form, to who may have them; and mod_status's page has a section of ours."""
import re
import threading
import uuid

import pytest

from harness.client import Client, log_in, read_turn
from harness.model import pausing
from harness.place import wait_until

LINE = re.compile(r'([a-z_]+)(\{[a-z_]+="[^"\\\n]*"\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)')
NUMBER_OF = {"complete": 7, "error": 3, "stopped": 2}


def read(text):
    """{name with labels: value} of a page that is well-formed: help and type before the samples of a name."""
    samples, known = {}, set()
    for line in text.splitlines():
        if line.startswith("# "):
            known.add(line.split()[2])
            continue
        match = LINE.fullmatch(line)
        assert match, line
        assert re.sub(r"_(bucket|sum|count)$", "", match[1]) in known or match[1] in known, line
        samples[match[1] + (match[2] or "")] = float(match[3])
    return samples


def scrape(server):
    answer = Client(server.url, "/chat-admin").get("metrics")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def stop(client, model):
    gate = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("x")
        answer.hold(gate)

    model.script = script
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        stream.next("message")
        client.post(f"api/conversations/{conversation}/stop")
        assert read_turn(stream).done["status"] == "stopped"
    gate.set()


def test_the_numbers_are_those_of_what_was_done(make_httpd, database, user, model):
    server = make_httpd(database.conninfo, backends=[f"one {model.url}", "two http://127.0.0.1:1/v1"], children=2, lines=[
        "ChatSessionMetricsFrom 127.0.0.0/8", "ChatSessionUserTurns 1"])
    server.expect_log("CS0052")
    client = log_in(server, user)
    before = scrape(server)
    assert before['chatsession_turns_total{status="complete"}'] == 0
    for _ in range(NUMBER_OF["complete"]):
        client.turn(client.new_conversation(), "x")
    model.script = lambda answer: answer.whole({}, status=500)
    for _ in range(NUMBER_OF["error"]):
        client.turn(client.new_conversation(), "x")
    for _ in range(NUMBER_OF["stopped"]):
        stop(client, model)
    gate = threading.Event()
    model.script = lambda answer: (answer.hold(gate), answer.stream("x"))
    with client.send(client.new_conversation(), "x") as stream:
        stream.next("turn")
        other = client.post(f"api/conversations/{client.new_conversation()}/messages",
                            json={"content": "x", "client_id": str(uuid.uuid4())})
        assert other.json()["error"] == "turn_limit"
        during = scrape(server)
        gate.set()
        read_turn(stream)
    NUMBER = {**NUMBER_OF, "complete": NUMBER_OF["complete"] + 1}
    after = scrape(server)
    assert {status: after[f'chatsession_turns_total{{status="{status}"}}'] for status in NUMBER} == NUMBER
    assert (during['chatsession_turns{state="streaming"}'], after['chatsession_turns{state="streaming"}']) == (1, 0)
    assert after['chatsession_refused_total{reason="turn_limit"}'] == 1
    assert after['chatsession_backend_requests_total{backend="one"}'] == sum(NUMBER.values())
    assert after['chatsession_backend_failed_total{backend="one"}'] == NUMBER["error"]
    assert after['chatsession_backend_first_token_seconds_count{backend="one"}'] == NUMBER["complete"] + NUMBER["stopped"]
    assert after['chatsession_backend_up{backend="two"}'] == 1 and after["chatsession_database_up"] == 1
    assert after['chatsession_requests_total{cause="success"}'] > sum(NUMBER.values())
    assert after["chatsession_sessions"] >= 1 and after['chatsession_database_connections{state="active"}'] >= 1


def test_the_lag_of_recording_is_measured(make_httpd, database, user, model):
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], lines=[
        "ChatSessionMetricsFrom 127.0.0.1", "ChatSessionCheckpoint 20ms"])
    client = log_in(server, user)
    gate = threading.Event()

    model.script = pausing(gate, "x")
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        wait_until(lambda: client.conversation(conversation)["messages"][-1]["content"] == "x", "the checkpoint")
        gate.set()
        read_turn(stream)
    seen = scrape(server)
    assert seen["chatsession_persist_lag_seconds_count"] == 1 and 0 < seen["chatsession_persist_lag_seconds_sum"] < 15
    buckets = [value for name, value in seen.items() if name.startswith("chatsession_persist_lag_seconds_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == 1


def test_what_comes_while_a_save_waits_is_as_old_as_it_is(make_httpd, database, user, model):
    """What came after the snapshot that a slow statement writes has waited for that statement too."""
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], lines=[
        "ChatSessionMetricsFrom 127.0.0.1", "ChatSessionCheckpoint 20ms"])
    client = log_in(server, user)
    gates = [threading.Event() for _ in range(3)]

    def script(answer):
        answer.begin()
        for piece, gate in zip("abc", gates):
            answer.text(piece)
            answer.hold(gate)
        answer.finish()
        answer.done()

    model.script = script
    conversation = client.new_conversation()

    def is_stored(text):
        wait_until(lambda: client.conversation(conversation)["messages"][-1]["content"] == text, f"{text} to be stored")

    with client.send(conversation, "x") as stream:
        is_stored("a")
        with database.connect(autocommit=False) as lock:
            lock.execute("SELECT FROM chatsession.live_turns FOR UPDATE")
            gates[0].set()
            wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                              " AND datname = current_database()"), "a save to wait")
            gates[1].set()
            while stream.next("message").json["choices"][0]["delta"].get("content") != "c":
                pass
            lock.execute("SELECT pg_sleep(0.6)")
        is_stored("abc")
        gates[2].set()
        read_turn(stream)
    seen = scrape(server)
    # Only a was there soon; b may have come before the snapshot or after it.
    assert (seen['chatsession_persist_lag_seconds_bucket{le="0.5"}'], seen["chatsession_persist_lag_seconds_count"] > 1) == (1, True)


def test_who_may_read_them(make_httpd, database, user, operator):
    """nobody without a login unless an address is allowed, and no user; counted on over a graceful restart"""
    server = make_httpd(database.conninfo, lines=["ChatSessionMetricsFrom 192.0.2.0/24 2001:db8::1"])
    console = Client(server.url, "/chat-admin")
    assert console.get("metrics").status_code == 401
    assert log_in(server, user).console.get("metrics").status_code == 403
    allowed = log_in(server, operator).console
    assert "chatsession_turns_total" in allowed.get("metrics").text
    assert allowed.post("metrics").status_code == 405
    client = log_in(server, user)
    client.turn(client.new_conversation(), "x")
    server.graceful()
    assert read(allowed.get("metrics").text)['chatsession_turns_total{status="complete"}'] == 1


def test_without_a_database_the_rest_is_told(make_httpd, model):
    server = make_httpd("host=@nowhere dbname=nothing", backends=[f"one {model.url}"], lines=["ChatSessionMetricsFrom 127.0.0.1"])
    server.expect_log("CS2001", "CS0080", "CS0082", "CS0251", "CS0083")
    seen = scrape(server)
    assert seen["chatsession_database_up"] == 0 and 'chatsession_turns_total{status="complete"}' in seen
    assert not any(name.startswith("chatsession_turns{") for name in seen)


def test_mod_status_has_a_section(make_httpd, database, user, model):
    server = make_httpd(database.conninfo, backends=[f"one {model.url}"], modules=["status"], lines=[
        '<Location "/server-status">', "SetHandler server-status", "</Location>"])
    client = log_in(server, user)
    client.turn(client.new_conversation(), "x")
    page = Client(server.url, "").get("server-status").text
    assert "<h2>mod_chatsession</h2>" in page and "<dt>1 answers complete</dt>" in page and "<dt>Model one: closed</dt>" in page
    lines = Client(server.url, "").get("server-status?auto").text.splitlines()
    assert "ChatSessionComplete: 1" in lines and "ChatSessionBackend: one closed" in lines


@pytest.mark.parametrize("line", ["ChatSessionMetricsFrom everywhere", "ChatSessionMetricsFrom 10.1", "ChatSessionMetricsFrom 10.0.0.0/99"])
def test_networks_that_are_none(make_httpd, database, line):
    code, said = make_httpd(database.conninfo, lines=[line], start=False).configtest()
    assert code != 0 and "is no address and no network" in said
