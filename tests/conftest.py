# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The fixtures, and two rules for every test: httpd's error log holds no line of trouble that the test did not vouch
for, and nothing is left when all is done.

    postgres          this worker's cluster                      (session)
    make_postgres     another one, for a test that stops it      (function)
    database          a new database with the schema             (module)
    make_database     one more                                   (function)
    httpd             a server on `database`                     (module)
    make_httpd        a server as the test wants it              (function)
    make_module_httpd the same, shared by the tests of a module  (module)
    world             people and things of `httpd`, of each kind   (module)
    user, operator    accounts of `database`; operator is admin  (module)
    client            nobody's browser at `httpd`                (function)
    user_client, operator_client   theirs, logged in             (function)
    model             a scripted model's server; harness/scripted_chat.py has one that a module shares   (function)
    browser           Chromium, see harness/browser.py           (function)
"""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import left_behind, place  # noqa: E402
from harness.client import Client, log_in  # noqa: E402
from harness.httpd import Httpd  # noqa: E402
from harness.model import Model  # noqa: E402
from harness.postgres import Postgres, drop_database, new_database  # noqa: E402
from harness.world import World  # noqa: E402

_servers = []


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        place.remove_old_runs()
        config.left_behind = left_behind.Look()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    look = getattr(session.config, "left_behind", None)
    problems = look.problems() if look else []
    for problem in problems:
        print(f"\nleft behind: {problem}", file=sys.stderr)
    if problems:
        session.exitstatus = 1


# --- PostgreSQL


@pytest.fixture(scope="session")
def postgres():
    cluster = Postgres()
    yield cluster.start()
    cluster.remove()


@pytest.fixture
def make_postgres():
    """make_postgres(fsync=False, settings={}) -> Postgres, running."""
    made = []

    def make(**options):
        made.append(Postgres(**options))
        return made[-1].start()

    yield make
    for cluster in made:
        cluster.remove()


@pytest.fixture(scope="module")
def database(postgres):
    made = new_database(postgres)
    yield made
    drop_database(made)


@pytest.fixture
def make_database(postgres):
    """make_database(cluster=None, template=...) -> Database; template=None: without the schema."""
    made = []

    def make(cluster=None, **options):
        made.append(new_database(cluster or postgres, **options))
        return made[-1]

    yield make
    for one in made:
        drop_database(one)


@pytest.fixture(scope="module")
def user(database):
    return database.add_user("mika")


@pytest.fixture(scope="module")
def operator(database):
    return database.add_user("operator", "admin")


# --- httpd


def fail_for(log_lines):
    if log_lines:
        pytest.fail("httpd's error log holds what nobody vouched for:\n" + "\n".join(log_lines), pytrace=False)


def _server_factory():
    made = []

    def make(*arguments, start=True, **options):
        server = Httpd(*arguments, **options)
        made.append(server)
        _servers.append(server)
        return server.start() if start else server

    yield make
    problems = []
    for server in made:
        server.end()
        problems += server.log.unexpected()
        _servers.remove(server)
    fail_for(problems)


@pytest.fixture
def make_httpd(make_database, make_postgres):  # both only so that servers end before their databases
    """make_httpd(conninfo, lines=[...], mock=..., children=...) -> Httpd, running unless start=False."""
    yield from _server_factory()


@pytest.fixture(scope="module")
def make_module_httpd(database):  # as above
    yield from _server_factory()


@pytest.fixture(scope="module")
def httpd(make_module_httpd, database):
    return make_module_httpd(database.conninfo)


@pytest.fixture(scope="module")
def world(httpd, database):
    made = World(httpd, database)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def error_logs_are_clean():
    """Each line of trouble in a server's log was expected by the test: httpd.expect_log("CS0042")."""
    yield
    fail_for([line for server in _servers for line in server.log.unexpected()])


@pytest.fixture
def client(httpd):
    return Client(httpd.url)


@pytest.fixture
def user_client(httpd, user):
    return log_in(httpd, user)


@pytest.fixture
def operator_client(httpd, operator):
    return log_in(httpd, operator, "/chat-admin")


# --- the model


@pytest.fixture
def model():
    made = Model()
    yield made
    made.close()


# --- the browser


def _browser_factory():
    from harness.browser import Browser  # only here, so that tests without a browser need no selenium

    made = []

    def make(*arguments, **options):
        made.append(Browser(*arguments, **options))
        return made[-1]

    yield make
    problems = []
    for one in made:
        try:
            problems += one.unexpected_console()
        finally:
            one.close()
    if problems:
        pytest.fail("the browser's console holds what this test did not vouch for:\n" + "\n".join(problems),
                    pytrace=False)


@pytest.fixture
def make_browser():
    """make_browser(width=1280, height=800, language="en-US") -> Browser; for a test that needs two."""
    yield from _browser_factory()


@pytest.fixture
def browser(request, make_browser):
    """A Chromium; @pytest.mark.window(390, 844) makes it a phone."""
    mark = request.node.get_closest_marker("window")
    return make_browser(*(mark.args if mark else ()))
