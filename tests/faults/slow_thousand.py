# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A thousand connections at once that send their request, or the body of a message, octet by octet, with the time limits that Debian
gives mod_reqtimeout. httpd keeps a worker for each, so it has a third more workers than that; a person's history and questions
are answered all the while."""
import multiprocessing
import socket
import time

from harness.client import Client
from harness.place import wait_until

from .scene import Scene
from .slow_clients import resident
from .traffic import Tab

THREADS = 64
DRIP = 0.5  # seconds between two octets
SECONDS = 60  # of it all, so that httpd gives each up at least once
BODIES = 4  # every fourth has sent its head
LIMITS = "RequestReadTimeout header=20-40,MinRate=500 body=10,MinRate=500"


class Drip:
    """One connection after another in one place."""

    def __init__(self, port, opening, rest):
        self._port, self._opening, self._rest = port, opening, rest
        self._socket = None

    def step(self):
        """An octet more; False when the connection was closed and another one opened."""
        try:
            if self._socket:
                self._at += self._socket.send(self._rest[self._at:self._at + 1])
                self._at = min(self._at, len(self._rest) - 1)
                return True
        except BlockingIOError:
            return True
        except OSError:
            self._socket.close()
        self._socket, self._at = socket.create_connection(("127.0.0.1", self._port), timeout=30), 0
        self._socket.sendall(self._opening or self._rest[:1])
        self._socket.setblocking(False)
        return False


def _drip(port, kinds, over, opened):
    """In a process of its own: it has more sockets than select() knows."""
    drips = [Drip(port, *kind) for kind in kinds]
    while not over.wait(DRIP):
        for drip in drips:
            opened.value += not drip.step()


def _kinds(tab, conversation, count):
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in tab.client.cookies)
    head = (f"POST /chat/api/conversations/{conversation}/messages HTTP/1.1\r\nHost: {tab.client.origin.removeprefix('http://')}\r\n"
            f"Origin: {tab.client.origin}\r\nCookie: {cookies}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n").encode()
    return [(head, b'{"content":"' + b"x" * 4000) if number % BODIES == 0 else (b"", head) for number in range(count)]


def _answered(tab, conversation):
    """Seconds until a history was answered over a new connection."""
    began = time.monotonic()
    fresh = Client(tab.client.origin)
    fresh.session.cookies.update(tab.client.cookies)
    fresh.json("GET", f"api/conversations/{conversation}", 200)
    fresh.session.close()
    return time.monotonic() - began


def run(times, seed, tell):
    """times: the slow connections."""
    children = -(-times * 4 // 3 // THREADS)
    with Scene(seed, children=children, threads=THREADS, pace="0ms", lines=[LIMITS]) as scene:
        tab = Tab(scene, 0).log_in()
        conversation, slow = tab.new_conversation(), tab.new_conversation()
        tab.turn(conversation)
        before, over, opened = resident(scene.server.children), multiprocessing.Event(), multiprocessing.Value("l")
        dripper = multiprocessing.get_context("fork").Process(target=_drip, args=(
            scene.server.port, _kinds(tab, slow, times), over, opened), daemon=True)
        dripper.start()
        try:
            wait_until(lambda: opened.value >= times, "all slow connections to be open", 60)
            took, began = [], time.monotonic()
            while time.monotonic() < began + SECONDS:
                took.append(_answered(tab, conversation))
                if len(took) % 20 == 1:
                    assert tab.turn(conversation).status == "complete"
                    tell(0, f"{opened.value} connections, {len(took)} histories")
                time.sleep(0.05)  # a person's pace; the machine has the drippers to serve, too
            grown = resident(scene.server.children) - before
        finally:
            over.set()
            dripper.join()
        assert not scene.database.value("SELECT count(*) FROM chatsession.messages WHERE conversation_id = %s", (slow,)), "half a message"
        verdict = scene.check(("AH01382", "AH00", "AH10159", "CS0"))
    took.sort()
    return (f"{times} slow connections at once ({opened.value} in all, every {BODIES}th with a slow body) for {children * THREADS} workers:"
            f" {len(took)} histories beside them, half within {took[len(took) // 2] * 1000:.0f} ms, 99 % within"
            f" {took[len(took) * 99 // 100] * 1000:.0f} ms; {verdict}; memory of {children} children grew by {grown // 1024} MiB")
