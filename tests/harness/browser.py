# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Chromium without a screen, with a profile of its own for each test. What it complains about on its console fails the
test unless the test vouched for it.

    browser.open(httpd.url + "/chat/"); browser.see("#composer").send_keys("hello"); browser.screenshot("chat")
    browser.expect_console("401")       # a refused call is an error line on the console
"""
import os
import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from .place import BUILD, MARK, RUN, wait_until

SCREENSHOTS = BUILD / "screenshots"
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-dev-shm-usage", "--disable-features=Translate,MediaRouter,OptimizationHints",
          "--password-store=basic", "--remote-debugging-pipe")
# Narrower windows do not exist, also not without a screen: a phone is emulated.
_NARROWEST_WINDOW = 500


class Browser:
    """One Chromium. driver is selenium's, for everything that has no word here."""

    def __init__(self, width=1280, height=800, language="en-US"):
        # Short, since Chromium puts a unix socket there; the profile is deleted with it.
        self._home = Path(tempfile.mkdtemp(prefix=f"chatsession-{os.environ[MARK]}-", dir="/tmp"))
        self._expected = []
        self._console = []
        self._open = False
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*_FLAGS, f"--user-data-dir={self._home / 'profile'}", f"--lang={language}",
                     f"--window-size={max(width, _NARROWEST_WINDOW)},{height}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {
            "download.default_directory": str(self.downloads), "intl.accept_languages": language,
            "credentials_enable_service": False, "profile.password_manager_leak_detection": False})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        environment = {**os.environ, "HOME": str(self._home), "TMPDIR": str(self._home),
                       "XDG_CONFIG_HOME": str(self._home), "XDG_CACHE_HOME": str(self._home), "LANGUAGE": language[:2],
                       "LC_ALL": f"{language.replace('-', '_')}.UTF-8"}
        try:
            self.driver = webdriver.Chrome(service=Service(str(_driver_program()), env=environment), options=options)
            self._open = True
            self.driver.set_page_load_timeout(30)
            self.resize(width, height)
        except BaseException:
            shutil.rmtree(self._home, ignore_errors=True)
            raise

    @property
    def downloads(self):
        """The folder where the browser saves files."""
        return self._home / "downloads"

    def resize(self, width, height):
        if width < _NARROWEST_WINDOW:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 2, "mobile": True})
            self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
        else:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
            self.driver.set_window_size(width, height)

    # --- looking

    def open(self, url):
        self.driver.get(url)

    def find(self, css):
        """All elements that match now."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def see(self, css, seconds=15.0):
        """The first visible element that matches; waits for it."""
        def look():
            return next((element for element in self.find(css) if element.is_displayed()), None)
        return self.wait(look, f"a visible element {css}", seconds)

    def see_text(self, text, css="body", seconds=15.0):
        """Wait until an element that matches shows this text; the element."""
        def look():
            return next((element for element in self.find(css) if text in element.text), None)
        return self.wait(look, f"\"{text}\" in {css}", seconds)

    def gone(self, css, seconds=15.0):
        """Wait until no visible element matches."""
        self.wait(lambda: not any(element.is_displayed() for element in self.find(css)), f"{css} to go away", seconds)

    def wait(self, condition, what, seconds=15.0):
        """The first true value of condition(); the page may redraw itself in between."""
        def look():
            try:
                return condition()
            except (StaleElementReferenceException, NoSuchElementException):
                return None

        def describe():
            name = self.screenshot("failed-wait")
            return f"{what} (see {name}); the console says:\n" + "\n".join(self.console())
        return wait_until(look, describe, seconds)

    def run(self, script, *arguments):
        """The value of a piece of JavaScript (with "return")."""
        return self.driver.execute_script(script, *arguments)

    def screenshot(self, name):
        """Save what is seen as build/screenshots/NAME.png; the path."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    # --- the console

    def console(self):
        """All lines on the browser's console so far, as "LEVEL text"."""
        if self._open:
            self._console += [(entry["level"], entry["message"]) for entry in self.driver.get_log("browser")]
        return [f"{level} {message}" for level, message in self._console]

    def expect_console(self, *texts):
        """Vouch for lines that hold one of these texts."""
        self._expected += texts

    def unexpected_console(self):
        """Errors, and whatever the content security policy refused, that nobody vouched for."""
        return [line for line in self.console()
                if (line.startswith("SEVERE") or "Content Security Policy" in line)
                and not any(text in line for text in self._expected)]

    def close(self):
        """Close it before the test ends; what its console said still counts."""
        if not self._open:
            return
        try:
            self.console()
        finally:
            self._open = False
            try:
                self.driver.quit()
            finally:
                shutil.rmtree(self._home, ignore_errors=True)


def _driver_program():
    """chromedriver, which ends when we do; Chromium ends when chromedriver does, as its pipe closes."""
    script = RUN / "chromedriver"
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("#!/bin/sh\nexec setpriv --pdeathsig KILL -- /usr/bin/chromedriver \"$@\"\n")
        script.chmod(0o755)
    return script
