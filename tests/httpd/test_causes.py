# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""How requests came by their sessions, counted by cause for the console."""
import pytest
from harness.client import Client, log_in
from harness.place import wait_until

CAUSES = ["success", "new", "none", "skipped", "valid_cookie_but_no_store", "renew after InvalidSignature",
          "renew after SignatureExpired"]
LINES = ["ChatSessionSkipHeader X-Probe * from 127.0.0.1"]


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    return make_module_httpd(database.conninfo, lines=LINES, children=2)


@pytest.fixture
def vera(server, database):
    vera.number = getattr(vera, "number", 0) + 1
    client = Client(server.url, "/chat-admin")
    client.login(database.add_user(f"vera{vera.number}", "viewer"))
    return client


def look(vera):
    return vera.json("GET", "api/overview", 200)["causes"]


def growth(vera, *requests):
    """By how much each count grew, but for the look itself."""
    before = look(vera)["requests"]
    for request in requests:
        request()
    after = look(vera)["requests"]
    found = {cause: after[cause] - before[cause] for cause in after}
    found["success"] -= 1
    return {cause: number for cause, number in found.items() if number}


def ask(server, cookie=None, **headers):
    client = Client(server.url)
    if cookie:
        headers["Cookie"] = f"sid={cookie}"
    return lambda: client.json("GET", "api/session", 200, headers=headers)


def test_every_cause_is_counted_once_per_request_over_all_children(server, database, vera):
    user = database.add_user("causes")
    client = Client(server.url)
    good = log_in(server, user)
    cookie = good.cookies["sid"]
    assert list(look(vera)["requests"]) == CAUSES
    for cause, request in (("none", ask(server)), ("success", ask(server, cookie)), ("skipped", ask(server, cookie, **{"X-Probe": "1"})),
                           ("renew after InvalidSignature", ask(server, cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB"))),
                           ("valid_cookie_but_no_store", ask(server, ended(server, user)))):
        assert growth(vera, *[request] * 8) == {cause: 8}, cause
    assert growth(vera, lambda: client.login(user)) == {"none": 1, "new": 1}, "it came without, and has one now"


def ended(server, user):
    client = log_in(server, user)
    cookie = client.cookies["sid"]
    client.logout()
    return cookie


def test_a_cookie_past_its_age_is_counted(make_httpd, database):
    server = make_httpd(database.conninfo, lines=["ChatSessionCookieMaxAge 1s"])
    old = Client(server.url)
    old.login(database.add_user("old"))
    cookie = old.cookies["sid"]
    wait_until(lambda: not ask(server, cookie)()["authenticated"], "the cookie to be too old")
    assert ask(server, cookie)()["cause"] == "renew after SignatureExpired"
    vera = Client(server.url, "/chat-admin")
    vera.login(database.add_user("vera-once", "viewer"))
    assert look(vera)["requests"]["renew after SignatureExpired"] >= 2


def test_the_counts_outlive_a_graceful_restart_and_begin_anew_with_the_server(server, vera):
    before = look(vera)
    server.graceful()
    after = look(vera)
    assert after["since"] == before["since"] and after["requests"]["success"] == before["requests"]["success"] + 1
    server.expect_log("AH03093")
    server.restart()
    anew = look(vera)
    assert anew["since"] > before["since"] and anew["requests"]["success"] == 1
