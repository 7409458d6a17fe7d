# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""`make bench-growth`: how cost grows with sessions, messages and streams, and what a second host changes. It runs the
categories of `make bench` again and again with more of everything; half an hour, and with --large an hour or two."""
import argparse
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import history  # noqa: E402
import people  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
import session  # noqa: E402
import stream  # noqa: E402
import turn  # noqa: E402
from main import Size  # noqa: E402
from rig import Rig, all_good, figure, median, pairs, say, temporary, wrk  # noqa: E402


def _with_rig(measure, *arguments):
    with Rig() as rig:
        return measure(rig, *arguments)


def _two_hosts(rig, size):
    """The same turns by one httpd and by two, on one PostgreSQL and one machine: what a second host costs."""
    users = people.add_users(rig.database, 200)
    secret = people.write_secret(rig.folder)
    cookies = dict(zip(users, people.add_sessions(rig.database, users, len(users))))
    owned = people.add_conversations(rig.database, users, each=25)
    model = rig.model(turn.TOKENS, 0)
    hosts = [servers.chat(rig, secret, model, name=f"host{n}", more="ChatSessionDatabaseConnections 4") for n in (1, 2)]
    files = [temporary(rig.folder, f"share{n}", "".join(f"{cookies[u]}\t{c}\n" for u, c in owned[n::2])) for n in (0, 1)]
    both = temporary(rig.folder, "both", "".join(f"{cookies[u]}\t{c}\n" for u, c in owned))

    def by_two():
        counted = [None, None]

        def load(number):
            counted[number] = wrk(hosts[number].port, "/", "say.lua", size.seconds, turn.CONNECTIONS // 2, files[number])

        threads = [threading.Thread(target=load, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"per_second": sum(c["per_second"] for c in counted), "bad": sum(c["bad"] for c in counted),
                "errors": [c["errors"] for c in counted]}

    def by_one():
        return wrk(hosts[0].port, "/", "say.lua", size.seconds, turn.CONNECTIONS, both)

    by_one()
    by_two()
    _, results, ratios = pairs(size.rounds, by_one, by_two, lambda a, b: a["per_second"] / b["per_second"])
    all_good(results, "turns")
    say(f"  two hosts: {figure(ratios)} of one")
    return [("turn", "turns/s of two httpd hosts on one PostgreSQL, on one machine",
             f"{median([r['per_second'] for r in results]):.0f}", "one host, the same connections in all", figure(ratios), "–")]


def main():
    parser = argparse.ArgumentParser(prog="make bench-growth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--large", action="store_true", help="to 1,000,000 sessions, 10,000,000 messages, 2,000 streams")
    given = parser.parse_args()
    rows, began, busy = [], time.monotonic(), report.busy()
    if busy:
        say("The machine is busy with other work: the ratios will be no result.")

    def size(**more):
        return Size(**{"rounds": given.rounds, "seconds": given.seconds, "sessions": 1, "streams": 1, "messages": 1, **more})

    def keep(measured):
        """In the document at once: a long run that ends early has been of use."""
        rows.extend(measured)
        report.write(rows, None, report.GROWTH, was_busy=busy)

    for count in [1000, 10000, 100000] + [1000000] * given.large:
        say(f"sessions {count} ({time.monotonic() - began:.0f} s so far)")
        keep(row for row in _with_rig(session.measure, size(sessions=count)) if f"{count} sessions" in row[1])
    for count in [100000, 1000000] + [10000000] * given.large:
        say(f"messages {count} ({time.monotonic() - began:.0f} s so far)")
        keep(_with_rig(history.measure, size(messages=count)))
    for count in [100, 500, 1000] + [2000] * given.large:
        say(f"streams {count} ({time.monotonic() - began:.0f} s so far)")
        keep(row for row in _with_rig(stream.measure, size(streams=count)) if not row[1].startswith("first token"))
    say("two hosts")
    keep(_with_rig(_two_hosts, size()))
    print(report.table(rows))
    say(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
