# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Memory after many requests and many restarts is what it was after some: what is counted is what httpd's processes have in memory,
once everything has been done so often that all that is kept is there."""
import re
import socket
from pathlib import Path

import pytest

from harness.client import Client
from harness.place import SANITIZE

# A sanitizer keeps what was freed.
pytestmark = pytest.mark.skipif(bool(SANITIZE), reason="memory is another one under a sanitizer")

ROUND = 2000     # requests
TURNS = 20       # of each round, too
A_REQUEST = 100  # octets that each may leave behind, for all that is rounded up
A_RESTART = 48   # KiB that the parent may grow by at each


def resident(pid):
    """KiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def ask(server, client, paths, times):
    """So many requests over one connection, each path in turn, sent without waiting for the answers; how many had which status."""
    cookie = "; ".join(f"{one.name}={one.value}" for one in client.cookies)
    heads = [f"GET /chat/{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {cookie}\r\n\r\n".encode() for path in paths]
    last = b"GET /chat/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    counts = {}
    for _ in range(times // 200):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as one:
            one.sendall(b"".join(heads[number % len(heads)] for number in range(199)) + last)
            octets = b"".join(iter(lambda: one.recv(1 << 20), b""))
        for status in re.findall(rb"HTTP/1\.1 (\d+) [A-Z]", octets):
            counts[int(status)] = counts.get(int(status), 0) + 1
    return counts


def test_a_child_has_after_many_requests_what_it_had_after_some(make_httpd, make_database):
    """[G14] Lists, histories, refusals and turns; a leak of a tenth of a kilobyte would show."""
    database = make_database()
    server = make_httpd(database.conninfo, children=1, threads=4, lines=["MaxKeepAliveRequests 0", "ChatSessionUserTurns 0"])
    client = Client(server.url)
    client.login(database.add_user("mia"))
    conversation = client.new_conversation("kept")
    client.turn(conversation, "hello")
    paths = ["api/session", "api/conversations", f"api/conversations/{conversation}", "api/conversations?q=hello", "api/nowhere",
             "", f"api/conversations/{conversation}/export?format=md"]
    child, sizes = server.children, []
    for _ in range(4):
        counts = ask(server, client, paths, ROUND)
        assert sum(counts.values()) == ROUND and set(counts) <= {200, 404} and counts[200] > ROUND / 2, counts
        for _ in range(TURNS):
            client.turn(conversation, "again")
            conversation = client.new_conversation()
        sizes.append(resident(child[0]))
    assert server.children == child
    # The first two rounds fill what is filled once in each thread.
    assert (sizes[3] - sizes[1]) * 1024 < 2 * ROUND * A_REQUEST, f"KiB after each {ROUND} requests: {sizes}"


def test_the_parent_has_after_many_restarts_what_it_had_after_some(make_httpd, make_database):
    """[G14] What a configuration made goes with it."""
    server = make_httpd(make_database().conninfo, children=1, threads=4)
    sizes = []
    for _ in range(10):
        server.graceful()
        sizes.append(resident(server.pid))
    assert sizes[9] - sizes[3] < 6 * A_RESTART, f"KiB after each restart: {sizes}"
