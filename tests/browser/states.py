# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Not a test: the second half of `make pictures`. What a chat page shows only now and then (labels, shares, refusals, waiting,
versions, imports, a session that has ended), in both languages, at two widths, light and dark, to be looked at in build/screenshots."""
import itertools
import json
import threading

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import Client
from harness.pages import ChatPage
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

_numbers = itertools.count(1)
WIDE, PHONE = (1280, 960), (390, 844)
WORDS = {
    "en": {"language": "en-US", "name": "robin", "labels": "Labels", "share": "Share", "pin": "Pin", "ask": "Why is the sky blue?", "again": "And at sunset, why is it red then?",
           "tell": "Air scatters **short** waves more than long ones.", "labelled": ["physics", "to read again"], "none": "zebra",
           "comment": "Clear, and short."},
    "ja": {"language": "ja-JP", "name": "健太", "labels": "ラベル", "share": "共有", "pin": "ピン留め", "ask": "空はなぜ青いのですか？", "again": "では、夕方に赤く見えるのはなぜですか？",
           "tell": "空気は波長の**短い**光ほど強く散乱するためです。", "labelled": ["物理", "あとで読み返す"], "none": "縞馬", "comment": "短くて分かりやすい。"},
}
# The next sending of a message is refused like this.
_REFUSE = """const real = window.fetch; let first = true; const [status, code] = arguments;
    window.fetch = (url, init) => {
      if (!first || !String(url).endsWith('/messages')) return real(url, init);
      first = false;
      return Promise.resolve(new Response(JSON.stringify({ error: code, detail: code, request_id: 'r5V2k1' }),
        { status, headers: { 'Retry-After': '90' } }));
    };"""


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"qwen3 {model.url}"], lines=["ChatSessionMaxTurns 1", "ChatSessionTrashGrace 7d"])


class Scene:
    """One person's page in one language, with a chat of one turn open."""

    def __init__(self, server, database, model, browser, tongue):
        self.words, self.tongue, self.model, self.browser, self.server = WORDS[tongue], tongue, model, browser, server
        self.person = database.add_user(f"{self.words['name']} {next(_numbers)}")
        self.client = Client(server.url)
        self.client.login(self.person)
        for number, labels in enumerate((self.words["labelled"], [], self.words["labelled"][:1])):
            self.first = self.client.json("POST", "api/conversations/import", 201, json={
                "key": f"{number}", "title": self.words["ask"] if number == 2 else self.words["again"], "labels": labels, "messages": [
                    {"role": "user", "content": self.words["ask"]}, {"role": "assistant", "content": self.words["tell"], "model": "qwen3"}]})["id"]
        self.page = ChatPage(browser, server).enter(self.person, f"?c={self.first}")
        browser.see(".message-answer")

    def look(self, name, sizes=(WIDE, PHONE)):
        self.page.pictures(f"state-{name}-{self.tongue}", sizes)
        self.browser.resize(*WIDE)

    def close_dialog(self):
        self.page.press(Keys.ESCAPE)
        self.browser.gone("dialog[open]")

    def reload(self):
        self.browser.driver.refresh()
        self.browser.see(".message-answer")


@pytest.fixture(params=WORDS)
def scene(request, server, database, model, make_browser):
    server.expect_log("AH01110", "AH01102")
    browser = make_browser(*WIDE, language=WORDS[request.param]["language"])
    browser.expect_console("404", "401", "429", "503", "409")
    return Scene(server, database, model, browser, request.param)


def test_what_is_done_with_a_chat(scene):
    page, browser, words = scene.page, scene.browser, scene.words
    page.menu(words["labels"])
    browser.see(".label-choices")
    scene.look("labels")
    scene.close_dialog()
    page.click("#label-filter [data-filter]")
    browser.see(".menu-item")
    scene.look("label-menu", (WIDE,))
    page.click(".menu-item:last-child")
    browser.see(".label-list li")
    scene.look("label-list")
    scene.close_dialog()
    page.menu(words["share"])
    browser.see("dialog[open] .button-primary")
    scene.look("share")
    page.click("dialog[open] .button-primary")
    browser.see("dialog[open] input")
    scene.look("shared-link")
    scene.close_dialog()
    page.account()
    page.click("[data-data]")
    browser.see("[data-end-share]")
    scene.look("shares")
    scene.close_dialog()
    browser.resize(*PHONE)
    page.click("#sidebar-open")
    page.click("#select-toggle")
    page.click(".row-check")
    scene.look("selection", (PHONE,))
    page.click("#select-toggle")
    page.write("#search", words["none"])
    browser.see_text(words["none"], "#conversations")
    scene.look("nothing-found", (PHONE,))


def test_versions_and_judgements(scene):
    page, browser, words = scene.page, scene.browser, scene.words
    scene.model.script = lambda answer: answer.stream(words["tell"])
    page.hover(".message-answer")
    page.click('[data-action="regenerate"]')
    page.answer()
    page.wait_texts(".message-answer .version", ["2/2"])
    page.hover(".message-user")
    page.click('.message-user [data-action="edit"]')
    browser.see(".editor textarea")
    scene.look("edit")
    page.press(Keys.ESCAPE)
    page.click('[data-rating="-1"]')
    page.click(".toast button:not(.icon-button)")
    page.write("#feedback-comment", words["comment"])
    scene.look("feedback")
    scene.close_dialog()
    page.dismiss_toasts()
    page.send(words["again"])
    page.answer()
    page.hover(".message-user")
    browser.run("document.querySelector('#transcript').scrollTop = 0")
    page.click('.message-answer [data-action="version"]')
    browser.see("#composer-note")
    scene.look("older-version")


def test_waiting_stopping_and_failing(scene):
    page, browser, words = scene.page, scene.browser, scene.words
    gate, other = threading.Event(), scene.client.new_conversation("other")
    scene.model.script = lambda answer: (answer.begin(), answer.text(words["tell"]), answer.hold(gate), answer.finish(), answer.done())
    with scene.client.send(other, "x") as stream:
        stream.next("message")
        page.send(words["again"])
        browser.see(".waiting")
        browser.wait(lambda: page.browser.run("return /1/.test(document.querySelector('.waiting')?.textContent ?? '')"), "the place in the queue")
        scene.look("queue")
        gate.set()
    page.answer()
    gate.clear()
    page.send(words["ask"])
    browser.see(".growing-tail, .message-answer:last-child strong")
    page.click("#composer-stop")
    page.answer("stopped")
    scene.look("stopped")
    gate.set()
    for name, status, code in (("busy", 429, "too_many_requests"), ("away", 503, "database_unavailable"), ("limit", 429, "token_limit"),
                               ("streams", 503, "streams_busy"), ("full", 409, "limit_reached"), ("gone", 404, "not_found")):
        scene.reload()
        browser.run(_REFUSE, status, code)
        page.send(words["again"])
        browser.see(".failure button")
        scene.look(f"refused-{name}", (WIDE, PHONE) if name == "busy" else (PHONE,))
    scene.reload()
    browser.run("window.dispatchEvent(new Event('offline'))")
    browser.see("#connection")
    scene.look("offline")


def test_how_long_it_is_kept_and_where_it_goes(scene, database, tmp_path):
    page, browser, words = scene.page, scene.browser, scene.words
    database.rows("INSERT INTO chatsession.retention_rules (subject, user_id, clock, keep_days, changed_by)"
                  " SELECT 'user', id, 'age', 3, 'test' FROM chatsession.users WHERE name = %s", (scene.person.name,))
    scene.reload()
    browser.see("#chat-kept")
    scene.look("kept-soon")
    page.menu(words["pin"])
    browser.wait(lambda: not browser.find("#chat-kept.chat-kept-soon"), "the notice of a pinned chat")
    scene.look("kept-pinned")
    page.click("#archive-toggle")
    browser.see_text("", "#conversations")
    scene.look("archive-empty", (WIDE,))
    page.click("#archive-toggle")
    chats = [{"id": f"{number}", "title": words["ask"], "create_time": 1735689600, "current_node": "q", "mapping": {"q": {
        "id": "q", "parent": None, "children": [], "message": {"id": "q", "author": {"role": "user"}, "create_time": 1735689600,
                                                              "content": {"content_type": "text", "parts": [words["ask"]]}}}}}
             for number in range(3)] + [{"title": "broken"}]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(chats), encoding="utf-8")
    page.account()
    page.click("[data-data]")
    browser.wait(lambda: browser.find("#import-file"), "the dialog").pop().send_keys(str(path))
    browser.wait(lambda: browser.find(".import-left-out li"), "the import's end")
    browser.run("document.querySelector('.import-box').scrollIntoView({ block: 'center' })")
    scene.look("imported")
    scene.close_dialog()
    page.write("#composer-text", words["again"])
    assert scene.client.delete("api/sessions").status_code in (200, 204)  # all others
    page.click("#trash-toggle")
    page.dialog("")
    scene.look("session-ended")
