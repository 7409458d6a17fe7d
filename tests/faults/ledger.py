# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What a client was told, written down and synced before it goes on, and later held against the database.

    ledger = Ledger(folder)
    entry = ledger.begin(conversation, client_id, content, expected)     a question is about to be sent
    entry.accepted(turn)            event: turn came: message and answer are acknowledged
    entry.shown(seq, piece)         a piece of the answer with its id
    entry.done(status)
    ledger.compare(database)        a Verdict; verdict.problems is empty when nothing was lost

The files are read again for the comparison, so what counts is what was written down. A text is told by its length and
hash alone.
"""
import hashlib
import json
import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

FINAL = {"complete", "stopped", "interrupted", "error"}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Ledger:
    """Entries of many threads, a file for each."""

    def __init__(self, folder):
        self.folder = folder
        self._lock = threading.Lock()
        self._files = {}
        self.expected = {}  # client_id: the whole answer, which only the script of the run knows

    def begin(self, conversation, client_id, content, expected):
        self.expected[client_id] = expected
        entry = Entry(self, conversation, client_id)
        entry.write("sent", text=digest(content), length=len(content))
        return entry

    def write(self, line):
        """Append to this thread's file; on the disk when it returns."""
        thread = threading.get_ident()
        with self._lock:
            if thread not in self._files:
                path = self.folder / f"ledger-{len(self._files)}.ndjson"
                self._files[thread] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DSYNC, 0o600)
            file = self._files[thread]
        os.write(file, json.dumps(line).encode() + b"\n")

    def lines(self):
        for path in sorted(self.folder.glob("ledger-*.ndjson")):
            yield from map(json.loads, path.read_text().splitlines())

    def compare(self, database):
        return Comparison(self, database).verdict()


class Entry:
    """One question and what came back, over any number of attempts."""

    def __init__(self, ledger, conversation, client_id):
        self._ledger, self.conversation, self.client_id = ledger, conversation, client_id
        self.seq = 0  # the last id that was shown
        self.answer_id = self.status = None

    def write(self, what, **members):
        self._ledger.write({"what": what, "client": self.client_id, "conversation": self.conversation,
                            "at": time.monotonic(), **members})

    def accepted(self, turn):
        self.answer_id = turn["answer_id"]
        self.write("accepted", message=turn["message_id"], answer=turn["answer_id"])

    def attempt(self, after):
        """A stream begins that goes on after this id."""
        self.seq = after
        self.write("attempt", after=after)

    def shown(self, seq, piece):
        self.seq = seq
        self.write("shown", answer=self.answer_id, seq=seq, length=len(piece), text=digest(piece))

    def cut(self):
        self.write("cut")

    def done(self, status):
        self.status = status
        self.write("done", answer=self.answer_id, status=status)


@dataclass
class Verdict:
    problems: list = field(default_factory=list)
    questions: int = 0
    answers: int = 0
    cuts: int = 0
    behind: float = 0.0  # seconds: the oldest piece that a client had seen and the stored text lacks, seen from the cut

    def __str__(self):
        told = f"{self.questions} questions, {self.answers} answers, {self.cuts} streams cut"
        return told + (f", {len(self.problems)} PROBLEMS" if self.problems else ", none lost, doubled or out of order")


class Comparison:
    def __init__(self, ledger, database):
        self._ledger, self._verdict = ledger, Verdict()
        self._lines = defaultdict(list)
        for line in ledger.lines():
            self._lines[line["client"]].append(line)
        self._messages = {row[0]: row for row in database.rows(
            "SELECT id::text, conversation_id::text, seq, parent_id::text, role, status, content, client_id::text"
            " FROM chatsession.messages")}
        self._answers = defaultdict(list)
        for row in self._messages.values():
            if row[7]:
                self._answers[row[7]].append(row)
        self._database = database

    def _problem(self, client, text):
        self._verdict.problems.append(f"{client}: {text}")

    def verdict(self):
        for client, lines in self._lines.items():
            self._one(client, lines)
        self._texts_once()
        self._order()
        self._streaming()
        return self._verdict

    def _one(self, client, lines):
        """One client_id: at most one turn, the same for all attempts, with all that was acknowledged."""
        self._verdict.questions += 1
        told = {(line["message"], line["answer"]) for line in lines if line["what"] == "accepted"}
        self._verdict.cuts += sum(line["what"] == "cut" for line in lines)
        if len(told) > 1:
            self._problem(client, f"doubled: it was told {len(told)} different turns")
        if len(self._answers[client]) > 1:
            self._problem(client, f"doubled: {len(self._answers[client])} answers are stored")
        for message_id, answer_id in told:
            self._verdict.answers += 1
            question, answer = self._messages.get(message_id), self._messages.get(answer_id)
            if not question or digest(question[6]) != lines[0]["text"]:
                self._problem(client, "lost: the question is not stored as it was sent")
            if not answer or answer[7] != client or answer[3] != message_id:
                self._problem(client, "lost: the answer is not stored")
            else:
                self._answer(client, lines, answer)

    def _answer(self, client, lines, answer):
        expected, stored = self._ledger.expected[client], answer[6]
        if not expected.startswith(stored):
            self._problem(client, f"not a prefix: {len(stored)} characters are stored that the model did not send so")
        if answer[5] == "complete" and stored != expected:
            self._problem(client, f"lost: complete with {len(stored)} of {len(expected)} characters")
        self._shown(client, lines, expected, stored)
        ends = [line["status"] for line in lines if line["what"] == "done"]
        if any(end not in FINAL for end in ends):
            self._problem(client, f"done with {ends}")
        # An answer that was given up for dead may yet come whole; no other end is taken back.
        if any(end != answer[5] and (end, answer[5]) != ("interrupted", "complete") for end in ends):
            self._problem(client, f"lost: done said {ends}, stored is {answer[5]}")

    def _shown(self, client, lines, expected, stored):
        """Every stream is the answer's text without gap or repeat, from where it began."""
        at, first_missing = 0, None
        for line in lines:
            if line["what"] == "attempt":
                at, first_missing = line["after"], None
            elif line["what"] == "shown":
                begin, at = at, line["seq"]
                if at - begin != line["length"] or digest(expected[begin:at]) != line["text"]:
                    self._problem(client, f"out of order: the piece up to {at} is not the text after {begin}")
                if at > len(stored) and first_missing is None:
                    first_missing = line["at"]
            elif line["what"] == "cut" and first_missing is not None:
                self._verdict.behind = max(self._verdict.behind, line["at"] - first_missing)
            elif line["what"] == "done" and line["status"] != "interrupted" and at > len(stored):
                self._problem(client, f"lost: {at} characters were shown and done, {len(stored)} are stored")

    def _texts_once(self):
        for conversation, count in self._database.rows(
                "SELECT conversation_id::text, count(*) - count(DISTINCT content) FROM chatsession.messages"
                " WHERE role = 'user' GROUP BY 1 HAVING count(*) <> count(DISTINCT content)"):
            self._problem(conversation, f"doubled: {count} questions are stored twice")

    def _order(self):
        """Questions of one conversation are stored in the order in which they were accepted first."""
        seqs, seen = defaultdict(list), set()
        for line in sorted((line for lines in self._lines.values() for line in lines if line["what"] == "accepted"),
                           key=lambda line: line["at"]):
            if line["message"] in self._messages and line["message"] not in seen:
                seen.add(line["message"])
                seqs[line["conversation"]].append(self._messages[line["message"]][2])
        for conversation, found in seqs.items():
            if found != sorted(found):
                self._problem(conversation, f"out of order: accepted as {found}")

    def _streaming(self):
        for answer, in self._database.rows("SELECT id::text FROM chatsession.messages WHERE status = 'streaming'"):
            self._problem(answer, "stuck: still streaming")
        for answer, in self._database.rows("SELECT answer_id::text FROM chatsession.live_turns"):
            self._problem(answer, "stuck: still among the live turns")
