# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Browsers that talk with the model and write into the ledger what they were told. Whatever cuts a stream, they do what
the page does: send again under the same client_id, or take the stream up after the last id, until the answer has ended."""
import random
import threading
import time
import uuid

import requests

from harness.client import Client, EventStream

# Several scripts, two and four octets a character, and what JSON escapes.
_WORDS = ("tide", "moon", "\u4e16\u754c", "\u6f6e\u6c50", "\U0001f600", "\u00e9t\u00e9", "\"quoted\"", "\\", "\u05e9\u05dc\u05d5\u05dd", "\n")
_AGAIN = 0.05  # seconds between two attempts while the server refuses
_CUT = (requests.RequestException, OSError, EOFError)


def text(rng, length):
    """A text of that many code points that no other call gives."""
    words = f"{uuid.UUID(int=rng.getrandbits(128))} "
    while len(words) < length:
        words += rng.choice(_WORDS) + " "
    return words[:length - 1] + "."


class Refused(Exception):
    def __init__(self, status):
        super().__init__(f"HTTP {status}")
        self.status = status


class Tab:
    """One browser tab: its own connections, its own random numbers, a user's cookies."""

    length = 120  # of a question that nobody named

    def __init__(self, scene, number, origin=None):
        self.scene, self.random = scene, random.Random(f"{scene.random.random()} {number}")
        self.user = scene.users[number % len(scene.users)]
        self.origin = origin or scene.server.url
        self.client = None
        self.refused = {}  # status: how often
        self.turns, self.statuses = 0, {}
        self.events = []  # the names of those of the last stream

    def log_in(self, cookies=None):
        self.client = Client(self.origin)
        if cookies is None:
            self.client.login(self.user)
        else:
            self.client.session.cookies.update(cookies)
        return self

    def fresh(self):
        """Another connection, and so perhaps another child."""
        self.client.session.close()

    def _open(self, method, path, **options):
        response = self.client.request(method, path, stream=True, **options)
        if response.status_code != 200:
            response.close()
            raise Refused(response.status_code)
        return EventStream(response)

    def send(self, conversation, content, client_id):
        return self._open("POST", f"api/conversations/{conversation}/messages",
                          json={"content": content, "client_id": client_id})

    def follow(self, conversation, after):
        return self._open("GET", f"api/conversations/{conversation}/stream",
                          headers={"Last-Event-ID": str(after)} if after else {})

    def new_conversation(self, give_up=lambda: False):
        """Asked again until it is there: what was not acknowledged may be there twice."""
        while not give_up():
            try:
                return self.client.new_conversation()
            except _CUT + (AssertionError, TypeError):  # refused; a head that was cut, and so no body
                self.fresh()
                time.sleep(_AGAIN)
        return None

    def read(self, stream, entry, leave_after=None):
        """Write a stream down up to its end; True when done came. leave_after: go away after so many events."""
        self.events = []
        for number, event in enumerate(stream):
            self.events.append(event.event)
            if event.event == "turn":
                entry.accepted(event.json)
            elif event.event == "message":
                entry.shown(int(event.id), event.json["choices"][0]["delta"].get("content") or "")
            elif event.event == "done":
                entry.done(event.json["status"])
                return True
            if leave_after is not None and number >= leave_after:
                return False
        return False

    def attempt(self, entry, content, **options):
        """One stream of this turn, new or taken up."""
        resumes = entry.answer_id and self.random.random() < 0.5
        after = entry.seq if resumes else 0
        entry.attempt(after)
        with (self.follow(entry.conversation, after) if resumes else
              self.send(entry.conversation, content, entry.client_id)) as stream:
            if not self.read(stream, entry, **options):
                entry.cut()

    def turn(self, conversation, content=None, expected=None, patience=60, waits_for=(), client_id=None, **options):
        """A question, and its answer to the end over any number of attempts; its entry. expected: the whole answer, if it
        is no echo. waits_for: statuses that pass, beside those that ask to come again."""
        content = content or text(self.random, self.length)
        entry = self.scene.ledger.begin(conversation, client_id or self.new_id(), content,
                                        content if expected is None else expected)
        return self.finish(entry, content, patience, waits_for, **options)

    def new_id(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def finish(self, entry, content, patience=60, waits_for=(), **options):
        """Read this entry's answer to its end over any number of attempts."""
        deadline = time.monotonic() + patience
        while not entry.status:
            assert time.monotonic() < deadline, f"no end of turn {entry.client_id} within {patience} s; refused: {self.refused}"
            try:
                self.attempt(entry, content, **options)
            except Refused as refused:
                self.refused[refused.status] = self.refused.get(refused.status, 0) + 1
                assert refused.status in (409, 429, 503, *waits_for), f"turn {entry.client_id} was refused with {refused.status}"
                time.sleep(_AGAIN)
            except _CUT:
                entry.cut()
                self.fresh()
                time.sleep(_AGAIN)
        self.turns += 1
        self.statuses[entry.status] = self.statuses.get(entry.status, 0) + 1
        return entry


class Traffic:
    """Tabs in threads. The with block ends when all of them have finished the turn that they were at."""

    def __init__(self, scene, tabs, origin=None, tab=Tab, **options):
        self._options, self._over = options, threading.Event()
        cookies = {}
        self.tabs = [tab(scene, number, origin) for number in range(tabs)]
        for tab in self.tabs:
            if tab.user not in cookies:
                cookies[tab.user] = tab.log_in().client.cookies
            tab.log_in(cookies[tab.user])
        self.failures = []
        self._threads = [threading.Thread(target=self._run, args=(tab,)) for tab in self.tabs]

    def _run(self, tab):
        try:
            conversation = tab.new_conversation(self._over.is_set)
            while conversation and not self._over.is_set():
                tab.turn(conversation, **self._options)
                if tab.random.random() < 0.3:
                    conversation = tab.new_conversation(self._over.is_set)
        except BaseException as failure:  # told by the thread that waits
            self.failures.append(failure)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(120)
        if kind is None:
            assert not [thread for thread in self._threads if thread.is_alive()], "a tab hangs"
            if self.failures:
                raise self.failures[0]

    @property
    def turns(self):
        return sum(tab.turns for tab in self.tabs)

    def total(self, name):
        """The tabs' counts of `statuses` or `refused`, added up."""
        found = {}
        for tab in self.tabs:
            for key, value in getattr(tab, name).items():
                found[key] = found.get(key, 0) + value
        return found
