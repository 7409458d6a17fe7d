# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""docs/directives.md is true: its examples are accepted, its bad values are refused with the sentence that it quotes,
and its syntax, default and context lines are those of the table in config.c."""
import os
import re

import pytest
from harness.httpd import Httpd
from harness.passwords import MODULES
from harness.place import BUILD
from harness.sources import c_strings, files, text

PAGE = "docs/directives.md"
TABLE = "mod_chatsession/config.c"
FOLDER = "/etc/chatsession"  # where the page's files stand; the tests give them a place of their own
INSTALLED = "/usr/local/share/mod_chatsession"
SECTION = re.compile(r"^## (ChatSession\w*)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
MACROS = {"MILLISECONDS": "ms", "SECONDS": "s", "MINUTES": "min", "HOURS": "h", "DAYS": "d"}
CONTEXTS = {"RSRC_CONF": "server config, virtual host", "ACCESS_CONF": "directory",
            "RSRC_CONF | ACCESS_CONF": "server config, virtual host, directory"}
SECTIONS = dict(SECTION.findall(text(PAGE)))
# Functions of directives that no virtual host may have.
GLOBAL_SETTERS = [name for path in files(".c", below="mod_chatsession") if path.name.startswith("config")
                  for name in re.findall(r"^(?:static )?const char \*(\w+)\([^)]*\)\n\{(?:(?!^\}).)*\bGLOBAL_ONLY\b", text(path), re.MULTILINE | re.DOTALL)]


def line_of(body, word):
    return re.search(rf"^- {word}: (.*)$", body, re.MULTILINE).group(1)


# --- what httpd says


def prepare(folder):
    """The files that the page names, as it says that they are."""
    folder.mkdir()
    for name, mode, content in (("secret", 0o600, os.urandom(48)), ("secret.old", 0o600, os.urandom(48)),
                                ("everybodys", 0o644, os.urandom(48)), ("openai.key", 0o600, b"sk-example\n"),
                                ("legacy.secret", 0o600, b"my-secret-key\n"),
                                ("print-secret", 0o700, b"#!/bin/sh\nexec head -c 24 /dev/urandom | od -A n -t x1\n")):
        (folder / name).write_bytes(content)
        (folder / name).chmod(mode)


def configtest(lines, **options):
    """(exit code, what httpd says) of these lines after the harness's own."""
    server = Httpd("host=@nowhere dbname=nothing", **{"modules": (*MODULES, "socache_redis"), **options})
    try:
        files = server.folder / "etc"
        prepare(files)
        own = lines.replace(FOLDER, str(files)).replace(INSTALLED, str(BUILD / "share"))
        server.config.write_text(server.config.read_text() + own)
        code, said = server.configtest()
        return code, said.replace(str(files), FOLDER)
    finally:
        server.remove()


def blocks(name):
    """(example, bad value, answer) of a section."""
    found = BLOCK.findall(SECTIONS[name])
    assert [kind for kind, _ in found] == ["apache", "apache", "text"], f"{name}: example, bad value, answer"
    return [content for _, content in found]


@pytest.mark.parametrize("name", SECTIONS)
def test_an_example_is_accepted(name):
    example = blocks(name)[0]
    assert re.search(rf"^\s*{name}\s", example, re.MULTILINE), "the example shows something else"
    code, said = configtest(example)
    assert (code, said.strip()) == (0, "Syntax OK")


@pytest.mark.parametrize("name", SECTIONS)
def test_a_bad_value_is_refused_with_the_sentence_of_the_page(name):
    _, bad, answer = blocks(name)
    code, said = configtest(bad)
    assert code != 0
    assert answer.strip() in said


def test_a_setting_is_refused_inside_a_section():
    code, said = configtest("<Location /x>\nChatSessionIdleTimeout 1h\n</Location>\n")
    assert code != 0 and "ChatSessionIdleTimeout not allowed in <Location> context" in said


@pytest.mark.parametrize("block", range(2))
def test_the_configurations_of_the_readme_are_accepted(block):
    blocks_there = [content for kind, content in BLOCK.findall(text("README.md")) if kind == "apache"]
    assert len(blocks_there) == 2 and all("ChatSessionBackend" in content for content in blocks_there)
    lines = re.sub(r"^LoadModule .*\n", "", blocks_there[block], flags=re.MULTILINE)  # the harness loads what was built
    lines = lines.replace("/etc/chatsession.secret", f"{FOLDER}/secret").replace("/etc/chatsession-openai.key",
                                                                               f"{FOLDER}/openai.key")
    if block == 0:  # nothing is installed where a test runs
        lines = f'ChatSessionPages "{BUILD}/share"\n{lines}'
    code, said = configtest(lines, bare=block == 0, modules=["socache_shmcb", "ssl"])
    assert (code, said.strip()) == (0, "Syntax OK")


# --- the table


def milliseconds(word):
    macro, number = re.fullmatch(r"(\w+)\((\d+)\)", word).groups() if word != "0" else ("SECONDS", "0")
    return int(number) * UNITS[MACROS[macro]]


def print_duration(value):
    unit = next((unit for unit in reversed(UNITS) if value and value % UNITS[unit] == 0), "ms")
    return f"{value // UNITS[unit]}{unit}"


def settings(source):
    """{name: (default, bounds or words)} as the page prints them; a default of None: there is none."""
    found = {}
    rows = re.findall(r'^\s*ROW\(\w+, "(\w+)", \w+, TYPE_(\w+), (TEXT|RANGE|CHOICE)\((.*)\), \\$', source, re.MULTILINE)
    for name, kind, form, words in rows:
        if form == "RANGE":
            values = words.split(", ")
            if kind == "DURATION":
                numbers = [milliseconds(word) for word in values]
                default, low, high = ("0" if number == 0 and i == 0 else print_duration(number)
                                      for i, number in enumerate(numbers))
            else:
                default, low, high = values
            found[name] = (default, f"({low} to {high})")
        elif form == "CHOICE":  # the constant of a default is the first of its enum throughout
            found[name] = (words.split('"')[1].split("|")[0], words.split('"')[1])
        else:
            found[name] = (None if words == "NULL" else words, "")
    return found


def enum_begins_with(constant):
    headers = text("mod_chatsession/config.h") + text("mod_chatsession/core/cookie.h") + text(
        "mod_chatsession/core/prompttext.h")
    return constant == "0" or re.search(rf"enum \{{\s*{constant}\b", headers) is not None


def contexts(source):
    """{name: context} of the directives that are no settings, and of the settings that no virtual host may have."""
    rows = re.findall(r'AP_INIT_\w+\("(\w+)",\s*\w+,\s*(?:NULL|MEMBER\(\w+\)),\s*([A-Z_]+(?: \| [A-Z_]+)*),', source)
    shared = re.findall(rf'"(\w+)", (?:{"|".join(GLOBAL_SETTERS)}),', source)
    return {name: CONTEXTS[where] for name, where in rows} | dict.fromkeys(shared, "server config")


def descriptions(source):
    """{name: what httpd -L says of it}: the last text of its row."""
    found, name = {}, None
    for table in re.findall(r"^#define SETTINGS\(ROW\).*?^#define SETTING_ROW|^const command_rec .*?^\};", source, re.MULTILINE | re.DOTALL):
        for _, content in c_strings(table):
            if re.fullmatch(r"ChatSession\w*", content):
                name = content
            else:
                found[name] = content
    return found


def test_the_parser_reads_the_whole_table():
    source = text(TABLE)
    assert sorted({*settings(source), *contexts(source)}) == sorted(SECTIONS)
    constants = re.findall(r"CHOICE\((\w+), \"", source)
    assert constants and [name for name in constants if not enum_begins_with(name)] == []


def installed_share():
    """Where `make install` puts the pages when nobody says PREFIX=: the Makefile hands it to the compiler."""
    makefile = text("Makefile")
    prefix = re.search(r"^PREFIX \?= (.+)$", makefile, re.MULTILINE).group(1)
    return '"' + re.search(r"^share-dir = (.+)$", makefile, re.MULTILINE).group(1).replace("$(PREFIX)", prefix) + '"'


@pytest.mark.parametrize("name", settings(text(TABLE)))
def test_syntax_and_default_are_those_of_the_table(name):
    default, bounds = settings(text(TABLE))[name]
    syntax, body = line_of(SECTIONS[name], "Syntax"), line_of(SECTIONS[name], "Default")
    assert syntax.startswith(f"`{name} ") and bounds in syntax
    if default is None:
        assert body.startswith("none")
    else:
        assert body == f"`{name} {default.replace('CHATSESSION_SHARE', installed_share())}`"


@pytest.mark.parametrize("name", SECTIONS)
def test_the_context_is_that_of_the_table(name):
    assert line_of(SECTIONS[name], "Context") == contexts(text(TABLE)).get(name, CONTEXTS["RSRC_CONF"])


@pytest.mark.parametrize("name", SECTIONS)
def test_the_description_is_that_of_the_table(name):
    assert line_of(SECTIONS[name], "Description") == descriptions(text(TABLE))[name]


def test_the_list_at_the_top_has_all_in_the_order_of_the_page():
    top = text(PAGE).partition("\n## ")[0]
    assert re.findall(r"\]\(#(chatsession\w*)\)", top) == [name.lower() for name in SECTIONS]


def test_the_parser_sees_what_it_must_see():
    assert sorted(GLOBAL_SETTERS) == ["chatsession_set_store", "set_global_setting"]
    source = ('ROW(A, "ChatSessionA", set, TYPE_DURATION, RANGE(0, MILLISECONDS(100), MINUTES(60)), \\\n"x") \\\n'
              'ROW(B, "ChatSessionB", set, TYPE_CHOICE, CHOICE(0, "on|off"), \\\n"y")')
    assert settings(source) == {"ChatSessionA": ("0", "(100ms to 1h)"), "ChatSessionB": ("on", "on|off")}
    assert contexts('AP_INIT_FLAG("ChatSession", f, NULL, RSRC_CONF | ACCESS_CONF,\n"x")') == {
        "ChatSession": "server config, virtual host, directory"}
    assert contexts('ROW(A, "ChatSessionA", set_global_setting, TYPE_NUMBER, RANGE(2, 1, 64), \\\n"x")') == {
        "ChatSessionA": "server config"}
