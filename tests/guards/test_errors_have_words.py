# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Whatever the server refuses a chat page with has words of the page, in every language: its own sentences are English."""
import re

from harness.sources import files, text, without_c_comments

REFUSED = re.compile(r'(?:reply_error\([\w>-]+,\s*[A-Z0-9_]+,|\brefuse\(call,|\(refusal_t\)\{)\s*"([a-z_]+)"')
WORDS = re.compile(r"^    '(?:error|factor|password)\.([a-z_]+)':", re.MULTILINE)
LANGUAGES = 2
# Refused by the built-in model, or to programs.
NOT_TO_PAGES = ("mod_chatsession/mock.c", "mod_chatsession/openai.c", "mod_chatsession/chatstream.c")
# Of these the page does not speak: it does something.
ANSWERED = {"second_factor_required": "login.js asks for the code", "second_factor_needed": "api.js leads to where one is set up",
            "moved": "a browser goes on to the address with a slash"}


def refused():
    sources = [path for path in map(str, files(".c", below="mod_chatsession")) if path not in NOT_TO_PAGES]
    return {code for path in sources for code in REFUSED.findall(without_c_comments(text(path)))}


def worded():
    found = [code for path in files(".js", below="mod_chatsession/page") for code in WORDS.findall(text(path))]
    return {code for code in found if found.count(code) >= LANGUAGES}


def test_each_refusal_has_words_in_every_language():
    codes = refused()
    assert {"token_limit", "streams_busy", "invalid_code", "limit_reached", "not_found"} <= codes, "the sources are read as they are written"
    assert codes - worded() - ANSWERED.keys() == set()
    assert ANSWERED.keys() <= codes
