# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A client of ChatStream's interface in a real browser: it posts JSON with the page's credentials, reads the body as a
stream, splits it at the finish token, aborts by closing the connection, and reads error and detail of a refusal. It is
written from the interface's description."""
import threading
import uuid

import pytest

from harness.client import Client
from harness.place import wait_until

CLIENT = """
window.chatstream = (() => {
  const base = location.origin + '/chat';
  const seen = { texts: [], ends: [], id: null };
  let controller = null;
  async function post(path, body) {
    const response = await fetch(base + path, { method: 'POST', credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
      signal: controller ? controller.signal : undefined });
    if (!response.ok) {
      const { error, detail } = await response.json();
      throw { kind: response.status < 500 ? 'client_error' : 'server_error', error, detail };
    }
    return response;
  }
  async function send(text, regenerate) {
    controller = new AbortController();
    try {
      const response = await post('/chat_stream', { user_input: text, regenerate });
      seen.id = response.headers.get('X-ChatStream-Last-Generated-Message-Id');
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) { break; }
        rest += decoder.decode(value, { stream: true });
        const texts = rest.split('<::EOS::>');
        rest = texts.pop();
        seen.texts.push(...texts);
      }
      seen.ends.push({ kind: 'success' });
    } catch (error) {
      seen.ends.push(error.kind ? error : { kind: error.name === 'AbortError' ? 'aborted' : 'network_error' });
    } finally {
      controller = null;
    }
  }
  const call = async (path, body) => (body === undefined
    ? (await fetch(base + path, { credentials: 'same-origin' })).json() : (await post(path, body)).json());
  const abort = () => controller.abort();
  return { seen, send, call, abort };
})();
"""


@pytest.fixture
def page(browser, make_httpd, database, model):
    """(browser at a page of the site with that client in it, its user's Client)"""
    server = make_httpd(database.conninfo, backends=[f"scripted {model.url}"], lines=[
        "ChatSessionChatStream on", "ChatSessionCheckpoint 20ms",
        "ChatSessionChatStreamRole user chat_stream clear_context set_feedback get_prompt get_generation_params"])
    server.expect_log("AH01110", "AH01102", "AH00898", "CS0052")
    client = Client(server.url)
    person = database.add_user(f"u{uuid.uuid4().hex[:10]}")
    client.login(person)
    browser.open(f"{server.url}/chat/healthz")
    for name, value in client.cookies.items():
        browser.driver.add_cookie({"name": name, "value": value, "path": "/"})
    browser.expect_console("favicon.ico")
    browser.run(CLIENT)
    return browser, client


def seen(browser):
    return browser.run("return window.chatstream.seen")


def ended(browser, count):
    return browser.wait(lambda: len(seen(browser)["ends"]) >= count and seen(browser), f"{count} ends")


def result_of(browser, call):
    browser.run(f"window.result = undefined; {call}.then((value) => {{ window.result = {{ value }}; }})")
    return browser.wait(lambda: browser.run("return window.result"), call)["value"]


def test_the_browser_client_talks_regenerates_clears_and_judges(page, model):
    browser, client = page
    model.script = lambda answer: answer.stream("\u6708", " and", " tides")
    browser.run("window.chatstream.send('Why?', false)")
    state = ended(browser, 1)
    assert state["ends"] == [{"kind": "success"}]
    assert state["texts"] == ["\u6708", "\u6708 and", "\u6708 and tides"]
    assert result_of(browser, f"window.chatstream.call('/set_feedback', {{ message_id: '{state['id']}', is_like: true,"
                              " form_data: { note: 'good' } })") == {"success": True, "message": "success"}
    prompt = result_of(browser, "window.chatstream.call('/get_prompt')")["prompt"]
    assert browser.run("return decodeURIComponent(arguments[0])", prompt) == "<human>: Why?\n<bot>: \u6708 and tides"
    browser.run("window.chatstream.send(null, true)")
    ended(browser, 2)
    assert result_of(browser, "window.chatstream.call('/clear_context', {})")["success"] is True
    browser.run("window.chatstream.send(null, true)")
    state = ended(browser, 3)
    assert state["ends"][2]["kind"] == "client_error" and state["ends"][2]["error"] and state["ends"][2]["detail"]
    browser.expect_console("409")
    (conversation,) = client.get("api/conversations").json()["conversations"]
    assert conversation["message_count"] == 3


def test_the_browser_client_aborts_and_goes_on(page, model):
    browser, client = page
    closed = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("half")
        try:
            while not closed.wait(0.05):
                answer.text(".")
        except OSError:
            closed.set()

    model.script = script
    browser.run("window.chatstream.send('one', false)")
    browser.wait(lambda: seen(browser)["texts"], "the first text")
    browser.run("window.chatstream.abort()")
    assert ended(browser, 1)["ends"] == [{"kind": "aborted"}]
    assert closed.wait(15), "the model went on writing"
    model.reset()
    browser.run("window.chatstream.send('two', false)")
    state = ended(browser, 2)
    assert state["ends"][1] == {"kind": "success"} and state["texts"][-1] == "Hello"
    (conversation,) = client.get("api/conversations").json()["conversations"]
    wait_until(lambda: [one["status"] for one in client.conversation(conversation["id"])["messages"][1::2]] == [
        "stopped", "complete"], "both answers to be recorded")


def test_the_browser_client_tells_whose_fault_it_is(page, model):
    """A refusal of the server's is a server error, one of the client's a client error, both with error and detail."""
    browser, client = page
    browser.expect_console("502", "400")
    model.script = lambda answer: answer.whole({"error": {"message": "x"}}, status=500)
    browser.run("window.chatstream.send('one', false)")
    first = ended(browser, 1)["ends"][0]
    assert first["kind"] == "server_error" and first["error"] and first["detail"]
    browser.run("window.chatstream.send(null, false)")
    second = ended(browser, 2)["ends"][1]
    assert second["kind"] == "client_error" and second["error"] and second["detail"]
    model.reset()
    browser.run("window.chatstream.send('three', false)")
    assert ended(browser, 3)["ends"][2] == {"kind": "success"}
