# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""GET api/export?ids=: some of one's own conversations as one file."""
import json
import uuid

import pytest

from harness.client import Client


@pytest.fixture
def people(httpd, database):
    made = []
    for name in ("export-ids-a", "export-ids-b"):
        client = Client(httpd.url)
        client.login(database.add_user(f"{name}-{uuid.uuid4().hex[:8]}"))
        made.append(client)
    return made


def test_it_holds_those_that_are_named_and_nobody_elses(people):
    mine, other = people
    ids = [mine.new_conversation() for _ in range(3)]
    foreign = other.new_conversation()
    wanted = [ids[2], foreign, str(uuid.uuid4()), ids[0]]
    lines = [json.loads(line) for line in mine.get(f"api/export?ids={','.join(wanted)}").text.splitlines()]
    assert [line["id"] for line in lines if line["type"] == "conversation"] == [ids[2], ids[0]]
    assert lines[-1]["conversations"] == 2
    assert foreign not in json.dumps(lines)


ONE = "0b6a6a0e-1c57-4f0e-9d2b-5c7f6a0d1e11"


@pytest.mark.parametrize("ids", [",", "x", f"{ONE},x", ",".join([ONE] * 201)], ids=["comma", "word", "half", "201"])
def test_anything_but_1_to_200_ids_is_refused(people, ids):
    assert people[0].json("GET", f"api/export?ids={ids}", 400)["error"] == "invalid_request"
    assert people[0].get(f"api/export?ids={','.join([ONE] * 200)}").status_code == 200
