# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Every fault of `make faults`, a few times; and the ledger that judges them is itself judged.

[A9] [C2] [G3] [G4] [G5] [G7] [H1] [H2] [H4] [H5] [H6] [H8] [H9] [H10] [H11] [H13] [H15] [H16] [I5] [I8] [J1] [J2] [J3]: tests/faults/runs.py names them for each fault."""
import pytest

from faults.ledger import Ledger
from faults.runs import FAULTS
from harness.place import new_folder


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.quick], ids=lambda fault: f"{fault.name}-{fault.module}")
def test_a_fault_a_few_times(fault):
    print(fault.run(fault.quick, 1, lambda *_: None))


# --- the judge


class Stored:
    """A database that holds these messages."""

    def __init__(self, *messages):
        self.messages = messages

    def rows(self, sql):
        return list(self.messages) if "client_id::text" in sql else []


QUESTION = ("m", "c", 1, None, "user", "complete", "why?", None)


def answer(content="abcd", status="complete", number="a"):
    return (number, "c", 2, "m", "assistant", status, content, "k")


def told(*pieces, status="complete", answer_id="a"):
    ledger = Ledger(new_folder("ledger"))
    entry = ledger.begin("c", "k", "why?", "abcd")
    entry.attempt(0)
    entry.accepted({"message_id": "m", "answer_id": answer_id})
    for seq, piece in pieces:
        entry.shown(seq, piece)
    if status:
        entry.done(status)
    else:
        entry.cut()
    return ledger


def problems(ledger, *messages):
    return ledger.compare(Stored(*messages)).problems


def test_the_ledger_is_content_with_what_is_right():
    assert problems(told((2, "ab"), (4, "cd")), QUESTION, answer()) == []
    assert problems(told((2, "ab"), status=None), QUESTION, answer("ab", "interrupted")) == []
    assert problems(told((2, "ab"), status="interrupted"), QUESTION, answer()) == []  # it came whole after all


@pytest.mark.parametrize("word, ledger, messages", [
    ("lost: the question", lambda: told(), [answer()]),
    ("lost: the answer", lambda: told(), [QUESTION]),
    ("lost: the question", lambda: told(), [(*QUESTION[:6], "why", None), answer()]),
    ("lost: complete", lambda: told(), [QUESTION, answer("abc")]),
    ("lost: done said", lambda: told(), [QUESTION, answer(status="error")]),
    ("not a prefix", lambda: told(status="stopped"), [QUESTION, answer("bcd", "stopped")]),
    ("doubled: 2 answers", lambda: told(), [QUESTION, answer(), answer(number="b")]),
    ("out of order: the piece", lambda: told((2, "ab"), (4, "bc")), [QUESTION, answer()]),
    ("out of order: the piece", lambda: told((2, "ab"), (2, "ab")), [QUESTION, answer()]),
    ("lost: 4 characters were shown", lambda: told((4, "abcd"), status="stopped"), [QUESTION, answer("ab", "stopped")])])
def test_the_ledger_sees_what_it_must_see(word, ledger, messages):
    found = problems(ledger(), *messages)
    assert [problem for problem in found if word in problem], found
