# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Readers choose the zone that times and days are in, on either page for both; the exact moment is on hover whatever they chose."""
import pytest
from selenium.webdriver.common.keys import Keys

from harness.pages import ChatPage, ConsolePage
from harness.world import World

AT = "2026-01-01T20:30:00.000Z"


@pytest.fixture(scope="module")
def world(httpd, database):
    made = World(httpd, database)
    thing = made.thing("anna", title="about the tides")
    database.rows("UPDATE chatsession.conversations SET updated_at = %s WHERE id = %s", (AT, thing.conversation))
    database.rows("UPDATE chatsession.messages SET created_at = %s WHERE conversation_id = %s", (AT, thing.conversation))
    made.long_ago = thing.conversation
    yield made
    made.close()


@pytest.fixture
def console(httpd, world, browser):
    return ConsolePage(browser, httpd).enter(world.users["otto"], "?view=conversations&from=2026-01-02&to=2026-01-02")


def choose(browser, zone):
    browser.run(f"""const select = document.querySelector(':is(.account-panel, dialog[open]) select:has(option[value=UTC])');
                    select.value = '{zone}'; select.dispatchEvent(new Event('change'))""")


@pytest.mark.parametrize("zone, shown", [("Asia/Tokyo", "Jan 2, 2026, 5:30"), ("America/New_York", None), ("UTC", None)])
def test_times_and_days_are_those_of_the_zone_that_was_chosen(browser, console, zone, shown):
    choose(browser, zone)
    console.wait_rows(["about the tides"] if shown else [])
    browser.driver.refresh()  # the choice is kept
    console.wait_rows(["about the tides"] if shown else [])
    if shown:
        time = browser.see(f'#screen tbody time[title="{AT}"]')
        assert time.text.replace("\u202f", " ").startswith(shown)
        assert browser.run("return document.querySelector('.account-panel select:has(option[value=UTC])').value") == zone


def test_a_day_begins_when_the_clocks_of_the_zone_say_so(browser, console):
    """Over a change of clocks, half-hour zones, and a day that begins at one in the morning."""
    begins = browser.driver.execute_async_script("""
        const done = arguments[arguments.length - 1];
        const zone = await import(new URL('shared/zone.js', document.baseURI));
        const begins = (name, ...day) => { zone.setTimeZone(name); return zone.startOfDay(...day).toISOString(); };
        done([begins('Asia/Tokyo', 2026, 0, 2), begins('Asia/Kolkata', 2026, 0, 2), begins('America/New_York', 2026, 2, 8),
              begins('America/New_York', 2026, 2, 9), begins('Africa/Cairo', 2026, 3, 24), begins('UTC', 2026, 0, 32)]);
        """)
    assert begins == ["2026-01-01T15:00:00.000Z", "2026-01-01T18:30:00.000Z", "2026-03-08T05:00:00.000Z",
                      "2026-03-09T04:00:00.000Z", "2026-04-23T22:00:00.000Z", "2026-02-01T00:00:00.000Z"]


def test_the_chat_page_has_the_choice_too_for_it_counts_there_as_well(browser, httpd, world):
    chat = ChatPage(browser, httpd).enter(world.users["anna"], f"?c={world.long_ago}")
    time = f'.message-user time[title="{AT}"]'
    for zone, shown in (("Asia/Tokyo", "Jan 2, 2026, 5:30"), ("UTC", "Jan 1, 2026, 8:30")):
        chat.account()
        choose(browser, zone)
        chat.press(Keys.ESCAPE)
        browser.gone("dialog[open]")
        browser.wait(lambda want=shown: browser.see(time).text.startswith(want), f"the question's time to be {shown}")
