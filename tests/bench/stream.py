# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Streams of 20 tokens a second, taken apart and recorded, beside mod_proxy alone, which looks at nothing."""
import json
import subprocess

import people
import servers
from rig import Peak, all_good, cpu_seconds, figure, median, pairs, pss_kib, say, temporary, wrk

TOKENS, EVERY_MS = 120, 50
RAMP_SECONDS = 2  # until all streams are open
# The first token: few at once, so that it is the way that is timed and not the queue.
FIRST_TOKENS, FIRST_A_SECOND, FIRST_COUNT = 3, 100, 300


def _run(rig, port, count, file, a_second):
    result = subprocess.run([str(rig.tool("streams")), str(port), str(count), str(a_second), str(file)], capture_output=True,
                            text=True, check=True)
    return json.loads(result.stdout)


def _count_answers(rig, tokens, others=0):
    """How many answers there are: each is complete and has so many tokens, but for the others."""
    asked, whole = rig.database.rows(
        "SELECT count(*), count(*) FILTER (WHERE length(content) - length(replace(content, '@', '')) = %s)"
        " FROM chatsession.messages WHERE role = 'assistant'", (tokens,))[0]
    left = rig.database.value("SELECT count(*) FROM chatsession.messages WHERE status <> 'complete'")
    assert left == 0 and whole + others == asked, f"{left} messages are not complete, {whole} of {asked} answers have {tokens} tokens"
    return asked


class _Visitors:
    """As many people as there are streams, each with a session and a conversation."""

    def __init__(self, rig, count):
        users = people.add_users(rig.database, count)
        self._folder, self._made = rig.folder, 0
        self.secret = people.write_secret(rig.folder)
        self._cookie_of = dict(zip(users, people.add_sessions(rig.database, users, count)))
        self._owned = people.add_conversations(rig.database, users, each=1)

    def requests(self):
        """A file with a message into each conversation, each with a key that was not used before."""
        self._made += 1
        return temporary(self._folder, "requests", "".join(
            f"/chat/api/conversations/{conversation}/messages\t{self._cookie_of[user]}\t"
            + json.dumps({"content": "Tell me a story.", "client_id": f"{self._made:08x}-0000-4000-8000-{number:012x}"}) + "\n"
            for number, (user, conversation) in enumerate(self._owned)))

    def look_in(self, server):
        """So that the sessions are remembered, which takes memory of its own (ChatSessionCacheEntries)."""
        cookies = temporary(self._folder, "cookies", "".join(f"{cookie}\n" for cookie in self._cookie_of.values()))
        all_good([wrk(server.port, "/private/index.html", "get.lua", 1, 8, cookies)], "pages")


def _plain(rig):
    """A file with the request that mod_proxy alone hands on."""
    body = json.dumps({"model": "bench", "stream": True, "messages": [{"role": "user", "content": "Tell me a story."}]})
    return temporary(rig.folder, "plain", f"/v1/chat/completions\t\t{body}\n")


def _measure_first_token(rig, visitors, count, rounds, **room):
    model = rig.model(FIRST_TOKENS, EVERY_MS)
    bare = servers.proxy(rig, model, name="proxy-first", **room)
    ours = servers.chat(rig, visitors.secret, model, name="chat-first", **room)

    def run(server, file):
        return _run(rig, server.port, min(count, FIRST_COUNT), file, FIRST_A_SECOND)["first"]

    run(ours, visitors.requests())  # sessions are remembered, statements prepared
    run(bare, _plain(rig))
    limits, results, added = pairs(rounds, lambda: run(bare, _plain(rig)), lambda: run(ours, visitors.requests()),
                                   lambda a, b: a["p50"] - b["p50"])
    bare.stop()
    ours.stop()
    taken, limit = (median([r["p50"] for r in some]) for some in (results, limits))
    say(f"  first token: {taken:.2f} ms, mod_proxy {limit:.2f} ms, +{figure(added)} ms")
    return ("stream", "first token, median", f"{taken:.2f} ms", f"mod_proxy alone: {limit:.2f} ms", f"+{figure(added)} ms",
            "at most +0.5 ms")


def _load(rig, server, count, file):
    idle = pss_kib(server.pid)
    before, before_pg = cpu_seconds(server.pid), cpu_seconds(rig.postgres_pid)
    with Peak(server.pid) as peak:
        result = _run(rig, server.port, count, file, max(1, count // RAMP_SECONDS))
    result["cpu"] = (cpu_seconds(server.pid) - before) * 1000 / count
    result["pg_cpu"] = (cpu_seconds(rig.postgres_pid) - before_pg) * 1000 / count
    result["kib"] = (peak.kib - idle) / count
    return result


def _is_held(result):
    return (result["failed"] == 0 and result["gap"]["p99"] < 100 and result["age"]["p99"] < 100
            and result["first"]["p99"] < 1000)


def _measure_many(rig, visitors, count, rounds, **room):
    model = rig.model(TOKENS, EVERY_MS)
    bare, ours = servers.proxy(rig, model, **room), servers.chat(rig, visitors.secret, model, **room)
    visitors.look_in(ours)
    _run(rig, ours.port, min(count, 100), visitors.requests(), 100)
    _run(rig, bare.port, min(count, 100), _plain(rig), 100)
    limits, results, ratios = pairs(rounds, lambda: _load(rig, bare, count, _plain(rig)),
                                    lambda: _load(rig, ours, count, visitors.requests()), lambda a, b: a["cpu"] / b["cpu"])
    bare.stop()
    ours.stop()

    def middle(some, *path):
        def at(result):
            for name in path:
                result = result[name]
            return result
        return median([at(result) for result in some])

    held = [f"{sum(map(_is_held, some))} of {len(some)}" for some in (results, limits)]
    failed = sum(r["failed"] for r in results)
    rows = [("stream", f"CPU of 1000 streams of {TOKENS} tokens, {count} at once (and PostgreSQL)",
             f"{middle(results, 'cpu'):.2f} s ({middle(results, 'pg_cpu'):.2f} s)",
             f"mod_proxy alone: {middle(limits, 'cpu'):.2f} s", figure(ratios), "at most 1.25")]
    for key, what in (("gap", "time between two tokens"), ("age", "a token's age when it comes")):
        rows.append(("stream", f"{count} streams: {what}, 99 of 100 below", f"{middle(results, key, 'p99'):.0f} ms",
                     f"mod_proxy alone: {middle(limits, key, 'p99'):.0f} ms", "–", "below 100 ms"))
    rows += [("stream", f"{count} streams held: none failed, both below 100 ms, first tokens below 1 s", f"{held[0]} runs",
              f"mod_proxy alone: {held[1]} runs", f"{failed} failed", "as mod_proxy alone"),
             ("stream", "memory of a stream", f"{max(r['kib'] for r in results):.0f} KiB",
              f"mod_proxy alone: {max(r['kib'] for r in limits):.0f} KiB", "–", "at most 100 KiB")]
    for row in rows:
        say(f"  {row[1]}: {row[2]}, {row[3]}, {row[4]}")
    return rows


def measure(rig, size):
    visitors = _Visitors(rig, size.streams)
    room = {"children": 3, "threads": max(64, size.streams * 5 // 4 // 3)}
    rows = [_measure_first_token(rig, visitors, size.streams, size.rounds, **room)]
    short = _count_answers(rig, FIRST_TOKENS)
    rows += _measure_many(rig, visitors, size.streams, max(3, size.rounds // 2), **room)
    _count_answers(rig, TOKENS, short)
    return rows
