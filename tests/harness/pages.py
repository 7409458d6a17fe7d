# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The two pages as a person uses them: what is typed, what is clicked, what is read.

    chat = ChatPage(browser, httpd); chat.enter(user); chat.send("Why?"); chat.answer()
    console = ConsolePage(browser, httpd); console.enter(operator, "?view=conversations"); console.rows()
"""
from selenium.common.exceptions import ElementClickInterceptedException, ElementNotInteractableException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from .place import wait_until

# Elements that stick out of the window and that no box of their own scrolls or clips: [tag.class: from..to].
_STICKS_OUT = """
const boxes = '#transcript, #conversations, #screen, dialog, .dialog-body';
const clipped = (node) => {
  for (let up = node.parentElement; up && up !== document.body; up = up.parentElement) {
    if (getComputedStyle(up).overflowX !== 'visible' && !up.matches(boxes)) return true;
  }
  return false;
};
return [...document.body.querySelectorAll('*')].filter((node) => {
  const { left, right, width, height } = node.getBoundingClientRect();
  return width > 1 && height > 1 && (right > innerWidth + 1 || left < -1) && !clipped(node);
}).map((node) => {
  const { left, right } = node.getBoundingClientRect();
  return `${node.tagName.toLowerCase()}.${node.className}: ${left}..${right}`;
});
"""

# What is wider than the dialog it stands in leaves it room for, which clips it: [tag.class: right edge > where it may reach].
_STICKS_OUT_OF_DIALOG = """
return [...document.querySelectorAll('dialog[open] .dialog-body > *')].flatMap((node) => {
  const { right } = node.getBoundingClientRect();
  const body = node.parentElement;
  const reach = body.getBoundingClientRect().left + body.clientLeft + body.clientWidth - parseFloat(getComputedStyle(body).paddingRight);
  return right > reach + 1 ? [`${node.tagName.toLowerCase()}.${node.className}: ${right} > ${reach}`] : [];
});
"""


class Page:
    """What both pages have: a way in, fields, buttons, dialogs, messages that come and go."""

    def __init__(self, browser, server, mount):
        self.browser, self.url = browser, f"{server.url}{mount}/"

    def open(self, query=""):
        self.browser.open(self.url + query)

    def log_in(self, user):
        self.write("#login-username", user.name)
        self.write("#login-password", user.password)
        self.click(".login-form button[type=submit]")

    def write(self, css, text):
        """Type into a field, in place of what is there. chromedriver's own keys stop at U+FFFF; this does not."""
        field = self.click(css)
        field.send_keys(Keys.CONTROL, "a")
        self.browser.driver.execute_cdp_cmd("Input.insertText", {"text": text})
        return field

    def click(self, css, text=None):
        """Click the first visible element that matches (and shows this text), as soon as nothing is in the way."""
        def attempt():
            for element in self.browser.find(css):
                if element.is_displayed() and (text is None or text in element.text):
                    try:
                        element.click()
                        return element
                    except (ElementClickInterceptedException, ElementNotInteractableException):
                        return None
            return None
        return self.browser.wait(attempt, f"{css} {text or ''} that can be clicked")

    def press(self, *keys):
        """Hold all but the last key, press the last, where the focus is."""
        chain = ActionChains(self.browser.driver, duration=0)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in reversed(keys[:-1]):
            chain.key_up(key)
        chain.perform()

    def hover(self, css):
        ActionChains(self.browser.driver, duration=0).move_to_element(self.browser.see(css)).perform()

    def texts(self, css):
        """The texts of all elements that match, seen or not."""
        return self.browser.run("return [...document.querySelectorAll(arguments[0])].map((n) => n.textContent.trim())",
                                css)

    def wait_texts(self, css, expected):
        """Wait until the elements that match have exactly these texts."""
        self.browser.wait(lambda: self.texts(css) == expected, f"{expected} in {css}")

    def dialog(self, text):
        """The open dialog, once it shows this text."""
        return self.browser.see_text(text, "dialog[open]")

    def toast(self, text):
        return self.browser.see_text(text, ".toast-text")

    def dismiss_toasts(self):
        """All at once: one that goes by itself is not waited for."""
        while self.browser.find(".toast"):
            self.browser.run("document.querySelectorAll('.toast .icon-button').forEach((button) => button.click())")

    def focused(self):
        """The id of the element that has the focus."""
        return self.browser.run("return document.activeElement?.id")

    def fits(self):
        """Nothing is wider than the window, or in a dialog than the dialog."""
        width = self.browser.run("return [document.scrollingElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"the page is {width[0]} wide in a window of {width[1]}"
        assert self.browser.run(_STICKS_OUT) == []
        wide = self.browser.run(_STICKS_OUT_OF_DIALOG)
        assert not wide, wide

    def downloaded(self, ending):
        """The one file of this kind that was saved, when it is whole; its octets."""
        folder = self.browser.downloads

        def look():
            whole = folder.exists() and not list(folder.glob("*.crdownload"))
            return whole and sorted(folder.glob(f"*{ending}"))
        files = wait_until(look, f"a download {ending} in {folder}")
        assert len(files) == 1, files
        return files[0].read_bytes()

    def pictures(self, name, sizes=((1280, 800), (390, 844))):
        """Screenshots at each size, light and dark; nothing may stick out of the window in any of them."""
        for width, height in sizes:
            self.browser.resize(width, height)
            for theme in ("light", "dark"):
                self.browser.run("document.documentElement.dataset.theme = arguments[0];"
                                 "for (const a of document.getAnimations()) if (a instanceof CSSTransition) a.finish()",
                                 theme)
                self.browser.screenshot(f"{name}-{width}-{theme}")
            self.fits()
        self.browser.resize(*sizes[0])
        self.browser.run("delete document.documentElement.dataset.theme")


class ChatPage(Page):
    def __init__(self, browser, server):
        super().__init__(browser, server, "/chat")

    def enter(self, user, query=""):
        self.open(query)
        self.log_in(user)
        self.browser.see("#composer-text")
        return self

    # --- writing

    @property
    def draft(self):
        return self.browser.run("return document.querySelector('#composer-text').value")

    def send(self, text):
        """Write a message and press Enter."""
        self.write("#composer-text", text).send_keys(Keys.ENTER)

    def ask(self, text):
        """Send, wait for the whole answer; its text."""
        self.send(text)
        return self.answer()

    # --- reading

    @property
    def questions(self):
        return self.texts(".message-user .message-body")

    @property
    def answers(self):
        return self.texts(".message-answer .message-body")

    def answer(self, status="complete"):
        """The text of the last answer, once it has ended like this."""
        self.browser.wait(lambda: self._last_status() == status, f"the last answer to be {status}")
        self.browser.gone("#composer-stop")
        return self.answers[-1]

    def see_answer(self, text, status="streaming"):
        """Wait until the last answer shows exactly this text and has this status."""
        self.browser.wait(lambda: self._last_status() == status and self.answers[-1] == text,
                          f"the last answer to be {text!r}, {status}")

    def _last_status(self):
        return self.browser.run("return document.querySelector('.message:last-child')?.dataset.status")

    # --- the list

    @property
    def titles(self):
        return self.texts("#conversations .row-title")

    @property
    def conversation_id(self):
        """Of the conversation that is open, once it has one."""
        return self.browser.wait(lambda: self.browser.run("return new URLSearchParams(location.search).get('c')"),
                                 "the conversation's id in the address")

    def menu(self, choice):
        """Choose from the open conversation's menu."""
        self.click("#chat-menu")
        self.click(".menu-item", choice)

    def account(self):
        self.click("#account")
        return self.browser.see("dialog[open]")


class ConsolePage(Page):
    def __init__(self, browser, server):
        super().__init__(browser, server, "/chat-admin")

    def enter(self, user, query=""):
        self.open(query)
        self.log_in(user)
        self.browser.see("#screen h1")
        return self

    def go(self, view):
        """A screen, by the navigation."""
        self.click(f'.nav a[data-view="{view}"]')
        self.browser.see(f'.nav a[data-view="{view}"][aria-current="page"]')

    def rows(self):
        """The first cells of the table's rows, once the list has come."""
        self.loaded()
        return self.texts("#screen tbody .primary .cell > :first-child")

    def loaded(self):
        self.browser.wait(lambda: self.browser.find("#screen h1") and not self.browser.find("#screen [aria-busy]"),
                          "the screen to be loaded")

    def wait_rows(self, expected):
        self.browser.wait(lambda: sorted(self.rows()) == sorted(expected), f"the rows {expected}")

    def filter(self, **fields):
        """Fill the filter's text fields and apply it."""
        for name, text in fields.items():
            self.write(f"#filter-{name}", text)
        self.click(".filter-actions .button-primary")

    def read(self, reason):
        """Give the reason that is asked for; the messages' texts."""
        self.write("#reason", reason)
        self.click("dialog[open] .button-primary")
        self.browser.gone("dialog[open]")
        self.browser.see(".messages .message")
        return self.texts(".messages .message-body")
