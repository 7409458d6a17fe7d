# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""PostgreSQL goes away before any statement of any call. What is answered then is that we cannot, never that there is
nothing, or that somebody may not, and what was refused was not done by half."""
import json
import os
import uuid

import pytest
import requests

from faults.refused_calls import Refuser
from harness.client import Client, log_in
from harness.place import BUILD, SANITIZE
from harness.routes import ROUTES
from harness.world import PEOPLE, World, good_request, send

# Before which statements of a call the database goes: the first, one in the middle and the last, or every one.
ALL = os.environ.get("REFUSED_STATEMENTS") == "all"
MOST = 25  # a download has as many as there are conversations
# What httpd's log says when its database is away.
AWAY = ("CS0", "CS1", "CS2", "AH01")
# They write as a stream, after their first octet: make faults T=T3 and T4 are about those.
STREAMS = {"POST /chat/api/conversations/{id}/messages", "POST /chat/api/conversations/{id}/regenerate"}
# They say how the database is.
OF_THE_DATABASE = {"GET /chat/readyz"}
WALKED = [route for route in ROUTES if route.name not in STREAMS | OF_THE_DATABASE]


@pytest.fixture(scope="module")
def refuser():
    return Refuser()


@pytest.fixture(scope="module")
def world(refuser, make_module_httpd, database):
    patch = pytest.MonkeyPatch()
    patch.setenv("REFUSE_CALLS", str(refuser.path))
    # No job of the clock's may change anything while a state is compared.
    server = make_module_httpd(database.conninfo, preload=[str(BUILD / "tests/refuse_calls.so")],
                               lines=["ChatSessionDatabaseWait 500ms", "ChatSessionSweepInterval 1h",
                                                              "ChatSessionMaxPerUser 1000"])
    patch.undo()
    made = World(server, database)
    yield made
    made.close()


def caller(world, route):
    """The name and the client of somebody who may, whose session the host remembers."""
    role = route.access if route.access in PEOPLE.values() else "user"
    name = next(name for name, has in PEOPLE.items() if has == role)
    client = Client(world.httpd.url, route.mount, world.clients[name].session)
    if not client.get("api/session").json()["authenticated"]:  # a call before this one has ended it
        world.clients[name] = world.log_in(name)
    return name, world.clients[name]


def changed(before, after):
    return {table for table in after if after[table] != before[table]}


# A code is spent before what it allows is done, or two requests could use it.
SPENT = {"audit_entries", "recovery_codes"}
# A session that began and could not be read again; the answer has its cookie.
BEGUN = {"sessions"}


class Call:
    """One call of a route, whose statements fail from that number on (0: none)."""

    def __init__(self, world, refuser, route, number):
        name, client = caller(world, route)
        request = good_request(route, world, name, name)
        client.get("api/conversations")  # connected, by whoever may do so
        before = world.state() if route.changes_state else {}
        world.httpd.expect_log(*AWAY)
        refuser.arm_statements(number)
        try:
            answer = send(route, client, request)
            self.status, self.text = answer.status_code, answer.text
        except requests.RequestException:
            self.status, self.text = "cut", ""
        finally:
            self.statements = min(refuser.statements, MOST)
            refuser.arm_statements(0)
        self.changed = changed(before, world.state()) if route.changes_state else set()
        self.good = self.status == request.status
        self.begun = (route.path == "api/login" and self.changed == BEGUN and "Set-Cookie" in answer.headers
                      and client.get("api/session").json()["authenticated"])
        # A file that was cut short is seen to be.
        self.told = route.method == "GET" and self.status == "cut" or (
            self.status == 503 and json.loads(self.text)["error"] == "database_unavailable")


@pytest.mark.skipif(bool(SANITIZE), reason="what is preloaded comes before a sanitizer's library")
@pytest.mark.parametrize("route", WALKED, ids=lambda route: route.name)
def test_a_call_without_its_database_is_refused_as_such_and_not_done_by_half(world, refuser, route):
    """[H4] [H9]"""
    whole = Call(world, refuser, route, 0)
    assert whole.good, f"{whole.status} {whole.text[:300]}"
    count = whole.statements
    numbers = range(1, count + 1) if ALL else sorted({1, (count + 1) // 2, count} - {0})
    for number in numbers:
        call = Call(world, refuser, route, number)
        if not call.good:  # else what failed was not needed
            assert call.told, f"without statement {number} of {count}: {call.status} {call.text[:300]}"
            assert call.changed in (set(), SPENT) or call.begun, f"without statement {number} of {count}: {call.changed}"


@pytest.mark.skipif(bool(SANITIZE), reason="what is preloaded comes before a sanitizer's library")
@pytest.mark.parametrize("by", ["the person", "an administrator"])
def test_an_erasure_is_answered_by_its_certificate_or_was_not_done(world, refuser, make_httpd, database, monkeypatch, by):
    """[H4] [I3] Whoever is erased can ask no second time what became of it."""
    monkeypatch.setenv("REFUSE_CALLS", str(refuser.path))
    server = make_httpd(database.conninfo, preload=[str(BUILD / "tests/refuse_calls.so")], lines=[
        "ChatSessionSelfErase on", "ChatSessionDatabaseWait 500ms", "ChatSessionSweepInterval 1h"])
    admin = log_in(server, database.add_user(f"admin of {by}", "admin"), "/chat-admin")

    def erase(number):
        """Without the statements from that number on (0: with all): the answer, whether the person is there, how many they were."""
        person = database.add_user(f"person {uuid.uuid4()}")
        number_of = database.value("SELECT id::text FROM chatsession.users WHERE name = %s", (person.name,))
        own = log_in(server, person)
        for one in (server, world.httpd):  # statements fail in both
            one.expect_log(*AWAY)
        counts = {"conversations": 0, "messages": 0}
        refuser.arm_statements(number)
        try:
            answer = (own.post("api/erase", json={"password": person.password, **counts}) if by == "the person"
                      else admin.post(f"api/users/{person.name}/erase", json={"id": number_of, **counts}))
            statements = refuser.statements
        finally:
            refuser.arm_statements(0)
        if answer.status_code == 200:
            assert answer.json()["certificate"]["user_id"] == number_of
        return answer, database.value("SELECT count(*) FROM chatsession.users WHERE id = %s", (number_of,)), statements

    answer, there, count = erase(0)
    assert (answer.status_code, there) == (200, 0) and count > 5, answer.text
    for number in range(1, count + 1):
        answer, there, _ = erase(number)
        assert (answer.status_code, there) in ((200, 0), (503, 1)), f"without statement {number} of {count}: {answer.text}"
