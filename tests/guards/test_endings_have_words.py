# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What the server keeps with an answer that did not complete is an English sentence; the chat page has words for each in every language."""
import re

from harness.sources import text

WORDS = "mod_chatsession/page/js/endings.js"
KEPT = re.compile(r'(?:chatsession_turn_transit|blame)\([^;"]*"\w+",\s*"([^"%]+)"\)', re.DOTALL)
KNOWN = re.compile(r"""^  ["'](.+\.)["']: 'ending\.""", re.MULTILINE)


def kept():
    return {one for name in ("stream", "breaker") for one in KEPT.findall(text(f"mod_chatsession/{name}.c"))}


def test_each_sentence_of_the_server_has_words_and_no_words_are_left_over():
    assert len(kept()) >= 5
    assert kept() == set(KNOWN.findall(text(WORDS)))
