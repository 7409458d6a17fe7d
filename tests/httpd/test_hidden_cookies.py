# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Our cookies are no business of what runs behind httpd: CGI scripts, pages with server-side includes, proxied applications.
They have the user from the environment, and the cookies of others; caches still tell one browser from another."""
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness.client import Client, log_in
from harness.place import new_folder

ENVIRONMENT = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
env
"""
# who it is for, and nothing about caching but that it depends on cookies
PERSONAL = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\nVary: Cookie\\r\\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\\r\\nCache-Control: max-age=60\\r\\n\\r\\n'
echo "for ${CHATSESSION_USER:-nobody}, theme ${HTTP_COOKIE:-none}"
"""
ELSEWHERE = """#!/bin/sh
printf 'Location: /cgi/personal.cgi?again\\r\\n\\r\\n'
"""
OTHERS = "theme=dark; known_to=all; xsid=1"


def make_folder():
    folder = new_folder("cgi")
    for name, script in (("env.cgi", ENVIRONMENT), ("personal.cgi", PERSONAL), ("elsewhere.cgi", ELSEWHERE)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    (folder / "page.shtml").write_text('<!--#printenv --><!--#include virtual="/cgi/env.cgi" -->')
    folder.chmod(0o755)
    return folder


def places(folder):
    return [f'ScriptAlias "/cgi" "{folder}"', f'ScriptAlias "/trusted" "{folder}"', f'ScriptSock "{folder}/sock"',
            f'Alias "/pages" "{folder}"', '<Location "/">', "ChatSession on", "Require all granted", "</Location>",
            '<Location "/pages">', "Options +Includes", "SetOutputFilter INCLUDES", "ForceType text/html", "</Location>",
            '<Location "/trusted">', "ChatSessionHideCookie off", "</Location>"]


@pytest.fixture(scope="module")
def application():
    """The address of a web application that answers with the headers that it gets."""
    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 (the library's name)
            body = str(self.headers).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def site(make_module_httpd, database, application):
    return make_module_httpd(database.conninfo, modules=("cgid", "include", "env"), lines=[
        *places(make_folder()), f'ProxyPass "/app" "{application}"', f'ProxyPass "/trusting" "{application}"',
        '<Location "/app">', 'RequestHeader set X-User "expr=%{REMOTE_USER}"', "</Location>",
        '<Location "/trusting">', "ChatSessionHideCookie off", "</Location>"])


@pytest.fixture(scope="module")
def mika(site, user):
    return log_in(site, user)


def ours(client):
    return [client.cookies["sid"], client.cookies["known"]]


def get(client, path, others=OTHERS, name=None):
    """The text at path for a browser that has others' cookies around ours."""
    first, _, rest = others.partition("; ")
    own = [f"{name or cookie.name}={cookie.value}" for cookie in client.cookies]
    header = "; ".join(part for part in (first, *own, rest) if part)
    return Client(client.origin).get(f"{client.origin}{path}", headers={"Cookie": header} if header else {}).text


@pytest.mark.parametrize("path", ["/cgi/env.cgi", "/pages/page.shtml", "/app"])
def test_a_program_sees_who_it_is_and_the_cookies_of_others_and_none_of_ours(mika, path):
    """[B7] In front of it, behind it and between others; a page with includes shows what it sees itself and what a script in it does."""
    text = get(mika, path)
    assert OTHERS in text and not [value for value in ours(mika) if value in text]
    if path == "/app":
        assert "X-User: mika" in text, "as docs/integration.md says"
    else:
        assert "CHATSESSION_USER=mika" in text and "CHATSESSION_CAUSE=success" in text
    alone = get(mika, path, others="")
    assert "cookie" not in alone.lower(), "nothing is left of the header"


def test_where_it_is_off_a_program_gets_all_cookies(mika):
    for path in ("/trusted/env.cgi", "/trusting"):
        text = get(mika, path)
        assert OTHERS.split(";")[0] in text and not [value for value in ours(mika) if value not in text]


def test_cookies_that_are_none_of_ours_stay_as_they_are(mika):
    for odd in ("a", "=", "SID=1; Sid=2", "a=1;;; b=2;", '"sid"=1', "sid", "a=\"; b"):
        assert f"HTTP_COOKIE={odd}\n" in Client(mika.origin).get(f"{mika.origin}/cgi/env.cgi", headers={"Cookie": odd}).text


def test_a_cookie_of_our_name_that_is_not_valid_is_taken_out_too(mika):
    """[B7] It may be a session of this browser that has ended, or one that another secret signed."""
    assert "HTTP_COOKIE=a=1; b=2\n" in Client(mika.origin).get(
        f"{mika.origin}/cgi/env.cgi", headers={"Cookie": "a=1; sid=v1.gone; b=2; sid=v1.other"}).text


def test_without_known_browsers_the_cookie_of_that_name_is_anothers(make_httpd, database, user):
    site = make_httpd(database.conninfo, modules=("cgid",), lines=["ChatSessionKnownDevice off", *places(make_folder())[:3]])
    client = log_in(site, user)
    assert "HTTP_COOKIE=known=an application's\n" in get(client, "/cgi/env.cgi", others="known=an application's")


def keeps(folder, *more):
    root = folder / "cache"
    root.mkdir()
    root.chmod(0o777)
    return [f'CacheRoot "{root}"', "CacheEnable disk /cgi", "CacheHeader on", *more, *places(folder)]


CACHES = {"before everything": ["CacheQuickHandler on"], "as a handler": ["CacheQuickHandler off"],
          "where SetOutputFilter says": ["CacheQuickHandler off", '<Location "/cgi">', "SetOutputFilter CACHE", "</Location>"]}


@pytest.mark.parametrize("place", CACHES)
def test_a_cache_tells_browsers_apart_by_the_cookies_that_the_program_does_not_see(make_httpd, database, place):
    """[B6] [B7] An answer with Vary: Cookie and no word against being kept: two users and nobody, in either order, also past a redirect."""
    folder = make_folder()
    site = make_httpd(database.conninfo, modules=("cgid", "include", "cache", "cache_disk"), lines=keeps(folder, *CACHES[place]))
    people = {}
    for name in ("anna", "berta"):
        people[name] = Client(site.url)
        people[name].login(database.add_user(f"{name} {os.urandom(4).hex()}"))
    people["nobody"] = Client(site.url)
    for order in (("anna", "nobody", "berta"), ("nobody", "berta", "anna")):
        for path in ("personal.cgi", "elsewhere.cgi", "personal.cgi?again"):
            address = f"/cgi/{path}{'&' if '?' in path else '?'}{order[0]}"
            for _ in range(2):
                for name in order:
                    assert get(people[name], address, others="").startswith(f"for {name}"), (address, order)
    kept = Client(site.url)
    answers = [kept.get(f"{site.url}/cgi/personal.cgi?all") for _ in range(3)]
    assert "HIT" in answers[-1].headers["X-Cache"], "the cache does keep such answers"


def test_a_module_that_asks_in_its_handler_finds_the_session(mika):
    """The session of a request whose cookie was taken out is still its session: mod_include's subrequests ask late."""
    text = get(mika, "/pages/page.shtml")
    assert text.count("CHATSESSION_USER=mika") == 2
