# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A site behind our sessions (AuthType ChatSession, Require chat-user, chat-role), and users whom others authenticate: httpd's
providers behind our login form, and modules in front of it."""
import base64
import http.client
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import passwords as front_door
from harness.client import Client
from harness.open_redirects import payloads
from harness.passwords import htpasswd
from harness.place import new_folder, wait_until

MODULES = (*front_door.MODULES, "dir", "env", "include")
SECRET = "what only members read"
INCLUDES = ("<Files *.shtml>", "SetOutputFilter INCLUDES", "ForceType text/html", "</Files>")
PAGE = {"Accept": "text/html,*/*", "Sec-Fetch-Mode": "navigate"}
REFUSED = ("AH01630", "AH01631")  # mod_authz_core says so at level error


# --- a site


def make_site():
    folder = new_folder("site")
    (folder / "sub").mkdir()
    (folder / "sub" / "index.html").write_text(SECRET)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "index.html").write_text(SECRET)
    (folder / "includes.shtml").write_text('<!--#include virtual="secret.txt" -->')
    folder.chmod(0o755)
    return folder


FORMS = {
    "valid": ["Require valid-user"],
    "anybody": ["Require chat-user"],
    "mika": ["Require chat-user mika"],
    "mika-or-otto": ['Require chat-user nobody "mika" otto'],
    "auditors": ["Require chat-role auditor"],
    "admins": ["Require chat-role admin"],
    "any": ["<RequireAny>", "Require chat-role admin", "Require chat-user aude", "</RequireAny>"],
    "all": ["<RequireAll>", "Require chat-role viewer", "Require not chat-user operator", "</RequireAll>"],
    "not": ["<RequireAll>", "Require all granted", "Require not chat-user mika", "</RequireAll>"],
    "not-role": ["<RequireAll>", "Require valid-user", "Require not chat-role auditor", "</RequireAll>"],
    "own-user": ["Require user mika"],
    "open": ["Require all granted"],
}
# who may enter: anonymous, mika (user), aude (auditor), operator (admin)
MATRIX = {
    "valid": (401, 200, 200, 200), "anybody": (401, 200, 200, 200), "mika": (401, 200, 403, 403),
    "mika-or-otto": (401, 200, 403, 403), "auditors": (401, 403, 200, 200), "admins": (401, 403, 403, 200),
    "any": (401, 403, 200, 200), "all": (401, 403, 200, 403), "not": (200, 403, 200, 200),
    "not-role": (401, 200, 403, 403), "own-user": (401, 200, 403, 403), "open": (200, 200, 200, 200),
}


def guarded(folder):
    lines = [f'<Directory "{folder}">', "Require all granted", "Options +Includes", *INCLUDES,
             "DirectoryIndex index.html", "</Directory>"]
    for name, require in FORMS.items():
        lines += [f'Alias "/{name}" "{folder}"', f'<Location "/{name}">', "AuthType ChatSession", 'AuthName "members"',
                  *require, 'Header always set X-User "expr=%{REMOTE_USER}"', "</Location>"]
    return lines


@pytest.fixture(scope="module")
def site(make_module_httpd, database):
    return make_module_httpd(database.conninfo, modules=MODULES,
                             lines=["ChatSessionLoginUrl /chat/", *guarded(make_site())])


@pytest.fixture(scope="module")
def people(site, database, user, operator):
    """Anonymous, a user, an auditor, an admin."""
    found = [Client(site.url)]
    for account in (user, database.add_user("aude", "auditor"), operator):
        found.append(Client(site.url))
        found[-1].login(account)
    return found


def fetch(client, path, **options):
    return client.get(f"{client.origin}{path}", **options)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_require_lets_in_whom_it_names(site, people, form):
    site.expect_log(*REFUSED)
    statuses = tuple(fetch(client, f"/{form}/secret.txt").status_code for client in people)
    assert statuses == MATRIX[form]
    for client, status in zip(people, statuses):
        assert (SECRET in fetch(client, f"/{form}/secret.txt").text) == (status == 200)


def test_whoever_is_let_in_is_remote_user_for_the_rest_of_httpd(people):
    for form in ("valid", "anybody", "mika", "open"):
        assert fetch(people[1], f"/{form}/secret.txt").headers["X-User"] == "mika", form
    assert fetch(people[0], "/open/secret.txt").headers["X-User"] == ""


def test_subrequests_and_the_index_of_a_folder_need_nothing_more(people):
    """[E9] mod_dir and mod_include"""
    assert fetch(people[1], "/valid/").text == SECRET and fetch(people[1], "/valid/sub/").text == SECRET
    assert fetch(people[1], "/valid/includes.shtml").text == SECRET
    assert fetch(people[0], "/valid/").status_code == 401


def test_a_401_names_its_scheme_and_is_not_stored(people):
    """[B6]"""
    response = fetch(people[0], "/valid/secret.txt")
    assert response.headers["WWW-Authenticate"] == 'ChatSession realm="members"'
    assert response.headers["Cache-Control"] == "no-store" and "Location" not in response.headers


def test_what_is_behind_a_login_is_kept_by_no_shared_cache(people):
    """[B6]"""
    for headers in ({}, {"If-None-Match": fetch(people[1], "/valid/secret.txt").headers["ETag"]}):
        response = fetch(people[1], "/valid/secret.txt", headers=headers)
        assert response.status_code == (304 if headers else 200)
        assert response.headers["Cache-Control"] == "private, no-cache" and response.headers["Vary"] == "Cookie"


def test_a_browser_that_opens_a_page_is_sent_to_the_login_page_with_the_way_back(people):
    response = fetch(people[0], "/valid/sub/?a=1&b=%20x/y", headers=PAGE)
    assert response.status_code == 302 and response.headers["Cache-Control"] == "no-store"
    where = urlsplit(response.headers["Location"])
    assert (where.scheme, where.netloc, where.path) == ("", "", "/chat/")
    assert parse_qs(where.query) == {"next": ["/valid/sub/?a=1&b=%20x/y"]}
    assert fetch(people[0], "/valid/", headers={"Accept": "text/html"}).status_code == 302, "an old browser"


@pytest.mark.parametrize("method, headers", [
    ("GET", {"Accept": "*/*"}), ("GET", {"Accept": "application/json"}), ("GET", {}),
    ("GET", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}), ("GET", {"Accept": "text/html", "Sec-Fetch-Mode": "no-cors"}),
    ("POST", PAGE), ("PUT", PAGE), ("DELETE", PAGE)])
def test_nothing_but_a_page_is_redirected(people, method, headers):
    response = people[0].request(method, f"{people[0].origin}/valid/secret.txt", headers=headers)
    assert response.status_code == 401 and "Location" not in response.headers


def raw(server, target, headers=(), method="GET"):
    """An answer to exactly this request target."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode("latin-1")
    connection.close()
    return response.status, dict(response.getheaders()), body


@pytest.mark.parametrize("target", ["//evil.example/valid/", "///valid/secret.txt", "/valid//evil.example",
                                    "http://evil.example/valid/secret.txt", "/valid/%0d%0aSet-Cookie:x=1"])
def test_the_way_back_never_names_another_site(site, target):
    """[C7]"""
    site.expect_log("AH")
    status, headers, _ = raw(site, target, PAGE.items())
    assert "Set-Cookie" not in headers
    if status == 302:
        query = parse_qs(urlsplit(headers["Location"]).query)
        assert headers["Location"].startswith("/chat/")
        assert all(next_.startswith("/") and not next_.startswith("//") for next_ in query.get("next", []))


def test_no_path_of_thousands_is_sent_to_another_site(site):
    """[C7] Whatever stands before, within or behind the path of a place: where somebody is sent to log in is a path of this host, and so is the way back."""
    site.expect_log("AH")
    def back_from(path):  # httpd's address is that of the place, a browser's may be another host
        return path + "/.." * sum(part not in ("", ".") for part in path.split("?")[0].split("/")) + "/valid/secret.txt"

    written = [one if one.startswith("/") else f"/{one}" for one in payloads() if all("!" <= letter <= "~" for letter in one)]
    targets = [back_from(one) for one in written if "?" not in one and "#" not in one] + [f"/valid{one}" for one in written]
    chosen = [target for target in targets if target[1] in "/\\"] + targets[::9]  # what begins as another host does, and each rule of the rest
    assert len(set(chosen)) > 834
    sent = {}
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    for target in chosen:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, value in PAGE.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        response.read()
        if response.getheader("Location"):
            sent[target] = response.getheader("Location")
    connection.close()
    assert len(sent) > 100, "many of them are places behind the log-in"
    wrong = {}
    for target, where in sent.items():
        page, _, query = where.partition("?")
        back = parse_qs(query).get("next", ["/"])[0]
        plain = back.translate(dict.fromkeys(map(ord, "\t\r\n"))).replace("\\", "/")
        if page != "/chat/" or not plain.startswith("/") or plain.startswith("//"):
            wrong[target] = where
    assert wrong == {}


def spellings(path):
    """Ways to write the address of a file below a place."""
    place, name = path.strip("/").split("/")
    upper, coded = place.upper(), "".join(f"%{ord(letter):02x}" for letter in place)
    return [path, f"//{place}/{name}", f"///{place}///{name}", f"/./{place}/{name}", f"/{place}/./{name}", f"/{place}/.//{name}",
            f"/{place}//{name}", f"/x/../{place}/{name}", f"/{place}/sub/../{name}", f"/{place}/../{place}/{name}",
            f"/..//{place}/{name}", f"/%2e/{place}/{name}", f"/{place}/%2e/{name}", f"/%2e%2e/{place}/{name}",
            f"/x/%2e%2e/{place}/{name}", f"/x/.%2e/{place}/{name}", f"/x/..%2f{place}/{name}", f"/{place}%2f{name}",
            f"/{place}%2F{name}", f"/%2f{place}/{name}", f"%2f{place}/{name}", f"/{place}/%2f{name}", f"/{place}%5c{name}",
            f"/{place}\\{name}", f"/{place};x/{name}", f"/{place}/{name};x", f"/{place}/;x/{name}", f"/;x/{place}/{name}",
            f"/{place};/{name}", f"/{place}/{name};", f"/{upper}/{name}", f"/{place}/{name.upper()}", f"/{place.title()}/{name}",
            f"/{place}./{name}", f"/{place}/{name}.", f"/{place}/{name}/", f"/{place}/{name}/.", f"/{place}/{name}/..",
            f"/{place}/{name}/x", f"/{coded}/{name}", f"/{place}/%73ecret.txt", f"/%25{coded[1:]}/{name}", f"/{place}%20/{name}",
            f"/{place}/{name}%20", f"/{place}%09/{name}", f"/{place}/{name}%00", f"/{place}%00/{name}", f"/{place}/{name}%0a",
            f"/{place}/{name}?x", f"/{place}/{name}?/open/{name}", f"/{place}/{name}#x", f"/{place}/{name}%23x",
            f"/{place}/{name}%3fx", f"/open/../{place}/{name}", f"/open/./../{place}/{name}", f"/open/..%2f{place}/{name}",
            f"/open/%2e%2e/{place}/{name}", f"/open%2f..%2f{place}/{name}", f"/open;/../{place}/{name}",
            f"/open/..;/{place}/{name}", f"/{place}/includes.shtml/../{name}", f"http://127.0.0.1/{place}/{name}",
            f"http://localhost//{place}/{name}", f"http://x@127.0.0.1/{place}/./{name}", f"/{place}/{name}%c0%af",
            f"/%c0%af{place}/{name}", f"/%c3%a4/../{place}/{name}", f"/{place}/sub/..//{name}"]


@pytest.mark.parametrize("form", ["valid", "admins"])
def test_no_spelling_of_a_path_lets_anybody_in(site, people, form):
    """[E9]"""
    site.expect_log("AH", *REFUSED)
    targets = spellings(f"/{form}/secret.txt")
    assert len(set(targets)) >= 60
    cookie = {"valid": [], "admins": [("Cookie", f"sid={people[1].cookies['sid']}")]}[form]
    let_in = [target for target in targets if SECRET in raw(site, target, cookie)[2]]
    assert let_in == []
    token = people[3].cookies["sid"]
    assert SECRET in raw(site, f"/{form}/secret.txt", [("Cookie", f"sid={token}")])[2], "the test sees what it must see"
    assert SECRET in raw(site, f"/./{form}//secret.txt", [("Cookie", f"sid={token}")])[2]


def test_a_session_that_has_ended_is_out_on_the_next_request(site, database):
    account = database.add_user("leaver")
    client = Client(site.url)
    for end in (client.logout,
                lambda: database.rows("UPDATE chatsession.sessions SET revoked_at = now(), revoke_cause = 'test' WHERE ref = %s",
                                      (ref,)) and None,
                lambda: database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'leaver'")):
        client.login(account)
        cookie = {"Cookie": f"sid={client.cookies['sid']}"}
        assert fetch(client, "/valid/secret.txt").status_code == 200
        ref = database.value("SELECT ref FROM chatsession.sessions WHERE revoked_at IS NULL ORDER BY created_at DESC LIMIT 1")
        end()
        if end != client.logout:  # a hand in psql does not wait for the hosts to hear, as our own calls do
            wait_until(lambda: fetch(Client(site.url), "/valid/secret.txt", headers=cookie).status_code == 401, "the end to hold", 5)
        for _ in range(10):
            assert fetch(Client(site.url), "/valid/secret.txt", headers=cookie).status_code == 401
    database.rows("UPDATE chatsession.users SET disabled_at = NULL WHERE name = 'leaver'")


@pytest.mark.parametrize("cookie", ["sid=x", "sid=v1.a.b.c.d", "sid=", "sid=v1..", "other=1", "sid=\t", "sid=" + "A" * 4000])
def test_garbage_in_a_cookie_is_nobody(site, cookie):
    """[B5]"""
    assert raw(site, "/valid/secret.txt", [("Cookie", cookie)])[0] == 401


def test_without_a_login_page_a_browser_gets_a_401(make_httpd, database):
    server = make_httpd(database.conninfo, modules=MODULES, lines=guarded(make_site()))
    assert fetch(Client(server.url), "/valid/", headers=PAGE).status_code == 401


def test_a_login_page_behind_itself_ends_in_a_401_that_says_why(make_httpd, database):
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        "ChatSessionLoginUrl /chat/", '<Location "/">', "AuthType ChatSession", "Require valid-user", "</Location>"])
    assert fetch(Client(server.url), "/x", headers=PAGE).headers["Location"] == "/chat/?next=%2fx"
    assert fetch(Client(server.url), "/chat/?next=%2fx", headers=PAGE).status_code == 401
    server.wait_log("CS0144")


def test_an_error_document_shows_itself_and_nothing_of_what_was_refused(make_httpd, database, user):
    """[E9] an ErrorDocument is one request more, with the rights of the first"""
    folder = make_site()
    (folder / "sorry.txt").write_text("sorry")
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        *guarded(folder), '<Location "/admins">', "ErrorDocument 403 /admins/sorry.txt", "ErrorDocument 401 /admins/sorry.txt",
        "</Location>"])
    client = Client(server.url)
    server.expect_log(*REFUSED)
    response = fetch(client, "/admins/secret.txt", headers=PAGE)
    assert (response.status_code, response.text) == (401, "sorry")
    client.login(user)
    response = fetch(client, "/admins/secret.txt")
    assert (response.status_code, response.text) == (403, "sorry")


def test_without_its_database_the_site_is_closed(make_httpd, make_postgres, make_database):
    cluster = make_postgres()
    database = make_database(cluster)
    account = database.add_user("mika")
    server = make_httpd(database.conninfo, modules=MODULES, lines=["ChatSessionLoginUrl /chat/", *guarded(make_site())])
    server.expect_log("CS2", "CS0140", "CS0012", *REFUSED)
    client = Client(server.url)
    client.login(account)
    assert fetch(client, "/valid/secret.txt").status_code == 200
    cluster.stop()
    for form in FORMS:
        response = fetch(client, f"/{form}/secret.txt", headers=PAGE)
        assert response.status_code == 503 and SECRET not in response.text, form
        assert response.headers["Cache-Control"] == "no-store"
    assert fetch(Client(server.url), "/valid/secret.txt").status_code == 401, "no cookie, no question"
    cluster.start()
    wait_until(lambda: client.get("readyz").status_code == 200, "the server to be ready")
    assert fetch(client, "/valid/secret.txt").status_code == 200


# --- httpd's own providers behind our form


def log_in(client, name, password):
    return client.post("api/login", json={"username": name, "password": password})


@pytest.fixture(scope="module")
def passwords():
    return htpasswd(new_folder("passwords"), fritz="fritz's words", frieda="frieda's words", mika="another mika",
                    **{"\ufb01n": "ligature", "x" * 65: "long"})


@pytest.fixture(scope="module")
def with_file(make_module_httpd, database, passwords):
    return make_module_httpd(database.conninfo, modules=MODULES, lines=[
        "ChatSessionLoginProvider chatsession file", '<Location "/chat">', f'AuthUserFile "{passwords}"', "</Location>",
        "ChatSessionRole auditor \"%{REMOTE_USER} in {'frieda', 'other'}\""])


def users_named(database, name):
    return database.rows("SELECT name, role, password_phc FROM chatsession.users WHERE canonical_name = %s", (name,))


def test_a_provider_of_httpd_checks_the_login_and_the_row_is_made_on_first_sight(with_file, database):
    assert users_named(database, "fritz") == []
    client = Client(with_file.url)
    response = log_in(client, "fritz", "fritz's words")
    assert response.status_code == 200 and response.json()["user"] == {"name": "fritz", "role": "user"}
    assert users_named(database, "fritz") == [("fritz", "user", None)]
    assert log_in(Client(with_file.url), "fritz", "fritz's words").status_code == 200
    assert len(users_named(database, "fritz")) == 1 and client.turn(client.new_conversation(), "hello").text == "hello"


def test_our_own_users_still_log_in_where_they_are_listed(with_file, user):
    assert log_in(Client(with_file.url), user.name, user.password).status_code == 200


def test_who_has_a_password_here_is_not_asked_for_elsewhere(with_file, user):
    """The order of the providers decides: mika is one of ours, with the password that is ours."""
    assert log_in(Client(with_file.url), "mika", "another mika").status_code == 401


@pytest.mark.parametrize("name, password", [("fritz", "wrong"), ("nobody", "wrong"), ("fritz", ""), ("fritz", "fritz's words "),
                                            ("FRITZ", "fritz's words"), ("", "x"), ("fritz:x", "x")])
def test_a_wrong_password_is_the_same_401_for_every_provider(with_file, name, password):
    response = log_in(Client(with_file.url), name, password)
    assert response.status_code in (401, 400) and "Set-Cookie" not in response.headers
    if response.status_code == 401:
        assert response.json()["error"] == "invalid_credentials"


def test_a_name_that_is_another_when_written_plainly_is_nobody_here(with_file, database):
    """[C11] two people of the password file would be one account"""
    with_file.expect_log("CS0145")
    assert log_in(Client(with_file.url), "\ufb01n", "ligature").status_code == 401
    assert log_in(Client(with_file.url), "x" * 65, "long").status_code == 401
    assert users_named(database, "fin") == []


def test_chatsessionrole_gives_the_role_at_the_login(with_file, database):
    response = log_in(Client(with_file.url), "frieda", "frieda's words")
    assert response.json()["user"] == {"name": "frieda", "role": "auditor"}
    database.rows("UPDATE chatsession.users SET role = 'admin' WHERE name = 'fritz'")
    client = Client(with_file.url)
    assert log_in(client, "fritz", "fritz's words").json()["user"]["role"] == "user", "no rule fits: user"


def test_a_disabled_user_of_a_provider_is_refused_like_a_wrong_password(with_file, database):
    assert log_in(Client(with_file.url), "frieda", "frieda's words").status_code == 200
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'frieda'")
    response = log_in(Client(with_file.url), "frieda", "frieda's words")
    assert response.status_code == 401 and "Set-Cookie" not in response.headers
    database.rows("UPDATE chatsession.users SET disabled_at = NULL WHERE name = 'frieda'")


def test_a_provider_that_cannot_say_lets_nobody_in(make_httpd, database, user):
    """mod_authn_file without a file"""
    server = make_httpd(database.conninfo, modules=MODULES, lines=["ChatSessionLoginProvider file chatsession"])
    server.expect_log("CS0143", "CS0013", "AH01619", "AH01620")
    for name, password in (("fritz", "x"), (user.name, user.password)):
        response = log_in(Client(server.url), name, password)
        assert response.status_code == 500 and "Set-Cookie" not in response.headers


def test_guesses_at_a_provider_are_bounded_like_guesses_at_us(make_httpd, database, passwords):
    """[C4]"""
    database.rows("DELETE FROM chatsession.login_attempts")
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        "ChatSessionLoginDelay 15min", "ChatSessionLoginProvider file", '<Location "/chat">', f'AuthUserFile "{passwords}"', "</Location>"])
    answers = [log_in(Client(server.url), "fritz", "wrong").status_code for _ in range(5)]
    assert answers[0] == 401 and answers[-2:] == [429, 429]
    response = log_in(Client(server.url), "fritz", "fritz's words")
    assert response.status_code == 429 and int(response.headers["Retry-After"]) > 0
    database.rows("DELETE FROM chatsession.login_attempts")


# --- a module in front


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def in_front(passwords, *more):
    return ['<LocationMatch "^/(chat|seen|page)">', "AuthType Basic", 'AuthName "front"', f'AuthUserFile "{passwords}"',
            "Require valid-user", "ChatSessionTrustUser on", *more, "</LocationMatch>",
            '<Location "/seen">', "ChatSession on", 'Header always set X-User "%{CHATSESSION_USER}e"',
            'Header always set X-Role "%{CHATSESSION_ROLE}e"', 'Header always set X-Ref "%{CHATSESSION_REF}e"', "</Location>"]


@pytest.fixture(scope="module")
def front(make_module_httpd, database):
    words = htpasswd(new_folder("passwords"), greta="greta's words", gustav="gustav's words", **{"\ufb01x": "ligature"})
    return make_module_httpd(database.conninfo, modules=MODULES, lines=in_front(words))


GRETA, GUSTAV = basic("greta", "greta's words"), basic("gustav", "gustav's words")


def session_of(client, headers):
    return client.json("GET", "api/session", 200, headers=headers)


def test_whom_another_module_authenticates_is_logged_in_without_a_form(front, database):
    client = Client(front.url)
    found = session_of(client, GRETA)
    assert found["user"] == {"name": "greta", "role": "user"}
    assert users_named(database, "greta") == [("greta", "user", None)]
    first = client.cookies["sid"]
    assert session_of(client, GRETA)["authenticated"] and client.cookies["sid"] == first, "the session goes on"
    assert client.json("POST", "api/conversations", 201, json={}, headers=GRETA)["id"]


def test_many_who_see_a_user_first_at_once_make_one_row(make_httpd, database):
    words = htpasswd(new_folder("passwords"), **{f"first{n}": "words" for n in range(8)})
    server = make_httpd(database.conninfo, modules=MODULES, children=2, lines=in_front(words))
    for n in range(8):
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: session_of(Client(server.url), basic(f"first{n}", "words"))["user"], range(8)))
        assert found == [{"name": f"first{n}", "role": "user"}] * 8
        assert users_named(database, f"first{n}") == [(f"first{n}", "user", None)]


def test_another_user_of_the_same_browser_gets_another_session(front):
    client = Client(front.url)
    session_of(client, GRETA)
    first = client.cookies["sid"]
    assert session_of(client, GUSTAV)["user"]["name"] == "gustav" and client.cookies["sid"] != first
    other = Client(front.url)
    other.cookies.set("sid", first, domain="127.0.0.1", path="/")
    assert session_of(other, GRETA)["user"]["name"] == "greta" and other.cookies["sid"] != first, "the old one is over"


def test_a_name_in_another_case_is_the_same_session(make_httpd, database):
    words = htpasswd(new_folder("passwords"), greta="1 password", Greta="2 password")
    server = make_httpd(database.conninfo, modules=MODULES, lines=in_front(words))
    client = Client(server.url)
    session_of(client, basic("greta", "1 password"))
    first = client.cookies["sid"]
    assert session_of(client, basic("Greta", "2 password"))["user"]["name"] == "greta" and client.cookies["sid"] == first


def test_nobody_is_trusted_without_the_other_modules_word(front, user):
    front.expect_log("AH01617", "AH01618")
    client = Client(front.url)
    session_of(client, GRETA)
    cookie = {"Cookie": f"sid={client.cookies['sid']}"}
    for headers in ({}, cookie, {**cookie, **basic("greta", "wrong")}, {**cookie, **basic("nobody", "x")}, {**cookie, **basic("", "")}):
        response = Client(front.url).get("api/session", headers=headers)
        assert response.status_code == 401 and "Set-Cookie" not in response.headers


def test_a_cookie_without_its_user_is_nobody_where_users_are_trusted(make_httpd, database, user):
    """The place is open, so nobody is asked: the cookie of somebody who is logged out elsewhere counts for nothing."""
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        '<Location "/seen">', "ChatSessionTrustUser on", "ChatSession on",
        'Header always set X-User "%{CHATSESSION_USER}e"', "</Location>"])
    client = Client(server.url)
    client.login(user)
    assert client.get("api/session").json()["authenticated"]
    assert fetch(client, "/seen").headers["X-User"] == "(null)"


def test_the_page_of_a_refusal_does_not_log_in_whom_it_refused(make_httpd, database, operator):
    """[A7] [E9] mod_auth_basic leaves the name that was sent in r->user before it checks the password, and httpd gives it to
    the ErrorDocument, which is asked for with the same configuration and so by nobody again."""
    words = htpasswd(new_folder("passwords"), **{operator.name: "the right words"})
    server = make_httpd(database.conninfo, modules=MODULES,
                        lines=in_front(words, "ErrorDocument 401 /chat/api/session"))
    before = database.value("SELECT count(*) FROM chatsession.sessions")
    server.expect_log("AH01617")
    response = Client(server.url).get("api/conversations", headers=basic(operator.name, "wrong"))
    assert response.json()["authenticated"] is False and "Set-Cookie" not in response.headers
    assert database.value("SELECT count(*) FROM chatsession.sessions") == before
    right = Client(server.url).get("api/session", headers=basic(operator.name, "the right words"))
    assert right.json()["user"]["name"] == operator.name, "the test sees what it must see"


def test_one_session_begins_with_a_request_however_many_httpd_makes_of_it(make_httpd, database):
    """[E9] the index of a folder, an include, an ErrorDocument"""
    folder = make_site()
    words = htpasswd(new_folder("passwords"), hanna="hanna's words")
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        *in_front(words, "ErrorDocument 404 /page/includes.shtml"), f'Alias "/page" "{folder}"',
        '<Location "/page">', "ChatSession on", "</Location>",
        f'<Directory "{folder}">', "Options +Includes", *INCLUDES, "DirectoryIndex includes.shtml", "</Directory>"])
    count = "SELECT count(*) FROM chatsession.sessions s JOIN chatsession.users u ON u.id = s.user_id WHERE u.name = 'hanna'"
    for i, path in enumerate(("/page/", "/page/includes.shtml", "/page/missing"), 1):
        response = fetch(Client(server.url), path, headers=basic("hanna", "hanna's words"))
        assert SECRET in response.text and len(response.raw.headers.getlist("Set-Cookie")) == 1, path
        assert database.value(count) == i


def test_require_chat_role_sees_the_user_of_the_other_module(make_httpd, database):
    """mod_authz_core judges before authentication too, when nobody is known yet."""
    words = htpasswd(new_folder("passwords"), inge="inge's words", ines="ines's words")
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        f'Alias "/page" "{make_site()}"', '<Location "/page">', "AuthType Basic", 'AuthName "front"', f'AuthUserFile "{words}"',
        "ChatSessionTrustUser on", "Require chat-role auditor", "</Location>",
        "ChatSessionRole auditor \"%{REMOTE_USER} == 'inge'\""])
    server.expect_log("AH01617", *REFUSED)
    client = Client(server.url)
    assert fetch(client, "/page/secret.txt").status_code == 401
    assert fetch(client, "/page/secret.txt", headers=basic("ines", "ines's words")).status_code == 401, "as httpd does it"
    assert fetch(client, "/page/secret.txt", headers=basic("inge", "inge's words")).status_code == 200
    assert fetch(client, "/page/secret.txt").status_code == 401, "inge's cookie without inge"
    assert fetch(client, "/page/secret.txt", headers=basic("inge", "wrong")).status_code == 401


def test_the_role_follows_the_expression_and_a_changed_one_begins_a_new_session(make_httpd, database):
    """[A7] environment, header of a trusted module, name; the old id is dead"""
    words = htpasswd(new_folder("passwords"), jan="jan's words")
    server = make_httpd(database.conninfo, modules=MODULES, lines=[
        "SetEnvIf X-Trusted-Groups ops GROUPS=ops",
        "ChatSessionRole operator \"reqenv('GROUPS') == 'ops'\"",
        "ChatSessionRole viewer \"%{HTTP:X-Trusted-Level} == 'read'\"", *in_front(words)])
    jan = basic("jan", "jan's words")
    client = Client(server.url)
    seen = []
    for more in ({}, {"X-Trusted-Groups": "ops"}, {"X-Trusted-Groups": "ops"}, {"X-Trusted-Level": "read"}, {}):
        headers = fetch(client, "/seen", headers={**jan, **more}).headers
        seen.append((headers["X-Role"], headers["X-Ref"], client.cookies["sid"]))
    assert [role for role, _, _ in seen] == ["user", "operator", "operator", "viewer", "user"]
    assert seen[1] == seen[2] and len({ref for _, ref, _ in seen}) == 4
    for _, _, old in seen[:-1]:
        one = Client(server.url)
        one.cookies.set("sid", old, domain="127.0.0.1", path="/")
        assert fetch(one, "/seen", headers=jan).headers["X-Ref"] not in {ref for _, ref, _ in seen[:-1]}


def test_a_disabled_user_is_nobody_whatever_the_other_module_says(front, database):
    client = Client(front.url)
    session_of(client, GUSTAV)
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'gustav'")
    response = Client(front.url).get("api/session", headers=GUSTAV)
    assert response.json()["authenticated"] is False and "Set-Cookie" not in response.headers
    database.rows("UPDATE chatsession.users SET disabled_at = NULL WHERE name = 'gustav'")


def test_a_name_of_the_other_module_that_is_no_name_here_is_nobody(front):
    front.expect_log("CS0145")
    assert Client(front.url).get("api/session", headers=basic("\ufb01x", "ligature")).json()["authenticated"] is False


def test_without_the_database_a_trusted_user_gets_a_503(make_httpd, make_postgres, make_database):
    cluster = make_postgres()
    database = make_database(cluster)
    words = htpasswd(new_folder("passwords"), greta="greta's words")
    server = make_httpd(database.conninfo, modules=MODULES, lines=in_front(words))
    server.expect_log("CS2", "CS0012")
    cluster.stop()
    assert Client(server.url).get("api/conversations", headers=GRETA).status_code == 503
    cluster.start()
    wait_until(lambda: Client(server.url).get("readyz", headers=GRETA).status_code == 200, "the server to be ready")
    assert session_of(Client(server.url), GRETA)["user"]["name"] == "greta"


# --- configtest


@pytest.mark.parametrize("lines, sentence", [
    (["ChatSessionLoginProvider nonsense"], 'ChatSessionLoginProvider: "nonsense" is neither chatsession nor the provider of a loaded'),
    (["ChatSessionLoginUrl //evil.example/"], 'ChatSessionLoginUrl: "//evil.example/" is no path of this site'),
    (["ChatSessionLoginUrl https://evil.example/"], "is no path of this site"),
    (["ChatSessionLoginUrl /\\evil.example"], "is no path of this site"),
    (["ChatSessionLoginUrl /a?b=c"], "is no path of this site"),
    (["ChatSessionLoginUrl chat"], "is no path of this site"),
    (["ChatSessionRole boss true"], 'ChatSessionRole: "boss" is none of user, viewer, auditor, operator, admin'),
    (["ChatSessionRole admin \"%{REMOTE_USER} in\""], "is no expression"),
    (["ChatSessionRole admin"], "takes two arguments"),
    (["ChatSessionTrustUser on"], "ChatSessionTrustUser not allowed"),
    (['<Location "/x">', "Require chat-role", "</Location>"], "name at least one of user, viewer, auditor, operator, admin"),
    (['<Location "/x">', "Require chat-role king", "</Location>"], '"king" is none of user, viewer'),
    (['<Location "/x">', "ChatSessionProvideSession maybe", "</Location>"], "ChatSessionProvideSession must be On or Off"),
    (["ChatSessionData maybe"], "ChatSessionData must be On or Off")])
def test_a_bad_value_stops_configtest_with_a_sentence(make_httpd, database, lines, sentence):
    server = make_httpd(database.conninfo, modules=MODULES, lines=lines, start=False)
    code, said = server.configtest()
    assert code != 0 and sentence in said
