# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""[C10]: whoever opens the chat page with an invitation sets the own password and is in."""
import pytest
from harness.postgres import chatsessionctl


def invite(database, httpd, name):
    return chatsessionctl(database.superuser, "user", "invite", name, "--role", "admin", "--key-file", str(httpd.folder / "secret")).stdout.strip()


@pytest.mark.parametrize("name", ["iris"])
def test_an_invitation_leads_to_a_password_and_into_the_chat_once(browser, httpd, database, name):
    """[C10] [B7] The token is out of the address before anything is sent; used again it says so in words."""
    token = invite(database, httpd, name)
    browser.open(f"{httpd.url}/chat/#invite={token}")
    field = browser.see("#invitation-new")
    assert "#" not in browser.driver.current_url
    field.send_keys("short\n")
    browser.see_text("fewer than 8 characters")
    field.clear()
    field.send_keys("seven pale lanterns\n")
    browser.see("#composer-text")
    browser.see_text(name, css="#account-name")
    assert "#" not in browser.driver.current_url
    browser.open("about:blank")
    browser.open(f"{httpd.url}/chat/#invite={token}")
    browser.see("#invitation-new").send_keys("eight pale lanterns\n")
    browser.see_text("was used already or is over")
    browser.screenshot("invitation")
    browser.expect_console("400", "403")
