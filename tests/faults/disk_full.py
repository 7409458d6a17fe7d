# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T9: the disk of PostgreSQL, data and write-ahead log, fills up under traffic and is emptied again. What was acknowledged is
there; questions are refused meanwhile with a status that asks to come again, and httpd needs no restart."""
import contextlib
import subprocess
import time

from harness.place import wait_until

from .database_crash import AWAY, _first_success
from .scene import Scene

SIZE = "160m"  # a cluster has 40 MiB, and a fresh segment of the write-ahead log 16
TABS = 4


@contextlib.contextmanager
def small_disk(cluster):
    """The cluster's data on a file system of that size. Needs root."""
    data, disk = cluster._data, cluster.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{data}/.", str(disk)], check=True)
        subprocess.run(["mount", "--bind", str(disk), str(data)], check=True)
        try:
            yield disk / "ballast"
        finally:
            cluster.stop("immediate")
            subprocess.run(["umount", str(data)], check=True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(ballast):
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 65536):
            pass


def _restart_if_down(cluster):
    """A full log is a PANIC, and a recovery without room ends the postmaster."""
    if not cluster.running:
        cluster.start()


def run(times, seed, tell):
    down = 0
    with contextlib.ExitStack() as stack:
        scene = Scene(seed, children=1, tcp=False, pace="10ms", lines=["ChatSessionDatabaseWait 500ms"],
                      prepare=lambda cluster: stack.enter_context(small_disk(cluster)), settings={
                          "wal_init_zero": "off", "wal_recycle": "off", "min_wal_size": "32MB", "max_wal_size": "48MB"})
        stack.enter_context(scene)
        scene.server.expect_log(*AWAY)
        client = scene.client()
        conversation = client.new_conversation()
        client.turn(conversation, "kept")
        children = scene.server.children
        with scene.traffic(TABS, waits_for=(507,)) as traffic:
            for number in range(times):
                turns = traffic.turns
                wait_until(lambda: traffic.turns > turns + 3, "answers to be written", 30)
                _fill(scene.prepared)
                # Until somebody was refused, or, where there is still room in an open segment, a while.
                refused, deadline = sum(traffic.total("refused").values()), time.monotonic() + 4
                while sum(traffic.total("refused").values()) == refused and time.monotonic() < deadline:
                    time.sleep(0.05)
                scene.prepared.unlink()
                down += not scene.cluster.running
                _restart_if_down(scene.cluster)
                _first_success(client, conversation)
                tell(number + 1, f"{traffic.turns} turns, refused: {traffic.total('refused')}")
        verdict = scene.check(AWAY)
        assert scene.server.children == children, "a child of httpd died of its database's disk"
        ends, told = traffic.total("statuses"), traffic.total("refused")
    return f"{times} full disks, PostgreSQL ended by {down}: {verdict}; ends: {ends}; refused: {told}"
