# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T3: the connection to PostgreSQL is cut at every octet of the exchange that commits: while the statement goes out, while
its answer comes in. The module, and after it the client with the same client_id, asks again; there must be exactly one row.

Two commits matter: the begin of a turn (the question and the row of its answer) and its end (the whole text). Both are one
statement each, so the commit is in the answer to it."""
from .database_crash import AWAY
from .scene import Scene
from .traffic import Tab

COMMITS = {"begin": 1, "end": 2}  # how often the text has been on its way then: asked, answered

READY = b"Z\0\0\0\5I"  # ReadyForQuery, idle: the answer is whole and what it told of is committed


class Cut:
    """A rule: the n-th statement that holds this text passes for so many octets, up and then down. offset None: count."""

    def __init__(self):
        self.arm(b"", 0, None)

    def arm(self, needle, nth, offset):
        self.needle, self.nth, self.offset = needle, nth, offset
        self.link, self.passed, self.over, self.was_cut = None, 0, False, False

    def __call__(self, link, way, data):
        if self.link is None and self.needle and way == "up" and self.needle in data:
            self.nth -= 1
            if self.nth == 0:
                self.link = link
        if self.link is not link or self.over:
            return data
        if self.offset is not None and self.passed + len(data) > self.offset:
            self.was_cut = self.over = True
            link.cut = "end"
            data = data[:self.offset - self.passed]
        self.passed += len(data)
        self.over = self.over or way == "down" and data.endswith(READY)
        return data


def _turn(scene, tab, rule, nth, offset):
    """One turn of a conversation of its own, cut there; how many octets the exchange had, up to the cut."""
    conversation = tab.new_conversation()
    words = f"commit {scene.random.getrandbits(128):032x}"
    rule.arm(words.encode(), nth, offset)
    entry = tab.turn(conversation, content=words)
    passed, was_cut = rule.passed, rule.was_cut
    rule.arm(b"", 0, None)
    assert entry.status == "complete", f"the turn ended as {entry.status} when its commit was cut after {offset} octets"
    assert rule.link is None
    return passed, was_cut


def run(times, seed, tell):
    """times: 0 for every octet; otherwise so many, evenly spread, over each commit."""
    rule, figures = Cut(), []
    with Scene(seed, children=1, pace="0ms", rule=rule, lines=["ChatSessionCheckpoint 5s"]) as scene:
        scene.server.expect_log(*AWAY)
        tab = Tab(scene, 0).log_in()
        for name, nth in COMMITS.items():
            _turn(scene, tab, rule, nth, None)  # what is prepared once is prepared
            length, _ = _turn(scene, tab, rule, nth, None)
            assert length > 100, f"the {name} of a turn was not found among the statements: {length} octets"
            offsets = range(length) if not times else sorted({number * length // times for number in range(times)})
            cut = 0
            for number, offset in enumerate(offsets):
                cut += _turn(scene, tab, rule, nth, offset)[1]
                tell(number + 1, f"the {name}, octet {offset} of {length}")
            assert cut >= 0.99 * len(offsets), f"{len(offsets)} cuts were planned, {cut} made"
            figures.append(f"{cut} cuts over the {length} octets of the {name}")
        verdict = scene.check(AWAY)
        calls, answers = scene.model_calls(), verdict.answers
        assert calls == answers, f"the model was asked {calls} times for {answers} answers"
    return f"{' and '.join(figures)} of a turn: {verdict}; one call to the model for each"
