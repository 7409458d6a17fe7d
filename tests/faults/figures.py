# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The section of docs/promises.md that the runs write themselves: a row for each fault, the largest run that held."""
import re
from datetime import date

from harness.place import SANITIZE, TREE

PAGE = TREE / "docs" / "promises.md"
BEGIN, END = "<!-- figures of make faults: begin -->", "<!-- figures of make faults: end -->"
HEAD = "| Fault | Held | Rows | Command | Date | Result |\n|---|---|---|---|---|---|\n"


def _order(line):
    """As the plan numbers them; what has a name in place of a number comes last."""
    number = re.match(r"\| T(\d+)", line)
    return int(number[1]) if number else 10**9


def write(fault, times, seed, result):
    """Put this run's row in the place of the fault's last one, unless that was of a larger run."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    table, after = rest.split(END)
    rows = {line.split("|")[1].strip(): line for line in table.splitlines()
            if line.startswith("| ") and line not in HEAD}
    # On a build that a sanitizer watches it is another fact.
    name, watched = (f"{fault.name} ({SANITIZE})", f" SANITIZE={SANITIZE}") if SANITIZE else (fault.name, "")
    last = re.search(r" N=(\d+) ", rows.get(name, ""))
    everything = 10**9  # N=0: every octet
    if last and (int(last[1]) or everything) > (times or everything):
        return
    cell = result.replace("|", "\\|").replace("\n", " ")
    rows[name] = (f"| {name} | {fault.held} | {fault.rows} | `make faults T={fault.name} N={times} SEED={seed}{watched}` "
                  f"| {date.today()} | {cell} |")
    table = HEAD + "\n".join(sorted(rows.values(), key=_order))
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
