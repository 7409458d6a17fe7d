# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Keys for programs, made and ended on the page."""
import itertools

import pytest
import requests

from harness.client import log_in
from harness.pages import ChatPage

_numbers = itertools.count(1)


@pytest.fixture
def person(database):
    return database.add_user(f"keyra-{next(_numbers)}")


@pytest.fixture
def chat(httpd, browser, person):
    page = ChatPage(browser, httpd).enter(person)
    page.account()
    page.click("[data-own]")
    page.dialog("Keys for programs")
    return page


def make(chat, name):
    chat.write("#apikey-name", name)
    chat.click("dialog[open] button", "Make a key")
    chat.browser.see_text(f"\u201c\u2068{name}\u2069\u201d", ".own-made")
    return chat.browser.find(".own-key")[0].get_property("value")


def models(httpd, key):
    return requests.get(f"{httpd.url}/v1/models", headers={"Authorization": f"Bearer {key}"}, timeout=10).status_code


def test_a_key_is_shown_once_opens_the_api_and_opens_nothing_when_it_was_ended(chat, httpd, browser, person):
    key = make(chat, "laptop \u6f6e")
    assert models(httpd, key) == 200
    rows = chat.texts("#apikey-name, .own-session:has([data-end-key])")
    assert len(rows) == 2 and key[:12] in rows[0] + rows[1] and "Never used" in rows[0] + rows[1]
    chat.press("\ue00c")
    browser.gone("dialog[open]")
    assert key not in browser.run("return document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage })")
    chat.account()
    chat.click("[data-own]")
    browser.see_text("Last used", ".own-session:has([data-end-key])")
    assert not browser.find(".own-key")
    chat.click("[data-end-key]")
    chat.dialog("End this key?")
    chat.click("dialog[open] .button-danger")
    chat.toast("has ended")
    browser.gone("[data-end-key]")
    assert models(httpd, key) == 401
    client = log_in(httpd, person)
    assert client.json("GET", "api/keys", 200)["keys"] == []


def test_a_refusal_is_said_in_words_and_the_name_stays(chat, browser, database, person):
    browser.expect_console("409")
    database.rows("INSERT INTO chatsession.api_keys (user_id, name, prefix, key_hash)"
                     " SELECT u.id, 'k' || n, 'csk_00000000', sha256(n::text::bytea)"
                     " FROM chatsession.users u, generate_series(1, 50) n WHERE u.name = %s", (person.name,))
    chat.write("#apikey-name", "one more")
    chat.click("dialog[open] button", "Make a key")
    browser.see_text("You have as many keys as one user may have.", "dialog[open] [role=alert]")
    assert browser.find("#apikey-name")[0].get_property("value") == "one more"
