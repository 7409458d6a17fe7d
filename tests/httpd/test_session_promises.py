# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Promises about sessions and logins that need a server set up for them: ids over children and restarts, the longest cookie,
a cache in front, hashes that grow with their cost, an installation without anybody."""
import base64
import os
from concurrent.futures import ThreadPoolExecutor

from harness.client import Client, log_in
from harness.place import wait_until

IDS = int(os.environ.get("SESSION_IDS", "480"))  # a larger number narrows the bound of the balance


def token_id(client):
    """The id in the cookie: 32 octets as base64url."""
    return client.cookies["sid"].split(".")[2]


def test_ids_over_children_and_restarts_are_all_different_and_balanced(make_httpd, make_database):
    """[A1] Guests' sessions, because no password has to be hashed for them: eight children, and three generations of them."""
    site = make_httpd(make_database().conninfo, children=8, lines=["ChatSessionGuests 100000"])

    def one(_number):
        client = Client(site.url)
        client.json("POST", "api/guest", 200)
        return token_id(client)

    ids = []
    for generation in range(4):
        if generation:
            site.graceful()
        with ThreadPoolExecutor(8) as pool:
            ids += pool.map(one, range(IDS // 4))
    assert len(set(ids)) == len(ids) == IDS // 4 * 4
    octets = [base64.urlsafe_b64decode(one_id + "=") for one_id in ids]
    assert {len(one_id) for one_id in octets} == {32}
    ones = [sum(one_id[bit // 8] >> bit % 8 & 1 for one_id in octets) / len(octets) for bit in range(256)]
    # Six standard deviations: of all positions together, one run in a million is further off.
    bound = 6 * 0.5 / len(octets) ** 0.5
    assert [bit for bit, share in enumerate(ones) if abs(share - 0.5) > bound] == []


def test_the_longest_cookie_has_at_most_512_octets(make_httpd, make_database):
    """[B2] whoever logs in, with the longest name and role; the rest of the line is attributes"""
    database = make_database()
    user = database.add_user("\U0001f30a" * 64, "operator")
    response = Client(make_httpd(database.conninfo).url).post(
        "api/login", json={"username": user.name, "password": user.password})
    assert response.status_code == 200
    line = next(value for value in response.raw.headers.getlist("Set-Cookie") if value.startswith("sid="))
    assert len(line.split(";")[0]) <= 512 and all(len(part) <= 1024 for part in line.split(";")[1:])


def test_a_cache_in_front_serves_nobody_anothers_answer(make_httpd, make_database, tmp_path):
    """[B6] mod_cache with its quick handler before everything; two users and nobody ask for the same addresses in turn."""
    database = make_database()
    root = tmp_path / "cache"
    root.mkdir()
    root.chmod(0o777)
    for folder in root.parents:  # httpd's children are nobody in particular
        if folder.stat().st_uid == os.getuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o011)
    site = make_httpd(database.conninfo, modules=("cache", "cache_disk"), lines=[
        f'CacheRoot "{root}"', "CacheEnable disk /", "CacheQuickHandler on", "CacheIgnoreNoLastMod on",
        "CacheStoreExpired on", "CacheDefaultExpire 3600"])
    people = {}
    for name in ("anna", "berta"):
        people[name] = Client(site.url)
        people[name].login(database.add_user(name))
        people[name].new_conversation(f"of {name}")
    for _ in range(2):
        Client(site.url).get("js/main.js")
    wait_until(lambda: list(root.rglob("*.header")), "the cache to keep what may be kept")  # written when the answer is out
    paths = ("api/session", "api/conversations", "api/sessions", "api/conversations?q=of")
    for _ in range(60):
        for path in paths:
            for name, client in people.items():
                other = "berta" if name == "anna" else "anna"
                assert f"of {other}" not in client.get(path).text and f'"{other}"' not in client.get(path).text
            stranger = Client(site.url).get(path)
            assert "anna" not in stranger.text and "berta" not in stranger.text


def test_a_login_hashes_anew_when_the_cost_has_risen(make_httpd, make_database):
    """[C1] The row holds a PHC string of Argon2id; the old hash lets in once more and is replaced by one of today's cost."""
    database = make_database()
    user = database.add_user("mika")
    cheap = make_httpd(database.conninfo, lines=["ChatSessionPasswordMemory 64", "ChatSessionPasswordIterations 1"])
    client = log_in(cheap, user)
    client.json("POST", "api/password", 204, json={"current": user.password, "new": "seven pale lanterns"})

    def stored():
        return database.value("SELECT password_phc FROM chatsession.users")

    assert stored().startswith("$argon2id$v=19$m=64,t=1,p=1$")
    dear = Client(make_httpd(database.conninfo, lines=["ChatSessionPasswordMemory 2048",
                                                       "ChatSessionPasswordIterations 2"]).url)
    dear.login("mika", "seven pale lanterns")
    assert stored().startswith("$argon2id$v=19$m=2048,t=2,p=1$")
    dear.login("mika", "seven pale lanterns")


def test_a_new_installation_has_no_account_and_lets_nobody_in(make_httpd, make_database):
    """[C10] The first administrator comes from the command line, with a password of its own making."""
    database = make_database()
    assert database.value("SELECT count(*) FROM chatsession.users") == 0
    site = make_httpd(database.conninfo)
    for name in ("admin", "root", "operator", "chatsession"):
        for password in ("admin", "password", name):
            assert Client(site.url).post("api/login", json={"username": name, "password": password}).status_code in (401, 429)
    assert database.value("SELECT count(*) FROM chatsession.users") == 0
    first = database.add_user("first", "admin")
    assert len(first.password) >= 16
    client = log_in(site, first, "/chat-admin")
    assert client.get("api/users").status_code == 200
