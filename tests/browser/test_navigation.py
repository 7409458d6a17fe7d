# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Whoever follows a link to any address of the API sees data or saves a file: no text of a user, a model or the link itself is
ever a page, also for a browser that would not know our content security policy."""
import pytest
from harness.routes import ROUTES
from harness.world import good_request

EVIL = "<!DOCTYPE html><html><script>window.ran = 1; document.title = 'ran'</script><img src=x onerror=\"window.ran = 1\"><svg onload=\"window.ran = 1\">"
GETS = [route for route in ROUTES if route.method == "GET"]
DATA = {"application/json", "text/plain", "text/event-stream", "application/x-ndjson", "text/csv", "text/markdown"}
PAGE = {"text/html"}


@pytest.fixture
def ada(world, browser):
    """A browser in which an administrator is logged in."""
    browser.open(f"{world.httpd.url}/chat/api/session")
    client = world.log_in("ada")
    for cookie in client.cookies:
        browser.driver.add_cookie({"name": cookie.name, "value": cookie.value, "path": "/"})
    # Without the policy, the types alone keep scripts from running.
    browser.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.expect_console("400", "401", "403", "404", "405", "409")
    return browser


def visit(browser, address):
    """[content type, whether anything ran] of what the browser shows, and whether it saved a file instead and stayed where it was."""
    browser.run("window.before = true")  # another page has another window
    browser.open(address)
    return browser.run("return [document.contentType, document.title === 'ran' || 'ran' in window, 'before' in window]")


def test_no_address_of_the_api_is_ever_a_page(ada, world):
    """[D8] Each GET of both tables about things full of markup, and the same with markup in the address and in the query."""
    wrong, shown, saved = {}, 0, 0
    owner = "ada"
    original = world.thing
    world.thing = lambda who, **options: original(who, **{"title": EVIL, "question": EVIL, "answer": EVIL, **options})
    try:
        for route in GETS:
            if route.path == "metrics":
                continue  # text for a program, which the last lines visit
            request = good_request(route, world, owner, "ada")
            plain = f"{world.httpd.url}{route.mount}/{request.path}"
            mark = "&" if "?" in plain else "?"
            for address in (plain, f"{plain}{mark}q={EVIL}&format=html", f"{plain}/{EVIL}"):
                kind, ran, is_saved = visit(ada, address)
                saved += is_saved
                shown += not is_saved
                if ran or not (is_saved or kind in DATA):
                    wrong[address.replace(world.httpd.url, "")[:120]] = (kind, ran)
    finally:
        world.thing = original
    assert wrong == {}
    assert shown > 60 and saved > 5, "some are shown and some are saved"


def test_what_is_a_page_is_ours_and_says_nothing_of_the_link(ada, world):
    """[D8] Also for addresses that are none; an export is saved, not shown."""
    thing = world.thing("ada", title=EVIL, question=EVIL, answer=EVIL)
    for mount in ("/chat/", "/chat-admin/"):
        for rest in (f"?{EVIL}", f"?next={EVIL}&q={EVIL}&view={EVIL}"):
            kind, ran, _ = visit(ada, f"{world.httpd.url}{mount}{rest}")
            assert (kind, ran) == ("text/html", False), rest
        for rest in (EVIL, f"js/{EVIL}.js", f"api/{EVIL}", "js/main.js", "css/"):
            kind, ran, _ = visit(ada, f"{world.httpd.url}{mount}{rest}")
            assert not ran and kind not in PAGE, rest
    export = f"{world.httpd.url}/chat/api/conversations/{thing.conversation}/export?format="
    assert visit(ada, f"{export}md")[1:] == [False, True] and visit(ada, f"{export}html") == ["application/json", False, False]
    assert visit(ada, f"{world.httpd.url}/chat-admin/metrics") == ["text/plain", False, False]


def test_the_walls_of_this_test_would_let_a_script_run(ada):
    """Else the tests above would show nothing."""
    assert visit(ada, f"data:text/html,{EVIL.replace('#', '%23')}")[:2] == ["text/html", True]
