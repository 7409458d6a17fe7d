# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T4: a whole visit, login, question, stop, history, export, expiry, in which one call to libpq or a socket fails, every
one in turn. The browser asks again where it is refused or cut; afterwards all is as in a visit without a failure."""
import json
import mmap
import os
import struct
import time

import requests

from harness.client import Client
from harness.place import BUILD, new_folder

from .database_crash import AWAY
from .scene import Scene
from .traffic import Refused, Tab, text

# What may be said of a peer that is gone: the browser's, PostgreSQL's, the model's.
GONE = (*AWAY, "AH01084", "AH01086", "AH01102", "AH01110", "AH01114", "AH00957", "AH00959", "AH00898", "AH01097",
        "AH02951", "AH00952", "CS0")
_PATIENCE = 20  # seconds until a step must have been done


class Refuser:
    """The numbers that are shared with what is preloaded into httpd."""

    def __init__(self):
        self.path = new_folder("refuse") / "calls"
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 4096)

    def arm(self, number):
        """The call of that number fails; 0: none."""
        self._page[:16] = struct.pack("=QQ", 0, number)

    def arm_statements(self, number):
        """From that number on all statements fail; 0: none."""
        self._page[16:32] = struct.pack("=QQ", 0, number)

    @property
    def calls(self):
        return struct.unpack("=Q", self._page[:8])[0]

    @property
    def statements(self):
        return struct.unpack("=Q", self._page[16:24])[0]


def insist(step):
    """Until the step is done: refusals of a server that is in trouble pass, a wrong answer does not."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return step()
        except (Refused, requests.RequestException, OSError, EOFError) as failure:
            if isinstance(failure, Refused) and failure.status != 503:
                raise AssertionError(f"{step.__name__}: {failure}") from failure
            assert time.monotonic() < deadline, f"{step.__name__} was not done within {_PATIENCE} s: {failure}"
            time.sleep(0.05)


def _asked(response, *statuses):
    if response.status_code not in statuses:
        raise Refused(response.status_code)
    return response


class Stopper(Tab):
    """Stops each answer when it has begun."""

    def read(self, stream, entry, **options):
        return super().read(self._stopped(stream, entry), entry, **options)

    def _stopped(self, stream, entry):
        for event in stream:
            yield event
            if event.event == "turn":
                other = Client(self.origin)
                other.session.cookies.update(self.client.cookies)
                try:
                    other.post(f"api/conversations/{entry.conversation}/stop")
                except requests.RequestException:
                    pass  # then it is not stopped
                other.session.close()


class Visit:
    def __init__(self, scene, number):
        self.scene = scene
        self.tab, self.stopper = Tab(scene, number), Stopper(scene, number)

    def login(self):
        client = Client(self.scene.server.url)
        _asked(client.post("api/login", json={"username": self.tab.user.name, "password": self.tab.user.password}), 200)
        self.tab.client = client
        self.stopper.client = client

    def conversation(self):
        return _asked(self.tab.client.post("api/conversations", json={}), 201).json()["id"]

    def history(self, conversation, messages):
        answer = _asked(self.tab.client.get(f"api/conversations/{conversation}"), 200).json()
        assert len(answer["messages"]) == messages, f"a history of {len(answer['messages'])} messages, not {messages}"

    def export(self, conversation, texts):
        body = _asked(self.tab.client.get(f"api/conversations/{conversation}/export?format=json"), 200).text
        found = json.dumps(json.loads(body), ensure_ascii=False)
        assert all(json.dumps(one, ensure_ascii=False) in found for one in texts), "the export lacks a text"

    def expire(self, conversation):
        _asked(self.tab.client.delete(f"api/conversations/{conversation}"), 204, 404)  # 404: the try before this one did it

    def run(self):
        insist(self.login)
        conversation = insist(self.conversation)
        asked = [text(self.tab.random, 80), text(self.tab.random, 400)]
        ends = [self.tab.turn(conversation, asked[0], patience=_PATIENCE).status,
                self.stopper.turn(conversation, asked[1], patience=_PATIENCE).status]

        def history():
            self.history(conversation, 4)

        def export():
            self.export(conversation, asked)

        def expire():
            self.expire(conversation)

        for step in (history, export, expire):
            insist(step)
        self.tab.client.session.close()
        return ends


def run(times, seed, tell):
    """times: 0 for every call of the visit; otherwise so many, evenly spread."""
    refuser = Refuser()
    os.environ["REFUSE_CALLS"] = str(refuser.path)
    try:
        with Scene(seed, children=1, pace="3ms", preload=[str(BUILD / "tests/refuse_calls.so")],
                   lines=["ChatSessionDatabaseWait 500ms"]) as scene:
            children, ends = scene.server.children, {}
            Visit(scene, 0).run()
            refuser.arm(0)
            assert Visit(scene, 0).run() == ["complete", "stopped"]
            calls = refuser.calls
            assert calls > 50, f"only {calls} calls were seen"
            numbers = range(1, calls + 1) if not times else sorted({1 + number * calls // times for number in range(times)})
            for done, number in enumerate(numbers):
                refuser.arm(number)
                for end in Visit(scene, done).run():
                    ends[end] = ends.get(end, 0) + 1
                refuser.arm(0)
                tell(done + 1, f"call {number} of {calls}")
            assert scene.server.children == children, "a child of httpd died of a call that failed"
            verdict = scene.check(GONE)
    finally:
        del os.environ["REFUSE_CALLS"]
    return f"{len(numbers)} of the {calls} calls of a visit refused: {verdict}; ends: {ends}"
