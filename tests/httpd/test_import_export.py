# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl and exported files: whole or not, compressed or in parts; and back into a database."""
import gzip
import json
import random
import subprocess

import pytest

from harness.place import BUILD

# Every code point that PostgreSQL's text can hold, a few at a time; what has a meaning to JSON, CSV, lines or terminals.
ODD = ["\u79d8\u5bc6 \"quoted\", line\r\nbreak \U0001f512", "\\u0000 \\ud83d \\\\ \\n", "a\u2028b\u2029c\u0085d\ufeff", "\r", "\n\n",
       "\t", " ", "\x01\x02\x1b[31m\x7f\x80\x9f", "e\u0301 \u00e9 \ufb01", "\u202e reversed \u200b\u200d", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
       "\ud7ff\ue000\ufffd\ufffe\uffff\U0001fffe\U0010ffff", '{"type":"end","sha256":"' + "0" * 64 + '","lines":1}', "=cmd|' /C calc'!A0"]


@pytest.fixture(autouse=True)
def empty(world):
    world.connection.execute("DELETE FROM chatsession.conversations")


@pytest.fixture
def otto(world):
    return world.clients["otto"].console


def run(world, *arguments):
    return subprocess.run([str(BUILD / "chatsessionctl"), "--database", world.database.superuser, *map(str, arguments)],
                          text=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


def imported(world, *arguments):
    """By the program, with the key that seals its entries in the audit log."""
    return run(world, "import", *arguments, "--key-file", world.httpd.folder / "secret")


def saved(path, octets):
    path.write_bytes(octets)
    return path


def say_everything(world):
    for text in ODD:
        world.thing("anna", title=text.strip() or None, question=text, answer=text)
    blocks = [range(start, start + 0x1000) for start in range(1, 0x110000, 0x1000)]
    for block in blocks[:17] + random.Random(7).sample(blocks[17:], 20):
        text = "".join(chr(point) for point in block if not 0xd800 <= point <= 0xdfff)
        if text:
            world.thing("berta", question=text, answer=text[::-1])


def decorate(world):
    """Everything else that a line can hold."""
    thing = world.thing("anna", title="settings", trashed_by="user")
    world.connection.execute("UPDATE chatsession.conversations SET pinned = true, archived = true, tags = '{a,\u00e4}', labels = '{b,\u00fc}', model = 'm',"
                             " system = 'be \"kind\"', params = '{\"temperature\": 0.10}', examples = '[{\"user\": \"x\"}]' WHERE id = %s",
                             (thing.conversation,))
    world.connection.execute("UPDATE chatsession.messages SET finish_reason = 'stop', usage = '{\"n\": 1.50}', detail = 'd',"
                             " extra = '{\"reasoning\": \"hm\"}', status = 'stopped' WHERE id = %s", (thing.answer,))
    world.connection.execute("INSERT INTO chatsession.feedback VALUES (%s, -1, 'no\r\n')", (thing.answer,))
    world.connection.execute(
        "INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, finished_at)"
        " VALUES (%s, 3, %s, 'assistant', 'error', '', now())", (thing.conversation, thing.question))
    world.connection.execute("UPDATE chatsession.conversations SET message_count = 3 WHERE id = %s", (thing.conversation,))


def entries(world):
    """(who, what, for whom, conversations, messages, problems) of the audit log, oldest first."""
    return world.connection.execute(
        "SELECT operator, action, target_user, (detail->>'conversations')::int, (detail->>'messages')::int, (detail->>'problems')::int"
        " FROM chatsession.audit_entries WHERE action LIKE '%%.import' ORDER BY seq").fetchall()


def lines_of(octets):
    *lines, end = octets.splitlines(keepends=True)
    assert json.loads(end)["type"] == "end"
    return lines


def test_an_export_comes_back_as_it_was(world, otto, tmp_path):
    """[I6] All of Unicode, and everything that a line holds: the lines of an export of what was imported are the same
    octets."""
    say_everything(world)
    decorate(world)
    before = otto.get("api/export?state=all").content
    file = saved(tmp_path / "all.ndjson", before)
    world.connection.execute("DELETE FROM chatsession.conversations")
    tried = run(world, "import", file, "--dry-run")
    count = before.count(b'{"type":"conversation"')
    assert (tried.returncode, tried.stderr) == (0, "") and f"would import {count} conversations (0 were there)" in tried.stdout
    assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (0,)
    done = imported(world, file)
    assert (done.returncode, done.stderr) == (0, "") and f"imported {count} conversations" in done.stdout
    assert lines_of(otto.get("api/export?state=all").content) == lines_of(before)
    again = imported(world, file)
    assert again.returncode == 0 and f"imported 0 conversations ({count} were there), 0 messages" in again.stdout
    assert lines_of(otto.get("api/export?state=all").content) == lines_of(before)


def test_an_import_takes_what_is_missing_and_names_what_is_wrong(world, otto, tmp_path):
    """[I6] A broken line costs itself, not the file; and the audit log has who brought it."""
    things = [world.thing("anna", title=f"number {n}") for n in range(4)]
    lines = lines_of(otto.get("api/export").content)
    world.connection.execute("DELETE FROM chatsession.conversations WHERE id = ANY(%s::uuid[])",
                             ([things[0].conversation, things[1].conversation],))
    world.connection.execute("UPDATE chatsession.conversations SET user_id = %s WHERE id = %s",
                             (world.ids["berta"], things[2].conversation))
    foreign = json.loads(lines[0])
    foreign["user"] = "nobody\u001b[31m"
    foreign["id"] = "00000000-0000-4000-8000-000000000000"
    wrong = json.loads(lines[4])
    wrong["role"] = "wizard"
    text = b"".join([*lines[:4], json.dumps(wrong).encode() + b"\n", *lines[5:], json.dumps(foreign).encode() + b"\n", b"{\n",
                     b'{"type":"end"}\n'])
    result = imported(world, saved(tmp_path / "some.ndjson", text))
    assert result.returncode == 1 and "imported 1 conversations (1 were there), 2 messages (2 were there), 4 problems" in result.stdout
    assert [line.partition(": ")[2].partition(":")[0] for line in result.stderr.splitlines()] == [
        "line 4", "line 7", "line 14", "line 13"] or len(result.stderr.splitlines()) == 4
    assert "SQLSTATE 23514" in result.stderr and "there is no user nobody?[31m" in result.stderr and "\x1b" not in result.stderr
    assert "somebody else's" in result.stderr and "no JSON" in result.stderr
    mine = imported(world, saved(tmp_path / "one.ndjson", b"".join(lines[3:6]) + b'{"type":"end"}\n'), "--user", "berta")
    assert mine.returncode == 0, mine.stderr
    owner = world.connection.execute("SELECT user_id::text FROM chatsession.conversations WHERE id = %s",
                                     (things[1].conversation,)).fetchone()
    assert owner == (world.ids["berta"],)
    assert entries(world)[-2:] == [("(chatsessionctl)", "conversation.import", None, 1, 2, 4), ("(chatsessionctl)", "conversation.import", "berta", 1, 2, 0)]
    assert otto.json("GET", "api/audit/verify", 200)["ok"] is True


def test_nothing_is_imported_without_an_entry_that_can_be_sealed(world, otto, tmp_path):
    """[E6]"""
    world.thing("anna")
    file = saved(tmp_path / "all.ndjson", otto.get("api/export").content)
    result = run(world, "import", file)
    assert result.returncode == 2 and "--key-file" in result.stderr


def bring(client, octets, **members):
    return client.json("POST", "api/import", 200, json={"lines": octets.decode(), "dry_run": False, **members})


def counts(answer):
    return (*answer["conversations"].values(), *answer["messages"].values(), answer["problem_count"])


def test_the_console_imports_what_it_exported(world, otto):
    """[I6] All that a line can hold, tried first and then done, piece after piece, twice: the same octets, once."""
    say_everything(world)
    decorate(world)
    before = otto.get("api/export?state=all").content
    lines = lines_of(before)
    number = sum(line.startswith(b'{"type":"conversation"') for line in lines)
    world.connection.execute("DELETE FROM chatsession.conversations")
    known = entries(world)
    tried = bring(otto, before, dry_run=True)
    assert tried["dry_run"] is True and counts(tried) == (number, 0, len(lines) - number, 0, 0)
    assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (0,) and entries(world) == known
    half = next(n for n in range(len(lines) // 2, len(lines)) if lines[n].startswith(b'{"type":"conversation"'))
    parts = [counts(bring(otto, b"".join(lines[:half]))), counts(bring(otto, b"".join(lines[half:]), first_line=half + 1))]
    assert [sum(column) for column in zip(*parts)] == [number, 0, len(lines) - number, 0, 0]
    assert lines_of(otto.get("api/export?state=all").content) == lines
    assert counts(bring(otto, before)) == (0, number, 0, len(lines) - number, 0)
    assert lines_of(otto.get("api/export?state=all").content) == lines
    assert [entry[:3] for entry in entries(world)[len(known):]] == [("otto", "conversation.import", None)] * 3
    assert otto.json("GET", "api/audit/verify", 200)["ok"] is True


def test_what_is_wrong_with_a_line_is_said_with_its_number_and_the_rest_is_imported(world, otto):
    """[I6] A conversation comes whole or not at all."""
    things = [world.thing("anna", title=f"number {n}") for n in range(3)]
    lines = lines_of(otto.get("api/export").content)
    world.connection.execute("DELETE FROM chatsession.conversations")
    wrong = {**json.loads(lines[1]), "role": "wizard"}
    foreign = {**json.loads(lines[0]), "user": "nobody", "id": "00000000-0000-4000-8000-000000000000"}
    text = b"".join([lines[0], json.dumps(wrong).encode() + b"\n", lines[2], *lines[3:6], json.dumps(foreign).encode() + b"\n", b"{\n",
                     b'{"type":"message","conversation_id":"x"}\n', b"[]\n", *lines[6:9]])
    answer = bring(otto, text, first_line=1001)
    assert counts(answer) == (2, 0, 4, 0, 5)
    assert {(one["line"], one["problem"]) for one in answer["problems"]} == {
        (1001, "refused"), (1007, "no_user"), (1008, "not_json"), (1009, "stray_message"), (1010, "unknown_line")}
    assert {one["value"] for one in answer["problems"] if one["problem"] in ("refused", "no_user")} == {"23514", "nobody"}
    kept = {row[0] for row in world.connection.execute("SELECT id::text FROM chatsession.conversations").fetchall()}
    assert len(kept) == 2 and kept < {thing.conversation for thing in things}
    world.connection.execute("UPDATE chatsession.conversations SET user_id = %s", (world.ids["berta"],))
    again = bring(otto, b"".join(lines[3:]))
    assert {one["problem"] for one in again["problems"]} == {"taken"} and counts(again)[0] == 0
    cut = bring(otto, b"".join(lines[:2]), complete=False, dry_run=True)
    assert counts(cut) == (0, 0, 0, 0, 1) and cut["problems"][0]["problem"] == "cut"
    noise = bring(otto, b"x\n" * 5000)
    assert noise["problem_count"] == 5000 and len(noise["problems"]) == 100


def test_an_import_that_cannot_be_recorded_leaves_nothing(world, otto):
    """[E6]"""
    world.thing("anna")
    octets = otto.get("api/export").content
    world.connection.execute("DELETE FROM chatsession.conversations")
    world.database.rows("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        world.httpd.expect_log("CS0013", "CS2022")
        assert otto.post("api/import", json={"lines": octets.decode(), "dry_run": False}).status_code == 500
    finally:
        world.database.rows("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert world.connection.execute("SELECT count(*) FROM chatsession.conversations").fetchone() == (0,)


def test_conversations_can_be_imported_as_somebody_elses(world, otto):
    world.thing("anna")
    octets = otto.get("api/export").content
    world.connection.execute("DELETE FROM chatsession.conversations")
    assert counts(bring(otto, octets, user="nobody")) == (0, 0, 0, 0, 1)
    assert counts(bring(otto, octets, user="BERTA")) == (1, 0, 2, 0, 0)
    assert world.connection.execute("SELECT user_id::text FROM chatsession.conversations").fetchone() == (world.ids["berta"],)


def test_a_file_that_was_cut_is_imported_as_far_as_it_is_whole_and_that_is_said(world, otto, tmp_path):
    """[I5]"""
    for n in range(3):
        world.thing("anna", title=str(n))
    octets = otto.get("api/export").content
    world.connection.execute("DELETE FROM chatsession.conversations")
    for cut in (octets[:-20], octets[:octets.rindex(b'{"type":"end"')], octets[:octets.rindex(b'{"type":"message"')]):
        result = run(world, "import", saved(tmp_path / "cut.ndjson", cut), "--dry-run")
        assert result.returncode == 1 and "it was cut" in result.stderr and "would import 2" in result.stdout, result.stderr


def test_any_cut_at_all_is_found(world, otto, tmp_path):
    """[I5] Plain and compressed, at every octet of the end and at random ones before it."""
    for text in ODD:
        world.thing("anna", question=text, answer=text * 40)
    plain = otto.get("api/export?compress=none").content
    packed = otto.get("api/export?compress=gzip").content
    chance = random.Random(5)
    for octets in (plain, packed):
        whole = run(world, "export", "verify", saved(tmp_path / "whole", octets))
        assert whole.returncode == 0 and "whole: " in whole.stdout, whole.stderr
        places = {*range(len(octets) - 30, len(octets)), 0, 1, 2, 10, *(chance.randrange(len(octets)) for _ in range(30))}
        for place in places:
            assert run(world, "export", "verify", saved(tmp_path / "cut", octets[:place])).returncode == 1, place
        for place in (chance.randrange(len(octets)) for _ in range(30)):
            changed = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1:]
            if octets is packed and place < 10:
                continue  # the head of a gzip file says nothing of its text
            if octets is plain and place >= octets.rindex(b'{"type":"end"'):
                continue  # the last line holds the digest of those before it, not its own
            result = run(world, "export", "verify", saved(tmp_path / "changed", changed))
            # Another way to say the same text (a match with an earlier of two equal places) is no change of it.
            assert result.returncode == 1 or (octets is packed and gzip.decompress(changed) == gzip.decompress(packed)), place
        assert run(world, "export", "verify", saved(tmp_path / "more", octets + b"x")).returncode == 1


def test_parts_are_verified_as_one_file(world, otto, tmp_path):
    """[I5]"""
    world.thing("anna", answer="x" * 5000)
    for compress in ("none", "gzip"):
        octets = otto.get(f"api/export?compress={compress}").content
        parts = [saved(tmp_path / f"{compress}{n}", part) for n, part in enumerate(
            (octets[:1], octets[1:200], b"", octets[200:]))]
        assert run(world, "export", "verify", *parts).returncode == 0
        assert run(world, "export", "verify", *parts[:3]).returncode == 1
        assert run(world, "export", "verify", parts[1], parts[0], *parts[2:]).returncode == 1
    assert run(world, "export", "verify").returncode == 1
    assert "cannot be read" in run(world, "export", "verify", parts[0], tmp_path / "absent").stderr


def test_a_manifest_vouches_for_a_file_without_an_end_of_its_own(world, otto, tmp_path):
    """[I5]"""
    world.thing("anna")
    made, other = (otto.json("POST", "api/exports", 201, json={"filter": {}, "format": form}) for form in ("openai", "ndjson"))
    octets, lines = otto.get(made["link"]).content, otto.get(other["link"]).content
    manifests = [saved(tmp_path / f"{n}.json", otto.get(f"api/exports/{one['export']['id']}/manifest").content)
                 for n, one in enumerate((made, other))]
    examples = saved(tmp_path / "examples.jsonl", octets)
    assert run(world, "export", "verify", examples).returncode == 1
    assert run(world, "export", "verify", "--manifest", manifests[0], examples).returncode == 0
    assert run(world, "export", "verify", "--manifest", manifests[1], examples).returncode == 1
    assert run(world, "export", "verify", "--manifest", manifests[1], saved(tmp_path / "lines", lines)).returncode == 0
    result = run(world, "export", "verify", "--manifest", manifests[0], tmp_path / "lines")
    assert result.returncode == 1 and "another export" in result.stderr
    assert "no manifest" in run(world, "export", "verify", "--manifest", examples, examples).stderr


def test_a_line_that_no_export_has_ends_an_import(world, tmp_path):
    bomb = gzip.compress(b"x" * (70 * 1024 * 1024), 1)
    result = imported(world, saved(tmp_path / "bomb.gz", bomb))
    assert result.returncode == 1
