# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""How often somebody may try to log in (promise C4), that strangers lock nobody out (C5), and that a refusal says nothing
about accounts (C6). Time passes by making what is recorded older."""
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.client import Client, log_in
from harness.place import new_folder
from harness.postgres import new_database

# The delay is longer than a busy machine needs for a few logins.
DEFAULTS = ["ChatSessionLoginDelay 15s", "ChatSessionLoginLimit 100"]
NO_DELAY = ["ChatSessionLoginDelay 0", "ChatSessionLoginLimit 100"]
WRONG = "a wrong password"


@pytest.fixture(scope="module")
def httpd(make_module_httpd, database):
    return make_module_httpd(database.conninfo, lines=DEFAULTS)


@pytest.fixture(scope="module")
def patient(make_module_httpd, database):
    """A server without the growing delay, of two children."""
    return make_module_httpd(database.conninfo, lines=NO_DELAY, children=2)


@pytest.fixture(autouse=True)
def nobody_has_tried(database):
    database.rows("DELETE FROM chatsession.login_attempts")


def attempt(server, name, password=WRONG, client=None):
    response = (client or Client(server.url)).post("api/login", json={"username": name, "password": password})
    assert response.status_code in (200, 401, 429), response.text
    return response


def status(server, name, password=WRONG, client=None):
    return attempt(server, name, password, client).status_code


def pass_time(database, interval):
    database.rows("UPDATE chatsession.login_attempts SET last_at = last_at - %(i)s::interval,"
                  " not_before = not_before - %(i)s::interval,"
                  " recent = ARRAY(SELECT r - %(i)s::interval FROM unnest(recent) r ORDER BY r)", {"i": interval})


def wait_of(server, name):
    """What Retry-After says."""
    response = attempt(server, name)
    assert response.status_code == 429
    assert response.json()["error"] == "too_many_attempts"
    seconds = int(response.headers["Retry-After"])
    assert str(seconds) in response.json()["detail"]
    return seconds


# --- C4


def test_the_wait_begins_after_the_third_failure_and_doubles_up_to_a_quarter_of_an_hour(httpd, database, user):
    """[C4]"""
    assert [status(httpd, user.name) for _ in range(3)] == [401, 401, 401]
    waits = []
    for _ in range(13):
        waits.append(round(database.value(
            "SELECT extract(epoch FROM not_before - last_at) FROM chatsession.login_attempts WHERE failures = "
            "(SELECT max(failures) FROM chatsession.login_attempts) AND not_before IS NOT NULL")))
        pass_time(database, f"{waits[-1]} s")
        assert status(httpd, user.name) == 401
    assert waits == [15, 30, 60, 120, 240, 480] + [900] * 7
    assert 1 <= wait_of(httpd, user.name) <= 900


def test_a_refused_attempt_is_refused_before_the_password_is_looked_at(httpd, user):
    """[C2] [C4] also the right one, and the answer is the same"""
    for _ in range(3):
        status(httpd, user.name)
    assert status(httpd, user.name, user.password) == 429


def test_the_right_password_after_the_wait_gets_in_and_ends_the_row(httpd, database, user):
    """[C5]"""
    for _ in range(3):
        status(httpd, user.name)
    pass_time(database, "15 s")
    assert status(httpd, user.name, user.password) == 200
    assert [status(httpd, user.name) for _ in range(3)] == [401, 401, 401]


def test_an_account_takes_100_failures_in_an_hour(patient, database, user):
    """[C4] any hour, not only a full one"""
    assert [status(patient, user.name) for _ in range(40)] == [401] * 40
    pass_time(database, "59 min")
    database.rows("UPDATE chatsession.login_attempts SET failures = 0")  # here the hour alone is looked at
    assert [status(patient, user.name) for _ in range(60)] == [401] * 60
    database.rows("UPDATE chatsession.login_attempts SET not_before = NULL")
    assert wait_of(patient, user.name) <= 61
    pass_time(database, "62 s")
    assert [status(patient, user.name) for _ in range(41)] == [401] * 40 + [429]


def test_after_100_failures_in_a_row_an_account_waits_a_day(patient, database, user):
    """[C4]"""
    for _ in range(4):
        assert [status(patient, user.name) for _ in range(25)] == [401] * 25
        pass_time(database, "61 min")
    assert 82_000 < wait_of(patient, user.name) <= 86_400
    pass_time(database, "24 h")
    assert status(patient, user.name, user.password) == 200


def test_10000_guesses_over_children_and_a_restart_reach_the_hash_100_times(make_httpd, database, user):
    """[C4] in parallel, so many that all are under way before the first is known to be wrong; here 1000"""
    server = make_httpd(database.conninfo, lines=NO_DELAY, children=3)
    seen = []
    for _ in range(2):
        with ThreadPoolExecutor(16) as pool:
            seen += pool.map(lambda _: status(server, user.name), range(500))
        server.restart()
    assert seen.count(401) == 100
    assert seen.count(429) == 900


def test_in_parallel_as_few_reach_the_hash_as_one_after_the_other(httpd, user):
    """[C4] an attempt counts before it is hashed"""
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda _: status(httpd, user.name), range(64)))
    assert seen.count(401) == 3


def test_hosts_share_the_count(httpd, make_httpd, database, user):
    """[C4]"""
    other = make_httpd(database.conninfo, lines=DEFAULTS)
    assert [status(server, user.name) for server in (httpd, other, httpd, other, httpd)] == [401, 401, 401, 429, 429]


def test_a_network_takes_100_failures_in_an_hour_whatever_names_are_tried(patient, database, user):
    """[C4]"""
    assert [status(patient, f"name {n}") for n in range(100)] == [401] * 100
    assert status(patient, "another name") == 429
    assert status(patient, user.name, user.password) == 429
    pass_time(database, "1 h")
    assert status(patient, user.name, user.password) == 200


def test_logins_that_succeed_cost_a_network_nothing(patient, database, user):
    for _ in range(4):
        assert status(patient, user.name, user.password) == 200
    assert database.value("SELECT count(*) FROM chatsession.login_attempts") == 0


def subjects(database, network):
    return database.value("SELECT chatsession.login_subjects('mika', %s, NULL, NULL)::text", (network,))


def test_a_network_is_one_ipv4_address_or_64_bits_of_ipv6(database):
    """[C4]"""
    assert subjects(database, "192.0.2.1") != subjects(database, "192.0.2.2")
    assert subjects(database, "2001:db8::1") == subjects(database, "2001:db8::ffff:ffff:ffff:ffff")
    assert subjects(database, "2001:db8::1") != subjects(database, "2001:db8:0:1::1")


def test_every_spelling_of_a_name_is_one_account(httpd):
    """[C11]"""
    assert [status(httpd, name) for name in ("Nobody", "nobody", "ＮＯＢＯＤＹ", "no\u200bbody")] == [401, 401, 401, 429]


def test_what_was_typed_is_not_stored(httpd, database):
    """People type their password into the field of the name."""
    status(httpd, "hunter2 hunter2")
    rows = database.value("SELECT string_agg(to_jsonb(a)::text, '') FROM chatsession.login_attempts a")
    assert rows and "hunter2" not in rows and "127.0.0.1" not in rows
    assert b"hunter2".hex() not in rows


def test_a_new_password_begins_anew(httpd, database):
    other = database.add_user("reset")
    for _ in range(3):
        status(httpd, other.name)
    assert status(httpd, other.name) == 429
    database.rows("UPDATE chatsession.users SET password_revision = password_revision + 1 WHERE name = 'reset'")
    assert status(httpd, other.name, other.password) == 200


def test_the_sweep_forgets_what_is_a_day_old(make_httpd, make_database):
    database = make_database()  # where no other server's sweep comes first
    server = make_httpd(database.conninfo, lines=[*DEFAULTS, "ChatSessionSweepInterval 100ms"], log_level="info")
    status(server, "yesterday")
    pass_time(database, "1 day")
    status(server, "today")
    server.wait_log("CS0123: old attempts to log in deleted")
    assert database.value("SELECT min(last_at) > now() - interval '1 hour' FROM chatsession.login_attempts")


# --- C5


def exhaust(server, name):
    while status(server, name) != 429:
        pass


def test_the_owner_gets_in_from_a_known_browser_at_the_first_try(httpd, user):
    """[C5]"""
    known = log_in(httpd, user)
    del known.cookies["sid"]
    exhaust(httpd, user.name)
    assert status(httpd, user.name, user.password) == 429
    assert status(httpd, user.name, user.password, known) == 200


def test_a_known_browser_also_passes_a_network_that_is_closed(patient, user):
    """[C5] a stranger behind the same address"""
    known = log_in(patient, user)
    for n in range(100):
        status(patient, f"name {n}")
    assert status(patient, user.name, user.password) == 429
    assert status(patient, user.name, user.password, known) == 200


def test_a_known_browser_has_a_count_of_its_own(httpd, user):
    """[C5] who steals the cookie guesses no faster"""
    known = log_in(httpd, user)
    assert [status(httpd, user.name, client=known) for _ in range(4)] == [401, 401, 401, 429]
    assert status(httpd, user.name, user.password) == 200


def test_a_known_browser_is_known_for_its_account_alone(httpd, database, user):
    """[C5]"""
    other = database.add_user("stranger")
    known = log_in(httpd, other)
    exhaust(httpd, user.name)
    assert status(httpd, user.name, user.password, known) == 429


def test_a_known_browser_keeps_its_number_at_the_next_login(httpd, user):
    client = Client(httpd.url)
    numbers = set()
    for _ in range(2):
        client.login(user)
        numbers.add(client.cookies["known"].split(".")[0][:80])  # user and number; the time stands behind them
    assert len(numbers) == 1


@pytest.mark.parametrize("spoil", [lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), lambda text: "",
                                   lambda text: "x.y", lambda text: text.split(".")[0], lambda text: "A" * 4000])
def test_a_cookie_that_is_not_ours_makes_no_browser_known(httpd, user, spoil):
    """[A5] [C5]"""
    known = log_in(httpd, user)
    exhaust(httpd, user.name)
    spoiled = {"Cookie": f"known={spoil(known.cookies['known'])}"}
    response = Client(httpd.url).post("api/login", json={"username": user.name, "password": user.password},
                                      headers=spoiled)
    assert response.status_code == 429


def test_a_session_cookie_is_no_known_browser(httpd, user):
    """[A5] purposes are apart"""
    client = log_in(httpd, user)
    exhaust(httpd, user.name)
    for cookie in (f"known={client.cookies['sid']}", f"sid={client.cookies['known']}"):
        response = Client(httpd.url).post("api/login", json={"username": user.name, "password": user.password},
                                          headers={"Cookie": cookie})
        assert response.status_code == 429
    assert not Client(httpd.url).get("api/session", headers={
        "Cookie": f"sid={client.cookies['known']}"}).json()["authenticated"]


def test_known_browsers_can_be_switched_off(make_httpd, database, user, httpd):
    known = log_in(httpd, user)
    server = make_httpd(database.conninfo, lines=[*DEFAULTS, "ChatSessionKnownDevice off"], start=False)
    (server.folder / "secret").write_bytes((httpd.folder / "secret").read_bytes())
    server.start()
    client = log_in(server, user)
    assert "known" not in client.cookies
    exhaust(server, user.name)
    client.cookies.set("known", known.cookies["known"], domain="127.0.0.1", path="/")
    assert status(server, user.name, user.password, client) == 429


# --- C6


def comparable(response):
    body = response.json()
    assert body.pop("request_id")
    return response.status_code, body, {name: value for name, value in response.headers.items()
                                        if name not in ("Date", "X-Request-Id", "Keep-Alive", "Connection")}


COUNT_HASHES = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
static void count(void)
{
    int fd = open(getenv("HASHES"), O_WRONLY | O_APPEND);
    if (write(fd, "x", 1) != 1) abort();
    close(fd);
}
int argon2id_ctx(void *context)
{
    int (*next)(void *) = dlsym(RTLD_NEXT, "argon2id_ctx");
    count();
    return next(context);
}
"""


@pytest.fixture
def counted(make_postgres, make_httpd, monkeypatch):
    """A server on a PostgreSQL that counts statements, with a counter of hashes: (server, database, count)."""
    folder = new_folder("hashes")
    (folder / "count.c").write_text(COUNT_HASHES)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "count.so", folder / "count.c"], check=True)
    hashes = folder / "hashes"
    hashes.touch()
    hashes.chmod(0o666)
    for path in (folder, *folder.parents[:3]):
        assert path.stat().st_mode & 0o005, f"httpd's children cannot reach {path}"
    monkeypatch.setenv("HASHES", str(hashes))
    database = new_database(make_postgres(settings={"shared_preload_libraries": "pg_stat_statements"}))
    database.rows("CREATE EXTENSION pg_stat_statements")
    server = make_httpd(database.conninfo, lines=[*NO_DELAY, "ChatSessionSweepInterval 1h"],
                        preload=[str(folder / "count.so")])

    def count(act):
        """(hashes, statements by their number of calls) that act costs; its result."""
        database.rows("SELECT pg_stat_statements_reset()")
        before = hashes.stat().st_size
        result = act()
        statements = database.rows(
            "SELECT left(query, 60), calls FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
            " WHERE rolname = 'chatsession' AND toplevel"
            "   AND query <> 'SELECT $1' ORDER BY query")  # what the listening threads ask by the clock
        return (hashes.stat().st_size - before, statements), result

    return server, database, count


def test_a_refusal_says_and_costs_the_same_whoever_it_is(counted):
    """[C6] unknown, wrong, disabled with the right password, and without a password: identical but for the request id;
    one hash and the same statements each"""
    server, database, count = counted
    user, disabled = database.add_user("mika"), database.add_user("dora")
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'dora'")
    database.rows("INSERT INTO chatsession.users (name) VALUES ('sso')")
    attempt(server, "warm up")
    seen = {}
    for name, password in (("nobody", WRONG), (user.name, WRONG), (disabled.name, disabled.password), ("sso", WRONG)):
        costs, response = count(lambda: attempt(server, name, password))
        seen[name] = (costs, comparable(response))
    costs, answer = seen["nobody"]
    assert answer[0] == 401 and answer[1]["error"] == "invalid_credentials"
    assert costs[0] == 1 and sum(calls for _, calls in costs[1]) == 2
    assert {name: value for name, value in seen.items() if value != seen["nobody"]} == {}


def test_accounts_that_do_not_exist_are_throttled_like_those_that_do(httpd, database, user):
    """[C6]"""
    database.rows("INSERT INTO chatsession.users (name) VALUES ('sso2')")
    seen = []
    for name in (user.name, "nobody at all", "sso2", "' OR 1=1 --"):
        answers = [comparable(attempt(httpd, name)) for _ in range(5)]
        assert [one[0] for one in answers] == [401, 401, 401, 429, 429]
        seen.append(answers)
    assert all(one == seen[0] for one in seen)


def test_a_refused_attempt_hashes_nothing(counted):
    """[C2] [C4]"""
    server, _, count = counted
    exhaust(server, "nobody")
    (hashes, statements), response = count(lambda: attempt(server, "nobody"))
    assert (response.status_code, hashes, sum(calls for _, calls in statements)) == (429, 0, 1)


# --- two at the same moment


def test_two_accounts_and_one_network_at_once_do_not_wait_for_each_other_for_ever(patient, database):
    """[J8] no deadlock"""
    users = [database.add_user(f"both{n}") for n in range(4)]
    before = database.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    seen = []

    def work(one):
        for turn in range(20):
            seen.append(status(patient, one.name, one.password if turn % 2 else WRONG))

    threads = [threading.Thread(target=work, args=(one,)) for one in users for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 160 and set(seen) == {200, 401}
    assert database.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == before
