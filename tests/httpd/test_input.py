# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Bad input gets the right status and a sentence, changes nothing and harms nobody (promises F7, K3, K4). Every route
with a body, and every member of it, is read from the route tables."""
import http.client
import json
import socket

import pytest

from harness.client import Client
from harness.routes import ROUTES
from harness.world import good_request

WITH_BODY = [route for route in ROUTES if route.limit]
WRONG = {
    "STRING": [1, 1.5, True, [], {}, ["x"]],
    "UUID": [1, True, [], {}, "", "x", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-00000000000g",
             "{00000000-0000-0000-0000-000000000000}"],
    "INTEGER": ["1", 1.5, True, [], {}],
    "BOOLEAN": [0, 1, "true", "on", [], {}],
    "ARRAY": ["x", 1, True, {}],
    "OBJECT": ["x", 1, True, []],
}


@pytest.fixture(autouse=True)
def nobody_was_harmed(httpd, world):
    """After each test of this file the same children serve and the database is as it was."""
    children = httpd.children
    yield
    assert httpd.children == children
    assert Client(httpd.url).get("api/session").status_code == 200


def post(route, world, request, data, headers=None, **options):
    client = Client(world.httpd.url, route.mount, world.clients["ada"].session)
    return client.request(route.method, request.path, data=data,
                          headers={"Content-Type": "application/json", **(headers or {})}, **options)


def problem(response, status, error, says=None):
    """What is wrong with an error answer; None when it is as it should be."""
    if response.status_code != status:
        return f"{response.status_code} instead of {status}: {response.text[:200]}"
    if response.headers["Content-Type"] != "application/json":
        return f"Content-Type {response.headers['Content-Type']}"
    body = response.json()
    if sorted(body) != ["detail", "error", "request_id"] or body["error"] != error:
        return f"not the shape of an error, or not {error}: {body}"
    if not body["detail"].endswith(".") or not body["request_id"]:
        return f"no sentence or no request id: {body}"
    if response.headers["X-Request-Id"] != body["request_id"]:
        return "the header's request id is another"
    if says and says not in body["detail"]:
        return f"does not name {says}: {body['detail']}"
    return None


def replaced(body, name, value):
    return json.dumps({**body, name: value})


def text_in(route, body):
    """body with the word PLACE as some string's content."""
    member = next((m for m in route.members if m.type == "STRING" and m.max > 1), None)
    if member:
        return replaced(body, member.name, "PLACE")
    member = next(m for m in route.members if m.type in ("ARRAY", "UUID"))
    return replaced(body, member.name, ["PLACE"] if member.type == "ARRAY" else "PLACE")


def wrong_values(member):
    values = list(WRONG[member.type])
    if not member.nullable:
        values.append(None)
    if member.type == "STRING":
        values += [""] if member.min > 0 else []
        values.append("\N{SLIGHTLY SMILING FACE}" * (member.max + 1))  # the limit counts code points
    if member.type == "INTEGER":
        values += [member.min - 1, member.max + 1, 10**30]
    if member.type == "ARRAY" and member.min > 0:
        values.append([])
    return values


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
def test_each_member_of_a_wrong_type_or_size_is_named_in_a_400(world, route):
    """[E5] [F7] also members that only the server may set"""
    request = good_request(route, world, "ada", "ada")
    before = world.state()
    wrong = []
    for member in route.members:
        for value in wrong_values(member):
            data = replaced(request.body, member.name, value)
            if len(data) > route.limit:
                data = json.dumps({**request.body, member.name: value}, ensure_ascii=False).encode()
            if len(data) <= route.limit:
                # A number too large for the parser itself is refused without its member's name.
                says = None if value == 10**30 else f'"{member.name}"'
                wrong.append((member.name, str(value)[:40],
                              problem(post(route, world, request, data), 400, "invalid_request", says)))
        if member.required:
            data = json.dumps({name: value for name, value in request.body.items() if name != member.name})
            wrong.append((member.name, "left out",
                          problem(post(route, world, request, data), 400, "invalid_request", f'"{member.name}"')))
    for name in ("unknown", "id", "role", "user_id", "created_at", "seq", "status", "__proto__"):
        data = replaced(request.body, name, "x")
        wrong.append((name, "not known",
                      problem(post(route, world, request, data), 400, "invalid_request", f'"{name}"')))
    wrong = [one for one in wrong if one[2]]
    assert not wrong, "\n".join(map(str, wrong))
    assert world.state() == before


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
def test_a_body_that_is_not_one_json_object_in_utf8_is_400(world, route):
    """[F7] [K3] [K4]"""
    request = good_request(route, world, "ada", "ada")
    good = json.dumps(request.body)
    first = next(iter(request.body))
    place = text_in(route, request.body).encode()
    cases = {
        "empty": b"", "blank": b"  \n", "words": b"not json", "null": b"null", "a string": b'"x"', "a number": b"1",
        "an array": b"[]", "an array around it": f"[{good}]".encode(), "cut": good[:-1].encode(),
        "trailing word": f"{good} x".encode(), "trailing value": f"{good}{{}}".encode(),
        "trailing comma": f"{good[:-1]},}}".encode(), "single quotes": good.replace('"', "'").encode(),
        "a comment": f"/* x */{good}".encode(), "NaN": replaced(request.body, first, 0).replace("0", "NaN").encode(),
        "duplicate member": f"{good[:-1]}, {json.dumps(first)}: {json.dumps(request.body[first])}}}".encode(),
        "a byte order mark": b"\xef\xbb\xbf" + good.encode(), "UTF-16": good.encode("utf-16"),
        "a raw NUL": place.replace(b"PLACE", b"a\0b"), "an escaped NUL": place.replace(b"PLACE", rb"a\u0000b"),
        "a NUL after the value": good.encode() + b"\0",
        "a raw line feed in a string": place.replace(b"PLACE", b"a\nb"),
        "a lone high surrogate": place.replace(b"PLACE", rb"a\ud83d"),
        "a lone low surrogate": place.replace(b"PLACE", rb"\ude00b"),
        "surrogates in the wrong order": place.replace(b"PLACE", rb"\ude00\ud83d"),
        "deep": b"[" * min(route.limit, 200000), "deep objects": b'{"a":' * 3000,
    }
    for name, octets in {"lone octet": b"\xff", "cut sequence": b"\xe3\x81", "overlong slash": b"\xc0\xaf",
                         "overlong NUL": b"\xc0\x80", "CESU-8": b"\xed\xa0\xbd\xed\xb8\x80",
                         "past U+10FFFF": b"\xf4\x90\x80\x80", "five octets": b"\xf8\x88\x80\x80\x80"}.items():
        cases[f"not UTF-8: {name}"] = place.replace(b"PLACE", b"a" + octets)
    before = world.state()
    wrong = {name: problem(post(route, world, request, data), 400, "invalid_request") for name, data in cases.items()}
    wrong = {name: what for name, what in wrong.items() if what}
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
    assert world.state() == before


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
def test_a_body_that_is_not_declared_as_plain_json_is_415(world, route):
    """[D1] [D2] [G9]"""
    request = good_request(route, world, "ada", "ada")
    good = json.dumps(request.body)
    before = world.state()
    wrong = {}
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"},
                    {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/jsonp"},
                    {"Content-Type": "text/json"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"},
                    {"Content-Type": None}):
        wrong[str(headers)] = problem(post(route, world, request, good, headers), 415, "unsupported_media_type")
    wrong = {name: what for name, what in wrong.items() if what}
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
    assert world.state() == before


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
def test_a_body_past_the_routes_limit_is_413_whether_its_length_is_declared_or_not(world, route):
    """[G1]"""
    request = good_request(route, world, "ada", "ada")
    large = json.dumps(request.body).encode().ljust(route.limit + 1)
    before = world.state()
    pieces = (large[at:at + 4096] for at in range(0, len(large), 4096))
    for data in (large, pieces, b"[" * max(route.limit + 1, 1024 * 1024)):
        wrong = problem(post(route, world, request, data), 413, "payload_too_large", str(route.limit))
        assert not wrong, wrong
    assert world.state() == before
    assert post(route, world, request, large[:route.limit]).status_code == request.status


def test_more_than_one_mebibyte_of_opening_brackets_is_refused(world):
    """The largest body that any route takes, as deep as it can be."""
    route = max(WITH_BODY, key=lambda one: one.limit)
    request = good_request(route, world, "ada", "ada")
    assert not problem(post(route, world, request, b"[" * route.limit), 400, "invalid_request", "nested")


def test_a_chunked_body_is_as_good_as_one_with_a_length(world):
    route = next(route for route in WITH_BODY if route.name == "POST /chat/api/conversations")
    request = good_request(route, world, "ada", "ada")
    pieces = (piece.encode() for piece in json.dumps({"title": "\u5206\u5272"}, ensure_ascii=False))
    response = post(route, world, request, pieces)
    assert response.status_code == 201 and response.json()["title"] == "\u5206\u5272"


def test_a_body_that_ends_before_its_declared_length_stores_nothing(world, httpd):
    before = world.state()
    cookie = "; ".join(f"{one.name}={one.value}" for one in world.clients["ada"].cookies)
    head = (f"POST /chat/api/conversations HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\nOrigin: {httpd.url}\r\n"
            f"Cookie: {cookie}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
    with socket.create_connection(("127.0.0.1", httpd.port), 10) as connection:
        connection.sendall(head.encode() + b'{"title":"cut"}')
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert not answer or b" 400 " in answer.splitlines()[0]
    assert world.state() == before


def test_a_method_that_a_path_does_not_take_is_405_with_the_methods_that_it_takes(world, httpd):
    """[D11]"""
    methods = {}
    for route in ROUTES:
        methods.setdefault((route.mount, route.path), set()).add(route.method)
    before = world.state()
    wrong = []
    for (mount, path), known in methods.items():
        client = Client(httpd.url, mount, world.clients["ada"].session)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "BREW"} - known:
            response = client.request(method, path.replace("{id}", "00000000-0000-0000-0000-000000000000"))
            what = problem(response, 405, "method_not_allowed")
            if what or set(response.headers["Allow"].split(", ")) != known:
                wrong.append(f"{method} {mount}/{path}: {what or response.headers['Allow']}")
    assert not wrong, "\n".join(wrong)
    assert world.state() == before


def test_an_address_that_does_not_exist_is_404_in_the_same_shape(world, httpd):
    for mount in ("/chat", "/chat-admin"):
        client = Client(httpd.url, mount, world.clients["ada"].session)
        for path in ("api", "api/", "api/nothing", "api/session/", "nothing.html", "api/conversations/x",
                     "api/conversations/00000000-0000-0000-0000-000000000000/nothing",
                     "api/conversations/%00", "api/conversations/%2e%2e"):
            response = client.get(path)
            if "%" in path:  # httpd itself may have an opinion
                assert response.status_code in (400, 404), path
            else:
                assert not problem(response, 404, "not_found"), path


def test_a_query_that_is_not_text_or_out_of_bounds_is_400(world, httpd):
    """[F2] [K3]"""
    before = world.state()
    wrong = []
    for mount in ("/chat", "/chat-admin"):
        client = Client(httpd.url, mount, world.clients["ada"].session)
        for query in ("q=%ff", "q=%00", "q=a%00b", "q=%c0%af", "q=%ed%a0%bd", "%ff=1", "limit=0",
                      "limit=201", "limit=-1", "limit=x", "limit=1x", "limit=99999999999999999999", "limit=%201",
                      "state=gone", "state=ACTIVE", "after=x", "after=1_", "after=_", "after=1_x", "after='",
                      "after=99999999999999999_00000000-0000-0000-0000-000000000000x"):
            what = problem(client.get(f"api/conversations?{query}"), 400, "invalid_request")
            if what:
                wrong.append(f"{mount}?{query}: {what}")
    admin = world.clients["ada"].console
    for query in ("from=x", "from=2026-13-01", "to=yesterday%20perhaps", "from=%27", "to=now()", "from=infinityy"):
        what = problem(admin.get(f"api/conversations?{query}"), 400, "invalid_request")
        if what:
            wrong.append(f"console?{query}: {what}")
    for path in ("audit?after=0", "audit?after=x", "audit?limit=0", "export?format=xls", "export?ids=x",
                 "export?ids=00000000-0000-0000-0000-000000000000,x", "export?state=gone", "export?from=x"):
        what = problem(admin.get(f"api/{path}"), 400, "invalid_request")
        if what:
            wrong.append(f"console {path}: {what}")
    assert not wrong, "\n".join(wrong)
    after = world.state()
    after.pop("audit_entries"), before.pop("audit_entries")
    assert after == before


def test_a_percent_sign_that_encodes_nothing_is_400(world, httpd):
    cookie = "; ".join(f"{one.name}={one.value}" for one in world.clients["ada"].cookies)
    for query in ("q=%", "q=%zz", "q=a%2"):
        connection = http.client.HTTPConnection("127.0.0.1", httpd.port, timeout=10)
        connection.request("GET", f"/chat/api/conversations?{query}", headers={"Cookie": cookie})
        response = connection.getresponse()
        assert response.status == 400 and json.loads(response.read())["error"] == "invalid_request", query
        connection.close()


def test_a_filter_in_a_body_is_checked_as_strictly_as_one_in_the_query(world):
    admin = world.clients["ada"].console
    before = world.state()
    wrong = []
    for filter_, says in (({"user": 1}, '"user"'), ({"unknown": 1}, '"unknown"'), ({"from": "x"}, "from"),
                          ({"state": "gone"}, "state"), ({"q": []}, '"q"'), ({"to": "2026-02-30"}, "to")):
        for dry_run in (True, False):
            body = {"filter": filter_, "dry_run": dry_run, "confirm": {"conversations": 0}}
            what = problem(admin.post("api/conversations/expire", json=body), 400, "invalid_request", says)
            if what:
                wrong.append(f"{body}: {what}")
    for body in ({"dry_run": True}, {"ids": [str(world.ids["anna"])], "filter": {}, "dry_run": True},
                 {"ids": ["x"], "dry_run": True}, {"ids": [1], "dry_run": True}, {"ids": [None], "dry_run": True},
                 {"filter": {}, "dry_run": False}, {"filter": {}, "dry_run": False, "confirm": {}},
                 {"filter": {}, "dry_run": False, "confirm": {"conversations": "1"}},
                 {"filter": {}, "dry_run": False, "confirm": {"conversations": 1.0}}):
        what = problem(admin.post("api/conversations/expire", json=body), 400, "invalid_request")
        if what:
            wrong.append(f"{body}: {what}")
    for path, body in (("conversations/restore", {"ids": ["x"]}), ("conversations/restore", {"ids": [[]]}),
                       ("sessions/revoke", {"refs": [1]}), ("sessions/revoke", {"refs": [None]})):
        what = problem(admin.post(f"api/{path}", json=body), 400, "invalid_request")
        if what:
            wrong.append(f"{path} {body}: {what}")
    assert not wrong, "\n".join(wrong)
    assert world.state() == before
