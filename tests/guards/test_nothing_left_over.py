# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Nothing is kept that nothing uses: functions of C headers, names that a page's module gives to others, words, and classes of
style sheets; and each word is there in every language."""
import re
from collections import Counter

from harness.sources import files, text, without_c_comments

LANGUAGES = ("en", "ja")
PAGES = ("mod_chatsession/page", "admin/console")
# What tests alone look by, as its header says.
FOR_TESTS = {"cs_common_password_word", "cs_common_password_words", "cs_db_counts", "cs_session_cache_count", "missingMessages"}
PROTOTYPE = re.compile(r"\b((?:cs|chatsession)_\w+(?<!_cb)(?<!_fn))\(")
EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
KEY = re.compile(r"(?:^\s*|[{,]\s*)'([a-zA-Z][\w-]*(?:\.[\w-]+)+)'\s*:\s*['\"`]", re.MULTILINE)
PLACE = re.compile(r"\$\{[^{}]*\}")
TEMPLATE = re.compile(rf"[\w.-]+(?:{PLACE.pattern}[\w.-]*)+")
CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")


def read(*suffixes, below):
    return {path.as_posix(): text(path) for folder in below for path in files(*suffixes, below=folder) if "vendor" not in path.parts}


def without_comments(source):
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", source, flags=re.DOTALL)


def uncalled(headers, sources):
    """Functions of the headers that nothing names but its prototype and its definition."""
    headers = [without_c_comments(source) for source in headers]
    names = {name for source in headers for name in PROTOTYPE.findall(source)}
    words = Counter(re.findall(r"\w+", "\n".join([*headers, *map(without_c_comments, sources)])))
    # One that stands in its header whole has no prototype beside it.
    whole = {name for source in headers for name in re.findall(r"static inline [\w ]*?\*?(\w+)\(", source)}
    return {name for name in names if words[name] < (2 if name in whole else 3)}


def unasked(modules):
    """What a module exports and no other names."""
    bare = {path: without_comments(source) for path, source in modules.items()}
    words = {path: set(re.findall(r"\w+", source)) for path, source in bare.items()}
    return {name for path, source in bare.items() for name in EXPORT.findall(source)
            if not any(name in found for other, found in words.items() if other != path)}


def patterns(sources):
    """Names with places in them, as patterns of what they may become."""
    for template in {template for source in sources for template in TEMPLATE.findall(source)}:
        yield re.compile("[\\w.-]+".join(map(re.escape, PLACE.split(template))))


def unsaid(sources):
    """Keys of words that no module asks for, neither as they are nor put together."""
    keys = {key for source in sources if "defineMessages" in source for key in KEY.findall(source)}
    rest = [KEY.sub("", source) for source in sources]
    asked = {word for source in rest for word in re.findall(r"[\w-]+(?:\.[\w-]+)+", source)}
    made = list(patterns(rest))
    return {key for key in keys for base in [re.sub(r"\.(one|other)$", "", key)]
            if not {key, base} & asked and not any(one.fullmatch(key) or one.fullmatch(base) for one in made)}


def unworn(sheets, sources):
    """Classes of the sheets that no page and no module gives to anything."""
    there = set(re.findall(r"[\w-]+", "\n".join(sources)))
    made = list(patterns(sources))
    for sheet in sheets:
        for selector in re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
            for name in CLASS.findall(selector):
                if name not in there and not any(one.fullmatch(name) for one in made):
                    yield name


def test_every_function_of_a_header_is_called():
    rooms = ("mod_chatsession", "admin", "ctl")
    headers, sources = read(".h", below=rooms), read(".c", below=rooms)
    public = headers.pop("mod_chatsession/mod_chatsession.h")
    assert len(headers) > 80 and "APR_DECLARE_OPTIONAL_FN" in public
    assert uncalled(headers.values(), sources.values()) - FOR_TESTS == set()


def test_every_name_that_a_module_exports_is_asked_for():
    modules = read(".js", below=PAGES)
    tests = "\n".join(read(".py", below=["tests/browser"]).values())
    assert len(modules) > 100
    assert {name for name in unasked(modules) if not re.search(rf"\b{name}\b", tests)} == set()


def test_every_word_is_said_in_every_language():
    sources = read(".js", ".html", below=PAGES)
    assert unsaid(sources.values()) == set()
    uneven = {(path, key) for path, source in sources.items() if "defineMessages" in source
              for found in [KEY.findall(source)] for key in set(found) if found.count(key) != len(LANGUAGES)}
    assert uneven == set()


def test_every_class_of_a_style_sheet_is_worn():
    sheets, sources = read(".css", below=PAGES), read(".js", ".html", below=PAGES)
    assert sorted(set(unworn(sheets.values(), sources.values()))) == []


def test_the_guard_sees_what_it_must_see():
    header = "int cs_a(void); /* cs_c() */ int cs_b(void); static inline int cs_d(int x) { return x; }"
    assert uncalled([header], ["int cs_a(void) { return cs_b(); } int cs_b(void) {}"]) == {"cs_a", "cs_d"}
    assert unasked({"a.js": "export function one() {}\nexport const TWO = 2;", "b.js": "import { TWO } from './a.js';  // one"}) == {"one"}
    words = "defineMessages({ en: { 'a.b': 'x', 'a.c': 'y', 'a.d.one': 'z', 'e.f': 'v' } });"
    assert unsaid([words, "t('a.b'); plural('a.d'); say(`x ${t(`e.${it}`)}`)"]) == {"a.c"}
    assert set(unworn([".a .b-x, .c { color: red }"], ["<p class='c'>", "`d b-${it}`"])) == {"a"}
