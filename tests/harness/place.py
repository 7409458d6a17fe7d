# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Where things are: the tree, what was built, the folder of this run, free ports.

Everything a run writes lies under build/test-run, a folder per run and worker, so that it is ignored by git and neither
two workers nor two runs ever meet. A run's folder stays, for whoever looks into a failure, until the next run begins.
"""
import fcntl
import hashlib
import os
import re
import shutil
import socket
import time
import uuid
from pathlib import Path

# Inherited by every process of a run: its name, which begins with the pid of the pytest that was called.
MARK = "CHATSESSION_TEST_RUN"
os.environ.setdefault(MARK, f"{os.getpid()}-{uuid.uuid4().hex[:12]}")


# Of the tree's name. What follows it to the longest socket of a run takes 68 octets; the address of a socket holds 107,
# and httpd takes 95 of a model's.
_LONGEST_TREE = 32


def _usable(tree):
    """The tree, by a name that can stand where its own cannot: LD_PRELOAD has no way to quote white space, a connection
    string, a directive and a model's address each have another, and a unix socket's address is short."""
    if not re.search(r"\s", str(tree)) and len(os.fsencode(tree)) <= _LONGEST_TREE:
        return tree
    name = hashlib.sha256(os.fsencode(tree)).hexdigest()[:8]
    link = Path("/tmp", f"cs-tree-{os.getuid()}-{name}")
    try:
        link.symlink_to(tree)
    except FileExistsError:
        if link.lstat().st_uid != os.getuid() or link.resolve() != tree:
            raise RuntimeError(f"{link} is in the way: it should be a link of ours to {tree}; remove it") from None
    return link


TREE = _usable(Path(__file__).resolve().parents[2])
BUILD = TREE / os.environ.get("BUILD", "build")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
RUNS = TREE / "build" / "test-run"
RUN = RUNS / f"run-{os.environ[MARK]}" / WORKER
HTTPD = os.environ.get("HTTPD") or shutil.which("apache2", path="/usr/sbin:/usr/bin") or "/usr/sbin/httpd"
LIBEXECDIR = os.environ.get("LIBEXECDIR", "/usr/lib/apache2/modules")
SANITIZE = os.environ.get("SANITIZE", "")
# Words before the name of a C test program: valgrind and its options.
WRAPPER = os.environ.get("TEST_WRAPPER", "").split()

_used = 0


def remove_old_runs():
    """Delete the folders of runs whose pytest is gone."""
    for folder in RUNS.glob("run-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            shutil.rmtree(folder, ignore_errors=True)


def new_folder(name):
    """A new empty folder of this worker, named so that a person finds it after a failure."""
    global _used
    _used += 1
    folder = RUN / f"{_used:03d}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# Below the range that the kernel gives to outgoing connections, so nobody takes a port between our look and httpd's
# bind; a locked file keeps other workers and runs of this tree away from it until it is given back or this process ends.
_FIRST_PORT, _LAST_PORT = 20000, 31999
_next_port = _FIRST_PORT + os.getpid() * 37 % (_LAST_PORT - _FIRST_PORT)
_reserved = {}


def free_port():
    """A TCP port of the loopback that nobody listens on and nobody else of the tests will be given."""
    global _next_port
    (RUNS / "ports").mkdir(parents=True, exist_ok=True)
    for _ in range(_LAST_PORT - _FIRST_PORT):
        port, _next_port = _next_port, _next_port + 1 if _next_port < _LAST_PORT else _FIRST_PORT
        reservation = open(RUNS / "ports" / str(port), "w")
        try:
            fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reserved[port] = reservation
        return port
    raise RuntimeError(f"no free port from {_FIRST_PORT} to {_LAST_PORT}")


def give_port_back(port):
    """Of hundreds of servers, each open file would count: psycopg waits with select(), which ends at 1024."""
    reservation = _reserved.pop(port, None)
    if reservation:
        reservation.close()


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
