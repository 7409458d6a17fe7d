# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The table of a run: rows of (category, what, ours, limit, ratio, target)."""
import os
import time

from rig import TREE, commit, machine, versions

DOCUMENT = TREE / "docs" / "performance.md"
# What stands around a table in the document.
FIGURES = ("<!-- make bench writes from here -->", "<!-- to here -->")
GROWTH = ("<!-- make bench-growth writes from here -->", "<!-- to here: growth -->")
_HEAD = ("| Category | What | Ours | Limit, measured beside it | Ratio: median (range) | Target |\n"
         "|---|---|---:|---|---:|---|\n")


def table(rows):
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _kept(text, categories):
    """The rows of categories that this run did not measure."""
    rows = [tuple(cell.strip() for cell in line.strip("| ").split("|")) for line in text.splitlines()
            if line.startswith("| ") and not line.startswith("| Category")]
    return [row for row in rows if row[0] not in categories]


def busy():
    """Whether the machine does something else than what is about to be measured: then the side with more processes gets
    more of the processors, and a ratio of throughputs says nothing, however often it is taken."""
    return os.getloadavg()[0] > os.cpu_count() / 2


def write(rows, categories, place=FIGURES, was_busy=False):
    """Replace the measured categories' rows in the document; categories None: all of them."""
    before, rest = DOCUMENT.read_text().split(place[0])
    old, after = rest.split(place[1])
    if categories is not None:
        rows = sorted(_kept(old, categories) + list(rows), key=lambda row: row[0])
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    lead = f"Measured {when} at {commit()} on {machine()}; {versions()}.\n\n"
    if was_busy:
        lead += ("**The machine was busy with other work when this began, so the ratios are no result**: they show that the "
                 "measurement runs. Repeat it on a quiet machine.\n\n")
    DOCUMENT.write_text(f"{before}{place[0]}\n{lead}{table(rows)}{place[1]}{after}")
