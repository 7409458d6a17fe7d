# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T5: now and then a call for memory, of a socket or of a file fails in httpd's children, whoever makes it, while browsers talk
with the model, log in, list, search and export. APR ends a process that gets no memory, and a library may die of it: then another child takes its
place. But no crash is ours, no answer is a wrong one, nothing that was acknowledged is lost, and when calls fail no more all works."""
import mmap
import os
import re
import struct
import threading
import time

import requests

from harness.client import Client
from harness.place import BUILD, SANITIZE, new_folder, wait_until

from .limits import DENIED, SHORT
from .refused_calls import GONE
from .scene import Scene

TABS, VISITORS = 4, 2
# (name, its bit, one call in how many fails)
KINDS = (("memory", 1, 1_000), ("sockets", 2, 60), ("files", 4, 20), ("everything", 7, 200))
REFUSED, LONGEST = 20, 4.0  # a round ends when so many calls failed, or so many seconds are over
# What httpd, APR and libraries may say of what they were not given.
TOLD = (*SHORT, *GONE, "AH0", "AH1", "exit signal", "malloc", "memory")
# 400: a request whose octets could not be read to their end.
ALLOWED = (503, 400, 408, *DENIED)
_CRASH = re.compile(r"CRASH pid \d+ signal (?P<signal>\d+) thread \w+:(?P<frames>.*)")
ABORTED = 6


class Starver:
    """The numbers that are shared with what is preloaded into httpd."""

    def __init__(self, seed):
        path = new_folder("starve") / "calls"
        path.write_bytes(bytes(4096))
        with open(path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 4096)
        self._seed, self.path = seed, path

    def begin(self, kinds, one_in):
        self._seed += 1_000_003
        self._page[:40] = struct.pack("=QQQQQ", kinds, one_in, self._seed, 0, 0)

    def end(self):
        """(calls, those of them that failed)"""
        self._page[:8] = struct.pack("=Q", 0)
        return struct.unpack("=QQ", self._page[24:40])

    @property
    def refused(self):
        return struct.unpack("=Q", self._page[32:40])[0]


class Visitor(threading.Thread):
    """Logs in, lists, searches, reads and exports, again and again. What is answered must be right."""

    def __init__(self, scene, conversation, over):
        super().__init__()
        self._scene, self._conversation, self._over = scene, conversation, over
        self.answered, self.refused, self.failure = 0, 0, None

    def _ask(self, client, method, path, fine, **options):
        try:
            response = client.request(method, path, **options)
        except (requests.RequestException, OSError, EOFError):
            client.session.close()
            return None
        assert response.status_code in (fine, *ALLOWED), f"{method} {path}: {response.status_code} {response.text[:300]}"
        self.answered += response.status_code == fine
        self.refused += response.status_code != fine
        return response if response.status_code == fine else None

    def _visit(self):
        client, user = Client(self._scene.server.url), self._scene.users[0]
        path = f"api/conversations/{self._conversation}"
        if not self._ask(client, "POST", "api/login", 200, json={"username": user.name, "password": user.password}):
            return
        seen = self._ask(client, "GET", path, 200)
        assert not seen or len(seen.json()["messages"]) == 2, "a history that lacks messages"
        seen = self._ask(client, "GET", "api/conversations?q=kept", 200)
        assert not seen or seen.json()["conversations"], "a search that finds nothing"
        seen = self._ask(client, "GET", f"{path}/export?format=md", 200)
        assert not seen or "kept" in seen.text, "an export without its text"
        self._ask(client, "PATCH", path, 200, json={"title": "kept"})
        self._ask(client, "GET", "api/session", 200)
        client.session.close()

    def run(self):
        try:
            while not self._over.is_set():
                self._visit()
        except BaseException as failure:  # told by the thread that waits
            self.failure = failure


def _whose(frames):
    """The first that is not the C library's, of "a.so!f < b.so!g"."""
    names = [frame.strip().split("!")[0].split("+")[0] for frame in frames.split(" < ") if frame.strip()]
    return next((name for name in names if not name.startswith(("libc.so", "libc-", "libpthread", "starve.so", "0x"))), "?")


def crashes(lines):
    """({whose: how many} of those that are a library's or a wanted end, [lines of those that are ours])"""
    theirs, ours = {}, []
    for found in filter(None, map(_CRASH.search, lines)):
        is_end = int(found["signal"]) == ABORTED and "assert" not in found["frames"]
        name = "APR's end without memory" if is_end else _whose(found["frames"])
        if name == "mod_chatsession.so":
            ours.append(found[0])
        else:
            theirs[name] = theirs.get(name, 0) + 1
    return theirs, ours


def _starve(scene, starver, kind, traffic):
    """(calls, failed ones) of one kind under traffic; all works when it is over."""
    name, bit, one_in = KINDS[kind]
    starver.begin(bit, one_in)
    deadline = time.monotonic() + LONGEST
    while starver.refused < REFUSED and time.monotonic() < deadline:
        time.sleep(0.02)
    counts = starver.end()
    turns = traffic.turns
    wait_until(lambda: traffic.turns > turns or traffic.failures, f"an answer after {name} were short", 60)
    return counts


def run(times, seed, tell):
    """times: rounds, in each of which every kind is short once."""
    assert not SANITIZE, "a sanitizer has its own memory; T5 is for a plain build"
    starver = Starver(seed)
    os.environ["STARVE_CALLS"] = str(starver.path)
    try:
        with Scene(seed, children=2, preload=[str(BUILD / "tests/starve.so")], fsync=False,
                   lines=["ChatSessionDatabaseWait 500ms", "ChatSessionMaxPerUser 0", "MinSpareThreads 40"]) as scene:
            return _run(scene, starver, times, tell)
    finally:
        del os.environ["STARVE_CALLS"]


def _run(scene, starver, times, tell):
    scene.server.expect_log(*TOLD)
    client, over = scene.client(), threading.Event()
    conversation = client.new_conversation()
    client.turn(conversation, "kept")
    calls = failed = 0
    visitors = [Visitor(scene, conversation, over) for _ in range(VISITORS)]
    with scene.traffic(TABS, waits_for=ALLOWED) as traffic:
        for visitor in visitors:
            visitor.start()
        try:
            for number in range(times):
                for kind in range(len(KINDS)):
                    made, refused = _starve(scene, starver, kind, traffic)
                    calls, failed = calls + made, failed + refused
                    tell(number + 1, f"{KINDS[kind][0]}: {failed} of {calls} calls failed, {traffic.turns} turns")
        finally:
            over.set()
            for visitor in visitors:
                visitor.join()
    failures = [visitor.failure for visitor in visitors if visitor.failure]
    assert not failures, failures[0]
    theirs, ours = crashes(scene.server.error_log)
    assert not ours, f"{len(ours)} crashes are ours:\n" + "\n".join(ours)
    wait_until(lambda: len(scene.server.children) >= scene.server.configured_children, "httpd to have its children", 20)
    verdict = scene.check((*TOLD, "CRASH pid"))
    return (f"{times} rounds, {failed} of {calls} calls for memory, sockets and files failed: {verdict}; children ended: {theirs};"
            f" turns {traffic.total('statuses')}, refused {traffic.total('refused')}; other calls:"
            f" {sum(visitor.answered for visitor in visitors)} answered, {sum(visitor.refused for visitor in visitors)} refused")
