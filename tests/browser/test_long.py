# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Long conversations and long answers: what is counted here is the work that the page does in the document, which
must not grow with what is there already. And the reader's place, which must not move by itself."""
import itertools
import threading

import pytest

from harness.scripted_chat import chat, client, model, person  # noqa: F401  (fixtures are found by name)

_numbers = itertools.count(1)
MANY = 2000
BLOCK = ("A paragraph with **bold** words and \u6f6e\u6c50 in it, and some more of it to fill two lines or even three. "
         "\U0001f30a\n\n- one point\n- another point\n\n```python\nprint('a line')\nprint('another')\n```\n\n")
TOKENS = 20000
# Each entry is one turn of the page's work: [elements and texts added, blocks that the answer has by then].
_COUNT = """
window.work = [];
window.observer = new MutationObserver((records) => {
  let nodes = 0;
  for (const { addedNodes } of records) {
    for (const node of addedNodes) nodes += 1 + (node.querySelectorAll?.('*').length ?? 0);
  }
  const body = document.querySelector('.message:last-child .message-body');
  window.work.push([nodes, body?.childElementCount ?? 0]);
});
window.observer.observe(document.querySelector('#transcript'), { subtree: true, childList: true });
"""


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"])


def conversation(client, count, words="message {}"):
    """The id of a new one with this many messages."""
    messages = [{"role": "assistant" if n % 2 else "user", "content": words.format(n + 1)} for n in range(count)]
    body = {"key": f"long:{next(_numbers)}", "title": f"{count} long", "messages": messages}
    return client.json("POST", "api/conversations/import", 201, json=body)["id"]


def top_of(browser, text):
    """Where the message that shows this text stands in the window."""
    return browser.run("""const found = [...document.querySelectorAll('.message')].find((m) =>
        m.querySelector('.message-body').textContent.trim() === arguments[0]);
        return found ? Math.round(found.getBoundingClientRect().top) : null""", text)


def rest(browser, text):
    """Where it stands once it stays there: what comes into sight is laid out then, and may push it once more."""
    browser.run("return new Promise((done) => { let left = 10; const next = () => (left-- ? requestAnimationFrame(next) : done()); next(); })")
    place = top_of(browser, text)

    def same():
        nonlocal place
        before, place = place, top_of(browser, text)
        return before == place
    browser.wait(same, f"{text} to stay where it is")
    return place


def counted_turn(browser, chat, text):
    browser.run(_COUNT)
    chat.send(text)
    chat.answer()
    browser.run("window.observer.disconnect()")
    return sum(nodes for nodes, _ in browser.run("return window.work"))


def test_2000_messages_open_by_building_the_last_ones_only(browser, chat, client):
    chat.open(f"?c={conversation(client, MANY)}")
    browser.see_text(f"message {MANY}")
    assert len(browser.find(".message")) == 40
    box = browser.run("const b = document.querySelector('#transcript'); return b.scrollHeight - b.scrollTop - b.clientHeight")
    assert box < 60, "it opens at its end"
    chat.press("\ue00b")
    assert browser.see("#transcript").get_attribute("tabindex") == "0"


def test_a_turn_costs_the_same_after_2000_messages_as_after_2(browser, chat, client, model):
    """Whole answers at once, so that the number of drawings does not depend on the clock"""
    model.script = lambda answer: answer.stream("Hello")
    work = []
    for count in (2, MANY):
        chat.open(f"?c={conversation(client, count)}")
        browser.see_text(f"message {count}")
        work.append(counted_turn(browser, chat, "and now?"))
    assert 0 < work[1] <= work[0] + 5, work


def test_a_long_answer_draws_only_its_last_block_anew(browser, chat, model):
    """20,000 tokens: no drawing adds more than what has come since the one before and the open block"""
    steps, per_step = 50, 10
    text = BLOCK * per_step
    size = len(text) * steps // TOKENS + 1
    pieces = [text[at:at + size] for at in range(0, len(text), size)]
    gates = [threading.Event() for _ in range(steps)]

    def script(answer):
        answer.begin()
        for gate in gates:
            answer.hold(gate)
            answer.text(*pieces)
        answer.finish()
        answer.done()
    model.script = script
    browser.run(_COUNT)
    chat.send("Tell me everything")
    for step, gate in enumerate(gates):
        gate.set()
        browser.wait(lambda: browser.run("return document.querySelector('.message:last-child .message-body')"
                                         "?.childElementCount ?? 0") >= 3 * per_step * (step + 1) - 1, f"step {step}")
        if step == 0:
            browser.run("window.first = document.querySelector('.message:last-child .message-body').firstElementChild")
    browser.wait(lambda: chat._last_status() == "complete", "the whole answer")
    work = browser.run("return window.work")
    blocks = work[-1][1]
    assert blocks == 3 * per_step * steps, "every block once"
    assert browser.run("return window.first.isConnected"), "what was drawn first is still the same element"
    before = 0
    for nodes, now in work:
        new = max(0, now - before)
        assert nodes <= 40 + 15 * new, f"a drawing added {nodes} nodes for {new} new blocks of {now}"
        before = now
    assert len(work) > steps, "it was drawn while it came"


def test_the_readers_place_stays_while_an_answer_grows(browser, chat, client, model):
    gate = threading.Event()

    def script(answer):
        answer.begin()
        answer.text("It begins.\n\n")
        answer.hold(gate)
        answer.text(*[f"paragraph {n}\n\n" for n in range(100)])
        answer.finish()
        answer.done()
    model.script = script
    chat.open(f"?c={conversation(client, 60)}")
    browser.see_text("message 60")
    chat.send("Go on")
    chat.see_answer("It begins.")
    browser.gone("#jump")
    browser.run("document.querySelector('#transcript').scrollTop -= 500")
    browser.see("#jump")
    place = rest(browser, "message 60")
    gate.set()
    chat.answer()
    assert top_of(browser, "message 60") == place
    chat.click("#jump")
    browser.gone("#jump")
    assert "paragraph 99" in chat.answers[-1]
    assert top_of(browser, "message 60") < 0


def test_the_readers_place_is_kept_per_conversation_and_over_a_reload(browser, chat, client):
    conversation(client, 300)
    conversation(client, 2, "short {}")
    browser.driver.refresh()
    chat.click("#conversations a[data-id]", "300 long")
    browser.see_text("message 300")
    browser.run("""const all = [...document.querySelectorAll('.message')];
        const one = all.find((m) => m.textContent.includes('message 270'));
        const box = document.querySelector('#transcript');
        box.scrollTop += one.getBoundingClientRect().top - box.getBoundingClientRect().top - 30""")
    browser.see("#jump")
    place = rest(browser, "message 270")
    chat.click("#conversations a[data-id]", "2 long")
    browser.see_text("short 2")
    chat.click("#conversations a[data-id]", "300 long")
    browser.wait(lambda: top_of(browser, "message 270") == place, "the same place again")
    browser.driver.refresh()
    browser.wait(lambda: top_of(browser, "message 270") == place, "the same place after a reload")
    assert "message 270" not in browser.run("return JSON.stringify({ ...sessionStorage, ...localStorage })")
    chat.click("#jump")
    browser.gone("#jump")
    browser.driver.refresh()
    browser.wait(lambda: top_of(browser, "message 300"), "the conversation")
    browser.gone("#jump")


def test_another_width_keeps_the_end_in_sight(browser, chat, client):
    chat.open(f"?c={conversation(client, 20, 'a long line of words that breaks on a narrow window ' * 5 + '{}')}")
    browser.see_text(" 20")
    for width, height in ((390, 844), (1280, 800), (390, 600), (900, 500)):
        browser.resize(width, height)
        browser.wait(lambda: browser.run("""const b = document.querySelector('#transcript');
            return b.scrollHeight - b.scrollTop - b.clientHeight < 60"""), f"the end at {width} x {height}")
        browser.gone("#jump")
