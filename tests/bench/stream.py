# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Streams of 20 tokens a second, taken apart and recorded, beside mod_proxy alone, which looks at nothing."""
import json
import subprocess

import people
import servers
from rig import Peak, cpu_seconds, figure, median, pairs, pss_kib, say, temporary

TOKENS, EVERY_MS = 120, 50
RAMP = 1000  # new streams a second


def _run(rig, port, count, file, ramp=RAMP):
    result = subprocess.run([str(rig.tool("streams")), str(port), str(count), str(ramp), str(file)], capture_output=True,
                            text=True, check=True)
    return json.loads(result.stdout)


def _load(rig, server, count, file):
    idle = pss_kib(server.pid)
    before, before_pg = cpu_seconds(server.pid), cpu_seconds(rig.postgres_pid)
    with Peak(server.pid) as peak:
        result = _run(rig, server.port, count, file)
    result["cpu"] = (cpu_seconds(server.pid) - before) * 1000 / count
    result["pg_cpu"] = (cpu_seconds(rig.postgres_pid) - before_pg) * 1000 / count
    result["kib"] = (peak.kib - idle) / count
    return result


def _is_held(result):
    return result["failed"] == 0 and result["gap"]["p99"] < 100 and result["age"]["p99"] < 100


def measure(rig, size):
    count = size.streams
    users = people.add_users(rig.database, count)
    secret = people.write_secret(rig.folder)
    cookies = people.add_sessions(rig.database, users, count)
    owned = people.add_conversations(rig.database, users, each=1)
    cookie_of = dict(zip(users, cookies))
    threads = max(64, count * 5 // 4 // 3)
    paced = rig.model(TOKENS, EVERY_MS)
    bare = servers.proxy(rig, paced, children=3, threads=threads)
    ours = servers.chat(rig, secret, paced, children=3, threads=threads)
    body = json.dumps({"model": "bench", "stream": True, "messages": [{"role": "user", "content": "Tell me a story."}]})
    plain = temporary(rig.folder, "plain", f"/v1/chat/completions\t\t{body}\n")

    made = 0

    def requests_of():
        """A message into each conversation, each with a key that was not used before."""
        nonlocal made
        made += 1
        return temporary(rig.folder, "requests", "".join(
            f"/chat/api/conversations/{conversation}/messages\t{cookie_of[user]}\t"
            + json.dumps({"content": "Tell me a story.", "client_id": f"{made:08x}-0000-4000-8000-{number:012x}"}) + "\n"
            for number, (user, conversation) in enumerate(owned)))

    def first_token(server, file):
        return _run(rig, server.port, min(count, 300), file, 100)["first"]

    # The first token: few at once, so that it is the way that is timed and not the queue.
    _run(rig, ours.port, min(count, 100), requests_of())
    _run(rig, bare.port, min(count, 100), plain)
    limits, results, added = pairs(size.rounds, lambda: first_token(bare, plain), lambda: first_token(ours, requests_of()),
                                   lambda a, b: a["p50"] - b["p50"])
    say(f"  first token: {median([r['p50'] for r in results]):.2f} ms, mod_proxy {median([r['p50'] for r in limits]):.2f} ms, "
        f"+{figure(added)} ms")
    rows = [("stream", "first token, median", f"{median([r['p50'] for r in results]):.2f} ms",
             f"mod_proxy alone: {median([r['p50'] for r in limits]):.2f} ms", f"+{figure(added)} ms", "at most +0.5 ms")]

    limits, results, ratios = pairs(max(2, size.rounds // 2), lambda: _load(rig, bare, count, plain),
                                    lambda: _load(rig, ours, count, requests_of()), lambda a, b: a["cpu"] / b["cpu"])
    say(f"  {count} streams: CPU {median([r['cpu'] for r in results]):.2f} s per 1000 (and PostgreSQL "
        f"{median([r['pg_cpu'] for r in results]):.2f} s), mod_proxy {median([r['cpu'] for r in limits]):.2f} s: {figure(ratios)}; "
        f"held {sum(map(_is_held, results))} of {len(results)}, mod_proxy {sum(map(_is_held, limits))}; gap p99 "
        f"{median([r['gap']['p99'] for r in results]):.0f} ms, mod_proxy {median([r['gap']['p99'] for r in limits]):.0f} ms; "
        f"{results[0]['kib']:.0f} KiB each, mod_proxy {limits[0]['kib']:.0f} KiB; failed {sum(r['failed'] for r in results)}")
    rows += [("stream", f"CPU of 1000 streams of {TOKENS} tokens, {count} at once (and PostgreSQL)",
              f"{median([r['cpu'] for r in results]):.2f} s ({median([r['pg_cpu'] for r in results]):.2f} s)",
              f"mod_proxy alone: {median([r['cpu'] for r in limits]):.2f} s", figure(ratios), "at most 1.25"),
             ("stream", f"{count} streams: time between two tokens, 99 of 100 below",
              f"{median([r['gap']['p99'] for r in results]):.0f} ms",
              f"mod_proxy alone: {median([r['gap']['p99'] for r in limits]):.0f} ms",
              f"{sum(r['failed'] for r in results)} failed", "below 100 ms, none failed"),
             ("stream", "memory of a stream", f"{max(r['kib'] for r in results):.0f} KiB",
              f"mod_proxy alone: {max(r['kib'] for r in limits):.0f} KiB", "–", "at most 100 KiB")]
    left = rig.database.value("SELECT count(*) FROM chatsession.messages WHERE status <> 'complete'")
    whole = rig.database.value("SELECT count(*) FROM chatsession.messages WHERE role = 'assistant' AND"
                               " length(content) - length(replace(content, '@', '')) = %s", (TOKENS,))
    asked = rig.database.value("SELECT count(*) FROM chatsession.messages WHERE role = 'assistant'")
    assert left == 0 and whole == asked, f"{left} messages are not complete, {whole} of {asked} answers are whole"
    bare.stop()
    ours.stop()
    return rows
