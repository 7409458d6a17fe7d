# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A server goes from 0.9 to this version while people use it: `make test-upgrade`.

0.9 is built from the project's history (dev/old-version), with its own schema, pages and chatsessionctl. The order is that of
docs/operations.md: install the files, `chatsessionctl schema apply`, graceful restart.
"""
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from harness.client import Client, Turn
from harness.place import BUILD, TREE, wait_until
from harness.postgres import User

OLD = TREE / "build" / "upgrade" / "old"


def ctl(where, database, *arguments):
    return subprocess.run([str(where / "build/chatsessionctl"), "--database", database.superuser, *arguments], cwd=where, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, check=True).stdout.strip()


class Site:
    """httpd with the files of a version, which can be replaced under it."""

    def __init__(self, make_httpd, database, model):
        self.server = make_httpd(database.conninfo, backends=[f"m {model.url} model=m"], start=False)
        self.module, self.share = (self.server.folder / name for name in ("mod_chatsession.so", "share"))
        config = self.server.config.read_text().replace(f"{BUILD}/mod_chatsession.so", str(self.module))
        self.server.config.write_text(config.replace(f'"{BUILD}/share"', f'"{self.share}"'))

    def install(self, build):
        """As a package does it: a new file under the old name, so that whoever has the old one open keeps it."""
        shutil.copy(build / "mod_chatsession.so", f"{self.module}.new")
        os.rename(f"{self.module}.new", self.module)
        link = Path(f"{self.share}.new")
        link.symlink_to(build / "share")
        os.rename(link, self.share)

    def modules_in_use(self):
        """The inode numbers of the module in httpd's children."""
        found = set()
        for pid in self.server.children:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                if "mod_chatsession.so" in line:
                    found.add(line.split()[4])
        return found


@pytest.fixture
def old_site(make_httpd, make_database, model):
    """A running 0.9 with a user, and its database."""
    assert (OLD / "build/mod_chatsession.so").exists(), "dev/old-version builds it"
    database = make_database(template=None)
    ctl(OLD, database, "schema", "apply")
    site = Site(make_httpd, database, model)
    site.user = User("mika", ctl(OLD, database, "user", "add", "mika", "--role", "user", "--random-password"))
    site.operator = User("ada", ctl(OLD, database, "user", "add", "ada", "--role", "admin", "--random-password"), "admin")
    site.database = database
    site.install(OLD / "build")
    site.server.start()
    return site


def test_cookies_history_and_running_answers_outlive_the_upgrade(old_site, model):
    """[T30] [A9] [H13] Nobody is logged out, nothing is lost, and an answer that is being written is written to its end."""
    site, gate = old_site, threading.Event()
    client = Client(site.server.url)
    client.login(site.user)
    conversation = client.new_conversation("before")
    model.script = lambda answer: answer.stream("of ", "0.9")
    assert client.turn(conversation, "first").text == "of 0.9"

    def slow(answer):
        answer.begin()
        answer.text("begun in 0.9")
        answer.hold(gate)
        answer.text(", ended after it")
        answer.finish()
        answer.done()

    model.script = slow
    running = client.new_conversation("running")
    other = Client(site.server.url)
    other.login(site.user)
    with other.send(running, "a long one") as stream:
        events = iter(stream)
        first = next(event for event in events if event.event == "message")
        old = site.modules_in_use()
        site.install(BUILD)
        ctl(TREE, site.database, "schema", "apply", "--dir", "schema")
        # The old module goes on beside the new schema.
        model.script = lambda answer: answer.stream("between")
        assert client.turn(conversation, "second").text == "between"
        site.server.graceful()
        wait_until(lambda: site.modules_in_use() - old, "children with the new module")
        assert old & site.modules_in_use(), "the child that writes the answer is the old one"
        # The new module answers the old cookie, while the old one still writes.
        assert client.json("GET", "api/session", 200)["user"]["name"] == "mika"
        model.script = lambda answer: answer.stream("of the new one")
        assert client.turn(conversation, "third").text == "of the new one"
        gate.set()
        rest = Turn(list(events))
        assert rest.done["status"] == "complete"
        assert first.json["choices"][0]["delta"]["content"] + rest.text == "begun in 0.9, ended after it"
    wait_until(lambda: not old & site.modules_in_use(), "the old children's end")
    texts = [message["content"] for message in client.conversation(conversation)["messages"]]
    assert texts == ["first", "of 0.9", "second", "between", "third", "of the new one"]
    assert client.conversation(running)["messages"][1]["content"] == "begun in 0.9, ended after it"
    assert client.get("readyz").json() == {"status": "ready"}
    assert Client(site.server.url).login(site.operator)["user"]["role"] == "admin"


def test_the_old_module_says_that_the_schema_is_newer_and_the_new_one_that_it_is_older(old_site):
    """[I9] [T30] Each direction of a mismatch is a sentence at readyz, which takes the host out of the load balancer."""
    site = old_site
    client = Client(site.server.url)
    site.install(BUILD)
    site.server.graceful()
    wait_until(lambda: "schema apply" in client.get("readyz").text, "the new module's sentence")
    assert client.get("readyz").status_code == 503
    site.install(OLD / "build")
    ctl(TREE, site.database, "schema", "apply", "--dir", "schema")
    site.server.graceful()
    wait_until(lambda: "newer than this module" in client.get("readyz").text, "the old module's sentence")
    assert client.get("readyz").status_code == 503
