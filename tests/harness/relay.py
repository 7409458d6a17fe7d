# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A network between a browser and a server that can be pulled out: relay = Relay(httpd.port); relay.url; relay.cut()
ends every connection and takes no new one until relay.mend()."""
import socket
import threading

from .place import free_port


class Relay:
    def __init__(self, port):
        self._target, self.port = port, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._lock = threading.Lock()
        self._listener, self._sockets = None, set()
        self.mend()

    def mend(self):
        """Take connections again."""
        listener = socket.create_server(("127.0.0.1", self.port))
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self):
        """End all connections; new ones are refused."""
        with self._lock:
            sockets, self._sockets = {self._listener, *self._sockets}, set()
            self._listener = None
        for one in sockets - {None}:
            _end(one)

    close = cut

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._lock:
                if self._listener is not listener:
                    _end(near), _end(far)
                    return
                self._sockets |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        with self._lock:
            self._sockets -= {source, sink}
        _end(source), _end(sink)


def _end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
