# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T8: a browser leaves at any octet of a stream and comes back, by another protocol and on another child, with the last id
that it has seen. All its pieces together are the answer; and the answer comes whole though nobody reads it."""
import json
import subprocess
import threading

from harness.client import EventStream
from harness.place import free_port, give_port_back, new_folder

from .scene import Scene
from .traffic import Refused, Tab

OCTETS = 9000  # about what one stream has
TABS = 6
PROTOCOLS = {"http/1.1": ["--http1.1"], "h2c": ["--http2-prior-knowledge"], "TLS": ["--http1.1", "-k"], "h2": ["--http2", "-k"]}

_TLS = """\
Listen 127.0.0.1:{port}
Protocols h2 h2c http/1.1
<VirtualHost 127.0.0.1:{port}>
    SSLEngine on
    SSLCertificateFile "{folder}/cert.pem"
    SSLCertificateKeyFile "{folder}/key.pem"
</VirtualHost>
"""


class Left(EOFError):
    """The browser has gone, as it was told to."""


class Octets:
    """curl's output as the body of a response, which ends for its reader after so many octets."""

    def __init__(self, command, leave_after):
        self._curl = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._left = leave_after
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self._curl.stdout.read1(4096)
            if not piece:
                self.close()
                raise EOFError("no answer")
            head += piece
        head, _, self._rest = head.partition(b"\r\n\r\n")
        self.status_code = int(head.split()[1])

    def iter_content(self, chunk_size=None):
        while True:
            piece, self._rest = self._rest or self._curl.stdout.read1(65536), b""
            if self._left is not None:
                if len(piece) >= self._left:
                    yield piece[:self._left]
                    self.close()
                    raise Left
                self._left -= len(piece)
            if not piece:
                return
            yield piece

    def close(self):
        self._curl.kill()
        self._curl.stdout.close()
        self._curl.wait()


class Leaver(Tab):
    """A tab that leaves while it is told how often it may."""

    budget = None  # of all leavers together
    origins = {}

    def _open(self, method, path, headers=None, **options):
        protocol = self.random.choice(list(PROTOCOLS))
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.client.cookies)
        origin = self.origins["TLS" if "-k" in PROTOCOLS[protocol] else "plain"]
        headers = {"Cookie": cookies, "Origin": origin, **(headers or {})}
        command = ["curl", "-sNi", "-m", "60", *PROTOCOLS[protocol], "-X", method, f"{origin}{self.client.mount}/{path}"]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        if "json" in options:
            command += ["-H", "Content-Type: application/json", "--data-binary", json.dumps(options["json"])]
        response = Octets(command, self.random.randrange(OCTETS) if self.budget.take(protocol) else None)
        if response.status_code != 200:
            response.close()
            raise Refused(response.status_code)
        return EventStream(response)


class Budget:
    def __init__(self, times, tell):
        self._lock, self.left, self._times, self._tell, self.by = threading.Lock(), times, times, tell, {}

    def take(self, protocol):
        with self._lock:
            if not self.left:
                return False
            self.left -= 1
            self.by[protocol] = self.by.get(protocol, 0) + 1
            self._tell(self._times - self.left)
            return True


def _leave_until_spent(tab, failures):
    try:
        conversation = tab.new_conversation()
        while tab.budget.left:
            entry = tab.turn(conversation)
            assert entry.status == "complete", f"the answer ended as {entry.status} though only its reader left"
    except BaseException as failure:  # told by the thread that waits
        failures.append(failure)


def run(times, seed, tell):
    port, folder, failures = free_port(), new_folder("tls"), []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "2", "-subj", "/CN=127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True,
                   capture_output=True)
    try:
        with Scene(seed, children=2, pace="15ms", modules=("ssl", "http2"),
                   lines=[_TLS.format(port=port, folder=folder)]) as scene:
            budget = Budget(times, tell)
            tabs = [Leaver(scene, number) for number in range(TABS)]
            for tab in tabs:
                tab.budget = budget
                tab.origins = {"plain": scene.server.url, "TLS": f"https://127.0.0.1:{port}"}
                tab.log_in()
            threads = [threading.Thread(target=_leave_until_spent, args=(tab, failures)) for tab in tabs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if failures:
                raise failures[0]
            verdict = scene.check(("AH01906", "AH01909", "AH01873", "AH01882"))  # mod_ssl of a certificate made for a day, and of its library
            calls = scene.model_calls()
            assert calls == verdict.answers, f"the model was asked {calls} times for {verdict.answers} answers"
    finally:
        give_port_back(port)
    by = ", ".join(f"{protocol} {count}" for protocol, count in sorted(budget.by.items()))
    return f"{times} readers that may leave ({by}): {verdict}; all answers complete"
