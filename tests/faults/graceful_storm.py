# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T10: graceful restarts, one after another, while answers stream and others ask. Nothing is cut and nothing fails: the old
children finish what they have begun. Every third restart loads another copy of the module, every sixth would have a bad
configuration, which `httpd -t` refuses as apachectl does. The parent's memory does not grow with them."""
import os
import shutil
import threading
import time
from pathlib import Path

import requests

from harness.client import Client
from harness.place import BUILD

from .scene import Scene

TABS = 8
WARM = 3  # restarts until the parent has its size


class Asker(threading.Thread):
    """Asks for a history again and again, with a connection of its own each time, and remembers what went wrong."""

    def __init__(self, scene):
        super().__init__()
        self.client, self.over, self.asked, self.failures = scene.client(), threading.Event(), 0, []
        self.conversation = self.client.new_conversation()

    def run(self):
        while not self.over.is_set():
            try:
                fresh = Client(self.client.origin)
                fresh.session.cookies.update(self.client.cookies)
                status = fresh.get(f"api/conversations/{self.conversation}", headers={"Connection": "close"}).status_code
                if status != 200:
                    self.failures.append(status)
            except requests.RequestException as failure:
                self.failures.append(repr(failure))
            self.asked += 1


def resident(pid):
    """KiB of memory that a process has to itself and shares."""
    return int(next(line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line))


def _refuses_what_is_bad(server):
    good = server.config.read_text()
    server.config.write_text(good + "\nChatSessionIdleTimeout never\n")
    code, said = server.configtest()
    server.config.write_text(good)
    assert code != 0 and "ChatSessionIdleTimeout" in said, said


def _other_copy(module):
    """Put a new file in the place of the old one, as a package's upgrade does."""
    shutil.copy(BUILD / "mod_chatsession.so", f"{module}.new")
    os.rename(f"{module}.new", module)


def run(restarts, seed, tell):
    sizes, refused = [], 0
    with Scene(seed, children=2, threads=25) as scene:
        module = scene.folder / "mod_chatsession.so"
        _other_copy(module)
        scene.server.config.write_text(scene.server.config.read_text().replace(f"{BUILD}/mod_chatsession.so", str(module)))
        asker = Asker(scene)
        asker.start()
        try:
            with scene.traffic(TABS) as traffic:
                for tab in traffic.tabs:
                    tab.client.session.headers["Connection"] = "close"  # a kept connection may end between two requests
                for number in range(restarts):
                    time.sleep(scene.random.uniform(0.1, 1.5))
                    if number % 3 == 1:
                        _other_copy(module)
                    if number % 6 == 2:
                        _refuses_what_is_bad(scene.server)
                        refused += 1
                    scene.server.graceful()
                    sizes.append(resident(scene.server.pid))
                    tell(number + 1, f"{traffic.turns} turns, {asker.asked} other requests, {sizes[-1]} KiB")
        finally:
            asker.over.set()
            asker.join()
        verdict = scene.check()
        ends = traffic.total("statuses")
        assert not asker.failures, f"of {asker.asked} requests failed: {asker.failures[:5]}"
        assert not verdict.cuts and not traffic.total("refused"), f"{verdict.cuts} cut, refused: {traffic.total('refused')}"
        assert set(ends) <= {"complete"}, f"answers ended as {ends}"
    grown = (sizes[-1] - sizes[WARM]) / max(1, len(sizes) - 1 - WARM) if len(sizes) > WARM + 1 else 0
    return (f"{restarts} restarts, {refused} bad configurations refused: {verdict}; {asker.asked} other requests, none"
            f" failed; parent grew by {grown:.1f} KiB a restart")
