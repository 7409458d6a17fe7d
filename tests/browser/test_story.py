# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The whole story, in each language: a user logs in, chats with an answer that streams, leaves, comes back and finds
the conversation; the operator finds it too, reads it, expires it, exports it; the audit log tells all of that.

The pictures that are taken on the way are in build/screenshots."""
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime

import pytest

from harness.pages import ChatPage, ConsolePage

# Everything that has been seen of the answer while it was being written, as lengths; no step is missed between looks.
_WATCH_GROWTH = """
window.seenLengths = [];
new MutationObserver(() => {
  const answer = document.querySelector('.message-answer:last-child[data-status="streaming"] .message-body');
  const length = answer?.textContent.length ?? 0;
  if (length > (window.seenLengths.at(-1) ?? 0)) window.seenLengths.push(length);
}).observe(document.querySelector('#transcript'), { subtree: true, childList: true, characterData: true });
"""


@dataclass
class Story:
    language: str
    name: str
    question: str
    word: str      # two characters or more of the question, for the search
    reason: str
    heading: str   # of the chat page's log-in
    today: str
    title: str     # of the console
    counted: str   # what the dialog says before it expires
    done: str
    gone: str
    empty: str


STORIES = [
    Story("en-US", "mika", "Why do the tides come twice a day? \U0001f30a The moon pulls at the near side more than"
          " at the far side \U0001f319, so there are two bulges, and the earth turns below both of them.", "two bulges",
          "complaint 4711 \U0001f4cb", "Log in to go on with your chats.", "Today", "Console",
          "1 conversation with 2 messages will be expired.", "1 conversation expired", "This chat could not be opened",
          "No chats yet."),
    Story("ja-JP", "美香", "潮はなぜ一日に二回満ちるのですか？\U0001f30a 月に近い側は強く引かれ、遠い側は弱く引かれるので\U0001f319、海は"
          "両側でふくらみ、地球はその下で一日に一回まわります。\U00020bb7野家の\U0001f363もおいしいです。それでは、また明日お話ししましょう。", "ふくらみ",
          "問い合わせ 4711 \U0001f4cb", "ログインして、チャットを続けましょう。", "今日", "コンソール",
          "1 件の会話、2 件のメッセージを失効させます。", "1 件の会話を失効させました", "このチャットを開けませんでした",
          "チャットはまだありません。"),
]


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    return make_module_httpd(database.conninfo, mock="echo wait=100ms pace=80ms")


def verify_export(data, question):
    """The lines of one conversation with two messages, and the end that vouches for them."""
    *before, last, rest = data.split(b"\n")
    assert rest == b""
    conversation, *messages = [json.loads(line) for line in before]
    assert conversation["type"] == "conversation"
    assert [(message["type"], message["role"], message["content"]) for message in messages] == [
        ("message", "user", question), ("message", "assistant", question)]
    digest = hashlib.sha256(b"".join(line + b"\n" for line in before)).hexdigest()
    end = json.loads(last)
    assert str(uuid.UUID(end["export"])) == end["export"]
    assert datetime.fromisoformat(end["watermark"]).tzinfo
    assert end == {"type": "end", "conversations": 1, "messages": 2, "lines": 3, "sha256": digest,
                   "export": end["export"], "watermark": end["watermark"]}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.language)
def test_the_whole_story(story, server, database, make_browser):
    language = story.language[:2]
    user = database.add_user(story.name)
    operator = database.add_user(f"operator-{language}", "operator")

    # The user logs in and chats.
    browser = make_browser(language=story.language)
    chat = ChatPage(browser, server)
    chat.open()
    browser.see_text(story.heading)
    chat.pictures(f"{language}-1-login")
    chat.log_in(user)
    browser.see("#composer-text")
    browser.run(_WATCH_GROWTH)
    chat.send(story.question)
    browser.wait(lambda: browser.run("return window.seenLengths.length") >= 3, "three steps of growth")
    assert chat.answer() == story.question
    browser.close()

    # Another day, another browser.
    browser = make_browser(language=story.language)
    chat = ChatPage(browser, server)
    chat.enter(user)
    browser.see_text(story.today, ".list-heading")
    chat.click("#conversations a[data-id]")
    browser.see(".message-answer")
    assert chat.questions == [story.question] and chat.answers == [story.question]
    conversation_id = chat.conversation_id
    chat.pictures(f"{language}-2-chat")

    # The operator finds it by its user's name, and by what was said.
    desk = make_browser(language=story.language)
    console = ConsolePage(desk, server)
    console.enter(operator)
    assert desk.see("#screen h1").is_displayed() and story.title in desk.driver.title
    desk.see(".figure")
    console.pictures(f"{language}-3-home")
    console.go("conversations")
    console.filter(user=user.name)
    assert len(console.rows()) == 1
    console.pictures(f"{language}-4-list")
    console.filter(q=story.word)
    desk.see_text(story.word, ".snippet mark")
    assert len(console.rows()) == 1

    # Reads it.
    console.click(".title-link")
    assert console.read(story.reason) == [story.question, story.question]
    console.pictures(f"{language}-5-transcript")

    # Expires it: at once it is gone for its user.
    console.click("#screen .button-danger")
    console.dialog(story.counted)
    console.pictures(f"{language}-6-expire")
    console.click("dialog[open] .button-danger")
    console.toast(story.done)
    browser.driver.refresh()
    browser.see_text(story.gone)
    browser.see_text(story.empty, "#conversations")
    browser.expect_console("404")
    assert story.question not in browser.driver.page_source

    # Exports it.
    console.click("#screen a[download]")
    verify_export(console.downloaded(".ndjson"), story.question)

    # All of that is in the audit log.
    console.go("audit")
    console.loaded()
    entries = {action: row for action, row in zip(console.texts("#screen tbody .primary code"),
                                                  console.texts("#screen tbody tr")) if operator.name in row}
    assert {"conversation.search", "conversation.read", "conversation.expire", "conversation.export"} <= entries.keys()
    assert story.reason in entries["conversation.read"] and conversation_id[:8] in entries["conversation.read"]
    console.dismiss_toasts()
    console.pictures(f"{language}-7-audit")
