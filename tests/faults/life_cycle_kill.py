# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T28: children are killed while conversations are exported, expired by a job and purged. A cut export is told from a whole
one, the job goes on in another child and misses nobody, no conversation is ever there by half, and what was purged is
gone from every table."""
import os
import signal
import subprocess
import threading
import time

import requests

from harness.place import BUILD, wait_until

from .scene import Scene

CONVERSATIONS, MESSAGES = 1000, 4
CANARY = "canary-7d1f"
GONE = 30  # seconds in which a job that lost its child is done, and what it expired purged

_FILL = """
WITH c AS (INSERT INTO chatsession.conversations (user_id, title, tags, message_count)
           SELECT u.id, '{canary} {tag} ' || n, ARRAY['{tag}'], {messages}
           FROM chatsession.users u, generate_series(1, {count}) n WHERE u.name = 'user0' RETURNING id),
     q AS (INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)
           SELECT id, 1, 'user', 'complete', '{canary} ' || repeat('x', 500) FROM c RETURNING id, conversation_id)
INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, finished_at)
SELECT conversation_id, s, id, 'assistant', 'complete', '{canary} ' || repeat('y', 500), now()
FROM q, generate_series(2, {messages}) s"""

_HALF = """SELECT count(*) FROM chatsession.conversations c WHERE tags && ARRAY['{tag}'] AND
    (SELECT count(*) FROM chatsession.messages m WHERE m.conversation_id = c.id) <> {messages}"""


def _kill_later(scene, child, seconds):
    def kill():
        if child in scene.server.children:
            os.kill(child, signal.SIGKILL)

    timer = threading.Timer(seconds, kill)
    scene.server.log.expect("AH00052")
    timer.start()
    return timer


def _whole_again(scene, timers):
    """After so many kills at once httpd starts only as many children as it needs: one."""
    for timer in timers:
        timer.join()
    wait_until(lambda: scene.server.children, "a child to be there again")


def _operator(scene):
    """The console, by a connection of its own."""
    scene.operator.session.close()
    return scene.operator


def _kill_all(scene):
    """Whichever child it is that serves the export."""
    scene.server.log.expect("AH00052")
    for child in scene.server.children:
        os.kill(child, signal.SIGKILL)


def _export(scene, tag):
    """Whether an export is whole during which, three times of four, its child dies at some octet."""
    client, octets = _operator(scene), b""
    dies_at = scene.random.randrange(500_000) if scene.random.random() < 0.75 else None
    acknowledged = False
    try:
        with client.get(f"api/export?format=ndjson&state=all&tag={tag}", stream=True) as response:
            acknowledged = response.status_code == 200
            assert acknowledged, response.status_code
            for piece in response.iter_content(4096):
                octets += piece
                if dies_at is not None and len(octets) > dies_at:
                    _kill_all(scene)
                    dies_at = None
    except requests.RequestException:
        pass
    _whole_again(scene, [])
    scene.audit("conversation.export", acknowledged)
    path = scene.folder / f"{tag}.ndjson"
    path.write_bytes(octets)
    verified = subprocess.run([str(BUILD / "chatsessionctl"), "export", "verify", str(path)], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=60)
    whole = b'{"type":"end"' in octets and octets.endswith(b"\n")
    assert (verified.returncode == 0) == whole, f"an export of {len(octets)} octets: {verified.stdout} {verified.stderr}"
    if whole:
        assert octets.count(b'"type":"message"') == CONVERSATIONS * MESSAGES
    scene.audit("export.complete", whole)
    return whole


def _begin_expiry(scene, tag):
    """The job's id; asked again when the child of the asking was killed: then the first may have begun it."""
    body = {"filter": {"tag": tag}, "job": True, "dry_run": False, "confirm": {"conversations": CONVERSATIONS}}
    client = _operator(scene)
    try:
        response = client.post("api/conversations/expire", json=body)
        assert response.status_code == 202, f"{response.status_code} {response.text}"
        scene.audit("conversation.expire")
    except requests.RequestException:
        scene.audit("conversation.expire", False)
        if not scene.database.value("SELECT count(*) FROM chatsession.jobs WHERE kind = 'expire' AND state = 'running'"):
            left = scene.database.value("SELECT count(*) FROM chatsession.conversations WHERE tags && %s AND trashed_at"
                                        " IS NULL", ([tag],))
            if left:
                assert left == CONVERSATIONS, f"{left} are not expired and no job is running"
                _whole_again(scene, [])
                _begin_expiry(scene, tag)


def _expire(scene, tag):
    timers = [_kill_later(scene, child, scene.random.uniform(0, 0.6))
              for child in scene.server.children[:1 + scene.random.randrange(2)]]
    _begin_expiry(scene, tag)
    deadline = time.monotonic() + GONE
    while left := scene.database.value("SELECT count(*) FROM chatsession.conversations WHERE tags && %s", ([tag],)):
        half = scene.database.value(_HALF.format(tag=tag, messages=MESSAGES))
        assert not half, f"{half} conversations are there by half"
        assert time.monotonic() < deadline, f"{left} conversations are still there after {GONE} s"
    _whole_again(scene, timers)


def _nothing_is_left(scene):
    dump = subprocess.run(["pg_dump", scene.database.superuser], capture_output=True, check=True).stdout.decode()
    assert CANARY not in dump, "a purged conversation's text is in the dump"


def run(rounds, seed, tell):
    whole = 0
    with Scene(seed, children=3, fsync=False, lines=["ChatSessionTrashGrace 0ms", "ChatSessionSweepInterval 100ms",
                                                  "ChatSessionReauthenticate 0"]) as scene:
        scene.operator = scene.client(scene.database.add_user("operator", "admin")).console
        for number in range(rounds):
            tag = f"round-{number}"
            scene.database.rows(_FILL.format(canary=CANARY, tag=tag, count=CONVERSATIONS, messages=MESSAGES))
            whole += _export(scene, tag)
            _expire(scene, tag)
            tell(number + 1, f"{whole} exports whole")
        _nothing_is_left(scene)
        scene.check(("AH10392",))  # children are killed successively
    return (f"{rounds} rounds of {CONVERSATIONS} conversations: {whole} exports whole, {rounds - whole} cut and known to be;"
            " all expired and purged, none ever there by half, none in the dump")
