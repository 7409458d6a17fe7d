# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The user's own account: sessions listed and ended (promise C9), the password changed (A7, A8, C3, C9), and logins at the
same moment as a change."""
import subprocess
import threading

import pytest
from harness.client import Client, log_in
from harness.place import BUILD, wait_until
from harness.postgres import chatsessionctl

NEW = "seven pale lanterns"


@pytest.fixture
def account(database):
    """A user of this test alone."""
    account.number = getattr(account, "number", 0) + 1
    return database.add_user(f"owner{account.number}")


@pytest.fixture(scope="module")
def other_host(make_module_httpd, database, httpd):
    """A second httpd on the same PostgreSQL with the same secret."""
    second = make_module_httpd(database.conninfo, start=False)
    (second.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    return second.start()


def on(host, client):
    one = Client(host.url)
    one.cookies.update(client.cookies)
    return one


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


def sessions(client):
    return client.json("GET", "api/sessions", 200)["sessions"]


def change(client, current, new=NEW):
    return client.post("api/password", json={"current": current, "new": new})


# --- sessions


def test_a_user_sees_the_own_sessions_and_which_one_this_is(httpd, account, user_client):
    """[C9]"""
    first = Client(httpd.url)
    first.session.headers["User-Agent"] = "Example/1"
    first.login(account)
    second = log_in(httpd, account)
    listed = sessions(second)
    assert [one["current"] for one in listed].count(True) == 1
    assert {one["user_agent"] for one in listed} == {"Example/1", second.session.headers["User-Agent"]}
    for one in listed:
        assert set(one) == {"ref", "current", "created_at", "last_seen_at", "expires_at", "network", "user_agent"}
        assert one["network"] == "127.0.0.1"
        assert one["created_at"] <= one["last_seen_at"] < one["expires_at"]
    assert [one["ref"] for one in sessions(first) if not one["current"]] == [
        one["ref"] for one in listed if one["current"]]


def test_a_session_that_is_over_is_not_listed(httpd, database, account):
    client, ended, idle = (log_in(httpd, account) for _ in range(3))
    ended.logout()
    ref = next(one["ref"] for one in sessions(idle) if one["current"])
    database.rows("UPDATE chatsession.sessions SET last_seen_at = now() - interval '31 min' WHERE ref = %s", (ref,))
    assert [one["current"] for one in sessions(client)] == [True]


def test_one_session_is_ended_on_every_host_before_the_answer(httpd, other_host, account):
    """[A8] [C9]"""
    client, other = log_in(httpd, account), log_in(httpd, account)
    there = on(other_host, other)
    assert is_logged_in(there) and is_logged_in(other)
    ref = next(one["ref"] for one in sessions(client) if not one["current"])
    assert client.delete(f"api/sessions/{ref}").status_code == 204
    assert not is_logged_in(there) and not is_logged_in(other)
    assert is_logged_in(client)
    assert client.delete(f"api/sessions/{ref}").status_code == 404


def test_this_session_is_ended_like_a_logout(httpd, account):
    client = log_in(httpd, account)
    ref = sessions(client)[0]["ref"]
    response = client.delete(f"api/sessions/{ref}")
    assert response.status_code == 204 and "Clear-Site-Data" in response.headers
    assert "sid" not in client.cookies


@pytest.mark.parametrize("ref", ["x", "00000000", "%00", "%ff%fe", "a'b", "A" * 3000, "%F0%9F%98%80"])
def test_a_session_that_does_not_exist_is_404(user_client, ref):
    assert user_client.delete(f"api/sessions/{ref}").status_code == 404


def test_another_users_session_is_404_and_goes_on(httpd, account, user_client):
    """[E1]"""
    client = log_in(httpd, account)
    ref = sessions(client)[0]["ref"]
    responses = [user_client.delete(f"api/sessions/{one}") for one in (ref, "no-such-ref")]
    assert [response.status_code for response in responses] == [404, 404]
    assert {response.json()["detail"] for response in responses} == {responses[0].json()["detail"]}
    assert is_logged_in(client)


def test_all_other_sessions_are_ended_at_once(httpd, other_host, account, user_client):
    """[C9]"""
    client, others = log_in(httpd, account), [log_in(httpd, account) for _ in range(3)]
    others += [on(other_host, one) for one in others]
    assert all(is_logged_in(one) for one in others)
    assert client.json("DELETE", "api/sessions", 200) == {"sessions": 3}
    assert not any(is_logged_in(one) for one in others)
    assert is_logged_in(client) and is_logged_in(user_client)
    assert client.json("DELETE", "api/sessions", 200) == {"sessions": 0}


# --- the password


def test_a_change_of_password_ends_all_other_sessions_and_gives_this_one_a_new_id(httpd, other_host, account):
    """[A7] [A8] [C9] 0 of 5 other cookies accepted"""
    client, others = log_in(httpd, account), [log_in(httpd, account) for _ in range(5)]
    others += [on(other_host, one) for one in others]
    before = on(httpd, client)
    assert all(is_logged_in(one) for one in others)
    response = change(client, account.password)
    assert response.status_code == 204 and response.content == b""
    assert not any(is_logged_in(one) for one in others) and not is_logged_in(before)
    assert is_logged_in(client) and len(sessions(client)) == 1
    assert client.cookies["sid"].split(".")[2] != before.cookies["sid"].split(".")[2]
    assert Client(httpd.url).post("api/login", json={"username": account.name,
                                                     "password": account.password}).status_code == 401
    Client(httpd.url).login(account.name, NEW)


def test_the_ended_sessions_say_why(httpd, database, account):
    client = log_in(httpd, account)
    log_in(httpd, account)
    change(client, account.password)
    causes = database.rows("SELECT DISTINCT revoke_cause FROM chatsession.sessions s JOIN chatsession.users u"
                           " ON u.id = s.user_id WHERE u.name = %s AND revoked_at IS NOT NULL", (account.name,))
    assert causes == [("password_changed",)]


def test_a_wrong_present_password_changes_nothing(httpd, account):
    """[C9]"""
    client, other = log_in(httpd, account), log_in(httpd, account)
    response = change(client, account.password + "x")
    assert response.status_code == 403 and response.json()["error"] == "invalid_credentials"
    assert is_logged_in(client) and is_logged_in(other)
    Client(httpd.url).login(account)


def test_the_present_password_is_guessed_no_faster_than_at_the_login(make_httpd, database, account):
    """[C4] who finds an open session"""
    server = make_httpd(database.conninfo, lines=["ChatSessionLoginDelay 15s", "ChatSessionKnownDevice off"])
    client = log_in(server, account)
    assert [change(client, f"guess {n}").status_code for n in range(4)] == [403, 403, 403, 429]
    assert int(change(client, account.password).headers["Retry-After"]) >= 1


@pytest.mark.parametrize("new, error", [
    ("short", "password_too_short"), ("seven77", "password_too_short"), ("x" * 1025, "invalid_request"),
    ("\N{GRINNING FACE}k" * 250, "password_too_long"), ("password", "password_too_common"),
    ("Qwerty123456!", "password_too_common"), ("31.12.1999", "password_too_common"),
    ("my OWNER name 12", "none"), ("i am at 127.0.0.1 now", "password_has_site_name")])
def test_a_new_password_is_looked_at(httpd, account, new, error):
    """[C3]"""
    client = log_in(httpd, account)
    response = change(client, account.password, new)
    if error == "none":
        assert response.status_code == 204
    else:
        assert response.status_code == 400 and response.json()["error"] == error
        assert is_logged_in(client)


def test_the_name_and_the_present_password_are_no_new_password(httpd, account):
    """[C3]"""
    client = log_in(httpd, account)
    assert change(client, account.password, f"i am {account.name.upper()}").json()["error"] == "password_has_user_name"
    assert change(client, account.password, account.password).json()["error"] == "password_unchanged"


@pytest.mark.parametrize("new", ["eight ok", " leading and trailing ", "\N{GRINNING FACE}" * 4 + "k\u00e9v\u4e16",
                                 "lantern " * 100 + "harbour", "a\tb\nc quilt"])
def test_any_unicode_from_8_characters_to_1024_octets_is_taken_exactly(httpd, account, new):
    """[C3]"""
    client = log_in(httpd, account)
    assert change(client, account.password, new).status_code == 204
    assert Client(httpd.url).post("api/login", json={"username": account.name,
                                                     "password": new.strip() + "!"}).status_code == 401
    Client(httpd.url).login(account.name, new)


def test_a_common_password_is_refused_at_the_command_line_too(database):
    """[C3]"""
    for password in ("password1", "iloveyou", "Karoline and more"):
        result = subprocess.run([str(BUILD / "chatsessionctl"), "--database", database.superuser, "user", "add",
                                 "karoline", "--role", "user", "--password-stdin"], input=password, text=True,
                                capture_output=True)
        assert result.returncode == 1 and "choose another one" in result.stderr
    assert database.value("SELECT count(*) FROM chatsession.users WHERE name = 'karoline'") == 0


def test_no_password_is_in_the_logs(httpd, account):
    client = log_in(httpd, account)
    change(client, account.password + "x")
    change(client, account.password)
    logged = "\n".join(httpd.error_log + httpd.access_log)
    assert NEW not in logged and account.password not in logged and client.cookies["known"] not in logged


# --- at the same moment


def waits_for_a_lock(database):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                          " AND datname = current_database()") > 0


def alive(database, name):
    return database.value("SELECT count(*) FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id"
                          " WHERE u.name = %s AND revoked_at IS NULL", (name,))


CHANGES = {
    "password": "UPDATE chatsession.users SET password_revision = password_revision + 1 WHERE name = %s",
    "disabled": "UPDATE chatsession.users SET disabled_at = now() WHERE name = %s",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_login_that_meets_a_change_of_the_user_begins_no_session(httpd, database, account, what):
    """[A8] the password is verified, then the change commits, then the session would begin"""
    answers = []
    with database.connect(autocommit=False) as changing:
        changing.execute(CHANGES[what], (account.name,))
        thread = threading.Thread(target=lambda: answers.append(Client(httpd.url).post(
            "api/login", json={"username": account.name, "password": account.password})))
        thread.start()
        wait_until(lambda: waits_for_a_lock(database), "the login to wait for the change")
        changing.commit()
        thread.join()
    assert answers[0].status_code == 401 and answers[0].json()["error"] == "invalid_credentials"
    assert "Set-Cookie" not in answers[0].headers
    assert alive(database, account.name) == 0


@pytest.mark.parametrize("arguments", [("password", "--random-password"), ("disable",), ("role", "auditor")],
                         ids=lambda arguments: arguments[0])
def test_a_change_of_the_user_ends_a_session_that_begins_while_it_waits(httpd, database, account, arguments):
    """[A8] the change's own statement began before the login committed, and does not see the session"""
    verb, *rest = arguments
    words = [account.name, *rest]
    with database.connect(autocommit=False) as login:
        login.execute("UPDATE chatsession.users SET last_login_at = now() WHERE name = %s", (account.name,))
        login.execute("INSERT INTO chatsession.sessions (id_hash, ref, user_id) SELECT sha256(name::bytea), name, id"
                      " FROM chatsession.users WHERE name = %s", (account.name,))
        thread = threading.Thread(target=chatsessionctl, args=(database.superuser, "user", verb, *words, *httpd.key))
        thread.start()
        wait_until(lambda: waits_for_a_lock(database), "the change to wait for the login")
        login.commit()
        thread.join()
    assert alive(database, account.name) == 0


def test_many_logins_and_a_change_of_password_leave_no_session_of_the_old_one(httpd, database, account):
    """[J7]"""
    client, done = log_in(httpd, account), threading.Event()

    def log_in_again():
        while not done.is_set():
            Client(httpd.url).post("api/login", json={"username": account.name, "password": account.password})

    threads = [threading.Thread(target=log_in_again) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: alive(database, account.name) > 8, "some logins")
    assert change(client, account.password).status_code == 204
    done.set()
    for thread in threads:
        thread.join()
    assert alive(database, account.name) == 1 and is_logged_in(client)


def test_two_changes_at_once_are_one_change(httpd, account):
    clients = [log_in(httpd, account) for _ in range(4)]
    answers = []
    threads = [threading.Thread(target=lambda one=one, n=n: answers.append(
        change(one, account.password, f"{NEW} {n}").status_code)) for n, one in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(204) == 1, answers
    assert set(answers) <= {204, 401, 403, 409}
    assert sum(is_logged_in(one) for one in clients) == 1
