# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The operators' export beside PostgreSQL's COPY of the same rows: what export.py measures, as rows of the table."""
import json
import subprocess
import sys

from rig import HERE, say


def measure(rig, size):
    result = subprocess.run([sys.executable, str(HERE / "export.py"), "--messages", str(size.messages), "--rounds",
                             str(size.rounds)], stdout=subprocess.PIPE, text=True, check=True)
    rows = []
    for line in result.stdout.splitlines():
        found = json.loads(line)
        ratio = f"{found['of_limit']:.2f} ({found['least']:.2f} to {found['most']:.2f})"
        say(f"  {found['figure']}: {ratio} of the limit, memory +{found['child_memory_up_mib']} MiB")
        rows += [("export", f"{found['figure']}, {found['messages']} messages: messages/s",
                  str(found["messages_per_second"]), "psql, COPY of the same SELECT", ratio, "at least 0.95"),
                 ("export", "memory of the child, up", f"{found['child_memory_up_mib']} MiB", "–", "–", "at most 32 MiB")]
    return rows
