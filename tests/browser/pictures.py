# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Not a test: `make pictures` makes the chat page's pictures anew. Those of README.md go to docs/pictures; every state in both
languages, at two widths, light and dark, to build/screenshots, to be looked at."""
import shutil
import threading

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import log_in
from harness.pages import ChatPage
from harness.place import TREE
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

PICTURES = TREE / "docs" / "pictures"
WIDE, PHONE = (1280, 960), (390, 844)
TIDES = """Spring tides come **twice a month**, when sun and moon pull in one line.

| Moon | Sun and moon | Tide |
|---|---|---|
| new | together | spring tide |
| first quarter | at right angles | neap tide |
| full | opposite | spring tide |

In Japanese they are called 大潮 (*ōshio*) and 小潮 (*koshio*). The days between two spring tides:

```python
SYNODIC_MONTH = 29.530589  # days from new moon to new moon
print(round(SYNODIC_MONTH / 2, 1))  # 14.8
```

The highest water comes a day or two after the moon's phase, because the sea needs time to follow."""
TIDES_JA = """大潮は**月に 2 回**、太陽と月が一直線に並ぶときに起こります。

| 月齢 | 太陽と月 | 潮 |
|---|---|---|
| 新月 | 同じ方向 | 大潮 |
| 上弦 | 直角 | 小潮 |
| 満月 | 反対方向 | 大潮 |

大潮から次の大潮までの日数は、次のように計算できます。

```python
SYNODIC_MONTH = 29.530589  # 新月から新月まで
print(round(SYNODIC_MONTH / 2, 1))  # 14.8
```

実際に潮が最も高くなるのは、月の満ち欠けより 1、2 日遅れます。"""
WORDS = {
    "en": {"language": "en-US", "ask": "When are the tides highest?", "tell": TIDES, "title": "Spring and neap tides", "menu": "Move to trash",
           "next": "Why are there two high tides a day?", "think": "The moon pulls the near water more than the earth, and the earth more than the far water.",
           "part": "Because the moon pulls on **both sides** differently: ", "find": "tides", "deleted": "Trip to Kyoto",
           "others": ["Letter to the landlord", "SQL: the newest row per group", "Bread without kneading", "Trip to Kyoto", "Names for a cat"]},
    "ja": {"language": "ja-JP", "ask": "潮が一番高くなるのはいつですか？", "tell": TIDES_JA, "title": "大潮と小潮", "menu": "ゴミ箱に移動",
           "next": "なぜ満潮は 1 日に 2 回あるのですか？", "think": "月に近い側の海水は地球より強く引かれ、遠い側の海水は地球より弱く引かれる。",
           "part": "月の引力が地球の**両側**で異なるためです。", "find": "大潮", "deleted": "京都旅行の計画",
           "others": ["大家さんへの手紙", "SQL: グループごとの最新行", "こねないパン", "京都旅行の計画", "猫の名前"]},
}


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"qwen3 {model.url}", f"llama {model.url}"])


def history(client, database, words):
    """A few weeks of conversations; the id of the newest."""
    for days, title in reversed(list(enumerate(words["others"]))):
        made = client.json("POST", "api/conversations/import", 201, json={
            "key": title, "title": title, "messages": [{"role": "user", "content": title}, {"role": "assistant", "content": "…"}]})["id"]
        database.rows("UPDATE chatsession.conversations SET updated_at = now() - %s * interval '3 days', pinned = %s WHERE id = %s",
                      (days, days == 0, made))
    return client.json("POST", "api/conversations/import", 201, json={
        "key": "tides", "title": words["title"],
        "messages": [{"role": "user", "content": words["ask"]}, {"role": "assistant", "content": words["tell"], "model": "qwen3"}]})["id"]


def thinks(words, gate):
    def script(answer):
        answer.begin()
        answer.event({"choices": [{"index": 0, "delta": {"reasoning_content": words["think"]}}]})
        answer.text(words["part"])
        answer.hold(gate)
        answer.finish()
        answer.done()
    return script


def fails(answer):
    answer.begin()
    answer.text("…")
    answer.cut()


@pytest.mark.parametrize("tongue", WORDS)
def test_pictures(server, database, model, make_browser, tongue):
    words = WORDS[tongue]
    server.expect_log("AH01110", "AH01102")
    browser = make_browser(*WIDE, language=words["language"])
    browser.expect_console("404")
    page = ChatPage(browser, server)
    person = database.add_user({"en": "mika", "ja": "美香"}[tongue])

    def look(name, sizes=(WIDE, PHONE)):
        page.pictures(f"{name}-{tongue}", sizes)

    def escape():
        page.press(Keys.ESCAPE)
        browser.gone("dialog[open]")

    page.open()
    browser.see("#login-username")
    look("login")
    page.log_in(person)
    browser.see("#composer-text")
    look("empty")
    page.click("#chat-temporary")
    look("temporary")
    client = log_in(server, person)
    first = history(client, database, words)
    page.open(f"?c={first}")
    browser.see(".markdown table")
    browser.run("document.querySelector('#composer-text').blur()")
    browser.run("document.querySelector('#transcript').scrollTop = 0")
    look("chat")
    keep(browser, tongue)
    browser.resize(*PHONE)
    page.click("#sidebar-open")
    look("drawer", (PHONE,))
    page.click("#sidebar-close")
    browser.resize(*WIDE)
    page.click("#chat-menu")
    browser.see(".menu-item")
    look("menu", (WIDE,))
    page.press(Keys.ESCAPE)
    gate = threading.Event()
    model.script = thinks(words, gate)
    page.send(words["next"])
    browser.see(".growing-tail, .message-answer:last-child strong")
    browser.run("document.querySelector('.extra').open = true")
    look("writing")
    gate.set()
    page.answer()
    model.script = fails
    page.send(words["next"])
    browser.see(".failure")
    look("failed")
    page.click("#select-toggle")
    page.click(".row-check")
    look("selection", (WIDE,))
    page.click("#select-toggle")
    page.write("#search", words["find"])
    browser.see("#conversations mark")
    look("search", (WIDE,))
    page.write("#search", " ")
    browser.see(".list-group")
    dialogs(page, browser, look, escape)
    page.click("#conversations a[data-id]", words["deleted"])
    browser.see_text(words["deleted"], "#chat-title")
    page.menu(words["menu"])
    page.dismiss_toasts()
    page.click("#trash-toggle")
    page.click("#conversations a[data-id]")
    browser.see("#composer-note")
    look("trash")


def dialogs(page, browser, look, escape):
    page.click("#chat-settings")
    browser.see("dialog[open]")
    look("settings")
    escape()
    page.account()
    look("account")
    escape()
    for name, button in (("own", "[data-own]"), ("data", "[data-data]")):
        page.account()
        page.click(button)
        browser.see(".own-part")
        look(name)
        if name == "own":
            browser.run("document.querySelector('dialog .dialog-body').scrollTop = 99999")
            page.write("#apikey-name", "laptop")
            page.click("dialog[open] .own-form:has(#apikey-name) button[type=submit]")
            browser.see(".own-key")
            browser.run("document.querySelector('dialog .dialog-body').scrollTop = 99999")
            look("key")
        escape()
    page.press(Keys.CONTROL, "/")
    browser.see(".keys")
    look("shortcuts")
    escape()


def keep(browser, tongue):
    """Those of README.md: light and dark in English, a phone, and Japanese."""
    folder = browser.screenshot("keep").parent
    wanted = {"en": {"chat": "chat-en-1280-light", "chat-dark": "chat-en-1280-dark", "chat-phone": "chat-en-390-light"},
              "ja": {"chat-ja": "chat-ja-1280-light"}}[tongue]
    for name, source in wanted.items():
        shutil.copyfile(folder / f"{source}.png", PICTURES / f"{name}.png")
