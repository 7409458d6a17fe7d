# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The races of `make faults T=T20`, a few rounds; a file of its own, so that `make test-tsan` has it too."""
from faults import races


def test_browsers_that_get_into_each_others_way():
    """[J1] [J2] [J3] [J4] [J5] [J6] [J7] [J8] [H11] [I4]"""
    print(races.run(3, 1, lambda *_: None))
