# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A model's server that does what the test says, and remembers what it was asked.

    model.script = lambda answer: answer.stream("Hel", "lo")        # an answer as it should be
    def script(answer):                                             # one that breaks off
        answer.begin(); answer.text("Hel"); answer.reset()
    model.calls; model.requests[-1].json["messages"]
"""
import json
import os
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .place import free_port, give_port_back

_PATIENCE = 60


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: list  # of (name, value), in their order
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def chunk(content=None, finish_reason=None, **more):
    """One piece of an answer in the form of OpenAI's chat completions."""
    delta = {} if content is None else {"content": content}
    return {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more}


def pausing(gate, before, after=None):
    """A script: say something, wait until the test opens the gate (a threading.Event), say the rest and end."""
    def script(answer):
        answer.begin()
        answer.text(before)
        answer.hold(gate)
        if after is not None:
            answer.text(after)
        answer.finish()
        answer.done()
    return script


class Answer:
    """What a script writes to. Nothing is held back: every call is on the wire when it returns."""

    def __init__(self, handler, asked):
        self._handler, self.asked = handler, asked
        self._socket = handler.connection
        self._chunked = True

    def begin(self, status=200, content_type="text/event-stream", headers=(), chunked=True):
        """Status line and headers. chunked=False: the body ends where the connection does."""
        self._chunked = chunked
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Connection", "close")
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in (framing, *headers)]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def raw(self, data):
        """Octets of the body, in one chunk."""
        if data:
            self._socket.sendall(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def event(self, value):
        self.raw(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

    def at_once(self, *values):
        """Events, each in a chunk of its own, in one packet."""
        events = [b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n" for value in values]
        self._socket.sendall(b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events))

    def text(self, *pieces):
        for piece in pieces:
            self.event(chunk(piece))

    def finish(self, reason="stop"):
        self.event(chunk(None, reason))

    def done(self):
        self.raw(b"data: [DONE]\n\n")
        self.end()

    def end(self):
        """The end of the body, as HTTP wants it."""
        if self._chunked:
            self._socket.sendall(b"0\r\n\r\n")
        else:
            self._handler.close_connection = True

    def stream(self, *pieces):
        """A whole answer in these pieces."""
        self.begin()
        self.text(*pieces)
        self.finish()
        self.done()

    def whole(self, body, status=200, content_type="application/json", headers=()):
        """A body that is not streamed: text, octets or a value."""
        data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        self.begin(status, content_type, headers)
        self.raw(data)
        self.end()

    def cut(self):
        """Close the connection where it stands, politely (FIN)."""
        self._handler.close_connection = True
        self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self):
        """Close it rudely (RST)."""
        self._handler.close_connection = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.rfile.close()
        self._handler.wfile.close()
        self._socket.close()

    def hold(self, gate):
        """Wait until the test opens the gate, a threading.Event."""
        assert gate.wait(_PATIENCE), "the test never opened the gate"

    def wait_closed(self, seconds=15):
        """Whether the other side closes the connection within this time."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


class Model:
    """The server; `script` is called with an Answer for every request, in a thread of its own."""

    def __init__(self, unix_socket=None):
        """Listens on 127.0.0.1, or on a unix socket of that path."""
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = not unix_socket

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, self.path, list(self.headers.items()), body)
                with model._lock:
                    model.requests.append(asked)
                try:
                    model.script(Answer(self, asked))
                except OSError:
                    self.close_connection = True  # the other side left, as some tests want it to

            do_GET = do_POST

            def finish(self):
                try:
                    super().finish()
                except (OSError, ValueError):
                    pass  # the script has closed it

            def handle(self):
                try:
                    super().handle()
                except (OSError, ValueError):
                    pass  # the same

            def log_message(self, *_):
                pass

        self._lock = threading.Lock()
        self.requests = []
        self.reset()
        self.port = None if unix_socket else free_port()
        self._unix_socket = unix_socket
        self._server = _UnixServer(str(unix_socket), Handler) if unix_socket else _Server(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"unix:{self._unix_socket}|http://localhost/v1" if self._unix_socket else f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self):
        with self._lock:
            return len(self.requests)

    def reset(self):
        """Forget what was asked; answer "Hello" from now on."""
        with self._lock:
            self.requests.clear()
        self.script = lambda answer: answer.stream("Hel", "lo")

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        give_port_back(self.port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass  # reset by the script


class _UnixServer(_Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        os.chmod(self.server_address, 0o666)  # httpd's children are another user
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        request, _ = self.socket.accept()
        return request, ("unix", 0)
