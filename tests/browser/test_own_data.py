# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Chats brought along from elsewhere, and all of one's own taken home, in a real browser."""
import itertools
import json

import pytest

from harness.client import log_in
from harness.pages import ChatPage

_numbers = itertools.count(1)
SEA, TIDE = "\u6d77\u306f\u306a\u305c\u52d5\u304f\u306e\u3067\u3059\u304b \U0001f30a", "\u6f6e\u6c50\u3067\u3059\u3002"


@pytest.fixture
def person(database):
    return database.add_user(f"noa-{next(_numbers)}")


@pytest.fixture
def client(httpd, person):
    return log_in(httpd, person)


@pytest.fixture
def chat(httpd, browser, person):
    return ChatPage(browser, httpd).enter(person)


def node(name, parent, role=None, *parts, kind="text", at=None, **message):
    """One node of a conversation as ChatGPT exports it."""
    content = {"content_type": kind, "parts": list(parts)}
    about = {"author": {"role": role}, "content": content, "create_time": at, **message}
    return {"id": name, "parent": parent, "children": [], "message": about if role else None}


def chatgpt(identifier, title, *nodes, current=None, **more):
    return {"id": identifier, "conversation_id": identifier, "title": title, "create_time": 1735689600.5,
            "update_time": 1735693200, "mapping": {one["id"]: one for one in nodes},
            "current_node": current or nodes[-1]["id"], **more}


CHATGPT = [
    chatgpt("c-1", "\u6d77\u306e\u8a71",
            node("root", None), node("system", "root", "system", ""),
            node("q", "system", "user", SEA, at=1735689601),
            node("a1", "q", "assistant", "first version", at=1735689602, metadata={"model_slug": "gpt-4o"}),
            node("a2", "q", "assistant", TIDE, at=1735689600, metadata={"model_slug": "gpt-4o"}),
            node("call", "a2", "assistant", "search()", recipient="browser", kind="code", at=1735689603),
            node("tool", "call", "tool", "results", at=1735689604),
            node("a3", "tool", "assistant", "And that is all.", at=1735689605),
            node("q2", "a3", "user", {"content_type": "image_asset_pointer"}, "See this", kind="multimodal_text"),
            node("a4", "q2", "assistant", "I see", at=1735689607)),
    chatgpt("c-2", "nothing in it", node("root", None), node("s", "root", "system", "x")),
    chatgpt("c-3", "archived", node("q", None, "user", "old"), node("a", "q", "assistant", "older"), is_archived=True),
    {"title": "broken", "mapping": None},
]

WEBUI = [{
    "id": "w-1", "title": "Web\u306e\u8a71", "created_at": 1735689600, "updated_at": 1735693200, "pinned": True,
    "archived": False, "chat": {"title": "x", "models": ["llama"], "history": {"currentId": "2", "messages": {
        "1": {"id": "1", "parentId": None, "childrenIds": ["2", "3"], "role": "user", "content": SEA,
              "timestamp": 1735689601, "files": [{"type": "file"}]},
        "2": {"id": "2", "parentId": "1", "childrenIds": [], "role": "assistant", "model": "llama",
              "content": '<details type="reasoning" done="true"><summary>x</summary>hm</details>\nAn answer',
              "timestamp": 1735689602},
        "3": {"id": "3", "parentId": "1", "childrenIds": [], "role": "assistant", "content": "A later answer",
              "timestamp": 1735689603}}}},
}]


def import_file(chat, tmp_path, content, name="conversations.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    if not chat.browser.find("#import-file"):
        chat.account()
        chat.click("dialog[open] [data-data]")
    chat.browser.wait(lambda: chat.browser.find("#import-file"), "the dialog").pop().send_keys(str(path))


def shape(client, title, state="kept"):
    """[(role, content, the parent's content, model)] of the conversation of this title"""
    listed = client.get(f"api/conversations?state={state}").json()["conversations"]
    found = client.conversation(next(one["id"] for one in listed if one["title"] == title))
    texts = {one["id"]: one["content"] for one in found["messages"]}
    return found, [(one["role"], one["content"], texts.get(one["parent_id"]), one["model"])
                   for one in found["messages"]]


def test_chatgpt_conversations_come_in_once(browser, chat, client, tmp_path):
    """Revisions, times and models; the shown branch last; calls of tools and images are named as left out"""
    import_file(chat, tmp_path, CHATGPT)
    browser.see_text("Finished: 2 chats imported, 0 were here already.", ".import-box")
    left = chat.texts(".import-left-out li")
    assert left == ["Calls of tools and their results: 2", "Images and files: 1", "nothing in it (without text)",
                    "broken (not readable)"]
    found, messages = shape(client, "\u6d77\u306e\u8a71")
    answer = f"{TIDE}\n\nAnd that is all."
    assert messages == [("user", SEA, None, None), ("assistant", "first version", SEA, "gpt-4o"),
                        ("assistant", answer, SEA, "gpt-4o"), ("user", "See this", answer, None),
                        ("assistant", "I see", "See this", None)]
    assert (found["created_at"], found["updated_at"]) == ("2025-01-01T00:00:00.500Z", "2025-01-01T01:00:00.000Z")
    assert shape(client, "archived")[0]["archived"] is True
    import_file(chat, tmp_path, CHATGPT)
    browser.see_text("Finished: 0 chats imported, 2 were here already.", ".import-box")
    assert len(client.get("api/conversations?state=kept").json()["conversations"]) == 2

    chat.press("\ue00c")
    browser.see_text("\u6d77\u306e\u8a71", "#conversations")
    assert "January 2025" in chat.texts(".list-heading")
    chat.click("#conversations a[data-id]", "\u6d77\u306e\u8a71")
    chat.wait_texts(".message-user .message-body", [SEA, "See this"])
    assert chat.texts(".version") == ["2/2"]
    chat.send("And now?")
    assert chat.answer() == "And now?"


def test_open_webui_conversations_come_in(browser, chat, client, tmp_path):
    import_file(chat, tmp_path, WEBUI)
    browser.see_text("Finished: 1 chats imported", ".import-box")
    found, messages = shape(client, "Web\u306e\u8a71")
    assert messages == [("user", SEA, None, None), ("assistant", "A later answer", SEA, None),
                        ("assistant", "An answer", SEA, "llama")]
    assert found["pinned"] is True
    assert chat.texts(".import-left-out li") == ["Images and files: 1", "Thoughts of the model: 1"]


def test_what_was_taken_home_comes_back_in(browser, chat, client, database, httpd, make_browser, tmp_path):
    chat.ask(SEA)
    chat.hover(".message-answer")
    chat.click('.message-answer [data-action="regenerate"]')
    browser.wait(lambda: chat.texts(".message-answer .version") == ["2/2"], "a second version")
    chat.account()
    chat.click("dialog[open] [data-data]")
    chat.click('[data-export="ndjson"]')
    lines = chat.downloaded(".ndjson").decode()
    assert json.loads(lines.splitlines()[-1])["messages"] == 3
    chat.click('[data-export="md"]')
    assert SEA in chat.downloaded(".md").decode()
    browser.close()

    other = database.add_user(f"noa-{next(_numbers)}")
    theirs = log_in(httpd, other)
    second = make_browser(language="ja-JP")
    page = ChatPage(second, httpd).enter(other)
    import_file(page, tmp_path, lines, "export.ndjson")
    second.see_text("\u5b8c\u4e86: 1 \u4ef6\u3092\u8aad\u307f\u8fbc\u307f\u307e\u3057\u305f\u3002", ".import-box")
    assert shape(theirs, SEA)[1] == shape(client, SEA)[1]


@pytest.mark.parametrize("content", ["no JSON", '{"a": 1}', "[1, 2]"])
def test_a_file_without_chats_is_said_to_be_none(browser, chat, tmp_path, content):
    import_file(chat, tmp_path, content, "other.json")
    browser.see_text("No chats were found in \u201cother.json\u201d.", ".import-box")


def test_an_import_that_loses_an_answer_goes_on_and_doubles_nothing(browser, chat, client, tmp_path):
    """Each call's first answer is lost on its way"""
    browser.run("""const real = window.fetch; const seen = new Set(); window.posts = 0;
        window.fetch = async (url, init) => {
          const answer = await real(url, init);
          if (String(url).endsWith('/import')) {
            window.posts += 1;
            if (!seen.has(init.body)) { seen.add(init.body); throw new TypeError('lost'); }
          }
          return answer;
        };""")
    import_file(chat, tmp_path, [chatgpt(f"n-{n}", f"number {n}", node("q", None, "user", f"{n}")) for n in range(3)])
    browser.see_text("Finished: 0 chats imported, 3 were here already.", ".import-box")
    assert browser.run("return window.posts") == 6
    assert len(client.get("api/conversations").json()["conversations"]) == 3


def test_an_import_of_many_shows_how_far_it_is_and_can_be_stopped(browser, chat, client, tmp_path):
    browser.run("""const real = window.fetch; let gate; const opened = new Promise((open) => { gate = open; });
        let calls = 0; window.openGate = gate;
        window.fetch = async (url, init) => {
          if (String(url).endsWith('/import')) { calls += 1; if (calls === 3) await opened; }
          return real(url, init);
        };""")
    import_file(chat, tmp_path, [chatgpt(f"m-{n}", f"number {n}", node("q", None, "user", f"{n}")) for n in range(5)])
    browser.see_text("2 of 5 chats", ".import-box")
    assert browser.see("progress").get_property("value") == 2
    chat.click(".import-box button", "Stop")
    browser.run("window.openGate()")
    browser.see_text("Stopped after 3 of 5 chats.", ".import-box")
    chat.click(".import-box button", "Go on")
    browser.see_text("Finished: 5 chats imported", ".import-box")
    assert len(client.get("api/conversations").json()["conversations"]) == 5


# --- the person


def test_who_looked_is_seen_and_the_account_is_erased(make_module_httpd, database, browser, person, operator):
    """[I3] [D9]"""
    server = make_module_httpd(database.conninfo, lines=["ChatSessionShowAccess name", "ChatSessionSelfErase on"])
    made = log_in(server, person)
    conversation = made.json("POST", "api/conversations", 201, json={"title": "my letter"})["id"]
    looking = log_in(server, operator, "/chat-admin")
    looking.json("GET", f"api/conversations/{conversation}?reason=ticket", 200)
    chat = ChatPage(browser, server).enter(person)
    chat.click("#account")
    chat.click("[data-data]")
    browser.see_text("operator", "dialog")
    browser.see_text("my letter", "dialog")
    assert "ticket" not in browser.find("dialog")[0].text
    browser.see("#erase-password").send_keys(person.password)
    chat.click("dialog button", "Erase my account")
    browser.see_text("Tick the box to go on.", "dialog")
    chat.click("#erase-sure")
    chat.click("dialog button", "Erase my account")
    browser.see("#login-username")
    assert database.value("SELECT count(*) FROM chatsession.users WHERE name = %s", (person.name,)) == 0


# --- before there is an account


def test_a_guest_goes_on_without_logging_in_and_keeps_the_chats_at_the_log_in(make_module_httpd, database, browser, person):
    server = make_module_httpd(database.conninfo, lines=["ChatSessionGuests 5", "ChatSessionAdopt on"])
    chat = ChatPage(browser, server)
    browser.open(f"{server.url}/chat/")
    chat.click("[data-guest]")
    chat.send("asked as a guest")
    browser.see_text("asked as a guest", "#messages, main")
    chat.click("#account")
    browser.see_text("kept for this browser alone", "dialog")
    chat.click("dialog [data-login]")
    browser.see("#login-username").send_keys(person.name)
    browser.see("#login-password").send_keys(person.password)
    chat.click("dialog form button", "Log in")
    browser.see_text(person.name, "#account")
    browser.see_text("asked as a guest", "nav, aside")
