# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Everything at once: children are killed, browsers, the model and PostgreSQL are cut off or killed, in an order drawn from
the seed, some of them two at a time. Tabs ask, stop answers, ask for them anew, two of them write into one conversation; a
reader looks whether a history ever lacks what was acknowledged before."""
import random
import threading
import time
import traceback

import requests

from harness.client import Client
from harness.place import wait_until
from harness.relay import Relay

from . import database_crash
from .backend_faults import FAILED
from .black_hole import UNREACHED
from .scene import Scene
from .traffic import Tab, Traffic, text

TABS = 12
TWO_AT_ONCE = 0.25  # of the faults have a second one of another kind at the same moment
# PostgreSQL comes last, so that the thread that stays starts it again: it ends with the thread that has started it.
KINDS = ("child", "browser", "model", "database")
FIRES = 20          # seconds within which something passes a relay that is to cut it
# A child that dies, and one that finds its peers gone.
VOUCHED = (*database_crash.AWAY, *FAILED, *UNREACHED, "AH00052", "AH10404", "AH01106")


class CutSoon:
    """A rule of a relay: once armed, the connection on which that many more octets have passed is cut there."""

    def __init__(self):
        self._lock, self._left, self._how = threading.Lock(), None, None

    def arm(self, octets, how):
        with self._lock:
            self._left, self._how = octets, how

    def fired(self):
        return self._left is None

    def __call__(self, link, _way, data):
        with self._lock:
            if self._left is None:
                return data
            if len(data) <= self._left:
                self._left -= len(data)
                return data
            data, link.cut, self._left = data[:self._left], self._how, None
            return data


class Faults:
    """One method for each kind; what it does in particular is drawn from the seed."""

    def __init__(self, scene, front):
        self._scene, self._front, self._random = scene, front, scene.random
        self.counts = {}

    def some(self, number):
        """One kind, or two at the same moment; how many that was."""
        kinds = self._random.sample(KINDS, 2 if number > 1 and self._random.random() < TWO_AT_ONCE else 1)
        kinds.sort(key=KINDS.index)
        failures = []
        other = threading.Thread(target=self._beside, args=(kinds[:-1], failures))
        other.start()
        try:
            self._one(kinds[-1])
        finally:
            other.join()
        if failures:
            raise failures[0]
        return len(kinds)

    def _one(self, kind):
        told = getattr(self, f"_{kind}")()
        self.counts[told] = self.counts.get(told, 0) + 1

    def _beside(self, kinds, failures):
        try:
            for kind in kinds:
                self._one(kind)
        except BaseException as failure:  # told by the thread that waits
            failures.append(failure)

    def _cut_soon(self, rule, octets):
        rule.arm(self._random.randrange(octets), self._random.choice(("end", "reset")))
        wait_until(rule.fired, "something to pass the relay that is to be cut", FIRES)

    def _cut_all(self, relay):
        """Refused for a moment, too: the moment is the fault's, not something to wait for."""
        relay.cut()
        time.sleep(self._random.uniform(0, 0.3))
        relay.mend()

    def _child(self):
        self._scene.server.kill_child(self._random.choice(self._scene.server.children))
        return "child killed"

    def _browser(self):
        if self._random.random() < 0.8:
            self._cut_soon(self._front.rule, 20_000)
            return "browser cut"
        self._cut_all(self._front)
        return "all browsers cut"

    def _model(self):
        way = self._random.random()
        if way < 0.6:
            self._cut_soon(self._scene.model_relay.rule, 5_000)
            return "model cut"
        if way < 0.8:
            self._cut_all(self._scene.model_relay)
            return "model away"
        self._scene.model.kill_child()
        return "model killed"

    def _database(self):
        way = self._random.random()
        if way < 0.5:
            self._cut_soon(self._scene.relay.rule, 3_000)
            return "PostgreSQL cut"
        if way < 0.65:
            self._cut_all(self._scene.relay)
            return "PostgreSQL away"
        if way < 0.8:
            self._scene.database.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'chatsession'")
            return "PostgreSQL's connections ended"
        self._random.choice(database_crash.CRASHES)(self._scene)
        return "PostgreSQL crashed"


class MixedTab(Tab):
    """Some of its answers are stopped after a few events, some that failed are asked for anew. Pairs of tabs share a
    conversation now and then."""

    shared = {}  # user's name: a conversation of several tabs

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.told = []   # (conversation, message): what was acknowledged
        self._anew = {}  # client_id: the answer that it is to be made anew of
        self.stops = self.again = 0

    def new_conversation(self, give_up=lambda: False):
        if self.random.random() < 0.3 and self.user.name in self.shared:
            return self.shared[self.user.name]
        conversation = super().new_conversation(give_up)
        if conversation and self.random.random() < 0.5:
            self.shared[self.user.name] = conversation
        return conversation

    def send(self, conversation, content, client_id):
        if client_id not in self._anew:
            return super().send(conversation, content, client_id)
        return self._open("POST", f"api/conversations/{conversation}/regenerate",
                          json={"message_id": self._anew[client_id], "client_id": client_id})

    def read(self, stream, entry, **options):
        stop_after = self.random.randrange(1, 20) if self.random.random() < 0.1 else None
        return super().read(self._watched(stream, entry, stop_after), entry, **options)

    def _watched(self, stream, entry, stop_after):
        for number, event in enumerate(stream):
            if event.event == "turn":
                if entry.answer_id not in (None, event.json["answer_id"]):
                    return  # followed, and another tab has asked since: this answer is found by sending it again
                self.told += [(entry.conversation, event.json[name]) for name in ("message_id", "answer_id")]
            yield event
            if number == stop_after and event.event == "message":
                self._stop(entry.conversation)

    def _stop(self, conversation):
        """By a connection of its own; it may be cut, too."""
        other = Client(self.origin)
        other.session.cookies.update(self.client.cookies)
        try:
            status = other.post(f"api/conversations/{conversation}/stop").status_code
            assert status in (200, 202, 503), f"a stop was answered with {status}"
            self.stops += 1
        except (requests.RequestException, OSError):
            pass
        finally:
            other.session.close()

    def turn(self, conversation, **options):
        content = text(self.random, self.length)
        entry = super().turn(conversation, content, **options)
        if entry.status in ("interrupted", "error"):
            self.again += 1
            anew = self.scene.ledger.begin(conversation, self.new_id(), content, content)
            self._anew[anew.client_id] = entry.answer_id
            self.finish(anew, content, **options)
        return entry


class Historian(threading.Thread):
    """Reads histories all the while. Each that is answered has all that was acknowledged before it was asked for."""

    def __init__(self, tabs, rng):
        super().__init__()
        self._tabs, self._random, self.over = tabs, rng, threading.Event()
        self.whole, self.failures = 0, []

    def run(self):
        try:
            while not self.over.wait(0.05):
                tab = self._random.choice(self._tabs)
                known = list(tab.told)
                if known:
                    self._look(tab, known, self._random.choice(known)[0])
        except Exception:  # told by the thread that waits
            self.failures.append(traceback.format_exc())

    def _look(self, tab, known, conversation):
        client = Client(tab.origin)
        client.session.cookies.update(tab.client.cookies)
        try:
            response = client.get(f"api/conversations/{conversation}")
        except (requests.RequestException, OSError):
            return  # cut
        finally:
            client.session.close()
        length = response.headers.get("Content-Length")  # of a head that was cut, nobody knows
        if response.status_code == 503 or length is None or len(response.content) < int(length):
            return  # PostgreSQL is away, or cut
        found = {message["id"] for message in response.json()["messages"]} if response.status_code == 200 else set()
        missing = {message for where, message in known if where == conversation} - found
        self.whole += not missing
        if missing:
            self.failures.append(f"a history ({response.status_code}) lacks {len(missing)} messages that were acknowledged")


def run(times, seed, tell):
    with Scene(seed, children=3, rule=CutSoon(), model_rule=CutSoon(), lines=["ChatSessionDatabaseWait 500ms"]) as scene:
        scene.server.expect_log(*VOUCHED)
        scene.model.expect_log(*VOUCHED)
        front = Relay(scene.server.port, CutSoon())
        try:
            done, faults, traffic, historian = _storm(times, scene, front, tell)
        finally:
            front.close()
        verdict = scene.check(VOUCHED)
        calls = scene.model_calls()
        assert calls <= verdict.answers, f"the model was asked {calls} times for {verdict.answers} answers"
        assert not historian.failures, "\n".join(historian.failures[:10])
        assert historian.whole, "no history was read"
        ends, stops, again = traffic.total("statuses"), *(sum(getattr(tab, name) for tab in traffic.tabs) for name in ("stops", "again"))
        told = ", ".join(f"{kind} {count}" for kind, count in sorted(faults.counts.items()))
    return (f"{done} kills and cuts ({told}): {verdict}; {stops} stops, {again} asked for anew; {historian.whole} histories read"
            f" meanwhile lacked nothing; behind the reader by at most {verdict.behind * 1000:.0f} ms; ends: {ends}")


def _storm(times, scene, front, tell):
    MixedTab.shared = {}
    faults, done = Faults(scene, front), 0
    traffic = Traffic(scene, TABS, front.url, MixedTab, patience=120)
    historian = Historian(traffic.tabs, random.Random(scene.random.random()))
    with traffic:
        historian.start()
        try:
            while done < times:
                time.sleep(scene.random.uniform(0.05, 0.6))  # the moment is the fault's, not something to wait for
                done += faults.some(times - done)
                assert not historian.failures, "\n".join(historian.failures[:10])
                tell(done, f"{traffic.turns} turns, {historian.whole} histories")
        finally:
            historian.over.set()
            historian.join()
    return done, faults, traffic, historian
