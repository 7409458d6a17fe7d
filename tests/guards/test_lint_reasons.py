# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Every check of clang-tidy that is switched off has its reason beside it."""
import re

import pytest
from harness.sources import files, text

CONFIGURATIONS = [str(path) for path in files(".clang-tidy")]


def without_reason(configuration):
    switched_off = re.findall(r"(?:^|[\s,'])-([a-z][\w.-]+-[\w.-]*\w)", "\n".join(
        line for line in configuration.splitlines() if not line.startswith("#")))
    return [check for check in switched_off
            if not re.search(rf"^# {re.escape(check)}: \S", configuration, re.MULTILINE)]


@pytest.mark.parametrize("path", CONFIGURATIONS)
def test_every_check_that_is_switched_off_has_a_reason(path):
    assert without_reason(text(path)) == []


def test_the_guard_sees_what_it_must_see():
    assert ".clang-tidy" in CONFIGURATIONS
    assert without_reason("# cert-b: it is loud\nChecks: '-*,cert-*,-cert-a,-cert-b'\n") == ["cert-a"]
