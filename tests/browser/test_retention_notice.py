# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""How long a chat is kept: what its owner is told is what the operators' explanation says, but for holds."""
import itertools

import pytest

from harness.client import Client, log_in
from harness.pages import ChatPage

_numbers = itertools.count(1)


@pytest.fixture
def person(database):
    return database.add_user(f"rena-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


@pytest.fixture
def operator(httpd, database):
    one = Client(httpd.url)
    one.login(database.add_user(f"opera-{next(_numbers)}", "admin"))
    return one


@pytest.fixture
def rule(database, person):
    """rule(days): their conversations end so many days after they began; None: never."""
    yield lambda days, subject="user", value=None: database.rows(
        "INSERT INTO chatsession.retention_rules (subject, value, user_id, clock, keep_days, changed_by)"
        " SELECT %s, %s, CASE WHEN %s = 'user' THEN u.id END, 'age', %s, 'test' FROM chatsession.users u WHERE u.name = %s",
        (subject, value, subject, days, person.name))
    database.rows("DELETE FROM chatsession.retention_rules")


def test_the_owner_is_told_what_the_rules_say(client, operator, rule):
    made = client.new_conversation("kept?")
    other = client.new_conversation("another")
    client.json("PATCH", f"api/conversations/{other}", 200, json={"pinned": True})

    def notice(one):
        return client.conversation(one)["retention"]

    def explained(one):
        return operator.console.json("GET", f"api/conversations/{one}/retention", 200)
    assert notice(made) == {"verdict": "kept", "due_at": None}
    rule(3)
    assert notice(made)["verdict"] == "due" and notice(made)["due_at"] == explained(made)["due_at"]
    assert notice(other) == {"verdict": "pinned", "due_at": None} and explained(other)["verdict"] == "pinned"
    changed = client.json("PATCH", f"api/conversations/{other}", 200, json={"pinned": False})
    assert changed["retention"]["verdict"] == "due"
    rule(None, "model", "mock")
    client.turn(made, "Hello")
    assert notice(made)["verdict"] == "due", "a rule for the user counts before one for a model"
    client.json("DELETE", f"api/conversations/{made}", 204)
    assert notice(made) is None
    assert client.conversation(made)["purge_at"]


def test_the_owner_does_not_learn_of_a_hold(client, operator, rule):
    made = client.new_conversation("held")
    rule(3)
    before = client.conversation(made)
    operator.console.json("POST", "api/matters", 201, json={"name": f"matter of {made}", "reason": "court",
                                                                "ids": [made]})
    assert operator.console.json("GET", f"api/conversations/{made}/retention", 200)["verdict"] == "held"
    assert client.conversation(made) == before


def test_the_page_says_it_in_both_languages(httpd, browser, make_browser, person, client, rule):
    made = client.new_conversation("kept?")
    client.turn(made, "Hello")
    rule(3)
    page = ChatPage(browser, httpd).enter(person, f"?c={made}")
    browser.see_text("Kept until", "#chat-kept")
    assert "chat-kept-soon" in browser.find("#chat-kept")[0].get_attribute("class")
    page.menu("Pin")
    browser.see_text("Kept because it is pinned", "#chat-kept")
    page.menu("Move to trash")
    page.dismiss_toasts()
    page.click("#trash-toggle")
    page.click("#conversations a[data-id]")
    browser.see_text("will be deleted for good on", "#composer-note")
    japanese = ChatPage(make_browser(language="ja-JP"), httpd).enter(person, f"?c={made}")
    japanese.browser.see_text("完全に削除されます", "#composer-note")
