# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The second factor in a real browser (promise C12): set up from the picture or the key, asked for at both log-in forms,
recovery codes kept and used, removed, reset, and the way through where it must be set up first."""
import itertools
import json
import re
import subprocess

import pytest
from harness.client import Client, log_in
from harness.pages import ChatPage, ConsolePage, Page
from harness.place import TREE, new_folder
from harness.totp import code, wrong_code

_numbers = itertools.count(1)
# What a camera would see of the picture, given to the library's reader, which shares no code with what draws.
READER = """
import decodeQR from './decode.js';
const { size, dark } = JSON.parse(await new Response(process.stdin).text());
const scale = 4, width = size * scale, data = new Uint8Array(width * width * 4).fill(255);
for (const [x, y] of dark) for (let i = 0; i < scale; i++) for (let j = 0; j < scale; j++)
  data.fill(0, ((y * scale + j) * width + x * scale + i) * 4, ((y * scale + j) * width + x * scale + i) * 4 + 3);
process.stdout.write(decodeQR({ width, height: width, data }));
"""


@pytest.fixture
def add(database):
    """add(role): somebody new."""
    return lambda role="user": database.add_user(f"factor-{next(_numbers)}", role)


@pytest.fixture(scope="module")
def strict(make_module_httpd, database):
    """A server that wants a second factor of operators, and one of everyone: (operators, everyone)."""
    folder = new_folder("site")
    (folder / "page.html").write_text("<!DOCTYPE html><title>x</title><link rel=icon href=data:,><p id=members>members only</p>")
    folder.chmod(0o755)
    return (make_module_httpd(database.conninfo, lines=["ChatSessionSecondFactor operators"]),
            make_module_httpd(database.conninfo, modules=("authn_core", "authz_user"), lines=[
                "ChatSessionSecondFactor everyone", "ChatSessionLoginUrl /chat/", f'Alias "/site" "{folder}"',
                '<Location "/site">', "AuthType ChatSession", "Require valid-user", "ForceType text/html",
                "</Location>"]))


def unused(database, user):
    database.rows("UPDATE chatsession.second_factors SET last_step = last_step - 10 WHERE user_id ="
                  " (SELECT id FROM chatsession.users WHERE name = %s)", (user.name,))


def give_factor(database, httpd, user):
    """(secret, recovery codes) of a second factor that is set up without a page."""
    client = log_in(httpd, user)
    secret = client.json("POST", "api/second-factor", 200, json={"password": user.password})["secret"]
    codes = client.json("POST", "api/second-factor/confirm", 200, json={"code": code(secret)})["recovery_codes"]
    unused(database, user)
    return secret, codes


def shown_secret(page):
    return page.browser.see("[data-secret]").get_attribute("data-secret")


def read_picture(page):
    """The text of the QR code that is drawn."""
    size, path = page.browser.run("const svg = document.querySelector('svg.qr');"
                                  "return [svg.viewBox.baseVal.width, svg.querySelector('path').getAttribute('d')]")
    dark = [(int(x) + i, int(y)) for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path)
            for i in range(int(run))]
    assert len(dark) > 200 and min(map(min, dark)) == 4 and max(map(max, dark)) == size - 5, "a margin of four"
    return run_reader({"size": int(size), "dark": dark})


def run_reader(picture):
    folder = TREE / "build/npm/node_modules/qr"
    result = subprocess.run(["node", "--input-type=module", "-e", READER], cwd=folder, input=json.dumps(picture),
                            text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def go_through(page, user):
    """All three steps, from the password; (secret, recovery codes)."""
    page.write("#factor-password", user.password)
    page.click(".factor-form button[type=submit]")
    secret = shown_secret(page)
    page.write("#factor-code", code(secret))
    page.click(".factor-form button[type=submit]")
    page.browser.see(".factor-codes")
    return secret, page.texts(".factor-codes code")


def open_account(chat):
    chat.account()
    chat.click("[data-own]")
    chat.browser.see("[data-factor]")


# --- setting it up


@pytest.fixture
def chat(httpd, browser, add):
    """(page, user) with the account's dialog open."""
    user = add()
    page = ChatPage(browser, httpd).enter(user)
    open_account(page)
    return page, user


def test_it_is_set_up_from_the_picture_and_the_codes_are_kept(chat, httpd, database):
    page, user = chat
    page.click("[data-factor=setUp]")
    page.browser.wait(lambda: page.focused() == "factor-password", "the password's field")
    page.write("#factor-password", user.password)
    page.click(".factor-form button[type=submit]")
    secret = shown_secret(page)
    assert page.focused() == "factor-code"
    assert read_picture(page) == page.browser.see(".factor a").get_attribute("href") == (
        f"otpauth://totp/127.0.0.1:{user.name}?secret={secret}&issuer=127.0.0.1&algorithm=SHA1&digits=6&period=30")
    assert page.texts(".factor-key code")[0].replace(" ", "") == secret
    page.pictures("second-factor-key")
    page.browser.expect_console("403")
    page.write("#factor-code", wrong_code(secret))
    page.click(".factor-form button[type=submit]")
    page.browser.see_text("The code is wrong.", ".factor .notice-error")
    assert page.focused() == "factor-code"
    full_width = code(secret).translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    page.write("#factor-code", f" {full_width[:3]} {full_width[3:]}")
    page.click(".factor-form button[type=submit]")
    page.browser.see(".factor-codes")
    codes = page.texts(".factor-codes code")
    assert len(set(codes)) == 10 and all(re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", one) for one in codes)
    page.pictures("second-factor-recovery-codes")
    browser = page.browser
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite",
                                                                               "clipboardSanitizedWrite"]})
    page.click("[data-copy]")
    page.toast("Copied")
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0], String)")
    assert copied.splitlines() == codes
    page.click("[data-download]")
    kept = page.downloaded(".txt").decode()
    assert [line for line in kept.splitlines() if re.fullmatch(r"[A-Z2-7-]{29}", line)] == codes and user.name in kept
    page.click("[data-done]")
    page.toast("The second factor is set up.")
    page.browser.see_text("Recovery codes left: 10", ".factor")
    page.pictures("second-factor-active")
    page.browser.driver.refresh()
    page.browser.see("#composer-text")  # this browser stays logged in
    refused = Client(httpd.url).post("api/login", json={"username": user.name, "password": user.password})
    assert refused.json()["error"] == "second_factor_required"


def test_a_wrong_password_is_said_and_nothing_is_begun(chat, database):
    page, user = chat
    page.click("[data-factor=setUp]")
    page.browser.expect_console("403")
    page.write("#factor-password", "not the one")
    page.click(".factor-form button[type=submit]")
    page.browser.see_text("The password is wrong.", ".factor .notice-error")
    assert page.focused() == "factor-password"
    page.click(".factor-form button[type=button]", "Cancel")
    page.browser.see("[data-factor=setUp]")
    assert database.value("SELECT count(*) FROM chatsession.second_factors f JOIN chatsession.users u"
                          " ON u.id = f.user_id WHERE u.name = %s", (user.name,)) == 0


def test_who_took_too_long_begins_anew(chat, database):
    page, user = chat
    page.click("[data-factor=setUp]")
    page.write("#factor-password", user.password)
    page.click(".factor-form button[type=submit]")
    secret = shown_secret(page)
    database.rows("UPDATE chatsession.second_factors SET begun_at = begun_at - interval '16 min'")
    page.browser.expect_console("409")
    page.write("#factor-code", code(secret))
    page.click(".factor-form button[type=submit]")
    page.browser.see_text("longer than a quarter of an hour", ".factor .notice-warn")
    page.browser.see("#factor-password")


def test_new_recovery_codes_and_removal_want_password_and_code(httpd, database, browser, add):
    user = add()
    secret, codes = give_factor(database, httpd, user)
    browser.expect_console("401", "403")
    page = ChatPage(browser, httpd)
    page.open()
    page.log_in(user)
    page.write("#login-code", codes[0])
    page.click(".login-form button[type=submit]")
    browser.see("#composer-text")
    open_account(page)
    browser.see_text("Recovery codes left: 9", ".factor")
    page.click("[data-factor=renew]")
    page.write("#factor-password", user.password)
    page.click(".factor-form button[type=submit]")
    browser.see_text("Fill in the field.", ".factor .notice-error")
    page.write("#factor-code", code(secret))
    page.click(".factor-form button[type=submit]")
    browser.see(".factor-codes")
    fresh = page.texts(".factor-codes code")
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    page.click("[data-done]")
    browser.see_text("Recovery codes left: 10", ".factor")
    page.click("[data-factor=remove]")
    page.write("#factor-password", user.password)
    page.write("#factor-code", codes[1])
    page.click(".factor-form button[type=submit]")
    browser.see_text("The code is wrong.", ".factor .notice-error")
    page.write("#factor-code", fresh[0])
    page.click(".factor-form button[type=submit]")
    page.toast("The second factor is removed.")
    browser.see("[data-factor=setUp]")
    Client(httpd.url).login(user)


# --- logging in


def ask_for_code(page, user):
    page.browser.expect_console("401")
    page.open()
    page.log_in(user)
    page.browser.see("#login-code")
    page.browser.wait(lambda: page.focused() == "login-code", "the code's field to have the focus")


@pytest.mark.parametrize("kind", [ChatPage, ConsolePage])
def test_both_log_in_forms_ask_for_the_code_and_take_it_once(httpd, database, browser, add, kind):
    """[C12]"""
    user = add("auditor")
    secret, _ = give_factor(database, httpd, user)
    page = kind(browser, httpd)
    ask_for_code(page, user)
    page.pictures(f"second-factor-login-{kind.__name__.lower()}")
    used = code(secret)
    Client(httpd.url).json("POST", "api/login", 200, json={"username": user.name, "password": user.password,
                                                           "code": used})
    page.write("#login-code", used)
    page.click(".login-form button[type=submit]")
    browser.see_text("The code is wrong, or was used already.", "#login-message")
    assert page.focused() == "login-code"
    unused(database, user)
    page.write("#login-code", code(secret))
    page.click(".login-form button[type=submit]")
    browser.see("#composer-text" if kind is ChatPage else "#screen h1")


def test_a_recovery_code_lets_in_once(httpd, database, browser, add):
    user = add()
    _, codes = give_factor(database, httpd, user)
    page = ChatPage(browser, httpd)
    for first in (True, False):
        browser.driver.delete_all_cookies()
        ask_for_code(page, user)
        page.click("[data-other-code]", "Use a recovery code")
        assert page.texts("label[for=login-code]") == ["Recovery code"]
        page.write("#login-code", codes[0].lower())
        page.click(".login-form button[type=submit]")
        if first:
            browser.see("#composer-text")
        else:
            browser.see_text("The code is wrong, or was used already.", "#login-message")


def test_the_way_back_leads_to_another_name(httpd, database, browser, add):
    user, other = add(), add()
    give_factor(database, httpd, user)
    page = ChatPage(browser, httpd)
    ask_for_code(page, user)
    page.click("[data-back]")
    browser.gone("#login-code")
    page.log_in(other)
    browser.see("#composer-text")


def test_a_session_that_ends_in_mid_work_is_taken_up_again_with_a_code(httpd, database, browser, add):
    user = add()
    secret, codes = give_factor(database, httpd, user)
    page = ChatPage(browser, httpd)
    ask_for_code(page, user)
    page.write("#login-code", codes[0])
    page.click(".login-form button[type=submit]")
    browser.see("#composer-text")
    page.write("#composer-text", "half a thought")
    browser.driver.delete_all_cookies()
    page.click("#trash-toggle")
    page.dialog("Session ended")
    page.write("#login-password", user.password)
    page.click(".login-form button[type=submit]")
    page.write("#login-code", code(secret))
    page.click(".login-form button[type=submit]")
    browser.gone("dialog[open]")
    assert page.draft == "half a thought"


def test_the_form_speaks_japanese_too(httpd, database, make_browser, add):
    user = add()
    give_factor(database, httpd, user)
    page = Page(make_browser(390, 844, language="ja-JP"), httpd, "/chat")
    ask_for_code(page, user)
    assert page.texts("label[for=login-code]") == ["認証アプリのコード"]
    page.fits()
    page.browser.screenshot("second-factor-login-ja")


def test_next_goes_on_after_the_code(strict, database, browser, add):
    server = strict[1]
    user = add()
    secret, _ = give_factor(database, server, user)
    browser.expect_console("401")
    browser.open(server.url + "/site/page.html")
    page = ChatPage(browser, server)
    page.log_in(user)
    page.write("#login-code", code(secret))
    page.click(".login-form button[type=submit]")
    browser.see("#members")


# --- where it must be set up first


def test_the_console_leads_an_operator_through_the_set_up(strict, browser, add):
    user = add("operator")
    page = ConsolePage(browser, strict[0])
    page.open("?view=users")
    page.log_in(user)
    browser.see_text("Set up a second factor", "h1")
    page.pictures("second-factor-needed-console")
    assert not browser.find("#screen")
    browser.driver.refresh()
    browser.wait(lambda: page.focused() == "factor-password", "the password's field to have the focus")
    _, codes = go_through(page, user)
    browser.run("const language = document.querySelectorAll('.entrance-choices select')[1];"
                "language.value = 'ja'; language.dispatchEvent(new Event('change', { bubbles: true }))")
    browser.see_text("2 段階認証の設定", "h1")
    assert page.texts(".factor-codes code") == codes, "they are shown only once, whatever else changes"
    page.pictures("second-factor-needed-console-codes")
    page.click("[data-done]")
    browser.see("#screen h1")
    assert "view=users" in browser.driver.current_url


def test_a_console_that_is_open_turns_to_the_set_up_when_it_is_wanted(strict, database, browser, add):
    user = add("viewer")
    _, codes = give_factor(database, strict[0], user)
    page = ConsolePage(browser, strict[0])
    ask_for_code(page, user)
    page.write("#login-code", codes[0])
    page.click(".login-form button[type=submit]")
    browser.see("#screen h1")
    page.click(".account summary")
    page.click("[data-factor='']")
    browser.see_text("Recovery codes left: 9", "dialog[open]")
    page.pictures("second-factor-dialog-console")
    page.click("[data-factor=remove]")
    page.write("#factor-password", user.password)
    page.write("#factor-code", codes[1])
    page.click(".factor-form button[type=submit]")
    page.toast("The second factor is removed.")
    browser.expect_console("403")
    page.click("dialog[open] .dialog-close")
    page.click('.nav a[data-view="users"]')
    browser.see_text("Set up a second factor", "h1")


def test_the_chat_page_leads_everyone_through_and_then_goes_on_to_next(strict, browser, add):
    user = add()
    server = strict[1]
    browser.expect_console("401")
    browser.open(server.url + "/site/page.html")
    page = ChatPage(browser, server)
    page.log_in(user)
    browser.see_text("Set up a second factor", "h1")
    page.pictures("second-factor-needed-chat")
    go_through(page, user)
    page.click("[data-done]")
    browser.see("#members")
    page.open()
    browser.see("#composer-text")


# --- reset


def test_an_administrator_resets_it_on_the_users_screen(httpd, database, browser, add):
    admin, user = add("admin"), add()
    give_factor(database, httpd, user)
    page = ConsolePage(browser, httpd).enter(admin, f"?view=users&name={user.name}")
    page.loaded()
    browser.see_text("Second factor since", ".user-facts")
    page.click("#screen .button", "Reset second factor")
    page.dialog("Reset the second factor of")
    page.click("dialog[open] .button-danger")
    page.toast("has no second factor any more.")
    Client(httpd.url).login(user)
    page.go("audit")
    browser.see_text("Reset a second factor", "#screen")
