# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Open streams end with the session that opened them, and the answer itself does not (promise A8)."""
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, log_in, read_turn
from harness.place import wait_until
from harness.postgres import chatsessionctl
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

SECONDS = 5


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"], children=2)


@pytest.fixture
def account(database):
    """A user of this test alone."""
    return database.add_user(f"ended{uuid.uuid4().hex[:8]}")


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as made:
        yield made


@pytest.fixture
def gate(model, pool):
    """Until it is open, every answer stops in its middle; it opens before the pool waits for its readers."""
    opened = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("first half")
        answer.hold(opened)
        answer.text(", second half")
        answer.finish()
        answer.done()

    model.script = script
    yield opened
    opened.set()


TEXT = "first half, second half"


def log_out(client, server, database, operator, account):
    client.logout()


def revoke(client, server, database, operator, account):
    mine = [one["ref"] for one in operator.json("GET", "api/sessions", 200)["sessions"] if one["user"] == account.name]
    assert operator.json("POST", "api/sessions/revoke", 200, json={"refs": mine}) == {"sessions": 1}


def disable(client, server, database, operator, account):
    chatsessionctl(database.superuser, "user", "disable", account.name, *server.key)


def delete(client, server, database, operator, account):
    database.rows("DELETE FROM chatsession.sessions s USING chatsession.users u WHERE u.id = s.user_id AND u.name = %s",
                  (account.name,))


class Reader:
    """Reads a stream to its end in a thread of its own."""

    def __init__(self, pool, stream):
        self.stream = stream
        stream.next("message")
        self._turn = pool.submit(read_turn, stream)

    def ended(self, seconds=15):
        wait_until(self._turn.done, f"the stream to end; it was {self.stream.bytes[-500:]!r}", seconds)
        return self._turn.result()

    @property
    def is_open(self):
        return not self._turn.done()


def check_ended(reader):
    """It ended in time and in order of HTTP, but not as an answer ends."""
    turn = reader.ended(SECONDS)
    assert turn.done is None and turn.error is None and turn.text == "" and b"second half" not in reader.stream.bytes


def end_of(database, conversation):
    return database.rows("SELECT status, content FROM chatsession.messages WHERE conversation_id = %s ORDER BY seq DESC"
                         " LIMIT 1", (conversation,))[0]


@pytest.mark.parametrize("end", [log_out, revoke, disable, delete], ids=lambda end: end.__name__)
def test_the_end_of_a_session_ends_its_streams_and_its_answers_go_on(server, database, operator, account, gate, pool,
                                                                    end):
    """[A8] the sender's stream and a follower's, each within 5 s, without done"""
    client, console = log_in(server, account), Client(server.url, "/chat-admin")
    console.login(operator)
    conversation = client.new_conversation()
    sender = Reader(pool, client.send(conversation, "x"))
    follower = Reader(pool, client.stream("GET", f"api/conversations/{conversation}/stream"))
    end(client, server, database, console, account)
    check_ended(sender)
    check_ended(follower)
    assert end_of(database, conversation)[0] == "streaming"
    gate.set()
    wait_until(lambda: end_of(database, conversation) == ("complete", TEXT), "the answer to come whole")


def test_a_logout_leaves_the_streams_of_the_users_other_sessions_alone(server, database, account, gate, pool):
    """[A8] a follower in another session of the same user reads on to the end"""
    client, other = log_in(server, account), log_in(server, account)
    conversation, own = client.new_conversation(), other.new_conversation()
    sender = Reader(pool, client.send(conversation, "x"))
    follower = Reader(pool, other.stream("GET", f"api/conversations/{conversation}/stream"))
    second = Reader(pool, other.send(own, "y"))
    client.logout()
    check_ended(sender)
    assert follower.is_open and second.is_open
    gate.set()
    for reader in (follower, second):
        turn = reader.ended()
        assert (turn.text, turn.done["status"]) == (", second half", "complete")
    assert end_of(database, conversation) == end_of(database, own) == ("complete", TEXT)


def test_a_stream_that_was_ended_does_not_hold_up_what_its_browser_asks_next(server, account, gate, pool):
    """The answer still occupies the thread of its connection: a browser that logs in again must not wait behind it."""
    client = log_in(server, account)
    conversation = client.new_conversation()
    sender = Reader(pool, client.send(conversation, "x"))
    client.logout()
    check_ended(sender)
    for _ in range(5):  # over every connection that is kept
        assert client.request("GET", "api/session", timeout=SECONDS).json()["authenticated"] is False
    client.login(account)
    assert client.conversation(conversation)["messages"][-1]["status"] == "streaming"


def test_a_stream_cannot_be_taken_up_by_a_session_that_has_ended(server, account, gate, pool):
    """[A8] [E2] not even by one that another child still remembers"""
    client = log_in(server, account)
    conversation = client.new_conversation()
    sender = Reader(pool, client.send(conversation, "x"))
    cookies = dict(client.cookies)
    client.logout()
    for _ in range(10):
        late = Client(server.url)
        late.cookies.update(cookies)
        assert late.get(f"api/conversations/{conversation}/stream").status_code == 401
    check_ended(sender)
