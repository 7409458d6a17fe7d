#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Export beside PostgreSQL's own COPY of the same rows, in rounds that alternate; a line of JSON for each figure.

    tests/bench/export.py [--messages 1000000] [--rounds 5] [--formats ndjson]

It needs the built tree (make all) and makes everything else itself: a PostgreSQL cluster and its rows, an httpd on the
loopback. The limit is psql's COPY (SELECT …) TO STDOUT of the statement that the module itself sends, taken out of
PostgreSQL's log; ours is curl over HTTP, with digest and last line. Memory is the growth of the largest child. What
counts is the ratio of neighbours: machines are noisy.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.client import log_in  # noqa: E402
from harness.httpd import Httpd  # noqa: E402
from harness.postgres import Postgres, new_database, program  # noqa: E402

PER_CONVERSATION = 10
# What the module sets for its walk and what is quicker: the limit has it too.
AS_OURS = {**os.environ, "LC_ALL": "C.UTF-8", "PGOPTIONS": "-c jit=off"}
ROWS = """
INSERT INTO chatsession.conversations (user_id, title, created_at, updated_at, message_count)
  SELECT u.id, 'conversation ' || n, now() - n * interval '1 second', now() - n * interval '1 second', {per}
  FROM chatsession.users u, generate_series(1, {messages} / {per}) n WHERE u.name = 'mika';
INSERT INTO chatsession.messages (conversation_id, seq, role, status, content, created_at)
  SELECT c.id, s, 'user', 'complete', s || ' ' || repeat(md5(c.title), 5) || E' caf\\u00e9 "quoted"\\n', c.created_at
  FROM chatsession.conversations c, generate_series(1, {per}) s ORDER BY c.created_at DESC, s;
ANALYZE chatsession.conversations; ANALYZE chatsession.messages;
"""


def say(**figures):
    print(json.dumps({"category": "export", **figures}), flush=True)


def fill(database, messages):
    begin = time.monotonic()
    with database.connect() as connection:
        connection.execute("SET synchronous_commit = off")
        for statement in ROWS.format(messages=messages, per=PER_CONVERSATION).split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("VACUUM chatsession.messages")
        connection.execute("CHECKPOINT")
    print(f"{messages} messages made in {time.monotonic() - begin:.0f} s", file=sys.stderr)


def own_statement(postgres, database, client):
    """The statement of an export of all, with its parameters in their places."""
    database.rows("ALTER ROLE chatsession SET log_statement = 'all'")
    database.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'chatsession'")
    assert client.get("api/export?state=all").status_code == 200
    database.rows("ALTER ROLE chatsession RESET log_statement")
    log = postgres.log.read_text(encoding="utf-8", errors="replace")
    begin = log.rindex("CURSOR FOR ") + len("CURSOR FOR ")
    sql, _, rest = log[begin:].partition("\n")
    given = re.search(r"DETAIL:  parameters: (.*)", rest).group(1)
    values = dict(re.findall(r"\$(\d+) = (NULL|'(?:[^']|'')*')", given))
    database.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'chatsession'")
    watermark = max(values, key=int)
    values[watermark] = "'infinity'"
    return re.sub(r"\$(\d+)", lambda match: values[match.group(1)], sql)


def by_copy(database, sql):
    """(seconds, octets) of psql; it has nothing but its speed to look after."""
    begin = time.monotonic()
    with subprocess.Popen([program("psql"), "-Xq", "-d", database.superuser, "-c", f"COPY ({sql}) TO STDOUT"],
                          stdout=subprocess.DEVNULL, env=AS_OURS) as process:
        assert process.wait() == 0
    return time.monotonic() - begin


def check_copy(database, sql, messages):
    """The limit copies what the export holds: a line for each message, and some beside them."""
    with subprocess.Popen([program("psql"), "-Xq", "-d", database.superuser, "-c", f"COPY ({sql}) TO STDOUT"],
                          stdout=subprocess.PIPE) as process:
        lines = sum(1 for _ in process.stdout)
    assert lines >= messages, f"COPY gave {lines} lines for {messages} messages: it is no limit of an export of all"


def by_fetch(database, sql):
    begin = time.monotonic()
    with subprocess.Popen([program("psql"), "-XqAt", "-v", "FETCH_COUNT=2000", "-d", database.superuser, "-c", sql],
                          stdout=subprocess.DEVNULL, env=AS_OURS) as process:
        assert process.wait() == 0
    return time.monotonic() - begin


def memory_of(pid):
    """Resident octets that no other process shares."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB", text, re.MULTILINE)) * 1024


def times_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """The growth of the children's memory and their CPU time while something runs."""

    def __init__(self, httpd):
        self.pids = httpd.children
        self.before = {pid: memory_of(pid) for pid in self.pids}
        self.cpu = {pid: times_of(pid) for pid in self.pids}
        self.most, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self):
        while not self._over.wait(0.05):
            self.most = max(self.most, *(memory_of(pid) - self.before[pid] for pid in self.pids))

    def end(self):
        self._over.set()
        self._thread.join()
        return self.most, sum(times_of(pid) - self.cpu[pid] for pid in self.pids)


def by_http(httpd, client, form, compress):
    """(seconds, first octet, octets, growth, CPU seconds) of curl."""
    url = client.url(f"api/export?state=all&format={form}&compress={compress}")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies)
    watch = Watch(httpd)
    try:
        result = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-H", f"Cookie: {cookies}", "-w",
                                 "%{http_code} %{time_total} %{time_starttransfer} %{size_download}", url],
                                check=True, capture_output=True, text=True)
    finally:
        growth, cpu = watch.end()
    status, seconds, first, octets = result.stdout.split()
    assert status == "200", result.stdout
    return float(seconds), float(first), int(octets), growth, cpu


def measure(httpd, database, client, sql, options):
    check_copy(database, sql, options.messages)  # warms the cache, too
    for form in options.formats.split(","):
        name, _, compress = form.partition("+")
        ratios, figures = [], []
        for turn in range(options.rounds):
            if turn % 2:
                ours, limit = by_http(httpd, client, name, compress or "none"), by_copy(database, sql)
            else:
                limit, ours = by_copy(database, sql), by_http(httpd, client, name, compress or "none")
            ratios.append(limit / ours[0])
            figures.append(ours)
            print(f"{form}: copy {limit:.2f} s, http {ours[0]:.2f} s, ratio {ratios[-1]:.3f}", file=sys.stderr)
        middle = sorted(figures)[len(figures) // 2]
        say(figure=f"{form} over HTTP", of_limit=round(statistics.median(ratios), 3), least=round(min(ratios), 3),
            most=round(max(ratios), 3), rounds=options.rounds, messages=options.messages,
            messages_per_second=round(options.messages / middle[0]), megabytes_per_second=round(middle[2] / middle[0] / 1e6, 1),
            first_octet_ms=round(statistics.median(one[1] for one in figures) * 1000), octets=middle[2],
            child_memory_up_mib=round(max(one[3] for one in figures) / 2**20, 1), child_cpu_seconds=round(middle[4], 2))
    if options.fetch:
        pairs = [(by_copy(database, sql), by_fetch(database, sql)) for _ in range(options.rounds)]
        say(figure="psql FETCH 2000", of_limit=round(statistics.median(copy / fetch for copy, fetch in pairs), 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--formats", default="ndjson", help="separated by commas, each with +gzip or without")
    parser.add_argument("--fetch", action="store_true", help="psql by a cursor beside psql by COPY, too")
    parser.add_argument("--wait", action="store_true", help="leave the servers up until a line is read, for a profiler")
    options = parser.parse_args()
    postgres = Postgres(settings={"shared_buffers": "512MB", "max_wal_size": "8GB", "work_mem": "32MB"}).start()
    httpd = None
    try:
        database = new_database(postgres)
        user, operator = database.add_user("mika"), database.add_user("otto", "operator")
        assert user
        fill(database, options.messages)
        httpd = Httpd(database.conninfo, children=1).start()
        client = log_in(httpd, operator)
        sql = own_statement(postgres, database, client.console)
        if options.wait:
            print(f"{client.console.url('api/export?state=all')} {httpd.children}", file=sys.stderr)
        measure(httpd, database, client.console, sql, options)
        if options.wait:
            sys.stdin.readline()
    except Exception:
        print("\n".join((httpd.error_log if httpd else [])[-20:]), file=sys.stderr)
        raise
    finally:
        if httpd:
            httpd.end()
            httpd.remove()
        postgres.remove()


if __name__ == "__main__":
    main()
