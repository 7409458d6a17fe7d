# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The faults of the plan: name, what is held, how often in `make test`, how often before a release."""
import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    name: str     # T1, or a word
    module: str   # run(times, seed, tell) -> the figures as a sentence; AssertionError when something is not held
    rows: str     # of the promises
    held: str
    quick: int    # times, within make test
    times: int    # times, of make faults

    def run(self, times, seed, tell):
        return importlib.import_module(f"faults.{self.module}").run(times, seed, tell)


FAULTS = (
    Fault("T1", "child_kill", "H1, H2, J1", "A killed child loses nothing that was acknowledged; its answers are"
          " `interrupted` and can be asked for again", 3, 50),
    Fault("T2", "database_crash", "H4, H5", "A crash of PostgreSQL loses nothing that was acknowledged, crashes no child, and"
          " is over when it takes connections", 3, 20),
    Fault("T3", "commit_cut", "H6, J1", "A connection that is cut around a commit leaves exactly one row, whether the commit"
          " was made or not (N=0: at every octet)", 5, 100),
    Fault("T4", "refused_calls", "H4, H5, H9, L6", "One call to libpq or a socket that fails, whichever, costs at most a second"
          " try (N=0: every call of a visit)", 6, 60),
    Fault("T5", "starvation", "H16, H4, H9, L6", "Calls for memory, of sockets and of files that fail at random, whoever makes them, crash"
          " nothing of ours, give no wrong answer and lose nothing that was acknowledged", 1, 100),
    Fault("T6", "black_hole", "H7, G12", "A network that swallows or resets every packet to PostgreSQL or to the model costs"
          " seconds, not answers (needs root)", 0, 10),
    Fault("T7", "backend_faults", "H8, K1, F6", "A model's server that fails leaves what came, marked; the browser hears why;"
          " no redirect is followed", 1, 10),
    Fault("T8", "leaving", "H9, H10", "Who leaves at any octet and comes back, by HTTP/1.1, TLS or HTTP/2, reads the whole"
          " answer without gap or repeat", 10, 200),
    Fault("T9", "disk_full", "H12", "A full disk of PostgreSQL refuses questions and loses none that was acknowledged; with room"
          " again all works (needs root)", 0, 5),
    Fault("T10", "graceful_storm", "H13, G14", "Graceful restarts under load cut no stream and fail no request; a bad"
          " configuration is refused", 2, 24),
    Fault("T11", "key_rotation", "A9, H13", "The secret of the cookies changes in three steps under traffic and logs nobody"
          " out", 1, 5),
    Fault("T12", "clock", "H15, A6", "httpd's clock may jump: no child dies, no running answer ends, no session is extended,"
          " and order is PostgreSQL's", 4, 10),
    Fault("T13", "limits", "H16", "A child that may open no file, have no memory or start no thread loses nothing that was"
          " acknowledged, and all works when it may again", 1, 20),
    Fault("T14", "slow_clients", "G3, G4", "Slow senders in greater number than workers, and readers who take nothing, cost others"
          " nothing, no answer and bounded memory", 2, 40),
    Fault("T15", "overload", "G5, G7, C2", "Four times as many browsers as workers, a flood of logins and too many questions: refusals"
          " come at once and say when to come again, nothing fails, and it is over when the load is", 3, 60),
    Fault("T16", "http2_resets", "H9, G14", "Streams of HTTP/2 that are reset at random moments kill no child, cost no answer and no"
          " memory", 200, 2000),
    Fault("T17", "soak", "G14, H1", "Two hosts on one PostgreSQL, 30 users, 20 streams, N minutes: memory and descriptors stay flat, the"
          " stored text follows what readers see", 1, 30),
    Fault("T20", "races", "J1, J2, J3, J4, J5, J6, J7, J8, H11, I4", "Browsers that get into each other's way over all children leave each"
          " question once, in one order, one running answer a conversation, no row that comes back, no session that outlives its"
          " log-out, no deadlock", 0, 200),
    Fault("T28", "life_cycle_kill", "I1, I4, I5, I8, E6", "A child that is killed in an expiry, a purge or an export leaves no"
          " conversation half there; a cut export is told from a whole one", 2, 20),
    Fault("T29", "canaries", "L3, B7", "Canaries in each kind of text, passwords and the cookies of visits over crashes, kills and failing models are heard in no"
          " log, at any level", 1, 30),
    Fault("memory", "memory", "G14", "Memory of a child: what N requests of all kinds leave behind once everything that is kept has its"
          " size", 0, 100_000),
    Fault("slow", "slow_thousand", "G3", "Slow senders, N at once: a person is answered all the while", 0, 1000),
    Fault("mixed", "mixed", "H1, H2, H4, H5, H6, H8, H9, H10, H11, J1, J2, J3", "Kills and cuts of children, browsers, the model and PostgreSQL, one"
          " after another and two at a time, while tabs ask, stop, ask anew and write into one conversation", 12, 200),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
