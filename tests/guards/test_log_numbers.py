# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Each line for httpd's log that an administrator may look up begins with a number of its own: CSnnnn."""
import re
from collections import Counter

from harness.sources import c_strings, calls, files, text

LOGS = r"ap_log_(?:r|c|p|cs)?error"
QUIET = re.compile(r"\bAPLOG_(DEBUG|TRACE\d|INFO)\b")


def is_numbered(log_call):
    """Whether a call's format begins with its number, or with one that is handed in."""
    strings = c_strings(log_call)
    return bool(strings) and bool(re.match(r"(CS\d{4}|%s): ", strings[0][1]))


def numbers(source):
    """Every number where it is given: at the head of a format, or alone as an argument of what logs."""
    return [match.group(1) for _, content in c_strings(source) if (match := re.match(r"(CS\d{4})(?:: |$)", content))]


def module_sources():
    return [path for path in files(".c", ".h") if path.parts[0] in ("mod_chatsession", "admin")]


def test_no_number_is_used_twice():
    """[L7]"""
    used = Counter(name for path in module_sources() for name in numbers(text(path)))
    assert len(used) > 5
    assert [name for name, count in used.items() if count > 1] == []


def test_every_line_of_notice_and_above_has_a_number():
    """[L7]"""
    found = [(path, line, body) for path in module_sources() for line, _, body in calls(text(path), LOGS)]
    assert len(found) > 5
    assert [f"{path}:{line}" for path, line, body in found if not QUIET.search(body) and not is_numbered(body)] == []


def test_the_guard_sees_what_it_must_see():
    source = 'ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0042: %s (\\"x\\")", f(")"));\nap_log_error(A, "no");'
    assert [(line, name, is_numbered(body)) for line, name, body in calls(source, LOGS)] == [
        (1, "ap_log_rerror", True), (2, "ap_log_error", False)]
    assert numbers('f("CS0001: a", "CS0002"); /* "CS0003" */ g("CS0004 is not one");') == ["CS0001", "CS0002"]
