# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What people search for and why operators look is no business of an access log (ASVS 5.0 14.2.1, 16.2.5)."""
import pytest

from harness.client import Client
from harness.place import wait_until
from harness.world import World

CANARY = "whatsomebodylookedfor"
QUERY = f"q={CANARY}&reason={CANARY}"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def world(make_module_httpd, database):
    # Each way in which mod_log_config can show a query string, of the first and of the last of a request's redirects.
    server = make_module_httpd(database.conninfo, lines=[
        r'LogFormat "%>s|%r|%>r|%<r|%q|%>q|%U|%>U|%f" everything', "CustomLog queries.log everything"])
    made = World(server, database)
    yield made
    made.close()


def requests_of(world):
    """(status, response)"""
    anna, ada, nobody = world.clients["anna"], world.clients["ada"], Client(world.httpd.url)
    thing, page = world.thing("anna"), anna.get("")
    yield 200, anna.get(f"?{QUERY}")
    yield 200, ada.console.get(f"?{QUERY}")
    yield 304, anna.get(f"?{QUERY}", headers={"If-None-Match": page.headers["ETag"]})
    yield 301, nobody.get(f"{world.httpd.url}/chat?{QUERY}")
    yield 200, anna.get(f"api/conversations?{QUERY}")
    yield 200, anna.request("HEAD", f"api/conversations?{QUERY}")
    yield 200, ada.console.get(f"api/conversations/{thing.conversation}?{QUERY}")
    yield 200, ada.console.get(f"api/export?{QUERY}")
    yield 200, anna.get(f"api/conversations/{thing.conversation}/stream?{QUERY}")
    yield 200, anna.post(f"api/conversations/{thing.conversation}/messages?{QUERY}", json={
        "content": "x", "client_id": NOWHERE})
    yield 204, anna.delete(f"api/conversations/{world.thing('anna').conversation}?{QUERY}")
    yield 400, anna.get(f"api/conversations?limit=0&{QUERY}")
    yield 400, anna.get(f"api/conversations?{QUERY}&x=%ff")
    yield 401, nobody.get(f"api/conversations?{QUERY}")
    yield 403, anna.console.get(f"api/conversations?{QUERY}")
    yield 403, ada.console.get(f"api/conversations?{QUERY}", headers={"Sec-Fetch-Site": "cross-site"})
    yield 404, anna.get(f"api/nothing?{QUERY}")
    yield 404, ada.console.get(f"api/conversations/{NOWHERE}?{QUERY}")
    yield 405, anna.request("PUT", f"api/conversations?{QUERY}")
    yield 405, anna.request("OPTIONS", f"api/conversations?{QUERY}")
    yield 415, anna.post(f"api/conversations?{QUERY}", data=b"x", headers={"Content-Type": "text/plain"})


def test_no_query_string_appears_in_an_access_log_whatever_the_answer_was(world):
    """[L3]"""
    path = world.httpd.folder / "queries.log"

    def lines():
        """All but the model's, which is asked by httpd itself."""
        return [line for line in path.read_text().splitlines() if "|/v1/" not in line]

    wait_until(lambda: len(lines()) == len(world.clients), "the logins in the log")
    before, wanted = len(lines()), ["200"]  # the page that is asked for its ETag
    for status, response in requests_of(world):
        assert response.status_code == status, f"{response.request.method} {response.url}: {response.status_code}"
        wanted.append(str(status))
    new = wait_until(lambda: len(lines()) >= before + len(wanted) and lines()[before:], "the requests in the log")
    assert sorted(line.split("|")[0] for line in new) == sorted(wanted)
    assert all("/chat" in line for line in new), "a log without the path is of no use"
    assert [line for line in new if CANARY in line or "?" in line] == []
    assert CANARY not in "\n".join(world.httpd.error_log)
