# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl export: the same files as httpd sends, followed and cancelled the same way, and a copy every night by cron."""
import gzip
import json
import os
import re
import stat
import subprocess

import pytest
from harness.place import BUILD, TREE, wait_until
from harness.postgres import chatsessionctl
from harness.sources import text
from harness.world import World

DONE, FAILED, USAGE, ABSENT, HELD, CHANGED = range(6)
WHO = "(chatsessionctl)"
MISSING = "00000000-0000-4000-8000-000000000000"
FORMATS = ("ndjson", "json", "csv", "md", "openai")


@pytest.fixture(scope="module")
def world(httpd, database):
    made = World(httpd, database)
    for number in range(3):
        made.thing("anna" if number else "berta", title=f"=cmd {number} 日本", question="why,\n\"so\"?", answer="=1 🙂")
    made.thing("otto", "user", title="in the trash")
    yield made
    made.close()


@pytest.fixture
def ctl(world):
    """ctl(*words): the CompletedProcess; code: the exit code that is expected."""
    def run(*words, code=DONE):
        result = chatsessionctl(world.database.superuser, *map(str, words), *world.httpd.key, check=False)
        assert result.returncode == code, result
        return result

    return run


def read(world, *words):
    return json.loads(chatsessionctl(world.database.superuser, *words).stdout)


def entries(world):
    return world.connection.execute("SELECT action, reason, detail FROM chatsession.audit_entries WHERE operator = %s ORDER BY seq DESC",
                                    (WHO,)).fetchall()


def lines_of(content):
    """The lines of an export but what is another each time: its id, its watermark and the digest, which holds neither."""
    return re.sub(r'"export":\s?"[^"]*",\s?"watermark":\s?"[^"]*"', "", content)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_the_one_that_httpd_sends(world, ctl, tmp_path, form):
    """[I5] [F4] octet for octet, in each format, whole by its last line or its manifest"""
    path, manifest = tmp_path / "export", tmp_path / "manifest"
    said = ctl("export", "make", "--state", "all", "--format", form, "--output", path, "--manifest", manifest, "--reason", "audit").stderr
    assert re.fullmatch(r"exported 4 conversations, 8 messages; export [-0-9a-f]{36}, SHA-256 [0-9a-f]{64}\n", said)
    sent = world.clients["otto"].console.get(f"api/export?state=all&format={form}&compress=none")
    assert sent.status_code == 200 and lines_of(path.read_bytes().decode()) == lines_of(sent.content.decode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    vouched = chatsessionctl("", "export", "verify", str(path), "--manifest", str(manifest))
    assert "whole" in vouched.stdout
    assert [entry[0] for entry in entries(world)[:2]] == ["export.complete", "conversation.export"]
    assert entries(world)[1][2]["conversations"] == 4 and entries(world)[0][2]["sha256"] in said
    path.write_bytes(path.read_bytes()[:-5])
    assert chatsessionctl("", "export", "verify", str(path), "--manifest", str(manifest), check=False).returncode == FAILED


def test_a_compressed_export_of_a_selection_goes_into_a_pipe(world, ctl, tmp_path):
    annas = world.connection.execute("SELECT c.id::text FROM chatsession.conversations c JOIN chatsession.users u ON u.id = c.user_id"
                                     " WHERE u.name = 'anna'").fetchall()
    piped = subprocess.run([str(BUILD / "chatsessionctl"), "--database", world.database.superuser, "export", "make", annas[0][0],
                            "--gzip", *world.httpd.key], capture_output=True, check=True)
    lines = [json.loads(line) for line in gzip.decompress(piped.stdout).splitlines()]
    assert [line["type"] for line in lines] == ["conversation", "message", "message", "end"] and lines[0]["id"] == annas[0][0]
    (tmp_path / "x.gz").write_bytes(piped.stdout)
    chatsessionctl("", "export", "verify", str(tmp_path / "x.gz"))
    result = ctl("export", "make", "--user", "anna")
    assert result.stdout.count('"type":"conversation"') == 2 and result.stderr.startswith("exported 2 conversations")


def test_an_export_is_listed_shown_and_has_a_manifest(world, ctl):
    identifier = re.search(r"export ([-0-9a-f]{36})", ctl("export", "make", "--query", "why", "--state", "all").stderr).group(1)
    assert read(world, "export", "list", "--json", "--limit", "1")["exports"][0]["id"] == identifier
    shown = read(world, "export", "show", identifier, "--json")
    assert (shown["state"], shown["operator"], shown["filter"]) == ("done", WHO, {"state": "all", "text_search": False}), "what was searched for is gone"
    assert world.clients["otto"].console.json("GET", f"api/exports/{identifier}", 200)["sha256"] == shown["sha256"]
    manifest = read(world, "export", "manifest", identifier)
    assert manifest["type"] == "manifest" and manifest["export"]["sha256"] == shown["sha256"] and manifest["audit_head"]["seq"] > 0
    assert "state          done\n" in chatsessionctl(world.database.superuser, "export", "show", identifier).stdout
    for verb in ("show", "manifest"):
        assert chatsessionctl(world.database.superuser, "export", verb, MISSING, check=False).returncode == ABSENT
    ctl("export", "cancel", MISSING, code=ABSENT)
    assert "why" not in json.dumps([entry[2] for entry in entries(world)[:2]])


def test_an_export_that_is_cancelled_leaves_no_file(world, ctl, tmp_path):
    """[E6] cancelled from the console while it runs: the next report ends it, and what is there is taken away"""
    world.connection.execute("INSERT INTO chatsession.conversations (user_id, title) SELECT %s, repeat('x', 200) FROM generate_series(1, 30000)",
                             (world.ids["berta"],))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = subprocess.Popen(f"exec '{BUILD}/chatsessionctl' --database '{world.database.superuser}' export make --user berta"
                               f" {' '.join(world.httpd.key)} > '{pipe}'", shell=True, stderr=subprocess.PIPE, text=True)
    with open(pipe, "rb") as reader:
        reader.read(100)
        wait_until(lambda: world.connection.execute("SELECT state FROM chatsession.exports ORDER BY created_at DESC LIMIT 1").fetchone()[0]
                   == "running", "the row of the export")
        identifier = world.connection.execute("SELECT id::text FROM chatsession.exports ORDER BY created_at DESC LIMIT 1").fetchone()[0]
        assert "cancelled" in ctl("export", "cancel", identifier).stdout
        world.connection.execute("SELECT pg_sleep(1.1)")  # the row is asked once a second
        rest = reader.read()
    assert running.wait(30) == FAILED and "was cancelled" in running.stderr.read() and b'"type":"end"' not in rest
    world.connection.execute("DELETE FROM chatsession.conversations WHERE length(title) = 200")


def test_a_file_that_is_there_is_not_touched_and_a_failed_one_goes(world, ctl, tmp_path):
    there = tmp_path / "there"
    there.write_text("precious")
    assert "cannot be made: File exists" in ctl("export", "make", "--output", there, code=FAILED).stderr
    assert there.read_text() == "precious"
    full = subprocess.run([str(BUILD / "chatsessionctl"), "--database", world.database.superuser, "export", "make", *world.httpd.key],
                          stdout=open("/dev/full", "wb"), stderr=subprocess.PIPE, text=True)
    assert full.returncode == FAILED and "No space left" in full.stderr
    assert read(world, "export", "list", "--json", "--limit", "1")["exports"][0]["state"] == "cut" and entries(world)[0][0] == "export.cut"
    for words in (("--format", "xml"), ("--state", "x"), ("x",), (MISSING, "--user", "anna")):
        ctl("export", "make", *words, code=USAGE)


def test_without_an_entry_no_octet_leaves(world, ctl, tmp_path):
    """[E6]"""
    world.connection.execute("ALTER TABLE chatsession.audit_entries ADD CONSTRAINT no_more CHECK (operator <> '(chatsessionctl)') NOT VALID")
    try:
        assert ctl("export", "make", code=FAILED).stdout == ""
        ctl("export", "make", "--output", tmp_path / "x", code=FAILED)
    finally:
        world.connection.execute("ALTER TABLE chatsession.audit_entries DROP CONSTRAINT no_more")
    assert not (tmp_path / "x").exists()


def test_what_was_exported_comes_back_by_import(world, ctl, make_database, tmp_path):
    """[I6]"""
    path = tmp_path / "all.ndjson"
    ctl("export", "make", "--state", "all", "--output", path)
    other = make_database()
    for name in ("anna", "berta", "otto"):
        other.add_user(name)
    chatsessionctl(other.superuser, "import", str(path), *world.httpd.key)
    again = chatsessionctl(other.superuser, "export", "make", "--state", "all", *world.httpd.key).stdout
    assert again.splitlines()[:-1] == path.read_text().splitlines()[:-1]


# --- docs/command-line.md


def script():
    """The lines of the page's example for cron."""
    return re.search(r"^```sh\n(#!/bin/sh\n.*?)^```$", text("docs/command-line.md"), re.MULTILINE | re.DOTALL).group(1)


def test_the_nightly_script_of_the_page_does_what_it_says(world, tmp_path):
    """Expires what a filter chooses with its count confirmed, runs the rules, verifies the log, keeps the certificates and an export."""
    old = world.thing("anna")
    world.connection.execute("UPDATE chatsession.conversations SET tags = '{draft}', updated_at = '2020-01-01' WHERE id = %s", (old.conversation,))
    kept = tmp_path / "kept"
    kept.mkdir()
    lines = script().replace("/var/backups/chatsession", str(kept)).replace("set -a; . /etc/chatsession/environment; set +a\n", "")
    file = tmp_path / "nightly"
    file.write_text(lines)
    environment = {"PATH": f"{BUILD}:/usr/bin:/bin", "CHATSESSION_DATABASE": world.database.superuser, "CHATSESSION_KEY_FILE": world.httpd.key[1]}
    done = subprocess.run(["/bin/sh", str(file)], env=environment, text=True, capture_output=True, cwd=TREE)
    assert done.returncode == 0, done
    assert world.connection.execute("SELECT trashed_by FROM chatsession.conversations WHERE id = %s", (old.conversation,)).fetchone() == ("operator",)
    assert len(list(kept.glob("*.ndjson.gz"))) == 1 and (kept / "erasures.ndjson").exists()
    again = subprocess.run(["/bin/sh", str(file)], env=environment, text=True, capture_output=True, cwd=TREE)
    assert again.returncode == 0 and len(list(kept.glob("*.ndjson.gz"))) == 1, again
