# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Links by which others who log in read one chat: what they show, what they never show, and how they end."""
import itertools
import uuid

import pytest

from harness.client import Client, log_in
from harness.pages import ChatPage

_numbers = itertools.count(1)


@pytest.fixture
def person(database):
    return database.add_user(f"shara-{next(_numbers)}")


@pytest.fixture
def reader(database):
    return database.add_user(f"reader-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


@pytest.fixture
def other(httpd, reader):
    return log_in(httpd, reader)


def said(client, *texts):
    made = client.new_conversation("tides")
    for text in texts:
        client.turn(made, text)
    return made, client.conversation(made)["messages"]


def share(client, conversation, message, status=201):
    return client.json("POST", f"api/conversations/{conversation}/share", status, json={"message_id": message["id"]})


def test_it_shows_that_branch_as_it_was_and_nothing_else(client, other, person):
    """[E2] no other revision, nothing later, no thoughts, settings or ratings"""
    made, messages = said(client, "first question", "second question")
    client.json("PATCH", f"api/conversations/{made}", 200, json={"system": "a secret instruction"})
    regenerated = client.stream("POST", f"api/conversations/{made}/regenerate",
                                json={"message_id": messages[1]["id"], "client_id": str(uuid.uuid4())})
    for _ in regenerated:
        pass
    made_share = share(client, made, messages[3])
    assert share(client, made, messages[3]) == made_share, "the same again is the same link"
    client.turn(made, "said later")
    shared = other.json("GET", f"api/shared/{made_share['id']}", 200)
    assert [one["content"] for one in shared["messages"]] == [one["content"] for one in messages]
    assert (shared["user"], shared["title"]) == (person.name, "tides")
    assert set(shared) == {"id", "title", "user", "created_at", "messages"}
    assert {key for one in shared["messages"] for key in one} == {"role", "content", "status", "created_at", "model"}
    assert "secret" not in str(shared) and "later" not in str(shared)


def test_only_its_owner_makes_lists_and_ends_it_and_it_ends_with_the_chat(client, other, httpd, database, person):
    """[E2]"""
    made, messages = said(client, "mine")
    _, foreign_messages = said(other, "theirs")
    share(other, made, messages[1], 404)
    share(client, made, foreign_messages[1], 404)
    link = share(client, made, messages[1])["id"]
    assert [one["id"] for one in client.json("GET", "api/shares", 200)["shares"]] == [link]
    assert other.json("GET", "api/shares", 200)["shares"] == []
    other.json("DELETE", f"api/shares/{link}", 404)
    Client(httpd.url).json("GET", f"api/shared/{link}", 401)
    client.json("DELETE", f"api/conversations/{made}", 204)
    other.json("GET", f"api/shared/{link}", 404)
    client.json("POST", f"api/conversations/{made}/restore", 200)
    other.json("GET", f"api/shared/{link}", 200)
    database.rows("UPDATE chatsession.users SET disabled_at = now() WHERE name = %s", (person.name,))
    other.json("GET", f"api/shared/{link}", 404)
    database.rows("UPDATE chatsession.users SET disabled_at = NULL WHERE name = %s", (person.name,))
    log_in(httpd, person).json("DELETE", f"api/shares/{link}", 204)
    other.json("GET", f"api/shared/{link}", 404)


def test_a_site_may_offer_none(make_httpd, database, person):
    server = make_httpd(database.conninfo, lines=["ChatSessionShare off"])
    client = log_in(server, person)
    made, messages = said(client, "mine")
    assert share(client, made, messages[1], 403)["error"] == "sharing_off"
    link = database.value("INSERT INTO chatsession.shares (conversation_id, last_message_id) VALUES (%s, %s)"
                          " RETURNING id::text", (made, messages[1]["id"]))
    client.json("GET", f"api/shared/{link}", 404)
    assert client.json("GET", "api/shares", 200)["offered"] is False
    client.json("DELETE", f"api/shares/{link}", 204)


def test_the_page_makes_it_another_person_reads_it_and_goes_on(httpd, browser, make_browser, person, reader, client):
    made, _ = said(client, "Why **are** there tides?")
    page = ChatPage(browser, httpd).enter(person, f"?c={made}")
    browser.see(".message")
    page.menu("Share")
    page.click("dialog[open] .button-primary")
    link = browser.see("dialog[open] input").get_property("value")
    assert "?shared=" in link
    page.press("\ue00c")
    theirs = ChatPage(make_browser(language="ja-JP"), httpd)
    theirs.browser.open(link)
    theirs.log_in(reader)
    theirs.browser.see_text(person.name, ".shared-head")
    assert theirs.texts(".said") == ["Why **are** there tides?"]
    theirs.pictures("shared")
    theirs.click(".shared .button-primary")
    theirs.browser.see("#composer-text")
    theirs.wait_texts(".message-user .message-body", ["Why **are** there tides?"])
    page.account()
    page.click("[data-data]")
    page.click("[data-end-share]")
    page.toast("opens nothing any more")
    theirs.browser.expect_console("404")
    theirs.browser.open(link)
    theirs.browser.see_text("このリンクは無効です", ".shared h1")
