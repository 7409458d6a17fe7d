# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""One contract for the places where visitors' sessions live (store/session_store.h), tried on each: PostgreSQL with the memory of the
host, httpd's shared memory, a real Redis, a real memcached. Then what each place alone can do or get wrong."""
import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.caches import Memcached, Redis
from harness.client import Client, log_in
from harness.passwords import MODULES as AUTH_MODULES
from harness.passwords import htpasswd
from harness.place import BUILD, new_folder, wait_until

PROBE = BUILD / "tests" / "mod_chatsession_probe.so"
STORES = ("postgresql", "shmcb", "redis", "memcache")
CACHES = STORES[1:]
MODULES = ("socache_shmcb", "socache_redis", "socache_memcache", "slotmem_shm")
PLACES = [f'LoadModule chatsession_probe_module "{PROBE}"', "LimitRequestLine 40000", '<Location "/probe">',
          "SetHandler session-probe", "ChatSession on", "ChatSessionData on", 'Header always set X-Cause "%{CHATSESSION_CAUSE}e"',
          'Header always set X-Ref "%{CHATSESSION_REF}e"', 'Header always set X-Data "%{CHATSESSION_DATA}e"', "</Location>"]


@pytest.fixture(scope="module")
def caches():
    """{provider: a running server}"""
    made = {"redis": Redis(), "memcache": Memcached()}
    yield {name: server.start() for name, server in made.items()}
    for server in made.values():
        server.remove()


def store_line(caches, store, host=""):
    if store == "postgresql":
        return "ChatSessionStore postgresql"
    where = "shmcb:chatsession(4194304)" if store == "shmcb" else f"{store}:127.0.0.1:{caches[store].port}"
    return f'ChatSessionStore "socache:{where}" {host}'


def lines_for(caches, store, *more, host=""):
    return [store_line(caches, store, host), "ChatSessionAnonymous on", *PLACES, *more]


@pytest.fixture(scope="module", params=STORES)
def store(request):
    return request.param


@pytest.fixture(scope="module")
def server(make_module_httpd, database, caches, store):
    return make_module_httpd(database.conninfo, lines=lines_for(caches, store), modules=MODULES, children=2)


@pytest.fixture
def visitor(server):
    expect_neighbours(server)
    server.expect_log("SQLSTATE 23514")  # what the table's checks refuse is one line in the log; a cache's refusals are none
    return Client(server.url)


def expect_neighbours(server):
    """The servers of these tests share caches, most of them as host 1 of 1."""
    server.expect_log("CS0186")
    return server


def ask(client, what):
    return client.get(f"{client.origin}/probe?{what}")


def probe(client, what):
    """[status, text] of the other module."""
    return ask(client, what).content.decode().split(" ", 1)


def cause(client):
    return ask(client, "ref").headers["X-Cause"]


def data(client):
    """What a CGI would see in CHATSESSION_DATA."""
    return json.loads(ask(client, "ref").headers["X-Data"])


def copy(client, url=None):
    """Another connection of the same browser, maybe to another server."""
    other = Client(url or client.origin)
    for cookie in client.cookies:
        other.cookies.set(cookie.name, cookie.value, domain="127.0.0.1", path="/")
    return other


def write_at_once(clients, names):
    with ThreadPoolExecutor(25) as pool:
        return list(pool.map(lambda pair: probe(copy(pair[0]), f"set/{pair[1]}/of-{pair[1]}")[0], zip(clients, names)))


# --- the contract


def test_who_stores_nothing_gets_no_cookie(visitor):
    """[G10]"""
    for what in ("ref", "user", "get/a", "remove/a"):
        response = ask(visitor, what)
        assert response.text == "APR_EACCES -" and "Set-Cookie" not in response.headers, what
    assert cause(visitor) == "none"


def test_the_first_value_makes_a_session(visitor):
    response = ask(visitor, "set/a/one%20%C3%A4%F0%9F%98%80%22%5C")
    assert response.text == "APR_SUCCESS -" and response.headers["Set-Cookie"].startswith("sid=v1.")
    assert probe(visitor, "get/a") == ["APR_SUCCESS", 'one \u00e4\U0001f600"\\']
    response = ask(visitor, "ref")
    assert response.headers["X-Cause"] == "success" and response.text == f"APR_SUCCESS {response.headers['X-Ref']}"
    assert "Set-Cookie" not in response.headers, "the same session goes on"
    assert probe(visitor, "user") == ["APR_EACCES", "-"], "nobody is logged in"


def test_values_are_replaced_removed_and_listed(visitor):
    for step, found in (("set/a/one", {"a": "one"}), ("set/a/two", {"a": "two"}), ("set/b/", {"a": "two", "b": ""}),
                        ("set/A/upper", {"a": "two", "b": "", "A": "upper"}), ("remove/a", {"b": "", "A": "upper"}),
                        ("remove/a", {"b": "", "A": "upper"}), ("set/a/three", {"a": "three", "b": "", "A": "upper"})):
        assert probe(visitor, step) == ["APR_SUCCESS", "-"], step
        assert data(copy(visitor)) == found
    assert probe(visitor, "remove/a")[0] == "APR_SUCCESS" and probe(visitor, "get/a") == ["APR_ENOENT", "-"]


def test_fifty_requests_at_once_that_write_different_names_lose_none(visitor):
    probe(visitor, "set/first/x")
    names = [f"key{number:02}" for number in range(50)]
    assert write_at_once([visitor] * 50, names) == ["APR_SUCCESS"] * 50
    assert data(visitor) == {"first": "x"} | {name: f"of-{name}" for name in names}


def test_a_session_holds_64_values_also_when_many_come_at_once(visitor):
    probe(visitor, "set/key0/x")
    names = [f"key{number}" for number in range(80)]
    assert sorted(write_at_once([visitor] * 80, names)) == ["APR_EINVAL"] * 16 + ["APR_SUCCESS"] * 64
    kept = list(data(visitor))
    assert len(kept) == 64 and probe(visitor, f"set/{kept[0]}/again") == ["APR_SUCCESS", "-"], "no new name"
    assert probe(visitor, f"remove/{kept[1]}")[0] == "APR_SUCCESS" and probe(visitor, "set/new/x")[0] == "APR_SUCCESS"
    assert probe(visitor, "set/newer/x")[0] == "APR_EINVAL"


@pytest.mark.parametrize("name, value, status", [
    ("a" * 64, "x", "APR_SUCCESS"), ("a" * 65, "x", "APR_EINVAL"), ("a%20b", "x", "APR_EINVAL"),
    ("%C3%A4", "x", "APR_EINVAL"), ("A-Z_0.9", "x", "APR_SUCCESS"), ("a", "x" * 8192, "APR_SUCCESS"),
    ("a", "x" * 8193, "APR_EINVAL"), ("a", "%C3%A4" * 4097, "APR_EINVAL"), ("a", "%FF", "APR_EINVAL"), ("a%0A", "x", "APR_EINVAL"),
    ("mod_session", "x", "APR_EINVAL")])
def test_the_bounds_of_names_and_values(visitor, name, value, status):
    assert probe(visitor, f"set/{name}/{value}")[0] == status
    if status == "APR_SUCCESS":
        assert len(probe(visitor, f"get/{name}")[1]) == len(value)


def test_two_visitors_see_nothing_of_each_other(visitor):
    other = Client(visitor.origin)
    assert probe(visitor, "set/a/mine")[0] == probe(other, "set/a/theirs")[0] == "APR_SUCCESS"
    assert (probe(visitor, "get/a")[1], probe(other, "get/a")[1]) == ("mine", "theirs")


def test_a_logged_out_session_is_dead_on_every_child_with_what_was_in_it(visitor):
    probe(visitor, "set/a/x")
    late = copy(visitor)
    visitor.logout()
    for _ in range(20):
        assert cause(copy(late)) == "valid_cookie_but_no_store"
        assert probe(copy(late), "get/a") == ["APR_EACCES", "-"]


def test_what_is_stored_after_the_end_begins_a_new_session(visitor):
    probe(visitor, "set/a/x")
    late = copy(visitor)
    before = visitor.cookies["sid"]
    visitor.logout()
    assert probe(late, "set/b/y") == ["APR_SUCCESS", "-"] and late.cookies["sid"] != before
    assert data(late) == {"b": "y"}


def test_a_login_leaves_no_visitor_session_behind(visitor, database, store):
    """[A7] the id of before is dead, and its values are nobody's but the visitor's."""
    account = database.add_user(f"from-{store}")
    probe(visitor, "set/a/planted")
    planted = copy(visitor)
    visitor.login(account)
    assert probe(visitor, "user") == ["APR_SUCCESS", f"{account.name} user"] and probe(visitor, "get/a") == ["APR_ENOENT", "-"]
    assert cause(planted) == "valid_cookie_but_no_store" and probe(planted, "get/a") == ["APR_EACCES", "-"]
    assert probe(visitor, "set/a/own")[0] == "APR_SUCCESS" and data(visitor) == {"a": "own"}


@pytest.mark.parametrize("change", [lambda c: c[:-1] + ("A" if c[-1] != "A" else "B"), lambda c: c[: len(c) // 2], lambda c: "\u00e4",
                                    lambda c: c + "=", lambda c: "v1.x.y.z.w"])
def test_garbage_in_a_cookie_is_a_fresh_session(visitor, change):
    """[B5]"""
    probe(visitor, "set/a/x")
    broken = Client(visitor.origin)
    headers = {"Cookie": f"sid={change(visitor.cookies['sid'])}".encode()}
    response = broken.get(f"{visitor.origin}/probe?get/a", headers=headers)
    assert (response.status_code, response.text) == (200, "APR_EACCES -")
    assert response.headers["X-Cause"] in ("none", "renew after InvalidSignature")
    assert broken.get(f"{visitor.origin}/probe?set/a/y", headers=headers).text == "APR_SUCCESS -"
    assert probe(visitor, "get/a") == ["APR_SUCCESS", "x"]


def test_an_idle_session_ends(make_httpd, database, caches, store):
    server = make_httpd(database.conninfo, modules=MODULES, lines=lines_for(caches, store, "ChatSessionIdleTimeout 1s"))
    expect_neighbours(server)
    visitor = Client(server.url)
    probe(visitor, "set/a/x")
    used = time.monotonic()
    wait_until(lambda: time.monotonic() > used + 1.1, "the limit to pass; a look would be a use")
    assert cause(visitor) == "valid_cookie_but_no_store" and probe(visitor, "get/a") == ["APR_EACCES", "-"]


def test_a_session_that_the_store_lost_is_a_fresh_one(make_httpd, make_database, caches, store):
    """An evicted session, a cache that was emptied: cause valid_cookie_but_no_store, and a new id with the next value."""
    database = make_database()
    server = make_httpd(database.conninfo, modules=MODULES, lines=lines_for(caches, store))
    expect_neighbours(server)
    visitor = Client(server.url)
    probe(visitor, "set/a/x")
    before = visitor.cookies["sid"]
    if store == "postgresql":
        database.rows("DELETE FROM chatsession.sessions")
    elif store == "shmcb":
        server.expect_log("AH03093")  # httpd was stopped in the instant in which a connection went back to waiting
        server.restart()
    else:
        caches[store].empty()
    wait_until(lambda: cause(copy(visitor)) == "valid_cookie_but_no_store", "the loss to be seen")
    assert probe(visitor, "get/a") == ["APR_EACCES", "-"]
    assert probe(visitor, "set/a/y") == ["APR_SUCCESS", "-"] and visitor.cookies["sid"] != before


# --- caches without PostgreSQL


@pytest.fixture
def make_bare(make_httpd, caches):
    """make_bare(store, ...) -> a server with visitors' sessions in a cache and no PostgreSQL anywhere."""
    def make(store, *more, host="", secret=None, **options):
        server = make_httpd(bare=True, modules=(*MODULES, "cgid"), start=False, **options, lines=[])
        words = [f'ChatSessionSecretFile "{secret or server.folder / "secret"}"', "ChatSessionCookieSecure off",
                 *lines_for(caches, store, *more, host=host)]
        server.config.write_text(server.config.read_text() + "\n".join(words) + "\n")
        return expect_neighbours(server.start())
    return make


@pytest.mark.parametrize("store", CACHES)
def test_anonymous_use_needs_no_postgresql(make_bare, store):
    bare = make_bare(store, children=2)
    visitor = Client(bare.url)
    assert "ChatSessionDatabase" not in bare.config.read_text()
    assert probe(visitor, "set/a/x") == ["APR_SUCCESS", "-"]
    names = [f"key{number:02}" for number in range(30)]
    assert write_at_once([visitor] * 30, names) == ["APR_SUCCESS"] * 30
    assert data(visitor) == {"a": "x"} | {name: f"of-{name}" for name in names}
    assert cause(visitor) == "success" and cause(Client(bare.url)) == "none"


def test_a_users_cookie_is_nobodys_where_there_is_no_postgresql(make_bare, make_httpd, database):
    """The same secret on both: the signature is good, and there is no store that could know it."""
    full = make_httpd(database.conninfo)
    bare = make_bare("redis", secret=full.folder / "secret")
    account = database.add_user("elsewhere")
    client = log_in(full, account)
    other = copy(client, bare.url)
    assert ask(other, "user").text == "APR_EACCES -" and cause(other) == "valid_cookie_but_no_store"


@pytest.mark.parametrize("store", CACHES)
def test_mod_session_works_on_a_visitors_session(make_httpd, caches, store):
    """mod_session's data are a value of the visitor's session; a log-in by mod_auth_form changes the id (A7)."""
    folder = new_folder("forms")
    (folder / "page.txt").write_text("behind the form")
    folder.chmod(0o755)
    words = htpasswd(new_folder("passwords"), karl="karls-secret-words")
    bare = make_httpd(bare=True, modules=(*MODULES, *AUTH_MODULES, "session", "request", "auth_form"), start=False, lines=[
        f'Alias "/forms" "{folder}"', '<Location "/forms">', "AuthType form", "AuthName forms", "AuthFormProvider file",
        f'AuthUserFile "{words}"', 'AuthFormSitePassphrase "a phrase of this site"', "Session On", "ChatSessionProvideSession on",
        "Require valid-user", "</Location>", '<Location "/forms/login">', "SetHandler form-login-handler", "Require all granted",
        "AuthFormLoginSuccessLocation /forms/page.txt", "</Location>"])
    bare.config.write_text(bare.config.read_text() + "\n".join([
        f'ChatSessionSecretFile "{bare.folder / "secret"}"', "ChatSessionCookieSecure off", *lines_for(caches, store)]) + "\n")
    expect_neighbours(bare.start()).expect_log("AH01807", "AH01808")
    client = Client(bare.url)
    probe(client, "set/a/planted")
    planted, before = copy(client), client.cookies["sid"]
    client.request("POST", f"{bare.url}/forms/login", data={"httpd_username": "karl", "httpd_password": "karls-secret-words"})
    assert client.cookies["sid"] != before, "a new id at log-in"
    assert client.get(f"{bare.url}/forms/page.txt").text == "behind the form"
    after = client.cookies["sid"]
    assert client.get(f"{bare.url}/forms/page.txt").status_code == 200 and client.cookies["sid"] == after, "and only then"
    assert planted.get(f"{bare.url}/forms/page.txt").status_code == 401
    assert cause(planted) == "valid_cookie_but_no_store"


# --- several hosts


@pytest.mark.parametrize("store", ["redis", "memcache"])
def test_two_hosts_share_sessions_through_a_cache(make_bare, store):
    first = make_bare(store, host="host=1/2")
    second = make_bare(store, host="host=2/2", secret=first.folder / "secret")
    here = Client(first.url)
    probe(here, "set/a/x")
    there = copy(here, second.url)
    assert probe(there, "get/a") == ["APR_SUCCESS", "x"] and data(there) == {"a": "x"}
    names = [f"key{number:02}" for number in range(50)]
    assert write_at_once([here, there] * 25, names) == ["APR_SUCCESS"] * 50
    wanted = {"a": "x"} | {name: f"of-{name}" for name in names}
    assert data(here) == data(there) == wanted
    assert probe(there, "remove/a")[0] == "APR_SUCCESS" and probe(here, "get/a") == ["APR_ENOENT", "-"]
    assert probe(here, "set/a/again")[0] == "APR_SUCCESS" and probe(there, "get/a") == ["APR_SUCCESS", "again"]


def test_two_hosts_that_have_the_same_number_are_told(make_bare, caches):
    caches["redis"].empty()
    first = make_bare("redis")
    second = make_bare("redis", secret=first.folder / "secret")
    here = Client(first.url)
    probe(here, "set/a/x")
    first.restart()
    probe(here, "set/b/x")
    assert not any("CS0186" in line for line in first.error_log), "alone, and after a restart, it is the same host"
    there = copy(here, second.url)
    probe(there, "set/c/x")
    second.wait_log("CS0186")


def test_a_logout_at_one_host_is_refused_by_the_other_at_once(make_httpd, database, caches):
    hosts = [make_httpd(database.conninfo, modules=MODULES, start=False, lines=lines_for(caches, "redis", host=f"host={n}/2"))
             for n in (1, 2)]
    (hosts[1].folder / "secret").write_bytes((hosts[0].folder / "secret").read_bytes())
    first, second = (expect_neighbours(host.start()) for host in hosts)
    here = Client(first.url)
    probe(here, "set/a/x")
    there = copy(here, second.url)
    assert cause(there) == "success"
    here.logout()
    assert cause(there) == "valid_cookie_but_no_store" and probe(there, "get/a") == ["APR_EACCES", "-"]


def test_sessions_in_redis_survive_a_restart_of_httpd(make_bare):
    bare = make_bare("redis")
    visitor = Client(bare.url)
    probe(visitor, "set/a/x")
    bare.graceful()
    assert probe(copy(visitor), "get/a") == ["APR_SUCCESS", "x"]
    bare.restart()
    assert probe(copy(visitor), "get/a") == ["APR_SUCCESS", "x"]


# --- what may go wrong with a cache


@pytest.fixture(params=["redis", "memcache"])
def own_cache(request, caches):
    """A server of this test's own, under the name of the shared one."""
    kept, own = caches[request.param], {"redis": Redis, "memcache": Memcached}[request.param]()
    caches[request.param] = own.start()
    yield request.param, own
    caches[request.param] = kept
    own.remove()


def test_a_cache_that_is_down_is_a_failure_and_heals_by_itself(make_httpd, database, caches, own_cache):
    """httpd's clients call a server that is down \"not found\": then visitors would lose their sessions for an outage of seconds."""
    name, cache = own_cache
    full = make_httpd(database.conninfo, modules=MODULES, lines=lines_for(caches, name))
    expect_neighbours(full)
    full.expect_log("CS0180", "CS0012", "AH0347", "AH0348", "AH0079")
    visitor, user = Client(full.url), Client(full.url)
    probe(visitor, "set/a/x")
    user.login(database.add_user(f"down-{name}"))
    late = copy(visitor)
    cache.stop()
    for _ in range(4):
        assert probe(late, "get/a") == ["APR_EAGAIN", "-"]
        assert late.get("api/session").status_code == 503, "as when PostgreSQL is away"
    assert Client(full.url).get("api/session").status_code == 200, "who has no cookie is asked nothing"
    assert probe(Client(full.url), "set/a/x") == ["APR_EAGAIN", "-"]
    assert probe(user, "set/b/y") == ["APR_SUCCESS", "-"], "users' sessions are in PostgreSQL"
    cache.start()
    wait_until(lambda: probe(late, "ref")[0] != "APR_EAGAIN", "the cache to be used again")
    assert cause(visitor) == "valid_cookie_but_no_store", "it came back empty"
    assert probe(visitor, "set/a/y") == ["APR_SUCCESS", "-"] and probe(visitor, "get/a") == ["APR_SUCCESS", "y"]


@pytest.mark.parametrize("garbage", [b"", b"\xff\x00\x01", b"1s x", b"x" * 20000, "a list"])
def test_garbage_in_redis_is_an_absent_session_and_the_child_goes_on(make_bare, caches, garbage):
    bare = make_bare("redis")
    bare.expect_log("CS0181", "AH03480", "AH03479")
    redis = caches["redis"]
    redis.empty()
    visitor = Client(bare.url)
    probe(visitor, "set/a/x")
    children = bare.children
    keys = redis.keys()
    assert len(keys) >= 4
    for key in keys:
        redis.command("DEL", key)
        if garbage == "a list":
            redis.command("RPUSH", key, "x")
        else:
            redis.command("SET", key, garbage)
    assert cause(copy(visitor)) == "valid_cookie_but_no_store"
    assert probe(visitor, "set/a/y") == ["APR_SUCCESS", "-"] and probe(visitor, "get/a") == ["APR_SUCCESS", "y"]
    assert set(children) <= set(bare.children), "a child died"


def test_any_single_entry_that_is_lost_loses_no_more_than_its_own(make_bare, caches):
    """Evicted entries: the session goes on without a lost value, or is a fresh one; never an error."""
    bare, redis = make_bare("redis"), caches["redis"]
    redis.empty()
    visitor = Client(bare.url)
    for name in "ab":
        probe(visitor, f"set/{name}/x")
    late = copy(visitor)
    seen = {}
    for key in redis.keys():
        entry = redis.command("GET", key)
        redis.command("DEL", key)
        alive = cause(late) == "success"
        seen.setdefault(entry[:2], []).append((alive, len(data(late)) if alive else None))
        redis.command("SETEX", key, 600, entry)
    assert sorted(seen.pop(b"1v")) == [(True, 1)] * 2 + [(True, 2)], "two values, and the name of the host that wrote last"
    assert seen == {b"1s": [(False, None)], b"1u": [(False, None)], b"1n": [(True, 0)], b"tr": [(True, 2)]}
    assert data(late) == {"a": "x", "b": "x"}


def test_only_hashes_of_ids_are_in_the_cache_and_no_session_of_a_user(make_httpd, database, caches):
    """[A10]"""
    redis = caches["redis"]
    full = make_httpd(database.conninfo, modules=MODULES, lines=lines_for(caches, "redis"))
    expect_neighbours(full)
    redis.empty()
    user = Client(full.url)
    user.login(database.add_user("not-in-redis"))
    probe(user, "set/a/private")
    assert redis.keys() == []
    visitor = Client(full.url)
    probe(visitor, "set/a/x")
    identifier = visitor.cookies["sid"].split(".")[2].encode()
    held = b" ".join(redis.keys()) + b" ".join(redis.command("GET", key) for key in redis.keys())
    assert identifier not in held and base64.urlsafe_b64decode(identifier + b"=").hex().encode() not in held
    assert all(0 < redis.command("TTL", key) <= 30 * 86400 for key in redis.keys()), "nothing stays for ever"


def test_a_life_of_more_than_thirty_days_is_no_trap_for_memcached(make_bare):
    bare = make_bare("memcache", "ChatSessionMaxLifetime 300d", "ChatSessionIdleTimeout 60d")
    visitor = Client(bare.url)
    probe(visitor, "set/a/x")
    assert probe(visitor, "get/a") == ["APR_SUCCESS", "x"] and data(visitor) == {"a": "x"}


def test_memory_too_small_for_the_largest_value_is_refused_at_the_start(make_httpd, database):
    small = make_httpd(database.conninfo, modules=MODULES, start=False, lines=[
        "ChatSessionAnonymous on", 'ChatSessionStore "socache:shmcb:chatsession(20000)"'])
    small.launch()
    wait_until(lambda: not small.running, "httpd to give up")
    small.expect_log("CS0183", "AH00833", "AH00844", "AH00020", "AH00016")
    assert any("CS0183" in line for line in small.error_log) or "CS0183" in (small.folder / "output.log").read_text()


def test_shared_memory_that_is_written_by_all_at_once_mixes_nothing_up(make_bare):
    """mod_socache_shmcb wants to be called by one at a time over all children. Many large values: writes push others out."""
    bare = make_bare("shmcb", children=3)
    children = bare.children

    def write(number):
        visitor, wrong = Client(bare.url), []
        for turn in range(60):
            value = f"{number}-{turn}-" + chr(ord("a") + number) * 3000
            assert probe(visitor, f"set/a/{value}")[0] in ("APR_SUCCESS", "APR_EACCES"), "an evicted session may be gone again"
            found = probe(visitor, "get/a")
            wrong += [found[1][:40]] if found not in (["APR_SUCCESS", value], ["APR_ENOENT", "-"], ["APR_EACCES", "-"]) else []
        return wrong

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(write, range(24))) == [[]] * 24
    assert set(children) <= set(bare.children), "a child died"


@pytest.mark.parametrize("lines, answer", [
    (["ChatSessionStore socache:redis:127.0.0.1:6379"], "needs ChatSessionAnonymous on"),
    (["ChatSessionAnonymous on", "ChatSessionStore socache:redis:a:1,b:2"], "give one server"),
    (["ChatSessionAnonymous on", "ChatSessionStore socache:nothing"], 'is no cache of a loaded module'),
    (["ChatSessionAnonymous on", "ChatSessionStore mongodb"], "is neither postgresql nor a cache"),
    (["ChatSessionAnonymous on", "ChatSessionStore socache:"], "is neither postgresql nor a cache"),
    (["ChatSessionAnonymous on", "ChatSessionStore socache:redis:"], "ChatSessionStore: List of server names"),
    *((["ChatSessionAnonymous on", f"ChatSessionStore socache:shmcb {host}"], "is not host=N/M")
      for host in ("host=0/1", "host=2/1", "host=1/65", "host=1", "host=1/2x", "hosts=1/2", "host=-1/2"))])
def test_what_a_cache_cannot_do_is_refused_by_configtest(make_httpd, database, lines, answer):
    code, said = make_httpd(database.conninfo, modules=MODULES, start=False, lines=lines).configtest()
    assert code != 0 and answer in said


def test_handlers_of_users_need_postgresql_whatever_the_store(make_httpd):
    bare = make_httpd(bare=True, modules=MODULES, start=False, lines=[
        "ChatSessionAnonymous on", "ChatSessionStore socache:shmcb", '<Location "/chat">', "SetHandler chatsession", "</Location>"])
    bare.config.write_text(bare.config.read_text() + f'ChatSessionSecretFile "{bare.folder / "secret"}"\n')
    code, said = bare.configtest()
    assert code != 0 and "users and conversations are there, a cache holds the sessions of visitors alone" in said


def test_a_cache_alone_needs_a_secret_and_takes_no_legacy_cookie(make_httpd):
    bare = make_httpd(bare=True, modules=MODULES, start=False, lines=["ChatSessionAnonymous on", "ChatSessionStore socache:shmcb"])
    code, said = bare.configtest()
    assert code != 0 and "ChatSessionStore needs ChatSessionSecretFile" in said
    legacy = bare.folder / "legacy"
    legacy.touch(mode=0o600)
    legacy.write_text("my-secret-key\n")
    bare.config.write_text(bare.config.read_text() + f'ChatSessionLegacyCookie old "secret-file={legacy}"\n')
    code, said = bare.configtest()
    assert code != 0 and "a cache cannot promise that a cookie is taken once" in said
