# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The main states of both pages, judged by axe-core, light and dark: nothing serious and nothing critical."""
import itertools
import threading

import pytest
from selenium.webdriver.common.keys import Keys

from harness import axe
from harness.client import log_in
from harness.pages import ChatPage, ConsolePage
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

_numbers = itertools.count(1)
ANSWER = ("## Tides\n\nA **table** and a [link](https://example.org/):\n\n| a | b |\n|---|---|\n| 1 | \u6f6e |\n\n> quoted\n\n"
          "1. one\n2. two\n\n```python\nprint('a line')\n```\n\nand `code`.")


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"])


@pytest.fixture
def person(database, model):
    model.reset()
    return database.add_user(f"axel-{next(_numbers)}", "admin")


class Judge:
    """judge("state"): looks at the page in both themes and notes what is wrong."""

    def __init__(self, browser):
        self._browser, self.states, self.found = browser, [], []

    def __call__(self, state):
        self.states.append(state)
        for theme in ("light", "dark"):
            self._browser.run("document.documentElement.dataset.theme = arguments[0]", theme)
            self.found += [f"{state}, {theme}: {one}" for one in axe.violations(self._browser)]


def conversation(client, answer=ANSWER):
    return client.json("POST", "api/conversations/import", 201, json={
        "key": f"axe:{next(_numbers)}", "title": "Tides \u6f6e\u6c50",
        "messages": [{"role": "user", "content": "Why are there tides?"}, {"role": "assistant", "content": answer}]})["id"]


def thinks_and_stays(gate):
    def script(answer):
        answer.begin()
        answer.event({"choices": [{"index": 0, "delta": {"reasoning_content": "The moon."}}]})
        answer.text("It is ")
        answer.hold(gate)
        answer.text("so.")
        answer.finish()
        answer.done()
    return script


def fails(answer):
    answer.begin()
    answer.text("half of it")
    answer.cut()


def test_the_chat_page(server, browser, person, model):
    judge, page = Judge(browser), ChatPage(browser, server)
    server.expect_log("AH01110", "AH01102")
    browser.expect_console("401", "404")
    page.open()
    browser.see("#login-username")
    judge("log-in")
    page.log_in(person)
    browser.see("#composer-text")
    judge("nothing said yet")
    client = log_in(server, person)
    first = conversation(client)
    conversation(client)
    page.open(f"?c={first}")
    browser.see(".markdown table")
    judge("a conversation")
    page.click("#chat-menu")
    browser.see(".menu-item")
    judge("its menu")
    page.press(Keys.ESCAPE)
    page.click("#select-toggle")
    page.click(".row-check")
    judge("several chosen")
    page.click("#select-toggle")
    page.write("#search", "\u6f6e\u6c50")
    browser.see_text("Search results", "#conversations")
    judge("search")
    page.write("#search", "none such")
    browser.see_text("Nothing found", "#conversations")
    judge("nothing found")
    page.write("#search", " ")
    gate = threading.Event()
    model.script = thinks_and_stays(gate)
    page.send("And now?")
    page.see_answer("It is")
    judge("an answer that is written")
    gate.set()
    page.answer()
    model.script = fails
    page.send("And then?")
    browser.see(".failure")
    judge("an answer that failed")
    page.click(".message-user [data-action=edit]")
    browser.see(".editor")
    judge("a message that is edited")
    page.press(Keys.ESCAPE)
    for name, opener in (("settings", "#chat-settings"), ("account", "#account")):
        page.click(opener)
        browser.see("dialog[open]")
        judge(name)
        page.press(Keys.ESCAPE)
        browser.gone("dialog[open]")
    for name, button in (("own account", "[data-own]"), ("own data", "[data-data]")):
        page.account()
        page.click(button)
        browser.see(".own-part")
        judge(name)
        page.press(Keys.ESCAPE)
        browser.gone("dialog[open]")
    page.menu("Share")
    page.click("dialog[open] .button-primary")
    link = browser.see("dialog[open] input").get_property("value")
    judge("sharing")
    page.press(Keys.ESCAPE)
    browser.gone("dialog[open]")
    page.press(Keys.CONTROL, "/")
    browser.see(".keys")
    judge("shortcuts")
    page.press(Keys.ESCAPE)
    page.menu("Move to trash")
    page.click("#trash-toggle")
    browser.see("[data-restore]")
    judge("trash")
    page.open("?c=00000000-0000-4000-8000-000000000000")
    browser.see(".failure")
    judge("a conversation that is not there")
    page.open()
    page.click("#chat-temporary")
    judge("a temporary chat")
    browser.open(link)
    browser.see(".shared h1")
    judge("a shared chat that is in the trash")
    client.json("POST", f"api/conversations/{first}/restore", 200)
    browser.open(link)
    browser.see(".plain-message")
    judge("a shared chat")
    browser.resize(390, 844)
    page.open(f"?c={first}")
    page.click("#sidebar-open")
    judge("the drawer of a phone")
    assert len(judge.states) == 22
    assert not judge.found, "\n".join(dict.fromkeys(judge.found))


def test_the_console(server, browser, person, model):
    client = log_in(server, person)
    first = conversation(client)
    judge, page = Judge(browser), ConsolePage(browser, server)
    page.open()
    browser.see("#login-username")
    judge("log-in")
    page.log_in(person)
    browser.see("#screen h1")
    views = browser.run("return [...document.querySelectorAll('.nav a[data-view]')].map((a) => a.dataset.view)")
    for view in views:
        page.go(view)
        page.loaded()
        judge(view)
    page.open(f"?conversation={first}")
    browser.see("#screen h1")
    page.loaded()
    judge("a transcript")
    assert len(views) >= 6
    assert not judge.found, "\n".join(dict.fromkeys(judge.found))
