# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Every directive of config.c has a section in docs/directives.md that says its syntax, default and context, and the
other way round."""
import re

from harness.sources import c_strings, text

REFERENCE = "docs/directives.md"
SECTION = re.compile(r"^#{2,4} +`?(ChatSession\w*)`?[ \t]*$(.*?)(?=^#{1,4} |\Z)", re.MULTILINE | re.DOTALL)


def directives(source):
    """Names that stand alone in a string: the first column of the tables."""
    return {content for _, content in c_strings(source) if re.fullmatch(r"ChatSession\w*", content)}


def sections(page):
    return dict(SECTION.findall(page))


def test_every_directive_has_its_section_and_every_section_its_directive():
    names = directives(text("mod_chatsession/config.c"))
    assert len(names) > 10
    assert sorted(names) == sorted(sections(text(REFERENCE)))


def test_every_section_says_syntax_default_and_context():
    missing = [f"{name}: {word}" for name, body in sections(text(REFERENCE)).items()
               for word in ("Syntax", "Default", "Context") if word not in body]
    assert missing == []


def test_the_sample_configurations_use_known_directives():
    names = directives(text("mod_chatsession/config.c"))
    for path in ("conf/sample.conf", "conf/dev.conf.in"):
        used = set(re.findall(r"^\s*(ChatSession\w*)", text(path), re.MULTILINE))
        assert used and used <= names, path


def test_the_guard_sees_what_it_must_see():
    assert directives('{"ChatSessionA", 1}, "ChatSessionB is wrong" /* "ChatSessionC" */') == {"ChatSessionA"}
    assert sections("# x\n## ChatSessionA\nSyntax\n### `ChatSessionB`\nb\n## Other\n") == {
        "ChatSessionA": "\nSyntax\n", "ChatSessionB": "\nb\n"}
