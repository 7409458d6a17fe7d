# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A real httpd with the module, on free ports of the loopback, and its log, in which every line must be vouched for.

    server = Httpd(database.conninfo, lines=["ChatSessionIdleTimeout 2s"], mock="echo wait=0ms pace=5ms")
    server.start(); server.url; server.children; server.graceful(); server.stop()
"""
import os
import re
import shutil
import signal
import socket
import subprocess

from .place import BUILD, HTTPD, LIBEXECDIR, SANITIZE, TREE, free_port, give_port_back, new_folder, wait_until
from .process import children_of, dies_with_parent, is_running

_MODULES = ("mpm_event", "authz_core", "unixd", "reqtimeout", "setenvif", "headers", "alias", "proxy", "proxy_http")
_TROUBLE = re.compile(r"^\[[^]]*\] \[[\w-]*:(emerg|alert|crit|error|warn)\]")
_A_LINE = re.compile(r"^\[[^]]*\] \[[\w-]*:\w+\]")
_CRASH = re.compile(r"AH0005[12]: child pid (?P<pid>\d+) exit signal")
# httpd's event MPM closes its workers' sockets when it is told to end, also that of a connection which a worker has just
# closed and freed (close_worker_sockets): such a child crashes in its main thread, with nothing of ours on the stack.
# AddressSanitizer's build has the frame of the signal before it.
_CRASH_OF_HTTPD = re.compile(r"CRASH pid (?P<pid>\d+) signal 11 thread main:(?: < libc\.so[.\d]*\+\S+)?"
                             r" < libapr-1\.so[.\d]*!apr_os_sock_get < mod_mpm_event\.so\S+ <(?!.*mod_chatsession)")
# The same haste, met by a worker: the socket that it gives back to be kept alive or lingered on is closed already. That
# is so only where the server's end follows.
_CLOSED_AT_END = re.compile(r"\(9\)Bad file descriptor: AH0309[23]: process_\w+: apr_pollset_add failure")
_END = "AH00491: caught SIGTERM, shutting down"

_TEMPLATE = """\
ServerName 127.0.0.1
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/httpd.pid"
ErrorLog "{folder}/error.log"
LogLevel {log_level}
LogFormat "%h %u %t \\"%m %U\\" %>s %B %{{CHATSESSION_REF}}e" test
CustomLog "{folder}/access.log" test
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{mock_port}
StartServers {children}
ServerLimit {limit}
MinSpareThreads 1
MaxSpareThreads {workers}
ThreadsPerChild {threads}
ThreadLimit {threads}
MaxRequestWorkers {workers}
AsyncRequestWorkerFactor 4
Timeout 20
KeepAliveTimeout 30
GracefulShutdownTimeout 5
{identity}
{module}
<VirtualHost 127.0.0.1:{mock_port}>
    <Location "/v1">
        SetHandler chatsession-mock
        ChatSessionMock {mock}
    </Location>
</VirtualHost>
{lines}
"""

_OUR_LINES = """\
ChatSessionDatabase "{conninfo}"
ChatSessionSecretFile "{folder}/secret"
ChatSessionPages "{share}"
ChatSessionCookieSecure off
ChatSessionPasswordMemory 1024
ChatSessionLoginDelay 0
ChatSessionLoginLimit 1000
# An older module, which the test of an upgrade begins with, does not know it.
<IfDirective ChatSessionBreakerFailures>
    ChatSessionBreakerFailures 0
</IfDirective>
<Location "/chat">
    SetHandler chatsession
</Location>
<Location "/chat-admin">
    SetHandler chatsession-admin
</Location>
<Location "/v1">
    SetHandler chatsession-openai
</Location>
"""


class Httpd:
    """One server. It runs with `children` processes of `threads` threads each.

    lines: further lines of configuration, after the harness's own (a later directive wins).
    mock: the arguments of ChatSessionMock for the model that is built in, at self.mock_url.
    backends: the ChatSessionBackend lines' arguments; left out: the built-in model; []: none.
    modules: names of further modules of httpd ("status").
    bare=True: nothing of ours but LoadModule and what `lines` says.
    environment: variables that it gets beside ours.
    """

    def __init__(self, conninfo=None, *, lines=(), mock="echo wait=0ms pace=0ms", backends=None, modules=(),
                 children=1, threads=25, log_level="notice", bare=False, preload=(), environment=None):
        self.folder = new_folder("httpd")
        self.port, self.mock_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mock_url = f"http://127.0.0.1:{self.mock_port}/v1"
        self.log = ErrorLog(self.folder / "error.log")
        self.config = self.folder / "httpd.conf"
        self.configured_children = children
        self._process = None
        self._preload, self._variables = list(preload), environment or {}
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        secret.write_bytes(os.urandom(48))
        self.key = ("--key-file", str(secret))  # what chatsessionctl needs to go on with the chain of the audit log
        ours = []
        if not bare:
            ours.append(_OUR_LINES.format(conninfo=conninfo, folder=self.folder, share=BUILD / "share"))
            ours += [f"ChatSessionBackend {words}" for words in
                     ([f"mock {self.mock_url} model=mock"] if backends is None else backends)]
        load = [f'<IfModule !{name}_module>\nLoadModule {name}_module "{LIBEXECDIR}/mod_{name}.so"\n</IfModule>'
                for name in (*_MODULES, *modules)]  # some are built in, which ones differs
        load.append(f'LoadModule chatsession_module "{BUILD}/mod_chatsession.so"')
        as_root = os.getuid() == 0
        self.config.write_text("\n".join(load) + "\n" + _TEMPLATE.format(
            folder=self.folder, port=self.port, mock_port=self.mock_port, children=children, threads=threads,
            limit=2 * children + 2, workers=children * threads, mock=mock, log_level=log_level, lines="\n".join(lines),
            module="\n".join(ours), identity="User www-data\nGroup www-data" if as_root else ""))

    # --- the process

    def _command(self):
        return [HTTPD, "-f", str(self.config), "-d", str(self.folder)]

    def _environment(self):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **self._variables}
        preload = [*self._preload, str(BUILD / "tests/crash_trace.so")]
        if "address" in SANITIZE:
            preload.insert(0, _sanitizer_library("asan"))
            environment["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1"
        if "thread" in SANITIZE:
            preload.insert(0, _sanitizer_library("tsan"))
            # httpd and APR are not built with it: what they do counts where they lock, not where they read and write.
            environment["TSAN_OPTIONS"] = (f"ignore_noninstrumented_modules=1:second_deadlock_stack=1:exitcode=0:"
                                           f"suppressions={TREE / 'tests/harness/tsan.supp'}")
        environment["LD_PRELOAD"] = ":".join(preload)
        return environment

    def configtest(self):
        """(exit code, everything that httpd -t said)."""
        result = subprocess.run([*self._command(), "-t"], text=True, capture_output=True, stdin=subprocess.DEVNULL,
                                env=self._environment(), timeout=60)
        return result.returncode, result.stdout + result.stderr

    def launch(self):
        """Begin to start, without waiting for anything."""
        assert not self.running, "this httpd runs already"
        with open(self.folder / "output.log", "ab") as output:
            self._process = subprocess.Popen([*self._command(), "-DFOREGROUND"], stdin=subprocess.DEVNULL,
                                             stdout=output, stderr=output, start_new_session=True,
                                             env=self._environment(), preexec_fn=dies_with_parent())

    def start(self):
        """Returns when the server takes connections and all its children are there."""
        self.launch()
        wait_until(self._accepts, lambda: f"httpd to take connections\n{self._what_it_said()}", 30)
        return self

    def _accepts(self):
        assert self.running, f"httpd ended at its start:\n{self._what_it_said()}"
        if len(self.children) < self.configured_children:
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _what_it_said(self):
        return (self.folder / "output.log").read_text()[-3000:] + "\n".join(self.log.lines()[-20:])

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self):
        return self._process.pid

    @property
    def children(self):
        """The pids of the processes that answer requests."""
        return children_of(self._process.pid)

    def stop(self):
        """End the server and its children; fails when they do not go within 20 s."""
        if self._process is None:
            return
        children = self.children
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                children += [pid for pid in children if is_running(pid)]
        late = [pid for pid in set(children) if is_running(pid)]
        for pid in late:
            os.kill(pid, signal.SIGKILL)
        assert not late, f"httpd's children {late} did not end when the server was stopped"

    def restart(self):
        self.stop()
        self.start()

    def graceful(self):
        """A graceful restart (SIGUSR1); returns when the new generation is in place."""
        before, old = len(self.log.lines()), set(self.children)
        self._process.send_signal(signal.SIGUSR1)
        wait_until(lambda: any("resuming normal operations" in line for line in self.log.lines()[before:])
                   and len(set(self.children) - old) >= self.configured_children,
                   "the new generation of a graceful restart")

    def kill_child(self, pid=None, signal_number=signal.SIGKILL):
        """Kill a child (the first unless told), wait for its successor; the pid that is gone. The parent's line about
        it is expected."""
        victim = pid or self.children[0]
        self._kill([victim], signal_number)
        return victim

    def kill_children(self):
        """Kill all of them at once, so that none sees another's end; wait for their successors."""
        self._kill(self.children, signal.SIGKILL)

    def _kill(self, victims, signal_number):
        for victim in victims:
            self.log.expect("AH00052", f"CRASH pid {victim} ")
            os.kill(victim, signal_number)
        wait_until(lambda: not set(victims) & set(self.children) and len(self.children) >= self.configured_children,
                   "the successors of killed children")

    def end(self):
        """Stop for good: its ports go to others. The folder stays, for whoever looks into a failure."""
        self.stop()
        give_port_back(self.port)
        give_port_back(self.mock_port)

    def remove(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the log

    def expect_log(self, *texts):
        """Vouch, for this test, for lines that hold one of these numbers ("CS0042", "AH01114") or texts."""
        self.log.expect(*texts)

    def end_connections(self, connection):
        """End the module's connections to the database of this one. One that is ended in the moment in which it is made, before
        libpq can be told otherwise, has libpq's own words on stderr."""
        self.log.expect("CS2021", "terminating connection due to administrator command")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE usename = 'chatsession' AND datname = current_database()")

    def wait_log(self, text, seconds=15.0):
        """The first line since this test began that holds text; waits for it, and vouches for it."""
        self.log.expect(text)
        return wait_until(lambda: next((line for line in self.log.new_lines() if text in line), None),
                          lambda: f"\"{text}\" in httpd's error log; new there:\n" + "\n".join(self.log.new_lines()),
                          seconds)

    @property
    def error_log(self):
        return self.log.lines()

    @property
    def access_log(self):
        path = self.folder / "access.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []


def _sanitizer_library(name):
    return subprocess.run(["gcc", f"-print-file-name=lib{name}.so"], text=True, check=True,
                          capture_output=True).stdout.strip()


def _is_of(line, crashed):
    """Is it what is said of the crash of one of these pids?"""
    found = _CRASH_OF_HTTPD.match(line) or _CRASH.search(line)
    return found is not None and found["pid"] in crashed


# What libpq itself writes about a connection that ends in the blink between its opening and our first look at it.
_LIBPQS = "FATAL:  terminating connection due to administrator command"
# What a host says that had no word of another for a second: on a machine that stands still for so long, and beside an ear
# that is just opening or ending, it is true and no trouble. tests/httpd/test_revocation.py sees that it is the exception.
_A_LATE_EAR = "CS0007"


class ErrorLog:
    """httpd's error log, seen test by test."""

    def __init__(self, path):
        self.path = path
        self._seen = 0
        self._expected = []

    def lines(self):
        return self.path.read_text(errors="replace").splitlines() if self.path.exists() else []

    def new_lines(self):
        return self.lines()[self._seen:]

    def expect(self, *texts):
        self._expected += texts

    def unexpected(self):
        """The lines since the last call that tell of trouble and that nobody vouched for; begins anew after them."""
        new = self.new_lines()
        self._seen += len(new)
        ended = max((number for number, line in enumerate(new) if _END in line), default=-1)
        lines = [line for number, line in enumerate(new) if number > ended or not _CLOSED_AT_END.search(line)]
        expected, self._expected = self._expected, []
        if any("CS200" in line for line in self.lines()):  # the database was away, as the module says itself
            expected = [*expected, _LIBPQS]
        not_ours = {found["pid"] for found in map(_CRASH_OF_HTTPD.match, self.lines()) if found}
        return [line for line in lines if not _is_of(line, not_ours)
                and (_TROUBLE.match(line) or _CRASH.search(line) or not _A_LINE.match(line))
                and not any(text in line for text in (*expected, _A_LATE_EAR))]
