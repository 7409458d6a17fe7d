# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The formats of an export: each whole, each provably so (promises F4, I5), and chatsessionctl that looks."""
import csv
import hashlib
import io
import json

import pytest

from harness.place import BUILD
import subprocess

ODD = "\u79d8\u5bc6 \"quoted\", line\r\nbreak \U0001f512"
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(autouse=True)
def empty(world):
    world.connection.execute("DELETE FROM chatsession.conversations")


def export(world, form):
    response = world.clients["otto"].console.get(f"api/export?state=all&format={form}")
    assert response.status_code == 200, response.text
    return response


def end_in_the_audit_log(world):
    return world.connection.execute("SELECT detail FROM chatsession.audit_entries WHERE action = 'export.complete'"
                                    " ORDER BY seq DESC LIMIT 1").fetchone()[0]


def verify(tmp_path, octets, name, *arguments):
    path = tmp_path / name
    path.write_bytes(octets)
    return subprocess.run([str(BUILD / "chatsessionctl"), "export", "verify", *arguments, str(path)], text=True,
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("form,extension", [("ndjson", "ndjson"), ("json", "json"), ("csv", "csv"), ("md", "md")])
def test_each_format_ends_with_a_digest_of_itself_and_a_cut_shows(world, tmp_path, form, extension):
    """[I5]"""
    for _ in range(3):
        world.thing("anna", title=ODD, question="q", answer=ODD)
    response = export(world, form)
    assert response.headers["Content-Disposition"].endswith(f'.{extension}"')
    octets = response.content
    known = end_in_the_audit_log(world)
    assert known["sha256"] in response.text and known["lines"] == 9
    result = verify(tmp_path, octets, f"whole.{extension}")
    assert (result.returncode, result.stdout) == (0, f"whole: 9 lines, SHA-256 {known['sha256']}\n"), result.stderr
    for cut in (octets[:len(octets) // 2], octets[:-1], octets[:octets.rindex(b"\n", 0, len(octets) - 3)], b""):
        assert verify(tmp_path, cut, f"cut.{extension}").returncode == 1
    changed = octets.replace("\u79d8".encode(), "\u516c".encode(), 1)
    assert changed != octets and "changed" in verify(tmp_path, changed, f"changed.{extension}").stderr


def test_csv_is_read_back_as_it_was_and_no_cell_is_a_formula(world):
    """[F4]"""
    naughty = [FORMULA, "+1", "-1", "@SUM(A1)", "\tx", "\rx", ODD, "'quoted", "a,b", ""]
    for text in naughty:
        world.thing("anna", title="t", question=text or "empty", answer=text)
    octets = export(world, "csv").content
    assert b"\n" not in octets.replace(b"\r\n", b"").replace(b"line\r\nbreak", b"")
    *rows, end = list(csv.DictReader(io.StringIO(octets.decode("utf-8"), newline="")))
    answers = [row["content"] for row in rows if row["role"] == "assistant"]
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@\t\r\n"]
    assert [text.removeprefix("'") if text[1:2] in ("=", "+", "-", "@", "\t", "\r") else text for text in answers] == naughty
    assert end["type"] == "end" and len(end["id"]) == 64 and end["seq"] == str(len(rows))


def test_json_is_one_value_and_markdown_reads(world):
    world.thing("anna", title="The tides", question="Why?", answer=ODD)
    everything = json.loads(export(world, "json").content)
    assert [one["type"] for one in everything] == ["conversation", "message", "message", "end"]
    assert everything[2]["content"] == ODD
    text = export(world, "md").content.decode("utf-8")
    assert text.startswith("# The tides\n\nanna, ") and f"\n\n{ODD}\n\n" in text
    assert json.loads(export(world, "json").content)[0]["user"] == "anna"


def test_nothing_to_export_is_a_whole_file_too(world, tmp_path):
    for form in ("ndjson", "json", "csv", "md"):
        result = verify(tmp_path, export(world, form).content, f"nothing.{form}")
        assert (result.returncode, result.stdout[:14]) == (0, "whole: 0 lines"), form
    assert json.loads(export(world, "json").content)[0]["type"] == "end"
    assert export(world, "openai").content == b""


def test_fine_tuning_examples_are_the_branch_that_was_continued(world):
    """Whole turns only, and nothing in the file that is no example; its digest is in the audit log."""
    thing = world.thing("anna", question="first", answer="a worse answer")
    world.connection.execute(
        "WITH again AS (INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content,"
        "   finished_at) VALUES (%(c)s, 3, %(q)s, 'assistant', 'complete', 'a better answer', now()) RETURNING id)"
        " INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content)"
        " SELECT %(c)s, 4, id, 'user', 'complete', 'left unanswered' FROM again",
        {"c": thing.conversation, "q": thing.question})
    broken = world.thing("anna", answer="half")
    world.connection.execute("UPDATE chatsession.messages SET status = 'interrupted' WHERE id = %s", (broken.answer,))
    octets = export(world, "openai").content
    assert [json.loads(line) for line in octets.splitlines()] == [
        {"messages": [{"role": "user", "content": "first"}, {"role": "assistant", "content": "a better answer"}]}]
    assert end_in_the_audit_log(world)["sha256"] == hashlib.sha256(octets).hexdigest()


def test_a_format_that_there_is_not_is_refused(world):
    response = world.clients["otto"].console.get("api/export?format=xls")
    assert response.status_code == 400 and "ndjson, json, csv, md, openai" in response.json()["detail"]


def test_the_verifier_takes_the_digest_from_the_audit_log_where_the_file_has_none(world, tmp_path):
    world.thing("anna", question="q", answer="a")
    octets = export(world, "openai").content
    digest = end_in_the_audit_log(world)["sha256"]
    assert verify(tmp_path, octets, "x.jsonl", "--sha256", digest).returncode == 0
    assert verify(tmp_path, octets[:-1], "x.jsonl", "--sha256", digest).returncode == 1
    assert "no last line" in verify(tmp_path, octets, "x.jsonl").stderr
    assert verify(tmp_path, octets, "x.jsonl", "--sha256", "abc").returncode == 1
