# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Memory after many requests and many restarts is what it was after some: what is counted is what httpd's processes have in memory,
once everything has been done so often that all that is kept is there."""
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.client import Client
from harness.httpd import Httpd
from harness.place import SANITIZE, wait_until

# A sanitizer keeps what was freed.
pytestmark = pytest.mark.skipif(bool(SANITIZE), reason="memory is another one under a sanitizer")

ROUND = 2000     # requests
TURNS = 20       # of each round, too
A_REQUEST = 100  # octets that each may leave behind, for all that is rounded up
A_RESTART = 48   # KiB that the parent may grow by at each
# What is freed goes back to where it came from, instead of into a cache of each thread that fills for hours.
NO_CACHES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0", "MALLOC_ARENA_MAX": "1"}
A_BLOCK = 8      # KiB: the least that APR's pools grow by
ROUNDS = 8       # of one kind of request


def resident(pid):
    """KiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def anonymous(pid):
    """KiB that are this process's own; memory that it shares with others, such as that of the sessions, is not."""
    return int(re.search(r"Anonymous:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())[1])


def ask(server, client, paths, times):
    """So many requests over one connection, each path in turn, sent without waiting for the answers; how many had which status."""
    cookie = "; ".join(f"{one.name}={one.value}" for one in client.cookies)
    heads = [f"GET {path if path.startswith('/') else f'/chat/{path}'} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {cookie}\r\n\r\n".encode() for path in paths]
    last = b"GET /chat/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    counts = {}
    for begun in range(0, times, 200):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as one:
            one.sendall(b"".join(heads[number % len(heads)] for number in range(min(200, times - begun) - 1)) + last)
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


@dataclass
class World:
    server: Httpd
    client: Client  # of a user with one conversation
    conversation: str
    operator: Client
    user: object


@pytest.fixture(scope="module")
def world(make_module_httpd, database):
    server = make_module_httpd(database.conninfo, children=1, threads=4, environment=NO_CACHES,
                               lines=["MaxKeepAliveRequests 0", "ChatSessionUserTurns 0"])
    user, client, operator = database.add_user("nia"), Client(server.url), Client(server.url, "/chat-admin")
    client.login(user)
    operator.login(database.add_user("olga", "admin"))
    conversation = client.new_conversation("kept")
    client.turn(conversation, "hello")
    return World(server, client, conversation, operator, user)


GETS = {
    "session": "api/session", "page": "", "health": "readyz", "list": "api/conversations", "search": "api/conversations?q=hello", "nowhere": "api/nowhere",
    "open": "api/conversations/{conversation}", "follow": "api/conversations/{conversation}/stream",
    "export of one": "api/conversations/{conversation}/export?format=md", "export of all": "api/export"}
CONSOLE = {
    "overview": "api/overview", "list": "api/conversations", "search": "api/conversations?q=hello", "open": "api/conversations/{conversation}?reason=memory",
    "metrics": "metrics", "users": "api/users", "audit": "api/audit", "export": "api/export?format=ndjson"}


def _send(world):
    world.client.turn(world.client.new_conversation(), "again")


def _log_in(world):
    other = Client(world.server.url)
    other.login(world.user)
    other.logout()


def _refused(world):
    assert Client(world.server.url).post("api/login", json={"username": "nia", "password": "wrong"}).status_code == 401


def _rename(world):
    world.client.json("PATCH", f"api/conversations/{world.conversation}", 200, json={"title": "renamed"})


def _leave(world):
    """A browser that goes away when its answer has begun. What follows waits for the answer's end: answers that pile up would take every
    thread of the child, which is the model, too, and end in refusals and in errors of the proxy."""
    conversation = world.client.new_conversation()
    with world.client.send(conversation, "left " * 20) as stream:
        stream.next("turn")
    wait_until(lambda: world.client.conversation(conversation)["messages"][-1]["status"] == "complete", "the left answer to be complete")


def _ask_times(who, path):
    return lambda world, times: ask(world.server, getattr(world, who), [path.format(conversation=world.conversation)], times)


def _each(step):
    def steps(world, times):
        for _ in range(times):
            step(world)
        return {}

    return steps


# Those that take long: fewer times in a round.
SLOW = {"search": 60, "export": 40}
KINDS = {**{f"chat: {name}": (_ask_times("client", path), SLOW.get(name, 400)) for name, path in GETS.items()},
         **{f"console: {name}": (_ask_times("operator", f"/chat-admin/{path}"), SLOW.get(name, 200)) for name, path in CONSOLE.items()},
         "send": (_each(_send), 60), "leave": (_each(_leave), 60), "rename": (_each(_rename), 100), "log in and out": (_each(_log_in), 16),
         "wrong password": (_each(_refused), 16)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_request_leaves_nothing_behind(world, kind):
    """[G14] A leak shows in each round, what is filled once in some of them: there must be one that left less than a pool's least block."""
    steps, times = KINDS[kind]
    pid, sizes = world.server.children, []
    while len(sizes) <= ROUNDS and (len(sizes) < 2 or sizes[-1] - sizes[-2] >= A_BLOCK):
        counts = steps(world, times)
        assert set(counts) <= {200, 404} and (404 in counts) == (kind == "chat: nowhere"), f"{kind}: {counts}"
        sizes.append(anonymous(pid[0]))
    assert world.server.children == pid
    assert sizes[-1] - sizes[-2] < A_BLOCK, f"KiB after each round of {kind}: {sizes}"
