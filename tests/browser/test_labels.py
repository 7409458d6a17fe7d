# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A user's labels on the page: given in a dialog, seen in the list, chosen above it, given to several, renamed and removed."""
import itertools

import pytest
from selenium.webdriver.common.keys import Keys

from harness import axe
from harness.client import log_in
from harness.pages import ChatPage
from harness.place import TREE

_numbers = itertools.count(1)
PICTURES = TREE / "build" / "screenshots"
WORK = "\u4ed5\u4e8b"


@pytest.fixture
def person(database):
    return database.add_user(f"labella-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


def make(client, title, *labels):
    return client.json("POST", "api/conversations/import", 201, json={
        "key": f"labels:{title}", "title": title, "labels": list(labels),
        "messages": [{"role": "user", "content": f"about {title}"}, {"role": "assistant", "content": "yes"}]})["id"]


def labels(client, identifier):
    return client.conversation(identifier)["labels"]


def titles(page, *expected):
    page.wait_texts("#conversations .row-title", list(expected))


def test_a_label_is_given_seen_and_chosen_with_the_keyboard(httpd, browser, person, client):
    ids = [make(client, title) for title in ("one", "two", "three")]
    page = ChatPage(browser, httpd).enter(person)
    titles(page, "three", "two", "one")
    assert not browser.find("#label-filter")[0].is_displayed(), "who has no labels sees no filter"
    browser.run("document.querySelectorAll('.row-menu')[1].focus()")
    page.press(Keys.ENTER)
    browser.see(".menu")
    page.click(".menu-item", "Labels")
    page.dialog("Labels of this chat")
    assert page.focused() == "label-new"
    for word in (f"  {WORK} ", "<b>tax</b>"):
        browser.driver.execute_cdp_cmd("Input.insertText", {"text": word})
        page.press(Keys.ENTER)
    page.press(Keys.ENTER)
    browser.gone("dialog")
    page.wait_texts(".row-label", ["<b>tax</b>", WORK])
    assert labels(client, ids[1]) == ["<b>tax</b>", WORK]
    page.click("#label-filter [data-filter]", "All labels")
    page.click(".menu-item", f"{WORK}")
    titles(page, "two")
    browser.see_text(f"Label: \u2068{WORK}\u2069", "#label-filter")
    page.click("#label-filter [data-end]")
    titles(page, "three", "two", "one")


def test_a_label_leads_to_the_archive_too_and_what_loses_it_leaves_the_list(httpd, browser, person, client):
    one, two = make(client, "one", "x"), make(client, "two", "x", "y")
    client.json("PATCH", f"api/conversations/{one}", 200, json={"archived": True})
    page = ChatPage(browser, httpd).enter(person)
    titles(page, "two")
    page.click("#label-filter [data-filter]")
    page.click(".menu-item", "x")
    titles(page, "two", "one")
    page.click(".row-menu")
    page.click(".menu-item", "Labels")
    page.dialog("Labels of this chat")
    page.click(".label-choices .check", "x")
    page.click("dialog [type=submit]")
    titles(page, "one")
    assert (labels(client, one), labels(client, two)) == (["x"], ["y"])


def test_several_get_a_label_and_it_is_taken_back(httpd, browser, person, client):
    one, two, three = make(client, "one", "old"), make(client, "two", "both"), make(client, "three")
    page = ChatPage(browser, httpd).enter(person)
    titles(page, "three", "two", "one")
    page.click("#select-toggle")
    browser.see(".row-check")
    page.click(".row-link", "one")
    page.click(".row-link", "two")
    page.click("#selection [data-deed=label]")
    page.dialog("Add labels")
    page.write("#label-new", "both")
    page.click("dialog [type=submit]")
    page.toast("Labelled: 2")
    assert [labels(client, each) for each in (one, two, three)] == [["both", "old"], ["both"], []]
    page.click(".toast .button", "Undo")
    page.toast("Labels as before: 2")
    assert [labels(client, each) for each in (one, two, three)] == [["old"], ["both"], []]


def test_what_another_tab_did_meanwhile_stays(httpd, browser, person, client):
    """[J6] The page says what came and what went, not what all labels are."""
    one, two = make(client, "one", "x", "y"), make(client, "two", "x")
    page = ChatPage(browser, httpd).enter(person)
    titles(page, "two", "one")
    page.click(".row-menu")
    page.click(".menu-item", "Labels")
    page.dialog("Labels of this chat")
    client.json("PATCH", f"api/conversations/{two}", 200, json={"labels": ["x", "elsewhere"]})
    page.write("#label-new", "here")
    page.click(".label-choices .check", "x")
    page.click("dialog [type=submit]")
    browser.gone("dialog")
    assert labels(client, two) == ["elsewhere", "here"]
    page.click("#select-toggle")
    browser.see(".row-check")
    page.click(".row-link", "one")
    page.click("#selection [data-deed=label]")
    page.dialog("Add labels")
    client.json("PATCH", f"api/conversations/{one}", 200, json={"labels": ["z"]})
    page.write("#label-new", "new")
    page.click("dialog [type=submit]")
    page.toast("Labelled: 1")
    assert labels(client, one) == ["new", "z"]
    client.json("PATCH", f"api/conversations/{one}", 200, json={"add_labels": ["later"]})
    page.click(".toast .button", "Undo")
    page.toast("Labels as before: 1")
    assert labels(client, one) == ["later", "z"]


def test_more_than_ten_labels_are_refused_in_words(httpd, browser, person, client):
    """Those of this page, and those that came to more because of another tab."""
    one = make(client, "one", *(f"label {number}" for number in range(9)))
    page = ChatPage(browser, httpd).enter(person)
    titles(page, "one")
    page.click(".row-menu")
    page.click(".menu-item", "Labels")
    page.dialog("Labels of this chat")
    page.write("#label-new", "tenth")
    page.click("dialog [data-add]")
    page.write("#label-new", "eleventh")
    page.click("dialog [type=submit]")
    page.dialog("at most 10 labels")
    page.click(".label-choices .check", "eleventh")
    client.json("PATCH", f"api/conversations/{one}", 200, json={"add_labels": ["elsewhere"]})
    browser.expect_console("409")
    page.click("dialog [type=submit]")
    browser.wait(lambda: browser.run("return performance.getEntriesByType('resource').filter((e) => e.responseStatus === 409).length"), "the refusal")
    page.dialog("at most 10 labels")
    page.click(".label-choices .check", "label 0")
    page.click("dialog [type=submit]")
    browser.gone("dialog")
    assert labels(client, one) == sorted(["elsewhere", "tenth", *(f"label {number}" for number in range(1, 9))])


def test_a_label_gets_another_name_and_goes(httpd, browser, person, client):
    one, two = make(client, "one", "old"), make(client, "two", "old", "other")
    page = ChatPage(browser, httpd).enter(person)
    page.click("#label-filter [data-filter]")
    page.click(".menu-item", "old")
    page.click("#label-filter [data-filter]")
    page.click(".menu-item", "Rename or remove labels")
    page.dialog("Rename or remove labels")
    page.write(".label-list input", "new")
    page.press(Keys.ENTER)
    page.toast("in 2 chats")
    assert (labels(client, one), labels(client, two)) == (["new"], ["new", "other"])
    page.click(".label-list .icon-button")
    page.click("dialog .button-danger", "Remove")
    page.toast("is removed")
    browser.wait(lambda: (labels(client, one), labels(client, two)) == ([], ["other"]), "the label to be gone")
    page.press(Keys.ESCAPE)
    titles(page, "two", "one")
    page.wait_texts(".row-label", ["other"])


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["wide", "phone"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_fits_and_can_be_read(httpd, browser, person, client, size, language):
    """[J6] At two widths, in both languages, light and dark, with the longest labels."""
    long = "\u3068\u3066\u3082\u9577\u3044\u30e9\u30d9\u30eb" * 4
    make(client, "one", WORK, "Taxes 2026", long, "d", "e")
    make(client, "two", *(f"label {n}" for n in range(10)))
    make(client, "three")
    browser.resize(*size)
    page = ChatPage(browser, httpd).enter(person)
    browser.run("localStorage.setItem('chatsession.language', arguments[0])", language)
    browser.see("#conversations, #sidebar-open")
    found = []

    def judge(state):
        page.fits()
        for theme in ("light", "dark"):
            browser.run("document.documentElement.dataset.theme = arguments[0]", theme)
            PICTURES.mkdir(parents=True, exist_ok=True)
            browser.driver.save_screenshot(str(PICTURES / f"labels-{state}-{size[0]}-{language}-{theme}.png"))
            found.extend(f"{state}, {theme}: {one}" for one in axe.violations(browser))
    page.open()
    if size[0] < 800:
        page.click("#sidebar-open")
    browser.see(".row-label")
    browser.see("#label-filter [data-filter]")
    judge("list")
    page.click("#label-filter [data-filter]")
    judge("menu")
    page.click(".menu-item", long)
    titles(page, "one")
    page.click("#select-toggle")
    browser.see("#selection")
    judge("choosing")
    page.click("#select-toggle")
    page.click(".row-menu")
    page.click(".menu-item", "Labels" if language == "en" else "\u30e9\u30d9\u30eb")
    browser.see(".label-form")
    judge("dialog")
    page.press(Keys.ESCAPE)
    page.click("#label-filter [data-filter]")
    page.click(".menu-item", "Rename or" if language == "en" else "\u540d\u524d\u5909\u66f4")
    browser.see(".label-list input")
    judge("manage")
    assert found == []
