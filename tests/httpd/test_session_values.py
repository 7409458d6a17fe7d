# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What others keep in a session: another module by the optional functions of mod_chatsession.h, CGI by its environment, and what uses
mod_session by ChatSessionProvideSession."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.client import Client, log_in
from harness.passwords import MODULES, htpasswd
from harness.place import BUILD, new_folder, wait_until
from harness.sources import text

PROBE = BUILD / "tests" / "mod_chatsession_probe.so"
PROBED = [f'LoadModule chatsession_probe_module "{PROBE}"', '<Location "/probe">', "SetHandler session-probe", "</Location>",
          "LimitRequestLine 40000"]
VALUES = ("SELECT v.name, v.value FROM chatsession.session_values v JOIN chatsession.sessions s USING (id_hash)"
          " WHERE s.ref = %s ORDER BY v.name")


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    return make_module_httpd(database.conninfo, lines=PROBED, children=2)


@pytest.fixture
def somebody(server, database):
    """A new user's browser."""
    somebody.number = getattr(somebody, "number", 0) + 1
    account = database.add_user(f"values{somebody.number}")
    client = log_in(server, account)
    client.account = account
    return client


def probe(client, what):
    """[status, text] of the other module."""
    return client.get(f"{client.origin}/probe?{what}").content.decode().split(" ", 1)


def ref_of(client):
    return probe(client, "ref")[1]


# --- the optional functions


def test_another_module_learns_who_it_is(server, somebody, database):
    assert probe(somebody, "user") == ["APR_SUCCESS", f"{somebody.account.name} user"]
    assert database.value("SELECT count(*) FROM chatsession.sessions WHERE ref = %s", (ref_of(somebody),)) == 1
    for what in ("user", "ref", "get/a", "set/a/1", "remove/a"):
        assert probe(Client(server.url), what) == ["APR_EACCES", "-"], what


def test_values_are_kept_replaced_and_removed(somebody):
    assert probe(somebody, "get/a") == ["APR_ENOENT", "-"]
    assert probe(somebody, "set/a/one%20%C3%A4%F0%9F%98%80%22%5C") == ["APR_SUCCESS", "-"]
    assert probe(somebody, "get/a") == ["APR_SUCCESS", 'one \u00e4\U0001f600"\\']
    assert probe(somebody, "set/a/two") == ["APR_SUCCESS", "-"] and probe(somebody, "get/a") == ["APR_SUCCESS", "two"]
    assert probe(somebody, "set/empty/") == ["APR_SUCCESS", "-"] and probe(somebody, "get/empty") == ["APR_SUCCESS", ""]
    assert probe(somebody, "remove/a") == ["APR_SUCCESS", "-"] and probe(somebody, "remove/a") == ["APR_SUCCESS", "-"]
    assert probe(somebody, "get/a") == ["APR_ENOENT", "-"]


def test_fifty_requests_at_once_that_write_different_names_lose_none(somebody, database):
    with ThreadPoolExecutor(50) as pool:
        def write(number):
            other = Client(somebody.origin)
            other.cookies.update(somebody.cookies)
            return probe(other, f"set/key{number:02}/value{number}")
        assert list(pool.map(write, range(50))) == [["APR_SUCCESS", "-"]] * 50
    assert database.rows(VALUES, (ref_of(somebody),)) == [(f"key{n:02}", f"value{n}") for n in range(50)]


def test_a_session_holds_64_values_also_when_many_come_at_once(somebody, database):
    with ThreadPoolExecutor(16) as pool:
        def write(number):
            other = Client(somebody.origin)
            other.cookies.update(somebody.cookies)
            return probe(other, f"set/key{number}/x")[0]
        statuses = list(pool.map(write, range(80)))
    assert sorted(statuses) == ["APR_EINVAL"] * 16 + ["APR_SUCCESS"] * 64
    kept = database.rows(VALUES, (ref_of(somebody),))
    assert len(kept) == 64 and probe(somebody, f"set/{kept[0][0]}/again") == ["APR_SUCCESS", "-"], "no new name"


@pytest.fixture(autouse=True)
def refusals_of_the_table(server):
    """What the table's checks refuse is one line in the log."""
    server.expect_log("SQLSTATE 23514")


@pytest.mark.parametrize("name, value, status", [
    ("a" * 64, "x", "APR_SUCCESS"), ("a" * 65, "x", "APR_EINVAL"), ("a%20b", "x", "APR_EINVAL"),
    ("%C3%A4", "x", "APR_EINVAL"), ("a'b", "x", "APR_EINVAL"), ("A-Z_0.9", "x", "APR_SUCCESS"), ("a", "x" * 8192, "APR_SUCCESS"),
    ("a", "x" * 8193, "APR_EINVAL"), ("a", "%C3%A4" * 4096, "APR_SUCCESS"), ("a", "%C3%A4" * 4097, "APR_EINVAL"),
    ("a", "%FF", "APR_EINVAL"), ("a%0A", "x", "APR_EINVAL"), ("mod_session", "x", "APR_EINVAL")])
def test_the_bounds_of_names_and_values(somebody, name, value, status):
    assert probe(somebody, f"set/{name}/{value}")[0] == status
    if status == "APR_SUCCESS":
        assert len(probe(somebody, f"get/{name}")[1]) == len(value.replace("%C3%A4", "x"))


def test_values_go_over_to_the_new_id_of_a_login(somebody, database):
    """[A7]"""
    probe(somebody, "set/a/kept")
    old, before = somebody.cookies["sid"], ref_of(somebody)
    somebody.login(somebody.account)
    assert somebody.cookies["sid"] != old and probe(somebody, "get/a") == ["APR_SUCCESS", "kept"]
    assert database.rows(VALUES, (before,)) == []


def test_a_request_with_the_id_of_before_reads_and_writes_the_values_of_now(somebody):
    """[A7] one that was on its way while its session was replaced"""
    probe(somebody, "set/a/kept")
    late = Client(somebody.origin)
    late.cookies.update(somebody.cookies)
    for _ in range(2):
        somebody.login(somebody.account)
    assert late.cookies["sid"] != somebody.cookies["sid"]
    assert probe(late, "get/a") == ["APR_SUCCESS", "kept"] and probe(late, "set/b/late") == ["APR_SUCCESS", "-"]
    assert probe(late, "remove/a") == ["APR_SUCCESS", "-"]
    assert probe(somebody, "get/b") == ["APR_SUCCESS", "late"] and probe(somebody, "get/a") == ["APR_ENOENT", "-"]


def test_values_never_go_from_one_user_to_another(somebody, database):
    probe(somebody, "set/a/mine")
    other = database.add_user(f"{somebody.account.name}b")
    somebody.login(other)
    assert probe(somebody, "user")[1] == f"{other.name} user" and probe(somebody, "get/a") == ["APR_ENOENT", "-"]


def test_an_ended_session_keeps_nothing_and_takes_nothing(somebody, database):
    probe(somebody, "set/a/x")
    ref, cookies = ref_of(somebody), dict(somebody.cookies)
    somebody.logout()
    late = Client(somebody.origin)
    late.cookies.update(cookies)
    assert probe(late, "set/b/x") == ["APR_EACCES", "-"] and probe(late, "get/a") == ["APR_EACCES", "-"]
    with pytest.raises(Exception, match="0 rows"):
        with database.connect() as connection:
            assert connection.execute("INSERT INTO chatsession.session_values SELECT id_hash, 'c', 'x' FROM chatsession.sessions"
                                      " WHERE ref = %s", (ref,)).rowcount == 0
            raise Exception("0 rows")
    database.rows("DELETE FROM chatsession.sessions WHERE ref = %s", (ref,))
    assert database.value("SELECT count(*) FROM chatsession.session_values v LEFT JOIN chatsession.sessions s USING (id_hash)"
                          " WHERE s.ref IS NULL") == 0, "values go with their session"


def test_without_the_database_the_other_module_hears_it(make_httpd, make_postgres, make_database):
    cluster = make_postgres()
    database = make_database(cluster)
    account = database.add_user("mika")
    server = make_httpd(database.conninfo, lines=PROBED)
    server.expect_log("CS2")
    client = log_in(server, account)
    cluster.stop()
    assert probe(client, "set/a/x") == ["APR_EAGAIN", "-"] and probe(client, "get/a") == ["APR_EAGAIN", "-"]
    cluster.start()
    wait_until(lambda: client.get("readyz").status_code == 200, "the server to be ready")
    assert probe(client, "set/a/x") == ["APR_SUCCESS", "-"]


def test_the_other_module_loads_without_us(make_httpd):
    server = make_httpd(bare=True, lines=PROBED)
    config = server.config.read_text()
    server.stop()
    start, end = config.index("LoadModule chatsession_module"), config.index("<VirtualHost")
    server.config.write_text(config[:start] + config[config.index("\n", start):end] + config[config.index("</VirtualHost>") + 14:])
    server.start()
    assert Client(server.url).get(f"{server.url}/probe?user").status_code == 501


def test_the_example_of_the_documents_is_the_module_that_is_tested():
    assert f"```c\n{text('tests/httpd/other_module/mod_chatsession_probe.c')}```" in text("docs/integration.md")


# --- CGI


def test_cgi_sees_the_values_as_one_json_object(make_httpd, database):
    folder = new_folder("cgi")
    script = folder / "env.cgi"
    script.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nenv\n")
    script.chmod(0o755)
    server = make_httpd(database.conninfo, modules=("cgid",), lines=[
        *PROBED, f'ScriptAlias "/cgi" "{folder}"', f'ScriptSock "{folder}/sock"', '<Location "/cgi">', "ChatSession on",
        "ChatSessionData on", "Require all granted", "</Location>"])
    client = Client(server.url)
    account = database.add_user("cgiuser")

    def environment():
        text = client.get(f"{server.url}/cgi/env.cgi").content.decode()
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    assert "CHATSESSION_DATA" not in environment()
    client.login(account)
    assert environment()["CHATSESSION_DATA"] == "{}"
    probe(client, "set/theme/dark%20%22%F0%9F%98%80")
    probe(client, "set/app.count/2")
    found = environment()
    assert json.loads(found["CHATSESSION_DATA"]) == {"app.count": "2", "theme": 'dark "\U0001f600'}
    assert (found["CHATSESSION_USER"], found["REMOTE_USER"]) == ("cgiuser", "cgiuser")
    assert client.cookies["sid"] not in json.dumps(found)
    database.rows("INSERT INTO chatsession.session_values SELECT id_hash, 'mod_session', 'user-pw=x' FROM chatsession.sessions"
                  " WHERE ref = %s", (found["CHATSESSION_REF"],))
    assert "mod_session" not in environment()["CHATSESSION_DATA"]
    for number in range(9):
        probe(client, f"set/big{number}/{'x' * 8000}")
    server.expect_log("CS0147")
    assert "CHATSESSION_DATA" not in environment(), "more than a process can be given is left out, and the CGI still runs"


# --- mod_session


SESSION_MODULES = (*MODULES, "session", "request", "auth_form")


def forms(passwords, folder, *more):
    return [f'Alias "/forms" "{folder}"', '<Location "/forms">', "AuthType form", "AuthName forms", "AuthFormProvider file",
            f'AuthUserFile "{passwords}"', 'AuthFormSitePassphrase "a phrase of this site"', "Session On",
            "ChatSessionProvideSession on", "ChatSessionTrustUser on", "ChatSession on", "Require valid-user",
            'Header always set X-User "%{CHATSESSION_USER}e"', *more, "</Location>",
            '<Location "/forms/login">', "SetHandler form-login-handler", "Require all granted",
            "AuthFormLoginSuccessLocation /forms/page.txt", "AuthFormLoginRequiredLocation /login.html", "</Location>",
            '<Location "/forms/logout">', "SetHandler form-logout-handler", "</Location>"]


@pytest.fixture(scope="module")
def formed(make_module_httpd, database):
    folder = new_folder("forms")
    (folder / "page.txt").write_text("what is behind the form")
    folder.chmod(0o755)
    words = htpasswd(new_folder("passwords"), karl="karls-secret-words", kurt="kurts-secret-words")
    return make_module_httpd(database.conninfo, modules=SESSION_MODULES, lines=forms(words, folder))


def fill_in(client, path, name, password):
    return client.request("POST", f"{client.origin}{path}", data={"httpd_username": name, "httpd_password": password})


def kept(database, name):
    return database.rows("SELECT v.value FROM chatsession.session_values v JOIN chatsession.sessions s USING (id_hash)"
                         " JOIN chatsession.users u ON u.id = s.user_id WHERE u.name = %s AND v.name = 'mod_session'"
                         " AND s.revoked_at IS NULL", (name,))


@pytest.mark.parametrize("path", ["/forms/login", "/forms/page.txt?inline"])
def test_a_form_login_of_mod_auth_form_lives_in_our_session(formed, database, path):
    client = Client(formed.url)
    page = f"{formed.url}/forms/page.txt"
    formed.expect_log("AH01808", "AH01807")
    assert client.get(page).status_code == 401 and not client.cookies
    response = fill_in(client, path, "karl", "karls-secret-words")
    assert response.status_code in (200, 301, 302, 500), response.text  # without a success location the answer is no concern of ours
    assert list(client.cookies.keys()) == ["sid"]
    response = client.get(page)
    assert (response.status_code, response.text) == (200, "what is behind the form")
    assert response.headers["X-User"] == "karl"
    value = kept(database, "karl")[-1][0]
    assert "forms-user=karl" in value and "secret" not in value, "mod_auth_form's own way keeps the password in clear"
    assert client.get(f"{formed.url}/chat/api/session").json()["user"]["name"] == "karl", "the same session everywhere"
    client.get(f"{formed.url}/forms/logout")
    assert client.get(page).status_code == 401
    client.get(f"{formed.url}/chat/api/session")


def test_no_password_of_a_form_is_anywhere_in_the_database(formed, database):
    client = Client(formed.url)
    fill_in(client, "/forms/login", "kurt", "kurts-secret-words")
    assert kept(database, "kurt")
    assert database.value("SELECT count(*) FROM chatsession.session_values WHERE value LIKE '%secret%'") == 0


def test_a_wrong_password_in_a_form_begins_no_session(formed, database, operator):
    """[A7] the login handler writes the name that was sent into r->user after all checks of the place"""
    formed.expect_log("AH01807", "AH01808")
    before = database.value("SELECT count(*) FROM chatsession.sessions")
    for path in ("/forms/login", "/forms/page.txt"):
        for name, password in (("karl", "wrong"), (operator.name, "wrong"), ("nobody", "")):
            client = Client(formed.url)
            response = fill_in(client, path, name, password)
            assert response.status_code in (301, 302, 401) and "Set-Cookie" not in response.headers
            assert client.get(f"{formed.url}/forms/page.txt").status_code == 401
    assert database.value("SELECT count(*) FROM chatsession.sessions") == before


def test_the_end_of_our_session_is_the_end_of_the_form_login(formed):
    formed.expect_log("AH01807", "AH01808")
    client = Client(formed.url)
    fill_in(client, "/forms/login", "karl", "karls-secret-words")
    cookies = dict(client.cookies)
    assert client.get(f"{formed.url}/forms/page.txt").status_code == 200
    client.logout()
    client.cookies.update(cookies)
    assert client.get(f"{formed.url}/forms/page.txt").status_code == 401


def test_another_form_user_in_the_same_browser_gets_another_session(formed):
    client = Client(formed.url)
    fill_in(client, "/forms/login", "karl", "karls-secret-words")
    first = client.cookies["sid"]
    fill_in(client, "/forms/login", "kurt", "kurts-secret-words")
    assert client.cookies["sid"] != first
    assert client.get(f"{formed.url}/forms/page.txt").headers["X-User"] == "kurt"


def test_without_a_passphrase_the_password_is_not_kept_either(make_httpd, database):
    folder = new_folder("forms")
    (folder / "page.txt").write_text("x")
    folder.chmod(0o755)
    words = htpasswd(new_folder("passwords"), ludwig="ludwigs-secret-words")
    server = make_httpd(database.conninfo, modules=SESSION_MODULES,
                        lines=[line for line in forms(words, folder) if "Passphrase" not in line])
    client = Client(server.url)
    server.expect_log("CS0150", "AH01807", "AH01808")
    fill_in(client, "/forms/login", "ludwig", "ludwigs-secret-words")
    assert "CS0150" in "".join(server.error_log) and "secret" not in kept(database, "ludwig")[-1][0]
    assert client.get(f"{server.url}/forms/page.txt").status_code == 401


def test_without_chatsessionprovidesession_mod_session_finds_no_place(make_httpd, database):
    words = htpasswd(new_folder("passwords"), karl="x")
    server = make_httpd(database.conninfo, modules=SESSION_MODULES,
                        lines=[line for line in forms(words, new_folder("forms")) if "ProvideSession" not in line])
    server.expect_log("AH01815", "AH01821", "AH0")
    client = Client(server.url)
    assert client.get(f"{server.url}/forms/page.txt").status_code == 401 and not client.cookies
    server.wait_log("AH01815")


def test_debians_alphabetical_order_of_loading_does(make_httpd, database):
    """chatsession comes before session there"""
    folder = new_folder("forms")
    (folder / "page.txt").write_text("x")
    folder.chmod(0o755)
    words = htpasswd(new_folder("passwords"), karl="karls-secret-words")
    server = make_httpd(database.conninfo, modules=SESSION_MODULES, lines=forms(words, folder), start=False)
    blocks = server.config.read_text().split("<IfModule !session_module>", 1)
    session, rest = blocks[1].split("</IfModule>", 1)
    ours = next(line for line in rest.splitlines() if line.startswith("LoadModule chatsession_module"))
    server.config.write_text(blocks[0] + rest.replace(ours, f"{ours}\n<IfModule !session_module>{session}</IfModule>", 1))
    server.start()
    server.graceful()
    client = Client(server.url)
    fill_in(client, "/forms/login", "karl", "karls-secret-words")
    assert client.get(f"{server.url}/forms/page.txt").text == "x"


def test_mod_sessions_data_outlive_neither_bound_nor_age(make_httpd, database):
    """SessionHeader, SessionMaxAge; more than a value may have"""
    folder = new_folder("forms")
    script = folder / "write.cgi"
    script.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\nX-Replace: big=%s\\r\\n\\r\\nx'"
                      " \"$(head -c $QUERY_STRING /dev/zero | tr '\\0' y)\"\n")
    script.chmod(0o755)
    folder.chmod(0o755)
    words = htpasswd(new_folder("passwords"), karl="karls-secret-words")
    server = make_httpd(database.conninfo, modules=(*SESSION_MODULES, "cgid"), lines=[
        f'ScriptAlias "/forms/cgi" "{folder}"', f'ScriptSock "{folder}/sock"',
        *forms(words, folder, "SessionMaxAge 3600", "SessionHeader X-Replace")])
    client = Client(server.url)
    page = f"{server.url}/forms/cgi/write.cgi"
    fill_in(client, "/forms/login", "karl", "karls-secret-words")
    assert "expiry=" in kept(database, "karl")[-1][0]
    assert client.get(f"{page}?100").text == "x" and "y" * 100 in kept(database, "karl")[-1][0]
    server.expect_log("CS0149", "AH01822", "SQLSTATE 23514")
    assert client.get(f"{page}?8000").text == "x" and "y" * 8000 in kept(database, "karl")[-1][0]
    assert client.get(f"{page}?8150").text == "x" and "y" * 8001 not in kept(database, "karl")[-1][0]
    server.wait_log("CS0149")
    database.rows("UPDATE chatsession.session_values SET value = regexp_replace(value, 'expiry=[0-9]+', 'expiry=1')")
    server.expect_log("AH01807", "AH01808", "AH01819")
    assert client.get(f"{page}?1").status_code == 401
    fill_in(client, "/forms/login", "karl", "karls-secret-words")
    assert client.get(f"{page}?1").status_code == 200
