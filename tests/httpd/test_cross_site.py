# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A page of another site can change nothing (promise D1). Every state-changing route of both tables is asked, with a
session that may use it, in every way in which another site's page could ask."""
import pytest

from harness.client import Client
from harness.routes import ROUTES
from harness.world import World, good_request, send

CHANGING = [route for route in ROUTES if route.changes_state]
READING = [route for route in ROUTES if not route.changes_state and route.access != "no_session"]
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    return make_module_httpd(database.conninfo, lines=["ChatSessionAllowOrigin https://friend.example"])


@pytest.fixture(scope="module")
def world(server, database):
    made = World(server, database)
    yield made
    made.close()


def refused(world, person, own):
    return {
        "cross-site": {"Sec-Fetch-Site": "cross-site"},
        "same-site": {"Sec-Fetch-Site": "same-site"},
        "cross-site and its Origin": {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
        "cross-site, though with our Origin": {"Sec-Fetch-Site": "cross-site", "Origin": own},
        "a word of Sec-Fetch-Site that nobody knows": {"Sec-Fetch-Site": "Same-Origin"},
        "Origin of another site": {"Origin": EVIL},
        "Origin null": {"Origin": "null"},
        "empty Origin": {"Origin": ""},
        "Origin on another port": {"Origin": own.rsplit(":", 1)[0] + ":1"},
        "Origin by https": {"Origin": own.replace("http:", "https:")},
        "our Origin as the beginning of another": {"Origin": own + ".evil.example"},
        "Referer instead of Origin": {"Referer": own + "/chat/"},
        "neither header, but a cookie": {},
    }


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.name)
def test_a_request_from_another_site_is_refused_and_changes_nothing(world, server, route):
    """[D1]"""
    person = "ada"
    request = good_request(route, world, "ada", person)
    before = world.state()
    wrong = []
    for name, headers in refused(world, person, server.url).items():
        response = send(route, world.clients[person], request, origin=None, headers=dict(headers))
        if response.status_code != 403 or response.json()["error"] != "cross_site":
            wrong.append(f"{name}: {response.status_code} {response.text[:200]}")
        if "Set-Cookie" in response.headers or "Access-Control-Allow-Origin" in response.headers:
            wrong.append(f"{name}: {dict(response.headers)}")
    assert not wrong, "\n".join(wrong)
    assert world.state() == before


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.name)
def test_a_request_from_our_own_page_passes(world, server, route):
    own = {
        "same-origin": {"Sec-Fetch-Site": "same-origin"},
        "typed by the user": {"Sec-Fetch-Site": "none"},
        "no Sec-Fetch-Site, our Origin": {"Origin": server.url},
        "an allowed origin": {"Sec-Fetch-Site": "cross-site", "Origin": "https://friend.example"},
    }
    wrong = []
    for name, headers in own.items():
        client = world.log_in("ada") if "log" in route.path else world.clients["ada"]
        request = good_request(route, world, "ada", "ada")
        response = send(route, client, request, origin=None, headers=headers)
        if response.status_code != request.status:
            wrong.append(f"{name}: {response.status_code} {response.text[:200]}")
    assert not wrong, "\n".join(wrong)


def test_a_login_without_a_session_is_also_refused_from_another_site(world, server):
    """[C7] Otherwise a page could log its visitor in as somebody else and read what is then typed."""
    before = world.state()
    body = {"username": world.users["anna"].name, "password": world.users["anna"].password}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": EVIL}, {"Origin": "null"}):
        response = Client(server.url).post("api/login", json=body, origin=None, headers=headers)
        assert response.status_code == 403, headers
    assert world.state() == before


def test_a_program_without_a_cookie_may_log_in_without_the_headers_of_a_browser(world, server):
    body = {"username": world.users["anna"].name, "password": world.users["anna"].password}
    assert Client(server.url).post("api/login", json=body, origin=None).status_code == 200


def test_a_method_hidden_in_a_header_or_the_query_is_not_obeyed(world):
    """[D1] method override"""
    thing = world.thing("anna")
    before = world.state()
    for method in ("GET", "POST"):
        response = world.clients["anna"].request(
            method, f"api/conversations/{thing.conversation}?_method=DELETE",
            headers={"X-HTTP-Method-Override": "DELETE"})
        assert response.status_code == (200 if method == "GET" else 405)
    assert world.state() == before


def test_a_preflight_grants_nothing_to_another_site(world):
    """[D2]"""
    for route in CHANGING:
        client = Client(world.httpd.url, route.mount)
        response = client.request("OPTIONS", route.at(world.thing("anna").conversation), headers={
            "Origin": EVIL, "Access-Control-Request-Method": route.method,
            "Access-Control-Request-Headers": "content-type"})
        granted = [name for name in response.headers if name.lower().startswith("access-control-")]
        assert response.status_code == 405 and not granted, f"{route.name}: {response.status_code} {granted}"


# --- reading: a link or an image on another site must not read in an operator's name, for that is recorded


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("route", READING, ids=lambda route: route.name)
def test_reading_from_another_site_is_refused_and_recorded_for_nobody(world, route, method):
    """[D1] [E6]"""
    request = good_request(route, world, "ada", "ada")
    client = Client(world.httpd.url, route.mount, world.clients["ada"].session)
    before = world.state()
    wrong = []
    for name, headers in {
            "an image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
            "a link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"},
            "a sibling's link": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
            "a script": {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
            "a script of an old browser": {"Origin": EVIL}, "a sandboxed frame": {"Origin": "null"}}.items():
        response = client.request(method, f"{request.path}?q=x&reason=y", headers=headers)
        if response.status_code != 403 or (method == "GET" and response.json()["error"] != "cross_site"):
            wrong.append(f"{name}: {response.status_code} {response.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert world.state() == before


@pytest.mark.parametrize("route", READING, ids=lambda route: route.name)
def test_reading_from_our_own_page_by_hand_or_by_a_program_passes(world, server, route):
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}, {"Origin": server.url},
                    {"Sec-Fetch-Site": "cross-site", "Origin": "https://friend.example"}):
        request = good_request(route, world, "ada", "ada")
        response = send(route, world.clients["ada"], request, headers=headers)
        assert response.status_code == request.status, f"{headers}: {response.status_code} {response.text[:200]}"


def test_a_link_from_another_site_may_lead_to_the_pages_and_a_probe_to_the_health(world):
    assert {route.path for route in ROUTES if route.access == "no_session"} == {"healthz", "readyz"}
    for client in (world.clients["ada"], world.clients["ada"].console):
        assert client.get("", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
    for path in ("healthz", "readyz"):
        assert world.clients["ada"].get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
