# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The route tables, read out of the C sources: a route that is added there is covered by the tests that walk over all
of them, or fails them because its row in their own tables is missing."""
import re
from dataclasses import dataclass

from .sources import files, text, without_c_comments

_TABLES = {"/chat": "mod_chatsession/chat.c", "/chat-admin": "admin/admin.c"}
_SHARED = {"CHATSESSION_LOGIN_ROUTES": "mod_chatsession/login.h",
           "CHATSESSION_SECOND_FACTOR_ROUTES": "mod_chatsession/second_factor.h"}
_ROW = re.compile(r'\{\s*"(?P<method>[A-Z]+)",\s*"(?P<path>[^"]*)",\s*CHATSESSION_(?P<access>\w+),\s*'
                  r'(?:CHATSESSION_NO_BODY|(?P<limit>\w+),\s*CHATSESSION_MEMBERS\((?P<members>\w+)\)),\s*'
                  r'(?P<handler>\w+)\s*\}')
_ROW_BEGINS = re.compile(r'\{\s*"[A-Z]+",')


@dataclass(frozen=True)
class Member:
    """One member of a body, as cs_json_member_t has it."""

    name: str
    type: str  # STRING, UUID, INTEGER, BOOLEAN, ARRAY, OBJECT
    required: bool
    nullable: bool
    min: int
    max: int


@dataclass(frozen=True)
class Route:
    mount: str
    method: str
    path: str
    access: str  # anyone, guest, unenrolled, user, viewer, auditor, operator, admin
    limit: int   # octets of the body; 0: none is read
    members: tuple
    handler: str

    @property
    def name(self):
        return f"{self.method} {self.mount}/{self.path}"

    @property
    def changes_state(self):
        return self.method != "GET"

    def at(self, identifier):
        """The path with its {id}s or its {word} filled in."""
        return self.path.replace("{id}", identifier).replace("{word}", identifier)


def _constants():
    """Every #define of the tree that is a plain number or a product of numbers."""
    found = {}
    for path in files(".c", ".h"):
        for name, value in re.findall(r"^#define (\w+) (.+)$", without_c_comments(text(path)), re.MULTILINE):
            if re.fullmatch(r"[\d\s()*]+", value):
                found[name] = eval(value)  # digits, brackets and * only
    return found


def _number(word, constants):
    return constants[word] if word in constants else int(word)


def _member_tables(constants):
    found = {}
    for path in files(".c"):
        source = without_c_comments(text(path))
        for name, count, rows in re.findall(r"const cs_json_member_t (\w+)\[(\d+)\] = \{(.*?)\};", source, re.DOTALL):
            members = []
            for row in re.findall(r"\{([^{}]*)\}", rows):
                word, kind, flags, least, most = [part.strip() for part in row.split(",")]
                members.append(Member(word.strip('"'), kind.removeprefix("CS_JSON_"), "REQUIRED" in flags,
                                      "NULLABLE" in flags, _number(least, constants), _number(most, constants)))
            assert len(members) == int(count), f"{path}: {name} has {count} rows, the parser saw {len(members)}"
            found[name] = tuple(members)
    return found


def _rows(source):
    source = without_c_comments(source).replace("\\\n", " ")
    found = list(_ROW.finditer(source))
    begun = len(_ROW_BEGINS.findall(source))
    assert len(found) == begun, f"{begun} rows begin in a route table, the parser understood {len(found)}"
    return found


def _read():
    constants = _constants()
    members = _member_tables(constants)
    routes = []
    for mount, path in _TABLES.items():
        source = text(path)
        for macro in _SHARED:
            assert macro in source, f"{path} has no {macro} any more"
        for row in [row for shared in _SHARED.values() for row in _rows(text(shared))] + _rows(source):
            routes.append(Route(mount, row["method"], row["path"], row["access"].lower(),
                                _number(row["limit"], constants) if row["limit"] else 0,
                                members[row["members"]] if row["members"] else (), row["handler"]))
    return tuple(routes)


ROUTES = _read()
