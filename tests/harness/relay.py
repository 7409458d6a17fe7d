# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A network that can be pulled out, between a browser and a server or httpd and PostgreSQL.

    relay = Relay(httpd.port); relay.url; relay.cut()     ends every connection, takes no new one until relay.mend()
    relay = postgres_relay(cluster, rule); relay.folder   where a connection string's host may point

A rule says what happens to octets on their way: rule(link, way, data) with way "up" (to the server) or "down" returns
what is passed on; link.cut = "end" or "reset" closes the connection, politely or not, when that has passed.
"""
import socket
import struct
import threading

from .place import free_port, give_port_back, new_folder


class Link:
    """One connection through the relay. Rules may keep what they like in it."""

    def __init__(self, near, far):
        self.near, self.far, self.cut = near, far, None

    def end(self):
        """Close both sides: as a peer that closes (FIN), or, where a rule says so, one that is gone (RST)."""
        for one in (self.near, self.far):
            if self.cut == "reset" and one.family != socket.AF_UNIX:
                try:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RD)  # wakes who reads it, and says nothing to the peer
                except OSError:
                    pass
                one.close()
            else:
                _end(one)


class Relay:
    def __init__(self, target, rule=None, path=None):
        """target: a port of the loopback, or a unix address. path: listen there instead of on a port."""
        self._target, self.rule, self._path = target, rule, path
        self.port = None if path else free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._lock = threading.Lock()
        self._listener, self._links = None, set()
        self.mend()

    def _listen(self):
        if not self._path:
            return socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        self._path.chmod(0o666)  # httpd's children are another user
        listener.listen(64)
        return listener

    def _reach(self):
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._target)
        return far

    def mend(self):
        """Take connections again."""
        listener = self._listen()
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self):
        """End all connections; new ones are refused."""
        with self._lock:
            links, self._links = self._links, set()
            listener, self._listener = self._listener, None
        if listener:
            _end(listener)
        for link in links:
            link.end()

    @property
    def links(self):
        """Those that are open now."""
        with self._lock:
            return list(self._links)

    def close(self):
        self.cut()
        give_port_back(self.port)

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                link = Link(near, self._reach())
            except OSError:
                _end(near)  # the server is away; it may come back
                continue
            with self._lock:
                if self._listener is not listener:
                    link.end()
                    return
                self._links.add(link)
            for source, sink, way in ((link.near, link.far, "up"), (link.far, link.near, "down")):
                threading.Thread(target=self._copy, args=(link, source, sink, way), daemon=True).start()

    def _copy(self, link, source, sink, way):
        try:
            while not link.cut and (data := source.recv(65536)):
                if self.rule:
                    data = self.rule(link, way, data)
                if data:
                    sink.sendall(data)
        except OSError:
            pass
        with self._lock:
            self._links.discard(link)
        link.end()


def postgres_relay(cluster, rule=None):
    """A relay to a cluster of the tests; its folder is the host of a connection string."""
    folder = new_folder("relay")
    relay = Relay(f"\0{cluster.host.removeprefix('@')}/.s.PGSQL.5432", rule, folder / ".s.PGSQL.5432")
    relay.folder = folder
    return relay


def _end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
