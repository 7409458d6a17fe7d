# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The faults of the plan: name, what is held, how often in `make test`, how often before a release."""
import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    name: str     # T1
    module: str   # run(times, seed, tell) -> the figures as a sentence; AssertionError when something is not held
    rows: str     # of the promises
    held: str
    quick: int    # times, within make test
    times: int    # times, of make faults

    def run(self, times, seed, tell):
        return importlib.import_module(f"faults.{self.module}").run(times, seed, tell)


FAULTS = (
    Fault("T1", "child_kill", "H1, H2, J1", "A killed child loses nothing that was acknowledged; its answers are"
          " `interrupted` and can be asked for again", 5, 50),
    Fault("T2", "database_crash", "H4, H5", "A crash of PostgreSQL loses nothing that was acknowledged, crashes no child, and"
          " is over when it takes connections", 3, 20),
    Fault("T3", "commit_cut", "H6, J1", "A connection that is cut around a commit leaves exactly one row, whether the commit"
          " was made or not (N=0: at every octet)", 8, 100),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
