# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T15: four times as many browsers as workers ask for histories, as many log in with wrong passwords, and more ask for answers
than may stream, over two connections to PostgreSQL a child. Who is refused hears it at once with when to come again, nothing
else fails, and when the load stops the next request is answered. What a browser waits for is mostly a worker, as long as the
browsers before it take: of a refusal httpd's log tells what it took from there on."""
import threading
import time
import uuid

import requests

from harness.client import Client
from harness.place import wait_until

from .scene import Scene
from .traffic import Tab

CHILDREN, THREADS = 2, 10
ASKERS, STRANGERS, SENDERS = 4 * CHILDREN * THREADS, 8, 2 * CHILDREN * THREADS
BUSY = (429, 503)
TIMES = ['LogFormat "%>s %D" times', 'CustomLog "times.log" times']  # status, microseconds


def at(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Load(threading.Thread):
    """One browser that does one thing until it is told to stop, and remembers (status, seconds) of each time."""

    def __init__(self, over, step):
        super().__init__()
        self._over, self._step, self.seen, self.problem = over, step, [], None

    def run(self):
        while not self._over.is_set() and not self.problem:
            began = time.monotonic()
            try:
                response = self._step()
                self.seen.append((response.status_code, time.monotonic() - began))
                if response.status_code in BUSY and "Retry-After" not in response.headers:
                    self.problem = f"{response.status_code} without Retry-After: {response.text[:200]}"
            except requests.RequestException as failure:
                self.problem = repr(failure)


def _browser(scene, cookies=()):
    """A new connection for each request: httpd may close a kept one between two when its workers are short."""
    client = Client(scene.server.url)
    client.session.cookies.update(cookies)
    client.session.headers["Connection"] = "close"
    return client


def _asker(scene, cookies, conversation):
    client = _browser(scene, cookies)
    return lambda: client.get(f"api/conversations/{conversation}")


def _stranger(scene, number):
    client = _browser(scene)
    return lambda: client.post("api/login", json={"username": f"nobody{number}", "password": "a wrong password"})


def _sender(scene, cookies, conversation):
    """An answer is read to its end; what is measured of it is when it began."""
    client = _browser(scene, cookies)

    def send():
        body = {"content": f"the load {uuid.uuid4()} " * 4, "client_id": str(uuid.uuid4())}
        response = client.post(f"api/conversations/{conversation}/messages", json=body, stream=True)
        for _ in response.iter_content(chunk_size=None):
            pass
        return response

    return send


def _told(loads, name, allowed):
    """The figures of one kind of browsers; AssertionError for an answer that may not be."""
    problems = [load.problem for load in loads if load.problem]
    assert not problems, f"{name}: {len(problems)} failed: {problems[0]}"
    seen = [one for load in loads for one in load.seen]
    counts = {status: sum(one == status for one, _ in seen) for status in sorted({status for status, _ in seen})}
    assert counts and set(counts) <= {*allowed, *BUSY}, f"{name}: {counts}"
    return counts, [seconds for status, seconds in seen if status not in BUSY], [seconds for status, seconds in seen if status in BUSY]


def _refused_within(folder):
    """Seconds that httpd took for each refusal, once a worker had read the request."""
    lines = (line.split() for line in (folder / "times.log").read_text().splitlines())
    return [int(took) / 1e6 for status, took in lines if int(status) in BUSY]


def run(seconds, seed, tell):
    with Scene(seed, children=CHILDREN, threads=THREADS, pace="10ms", lines=["ChatSessionDatabaseConnections 2", *TIMES]) as scene:
        tab = Tab(scene, 0).log_in()
        conversation = tab.new_conversation()
        tab.turn(conversation)
        cookies, over = tab.client.cookies, threading.Event()
        loads = {
            "history": ([Load(over, _asker(scene, cookies, conversation)) for _ in range(ASKERS)], (200,)),
            "login": ([Load(over, _stranger(scene, number)) for number in range(STRANGERS)], (401,)),
            "send": ([Load(over, _sender(scene, cookies, tab.new_conversation())) for _ in range(SENDERS)], (200, 409))}
        everybody = [load for kind, _ in loads.values() for load in kind]
        for load in everybody:
            load.start()
        for second in range(seconds):
            time.sleep(1)
            tell(second + 1, f"{sum(len(load.seen) for load in everybody)} requests")
        over.set()
        for load in everybody:
            load.join(60)
        began = time.monotonic()
        wait_until(lambda: tab.client.get(f"api/conversations/{conversation}").status_code == 200, "an answer after the load", 5)
        recovered = time.monotonic() - began
        told = []
        for name, (kind, allowed) in loads.items():
            counts, took, refused = _told(kind, name, allowed)
            told.append(f"{name} {counts}, 99 % within {at(took, 0.99) * 1000:.0f} ms"
                        + (f", refusals {at(refused, 0.99) * 1000:.0f} ms" if refused else ""))
        within = at(_refused_within(scene.server.folder), 0.99)
        verdict = scene.check(("CS0", "CS2005", "AH00484"))
    return (f"{seconds} s of {len(everybody)} browsers on {CHILDREN * THREADS} workers and {2 * CHILDREN} connections: {'; '.join(told)};"
            f" of which httpd took 99 % of the refusals within {within * 1000:.1f} ms; {recovered * 1000:.0f} ms after the load all is well: {verdict}")
