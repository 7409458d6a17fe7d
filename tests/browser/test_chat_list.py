# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The chat page's list in a real browser on a real server: groups, folders, search, and what is done from it."""
import pytest
from selenium.webdriver.common.keys import Keys

from harness.scripted_chat import chat, client, model, person, says, seeds, server  # noqa: F401  (fixtures are found by name)


def test_rename_and_pin(browser, chat, client):
    first, _ = seeds(client, "older", "newer")
    browser.driver.refresh()
    chat.wait_texts("#conversations .row-title", ["newer", "older"])
    chat.click("#conversations a[data-id]", "older")
    chat.answer()
    chat.menu("Rename")
    chat.write(".rename", "\u6f6e\u306e\u8a71 \U0001f30a").send_keys(Keys.ENTER)
    chat.wait_texts("#chat-title", ["\u6f6e\u306e\u8a71 \U0001f30a"])
    chat.menu("Rename")
    chat.write(".rename", "something else").send_keys(Keys.ESCAPE)
    chat.wait_texts("#chat-title", ["\u6f6e\u306e\u8a71 \U0001f30a"])
    chat.menu("Pin")
    browser.see_text("Pinned", ".list-heading")
    chat.wait_texts("#conversations .row-title", ["\u6f6e\u306e\u8a71 \U0001f30a", "newer"])
    chat.menu("Unpin")
    browser.wait(lambda: "Pinned" not in chat.texts(".list-heading"), "the group of the pinned to go")
    info = client.conversation(first)
    assert info["title"] == "\u6f6e\u306e\u8a71 \U0001f30a" and info["pinned"] is False


def test_trash_undo_and_restore(browser, chat, client):
    kept, _ = seeds(client, "keep me", "leave me")
    browser.driver.refresh()
    chat.click("#conversations a[data-id]", "keep me")
    chat.answer()
    chat.menu("Move to trash")
    chat.wait_texts("#conversations .row-title", ["leave me"])
    browser.see(".greeting")
    chat.toast("is in the trash")
    chat.click(".toast button", "Undo")
    chat.wait_texts("#conversations .row-title", ["leave me", "keep me"])

    chat.click("#conversations a[data-id]", "keep me")
    chat.answer()
    chat.menu("Move to trash")
    chat.wait_texts("#conversations .row-title", ["leave me"])
    chat.click("#trash-toggle")
    chat.wait_texts("#conversations .row-title", ["keep me"])
    browser.see_text("Deleted for good on", ".row-snippet")
    chat.click("#conversations a[data-id]")
    browser.see_text("This chat is in the trash and will be deleted for good on", "#composer-note")
    chat.click("[data-restore]")
    browser.see_text("The trash is empty.", "#conversations")
    browser.gone("#composer-note")
    chat.click("#trash-toggle")
    chat.wait_texts("#conversations .row-title", ["leave me", "keep me"])
    assert client.conversation(kept)["trashed_at"] is None


def test_archive_undo_and_back(browser, chat, client):
    """Archived chats have a folder of their own, and a search finds them all the same"""
    put_away, _ = seeds(client, "\u6f6e\u306e\u8a71", "stays")
    browser.driver.refresh()
    chat.click("#conversations a[data-id]", "\u6f6e\u306e\u8a71")
    chat.answer()
    chat.menu("Archive")
    chat.wait_texts("#conversations .row-title", ["stays"])
    chat.toast("is in the archive")
    assert chat.questions == ["\u6f6e\u306e\u8a71"], "it stays open"
    chat.click(".toast button", "Undo")
    chat.wait_texts("#conversations .row-title", ["stays", "\u6f6e\u306e\u8a71"])
    chat.menu("Archive")
    chat.wait_texts("#conversations .row-title", ["stays"])
    chat.write("#search", "\u6f6e\u306e")
    chat.wait_texts("#conversations .row-title", ["\u6f6e\u306e\u8a71"])
    assert chat.texts(".row-marks .visually-hidden") == ["archived"]
    chat.click("#archive-toggle")
    browser.see_text("Archive", ".list-heading")
    chat.wait_texts("#conversations .row-title", ["\u6f6e\u306e\u8a71"])
    chat.dismiss_toasts()
    chat.menu("Take out of the archive")
    browser.see_text("The archive is empty.", "#conversations")
    chat.click("#archive-toggle", "Back to the chats")
    chat.wait_texts("#conversations .row-title", ["stays", "\u6f6e\u306e\u8a71"])
    assert client.conversation(put_away)["archived"] is False


def test_a_list_that_could_not_be_loaded_shows_no_rows_of_another(browser, chat, client):
    """What stands under "Trash" is in the trash."""
    client.new_conversation("not in the trash")
    browser.driver.refresh()
    browser.see_text("not in the trash", "#conversations")
    browser.run("""const real = window.fetch; window.away = true;
        window.fetch = (url, init) => (window.away && String(url).includes('state=trashed')
          ? Promise.reject(new TypeError('away')) : real(url, init));""")
    chat.click("#trash-toggle")
    browser.see_text("The list could not be loaded.", "#conversations")
    assert chat.titles == []
    browser.run("window.away = false")
    chat.click("#conversations button", "Try again")
    browser.see_text("The trash is empty.", "#conversations")
    chat.click("#trash-toggle")
    chat.wait_texts("#conversations .row-title", ["not in the trash"])


def test_the_list_is_grouped_by_day_with_the_pinned_first(browser, chat, client, database, person):
    database.rows("""
        INSERT INTO chatsession.conversations (user_id, title, pinned, updated_at)
        SELECT u.id, n || ' days ago', n = 400, now() - n * interval '1 day'
        FROM chatsession.users u, unnest(ARRAY[0, 1, 3, 20, 400]) n WHERE u.name = %s""", (person.name,))
    database.rows("""
        INSERT INTO chatsession.conversations (user_id, title, updated_at)
        SELECT u.id, 'in between', now() - interval '2 days' FROM chatsession.users u, generate_series(1, 120)
        WHERE u.name = %s""", (person.name,))
    database.rows("""
        INSERT INTO chatsession.conversations (user_id, title, updated_at)
        SELECT u.id, 'in June', '2024-06-15T12:00:00Z' FROM chatsession.users u WHERE u.name = %s""", (person.name,))
    browser.driver.refresh()
    browser.wait(lambda: chat.titles[:3] == ["400 days ago", "0 days ago", "1 days ago"],
                 "the pinned one, which its age puts on the last page, above the others")

    def scrolled():
        browser.run("const box = document.querySelector('#conversations'); box.scrollTop = box.scrollHeight")
        return len(chat.titles) == 126
    browser.wait(scrolled, "all pages")
    assert chat.texts(".list-heading") == ["Pinned", "Today", "Yesterday", "Previous 7 days", "Previous 30 days",
                                           "June 2024"]
    assert chat.titles[-2:] == ["20 days ago", "in June"]


def test_a_japanese_word_of_two_characters_is_found(browser, chat, client, model):
    model.script = says("## \u6708\u306e\u5f15\u529b\u306b\u3088\u308b**\u6f6e\u6c50**\u3067\u3059\u3002")
    seeds(client, "\u6d77\u306f\u306a\u305c\u52d5\u304f\u306e\u3067\u3059\u304b")
    model.reset()
    seeds(client, "\u5c71\u306e\u8a71", "tides")
    browser.driver.refresh()
    browser.wait(lambda: len(chat.titles) == 3, "three conversations")
    chat.write("#search", "\u6f6e\u6c50")
    chat.wait_texts("#conversations .row-title", ["\u6d77\u306f\u306a\u305c\u52d5\u304f\u306e\u3067\u3059\u304b"])
    assert chat.texts("#conversations mark") == ["\u6f6e\u6c50"]
    assert chat.texts(".row-snippet") == ["\u6708\u306e\u5f15\u529b\u306b\u3088\u308b\u6f6e\u6c50\u3067\u3059\u3002"]
    chat.click("#conversations a[data-id]")
    found = browser.see(".message.found")
    assert "\u6f6e\u6c50" in found.text
    assert browser.run("return [...CSS.highlights.get('found')].map(String)") == ["\u6f6e\u6c50"]
    chat.write("#search", "\u5ddd")
    browser.see_text("Nothing found", "#conversations")
    browser.find("#search")[0].send_keys(Keys.ESCAPE)
    browser.wait(lambda: len(chat.titles) == 3, "all conversations again")


@pytest.fixture
def long_chat(browser, person, client, database, chat):
    """The chat page with a conversation of 300 messages open, read at its end."""
    conversation = client.new_conversation("a long one")
    database.rows("""
        WITH numbers AS (SELECT n, gen_random_uuid() AS id FROM generate_series(1, 300) AS n)
        INSERT INTO chatsession.messages (id, conversation_id, seq, parent_id, role, status, content, client_id, model,
                                          finished_at)
        SELECT a.id, %s, a.n, b.id, CASE WHEN a.n %% 2 = 1 THEN 'user' ELSE 'assistant' END, 'complete',
               'message ' || a.n, CASE WHEN a.n %% 2 = 0 THEN gen_random_uuid() END,
               CASE WHEN a.n %% 2 = 0 THEN 'mock' END, CASE WHEN a.n %% 2 = 0 THEN now() END
        FROM numbers a LEFT JOIN numbers b ON b.n = a.n - 1 ORDER BY a.n""", (conversation,))
    database.rows("UPDATE chatsession.conversations SET message_count = 300 WHERE id = %s", (conversation,))
    chat.open(f"?c={conversation}")
    browser.see_text("message 300")
    assert "message 1" not in chat.questions
    return chat


def test_earlier_messages_come_as_the_reader_nears_the_top(browser, long_chat):
    def to_the_top():
        browser.run("document.querySelector('#transcript').scrollTop = 0")
        return "message 1" in long_chat.questions
    browser.wait(to_the_top, "the first message")
    assert len(long_chat.questions) == len(long_chat.answers) == 150


def test_earlier_messages_come_to_a_reader_who_is_back_at_the_top_at_once(browser, long_chat):
    """Back within the same frame, as by a held Home key: an observer of what is in sight sees no change then."""
    browser.run("""
        const box = document.querySelector('#transcript');
        new MutationObserver(() => { box.scrollTop = 0; }).observe(box.querySelector('.transcript-list'), { childList: true });
        box.scrollTop = 0;""")
    browser.wait(lambda: "message 1" in long_chat.questions, "the first message")
    assert len(long_chat.questions) == len(long_chat.answers) == 150
