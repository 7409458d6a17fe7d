# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""docs/promise-rows.md is what dev/promise-rows makes of the tests, and every mark in a test names a promise that there is."""
import importlib.util
import subprocess
from importlib.machinery import SourceFileLoader

import pytest
from harness.place import TREE


@pytest.fixture(scope="module")
def script():
    loader = SourceFileLoader("promise_rows", str(TREE / "dev/promise-rows"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("promise_rows", loader))
    loader.exec_module(module)
    return module


def test_the_page_is_what_the_tests_say():
    done = subprocess.run([TREE / "dev/promise-rows", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_guard_sees_what_it_must_see(script):
    # Marks are put together here, or this file would name the promises itself.
    one, two = "[" + "A1]", "[" + "K2]"
    python = f'"""{two} f"""\ndef test_x():\n    """{one} {two} x"""\ndef helper():\n    """{one}"""\n'
    assert script.marks_in_python(python, "f.py") == [("K2", "f.py"), ("A1", "test_x"), ("K2", "test_x")]
    c = f"/** {one} a */\nstatic int help(void) {{}}\n/* {two} b */\nstatic void test_y(void **state)\n{{}}\n"
    assert script.marks_in_c(c) == [("K2", "test_y")]
    groups = script.read_rows("# c\n## A. X\nA1: One.\nA2: Two. -- because\n")
    page = script.page(groups, {"A1": [("test_x", "tests/x.py")]})
    assert "| A1 | One. | [test_x](../tests/x.py) |" in page and "| A2 | Two. | not kept: because |" in page
    with pytest.raises(ValueError, match="no such row: K2 in tests/x.py: test_x"):
        script.page(groups, {"K2": [("test_x", "tests/x.py")]})
