# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What a fault is run on: a PostgreSQL of its own, a model in an httpd of its own, the httpd under test, users, a ledger;
and what must hold after every fault, whatever it was.

    with Scene(seed, children=4, pace="20ms") as scene:
        with scene.traffic(10) as tabs: ...
        scene.check()
"""
import random
import time

from harness.client import Client
from harness.httpd import Httpd
from harness.place import new_folder, wait_until
from harness.postgres import Postgres, new_database
from harness.relay import Relay, postgres_relay

from .ledger import Ledger
from .traffic import Traffic

# So that a run needs no minutes: an answer without a writer is given up after 3 s instead of 10.
LINES = ("ChatSessionTurnSilence 3s", "ChatSessionSweepInterval 500ms", "ChatSessionUserTurns 0")
STUCK = 15  # seconds until no answer may be called streaming whose writer is gone
CONNECTIONS_AT_REST = 15


class Scene:
    def __init__(self, seed=1, *, children=2, threads=25, lines=(), pace="20ms", model_threads=128, fsync=True, users=3,
                 rule=None, model=None, model_rule=None, settings=None, tcp=False, prepare=None, **options):
        """rule: PostgreSQL is reached through a relay with this rule; model_rule: the model. model: the URL of another one. tcp: httpd reaches
        PostgreSQL over TCP, which only a network of one's own has the port for. prepare(cluster) is called before it starts."""
        self.random = random.Random(seed)
        self.folder = new_folder("fault")
        self.cluster = Postgres(fsync=fsync, settings={**(settings or {}), **({"listen_addresses": "127.0.0.1"} if tcp else {})})
        self.model = self.relay = self.model_relay = None
        self.audited = {}  # {action: (at least, at most)}: entries that the run's own doings must have left
        try:
            self.prepared = prepare(self.cluster) if prepare else None
            self.cluster.start()
            self.database = new_database(self.cluster)
            self.users = [self.database.add_user(f"user{number}") for number in range(users)]
            conninfo = self.database.conninfo
            if tcp:
                conninfo = conninfo.replace(self.cluster.host, "127.0.0.1")
            if rule:
                self.relay = postgres_relay(self.cluster, rule)
                conninfo = conninfo.replace(self.cluster.host, str(self.relay.folder))
            if not model:
                self.model = Httpd(bare=True, mock=f"echo wait=0ms pace={pace}", threads=model_threads).start()
                model = self.model.mock_url
            if model_rule:
                self.model_relay = Relay(self.model.mock_port, model_rule)
                model = f"{self.model_relay.url}/v1"
            self.server = Httpd(conninfo, lines=[*LINES, *lines], backends=[f"mock {model}"], children=children,
                                threads=threads, **options).start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.ledger = Ledger(self.folder)
        self.began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in (getattr(self, "server", None), self.model):
            if server:
                server.end()
        for relay in (self.relay, self.model_relay):
            if relay:
                relay.close()
        self.cluster.remove()

    def audit(self, action, certain=True):
        """Count one doing that must have left an entry, or, if it was cut, may have."""
        least, most = self.audited.get(action, (0, 0))
        self.audited[action] = (least + certain, most + 1)

    def client(self, user=None):
        client = Client(self.server.url)
        client.login(user or self.users[0])
        return client

    def traffic(self, tabs, **options):
        """Browsers that send, read, and take up what was cut, until the with block ends."""
        return Traffic(self, tabs, **options)

    def model_calls(self):
        return sum('"POST' in line for line in self.model.access_log)

    # --- after every fault

    def check(self, vouched=()):
        """AssertionError unless everything is as before the fault and nothing is lost; the ledger's verdict."""
        wait_until(lambda: not self.database.value("SELECT count(*) FROM chatsession.live_turns"),
                   "the answers whose writer is gone to be given up", STUCK)
        verdict = self.ledger.compare(self.database)
        problems = [*verdict.problems, *self._connections(), *self._log(vouched), *self._audit(), *self._cores()]
        assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:40])
        return verdict

    def _connections(self):
        """PostgreSQL at rest: nobody works or waits in a transaction."""
        busy = "SELECT state, query FROM pg_stat_activity WHERE usename = 'chatsession' AND state NOT LIKE 'idle'"
        try:
            wait_until(lambda: not self.database.rows(busy), "PostgreSQL to be at rest", CONNECTIONS_AT_REST)
        except AssertionError:
            return [f"connection {state}: {query[:100]}" for state, query in self.database.rows(busy)]
        return []

    def _log(self, vouched):
        self.server.log.expect(*vouched)
        lines = self.server.log.unexpected()
        if self.model:
            # A client of the model that died or was reset.
            self.model.log.expect("AH00491")
            lines += self.model.log.unexpected()
        return [f"log: {line}" for line in lines]

    def _audit(self):
        found = dict(self.database.rows("SELECT action, count(*) FROM chatsession.audit_entries GROUP BY action"))
        problems = []
        for action in sorted(found.keys() | self.audited.keys()):
            least, most = self.audited.get(action, (0, 0))
            if not least <= found.get(action, 0) <= most:
                problems.append(f"audit: {found.get(action, 0)} entries {action}, there should be {least} to {most}")
        return problems

    def _cores(self):
        return [f"core: {path}" for folder in (self.server.folder, self.cluster.folder)
                for path in folder.rglob("core*") if path.is_file()]
