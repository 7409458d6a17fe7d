# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""G14: what N requests of all kinds leave in a child's memory. Browsers ask, list, open and search at once, over connections that
httpd closes now and then, until everything that is kept has its size: stacks of threads, pools of connections, arenas of malloc.
glibc's cache of each thread (at most 236 KiB a thread: 7 pieces of each of 64 sizes) is left out, because it fills over so many
requests that a leak could hide in it."""
import json
import random
import re
import selectors
import socket
import uuid
from itertools import pairwise
from pathlib import Path
from statistics import median

from .scene import Scene

THREADS, BROWSERS, USERS = 25, 8, 4
KINDS = ("send", "list", "open", "search", "session")
LENGTH = 400       # code points of a question, at most
CONVERSATION = 20  # questions until a new one is begun
LOOKS = 20         # at the memory
ALLOWED = 1        # KiB each 1,000 requests, between most looks
A_PAGE = 4         # KiB: less cannot be seen
NO_CACHES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


def own_memory(pid):
    """KiB that are this process's own."""
    return int(re.search(r"Anonymous:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())[1])


class Browser:
    """One that sends its next request when it has the answer to the last, without a thread of its own."""

    def __init__(self, scene, number, selector):
        client = scene.client(scene.users[number % len(scene.users)])
        self._port, self._selector, self._random = scene.server.port, selector, random.Random(f"{scene.random.random()} {number}")
        self._cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies)
        self._conversation, self._asked, self._socket, self._got = client.new_conversation(), number, None, b""

    def ask(self):
        self._asked += 1
        kind = KINDS[self._asked % len(KINDS)]
        if kind == "send" and self._asked // len(KINDS) % CONVERSATION == 0:
            self._send("POST", "conversations", {})
        elif kind == "send":
            self._send("POST", f"conversations/{self._conversation}/messages",
                       {"content": f"{uuid.uuid4()} {'w' * self._random.randrange(LENGTH)}", "client_id": str(uuid.uuid4())})
        else:
            self._send("GET", {"list": "conversations", "search": "conversations?q=tide", "session": "session",
                               "open": f"conversations/{self._conversation}"}[kind])

    def _send(self, method, path, body=None):
        octets = b"" if body is None else json.dumps(body).encode()
        head = (f"{method} /chat/api/{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nOrigin: http://127.0.0.1:{self._port}\r\n"
                f"Cookie: {self._cookie}\r\nContent-Type: application/json\r\nContent-Length: {len(octets)}\r\n\r\n")
        if not self._socket:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._got = b""
        self._socket.sendall(head.encode() + octets)

    def take(self):
        """What has come; True when the answer is whole."""
        octets = self._socket.recv(1 << 16)
        assert octets, f"a connection ended in an answer: {self._got[-300:]!r}"
        self._got += octets
        head, found, body = self._got.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        whole = found and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n"))
        if not whole:
            return False
        assert head[9:12] in (b"200", b"201"), self._got[:500]
        if head[9:12] == b"201":
            self._conversation = json.loads(body)["id"]
        if b"Connection: close" in head:
            self.leave()
        return True

    def leave(self):
        if self._socket:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


def _ask(browsers, selector, times):
    """So many requests of all browsers together; each has its answer when this returns."""
    busy, left = 0, times
    for browser in browsers[:times]:
        browser.ask()
        busy, left = busy + 1, left - 1
    while busy:
        for key, _ in selector.select():
            if not key.data.take():
                continue
            if left:
                key.data.ask()
                left -= 1
            else:
                busy -= 1
    # Kept connections would be closed by httpd meanwhile.
    for browser in browsers:
        browser.leave()


def run(times, seed, tell):
    sizes, selector = [], selectors.DefaultSelector()
    with Scene(seed, children=1, threads=THREADS, pace="0ms", users=USERS, fsync=False, settings={"autovacuum_naptime": "1s"},
               environment=NO_CACHES) as scene:
        child = scene.server.children
        browsers = [Browser(scene, number, selector) for number in range(BROWSERS)]
        for look in range(LOOKS):
            _ask(browsers, selector, times // LOOKS)
            sizes.append(own_memory(child[0]))
            tell((look + 1) * (times // LOOKS), f"{sizes[-1]} KiB")
        assert scene.server.children == child, "the child is another one"
        scene.check()
    # What is kept for good grows in steps, a leak between any two looks: what counts is what most of them saw.
    gains = [later - earlier for earlier, later in pairwise(sizes[LOOKS // 2:])]
    slope = median(gains) / (times // LOOKS / 1000)
    assert slope <= ALLOWED or median(gains) <= A_PAGE, f"{slope:.1f} KiB each 1,000 requests; the sizes were {sizes} KiB"
    told = ", ".join(str(sizes[at]) for at in (0, LOOKS // 4, LOOKS // 2, LOOKS * 3 // 4, LOOKS - 1))
    return (f"{times} requests of {BROWSERS} browsers to one child of {THREADS} threads, a fifth of them questions: {told} KiB of its own after"
            f" a twentieth, a quarter, a half, three quarters and all of them; in the second half the median"
            f" gain was {slope:.1f} KiB each 1,000, the largest at once {max(gains)} KiB")
