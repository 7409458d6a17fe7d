# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T20: browsers that get into each other's way, all at once over the children of one httpd: one question sent many times, two
tabs in one conversation, an answer that is made anew while one runs, names and settings changed under it, two tabs that stop
it, conversations put away, expired and purged under their answers, log-outs among requests. Each race is judged by its own rule,
and all of them by the ledger and by PostgreSQL's count of deadlocks. On a build that ThreadSanitizer watches
(SANITIZE=thread) its reports are lines in httpd's log that nobody vouches for."""
import collections
import random
import threading
import time
import uuid

import requests

from harness.client import Client, read_turn
from harness.model import Model
from harness.place import SANITIZE, wait_until

from .scene import Scene
from .traffic import Tab, text

# ThreadSanitizer sees threads, not processes: fewer children, more threads that meet in one.
CHILDREN = 2 if "thread" in SANITIZE else 8
SAME, TABS, ASKERS = 16, 3, 4  # at once: one question's senders, tabs of a conversation, requests around a log-out
PACE = 0.01  # seconds between two pieces of an answer
PIECE = 12


class Echo:
    """A model that says what it was told, piece by piece, and counts how often it was told each text."""

    def __init__(self):
        self.asked, self._lock, self._model = collections.Counter(), threading.Lock(), Model()
        self._model.script = self._answer
        self.url, self.close = self._model.url, self._model.close

    def _answer(self, answer):
        words = answer.asked.json["messages"][-1]["content"]
        with self._lock:
            self.asked[words] += 1
        self._model.requests.clear()  # there will be many
        answer.begin()
        for begin in range(0, len(words), PIECE):
            answer.text(words[begin:begin + PIECE])
            time.sleep(PACE)
        answer.finish()
        answer.done()


def together(*calls):
    """What each gives, all begun at the same moment; the first failure is everybody's."""
    gate, given, failures = threading.Barrier(len(calls)), [None] * len(calls), []

    def run(number, call):
        try:
            gate.wait(60)
            given[number] = call()
        except BaseException as failure:  # told by the thread that waits
            failures.append(failure)

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]
    assert not [thread for thread in threads if thread.is_alive()], "a browser hangs"
    return given


class Place:
    """One race's own user, with as many tabs as it wants, and its own random numbers."""

    def __init__(self, scene, number):
        self.scene, self.number, self.rounds = scene, number, 0
        self.random = random.Random(f"{scene.random.random()} {number}")
        self.cookies = self.tab().client.cookies

    def tab(self):
        """Another tab of this user: another connection, and so perhaps another child."""
        return Tab(self.scene, self.number).log_in(getattr(self, "cookies", None))

    def stored(self, conversation):
        return self.scene.database.rows(
            "SELECT id::text, seq, role, status, content FROM chatsession.messages WHERE conversation_id = %s ORDER BY seq",
            (conversation,))

    def at_rest(self, conversation):
        wait_until(lambda: not self.scene.database.value(
            "SELECT count(*) FROM chatsession.live_turns l JOIN chatsession.messages m ON m.id = l.answer_id"
            " WHERE m.conversation_id = %s", (conversation,)), "an answer to end")


def _status(tab, method, path, allowed, **options):
    """The status of a request without a stream, which must be one of these."""
    response = tab.client.request(method, path, **options)
    assert response.status_code in allowed, f"{method} {path}: {response.status_code} {response.text[:300]}"
    return response.status_code


def same_question(place):
    """[J1] One question under one client_id, sent many times at once, is one turn and one call to the model."""
    tabs = [place.tab() for _ in range(SAME)]
    conversation, words, client_id = tabs[0].new_conversation(), text(place.random, 120), str(uuid.uuid4())
    entries = together(*(lambda tab=tab: tab.turn(conversation, words, client_id=client_id) for tab in tabs))
    assert len({entry.answer_id for entry in entries}) == 1, "one question was told to be several"
    assert {entry.status for entry in entries} == {"complete"}
    assert len(place.stored(conversation)) == 2, f"{len(place.stored(conversation))} messages of one question and its answer"
    assert place.scene.echo.asked[words] == 1, f"the model was asked {place.scene.echo.asked[words]} times"


def several_tabs(place):
    """[J2] [J3] Different questions in one conversation wait for each other, and leave one order without gaps."""
    tabs = [place.tab() for _ in range(TABS)]
    conversation = tabs[0].new_conversation()
    together(*(lambda tab=tab: tab.turn(conversation) for tab in tabs))
    rows = place.stored(conversation)
    assert [row[1] for row in rows] == list(range(1, 2 * TABS + 1)), f"the order is {[row[1] for row in rows]}"
    assert [row[2] for row in rows] == ["user", "assistant"] * TABS


def anew(place):
    """[J3] [J4] An answer is made anew by two tabs while a third asks on: one goes first, nothing is lost."""
    tabs = [place.tab() for _ in range(TABS)]
    conversation = tabs[0].new_conversation()
    first = tabs[0].turn(conversation)
    before = place.stored(conversation)

    def again(tab):
        response = tab.client.post(f"api/conversations/{conversation}/regenerate", stream=True,
                                   json={"message_id": first.answer_id, "client_id": str(uuid.uuid4())})
        assert response.status_code in (200, 409), f"{response.status_code} {response.text[:300]}"
        list(response.iter_content(chunk_size=None))
        return response.status_code == 200

    done = together(lambda: again(tabs[0]), lambda: again(tabs[1]), lambda: tabs[2].turn(conversation))
    rows = place.stored(conversation)
    assert rows[:2] == before, "an answer that was made anew is not the same as before"
    assert {row[3] for row in rows if row[2] == "assistant"} == {"complete"}, f"answers ended as {[row[3] for row in rows]}"
    assert len(rows) == 4 + done[0] + done[1], f"{len(rows)} messages, {done}"


def renamed(place):
    """[J6] Names, pins, system prompts and archives change under a running answer, and neither loses anything."""
    asker, writer, other = place.tab(), place.tab(), place.tab()
    conversation = asker.new_conversation()
    path, last = f"api/conversations/{conversation}", f"the last of {uuid.uuid4()}"

    def rename():
        for title in [f"title {number}" for number in range(6)] + [last]:
            _status(writer, "PATCH", path, (200,), json={"title": title})

    def settings():
        for number in range(6):
            _status(other, "PATCH", path, (200,), json={"pinned": bool(number % 2), "system": f"be brief, {number}"})

    together(lambda: asker.turn(conversation), rename, settings)
    seen = asker.client.conversation(conversation)
    assert (seen["title"], seen["pinned"], seen["system"]) == (last, True, "be brief, 5"), seen
    assert [message["status"] for message in seen["messages"]] == ["complete"] * 2


def stopped(place):
    """[H11] Two tabs stop one answer at whatever moment; all who read it hear the same end."""
    asker, tabs = place.tab(), [place.tab() for _ in range(2)]
    conversation, begun, after = asker.new_conversation(), threading.Event(), place.random.randrange(8)

    class Begun(Tab):
        def read(self, stream, entry, **options):
            return super().read(self._told(stream), entry, **options)

        def _told(self, stream):
            for number, event in enumerate(stream):
                if number >= after or event.event == "done":
                    begun.set()
                yield event

    def stop(tab):
        assert begun.wait(60)
        _status(tab, "POST", f"api/conversations/{conversation}/stop", (200, 202))

    reader = Begun(place.scene, place.number).log_in(place.cookies)
    entry, *_ = together(lambda: reader.turn(conversation, text(place.random, 300)), *(lambda tab=tab: stop(tab) for tab in tabs))
    assert entry.status in ("stopped", "complete"), entry.status
    followed = read_turn(asker.follow(conversation, 0))
    assert followed.done["status"] == entry.status and followed.text == place.stored(conversation)[1][4]


def _away(tab, conversation):
    _status(tab, "DELETE", f"api/conversations/{conversation}", (204,))


def _expired(place, conversation):
    operator = place.scene.operator()
    response = operator.post("api/conversations/expire", json={"ids": [conversation], "dry_run": False,
                                                               "confirm": {"conversations": 1}})
    assert response.status_code == 200, f"{response.status_code} {response.text[:300]}"
    place.scene.count_expiry()


def gone(place):
    """[J5] [I4] A conversation is put away, expired or purged under its running answer, which ends; no row comes back."""
    asker, other = place.tab(), place.tab()
    conversation, words, after = asker.new_conversation(), text(place.random, 300), place.random.randrange(8)
    how = ("put away", "expired", "purged")[place.rounds % 3]
    with asker.send(conversation, words, str(uuid.uuid4())) as stream:
        for _ in range(after):
            if stream.next().event == "done":
                break
        if how == "put away":
            _away(other, conversation)
        elif how == "expired":
            _expired(place, conversation)
        else:
            place.scene.database.rows("DELETE FROM chatsession.conversations WHERE id = %s", (conversation,))
        rest = read_turn(stream)
    ends = {"purged": ("interrupted", "complete")}.get(how, ("stopped", "complete"))
    assert rest.done is None or rest.done["status"] in ends, f"{how}: {rest.done}"
    place.at_rest(conversation)
    _status(other, "GET", f"api/conversations/{conversation}", (404,) if how != "put away" else (200, 404))
    rows = place.stored(conversation)
    if how == "purged":
        assert not rows, f"{len(rows)} messages of a purged conversation came back"
        place.scene.purged.append(conversation)
    else:
        assert [row[2] for row in rows] == ["user", "assistant"] and words.startswith(rows[1][4])
        assert rows[1][3] in ends, f"{how}: stored is {rows[1][3]}"


def logged_out(place):
    """[J7] After the answer to a log-out, or to the end of all other sessions, no request of that session succeeds."""
    cookies = Tab(place.scene, place.number).log_in().client.cookies
    over, seen = [None], [[] for _ in range(ASKERS)]

    def ask(mine):
        client = Client(place.scene.server.url)
        client.session.cookies.update(cookies)
        after = 0
        while after < 4:
            began = time.monotonic()
            after += over[0] is not None and began > over[0]
            client.session.close()  # another connection, and so perhaps another child
            mine.append((began, client.get("api/conversations").status_code))

    def end():
        wait_until(lambda: all(seen), "requests to be under way")
        ender = Client(place.scene.server.url)
        ender.session.cookies.update(cookies if place.rounds % 2 else place.cookies)
        _ended = ender.post("api/logout") if place.rounds % 2 else ender.delete("api/sessions")
        assert _ended.status_code in (200, 204), f"{_ended.status_code} {_ended.text[:300]}"
        over[0] = time.monotonic()

    together(end, *(lambda mine=mine: ask(mine) for mine in seen))
    for began, status in (one for mine in seen for one in mine):
        assert status in (200, 401), f"a request around the log-out was answered with {status}"
        assert status == 401 or began <= over[0], "a request after the answer to the log-out was answered"


RACES = (same_question, several_tabs, anew, renamed, stopped, gone, logged_out)


class Runner(threading.Thread):
    def __init__(self, scene, number, times, tell):
        super().__init__()
        self.place, self._race, self._times, self._tell = Place(scene, number), RACES[number], times, tell
        self.failure = None

    def run(self):
        try:
            while self.place.rounds < self._times and not self.place.scene.failed:
                self._race(self.place)
                self.place.rounds += 1
                self._tell(self.place.rounds, self._race.__name__)
        except BaseException as failure:  # told by the thread that waits
            self.failure = failure
            self.place.scene.failed = True


class Arena(Scene):
    """A scene with what the races share."""

    def __init__(self, seed):
        self.echo, self.failed, self.purged, self._lock = Echo(), False, [], threading.Lock()
        try:
            super().__init__(seed, children=CHILDREN, fsync=False, users=len(RACES), model=self.echo.url, lines=[
                "ChatSessionMaxPerUser 0", "ChatSessionReauthenticate 0"])
        except BaseException:
            self.echo.close()
            raise
        self._operator = self.client(self.database.add_user("operator", "admin")).cookies

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.echo.close()

    def operator(self):
        client = Client(self.server.url, "/chat-admin")
        client.session.cookies.update(self._operator)
        return client

    def count_expiry(self):
        with self._lock:
            self.audit("conversation.expire")

    def one_at_a_time(self):
        """[J3] Conversations with more than one running answer, of which there may be none."""
        return self.database.rows("SELECT conversation_id::text, count(*) FROM chatsession.messages WHERE status = 'streaming'"
                                  " GROUP BY 1 HAVING count(*) > 1")


def _watch(arena, runners):
    """Until all have run, look at what may never be."""
    looks = 0
    while any(runner.is_alive() for runner in runners):
        double = arena.one_at_a_time()
        assert not double, f"more than one answer runs in {double}"
        looks += 1
        runners[0].join(0.05)
        next((runner for runner in runners if runner.is_alive()), runners[0]).join(0.05)
    return looks


def run(times, seed, tell):
    """times: rounds of each race; all races run at the same time."""
    with Arena(seed) as arena:
        children = arena.server.children
        runners = [Runner(arena, number, times, tell) for number in range(len(RACES))]
        for runner in runners:
            runner.start()
        looks = _watch(arena, runners)
        failures = [f"{RACES[runner.place.number].__name__}: {runner.failure!r}" for runner in runners if runner.failure]
        assert not failures, "; ".join(failures)
        assert arena.server.children == children, "a child of httpd died of a race"
        verdict = arena.check()
        deadlocks = arena.database.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert not deadlocks, f"PostgreSQL had to end {deadlocks} deadlocks"
        for conversation in arena.purged:
            assert not arena.database.value("SELECT count(*) FROM chatsession.messages WHERE conversation_id = %s",
                                            (conversation,)), "a row of a purged conversation came back"
    return (f"{times} rounds of {len(RACES)} races over {CHILDREN} children: {verdict}; never two answers at once in {looks} looks,"
            f" {len(arena.purged)} conversations purged under their answers, no deadlock"
            + (", no report of ThreadSanitizer" if "thread" in SANITIZE else ""))
