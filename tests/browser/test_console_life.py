# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Holds, retention and jobs in the operators' console (promises E3, E8, I2): found, held, expired with the count
confirmed, followed, explained. What the browser's console complains about fails a test (conftest.py)."""
import hashlib
import json
import socket

import pytest

from harness.pages import ConsolePage


@pytest.fixture(scope="module")
def httpd(make_module_httpd, database):
    return make_module_httpd(database.conninfo, lines=["ChatSessionRetentionInterval 30d",
                                                       "ChatSessionSweepInterval 100ms"])


@pytest.fixture(autouse=True)
def empty(world):
    world.release_matters()
    world.connection.execute("TRUNCATE chatsession.retention_rules")
    world.connection.execute("DELETE FROM chatsession.conversations")
    world.make_retention_idle()
    world.connection.execute("TRUNCATE chatsession.retention_rules")


@pytest.fixture
def console(httpd, browser):
    return ConsolePage(browser, httpd)


def fill(console, **values):
    for css, text in values.items():
        console.write(f"#{css.replace('_', '-')}", text)


def fits(console):
    """Nothing sticks out of the window."""
    console.fits()


def test_a_selection_is_put_on_hold_and_left_out_of_an_expiry(browser, console, world):
    """The part of an operator's day between finding and expiring."""
    held, gone = world.thing("anna", title="keep me"), world.thing("anna", title="drop me")
    console.enter(world.users["otto"], "?view=conversations&user=anna")
    browser.see_text("keep me", "table")
    row = next(one for one in browser.find("tbody tr") if "keep me" in one.text)
    row.find_element("css selector", "input[type=checkbox]").click()
    console.click(".bulk-bar button", "Hold…")
    fill(console, matter_name="Tanaka v. Acme", matter_reason="letter of 3 May")
    console.click("dialog button[type=submit]")
    browser.see_text("on hold", "tbody tr .badge")
    browser.see(".tick-all input").click()
    console.click(".bulk-bar button", "Expire…")
    browser.see_text("1 more is on hold and stays.", "dialog")
    browser.see_text("1 conversation with 2 messages", "dialog")
    console.click("dialog button[type=submit]")
    browser.see_text("1 conversation expired")
    state = world.connection.execute("SELECT id::text, trashed_at IS NOT NULL FROM chatsession.conversations").fetchall()
    assert dict(state) == {held.conversation: False, gone.conversation: True}
    console.open("?view=holds")
    console.click("a.title-link", "Tanaka v. Acme")
    browser.see_text("letter of 3 May", ".facts")
    console.click("button", "Release…")
    console.click("dialog button[type=submit]")
    browser.see_text("A reason is needed.", "dialog")
    fill(console, release_reason="settled")
    console.click("dialog button[type=submit]")
    browser.see_text("Released", ".facts .badge")
    assert not [one for one in browser.find("#screen button") if "Release" in one.text], "a dead button"


def test_a_retention_rule_shows_what_it_takes_before_it_is_saved_and_runs(browser, console, world):
    thing = world.thing("anna", title="old one")
    world.connection.execute("UPDATE chatsession.conversations SET created_at = now() - interval '99 days',"
                             " updated_at = now() - interval '99 days' WHERE id = %s", (thing.conversation,))
    console.enter(world.users["ada"], "?view=retention")
    browser.see_text("No rule: everything is kept")
    console.click("button", "New rule")
    fill(console, rule_days="30")
    console.click("dialog button[type=submit]")
    browser.see_text("The next run takes 1 conversation with 2 messages out of sight.", "dialog")
    console.click("dialog button[type=submit]", "Save rule")
    browser.see_text("30 days after the last message", "table")
    console.open(f"?conversation={thing.conversation}")
    fill(console, reason="ticket 1")
    console.click("dialog button[type=submit]")
    browser.see_text("Rule: Everyone, 30 days after the last message", ".why-kept")
    console.open("?view=retention")
    console.click("button", "Run now")
    browser.see_text("Conversations expired: 1, messages in them: 2, left on hold: 0", ".job", 30)
    assert world.connection.execute("SELECT trashed_by FROM chatsession.conversations").fetchall() == [("retention",)]


def test_a_large_expiry_is_followed_in_the_dialog(browser, console, world):
    world.connection.execute("INSERT INTO chatsession.conversations (user_id, title) SELECT %s, 'many'"
                             " FROM generate_series(1, 3000)", (world.ids["berta"],))
    console.enter(world.users["otto"], "?view=conversations&user=berta")
    browser.see(".tick-all input").click()
    console.click(".bulk-bar button", "Select all that match")
    console.click(".bulk-bar button", "Expire…")
    fill(console, expire_typed="3000")
    console.click("dialog button[type=submit]")
    browser.see_text("Conversations expired: 3,000", "dialog .job", 30)
    console.open("?view=jobs")
    browser.see_text("Done", ".job .badge")


def test_the_audit_log_is_filtered_and_its_chain_verified_by_a_button(browser, console, world):
    """[E7]"""
    thing = world.thing("anna")
    world.clients["otto"].console.json("GET", f"api/conversations/{thing.conversation}?reason=r1", 200)
    console.enter(world.users["aude"], "?view=audit")
    fill(console, audit_operator="otto", audit_action="conversation.read")
    console.click(".filter-actions button")
    browser.see_text("r1", "table")
    assert {cell.text.split()[0] for cell in browser.find("tbody td[data-label=Operator]")} == {"otto"}
    console.click("button", "Verify the chain")
    browser.see_text("The chain is whole", "dialog")
    assert not [one for one in browser.find("#screen a") if one.text == "Export"], "a dead button for an auditor"


def test_an_export_asks_for_the_password_again_when_the_login_is_old(browser, console, world):
    """[E8]"""
    world.thing("anna", title="export me")
    console.enter(world.users["otto"], "?view=conversations&user=anna")
    browser.see_text("export me", "table")
    world.connection.execute("UPDATE chatsession.sessions SET created_at = created_at - interval '16 min',"
                             " console_seen_at = now() WHERE user_id = %s AND revoked_at IS NULL", (world.ids["otto"],))
    browser.expect_console("403")
    browser.wait(lambda: browser.run("return fetch('api/audit/export').then((answer) => answer.status)") == 403,
                 "the login to be old")
    console.click(".screen-actions a", "Export all that match")
    console.write("#again-password", world.users["otto"].password)
    console.click("dialog button[type=submit]")
    assert b"export me" in console.downloaded(".ndjson")


def test_an_export_is_followed_to_its_end_and_found_again(browser, console, world):
    """[I5] The file, its digest on the page, its manifest, its row in the list."""
    world.thing("anna", title="export me")
    console.enter(world.users["otto"], "?view=conversations&user=anna")
    browser.see_text("export me", "table")
    console.click(".screen-actions a", "Export all that match")
    octets = console.downloaded(".ndjson")
    browser.see_text("Whole", ".export-card .badge")
    digest = hashlib.sha256(b"".join(octets.splitlines(True)[:-1])).hexdigest()
    assert browser.see(".export-card .export-digest").text == digest and octets.count(digest.encode()) == 1
    fits(console)
    console.click(".export-card a", "Manifest")
    assert json.loads(console.downloaded(".manifest.json"))["export"]["sha256"] == digest
    console.go("jobs")
    browser.see_text(digest, "#screen table")
    fits(console)


def test_a_download_that_was_cut_goes_on_from_the_page(browser, console, world, tmp_path, httpd):
    """[I5] The reader shows the file that was cut; the rest comes, and both together are whole."""
    world.connection.execute(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, title, message_count)"
        "   SELECT %s, n::text, 1 FROM generate_series(1, 400) n RETURNING id)"
        " INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        " SELECT c.id, 1, 'user', 'complete', repeat('x', 60000) FROM c", (world.ids["anna"],))
    otto = world.log_in("otto").console
    httpd.expect_log("CS0091")
    made = otto.json("POST", "api/exports", 201, json={"filter": {"user": "anna"}})
    response = otto.get(made["link"], stream=True, headers={"Accept-Encoding": "identity"})
    part = response.raw.read(4_000_000)
    response.raw._connection.sock.shutdown(socket.SHUT_RDWR)
    response.close()
    (tmp_path / "part.ndjson").write_bytes(part)
    browser.wait(lambda: otto.json("GET", f"api/exports/{made['export']['id']}", 200)["state"] == "cut", "the cut to be seen")
    console.enter(world.users["otto"], "?view=jobs")
    browser.see_text("Broken off", "#screen table .badge")
    browser.find("#screen input[type=file]")[0].send_keys(str(tmp_path / "part.ndjson"))
    rest = console.downloaded(".ndjson")
    browser.see_text("Whole", "#screen table .badge")
    *lines, end = (part + rest).splitlines(True)
    assert hashlib.sha256(b"".join(lines)).hexdigest() == json.loads(end)["sha256"] and len(lines) == 800


def test_who_may_not_hold_or_rule_sees_no_button_for_it(browser, console, world):
    """[E3]"""
    world.thing("anna")
    console.enter(world.users["aude"], "?view=holds")
    browser.see_text("No matter")
    assert browser.find("#screen button") == []
    console.open("?view=retention")
    browser.see_text("No rule: everything is kept")
    assert browser.find("#screen button") == []


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_screens_fit_the_window(httpd, make_browser, world, width, language, scheme):
    """Looked at in build/screenshots as well."""
    thing = world.thing("anna", title="\u6f6e\u306e\u6e80\u3061\u5f15\u304d / why are there tides?")
    otto = world.clients["otto"].console
    matter = otto.json("POST", "api/matters", 201, json={"name": "Tanaka v. Acme", "reason": "letter of 3 May",
                                                         "users": ["anna"], "ids": [thing.conversation]})
    otto.json("POST", "api/conversations/tag", 200, json={"ids": [thing.conversation], "add": ["billing", "\u91cd\u8981"]})
    world.clients["ada"].console.json("POST", "api/retention", 200, json={
        "rule": {"subject": "role", "value": "user", "clock": "idle", "keep_days": 90}, "dry_run": False,
        "confirm": {"conversations": 0}})
    browser = make_browser(width, 844 if width == 390 else 800, {"en": "en-US", "ja": "ja-JP"}[language])
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                   {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    console = ConsolePage(browser, httpd)
    console.enter(world.users["ada"], "?view=holds")
    for name, query in (("holds", "?view=holds"), ("matter", f"?view=holds&matter={matter['id']}"),
                        ("retention", "?view=retention"), ("jobs", "?view=jobs"), ("home", ""), ("audit", "?view=audit"),
                        ("list", "?view=conversations&user=anna")):
        console.open(query)
        browser.see("#screen h1")
        browser.wait(lambda: not browser.find("#screen [aria-busy]"), f"{name} to be drawn")
        browser.screenshot(f"life-{name}-{language}-{width}-{scheme}")
        fits(console)
    if width == 390 or scheme == "dark":
        console.open("?view=retention")
        console.click("#screen .button-primary")
        browser.see("#rule-days")
        browser.screenshot(f"life-rule-{language}-{width}-{scheme}")
        fits(console)


def test_an_export_is_imported_from_the_page_after_it_was_tried(browser, console, world, tmp_path):
    """[I6] What is wrong is shown with its line before anything changes; the rest comes back."""
    for n in range(3):
        world.thing("anna", title=f"bring me back {n}", question="q" * 600_000)
    octets = world.log_in("otto").console.get("api/export?compress=none").content
    world.connection.execute("DELETE FROM chatsession.conversations")
    *lines, end = octets.splitlines(True)
    wrong = lines[0].replace(b'"user":"anna"', b'"user":"nobody"').replace(json.loads(lines[0])["id"].encode(), b"0" * 8 + b"-0000-4000-8000-" + b"0" * 12)
    (tmp_path / "back.ndjson").write_bytes(b"".join([*lines, wrong, b"oops\n", end]))
    console.enter(world.users["otto"], "?view=jobs")
    console.click("#screen button", "Import…")
    browser.see("#import-file").send_keys(str(tmp_path / "back.ndjson"))
    console.click("dialog button[type=submit]", "Try")
    browser.see_text("To be imported: conversations 3, messages 6.", "dialog")
    browser.see_text("Line 10: There is no user “nobody”.", "dialog")
    browser.see_text("Line 11: No JSON", "dialog")
    fits(console)
    browser.screenshot("life-import-tried")
    assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (0,)
    console.click("dialog button", "Import (conversations: 3)")
    browser.see_text("Imported: conversations 3, messages 6.", "dialog")
    assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (3,)
    assert world.connection.execute("SELECT count(*) > 1, sum((detail->>'conversations')::int) FROM chatsession.audit_entries"
                                    " WHERE action = 'conversation.import'").fetchone() == (True, 3)


def test_an_import_asks_for_the_password_again_when_the_login_is_old_or_grows_old_meanwhile(browser, console, world, tmp_path):
    """[E8] The page asks first; where its clock says otherwise, the refusal makes it ask, and the import goes on."""
    world.thing("anna", title="bring me back")
    (tmp_path / "back.ndjson").write_bytes(world.log_in("otto").console.get("api/export?compress=none").content)
    console.enter(world.users["otto"], "?view=jobs")
    browser.expect_console("403")
    for believes_to_be_fresh in (False, True):
        world.connection.execute("DELETE FROM chatsession.conversations")
        console.click("#screen button", "Import…")
        browser.see("#import-file").send_keys(str(tmp_path / "back.ndjson"))
        console.click("dialog button[type=submit]", "Try")
        browser.see_text("To be imported: conversations 1,", "dialog")
        world.connection.execute("UPDATE chatsession.sessions SET created_at = created_at - interval '16 min',"
                                 " console_seen_at = now() WHERE user_id = %s AND revoked_at IS NULL", (world.ids["otto"],))
        browser.wait(lambda: browser.run("return fetch('api/audit/export').then((answer) => answer.status)") == 403,
                     "the login to be old")
        if believes_to_be_fresh:
            browser.run(_SESSION_IS_FRESH_ONCE)
        console.click("dialog button", "Import (conversations: 1)")
        console.write("#again-password", world.users["otto"].password)
        assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (0,)
        console.click("dialog:last-of-type button[type=submit]", "Continue")
        browser.see_text("Imported: conversations 1, messages 2.", "dialog")
        console.click("dialog button", "Close")
        assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (1,)


_SESSION_IS_FRESH_ONCE = """
const real = window.fetch;
window.fetch = async (...request) => {
  const answer = await real(...request);
  if (!String(request[0]).endsWith('api/session')) return answer;
  window.fetch = real;
  return new Response(JSON.stringify({ ...(await answer.json()), fresh_until: '2999-01-01T00:00:00Z' }), answer);
};
"""


def test_a_viewer_is_offered_no_import(browser, console, world):
    """[E3]"""
    console.enter(world.users["vera"], "?view=jobs")
    browser.see_text("Work on many conversations", "#screen")
    assert browser.find("#screen .screen-actions button") == []
