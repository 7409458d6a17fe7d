# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""GET api/feedback of the console: what users said of answers, over all of them, each look recorded."""
import json

import pytest


AT = "timestamptz '2026-03-01 00:00:00Z'"


@pytest.fixture(autouse=True)
def empty(world):
    world.connection.execute("DELETE FROM chatsession.conversations")


@pytest.fixture
def aude(world):
    return world.clients["aude"].console


def rated(world, owner, rating, comment=None, day=0, model="mock", **words):
    """A conversation whose answer has this feedback, so many days after the first of March."""
    thing = world.thing(owner, **words)
    world.connection.execute("UPDATE chatsession.messages SET model = %s WHERE id = %s", (model, thing.answer))
    world.connection.execute(f"INSERT INTO chatsession.feedback (message_id, rating, comment, at) VALUES (%s, %s, %s, {AT} + %s * interval '1 day')",
                             (thing.answer, rating, comment, day))
    return thing


def listed(client, **query):
    response = client.get("api/feedback", params=query)
    assert response.status_code == 200, response.text
    return response.json()["feedback"]


def looks(world):
    return world.connection.execute("SELECT operator, target_user, detail FROM chatsession.audit_entries WHERE action = 'feedback.read'"
                                    " ORDER BY seq").fetchall()


def test_each_shows_what_was_said_of_which_answer(world, aude):
    thing = rated(world, "anna", -1, "\u9055\u3046 \u202e<b>", title="The tides", question="Why?" * 100, answer="Because" * 100)
    world.thing("anna", title="nobody rated this")
    assert listed(aude) == [{
        "at": "2026-03-01T00:00:00.000Z", "rating": -1, "comment": "\u9055\u3046 \u202e<b>", "form": None, "message_id": thing.answer,
        "conversation_id": thing.conversation, "title": "The tides", "user": "anna", "model": "mock", "question": ("Why?" * 100)[:300],
        "answer": ("Because" * 100)[:300], "trashed": False}]


def test_what_the_filter_says_is_what_is_shown(world, aude):
    good = rated(world, "anna", 1, day=0)
    bad = rated(world, "anna", -1, day=1, model="big")
    worse = rated(world, "berta", -1, "no", day=2)
    praised = rated(world, "berta", 1, "yes", day=3)
    for query, wanted in (({}, [praised, worse, bad, good]), ({"feedback": "any"}, [praised, worse, bad, good]),
                          ({"feedback": "up"}, [praised, good]), ({"feedback": "down"}, [worse, bad]),
                          ({"feedback": "comment"}, [praised, worse]), ({"user": "ANNA"}, [bad, good]), ({"model": "big"}, [bad]),
                          ({"from": "2026-03-02", "to": "2026-03-04T00:00:00Z"}, [worse, bad]),
                          ({"feedback": "down", "user": "berta"}, [worse]), ({"user": "nobody"}, [])):
        assert [one["message_id"] for one in listed(aude, **query)] == [one.answer for one in wanted], query


@pytest.mark.parametrize("query", ["feedback=bad", "from=yesterday", "to=2026-99-99", "after=x", "after=1_x", "limit=0", "limit=201", "user=%00"])
def test_a_part_of_the_filter_that_is_none_is_refused(aude, query):
    assert aude.get(f"api/feedback?{query}").status_code == 400


def test_pages_go_on_without_gap_or_repeat(world, aude):
    """[G13] Also where many have the same time."""
    made = {rated(world, "anna", 1, day=n // 4).answer for n in range(19)}
    seen, after = [], None
    while True:
        page = aude.json("GET", f"api/feedback?limit=5&after={after}" if after else "api/feedback?limit=5", 200)
        assert len(page["feedback"]) <= 5
        seen += [one["message_id"] for one in page["feedback"]]
        after = page["next"]
        if not after:
            break
    assert len(seen) == 19 and set(seen) == made


def test_each_look_is_recorded_and_one_that_cannot_be_shows_nothing(world, aude, httpd):
    """[E6]"""
    rated(world, "anna", -1, "a secret comment")
    before = len(looks(world))
    listed(aude, feedback="down", user="anna")
    assert looks(world)[before:] == [("aude", "anna", {"feedback": "down", "user": "anna"})]
    httpd.expect_log("CS2022", "CS0013")
    world.connection.execute("ALTER TABLE chatsession.audit_entries ADD CONSTRAINT no_more CHECK (action <> 'feedback.read') NOT VALID")
    try:
        refused = aude.get("api/feedback")
    finally:
        world.connection.execute("ALTER TABLE chatsession.audit_entries DROP CONSTRAINT no_more")
    assert refused.status_code >= 500 and "secret" not in refused.text


def test_whoever_may_not_read_content_sees_none_of_it(world):
    rated(world, "anna", -1, "a secret comment")
    for name, status in (("vera", 403), ("anna", 403), ("aude", 200)):
        assert world.clients[name].console.get("api/feedback").status_code == status, name


def test_an_index_answers_for_each_kind(world):
    """[G13] Among many, each kind by its own; the first page reads no more than it shows."""
    world.connection.execute(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, title) SELECT %s, n::text FROM generate_series(1, 3000) n RETURNING id),"
        " q AS (INSERT INTO chatsession.messages (conversation_id, seq, role, status, content) SELECT id, 1, 'user', 'complete', 'q' FROM c RETURNING id, conversation_id),"
        " a AS (INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, finished_at)"
        "       SELECT conversation_id, 2, id, 'assistant', 'complete', 'a', now() FROM q RETURNING id, conversation_id)"
        " INSERT INTO chatsession.feedback (message_id, conversation_id, rating, comment, at)"
        " SELECT id, conversation_id, CASE WHEN n %% 20 = 0 THEN -1 ELSE 1 END, CASE WHEN n %% 50 = 0 THEN 'words' END, now() - n * interval '1 min'"
        " FROM (SELECT id, conversation_id, row_number() OVER () AS n FROM a) x", (world.ids["anna"],))
    world.connection.execute("ANALYZE chatsession.feedback")
    for condition, index in (("", "feedback_by_time"), (" AND f.rating = -1", "feedback_down_by_time"), (" AND f.comment IS NOT NULL", "feedback_commented_by_time")):
        plan = world.connection.execute(f"EXPLAIN (FORMAT JSON) SELECT * FROM chatsession.feedback f WHERE true{condition}"
                                        " ORDER BY f.at DESC, f.message_id DESC LIMIT 51").fetchone()[0]
        assert f'"{index}"' in json.dumps(plan), json.dumps(plan)
