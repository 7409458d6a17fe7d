# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""After a run nothing is left: no process (and with it no port), no file outside the ignored folders.

It ends and deletes nothing: what is left is a defect of the test that left it, and fails the run.
"""
import os
import subprocess
import time
from pathlib import Path

from .place import MARK, TREE
from .process import marked_processes

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
# What httpd, PostgreSQL, Chromium and pytest would leave when they are stopped in the wrong way.
# Our own have the run's name in theirs, because several runs may be under way on one machine.
_OURS = ("modproxy.tmp.", "pgsql_tmp", "org.chromium.", ".org.chromium.", "scoped_dir", "chrome_",
         "chromium", ".com.google.Chrome", "pytest-of-")
_STRAY = ("core", "core.*", "*.log", "*.pid", "*.sock", "*.tmp", ".pytest_cache")


class Look:
    """Made when a run begins; problems() when it ends."""

    def __init__(self):
        self._before = self._temporary_files() | self._stray_files()

    @staticmethod
    def _temporary_files():
        return {entry for folder in _TEMPORARY if os.path.isdir(folder) for entry in Path(folder).iterdir()
                if entry.name.startswith(_OURS) or os.environ[MARK] in entry.name}

    @staticmethod
    def _stray_files():
        """Files in the tree that git would show as new and that no editor makes."""
        result = subprocess.run(["git", "-C", str(TREE), "ls-files", "-z", "--others", "--exclude-standard"],
                                capture_output=True, text=True)
        names = [Path(name) for name in result.stdout.split("\0") if name]
        return {TREE / name for name in names if any(part.match(pattern) for pattern in _STRAY for part in
                                                     (name, *name.parents))}

    def problems(self):
        """A sentence for each thing that is left. Processes get a moment to finish what they are doing."""
        deadline = time.monotonic() + 5
        while (processes := marked_processes(os.environ[MARK])) and time.monotonic() < deadline:
            time.sleep(0.05)
        files = (self._temporary_files() | self._stray_files()) - self._before
        return [f"process {pid}: {command}" for pid, command in processes] + [f"file {path}" for path in sorted(files)]
