# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T14: connections that send their request, or its body, octet by octet, which keep three quarters of httpd's workers (no
more: a worker that reads is httpd's to take back, after RequestReadTimeout), and readers of answers who take nothing. Others are
served meanwhile, the readers' answers come whole, and the children's memory stays bounded."""
import json
import socket
import threading
import time
import uuid
from pathlib import Path

from harness.client import Client
from harness.place import wait_until

from .scene import Scene
from .traffic import Tab, text

THREADS = 64
ANSWER = 20_000  # code points: more than all buffers on the way have room for
DRIP = 0.2        # seconds between two octets
MEMORY = 64 * 1024  # KiB: what all children together may grow by


def _head(client, conversation, length):
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies)
    return (f"POST /chat/api/conversations/{conversation}/messages HTTP/1.1\r\nHost: {client.origin.removeprefix('http://')}\r\n"
            f"Origin: {client.origin}\r\nCookie: {cookies}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")


class Dripper(threading.Thread):
    """Connections that send one octet now and then; those that httpd closes are opened again."""

    def __init__(self, port, texts):
        super().__init__()
        self._port, self._texts, self.over, self.opened, self.closed = port, texts, threading.Event(), 0, 0

    def _open(self):
        self.opened += 1
        one = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        one.setblocking(False)
        return one

    def run(self):
        places = [[self._open(), 0] for _ in self._texts]
        while not self.over.wait(DRIP):
            for place, words in zip(places, self._texts):
                try:
                    place[0].send(words[place[1]:place[1] + 1])
                    place[1] = min(place[1] + 1, len(words) - 1)
                except BlockingIOError:
                    pass
                except OSError:
                    place[0].close()
                    self.closed += 1
                    place[:] = [self._open(), 0]
        for one, _ in places:
            one.close()


def resident(pids):
    return sum(int(line.split()[1]) for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()
               if line.startswith("VmRSS"))


def _reader(client, conversation, words):
    """A browser that sends a question and then reads nothing."""
    body = json.dumps({"content": words, "client_id": str(uuid.uuid4())}).encode()
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", int(client.origin.rpartition(":")[2])))
    one.sendall(_head(client, conversation, len(body)).encode() + body)
    return one


def _ask(client, conversation, times):
    """How long each of so many requests took, in seconds, slowest last."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        fresh = Client(client.origin)
        fresh.session.cookies.update(client.cookies)
        client.json("GET", f"api/conversations/{conversation}", 200)
        fresh.json("GET", f"api/conversations/{conversation}", 200)
        fresh.session.close()
        took.append(time.monotonic() - began)
    return sorted(took)


def run(times, seed, tell):
    """times: readers who take nothing, one after another in batches; the slow senders are there all the while."""
    with Scene(seed, children=2, threads=THREADS, pace="0ms", lines=[
            "RequestReadTimeout header=5-10,MinRate=500 body=5,MinRate=500", "SendBufferSize 16384"]) as scene:
        tab = Tab(scene, 0).log_in()
        conversation = tab.new_conversation()
        tab.turn(conversation)
        slow_heads = [_head(tab.client, conversation, 5).encode()] * THREADS
        before, sockets, ids = resident(scene.server.children), [], []
        dripper = Dripper(scene.server.port, slow_heads)
        bodies = [_reader_of_slow_body(tab.client, conversation) for _ in range(THREADS // 2)]
        dripper.start()
        took, largest = [], before
        try:
            for number in range(times):
                ids.append(tab.new_conversation())
                sockets.append(_reader(tab.client, ids[-1], text(scene.random, ANSWER)))
                took += _ask(tab.client, conversation, 3)
                largest = max(largest, resident(scene.server.children))
                if number % 10 == 9:  # no more at once than may stream
                    _wait_whole(scene, ids)
                tell(number + 1, f"{dripper.opened} slow connections")
            _wait_whole(scene, ids)
        finally:
            dripper.over.set()
            dripper.join()
            for one in [*sockets, *bodies]:
                one.close()
        assert largest - before < MEMORY, f"the children grew by {largest - before} KiB"
        verdict = scene.check(("AH01382", "AH00", "CS0"))
        took.sort()
    return (f"{times} readers who take nothing, {len(slow_heads)} slow heads and {len(bodies)} slow bodies for {2 * THREADS}"
            f" workers: {verdict}; all answers complete; others were answered, 99 % of pairs within {took[len(took) * 99 // 100] * 1000:.0f} ms;"
            f" memory grew by {max(0, largest - before) // 1024} MiB")


def _reader_of_slow_body(client, conversation):
    """A request whose body does not come."""
    one = socket.create_connection(("127.0.0.1", int(client.origin.rpartition(":")[2])))
    one.sendall(_head(client, conversation, 1000).encode() + b"{")
    return one


def _wait_whole(scene, conversations):
    """Nobody reads, but the whole of each answer is stored."""
    def ends():
        return scene.database.rows("SELECT status FROM chatsession.messages WHERE role = 'assistant' AND status <> 'streaming'"
                                   " AND char_length(content) = %s AND conversation_id = ANY (%s::uuid[])", (ANSWER, conversations))
    wait_until(lambda: len(ends()) == len(conversations), lambda: "the answers that nobody reads to come whole; there are "
               f"{scene.database.rows('SELECT status, char_length(content), role FROM chatsession.messages')}", 60)
    assert {status for status, in ends()} == {"complete"}
