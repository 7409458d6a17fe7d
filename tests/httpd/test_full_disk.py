# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""PostgreSQL without room on its disk: what it answers then (SQLSTATE 53100) is answered to whatever writes. `make faults T=T9`
does the same with a disk that is really full, which needs root."""
import contextlib
import threading
import uuid

import pytest

from harness.client import log_in, read_turn
from harness.model import Model

FULL = """
CREATE FUNCTION chatsession.no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file: No space left on device'; END$$;
"""
TABLES = ("conversations", "messages", "live_turns", "answer_pieces")


@pytest.fixture(autouse=True)
def model():
    made = Model()
    yield made
    made.close()


@pytest.fixture
def server(make_httpd, database, model):
    return make_httpd(database.conninfo, backends=[f"model {model.url}"])


@contextlib.contextmanager
def no_room(database):
    database.rows(FULL)
    for table in TABLES:
        database.rows(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON chatsession.{table}"
                      f" FOR EACH STATEMENT EXECUTE FUNCTION chatsession.no_room()")
    try:
        yield
    finally:
        database.rows("DROP FUNCTION chatsession.no_room() CASCADE")


@pytest.fixture
def browser_of(server, user):
    return log_in(server, user)


def test_a_full_disk_refuses_questions_with_503_keeps_histories_readable_and_heals_by_itself(server, browser_of, database):
    """[H12]"""
    server.expect_log("CS2022", "CS0012")
    client, body = browser_of, {"content": "is there room?", "client_id": str(uuid.uuid4())}
    conversation = client.new_conversation()
    client.turn(conversation, "kept")
    children = server.children
    with no_room(database):
        refused = client.post(f"api/conversations/{conversation}/messages", json=body)
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
        assert refused.json()["error"] == "database_unavailable" and "disk" not in refused.text
        seen = client.conversation(conversation)["messages"]
        assert [message["content"] for message in seen] == ["kept", "Hello"]
    with client.stream("POST", f"api/conversations/{conversation}/messages", json=body) as stream:
        assert read_turn(stream).done["status"] == "complete"
    assert len(client.conversation(conversation)["messages"]) == 4
    assert server.children == children


def test_an_answer_that_runs_while_the_disk_is_full_comes_whole_when_there_is_room_again(server, browser_of, database, model):
    """[H12]"""
    server.expect_log("CS2022", "CS0060", "CS0061", "CS0071")
    client, room = browser_of, threading.Event()

    def script(answer):
        answer.begin()
        answer.text("before, ")
        answer.hold(room)
        answer.text("after")
        answer.finish()
        answer.done()

    model.script = script
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        stream.next("message")
        with no_room(database):
            server.wait_log("CS0060")  # a checkpoint found no room
        room.set()
        turn = read_turn(stream)
    assert turn.done["status"] == "complete"
    assert client.conversation(conversation)["messages"][-1]["content"] == "before, after"
