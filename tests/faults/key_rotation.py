# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T11: the secret that signs cookies is changed in its three steps, a graceful restart after each, under traffic: the new one
is added, comes first, and the old one goes when every browser has a cookie of the new one. Nobody is logged out, neither by
a child of the old generation nor by one of the new; and a cookie that never came back is worth nothing in the end."""
import os

from harness.client import Client
from harness.place import wait_until

from .scene import Scene

TABS = 6


def _secret(scene, number):
    path = scene.server.folder / f"secret-{number}"
    path.touch(mode=0o600)
    path.write_bytes(os.urandom(48))
    return path


def _use(scene, *secrets):
    """Write the list of secrets into the configuration; in force, and seen by every tab, when it returns."""
    lines = scene.server.config.read_text().splitlines()
    words = " ".join(f'"{path}"' for path in secrets)
    lines = [f"ChatSessionSecretFile {words}" if line.startswith("ChatSessionSecretFile ") else line for line in lines]
    scene.server.config.write_text("\n".join(lines) + "\n")
    scene.server.graceful()


def _cookies(traffic):
    return [tab.client.cookies.get("sid") for tab in traffic.tabs]


def run(rotations, seed, tell):
    with Scene(seed, children=2, lines=["ChatSessionMaxPerUser 0"]) as scene:
        secret = scene.server.folder / "secret"
        with scene.traffic(TABS) as traffic:
            for tab in traffic.tabs:
                tab.client.session.headers["Connection"] = "close"  # a kept connection may end between two requests
            for number in range(rotations):
                asleep = dict(scene.client().cookies)
                new = _secret(scene, number)
                _use(scene, secret, new)
                before = _cookies(traffic)
                _use(scene, new, secret)
                wait_until(lambda: all(old != now for old, now in zip(before, _cookies(traffic))),
                           "every browser's cookie to be signed anew", 60)
                _use(scene, new)
                secret = new
                sleeper = Client(scene.server.url)
                sleeper.session.cookies.update(asleep)
                assert sleeper.get("api/conversations").status_code == 401, "a cookie of a secret that is gone still counts"
                tell(number + 1, f"{traffic.turns} turns")
        verdict = scene.check()
        assert not verdict.cuts and not traffic.total("refused"), f"{verdict.cuts} cut, refused: {traffic.total('refused')}"
    return f"{rotations} rotations, {3 * rotations} restarts: {verdict}; nobody was logged out who asked in time"
