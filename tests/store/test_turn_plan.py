# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A turn finds its rows by index, also where its statements were planned when there were none."""
import uuid

import pytest
from harness.statements import statements

TURNS_TO_KEEP = 7  # PostgreSQL plans five times with the values
[ENTER] = statements("SELECT t.outcome, t.message_id")
HISTORY = statements("SELECT role, content FROM chatsession.turn_history")[0]
[END] = statements("SELECT chatsession.turn_end")
[REAP] = statements("SELECT chatsession.turn_reap")


@pytest.fixture
def database(make_database):
    return make_database()


@pytest.fixture
def connection(database):
    """One that has seen turns on a new site, and holds their plans. PostgreSQL knows that the tables are empty."""
    database.rows("INSERT INTO chatsession.users (name) VALUES ('early')")
    database.rows("ANALYZE chatsession.conversations, chatsession.messages, chatsession.live_turns")
    with database.connect() as connection:
        for name, statement in (("enter", ENTER), ("history", HISTORY), ("the_end", END), ("reap", REAP)):
            connection.execute(f"PREPARE {name} AS {statement}")
        user = connection.execute("SELECT id FROM chatsession.users").fetchone()[0]
        for _ in range(TURNS_TO_KEEP):
            assert _turn(connection, user, _conversation(connection, user), 1) == ["Why?"]
            _give_up(connection, user)
            connection.commit()
        yield connection


def _conversation(connection, user):
    return connection.execute("INSERT INTO chatsession.conversations (user_id) VALUES (%s) RETURNING id", (user,)).fetchone()[0]


def _begin(connection, user, conversation, number):
    outcome, question, answer = connection.execute(
        f"EXECUTE enter ('{user}', '{conversation}', 'Why?', NULL, 'false', 'false', NULL, '{uuid.uuid4()}', 'bench', 'host',"
        f" 'request-{number}', '00', '0', '0', '0', '0', '0', 'false')").fetchone()[:3]
    assert outcome == "begun"
    return question, answer


def _turn(connection, user, conversation, number):
    """What the model would hear."""
    question, answer = _begin(connection, user, conversation, number)
    heard = [text for _, text in connection.execute(f"EXECUTE history ('{question}')").fetchall()]
    ended = connection.execute(f"EXECUTE the_end ('{answer}', 'complete', 'Because.', 'stop', NULL, NULL, NULL, NULL)").fetchone()
    assert ended == ("finished",)
    return heard


def _give_up(connection, user):
    """A turn whose writer is gone."""
    _, answer = _begin(connection, user, _conversation(connection, user), 1)
    assert connection.execute("EXECUTE reap (0)").fetchall() == [(answer,)]


def _rows_read_from_start(connection):
    """By this connection, since it last told its counts: only within a transaction can two be compared."""
    return dict(connection.execute("SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE schemaname = 'chatsession'"
                                   " AND relname IN ('messages', 'conversations', 'live_turns')").fetchall())


@pytest.fixture
def user(database, connection):
    """One who was there early, on a site that has grown since."""
    database.rows("INSERT INTO chatsession.users (name) SELECT 'u' || n FROM generate_series(1, 200) n")
    database.rows("INSERT INTO chatsession.conversations (user_id) SELECT id FROM chatsession.users, generate_series(1, 5)")
    database.rows("INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
                  " SELECT id, n, 'user', 'complete', 'What is a lens?' FROM chatsession.conversations, generate_series(1, 4) n"
                  " WHERE message_count = 0")
    return connection.execute("SELECT id FROM chatsession.users WHERE name = 'early'").fetchone()[0]


def test_a_turn_reads_no_table_from_its_start(connection, user):
    conversation = _conversation(connection, user)
    for number in range(3):
        assert len(_turn(connection, user, conversation, number)) == 2 * number + 1
        connection.commit()
    before = _rows_read_from_start(connection)
    _turn(connection, user, conversation, 3)
    assert _rows_read_from_start(connection) == before


def test_to_give_a_turn_up_is_to_look_at_what_runs_and_at_nothing_else(connection, user):
    before = _rows_read_from_start(connection)
    _give_up(connection, user)
    assert _rows_read_from_start(connection) == {**before, "live_turns": before["live_turns"] + 1}
