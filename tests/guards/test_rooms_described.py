# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""mod_chatsession/README.md says of every source file of the module what it does, and names none that is not there."""
import re
from fnmatch import fnmatch

from harness.sources import files, text

ROOM = "mod_chatsession"


def described(page):
    """The names in the first column of the table of rooms; a name without a folder stands in that of the one before it."""
    table = re.search(r"^## Rooms$(.*?)^## ", page, re.MULTILINE | re.DOTALL).group(1)
    found = []
    for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", cell):
            folder = name.rpartition("/")[0] + "/" if "/" in name else folder
            found.append(name if "/" in name else folder + name)
    return found


def is_named(path, names):
    return any(fnmatch(path, name) or fnmatch(path.removesuffix(".c") + ".h", name) for name in names)


def test_every_source_file_is_described():
    sources = [path.relative_to(ROOM).as_posix() for path in files(".c", below=ROOM)]
    names = described(text(f"{ROOM}/README.md"))
    assert len(sources) > 100
    assert [path for path in sources if not is_named(path, names)] == []


def test_every_description_is_of_a_file():
    there = [path.relative_to(ROOM).as_posix() for path in files(below=ROOM)]
    assert [name for name in described(text(f"{ROOM}/README.md"))
            if not any(fnmatch(path, name) or path.startswith(name) for path in there)] == []


def test_the_guard_sees_what_it_must_see():
    names = described("## Rooms\n| File | Does |\n| `a.c`, `core/b.c`, `d.h` | x `no.c` |\n| `store/e_*.c` | y |\n## Next\n| `f.c` | z |\n")
    assert names == ["a.c", "core/b.c", "core/d.h", "store/e_*.c"]
    assert is_named("core/d.c", names) and is_named("store/e_1.c", names) and not is_named("f.c", names)
