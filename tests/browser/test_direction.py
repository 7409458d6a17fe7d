# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Text that is written from right to left, or that says it were, stands in its own place: what is beside it, and the sentence around
it, stay where they are. What counts is where words are drawn, not in which order they are in the document."""
import itertools

import pytest

from harness.client import log_in
from harness.pages import ChatPage, ConsolePage

_numbers = itertools.count(1)
# Hebrew; an override without an end; one that first closes what it may stand in.
TITLES = {"hebrew": "\u05e9\u05dc\u05d5\u05dd (1)", "override": "\u202eexe.txt", "closing": "\u2069\u2069\u202eexe.txt"}
# Where the first occurrence of each word is drawn in an element: its left edge; null: nowhere.
_LEFT = """
const [css, words] = arguments;
const element = [...document.querySelectorAll(css)].find((one) => one.getClientRects().length > 0);
const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
const nodes = [];
while (walker.nextNode()) nodes.push(walker.currentNode);
return words.map((word) => {
  const node = nodes.find((one) => one.data.includes(word));
  if (!node) return null;
  const range = new Range();
  range.setStart(node, node.data.indexOf(word));
  range.setEnd(node, node.data.indexOf(word) + word.length);
  return range.getBoundingClientRect().left;
});
"""


@pytest.fixture
def person(database):
    return database.add_user(f"dana-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


def in_order(browser, css, *words):
    """Each of these words is drawn right of the one before."""
    found = browser.run(_LEFT, css, words)
    assert None not in found and found == sorted(found) and len(set(found)) == len(found), f"{css}: {list(zip(words, found))}"


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_a_title_moves_nothing_around_it_on_the_chat_page(httpd, browser, person, client, title):
    """[K6]"""
    made = client.json("POST", "api/conversations/import", 201, json={
        "key": "k6", "title": title, "labels": ["alpha", "beta"], "messages": [{"role": "user", "content": title}, {"role": "assistant", "content": "yes"}]})["id"]
    page = ChatPage(browser, httpd).enter(person, f"?c={made}")
    browser.see(".row-label")
    visible = title.lstrip("\u2069\u202e")
    in_order(browser, ".row-labels", "alpha", "beta")
    edges = browser.run("const at = (css) => document.querySelector(css).getBoundingClientRect(); return [at('.row-title').left, at('.row-menu').left]")
    assert edges == sorted(edges)
    page.menu("Archive")
    browser.see(".toast")
    in_order(browser, ".toast-text", "\u201c", visible, "\u201d", "is in", "the archive")
    page.dismiss_toasts()
    page.write("#search", f"{title}zz")
    browser.see_text("Nothing found", "#conversations")
    in_order(browser, ".list-empty", "Nothing found for", visible[:3], ".")


@pytest.mark.parametrize("label", TITLES.values(), ids=TITLES)
def test_a_label_moves_nothing_around_it(httpd, browser, person, client, label):
    """[K6]"""
    client.json("POST", "api/conversations/import", 201, json={
        "key": "k6", "title": "a chat", "labels": [label, "zz"], "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "yes"}]})
    page = ChatPage(browser, httpd).enter(person)
    browser.see(".row-label")
    visible = label.lstrip("\u2069\u202e")
    boxes = browser.run("return [...document.querySelectorAll('.row-label')].map((one) => [one.textContent, one.getBoundingClientRect().left])")
    assert [left for _, left in boxes] == sorted(left for _, left in boxes)
    page.click("#label-filter [data-filter]")
    page.click(".menu-item", visible[:3] if label != TITLES["hebrew"] else "\u05e9")
    browser.see_text("Label:", "#label-filter")
    in_order(browser, "#label-filter", "Label:", visible)


def test_the_console_shows_what_is_not_seen_and_its_cells_stay(httpd, browser, database, client, person):
    """[K6]"""
    for number, title in enumerate([*TITLES.values(), "plain"]):
        client.json("POST", "api/conversations/import", 201, json={
            "key": f"{number}", "title": title, "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "yes"}]})
    console = ConsolePage(browser, httpd)
    console.enter(database.add_user(f"desk-{next(_numbers)}", "admin"), f"?view=conversations&user={person.name}")
    browser.wait(lambda: len(console.rows()) == 4, "the rows")
    rows = browser.run("return [...document.querySelectorAll('#screen tbody tr')].map((row) => [...row.cells].map((cell) => Math.round(cell.getBoundingClientRect().left)))")
    assert len({tuple(row) for row in rows}) == 1, "the cells of all rows stand in line"
    texts = console.texts("#screen tbody .primary")
    assert sum("RLO" in text for text in texts) == 2 and any("PDI" in text for text in texts), texts
