# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A directory that knows as much of LDAP as mod_authnz_ldap asks for: bind, search by uid, unbind (RFC 4511)."""
import socketserver
import threading

_BIND, _UNBIND, _SEARCH = 0x60, 0x42, 0x63
_INVALID_CREDENTIALS = 49
BASE = "ou=people,dc=example,dc=org"


def _ber(tag, content):
    length = len(content)
    head = bytes([length]) if length < 128 else bytes([0x82]) + length.to_bytes(2, "big")
    return bytes([tag]) + head + content


def _read(data, at):
    """(tag, content, where the next one begins)"""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, at = int.from_bytes(data[at:at + octets], "big"), at + octets
    return tag, data[at:at + length], at + length


class _Handler(socketserver.StreamRequestHandler):
    def _message(self):
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        more = self.rfile.read(head[1] & 0x7F) if head[1] & 0x80 else b""
        return self.rfile.read(int.from_bytes(more, "big") if more else head[1])

    def _answer(self, number, tag, content):
        self.wfile.write(_ber(0x30, _ber(0x02, number) + _ber(tag, content)))

    def _result(self, number, tag, code=0):
        self._answer(number, tag, _ber(0x0A, bytes([code])) + _ber(0x04, b"") + _ber(0x04, b""))

    def handle(self):
        while (message := self._message()) is not None:
            _, number, at = _read(message, 0)
            operation, content, _ = _read(message, at)
            if operation == _UNBIND:
                return
            if operation == _BIND:
                self._bind(number, content)
            elif operation == _SEARCH:
                self._search(number, content)

    def _bind(self, number, content):
        _, _, at = _read(content, 0)
        _, name, at = _read(content, at)
        _, password, _ = _read(content, at)
        known = {self.server.directory.dn(one).encode(): word.encode() for one, word in self.server.directory.people.items()}
        self._result(number, 0x61, 0 if not name or known.get(name) == password else _INVALID_CREDENTIALS)

    def _search(self, number, content):
        for name in self.server.directory.people:
            if _ber(0x04, b"uid") + _ber(0x04, name.encode()) in content:
                attribute = _ber(0x30, _ber(0x04, b"uid") + _ber(0x31, _ber(0x04, name.encode())))
                self._answer(number, 0x64, _ber(0x04, self.server.directory.dn(name).encode()) + _ber(0x30, attribute))
        self._result(number, 0x65)


class Directory:
    """Listens on a free port: directory.people["lena"] = "her words"; directory.url."""

    def __init__(self, **people):
        self.people = people
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.directory = self
        self.url = f"ldap://127.0.0.1:{self._server.server_address[1]}/{BASE}?uid"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def dn(name):
        return f"uid={name},{BASE}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
