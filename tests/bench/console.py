#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""tests/bench/console.py [--database CONNINFO] [--conversations N] [--runs N] [--only WORD]: how long a page of the operators' list, a
search and Home take, through httpd, at 1,000,000 conversations and 10,000,000 messages (promise G13: p95 within 300 ms).

Without --database it makes its own PostgreSQL below build/test-run and fills it, which takes half an hour on two cores
and 10 GB; with it, the database must hold what an earlier run made. Prints a JSON line for each kind of request.
"""
import argparse
import json
import secrets
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.client import Client  # noqa: E402
from harness.httpd import Httpd  # noqa: E402
from harness.passwords import argon2id  # noqa: E402
from harness.postgres import Postgres, User, chatsessionctl, new_database  # noqa: E402

SETTINGS = {"shared_buffers": "2GB", "work_mem": "16MB", "maintenance_work_mem": "2GB", "max_wal_size": "20GB",
            "wal_level": "minimal", "max_wal_senders": "0"}
LOAD = Path(__file__).with_name("console.sql")
NAME = "bench-auditor"

# What is asked for, by name: a query string. 2 % are tagged important, 1 of 10,007 rare; 70 % of the texts are English.
REQUESTS = {
    "list": "", "list by beginning": "sort=created", "list by length": "sort=messages", "list by title": "sort=title",
    "list by title, descending": "sort=title&order=desc", "list by user": "sort=user", "oldest first": "order=asc",
    "of one user": "user=user77", "of one user, by length": "user=user77&sort=messages",
    "of a month": "from=2026-03-01&to=2026-04-01", "of a month, by title": "from=2026-03-01&to=2026-04-01&sort=title",
    "tag, 2 %": "tag=important", "tag, rare": "tag=rare", "tag, rare, by user": "tag=rare&sort=user",
    "model, a third": "model=large", "model, rare": "model=rare-model", "model, none": "model=none",
    "status error": "status=error", "status interrupted, by length": "status=interrupted&sort=messages",
    "feedback any": "feedback=any", "feedback with a comment": "feedback=comment", "pinned": "state=pinned",
    "archived, by title": "state=archived&sort=title", "trash": "state=trashed", "held": "state=held", "all": "state=all",
    "at least 18 messages": "min_messages=18", "at most 2, by user": "max_messages=2&sort=user",
    "search, a word of one message in 100,000": "q=Zeppelin", "search, two characters, rare": "q=%E9%A3%9B%E8%A1%8C",
    "search, mixed": "q=Zeppelin%E9%A3%9B%E8%A1%8C%E8%88%B9", "search, one number": "q=ticket500",
    "search, nowhere": "q=nowherefound", "search, in a third": "q=API", "search, a particle": "q=%E3%81%A7%E3%81%99",
    "search, two words": "q=zeppelin%20API", "search, rare, by title": "q=Zeppelin&sort=title",
    "search, common, of one user": "q=API&user=user77", "search, rare, of a month": "q=ticket&from=2026-03-01&to=2026-04-01",
}


def common_words(connection):
    """English words that about 10 %, 1 %, 0.3 % and 0.1 % of the messages have."""
    sample = connection.execute("SELECT content FROM chatsession.messages TABLESAMPLE system (0.2) REPEATABLE (7)").fetchall()
    counts = {}
    for (text,) in sample:
        for word in set(text.lower().split()):
            if word.isascii() and word.isalpha():
                counts[word] = counts.get(word, 0) + 1
    return {share: min(counts, key=lambda word: abs(counts[word] / len(sample) - share)) for share in (0.1, 0.01, 0.003, 0.001)}


def fill(database, conversations):
    chatsessionctl(database.superuser, "user", "add", NAME, "--role", "auditor", "--random-password")
    with database.connect() as connection:
        connection.execute(LOAD.read_text(encoding="utf-8").replace(":conversations", str(conversations)))
        for table in ("messages", "conversations", "users", "feedback"):
            connection.execute(f"VACUUM (ANALYZE) chatsession.{table}")


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def measure(client, name, path, runs):
    times, rows = [], 0
    for _ in range(runs):
        begun = time.monotonic()
        response = client.get(path)
        times.append((time.monotonic() - begun) * 1000)
        if response.status_code != 200:
            return {"name": name, "path": path, "status": response.status_code, "error": response.text[:200]}
        body = response.json()
        listed = body.get("conversations", body.get("feedback"))
        rows = len(listed) if isinstance(listed, list) else 0
    return {"name": name, "rows": rows, "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(percentile(times, 0.95), 1)}


def run(conninfo, password, connection, options):
    server = Httpd(conninfo)
    server.start()
    try:
        client = Client(server.url)
        client.login(User(NAME, password, "auditor"))
        console = client.console
        requests = {name: f"api/conversations?{query}" for name, query in REQUESTS.items()}
        requests |= {f"search, {share:.1%} of messages": f"api/conversations?q={word}"
                     for share, word in common_words(connection).items()}
        requests["home"] = "api/overview"
        requests |= {f"review of feedback{', ' if query else ''}{query}": f"api/feedback?{query}"
                     for query in ("", "feedback=down", "feedback=comment", "user=user77", "model=rare-model")}
        after = None
        for _ in range(min(20, options.conversations // 400)):
            after = console.json("GET", f"api/conversations?limit=200{'&after=' + after if after else ''}", 200)["next"]
        requests["list, page 80"] = f"api/conversations?after={after}"
        worst = 0
        for name, path in requests.items():
            if options.only not in name:
                continue
            result = measure(console, name, path, options.runs)
            worst = max(worst, result.get("p95_ms", float("inf")))
            print(json.dumps(result, ensure_ascii=False), flush=True)
        print(json.dumps({"name": "the slowest", "p95_ms": worst}))
    finally:
        server.remove()


def new_password(connection):
    """The operator's, put straight in: the key that the audit log of an earlier run is sealed with is gone."""
    password = secrets.token_urlsafe(15)
    connection.execute("UPDATE chatsession.users SET password_phc = %s, password_revision = password_revision + 1 WHERE name = %s",
                       (argon2id(password), NAME))
    return password


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", help="conninfo of a superuser")
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", default="", help="a part of the names of what is to be measured")
    options = parser.parse_args()
    if options.database:
        import psycopg  # noqa: PLC0415
        with psycopg.connect(options.database, autocommit=True) as connection:
            password = new_password(connection)
            run(options.database.replace("user=postgres", "user=chatsession"), password, connection, options)
        return
    cluster = Postgres(settings=SETTINGS).start()
    try:
        database = new_database(cluster)
        fill(database, options.conversations)
        with database.connect() as connection:
            password = new_password(connection)
            run(database.conninfo, password, connection, options)
    finally:
        cluster.remove()


if __name__ == "__main__":
    main()
