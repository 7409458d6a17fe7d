# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Chat without logging in, and what becomes of it when the visitor logs in: it goes over to that user, with the session and
never without it, and nothing of anybody else does."""
import itertools
import threading

import pytest

from harness.client import Client, log_in
from harness.place import wait_until

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def site(make_module_httpd, database):
    return make_module_httpd(database.conninfo, children=2, modules=("authn_core", "authz_core"), lines=[
        "ChatSessionGuests 1000", "ChatSessionAdopt on", "ChatSessionSweepInterval 100ms",
        '<Location "/members">\nAuthType ChatSession\nRequire chat-user\n</Location>'])


@pytest.fixture
def account(database):
    return database.add_user(f"host{next(_numbers)}")


def guest(site):
    client = Client(site.url)
    shown = client.json("POST", "api/guest", 200)
    assert shown["guest"].startswith("guest ") and (shown["authenticated"], shown["user"]) == (False, None)
    return client


def titles(client):
    return sorted(row["title"] for row in client.json("GET", "api/conversations", 200)["conversations"])


def guests(database):
    return database.value("SELECT count(*) FROM chatsession.users WHERE role = 'guest'")


def test_a_guest_chats_and_finds_the_chats_again_in_the_same_browser_alone(site):
    client = guest(site)
    conversation = client.new_conversation()
    assert client.turn(conversation, "hello").done["status"] == "complete"
    assert titles(client) == ["hello"]
    assert client.json("POST", "api/guest", 200)["guest"] == client.json("GET", "api/session", 200)["guest"]
    other = guest(site)
    assert titles(other) == []
    assert other.get(f"api/conversations/{conversation}").status_code == 404
    assert Client(site.url).get("api/conversations").status_code == 401


def test_a_guest_has_no_account_no_keys_and_no_console(site):
    """[E3] [E5]"""
    client = guest(site)
    for method, path, body in (("GET", "api/sessions", None), ("POST", "api/keys", {"name": "x"}), ("GET", "api/export", None),
                               ("POST", "api/second-factor", {"password": "x"}), ("GET", "api/erase", None)):
        assert client.request(method, path, json=body).status_code == 401, path
    assert client.console.get("api/overview").status_code == 401
    assert Client(site.url, "/members", client.session).get("").status_code == 401


def test_a_visitor_who_only_looks_makes_no_guest(site, database):
    """[G10]"""
    before = guests(database)
    client = Client(site.url)
    assert client.json("GET", "api/session", 200)["guests"] is True
    client.get("")
    assert guests(database) == before and not client.cookies


def test_at_the_login_the_chats_are_the_users_and_the_guest_is_no_more(site, account, database):
    """[A7] The id of before is dead, the conversations are listed, and a second login brings nothing twice."""
    client = guest(site)
    old = client.cookies["sid"]
    client.turn(client.new_conversation(), "asked as a guest")
    guests_before = guests(database)
    client.login(account)
    assert titles(client) == ["asked as a guest"] and guests(database) == guests_before - 1
    assert Client(site.url).get("api/conversations", headers={"Cookie": f"sid={old}"}).status_code == 401
    client.login(account)
    assert titles(client) == ["asked as a guest"]


def test_a_refused_login_leaves_everything_with_the_guest(site, account):
    client = guest(site)
    client.new_conversation("mine")
    assert client.post("api/login", json={"username": account.name, "password": "wrong"}).status_code == 401
    assert titles(client) == ["mine"]


def test_nothing_goes_from_one_user_to_another(site, account, database):
    """[E1] Logging in over another user's session takes nothing of that user's."""
    first = database.add_user(f"first{next(_numbers)}")
    client = log_in(site, first)
    client.json("POST", "api/conversations", 201, json={"title": "of the first"})
    client.login(account)
    assert titles(client) == []
    client.login(first)
    assert titles(client) == ["of the first"]


def test_an_answer_that_runs_goes_along(site, account):
    client = guest(site)
    conversation = client.new_conversation()
    done = {}
    reader = Client(site.url)
    reader.cookies.update(client.cookies)
    thread = threading.Thread(target=lambda: done.update(turn=reader.turn(conversation, "a " * 2000)))
    thread.start()
    wait_until(lambda: client.json("GET", f"api/conversations/{conversation}", 200)["messages"], "the turn has begun")
    client.login(account)
    thread.join()
    wait_until(lambda: client.json("GET", f"api/conversations/{conversation}", 200)["messages"][-1]["status"] == "complete",
               "the answer came whole")


def test_what_is_held_stays_with_the_guest_and_the_login_goes_on(site, account, database):
    """[I4]"""
    client = guest(site)
    held, free = client.json("POST", "api/conversations", 201, json={"title": "held"})["id"], client.json(
        "POST", "api/conversations", 201, json={"title": "free"})["id"]
    database.rows("WITH m AS (INSERT INTO chatsession.matters (name, reason, created_by) VALUES (%s, 'r', 'x') RETURNING id)"
                  " INSERT INTO chatsession.matter_conversations (matter_id, conversation_id, added_by)"
                  " SELECT id, %s, 'x' FROM m", (f"matter {next(_numbers)}", held))
    client.login(account)
    assert [row["id"] for row in client.json("GET", "api/conversations", 200)["conversations"]] == [free]
    assert database.value("SELECT u.role FROM chatsession.conversations c JOIN chatsession.users u ON u.id = c.user_id"
                          " WHERE c.id = %s", (held,)) == "guest"


def test_without_the_directive_nothing_is_adopted(make_httpd, make_database):
    database = make_database()
    user = database.add_user("mika")
    client = guest(make_httpd(database.conninfo, lines=["ChatSessionGuests 5"]))
    client.new_conversation("the guest's")
    client.login(user)
    assert titles(client) == []


def test_a_network_makes_so_many_guests_and_no_more(make_httpd, make_database):
    database = make_database()
    site = make_httpd(database.conninfo, lines=["ChatSessionGuests 2"], children=2)
    for _ in range(2):
        guest(site)
    response = Client(site.url).post("api/guest")
    assert (response.status_code, response.json()["error"], response.headers["Retry-After"]) == (429, "too_many_guests", "3600")
    assert guests(database) == 2


def test_without_guests_there_are_none(httpd):
    client = Client(httpd.url)
    assert client.json("POST", "api/guest", 403)["error"] == "forbidden"
    assert "guests" not in client.json("GET", "api/session", 200)


def test_guests_whose_session_is_over_go_with_what_they_wrote(make_httpd, make_database):
    database = make_database()
    site = make_httpd(database.conninfo, lines=["ChatSessionGuests 5", "ChatSessionTrashGrace 0", "ChatSessionSweepInterval 100ms"])
    client = guest(site)
    client.new_conversation("forgotten")
    database.rows("UPDATE chatsession.users SET created_at = now() - interval '2 days' WHERE role = 'guest' RETURNING id")
    database.rows("UPDATE chatsession.sessions SET last_seen_at = now() - interval '2 days', created_at = now() - interval '2 days'"
                  " RETURNING ref")
    wait_until(lambda: guests(database) == 0, "the guest is gone")
    assert database.value("SELECT count(*) FROM chatsession.conversations") == 0
