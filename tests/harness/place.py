# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Where things are: the tree, what was built, the folder of this run, free ports.

Everything a run writes lies under build/test-run, a folder per worker, so that it is ignored by git and two workers
never meet.
"""
import os
import shutil
import socket
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("BUILD", "build")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
RUN = TREE / "build" / "test-run" / WORKER
HTTPD = os.environ.get("HTTPD") or shutil.which("apache2", path="/usr/sbin:/usr/bin") or "/usr/sbin/httpd"
LIBEXECDIR = os.environ.get("LIBEXECDIR", "/usr/lib/apache2/modules")
SANITIZE = os.environ.get("SANITIZE", "")

_used = 0


def new_folder(name):
    """A new empty folder of this worker, named so that a person finds it after a failure."""
    global _used
    _used += 1
    folder = RUN / f"{_used:03d}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# Below the range that the kernel gives to outgoing connections, so nobody takes a port between our look and httpd's
# bind; each worker has its own thousand, and starts somewhere else in it than the run before.
_first_port = 20000 + 1000 * (int(WORKER[2:]) % 12)
_next_port = os.getpid() % 1000


def free_port():
    """A TCP port of the loopback that nobody listens on."""
    global _next_port
    for _ in range(1000):
        port = _first_port + _next_port
        _next_port = (_next_port + 1) % 1000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError(f"no free port from {_first_port} to {_first_port + 999}")


def wait_until(condition, what, seconds=15.0):
    """The first true value of condition(). AssertionError naming what was waited for when it never comes."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for: {what() if callable(what) else what}")
        time.sleep(0.02)
