# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Logging in and out, the cookie and nothing but the cookie (promises A and B), and what the rest of httpd sees of
it."""
import os
import re
import subprocess
import threading

import pytest

from harness.client import Client, log_in
from harness.place import wait_until

LOGINS = int(os.environ.get("SESSION_LOGINS", "12"))
REPLAYS = int(os.environ.get("SESSION_REPLAYS", "100"))
TOKEN = re.compile(r"v1\.[\w-]+\.[\w-]{43}\.[1-9]\d*\.[\w-]{43}")
KNOWN = r"[\w-]+\.[\w-]{43}"
INVALID, NO_STORE = "renew after InvalidSignature", "valid_cookie_but_no_store"


def session(origin, cookie=None, **options):
    """api/session over a connection of its own, with exactly this Cookie header."""
    headers = {"Cookie": cookie} if cookie is not None else {}
    response = Client(origin).get("api/session", headers=headers, **options)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def token(user_client):
    return user_client.cookies["sid"]


@pytest.fixture(scope="module")
def forgetful(make_module_httpd, database, httpd):
    """A second host with the same secret that remembers no session, for tests that change the database behind its
    back."""
    server = make_module_httpd(database.conninfo, lines=["ChatSessionCacheEntries 0"], start=False)
    (server.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    return server.start()


# --- in and out


def test_a_login_answers_who_it_is_and_gives_a_cookie_with_exactly_these_attributes(client, user):
    """[B1]"""
    response = client.post("api/login", json={"username": user.name, "password": user.password})
    assert response.status_code == 200
    assert response.json()["user"] == {"name": "mika", "role": "user"} and response.json()["cause"] == "new"
    header, known = response.raw.headers.getlist("Set-Cookie")
    assert re.fullmatch(rf"sid={TOKEN.pattern}; Path=/; HttpOnly; SameSite=Lax", header), header
    assert re.fullmatch(rf"known={KNOWN}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Strict", known), known
    assert client.get("api/session").json() == {**response.json(), "cause": "success"}


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(make_httpd, database, user):
    """[B1] without any directive it is __Host-sid; Secure"""
    server = make_httpd(database.conninfo, lines=["ChatSessionCookieSecure on"])
    response = Client(server.url).post("api/login", json={"username": user.name, "password": user.password})
    header, known = response.raw.headers.getlist("Set-Cookie")
    assert re.fullmatch(rf"__Host-sid={TOKEN.pattern}; Path=/; Secure; HttpOnly; SameSite=Lax", header), header
    assert re.fullmatch(rf"__Host-known={KNOWN}; Path=/; Max-Age=15552000; Secure; HttpOnly; SameSite=Strict",
                        known), known
    value = header.split(";")[0]
    assert session(server.url, value)["authenticated"]
    assert not session(server.url, value.replace("__Host-sid", "sid"))["authenticated"]


def test_a_login_gives_a_new_id_and_the_old_one_is_dead(client, user, httpd, operator):
    """[A7] no session fixation"""
    client.login(operator)
    old = client.cookies["sid"]
    client.login(user)
    new = client.cookies["sid"]
    assert old.split(".")[2] != new.split(".")[2]
    assert session(httpd.url, f"sid={new}")["authenticated"]
    assert session(httpd.url, f"sid={old}")["cause"] == NO_STORE


def test_of_many_logins_each_has_an_id_of_its_own_and_only_the_last_one_counts(make_httpd, make_database):
    """[A7] Two people in turn at one browser, which sends the cookie of the one before with each login."""
    database = make_database()
    people = database.add_user("anna"), database.add_user("berta")
    server = make_httpd(database.conninfo, lines=["ChatSessionPasswordMemory 64", "ChatSessionPasswordIterations 1"])
    client, cookies = Client(server.url), []
    for number in range(LOGINS):
        client.login(people[number % 2])
        cookies.append(client.cookies["sid"])
    assert len({cookie.split(".")[2] for cookie in cookies}) == LOGINS
    alive = [session(server.url, f"sid={cookie}")["user"] for cookie in cookies]
    assert alive == [None] * (LOGINS - 1) + [{"name": people[(LOGINS - 1) % 2].name, "role": "user"}]


def test_a_cookie_that_somebody_else_chose_does_not_survive_the_login(httpd, user, token):
    """[A7]"""
    for planted in (token, "v1.x.y.z.w", "planted"):
        client = Client(httpd.url)
        client.cookies.set("sid", planted, domain="127.0.0.1", path="/")
        response = client.post("api/login", json={"username": user.name, "password": user.password})
        assert response.status_code == 200 and planted not in response.headers["Set-Cookie"]


def test_a_logout_clears_the_cookie_and_ends_the_session(user_client, httpd, token):
    """[B1]"""
    response = user_client.post("api/logout")
    assert response.status_code == 204 and response.content == b""
    assert response.headers["Set-Cookie"] == "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    assert session(httpd.url, f"sid={token}")["cause"] == NO_STORE
    assert Client(httpd.url).post("api/logout").status_code == 204, "logging out twice is no error"


def test_after_a_logout_no_child_takes_the_cookie(make_httpd, database, user):
    """[A8] [J7] also not while it is used by many at once, on eight children"""
    server = make_httpd(database.conninfo, children=8, threads=5)
    client = log_in(server, user)
    cookie = f"sid={client.cookies['sid']}"
    over, late, wrong = threading.Event(), threading.Event(), []

    def use():
        while not late.is_set():
            after = over.is_set()
            if session(server.url, cookie)["authenticated"] and after:
                wrong.append("authenticated after the logout had been answered")

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    client.logout()
    over.set()
    for _ in range(REPLAYS):
        assert session(server.url, cookie)["cause"] == NO_STORE
    late.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_refused_login_does_not_tell_whether_the_user_exists(client, database, user):
    """[C6] C: the same octets for an unknown user, a wrong password and a disabled user with the right one"""
    disabled = database.add_user("dora")
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'dora'")
    seen = []
    for name, password in (("nobody at all", "x"), (user.name, "x"), (user.name, user.password + " "),
                           (user.name, user.password.swapcase()), (disabled.name, disabled.password), ("dora", "x"),
                           ("' OR 1=1 --", "x"), ("\u200b", "x")):
        response = client.post("api/login", json={"username": name, "password": password})
        body = response.json()
        assert body.pop("request_id")
        seen.append((response.status_code, body, {key: value for key, value in response.headers.items()
                                                  if key not in ("Date", "X-Request-Id", "Keep-Alive", "Connection")}))
    assert seen[0][0] == 401 and seen[0][1]["error"] == "invalid_credentials"
    assert all(one == seen[0] for one in seen)


def test_a_name_is_the_same_in_every_spelling_that_looks_alike(client, user):
    """[C11]"""
    for name in ("MIKA", "\uff4d\uff49\uff4b\uff41", "mi\u200bka"):
        assert client.login(name, user.password)["user"]["name"] == "mika"


# --- what a cookie must be


def test_cookies_that_are_no_sessions_are_nobody_and_harm_nobody(httpd, token):
    """[B5] B: garbage is never an error page, and the same children go on"""
    children = httpd.children
    version, key, identifier, issued, mac = token.split(".")
    garbage = ["", "x", "v1", "v1.", "v1....", "." * 500, "v1." * 170, "a" * 5000, "%00", "\xff\xfe", '"', '""',
               "=;=;", "{}", "v2." + token[3:], token + ".", token + "A", token[:-1], "." + token, token.upper(),
               token.replace(".", ","),
               f"{version}.{key}.{identifier}.{issued}.", f"{version}.{key}..{issued}.{mac}",
               f"{version}.{key}.{identifier}.0{issued}.{mac}", f"{version}.{key}.{identifier}.-1.{mac}",
               f"{version}.{key}.{identifier}.99999999999999999999.{mac}",
               f"{version}.{key}.{identifier}=.{issued}.{mac}",
               f"{version}.AAAAAAAA.{identifier}.{issued}.{mac}", f"{version}.{key}.{mac}.{issued}.{identifier}"]
    for value in garbage:
        seen = session(httpd.url, f"sid={value}".encode("latin-1"))
        assert not seen["authenticated"] and seen["user"] is None and seen["cause"] == INVALID, value
    assert httpd.children == children


def test_every_altered_octet_of_the_token_is_refused(make_httpd, httpd, postgres, token):
    """[A2] A: and without asking the database. This server has our secret but no database: whatever asks it is 503."""
    alone = make_httpd(postgres.conninfo("there_is_no_such_database", "chatsession"), start=False)
    (alone.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    alone.start()
    alone.expect_log("CS", "does not exist")
    assert Client(alone.url).get("api/session", headers={"Cookie": f"sid={token}"}).status_code == 503
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    client = Client(alone.url)
    for at, old in enumerate(token):
        for new in {alphabet[(alphabet.find(old) + step) % 64] for step in (1, 2, 4, 8, 16, 32)} - {old}:
            forged = token[:at] + new + token[at + 1:]
            response = client.get("api/session", headers={"Cookie": f"sid={forged}"})
            assert response.status_code == 200 and response.json()["cause"] == INVALID, (at, old, new)


def test_of_two_different_cookies_of_our_name_none_counts(httpd, token):
    """[B4] B: a neighbour's domain may have planted one"""
    other = token[:-1] + ("A" if token[-1] != "A" else "B")
    for cookie in (f"sid={token}; sid={other}", f"sid={other}; sid={token}", f"sid={token}; x=1; sid="):
        assert session(httpd.url, cookie)["cause"] == INVALID, cookie
    assert session(httpd.url, f"sid={token}; sid={token}")["authenticated"]


def test_a_cookie_is_found_in_any_of_several_headers_of_http2_and_a_comma_separates_none(make_httpd, database, user):
    """[B4] HTTP/2 splits the list; HTTP/1.1 forbids a second header, and a value with a comma is one value."""
    server = make_httpd(database.conninfo, modules=("http2",), lines=["Protocols h2c http/1.1"])
    client = log_in(server, user)
    token = client.cookies["sid"]

    def ask(*cookies):
        headers = [part for cookie in cookies for part in ("-H", f"Cookie: {cookie}")]
        return subprocess.run(["curl", "-sS", "--http2-prior-knowledge", *headers, f"{server.url}/chat/api/session"], check=True,
                              capture_output=True, text=True).stdout

    assert '"authenticated":true' in ask("a=1", "b=2", f"sid={token}") and '"authenticated":true' in ask(f"sid={token}", "a=1", "b=2")
    assert '"authenticated":false' in ask(f"sid={token}", "sid=v1.other")
    assert session(server.url, f"sid={token}; q=x, sid=v1.other")["authenticated"]
    assert not session(server.url, f"q=x, sid={token}")["authenticated"]


def test_the_cookies_name_is_compared_exactly_and_found_among_others(httpd, token):
    """[B3] B"""
    for cookie in (f"SID={token}", f"Sid={token}", f"xsid={token}", f"sid2={token}", f"sid ={token[:-1]}",
                   f"__Host-sid={token}", f"x=sid={token}"):
        assert not session(httpd.url, cookie)["authenticated"], cookie
    for cookie in (f"a=b; sid={token}; c=d", f"a=b;   sid={token}  ; c", f"x;sid={token}", f'sid="{token}"',
                   f"=;sid={token};"):
        assert session(httpd.url, cookie)["authenticated"], cookie


def test_the_cause_says_how_the_session_came_about(make_httpd, httpd, forgetful, database, token):
    assert session(httpd.url)["cause"] == "none"
    assert session(httpd.url, f"sid={token}")["cause"] == "success"
    assert session(httpd.url, f"sid={token[:-2]}AA")["cause"] == INVALID
    other = make_httpd(database.conninfo, lines=["ChatSessionCookieMaxAge 1s"], start=False)
    (other.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    other.start()
    wait_until(lambda: session(other.url, f"sid={token}")["cause"] == "renew after SignatureExpired",
               "the token to be older than the cookie may become")
    database.rows("DELETE FROM chatsession.sessions")
    assert session(forgetful.url, f"sid={token}")["cause"] == NO_STORE


# --- how long it lasts


def set_age(database, **columns):
    for column, age in columns.items():
        database.rows(f"UPDATE chatsession.sessions SET {column} = now() - %s::interval", (age,))


def test_a_session_ends_when_it_was_idle_for_the_configured_time(forgetful, database, token):
    """[A6] [C8] A: by the database's clock; use renews it"""
    set_age(database, created_at="1 hour", last_seen_at="29 min 55 s")
    assert session(forgetful.url, f"sid={token}")["authenticated"]
    assert database.value("SELECT min(now() - last_seen_at) < interval '1 min' FROM chatsession.sessions")
    set_age(database, last_seen_at="30 min 1 s")
    assert session(forgetful.url, f"sid={token}")["cause"] == NO_STORE


def test_a_session_ends_at_its_absolute_limit_however_active_it_is(forgetful, database, token):
    """[A6] [C8] A"""
    set_age(database, created_at="11 h 59 min 55 s")
    assert session(forgetful.url, f"sid={token}")["authenticated"]
    set_age(database, created_at="12 h 1 s")
    assert session(forgetful.url, f"sid={token}")["cause"] == NO_STORE


NEWEST = "FROM chatsession.sessions ORDER BY created_at DESC LIMIT 1"


@pytest.mark.parametrize("cache", ["ChatSessionCacheEntries 0", "ChatSessionCacheEntries 1000"])
def test_a_session_in_use_outlives_its_idle_limit_and_one_left_alone_does_not(make_httpd, database, user, cache):
    server = make_httpd(database.conninfo, lines=["ChatSessionIdleTimeout 3s", cache])
    client = log_in(server, user)
    value = f"sid={client.cookies['sid']}"

    def used_for_two_limits():
        assert session(server.url, value)["authenticated"], "a session in use ended"
        return database.value(f"SELECT last_seen_at > created_at + interval '6 s' {NEWEST}")

    wait_until(used_for_two_limits, "use to carry a session beyond its idle limit")
    # Nobody asks meanwhile: asking is use.
    wait_until(lambda: database.value(f"SELECT clock_timestamp() > last_seen_at + interval '3.6 s' {NEWEST}"),
               "the session to be left alone for its idle limit")
    assert session(server.url, value)["cause"] == NO_STORE


@pytest.mark.parametrize("cache", ["ChatSessionCacheEntries 0", "ChatSessionCacheEntries 1000"])
def test_the_absolute_limit_is_that_of_the_configuration(make_httpd, database, user, cache):
    server = make_httpd(database.conninfo, lines=["ChatSessionMaxLifetime 1s", cache])
    client = log_in(server, user)
    value = f"sid={client.cookies['sid']}"
    wait_until(lambda: session(server.url, value)["cause"] == NO_STORE, "the session to end")


def test_a_disabled_user_is_out_as_soon_as_the_hosts_have_heard_of_it(httpd, database):
    other = database.add_user("olga")
    client = log_in(httpd, other)
    assert client.get("api/conversations").status_code == 200
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'olga'")
    wait_until(lambda: client.get("api/conversations").status_code == 401, "every host to hear of it", 2)
    assert session(httpd.url, f"sid={client.cookies['sid']}")["cause"] == NO_STORE


# --- what is kept


def test_a_dump_of_the_sessions_holds_no_usable_cookie(httpd, database, token):
    """[A10] only the hash of the id is there"""
    rows = str(database.rows("SELECT to_jsonb(s)::text, encode(id_hash, 'hex'), encode(id_hash, 'base64')"
                             " FROM chatsession.sessions s"))
    for part in token.split(".")[2:]:
        assert part not in rows
    hashes = [row[0] for row in database.rows(
        "SELECT translate(rtrim(encode(id_hash, 'base64'), '='), '+/', '-_') FROM chatsession.sessions")]
    version, key, _, issued, mac = token.split(".")
    for value in hashes:
        assert session(httpd.url, f"sid={version}.{key}.{value}.{issued}.{mac}")["cause"] == INVALID


def test_no_cookie_and_no_password_is_in_the_logs(httpd, user, token):
    """[B7] [L3] L"""
    Client(httpd.url).post("api/login", json={"username": user.name, "password": "a wrong password"})
    session(httpd.url, f"sid={token}")
    logged = "\n".join(httpd.error_log + httpd.access_log)
    for secret in (token, token.split(".")[2], token.split(".")[4], user.password, "a wrong password"):
        assert secret not in logged


def test_changing_the_secret_with_the_old_one_behind_it_logs_nobody_out(make_httpd, database, user):
    """[A9] A: rotation: the first signs, all verify"""
    server = make_httpd(database.conninfo)
    client = log_in(server, user)
    old = client.cookies["sid"]
    new_secret = server.folder / "secret-new"
    new_secret.touch(mode=0o600)
    new_secret.write_bytes(os.urandom(48))
    config = server.config.read_text()
    line = f'ChatSessionSecretFile "{server.folder}/secret"'
    assert line in config
    server.config.write_text(config.replace(line, f'ChatSessionSecretFile "{new_secret}" "{server.folder}/secret"'))
    server.graceful()
    assert session(server.url, f"sid={old}")["authenticated"]
    other = log_in(server, user)
    new = other.cookies["sid"]
    assert new.split(".")[1] != old.split(".")[1]
    server.config.write_text(config.replace(line, f'ChatSessionSecretFile "{new_secret}"'))
    server.graceful()
    assert session(server.url, f"sid={new}")["authenticated"]
    assert session(server.url, f"sid={old}")["cause"] == INVALID


# --- what the rest of httpd sees


def test_where_chatsession_is_on_other_modules_see_the_session(make_httpd, database, user):
    server = make_httpd(database.conninfo, lines=[
        '<Location "/seen">', "ChatSession on",
        *(f'Header always set X-Cs-{name} "%{{CHATSESSION_{name.upper()}}}e"' for name in
          ("Cause", "Authenticated", "User", "Role", "Ref")),
        'Header always set X-Remote-User "expr=%{REMOTE_USER}"', "</Location>",
        '<Location "/unseen">', 'Header always set X-Cs-User "%{CHATSESSION_USER}e"', "</Location>"])
    client = Client(server.url)
    headers = client.get(f"{server.url}/seen").headers
    assert (headers["X-Cs-Cause"], headers["X-Cs-Authenticated"]) == ("none", "0")
    assert (headers["X-Cs-User"], headers["X-Remote-User"]) == ("(null)", "")
    client.login(user)
    headers = client.get(f"{server.url}/seen").headers
    assert (headers["X-Cs-Cause"], headers["X-Cs-Authenticated"]) == ("success", "1")
    assert (headers["X-Cs-User"], headers["X-Cs-Role"], headers["X-Remote-User"]) == ("mika", "user", "mika")
    assert headers["X-Cs-Ref"] == database.value("SELECT ref FROM chatsession.sessions WHERE revoked_at IS NULL"
                                                 " ORDER BY created_at DESC LIMIT 1")
    assert client.get(f"{server.url}/unseen").headers["X-Cs-User"] == "(null)"
    client.cookies.clear()
    spoof = {"CHATSESSION_USER": "ada", "Chatsession-User": "ada", "Remote-User": "ada"}
    assert client.get(f"{server.url}/seen", headers=spoof).headers["X-Cs-User"] == "(null)"
