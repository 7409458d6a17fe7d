# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl over the life of conversations: found, read, expired, brought back, purged, tagged, held, kept by rules; each as the
console does it, with its entry in the audit log and an exit code that a script can tell."""
import json
import uuid

import pytest
from harness.postgres import chatsessionctl

DONE, FAILED, USAGE, ABSENT, HELD, CHANGED = range(6)
WHO = "(chatsessionctl)"
MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def empty(world):
    """No test sees what another made."""
    world.release_matters()
    for table in ("conversations", "retention_rules", "jobs", "views"):
        world.connection.execute(f"DELETE FROM chatsession.{table}")
    world.before = world.connection.execute("SELECT coalesce(max(seq), 0) FROM chatsession.audit_entries").fetchone()[0]


@pytest.fixture
def ctl(world):
    """ctl(*words): what it printed; code: the exit code that is expected."""
    def run(*words, code=DONE):
        result = chatsessionctl(world.database.superuser, *map(str, words), *world.httpd.key, check=False)
        assert result.returncode == code, result
        assert code == DONE or (result.stderr.startswith("chatsessionctl: ") and result.stdout == ""), result
        run.said = result.stderr
        return result.stdout

    return run


@pytest.fixture
def look(world):
    """look(*words): the JSON of a command that takes no key."""
    def run(*words):
        return json.loads(chatsessionctl(world.database.superuser, *map(str, words), "--json").stdout)

    return run


def entries(world):
    """What the command line recorded in this test, oldest first: (action, conversation, reason, detail)."""
    return world.connection.execute("SELECT action, conversation_id::text, reason, detail FROM chatsession.audit_entries"
                                    " WHERE seq > %s AND operator = %s ORDER BY seq", (world.before, WHO)).fetchall()


def state(world, thing):
    return world.connection.execute("SELECT CASE WHEN trashed_at IS NULL THEN 'active' ELSE trashed_by END"
                                    " FROM chatsession.conversations WHERE id = %s", (thing.conversation,)).fetchone()


def listed(ctl, *words):
    return [row["id"] for row in json.loads(ctl("conversation", "list", *words, "--json"))["conversations"]]


# --- finding and reading


def test_the_list_has_the_filters_and_orders_of_the_console(world, ctl):
    first, second, third = world.thing("anna", title="b"), world.thing("berta", title="a"), world.thing("anna", "user", title="c")
    world.connection.execute("UPDATE chatsession.conversations SET tags = '{blue}', pinned = true WHERE id = %s", (second.conversation,))
    ids = [thing.conversation for thing in (first, second, third)]
    assert listed(ctl) == [ids[1], ids[0]] and listed(ctl, "--order", "asc") == ids[:2]
    assert listed(ctl, "--sort", "title") == [ids[1], ids[0]] and listed(ctl, "--state", "all", "--sort", "title", "--order", "desc") == \
        [ids[2], ids[0], ids[1]]
    assert listed(ctl, "--user", "ANNA") == [ids[0]] and listed(ctl, "--tag", "blue") == [ids[1]]
    assert listed(ctl, "--state", "trashed") == [ids[2]] and listed(ctl, "--state", "pinned") == [ids[1]]
    assert listed(ctl, "--min-messages", 3) == [] and listed(ctl, "--model", "mock", "--max-messages", 2, "--user", "berta") == [ids[1]]
    assert listed(ctl, "--from", "2001-01-01", "--to", "2002-01-01") == []
    assert [row[0] for row in entries(world)] == [], "a list of metadata is not recorded"


def test_a_page_says_where_the_next_one_begins(world, ctl):
    things = [world.thing("anna").conversation for _ in range(3)]
    page = json.loads(ctl("conversation", "list", "--limit", 2, "--json"))
    assert f"--after {page['next']}" in ctl.said
    assert [row["id"] for row in page["conversations"]] + listed(ctl, "--after", page["next"]) == things[::-1]
    ctl("conversation", "list", "--after", "nothing", code=USAGE)


@pytest.mark.parametrize("words", [("--state", "gone"), ("--from", "yesterday"), ("--min-messages", "x"), ("--matter", "x"), ("--sort", "x"),
                                   ("--order", "x"), ("--limit", "0"), ("--limit", "10001"), ("--feedback", "x"), ("--status", "x"),
                                   ("--sort", "title", "--metadata")])
def test_a_wrong_filter_is_wrong_usage(ctl, words):
    ctl("conversation", "list", *words, code=USAGE)


def test_a_search_finds_and_is_recorded_without_its_words(world, ctl):
    """[E6]"""
    found = world.thing("anna", question="the zeppelin landed")
    world.thing("berta", question="nothing of it")
    assert listed(ctl, "--query", "zeppelin") == [found.conversation]
    assert entries(world) == [("conversation.search", None, None, {"text_search": True})]


def test_a_table_is_for_people_and_moves_no_cursor(world, ctl):
    """[F5]"""
    world.thing("anna", title="evil\x1b[2J\x9b title")
    head, row = ctl("conversation", "list").splitlines()
    assert head.split() == ["ID", "CHANGED", "MESSAGES", "STATE", "HELD", "USER", "TITLE"]
    assert row.endswith("anna  evil?[2J?? title") and head.index("TITLE") == row.index("evil")


def test_a_transcript_is_read_only_with_an_entry(world, ctl):
    """[E6] as over HTTP, with the reason that was given; metadata alone is told apart"""
    thing = world.thing("anna", title="Tides", question="why?\nand when?", answer="the moon\x1b[2J")
    shown = ctl("conversation", "show", thing.conversation, "--reason", "case 12")
    assert "title     Tides\n" in shown and "\n    why?\n    and when?\n" in shown and "\n    the moon?[2J\n" in shown
    bare = json.loads(ctl("conversation", "show", thing.conversation, "--metadata", "--json"))
    assert bare["title"] is None and [message["content"] for message in bare["messages"]] == [None, None]
    assert entries(world) == [("conversation.read", thing.conversation, "case 12", {}),
                              ("conversation.inspect", thing.conversation, None, {})]
    ctl("conversation", "show", MISSING, "--metadata", code=ABSENT)
    for words in (("x", "--metadata"), (thing.conversation,), (thing.conversation, "--reason", " \u3000"), (thing.conversation, "--reason", "x" * 1001)):
        ctl("conversation", "show", *words, code=USAGE)
    assert world.clients["aude"].console.json("GET", "api/audit/verify", 200)["ok"] is True


def test_without_an_entry_nothing_is_shown(world, ctl):
    """[E6] audit failure: no data"""
    thing = world.thing("anna", title="Tides", question="zeppelin")
    world.connection.execute("ALTER TABLE chatsession.audit_entries ADD CONSTRAINT no_more CHECK (operator <> '(chatsessionctl)') NOT VALID")
    try:
        for words in (("conversation", "show", thing.conversation, "--reason", "x"), ("conversation", "list", "--query", "zeppelin"), ("feedback", "list"),
                      ("audit", "export"), ("user", "archive", "anna"),
                      ("conversation", "expire", "--query", "zeppelin")):
            ctl(*words, code=FAILED)
    finally:
        world.connection.execute("ALTER TABLE chatsession.audit_entries DROP CONSTRAINT no_more")


# --- expiring, restoring, purging


def test_nothing_is_expired_before_its_number_was_confirmed(world, ctl):
    """[E8] the count shown is the count that goes; a count that changed changes nothing"""
    things = [world.thing("anna") for _ in range(3)]
    assert ctl("conversation", "expire", "--user", "anna") == ctl("conversation", "expire", "--user", "anna", "--dry-run") == \
        "would expire: 3 conversations, 6 messages\n"
    assert "--confirm 3" in ctl.said
    assert "would expire" in ctl("conversation", "expire", "--user", "anna", "--dry-run", "--confirm", 3), "a dry run wins"
    things.append(world.thing("anna"))
    ctl("conversation", "expire", "--user", "anna", "--confirm", 3, code=CHANGED)
    assert "there are 4 conversations (8 messages" in ctl.said
    assert [state(world, thing) for thing in things] == [("active",)] * 4 and entries(world) == []
    done = json.loads(ctl("conversation", "expire", "--user", "anna", "--confirm", 4, "--grace", "1d", "--reason", "asked", "--json"))
    assert (done["conversations"], done["messages"], done["held"]) == (4, 8, 0) and done["purge_at"].endswith("Z")
    assert [state(world, thing) for thing in things] == [("operator",)] * 4
    assert entries(world) == [("conversation.expire", None, "asked", {"user": "anna", "text_search": False, "conversations": 4})]


def test_ids_or_a_filter_and_never_everything_by_mistake(world, ctl):
    thing, other = world.thing("anna"), world.thing("anna")
    for words in ((), (thing.conversation, "--user", "anna"), ("--confirm", "2"), ("--user", "anna", "--confirm", "all"), ("x",),
                  ("--query", "", "--confirm", "2"), ("--user", "", "--confirm", "2"), ("--tag", "")):
        ctl("conversation", "expire", *words, code=USAGE)
    ctl("conversation", "expire", thing.conversation, MISSING, "--confirm", 1)
    assert state(world, thing) == ("operator",) and state(world, other) == ("active",)
    ctl("conversation", "expire", thing.conversation, "--confirm", 1, code=ABSENT)
    ctl("conversation", "expire", MISSING, code=ABSENT)
    assert ctl("conversation", "expire", "--state", "active", "--confirm", 1).startswith("expired: 1 conversation, 2 messages; to be purged at ")


def test_what_a_matter_holds_is_left_alone_and_told(world, ctl):
    """[I4]"""
    held, free = world.thing("anna"), world.thing("berta")
    ctl("hold", "open", "M", "--reason", "a letter", "--custodian", "anna")
    assert ctl("conversation", "expire", "--state", "active") == "would expire: 1 conversation, 2 messages; on hold and left alone: 1\n"
    ctl("conversation", "expire", held.conversation, code=HELD)
    ctl("conversation", "expire", held.conversation, "--confirm", 1, code=HELD)
    assert "on hold and left alone: 1" in ctl("conversation", "expire", held.conversation, free.conversation, "--confirm", 1)
    assert state(world, held) == ("active",)


def test_many_go_by_a_job_that_is_done_here_or_left_to_httpd(world, ctl, look):
    world.connection.execute("INSERT INTO chatsession.conversations (user_id, title) SELECT %s, n::text FROM generate_series(1, 1001) n",
                             (world.ids["anna"],))
    assert ctl("conversation", "expire", "--user", "anna", "--confirm", 1001).startswith("expired: 1001 conversations, 0 messages")
    [job] = look("job", "list")["jobs"]
    assert (job["state"], job["expired"], job["created_by"]) == ("done", 1001, WHO)
    thing = world.thing("berta")
    identifier = ctl("conversation", "expire", thing.conversation, "--confirm", 1, "--job").split()[1]
    assert look("job", "show", identifier)["kind"] == "expire"
    chatsessionctl(world.database.superuser, "sweep")
    assert look("job", "show", identifier)["state"] == "done" and state(world, thing) == ("operator",)
    assert [row[0] for row in entries(world)] == ["conversation.expire"] * 2
    ctl("conversation", "expire", thing.conversation, "--confirm", 1, "--job", code=CHANGED)


def test_a_job_is_cancelled_once(make_database):
    """On a database of its own, where no sweep is quicker."""
    database = make_database()

    def run(*words):
        return chatsessionctl(database.superuser, *words, check=False)

    database.add_user("anna")
    database.rows("INSERT INTO chatsession.conversations (user_id, title) SELECT id, 'x' FROM chatsession.users")
    identifier = run("conversation", "expire", "--user", "anna", "--confirm", "1", "--job").stdout.split()[1]
    assert "running" in run("job", "show", identifier).stdout
    for _ in range(2):
        assert "cancelled by  (chatsessionctl)\n" in run("job", "cancel", identifier).stdout
    assert "0 conversations purged" in run("sweep").stdout
    assert database.rows("SELECT state, expired FROM chatsession.jobs") == [("cancelled", 0)]
    assert database.rows("SELECT action FROM chatsession.audit_entries ORDER BY seq") == [("conversation.expire",), ("job.cancel",)]
    for verb in ("show", "cancel"):
        assert run("job", verb, MISSING).returncode == ABSENT and run("job", verb, "x").returncode == USAGE
    assert run("job", "list", "--kind", "x").returncode == USAGE


def test_what_was_expired_comes_back(world, ctl):
    thing, there = world.thing("anna", "operator"), world.thing("anna")
    assert ctl("conversation", "restore", thing.conversation, there.conversation) == "restored: 1 conversation, 2 messages\n"
    assert state(world, thing) == ("active",)
    assert entries(world) == [("conversation.restore", None, None, {"ids": [thing.conversation, there.conversation]})]
    ctl("conversation", "restore", MISSING, code=ABSENT)
    ctl("conversation", "restore", code=USAGE)


def test_only_the_trash_is_purged_and_only_when_counted(world, ctl):
    """[I1] [E8]"""
    gone, kept, held = world.thing("anna", "operator"), world.thing("anna"), world.thing("berta", "user")
    world.connection.execute("INSERT INTO chatsession.matter_conversations (matter_id, conversation_id, added_by) VALUES (%s, %s, 'x')",
                             (world.matter(), held.conversation))
    ids = [thing.conversation for thing in (gone, kept, held)]
    assert ctl("conversation", "purge", *ids) == "would purge: 1 conversation, 2 messages; on hold and left alone: 1\n"
    assert "--confirm 1" in ctl.said
    ctl("conversation", "purge", *ids, "--confirm", 2, code=CHANGED)
    ctl("conversation", "purge", kept.conversation, "--confirm", 1, code=ABSENT)
    ctl("conversation", "purge", held.conversation, "--confirm", 1, code=HELD)
    assert entries(world) == [] and state(world, gone) == ("operator",)
    ctl("conversation", "purge", *ids, "--confirm", 1, "--reason", "asked")
    assert [state(world, thing) for thing in (gone, kept, held)] == [None, ("active",), ("user",)]
    assert world.connection.execute("SELECT count(*) FROM chatsession.messages WHERE conversation_id = %s", (gone.conversation,)).fetchone()[0] == 0
    assert entries(world) == [("conversation.purge", None, "asked", {"ids": ids})]
    ctl("conversation", "purge", "--confirm", 1, code=USAGE)


def test_tags_are_put_on_and_taken_off(world, ctl, look):
    thing = world.thing("anna")

    def tags():
        return world.connection.execute("SELECT tags FROM chatsession.conversations WHERE id = %s", (thing.conversation,)).fetchone()[0]

    ctl("conversation", "tag", thing.conversation, "--add", "blue", "--add", "日本", "--remove", "red")
    ctl("conversation", "tag", thing.conversation, "--remove", "blue")
    assert tags() == ["日本"]
    assert entries(world)[0][3] == {"ids": [thing.conversation], "add": ["blue", "日本"], "remove": ["red"]}
    for words in ((thing.conversation,), ("--add", "x"), (thing.conversation, "--add", ""), (thing.conversation, "--add", "a,b"),
                  (thing.conversation, "--add", "x" * 51)):
        ctl("conversation", "tag", *words, code=USAGE)
    ctl("conversation", "tag", thing.conversation, *(word for n in range(21) for word in ("--add", f"t{n}")), code=FAILED)
    assert tags() == ["日本"] and len(entries(world)) == 2
    ctl("conversation", "tag", MISSING, "--add", "x", code=ABSENT)


# --- holding


def test_a_matter_is_opened_added_to_shown_and_released(world, ctl, look):
    mine, other, more = world.thing("anna"), world.thing("berta"), world.thing("otto")
    matter = json.loads(ctl("hold", "open", "Tanaka", "--reason", "letter", "--custodian", "ANNA", "--query", "question", "--user", "berta", "--json"))
    assert (matter["users"], [row["id"] for row in matter["held"]], matter["created_by"]) == (["anna"], [other.conversation], WHO)
    ctl("hold", "add", matter["id"], more.conversation)
    ctl("hold", "add", matter["id"], "--custodian", "berta")
    shown = look("hold", "show", matter["id"])
    assert shown["users"] == ["anna", "berta"] and {row["id"] for row in shown["held"]} == {other.conversation, more.conversation}
    assert [row["name"] for row in look("hold", "list")["matters"]] == ["Tanaka"]
    ctl("conversation", "expire", mine.conversation, "--confirm", 1, code=HELD)
    ctl("hold", "release", matter["id"], code=USAGE)
    ctl("hold", "release", matter["id"], "--reason", "settled")
    ctl("hold", "release", matter["id"], "--reason", "again", code=FAILED)
    ctl("hold", "add", matter["id"], mine.conversation, code=FAILED)
    assert look("hold", "list")["matters"] == [] and matter["id"] in [row["id"] for row in look("hold", "list", "--all")["matters"]]
    ctl("conversation", "expire", mine.conversation, "--confirm", 1)
    assert [(row[0], row[2]) for row in entries(world)] == [
        ("matter.create", "letter"), ("matter.hold", None), ("matter.hold", None), ("matter.release", "settled"), ("conversation.expire", None)]


def test_a_matter_that_cannot_be_is_refused(world, ctl):
    thing = world.thing("anna")
    ctl("hold", "open", "X", code=USAGE)
    ctl("hold", "open", "X", "--reason", "r", "--custodian", "nobody at all", code=ABSENT)
    ctl("hold", "open", "X", "--reason", "r")
    ctl("hold", "open", "X", "--reason", "r", code=FAILED)
    for words in (("release", MISSING, "--reason", "r"), ("add", MISSING, thing.conversation)):
        ctl("hold", *words, code=ABSENT)
    assert chatsessionctl(world.database.superuser, "hold", "show", MISSING, check=False).returncode == ABSENT
    for words in (("add", MISSING), ("add",), ("add", "x", thing.conversation), ("open", "Y", "--reason", "r", "--state", "x")):
        ctl("hold", *words, code=USAGE)


# --- rules


def test_a_rule_is_previewed_counted_added_changed_and_removed(world, ctl, look):
    """[E8]"""
    world.put_off_retention()
    old = world.thing("anna")
    world.connection.execute("UPDATE chatsession.conversations SET created_at = now() - interval '90 days', updated_at = now() - interval '90 days'"
                             " WHERE id = %s", (old.conversation,))
    rule = ("user", "ANNA", "--keep", 30)
    preview = json.loads(ctl("retention", "add", *rule, "--json"))
    assert (preview["conversations"], preview["messages"], preview["now"]["conversations"]) == (1, 2, 0)
    assert "--confirm 1" in ctl.said and "a run would expire 1 conversation, 2 messages" in ctl("retention", "add", *rule, "--dry-run")
    ctl("retention", "add", *rule, "--confirm", 0, code=CHANGED)
    assert look("retention", "list") == {"rules": []}
    ctl("retention", "add", *rule, "--confirm", 1)
    [made] = look("retention", "list")["rules"]
    assert (made["subject"], made["value"], made["clock"], made["keep_days"], made["pinned_too"]) == ("user", "anna", "idle", 30, False)
    ctl("retention", "add", *rule, "--confirm", 1, code=FAILED)
    assert look("retention", "explain", old.conversation)["verdict"] == "due"
    assert "30 days of idle" in chatsessionctl(world.database.superuser, "retention", "explain", old.conversation).stdout
    ctl("retention", "change", made["id"], "user", "anna", "--keep", "forever", "--clock", "age", "--confirm", 0)
    assert "for ever" in chatsessionctl(world.database.superuser, "retention", "list").stdout and look("retention", "explain", old.conversation)["verdict"] == "kept_for_ever"
    ctl("retention", "change", MISSING, "everyone", "--keep", "forever", "--confirm", 0, code=ABSENT)
    ctl("retention", "remove", made["id"], "--confirm", 0)
    ctl("retention", "remove", made["id"], "--confirm", 0, code=ABSENT)
    assert look("retention", "list") == {"rules": []} and [row[0] for row in entries(world)] == ["retention.change"] * 3
    assert chatsessionctl(world.database.superuser, "retention", "explain", MISSING, check=False).returncode == ABSENT


@pytest.mark.parametrize("words", [("add",), ("add", "tag", "--keep", "1"), ("add", "everyone", "x", "--keep", "1"), ("add", "moon", "x", "--keep", "1"),
                                   ("add", "role", "god", "--keep", "1"), ("add", "everyone"), ("add", "everyone", "--keep", "0"),
                                   ("add", "everyone", "--keep", "36501"), ("add", "everyone", "--keep", "1", "--clock", "sun"),
                                   ("add", "everyone", "--keep", "1", "--confirm", "x"), ("change", "everyone", "--keep", "1"),
                                   ("change", MISSING, "--keep", "1"), ("remove", "x", "--confirm", "0")])
def test_what_is_no_rule_is_wrong_usage(ctl, look, words):
    ctl("retention", *words, code=USAGE)
    assert look("retention", "list") == {"rules": []}


def test_a_rule_for_nobody_is_refused(ctl):
    ctl("retention", "add", "user", "nobody at all", "--keep", 1, "--confirm", 0, code=ABSENT)


def test_a_run_is_recorded_where_the_key_is_given_and_listed_always(world, ctl, look):
    world.make_retention_idle()
    dry = ("retention", "run", "--dry-run")
    assert "a run would expire 0 conversations, 0 messages; 0 more are on hold\n" == chatsessionctl(world.database.superuser, *dry).stdout
    assert look(*dry)["conversations"] == 0 and entries(world) == []
    ctl("retention", "run")
    chatsessionctl(world.database.superuser, "retention", "run")
    assert [row[0] for row in entries(world)] == ["retention.run"]
    assert [job["created_by"] for job in look("job", "list", "--kind", "retention")["jobs"]][:2] == [WHO, WHO]


# --- what operators did, what users said, lists


def test_the_audit_log_is_found_by_its_filters_and_taken_along(world, ctl, look):
    """[E6] [L2]"""
    thing = world.thing("anna")
    ctl("conversation", "show", thing.conversation, "--reason", "case 7")
    world.clients["aude"].console.json("GET", f"api/conversations/{thing.conversation}?reason=x", 200)

    def found(*words):
        return [(row["operator"], row["action"]) for row in look("audit", "list", *words)["entries"]]

    here = ("--conversation", thing.conversation)
    assert found(*here) == [("aude", "conversation.read"), (WHO, "conversation.read")]
    assert found(*here, "--operator", "aude") == [("aude", "conversation.read")] and found(*here, "--action", "conversation") == found(*here)
    assert found(*here, "--action", "user") == [] and found(*here, "--to", "2001-01-01") == [] and len(found(*here, "--from", "2001-01-01")) == 2
    page = look("audit", "list", *here, "--limit", 1)
    assert look("audit", "list", *here, "--after", page["next"])["entries"][0]["operator"] == WHO
    for words in (("--from", "x"), ("--conversation", "x"), ("--after", "x"), ("--after", "0")):
        assert chatsessionctl(world.database.superuser, "audit", "list", *words, check=False).returncode == USAGE
    lines = [json.loads(line) for line in ctl("audit", "export", *here).splitlines()]
    assert [line["operator"] for line in lines] == [WHO, "aude"] and all(line["seal"] for line in lines)
    assert entries(world)[-1][0] == "audit.export"
    assert json.loads(ctl("audit", "verify", "--json"))["ok"] is True
    assert "case 7" in chatsessionctl(world.database.superuser, "audit", "list", *here).stdout


def test_feedback_is_reviewed_with_an_entry(world, ctl):
    """[E6]"""
    thing = world.thing("anna")
    world.connection.execute("INSERT INTO chatsession.feedback (message_id, rating, comment) VALUES (%s, -1, 'wrong')", (thing.answer,))
    [said] = json.loads(ctl("feedback", "list", "--feedback", "down", "--user", "anna", "--json"))["feedback"]
    assert (said["rating"], said["comment"]) == (-1, "wrong")
    assert "wrong" in ctl("feedback", "list") and "wrong" not in ctl("feedback", "list", "--feedback", "up")
    ctl("feedback", "list", "--feedback", "x", code=USAGE)
    ctl("feedback", "list", "--after", "x", code=USAGE)
    assert [row[0] for row in entries(world)] == ["feedback.read"] * 3
    assert world.connection.execute("SELECT target_user FROM chatsession.audit_entries WHERE seq > %s ORDER BY seq LIMIT 1",
                                    (world.before,)).fetchone() == ("anna",)


def test_lists_are_saved_for_an_operator_and_recorded(world, ctl, look):
    saved = json.loads(ctl("view", "save", "errors", "--user", "otto", "--list", "status=error", "--shared"))
    assert (saved["name"], saved["query"], saved["shared"], saved["user"]) == ("errors", "status=error", True, "otto")
    assert [view["name"] for view in look("view", "list", "--user", "aude")["views"]] == ["errors"]
    assert world.clients["otto"].console.json("GET", "api/views", 200)["views"][0]["own"] is True
    ctl("view", "delete", saved["id"], "--user", "aude", code=ABSENT)
    ctl("view", "delete", saved["id"], "--user", "otto")
    ctl("view", "delete", saved["id"], "--user", "otto", code=ABSENT)
    assert [row[0] for row in entries(world)] == ["view.save", "view.delete"]
    for words in (("save", "", "--user", "otto", "--list", "x"), ("save", "x" * 101, "--user", "otto", "--list", "x"),
                  ("save", "x", "--user", "otto"), ("save", "x", "--list", "x"), ("list",)):
        assert chatsessionctl(world.database.superuser, "view", *words, check=False).returncode == USAGE
    ctl("view", "save", "x", "--user", "nobody at all", "--list", "x", code=ABSENT)


def test_the_overview_says_what_the_database_knows(world, look):
    thing = world.thing("anna")
    shown = look("overview")
    assert shown["conversations"]["active"] == 1 and shown["open_matters"] == 0, thing
    assert set(shown) <= set(world.clients["vera"].console.json("GET", "api/overview", 200))
    table = chatsessionctl(world.database.superuser, "overview").stdout
    assert "open_matters              0\n" in table


def test_a_certificate_of_an_erasure_is_shown(world, ctl):
    user = world.erased()
    result = chatsessionctl(world.database.superuser, "erasure", "show", user)
    assert json.loads(result.stdout)["user_id"] == user
    assert chatsessionctl(world.database.superuser, "erasure", "show", str(uuid.uuid4()), check=False).returncode == ABSENT
