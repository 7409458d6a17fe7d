# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Prometheus' own checker takes the rules, and they ring when they should and only then."""
import subprocess

import pytest
from harness.place import TREE


@pytest.mark.parametrize("words", [("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_is_content(words):
    done = subprocess.run([TREE / "dev/promtool", *words], cwd=TREE / "conf/monitoring", text=True, capture_output=True, check=False)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr
