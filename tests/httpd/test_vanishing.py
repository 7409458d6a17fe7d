# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A conversation that is purged while its answer runs: in the very moment in which that is saved, or after another host gave it up for dead."""
import threading

import pytest

from harness.client import log_in, read_turn
from harness.place import wait_until

SAVING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%turn_save%' AND usename = 'chatsession'"


@pytest.fixture
def closed(model):
    """Set when the model's connection is closed after the first half of its answer."""
    seen = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("first half")
        if answer.wait_closed(15):
            seen.set()
            return
        answer.finish()
        answer.done()

    model.script = script
    return seen


def test_a_purge_that_a_checkpoint_waits_for_ends_the_answer_too(make_httpd, database, user, model, closed):
    """[J5] The checkpoint's snapshot still has the message; it must not be the last look."""
    server = make_httpd(database.conninfo, backends=[f"model {model.url}"], lines=["ChatSessionCheckpoint 20ms"])
    client = log_in(server, user)
    server.expect_log("AH01110", "AH01086")
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        stream.next("message")
        with database.connect(autocommit=False) as purge:
            purge.execute("DELETE FROM chatsession.conversations WHERE id = %s", (conversation,))
            wait_until(lambda: database.value(SAVING), "a checkpoint to wait for the purge")
            purge.commit()
        turn = read_turn(stream)
    assert turn.done["status"] == "interrupted" and turn.error["error"] == "conversation_gone"
    assert closed.wait(5), "the model is asked on for an answer that nobody keeps"
    assert not database.value("SELECT count(*) FROM chatsession.messages WHERE conversation_id = %s", (conversation,))


def test_a_purge_after_another_host_gave_the_answer_up_ends_it_too(make_httpd, database, user, model, closed):
    """[J5] Its row is out of the list of running answers by then, and nothing else of it changes any more."""
    server = make_httpd(database.conninfo, backends=[f"model {model.url}"], lines=["ChatSessionCheckpoint 20ms"])
    client = log_in(server, user)
    server.expect_log("AH01110", "AH01086")
    conversation = client.new_conversation()
    with client.send(conversation, "x") as stream:
        stream.next("message")
        wait_until(lambda: database.value("SELECT count(*) FROM chatsession.answer_pieces"), "the first half to be stored")
        given_up, at = database.rows("SELECT count(*), clock_timestamp() FROM chatsession.turn_reap(interval '0')")[0]
        assert given_up == 1
        wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%turn_save%%'"
                                          " AND query_start > %s AND state = 'idle'", (at,)), "a checkpoint to be told of that")
        database.rows("DELETE FROM chatsession.conversations WHERE id = %s", (conversation,))
        turn = read_turn(stream)
    assert turn.done["status"] == "interrupted" and turn.error["error"] == "conversation_gone"
    assert closed.wait(5), "the model is asked on for an answer that nobody keeps"
