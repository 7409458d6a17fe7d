# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The chat page in a real browser on a real server. The model is scripted, so that each test decides what has come and
what has not; what the browser's console complains about fails a test (conftest.py)."""
import json
import threading

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import log_in
from harness.pages import ChatPage
from harness.place import wait_until
from harness.relay import Relay
from harness.scripted_chat import chat, client, model, person, says, seeds, server  # noqa: F401  (fixtures are found by name)

# What mod_proxy says when we end its exchange with the model.
PROXY_ENDED = "AH01110: error reading response"
FIRST, SECOND = "The first half \U0001f30a, ", "and the second half \u6f6e."


class Halves:
    """halves(): the next answer comes in two halves, the second one when the test says release()."""

    def __init__(self, model):
        self._model, self._gate = model, threading.Event()

    def __call__(self):
        self._model.script = self._run

    def release(self):
        self._gate.set()

    def _run(self, answer):
        answer.begin()
        answer.text(FIRST)
        answer.hold(self._gate)
        answer.text(*SECOND)
        answer.finish()
        answer.done()


@pytest.fixture
def halves(model):
    made = Halves(model)
    yield made
    made.release()


@pytest.fixture
def relay(server):
    made = Relay(server.port)
    yield made
    made.close()


# --- the way in


def test_a_wrong_password_is_said_and_what_was_typed_stays(server, browser, person):
    browser.expect_console("401")
    page = ChatPage(browser, server)
    page.open()
    page.write("#login-username", person.name)
    page.write("#login-password", "wrong")
    page.click(".login-form button[type=submit]")
    browser.see_text("The user name or the password is wrong.", "#login-message")
    assert browser.find("#login-username")[0].get_property("value") == person.name
    page.write("#login-password", person.password)
    page.click(".login-form button[type=submit]")
    browser.see("#composer-text")


# --- writing


def test_enter_sends_and_shift_enter_starts_a_line(chat):
    box = chat.write("#composer-text", "first line")
    box.send_keys(Keys.SHIFT, Keys.ENTER)
    box.send_keys("second line")
    assert chat.draft == "first line\nsecond line" and chat.questions == []
    box.send_keys(Keys.ENTER)
    assert chat.questions == ["first line\nsecond line"] and chat.draft == ""
    assert chat.answer() == "Hello"


_PRESS_ENTER = """
const box = document.querySelector('#composer-text');
const about = { key: 'Enter', bubbles: true, cancelable: true };
const enter = (init) => box.dispatchEvent(new KeyboardEvent('keydown', { ...about, ...init }));
const end = (type) => box.dispatchEvent(new CompositionEvent(type, { bubbles: true }));
"""


def test_enter_that_ends_a_composition_does_not_send(browser, chat):
    chat.write("#composer-text", "\u6f6e\u6c50")
    browser.run(_PRESS_ENTER + "enter({ isComposing: true }); enter({ keyCode: 229 });")
    browser.run(_PRESS_ENTER + "end('compositionstart'); enter({}); end('compositionend'); enter({});")
    assert chat.questions == [] and chat.draft == "\u6f6e\u6c50"

    # A real input method: what is being composed is underlined in the box, and Enter belongs to it.
    browser.driver.execute_cdp_cmd("Input.imeSetComposition", {
        "text": "\u306f\u306a\u305c", "selectionStart": 3, "selectionEnd": 3})
    browser.run(_PRESS_ENTER + "enter({});")
    assert chat.questions == [] and chat.draft == "\u6f6e\u6c50\u306f\u306a\u305c"
    browser.driver.execute_cdp_cmd("Input.insertText", {"text": "\u306f\u4f55\u6545"})

    def sent():
        browser.run(_PRESS_ENTER + "enter({});")
        return chat.questions
    assert browser.wait(sent, "Enter to send once the composition is over") == ["\u6f6e\u6c50\u306f\u4f55\u6545"]
    assert chat.answer() == "Hello"
    assert len(chat.questions) == 1


# --- an answer that is being written


@pytest.mark.parametrize("how", ["the button", "Escape"])
def test_stop_keeps_what_has_come(how, server, browser, chat, client, halves):
    server.expect_log(PROXY_ENDED)
    halves()
    chat.send("Stop me")
    chat.see_answer(FIRST.strip())
    if how == "Escape":
        chat.press(Keys.ESCAPE)
    else:
        chat.click("#composer-stop")
    assert chat.answer("stopped") == FIRST.strip()
    browser.see_text("Stopped", ".message-answer .badge")
    browser.driver.refresh()
    chat.see_answer(FIRST.strip(), "stopped")
    assert client.conversation(chat.conversation_id)["messages"][1]["content"] == FIRST


def test_answering_again_makes_a_second_version(browser, chat, model):
    model.script = says("one answer")
    chat.ask("Twice, please")
    model.script = says("another answer")
    chat.click('.message-answer [data-action="regenerate"]')
    chat.see_answer("another answer", "complete")
    assert chat.texts(".message-answer .version") == ["2/2"]
    chat.click('[data-action="version"][aria-label="Previous version"]')
    chat.see_answer("one answer", "complete")
    assert chat.texts(".version") == ["1/2"]
    browser.see_text("You are looking at an earlier version.", "#composer-note")
    chat.click("#composer-note button")
    chat.see_answer("another answer", "complete")
    browser.gone("#composer-note")


def seen(client, conversation):
    """(content, parent's content) of every message, in their order"""
    messages = client.conversation(conversation)["messages"]
    contents = {one["id"]: one["content"] for one in messages}
    return [(one["content"], contents.get(one["parent_id"])) for one in messages]


def test_an_edited_message_stands_beside_the_old_one(browser, chat, client, model):
    """All versions are kept and shown; the model hears only the branch"""
    model.script = says("first answer")
    chat.ask("\u6f6e\u6c50\u3068\u306f")
    model.script = says("second answer")
    chat.ask("and then?")
    chat.hover(".message-user")
    chat.click('.message-user [data-action="edit"]')
    assert browser.see(".editor textarea").get_property("value") == "\u6f6e\u6c50\u3068\u306f"
    chat.press(Keys.ESCAPE)
    browser.gone(".editor")
    chat.hover(".message-user")
    chat.click('.message-user [data-action="edit"]')
    model.script = says("third answer")
    chat.write(".editor textarea", "\u6f6e\u6c50\u3068\u306f\u4f55\u3067\u3059\u304b").send_keys(Keys.ENTER)
    chat.see_answer("third answer", "complete")
    assert chat.questions == ["\u6f6e\u6c50\u3068\u306f\u4f55\u3067\u3059\u304b"]
    assert chat.texts(".message-user .version") == ["2/2"]
    assert seen(client, chat.conversation_id) == [
        ("\u6f6e\u6c50\u3068\u306f", None), ("first answer", "\u6f6e\u6c50\u3068\u306f"), ("and then?", "first answer"),
        ("second answer", "and then?"), ("\u6f6e\u6c50\u3068\u306f\u4f55\u3067\u3059\u304b", None),
        ("third answer", "\u6f6e\u6c50\u3068\u306f\u4f55\u3067\u3059\u304b")]
    assert [one["content"] for one in model.requests[-1].json["messages"]] == chat.questions

    # The old branch can be gone on with from where it stands.
    chat.hover(".message-user")
    chat.click('[data-action="version"][aria-label="Previous version"]')
    chat.wait_texts(".message-user .message-body", ["\u6f6e\u6c50\u3068\u306f", "and then?"])
    browser.see_text("A new message continues this one.", "#composer-note")
    model.script = says("fourth answer")
    chat.send("on the old branch")
    chat.see_answer("fourth answer", "complete")
    browser.gone("#composer-note")
    assert chat.questions == ["\u6f6e\u6c50\u3068\u306f", "and then?", "on the old branch"]
    assert seen(client, chat.conversation_id)[-2:] == [("on the old branch", "second answer"),
                                                       ("fourth answer", "on the old branch")]
    browser.driver.refresh()
    chat.see_answer("fourth answer", "complete")
    assert chat.texts(".version") == ["1/2"]


def test_an_edit_that_is_refused_keeps_its_text(browser, relay, person, client):
    browser.expect_console("ERR_")
    chat = ChatPage(browser, relay).enter(person)
    chat.ask("before")
    chat.hover(".message-user")
    chat.click('.message-user [data-action="edit"]')
    relay.cut()
    chat.write(".editor textarea", "after").send_keys(Keys.ENTER)
    chat.click("#composer-stop")
    chat.click(".failure button", "Back to the text")
    assert browser.see(".editor textarea").get_property("value") == "after" and chat.draft == ""
    relay.mend()
    chat.click(".editor button", "Send")
    chat.see_answer("Hello", "complete")
    assert chat.questions == ["after"]
    assert [one["content"] for one in client.conversation(chat.conversation_id)["messages"]] == [
        "before", "Hello", "after", "Hello"]


def test_enter_that_ends_a_composition_does_not_send_an_edit(browser, chat):
    chat.ask("\u6f6e")
    chat.hover(".message-user")
    chat.click('.message-user [data-action="edit"]')
    browser.see(".editor textarea")
    browser.run(_PRESS_ENTER.replace("#composer-text", ".editor textarea")
                + "enter({ isComposing: true }); enter({ keyCode: 229 });"
                + "end('compositionstart'); enter({}); end('compositionend'); enter({});")
    browser.see(".editor textarea")
    assert chat.texts(".version") == []


def test_a_stopped_answer_can_be_gone_on_with(server, browser, chat, halves, model):
    server.expect_log(PROXY_ENDED)
    halves()
    chat.send("Stop me")
    chat.see_answer(FIRST.strip())
    chat.click("#composer-stop")
    chat.answer("stopped")
    model.script = says("the rest")
    chat.click('.ending [data-action="continue"]')
    chat.see_answer("the rest", "complete")
    asked = model.requests[-1].json["messages"]
    assert [one["content"] for one in asked] == ["Stop me", FIRST, "Please continue where you stopped."]
    assert not browser.find('[data-action="continue"]')[0].is_displayed(), "it has been gone on from"


def test_a_failed_answer_keeps_its_text_and_can_be_asked_again(server, browser, chat, model):
    server.expect_log(PROXY_ENDED)

    def break_off(answer):
        answer.begin()
        answer.text("So far and")
        answer.reset()
    model.script = break_off
    chat.send("Break off")
    browser.see_text("The model could not finish its answer.", ".failure")
    assert chat.answers == ["So far and"]
    assert chat.texts(".failure-detail") == ["The model broke off before the end of its answer."]
    assert chat.texts(".failure button") == ["Continue", "Answer again"]
    model.reset()
    chat.click(".failure button", "Answer again")
    chat.see_answer("Hello", "complete")
    assert chat.texts(".version") == ["2/2"]


def test_a_reload_in_mid_stream_goes_on_to_the_end(browser, chat, model, halves):
    halves()
    chat.send("Reload me")
    chat.see_answer(FIRST.strip())
    browser.driver.refresh()
    chat.see_answer(FIRST.strip())
    halves.release()
    chat.see_answer(FIRST + SECOND, "complete")
    assert chat.questions == ["Reload me"] and model.calls == 1


def test_a_lost_connection_in_mid_stream_is_taken_up_again(browser, relay, person, client, model, halves):
    browser.expect_console("ERR_")
    chat = ChatPage(browser, relay).enter(person)
    halves()
    chat.send("Lose me")
    chat.see_answer(FIRST.strip())
    conversation = chat.conversation_id

    def offline(on):
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    browser.driver.execute_cdp_cmd("Network.enable", {})
    offline(True)
    relay.cut()
    browser.see_text("You are offline.", "#connection")
    browser.see('[data-waiting="reconnecting"]')
    halves.release()
    wait_until(lambda: client.conversation(conversation)["messages"][1]["status"] == "complete",
               "the answer to be complete without its reader")
    assert chat.answers == [FIRST.strip()]
    relay.mend()
    offline(False)
    chat.see_answer(FIRST + SECOND, "complete")
    browser.gone("#connection")
    assert chat.questions == ["Lose me"] and model.calls == 1


def test_sending_again_after_lost_answers_doubles_nothing(browser, chat, client, model):
    """The same client_id goes with every attempt, also with the one that makes the conversation"""
    browser.run("""const real = window.fetch; const seen = new Set(); window.posts = [];
        window.fetch = async (url, init) => {
          const answer = await real(url, init);
          if (init.method === 'POST') {
            window.posts.push(init.body);
            if (!seen.has(url)) { seen.add(url); throw new TypeError('lost'); }
          }
          return answer;
        };""")
    chat.send("\u4e00\u5ea6\u3060\u3051")
    chat.click(".failure button", "Send again")
    assert chat.answer() == "Hello"
    posts = [json.loads(one) for one in browser.run("return window.posts")]
    assert len(posts) == 4 and len({one["client_id"] for one in posts}) == 1
    listed = client.get("api/conversations").json()["conversations"]
    assert [one["message_count"] for one in listed] == [2] and model.calls == 1


def test_a_database_that_is_away_is_said_and_nothing_is_doubled(browser, chat, server, database, client, model):
    """503: in words, with a way on"""
    browser.expect_console("503")
    chat.ask("before")
    conversation = chat.conversation_id
    browser.run("""const real = window.fetch; window.away = true;
        window.fetch = (url, init) => (window.away && init.method === 'POST'
          ? Promise.resolve(new Response('{"error":"database_unavailable","detail":"x"}',
              { status: 503, headers: { 'Retry-After': '2' } }))
          : real(url, init));""")
    chat.send("while it is away")
    browser.see_text("The history cannot be reached", ".failure")
    assert chat.questions == ["before", "while it is away"]
    chat.click(".failure button", "Send again")
    browser.see(".failure")
    browser.run("window.away = false")
    chat.click(".failure button", "Send again")
    assert chat.answer() == "Hello"
    assert [one["content"] for one in client.conversation(conversation)["messages"]] == [
        "before", "Hello", "while it is away", "Hello"]


def test_too_many_requests_count_down_and_then_go_on(browser, chat, client):
    browser.run("""const real = window.fetch; let first = true;
        window.fetch = (url, init) => {
          if (first && String(url).endsWith('/messages')) {
            first = false;
            const headers = { 'Retry-After': '5' };
            const body = '{"error":"too_many_requests","detail":"x"}';
            return Promise.resolve(new Response(body, { status: 429, headers }));
          }
          return real(url, init);
        };""")
    chat.send("Too quick")
    button = browser.see(".failure button")
    assert not button.is_enabled() and " sec)" in button.text
    chat.click(".failure button:enabled", "Send again")
    assert chat.answer() == "Hello"
    assert len(client.conversation(chat.conversation_id)["messages"]) == 2


# --- other tabs, other browsers


def test_a_tab_that_is_behind_is_told(browser, server, chat, client, model):
    browser.expect_console("409")
    chat.ask("In both tabs")
    conversation = chat.conversation_id
    browser.run("window.open(location.href)")
    browser.driver.switch_to.window(browser.driver.window_handles[1])
    chat.see_answer("Hello", "complete")

    # The first tab goes on, in the background.
    browser.run("""
        const page = window.opener.document;
        page.querySelector('#composer-text').value = 'Only in the first';
        page.querySelector('#composer-text').dispatchEvent(new Event('input', { bubbles: true }));
        page.querySelector('#composer').requestSubmit();""")

    def messages():
        return [(m["content"], m["status"]) for m in client.conversation(conversation)["messages"]]
    wait_until(lambda: messages()[2:] == [("Only in the first", "complete"), ("Hello", "complete")],
               "the first tab's turn")

    assert chat.questions == ["In both tabs"]
    chat.send("From the second")
    browser.see_text("What came in between now stands above your message.", ".failure")
    chat.wait_texts(".message-user .message-body", ["In both tabs", "Only in the first", "From the second"])
    chat.click(".failure button", "Send again")
    browser.gone(".failure")
    chat.answer()
    assert chat.questions == ["In both tabs", "Only in the first", "From the second"] and chat.draft == ""
    assert len(messages()) == 6


def test_a_session_that_ended_elsewhere_keeps_what_was_typed(browser, server, operator, person, chat, client):
    browser.expect_console("401")
    desk = log_in(server, operator, "/chat-admin")

    def end_sessions():
        refs = [one["ref"] for one in desk.get("api/sessions").json()["sessions"] if one["user"] == person.name]
        assert desk.json("POST", "api/sessions/revoke", 200, json={"refs": refs})["sessions"] == len(refs) > 0

    def log_in_again():
        chat.dialog("Your session has ended.")
        chat.write("dialog[open] #login-password", person.password)
        chat.click("dialog[open] button[type=submit]")
        browser.gone("dialog[open]")

    # While something is being typed.
    chat.write("#composer-text", "A long thought")
    end_sessions()
    chat.click("#trash-toggle")
    log_in_again()
    assert chat.draft == "A long thought"

    # While it is being sent.
    end_sessions()
    chat.click("#composer-text").send_keys(Keys.ENTER)
    log_in_again()
    assert chat.questions == ["A long thought"]
    chat.click(".failure button", "Send again")
    assert chat.answer() == "Hello"
    client.login(person)
    listed = client.get("api/conversations").json()["conversations"]
    assert [one["message_count"] for one in listed] == [2]


def test_after_a_logout_nothing_is_left_in_the_browser(browser, chat, model):
    """[D9]"""
    model.script = says("an answer that is secret")
    chat.ask("a question that is secret")
    chat.write("#composer-text", "a draft that is secret")
    stored = "return JSON.stringify([{ ...localStorage }, { ...sessionStorage }])"
    assert "a question that is secret" not in browser.run(stored)
    chat.account()
    chat.click("[data-logout]")
    browser.see("#login-username")
    for move in (browser.driver.back, browser.driver.forward, browser.driver.refresh):
        move()
        browser.see("#login-username")
        assert "secret" not in browser.run("return document.documentElement.outerHTML + document.title")
        assert "secret" not in browser.run(stored)


def test_a_logout_reaches_the_other_tab(browser, chat):
    chat.ask("a question that is secret")
    browser.run("window.open(location.href)")
    first, second = browser.driver.window_handles
    browser.driver.switch_to.window(second)
    chat.answer()
    chat.account()
    chat.click("[data-logout]")
    browser.see("#login-username")
    browser.driver.switch_to.window(first)
    browser.see("#login-username")
    assert "secret" not in browser.driver.page_source


# --- what can be done with an answer


def test_feedback(browser, chat, client):
    chat.ask("Rate me")

    def recorded():
        return client.conversation(chat.conversation_id)["messages"][1]["feedback"]
    chat.click('[data-rating="1"]')
    browser.see('[data-rating="1"][aria-pressed="true"]')
    chat.toast("Thank you.")
    chat.click(".toast button", "Add a comment")
    chat.write("#feedback-comment", "\u5206\u304b\u308a\u3084\u3059\u3044 \U0001f44d")
    chat.click("dialog[open] button[type=submit]")
    browser.gone("dialog[open]")
    assert (recorded()["rating"], recorded()["comment"]) == (1, "\u5206\u304b\u308a\u3084\u3059\u3044 \U0001f44d")
    chat.click('[data-rating="-1"]')
    browser.see('[data-rating="-1"][aria-pressed="true"]')
    browser.see('[data-rating="1"][aria-pressed="false"]')
    chat.click('[data-rating="-1"]')
    browser.see('[data-rating="-1"][aria-pressed="false"]')
    assert not recorded() or recorded()["rating"] == 0


def test_copy_takes_the_source_of_an_answer(chat, model):
    model.script = says("A *word*", " and `code`\n\n- \u6f6e \U0001f30a")
    assert chat.ask("Copy me") == "A word and code\n\n\u6f6e \U0001f30a"
    chat.click('.message-answer [data-action="copy"]')
    chat.toast("Copied")
    chat.click("#composer-text").send_keys(Keys.CONTROL, "v")
    assert chat.draft == "A *word* and `code`\n\n- \u6f6e \U0001f30a"


def test_export(chat):
    question = "\u6f6e\u6c50\u306e\u8a71 \U0001f30a"
    chat.ask(question)
    texts = {}
    for name, ending in (("Markdown", ".md"), ("TXT", ".txt"), ("JSON", ".json")):
        chat.menu(f"Export as {name}")
        texts[ending] = chat.downloaded(ending).decode()
        assert question in texts[ending] and "Hello" in texts[ending]
    assert [message["content"] for message in json.loads(texts[".json"])["messages"]] == [question, "Hello"]


# --- how the page looks, speaks and is steered


def test_shortcuts(browser, chat):
    chat.ask("Shortcuts")
    chat.press(Keys.CONTROL, "/")
    chat.dialog("Keyboard shortcuts")
    assert len(chat.texts("dialog[open] .keys dt")) == 8
    chat.press(Keys.ESCAPE)
    browser.gone("dialog[open]")
    chat.press(Keys.CONTROL, "k")
    assert chat.focused() == "search"
    chat.press(Keys.SHIFT, Keys.ESCAPE)
    assert chat.focused() == "composer-text"
    chat.press(Keys.CONTROL, Keys.SHIFT, "s")
    browser.gone("#sidebar")
    chat.press(Keys.CONTROL, Keys.SHIFT, "s")
    browser.see("#sidebar")
    chat.press(Keys.CONTROL, Keys.SHIFT, "o")
    browser.see(".greeting")
    assert chat.questions == [] and "c=" not in browser.driver.current_url


def test_back_and_forward_change_the_conversation(browser, chat, client):
    first, second = seeds(client, "the first", "the second")
    browser.driver.refresh()
    for title in ("the first", "the second"):
        chat.click("#conversations a[data-id]", title)
        chat.wait_texts(".message-user .message-body", [title])
    browser.driver.back()
    chat.wait_texts(".message-user .message-body", ["the first"])
    assert browser.see('#conversations [aria-current="page"]').get_attribute("data-id") == first
    browser.driver.forward()
    chat.wait_texts(".message-user .message-body", ["the second"])
    browser.driver.refresh()
    chat.wait_texts(".message-user .message-body", ["the second"])
    assert chat.conversation_id == second


def test_the_language_changes_at_once_and_stays(browser, chat):
    chat.ask("Language")
    chat.account()
    browser.run("""const select = document.querySelector('dialog[open] select:has(option[value=ja])');
                   select.value = 'ja'; select.dispatchEvent(new Event('change'))""")
    chat.press(Keys.ESCAPE)
    browser.gone("dialog[open]")
    for _ in ("at once", "after a reload"):
        browser.see_text("\u65b0\u3057\u3044\u30c1\u30e3\u30c3\u30c8", "#new-chat")
        assert browser.run("return document.documentElement.lang") == "ja"
        placeholder = browser.see("#composer-text").get_attribute("placeholder")
        assert placeholder == "\u30e1\u30c3\u30bb\u30fc\u30b8\u3092\u5165\u529b"
        assert browser.see('[data-action="copy"]').get_attribute("title") == "\u30b3\u30d4\u30fc"
        browser.driver.refresh()


def test_dark_is_dark_at_once_and_stays(browser, chat):
    brightness = """const ground = getComputedStyle(document.querySelector('.main')).backgroundColor;
                    const [r, g, b] = ground.match(/[\\d.]+/g).map(Number);
                    return (r + g + b) / 3"""
    assert browser.run(brightness) > 200
    chat.account()
    browser.run("""const select = document.querySelector('dialog[open] select');
                   select.value = 'dark'; select.dispatchEvent(new Event('change'))""")
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.run(brightness) < 60
    browser.driver.refresh()
    browser.see("#composer-text")
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.run(brightness) < 60


WIDE = """# A heading without_any_break_in_it_that_goes_on_and_on_and_on_and_on_and_on_and_on

| one | two | three | four | five | six | seven |
|-----|-----|-------|------|------|-----|-------|
| a rather long cell | another_long_cell | and | so | on | and | on |

```
a line of code that is much longer than any telephone is wide, and that must not be broken into two lines
```

https://example.com/a/very/long/address/that/has/no/spaces/in/it/at/all/and/goes/on/for/quite/a/while
"""


@pytest.mark.window(390, 844)
def test_a_phone_has_a_drawer_and_no_width_to_spare(browser, chat, model):
    chat.fits()
    model.script = says(WIDE)
    box = chat.write("#composer-text", "x" * 200)
    box.send_keys(Keys.ENTER)
    assert chat.questions == [], "on a phone, Enter starts a line"
    chat.click("#composer-send")
    chat.answer()
    chat.fits()
    browser.screenshot("phone-wide-answer")

    assert not browser.find("#sidebar")[0].is_displayed()
    chat.click("#sidebar-open")
    browser.see("#sidebar")
    chat.fits()
    browser.screenshot("phone-drawer")
    chat.click("#sidebar-close")
    browser.gone("#sidebar")
    chat.click("#sidebar-open")
    chat.press(Keys.ESCAPE)
    browser.gone("#sidebar")
    chat.click("#sidebar-open")
    browser.see("#sidebar")
    browser.run("document.querySelector('#scrim').click()")
    browser.gone("#sidebar")
    chat.click("#sidebar-open")
    chat.click("#conversations a[data-id]")
    browser.gone("#sidebar")
    chat.click("#chat-menu")
    browser.see(".menu")
    chat.fits()
    chat.press(Keys.ESCAPE)
    chat.click("#sidebar-open")
    chat.account()
    chat.fits()
