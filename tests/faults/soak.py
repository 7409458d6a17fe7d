# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T17: two hosts on one PostgreSQL, 30 users, 20 of whom always have an answer running while the others read, search and list,
for minutes. Memory and descriptors of httpd stay flat, connections within their limits, and what a reader has seen is stored
soon: how soon is measured from outside, by looking every 25 ms which of the shown texts are stored."""
import os
import re
import threading
import time

import requests

from harness.client import log_in
from harness.httpd import Httpd
from harness.place import wait_until

from .scene import Scene
from .slow_clients import resident
from .traffic import Tab, Traffic

USERS, STREAMS, CHILDREN = 30, 20, 2
LENGTH, PACE = 400, "40ms"  # an answer takes some 4 s
LOOK = 0.025
CONNECTIONS = 8 * 2 * CHILDREN + 3 * 2 * CHILDREN  # the door's, and those that listen
WARM = 0.25  # of the time, until caches and pools have their size


class Times:
    """How often each time was measured, in ms: a million of them cost no more to look at than ten."""

    def __init__(self):
        self._counts = [0] * 60_000

    def add(self, seconds):
        self._counts[min(len(self._counts) - 1, int(seconds * 1000))] += 1

    def within(self, share):
        """The ms within which this share of them was."""
        left = sum(self._counts) * share
        for time_ms, count in enumerate(self._counts):
            left -= count
            if left <= 0:
                return time_ms
        raise AssertionError("nothing was measured")


class Lag(threading.Thread):
    """Looks which of the texts that readers have seen are stored."""

    def __init__(self, database):
        super().__init__()
        self._database, self._lock, self._waiting = database, threading.Lock(), {}
        self.over, self.times = threading.Event(), Times()

    def shown(self, answer, seq):
        with self._lock:
            self._waiting.setdefault(answer, []).append((seq, time.monotonic()))

    def run(self):
        with self._database.connect() as connection:
            while not self.over.wait(LOOK):
                with self._lock:
                    answers = list(self._waiting)
                stored = dict(connection.execute(
                    "SELECT m.id::text, CASE WHEN m.status = 'streaming' THEN l.saved_points ELSE 2147483647 END"
                    " FROM chatsession.messages m LEFT JOIN chatsession.live_turns l ON l.answer_id = m.id"
                    " WHERE m.id = ANY (%s::uuid[])", (answers,)).fetchall())
                self._take(stored, time.monotonic())

    def _take(self, stored, now):
        with self._lock:
            for answer, points in stored.items():
                seen = self._waiting[answer]
                for seq, when in seen:
                    if seq <= (points or 0):
                        self.times.add(now - when)
                self._waiting[answer] = [one for one in seen if one[0] > (points or 0)]
                if not self._waiting[answer]:
                    del self._waiting[answer]


class Watched(Tab):
    length = LENGTH
    lag = None

    def read(self, stream, entry, **options):
        return super().read(self._told(stream, entry), entry, **options)

    def _told(self, stream, entry):
        for event in stream:
            if event.event == "message" and event.id:
                self.lag.shown(entry.answer_id, int(event.id))
            yield event


class Asker(threading.Thread):
    """A user who reads, lists and searches."""

    def __init__(self, scene, number, origin):
        super().__init__()
        self.tab, self.over, self.asked, self.failure = Tab(scene, number, origin).log_in(), threading.Event(), 0, None
        self.conversation = self.tab.new_conversation()

    def _ask(self, path):
        """As a browser does: where a kept connection was closed meanwhile, once more on a new one."""
        try:
            self.tab.client.json("GET", path, 200)
        except requests.ConnectionError:
            self.tab.fresh()
            self.tab.client.json("GET", path, 200)

    def run(self):
        paths = (f"api/conversations/{self.conversation}", "api/conversations", "api/conversations?q=tide", "api/session", "healthz")
        try:
            while not self.over.wait(self.tab.random.uniform(0.02, 0.2)):
                self._ask(paths[self.asked % len(paths)])
                self.asked += 1
        except BaseException as failure:  # told by the thread that waits
            self.failure = failure


def _descriptors(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def _slope(points):
    """The least squares' rise of (x, y), in y for each x."""
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points))
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def run(minutes, seed, tell):
    with Scene(seed, children=CHILDREN, users=USERS, pace=PACE) as scene:
        second = Httpd(scene.database.conninfo, children=CHILDREN, threads=25, backends=[f"mock {scene.model.mock_url}"]).start()
        try:
            return _soak(scene, second, minutes, tell)
        finally:
            second.end()


def _counted(scene, servers):
    """What the hosts say themselves: (checkpoints, the share of them that was stored within 250 ms of its oldest octet)."""
    operator, found = scene.database.add_user("operator", "admin"), {"0.25": 0, "+Inf": 0}
    for server in servers:
        client = log_in(server, operator, "/chat-admin")
        answer = client.get("metrics")
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:300]}"
        text = answer.text
        for limit in found:
            found[limit] += int(re.search(rf'persist_lag_seconds_bucket{{le="{re.escape(limit)}"}} (\d+)', text)[1])
    return found["+Inf"], found["0.25"] / max(1, found["+Inf"])


def _soak(scene, second, minutes, tell):
    servers, lag = (scene.server, second), Lag(scene.database)
    Watched.lag = lag
    streams = [Traffic(scene, STREAMS // 2, server.url, tab=Watched) for server in servers]
    askers = [Asker(scene, number, servers[number % 2].url) for number in range(STREAMS, USERS)]
    samples, began = [], time.monotonic()
    lag.start()
    for asker in askers:
        asker.start()
    try:
        with streams[0], streams[1]:
            while time.monotonic() - began < minutes * 60:
                time.sleep(5)
                pids = [pid for server in servers for pid in (server.pid, *server.children)]
                requests = sum(asker.asked for asker in askers) + sum(traffic.turns for traffic in streams)
                held = scene.database.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'chatsession'")
                samples.append((requests, resident(pids), _descriptors(pids), held))
                tell(min(minutes, int((time.monotonic() - began) / 60)), f"{requests} requests, {samples[-1][1]} KiB,"
                     f" {samples[-1][2]} descriptors, {held} connections, lag p99 {lag.times.within(0.99)} ms")
    finally:
        for asker in askers:
            asker.over.set()
            asker.join()
        lag.over.set()
        lag.join()
    failures = [asker.failure for asker in askers if asker.failure]
    assert not failures, f"{len(failures)} users had a failure: {failures[0]!r}"
    ends = [traffic.total("statuses") for traffic in streams]
    assert all(set(end) == {"complete"} for end in ends), f"answers ended as {ends}"
    assert not [line for line in second.log.unexpected()], "the second host's log has lines of trouble"
    wait_until(lambda: not scene.database.value("SELECT count(*) FROM chatsession.live_turns"), "all answers to be ended")
    counted, soon = _counted(scene, servers)
    verdict = scene.check()
    steady = samples[int(len(samples) * WARM):]
    slope = _slope([(requests / 1000, memory) for requests, memory, _, _ in steady])
    most = max(held for *_, held in samples)
    assert most <= CONNECTIONS, f"{most} connections to PostgreSQL"
    descriptors = [count for _, _, count, _ in steady]
    return (f"{minutes} min: {samples[-1][0]} requests: {verdict}; memory of both hosts {steady[0][1] // 1024} to {steady[-1][1] // 1024} MiB,"
            f" {slope:.1f} KiB each 1,000 requests; descriptors {min(descriptors)} to {max(descriptors)}, at most {most} connections;"
            f" stored after shown: half within {lag.times.within(0.5)} ms, 99 % within {lag.times.within(0.99)} ms,"
            f" all within {lag.times.within(1)} ms; of {counted} checkpoints {soon * 100:.1f} % within 250 ms of the model's octets")
