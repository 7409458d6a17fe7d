# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A turn finds its rows by index, also where its statements were planned when there were none."""
import re
import uuid

import pytest
from harness.place import BUILD

MODULE = (BUILD / "mod_chatsession.so").read_bytes()
TURNS_TO_KEEP = 7  # PostgreSQL plans five times with the values


def _statement(begin):
    """As the module has it."""
    return re.search(re.escape(begin.encode()) + rb"[^\0]+", MODULE)[0].decode()


ENTER = _statement("SELECT t.outcome, t.message_id")
HISTORY = _statement("SELECT role, content FROM chatsession.turn_history")
END = _statement("SELECT chatsession.turn_end")


@pytest.fixture
def connection(database):
    """One that has seen turns on a new site, and holds their plans. PostgreSQL knows that the tables are empty."""
    database.rows("INSERT INTO chatsession.users (name) VALUES ('early')")
    database.rows("ANALYZE chatsession.conversations, chatsession.messages, chatsession.live_turns")
    with database.connect() as connection:
        for name, statement in (("enter", ENTER), ("history", HISTORY), ("the_end", END)):
            connection.execute(f"PREPARE {name} AS {statement}")
        user = connection.execute("SELECT id FROM chatsession.users").fetchone()[0]
        for _ in range(TURNS_TO_KEEP):
            assert _turn(connection, user, _conversation(connection, user), 1) == ["Why?"]
            connection.commit()
        yield connection


def _conversation(connection, user):
    return connection.execute("INSERT INTO chatsession.conversations (user_id) VALUES (%s) RETURNING id", (user,)).fetchone()[0]


def _turn(connection, user, conversation, number):
    """What the model would hear."""
    outcome, question, answer = connection.execute(
        f"EXECUTE enter ('{user}', '{conversation}', 'Why?', NULL, 'false', 'false', NULL, '{uuid.uuid4()}', 'bench', 'host',"
        f" 'request-{number}', '00', '0', '0', '0', '0', '0', 'false')").fetchone()[:3]
    assert outcome == "begun"
    heard = [text for _, text in connection.execute(f"EXECUTE history ('{question}')").fetchall()]
    ended = connection.execute(f"EXECUTE the_end ('{answer}', 'complete', 'Because.', 'stop', NULL, NULL, NULL, NULL)").fetchone()
    assert ended == ("finished",)
    return heard


def test_a_turn_reads_no_table_from_its_start(database, connection):
    """The counts are those of one transaction."""
    database.rows("INSERT INTO chatsession.users (name) SELECT 'u' || n FROM generate_series(1, 200) n")
    database.rows("INSERT INTO chatsession.conversations (user_id) SELECT id FROM chatsession.users, generate_series(1, 5)")
    database.rows("INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
                  " SELECT id, n, 'user', 'complete', 'What is a lens?' FROM chatsession.conversations, generate_series(1, 4) n"
                  " WHERE message_count = 0")
    user = connection.execute("SELECT id FROM chatsession.users WHERE name = 'early'").fetchone()[0]
    conversation = _conversation(connection, user)
    for number in range(3):
        assert len(_turn(connection, user, conversation, number)) == 2 * number + 1
        connection.commit()
    _turn(connection, user, conversation, 3)
    read = dict(connection.execute("SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE schemaname = 'chatsession'"
                                   " AND relname IN ('messages', 'conversations', 'live_turns') AND seq_scan > 0").fetchall())
    assert read == {}
