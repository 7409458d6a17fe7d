# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What the console does, chatsessionctl does: docs/command-line.md names for each call of the console the commands that do the same, or
says why there is none. A call without a row, a row without a call and a command that is not there fail."""
import re
import subprocess

from harness.place import BUILD
from harness.routes import ROUTES
from harness.sources import text

PAGE = "docs/command-line.md"
# Not the console's: they prepare a server, keep house, or look after files.
OWN = {"setup", "check", "schema apply", "schema status", "secret new", "secret rotate", "sweep", "export verify", "erasure apply",
       "conversation purge"}


def rows(page):
    """{call: ([commands], the reason where there are none)}"""
    found = {}
    for call, answer in re.findall(r"^\| `((?:GET|POST|PATCH|PUT|DELETE) [^`]+)` \| (.*) \|$", page, re.MULTILINE):
        assert call not in found, f"{call} has two rows"
        reason = re.fullmatch(r"no command: (.+)", answer)
        commands = [] if reason else re.findall(r"`([^`]+)`", answer)
        assert reason or ", ".join(f"`{command}`" for command in commands) == answer, answer
        found[call] = (commands, reason and reason.group(1))
    return found


def commands():
    """Those of --help, each by its one or two words."""
    said = subprocess.run([BUILD / "chatsessionctl", "--help"], check=True, text=True, capture_output=True).stdout
    listed = re.findall(r"^  ([a-z]\S*)(?: ([a-z]\S*))?.*\n      \S", said.split("Commands:\n")[1], re.MULTILINE)
    # "user second-factor reset": what follows is an argument, not a word of the command.
    return {" ".join(filter(None, words)) for words in listed}


def test_every_call_of_the_console_has_its_command_or_a_reason():
    calls = {f"{route.method} {route.path}" for route in ROUTES if route.mount == "/chat-admin"}
    assert len(calls) > 50
    assert set(rows(text(PAGE))) == calls


def test_every_command_of_a_row_is_there_and_every_command_has_a_row():
    named = {command for found, _ in rows(text(PAGE)).values() for command in found}
    there = commands()
    assert len(there) > 50
    assert sorted(named - there) == []
    assert sorted(there - named - OWN) == [] and OWN <= there


def test_a_call_without_a_command_is_an_exception_that_can_be_counted():
    """Eight of them are a browser's own session and second factor; whoever adds one more says so here."""
    without = [call for call, (found, _) in rows(text(PAGE)).items() if not found]
    assert len(without) == 11, without


def test_the_guard_sees_what_it_must_see():
    page = "| `GET a` | `b c`, `d` |\n| `POST e` | no command: because |\n| `--x` | y |\n"
    assert rows(page) == {"GET a": (["b c", "d"], None), "POST e": ([], "because")}
