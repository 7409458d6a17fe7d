# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Arrows point one way: glue, admin and ctl -> store -> core. Core and store know no httpd; SQL lives in store/ and
schema/; PostgreSQL is reached through one door."""
import re
import subprocess
from pathlib import Path

import pytest
from harness.sources import c_strings, calls, files, text, without_c_comments

HTTPD_HEADERS = {path.name for path in Path(
    subprocess.run(["apxs", "-q", "INCLUDEDIR"], text=True, check=True, capture_output=True).stdout.strip()
).glob("*.h")}
# folder -> what its quoted includes may begin with, whether httpd's and PostgreSQL's headers may be included
ROOMS = {
    "mod_chatsession/core": (("core/",), False, False),
    "mod_chatsession/store": (("core/", "store/"), False, True),
    "ctl": (("core/", "store/", "ctl"), False, False),
    "tests/unit": (("core/", "fixture.h", "kuhn.h"), False, False),
    "tests/fuzz": (("core/", "store/", "fuzz.h"), False, False),
}
# What drives the directives stands above httpd, and what stands in for httpd there.
OF_THE_GLUE = {"tests/fuzz/fuzz_directives.c", "tests/fuzz/httpd_stub.c"}
DATABASE_HEADERS = {"libpq-fe.h", "apr_dbd.h", "mod_dbd.h"}
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]", re.MULTILINE)
SQL = re.compile(r"\bselect\b.+\bfrom\b|\binsert\s+into\b|\bdelete\s+from\b|\bupdate\s+\S+\s+set\b|"
                 r"\btruncate\s+table\b|\b(create|alter|drop)\s+(table|function|index|schema|role|database)\b|"
                 r"\bcopy\s*\(|\b(set|reset)\s+(local\s+)?role\b|\bpg_\w+\s*\(", re.IGNORECASE | re.DOTALL)


def broken_includes(source, room):
    allowed, httpd, database = ROOMS[room]
    for kind, name in INCLUDE.findall(source):
        if kind == '"' and not name.startswith(allowed):
            yield f"includes \"{name}\""
        if kind == "<" and not httpd and Path(name).name in HTTPD_HEADERS:
            yield f"includes httpd's <{name}>"
        if kind == "<" and not database and Path(name).name in DATABASE_HEADERS:
            yield f"includes <{name}>"


def sql_in(source):
    return [f"line {line}: {content[:60]}" for line, content in c_strings(source) if SQL.search(content)]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_includes_only_what_lies_below_it(room):
    sources = [path for path in files(".c", ".h", below=room) if str(path) not in OF_THE_GLUE]
    assert sources
    assert [f"{path} {problem}" for path in sources for problem in broken_includes(text(path), room)] == []


def test_sql_stands_in_the_store_alone():
    """[F1]"""
    sources = [path for path in files(".c", ".h") if path.parts[:2] != ("mod_chatsession", "store")
               and path.parts[0] != "tests"]
    assert len(sources) > 10
    assert [f"{path} {problem}" for path in sources for problem in sql_in(text(path))] == []


def test_postgresql_is_reached_through_one_door():
    """libpq and APR DBD are called by store/db*.c only."""
    sources = [path for path in files(".c", ".h") if path.parts[0] != "tests" and not
               (path.parts[:2] == ("mod_chatsession", "store") and path.name.startswith("db"))]
    assert [f"{path}:{line} calls {name}" for path in sources
            for line, name, _ in calls(text(path), r"PQ[a-z]\w*|apr_dbd_\w+|ap_dbd_\w+")] == []


def test_the_guard_sees_what_it_must_see():
    assert list(broken_includes('#include <httpd.h>\n#include "store/db.h"\n', "mod_chatsession/core")) == [
        "includes httpd's <httpd.h>", 'includes "store/db.h"']
    assert list(broken_includes('#include "config.h"\n', "mod_chatsession/store")) == ['includes "config.h"']
    assert sql_in('x("SELECT a"\n  " FROM b"); /* "DELETE FROM c" */ y("please select one");') == [
        "line 1: SELECT a FROM b"]
    assert without_c_comments('a /* b\n */ "/* c */" // d') == 'a     \n    "/* c */"     '
