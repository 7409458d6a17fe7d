# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The user's own account in a real browser: sessions seen and ended, the password changed (promise C9)."""
import itertools

import pytest

from harness.client import Client, log_in
from harness.pages import ChatPage

NEW = "seven pale lanterns"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
_numbers = itertools.count(1)


@pytest.fixture
def person(database):
    return database.add_user(f"mika-{next(_numbers)}")


@pytest.fixture
def elsewhere(httpd, person):
    """The same person's Firefox on another machine."""
    client = Client(httpd.url)
    client.session.headers["User-Agent"] = FIREFOX
    client.login(person)
    return client


def open_account(chat, title="My account"):
    chat.account()
    chat.click("[data-own]")
    chat.dialog(title)
    chat.browser.see(".own-session")


@pytest.fixture
def chat(httpd, browser, person, elsewhere):
    page = ChatPage(browser, httpd).enter(person)
    open_account(page)
    return page


def is_logged_in(client):
    return client.json("GET", "api/session", 200)["authenticated"]


def change(chat, current, new):
    chat.write("#password-current", current)
    chat.write("#password-new", new)
    chat.click(".own-form button[type=submit]")


def test_the_sessions_say_where_and_since_when_and_which_is_this_one(chat):
    rows = chat.texts(".own-session")
    assert len(rows) == 2
    assert "Chrome" in rows[0] and "this browser" in rows[0]
    assert "Firefox 128, Linux" in rows[1] and "this browser" not in rows[1]
    for row in rows:
        assert "Address 127.0.0.1" in row and "Logged in " in row and "Last used " in row
    assert chat.texts(".own-session button") == ["Log out"]


def test_another_session_is_ended(chat, elsewhere):
    chat.click("[data-end]")
    chat.toast("Firefox 128, Linux is logged out.")
    chat.browser.wait(lambda: len(chat.texts(".own-session")) == 1, "one session to be left")
    assert not is_logged_in(elsewhere)
    assert not chat.browser.find("[data-end-others]")


def test_all_other_sessions_are_ended_once_that_is_confirmed(chat, httpd, person, elsewhere):
    third = log_in(httpd, person)
    chat.click("[data-end-others]")
    chat.dialog("Log out everywhere else?")
    chat.click("dialog[open] .button", "Cancel")
    assert is_logged_in(elsewhere) and is_logged_in(third)
    chat.click("[data-end-others]")
    chat.click("dialog[open] .button-danger")
    chat.toast("Sessions ended: 2")
    chat.browser.wait(lambda: len(chat.texts(".own-session")) == 1, "one session to be left")
    assert not is_logged_in(elsewhere) and not is_logged_in(third)


def test_the_password_is_changed_and_this_browser_stays(chat, httpd, person, elsewhere):
    change(chat, person.password, NEW)
    chat.toast("The password is changed.")
    chat.browser.wait(lambda: len(chat.texts(".own-session")) == 1, "one session to be left")
    assert not is_logged_in(elsewhere)
    assert chat.browser.run("return document.querySelector('#password-new').value") == ""
    Client(httpd.url).login(person.name, NEW)
    chat.browser.driver.refresh()
    chat.browser.see("#composer-text")


@pytest.mark.parametrize("new, says", [("short", "fewer than 8 characters"), ("password1", "tried first"),
                                       ("127.0.0.1 is home", "name of this site")])
def test_a_password_that_may_not_be_set_is_refused_in_words(chat, person, elsewhere, new, says):
    """[C3]"""
    chat.browser.expect_console("400")
    change(chat, person.password, new)
    chat.browser.see_text(says, "#password-message")
    assert chat.focused() == "password-new"
    assert is_logged_in(elsewhere)


def test_a_wrong_present_password_is_said_where_it_stands(chat, elsewhere):
    chat.browser.expect_console("403")
    change(chat, "not the one", NEW)
    chat.browser.see_text("The present password is wrong.", "#password-message")
    assert chat.focused() == "password-current"
    assert is_logged_in(elsewhere)


def test_nothing_is_sent_while_a_field_is_empty(chat):
    chat.click(".own-form button[type=submit]")
    chat.browser.see_text("Type the present and the new password.", "#password-message")
    assert chat.focused() == "password-current"


def test_both_languages_look_as_they_should(chat, httpd, make_browser, person):
    chat.pictures("account")
    chat.browser.expect_console("400")
    change(chat, person.password, "password1")
    chat.browser.see_text("tried first", "#password-message")
    chat.pictures("account-password")
    japanese = ChatPage(make_browser(language="ja"), httpd).enter(person)
    open_account(japanese, "マイアカウント")
    assert "このブラウザー" in japanese.texts(".own-session")[0]
    assert "パスワードを変更" in japanese.texts(".own-form button")
    japanese.pictures("account-ja")
    keys = japanese.browser.run("const words = await import('./shared/i18n.js'); return words.missingMessages()")
    assert keys == {"en": [], "ja": []}
