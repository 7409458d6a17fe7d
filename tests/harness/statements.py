# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The statements that the module sends, as they stand in it: for tests of how PostgreSQL plans them."""
import re

from .place import BUILD


def statements(begin):
    """All that begin so, in order."""
    module = (BUILD / "mod_chatsession.so").read_bytes()
    return sorted(text.decode() for text in re.findall(re.escape(begin.encode()) + rb"[^\0]+", module))
