# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Throw-away Redis and memcached servers on free ports of the loopback, and the little of their protocols that tests need."""
import os
import socket
import subprocess

from .place import free_port, give_port_back, new_folder, wait_until
from .process import dies_with_parent


class _Server:
    def __init__(self):
        self.port, self.folder = free_port(), new_folder(self.name)
        self._process = None

    def start(self):
        with open(self.folder / "output.log", "ab") as output:
            self._process = subprocess.Popen(self._command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output,
                                             stderr=output, start_new_session=True, preexec_fn=dies_with_parent())
        wait_until(self._answers, lambda: f"{self.name} to answer\n{(self.folder / 'output.log').read_text()}")
        return self

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def remove(self):
        self.stop()
        give_port_back(self.port)

    def _answers(self):
        assert self._process.poll() is None, f"{self.name} ended:\n{(self.folder / 'output.log').read_text()}"
        try:
            return self.is_alive()
        except OSError:
            return False

    def _connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


class Redis(_Server):
    name = "redis"

    def _command(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no",
                "--dir", str(self.folder)]

    def command(self, *words):
        """The answer: text, a number, a list or None."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        with self._connect() as connection, connection.makefile("rwb") as stream:
            stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            stream.flush()
            return self._read(stream)

    def _read(self, stream):
        line = stream.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._read(stream) for _ in range(int(rest))]
        assert kind in (b"+", b":"), line
        return int(rest) if kind == b":" else rest.decode()

    def is_alive(self):
        return self.command("PING") == "PONG"

    def keys(self):
        return sorted(self.command("KEYS", "*"))

    def empty(self):
        self.command("FLUSHALL")


class Memcached(_Server):
    name = "memcached"

    def _command(self):
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        return ["memcached", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", *user]

    def command(self, line):
        """The first line of the answer."""
        with self._connect() as connection, connection.makefile("rwb") as stream:
            stream.write(line.encode() + b"\r\n")
            stream.flush()
            return stream.readline().rstrip(b"\r\n").decode()

    def is_alive(self):
        return self.command("version").startswith("VERSION")

    def empty(self):
        assert self.command("flush_all") == "OK"
