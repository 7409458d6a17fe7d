# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Libraries that get no memory for a while: nobody is taken for somebody without a session, nothing for an empty answer or a
defect, and when there is memory again all is as before. Calls that fail at random are `make faults T=T5`."""
import pytest

from faults.starvation import Starver
from harness.client import Client, log_in
from harness.place import BUILD, SANITIZE, wait_until

SIGNATURES, ANSWERS = 8, 16
pytestmark = pytest.mark.skipif(bool(SANITIZE), reason="a sanitizer has its own memory")


@pytest.fixture
def starver(monkeypatch):
    made = Starver(1)
    monkeypatch.setenv("STARVE_CALLS", str(made.path))
    return made


@pytest.fixture
def browser_of(starver, make_httpd, database, user):
    server = make_httpd(database.conninfo, preload=[str(BUILD / "tests/starve.so")])
    client = log_in(server, user)
    client.server = server
    return client


def refused(starver, client, kind, asker=None):
    """A refusal of client's request while every call of a kind fails, which none does in a child's first second: asker, or
    client itself, asks until then."""
    cookie, asker = client.cookies.get("sid"), asker or client
    before = asker.get("api/conversations").status_code
    starver.begin(kind, 1)
    try:
        wait_until(lambda: asker.get("api/conversations").status_code != before, "a call to fail")
        answer = client.get("api/conversations")
    finally:
        starver.end()
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, f"{answer.status_code} {answer.text}"
    assert client.cookies.get("sid") == cookie, "the cookie of a session that nobody could look at was replaced"
    assert client.get("api/conversations").status_code == 200
    return answer.json()["error"]


def test_a_signature_that_cannot_be_computed_is_no_wrong_one(starver, browser_of):
    """[H16] [A2] Who has a session is asked to come again, and not to log in. (A cookie that the server knows needs none.)"""
    server, cookie = browser_of.server, browser_of.cookies["sid"]
    server.expect_log("CS2090", "CS0100")
    stranger = Client(server.url)
    stranger.session.headers["Cookie"] = f"sid={cookie[:-1]}{'B' if cookie[-1] == 'A' else 'A'}"
    assert refused(starver, browser_of, SIGNATURES, stranger) == "memory_short"


def test_an_error_of_libpq_itself_is_no_refusal_by_the_database(starver, browser_of):
    """[H16] [H5] 503, and the connection, on which nobody knows what comes next, is not used again."""
    browser_of.server.expect_log("CS20", "CS0012", "CS0080")
    assert refused(starver, browser_of, ANSWERS) == "database_unavailable"
