# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T12: httpd's clock jumps, a day back, a month on, past 2038 and 2106, while PostgreSQL's stays right. No child dies, no
session lives longer for it than the database allows, the order of messages is that of their sending, and when the clock
is right again everything works."""
import os

from harness.client import Client
from harness.place import new_folder, wait_until

from .scene import Scene

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
YEAR = 365 * 86400
# Seconds by which httpd's clock is wrong, and whether it is before the database's.
JUMPS = ("-1d", "+31d", "+1d", f"+{12 * YEAR}", f"+{80 * YEAR}", "-3600", "+7200")

# libpq reckons how long it may take to connect by the clock that jumps; the request asks again.
CONNECTING = ("failed: timeout expired",)


class Clock:
    """The file that libfaketime reads at every call."""

    def __init__(self, folder):
        self._file = folder / "clock"
        self.set("+0")
        os.environ.update(FAKETIME_TIMESTAMP_FILE=str(self._file), FAKETIME_NO_CACHE="1",
                          FAKETIME_DONT_FAKE_MONOTONIC="1")

    def set(self, offset):
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.chmod(0o644)
        os.rename(new, self._file)

    def close(self):
        for name in ("FAKETIME_TIMESTAMP_FILE", "FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC"):
            os.environ.pop(name, None)


def _with(scene, cookies):
    """The status of a call that needs a session, with these cookies and by a new connection."""
    client = Client(scene.server.url)
    client.session.cookies.update(cookies)
    return client.get("api/conversations").status_code


def _jump(scene, clock, offset, seasoned, over):
    """Everything at one wrong time, and afterwards at the right one."""
    clock.set(offset)
    # A token that claims to be of the future is refused; that is a clock that went back, for who logged in before.
    allowed = (200, 401) if offset.startswith("-") else (200,)
    assert (status := _with(scene, seasoned)) in allowed, f"{offset}: a session of before is answered with {status}"
    assert (status := _with(scene, over)) == 401, f"{offset}: a session that was ended is answered with {status}"
    client = scene.client(scene.random.choice(scene.users))
    turn = client.turn(client.new_conversation(), "what time is it?")
    assert turn.done["status"] == "complete", f"{offset}: {turn.done}"
    for name, seconds in scene.database.rows("SELECT 'begun', abs(extract(epoch FROM now() - max(created_at))) FROM"
                                             " chatsession.sessions UNION ALL SELECT 'written', abs(extract(epoch FROM now()"
                                             " - max(created_at))) FROM chatsession.messages"):
        assert seconds < 60, f"{offset}: {name} {seconds} s away from PostgreSQL's clock"
    clock.set("+0")
    assert (status := _with(scene, seasoned)) == 200, f"after {offset}: the session is answered with {status}"
    assert (status := _with(scene, over)) == 401, f"after {offset}: an ended session is answered with {status}"


def run(jumps, seed, tell):
    clock = Clock(new_folder("clock"))
    try:
        with Scene(seed, children=2, preload=[LIBRARY], lines=["ChatSessionMaxPerUser 0"]) as scene:
            seasoned, ended = scene.client().cookies, scene.client()
            over = dict(ended.cookies)
            ended.logout()
            children = scene.server.children
            with scene.traffic(6, waits_for=(401,)) as traffic:
                for number in range(jumps):
                    offset = JUMPS[number] if number < len(JUMPS) else scene.random.choice(JUMPS)
                    turns = traffic.turns
                    wait_until(lambda: traffic.turns >= turns + 2, "answers to be written", 60)
                    _jump(scene, clock, offset, seasoned, over)
                    tell(number + 1, f"{traffic.turns} turns")
            ends = traffic.total("statuses")
            verdict = scene.check(CONNECTING)
            assert scene.server.children == children, "a child died of a clock"
            assert set(ends) == {"complete"}, f"answers that ran over a jump ended as {ends}"
    finally:
        clock.close()
    return f"{jumps} jumps ({', '.join(JUMPS)}): {verdict}; all answers complete, no session revived or extended"
