# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""How long conversations are kept: rules with an order, a count before a rule is saved, runs that survive their workers
(promises I1, I2, I4, I8). Days pass by setting times back in the database."""
import signal

import pytest

from harness.place import wait_until
from harness.postgres import chatsessionctl
from harness.world import World

MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def httpd(make_module_httpd, database):
    """Runs of the rules come only when a test asks for one, and then at once."""
    return make_module_httpd(database.conninfo, lines=["ChatSessionRetentionInterval 30d",
                                                       "ChatSessionSweepInterval 100ms"])


@pytest.fixture(autouse=True)
def empty(world):
    world.release_matters()
    wait_until(lambda: world.connection.execute("SELECT count(*) FROM chatsession.jobs WHERE state = 'running'"
                                                ).fetchone()[0] == 0, "the jobs of the test before to end")
    world.connection.execute("TRUNCATE chatsession.retention_rules")
    world.connection.execute("DELETE FROM chatsession.conversations")
    world.connection.execute("DELETE FROM chatsession.jobs")
    world.connection.execute("INSERT INTO chatsession.jobs (kind, state, created_by, finished_at, grace) VALUES"
                             " ('retention', 'done', '(test)', now(), '1 day')")  # no run by the clock for 30 days


def console(world, name="ada"):
    return world.clients[name].console


def old(world, owner, days, idle=None, pinned=False, tags=()):
    """A conversation begun so many days ago and last changed idle (or as many) days ago."""
    thing = world.thing(owner)
    world.connection.execute(
        "UPDATE chatsession.conversations SET created_at = now() - %s * interval '1 day',"
        " updated_at = now() - %s * interval '1 day', pinned = %s, tags = %s WHERE id = %s",
        (days, days if idle is None else idle, pinned, list(tags), thing.conversation))
    return thing.conversation


def change(world, rule, status=200, confirm=None, **more):
    body = {"rule": rule, "dry_run": confirm is None, **more}
    if confirm is not None:
        body["confirm"] = {"conversations": confirm}
    return console(world).json("POST", "api/retention", status, json=body)


def rule(subject, value, days, clock="age", **more):
    made = {"subject": subject, "clock": clock, "keep_days": days, **more}
    return made if value is None else {**made, "value": value}


def add(world, *given, **more):
    """Save a rule with the count that its preview gives; the rules."""
    made = rule(*given, **more)
    return change(world, made, confirm=change(world, made)["conversations"])["rules"]


def run(world):
    """Run the rules to the end; the job's report."""
    job = console(world, "otto").json("POST", "api/retention/run", 202)["job"]
    return finished(world, job)


def finished(world, job):
    wait_until(lambda: console(world).json("GET", f"api/jobs/{job['id']}", 200)["state"] != "running", "the job's end", 60)
    return console(world).json("GET", f"api/jobs/{job['id']}", 200)


def states(world):
    rows = world.connection.execute("SELECT id::text, coalesce(trashed_by, 'active') FROM chatsession.conversations")
    return dict(rows.fetchall())


def explain(world, conversation, name="ada"):
    return console(world, name).json("GET", f"api/conversations/{conversation}/retention", 200)


def test_the_most_specific_rule_counts_and_of_equals_the_one_that_keeps_longest(world):
    add(world, "everyone", None, 10)
    add(world, "role", "user", 20)
    add(world, "model", "mock", 30)
    add(world, "user", "Anna", 40)
    add(world, "tag", "short", 5)
    rules = add(world, "tag", "long", 50)
    assert [(one["subject"], one["value"]) for one in rules] == [
        ("tag", "long"), ("tag", "short"), ("user", "anna"), ("model", "mock"), ("role", "user"), ("everyone", None)]
    expected = {
        old(world, "otto", 12): "active",                          # model before role and everyone
        old(world, "berta", 25): "active",                         # model before role
        old(world, "berta", 35): "retention",
        old(world, "anna", 35): "active",                          # user before model
        old(world, "anna", 45): "retention",
        old(world, "anna", 6, tags=["short"]): "retention",        # tag before user
        old(world, "anna", 45, tags=["long", "short"]): "active",  # the longer of two tags
        old(world, "anna", 55, tags=["long", "short"]): "retention",
    }
    quiet = old(world, "berta", 25)
    world.connection.execute("UPDATE chatsession.messages SET model = NULL WHERE conversation_id = %s", (quiet,))
    expected[quiet] = "retention"  # no model: the role's 20 days
    report = run(world)
    assert states(world) == expected
    assert (report["kind"], report["state"], report["examined"], report["expired"], report["messages"],
            report["held"], report["progress"]) == ("retention", "done", 9, 5, 10, 0, 1.0)
    first = explain(world, next(iter(expected)))
    assert (first["verdict"], first["rule"]["subject"]) == ("due", "model")
    assert [one["subject"] for one in first["rules"]] == ["model", "everyone"]


def test_age_counts_from_the_beginning_and_idle_from_the_last_change(world):
    add(world, "user", "anna", 30)
    add(world, "user", "berta", 30, clock="idle")
    expected = {old(world, "anna", 31, idle=1): "retention", old(world, "berta", 31, idle=1): "active",
                old(world, "berta", 99, idle=31): "retention", old(world, "otto", 999): "active"}
    run(world)
    assert states(world) == expected


def test_what_is_pinned_or_kept_for_ever_or_held_stays(world):
    add(world, "everyone", None, 10)
    add(world, "tag", "keep", None)
    add(world, "tag", "all", 10, pinned_too=True)
    held, pinned = old(world, "anna", 20), old(world, "anna", 20, pinned=True)
    kept, gone = old(world, "anna", 20, tags=["keep"]), old(world, "anna", 20, pinned=True, tags=["all"])
    trashed, young = world.thing("anna", trashed_by="user").conversation, old(world, "anna", 1)
    matter = console(world).json("POST", "api/matters", 201, json={"name": "m", "reason": "r", "ids": [held]})
    verdicts = {name: explain(world, one)["verdict"] for name, one in dict(
        held=held, pinned=pinned, kept=kept, gone=gone, trashed=trashed, young=young).items()}
    assert verdicts == {"held": "held", "pinned": "pinned", "kept": "kept_for_ever", "gone": "due", "trashed": "trashed",
                        "young": "due"}
    answer = explain(world, held)
    assert answer["holds"] == [{"id": matter["id"], "name": "m"}] and answer["due_at"]
    assert explain(world, held, "vera")["holds"] == 1, "the name of a matter is for those who may read"
    assert explain(world, trashed)["purge_at"]
    report = run(world)
    assert (report["expired"], report["held"]) == (1, 1)
    assert states(world) == {held: "active", pinned: "active", kept: "active", gone: "retention", trashed: "user",
                             young: "active"}
    console(world).json("GET", f"api/conversations/{MISSING}/retention", 404)
    world.connection.execute("TRUNCATE chatsession.retention_rules")
    assert explain(world, young)["verdict"] == "no_rule"


def test_a_rule_is_saved_only_with_the_count_of_what_it_takes(world):
    for days in (5, 15, 25):
        old(world, "anna", days)
    wanted = rule("everyone", None, 10)
    shown = change(world, wanted)
    assert (shown["conversations"], shown["messages"], shown["held"]) == (2, 4, 0) and shown["oldest_at"]
    assert shown["now"]["conversations"] == 0
    assert console(world).json("GET", "api/retention", 200)["rules"] == []
    problem = change(world, wanted, 409, confirm=1)
    assert (problem["error"], problem["conversations"]) == ("count_changed", 2)
    assert console(world).json("GET", "api/retention", 200)["rules"] == []
    saved, = change(world, wanted, confirm=2)["rules"]
    assert (saved["subject"], saved["value"], saved["keep_days"], saved["clock"], saved["pinned_too"],
            saved["changed_by"]) == ("everyone", None, 10, "age", False, "ada")
    assert change(world, wanted, 409, confirm=2)["error"] == "rule_exists"
    longer = rule("everyone", None, 20)
    assert change(world, longer, replaces=saved["id"])["conversations"] == 1
    after, = change(world, longer, confirm=1, replaces=saved["id"])["rules"]
    assert (after["id"], after["keep_days"]) == (saved["id"], 20)
    assert change(world, None, replaces=saved["id"])["conversations"] == 0
    assert change(world, None, confirm=0, replaces=saved["id"])["rules"] == []
    change(world, None, 404, confirm=0, replaces=saved["id"])
    actions = world.connection.execute("SELECT detail FROM chatsession.audit_entries WHERE action = 'retention.change'"
                                       " ORDER BY seq DESC LIMIT 3").fetchall()
    assert [row[0].get("rule", {}).get("keep_days") for row in actions] == [None, 20, 10]


@pytest.mark.parametrize("wrong", [
    rule("nobody", "x", 1), rule("tag", None, 1), rule("everyone", "x", 1), rule("role", "king", 1),
    rule("user", "nobody of that name", 1), rule("tag", "x", 0), rule("tag", "x", 36501), rule("tag", "x", "1"),
    rule("tag", "x", 1, clock="moon"), {"subject": "tag", "value": "x", "clock": "age"}, {}, "x",
    rule("tag", "x", 1, user_id=MISSING)])
def test_a_rule_that_makes_no_sense_is_refused_in_a_sentence(world, wrong):
    before = world.state()
    assert change(world, wrong, 400)["detail"].endswith(".")
    change(world, wrong, 400, confirm=0)
    change(world, None, 400)
    assert world.state() == before


def test_a_conversation_in_which_somebody_writes_at_that_moment_is_left_alone(world, database):
    """[I4]"""
    add(world, "everyone", None, 10, clock="idle")
    one = old(world, "anna", 20)
    writing = database.connect(autocommit=False)
    writing.execute("UPDATE chatsession.conversations SET updated_at = now() WHERE id = %s", (one,))
    job = console(world).json("POST", "api/retention/run", 202)["job"]
    wait_until(lambda: world.connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()[0] == 1, "the run to wait for the writer")
    writing.commit()
    writing.close()
    assert finished(world, job)["expired"] == 0 and states(world) == {one: "active"}


def test_what_a_rule_ended_is_out_of_sight_at_once_not_restored_by_its_owner_and_gone_after_the_grace(
        world, make_httpd, database):
    """[I1]"""
    add(world, "everyone", None, 10)
    one = old(world, "anna", 20)
    assert run(world)["expired"] == 1
    owner = world.clients["anna"]
    assert owner.get("api/conversations").json()["conversations"] == []
    assert owner.post(f"api/conversations/{one}/restore").status_code == 404
    assert console(world).json("POST", "api/conversations/restore", 200, json={"ids": [one]})["conversations"] == 1
    world.connection.execute("UPDATE chatsession.jobs SET created_at = now() - interval '1 day'")
    server = make_httpd(database.conninfo, lines=["ChatSessionTrashGrace 0ms", "ChatSessionSweepInterval 100ms",
                                                  "ChatSessionRetentionInterval 1s"])
    assert server.url
    wait_until(lambda: states(world) == {}, "a run by the clock and the purge", 30)
    wait_until(lambda: len(console(world).json("GET", "api/jobs?kind=retention", 200)["jobs"]) >= 3,
               "more runs by the clock", 30)
    assert "(sweep)" in {job["created_by"] for job in console(world).json("GET", "api/jobs", 200)["jobs"]}


def test_runs_are_told_of_and_there_is_one_at_a_time(world):
    assert console(world).json("POST", "api/retention/run", 409)["error"] == "nothing_to_run"
    add(world, "tag", "x", 10)
    world.connection.execute("INSERT INTO chatsession.jobs (kind, created_by, grace, created_at, updated_at) VALUES"
                             " ('retention', 'x', '1 day', now(), 'infinity')")
    world.connection.execute("UPDATE chatsession.jobs SET state = 'done', finished_at = now() WHERE created_by = 'x'")
    run(world)
    shown = console(world, "vera").json("GET", "api/retention", 200)
    assert shown["last_run"]["created_by"] == "otto" and shown["next_run_at"] > shown["last_run"]["created_at"]
    overview = console(world, "vera").json("GET", "api/overview", 200)
    assert overview["last_retention_at"] == shown["last_run"]["created_at"] and overview["next_retention_at"]


def test_the_command_line_runs_the_rules_to_their_end(world, database):
    add(world, "everyone", None, 10)
    one, two = old(world, "anna", 20), old(world, "anna", 5)
    listed = chatsessionctl(database.superuser, "retention", "list").stdout
    assert "everyone" in listed and "10 days" in listed
    result = chatsessionctl(database.superuser, "retention", "run", "--grace", "7d")
    assert result.stdout == "1 conversations (2 messages) expired; 0 left alone because they are on hold\n"
    assert states(world) == {one: "retention", two: "active"}
    assert world.connection.execute("SELECT purge_at - trashed_at = interval '7 days' FROM chatsession.conversations"
                                    " WHERE id = %s", (one,)).fetchone()[0]
    jobs = chatsessionctl(database.superuser, "job", "list").stdout
    assert "(chatsessionctl)" in jobs and "done" in jobs


# --- expiry as a job


def many(world, owner, count, title="t"):
    world.connection.execute(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, title, message_count)"
        "  SELECT %s, %s, 1 FROM generate_series(1, %s) RETURNING id)"
        " INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        " SELECT id, 1, 'user', 'complete', 'needle' FROM c", (world.ids[owner], title, count))


def expire(world, status=202, name="otto", **body):
    return console(world, name).json("POST", "api/conversations/expire", status, json={"dry_run": False, **body})


def test_many_are_expired_by_a_job_and_few_at_once(world):
    many(world, "anna", 2500)
    other = world.thing("berta").conversation
    job = expire(world, filter={"user": "anna", "q": "needle"}, confirm={"conversations": 2500})["job"]
    assert (job["kind"], job["expected"], job["created_by"]) == ("expire", 2500, "otto")
    assert job["filter"] == {"user": "anna"}, "what was searched for is shown to nobody"
    done = finished(world, job)
    assert (done["state"], done["expired"], done["messages"], done["held"]) == ("done", 2500, 2500, 0)
    assert set(states(world).values()) == {"operator", "active"} and states(world)[other] == "active"
    assert world.connection.execute("SELECT count(*) FROM chatsession.jobs WHERE filter::text LIKE '%needle%'"
                                    ).fetchone()[0] == 0
    few = expire(world, 200, ids=[other], confirm={"conversations": 1})
    assert few["purge_at"] and states(world)[other] == "operator"
    entry = world.connection.execute("SELECT detail FROM chatsession.audit_entries WHERE action = 'conversation.expire'"
                                     " ORDER BY seq DESC LIMIT 2").fetchall()[1][0]
    assert (entry["job"], entry["conversations"]) == (job["id"], 2500)


def test_a_job_begins_only_with_the_count_that_was_shown(world):
    """[E8]"""
    world.thing("anna")
    problem = expire(world, 409, filter={}, job=True, confirm={"conversations": 2})
    assert (problem["error"], problem["conversations"]) == ("count_changed", 1)
    assert console(world).json("GET", "api/jobs?kind=expire", 200)["jobs"] == []


def test_a_job_leaves_alone_what_is_held_or_was_changed_since(world, database):
    things = [world.thing("anna").conversation for _ in range(4)]
    blocker = database.connect(autocommit=False)
    blocker.execute("LOCK TABLE chatsession.jobs IN SHARE ROW EXCLUSIVE MODE")
    blocker.rollback()
    hold = console(world).json("POST", "api/matters", 201, json={"name": "h", "reason": "r", "ids": [things[0]]})
    assert hold
    world.connection.execute("UPDATE chatsession.conversations SET updated_at = now() + interval '1 hour' WHERE id = %s",
                             (things[1],))
    blocker.close()
    done = finished(world, expire(world, filter={"user": "anna"}, job=True, confirm={"conversations": 3})["job"])
    assert (done["expired"], done["held"]) == (2, 1)
    assert [states(world)[one] for one in things] == ["active", "active", "operator", "operator"]


def test_a_job_is_cancelled_between_two_batches(world, make_httpd, database):
    job = world.connection.execute(
        "INSERT INTO chatsession.jobs (kind, created_by, grace, filter, expected) VALUES"
        " ('expire', 'otto', '1 day', '{\"user\": \"nobody at all\"}', 0) RETURNING id::text").fetchone()[0]
    answer = console(world, "otto").json("POST", f"api/jobs/{job}/cancel", 200)
    assert answer["state"] in ("cancelled", "done")
    stopped = world.connection.execute(
        "INSERT INTO chatsession.jobs (kind, created_by, grace, filter, expected, state, cancelled_by, finished_at) VALUES"
        " ('expire', 'otto', '1 day', '{}', 0, 'cancelled', 'otto', now()) RETURNING id::text").fetchone()[0]
    one = world.thing("anna").conversation
    done = finished(world, expire(world, filter={"user": "berta"}, job=True, confirm={"conversations": 0})["job"])
    assert done["state"] == "done" and states(world) == {one: "active"}, "a cancelled job goes on with nothing"
    assert console(world, "otto").json("POST", f"api/jobs/{stopped}/cancel", 200)["state"] == "cancelled"
    console(world, "otto").json("POST", f"api/jobs/{MISSING}/cancel", 404)


def test_a_job_survives_the_kill_of_every_worker(make_httpd, make_database):
    """[I8] what was done stays done, the rest is done by whoever comes next, nothing twice"""
    database = make_database()
    server = make_httpd(database.conninfo, lines=["ChatSessionSweepInterval 100ms"], children=2)
    world = World(server, database)
    try:
        many(world, "anna", 60000)
        job = expire(world, filter={"user": "anna"}, confirm={"conversations": 60000})["job"]

        def expired():
            return world.connection.execute("SELECT expired FROM chatsession.jobs").fetchone()[0]

        kills, seen = 0, 0
        while kills < 3 and expired() < 55000:
            wait_until(lambda: expired() > seen, "a batch", 30)  # noqa: B023  (called at once)
            seen = expired()
            for child in server.children:
                server.kill_child(child, signal.SIGKILL)
            kills += 1
        assert kills, "the job was over before its workers were killed"
        done = finished(world, job)
        assert (done["state"], done["expired"], done["messages"]) == ("done", 60000, 60000)
        assert world.connection.execute("SELECT count(*) FROM chatsession.conversations WHERE trashed_by = 'operator'"
                                        ).fetchone()[0] == 60000
    finally:
        world.close()


def test_chat_goes_on_while_a_job_works(world):
    """[I2] a batch holds its locks only as long as one statement"""
    many(world, "berta", 20000)
    job = expire(world, filter={"user": "berta"}, confirm={"conversations": 20000})["job"]
    turns = 0
    client = world.clients["anna"]
    conversation = client.new_conversation()
    while console(world).json("GET", f"api/jobs/{job['id']}", 200)["state"] == "running":
        assert client.turn(conversation, "hello").done["status"] == "complete"
        turns += 1
    assert turns > 0 and finished(world, job)["expired"] == 20000


def test_two_workers_at_one_job_do_each_conversation_once(world, database):
    """[I2]"""
    many(world, "anna", 5000)
    add(world, "role", "viewer", 1)
    world.connection.execute("UPDATE chatsession.conversations SET created_at = now() - interval '9 days'")
    shown = change(world, rule("everyone", None, 2))
    assert shown["conversations"] == 5000
    change(world, rule("everyone", None, 2), confirm=5000)
    result = chatsessionctl(database.superuser, "retention", "run")
    assert result.stdout.startswith("5000 conversations (5000 messages) expired; 0 ")
    assert set(states(world).values()) == {"retention"}
