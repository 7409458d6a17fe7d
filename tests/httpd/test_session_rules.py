# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What a session may be beyond one login: replaced with a grace, one of too many, too old for the console, skipped,
nobody's, exchanged for a cookie of before."""
import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
import zlib

import pytest
from harness.client import Client, log_in, read_turn
from harness.place import wait_until

INVALID, NO_STORE = "renew after InvalidSignature", "valid_cookie_but_no_store"


@pytest.fixture
def account(database):
    """A user of this test alone."""
    account.number = getattr(account, "number", 0) + 1
    return database.add_user(f"ruled{account.number}")


def session(origin, cookie=None, **headers):
    """api/session over a connection of its own, with exactly this Cookie header."""
    if cookie is not None:
        headers["Cookie"] = cookie
    response = Client(origin).get("api/session", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def logged_in(httpd, account):
    client = log_in(httpd, account)
    return client, f"sid={client.cookies['sid']}"


def live(database, account):
    return database.value("SELECT count(*) FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id"
                          " WHERE u.name = %s AND s.revoked_at IS NULL", (account.name,))


# --- the grace of a rotation


def test_the_id_before_a_login_of_the_same_user_goes_on_for_the_grace_and_no_longer(httpd, database, account):
    """[A7] two tabs do not log each other out; the answer never names the new id"""
    client, old = logged_in(httpd, account)
    client.login(account)
    new = f"sid={client.cookies['sid']}"
    assert old != new
    response = Client(httpd.url).get("api/session", headers={"Cookie": old})
    assert response.json()["authenticated"] and response.json()["cause"] == "success"
    assert "Set-Cookie" not in response.headers
    database.rows("UPDATE chatsession.sessions SET revoked_at = revoked_at - interval '10 s' WHERE revoked_at IS NOT NULL")
    assert session(httpd.url, old)["cause"] == NO_STORE
    assert session(httpd.url, new)["authenticated"]


def test_after_several_rotations_each_id_within_the_grace_goes_on(httpd, account):
    client, first = logged_in(httpd, account)
    client.login(account)
    second = f"sid={client.cookies['sid']}"
    client.login(account)
    for cookie in (first, second, f"sid={client.cookies['sid']}"):
        assert session(httpd.url, cookie)["authenticated"]


def test_a_logout_ends_the_grace_at_once(httpd, account):
    client, old = logged_in(httpd, account)
    client.login(account)
    client.logout()
    assert session(httpd.url, old)["cause"] == NO_STORE


def test_a_logout_with_the_id_before_ends_the_session_that_came_after_it(httpd, account):
    client, old = logged_in(httpd, account)
    client.login(account)
    new = f"sid={client.cookies['sid']}"
    late = Client(httpd.url)
    assert late.post("api/logout", headers={"Cookie": old}).status_code == 204
    assert session(httpd.url, new)["cause"] == NO_STORE and session(httpd.url, old)["cause"] == NO_STORE


@pytest.mark.parametrize("statement", [
    "UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'operator' WHERE revoked_at IS NULL",
    "UPDATE chatsession.users SET disabled_at = now() WHERE name = %s"], ids=["revoked", "disabled"])
def test_what_ends_the_successor_ends_the_grace(httpd, database, account, statement):
    client, old = logged_in(httpd, account)
    client.login(account)
    assert session(httpd.url, old)["authenticated"]
    database.rows(statement, (account.name,) if "%s" in statement else None)
    assert session(httpd.url, old)["cause"] == NO_STORE


def test_the_id_of_another_user_has_no_grace(httpd, database, account, user):
    client, old = logged_in(httpd, user)
    client.login(account)
    assert session(httpd.url, old)["cause"] == NO_STORE
    assert database.value("SELECT bool_and(replaced_by IS NULL) FROM chatsession.sessions WHERE revoke_cause = 'replaced'")


def test_a_grace_of_nothing_ends_the_old_id_at_once(make_httpd, database, account):
    server = make_httpd(database.conninfo, lines=["ChatSessionGrace 0"])
    client, old = logged_in(server, account)
    client.login(account)
    assert session(server.url, old)["cause"] == NO_STORE


def test_a_new_password_ends_the_grace_of_the_sessions_before_it(httpd, database, account):
    """[A8] the id of before a rotation must not live on in what a new password begins"""
    client, old = logged_in(httpd, account)
    client.login(account)
    assert session(httpd.url, old)["authenticated"]
    assert client.post("api/password", json={"current": account.password, "new": "an entirely other one"}).status_code == 204
    assert session(httpd.url, old)["cause"] == NO_STORE
    assert client.get("api/session").json()["authenticated"]


def test_within_the_grace_the_session_that_came_after_counts_as_this_one(httpd, database, account):
    """Ending the other sessions must not end the one that the browser has by now, whose cookie is on its way"""
    client, old = logged_in(httpd, account)
    other, _ = logged_in(httpd, account)
    client.login(account)
    late = Client(httpd.url)
    listed = late.get("api/sessions", headers={"Cookie": old}).json()["sessions"]
    assert [one["ref"] for one in listed if one["current"]] == [
        one["ref"] for one in client.get("api/sessions").json()["sessions"] if one["current"]] != []
    assert late.delete("api/sessions", headers={"Cookie": old}).json() == {"sessions": 1}
    assert client.get("api/session").json()["authenticated"] and not other.get("api/session").json()["authenticated"]


def test_a_login_sends_one_cookie_of_each_name_also_when_the_one_before_is_signed_anew(make_httpd, database, account):
    server = make_httpd(database.conninfo)
    _, old = logged_in(server, account)
    (server.folder / "new").touch(mode=0o600)
    (server.folder / "new").write_bytes(base64.b64encode(os.urandom(48)))
    lines = server.config.read_text()
    server.config.write_text(re.sub("^ChatSessionSecretFile .*$", f'ChatSessionSecretFile "{server.folder}/new" "{server.folder}/secret"',
                                    lines, flags=re.MULTILINE))
    server.graceful()
    assert "Set-Cookie" in Client(server.url).get("api/session", headers={"Cookie": old}).headers
    response = Client(server.url).post("api/login", headers={"Cookie": old},
                                       json={"username": account.name, "password": account.password})
    names = [line.split("=")[0] for line in response.raw.headers.getlist("Set-Cookie")]
    assert sorted(names) == ["known", "sid"]
    assert session(server.url, response.raw.headers.getlist("Set-Cookie")[0].split(";")[0])["authenticated"]


# --- a rotation under a stream


@pytest.fixture
def streaming(make_httpd, database, model):
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"], lines=["ChatSessionCheckpoint 20ms"])
    server.expect_log("(104)", "proxy:")
    return server


def stepped(model, *pieces):
    """A model that gives each piece behind a gate of its own, and the end behind a last one."""
    gates = [threading.Event() for _ in range(len(pieces) + 1)]

    def script(answer):
        answer.begin()
        for gate, piece in zip(gates, (*pieces, None)):
            answer.hold(gate)
            if piece:
                answer.text(piece)
        answer.finish()
        answer.done()
    model.script = script
    return gates


def recorded(client, conversation):
    return client.conversation(conversation)["messages"][-1]["content"]


def test_a_rotation_cuts_no_stream_also_after_the_grace(streaming, database, account, model):
    client, old = logged_in(streaming, account)
    gates = stepped(model, "one", ", two", ", three")
    conversation = client.new_conversation()
    gates[0].set()
    with client.send(conversation, "x") as stream:
        assert stream.next("message")
        newer = Client(streaming.url)
        assert newer.post("api/login", headers={"Cookie": old}, json={
            "username": account.name, "password": account.password}).status_code == 200
        database.rows("UPDATE chatsession.sessions SET revoked_at = revoked_at - interval '1 min' WHERE revoked_at IS NOT NULL")
        assert session(streaming.url, old)["cause"] == NO_STORE
        # Each piece that is recorded was a look at the session, which the next one would show.
        for gate, text in zip(gates[1:], ("one, two", "one, two, three")):
            gate.set()
            wait_until(lambda text=text: recorded(newer, conversation) == text, "the piece to be recorded")
        gates[-1].set()
        turn = read_turn(stream)
    assert turn.done["status"] == "complete" and turn.text == ", two, three"


@pytest.mark.parametrize("end", ["logout", "password"])
def test_a_stream_of_a_rotated_session_is_cut_when_its_successor_ends(streaming, account, model, end):
    client, old = logged_in(streaming, account)
    gates = stepped(model, "one", ", two")
    conversation = client.new_conversation()
    gates[0].set()
    with client.send(conversation, "x") as stream:
        assert stream.next("message")
        newer = Client(streaming.url)
        assert newer.post("api/login", headers={"Cookie": old}, json={
            "username": account.name, "password": account.password}).status_code == 200
        if end == "logout":
            newer.logout()
        else:
            assert newer.post("api/password", json={"current": account.password,
                                                    "new": "an entirely other one"}).status_code == 204
        assert not [event for event in stream if event.event == "done"]
        for gate in gates:
            gate.set()


# --- at most so many


def test_beyond_the_most_per_user_the_longest_unseen_session_ends(make_httpd, database, account, user):
    """[G11] the 11th login: the first cookie gets 401 and hears why; other users lose nothing"""
    server = make_httpd(database.conninfo)
    _, others = logged_in(server, user)
    cookies = []
    for _ in range(10):
        cookies.append(logged_in(server, account)[1])
        database.rows("UPDATE chatsession.sessions s SET last_seen_at = s.last_seen_at - interval '1 min'"
                      " FROM chatsession.users u WHERE u.id = s.user_id AND u.name = %s", (account.name,))
    assert live(database, account) == 10
    assert all(session(server.url, cookie)["authenticated"] for cookie in cookies)
    database.rows("UPDATE chatsession.sessions s SET last_seen_at = now() - interval '20 min' FROM chatsession.users u"
                  " WHERE u.id = s.user_id AND u.name = %s AND s.ref = (SELECT ref FROM chatsession.sessions o"
                  " WHERE o.user_id = u.id ORDER BY o.created_at LIMIT 1)", (account.name,))
    eleventh = logged_in(server, account)[1]
    response = Client(server.url).get("api/conversations", headers={"Cookie": cookies[0]})
    assert response.status_code == 401 and "more browsers" in response.json()["detail"]
    assert all(session(server.url, cookie)["authenticated"] for cookie in [*cookies[1:], eleventh, others])
    assert live(database, account) == 10
    assert database.value("SELECT count(*) FROM chatsession.sessions WHERE revoke_cause = 'evicted'") == 1


def test_logins_at_the_same_moment_do_not_pass_the_most(make_httpd, database, account):
    """[G11] counted under a lock, also of two processes"""
    server = make_httpd(database.conninfo, children=2, lines=["ChatSessionMaxPerUser 3"])
    done = []
    threads = [threading.Thread(target=lambda: done.append(logged_in(server, account))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 16, "no login was refused"
    assert live(database, account) == 3


def test_a_session_that_is_over_takes_no_place(make_httpd, database, account):
    server = make_httpd(database.conninfo, lines=["ChatSessionMaxPerUser 2"])
    logged_in(server, account)
    kept = logged_in(server, account)[1]
    database.rows("UPDATE chatsession.sessions SET created_at = now() - interval '13 h' WHERE id_hash = (SELECT id_hash FROM"
                  " chatsession.sessions ORDER BY created_at DESC OFFSET 1 LIMIT 1)")
    logged_in(server, account)
    assert session(server.url, kept)["authenticated"]
    assert live(database, account) == 3, "the one that is over was neither counted nor ended"


# --- the console's own limits


def set_age(database, **columns):
    for column, age in columns.items():
        database.rows(f"UPDATE chatsession.sessions SET {column} = now() - %s::interval", (age,))


@pytest.fixture
def uncached(make_httpd, database):
    """A server that asks the database each time, so that a test can turn its clock."""
    return make_httpd(database.conninfo, lines=["ChatSessionCacheEntries 0"])


def test_a_session_that_the_console_did_not_see_for_long_is_not_enough_for_it(uncached, database, operator):
    """[C8] 15 minutes; chat goes on, its use does not count, and a new login opens the console again"""
    client, _ = logged_in(uncached, operator)
    set_age(database, created_at="14 min 50 s", last_seen_at="1 min")
    assert client.console.get("api/overview").status_code == 200
    set_age(database, created_at="1 h", console_seen_at="15 min 1 s")
    for _ in range(2):
        assert client.get("api/conversations").status_code == 200
        response = client.console.get("api/overview")
        assert response.status_code == 401 and response.json()["error"] == "unauthenticated"
        assert "too old for the console" in response.json()["detail"]
        assert client.console.get("api/session").json()["authenticated"] is False
        assert client.get("api/session").json()["authenticated"] is True
    client.console.login(operator)
    assert client.console.get("api/overview").status_code == 200


def test_use_of_the_console_carries_it_on_up_to_its_absolute_limit(uncached, database, operator):
    """[C8] 8 hours"""
    client, _ = logged_in(uncached, operator)
    set_age(database, created_at="7 h 59 min", last_seen_at="10 min", console_seen_at="10 min")
    assert client.console.get("api/overview").status_code == 200
    assert database.value("SELECT now() - max(console_seen_at) < interval '1 min' FROM chatsession.sessions")
    seen = client.console.get("api/session").json()
    assert seen["authenticated"] and seen["idle_expires_at"] > seen["expires_at"]
    set_age(database, created_at="8 h 1 s")
    assert client.console.get("api/overview").status_code == 401
    assert client.get("api/conversations").status_code == 200


def test_the_consoles_limits_are_those_of_the_configuration(make_httpd, database, operator):
    server = make_httpd(database.conninfo, lines=["ChatSessionConsoleIdleTimeout 1h", "ChatSessionConsoleMaxLifetime 2h",
                                                  "ChatSessionMaxLifetime 90min", "ChatSessionIdleTimeout 3h",
                                                  "ChatSessionCacheEntries 0"])
    client, _ = logged_in(server, operator)
    set_age(database, created_at="59 min", last_seen_at="1 s")
    assert client.console.get("api/overview").status_code == 200
    set_age(database, created_at="89 min", console_seen_at="61 min")
    assert client.console.get("api/overview").status_code == 401
    set_age(database, created_at="91 min")
    assert client.get("api/conversations").status_code == 401, "the general limit bounds both"


# --- the skip header


@pytest.fixture(scope="module")
def skipping(make_module_httpd, database):
    return make_module_httpd(database.conninfo, lines=[
        "ChatSessionSkipHeader X-Probe *", "ChatSessionSkipHeader X-Robot yes from 127.0.0.0/8 ::1",
        "ChatSessionSkipHeader X-Elsewhere * from 192.0.2.0/24 2001:db8::/32",
        'ChatSessionSkipHeader X-Here "a b" from 127.0.0.1'])


def test_a_request_with_a_skip_header_is_nobodys(skipping, database, account):
    """no look-up, no cookie, nothing that it would otherwise have been refused"""
    client, cookie = logged_in(skipping, account)
    before = database.value("SELECT count(*) FROM chatsession.sessions")
    for header in ({"X-Probe": "anything"}, {"X-Robot": "yes"}, {"x-here": "a b"}):
        response = client.get("api/session", headers=header)
        assert response.json()["authenticated"] is False and response.json()["cause"] == "skipped"
        assert "Set-Cookie" not in response.headers
        assert client.get("api/conversations", headers=header).status_code == 401
        assert client.console.get("api/overview", headers=header).status_code == 401
    for header in ({"X-Robot": "no"}, {"X-Robot": "YES"}, {"X-Elsewhere": "1"}, {"X-Here": "a"}, {"X-Other": "yes"}):
        assert client.get("api/session", headers=header).json()["authenticated"] is True, header
    assert database.value("SELECT count(*) FROM chatsession.sessions") == before
    assert session(skipping.url, cookie)["authenticated"]


def test_a_skipped_request_neither_logs_in_nor_out(skipping, database, account):
    client, cookie = logged_in(skipping, account)
    before = live(database, account)
    response = client.post("api/login", json={"username": account.name, "password": account.password},
                           headers={"X-Probe": "1"})
    assert response.status_code == 403 and response.json()["error"] == "forbidden"
    assert "Set-Cookie" not in response.headers
    response = client.post("api/logout", headers={"X-Probe": "1"})
    assert response.status_code == 204 and "Set-Cookie" not in response.headers
    assert live(database, account) == before and session(skipping.url, cookie)["authenticated"]


def test_a_skipped_request_asks_no_database(skipping, make_httpd, postgres, account):
    """This server has the secret but no database: whatever looks a session up is 503."""
    alone = make_httpd(postgres.conninfo("there_is_no_such_database", "chatsession"), start=False,
                       lines=["ChatSessionSkipHeader X-Probe *"])
    (alone.folder / "secret").write_bytes((skipping.folder / "secret").read_bytes())
    alone.start()
    alone.expect_log("CS", "does not exist")
    _, cookie = logged_in(skipping, account)
    assert Client(alone.url).get("api/session", headers={"Cookie": cookie}).status_code == 503
    assert session(alone.url, cookie, **{"X-Probe": "1"})["cause"] == "skipped"


# --- the cookie's parameters


def cookie_of(server, account):
    response = Client(server.url).post("api/login", json={"username": account.name, "password": account.password},
                                       headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 200, response.text
    header, known = response.raw.headers.getlist("Set-Cookie")
    assert re.match(r"(__Host-)?known=", known)
    return header


@pytest.mark.parametrize("lines, name, attributes", [
    (["ChatSessionCookieName chatsid"], "chatsid", "; Path=/; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookiePath /chat"], "sid", "; Path=/chat; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieDomain example.org"], "sid", "; Path=/; Domain=example.org; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieMaxAge 0"], "sid", "; Path=/; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieMaxAge 2h"], "sid", "; Path=/; Max-Age=7200; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieHttpOnly off"], "sid", "; Path=/; SameSite=Lax"),
    (["ChatSessionCookieSameSite Strict"], "sid", "; Path=/; HttpOnly; SameSite=Strict"),
    (["ChatSessionCookieSecure on"], "__Host-sid", "; Path=/; Secure; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieSecure on", "ChatSessionCookieSameSite None"], "__Host-sid",
     "; Path=/; Secure; HttpOnly; SameSite=None"),
    (["ChatSessionCookieSecure on", "ChatSessionCookiePath /chat"], "sid", "; Path=/chat; Secure; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieSecure on", "ChatSessionCookieDomain example.org"], "sid",
     "; Path=/; Domain=example.org; Secure; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieSecure auto"], "sid", "; Path=/; HttpOnly; SameSite=Lax"),
    (["ChatSessionCookieSecure auto", "ServerName https://127.0.0.1"], "__Host-sid",
     "; Path=/; Secure; HttpOnly; SameSite=Lax"),
], ids=lambda value: ",".join(value) if isinstance(value, list) else "")
def test_the_cookie_is_as_its_directives_say(make_httpd, database, account, lines, name, attributes):
    """[B1] also the cookie that takes it away, and a request with it is who logged in. "Secure on" holds on plain http
    too: TLS may end before httpd."""
    server = make_httpd(database.conninfo, lines=lines)
    header = cookie_of(server, account)
    assert re.fullmatch(rf"{name}=v1\.[\w.-]+{re.escape(attributes)}", header), header
    value = header.split(";")[0]
    assert session(server.url, value)["authenticated"]
    response = Client(server.url).post("api/logout", headers={"Cookie": value, "Sec-Fetch-Site": "same-origin"})
    gone = re.sub(r"; Max-Age=\d+", "", attributes)
    where = re.match(r"; Path=[^;]*(; Domain=[^;]*)?", gone).group(0)
    assert response.headers["Set-Cookie"] == f"{name}={where}; Max-Age=0{gone[len(where):]}"
    assert session(server.url, value)["cause"] == NO_STORE


# --- anonymous sessions, and cookies of the software before


@pytest.mark.parametrize("lines", [[], ["ChatSessionAnonymous on"]], ids=["off", "on"])
def test_requests_without_a_cookie_make_no_session(make_httpd, database, lines):
    """[G10] nothing was stored, so there is nothing to keep"""
    server = make_httpd(database.conninfo, lines=[*lines, '<Location "/seen">', "ChatSession on", "</Location>"])
    before = database.value("SELECT count(*) FROM chatsession.sessions")
    for number in range(100):
        client = Client(server.url)
        response = client.get(("api/session", "", "healthz", f"{server.url}/seen")[number % 4])
        assert "Set-Cookie" not in response.headers
    assert session(server.url)["cause"] == "none"
    assert database.value("SELECT count(*) FROM chatsession.sessions") == before


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def legacy_cookie(value, secret, issued=None, deflate=False, name="sid"):
    """What itsdangerous' URLSafeTimedSerializer makes of {name: value}."""
    payload = json.dumps({name: value}, separators=(",", ":")).encode()
    text = "." + encode(zlib.compress(payload)) if deflate else encode(payload)
    seconds = int(time.time() if issued is None else issued)
    text += "." + encode(seconds.to_bytes((seconds.bit_length() + 7) // 8, "big"))
    key = hashlib.sha1(b"itsdangerous" + b"signer" + secret).digest()
    return text + "." + encode(hmac.new(key, text.encode(), hashlib.sha1).digest())


LEGACY_SECRET = b"my-secret-key"
VECTOR = ".eJyrVirOTFGyUjKAAl0wYQIiLGBcGFCqBQDwzAm7.ZVPxAA.KfhS8A9DyMkL0knq7-DMhpw_Jok"
SEEN = ['<Location "/seen">', "ChatSession on",
        *(f'Header always set X-Cs-{name} "%{{CHATSESSION_{variable}}}e"' for name, variable in
          (("Cause", "CAUSE"), ("Authenticated", "AUTHENTICATED"), ("Ref", "REF"), ("Legacy", "LEGACY_ID"))), "</Location>"]


@pytest.fixture
def make_legacy(make_httpd, database):
    """make_legacy("NAME max-age=..."): a server that takes the cookies of before."""
    def make(words, **options):
        server = make_httpd(database.conninfo, start=False, **options)
        path = server.folder / "legacy-secret"
        path.touch(mode=0o600)
        path.write_bytes(LEGACY_SECRET + b"\n")
        name, _, rest = words.partition(" ")
        server.config.write_text(server.config.read_text() + "\n".join([
            "ChatSessionAnonymous on", f'ChatSessionLegacyCookie {name} "secret-file={path}" {rest}', *SEEN, ""]))
        return server.start()
    return make


def set_cookies(response):
    return response.raw.headers.getlist("Set-Cookie")


def test_the_middlewares_own_cookie_is_exchanged_for_ours(make_legacy):
    """The vector is of November 2023."""
    server = make_legacy("sid max-age=400d", log_level="notice chatsession:info")
    assert session(server.url, f"sid={VECTOR}")["cause"] == INVALID, "older than max-age is not taken"
    response = Client(server.url).get(f"{server.url}/seen", headers={"Cookie": f"sid={legacy_cookie('old-1', LEGACY_SECRET)}"})
    assert (response.headers["X-Cs-Cause"], response.headers["X-Cs-Authenticated"]) == ("new", "0")
    assert response.headers["X-Cs-Legacy"] == "old-1" and response.headers["X-Cs-Ref"] != "(null)"
    assert response.headers["Cache-Control"] == "no-store"
    [header] = set_cookies(response)
    assert re.fullmatch(r"sid=v1\.[\w.-]+; Path=/; HttpOnly; SameSite=Lax", header), header
    ours = header.split(";")[0]
    again = Client(server.url).get(f"{server.url}/seen", headers={"Cookie": ours})
    assert (again.headers["X-Cs-Cause"], again.headers["X-Cs-Legacy"]) == ("success", "old-1")
    assert again.headers["X-Cs-Ref"] == response.headers["X-Cs-Ref"] and not set_cookies(again)
    answer = Client(server.url).get("api/session", headers={"Cookie": ours}).json()
    assert not answer["authenticated"] and answer["user"] is None and answer["cause"] == "success"
    assert Client(server.url).get("api/conversations", headers={"Cookie": ours}).status_code == 401


def test_a_cookie_of_before_is_taken_once(make_legacy, database):
    """Also by many at the same moment; of another name it is taken away."""
    server = make_legacy("oldsid", children=2)
    cookie = f"oldsid={legacy_cookie('once', LEGACY_SECRET, deflate=True, name='oldsid')}"
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(Client(server.url).get("api/session", headers={"Cookie": cookie})))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.json()["cause"] for answer in answers) == ["new"] + ["none"] * 7
    for answer in answers:
        made = [line for line in set_cookies(answer) if line.startswith("sid=v1.")]
        assert len(made) == (answer.json()["cause"] == "new")
        assert [line for line in set_cookies(answer) if line not in made] == ["oldsid=; Path=/; Max-Age=0; SameSite=Lax"]
    assert database.value("SELECT count(*) FROM chatsession.sessions WHERE legacy_id = 'once' AND user_id IS NULL") == 1
    assert session(server.url, cookie)["cause"] == "none"


def test_a_cookie_of_before_that_is_not_authentic_changes_nothing(make_legacy, database):
    server = make_legacy("oldsid max-age=1h")
    before = database.value("SELECT count(*) FROM chatsession.sessions")
    good = legacy_cookie("bad", LEGACY_SECRET, name="oldsid")
    for value in (good[:-2] + "AA", good + "A", legacy_cookie("bad", b"another", name="oldsid"), "", ".", "..", "...",
                  legacy_cookie("bad", LEGACY_SECRET), legacy_cookie(["bad"], LEGACY_SECRET, name="oldsid"),
                  legacy_cookie("a b", LEGACY_SECRET, name="oldsid"), legacy_cookie("x" * 65, LEGACY_SECRET, name="oldsid"),
                  legacy_cookie("bad", LEGACY_SECRET, time.time() - 3601, name="oldsid"),
                  legacy_cookie("bad", LEGACY_SECRET, time.time() + 3600, name="oldsid"), "\xff" * 100, "." * 4000):
        response = Client(server.url).get("api/session", headers={"Cookie": f"oldsid={value}".encode("latin-1")})
        assert response.status_code == 200 and response.json()["cause"] == "none", value
        assert "Set-Cookie" not in response.headers
    assert database.value("SELECT count(*) FROM chatsession.sessions") == before


def test_who_logs_in_from_an_anonymous_session_leaves_it_without_grace(make_legacy, database, account):
    """[A7] an id that a stranger may have planted is dead after the login"""
    server = make_legacy("oldsid")
    client = Client(server.url)
    client.get("api/session", headers={"Cookie": f"oldsid={legacy_cookie('planted', LEGACY_SECRET, name='oldsid')}"})
    planted = f"sid={client.cookies['sid']}"
    assert session(server.url, planted)["cause"] == "success"
    client.login(account)
    assert session(server.url, planted)["cause"] == NO_STORE
    assert session(server.url, f"sid={client.cookies['sid']}")["authenticated"]
    assert database.rows("SELECT revoke_cause, replaced_by FROM chatsession.sessions WHERE legacy_id = 'planted'") == [
        ("replaced", None)]


def test_an_anonymous_session_ends_by_its_times_and_is_none_where_they_are_off(make_legacy, make_httpd, database):
    server = make_legacy("oldsid")
    client = Client(server.url)
    client.get("api/session", headers={"Cookie": f"oldsid={legacy_cookie('timed', LEGACY_SECRET, name='oldsid')}"})
    cookie = f"sid={client.cookies['sid']}"
    without = make_httpd(database.conninfo, start=False)
    (without.folder / "secret").write_bytes((server.folder / "secret").read_bytes())
    without.start()
    assert session(server.url, cookie)["cause"] == "success"
    assert session(without.url, cookie)["cause"] == NO_STORE
    database.rows("UPDATE chatsession.sessions SET last_seen_at = now() - interval '31 min' WHERE legacy_id = 'timed'")
    uncached = make_legacy("oldsid", lines=["ChatSessionCacheEntries 0"])
    uncached.stop()
    (uncached.folder / "secret").write_bytes((server.folder / "secret").read_bytes())
    uncached.start()
    assert session(uncached.url, cookie)["cause"] == NO_STORE
    assert wait_until(lambda: Client(server.url).post("api/logout", headers={"Cookie": cookie, "Origin": server.url}
                                                      ).status_code == 204, "the logout")
