# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""`make bench`: measure each category beside its limit, print a table, and write it into docs/performance.md.

    make bench                               # all categories at small size, about five minutes
    make bench BENCH="session turn" ROUNDS=9 # some of them, more rounds
"""
import argparse
import importlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import report  # noqa: E402
from rig import Rig, say  # noqa: E402

# A category and the file beside this one that measures it.
CATEGORIES = {"session": "session", "turn": "turn", "stream": "stream", "history": "history", "export": "exports"}


@dataclass(frozen=True)
class Size:
    """How much of everything."""
    rounds: int
    seconds: int
    sessions: int
    streams: int
    messages: int


def _arguments():
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("category", nargs="*", help=f"of {' '.join(CATEGORIES)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of limit and candidate")
    parser.add_argument("--seconds", type=int, default=2, help="of one measurement")
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--streams", type=int, default=1000, help="open at once")
    parser.add_argument("--messages", type=int, default=100000, help="in the table when history is measured")
    parser.add_argument("--no-document", action="store_true", help="print the table only")
    given = parser.parse_args()
    unknown = set(given.category) - set(CATEGORIES)
    if unknown:
        parser.error(f"{' '.join(sorted(unknown))}: a category is one of {' '.join(CATEGORIES)}")
    return given


def main():
    given = _arguments()
    size = Size(given.rounds, given.seconds, given.sessions, given.streams, given.messages)
    categories = given.category or list(CATEGORIES)
    rows, began, busy = [], time.monotonic(), report.busy()
    if busy:
        say("The machine is busy with other work: the ratios will be no result.")
    for number, name in enumerate(categories, 1):
        say(f"{name} ({number} of {len(categories)}, {time.monotonic() - began:.0f} s so far)")
        category = importlib.import_module(CATEGORIES[name])
        with Rig() as rig:
            rows += category.measure(rig, size)
    print(report.table(rows))
    if not given.no_document:
        report.write(rows, categories, was_busy=busy)
    say(f"{time.monotonic() - began:.0f} s in all; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
