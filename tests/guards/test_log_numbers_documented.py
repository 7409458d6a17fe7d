# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""docs/operations.md lists every number that our log lines have, with its level and the beginning of its words as the C
sources have them, and says what to do about those of level warn and above."""
import re

from harness.sources import c_strings, calls, files, text

PAGE = "docs/operations.md"
FUNCTIONS = r"ap_log_(?:r|c|p|cs)?error|cs_db_log|note_failure|report"
LEVELS = {"EMERG": "emerg", "ALERT": "alert", "CRIT": "crit", "ERR": "error", "WARNING": "warn", "NOTICE": "notice",
          "INFO": "info", "DEBUG": "debug"}
SYSLOG = {"3": "error", "4": "warn", "6": "info", "7": "debug"}
# These take the number but not the level; it is the highest that they log with.
FIXED = {"note_failure": "error", "report": "error"}
TROUBLE = {"emerg", "alert", "crit", "error", "warn"}
ROW = re.compile(r"^\| (CS\d{4}) \| (\w+) \| (.*?) \|(?: (.*?) \|)?$", re.MULTILINE)
CONVERSION = re.compile(r"%[-+ #0]*\d*(?:\.\d+|\.\*)?(?:l|ll|z|h)?[a-zA-Z]|%$")


def words(string):
    """A format as the page has it: what is filled in is an ellipsis."""
    return CONVERSION.sub("…", string.replace('\\"', '"')).strip()


def level_of(name, arguments):
    if name in FIXED:
        return FIXED[name]
    if name == "cs_db_log":
        return SYSLOG[re.search(r",\s*(\d)\s*,", arguments).group(1)]
    return LEVELS[re.search(r"\bAPLOG_(?!MARK|STARTUP|NOERRNO)(\w+)", arguments).group(1)]


def lines_of(source):
    """{number: (level, words)} of the calls in a C source that log with a number of their own."""
    found = {}
    for _, name, arguments in calls(source, FUNCTIONS):
        strings = [content for _, content in c_strings(arguments)]
        if strings and (match := re.match(r"(CS\d{4}): (.*)", strings[0])):
            found[match.group(1)] = (level_of(name, arguments), words(match.group(2)))
        elif strings and re.fullmatch(r"CS\d{4}", strings[0]):
            found[strings[0]] = (level_of(name, arguments), words(strings[1]) if len(strings) > 1 else "…")
    return found


def all_lines():
    found = {}
    for path in files(".c", below="mod_chatsession") + files(".c", below="admin"):
        found |= lines_of(text(path))
    return found


def documented(page):
    """{number: (level, words, what to do or "")}"""
    return {number: (level, line.strip("`"), todo) for number, level, line, todo in ROW.findall(page)}


def is_beginning(line, of):
    return bool(line) and of.startswith(line.removesuffix("…").rstrip())


def test_the_page_lists_every_line_as_the_sources_have_it():
    ours, page = all_lines(), documented(text(PAGE))
    assert len(ours) > 30
    assert {number: row[0] for number, row in page.items()} == {number: row[0] for number, row in ours.items()}
    assert {number: (line, ours[number][1]) for number, (_, line, _) in page.items()
            if not is_beginning(line, ours[number][1])} == {}


def test_the_parser_misses_no_number():
    every = {number for path in files(".c", ".h") if path.parts[0] in ("mod_chatsession", "admin")
             for _, content in c_strings(text(path)) for number in re.findall(r"CS\d{4}(?=: |$)", content)}
    assert sorted(every) == sorted(all_lines())


def test_lines_of_trouble_say_what_to_do():
    rows = documented(text(PAGE))
    assert [number for number, (level, _, todo) in rows.items() if level in TROUBLE and len(todo) < 10] == []


def test_the_guard_sees_what_it_must_see():
    source = ('ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0001: a %s of %" APR_X " b", f(x));\n'
              'cs_db_log(db, 4, "CS0002", "lost (%.100s)", x); note_failure(db, "CS0003", PQerrorMessage(c));'
              'ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, "CS0004: %s", p);')
    assert lines_of(source) == {"CS0001": ("error", "a … of …"), "CS0002": ("warn", "lost (…)"),
                                "CS0003": ("error", "…"), "CS0004": ("emerg", "…")}
    assert documented("| CS0001 | warn | a | do |\n| CS0002 | info | b |\n") == {
        "CS0001": ("warn", "a", "do"), "CS0002": ("info", "b", "")}
    assert is_beginning("500: …", "500: … (SQLSTATE …)") and not is_beginning("404: …", "500: …")
    assert is_beginning("…", "… …") and not is_beginning("", "x")
