# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""[C7]: after the log-in the chat page goes on to ?next=, which anybody may have written, only where it is a path of this site."""
import json
from urllib.parse import quote

import pytest
from harness.open_redirects import EVIL, payloads
from harness.pages import ChatPage
from harness.place import new_folder

NOWHERE = [
    "", " ", "/\\", "//", "///", "\\", "\\\\", EVIL, f"//{EVIL}", f"///{EVIL}", f"////{EVIL}", f"/\\{EVIL}", f"\\/{EVIL}",
    f"\\\\{EVIL}", f"/\\/{EVIL}", f"/\\\\{EVIL}", f"//\\{EVIL}", f"http://{EVIL}", f"https://{EVIL}", f"HTTPS://{EVIL}",
    f"http:{EVIL}", f"http:/{EVIL}", f"http:\\\\{EVIL}", f"https:///{EVIL}", f"ftp://{EVIL}", f"ws://{EVIL}", f"blob:https://{EVIL}/x",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "\x01javascript:alert(1)",
    "javascript://%0aalert(1)", "/javascript:alert(1)\n", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd",
    f"\t//{EVIL}", f"\n//{EVIL}", f"\r//{EVIL}", f" //{EVIL}", f"\x00//{EVIL}", f"/\t/{EVIL}", f"/\n/{EVIL}", f"/\r/{EVIL}",
    f"/\r\n/{EVIL}", f"/\t\\{EVIL}", f"/\x00/{EVIL}", f"\u00a0//{EVIL}", f"/.//{EVIL}", f"/..//{EVIL}", f"/x/..//{EVIL}",
    f"/./\\{EVIL}", f"/%2e//{EVIL}", f"/%2e%2e//{EVIL}", f"/x/%2e%2e//{EVIL}", f"//{EVIL}@127.0.0.1", f"//127.0.0.1@{EVIL}",
    f"//user:pass@{EVIL}/", f"//{EVIL}:80/", f"//{EVIL}/%2f..", f"//{EVIL}?x", f"//{EVIL}#x", f"//{EVIL}%2f@x", "//[::1]/", "//1/",
    "//0x7f.1/", f"?{EVIL}", f"#{EVIL}", f"./{EVIL}", f"../{EVIL}", f"{EVIL}/chat", f"@{EVIL}", f":{EVIL}", f";//{EVIL}",
    f"%2f%2f{EVIL}", f"%5c%5c{EVIL}", f"\u2044\u2044{EVIL}", f"\uff0f\uff0f{EVIL}", f"\u3002{EVIL}", "null", "undefined", "about:blank",
    f"/\u0085\\{EVIL}", f"/a\\..\\..\\{EVIL}", "/a\x7f", f"http://127.0.0.1.{EVIL}/", f"http://127.0.0.1@{EVIL}/"]
# what is asked for: where it goes
SOMEWHERE = {
    "/": "/", "/site/": "/site/", "/site/a?b=c&d=%20#e": "/site/a?b=c&d=%20#e", "/a/../site": "/site", "/..": "/", "/%2e%2e/x": "/x",
    "/a//b": "/a//b", "/a:b@c": "/a:b@c", "/http://evil.example": "/http://evil.example", "/%2f/evil.example": "/%2f/evil.example",
    "/%5cevil.example": "/%5cevil.example", "/?next=//evil.example": "/?next=//evil.example", "/a b": "/a%20b",
    "/\u00e4": "/%C3%A4", "/\u3002evil.example": "/%E3%80%82evil.example", "/@evil.example": "/@evil.example",
    "/javascript:alert(1)": "/javascript:alert(1)", "/chat/?c=1": "/chat/?c=1", "/;x": "/;x"}

ADDRESS = """
const done = arguments[arguments.length - 1];
const [asked, origin] = arguments;
import('/chat/js/next.js').then(({ nextAddress }) => done(asked.map((one) => nextAddress(one, origin ?? location.origin))),
                                (error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def site(make_module_httpd, database):
    folder = new_folder("site")
    (folder / "page.html").write_text("<!DOCTYPE html><title>x</title><p id=members>members only</p>")
    folder.chmod(0o755)
    return make_module_httpd(database.conninfo, modules=("authn_core", "authz_user"), lines=[
        "ChatSessionLoginUrl /chat/", f'Alias "/site" "{folder}"', '<Location "/site">', "AuthType ChatSession", "Require valid-user",
        "ForceType text/html", "</Location>"])


@pytest.fixture
def addresses(browser, site):
    """addresses(searches, origin=None): what the page's own function makes of them."""
    browser.open(site.url + "/chat/")
    browser.see("#login-username")
    browser.driver.set_script_timeout(30)
    return lambda searches, origin=None: browser.driver.execute_async_script(ADDRESS, searches, origin)


def test_no_address_of_another_site_is_followed(addresses):
    """[C7]"""
    assert len(set(NOWHERE)) >= 60
    found = addresses(["?next=" + quote(one, safe="") for one in NOWHERE])
    assert [(asked, got) for asked, got in zip(NOWHERE, found) if got is not None] == []
    plain = [one for one in NOWHERE if not set(one) & set("#&+%")]
    found = addresses(["?next=" + one for one in plain])
    assert [(asked, got) for asked, got in zip(plain, found) if got is not None] == []
    assert addresses(["", "?", "?c=1", "?next", "?nextx=/a", "#next=/a"]) == [None] * 6


def test_a_path_of_this_site_is(addresses):
    found = addresses(["?next=" + quote(one, safe="") for one in SOMEWHERE])
    assert dict(zip(SOMEWHERE, found)) == SOMEWHERE
    assert addresses(["?c=1&next=%2Fa"], "https://chat.example.org:8443") == ["/a"]


def test_whatever_is_followed_stays_at_this_origin(addresses, browser):
    """[C7] The browser's own parser has the last word: no answer leads elsewhere."""
    every = [first + second + rest for first in ("/", "\\", "//", "/.", "/..", "/\t", "/%2f", " /")
             for second in ("", "/", "\\", "\n", "@", ":", ".") for rest in (EVIL, f"/{EVIL}", f"\\{EVIL}", f"@{EVIL}", f":80/{EVIL}")]
    found = [one for one in addresses(["?next=" + quote(one, safe="") for one in every]) if one is not None]
    assert found
    origins = browser.run("return [...new Set(arguments[0].map((one) => new URL(one, location.href).origin))]", found)
    assert origins == browser.run("return [location.origin]")


def test_of_thousands_of_addresses_of_other_sites_none_leaves_this_one(addresses, browser):
    """[C7] As the value of next, encoded and as it stands; and as the path of a place behind the log-in, which the module sends there."""
    made = payloads()
    assert len(made) > 5000
    for write in (lambda one: quote(one, safe=""), lambda one: one):
        found = addresses([f"?next={write(one)}" for one in made])
        followed = [[asked, got] for asked, got in zip(made, found) if got is not None]
        left = browser.run("""return arguments[0].filter(([, got]) => !got.startsWith('/') || new URL(got, location.href).origin !== location.origin
                                     || new URL(got, 'https://chat.example.org/chat/').origin !== 'https://chat.example.org')""", followed)
        assert left == []


def log_in_at(browser, site, address, user):
    page = ChatPage(browser, site)
    browser.open(site.url + address)
    browser.see("#login-username")
    page.log_in(user)


def test_the_way_back_after_a_login(browser, site, user):
    browser.expect_console("favicon.ico")  # of the page behind the log-in
    log_in_at(browser, site, "/site/page.html?a=1#members", user)
    assert browser.see("#members").text == "members only"
    assert browser.driver.current_url == f"{site.url}/site/page.html?a=1#members"


@pytest.mark.parametrize("asked", [f"//{EVIL}/", f"/\\{EVIL}/", "javascript:document.title=1", f"https://{EVIL}/"])
def test_after_a_login_a_foreign_address_is_the_chat(browser, site, user, asked):
    """[C7]"""
    log_in_at(browser, site, "/chat/?next=" + quote(asked, safe=""), user)
    browser.see("#composer-text")
    assert browser.driver.current_url.startswith(f"{site.url}/chat/")


def test_who_is_logged_in_already_goes_on_at_once_but_not_for_ever(browser, site, user):
    """A place that sends back whoever comes, as one that the cookie is not sent to"""
    browser.expect_console("favicon.ico")
    log_in_at(browser, site, "/chat/", user)
    browser.see("#composer-text")
    browser.open(f"{site.url}/chat/?next=%2Fsite%2Fpage.html")
    browser.see("#members")
    browser.open(f"{site.url}/chat/?next=%2Fsite%2Fpage.html")
    browser.see("#composer-text")
    assert json.dumps(browser.run("return location.pathname")) == '"/chat/"'
