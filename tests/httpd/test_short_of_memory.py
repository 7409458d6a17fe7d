# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Libraries that get no memory for a while: nobody is taken for somebody without a session, nothing for an empty answer or a
defect, and when there is memory again all is as before. Calls that fail at random are `make faults T=T5`."""
import pytest

from faults.starvation import Starver
from harness.client import Client
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
    client = Client(server.url)
    client.login(user)
    client.server = server
    return client


def refused(starver, client, kind):
    """The first refusal while every call of a kind fails, which none does in a child's first second."""
    cookie = client.cookies.get("sid")
    starver.begin(kind, 1)
    try:
        answer, = wait_until(lambda: [got for got in (client.get("api/conversations"),) if got.status_code != 200], "a call to fail")
    finally:
        starver.end()
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, f"{answer.status_code} {answer.text}"
    assert client.cookies.get("sid") == cookie, "the cookie of a session that nobody could look at was replaced"
    assert client.get("api/conversations").status_code == 200
    return answer.json()["error"]


def test_a_signature_that_cannot_be_computed_is_no_wrong_one(starver, browser_of):
    """[H16] [A2] Who has a session is asked to come again, and not to log in."""
    browser_of.server.expect_log("CS2090", "CS0100")
    assert refused(starver, browser_of, SIGNATURES) == "memory_short"


def test_an_error_of_libpq_itself_is_no_refusal_by_the_database(starver, browser_of):
    """[H16] [H5] 503, and the connection, on which nobody knows what comes next, is not used again."""
    browser_of.server.expect_log("CS20", "CS0012", "CS0080")
    assert refused(starver, browser_of, ANSWERS) == "database_unavailable"
