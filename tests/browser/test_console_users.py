# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Users in the operators' console: found, made, changed, and their sessions; nobody sees a button that the server would
refuse (promises A8, E3, E5). What the browser's console complains about fails a test (conftest.py)."""
import itertools

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import log_in
from harness.pages import ConsolePage
from harness.postgres import User

_numbers = itertools.count(1)
LIST = "?view=users"


@pytest.fixture(scope="module")
def root(database):
    return database.add_user("root", "admin")


@pytest.fixture
def add(database):
    """add(role): somebody new."""
    return lambda role="user", name=None: database.add_user(name or f"{role}-{next(_numbers)}", role)


@pytest.fixture
def console(httpd, browser):
    return ConsolePage(browser, httpd)


def of(user):
    return f"{LIST}&name={user.name}"


def look_at(browser, console, me, other):
    """I am logged in, and the other's page is there, whole."""
    console.enter(me, of(other))
    browser.see_text(other.name, "h1")
    console.loaded()


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


def buttons(browser):
    """The words of all buttons of the screen that are seen."""
    return [button.text for button in browser.find("#screen button") if button.is_displayed()]


def choose(browser, css, value):
    browser.see(css)
    browser.run("""const select = document.querySelector(arguments[0]);
                   select.value = arguments[1]; select.dispatchEvent(new Event('change'))""", css, value)


def row(database, name):
    return database.rows("SELECT role, disabled_at IS NOT NULL FROM chatsession.users WHERE name = %s", (name,))[0]


# --- finding


def test_users_are_found_by_name_role_and_state_and_the_address_keeps_it(browser, console, add, root, database):
    add("viewer", "Saga One"), add("auditor", "saga two"), add("viewer", "saga three")
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = 'saga three'")
    console.enter(root, LIST)
    console.write("#users-find", "SAGA")
    console.wait_rows(["Saga One", "saga two", "saga three"])
    choose(browser, "#users-role", "viewer")
    console.wait_rows(["Saga One", "saga three"])
    choose(browser, "#users-state", "disabled")
    console.wait_rows(["saga three"])
    browser.driver.refresh()
    console.wait_rows(["saga three"])
    assert "q=SAGA" in browser.driver.current_url and browser.see("#users-find").get_property("value") == "SAGA"
    console.click(".title-link")
    browser.see_text("saga three", "h1")
    browser.driver.back()
    console.wait_rows(["saga three"])
    console.write("#users-find", "nobody has this name")
    browser.see_text("No user matches", "#screen")


def test_a_long_list_comes_page_by_page(browser, console, root, database):
    database.rows("INSERT INTO chatsession.users (name) SELECT 'crowd ' || to_char(n, 'FM000') FROM generate_series(1, 70) n")
    console.enter(root, f"{LIST}&q=crowd")
    assert len(console.rows()) == 50
    console.click(".list-foot button")
    console.wait_rows([f"crowd {n:03}" for n in range(1, 71)])
    browser.gone(".list-foot button")
    database.rows("DELETE FROM chatsession.users WHERE name LIKE 'crowd %'")


# --- who may what


def test_each_role_sees_only_what_it_may_do(browser, console, httpd, add):
    """[E3]"""
    user = add()
    log_in(httpd, user)
    allowed = {
        "viewer": [], "auditor": [], "operator": ["End all sessions\u2026", "End"],
        "admin": ["Change role\u2026", "Invite\u2026", "Reset password\u2026", "Limits\u2026", "Disable\u2026", "Erase\u2026",
                  "End all sessions\u2026", "End"]}
    for role, words in allowed.items():
        console.enter(add(role), LIST)
        console.loaded()
        assert ("New user" in buttons(browser)) == (role == "admin")
        console.open(of(user))
        browser.see_text(user.name, "h1")
        console.loaded()
        assert buttons(browser) == words, role
        assert bool(browser.find("#user-sessions")) == (role in ("operator", "admin"))
        console.click(".account summary")
        console.click(".account-panel button", "Log out")
        browser.see("#login-username")


def test_ones_own_account_is_for_others_to_change(browser, console, add):
    """[E5]"""
    me = add("admin")
    console.enter(me, of(me))
    browser.see_text("This is your own account.")
    assert buttons(browser) == ["Limits\u2026", "End all sessions\u2026", "End"]
    browser.see_text("this one", "tbody")


def test_limits_are_set_and_taken_back(browser, console, add, root, database):
    user = add()
    console.enter(root, of(user))
    browser.see_text("as for everybody", ".user-facts")
    console.click("#screen button", "Limits\u2026")
    console.write("#max_turns", "2")
    console.write("#max_tokens", "0")
    console.click("dialog button", "Set limits")
    browser.see_text("2 answers at once, any number of tokens in a day", ".user-facts")
    assert database.rows("SELECT max_turns, max_requests, max_tokens FROM chatsession.users WHERE name = %s",
                         (user.name,)) == [(2, None, 0)]


def test_a_person_is_erased_once_the_number_was_typed(browser, console, add, root, database):
    """[I3]"""
    user = add()
    identifier = str(database.value("SELECT id FROM chatsession.users WHERE name = %s", (user.name,)))
    database.rows("INSERT INTO chatsession.conversations (user_id, title) VALUES (%s, 'mine')", (identifier,))
    console.enter(root, of(user))
    console.click("#screen button", "Erase\u2026")
    browser.see_text("Conversations", "dialog .facts")
    console.write("#erase-reason", "her letter")
    console.click("dialog button", "Erase")
    browser.see_text("Type 1 to go on.", "dialog")
    console.write("#erase-count", "1")
    console.click("dialog button", "Erase")
    browser.see_text(identifier, "dialog .mono")
    assert browser.find("dialog a[download]")[0].get_attribute("href").endswith(f"api/erasures/{identifier}")
    console.click("dialog button", "Done")
    browser.see_text("Users", "h1")
    assert database.value("SELECT count(*) FROM chatsession.users WHERE id = %s", (identifier,)) == 0
    assert database.rows("SELECT reason, detail ->> 'user_id' FROM chatsession.audit_entries WHERE action = 'user.erase'"
                         ) == [("her letter", identifier)]


# --- making


def test_a_new_user_gets_a_password_that_is_shown_once(browser, console, httpd, root, database):
    console.enter(root, LIST)
    console.click(".screen-actions button", "New user")
    assert console.focused() == "new-user-name"
    console.write("#new-user-name", "a/b")
    console.click("dialog[open] .button-primary")
    console.dialog("without \u201c/\u201d.")
    name = "\u5c71\u7530 \u592a\u90ce 100%?&#"
    console.write("#new-user-name", name)
    choose(browser, "#new-user-role", "auditor")
    console.dialog("may also read and search content")
    choose(browser, "#new-user-way", "password")
    console.click("dialog[open] .button-primary", "Make user")
    console.dialog("It is shown only now")
    password = browser.see("#password-shown").text
    console.press(Keys.ESCAPE)
    console.click("dialog[open] button", "Copy")
    console.dialog("Copied")
    console.fits()
    console.click("dialog[open] .button-primary", "Done")
    browser.see_text(name, "h1")
    assert log_in(httpd, User(name, password)).get("api/session").json()["user"] == {"name": name, "role": "auditor"}
    assert password not in browser.run("return document.documentElement.outerHTML + JSON.stringify([{ ...localStorage },"
                                       " { ...sessionStorage }, location.href])")
    assert database.value("SELECT target_user FROM chatsession.audit_entries WHERE action = 'user.create'"
                          " ORDER BY seq DESC LIMIT 1") == name
    browser.driver.refresh()
    browser.see_text(name, "h1")
    console.go("users")
    assert name in console.rows()


def test_a_taken_name_is_said_in_the_dialog_and_can_be_corrected(browser, console, add, root):
    browser.expect_console("409")
    add("user", "Taken")
    console.enter(root, LIST)
    console.click(".screen-actions button", "New user")
    console.write("#new-user-name", "\uff54aken").send_keys(Keys.ENTER)
    console.dialog("or one that reads the same, is taken.")
    console.write("#new-user-name", "free").send_keys(Keys.ENTER)
    console.dialog("Invitation of")


def set_password(browser, address, password):
    """What whoever was sent the address does."""
    browser.open(address)
    browser.see("#invitation-new").send_keys(f"{password}\n")
    browser.see("#composer-text")


def test_somebody_new_is_invited_and_chooses_the_password(browser, console, make_browser, httpd, root, database):
    """[C10] The address is shown once; nobody at the console ever knows the password."""
    console.enter(root, LIST)
    console.click(".screen-actions button", "New user")
    name = "\u9234\u6728 \u82b1\u5b50 100%?&#"
    console.write("#new-user-name", name)
    console.dialog("within the hour")
    choose(browser, "#new-user-role", "viewer")
    console.click("dialog[open] .button-primary", "Make user")
    console.dialog("counts once, within the hour")
    address = browser.see("#invitation-shown").text
    assert address.startswith(f"{httpd.url}/chat/#invite=")
    console.press(Keys.ESCAPE)
    console.click("dialog[open] button", "Copy")
    console.dialog("Copied")
    console.fits()
    console.pictures("console-user-invitation")
    console.click("dialog[open] .button-primary", "Done")
    browser.see_text(name, "h1")
    assert address[-43:] not in browser.run("return document.documentElement.outerHTML + JSON.stringify([{ ...localStorage },"
                                            " { ...sessionStorage }, location.href])")
    theirs = make_browser()
    set_password(theirs, address, "seven pale lanterns")
    theirs.see_text(name, css="#account-name")
    assert log_in(httpd, User(name, "seven pale lanterns")).get("api/session").json()["user"] == {"name": name, "role": "viewer"}
    console.go("audit")
    browser.see_text("Set the password by an invitation", "#screen")


def test_one_who_is_there_is_invited_and_one_who_is_disabled_is_not(browser, console, make_browser, httpd, add, root, database):
    """[C10] [A8]"""
    user = add()
    client = log_in(httpd, user)
    console.enter(root, of(user))
    console.click(".screen-actions button", "Invite")
    console.dialog("until then the old one counts")
    console.click("dialog[open] button", "Cancel")
    browser.gone("dialog[open]")
    assert database.value("SELECT invitation_hash FROM chatsession.users WHERE name = %s", (user.name,)) is None
    console.click(".screen-actions button", "Invite")
    console.click("dialog[open] .button-primary", "Invite")
    address = browser.see("#invitation-shown").text
    console.click("dialog[open] .button-primary", "Done")
    assert is_logged_in(client)
    set_password(make_browser(), address, "seven pale lanterns")
    assert not is_logged_in(client)
    console.go("audit")
    browser.see_text("Invited a user", "#screen")
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = %s", (user.name,))
    console.open(of(user))
    browser.see_text("disabled", ".user-facts .badge")
    assert "Invite\u2026" not in buttons(browser)


# --- changing


def test_a_new_role_ends_the_sessions(browser, console, httpd, add, root, database):
    """[A8]"""
    user = add("viewer")
    client = log_in(httpd, user)
    console.enter(root, of(user))
    console.click(".screen-actions button", "Change role")
    console.click("dialog[open] .button-primary")
    console.dialog("This is the present role.")
    choose(browser, "#change-role", "operator")
    console.click("dialog[open] .button-primary")
    console.toast("now has the role \u201cOperator\u201d")
    browser.see_text("Operator: may also expire", ".user-facts")
    browser.see_text("not logged in anywhere", ".user-sessions")
    assert not is_logged_in(client) and row(database, user.name) == ("operator", False)


def test_disable_asks_and_can_be_undone(browser, console, httpd, add, root, database):
    """[A8]"""
    user = add()
    client = log_in(httpd, user)
    console.enter(root, of(user))
    console.click(".screen-actions .button-danger", "Disable")
    console.dialog("no log-in is possible any more")
    console.click("dialog[open] button", "Cancel")
    browser.gone("dialog[open]")
    assert is_logged_in(client) and row(database, user.name) == ("user", False)
    console.click(".screen-actions .button-danger", "Disable")
    console.click("dialog[open] .button-danger")
    console.toast("is disabled.")
    browser.see_text("disabled", ".user-facts .badge")
    assert not is_logged_in(client) and row(database, user.name) == ("user", True)
    console.click(".toast button", "Undo")
    browser.see_text("enabled", ".user-facts .badge")
    assert row(database, user.name) == ("user", False)
    console.click(".screen-actions .button-danger", "Disable")
    console.click("dialog[open] .button-danger")
    console.click(".screen-actions button", "Enable")
    browser.see_text("enabled", ".user-facts .badge")
    assert row(database, user.name) == ("user", False)


def test_a_reset_password_is_shown_once_and_the_old_one_is_void(browser, console, httpd, add, root):
    """[A8]"""
    user = add()
    client = log_in(httpd, user)
    console.enter(root, of(user))
    console.click(".screen-actions button", "Reset password")
    console.dialog("The old one is void")
    console.click("dialog[open] .button-danger")
    password = browser.see("#password-shown").text
    console.pictures("console-user-password")
    console.click("dialog[open] .button-primary", "Done")
    browser.see_text("not logged in anywhere", ".user-sessions")
    assert password != user.password and password not in browser.driver.page_source
    assert not is_logged_in(client) and is_logged_in(log_in(httpd, User(user.name, password)))


def test_one_session_or_all_of_a_user_are_ended(browser, console, httpd, add):
    """[A8]"""
    user, operator = add(), add("operator")
    clients = [log_in(httpd, user) for _ in range(3)]
    console.enter(operator, of(user))
    console.click("tbody button", "End")
    console.dialog("End 1 session?")
    console.click("dialog[open] .button-danger")
    console.toast("1 session ended.")
    browser.wait(lambda: len(browser.find("tbody tr")) == 2, "the two other sessions")
    assert sorted(is_logged_in(client) for client in clients) == [False, True, True]
    console.click(".section-header button", "End all sessions")
    console.dialog("in every browser")
    console.click("dialog[open] .button-danger")
    console.toast("2 sessions ended.")
    browser.see_text("not logged in anywhere", ".user-sessions")
    assert not any(is_logged_in(client) for client in clients)


def test_what_is_shown_once_stays_above_the_log_in_until_it_was_put_away(browser, console, httpd, add, root):
    browser.expect_console("401")
    me, other = add("admin"), add("user")
    look_at(browser, console, me, other)
    console.click(".screen-actions button", "Reset password")
    console.click("dialog[open] .button-danger")
    password = browser.see("#password-shown").text
    log_in(httpd, root, "/chat-admin").json("POST", f"api/users/{me.name}/sessions/revoke", 200)
    assert browser.run("return import('./shared/api.js').then((m) => m.api.get('api/users')).catch((problem) => problem.status)") == 401
    assert browser.see("#password-shown").text == password
    console.click("dialog[open] .button-primary", "Done")
    browser.see_text("Your session has ended.", "form")


def test_who_was_demoted_meanwhile_changes_nothing_and_is_led_to_the_log_in(browser, console, httpd, add, root):
    """[A8] [E5]"""
    browser.expect_console("401")
    me, other = add("admin"), add("admin")
    look_at(browser, console, me, other)
    above = log_in(httpd, root, "/chat-admin")
    above.json("PATCH", f"api/users/{me.name}", 200, json={"role": "operator"})
    console.click(".screen-actions .button-danger", "Disable")
    console.click("dialog[open] .button-danger")
    browser.see_text("Your session has ended.", "form")
    assert above.json("GET", f"api/users/{other.name}", 200)["disabled"] is False
    console.log_in(me)
    browser.see_text(other.name, "h1")
    console.loaded()
    assert not browser.find(".screen-actions button")


def test_a_user_who_is_none_is_said_so(browser, console, root):
    browser.expect_console("404")
    console.enter(root, f"{LIST}&name=nobody")
    browser.see_text("This does not exist (any more).", "#screen")
    console.click(".back-link")
    browser.see("#users-find")


# --- sizes, languages


@pytest.mark.window(390, 844)
def test_nothing_is_wider_than_a_phone_and_everything_is_reached(browser, console, httpd, add, root):
    user = add("user", "a_name_without_any_space_in_it_" * 2)
    log_in(httpd, user)
    console.enter(root, f"{LIST}&q=a_name")
    console.loaded()
    console.fits()
    console.click(".screen-actions button", "New user")
    console.fits()
    console.press(Keys.ESCAPE)
    console.click(".title-link")
    browser.see_text(user.name, "h1")
    console.loaded()
    console.fits()
    for words in ("Change role", "Disable"):
        console.click(".screen-actions button", words)
        console.fits()
        console.click("dialog[open] button", "Cancel")
        browser.gone("dialog[open]")
    console.click(".screen-actions button", "Reset password")
    console.click("dialog[open] .button-danger")
    browser.see("#password-shown")
    console.fits()
    console.click("dialog[open] .button-primary")


def test_every_word_is_there_in_both_languages(browser, console, httpd, add, root, make_browser):
    user = add("user", "\u6c34\u91ce \u84bc")
    log_in(httpd, user)
    console.enter(root, LIST)
    assert browser.run("return import('./shared/i18n.js').then((m) => m.missingMessages())") == {"en": [], "ja": []}
    japanese = ConsolePage(make_browser(language="ja-JP"), httpd)
    japanese.enter(root, of(user))
    japanese.browser.see_text("\u5f79\u5272\u3092\u5909\u66f4", ".screen-actions")
    for page, language in ((console, "en"), (japanese, "ja")):
        for view, name in ((LIST, "users"), (of(user), "user")):
            page.open(view)
            page.browser.see("#screen h1")
            page.loaded()
            page.pictures(f"console-{name}-{language}")
        page.click(".screen-actions button")
        page.browser.see("dialog[open]")
        page.pictures(f"console-user-role-{language}")
        page.press(Keys.ESCAPE)
        page.go("users")
        page.click(".screen-actions button")
        page.browser.see("dialog[open]")
        page.pictures(f"console-user-new-{language}")
