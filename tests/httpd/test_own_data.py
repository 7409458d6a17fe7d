# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What users bring along and take home: import, the same file twice, export of everything."""
import hashlib
import json
import threading
import uuid

import pytest


TREE = [
    {"role": "user", "content": "\u6f6e\u6c50\u3068\u306f \U0001f30a", "created_at": "2025-03-01T09:00:00Z"},
    {"role": "assistant", "content": "first", "created_at": "2025-03-01T09:00:05.5Z"},
    {"role": "assistant", "content": "second", "created_at": "2025-03-01T09:01:00+00:00", "parent": 1,
     "model": "other"},
    {"role": "user", "content": "another beginning", "created_at": "2025-03-02T09:00:00Z", "parent": 0},
]


@pytest.fixture
def anna(world):
    world.connection.execute("DELETE FROM chatsession.conversations")
    return world.clients["anna"]


def whole(**members):
    return {"key": "chatgpt:1", "messages": TREE, **members}


def imported(client, status=201, **members):
    return client.json("POST", "api/conversations/import", status, json=whole(**members))


def test_an_import_keeps_order_revisions_times_and_models(anna):
    made = imported(anna, title="\u6f6e\u306e\u8a71", model="gpt-4o", pinned=True, archived=True,
                    created_at="2025-02-28T00:00:00Z", updated_at="2025-03-03T00:00:00Z")
    got = anna.conversation(made["id"])
    settings = ("model", "system", "params", "examples")  # of a conversation, which an import has none of
    assert {**{key: got[key] for key in got if key not in ("messages", "retention", *settings)}, "made": True} == made
    assert [got[key] for key in settings] == [None] * 4
    assert (got["title"], got["pinned"], got["archived"], got["message_count"]) == ("\u6f6e\u306e\u8a71", True, True, 4)
    assert (got["created_at"], got["updated_at"]) == ("2025-02-28T00:00:00.000Z", "2025-03-03T00:00:00.000Z")
    first, second, third, fourth = got["messages"]
    assert [one["content"] for one in got["messages"]] == [one["content"] for one in TREE]
    assert [one["seq"] for one in got["messages"]] == [1, 2, 3, 4]
    assert [one["parent_id"] for one in got["messages"]] == [None, first["id"], first["id"], None]
    assert [one["model"] for one in got["messages"]] == [None, "gpt-4o", "other", None]
    assert {one["status"] for one in got["messages"]} == {"complete"}
    assert second["created_at"] == second["finished_at"] == "2025-03-01T09:00:05.500Z"
    assert third["created_at"] == "2025-03-01T09:01:00.000Z" and fourth["finished_at"] is None


def test_what_an_import_leaves_out_comes_from_its_messages(anna):
    made = imported(anna)
    assert made["title"] == "\u6f6e\u6c50\u3068\u306f \U0001f30a"
    assert (made["created_at"], made["updated_at"]) == ("2025-03-01T09:00:00.000Z", "2025-03-02T09:00:00.000Z")
    bare = imported(anna, key="2", messages=[{"role": "user", "content": "x"}])
    assert bare["created_at"] == bare["updated_at"] and bare["created_at"] > "2026"


def test_no_time_of_an_import_lies_in_the_future(anna):
    late = "2199-01-01T00:00:00Z"
    made = imported(anna, created_at=late, updated_at=late, messages=[{**TREE[0], "created_at": late}])
    got = anna.conversation(made["id"])
    assert max(got["created_at"], got["updated_at"], got["messages"][0]["created_at"]) < "2199"


def test_the_same_key_twice_makes_nothing_twice(anna, world):
    """Also at once, after a change, and from the trash; another user's same key is another conversation"""
    answers = []

    def once():
        answers.append(anna.post("api/conversations/import", json=whole()))
    threads = [threading.Thread(target=once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.status_code for one in answers) == [200] * 19 + [201]
    identifier, = {one.json()["id"] for one in answers}
    assert all(one.json()["made"] == (one.status_code == 201) for one in answers)
    anna.patch(f"api/conversations/{identifier}", json={"title": "renamed"})
    assert imported(anna, 200, title="other", messages=TREE[:1])["title"] == "renamed"
    assert len(anna.conversation(identifier)["messages"]) == 4
    anna.delete(f"api/conversations/{identifier}")
    assert imported(anna, 200)["trashed_at"] is not None
    berta = imported(world.clients["berta"])
    assert berta["id"] != identifier
    assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (2,)


@pytest.mark.parametrize("messages, words", [
    ([], "messages"),
    (["x"], "Message 1: The body is a string"),
    ([{"role": "user"}], 'Message 1: The member "content" is missing'),
    ([{"role": "user", "content": ""}], 'Message 1: The member "content"'),
    ([{"role": "system", "content": "x"}], "Message 1: role is neither user nor assistant."),
    ([{"role": "assistant", "content": "x"}], "Message 1: a message without a parent is not the user's."),
    ([*TREE[:1], {"role": "user", "content": "x", "parent": 2}], "Message 2: parent is not the place of an earlier"),
    ([*TREE[:1], {"role": "user", "content": "x", "parent": -1}], 'Message 2: The member "parent"'),
    ([{"role": "user", "content": "x", "created_at": "yesterday"}], "Message 1: created_at is not a time"),
    ([{"role": "user", "content": "x", "id": "1"}], 'Message 1: The member "id" is not known here'),
])
def test_a_message_that_cannot_be_kept_is_named_and_nothing_is_stored(anna, world, messages, words):
    before = world.state()
    response = anna.post("api/conversations/import", json={"key": "1", "messages": messages})
    assert response.status_code == 400 and words in response.json()["detail"]
    assert world.state() == before


def test_an_import_of_2000_messages_is_whole_and_can_be_gone_on_with(anna):
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"\u6f6e {n}",
                 "created_at": "2025-03-01T09:00:00Z"} for n in range(2000)]
    made = imported(anna, messages=messages)
    assert made["message_count"] == 2000
    anna.turn(made["id"], "and now?")
    assert [one["content"] for one in anna.conversation(made["id"])["messages"]][-3:] == [
        "\u6f6e 1999", "and now?", "and now?"]


def test_an_import_past_8_mib_is_refused(anna, world):
    before = world.state()
    messages = [{"role": "user", "content": "x" * (8 << 20)}]
    response = anna.post("api/conversations/import", json=whole(messages=messages))
    assert response.status_code == 413 and world.state() == before


# --- export


def lines(client, query=""):
    response = client.get(f"api/export{query}")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith('attachment; filename="conversations-')
    return response


def test_an_export_has_everything_of_ones_own_and_nothing_else(anna, world):
    """Pinned, archived, in the trash, with every revision; what an operator has expired is not the user's any more"""
    world.thing("berta", title="not hers")
    world.thing("anna", trashed_by="operator", title="expired")
    ids = [imported(anna)["id"], world.thing("anna", title="plain", answer="\u6f6e\u6c50 \U0001f30a").conversation,
           world.thing("anna", trashed_by="user", title="in the trash").conversation]
    body = lines(anna).content
    *content, last = body.decode().splitlines()
    objects = [json.loads(one) for one in content]
    assert [one["id"] for one in objects if one["type"] == "conversation"] == ids, "oldest first"
    for identifier in ids:
        conversation = anna.conversation(identifier)
        messages = conversation.pop("messages")
        mine = [one for one in objects if identifier in (one["id"], one.get("conversation_id"))]
        assert mine == [{"type": "conversation", **conversation},
                        *({"type": "message", **one, "conversation_id": identifier} for one in messages)]
    end = json.loads(last)
    assert end == {"type": "end", "conversations": 3, "messages": 8, "lines": 11,
                   "sha256": hashlib.sha256(body[:body.rindex(b'{"type":"end"')]).hexdigest()}
    assert b"not hers" not in body and b"expired" not in body


def test_an_export_as_markdown_reads_like_the_single_ones(anna, world):
    for title in ("one", "\u4e8c"):
        world.thing("anna", title=title)
    single = [anna.get(f"api/conversations/{one['id']}/export?format=md").text
              for one in reversed(anna.get("api/conversations").json()["conversations"])]
    response = lines(anna, "?format=md")
    response.encoding = "utf-8"
    assert response.text == "\n---\n\n".join(single)
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"


def test_an_export_of_nothing_is_a_whole_file(anna):
    assert json.loads(lines(anna).text)["lines"] == 0
    assert lines(anna, "?format=md").text == ""
    assert anna.get("api/export?format=zip").status_code == 400


def test_an_export_of_many_skips_none(anna, world):
    world.connection.execute(
        "INSERT INTO chatsession.conversations (user_id, title, created_at) SELECT %s, n::text,"
        " timestamptz '2026-01-01' + n / 5 * interval '1 s' FROM generate_series(1, 450) n", (world.ids["anna"],))
    titles = [json.loads(line).get("title") for line in lines(anna).content.decode().splitlines()[:-1]]
    assert sorted(titles, key=int) == [str(n) for n in range(1, 451)]


def test_an_export_can_be_imported_again(anna):
    """[I6] The lines are what the page reads; here by hand"""
    made = imported(anna)
    conversation, *messages, _ = [json.loads(line) for line in lines(anna).content.decode().splitlines()]
    places = {None: 0, **{one["id"]: place for place, one in enumerate(messages, 1)}}
    again = imported(anna, key=f"chatsession:{conversation['id']}", title=conversation["title"], messages=[
        {"role": one["role"], "content": one["content"], "created_at": one["created_at"], "model": one["model"],
         "parent": places[one["parent_id"]]} for one in messages])

    def shape(identifier):
        got = anna.conversation(identifier)["messages"]
        seq = {one["id"]: one["seq"] for one in got}
        return [(one["seq"], one["role"], one["content"], one["created_at"], one["model"], seq.get(one["parent_id"]))
                for one in got]
    assert again["id"] != made["id"] and shape(again["id"]) == shape(made["id"])


# --- making a conversation twice


def test_the_same_client_id_makes_one_conversation(anna, world):
    name, made = str(uuid.uuid4()), []

    def once():
        made.append(anna.json("POST", "api/conversations", 201, json={"client_id": name})["id"])
    threads = [threading.Thread(target=once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 20 and len(set(made)) == 1
    assert world.clients["berta"].json("POST", "api/conversations", 201, json={"client_id": name})["id"] != made[0]
    assert anna.new_conversation() != anna.new_conversation()
