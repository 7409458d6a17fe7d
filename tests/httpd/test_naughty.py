# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Hundreds of hostile strings as what people write, name and look for: text stays that text, everywhere and back."""
import csv
import io
import json
import re
import uuid

import pytest

from harness.naughty import strings
from harness.world import World

NAUGHTY = strings()
TITLE_MAX, QUERY_MAX = 200, 200
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
SPACES = "".join(chr(point) for point in (*range(9, 14), *range(28, 33), 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000))


@pytest.fixture(scope="module")
def world(make_module_httpd, database):
    made = World(make_module_httpd(database.conninfo, mock="echo wait=0ms pace=0ms"), database)
    yield made
    made.close()


def lines_of(octets):
    """(the lines, the last one as JSON) of an export."""
    *lines, end = octets.splitlines(keepends=True)
    return lines, json.loads(end)


def export(client, form):
    response = client.get(f"api/export?state=all&format={form}")
    assert response.status_code == 200, response.text
    return response.content


def one_conversation_each(template):
    """Lines to import: for each string a conversation that has it as title, tag and label where it may be one, as question
    and as answer. template: lines of a conversation with one turn."""
    made = []
    for text in NAUGHTY:
        conversation, question, answer = (dict(line) for line in template)
        conversation.update(id=str(uuid.uuid4()), title=text[:TITLE_MAX])
        question.update(id=str(uuid.uuid4()), content=text)
        answer.update(id=str(uuid.uuid4()), content=text, parent_id=question["id"])
        for line in (question, answer):
            line["conversation_id"] = conversation["id"]
        made += [conversation, question, answer]
    return made


def test_what_is_said_comes_back_as_it_was_said(world):
    """[D7] By a model that repeats it, from the stream and from the database, a few dozen in each turn."""
    anna = world.clients["anna"]
    conversation = anna.new_conversation()
    said = ["\n".join(NAUGHTY[start:start + 40]) for start in range(0, len(NAUGHTY), 40)]
    for text in said:
        turn = anna.turn(conversation, text)
        assert turn.text == text and turn.done["status"] == "complete"
    stored = anna.conversation(conversation)["messages"]
    assert [one["content"] for one in stored] == [text for text in said for _ in range(2)]


def test_titles_and_labels_are_kept_as_they_are_or_refused(world):
    anna = world.clients["anna"]
    path = f"api/conversations/{anna.new_conversation('before')}"
    now = {name: anna.json("GET", path, 200)[name] for name in ("title", "labels")}
    refused = 0
    for text in NAUGHTY:
        response = anna.patch(path, json={"title": text, "labels": [text]})
        assert response.status_code in (200, 400), (text, response.text)
        if response.status_code == 200:
            now = {"title": text, "labels": [text]}
        refused += response.status_code == 400
        shown = response.json() if response.status_code == 200 else anna.json("GET", path, 200)
        assert {name: shown[name] for name in now} == now, text
    assert len(NAUGHTY) / 10 < refused < len(NAUGHTY) / 2, "some are no labels, most are"


# Ogham's space: of a word that has it, PostgreSQL's index makes one, and its \\s makes two of what is searched for.
OGHAM_SPACE = "a\u1680b"


def test_a_search_for_any_of_them_finds_what_has_it_and_nothing_else(world):
    """[F2] [K7] By their user, and every fourth by an operator over all users; there is much that has nothing of the kind."""
    anna, otto = world.clients["anna"], world.clients["otto"].console
    texts = bring_all(world, otto)
    world.connection.execute("INSERT INTO chatsession.conversations (user_id, title) SELECT %s, '\u672a'"
                             " FROM generate_series(1, 100)", (world.ids["anna"],))
    for number, text in enumerate(NAUGHTY):
        if len(text) > QUERY_MAX or text == OGHAM_SPACE or len(text) == 1 and number % 8:
            continue
        response = (anna if number % 4 else otto).get("api/conversations", params={"q": text, "limit": 200})
        if not text.strip(SPACES):
            assert response.status_code in (200, 400), (text, response.text)
            continue
        assert response.status_code == 200, (text, response.text)
        found = {one["id"] for one in response.json()["conversations"]}
        assert {one for one in texts if texts[one] == text} <= found, text
        words = [word.lower() for word in re.split(f"[{SPACES}]+", text) if word]
        assert [texts.get(one) for one in found if not all(word in texts.get(one, "").lower() for word in words)] == [], text


def test_they_come_through_every_export_and_an_import_as_they_were(world):
    """[F4] [I6] In each format; the lines are the same octets after all was deleted and imported again."""
    otto = world.clients["otto"].console
    bring_all(world, otto)
    before, end = lines_of(export(otto, "ndjson"))
    assert end["conversations"] == len(NAUGHTY) and sorted(asked(map(json.loads, before))) == sorted(NAUGHTY)
    assert sorted(asked(json.loads(export(otto, "json")))) == sorted(NAUGHTY)
    examples = [json.loads(line)["messages"] for line in export(otto, "openai").splitlines()]
    assert sorted(one[0]["content"] for one in examples) == sorted(NAUGHTY)
    rows = list(csv.DictReader(io.StringIO(export(otto, "csv").decode(), newline="")))
    cells = [row["content"] for row in rows if row["role"] == "user"]
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in FORMULA]
    assert sorted(re.sub(f"^'(?='*[{re.escape(FORMULA)}])", "", cell) for cell in cells) == sorted(NAUGHTY)
    page = export(otto, "md").decode()
    assert [text for text in NAUGHTY if text not in page] == []
    world.connection.execute("DELETE FROM chatsession.conversations")
    bring(otto, b"".join(before))
    assert lines_of(export(otto, "ndjson"))[0] == before
    own, _ = lines_of(world.clients["anna"].get("api/export").content)
    assert sorted(asked(map(json.loads, own))) == sorted(NAUGHTY)


def bring(client, octets):
    answer = client.json("POST", "api/import", 200, json={"lines": octets.decode(), "dry_run": False})
    assert answer["problems"] == []
    return answer


def bring_all(world, client):
    """Nothing but what one_conversation_each makes; {id of a conversation: its text}."""
    world.connection.execute("DELETE FROM chatsession.conversations")
    world.thing("anna")
    lines, _ = lines_of(export(client, "ndjson"))
    world.connection.execute("DELETE FROM chatsession.conversations")
    made = one_conversation_each([json.loads(line) for line in lines])
    assert bring(client, "".join(json.dumps(line) + "\n" for line in made).encode())["conversations"]["made"] == len(NAUGHTY)
    return {line["conversation_id"]: line["content"] for line in made if line.get("role") == "user"}


def asked(lines):
    return [line["content"] for line in lines if line.get("role") == "user"]
