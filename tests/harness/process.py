# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Processes that the tests start: they end when the test process ends, however it ends, and none is left behind."""
import ctypes
import os
import signal
from pathlib import Path

from .place import MARK

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dies_with_parent(signal_number=signal.SIGTERM):
    """For subprocess's preexec_fn: the kernel sends signal_number to the child when this process is gone."""
    parent = os.getpid()

    def set_signal():
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return set_signal


def children_of(pid):
    """The pids of pid's own children."""
    pids = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            pids += [int(word) for word in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return sorted(pids)


def is_running(pid):
    """Whether pid exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def marked_processes(mark):
    """[(pid, command line)] of every process that inherited the mark of this run, without this one's own line of
    ancestors and descendants that are part of pytest itself."""
    found = []
    needle = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if needle in environment and is_running(int(entry.name)):
            found.append((int(entry.name), command))
    return found
