# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Every source file carries the two SPDX lines at its top."""
from harness.place import TREE
from harness.sources import files

SUFFIXES = (".c", ".h", ".py", ".js", ".css", ".html", ".sql", ".svg", ".conf", ".in", ".ini", ".sh")
LINES = ("SPDX-License-Identifier: Apache-2.0", "SPDX-FileCopyrightText: The mod_chatsession authors")


def is_source(path):
    if path.name == "Makefile" or path.name.endswith(SUFFIXES):
        return True
    with open(TREE / path, "rb") as file:
        return file.read(2) == b"#!"


def lacks_lines(source):
    top = "\n".join(source.splitlines()[:6])
    return not all(line in top for line in LINES)


def test_every_source_file_says_its_licence():
    sources = [path for path in files() if is_source(path)]
    assert len(sources) > 50
    assert [str(path) for path in sources if lacks_lines((TREE / path).read_text(encoding="utf-8"))] == []


def test_the_guard_sees_what_it_must_see():
    assert lacks_lines("/* SPDX-License-Identifier: Apache-2.0 */\nint x;\n")
    assert not lacks_lines("#!/bin/sh\n# " + "\n# ".join(LINES))
