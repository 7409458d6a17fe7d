# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Invitations: a token of the console or of `chatsessionctl user invite` sets its user's password once, and within the hour (promise C10)."""
import threading
import uuid

import pytest
from harness.client import Client, log_in
from harness.place import BUILD
from harness.postgres import chatsessionctl

PASSWORD = "seven pale lanterns"


@pytest.fixture
def name():
    return f"new {uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def key(httpd):
    return httpd.key


@pytest.fixture(scope="module")
def invite(database, key):
    """invite(name, role): the token that the command line prints."""
    return lambda name, role="admin": chatsessionctl(database.superuser, "user", "invite", name, "--role", role, *key).stdout.strip()


@pytest.fixture
def admin(operator_client):
    return operator_client


def entries(database, name):
    return database.rows("SELECT action, operator, detail, mac IS NOT NULL FROM chatsession.audit_entries WHERE target_user = %s ORDER BY seq",
                         (name,))


def use(server, token, password=PASSWORD):
    return Client(server.url).post("api/invitation", json={"token": token, "new": password})


def refused(answer):
    return answer.status_code == 403 and answer.json()["error"] == "invalid_invitation"


def test_the_first_administrator_sets_the_own_password_once(httpd, name, invite):
    """[C10] 256 bits, used once, the use recorded; the second one of the same token is refused and changes nothing."""
    token = invite(name)
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


def test_only_a_hash_of_the_token_is_stored(database, httpd, name, invite):
    """[C10] Who reads the database can use no invitation of it."""
    token = invite(name)
    row = database.value("SELECT u::text FROM chatsession.users u WHERE u.name = %s", (name,))
    stored = database.value("SELECT invitation_hash FROM chatsession.users WHERE name = %s", (name,))
    assert token not in row and len(stored) == 64
    assert refused(use(httpd, stored[:43])) and refused(use(httpd, stored))
    assert use(httpd, token).status_code == 200


@pytest.mark.parametrize("what", ["invitation_until = now() - interval '1 second'", "disabled_at = now()"])
def test_what_is_over_or_of_somebody_disabled_is_refused(database, httpd, name, what, invite):
    """[C10] An hour, and not of somebody who may not log in."""
    token = invite(name)
    left = database.value("SELECT extract(epoch FROM invitation_until - now()) FROM chatsession.users WHERE name = %s", (name,))
    assert 3000 < float(left) <= 3600
    database.rows(f"UPDATE chatsession.users SET {what} WHERE name = '{name}' RETURNING 1")
    assert refused(use(httpd, token))
    assert database.value("SELECT password_phc FROM chatsession.users WHERE name = %s", (name,)) is None


def test_a_new_invitation_makes_the_one_before_void(httpd, name, invite):
    before, token = invite(name), invite(name)
    assert refused(use(httpd, before)) and use(httpd, token).status_code == 200


def test_a_password_that_may_not_be_set_leaves_the_invitation_open(httpd, name, invite):
    token = invite(name)
    for bad, code in (("short", "password_too_short"), ("password1234", "password_too_common"), (f"{name} 1", "password_has_user_name")):
        answer = use(httpd, token, bad)
        assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert use(httpd, token).status_code == 200


def test_who_is_there_already_is_out_everywhere_once_it_is_used(database, httpd, invite):
    """[A8] A forgotten password is set anew in the same way: until then the old one counts, from then on nothing of before."""
    user = database.add_user(f"there {uuid.uuid4().hex[:8]}")
    client = log_in(httpd, user)
    token = invite(user.name, "user")
    assert client.get("api/conversations").status_code == 200
    assert use(httpd, token).status_code == 200
    assert client.get("api/conversations").status_code == 401
    Client(httpd.url).login(user.name, PASSWORD)


def test_of_many_uses_at_once_one_wins(httpd, name, invite):
    """[C10] Counted in one statement, whichever child asks."""
    token = invite(name)
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


def test_a_session_cookie_and_a_key_are_no_invitation(database, httpd, invite):
    """[A5] What was drawn for one purpose counts for no other; an invitation is no cookie either."""
    client = Client(httpd.url)
    client.login(database.add_user(f"there {uuid.uuid4().hex[:8]}"))
    cookie = next(iter(client.cookies.values()))
    assert refused(use(httpd, cookie[:64])) and refused(use(httpd, cookie.split(".")[2]))
    token = invite(f"other {uuid.uuid4().hex[:8]}")
    thief = Client(httpd.url)
    thief.cookies.set("sid", token)
    assert thief.get("api/session").json()["authenticated"] is False
    assert thief.get("api/conversations", headers={"Authorization": f"Bearer {token}"}).status_code == 401


# --- by the console


def test_who_is_invited_by_the_console_sets_the_own_password_and_has_the_role(admin, httpd, database, name):
    """[C10] [E6] Nobody else knows the password; what was shown once is nowhere else, and who invited whom is recorded."""
    made = admin.json("POST", "api/users", 201, json={"name": name, "role": "auditor", "invite": True})
    token = made["invitation"]["token"]
    assert set(made) == {"name", "role", "invitation"} and len(token) == 43
    assert made["invitation"]["path"] == f"/chat/#invite={token}"
    assert database.value("SELECT password_phc FROM chatsession.users WHERE name = %s", (name,)) is None
    assert entries(database, name) == [("user.create", "operator", {"role": "auditor", "invited": True}, True)]
    seen = admin.get("api/users").text + admin.get("api/audit").text + "".join(httpd.error_log + httpd.access_log)
    assert token not in seen and use(httpd, token).status_code == 200 and refused(use(httpd, token))
    client = Client(httpd.url, "/chat-admin")
    client.login(name, PASSWORD)
    assert client.get("api/audit").status_code == 200 and client.get("api/settings").status_code == 403


def test_one_who_is_there_is_invited_and_the_old_password_counts_until_then(admin, httpd, database):
    """[C10] [A8]"""
    user = database.add_user(f"there {uuid.uuid4().hex[:8]}", "viewer")
    client = log_in(httpd, user)
    first = admin.json("POST", f"api/users/{user.name}/invitation", 201)["invitation"]["token"]
    token = admin.json("POST", f"api/users/{user.name}/invitation", 201)["invitation"]["token"]
    Client(httpd.url).login(user)
    assert refused(use(httpd, first)) and use(httpd, token).status_code == 200
    assert client.get("api/conversations").status_code == 401
    Client(httpd.url).login(user.name, PASSWORD)
    assert [entry[:3] for entry in entries(database, user.name)] == [("user.invite", "operator", {"role": "viewer"})] * 2 + [
        ("invitation.use", user.name, {})]


def test_nobody_who_is_disabled_oneself_or_unknown_is_invited(admin, database, operator):
    """[E5] An invitation of one's own account would be a way past the present password."""
    user = database.add_user(f"there {uuid.uuid4().hex[:8]}")
    admin.json("PATCH", f"api/users/{user.name}", 200, json={"disabled": True})
    for name, status, code in ((user.name, 409, "user_disabled"), (operator.name, 403, "own_account"), ("nobody at all", 404, "not_found")):
        assert admin.json("POST", f"api/users/{name}/invitation", status)["error"] == code
    assert database.value("SELECT count(*) FROM chatsession.users WHERE invitation_hash IS NOT NULL AND name IN (%s, %s)",
                          (user.name, operator.name)) == 0


def test_where_the_chat_page_is_on_another_host_there_is_only_the_token(make_httpd, httpd, database, operator, name):
    site = make_httpd(bare=True, lines=[
        f'ChatSessionDatabase "{database.conninfo}"', f'ChatSessionSecretFile "{httpd.folder}/secret"', "ChatSessionCookieSecure off",
        f'ChatSessionPages "{BUILD}/share"',
        '<Location "/chat-admin">', "SetHandler chatsession-admin", "</Location>"])
    client = log_in(site, operator, "/chat-admin")
    made = client.json("POST", "api/users", 201, json={"name": name, "role": "user", "invite": True})["invitation"]
    assert made["path"] is None and len(made["token"]) == 43


# --- by the command line


def test_the_command_line_records_whom_it_invites_in_the_sealed_log(httpd, database, admin, key, invite, name):
    """[E6] [E7] With the key the chain goes on; without it nobody is invited once the chain has begun."""
    invite(name, "viewer")
    invite(name, "viewer")
    assert entries(database, name) == [("user.create", "(chatsessionctl)", {"role": "viewer", "invited": True}, True),
                                       ("user.invite", "(chatsessionctl)", {"role": "viewer"}, True)]
    before = database.value("SELECT count(*) FROM chatsession.audit_entries")
    for whom in (name, f"other {name}"):
        result = chatsessionctl(database.superuser, "user", "invite", whom, "--role", "viewer", check=False)
        assert (result.returncode, result.stdout) == (1, "") and "--key-file" in result.stderr
    assert database.value("SELECT count(*) FROM chatsession.audit_entries") == before
    assert database.value("SELECT count(*) FROM chatsession.users WHERE name = %s", (f"other {name}",)) == 0
    assert admin.json("GET", "api/audit/verify", 200)["ok"]
    assert chatsessionctl(database.superuser, "audit", "verify", *key).returncode == 0


def test_the_first_administrator_is_invited_before_there_is_a_key(make_database):
    """[C10] The log has begun with nothing sealed: what is written before the chain stays before it."""
    database = make_database()
    assert len(chatsessionctl(database.superuser, "user", "invite", "first", "--role", "admin").stdout.strip()) == 43
    assert entries(database, "first") == [("user.create", "(chatsessionctl)", {"role": "admin", "invited": True}, False)]
