# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Temporary chats: in no list, out of sight when they are over, purged by the sweep, and kept when their owner says so."""
import itertools

import pytest

from harness.client import Client, log_in
from harness.pages import ChatPage
from harness.place import wait_until

_numbers = itertools.count(1)


@pytest.fixture
def person(database):
    return database.add_user(f"tempo-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


def make(client):
    return client.json("POST", "api/conversations", 201, json={"temporary": True})


def end(database, conversation):
    database.rows("UPDATE chatsession.conversations SET temporary_until = now() WHERE id = %s", (conversation,))


def count(database, conversation):
    return database.value("SELECT count(*) FROM chatsession.conversations WHERE id = %s", (conversation,))


def test_it_is_in_no_list_and_its_owner_sees_it_until_it_is_over(client, database):
    made = make(client)
    assert made["retention"]["verdict"] == "temporary" and made["retention"]["due_at"]
    client.turn(made["id"], "a word like oumuamua")
    for query in ("", "?state=archived", "?state=kept", "?q=oumuamua&state=kept"):
        assert client.json("GET", f"api/conversations{query}", 200)["conversations"] == []
    assert len(client.conversation(made["id"])["messages"]) == 2
    end(database, made["id"])
    client.json("GET", f"api/conversations/{made['id']}", 404)
    client.json("PATCH", f"api/conversations/{made['id']}", 404, json={"temporary": False})
    wait_until(lambda: count(database, made["id"]) == 0, "the sweep to purge it")


def test_one_that_is_kept_is_like_any_other_and_never_temporary_again(client, database):
    made = make(client)["id"]
    changed = client.json("PATCH", f"api/conversations/{made}", 200, json={"temporary": False, "title": "kept"})
    assert changed["retention"]["verdict"] == "kept"
    assert [one["title"] for one in client.json("GET", "api/conversations", 200)["conversations"]] == ["kept"]
    assert "stays so" in client.json("PATCH", f"api/conversations/{made}", 400, json={"temporary": True})["detail"]


def test_a_hold_keeps_it_and_its_owner_does_not_see_it(httpd, client, database):
    made = make(client)["id"]
    operator = Client(httpd.url)
    operator.login(database.add_user(f"opera-t{next(_numbers)}", "admin"))
    operator.console.json("POST", "api/matters", 201, json={"name": f"matter of {made}", "reason": "court", "ids": [made]})
    end(database, made)
    gone = make(client)["id"]
    end(database, gone)
    wait_until(lambda: count(database, gone) == 0, "the sweep to purge the other one")
    assert count(database, made) == 1
    client.json("GET", f"api/conversations/{made}", 404)


def test_the_page_offers_it_says_it_and_keeps_it(httpd, browser, person, client):
    page = ChatPage(browser, httpd).enter(person)
    page.click("#chat-temporary")
    browser.see_text("Temporary: in no list", "#chat-kept")
    page.ask("not for ever")
    browser.see_text("Temporary: in no list, deleted on", "#chat-kept")
    assert not browser.find("#conversations a[data-id]") and client.json("GET", "api/conversations", 200)["conversations"] == []
    page.menu("Keep this chat")
    page.toast("The chat is kept and in your list.")
    browser.see("#conversations a[data-id]")
    browser.gone("#chat-kept")
    page.click("#new-chat")
    assert browser.see("#chat-temporary").get_attribute("aria-pressed") == "false"
