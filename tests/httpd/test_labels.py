# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A user's own labels: put on, found by, counted, renamed, taken off, taken home and brought back; nobody else's."""
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from harness.client import Client

WORK, ODD = "\u4ed5\u4e8b \U0001f4bc", "taxes/2026, 50% \"A\\B\" {x}"
TEN = [f"label {number}" for number in range(10)]
NONE = ["", " ", " a", "a ", "a\nb", "\u200b", "\u3000a", "a\u2028b", "a" * 41, "\x85", "a\u00a0\u200b"]


@pytest.fixture
def anna(world):
    world.connection.execute("DELETE FROM chatsession.conversations")
    return world.clients["anna"]


def label(client, identifier, *labels, status=200):
    return client.json("PATCH", f"api/conversations/{identifier}", status, json={"labels": list(labels)})


def labelled(client, title, *labels):
    identifier = client.new_conversation(title)
    label(client, identifier, *labels)
    return identifier


def found(client, word, **query):
    page = client.get("api/conversations", params={"label": word, **query})
    assert page.status_code == 200, page.text
    return [one["title"] for one in page.json()["conversations"]]


def counts(client):
    return {row["label"]: row["conversations"] for row in client.json("GET", "api/labels", 200)["labels"]}


def test_labels_are_kept_sorted_each_once_and_change_nothing_else(anna):
    identifier = anna.new_conversation("a chat")
    before = anna.conversation(identifier)
    after = label(anna, identifier, "b", WORK, "a", "b", ODD)
    assert after["labels"] == sorted({"b", WORK, "a", ODD})
    assert {**after, "labels": [], "messages": []} == before
    assert anna.conversation(identifier)["labels"] == after["labels"]
    assert anna.json("GET", "api/conversations", 200)["conversations"][0]["labels"] == after["labels"]
    assert anna.json("PATCH", f"api/conversations/{identifier}", 200, json={"pinned": True})["labels"] == after["labels"]
    assert label(anna, identifier)["labels"] == []


def test_labels_come_and_go_one_by_one_and_leave_the_others(anna):
    identifier = labelled(anna, "a chat", "a", "b", "c")

    def change(status=200, **members):
        return anna.json("PATCH", f"api/conversations/{identifier}", status, json=members)
    assert change(add_labels=["d", "a"], remove_labels=["b", "never there"])["labels"] == ["a", "c", "d"]
    assert change(add_labels=["b"], remove_labels=["b"])["labels"] == ["a", "b", "c", "d"], "what is in both is added"
    assert change(labels=["x", "y"], add_labels=["z"], remove_labels=["x"])["labels"] == ["y", "z"]
    assert change(add_labels=[], remove_labels=["y", "z"])["labels"] == []
    label(anna, identifier, *TEN)
    full = change(409, add_labels=["one more"], title="changed")
    assert full["error"] == "limit_reached" and "10 labels" in full["detail"]
    assert anna.conversation(identifier)["title"] == "a chat" and anna.conversation(identifier)["labels"] == TEN
    assert change(add_labels=["one more"], remove_labels=["label 0"])["labels"] == [*TEN[1:], "one more"]
    for name in ("add_labels", "remove_labels"):
        for wrong in ([" a"], [1], "a", None, [*TEN, "one more"]):
            assert name in change(400, **{name: wrong})["detail"]


def test_labels_that_are_put_on_at_once_are_all_there(anna):
    """[J6] Ten tabs, each with a label of its own and with one to take off."""
    identifier = labelled(anna, "a chat", *(f"old {word}" for word in TEN))
    gate = threading.Barrier(len(TEN))

    def one(word):
        client = Client(anna.origin)
        client.session.cookies.update(anna.cookies)
        gate.wait(15)
        client.json("PATCH", f"api/conversations/{identifier}", 200, json={"add_labels": [word], "remove_labels": [f"old {word}"]})
    with ThreadPoolExecutor(len(TEN)) as pool:
        list(pool.map(one, TEN))
    assert anna.conversation(identifier)["labels"] == TEN


@pytest.mark.parametrize("labels", [[word] for word in NONE] + [[*TEN, "one more"], [1], [None], "a", {"a": 1}, None])
def test_what_is_no_label_is_refused_and_changes_nothing(anna, labels):
    identifier = labelled(anna, "a chat", "kept")
    answer = anna.patch(f"api/conversations/{identifier}", json={"labels": labels, "title": "changed"})
    assert answer.status_code == 400 and "labels" in answer.json()["detail"]
    assert anna.conversation(identifier)["title"] == "a chat" and anna.conversation(identifier)["labels"] == ["kept"]


def test_the_database_holds_the_same_rule(anna, world):
    """Whoever writes past the module finds it there."""
    identifier = labelled(anna, "a chat", *TEN)
    update = "UPDATE chatsession.conversations SET labels = %s WHERE id = %s"
    for labels in [[word] for word in NONE] + [[*TEN, "one more"], [None]]:
        with pytest.raises(psycopg.errors.CheckViolation):
            world.connection.execute(update, (labels, identifier))
    for word in (WORK, ODD, "a" * 40, "\u2764\ufe0f", "\U0001f469\u200d\U0001f52c"):
        assert label(anna, identifier, word)["labels"] == [word]


def test_a_list_shows_what_has_the_label(anna):
    for number in range(5):
        labelled(anna, f"work {number}", WORK, "x")
    labelled(anna, "home", "Home", ODD)
    labelled(anna, "plain")
    put_away = labelled(anna, "old work", WORK)
    anna.json("PATCH", f"api/conversations/{put_away}", 200, json={"archived": True})
    assert found(anna, WORK) == [f"work {number}" for number in (4, 3, 2, 1, 0)]
    assert found(anna, WORK, state="archived") == ["old work"] and found(anna, WORK, state="kept")[0] == "old work"
    assert found(anna, ODD) == ["home"] and found(anna, "home") == []
    assert found(anna, WORK, q="work 3") == ["work 3"] and found(anna, "Home", q="work") == []
    first = anna.get("api/conversations", params={"label": WORK, "limit": 2}).json()
    assert found(anna, WORK, limit=2, after=first["next"]) == ["work 2", "work 1"]


def test_labels_are_counted_by_name_without_the_trash(anna):
    labelled(anna, "one", "b", "A")
    labelled(anna, "two", "b")
    anna.delete(f"api/conversations/{labelled(anna, 'three', 'b', 'gone')}")
    assert list(counts(anna).items()) == [("A", 1), ("b", 2)]


def test_a_label_gets_another_name_everywhere_and_meets_one_that_is_there(anna):
    one, two = labelled(anna, "one", "old", "x"), labelled(anna, "two", "new", "old")
    other = labelled(anna, "other", "x")
    trashed = labelled(anna, "trashed", "old")
    anna.delete(f"api/conversations/{trashed}")
    assert anna.json("PATCH", "api/labels", 200, json={"label": "old", "to": "new"}) == {"conversations": 3}
    assert [anna.conversation(each)["labels"] for each in (one, two, other, trashed)] == [["new", "x"], ["new"], ["x"], ["new"]]
    assert anna.json("PATCH", "api/labels", 200, json={"label": "new", "to": None}) == {"conversations": 3}
    assert [anna.conversation(each)["labels"] for each in (one, two, other)] == [["x"], [], ["x"]]
    for body, status in (({"label": "new", "to": "y"}, 404), ({"label": "x", "to": " "}, 400), ({"label": "x"}, 400),
                         ({"label": "", "to": "y"}, 400), ({"to": "y"}, 400)):
        anna.json("PATCH", "api/labels", status, json=body)
    assert counts(anna) == {"x": 2}


def test_nobody_sees_or_changes_somebody_elses_labels(anna, world):
    """[E1] The owner stands in every statement: the same words of two users are two labels."""
    berta = world.clients["berta"]
    hers, mine = labelled(berta, "hers", "shared word", "hers alone"), labelled(anna, "mine", "shared word")
    assert counts(anna) == {"shared word": 1} and found(anna, "shared word") == ["mine"] and found(anna, "hers alone") == []
    assert anna.json("PATCH", "api/labels", 200, json={"label": "shared word", "to": "taken"}) == {"conversations": 1}
    assert anna.patch("api/labels", json={"label": "hers alone", "to": "taken"}).status_code == 404
    label(anna, hers, "taken", status=404)
    assert berta.conversation(hers)["labels"] == ["hers alone", "shared word"]
    assert anna.conversation(mine)["labels"] == ["taken"]


def test_labels_are_not_the_operators_tags(anna, world):
    """No rule of retention is reached by a user's words."""
    identifier = labelled(anna, "a chat", "billing")
    assert world.connection.execute("SELECT tags FROM chatsession.conversations WHERE id = %s", (identifier,)).fetchone() == ([],)
    row = world.clients["otto"].console.json("GET", "api/conversations", 200)["conversations"][0]
    assert row["tags"] == [] and "labels" not in row


def test_labels_go_home_with_their_conversation_and_come_back(anna):
    identifier = labelled(anna, "a chat", WORK, ODD)
    exported = anna.get(f"api/conversations/{identifier}/export").json()
    line = json.loads(anna.get("api/export").content.splitlines()[0])
    archived = next(row for row in map(json.loads, anna.get("api/archive").content.splitlines()) if row["type"] == "conversation")
    assert exported["labels"] == line["labels"] == archived["labels"] == sorted([WORK, ODD])
    body = {"key": "chatsession:1", "messages": [{"role": "user", "content": "hello"}], "labels": [*line["labels"], WORK]}
    made = anna.json("POST", "api/conversations/import", 201, json=body)
    assert made["labels"] == line["labels"] and counts(anna) == {WORK: 2, ODD: 2}
    for labels in ([" "], [*TEN, "one more"], [1]):
        anna.json("POST", "api/conversations/import", 400, json={**body, "key": "2", "labels": labels})
