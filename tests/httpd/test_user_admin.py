# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Users made and changed by operators (promises A8, E5, E6): who may do it to whom, what is recorded of it, and that
what was taken away is gone at the next request on every host."""
import itertools
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from harness.client import Client
from harness.place import wait_until
from harness.postgres import User

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def hosts(make_module_httpd, database):
    """Two httpd of two children each on one PostgreSQL."""
    first = make_module_httpd(database.conninfo, children=2)
    second = make_module_httpd(database.conninfo, children=2, start=False)
    (second.folder / "secret").write_bytes((first.folder / "secret").read_bytes())
    return first, second.start()


@pytest.fixture(scope="module")
def root(database):
    """The administrator who does things."""
    return database.add_user("root", "admin")


@pytest.fixture(scope="module")
def admin(hosts, root):
    return log_in(hosts[0], root)


@pytest.fixture
def add(database):
    """add(role): somebody new."""
    return lambda role="user": database.add_user(f"{role} {next(_numbers)}", role)


def log_in(host, user, password=None):
    client = Client(host.url, "/chat-admin")
    client.login(user.name, password or user.password)
    return client


def path(user, below=""):
    return f"api/users/{quote(user if isinstance(user, str) else user.name, safe='')}{below}"


def refused(response, status, code):
    assert response.status_code == status, response.text
    body = response.json()
    assert body["error"] == code and body["detail"].endswith("."), body
    return body["detail"]


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


def on_both(hosts, client):
    """The same browser at each host."""
    made = [Client(host.url, "/chat-admin") for host in hosts]
    for one in made:
        one.cookies.update(client.cookies)
        assert is_logged_in(one)
    return made


def state(database):
    return database.rows("SELECT name, role, password_phc, disabled_at FROM chatsession.users ORDER BY name"), \
        database.value("SELECT count(*) FROM chatsession.audit_entries")


def last_entry(database):
    """action, operator, role, target_user, network, detail of the newest audit entry"""
    row = database.rows("SELECT action, operator, role, target_user, host(network), request_id, detail FROM"
                        " chatsession.audit_entries ORDER BY seq DESC LIMIT 1")[0]
    return dict(zip(("action", "operator", "role", "target_user", "network", "request_id", "detail"), row))


# --- making one


def test_a_made_user_logs_in_with_the_password_that_is_shown_once(hosts, admin, database):
    response = admin.post("api/users", json={"name": "nora", "role": "auditor"})
    made = response.json()
    assert response.status_code == 201 and set(made) == {"name", "role", "password"}
    assert (made["name"], made["role"], len(made["password"])) == ("nora", "auditor", 20)
    assert log_in(hosts[1], User("nora", made["password"])).json("GET", "api/session", 200)["user"] == {
        "name": "nora", "role": "auditor"}
    phc = database.value("SELECT password_phc FROM chatsession.users WHERE name = 'nora'")
    assert phc.startswith("$argon2id$") and made["password"] not in phc
    assert made["password"] not in admin.get(path("nora")).text + admin.get("api/users").text
    assert made["password"] not in admin.get("api/audit").text
    for host in hosts:
        assert made["password"] not in (host.folder / "error.log").read_text()


def test_making_one_is_recorded_and_every_password_is_another(admin, database):
    passwords = set()
    for number in range(3):
        response = admin.post("api/users", json={"name": f"made {number}", "role": "viewer"})
        passwords.add(response.json()["password"])
        assert last_entry(database) == {
            "action": "user.create", "operator": "root", "role": "admin", "target_user": f"made {number}",
            "network": "127.0.0.1", "request_id": response.headers["X-Request-Id"], "detail": {"role": "viewer"}}
    assert len(passwords) == 3


def test_a_name_is_taken_in_all_its_spellings(admin, database):
    """[C11]"""
    admin.json("POST", "api/users", 201, json={"name": "Ida", "role": "user"})
    before = state(database)
    for name in ("Ida", "ida", "\uff29\uff24\uff21", "i\u200bda"):
        refused(admin.post("api/users", json={"name": name, "role": "user"}), 409, "name_taken")
    assert state(database) == before


@pytest.mark.parametrize("name", [" ", "\u200b", "tab\there", " front", "back ", "a/b", "/", ".", "..", "x" * 65])
def test_an_unusable_name_is_refused_with_the_rule(admin, database, name):
    before = state(database)
    assert '"name"' in refused(admin.post("api/users", json={"name": name, "role": "user"}), 400, "invalid_request")
    assert state(database) == before


@pytest.mark.parametrize("name", [
    "J\u00fcrgen", "\u5c71\u7530 \u592a\u90ce", "100%", "%41", "%2e%2e", "a?b", "a#b", "a;b", "a&b=c+d", "a\\b", "...",
    "\"quoted\"", "<b>", "\N{SLIGHTLY SMILING FACE}" * 64, "\u05d0\u05d1", "password", "sessions", "e\u0301",
    "mail@example.org", "a:b", "x" * 64])
def test_a_name_in_an_address_is_percent_encoded_text(admin, database, name):
    """What a name may hold comes whole through httpd's decoding, once."""
    admin.json("POST", "api/users", 201, json={"name": name, "role": "user"})
    assert admin.json("GET", path(name), 200)["name"] == name
    assert admin.json("PATCH", path(name), 200, json={"role": "viewer"})["role"] == "viewer"
    assert last_entry(database)["target_user"] == name
    assert admin.json("POST", path(name, "/sessions/revoke"), 200) == {"sessions": 0}
    assert len(admin.json("POST", path(name, "/password"), 200)["password"]) == 20


@pytest.mark.parametrize("word", ["%ff", "%c3%28", "%ed%a0%bd", "%c0%af", "a%ff", "%00", "a%00b", "nobody", "a%2fb",
                                  "%0a", "%20", "%e2%80%8b"])
def test_a_word_that_is_no_text_or_nobodys_name_is_404(admin, database, word):
    """[E1] [K3]"""
    before = state(database)
    for method, below in (("GET", ""), ("PATCH", ""), ("POST", "/password"), ("POST", "/sessions/revoke")):
        body = {"json": {"role": "admin"}} if method == "PATCH" else {}
        assert admin.request(method, f"api/users/{word}{below}", **body).status_code == 404
    assert state(database) == before


# --- changing one


def test_a_new_role_is_recorded_with_the_old_one_and_ends_the_sessions_on_every_host(hosts, admin, add, database):
    """[A8] [E6]"""
    user = add("auditor")
    sessions = on_both(hosts, log_in(hosts[1], user))
    changed = admin.json("PATCH", path(user), 200, json={"role": "operator"})
    assert [is_logged_in(one) for one in sessions] == [False, False]
    assert set(changed) == {"name", "role", "created_at", "disabled", "conversations", "last_login_at", "second_factor_at",
                            "max_turns", "max_requests", "max_tokens"}
    assert (changed["name"], changed["role"], changed["disabled"]) == (user.name, "operator", False)
    entry = last_entry(database)
    assert (entry["action"], entry["target_user"]) == ("user.change", user.name)
    assert entry["detail"] == {"role": {"old": "auditor", "new": "operator"}, "sessions": 1}
    assert log_in(hosts[0], user).get("api/sessions").status_code == 200


def test_who_is_disabled_is_out_at_the_next_request_on_every_host_and_may_come_back(hosts, admin, add, database):
    """[A8]"""
    user = add()
    sessions = on_both(hosts, log_in(hosts[1], user))
    assert admin.json("PATCH", path(user), 200, json={"disabled": True})["disabled"] is True
    assert [is_logged_in(one) for one in sessions] == [False, False]
    assert last_entry(database)["detail"] == {"disabled": {"old": False, "new": True}, "sessions": 1}
    assert database.value("SELECT DISTINCT revoke_cause FROM chatsession.sessions s JOIN chatsession.users u"
                          " ON u.id = s.user_id WHERE u.name = %s", (user.name,)) == "user_disabled"
    for host in hosts:
        refused(Client(host.url).post("api/login", json={"username": user.name, "password": user.password}),
                401, "invalid_credentials")
    assert admin.json("PATCH", path(user), 200, json={"disabled": False})["disabled"] is False
    assert last_entry(database)["detail"] == {"disabled": {"old": True, "new": False}, "sessions": 0}
    assert [is_logged_in(one) for one in sessions] == [False, False]
    assert is_logged_in(log_in(hosts[1], user))


def test_role_and_state_change_together(admin, add, database):
    user = add()
    changed = admin.json("PATCH", path(user), 200, json={"role": "viewer", "disabled": True})
    assert (changed["role"], changed["disabled"]) == ("viewer", True)
    assert last_entry(database)["detail"] == {
        "role": {"old": "user", "new": "viewer"}, "disabled": {"old": False, "new": True}, "sessions": 0}


def test_what_changes_nothing_ends_no_session_and_leaves_no_entry(hosts, admin, add, database):
    user = add("viewer")
    client = log_in(hosts[0], user)
    before = state(database)
    for body in ({"role": "viewer"}, {"disabled": False}, {"role": "viewer", "disabled": False}):
        assert admin.json("PATCH", path(user), 200, json=body)["role"] == "viewer"
    assert is_logged_in(client) and state(database) == before


@pytest.mark.parametrize("body", [
    {}, {"role": "god"}, {"role": "Admin"}, {"role": ""}, {"role": None}, {"disabled": None}, {"disabled": "true"},
    {"role": "user", "name": "x"}, {"password": "x" * 20}, {"role": "user", "password_phc": "$argon2id$"},
    {"role": "user", "id": "00000000-0000-4000-8000-000000000000"}, {"disabled": True, "created_at": "2026-01-01"}])
def test_only_role_and_disabled_can_be_changed(admin, add, database, body):
    """[E5] mass assignment"""
    user = add()
    before = state(database)
    refused(admin.patch(path(user), json=body), 400, "invalid_request")
    assert state(database) == before


def test_limits_of_one_user_are_set_recorded_and_taken_back(admin, add, database):
    """[G5] [G6] They end no session, and one's own may be changed as well: a limit is no right."""
    user = add()
    shown = admin.json("PATCH", path(user), 200, json={"max_turns": 1, "max_tokens": 0})
    assert (shown["max_turns"], shown["max_requests"], shown["max_tokens"]) == (1, None, 0)
    assert database.rows("SELECT action, detail FROM chatsession.audit_entries ORDER BY seq DESC LIMIT 1") == [
        ("user.change", {"limits": {"max_turns": 1, "max_tokens": 0}, "sessions": 0})]
    shown = admin.json("PATCH", path(user), 200, json={"max_turns": None, "max_requests": 100000})
    assert (shown["max_turns"], shown["max_requests"], shown["max_tokens"]) == (None, 100000, 0)
    refused(admin.patch(path(user), json={"max_turns": -1}), 400, "invalid_request")
    refused(admin.patch(path(user), json={"max_requests": 100001}), 400, "invalid_request")
    assert admin.json("PATCH", path("root"), 200, json={"max_turns": 7})["max_turns"] == 7
    # what is refused changes no limit either
    refused(admin.patch(path("root"), json={"max_turns": 8, "role": "user"}), 403, "own_account")
    assert admin.json("PATCH", path("root"), 200, json={"max_turns": None})["max_turns"] is None
    assert is_logged_in(admin)


@pytest.mark.parametrize("body", [
    {"name": "x"}, {"role": "user"}, {"name": "x", "role": "god"}, {"name": "x", "role": "user", "password": "y" * 20},
    {"name": "x", "role": "user", "disabled": True}, {"name": "x", "role": "user", "id": "1"}])
def test_only_name_and_role_make_a_user(admin, database, body):
    """[E5] mass assignment"""
    before = state(database)
    refused(admin.post("api/users", json=body), 400, "invalid_request")
    assert state(database) == before


@pytest.mark.parametrize("body", [{"role": "user"}, {"role": "operator", "disabled": False}, {"disabled": True}])
def test_nobody_changes_the_own_role_or_disables_oneself(hosts, add, database, body):
    """[E5]"""
    me = add("admin")
    client = log_in(hosts[0], me)
    before = state(database)
    for name in (me.name, me.name.upper()):
        refused(client.patch(path(name), json=body), 403, "own_account")
    refused(client.post(path(me, "/password")), 403, "own_account")
    assert state(database) == before and is_logged_in(client)
    assert client.json("PATCH", path(me), 200, json={"role": "admin", "disabled": False})["role"] == "admin"


@pytest.mark.parametrize("role", ["user", "viewer", "auditor", "operator"])
def test_nobody_but_an_administrator_makes_one_of_anybody(hosts, add, database, role):
    """[E5] no self-promotion"""
    me, other = add(role), add()
    client = log_in(hosts[0], me)
    before = state(database)
    for name in (me, other):
        refused(client.patch(path(name), json={"role": "admin"}), 403, "forbidden")
        refused(client.post(path(name, "/password")), 403, "forbidden")
    refused(client.post("api/users", json={"name": "x", "role": "admin"}), 403, "forbidden")
    assert state(database) == before


# --- the last administrator


@pytest.fixture
def two_admins(make_database, make_httpd):
    """A database whose only administrators are two, each logged in; with the others' names."""
    database = make_database()
    host = make_httpd(database.conninfo, children=2)
    users = [database.add_user(name, "admin") for name in ("eve", "mallory")]
    return database, host, users, [log_in(host, user) for user in users]


def wait_for_locks(database, count):
    """Until so many statements wait for a row."""
    def waiting():
        return database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s",
                              (database.name,)) == count
    wait_until(waiting, f"{count} statements that wait for a lock")


def at_once(database, *calls):
    """The answers to calls that are let go at the same moment: all wait for the administrators' rows before."""
    with database.connect(autocommit=False) as connection, ThreadPoolExecutor() as pool:
        connection.execute("SELECT FROM chatsession.users WHERE role = 'admin' ORDER BY id FOR UPDATE")
        running = [pool.submit(call) for call in calls]
        wait_for_locks(database, len(calls))
        connection.commit()
        return [one.result() for one in running]


@pytest.mark.parametrize("body", [{"role": "user"}, {"disabled": True}])
def test_two_administrators_cannot_take_each_other_away(two_admins, body):
    """[E5] one of two at once wins, and one administrator is left"""
    database, _, users, clients = two_admins
    answers = at_once(database, *(lambda a=client, b=user: a.patch(path(b), json=body)
                                  for client, user in zip(clients, reversed(users))))
    assert sorted(answer.status_code for answer in answers) == [200, 409], [one.text for one in answers]
    refused(next(answer for answer in answers if answer.status_code == 409), 409, "last_admin")
    assert database.value("SELECT count(*) FROM chatsession.users WHERE role = 'admin' AND disabled_at IS NULL") == 1
    assert database.value("SELECT count(*) FROM chatsession.audit_entries WHERE action = 'user.change'") == 1


def test_who_was_demoted_a_moment_ago_changes_nothing_any_more(two_admins):
    """[E5] what is on its way when the role is taken away is judged by the role that is left"""
    database, _, (eve, _), (as_eve, as_mallory) = two_admins
    database.add_user("third", "admin")
    anna = database.add_user("anna")
    with database.connect(autocommit=False) as connection, ThreadPoolExecutor() as pool:
        connection.execute("UPDATE chatsession.users SET role = 'user' WHERE name = 'mallory'")
        running = [pool.submit(call) for call in (
            lambda: as_mallory.patch(path(eve), json={"role": "user"}),
            lambda: as_mallory.patch(path(anna), json={"role": "admin"}),
            lambda: as_mallory.post(path(eve, "/password")),
            lambda: as_mallory.post("api/users", json={"name": "back door", "role": "admin"}))]
        wait_for_locks(database, len(running))
        connection.commit()
        for one in running:
            refused(one.result(), 403, "forbidden")
    assert database.rows("SELECT name FROM chatsession.users WHERE role = 'admin' ORDER BY name") == [
        ("eve",), ("third",)]
    assert database.value("SELECT count(*) FROM chatsession.audit_entries") == 0 and is_logged_in(as_eve)


def test_a_disabled_administrator_does_not_count(two_admins):
    """[E5]"""
    database, _, (eve, mallory), (as_eve, as_mallory) = two_admins
    as_eve.json("PATCH", path(mallory), 200, json={"disabled": True})
    assert as_mallory.patch(path(eve), json={"role": "user"}).status_code == 401
    refused(as_eve.patch(path(eve), json={"disabled": True}), 403, "own_account")
    as_eve.json("PATCH", path(mallory), 200, json={"role": "user"})
    assert database.rows("SELECT name FROM chatsession.users WHERE role = 'admin' AND disabled_at IS NULL") == [("eve",)]


# --- passwords and sessions


def test_a_reset_password_is_shown_once_and_ends_the_sessions_on_every_host(hosts, admin, add, database):
    """[A8]"""
    user = add()
    sessions = on_both(hosts, log_in(hosts[0], user))
    shown = admin.json("POST", path(user, "/password"), 200)
    assert set(shown) == {"password"} and shown["password"] != user.password
    assert [is_logged_in(one) for one in sessions] == [False, False]
    entry = last_entry(database)
    assert (entry["action"], entry["target_user"], entry["detail"]) == ("user.password", user.name, {"sessions": 1})
    refused(Client(hosts[0].url).post("api/login", json={"username": user.name, "password": user.password}),
            401, "invalid_credentials")
    assert is_logged_in(log_in(hosts[1], user, shown["password"]))


def test_an_operator_ends_all_sessions_of_one_user_and_no_others(hosts, add, database):
    """[A8] [C9]"""
    user, other, operator = add(), add(), add("operator")
    sessions = [one for _ in range(3) for one in on_both(hosts, log_in(hosts[1], user))]
    bystander = log_in(hosts[0], other)
    client = log_in(hosts[0], operator)
    assert client.json("POST", path(user, "/sessions/revoke"), 200) == {"sessions": 3}
    assert not any(is_logged_in(one) for one in sessions) and is_logged_in(bystander)
    entry = last_entry(database)
    assert (entry["action"], entry["operator"], entry["target_user"], entry["detail"]) == (
        "session.revoke", operator.name, user.name, {"sessions": 3})
    assert client.json("POST", path(user, "/sessions/revoke"), 200) == {"sessions": 0}


def test_a_users_sessions_are_shown_to_operators_only(hosts, add):
    user = add()
    live, ended = log_in(hosts[0], user), log_in(hosts[0], user)
    ended.logout()
    shown = {}
    for role in ("viewer", "auditor", "operator", "admin"):
        shown[role] = log_in(hosts[0], add(role)).json("GET", path(user), 200)
        assert set(shown[role]) == {"name", "role", "created_at", "disabled", "conversations", "last_login_at", "second_factor_at",
                                    "max_turns", "max_requests", "max_tokens", "sessions"}
    assert shown["viewer"]["sessions"] is None and shown["auditor"]["sessions"] is None
    for role in ("operator", "admin"):
        [session] = shown[role]["sessions"]
        assert set(session) == {"ref", "user", "role", "created_at", "last_seen_at", "expires_at", "network",
                                "user_agent", "current"}
        assert (session["user"], session["network"], session["current"]) == (user.name, "127.0.0.1", False)
    assert is_logged_in(live)
    me = add("operator")
    [own] = log_in(hosts[0], me).json("GET", path(me), 200)["sessions"]
    assert own["current"] is True


@pytest.mark.parametrize("call", [
    ("POST", "api/users", {"name": "unrecorded", "role": "admin"}), ("PATCH", None, {"role": "admin"}),
    ("POST", "/password", None), ("POST", "/sessions/revoke", None), ("POST", "/invitation", None),
    ("POST", "api/users", {"name": "unrecorded", "role": "admin", "invite": True})], ids=lambda call: f"{call[0]} {call[1]}")
def test_what_cannot_be_recorded_is_not_done(hosts, admin, add, database, call):
    """[E6]"""
    user = add()
    client = log_in(hosts[1], user)
    before = state(database)
    method, where, body = call
    database.rows("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        hosts[0].expect_log("CS0013", "CS2022")
        response = admin.request(method, where if where and where.startswith("api") else path(user, where or ""),
                                 **({"json": body} if body else {}))
    finally:
        database.rows("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert response.status_code == 500 and not {"password", "invitation"} & set(response.json())
    assert state(database) == before and is_logged_in(client)


# --- the list


@pytest.fixture(scope="module")
def people(make_module_httpd, postgres):
    """A server on a database of its own with 120 users."""
    from harness.postgres import drop_database, new_database
    database = new_database(postgres)
    vera = database.add_user("vera", "viewer")
    database.rows("INSERT INTO chatsession.users (name, role, disabled_at) SELECT 'user ' || to_char(n, 'FM000'),"
                  " CASE WHEN n % 10 = 0 THEN 'auditor' ELSE 'user' END, CASE WHEN n % 4 = 0 THEN now() END"
                  " FROM generate_series(1, 119) n")
    database.rows("INSERT INTO chatsession.users (name) VALUES ('\u5c71\u7530 \u592a\u90ce'), ('100% sure_'), ('\u00c4nne')")
    host = make_module_httpd(database.conninfo)
    yield log_in(host, vera), database
    host.stop()
    drop_database(database)


def names(client, **query):
    return [user["name"] for user in client.json("GET", "api/users", 200, params=query)["users"]]


def test_the_list_is_paged_by_name_and_holds_everybody_once(people):
    client, database = people
    seen, after, pages = [], None, 0
    while after or not pages:
        page = client.json("GET", "api/users", 200, params={"limit": 50, **({"after": after} if after else {})})
        assert set(page) == {"users", "next"}
        seen += [user["name"] for user in page["users"]]
        after, pages = page["next"], pages + 1
        if pages == 1:  # who is added before the place where the list is, moves nothing
            database.rows("INSERT INTO chatsession.users (name) VALUES ('0 first')")
    database.rows("DELETE FROM chatsession.users WHERE name = '0 first'")
    assert pages == 3 and len(seen) == 123
    assert seen == [row[0] for row in database.rows("SELECT name FROM chatsession.users ORDER BY canonical_name")]


def test_a_part_of_a_name_finds_it_in_any_spelling_and_literally(people):
    client, _ = people
    assert names(client, q="\u592a\u90ce") == ["\u5c71\u7530 \u592a\u90ce"]
    assert names(client, q="a\u0308NN") == ["\u00c4nne"]
    assert names(client, q="\uff35\uff33\uff25\uff32 00") == [f"user {n:03}" for n in range(1, 10)]
    assert names(client, q="%") == ["100% sure_"] and names(client, q="_") == ["100% sure_"]
    assert names(client, q="\\") == [] and names(client, q="nobody at all") == []


def test_role_and_state_narrow_the_list_together(people):
    client, _ = people
    assert names(client, role="auditor") == [f"user {n:03}" for n in range(10, 120, 10)]
    assert names(client, role="auditor", state="disabled") == [f"user {n:03}" for n in range(20, 120, 20)]
    assert names(client, role="auditor", state="active", q="5") == ["user 050"]
    assert names(client, role="viewer") == ["vera"] and names(client, role="admin") == []
    page = client.json("GET", "api/users", 200, params={"state": "disabled", "limit": 20})
    rest = client.json("GET", "api/users", 200, params={"state": "disabled", "limit": 20, "after": page["next"]})
    assert len(page["users"]) == 20 and len(rest["users"]) == 9 and rest["next"] is None
    assert all(user["disabled"] for user in page["users"] + rest["users"])


@pytest.mark.parametrize("query", ["role=god", "role=Admin", "state=gone", "state=enabled", "limit=0", "limit=201",
                                   "limit=x", "q=%ff", "after=%ff", "q=%00"])
def test_a_filter_that_is_none_is_400(people, query):
    refused(people[0].get(f"api/users?{query}"), 400, "invalid_request")
