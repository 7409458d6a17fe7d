# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Settings of a conversation, places in the queue and what answers have beside their text. But for the first test the
server's part is played in the browser, so that the page's part is seen alone."""
import itertools
import json

import pytest

from harness.pages import ChatPage

_numbers = itertools.count(1)
SYSTEM = "\u6f6e\u6c50\u306b\u3064\u3044\u3066\u77ed\u304f\u7b54\u3048\u3066\u304f\u3060\u3055\u3044\u3002"
# Answers in the server's place: the models, and the settings as members of a conversation.
_SERVER = """
const real = window.fetch;
const kept = JSON.parse(sessionStorage.getItem('test-settings') ?? '{"model":null,"system":null,"params":null}');
window.sent = [];
const json = (body, status = 200) => new Response(JSON.stringify(body), { status });
window.fetch = async (url, init) => {
  const path = new URL(url).pathname;
  if (path.endsWith('/api/models')) {
    return json({ models: [{ name: 'mock', default: true }, { name: 'second', default: false }] });
  }
  let body = init.body;
  if (/api\\/conversations(\\/[0-9a-f-]+)?$/.test(path) && body) {
    const { model, system, params, ...rest } = JSON.parse(body);
    for (const [name, value] of Object.entries({ model, system, params })) if (value !== undefined) kept[name] = value;
    sessionStorage.setItem('test-settings', JSON.stringify(kept));
    window.sent.push(JSON.parse(body));
    body = JSON.stringify(rest);
  }
  const answer = await real(url, { ...init, body });
  if (answer.ok && /api\\/(session|login)$/.test(path)) {
    return json({ ...await answer.json(), models: ['mock', 'second'] });
  }
  if (/api\\/conversations\\/[0-9a-f-]+$/.test(path) || (path.endsWith('/api/conversations') && init.method === 'POST')) {
    return json({ ...await answer.json(), ...kept }, answer.status);
  }
  return answer;
};
"""
_STREAM = """
const real = window.fetch;
window.fetch = (url, init) => {
  if (!String(url).endsWith('/messages')) return real(url, init);
  window.conversation = new URL(url).pathname.split('/').at(-2);
  const text = new TextEncoder();
  return Promise.resolve(new Response(new ReadableStream({ start(stream) {
    window.emit = (event, data, id) => stream.enqueue(text.encode(
      (event ? `event: ${event}\\n` : '') + (id ? `id: ${id}\\n` : '') + `data: ${JSON.stringify(data)}\\n\\n`));
    window.emit('turn', { conversation_id: window.conversation, message_id: 'm', answer_id: 'a', model: 'mock' });
  } }), { headers: { 'Content-Type': 'text/event-stream' } }));
};
"""


@pytest.fixture
def person(database):
    return database.add_user(f"sora-{next(_numbers)}")


def with_settings(browser):
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _SERVER})


def sent(browser):
    return browser.run("return window.sent")


def test_what_is_set_is_kept_by_the_server(browser, httpd, database, person):
    chat = ChatPage(browser, httpd).enter(person)
    chat.ask("hello")
    chat.click("#chat-settings")
    browser.see("#settings-system")
    chat.write("#settings-system", SYSTEM)
    chat.write("#settings-temperature", "0.5")
    chat.click("dialog[open] [type=submit]")
    browser.gone("dialog[open]")
    assert database.rows("SELECT c.system, c.params FROM chatsession.conversations c JOIN chatsession.users u"
                         " ON u.id = c.user_id WHERE u.name = %s", (person.name,)) == [(SYSTEM, {"temperature": 0.5})]
    browser.driver.refresh()
    chat.answer()
    chat.click("#chat-settings")
    assert browser.see("#settings-system").get_property("value") == SYSTEM


def test_a_new_chat_is_made_with_its_settings_and_they_can_be_changed(browser, httpd, person):
    with_settings(browser)
    chat = ChatPage(browser, httpd).enter(person)
    chat.click("#chat-settings")
    browser.see("#settings-model")
    assert chat.texts("#settings-model option") == ["mock (default)", "second"]
    browser.run("document.querySelector('#settings-model').value = 'second'")
    chat.write("#settings-system", SYSTEM)
    chat.write("#settings-temperature", "0.5")
    chat.pictures("settings")
    chat.click("dialog[open] [type=submit]")
    browser.gone("dialog[open]")
    assert sent(browser) == []
    chat.ask("hello")
    made, = sent(browser)
    assert {key: made[key] for key in ("model", "system", "params")} == {
        "model": "second", "system": SYSTEM, "params": {"temperature": 0.5}}

    browser.driver.refresh()
    chat.answer()
    chat.click("#chat-settings")
    assert browser.see("#settings-system").get_property("value") == SYSTEM
    assert browser.find("#settings-model")[0].get_property("value") == "second"
    chat.write("#settings-temperature", "3")
    chat.click("dialog[open] [type=submit]")
    assert browser.run("return document.querySelector('#settings-temperature').matches(':invalid')")
    assert sent(browser) == [], "the browser says what is wrong with it"
    browser.find("#settings-temperature")[0].clear()
    chat.write("#settings-max_tokens", "100")
    chat.click("dialog[open] [type=submit]")
    browser.gone("dialog[open]")
    assert sent(browser) == [{"model": "second", "system": SYSTEM, "params": {"max_tokens": 100}}]


def test_the_place_in_the_queue_is_shown_until_the_answer_comes(browser, httpd, person):
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _STREAM})
    chat = ChatPage(browser, httpd).enter(person)
    chat.send("hello")
    browser.see('[data-waiting="thinking"]')

    def emit(event, data, number=None):
        browser.run(f"window.emit({json.dumps(event)}, {json.dumps(data)}, {json.dumps(number)})")
    emit("queue", {"position": 2, "estimate": 14})
    browser.see_text("Your place in the queue: 2 (about 14 s)", ".waiting")
    emit("queue", {"position": 1, "estimate": None})
    browser.see_text("Your place in the queue: 1", ".waiting")
    emit(None, {"choices": [{"delta": {"reasoning_content": "hm, \u6f6e"}}]})
    browser.see_text("What the model thought", ".extra summary")
    emit(None, {"choices": [{"delta": {"content": "Hello"}}]}, 5)
    browser.gone(".waiting")
    chat.click(".extra summary")
    assert browser.see(".extra-text").text == "hm, \u6f6e"
    emit("done", {"answer_id": "a", "status": "complete", "finish_reason": "stop", "usage": None, "detail": None})
    chat.see_answer("Hello", "complete")
    assert chat.texts(".extra-text") == ["hm, \u6f6e"]
