# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T2: PostgreSQL crashes under traffic: an immediate shutdown, the postmaster killed, one backend killed (which makes
the postmaster end all of them and recover)."""
import os
import signal
import time

import requests

from harness.place import wait_until
from harness.process import children_of, is_running

from .scene import Scene

TABS = 10
# What httpd's log may say while its database is away.
AWAY = ("CS0012", "CS0060", "CS0061", "CS0071", "CS0072", "CS0030", "CS200", "CS202",
        "WARNING:  terminating connection", "FATAL:  terminating connection due to unexpected postmaster exit",
        "DETAIL:  The postmaster has commanded", "HINT:  In a moment you should be")
NOT_THERE = "does not exist"
RECOVERED = "database system is ready to accept connections"


def _said(cluster, words):
    """How often PostgreSQL's log has these words."""
    return cluster.log.read_text(errors="replace").count(words)


def immediate(scene):
    scene.cluster.stop("immediate")
    scene.cluster.start()


def postmaster(scene):
    """Its children notice by themselves; a successor may not begin before they are gone."""
    process = scene.cluster._process
    backends = children_of(process.pid)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_running, backends)), "PostgreSQL's children to follow their postmaster", 30)
    scene.cluster.start()


def backend(scene):
    """One that serves httpd."""
    pids = [pid for pid, in scene.database.rows("SELECT pid FROM pg_stat_activity WHERE usename = 'chatsession'")]
    recovered = _said(scene.cluster, RECOVERED)
    os.kill(scene.random.choice(pids), signal.SIGKILL)
    wait_until(lambda: _said(scene.cluster, RECOVERED) > recovered, "PostgreSQL to recover", 30)


CRASHES = (immediate, postmaster, backend)


def _first_success(client, conversation):
    """Seconds until the first answer of the API; only a clean 503 may come before it."""
    began = time.monotonic()

    def asks():
        try:
            response = client.get(f"api/conversations/{conversation}")
        except requests.RequestException as cut:
            raise AssertionError(f"a request was cut by a database crash: {cut}") from cut
        assert response.status_code in (200, 503), f"{response.status_code} {response.text}"
        assert response.status_code == 503 or response.json()["messages"], "an empty history"
        return response.status_code == 200

    wait_until(asks, "the first success after a database crash", 20)
    return time.monotonic() - began


def run(crashes, seed, tell):
    with Scene(seed, children=2, lines=["ChatSessionDatabaseWait 500ms"]) as scene:
        scene.server.expect_log(*AWAY)
        client, slowest = scene.client(), 0.0
        conversation = client.new_conversation()
        client.turn(conversation, "kept")
        children = scene.server.children
        with scene.traffic(TABS) as traffic:
            for number in range(crashes):
                time.sleep(scene.random.uniform(0.05, 0.8))
                CRASHES[number % len(CRASHES)](scene)
                slowest = max(slowest, _first_success(client, conversation))
                poisoned = len([line for line in scene.server.error_log if NOT_THERE in line])
                assert not poisoned, f"{poisoned} statements met a connection without what was prepared on it"
                tell(number + 1, f"{traffic.turns} turns")
        assert scene.server.children == children, "a child of httpd died of its database's death"
        verdict = scene.check(AWAY)
        ends, refused = traffic.total("statuses"), traffic.total("refused")
        written = scene.database.value("SELECT count(*) FROM chatsession.messages WHERE status = 'error'"
                                       " OR (status = 'interrupted' AND content <> '')")
        assert not written, f"{written} answers that somebody wrote did not come whole"
    return (f"{crashes} crashes: {verdict}; first success at most {slowest * 1000:.0f} ms after PostgreSQL took connections;"
            f" ends: {ends} (interrupted: the word that the turn had begun was lost, so nobody wrote it); refused: {refused}")
