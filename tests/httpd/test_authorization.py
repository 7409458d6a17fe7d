# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Who may do what with whose things (promises E1, E2, E3, E5). LEVELS is the written table: it says a second time what
the route tables say, on purpose. A route without a row fails, and so does a row that has become wrong."""
import pytest

from harness.client import Client, log_in
from harness.place import wait_until
from harness.routes import ROUTES
from harness.world import PEOPLE, good_request, needs_trash, send

OPEN = ("no_session", "anyone")
RANKS = (*OPEN, "guest", "unenrolled", "user", "viewer", "auditor", "operator", "admin")
LEVELS = {
    "GET /chat/healthz": "no_session",
    "GET /chat/readyz": "no_session",
    "GET /chat/api/session": "anyone",
    "POST /chat/api/login": "anyone",
    "POST /chat/api/logout": "anyone",
    "POST /chat/api/invitation": "anyone",
    "POST /chat/api/guest": "anyone",
    "GET /chat/api/sessions": "user",
    "DELETE /chat/api/sessions": "user",
    "DELETE /chat/api/sessions/{word}": "user",
    "POST /chat/api/password": "user",
    "GET /chat/api/second-factor": "unenrolled",
    "POST /chat/api/second-factor": "unenrolled",
    "POST /chat/api/second-factor/confirm": "unenrolled",
    "POST /chat/api/second-factor/remove": "user",
    "POST /chat/api/second-factor/recovery-codes": "user",
    "GET /chat/api/models": "guest",
    "GET /chat/api/access": "user",
    "GET /chat/api/archive": "user",
    "GET /chat/api/erase": "user",
    "POST /chat/api/erase": "user",
    "GET /chat/api/keys": "user",
    "POST /chat/api/keys": "user",
    "DELETE /chat/api/keys/{id}": "user",
    "GET /chat/api/conversations": "guest",
    "POST /chat/api/conversations": "guest",
    "POST /chat/api/conversations/import": "user",
    "GET /chat/api/export": "user",
    "GET /chat/api/conversations/{id}": "guest",
    "PATCH /chat/api/conversations/{id}": "guest",
    "DELETE /chat/api/conversations/{id}": "guest",
    "POST /chat/api/conversations/{id}/restore": "guest",
    "POST /chat/api/conversations/{id}/messages": "guest",
    "POST /chat/api/conversations/{id}/regenerate": "guest",
    "POST /chat/api/conversations/{id}/stop": "guest",
    "GET /chat/api/conversations/{id}/stream": "guest",
    "GET /chat/api/conversations/{id}/export": "guest",
    "POST /chat/api/conversations/{id}/share": "user",
    "GET /chat/api/labels": "guest",
    "PATCH /chat/api/labels": "guest",
    "GET /chat/api/shares": "user",
    "DELETE /chat/api/shares/{id}": "user",
    "GET /chat/api/shared/{id}": "user",
    "PUT /chat/api/messages/{id}/feedback": "guest",
    "GET /chat-admin/api/session": "anyone",
    "POST /chat-admin/api/login": "anyone",
    "POST /chat-admin/api/logout": "anyone",
    "GET /chat-admin/api/second-factor": "unenrolled",
    "POST /chat-admin/api/second-factor": "unenrolled",
    "POST /chat-admin/api/second-factor/confirm": "unenrolled",
    "POST /chat-admin/api/second-factor/remove": "user",
    "POST /chat-admin/api/second-factor/recovery-codes": "user",
    "GET /chat-admin/api/overview": "viewer",
    "GET /chat-admin/metrics": "viewer",
    "GET /chat-admin/api/conversations": "viewer",
    "GET /chat-admin/api/conversations/{id}": "viewer",
    "POST /chat-admin/api/conversations/expire": "operator",
    "POST /chat-admin/api/conversations/restore": "operator",
    "POST /chat-admin/api/conversations/tag": "operator",
    "GET /chat-admin/api/conversations/{id}/retention": "viewer",
    "GET /chat-admin/api/feedback": "auditor",
    "GET /chat-admin/api/retention": "viewer",
    "POST /chat-admin/api/retention": "admin",
    "POST /chat-admin/api/retention/run": "operator",
    "GET /chat-admin/api/jobs": "viewer",
    "GET /chat-admin/api/jobs/{id}": "viewer",
    "POST /chat-admin/api/jobs/{id}/cancel": "operator",
    "GET /chat-admin/api/matters": "auditor",
    "POST /chat-admin/api/matters": "operator",
    "GET /chat-admin/api/matters/{id}": "auditor",
    "POST /chat-admin/api/matters/{id}/hold": "operator",
    "POST /chat-admin/api/matters/{id}/release": "operator",
    "GET /chat-admin/api/export": "operator",
    "GET /chat-admin/api/exports": "operator",
    "POST /chat-admin/api/exports": "operator",
    "GET /chat-admin/api/exports/{id}": "operator",
    "GET /chat-admin/api/exports/{id}/file": "operator",
    "GET /chat-admin/api/exports/{id}/manifest": "operator",
    "POST /chat-admin/api/exports/{id}/link": "operator",
    "POST /chat-admin/api/exports/{id}/cancel": "operator",
    "POST /chat-admin/api/import": "operator",
    "GET /chat-admin/api/users": "viewer",
    "POST /chat-admin/api/users": "admin",
    "GET /chat-admin/api/users/{word}": "viewer",
    "PATCH /chat-admin/api/users/{word}": "admin",
    "POST /chat-admin/api/users/{word}/invitation": "admin",
    "POST /chat-admin/api/users/{word}/password": "admin",
    "POST /chat-admin/api/users/{word}/sessions/revoke": "operator",
    "POST /chat-admin/api/users/{word}/second-factor/reset": "admin",
    "POST /chat-admin/api/users/{word}/erase": "admin",
    "GET /chat-admin/api/users/{word}/archive": "admin",
    "GET /chat-admin/api/erasures": "auditor",
    "GET /chat-admin/api/erasures/{id}": "auditor",
    "GET /chat-admin/api/settings": "admin",
    "GET /chat-admin/api/views": "viewer",
    "POST /chat-admin/api/views": "auditor",
    "DELETE /chat-admin/api/views/{id}": "auditor",
    "GET /chat-admin/api/sessions": "operator",
    "POST /chat-admin/api/sessions/revoke": "operator",
    "GET /chat-admin/api/audit": "auditor",
    "GET /chat-admin/api/audit/verify": "auditor",
    "GET /chat-admin/api/audit/export": "operator",
}
FOR_ALL = ("GET /chat/api/shared/{id}",)  # whoever logs in and knows the id
MISSING = "00000000-0000-4000-8000-000000000000"
SECRET = "only anna may read this"


def test_every_route_has_its_row_in_the_table_of_who_may():
    """[E1]"""
    assert {route.name: route.access for route in ROUTES} == LEVELS


def caller(world, person, route):
    """A client of that person's; a new one where the call ends the session."""
    if person == "nobody":
        return Client(world.httpd.url)
    return world.log_in(person) if route.path in ("api/login", "api/logout") else world.clients[person]


def expected(route, person, whose, good):
    """The status that the table asks for."""
    level = LEVELS[route.name]
    if level not in OPEN and person == "nobody":
        return 401
    if level not in OPEN and RANKS.index(PEOPLE[person]) < RANKS.index(level):
        return 403
    if "{" in route.path and (whose == "missing" or (whose == "anna's" and route.mount == "/chat"
                                                     and person != "anna" and route.name not in FOR_ALL)):
        return 404
    return good


def whose_of(route):
    """Whose things a route can be asked for; a user of the console's is nobody's."""
    if "{" not in route.path:
        return ("own",)
    return ("own", "missing") if "api/users/" in route.path else ("own", "anna's", "missing")


def one_request(route, world, person, whose):
    owner = "anna" if whose == "anna's" or person == "nobody" else person
    good = good_request(route, world, owner, "anna" if person == "nobody" else person)
    if whose == "missing":
        good.path = route.at(MISSING)
    return good


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_person_gets_what_the_table_says(world, route):
    """[E1] [E3] [E5]"""
    wrong = []
    for person in ("nobody", *PEOPLE):
        for whose in whose_of(route):
            request = one_request(route, world, person, whose)
            status = expected(route, person, whose, request.status)
            before = world.state() if status >= 400 else None
            response = send(route, caller(world, person, route), request)
            if response.status_code != status:
                wrong.append(f"{person}, {whose}: {response.status_code} instead of {status}: {response.text[:200]}")
            if before:
                after = world.state()
                changed = [name for name in after if after[name] != before[name]]
                if changed:
                    wrong.append(f"{person}, {whose}: refused, but {changed} changed")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("route", [route for route in ROUTES if "{id}" in route.path], ids=lambda route: route.name)
def test_an_id_that_is_none_is_404_before_anything_else(world, route):
    """[E1] nothing is parsed further"""
    before = world.state()
    for person in ("nobody", "berta", "ada"):
        for word in ("1", "x", MISSING + "0", MISSING[:-1], "{" + MISSING + "}", MISSING.replace("-", ""),
                     "%27%20OR%201=1--", "..%2f..%2f", "null", "-1", MISSING.replace("0", "\uff10", 1)):
            request = good_request(route, world, "anna", "anna")
            request.path = route.at(word)
            before = world.state()
            response = send(route, caller(world, person, route), request)
            assert response.status_code == 404, f"{person} {word}: {response.status_code}"
            assert world.state() == before


@pytest.mark.parametrize("route", [route for route in ROUTES if "{id}" in route.path and route.mount == "/chat"],
                         ids=lambda route: route.name)
def test_another_users_thing_looks_exactly_like_one_that_does_not_exist(world, route):
    """[E1] [E2] the same status, headers and body; no octet of the owner's text"""
    client = world.clients["berta"]
    thing = world.thing("anna", trashed_by="user" if needs_trash(route) else None, title=SECRET, question=SECRET,
                        answer=SECRET)
    seen = []
    for identifier in (thing.answer if "messages/{id}" in route.path else thing.conversation, MISSING):
        request = good_request(route, world, "berta", "berta")
        if isinstance(request.body, dict) and "message_id" in request.body:
            request.body["message_id"] = thing.answer
        request.path = route.at(identifier)
        for headers in ({}, {"Last-Event-ID": "0"}):
            response = send(route, client, request, headers=dict(headers))
            assert SECRET not in response.text
            body = response.json()
            body.pop("request_id")
            fixed = {name: value for name, value in response.headers.items()
                     if name not in ("Date", "X-Request-Id", "Keep-Alive", "Connection")}
            seen.append((response.status_code, body, fixed))
    assert seen[0][0] == 404
    assert all(one == seen[0] for one in seen), seen


def test_another_users_messages_cannot_be_reached_through_an_own_conversation(world):
    """[E1] [E2] the id in the body is checked as the one in the path is"""
    client, theirs, own = world.clients["berta"], world.thing("anna", answer=SECRET), world.thing("berta")
    path = f"api/conversations/{own.conversation}"
    before = world.state()
    missing = client.post(f"{path}/regenerate", json={"message_id": MISSING, "client_id": MISSING})
    foreign = client.post(f"{path}/regenerate", json={"message_id": theirs.answer, "client_id": MISSING})
    branch = client.post(f"{path}/messages", json={"content": "x", "client_id": MISSING, "branch": True,
                                                   "parent_id": theirs.answer})
    assert (missing.status_code, foreign.status_code, branch.status_code) == (404, 404, 404)
    stale = client.post(f"{path}/messages", json={"content": "x", "client_id": MISSING, "parent_id": theirs.answer})
    assert stale.status_code == 409 and SECRET not in stale.text
    assert world.state() == before


def test_a_search_finds_only_ones_own(world):
    """[E2]"""
    world.thing("anna", title="needle", question="needle", answer="needle")
    assert world.clients["berta"].get("api/conversations?q=needle").json()["conversations"] == []
    assert len(world.clients["anna"].get("api/conversations?q=needle").json()["conversations"]) == 1


def test_a_role_that_is_taken_away_is_gone_as_soon_as_the_hosts_have_heard_of_it(world, database):
    """[A8] [E1] nothing about a person is believed from before"""
    user = database.add_user("rita", "operator")
    client = Client(world.httpd.url)
    client.login(user)
    assert client.console.get("api/sessions").status_code == 200
    database.rows("UPDATE chatsession.users SET role = 'user' WHERE name = 'rita'")
    wait_until(lambda: client.console.get("api/sessions").status_code != 200, "the role to be gone", seconds=5)
    assert client.console.get("api/sessions").status_code == 401
    client.login(user)
    assert client.console.get("api/sessions").status_code == 403


def test_the_same_session_is_judged_alike_however_it_is_presented(world):
    """[E4] only the cookie is a credential"""
    token = world.clients["ada"].cookies["sid"]
    nobody = Client(world.httpd.url)
    for headers in ({"Authorization": f"Bearer {token}"}, {"X-Session": token}, {"Cookie2": f"sid={token}"}):
        assert nobody.get("api/conversations", headers=headers).status_code == 401
    assert nobody.get(f"api/conversations?sid={token}").status_code == 401


# What a path becomes: all of them in place of one of the console's, for its lists and for what it does.
SPELLINGS = (
    "/chat-admin/./{}", "/chat/../chat-admin/{}", "//chat-admin/{}", "/chat-admin//{}", "/chat-admin/{}/", "/chat-admin/{};x", "/chat-admin/{}.",
    "/CHAT-ADMIN/{}", "/chat-admin%2f{}", "/chat/%2e%2e/chat-admin/{}", "/chat-admin/{}%00", "/chat-admin/{}?x=/chat/", "/chat/{}",
    "/chat/chat-admin/{}", "/chat-admin/x/../{}", "/%63hat-admin/{}", "/chat-admin/{}%20", "/chat-admin/{}%2e", "/chat-admin/{}#", "/chat-admin/{}?",
    "/chat-admin/..;/chat-admin/{}", "/chat/..%2fchat-admin/{}", "/chat%2f..%2fchat-admin/{}", "/chat-admin/%2e/{}", "///chat-admin///{}",
    "/chat-admin\\{}", "/chat-admin/{}/.", "/chat-admin/{}/..", "/chat-admin/{}%0a", "/v1/../chat-admin/{}")
CONSOLE_PATHS = ("api/users", "api/audit", "api/overview")


@pytest.mark.parametrize("path", CONSOLE_PATHS)
def test_other_spellings_of_a_console_address_open_nothing(world, path):
    """[E9] 30 spellings of each of three addresses, by a user: refused, with nothing of the list."""
    client = world.clients["anna"]
    assert len(SPELLINGS) == 30
    for spelling in (*SPELLINGS, f"/chat-admin/{path.replace('/', '%2f')}", f"/chat-admin/{path.upper()}"):
        response = client.get(client.origin + spelling.format(path))
        page = response.status_code == 200 and response.headers["Content-Type"].startswith("text/html")
        assert page or response.status_code in (400, 401, 403, 404), f"{spelling}: {response.status_code}"
        assert "created_at" not in response.text and '"entries"' not in response.text, spelling


def test_lists_hold_no_secret_of_anybody(world):
    """[E10]"""
    console = world.clients["ada"].console
    assert set(console.get("api/users").json()["users"][0]) == {
        "name", "role", "created_at", "disabled", "conversations", "last_login_at", "second_factor_at",
                            "max_turns", "max_requests", "max_tokens"}
    assert set(console.get("api/sessions").json()["sessions"][0]) == {
        "ref", "user", "role", "created_at", "last_seen_at", "expires_at", "network", "user_agent", "current"}
    tokens = [client.cookies["sid"].split(".")[2] for client in world.clients.values()]
    shown = console.get("api/sessions").text + console.get("api/users").text + console.get("api/export").text
    assert not any(token in shown for token in tokens) and "argon2" not in shown


@pytest.mark.parametrize("path", ["api/users", "api/sessions", "api/conversations", "api/audit", "api/settings"])
def test_no_role_sees_a_hash_or_a_token_in_a_list(world, path):
    """[E10] Whatever the role, and whether or not it may: no member is called so, none has such a value."""
    tokens = [client.cookies["sid"].split(".")[2] for client in world.clients.values()]
    for name, client in world.clients.items():
        text = client.console.get(path).text
        assert not [word for word in ("argon2", "_hash", "phc", "invitation", "totp", *tokens) if word in text], f"{name} {path}"


def test_an_error_document_within_the_chat_does_the_work_once(make_httpd, database):
    """[E9] httpd asks for it as a GET of its own: what was refused is not done by it, and what was done is done once."""
    server = make_httpd(database.conninfo, lines=["ErrorDocument 404 /chat/api/session", "ErrorDocument 403 /chat/api/conversations"])
    user = database.add_user("errand")
    client = log_in(server, user)
    before = database.value("SELECT count(*) FROM chatsession.sessions")
    assert client.get(server.url + "/nowhere").json()["user"]["name"] == "errand", "httpd asks the chat for its page"
    assert client.get("api/nowhere").status_code == 404, "our own answers are no pages of errors"
    assert client.post("api/conversations", json={"title": "one"}).status_code == 201
    assert client.post("api/conversations", json={"title": "two"}, origin="https://evil.example").status_code == 403
    assert database.value("SELECT count(*) FROM chatsession.conversations c JOIN chatsession.users u ON u.id = c.user_id WHERE u.name = 'errand'") == 1
    assert database.value("SELECT count(*) FROM chatsession.sessions") == before
