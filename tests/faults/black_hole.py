# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T6: the network to PostgreSQL or to the model swallows every packet, or answers each with a reset, in a network of this
process's own. Requests are refused cleanly within seconds, running answers lose nothing, and when the network is back
everything works without a restart."""
import contextlib
import ctypes
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from harness.place import wait_until

from .database_crash import AWAY
from .scene import Scene
from .traffic import Refused, Tab

CLONE_NEWNET = 0x40000000
DROP, RESET = ("DROP",), ("REJECT", "--reject-with", "tcp-reset")
ANSWERED = 5  # seconds: the longest that a request may take whatever is swallowed
_libc = ctypes.CDLL(None, use_errno=True)
# What httpd's log may say of a model that cannot be reached.
UNREACHED = ("AH00957", "AH00959", "AH01114", "AH01102", "AH01110", "AH10501", "AH01097", "CS00")


@contextlib.contextmanager
def own_network():
    """A network with nothing but a loopback, for this thread and all that it starts. Needs root."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    if _libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a network of one's own needs root")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        if _libc.setns(before, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "the network of before is gone")
        os.close(before)


@contextlib.contextmanager
def swallowed(port, how):
    """Packets to this port, and what comes from there, are dropped; or those to it are answered with a reset."""
    rules = [["INPUT", "-p", "tcp", end, str(port), "-j", *how] for end in (("--dport", "--sport") if how is DROP else ("--dport",))]
    for rule in rules:
        subprocess.run(["iptables", "-w", "-I", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-D", *rule], check=True)


def _timed(call):
    began = time.monotonic()
    result = call()
    return result, time.monotonic() - began


def _begun(tab, conversation, content, client_id):
    """The stream of a question; asked again while connections to PostgreSQL are still being made anew."""
    def send():
        try:
            return tab.send(conversation, content, client_id)
        except Refused as refused:
            assert refused.status == 503, refused
            return None

    return wait_until(send, "a question to be taken")


def _caught(scene, tab, how):
    """The network goes while PostgreSQL works on a request's statement: how long its 503 took from then on."""
    conversation = tab.new_conversation()
    waiting = "SELECT 1 FROM pg_stat_activity WHERE usename = 'chatsession' AND wait_event_type = 'Lock'"
    with scene.database.connect() as other, other.transaction(), ThreadPoolExecutor(1) as pool:
        other.execute("LOCK TABLE chatsession.messages")
        asked = pool.submit(tab.client.get, f"api/conversations/{conversation}")
        wait_until(lambda: scene.database.value(waiting), "the request to be caught in its statement")
        with swallowed(5432, how):
            response, took = _timed(asked.result)
    assert response.status_code == 503, f"{response.status_code} {response.text}"
    wait_until(lambda: tab.client.get(f"api/conversations/{conversation}").status_code == 200, "PostgreSQL to be reached", 10)
    return took


def _database(scene, tab, how):
    """Answers are 503 in time, a running answer comes whole afterwards; how long the slowest 503 took."""
    conversation = tab.new_conversation()
    entry = scene.ledger.begin(conversation, client_id := f"00000000-0000-4000-8000-{scene.random.getrandbits(48):012x}",
                               content := f"over a hole {client_id}", content)
    entry.attempt(0)
    slowest = 0.0
    with _begun(tab, conversation, content, client_id) as stream:
        entry.accepted(stream.next("turn").json)
        with swallowed(5432, how):
            for _ in range(3):
                response, took = _timed(lambda: tab.client.get(f"api/conversations/{conversation}"))
                assert response.status_code in (200, 503), f"{response.status_code} {response.text}"
                assert response.status_code == 503 or response.json()["messages"], "an empty history"
                slowest = max(slowest, took)
        try:
            whole = tab.read(stream, entry)
        except (requests.RequestException, EOFError):
            whole = False
        if not whole:
            entry.cut()
    slowest = max(slowest, _caught(scene, tab, how))
    assert slowest < ANSWERED, f"a request took {slowest:.1f} s while packets to PostgreSQL were lost"
    wait_until(lambda: tab.client.get(f"api/conversations/{conversation}").status_code == 200, "PostgreSQL to be reached", 10)
    return slowest


def _model(scene, tab, how):
    """The answer ends as an error in time; the next one, with the network back, is whole."""
    conversation = tab.new_conversation()
    with swallowed(scene.model.mock_port, how):
        entry, took = _timed(lambda: tab.turn(conversation))
        assert entry.status == "error", f"without a model the answer ended as {entry.status}"
        response, quick = _timed(lambda: tab.client.get(f"api/conversations/{conversation}"))
        assert response.status_code == 200, f"without a model its history is {response.status_code} {response.text}"
        assert len(response.json()["messages"]) == 2
    assert max(took, quick) < ANSWERED, f"the answer without a model took {took:.1f} s"
    assert tab.turn(conversation).status == "complete"
    return took


KINDS = ((_database, DROP), (_database, RESET), (_model, DROP), (_model, RESET))


def run(times, seed, tell):
    """Each of the four so often."""
    slowest = [0.0] * len(KINDS)
    with own_network():
        with Scene(seed, children=1, tcp=True, pace="40ms",
                   lines=["ChatSessionDatabaseWait 500ms", "ChatSessionFirstTokenTimeout 2s", "ChatSessionTokenTimeout 2s"]
                   ) as scene:
            scene.server.expect_log(*AWAY, *UNREACHED)
            tab = Tab(scene, 0).log_in()
            for number in range(times):
                for kind, (hole, how) in enumerate(KINDS):
                    slowest[kind] = max(slowest[kind], hole(scene, tab, how))
                tell(number + 1)
            verdict = scene.check((*AWAY, *UNREACHED))
    told = ", ".join(f"{seconds:.1f} s" for seconds in slowest)
    return (f"{times} times each: PostgreSQL and the model, packets dropped and reset: {verdict}; the slowest answer of each:"
            f" {told}")
