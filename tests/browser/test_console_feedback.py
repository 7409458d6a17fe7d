# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The review of feedback in the console: from a thumb down to the answer it is about."""
import json

import pytest

from harness.pages import ConsolePage


@pytest.fixture
def console(httpd, browser):
    return ConsolePage(browser, httpd)


def rate(world, owner, rating, comment, **words):
    thing = world.thing(owner, **words)
    world.clients[owner].json("PUT", f"api/messages/{thing.answer}/feedback", 200, json={"rating": rating, **({"comment": comment} if comment else {})})
    return thing


def test_a_bad_answer_is_found_by_what_was_said_of_it_read_and_taken_along(browser, console, world):
    bad = rate(world, "anna", -1, "\u9055\u3046 \u202e!", title="The tides", question="When?", answer="Never.")
    rate(world, "berta", 1, "", title="Bread")
    console.enter(world.users["otto"], "?view=feedback")
    console.wait_rows(["Bread", "The tides"])
    assert "\u9055\u3046 RLO!" in browser.see("tbody").text
    browser.run("const kind = document.querySelector('#feedback-feedback');"
                "kind.value = 'down'; kind.dispatchEvent(new Event('change'))")
    console.wait_rows(["The tides"])
    assert "feedback=down" in browser.driver.current_url
    console.click(".screen-actions a", "Export the conversations")
    assert [json.loads(line)["title"] for line in console.downloaded(".ndjson").splitlines()
            if b'{"type":"conversation"' in line] == ["The tides"]
    console.click(".title-link")
    assert console.read("quality") == ["When?", "Never."]
    assert browser.see(f"#m-{bad.answer}.is-named")
    browser.driver.back()
    console.wait_rows(["The tides"])
    console.fits()
    console.click(".filter-actions a", "Clear")
    console.wait_rows(["Bread", "The tides"])
    console.click("tbody .user a")
    browser.wait(lambda: "user=" in browser.driver.current_url and len(console.rows()) == 1, "one user's feedback")


def test_a_viewer_has_no_such_screen(browser, console, world):
    """[E3]"""
    console.enter(world.users["vera"])
    assert "Feedback" not in console.texts(".nav a")
    console.open("?view=feedback")
    browser.see_text("may not see this screen")


@pytest.mark.parametrize("view", ["feedback", "audit"])
def test_what_is_no_filter_in_the_address_is_left_out(browser, console, world, view):
    console.enter(world.users["aude"], f"?view={view}&from=yesterday&to=2026-13-40&feedback=nonsense")
    console.loaded()
    browser.gone("#screen .notice-error")
    assert browser.see("#screen .data-table, #screen .state-box")
    asked = browser.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert [one for one in asked if f"/api/{view}?" in one and ("from=" in one or "nonsense" in one)] == []
