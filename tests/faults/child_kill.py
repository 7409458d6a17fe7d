# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T1: a child of httpd is killed, again and again, at random moments of many streams."""
import time

from .scene import Scene

# How a killed child's connection to PostgreSQL and to the model ends is no trouble of the others.
TABS = 12


def run(kills, seed, tell):
    with Scene(seed, children=4) as scene:
        with scene.traffic(TABS) as traffic:
            for number in range(kills):
                time.sleep(scene.random.uniform(0.05, 0.6))  # the moment is the fault's, not something to wait for
                scene.server.kill_child(scene.random.choice(scene.server.children))
                tell(number + 1, f"{traffic.turns} turns")
        verdict = scene.check()
        ends = traffic.total("statuses")
    return f"{kills} kills: {verdict}; behind the reader by at most {verdict.behind * 1000:.0f} ms; ends: {ends}"
