# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T13: a child of httpd may open no more files, have no more memory or start no more threads, for a while, under traffic.
Requests wait or are refused, nothing that was acknowledged is lost, and when the limit is lifted all works again. APR ends a
process that gets no memory, and httpd a child that cannot take connections: then another one takes its place."""
import os
import re
import resource
import subprocess
import time
from pathlib import Path

import requests

from harness.place import wait_until
from harness.process import is_running

from .database_crash import AWAY
from .scene import Scene

TABS = 6
MIB = 2**20
# What httpd and libraries may say of what they were not given.
SHORT = (*AWAY, "CS0", "Cannot allocate memory", "Too many open files", "Resource temporarily unavailable", "Out of memory",
         "exit signal Abort (6)", "signal 6 thread", "Memory allocation failed", "AH00056", "AH00104", "AH01114", "AH00957",
         "AH00959", "AH01102", "AH02951", "AH00952", "AH00898", "AH01097", "AH01110", "AH00474", "AH02980", "AH03095", "AH00493", "AH00529",
         "AH10159")


def _files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def _memory(pid):
    """0: it has ended, and nobody has taken note of that yet."""
    found = re.search(r"^VmSize:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


# (name, the limit, prlimit's name of it, what it is set to, for each level from the hardest on)
LIMITS = (("files", resource.RLIMIT_NOFILE, "nofile", lambda pid, level: _files(pid) + 2 * level - 4),
          ("memory", resource.RLIMIT_AS, "as", lambda pid, level: _memory(pid) + level * MIB),
          ("threads", resource.RLIMIT_NPROC, "nproc", lambda pid, level: 1 + level))
LEVELS = 5
# APR's own brigades do not look whether they got memory for what is read or written.
_END_OF_APR = re.compile(r"CRASH pid (?P<pid>\d+) signal 11 thread \w+:(?: < libc\.so\S+)? < libaprutil-1\.so[.\d]*!apr_b\w+ < libaprutil-1\.so")
# httpd denies what is below a folder whose .htaccess it cannot open, and fails where a file cannot be.
DENIED = (403, 500, 502)


def _asks(client, conversation):
    """Whether a request was answered; only a clean 503 or a closed connection may come instead."""
    client.session.close()
    try:
        response = client.get(f"api/conversations/{conversation}", timeout=10)
    except requests.RequestException:
        return False
    assert response.status_code in (200, 503, *DENIED), f"{response.status_code} {response.text}"
    assert response.status_code != 200 or response.json()["messages"], "an empty history"
    return response.status_code == 200


def _set(child, limit, value):
    """The soft limit of a child, set by its own user: root may not everywhere. False: the child is gone."""
    try:
        owner = os.stat(f"/proc/{child}/task")
    except FileNotFoundError:
        return False
    identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.getuid() == 0 else {}
    done = subprocess.run(["prlimit", "--pid", str(child), f"--{limit}={value}:"], capture_output=True, text=True, **identity)
    assert done.returncode == 0 or not is_running(child), f"prlimit {limit}={value}: {done.stderr}"
    return done.returncode == 0


def _own(number):
    """Our own soft limit, which httpd was started with."""
    value = resource.getrlimit(number)[0]
    return "unlimited" if value == resource.RLIM_INFINITY else value


def _starve(scene, traffic, kind, level):
    """One child under one limit until the traffic has gone on for a while; whether that child lived."""
    _, number, limit, value = LIMITS[kind]
    child, turns = scene.random.choice(scene.server.children), traffic.turns
    try:
        _set(child, limit, max(0, value(child, level)))
    except FileNotFoundError:  # it has ended
        return False
    deadline = time.monotonic() + 1.5
    while traffic.turns < turns + TABS and time.monotonic() < deadline:
        time.sleep(0.05)
    return _set(child, limit, _own(number))


def _ends_of_apr(lines):
    pids = [found["pid"] for found in filter(None, map(_END_OF_APR.search, lines))]
    return [words for pid in pids for words in (f"CRASH pid {pid} ", f"child pid {pid} exit signal")]


def run(times, seed, tell):
    """Each limit at each level so often; times 0: each limit once, at one level."""
    ended, rounds = 0, 0
    # With fewer spare threads httpd takes the child that is left for enough and starts no other in place of one that ended.
    with Scene(seed, children=2, lines=["ChatSessionDatabaseWait 500ms", "MinSpareThreads 40"]) as scene:
        scene.server.expect_log(*SHORT)
        client = scene.client()
        conversation = client.new_conversation()
        client.turn(conversation, "kept")
        with scene.traffic(TABS, waits_for=DENIED) as traffic:
            for number in range(times):
                for kind in range(len(LIMITS)):
                    ended += not _starve(scene, traffic, kind, number % LEVELS)
                    wait_until(lambda: _asks(client, conversation), "the first success after a limit was lifted", 20)
                    rounds += 1
                    tell(number + 1, f"{traffic.turns} turns, {LIMITS[kind][0]}")
        wait_until(lambda: len(scene.server.children) >= scene.server.configured_children, "httpd to have its children", 20)
        verdict = scene.check((*SHORT, *_ends_of_apr(scene.server.error_log)))
        ends, refused = traffic.total("statuses"), traffic.total("refused")
    return (f"{rounds} limits of files, memory and threads at {min(times, LEVELS)} levels, {ended} children ended by them:"
            f" {verdict}; ends: {ends}; refused: {refused}")
