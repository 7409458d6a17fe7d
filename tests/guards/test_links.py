# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Links between the project's pages lead somewhere: the file is there, the anchor is a heading of it, and a link that
is named as a test leads to the file that has this test."""
import re
from pathlib import PurePosixPath

from harness.place import TREE
from harness.sources import files, text

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^\s)>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def links(page):
    """[(text, target)] of a page, those in code left out."""
    return LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", page)))


def anchors(page):
    """The anchors of a page's headings, as code hosts make them."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = base = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = 0
        while name in found:
            count += 1
            name = f"{base}-{count}"
        found.add(name)
    return found


def problems(path, page):
    tree = TREE.resolve()
    for name, target in links(page):
        if ELSEWHERE.match(target):
            continue
        where, _, anchor = target.partition("#")
        goal = (tree / path.parent / where).resolve() if where else tree / path
        if not goal.exists() or not goal.is_relative_to(tree):
            yield f"{path}: {target} is not there"
        elif anchor and (goal.suffix != ".md" or anchor not in anchors(goal.read_text(encoding="utf-8"))):
            yield f"{path}: {target} has no such heading"
        elif re.fullmatch(r"test_\w+", name) and not re.search(rf"\b{name}\s*\(", goal.read_text(encoding="utf-8")):
            yield f"{path}: {where} has no {name}"


def test_every_link_leads_to_a_file_a_heading_or_a_test():
    pages = files(".md")
    assert {"README.md", "docs/directives.md", "docs/security.md"} <= set(map(str, pages))
    assert sum(len(links(text(path))) for path in pages) > 50
    assert [problem for path in pages for problem in problems(path, text(path))] == []


def test_the_guard_sees_what_it_must_see():
    page = ("# A b\n## `C`, d!\n## A b\n[x](#a-b) ![y](docs/api.md) `[no](gone)`\n```\n[no](gone)\n# no\n```\n"
            "[ok](https://example.org/x) [test_x](README.md)\n")
    assert anchors(page) == {"a-b", "c-d", "a-b-1"}
    assert links(page) == [("x", "#a-b"), ("y", "docs/api.md"), ("ok", "https://example.org/x"),
                           ("test_x", "README.md")]
    here = PurePosixPath("page.md")
    assert list(problems(here, "[a](docs/gone.md) [b](docs/api.md#gone) [test_gone](docs/api.md) [c](../..)")) == [
        "page.md: docs/gone.md is not there", "page.md: docs/api.md#gone has no such heading",
        "page.md: docs/api.md has no test_gone", "page.md: ../.. is not there"]
