# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Invitations: a token of `chatsessionctl user invite` sets its user's password once, and within the hour (promise C10)."""
import threading
import uuid

import pytest
from harness.client import Client
from harness.postgres import chatsessionctl

PASSWORD = "seven pale lanterns"


@pytest.fixture
def name():
    return f"new {uuid.uuid4().hex[:12]}"


def invite(database, name, role="admin"):
    return chatsessionctl(database.superuser, "user", "invite", name, "--role", role).stdout.strip()


def use(server, token, password=PASSWORD):
    return Client(server.url).post("api/invitation", json={"token": token, "new": password})


def refused(answer):
    return answer.status_code == 403 and answer.json()["error"] == "invalid_invitation"


def test_the_first_administrator_sets_the_own_password_once(database, httpd, name):
    """[C10] 256 bits, used once, the use recorded; the second one of the same token is refused and changes nothing."""
    token = invite(database, name)
    assert len(token) == 43
    client = Client(httpd.url, "/chat-admin")
    assert client.post("api/login", json={"username": name, "password": PASSWORD}).status_code == 401
    answer = use(httpd, token)
    assert (answer.status_code, answer.json()) == (200, {"name": name}) and "Set-Cookie" not in answer.headers
    assert refused(use(httpd, token, "eight pale lanterns"))
    client.login(name, PASSWORD)
    assert client.get("api/users").status_code == 200
    entries = client.get("api/audit", params={"action": "invitation.use", "user": name}).json()["entries"]
    assert [(entry["operator"], entry["role"]) for entry in entries] == [(name, "admin")]


def test_only_a_hash_of_the_token_is_stored(database, httpd, name):
    """[C10] Who reads the database can use no invitation of it."""
    token = invite(database, name)
    row = database.value("SELECT u::text FROM chatsession.users u WHERE u.name = %s", (name,))
    stored = database.value("SELECT invitation_hash FROM chatsession.users WHERE name = %s", (name,))
    assert token not in row and len(stored) == 64
    assert refused(use(httpd, stored[:43])) and refused(use(httpd, stored))
    assert use(httpd, token).status_code == 200


@pytest.mark.parametrize("what", ["invitation_until = now() - interval '1 second'", "disabled_at = now()"])
def test_what_is_over_or_of_somebody_disabled_is_refused(database, httpd, name, what):
    """[C10] An hour, and not of somebody who may not log in."""
    token = invite(database, name)
    left = database.value("SELECT extract(epoch FROM invitation_until - now()) FROM chatsession.users WHERE name = %s", (name,))
    assert 3000 < float(left) <= 3600
    database.rows(f"UPDATE chatsession.users SET {what} WHERE name = '{name}' RETURNING 1")
    assert refused(use(httpd, token))
    assert database.value("SELECT password_phc FROM chatsession.users WHERE name = %s", (name,)) is None


def test_a_new_invitation_makes_the_one_before_void(database, httpd, name):
    before, token = invite(database, name), invite(database, name)
    assert refused(use(httpd, before)) and use(httpd, token).status_code == 200


def test_a_password_that_may_not_be_set_leaves_the_invitation_open(database, httpd, name):
    token = invite(database, name)
    for bad, code in (("short", "password_too_short"), ("password1234", "password_too_common"), (f"{name} 1", "password_has_user_name")):
        answer = use(httpd, token, bad)
        assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert use(httpd, token).status_code == 200


def test_who_is_there_already_is_out_everywhere_once_it_is_used(database, httpd):
    """[A8] A forgotten password is set anew in the same way: until then the old one counts, from then on nothing of before."""
    user = database.add_user(f"there {uuid.uuid4().hex[:8]}")
    client = Client(httpd.url)
    client.login(user)
    token = invite(database, user.name, "user")
    assert client.get("api/conversations").status_code == 200
    assert use(httpd, token).status_code == 200
    assert client.get("api/conversations").status_code == 401
    Client(httpd.url).login(user.name, PASSWORD)


def test_of_many_uses_at_once_one_wins(database, httpd, name):
    """[C10] Counted in one statement, whichever child asks."""
    token = invite(database, name)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(use(httpd, token))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, *[403] * 5]


@pytest.mark.parametrize("token", ["x", "A" * 42, "A" * 43, "A" * 44, "A" * 42 + "B", "é" * 20, " " * 43])
def test_what_is_no_invitation_is_refused_alike(httpd, token):
    assert refused(use(httpd, token))


def test_a_session_cookie_and_a_key_are_no_invitation(database, httpd):
    """[A5] What was drawn for one purpose counts for no other; an invitation is no cookie either."""
    client = Client(httpd.url)
    client.login(database.add_user(f"there {uuid.uuid4().hex[:8]}"))
    cookie = next(iter(client.cookies.values()))
    assert refused(use(httpd, cookie[:64])) and refused(use(httpd, cookie.split(".")[2]))
    token = invite(database, f"other {uuid.uuid4().hex[:8]}")
    thief = Client(httpd.url)
    thief.cookies.set("sid", token)
    assert thief.get("api/session").json()["authenticated"] is False
    assert thief.get("api/conversations", headers={"Authorization": f"Bearer {token}"}).status_code == 401
