# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The tree's own files as text, for the guards."""
import os
import re
from pathlib import Path

from .place import TREE

_NOT_OURS = {"build", "var", ".git", "node_modules", "__pycache__"}


def files(*suffixes, below="."):
    """Paths relative to the tree, sorted; no suffix: all files."""
    found = []
    for folder, folders, names in os.walk(TREE / below):
        folders[:] = [name for name in folders if name not in _NOT_OURS]
        found += [(Path(folder) / name).relative_to(TREE) for name in names if name.endswith(suffixes or "")]
    return sorted(found)


def text(path):
    return (TREE / path).read_text(encoding="utf-8")


_C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def without_c_comments(source):
    """C with every comment blanked; lines keep their numbers."""
    return _C_TOKEN.sub(lambda m: m.group() if m.group()[0] in "\"'" else re.sub(r"[^\n]", " ", m.group()), source)


def c_strings(source):
    """[(line, content)] of C's string literals; literals that stand side by side are one."""
    found, end = [], None
    source = without_c_comments(source)
    source = re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", source, flags=re.MULTILINE)
    for match in _C_TOKEN.finditer(source):
        if match.group()[0] != '"':
            continue
        if end is not None and not source[end:match.start()].strip():
            found[-1] = (found[-1][0], found[-1][1] + match.group()[1:-1])
        else:
            found.append((source.count("\n", 0, match.start()) + 1, match.group()[1:-1]))
        end = match.end()
    return found


def calls(source, name_pattern):
    """[(line, name, text between the parentheses)] of calls of functions whose name matches; comments are ignored."""
    source = without_c_comments(source)
    found = []
    for match in re.finditer(rf"\b({name_pattern})\s*\(", source):
        depth, at = 1, match.end()
        while depth and at < len(source):
            token = _C_TOKEN.match(source, at)
            if token:
                at = token.end()
                continue
            depth += {"(": 1, ")": -1}.get(source[at], 0)
            at += 1
        found.append((source.count("\n", 0, match.start()) + 1, match.group(1), source[match.end():at - 1]))
    return found
