# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A page that needs a logged-in session, beside the same page that needs none."""
import requests
import people
import servers
from rig import all_good, cpu_seconds, figure, median, pairs, say, temporary, wrk

CONNECTIONS = 64
PAGE = "/private/index.html"


def _load(server, file, seconds):
    before = cpu_seconds(server.pid)
    counted = wrk(server.port, PAGE, "get.lua", seconds, CONNECTIONS, file)
    counted["cpu_us"] = (cpu_seconds(server.pid) - before) / max(1, counted["requests"]) * 1e6
    return counted


def _refusal_ms(server, cookie):
    """The median of a request whose cookie has one octet altered, one at a time on one connection."""
    middle = len(cookie) // 2
    altered = cookie[:middle] + ("A" if cookie[middle] != "A" else "B") + cookie[middle + 1:]
    with requests.Session() as client:
        times = []
        for _ in range(101):
            answer = client.get(f"http://127.0.0.1:{server.port}{PAGE}", headers={"Cookie": altered})
            assert answer.status_code == 401, f"an altered cookie was answered with {answer.status_code}"
            times.append(answer.elapsed.total_seconds() * 1000)
        return median(times)


def measure(rig, size):
    users = people.add_users(rig.database, 100)
    secret = people.write_secret(rig.folder)
    bare, ours = servers.static(rig), servers.chat(rig, secret)
    rows = []
    for name, count in (("one hot session", 1), (f"{size.sessions} sessions in turn", size.sessions)):
        cookies = people.add_sessions(rig.database, users, count)
        file = temporary(rig.folder, f"cookies-{count}", "\n".join(cookies) + "\n")
        answer = requests.get(f"http://127.0.0.1:{ours.port}{PAGE}", headers={"Cookie": cookies[0]}, timeout=10)
        assert answer.status_code == 200, f"a session was answered with {answer.status_code}: {answer.text[:300]}"
        _load(ours, file, 1 + size.seconds)  # every session has been asked for once: the memory of the host is warm
        asked = rig.statements()
        limits, results, ratios = pairs(size.rounds, lambda: _load(bare, file, size.seconds),
                                        lambda: _load(ours, file, size.seconds),
                                        lambda a, b: a["per_second"] / b["per_second"])
        asked = rig.statements() - asked
        cpu = [a["cpu_us"] / b["cpu_us"] for a, b in zip(results, limits)]
        bad = sum(r["bad"] for r in results)
        say(f"  {name}: {figure(ratios)} of the limit, CPU {figure(cpu)}, bad {bad}")
        rows += [("session", f"{name}: requests/s", f"{median([r['per_second'] for r in results]):.0f}",
                  "httpd's static file", figure(ratios), "at least 0.90"),
                 ("session", f"{name}: CPU per request", f"{median([r['cpu_us'] for r in results]):.0f} µs",
                  "httpd's static file", figure(cpu), "at most 1.20"),
                 ("session", f"{name}: statements sent per 1000 requests",
                  f"{asked / sum(r['requests'] for r in results) * 1000:.2f}", "none", "–", "last use, written in batches")]
        all_good(results, "answers")
    refusal, plain = _refusal_ms(ours, cookies[0]), None
    with requests.Session() as client:
        plain = median([client.get(f"http://127.0.0.1:{bare.port}{PAGE}").elapsed.total_seconds() * 1000
                        for _ in range(101)])
    rows.append(("session", "an altered cookie refused", f"{refusal:.2f} ms", "httpd's static file, the same client",
                 f"+{refusal - plain:.2f} ms", "at most +0.3 ms"))
    bare.stop()
    ours.stop()
    return rows
