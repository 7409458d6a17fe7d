# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The secrets that sign cookies: where they come from, which are refused (A4), and that changing them logs nobody out (A9)."""
import base64
import os
import re
import threading
import time

import pytest
import requests
from harness.client import Client, log_in
from harness.httpd import Httpd
from harness.place import wait_until
from harness.process import is_running
from harness.sources import text

SAMPLE = re.search(r'#define CS_SECRET_SAMPLE "([^"]+)"', text("mod_chatsession/core/token.h")).group(1)


def write(path, content, mode=0o600):
    path.touch(mode=0o600)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def random_secret(path):
    return write(path, base64.b64encode(os.urandom(48)) + b"\n")


def configtest(prepare):
    """(exit code, what httpd says) with one ChatSessionSecretFile, whose argument prepare(folder) tells."""
    server = Httpd("host=@nowhere dbname=nothing")
    try:
        use(server, prepare(server.folder))
        code, said = server.configtest()
        return code, said.replace(str(server.folder), "FOLDER")
    finally:
        server.remove()


def use(server, *secrets):
    """Let the configuration name these; the first signs."""
    server.config.write_text(re.sub("^ChatSessionSecretFile .*$", lambda _: "ChatSessionSecretFile " + " ".join(
        f'"{secret}"' for secret in secrets), server.config.read_text(), flags=re.MULTILINE))


def program(folder, body, mode=0o700):
    return write(folder / "program", b"#!/bin/sh\n" + body.encode() + b"\n", mode)


# --- what is refused


@pytest.mark.parametrize("content, mode, sentence", [
    (b"", 0o600, "shorter than 32 bytes"),
    (b"\n\n", 0o600, "shorter than 32 bytes"),
    (b"x" * 10 + b"y" * 21 + b"\n", 0o600, "shorter than 32 bytes"),
    (b"x" * 48, 0o600, "one byte repeated"),
    (SAMPLE.encode() + b"\n", 0o600, "the one of the sample"),
    (b"my " + SAMPLE.encode() + b"!", 0o600, "the one of the sample"),
    (bytes(range(256)) * 17, 0o600, "larger than 4096 bytes"),
    (bytes(range(48)), 0o640, "can be read or written by others"),
    (bytes(range(48)), 0o604, "can be read or written by others"),
    (bytes(range(48)), 0o622, "can be read or written by others"),
], ids=["empty", "lines", "31", "repeated", "sample", "around the sample", "long", "group", "world", "writable"])
def test_a_secret_that_protects_nothing_stops_the_start(content, mode, sentence):
    """[A4]"""
    code, said = configtest(lambda folder: write(folder / "bad", content, mode))
    assert code != 0 and f"ChatSessionSecretFile: FOLDER/bad" in said and sentence in said


def test_the_samples_text_is_where_people_copy_from():
    """else the refusal would bite nobody"""
    assert SAMPLE in text("conf/sample.conf")


# --- programs


def test_what_a_program_prints_is_the_secret(make_httpd, database, user):
    """With its arguments and without the white space around it: a server that has the same octets in a file agrees."""
    secret = base64.b64encode(os.urandom(48)).decode()
    one = make_httpd(database.conninfo, start=False)
    script = program(one.folder, '[ "$1" = "a b" ] && printf "\\n\\tchr%s \\n\\n" "$2"')
    use(one, f"exec:{script} 'a b' {secret}")
    other = make_httpd(database.conninfo, start=False)
    use(other, write(other.folder / "same", b"chr" + secret.encode() + b"\n"))
    one.start(), other.start()
    client = log_in(one, user)
    there = Client(other.url).get("api/session", headers={"Cookie": f"sid={client.cookies['sid']}"})
    assert there.json()["authenticated"]


@pytest.mark.parametrize("body, sentence", [
    ("echo 0123456789012345678901234567890123456789; exit 3", "FOLDER/program failed; expected it to end with code 0"),
    ("echo 0123456789012345678901234567890123456789; kill -9 $$", "FOLDER/program failed"),
    ("exit 0", "FOLDER/program printed nothing"),
    ("printf ' \\n\\t\\n'", "FOLDER/program printed nothing"),
    ("head -c 5000 /dev/zero | tr '\\0' ab", "FOLDER/program printed more than 4096 bytes"),
    ("echo short", "shorter than 32 bytes"),
    (f"echo '{SAMPLE}'", "the one of the sample"),
    ("read -r line && echo 0123456789012345678901234567890123456789", "failed"),
], ids=["code", "signal", "nothing", "white", "long", "short", "sample", "no input"])
def test_a_program_that_gives_no_secret_stops_the_start(body, sentence):
    """[A4] and nothing of what it printed is said"""
    code, said = configtest(lambda folder: f"exec:{program(folder, body)}")
    assert code != 0 and sentence in said
    assert "0123456789" not in said


@pytest.mark.parametrize("body", ["echo $$ >$1; exec sleep 600", "exec >&-; echo $$ >$1; exec sleep 600",
                                  "sleep 600 & echo $! >$1; wait"], ids=["silent", "closed", "child"])
def test_a_program_that_does_not_end_is_ended_with_what_it_started(body):
    pids = []

    def prepare(folder):
        pids.append(folder / "pid")
        return f"exec:{program(folder, body)} {folder}/pid"

    server = Httpd("host=@nowhere dbname=nothing")
    try:
        use(server, prepare(server.folder))
        code, said = server.configtest()
        assert code != 0 and "program has not ended after 5 seconds" in said
        pid = int(pids[0].read_text())
        wait_until(lambda: not is_running(pid), "the program to be gone")
    finally:
        server.remove()


@pytest.mark.parametrize("words, sentence", [
    ("exec:", "expected exec: and the absolute path of a program"),
    ("exec:printf x", "expected exec: and the absolute path of a program"),
    ("exec:/there/is/none", "there is no program /there/is/none"),
    ("exec:/usr/bin", "there is no program /usr/bin"),
])
def test_a_program_that_is_none_is_refused(words, sentence):
    code, said = configtest(lambda folder: words)
    assert code != 0 and f"ChatSessionSecretFile: {sentence}" in said


@pytest.mark.parametrize("mode, sentence", [(0o722, "can be written by others"), (0o600, "cannot run FOLDER/program")])
def test_a_program_must_be_its_owners_and_executable(mode, sentence):
    code, said = configtest(lambda folder: f"exec:{program(folder, 'echo', mode)}")
    assert code != 0 and sentence in said


# --- changing them


def key_of(cookie):
    return cookie.split(".")[1]


def test_a_cookie_of_an_old_secret_is_signed_anew(make_httpd, database, user):
    """The same session, id and time; said once; and never on an answer to a cookie that counts no more."""
    server = make_httpd(database.conninfo, lines=['<Location "/seen">', "ChatSession on", "</Location>"])
    client = log_in(server, user)
    old = client.cookies["sid"]
    use(server, random_secret(server.folder / "new"), server.folder / "secret")
    server.graceful()
    for path in ("api/session", f"{server.url}/seen", "api/conversations"):
        response = Client(server.url).get(path, headers={"Cookie": f"sid={old}"})
        new = re.fullmatch(r"sid=(v1\.[\w.-]+); Path=/; HttpOnly; SameSite=Lax", response.headers["Set-Cookie"]).group(1)
        assert response.headers["Cache-Control"] == "no-store"
        assert new.split(".")[2:4] == old.split(".")[2:4] and key_of(new) != key_of(old)
    answer = Client(server.url).get("api/session", headers={"Cookie": f"sid={new}"})
    assert answer.json()["authenticated"] and "Set-Cookie" not in answer.headers
    client.login(user)
    answer = Client(server.url).get("api/session", headers={"Cookie": f"sid={old}"})
    assert answer.json()["authenticated"] and "Set-Cookie" not in answer.headers, "in its grace it must not overwrite the new one"
    client.logout()
    answer = Client(server.url).get("api/session", headers={"Cookie": f"sid={old}"})
    assert not answer.json()["authenticated"] and "Set-Cookie" not in answer.headers


def test_signing_anew_makes_no_cookie_last_longer(make_httpd, database, user):
    server = make_httpd(database.conninfo, lines=["ChatSessionCookieMaxAge 1h"])
    client = log_in(server, user)
    old = client.cookies["sid"]
    issued = int(old.split(".")[3])
    wait_until(lambda: time.time() >= issued + 2, "two seconds to pass since the login")
    use(server, random_secret(server.folder / "new"), server.folder / "secret")
    server.graceful()
    header = Client(server.url).get("api/session", headers={"Cookie": f"sid={old}"}).headers["Set-Cookie"]
    assert int(re.search(r"; Max-Age=(\d+)", header).group(1)) <= 3598
    assert header.split(".")[3] == str(issued)


class Visitor(threading.Thread):
    """A browser that asks all the time and keeps what it is told; unexpected holds what must not be."""

    def __init__(self, server, user):
        super().__init__()
        self.client = Client(server.url)
        self.client.login(user)
        self.over, self.asked, self.unexpected = threading.Event(), 0, []

    @property
    def key(self):
        return key_of(self.client.cookies["sid"])

    def run(self):
        while not self.over.is_set():
            try:
                response = self.client.get("api/conversations")
            except requests.ConnectionError:  # an idle connection of the generation that went
                continue
            self.asked += 1
            if response.status_code != 200:
                self.unexpected.append((response.status_code, response.text))


def test_a_rotation_under_requests_logs_nobody_out(make_httpd, database, user):
    """[A9] add a secret, graceful, promote it, graceful, drop the old one, graceful: no 401"""
    server = make_httpd(database.conninfo, children=2)
    old, new = server.folder / "secret", random_secret(server.folder / "new")
    visitors = [Visitor(server, user) for _ in range(4)]
    before = {visitor.key for visitor in visitors}
    for visitor in visitors:
        visitor.start()
    try:
        for secrets in ((old, new), (new, old), (new,)):
            use(server, *secrets)
            server.graceful()
            asked = [visitor.asked for visitor in visitors]
            wait_until(lambda: all(visitor.asked > count + 20 for visitor, count in zip(visitors, asked)),
                       "requests to the new generation")
            if secrets == (new, old):
                wait_until(lambda: not before & {visitor.key for visitor in visitors}, "all cookies to be signed anew")
    finally:
        for visitor in visitors:
            visitor.over.set()
        for visitor in visitors:
            visitor.join()
    assert [visitor.unexpected for visitor in visitors] == [[]] * 4
    assert len({visitor.key for visitor in visitors}) == 1 and not before & {visitor.key for visitor in visitors}
