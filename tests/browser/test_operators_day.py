# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""An operator's day in the console, from the first search to the look at what was recorded of it (promises E6 to E8, I1,
I5). What the browser's console complains about fails the test (conftest.py)."""
import json
import subprocess

from selenium.webdriver.common.keys import Keys

from harness.pages import ConsolePage
from harness.place import BUILD

OTHERS = 60  # more than a page, so that "all that match" is more than what is seen


def left_to(world, name):
    """The titles that this user still sees."""
    client = world.log_in(name)
    return sorted(one["title"] for one in client.json("GET", "api/conversations?limit=200", 200)["conversations"])


def test_an_operators_day(browser, httpd, world, tmp_path):
    """[E6] [E7] [E8] [I1] [I5] Find, read with a reason, hold, expire the rest by filter, restore one, export, verify,
    look at the audit log."""
    held = world.thing("anna", title="About the invoice", question="返金はいつですか", answer="On the **3rd of May**.")
    for n in range(OTHERS):
        world.thing("anna", title=f"number {n:02}")
    world.thing("berta", title="somebody else's")
    console = ConsolePage(browser, httpd).enter(world.users["otto"])

    # find: two characters of Japanese among all users' messages
    console.go("conversations")
    console.filter(q="返金")
    console.wait_rows(["About the invoice"])
    browser.see_text("返金", "tbody mark")

    # read, with a reason that must be typed
    console.click(".title-link")
    console.click("dialog[open] .button-primary")
    console.dialog("Write a reason.")
    assert "3rd of May" not in browser.driver.page_source
    assert console.read("ticket 4711") == ["返金はいつですか", "On the 3rd of May."]

    # hold
    console.click(".screen-actions button", "Hold…")
    console.write("#matter-name", "Tanaka v. Acme")
    console.write("#matter-reason", "letter of 3 May")
    console.click("dialog[open] button[type=submit]")
    browser.see_text("on hold", "#screen .badge")

    # expire the rest by filter; the count is shown, typed, and compared again
    console.go("conversations")
    console.filter(user="anna")
    console.loaded()
    console.click("thead input[type=checkbox]")
    console.click(".bulk-bar button", "Select all that match the filter")
    console.click(".bulk-bar .button-danger")
    console.dialog(f"{OTHERS} conversations with {2 * OTHERS} messages will be expired.")
    console.dialog("1 more is on hold and stays.")
    console.dialog("User: anna")
    console.write("#expire-typed", str(OTHERS + 1))
    console.click("dialog[open] .button-danger")
    console.dialog(f"This is not {OTHERS}.")
    assert len(left_to(world, "anna")) == OTHERS + 1
    console.write("#expire-typed", str(OTHERS))
    console.click("dialog[open] .button-danger")
    console.toast(f"{OTHERS} conversations expired")
    console.wait_rows(["About the invoice"])
    assert left_to(world, "anna") == ["About the invoice"] and left_to(world, "berta") == ["somebody else's"]

    # one of them was a mistake
    browser.run("const state = document.querySelector('#filter-state');"
                "state.value = 'trashed'; state.dispatchEvent(new Event('change'))")
    browser.wait(lambda: len(console.rows()) == 50, "a page of the trash")
    console.click('tbody input[type=checkbox][aria-label="Select number 47"]')
    console.click(".bulk-bar button", "Restore")
    console.toast("1 conversation restored.")
    assert left_to(world, "anna") == ["About the invoice", "number 47"]

    # export what is left, to its end
    console.open("?view=conversations&user=anna")
    console.wait_rows(["About the invoice", "number 47"])
    console.click(".screen-actions a", "Export all that match")
    octets = console.downloaded(".ndjson")
    browser.see_text("Whole", ".export-card .badge")
    digest = browser.see(".export-digest").text

    # verify: the file by the program, the audit log by its button
    (tmp_path / "export.ndjson").write_bytes(octets)
    result = subprocess.run([str(BUILD / "chatsessionctl"), "export", "verify", str(tmp_path / "export.ndjson"), "--sha256", digest],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in octets.splitlines()]
    assert sorted(one["title"] for one in lines if one["type"] == "conversation") == ["About the invoice", "number 47"]
    console.go("audit")
    console.click("button", "Verify the chain")
    console.dialog("The chain is whole")
    console.press(Keys.ESCAPE)
    browser.gone("dialog[open]")

    # look at what was recorded
    console.write("#audit-operator", "otto")
    console.click(".filter-actions .button-primary")
    browser.wait(lambda: "operator=otto" in browser.driver.current_url, "the filter in the address")
    console.loaded()
    recorded = console.texts("tbody .primary code")
    for deed in ("conversation.search", "conversation.read", "conversation.expire", "conversation.restore", "conversation.export",
                 "export.complete", "matter.create"):
        assert deed in recorded, (deed, recorded)
    seen = browser.see("#screen table").text
    assert "ticket 4711" in seen and held.conversation[:8] in seen and "letter of 3 May" in seen
    assert "返金" not in seen, "what was searched for is nobody's business later"
