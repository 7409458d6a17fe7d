# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T7: a model's server that fails in every way that it can, at random places of its answer. What came is kept and marked,
the browser hears `error` and then `done`, and the next question is answered."""
import json

from harness.model import Model, chunk

from .scene import Scene
from .traffic import Tab, text

# What httpd's log may say of a model that fails: ours, and mod_proxy's.
FAILED = ("CS00", "AH01102", "AH01110", "AH01114", "AH00898", "AH01097", "AH10406", "AH01086")


def _events(words):
    return [words[at:at + 5] for at in range(0, len(words), 5)]


class Script:
    """One answer: text, then the failure. `sent` is what the model has said of it."""

    def __init__(self, kind, words, rng):
        self.kind, self.words, self.rng = kind, words, rng
        self.part = words if kind in ENDS_WELL else words[:rng.randrange(0, len(words) - 1)]

    def __call__(self, answer):
        if self.kind in ("redirect", "status 500"):
            status = 302 if self.kind == "redirect" else 500
            answer.whole({"error": {"message": "no"}}, status, headers=(("Location", "http://127.0.0.1:1/"),))
            return
        answer.begin()
        getattr(self, f"_{self.kind.replace(' ', '_')}")(answer)

    def _say(self, answer):
        answer.text(*_events(self.part))

    def _split(self, answer):
        """Octet by octet would take long: three pieces, cut anywhere."""
        for piece in _events(self.part):
            data = b"data: " + json.dumps(chunk(piece), ensure_ascii=self.rng.random() < 0.5).encode() + b"\n\n"
            one, two = sorted(self.rng.randrange(len(data) + 1) for _ in range(2))
            for part in (data[:one], data[one:two], data[two:]):
                answer.raw(part)
        answer.finish()
        answer.done()

    def _no_done(self, answer):
        self._say(answer)
        answer.finish()
        answer.end()

    def _end(self, answer):
        self._say(answer)
        answer.end()

    def _cut(self, answer):
        self._say(answer)
        answer.cut()

    def _reset(self, answer):
        self._say(answer)
        answer.reset()

    def _garbage(self, answer):
        self._say(answer)
        answer.raw(b"data: " + self.rng.randbytes(40).replace(b"\n", b"x") + b"\n\n")
        answer.finish()
        answer.done()

    def _error_in_the_body(self, answer):
        self._say(answer)
        answer.event({"error": {"message": "out of memory", "type": "server_error", "code": 500}})
        answer.end()

    def _stall(self, answer):
        self._say(answer)
        answer.wait_closed(20)


ENDS_WELL = ("split", "no done")
KINDS = (*ENDS_WELL, "end", "cut", "reset", "garbage", "error in the body", "stall", "redirect", "status 500")


def _turn(scene, tab, model, conversation, kind):
    words = text(scene.random, 100)
    script = model.script = Script(kind, words, scene.random)
    silent = kind in ("redirect", "status 500")
    entry = tab.turn(conversation, expected="" if silent else script.part)
    wanted = "complete" if kind in ENDS_WELL else "error"
    assert entry.status == wanted, f"{kind}: the answer ended as {entry.status}"
    assert ("error" in tab.events) == (wanted == "error"), f"{kind}: {tab.events}"
    stored, detail = scene.database.rows("SELECT content, detail FROM chatsession.messages WHERE id = %s",
                                         (entry.answer_id,))[0]
    # What a reset overtakes never arrives.
    kept = script.part.startswith(stored) if kind == "reset" else stored == ("" if silent else script.part)
    assert kept, f"{kind}: {len(stored)} of {len(script.part)} characters were kept"
    assert wanted == "complete" or detail, f"{kind}: nothing says what went wrong"


def run(times, seed, tell):
    """Each kind so many times."""
    model = Model()
    try:
        with Scene(seed, children=1, model=model.url, lines=[
                "ChatSessionTokenTimeout 1s", "ChatSessionFirstTokenTimeout 1s"]) as scene:
            scene.server.expect_log(*FAILED)
            tab = Tab(scene, 0).log_in()
            conversation = tab.new_conversation()
            for number in range(times):
                for kind in KINDS:
                    _turn(scene, tab, model, conversation, kind)
                    tell(number + 1, kind)
            verdict = scene.check(FAILED)
            assert model.calls == times * len(KINDS), f"the model was asked {model.calls} times"
    finally:
        model.close()
    return f"{times} of each of {len(KINDS)} kinds ({', '.join(KINDS)}): {verdict}"
