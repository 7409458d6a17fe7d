# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Several conversations of the list at once: chosen with the mouse or the keyboard, put away, brought back, exported."""
import itertools
import json

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import log_in
from harness.pages import ChatPage

_numbers = itertools.count(1)


@pytest.fixture
def person(database):
    return database.add_user(f"sella-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


def make(client, *titles):
    return [client.json("POST", "api/conversations/import", 201, json={
        "key": f"select:{title}", "title": title,
        "messages": [{"role": "user", "content": f"about {title}"}, {"role": "assistant", "content": "yes"}]})["id"]
            for title in titles]


@pytest.fixture
def chat(httpd, browser, person, client):
    make(client, "one", "two", "three", "four")
    page = ChatPage(browser, httpd).enter(person)
    page.wait_texts("#conversations .row-title", ["four", "three", "two", "one"])
    page.click("#select-toggle")
    browser.see(".row-check")
    return page


def listed(client, state):
    return {one["title"] for one in client.json("GET", f"api/conversations?state={state}", 200)["conversations"]}


def choose(chat, *titles):
    for title in titles:
        chat.click(".row-link", title)


def deed(chat, name):
    chat.click(f"#selection [data-deed={name}]")


def test_several_are_archived_and_trashed_and_taken_back(chat, browser, client):
    assert browser.find("[data-deed=trash]")[0].get_attribute("disabled"), "nothing is chosen"
    choose(chat, "one", "three")
    browser.see_text("Chosen: 2", ".selection-count")
    deed(chat, "archive")
    chat.toast("Moved to the archive: 2")
    assert listed(client, "archived") == {"one", "three"}
    chat.wait_texts("#conversations .row-title", ["four", "two"])
    assert not browser.find(".row-check"), "the choosing has ended"
    chat.click(".toast .button", "Undo")
    chat.toast("Taken out of the archive: 2")
    assert listed(client, "archived") == set()
    chat.dismiss_toasts()
    chat.click("#select-toggle")
    choose(chat, "two", "four")
    deed(chat, "trash")
    chat.toast("Moved to the trash: 2")
    assert listed(client, "trashed") == {"two", "four"}
    chat.dismiss_toasts()
    chat.click("#trash-toggle")
    browser.see_text("Deleted for good on", "#conversations")
    chat.click("#select-toggle")
    deed(chat, "all")
    browser.see_text("Chosen: 2", ".selection-count")
    deed(chat, "restore")
    chat.toast("Restored: 2")
    assert listed(client, "active") == {"one", "two", "three", "four"}


def test_the_keyboard_alone_chooses_a_range_and_gives_up(chat, browser, client):
    browser.run("document.querySelector('.row-check').focus()")
    chat.press(Keys.SPACE)
    browser.see_text("Chosen: 1", ".selection-count")
    browser.run("""const boxes = document.querySelectorAll('.row-check');
        boxes[2].dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true, cancelable: true }))""")
    browser.see_text("Chosen: 3", ".selection-count")
    assert [box.is_selected() for box in browser.find(".row-check")] == [True, True, True, False]
    browser.run("document.querySelector('.row-check').focus()")
    chat.press(Keys.ESCAPE)
    browser.gone("#selection")
    assert chat.focused() == "select-toggle"
    assert listed(client, "active") == {"one", "two", "three", "four"}


def test_all_of_a_long_list_are_chosen_not_only_those_loaded(httpd, browser, person, client):
    titles = [f"no {n}" for n in range(60)]
    make(client, *titles)
    page = ChatPage(browser, httpd).enter(person)
    browser.see(".row-link")
    page.click("#select-toggle")
    deed(page, "all")
    browser.see_text("Chosen: 60", ".selection-count")
    deed(page, "trash")
    page.toast("Moved to the trash: 60")
    assert listed(client, "active") == set()


def test_what_cannot_be_changed_is_told_and_the_rest_is_done(chat, browser, client, database, person):
    browser.expect_console("404")
    choose(chat, "one", "two")
    database.rows("UPDATE chatsession.conversations SET trashed_at = now(), trashed_by = 'operator', purge_at = now()"
                  " WHERE title = 'one' AND user_id = (SELECT id FROM chatsession.users WHERE name = %s)",
                  (person.name,))
    deed(chat, "archive")
    chat.toast("Moved to the archive: 1")
    chat.toast("Left as they were: 1.")
    assert listed(client, "archived") == {"two"}


def test_the_chosen_ones_are_one_file(chat, browser, client):
    choose(chat, "four", "two")
    deed(chat, "export")
    chat.click(".menu-item", "As NDJSON")
    lines = [json.loads(line) for line in chat.downloaded(".ndjson").splitlines()]
    assert [line["title"] for line in lines if line["type"] == "conversation"] == ["four", "two"]
    assert lines[-1]["type"] == "end" and lines[-1]["conversations"] == 2


def test_one_chat_is_an_html_file_that_runs_nothing(httpd, browser, person, client):
    body = {"key": "html", "title": "<b>Title</b>", "messages": [
        {"role": "user", "content": "<script>alert(1)</script>"},
        {"role": "assistant", "content": "| a | b |\n|---|---|\n| 1 | \u6f6e |\n\n<img src=x onerror=alert(1)>"}]}
    chosen = client.json("POST", "api/conversations/import", 201, json=body)["id"]
    page = ChatPage(browser, httpd).enter(person, f"?c={chosen}")
    browser.see(".message")
    page.menu("Export as HTML")
    text = page.downloaded(".html").decode()
    assert "<td>\u6f6e</td>" in text and "&lt;b&gt;Title&lt;/b&gt;" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "<script" not in text and "<img" not in text
    assert "default-src 'none'" in text and "<button" not in text


def test_both_languages_look_as_they_should(chat, httpd, make_browser, person):
    choose(chat, "one", "three")
    chat.pictures("selection", sizes=((1280, 800),))
    chat.browser.resize(390, 844)
    chat.click("#sidebar-open")
    chat.pictures("selection-phone", sizes=((390, 844),))
    japanese = ChatPage(make_browser(language="ja-JP"), httpd).enter(person)
    japanese.click("#select-toggle")
    japanese.browser.see_text("選択中: 0 件", ".selection-count")
    japanese.pictures("selection-ja", sizes=((1280, 800),))
