# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Runs the C tests of the sessions' shared memory, each as a test of its own."""
import re
import subprocess
from pathlib import Path

import pytest
from harness.place import BUILD, TREE, WRAPPER

TESTS = re.findall(r"^ +TEST\((\w+)\)", Path(__file__).with_suffix(".c").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", TESTS)
def test_session_cache(name):
    result = subprocess.run([*WRAPPER, str(BUILD / "tests" / "store" / "test_session_cache"), name], cwd=TREE,
                            text=True, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=120)
    output = result.stdout + result.stderr
    assert result.returncode == 0 and "1 test(s) run." in output, f"ended with {result.returncode}\n{output}"
