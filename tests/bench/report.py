# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The table of a run: rows of (category, what, ours, limit, ratio, target)."""
import time

from rig import TREE, commit, machine, versions

DOCUMENT = TREE / "docs" / "performance.md"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"
_HEAD = ("| Category | What | Ours | Limit, measured beside it | Ratio: median (range) | Target |\n"
         "|---|---|---:|---|---:|---|\n")


def table(rows):
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _kept(text, categories):
    """The rows of categories that this run did not measure."""
    rows = [tuple(cell.strip() for cell in line.strip("| ").split("|")) for line in text.splitlines()
            if line.startswith("| ") and not line.startswith("| Category")]
    return [row for row in rows if row[0] not in categories]


def write(rows, categories):
    """Replace the measured categories' rows in the document."""
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    rows = _kept(old, categories) + list(rows)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    lead = f"Measured {when} at {commit()} on {machine()}; {versions()}.\n\n"
    DOCUMENT.write_text(f"{before}{BEGIN}\n{lead}{table(sorted(rows, key=lambda row: row[0]))}{END}{after}")
