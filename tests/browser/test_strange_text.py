# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What would be markup elsewhere is text wherever the two pages show it: titles, questions, answers, instructions, comments,
reasons, searches, names. Nothing runs, nothing is loaded, nobody's markup becomes an element."""
import itertools
from urllib.parse import quote

import pytest

from harness.client import Client, log_in
from harness.pages import ChatPage, ConsolePage

_numbers = itertools.count(1)

# Each would leave an element of its own, or call evil(), where it is not text.
STRANGE = (
    '<img src=x onerror="evil(1)" data-evil>',
    '"><svg onload=evil(2) data-evil>',
    "</title></textarea></style></script><script data-evil>evil(3)</script>",
    "'-evil(4)-' ${evil(4)} {{evil(4)}}",
    '<iframe data-evil srcdoc="<script>parent.evil(5)</script>"></iframe>',
    "<a data-evil href=javascript:evil(6)>x</a>",
    "<math><mtext><table><mglyph><style><img data-evil src=x onerror=evil(7)>",
    "<details data-evil open ontoggle=evil(8)>",
    "<base data-evil href=//127.0.0.9/><link data-evil rel=stylesheet href=//127.0.0.9/x.css>",
    "\u202e<form data-evil action=//127.0.0.9/><input data-evil autofocus onfocus=evil(9)>",
)

TOGETHER = "\n".join(STRANGE)  # as long as a comment may be, and longer than a title

# Put before everything else of every page: what an attack would do is remembered over the page's life.
WATCH = """
window.seen = [];
window.evil = (...words) => seen.push(`evil ${words}`);
for (const name of ['alert', 'confirm', 'prompt']) window[name] = (...words) => seen.push(`${name} ${words}`);
addEventListener('securitypolicyviolation', (event) => seen.push(`policy ${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    return make_module_httpd(database.conninfo, mock="echo wait=0ms pace=0ms")


@pytest.fixture
def watched(browser):
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    return browser


def nothing_happened(browser, places):
    """No script ran, no policy was hurt, no element was made, and the texts are there, as they were written."""
    assert browser.run("return window.seen") == []
    assert browser.run("return document.querySelectorAll('[data-evil]').length") == 0
    shown = browser.run("return document.body.innerText + [...document.querySelectorAll('input, textarea')].map("
                        "(field) => field.value).join(' ') + [...document.querySelectorAll('[title], [aria-label]')].map("
                        "(node) => `${node.title} ${node.ariaLabel}`).join(' ')")
    for text in places:
        assert text.replace("\u202e", "") in shown.replace("\u202e", ""), text


def write_everywhere(server, person, text):
    """A conversation whose every text is this one; its id."""
    client = log_in(server, person)
    conversation = client.new_conversation(text[:100])
    client.json("PATCH", f"api/conversations/{conversation}", 200, json={"system": text})
    client.turn(conversation, f"```\n{text}\n```")
    answer = client.conversation(conversation)["messages"][-1]["id"]
    client.json("PUT", f"api/messages/{answer}/feedback", 200, json={"rating": -1, "comment": text})
    return conversation


@pytest.fixture
def person(database):
    return database.add_user(f"strange-{next(_numbers)}")


def test_strange_text_is_text_all_over_the_chat_page(watched, server, person):
    """[D3] [D4] [D5]"""
    everything, client = write_everywhere(server, person, TOGETHER), Client(server.url)
    client.login(person)
    for text in STRANGE:
        client.new_conversation(text)
    chat = ChatPage(watched, server).enter(person, f"?c={everything}")
    chat.answer()
    watched.wait(lambda: len(chat.titles) == len(STRANGE) + 1, "the titles of all conversations")
    nothing_happened(watched, STRANGE)
    assert TOGETHER in chat.answers[0]
    chat.send(f"```\n{STRANGE[2]}\n```")
    chat.answer()
    nothing_happened(watched, STRANGE)
    watched.driver.refresh()
    chat.answer()
    nothing_happened(watched, STRANGE)


def test_strange_text_is_text_all_over_the_console(watched, server, person, database):
    """[D3] [D4] [D5]"""
    everything = write_everywhere(server, person, TOGETHER)
    client = log_in(server, person)
    for text in STRANGE:
        client.turn(client.new_conversation(text), "x")
    console = ConsolePage(watched, server)
    console.enter(database.add_user(f"operator-{next(_numbers)}", "admin"), f"?view=conversations&user={person.name}")
    watched.wait(lambda: len(console.rows()) == len(STRANGE) + 1, "the rows of all conversations")
    nothing_happened(watched, STRANGE)
    console.open(f"?conversation={everything}")
    console.read(STRANGE[1])
    nothing_happened(watched, STRANGE)
    console.open("?view=audit")
    console.loaded()
    nothing_happened(watched, [STRANGE[1]])
    console.open("?view=conversations&q=" + quote(STRANGE[0]))
    console.loaded()
    nothing_happened(watched, [STRANGE[0]])
