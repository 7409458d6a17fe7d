# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What is left of a conversation after its purge: nothing, wherever one looks."""
import subprocess

import pytest

from harness.place import wait_until
from harness.postgres import program
from harness.world import World

CANARY = "kanarienvogel4711"


@pytest.fixture(scope="module")
def world(make_module_httpd, database):
    made = World(make_module_httpd(database.conninfo, mock="echo wait=0ms pace=0ms",
                                   lines=["ChatSessionTrashGrace 1s", "ChatSessionSweepInterval 100ms", "ChatSessionShare on", "LogLevel trace4"]), database)
    yield made
    made.close()


def dumped(database):
    return subprocess.run([program("pg_dump"), "--data-only", "--schema=chatsession", "-d", database.superuser], check=True, text=True,
                          capture_output=True).stdout


def test_of_a_purged_conversation_no_word_is_left_in_database_logs_or_files(world, database):
    """[I1] [L3] Title, question, answers, revision, comment, label, settings, what was searched for and shown; expired by an
    operator, unreadable at once, purged after the grace."""
    anna, otto = world.clients["anna"], world.clients["otto"].console
    path = f"api/conversations/{anna.new_conversation(CANARY)}"
    identifier = path.rpartition("/")[2]
    anna.turn(identifier, f"say {CANARY}")
    answer = anna.conversation(identifier)["messages"][-1]["id"]
    anna.json("PUT", f"api/messages/{answer}/feedback", 200, json={"rating": -1, "comment": CANARY})
    anna.json("PATCH", path, 200, json={"labels": [CANARY], "system": CANARY, "examples": [{"role": "user", "content": CANARY}, {"role": "assistant", "content": CANARY}]})
    for client, calls in ((anna, ("api/conversations?q=", f"{path}/export?format=md&x=")), (otto, ("api/conversations?q=", "api/export?q=", "api/feedback?x="))):
        for call in calls:
            assert client.get(call + CANARY).status_code == 200
    assert dumped(database).count(CANARY) >= 8
    otto.json("POST", "api/conversations/expire", 200, json={"ids": [identifier], "dry_run": False, "confirm": {"conversations": 1}})
    assert anna.get(path).status_code == 404 and CANARY not in anna.get("api/conversations?state=trashed").text + anna.get("api/export").text
    wait_until(lambda: database.value("SELECT count(*) FROM chatsession.conversations WHERE id = %s", (identifier,)) == 0, "the purge")
    left = [line for line in dumped(database).splitlines() if CANARY in line]
    assert left == []
    assert [str(file) for file in world.httpd.folder.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()] == []
