# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The operators' console in a real browser on a real server: who sees what, what is done with many conversations at
once, and that the address bar is the state. What the browser's console complains about fails a test (conftest.py), so a
button that the server refuses (403) cannot hide."""
import itertools

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import Client
from harness.pages import ConsolePage

_numbers = itertools.count(1)


@pytest.fixture
def owner(world, database):
    """The name of somebody new, to whom the conversations of one test belong."""
    name = f"mika-{next(_numbers)}"
    world.users[name] = database.add_user(name)
    world.ids[name] = database.value("SELECT id::text FROM chatsession.users WHERE name = %s", (name,))
    return name


@pytest.fixture
def console(httpd, browser):
    return ConsolePage(browser, httpd)


def of(owner, **more):
    """The address of the list of that user's conversations."""
    return "?view=conversations&" + "&".join(f"{name}={value}" for name, value in {"user": owner, **more}.items())


def select(console, *titles):
    """Tick these rows."""
    for title in titles:
        console.click(f'tbody input[type=checkbox][aria-label="Select {title}"]')


def active(database, owner):
    """How many of that user's conversations are not in the trash."""
    return database.value("SELECT count(*) FROM chatsession.conversations c"
                          " JOIN chatsession.users u ON u.id = c.user_id WHERE u.name = %s AND c.trashed_at IS NULL", (owner,))


# --- who may what


def test_a_plain_user_is_refused(browser, console, world):
    console.open()
    console.log_in(world.users["anna"])
    browser.see_text("You may not use the console")
    assert "anna" in browser.see(".entrance-card").text
    console.click(".entrance-card button", "Log out")
    browser.see("#login-username")


def test_a_viewer_sees_who_and_when_but_nothing_that_was_said(browser, console, world, owner):
    thing = world.thing(owner, title="a title not for viewers", question="a question not for viewers")
    console.enter(world.users["vera"])
    assert console.texts(".nav a") == ["Home", "Conversations", "Retention", "Jobs", "Users"]
    console.go("users")
    console.loaded()
    console.go("conversations")
    console.filter(user=owner)
    assert console.rows() == [thing.conversation]
    assert not browser.find("#filter-q, tbody input, .bulk-bar, a[download]")
    console.click(".title-link")
    browser.see_text("Content is not shown: your role")
    assert console.texts(".messages .message-body") == ["Content not shown"] * 2
    assert [button.text for button in browser.find(".screen-header button, .screen-header a, #screen .button-danger")
            if button.is_displayed()] == ["Copy link", "Print"]
    assert "not for viewers" not in browser.driver.page_source
    for view in ("sessions", "audit"):
        console.open(f"?view={view}")
        browser.see_text("may not see this screen")


def test_an_auditor_reads_with_a_reason(browser, console, world, owner, database):
    thing = world.thing(owner, title="the tides", question="\u6f6e\u6c50 \U0001f30a", answer="**strong** words")
    console.enter(world.users["aude"], of(owner))
    assert console.rows() == ["the tides"]
    assert not browser.find("tbody input, a[download]")
    console.click(".title-link")
    console.click("dialog[open] .button-primary")
    browser.see_text("Write a reason.", "dialog[open]")
    console.press(Keys.ESCAPE)
    browser.see_text("The content is not loaded")

    def reasons():
        return database.rows("SELECT reason FROM chatsession.audit_entries WHERE conversation_id = %s"
                             " AND action = 'conversation.read'", (thing.conversation,))
    assert reasons() == []
    console.click("#screen .button-primary", "Give a reason")
    assert console.read("complaint 4711") == ["\u6f6e\u6c50 \U0001f30a", "strong words"]
    assert reasons() == [("complaint 4711",)]
    assert not browser.find("#screen .button-danger, a[download]")
    console.click(".source-switch input")
    console.wait_texts(".messages .message-body", ["\u6f6e\u6c50 \U0001f30a", "**strong** words"])
    console.go("audit")
    console.loaded()
    browser.see_text("complaint 4711", "tbody")


# --- many at once


def test_many_are_expired_only_after_their_number_was_typed(browser, console, world, owner, database):
    for n in range(25):
        world.thing(owner, title=f"number {n}")
    console.enter(world.users["otto"], of(owner))
    assert len(console.rows()) == 25
    console.click("thead input[type=checkbox]")
    browser.see_text("25 selected", ".bulk-bar")
    console.click(".bulk-bar .button-danger")
    console.dialog("25 conversations with 50 messages will be expired.")
    assert console.focused() == "expire-typed"
    console.write("#expire-typed", "24")
    console.click("dialog[open] .button-danger")
    console.dialog("This is not 25.")
    assert active(database, owner) == 25
    console.write("#expire-typed", "25")
    console.click("dialog[open] .button-danger")
    console.toast("25 conversations expired")
    browser.see_text("No conversation matches", "#screen")
    assert active(database, owner) == 0
    console.click(".toast button", "Undo")
    console.toast("25 conversations restored.")
    browser.wait(lambda: len(console.rows()) == 25, "the 25 rows again")
    assert active(database, owner) == 25


def test_all_that_match_means_also_those_that_are_not_loaded(browser, console, world, owner, database):
    for n in range(60):
        world.thing(owner, title=f"number {n}")
    console.enter(world.users["otto"], of(owner))
    assert len(console.rows()) == 50
    console.click("thead input[type=checkbox]")
    console.click(".bulk-bar button", "Select all that match the filter")
    console.click(".bulk-bar .button-danger")
    console.dialog("60 conversations with 120 messages will be expired.")
    console.dialog(f"User: {owner}")
    console.write("#expire-typed", "60")
    console.click("dialog[open] .button-danger")
    console.toast("60 conversations expired")
    assert active(database, owner) == 0


def test_more_rows_are_loaded_in_place(browser, console, world, owner):
    for n in range(60):
        world.thing(owner, title=f"number {n}")
    console.enter(world.users["otto"], of(owner))
    assert len(console.rows()) == 50
    console.click(".list-foot button")
    console.wait_rows([f"number {n}" for n in range(60)])
    browser.gone(".list-foot button")


def test_a_number_that_has_changed_is_shown_and_asked_again(browser, console, world, owner, database):
    browser.expect_console("409")
    things = [world.thing(owner, title=f"number {n}") for n in range(3)]
    console.enter(world.users["otto"], of(owner))
    console.loaded()
    console.click("thead input[type=checkbox]")
    console.click(".bulk-bar .button-danger")
    console.dialog("3 conversations with 6 messages")
    world.clients[owner] = world.log_in(owner)
    world.clients[owner].json("DELETE", f"api/conversations/{things[0].conversation}", 204)
    console.click("dialog[open] .button-danger")
    console.dialog("The number has changed in the meantime.")
    console.dialog("2 conversations with 4 messages")
    assert active(database, owner) == 2
    console.click("dialog[open] .button-danger", "Expire 2 conversations")
    console.toast("2 conversations expired")
    assert active(database, owner) == 0


def test_cancel_expires_nothing(browser, console, world, owner, database):
    world.thing(owner, title="stay")
    console.enter(world.users["otto"], of(owner))
    select(console, "stay")
    console.click(".bulk-bar .button-danger")
    console.dialog("1 conversation with 2 messages")
    console.click("dialog[open] button", "Cancel")
    browser.gone("dialog[open]")
    assert active(database, owner) == 1 and console.rows() == ["stay"]


def test_restore_from_the_trash(browser, console, world, owner, database):
    world.thing(owner, title="by an operator", trashed_by="operator")
    world.thing(owner, title="by its user", trashed_by="user")
    console.enter(world.users["otto"], of(owner))
    browser.see_text("No conversation matches", "#screen")
    browser.run("""const select = document.querySelector('#filter-state');
                   select.value = 'trashed'; select.dispatchEvent(new Event('change'))""")
    console.wait_rows(["by an operator", "by its user"])
    browser.see_text("purged", "tbody")
    select(console, "by an operator")
    console.click(".bulk-bar button", "Restore")
    console.toast("1 conversation restored.")
    console.wait_rows(["by its user"])
    assert active(database, owner) == 1


# --- sessions, users, the audit log


def test_ending_one_session_ends_just_that_one(browser, console, world, owner):
    first, second = world.log_in(owner), world.log_in("berta")
    console.enter(world.users["otto"], "?view=sessions")
    console.click(f'button[aria-label="End the session of {owner}"]')
    console.dialog("End 1 session?")
    console.click("dialog[open] .button-danger")
    console.toast("1 session ended.")
    browser.gone(f'button[aria-label="End the session of {owner}"]')
    assert first.get("api/session").json()["authenticated"] is False
    assert second.get("api/session").json()["authenticated"] is True


def test_ending_the_own_session_leads_to_the_log_in_and_back(browser, console, world, database):
    browser.expect_console("401")
    me = database.add_user(f"olga-{next(_numbers)}", "operator")
    console.enter(me, "?view=sessions")
    console.click(f'button[aria-label="End the session of {me.name}"]')
    console.click("dialog[open] .button-danger")
    browser.see_text("Your session has ended.", "form")
    console.log_in(me)
    browser.see(f'button[aria-label="End the session of {me.name}"]')


def test_the_audit_log_tells_what_was_done(browser, console, world, owner):
    thing = world.thing(owner, title="audited")
    otto = Client(world.httpd.url, "/chat-admin", world.clients["otto"].session)
    otto.json("GET", f"api/conversations/{thing.conversation}?reason=ticket+1", 200)
    otto.json("POST", "api/conversations/expire", 200, json={
        "ids": [thing.conversation], "dry_run": False, "confirm": {"conversations": 1}})
    otto.json("POST", "api/conversations/restore", 200, json={"ids": [thing.conversation]})
    console.enter(world.users["aude"], "?view=audit")
    console.loaded()
    assert console.texts("tbody .primary code")[:3] == ["conversation.restore", "conversation.expire",
                                                        "conversation.read"]
    row = browser.find("tbody tr")[2].text
    assert "otto" in row and "ticket 1" in row and thing.conversation[:8] in row
    console.click(f'a[title="{thing.conversation}"]')
    browser.see("#reason")


def test_users_are_found_by_a_part_of_their_name(browser, console, world, owner):
    world.thing(owner)
    console.enter(world.users["vera"], "?view=users")
    assert owner in console.rows()
    console.write("#users-find", owner.upper())
    console.wait_rows([owner])
    console.click("tbody .number a")
    browser.wait(lambda: f"user={owner}" in browser.driver.current_url, "the user's conversations")
    assert len(console.rows()) == 1


# --- the address bar is the state


def test_back_and_forward_keep_the_filter(browser, console, world, owner):
    world.thing(owner, title="about the tides")
    world.thing(owner, title="about the moon")
    console.enter(world.users["otto"], of(owner))
    console.wait_rows(["about the moon", "about the tides"])
    console.filter(q="tides")
    console.wait_rows(["about the tides"])
    console.click(".title-link")
    browser.see("#reason")
    console.read("ticket 2")
    browser.driver.back()
    console.wait_rows(["about the tides"])
    assert browser.see("#filter-q").get_property("value") == "tides"
    assert browser.see("#filter-user").get_property("value") == owner
    browser.driver.back()
    console.wait_rows(["about the moon", "about the tides"])
    assert browser.see("#filter-q").get_property("value") == ""
    browser.driver.forward()
    console.wait_rows(["about the tides"])
    browser.driver.refresh()
    console.wait_rows(["about the tides"])
    assert "q=tides" in browser.driver.current_url
    console.click(".filter-actions button", "Clear")
    browser.wait(lambda: "q=" not in browser.driver.current_url, "the filter to leave the address")


def test_an_address_leads_past_the_log_in(browser, console, world, owner):
    thing = world.thing(owner, title="linked")
    console.open(f"?conversation={thing.conversation}")
    console.log_in(world.users["otto"])
    browser.see("#reason")
    assert console.read("a link from a colleague") == ["a question", "an answer"]


# --- home


def test_home_tells_how_requests_came_by_their_sessions(browser, console, world, httpd):
    """The causes of the environment and the log, counted; words and the cause itself on each card."""
    forged = Client(httpd.url)
    for _ in range(3):
        forged.get("api/session", headers={"Cookie": "sid=v1.x.y.z.w"})
    console.enter(world.users["vera"])
    browser.see_text("renew after InvalidSignature", ".figures")
    card = browser.driver.find_elements("css selector", ".card-group:last-of-type .figure")
    values = {one.find_element("css selector", ".figure-note").text: one.find_element("css selector", ".figure-value").text
              for one in card}
    assert len(values) == 7 and int(values["renew after InvalidSignature"].replace(",", "")) >= 3
    assert int(values["success"].replace(",", "")) >= 1


# --- phones, languages


@pytest.mark.window(390, 844)
def test_nothing_is_wider_than_a_phone(browser, console, world, owner):
    thing = world.thing(owner, title="a_title_without_any_space_in_it_" * 6, question="x" * 300,
                        answer="| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n" + "| a_long_cell " * 6 + "|\n")
    world.log_in("berta")
    console.enter(world.users["otto"])
    for view in ("home", "conversations", "users", "sessions", "audit"):
        console.go(view)
        console.loaded()
        console.fits()
    console.open(of(owner))
    console.loaded()
    console.fits()
    console.click("tbody input[type=checkbox]")
    browser.see(".bulk-bar")
    console.fits()
    console.click(".bulk-bar .button-danger")
    console.dialog("1 conversation")
    console.fits()
    console.press(Keys.ESCAPE)
    console.open(f"?conversation={thing.conversation}")
    browser.see("#reason")
    console.fits()
    console.read("ticket 3")
    console.fits()
    console.click(".account summary")
    browser.see(".account-panel")
    console.fits()


def test_the_language_changes_at_once_and_keeps_the_place(browser, console, world, owner):
    world.thing(owner, title="\u6f6e\u306e\u8a71 \U0001f30a")
    console.enter(world.users["otto"], of(owner))
    console.wait_rows(["\u6f6e\u306e\u8a71 \U0001f30a"])
    console.click(".account summary")
    browser.run("""const select = document.querySelector('.account-panel select:has(option[value=ja])');
                   select.value = 'ja'; select.dispatchEvent(new Event('change'))""")
    for _ in ("at once", "after a reload"):
        browser.see_text("\u4f1a\u8a71", "#screen h1")
        assert console.texts(".nav a")[0] == "\u30db\u30fc\u30e0"
        console.wait_rows(["\u6f6e\u306e\u8a71 \U0001f30a"])
        assert browser.run("return document.documentElement.lang") == "ja"
        browser.driver.refresh()
    console.loaded()
    console.click("tbody input[type=checkbox]")
    console.click(".bulk-bar .button-danger")
    console.dialog("1 \u4ef6\u306e\u4f1a\u8a71")


def test_after_a_logout_nothing_is_left_in_the_browser(browser, console, world, owner):
    """[D9]"""
    world.thing(owner, title="a secret title", question="a secret question")
    console.enter(world.users["otto"], of(owner))
    console.click(".title-link")
    console.read("ticket 4")
    console.click(".account summary")
    console.click(".account-panel button", "Log out")
    browser.see("#login-username")
    for move in (browser.driver.back, browser.driver.forward, browser.driver.refresh):
        move()
        browser.see("#login-username")
        assert "secret" not in browser.run("return document.documentElement.outerHTML + document.title +"
                                           " JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
