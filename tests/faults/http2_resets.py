# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T16: many streams on few connections of HTTP/2, of which a random share is reset at a random moment: histories, answers that
are followed, questions. No child dies, no answer suffers, and memory stays flat."""
import json
import random
import socket
import struct
import threading
import uuid

from .scene import Scene
from .slow_clients import resident
from .traffic import Tab, text

CONNECTIONS, AT_ONCE = 4, 16
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL = 8
WIDE = 2**30  # octets that may come without being asked for


def _literal(name, value):
    """A header as HPACK writes one that is in no table."""
    return b"\0" + b"".join(_length(len(part)) + part for part in (name.encode(), value.encode()))


def _length(value):
    if value < 127:
        return bytes([value])
    octets, value = [127], value - 127
    while value >= 128:
        octets.append(value % 128 + 128)
        value //= 128
    return bytes([*octets, value])


class Connection:
    """As much of HTTP/2 as asking and resetting need; what comes is counted, not read."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._authority, self._next, self.open = f"127.0.0.1:{port}", 1, set()
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self._frame(SETTINGS, 0, 0, struct.pack(">HI", 4, WIDE))
                             + self._frame(WINDOW, 0, 0, struct.pack(">I", WIDE)))

    @staticmethod
    def _frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def ask(self, method, path, cookie, body=None):
        """A request on a stream of its own, whose number it gives."""
        stream, self._next = self._next, self._next + 2
        headers = {":method": method, ":scheme": "http", ":authority": self._authority, ":path": path, "cookie": cookie,
                   "origin": f"http://{self._authority}"}
        if body is not None:
            headers["content-type"] = "application/json"
        block = b"".join(_literal(*header) for header in headers.items())
        self.open.add(stream)
        frames = self._frame(HEADERS, END_HEADERS | (END_STREAM if body is None else 0), stream, block)
        if body is not None:
            frames += self._frame(DATA, END_STREAM, stream, body)
        self._socket.sendall(frames)
        return stream

    def reset(self, stream):
        self.open.discard(stream)
        self._socket.sendall(self._frame(RESET, 0, stream, struct.pack(">I", CANCEL)))

    def _read(self, length):
        data = b""
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def take(self):
        """One frame; EOFError when the server goes."""
        head = self._read(9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
        payload = self._read(length)
        if kind == SETTINGS and not flags & ACK:
            self._socket.sendall(self._frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._socket.sendall(self._frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            raise EOFError
        elif kind == RESET or (kind in (DATA, HEADERS) and flags & END_STREAM):
            self.open.discard(stream)
        elif kind == DATA and length:
            # The connection's window is given back as it is used; a stream's own is wide enough.
            self._socket.sendall(self._frame(WINDOW, 0, 0, struct.pack(">I", length)))

    def close(self):
        self._socket.close()


class Resetter(threading.Thread):
    """Keeps so many streams open on one connection and resets some; another connection when the server ends one, as
    mod_http2 does with a client that resets too much."""

    def __init__(self, scene, number, times):
        super().__init__()
        self.tab = Tab(scene, number).log_in()
        self.random = random.Random(self.tab.random.random())
        self.conversations = [self.tab.new_conversation() for _ in range(3)]
        self.port, self.times = scene.server.port, times
        self.resets = self.asked = self.connections = 0
        self.failure = None
        self.cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.tab.client.cookies)

    def _ask(self, connection):
        conversation = f"/chat/api/conversations/{self.random.choice(self.conversations)}"
        kind = self.random.random()
        self.asked += 1
        if kind < 0.5:
            return connection.ask("GET", conversation, self.cookie)
        if kind < 0.8:
            return connection.ask("GET", f"{conversation}/stream", self.cookie)
        body = json.dumps({"content": text(self.random, 60), "client_id": str(uuid.UUID(int=self.random.getrandbits(128), version=4))})
        return connection.ask("POST", f"{conversation}/messages", self.cookie, body.encode())

    def _use(self, connection):
        while self.resets < self.times:
            while len(connection.open) < AT_ONCE:
                stream = self._ask(connection)
                if self.random.random() < 0.5:
                    connection.reset(stream)
                    self.resets += 1
            connection.take()
            if connection.open and self.random.random() < 0.1:
                connection.reset(self.random.choice(sorted(connection.open)))
                self.resets += 1

    def run(self):
        try:
            while self.resets < self.times:
                self.connections += 1
                connection = Connection(self.port)
                try:
                    self._use(connection)
                except (EOFError, ConnectionError):
                    pass  # the server had enough of this one
                finally:
                    connection.close()
        except BaseException as failure:  # told by the thread that waits
            self.failure = failure


def run(times, seed, tell):
    """times: resets of each connection."""
    with Scene(seed, children=2, pace="5ms", modules=("http2",), lines=["Protocols h2c http/1.1"]) as scene:
        children, other = scene.server.children, Tab(scene, 0).log_in()
        conversation = other.new_conversation()
        resetters = [Resetter(scene, number, times) for number in range(CONNECTIONS)]
        before = resident(children)
        for resetter in resetters:
            resetter.start()
        turns = 0
        while any(resetter.is_alive() for resetter in resetters):
            assert other.turn(conversation).status == "complete"
            turns += 1
            tell(min(resetter.resets for resetter in resetters), f"{turns} turns beside it")
        for resetter in resetters:
            resetter.join()
            if resetter.failure:
                raise resetter.failure
        assert scene.server.children == children, "a child of httpd died of resets"
        grown = resident(children) - before
        verdict = scene.check(("AH00", "AH10", "AH03", "CS0"))
        lost = scene.database.rows("SELECT id::text, status, length(content) FROM chatsession.messages WHERE role = 'assistant'"
                                   " AND status <> 'complete'")
        assert not lost, f"{len(lost)} answers did not come whole though only their readers left: {lost[:5]}"
        answers = scene.database.value("SELECT count(*) FROM chatsession.messages WHERE role = 'assistant'")
    asked, resets = sum(one.asked for one in resetters), sum(one.resets for one in resetters)
    opened = sum(one.connections for one in resetters)
    return (f"{resets} resets of {asked} streams on {opened} connections: {answers} answers, all complete; beside it: {verdict};"
            f" memory grew by {max(0, grown) // 1024} MiB")
