# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Reading back: open a conversation of 200 messages, list 50 of 1000 conversations, search the own ones. The limit is
pgbench with the very statements that the module sends, taken from PostgreSQL's log of one request."""
import re

import requests
import people
import servers
from rig import all_good, figure, median, pairs, say, temporary, wait_until, wrk

CONNECTIONS, CLIENTS = 16, 16
CONVERSATIONS = 1000  # of a user
READERS = 20
WORD = "density"


def _fill(rig, wanted):
    """READERS users with CONVERSATIONS conversations each, one of them 200 messages long, and others until there are as
    many messages as wanted: [(user, the long conversation)]."""
    readers = people.add_users(rig.database, READERS, "reader")
    long_ones = dict(people.add_conversations(rig.database, readers, each=1, messages=200))
    people.add_conversations(rig.database, readers, each=CONVERSATIONS - 1, messages=4)
    left = wanted - READERS * (200 + (CONVERSATIONS - 1) * 4)
    while left > 0:
        say(f"    {left} messages to go")
        others = people.add_users(rig.database, 20, f"other{left}-")
        people.add_conversations(rig.database, others, each=CONVERSATIONS, messages=10)
        left -= 20 * CONVERSATIONS * 10
    rig.sql("VACUUM ANALYZE chatsession.messages")
    rig.sql("VACUUM ANALYZE chatsession.conversations")
    return list(long_ones.items())


def _logged(log):
    """[(SQL, [parameter or None, …])] of the module's statements in PostgreSQL's log, but for those about the session."""
    found = []
    for sql, parameters in re.findall(r"chatsession LOG:  duration: \S+ ms  execute [^:]*: (.*)\n.*?"
                                      r"DETAIL:  parameters: (.*)\n", log):
        values = re.findall(r"\$\d+ = (?:'((?:[^']|'')*)'|NULL)", parameters)
        if "chatsession.sessions" not in sql:
            found.append((sql, [value or None for value in values]))
    return found


def _statements(rig, url, cookie):
    """What one GET makes the module send."""
    def look():
        begin = rig.postgres.log.stat().st_size
        answer = requests.get(url, headers={"Cookie": cookie}, timeout=60)
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
        return _logged(rig.postgres.log.read_bytes()[begin:].decode())

    rig.sql("ALTER SYSTEM SET log_min_duration_statement = 0")
    rig.sql("SELECT pg_reload_conf()")
    wait_until(look, f"PostgreSQL to log the statements of {url}")  # a server process hears of it a moment later
    found = look()
    rig.sql("ALTER SYSTEM RESET log_min_duration_statement")
    rig.sql("SELECT pg_reload_conf()")
    return found


def _texts(statements, asker, reader):
    """The statements as one reader would send them: (user, conversation) of who asked in the place of the reader's."""
    swap = dict(zip(asker, reader))
    texts = []
    for sql, values in statements:
        def value(found, values=values):
            given = values[int(found[1]) - 1]
            return "NULL" if given is None else f"'{swap.get(given, given)}'"
        texts.append(re.sub(r"\$(\d+)", value, sql))
    return texts


def _scripts(rig, name, statements, owned):
    """A script for each reader, so that pgbench sends what the module sends and nothing to find out whom it is about."""
    return [temporary(rig.folder, f"{name}-{number}.pgbench",
                      "".join(f"{text};\n" for text in _texts(statements, owned[0], reader)))
            for number, reader in enumerate(owned)]


def _check(rig, statements, asker, rows):
    """The limit's last statement gives as many rows as the call shows."""
    text = _texts(statements, asker, asker)[-1]
    found = rig.database.value(f"SELECT count(*) FROM ({text}) x")
    assert found in (rows, rows + 1), f"the limit reads {found} rows, the call shows {rows}"  # one more tells of a next page


def measure(rig, size):
    owned = _fill(rig, size.messages)
    secret = people.write_secret(rig.folder)
    cookie_of = dict(zip([user for user, _ in owned], people.add_sessions(rig.database, [user for user, _ in owned], READERS)))
    server = servers.chat(rig, secret, more=f"ChatSessionDatabaseConnections {CLIENTS // 2}")
    total = rig.database.value("SELECT count(*) FROM chatsession.messages")
    rows = []
    for name, path, target in (
            ("open a conversation of 200 messages", "/chat/api/conversations/{id}", "at least 0.70"),
            ("list 50 of 1000 conversations", "/chat/api/conversations?limit=50", "at least 0.70"),
            ("search 1000 own conversations", f"/chat/api/conversations?q={WORD}&limit=50", "at least 0.70")):
        user, conversation = owned[0]
        url = f"http://127.0.0.1:{server.port}{path.format(id=conversation)}"
        statements = _statements(rig, url, cookie_of[user])
        shown = requests.get(url, headers={"Cookie": cookie_of[user]}, timeout=60).json()
        _check(rig, statements, owned[0], len(shown.get("messages") or shown.get("conversations")))
        scripts = _scripts(rig, name.split()[0], statements, owned)
        file = temporary(rig.folder, name.split()[0], "".join(
            f"{cookie_of[user]}\t{path.format(id=conversation)}\n" for user, conversation in owned))
        wrk(server.port, "/", "get.lua", 1, CONNECTIONS, file)
        limits, results, ratios = pairs(size.rounds, lambda: rig.pgbench(scripts, size.seconds, CLIENTS),
                                        lambda: wrk(server.port, "/", "get.lua", size.seconds, CONNECTIONS, file),
                                        lambda a, b: a["per_second"] / b[0])
        bad = sum(r["bad"] for r in results)
        one = wrk(server.port, "/", "get.lua", size.seconds, 1, file)
        say(f"  {name}: {median([r['per_second'] for r in results]):.0f}/s, pgbench {median([r[0] for r in limits]):.0f}/s, "
            f"{figure(ratios)}; alone p50 {one['p50']:.1f} ms, p99 {one['p99']:.1f} ms; bad {bad}")
        rows.append(("history", f"{name}, {total} messages in the table: calls/s",
                     f"{median([r['per_second'] for r in results]):.0f}",
                     f"pgbench, the same SELECT: {median([r[0] for r in limits]):.0f}/s", figure(ratios), target))
        rows.append(("history", f"{name}, {total} messages: one after the other, median and 99 of 100 below",
                     f"{one['p50']:.1f} and {one['p99']:.1f} ms", "–", "–", "at most 20 ms"))
        all_good(results, "calls")
    server.stop()
    return rows
