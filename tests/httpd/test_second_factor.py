# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The second factor (promise C12): set up in two steps, asked for after the right password and told to nobody else (C6), each
code used once on all hosts together, guessed at no faster than passwords (C4), demanded of those of whom
ChatSessionSecondFactor wants one. Time passes by making what is recorded older."""
import base64
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import passwords as front_door
from harness.client import Client
from harness.passwords import htpasswd
from harness.place import new_folder, wait_until
from harness.postgres import chatsessionctl
from harness.totp import STEP, code, wrong_code

_numbers = itertools.count(1)
WRONG = "a wrong password"


@pytest.fixture
def account(database):
    """account(role): a new user without a second factor."""
    return lambda role="user": database.add_user(f"factor{next(_numbers)}", role)


@pytest.fixture(scope="module")
def other_host(make_module_httpd, database, httpd):
    """A second httpd on the same PostgreSQL with the same secret."""
    second = make_module_httpd(database.conninfo, start=False)
    (second.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    return second.start()


@pytest.fixture(scope="module")
def strict(make_module_httpd, database, httpd):
    """A server that wants a second factor of operators."""
    return same_secret(make_module_httpd, database, httpd, ["ChatSessionSecondFactor operators"])


def same_secret(make, database, httpd, lines, **options):
    server = make(database.conninfo, lines=lines, start=False, **options)
    (server.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    return server.start()


# --- what people do


def try_login(server, user, given=None, password=None, client=None, mount="/chat"):
    body = {"username": user.name, "password": password or user.password}
    return (client or Client(server.url, mount)).post("api/login", json=body | ({"code": given} if given else {}))


def log_in(server, user, given=None, mount="/chat"):
    client = Client(server.url, mount)
    response = try_login(server, user, given, client=client)
    assert response.status_code == 200, response.text
    return client


def begin(client, user):
    return client.json("POST", "api/second-factor", 200, json={"password": user.password})["secret"]


def confirm(client, secret):
    return client.json("POST", "api/second-factor/confirm", 200, json={"code": code(secret)})["recovery_codes"]


def enrol(database, client, user):
    """(the app's secret, the recovery codes); no code counts as used."""
    secret = begin(client, user)
    codes = confirm(client, secret)
    unused(database, user)
    return secret, codes


def unused(database, user):
    """A few steps pass."""
    database.rows("UPDATE chatsession.second_factors SET last_step = last_step - 10 WHERE user_id ="
                  " (SELECT id FROM chatsession.users WHERE name = %s)", (user.name,))


def state(client):
    return client.json("GET", "api/second-factor", 200)["state"]


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


def refused(response, status, error):
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert "Set-Cookie" not in response.headers


def entries(database, user):
    return database.rows("SELECT action, operator, role, host(network) FROM chatsession.audit_entries"
                         " WHERE target_user = %s ORDER BY seq", (user.name,))


def alive(database, user):
    return database.value("SELECT count(*) FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id"
                          " WHERE u.name = %s AND revoked_at IS NULL", (user.name,))


def waiting(database):
    """How many statements wait for a lock."""
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                          " AND datname = current_database()")


def in_one_step(deed):
    """deed()'s value when no step of the clock ended meanwhile."""
    while True:
        before = time.time() // STEP
        value = deed()
        if time.time() // STEP == before:
            return value


def on(host, client):
    one = Client(host.url)
    one.cookies.update(client.cookies)
    return one


# --- setting it up


def test_nothing_is_asked_for_before_a_code_was_seen(httpd, database, account):
    """[C12] begun and never confirmed"""
    user = account()
    client = log_in(httpd, user)
    assert client.get("api/session").json()["second_factor"] == "none" and state(client) == "none"
    secret = begin(client, user)
    assert state(client) == "none"
    refused(client.post("api/second-factor/confirm", json={"code": wrong_code(secret)}), 403, "invalid_code")
    assert state(client) == "none"
    log_in(httpd, user)
    assert entries(database, user) == []


def test_what_the_app_reads_is_what_the_page_shows(httpd, account):
    user = account()
    body = log_in(httpd, user).json("POST", "api/second-factor", 200, json={"password": user.password})
    assert len(base64.b32decode(body["secret"])) == 20
    assert body["uri"] == (f"otpauth://totp/127.0.0.1:{user.name}?secret={body['secret']}&issuer=127.0.0.1"
                           "&algorithm=SHA1&digits=6&period=30")


def test_beginning_again_makes_another_secret_and_voids_the_first(httpd, account):
    user = account()
    client = log_in(httpd, user)
    first, second = begin(client, user), begin(client, user)
    assert first != second
    refused(client.post("api/second-factor/confirm", json={"code": code(first)}), 403, "invalid_code")
    assert len(set(confirm(client, second))) == 10


def test_setting_it_up_wants_the_password(httpd, account):
    """ASVS 7.5.1: who finds an open session sets nothing up"""
    client = log_in(httpd, account())
    refused(client.post("api/second-factor", json={"password": WRONG}), 403, "invalid_credentials")
    refused(client.post("api/second-factor/confirm", json={"code": "000000"}), 409, "second_factor_not_begun")


def test_what_was_begun_is_void_after_a_quarter_of_an_hour(httpd, database, account):
    user = account()
    client = log_in(httpd, user)
    secret = begin(client, user)
    database.rows("UPDATE chatsession.second_factors SET begun_at = now() - interval '15 min 1 s'")
    refused(client.post("api/second-factor/confirm", json={"code": code(secret)}), 409, "second_factor_not_begun")


def test_all_other_sessions_end_and_this_one_goes_on_under_a_new_id(httpd, other_host, database, account):
    """[A7] [A8]"""
    user = account()
    client, others = log_in(httpd, user), [log_in(httpd, user) for _ in range(2)]
    others += [on(other_host, one) for one in others]
    before = on(httpd, client)
    assert all(is_logged_in(one) for one in others)
    secret = begin(client, user)
    assert all(is_logged_in(one) for one in others)
    confirm(client, secret)
    assert not any(is_logged_in(one) for one in others) and not is_logged_in(before)
    assert client.get("api/session").json()["second_factor"] == "active" and state(client) == "active"
    assert client.cookies["sid"] != before.cookies["sid"] and alive(database, user) == 1
    assert database.rows("SELECT DISTINCT revoke_cause FROM chatsession.sessions s JOIN chatsession.users u"
                         " ON u.id = s.user_id WHERE u.name = %s AND revoked_at IS NOT NULL",
                         (user.name,)) == [("second_factor_changed",)]
    assert entries(database, user) == [("factor.enrol", user.name, "user", "127.0.0.1")]
    refused(client.post("api/second-factor", json={"password": user.password}), 409, "second_factor_active")
    refused(client.post("api/second-factor/confirm", json={"code": code(secret, 1)}), 409, "second_factor_active")


def test_two_who_confirm_at_once_are_one(httpd, account):
    user = account()
    clients = [log_in(httpd, user) for _ in range(4)]
    secret = begin(clients[0], user)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one.post("api/second-factor/confirm", json={"code": code(secret)}),
                                clients))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} <= {200, 401, 409}
    assert sum(is_logged_in(one) for one in clients) == 1


# --- logging in


def test_the_right_password_alone_begins_no_session(httpd, database, account):
    user = account()
    client = log_in(httpd, user)
    secret, _ = enrol(database, client, user)
    refused(try_login(httpd, user), 401, "second_factor_required")
    assert alive(database, user) == 1
    again = log_in(httpd, user, code(secret))
    assert is_logged_in(again) and again.cookies["sid"] != client.cookies["sid"]


def test_without_the_right_password_nobody_hears_of_a_second_factor(httpd, database, account):
    """[C6]"""
    user, plain = account(), account()
    secret, codes = enrol(database, log_in(httpd, user), user)

    def answer(name, **more):
        response = Client(httpd.url).post("api/login", json={"username": name, "password": WRONG} | more)
        body = response.json()
        body.pop("request_id")
        headers = {name: value for name, value in response.headers.items() if name not in ("Date", "X-Request-Id")}
        return response.status_code, body, headers

    seen = [answer(name, **more) for name in (user.name, plain.name, "nobody at all")
            for more in ({}, {"code": wrong_code(secret)}, {"code": code(secret)}, {"code": codes[0]}, {"code": "x"})]
    assert all(one == seen[0] for one in seen) and seen[0][0] == 401
    assert seen[0][1]["error"] == "invalid_credentials"
    log_in(httpd, user, code(secret))  # none of the codes was used up


def test_who_has_no_second_factor_logs_in_whatever_code_comes_along(httpd, account):
    log_in(httpd, account(), "123456")


def test_a_code_is_used_once_and_a_used_one_looks_like_a_wrong_one(httpd, database, account):
    """[C12]"""
    user = account()
    secret, _ = enrol(database, log_in(httpd, user), user)

    def replay():
        unused(database, user)
        given = code(secret)
        log_in(httpd, user, given)
        return try_login(httpd, user, given), try_login(httpd, user, wrong_code(secret))
    replayed, wrong = in_one_step(replay)
    refused(replayed, 401, "invalid_code")
    refused(wrong, 401, "invalid_code")
    assert {**replayed.json(), "request_id": 0} == {**wrong.json(), "request_id": 0}


def test_the_code_that_confirmed_it_is_used(httpd, account):
    """[C12]"""
    def confirm_and_log_in():
        user = account()
        client = log_in(httpd, user)
        secret = begin(client, user)
        confirm(client, secret)
        return try_login(httpd, user, code(secret))
    refused(in_one_step(confirm_and_log_in), 401, "invalid_code")


def test_a_clock_may_be_half_a_minute_off_and_no_more(httpd, database, account):
    """[C12] one step before and after"""
    user = account()
    secret, _ = enrol(database, log_in(httpd, user), user)

    def statuses():
        seen = []
        for steps in (-3, -2, -1, 0, 1, 2, 3):
            unused(database, user)
            seen.append(try_login(httpd, user, code(secret, steps)).status_code)
        return seen
    assert in_one_step(statuses) == [401, 401, 200, 200, 200, 401, 401]


def test_a_code_of_before_the_last_one_used_does_not_count(httpd, database, account):
    user = account()
    secret, _ = enrol(database, log_in(httpd, user), user)

    def newer_then_older():
        unused(database, user)
        return try_login(httpd, user, code(secret, 1)).status_code, try_login(httpd, user, code(secret)).status_code
    assert in_one_step(newer_then_older) == (200, 401)


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_20_uses_of_one_code_on_two_hosts_at_once_one_wins(httpd, other_host, database, account, kind):
    """[C12]"""
    user = account()
    secret, codes = enrol(database, log_in(httpd, user), user)
    given = code(secret) if kind == "app" else codes[0]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: try_login((httpd, other_host)[n % 2], user, given).status_code, range(20)))
    assert sorted(answers) == [200] + [401] * 19


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_those_who_looked_before_the_first_one_used_it_one_wins(httpd, other_host, database, account, kind):
    """[C12] all have found the code good and unused, and wait to use it up"""
    user = account()
    secret, codes = enrol(database, log_in(httpd, user), user)
    given, answers = code(secret) if kind == "app" else codes[0], []
    with database.connect(autocommit=False) as holding:
        holding.execute(f"SELECT FROM chatsession.{'second_factors' if kind == 'app' else 'recovery_codes'} WHERE user_id ="
                        " (SELECT id FROM chatsession.users WHERE name = %s) FOR UPDATE", (user.name,))
        threads = [threading.Thread(target=lambda n=n: answers.append(
            try_login((httpd, other_host)[n % 2], user, given).status_code)) for n in range(6)]
        for thread in threads:
            thread.start()
        wait_until(lambda: waiting(database) == 6, "all to wait")
        holding.commit()
        for thread in threads:
            thread.join()
    assert sorted(answers) == [200] + [401] * 5


@pytest.mark.parametrize("given", ["", " ", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "-1", "A" * 64,
                                   "x" * 65, "'", "\u0000", 123456, None, ["123456"]])
def test_what_is_no_code_logs_nobody_in(httpd, database, account, given):
    user = account()
    enrol(database, log_in(httpd, user), user)
    response = Client(httpd.url).post("api/login", json={"username": user.name, "password": user.password,
                                                         "code": given})
    assert response.status_code in (400, 401) and "Set-Cookie" not in response.headers


def test_a_login_that_meets_the_enrolment_begins_no_session(httpd, database, account):
    """[A8] the password is verified and no code was asked for, then the second factor comes"""
    user = account()
    answers = []
    with database.connect(autocommit=False) as changing:
        changing.execute("UPDATE chatsession.users SET second_factor_at = now(), password_revision ="
                         " password_revision + 1 WHERE name = %s", (user.name,))
        thread = threading.Thread(target=lambda: answers.append(try_login(httpd, user)))
        thread.start()
        wait_until(lambda: waiting(database), "the login to wait")
        changing.commit()
        thread.join()
    refused(answers[0], 401, "invalid_credentials")
    assert alive(database, user) == 0


# --- recovery codes


def test_a_recovery_code_lets_in_once_however_it_is_typed_and_is_recorded(httpd, database, account):
    user = account()
    client = log_in(httpd, user)
    _, codes = enrol(database, client, user)
    assert client.get("api/second-factor").json() == {"state": "active", "recovery_codes": 10}
    log_in(httpd, user, codes[0])
    refused(try_login(httpd, user, codes[0]), 401, "invalid_code")
    log_in(httpd, user, codes[1].lower().replace("-", " "))
    log_in(httpd, user, codes[2].replace("-", ""))
    assert client.get("api/second-factor").json() == {"state": "active", "recovery_codes": 7}
    assert [row[0] for row in entries(database, user)] == ["factor.enrol"] + ["factor.recover"] * 3


def test_a_recovery_code_of_somebody_else_is_none(httpd, database, account):
    one, other = account(), account()
    _, codes = enrol(database, log_in(httpd, one), one)
    enrol(database, log_in(httpd, other), other)
    refused(try_login(httpd, other, codes[0]), 401, "invalid_code")
    log_in(httpd, one, codes[0])


def test_a_recovery_that_cannot_be_recorded_lets_nobody_in(httpd, database, account):
    """[E6]"""
    user = account()
    _, codes = enrol(database, log_in(httpd, user), user)
    database.rows("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        httpd.expect_log("CS0013", "CS2022")
        response = try_login(httpd, user, codes[0])
    finally:
        database.rows("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert response.status_code == 500 and "Set-Cookie" not in response.headers
    log_in(httpd, user, codes[0])


def test_new_recovery_codes_void_the_old_ones_and_want_password_and_code(httpd, database, account):
    user = account()
    client = log_in(httpd, user)
    secret, codes = enrol(database, client, user)
    for body, error in (({"password": WRONG, "code": code(secret)}, "invalid_credentials"),
                        ({"password": user.password, "code": wrong_code(secret)}, "invalid_code")):
        refused(client.post("api/second-factor/recovery-codes", json=body), 403, error)
    fresh = client.json("POST", "api/second-factor/recovery-codes", 200,
                        json={"password": user.password, "code": code(secret)})["recovery_codes"]
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    refused(try_login(httpd, user, codes[0]), 401, "invalid_code")
    log_in(httpd, user, fresh[0])
    assert [row[0] for row in entries(database, user)] == ["factor.enrol", "factor.renew", "factor.recover"]


# --- taking it away


def test_its_user_removes_it_with_password_and_code_only(httpd, other_host, database, account):
    """[A7] [A8]"""
    user = account()
    client = log_in(httpd, user)
    refused(client.post("api/second-factor/remove", json={"password": user.password, "code": "000000"}), 409,
            "no_second_factor")
    secret, codes = enrol(database, client, user)
    other = on(other_host, log_in(httpd, user, codes[0]))
    for body, error in (({"password": WRONG, "code": codes[1]}, "invalid_credentials"),
                        ({"password": user.password, "code": codes[0]}, "invalid_code"),
                        ({"password": user.password, "code": wrong_code(secret)}, "invalid_code")):
        refused(client.post("api/second-factor/remove", json=body), 403, error)
    assert client.post("api/second-factor/remove", json={"password": user.password}).status_code == 400
    assert is_logged_in(other) and state(client) == "active"
    before = client.cookies["sid"]
    client.json("POST", "api/second-factor/remove", 204, json={"password": user.password, "code": code(secret)})
    assert client.cookies["sid"] != before and state(client) == "none" and not is_logged_in(other)
    log_in(httpd, user)
    assert [row[0] for row in entries(database, user)] == ["factor.enrol", "factor.recover", "factor.remove"]
    assert database.value("SELECT count(*) FROM chatsession.recovery_codes c JOIN chatsession.users u"
                          " ON u.id = c.user_id WHERE u.name = %s", (user.name,)) == 0
    enrol(database, client, user)


@pytest.fixture(scope="module")
def admin(httpd, database):
    user = database.add_user("factor admin", "admin")
    return user, log_in(httpd, user, mount="/chat-admin")


def reset(client, name):
    return client.post(f"api/users/{name}/second-factor/reset")


def test_an_administrator_resets_anothers(httpd, other_host, database, account, admin):
    user = account("operator")
    client = log_in(httpd, user)
    enrol(database, client, user)
    there = on(other_host, client)
    assert is_logged_in(there)
    assert admin[1].get(f"api/users/{user.name}").json()["second_factor_at"] is not None
    assert reset(admin[1], user.name).status_code == 204
    assert not is_logged_in(client) and not is_logged_in(there)
    assert admin[1].get(f"api/users/{user.name}").json()["second_factor_at"] is None
    log_in(httpd, user)
    assert entries(database, user)[-1] == ("factor.reset", admin[0].name, "admin", "127.0.0.1")


def test_resetting_nothing_is_done_and_not_recorded(database, account, admin):
    user = account()
    assert reset(admin[1], user.name).status_code == 204
    assert entries(database, user) == []
    assert reset(admin[1], "nobody at all").status_code == 404


def test_nobody_resets_the_own_one(httpd, database, admin):
    user, client = admin
    refused(reset(client, user.name), 403, "own_account")


def test_the_command_line_resets_it(httpd, database, account):
    user = account()
    client = log_in(httpd, user)
    enrol(database, client, user)
    result = chatsessionctl(database.superuser, "user", "second-factor", "reset", user.name, *httpd.key)
    assert result.stdout == f"the second factor of {user.name} is gone, and with it the user's sessions\n"
    wait_until(lambda: not is_logged_in(client), "the session to end")
    log_in(httpd, user)
    again = chatsessionctl(database.superuser, "user", "second-factor", "reset", user.name, *httpd.key, check=False)
    assert again.returncode == 3 and "has no second factor" in again.stderr
    other = chatsessionctl(database.superuser, "user", "second-factor", "show", user.name, check=False)
    assert other.returncode == 2 and "expected: user second-factor reset NAME" in other.stderr


# --- guessing


@pytest.fixture
def few(make_httpd, database, httpd):
    """A server that admits five failures in an hour."""
    return same_secret(make_httpd, database, httpd,
                       ["ChatSessionLoginLimit 5", "ChatSessionLoginDelay 0", "ChatSessionKnownDevice off"])


@pytest.fixture(autouse=True)
def nobody_has_tried(database):
    database.rows("DELETE FROM chatsession.login_attempts")


@pytest.fixture
def slow(make_httpd, database, httpd):
    """A server that wants a long wait after three failures in a row."""
    return same_secret(make_httpd, database, httpd,
                       ["ChatSessionLoginLimit 100", "ChatSessionLoginDelay 15min", "ChatSessionKnownDevice off"])


def test_codes_are_guessed_no_faster_than_passwords(few, httpd, database, account):
    """[C4]"""
    user = account()
    secret, codes = enrol(database, log_in(httpd, user), user)
    wrong = wrong_code(secret)
    seen = []
    for _ in range(5):
        seen += [try_login(few, user, wrong).status_code, try_login(few, user).status_code]
    assert seen == [401] * 9 + [429]
    assert try_login(few, user, codes[0]).status_code == 429
    database.rows("UPDATE chatsession.login_attempts SET recent = '{}', failures = 0, not_before = NULL")
    log_in(few, user, codes[0])


def test_the_password_alone_right_as_it_is_forgives_no_wrong_code(slow, httpd, database, account):
    """[C4]"""
    user = account()
    secret, _ = enrol(database, log_in(httpd, user), user)
    wrong = wrong_code(secret)
    seen = [try_login(slow, user, given).status_code for given in (wrong, None, wrong, None, wrong, None)]
    assert seen == [401] * 5 + [429]


def test_a_right_password_without_a_code_counts_as_no_failure(few, httpd, database, account):
    user = account()
    secret, _ = enrol(database, log_in(httpd, user), user)
    assert [try_login(few, user).json()["error"] for _ in range(12)] == ["second_factor_required"] * 12
    log_in(few, user, code(secret))


def test_a_wait_that_others_caused_meanwhile_is_not_taken_back(database):
    """[C4] a right password withdraws its own attempt alone"""
    admit = "SELECT admitted_at FROM chatsession.login_admit('somebody', '192.0.2.1', NULL, NULL, 100, '1 min')"
    mine = database.value(admit)
    for _ in range(2):
        database.value(admit)
    withdraw = "SELECT chatsession.login_withdrawn('somebody', '192.0.2.1', NULL, NULL, %s)"
    database.value(withdraw, (mine,))
    assert database.value("SELECT count(*) FROM chatsession.login_attempts WHERE not_before > now()") == 1
    assert database.rows("SELECT DISTINCT failures, cardinality(recent) FROM chatsession.login_attempts") == [(2, 2)]


def test_inside_a_session_codes_are_guessed_no_faster(slow, httpd, database, account):
    """[C4] who holds session and password; a change of password forgives nothing either"""
    user = account()
    secret, codes = enrol(database, log_in(httpd, user), user)
    client = log_in(slow, user, codes[0])

    def remove(password, given):
        return client.post("api/second-factor/remove", json={"password": password, "code": given}).status_code
    new = "the lantern of nine harbours"
    assert [remove(user.password, wrong_code(secret)) for _ in range(2)] == [403, 403]
    assert client.post("api/password", json={"current": user.password, "new": new}).status_code == 204
    assert remove(new, wrong_code(secret)) == 403
    assert remove(new, codes[1]) == 429


def test_a_new_password_forgives_who_has_no_second_factor(slow, account):
    user = account()
    client = log_in(slow, user)
    for _ in range(2):
        try_login(slow, user, password=WRONG)
    new = "the lantern of nine harbours"
    assert client.post("api/password", json={"current": user.password, "new": new}).status_code == 204
    assert [try_login(slow, user, password=WRONG).status_code for _ in range(3)] == [401] * 3


def test_what_confirms_it_is_guessed_no_faster(few, account):
    """[C4] who finds an open session in which it was begun"""
    user = account()
    client = log_in(few, user)
    secret = begin(client, user)
    answers = [client.post("api/second-factor/confirm", json={"code": wrong_code(secret)}).status_code
               for _ in range(6)]
    assert answers == [403] * 5 + [429]


# --- what is kept


def everything(database):
    return database.value("SELECT string_agg(to_jsonb(f)::text, '') FROM (SELECT * FROM chatsession.second_factors"
                          " LEFT JOIN chatsession.recovery_codes USING (user_id)) f")


def test_the_database_alone_holds_no_secret_and_no_code(httpd, database, account):
    user = account()
    secret, codes = enrol(database, log_in(httpd, user), user)
    kept = everything(database)
    raw = base64.b32decode(secret)
    for text in (secret, raw.hex(), base64.b64encode(raw).decode()[:20], base64.urlsafe_b64encode(raw).decode()[:20]):
        assert text not in kept
    for one in codes:
        assert one not in kept and one.replace("-", "") not in kept


def test_a_sealed_secret_is_of_no_use_to_another_user(httpd, database, account):
    """Who may write to the database but has no secret of the module"""
    one, other = account(), account()
    secret, _ = enrol(database, log_in(httpd, one), one)
    enrol(database, log_in(httpd, other), other)
    database.rows("UPDATE chatsession.second_factors SET secret = (SELECT secret FROM chatsession.second_factors f"
                  " JOIN chatsession.users u ON u.id = f.user_id WHERE u.name = %s) WHERE user_id ="
                  " (SELECT id FROM chatsession.users WHERE name = %s)", (one.name, other.name))
    httpd.expect_log("CS0160", "CS0013")
    assert try_login(httpd, other, code(secret)).status_code == 500


def test_secrets_are_rotated_without_anybody_noticing(make_httpd, httpd, database, account):
    user = account()
    secret, codes = enrol(database, log_in(httpd, user), user)
    sealed = "SELECT secret FROM chatsession.second_factors f JOIN chatsession.users u ON u.id = f.user_id" \
             " WHERE u.name = %s"
    before = database.value(sealed, (user.name,))
    both = make_httpd(database.conninfo, lines=[f'ChatSessionSecretFile "{httpd.folder / "secret"}"'])
    log_in(both, user, code(secret))
    after = database.value(sealed, (user.name,))
    assert after != before
    unused(database, user)
    log_in(both, user, code(secret))
    assert database.value(sealed, (user.name,)) == after, "what is sealed by the first secret stays"
    new = make_httpd(database.conninfo, start=False)
    (new.folder / "secret").write_bytes((both.folder / "secret").read_bytes())
    new.start()
    unused(database, user)
    log_in(new, user, code(secret))
    httpd.expect_log("CS0160", "CS0013")
    unused(database, user)
    assert try_login(httpd, user, code(secret)).status_code == 500
    log_in(httpd, user, codes[0])


def test_no_secret_and_no_code_is_in_the_logs(make_httpd, database, httpd, account):
    """[L3]"""
    user = account()
    server = same_secret(make_httpd, database, httpd, [], log_level="debug")
    client = log_in(server, user)
    secret, codes = enrol(database, client, user)
    given, wrong = code(secret), wrong_code(secret)
    log_in(server, user, given)
    try_login(server, user, wrong)
    log_in(server, user, codes[0])
    logged = "\n".join(server.error_log + server.access_log)
    assert "CS0162" in logged, "the test sees what it must see"
    for text in (secret, *codes, f'"{given}"', f'"{wrong}"', user.password):
        assert text not in logged


# --- who must have one


def test_operators_must_set_it_up_before_the_console_answers(strict, database, account):
    """[C12]"""
    user = account("viewer")
    client = log_in(strict, user, mount="/chat-admin")
    assert client.get("api/session").json()["second_factor"] == "needed"
    for path in ("api/overview", "api/conversations", "api/users"):
        refused(client.get(path), 403, "second_factor_needed")
    refused(client.post("api/second-factor/remove", json={"password": user.password, "code": "000000"}), 403,
            "second_factor_needed")
    assert state(client) == "needed"
    chat = Client(strict.url, session=client.session)
    assert chat.get("api/conversations").status_code == 200, "the chat is not the console"
    assert chat.get("api/session").json()["second_factor"] == "none"
    enrol(database, client, user)
    assert client.get("api/session").json()["second_factor"] == "active"
    assert client.get("api/overview").status_code == 200
    refused(try_login(strict, user, mount="/chat-admin"), 401, "second_factor_required")


def test_who_is_no_operator_hears_of_the_role_and_not_of_a_second_factor(strict, account):
    client = log_in(strict, account(), mount="/chat-admin")
    refused(client.get("api/overview"), 403, "forbidden")


def test_one_that_is_removed_is_wanted_again(strict, database, account):
    user = account("auditor")
    client = log_in(strict, user, mount="/chat-admin")
    _, codes = enrol(database, client, user)
    client.json("POST", "api/second-factor/remove", 204, json={"password": user.password, "code": codes[0]})
    refused(client.get("api/overview"), 403, "second_factor_needed")


def test_everyone_must_set_it_up_before_anything_answers(make_httpd, database, httpd, account):
    folder = new_folder("site")
    (folder / "page.txt").write_text("for members")
    folder.chmod(0o755)
    server = same_secret(make_httpd, database, httpd, [
        "ChatSessionSecondFactor everyone", "ChatSessionLoginUrl /chat/", f'<Directory "{folder}">',
        "Require all granted", "</Directory>", f'Alias "/members" "{folder}"', f'Alias "/open" "{folder}"',
        '<Location "/members">', "AuthType ChatSession", "Require valid-user", "</Location>",
        '<Location "/open">', "ChatSession on", 'Header always set X-User "%{CHATSESSION_USER}e"', "</Location>"],
        modules=("authn_core", "authz_user"))
    server.expect_log("AH01631", "AH01630")
    user = account()
    client = log_in(server, user)
    assert client.get("api/session").json()["second_factor"] == "needed"
    for method, path in (("GET", "api/conversations"), ("POST", "api/conversations"), ("GET", "api/sessions")):
        refused(client.request(method, path, json={} if method == "POST" else None), 403, "second_factor_needed")

    def fetch(place):
        return client.get(f"{server.url}{place}/page.txt")
    assert fetch("/members").status_code == 401
    page = client.get(f"{server.url}/members/page.txt", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    assert page.status_code == 302 and page.headers["Location"].endswith("/chat/?next=%2fmembers%2fpage.txt")
    assert fetch("/open").headers["X-User"] == "(null)"
    enrol(database, client, user)
    assert client.get("api/conversations").status_code == 200
    assert fetch("/members").text == "for members" and fetch("/open").headers["X-User"] == user.name


def test_off_asks_nobody_and_sets_nothing_up(make_httpd, database, httpd, account):
    user, other = account(), account()
    enrol(database, log_in(httpd, user), user)
    server = same_secret(make_httpd, database, httpd, ["ChatSessionSecondFactor off"])
    client = log_in(server, user)
    assert client.get("api/session").json()["second_factor"] == "off" and state(client) == "off"
    refused(log_in(server, other).post("api/second-factor", json={"password": other.password}), 403,
            "second_factor_off")
    refused(try_login(httpd, user), 401, "second_factor_required")


# --- users of others


def test_whose_password_a_provider_checks_is_asked_for_a_code_all_the_same(make_httpd, database):
    words = htpasswd(new_folder("passwords"), peter="peter's words")
    server = make_httpd(database.conninfo, modules=front_door.MODULES, lines=[
        "ChatSessionLoginProvider file", '<Location "/chat">', f'AuthUserFile "{words}"', "</Location>"])

    class Peter:
        name, password = "peter", "peter's words"
    client = log_in(server, Peter)
    secret, _ = enrol(database, client, Peter)
    refused(try_login(server, Peter), 401, "second_factor_required")
    log_in(server, Peter, code(secret))
    refused(client.post("api/second-factor/remove", json={"password": WRONG, "code": code(secret, 1)}), 403,
            "invalid_credentials")


def test_whom_another_module_vouches_for_is_that_modules_matter(make_httpd, database, httpd, account):
    user = account("admin")
    enrol(database, log_in(httpd, user), user)
    words = htpasswd(new_folder("passwords"), **{user.name: "other words"})
    server = same_secret(make_httpd, database, httpd, [
        "ChatSessionSecondFactor everyone", '<LocationMatch "^/chat">', "AuthType Basic", 'AuthName "front"',
        f'AuthUserFile "{words}"', "Require valid-user", "ChatSessionTrustUser on", "</LocationMatch>"],
        modules=front_door.MODULES)
    basic = {"Authorization": "Basic " + base64.b64encode(f"{user.name}:other words".encode()).decode()}
    client = Client(server.url, "/chat-admin")
    assert client.get("api/overview", headers=basic).status_code == 200
    assert client.get("api/session", headers=basic).json()["second_factor"] == "off"
