# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The security headers are the same, octet for octet, on every kind of answer (promises D5, D6)."""
import pytest

from harness.client import Client

NAMES = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
         "Cross-Origin-Resource-Policy")
POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
          "connect-src": "'self'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'",
          "object-src": "'none'", "require-trusted-types-for": "'script'", "trusted-types": "dompurify"}
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def without_database(make_module_httpd, postgres):
    return make_module_httpd(postgres.conninfo("there_is_no_such_database", "chatsession"))


def security(response):
    return {name: response.headers.get(name) for name in NAMES}


def answers(world, without_database):
    """(what it is, its status, the response)"""
    anna, ada, nobody = world.clients["anna"], world.clients["ada"], Client(world.httpd.url)
    thing, busy = world.thing("anna"), world.thing("anna")
    page = anna.get("")
    yield "the page", 200, page
    yield "HEAD of the page", 200, anna.request("HEAD", "")
    yield "the console's page", 200, ada.console.get("")
    yield "JSON", 200, anna.get("api/session")
    yield "a stream", 200, anna.get(f"api/conversations/{thing.conversation}/stream")
    yield "a download", 200, anna.get(f"api/conversations/{thing.conversation}/export?format=md")
    yield "an operator's download", 200, ada.console.get("api/export")
    yield "made", 201, anna.post("api/conversations", json={})
    yield "no content", 204, anna.delete(f"api/conversations/{world.thing('anna').conversation}")
    yield "the mount without its slash", 301, nobody.get(f"{world.httpd.url}/chat")
    yield "unchanged", 304, anna.get("", headers={"If-None-Match": page.headers["ETag"]})
    yield "bad body", 400, anna.post("api/conversations", json=[])
    yield "bad query", 400, anna.get("api/conversations?limit=0")
    yield "not logged in", 401, nobody.get("api/conversations")
    yield "wrong password", 401, nobody.post("api/login", json={"username": "anna", "password": "x"})
    yield "not allowed", 403, anna.console.get("api/users")
    yield "another site", 403, anna.post("api/conversations", json={}, origin="https://evil.example")
    yield "no such thing", 404, anna.get(f"api/conversations/{NOWHERE}")
    yield "no such address", 404, nobody.get("nothing/here")
    yield "method", 405, nobody.request("PUT", "api/session")
    yield "stale", 409, anna.post(f"api/conversations/{busy.conversation}/messages", json={
        "content": "x", "parent_id": busy.question, "client_id": NOWHERE})
    yield "too large", 413, nobody.post("api/login", data=b" " * 20000, headers={"Content-Type": "application/json"})
    yield "type", 415, nobody.post("api/login", data=b"{}", headers={"Content-Type": "text/plain"})
    yield "database away", 503, Client(without_database.url).get("readyz")


def test_the_security_headers_are_equal_on_every_status(world, without_database):
    """[D5] [D6]"""
    without_database.expect_log("CS0012", "CS01", "does not exist")
    wanted = security(Client(world.httpd.url).get("api/session"))
    assert all(wanted.values()), wanted
    wrong, seen = [], set()
    for what, status, response in answers(world, without_database):
        seen.add(status)
        if response.status_code != status:
            wrong.append(f"{what}: status {response.status_code} instead of {status}: {response.text[:200]}")
        if security(response) != wanted:
            wrong.append(f"{what} ({status}): {security(response)}")
        if not response.headers.get("X-Request-Id"):
            wrong.append(f"{what} ({status}): no request id")
    assert not wrong, "\n".join(wrong)
    assert seen == {200, 201, 204, 301, 304, 400, 401, 403, 404, 405, 409, 413, 415, 503}


def test_an_internal_error_has_the_headers_too(world, database, httpd):
    """[D5] [D6] 500. The request id leads to the line in the log, as the answer says."""
    httpd.expect_log("CS2022")
    wanted = security(Client(httpd.url).get("api/session"))
    database.rows("REVOKE INSERT ON chatsession.conversations FROM chatsession")
    try:
        response = world.clients["anna"].post("api/conversations", json={})
    finally:
        database.rows("GRANT INSERT ON chatsession.conversations TO chatsession")
    assert response.status_code == 500 and response.json()["error"] == "internal_error"
    assert security(response) == wanted
    assert response.json()["request_id"] in httpd.wait_log("CS0013")


def test_the_policy_allows_nothing_inline_and_nobody_to_frame_us(httpd):
    """[D5]"""
    policy = dict(part.split(" ", 1) for part in
                  Client(httpd.url).get("").headers["Content-Security-Policy"].split("; "))
    assert POLICY.items() <= policy.items()
    assert "unsafe" not in str(policy) and "*" not in str(policy)


def test_what_belongs_to_somebody_is_never_cached(world):
    """[B6]"""
    thing = world.thing("anna")
    for path in ("api/session", "api/conversations", f"api/conversations/{thing.conversation}",
                 f"api/conversations/{thing.conversation}/stream", f"api/conversations/{NOWHERE}",
                 f"api/conversations/{thing.conversation}/export"):
        headers = world.clients["anna"].get(path).headers
        assert headers["Cache-Control"] == "no-store" and headers["Vary"] == "Cookie", path


def test_every_body_has_its_exact_type_and_downloads_are_attachments(world):
    """[D8] [D10]"""
    thing = world.thing("anna", title='a"b\r\nX-Evil: 1\t;filename=x')
    client = world.clients["anna"]
    types = {"json": "application/json", "md": "text/markdown; charset=utf-8", "txt": "text/plain; charset=utf-8"}
    for name, kind in types.items():
        response = client.get(f"api/conversations/{thing.conversation}/export?format={name}")
        assert response.headers["Content-Type"] == kind
        assert response.headers["Content-Disposition"] == \
            f'attachment; filename="conversation-{thing.conversation}.{name}"'
        assert "X-Evil" not in response.headers
    assert client.get("").headers["Content-Type"] == "text/html; charset=utf-8"
    assert client.get(f"api/conversations/{thing.conversation}/stream").headers["Content-Type"] == "text/event-stream"
    export = world.clients["ada"].console.get("api/export")
    assert export.headers["Content-Type"] == "application/x-ndjson"
    assert export.headers["Content-Disposition"].startswith("attachment; filename=\"")


def test_logging_out_tells_the_browser_to_forget_what_it_kept(world):
    """[D9]"""
    assert '"storage"' in world.log_in("anna").post("api/logout").headers["Clear-Site-Data"]
