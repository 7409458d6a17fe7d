# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What a stranger may guess at is compared in constant time: where a MAC or a digest is, memcmp and strcmp stop at the first
wrong octet and so tell how many were right."""
import re

from harness.sources import calls, files, text

SECRET = re.compile(r"\b\w*(mac|seal|digest|signature|hmac)\w*\b", re.IGNORECASE)
PLAIN = r"memcmp|strcmp|strncmp|apr_cstr_casecmp|ap_cstr_casecmp"


def plain_comparisons(source):
    """[(line, name)] of comparisons that are not in constant time and have a MAC or a digest as an argument."""
    return [(line, name) for line, name, arguments in calls(source, PLAIN) if SECRET.search(arguments)]


def test_no_mac_is_compared_by_memcmp_or_strcmp():
    """[A4]"""
    assert {str(path): found for path in files(".c", below="mod_chatsession/core")
            if (found := plain_comparisons(text(path)))} == {}


def test_what_verifies_compares_in_constant_time():
    """[A4]"""
    for path in ("token", "itsdangerous"):
        assert "CRYPTO_memcmp" in text(f"mod_chatsession/core/{path}.c"), path


def test_the_guard_sees_what_it_must_see():
    assert plain_comparisons('x = memcmp(a, mac, 3); y = CRYPTO_memcmp(a, mac, 3); /* memcmp(mac, b) */') == [(1, "memcmp")]
    assert plain_comparisons("strcmp(name, other)") == []
