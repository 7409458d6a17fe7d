# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What a matter holds stays, whoever wants it gone and however: expiry, trash, purge, erasure, a hand in psql. The schema
keeps it (promises I3, I4); the console makes matters and says what they hold."""
import threading

import psycopg
import pytest

from harness.client import Client
from harness.place import wait_until

MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def empty(world):
    """No test sees the holds of another."""
    world.release_matters()
    world.connection.execute("DELETE FROM chatsession.conversations")


def console(world, name="otto"):
    return world.clients[name].console


def hold(world, name="Tanaka v. Acme", **what):
    return console(world).json("POST", "api/matters", 201, json={"name": name, "reason": "letter of 3 May", **what})


def release(world, matter, status=200):
    return console(world).json("POST", f"api/matters/{matter['id']}/release", status, json={"reason": "settled"})


def expire(world, status=200, **body):
    return console(world).json("POST", "api/conversations/expire", status, json=body)


def exists(world, conversation):
    return world.connection.execute("SELECT count(*) FROM chatsession.messages WHERE conversation_id = %s",
                                    (conversation,)).fetchone()[0]


def test_a_matter_holds_users_and_single_conversations(world):
    annas, bertas, other = world.thing("anna"), world.thing("berta"), world.thing("otto")
    matter = hold(world, users=["ANNA"], ids=[bertas.conversation])
    assert (matter["name"], matter["reason"], matter["created_by"], matter["released_at"]) == (
        "Tanaka v. Acme", "letter of 3 May", "otto", None)
    assert (matter["users"], matter["held"], matter["custodians"], matter["conversations"]) == (
        ["anna"], [{"id": bertas.conversation, "user": "berta"}], 1, 1)
    rows = {row["id"]: row["held"] for row in console(world).json("GET", "api/conversations", 200)["conversations"]}
    assert rows == {annas.conversation: True, bertas.conversation: True, other.conversation: False}
    held = console(world).json("GET", "api/conversations?state=held", 200)["conversations"]
    assert {row["id"] for row in held} == {annas.conversation, bertas.conversation}
    of_matter = console(world).json("GET", f"api/conversations?state=all&matter={matter['id']}", 200)["conversations"]
    assert {row["id"] for row in of_matter} == {annas.conversation, bertas.conversation}
    assert console(world).json("GET", f"api/conversations/{annas.conversation}", 200)["held"] is True
    assert console(world).json("GET", "api/overview", 200)["open_matters"] == 1


def test_what_is_held_is_counted_and_left_out_of_an_expiry(world):
    kept, gone = world.thing("anna"), world.thing("anna")
    hold(world, ids=[kept.conversation])
    assert expire(world, filter={"user": "anna"}, dry_run=True) == {"conversations": 1, "messages": 2, "held": 1}
    body = expire(world, 409, filter={"user": "anna"}, dry_run=False, confirm={"conversations": 2})
    assert (body["error"], body["conversations"], body["held"]) == ("count_changed", 1, 1)
    done = expire(world, filter={"user": "anna"}, dry_run=False, confirm={"conversations": 1})
    assert (done["conversations"], done["held"]) == (1, 1)
    rows = {row["id"]: row["state"] for row in
            console(world).json("GET", "api/conversations?state=all", 200)["conversations"]}
    assert rows == {kept.conversation: "active", gone.conversation: "trashed"}
    none = expire(world, ids=[kept.conversation], dry_run=False, confirm={"conversations": 0})
    assert (none["conversations"], none["held"]) == (0, 1)


def test_an_owner_does_not_learn_of_a_hold_and_nothing_is_lost(world, make_httpd, database):
    """Out of the owner's sight as ever, and there for the matter until it is released."""
    server = make_httpd(database.conninfo, lines=["ChatSessionTrashGrace 0ms", "ChatSessionSweepInterval 100ms"])
    owner = Client(server.url)
    owner.login(world.users["anna"])
    held, other = world.thing("anna", answer="canary"), world.thing("anna")
    matter = hold(world, users=["anna"], name="whole person")
    single = hold(world, ids=[held.conversation], name="one")
    for thing in (held, other):
        assert owner.delete(f"api/conversations/{thing.conversation}").status_code == 204
        assert "held" not in owner.get(f"api/conversations/{thing.conversation}").text
    assert owner.get("api/conversations").json()["conversations"] == []
    release(world, matter)
    wait_until(lambda: exists(world, other.conversation) == 0, "the purge of what is held no more")
    assert exists(world, held.conversation) == 2
    release(world, single)
    wait_until(lambda: exists(world, held.conversation) == 0, "the purge after the release")


@pytest.mark.parametrize("statement", [
    "DELETE FROM chatsession.conversations WHERE id = %(conversation)s",
    "DELETE FROM chatsession.messages WHERE conversation_id = %(conversation)s AND role = 'assistant'",
    "UPDATE chatsession.conversations SET trashed_at = now(), trashed_by = 'operator', purge_at = now()"
    " WHERE id = %(conversation)s",
    "UPDATE chatsession.conversations SET trashed_at = now(), trashed_by = 'retention', purge_at = now()"
    " WHERE id = %(conversation)s",
    "UPDATE chatsession.conversations SET user_id = %(other)s WHERE id = %(conversation)s",
    "DELETE FROM chatsession.users WHERE id = %(owner)s",
])
@pytest.mark.parametrize("by", ["users", "ids"])
def test_the_schema_itself_refuses_what_would_lose_something_held(world, statement, by):
    """Also to the owner of the tables and to a superuser, in any order of statements."""
    thing = world.thing("anna")
    matter = hold(world, **({"users": ["anna"]} if by == "users" else {"ids": [thing.conversation]}))
    names = {"conversation": thing.conversation, "other": world.ids["berta"], "owner": world.ids["anna"]}
    with pytest.raises(psycopg.DatabaseError) as refused:
        world.connection.execute(statement, names)
    assert refused.value.sqlstate == "CS409" and "is on hold" in str(refused.value)
    assert exists(world, thing.conversation) == 2
    release(world, matter)
    if "chatsession.users" not in statement:
        with world.connection.transaction(force_rollback=True):
            assert world.connection.execute(statement, names).rowcount == 1


@pytest.mark.parametrize("statement", [
    "DELETE FROM chatsession.matters", "DELETE FROM chatsession.matter_custodians",
    "DELETE FROM chatsession.matter_conversations", "UPDATE chatsession.matters SET reason = 'another'",
    "UPDATE chatsession.matter_conversations SET conversation_id = gen_random_uuid()",
    "ALTER TABLE chatsession.conversations DISABLE TRIGGER held_is_not_deleted"])
def test_the_modules_role_cannot_lift_a_hold_unseen(world, database, statement):
    hold(world, ids=[world.thing("anna").conversation])
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_hold_and_a_deletion_at_the_same_moment_agree_on_who_was_first(world, database):
    """[I4] a hold that was answered holds; one that came too late holds nothing"""
    for by in ("ids", "users"):
        thing = world.thing("berta")
        deleting = database.connect(autocommit=False)
        deleting.execute("DELETE FROM chatsession.conversations WHERE id = %s", (thing.conversation,))
        answer = []
        thread = threading.Thread(target=lambda: answer.append(hold(world, name=f"late {by}", **(
            {"ids": [thing.conversation]} if by == "ids" else {"users": ["berta"]}))))
        thread.start()
        wait_until(lambda: world.connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()[0] == 1, "the hold to wait for the deletion")
        deleting.commit()
        deleting.close()
        thread.join(30)
        assert answer and answer[0]["held"] == [] and exists(world, thing.conversation) == 0

        thing = world.thing("berta")
        holding = database.connect(autocommit=False)
        matter = holding.execute("INSERT INTO chatsession.matters (name, reason, created_by) VALUES (%s, 'x', 'x')"
                                 " RETURNING id", (f"first {by}",)).fetchone()[0]
        if by == "ids":
            holding.execute("INSERT INTO chatsession.matter_conversations (matter_id, conversation_id, added_by) VALUES"
                            " (%s, %s, 'x')", (matter, thing.conversation))
        else:
            holding.execute("INSERT INTO chatsession.matter_custodians (matter_id, user_id, added_by) VALUES"
                            " (%s, %s, 'x')", (matter, world.ids["berta"]))
        problem = []

        def delete():
            with database.connect() as connection:
                try:
                    connection.execute("DELETE FROM chatsession.conversations WHERE id = %s", (thing.conversation,))
                except psycopg.DatabaseError as error:
                    problem.append(error.sqlstate)

        thread = threading.Thread(target=delete)
        thread.start()
        wait_until(lambda: world.connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()[0] == 1, "the deletion to wait for the hold")
        holding.commit()
        holding.close()
        thread.join(30)
        assert problem == ["CS409"] and exists(world, thing.conversation) == 2
        empty_again(world)


def empty_again(world):
    world.release_matters()


def test_a_release_has_a_reason_and_is_final(world):
    thing = world.thing("anna")
    matter = hold(world, ids=[thing.conversation])
    path = f"api/matters/{matter['id']}"
    console(world).json("POST", f"{path}/release", 400, json={})
    console(world).json("POST", f"{path}/release", 400, json={"reason": ""})
    done = release(world, matter)
    assert (done["released_by"], done["release_reason"]) == ("otto", "settled") and done["released_at"]
    assert release(world, matter, 409)["error"] == "matter_released"
    late = console(world).json("POST", f"{path}/hold", 409, json={"ids": [thing.conversation]})
    assert late["error"] == "matter_released"
    assert console(world).json("POST", f"{path}/hold", 400, json={})["error"] == "invalid_request"
    assert expire(world, ids=[thing.conversation], dry_run=True) == {"conversations": 1, "messages": 2, "held": 0}
    again = hold(world)
    assert hold_named(world, 409, "tanaka V. acme")["error"] == "name_taken"
    release(world, again)


def hold_named(world, status, name):
    return console(world).json("POST", "api/matters", status, json={"name": name, "reason": "x"})


def test_a_matter_grows_by_users_ids_or_the_lists_filter(world):
    things = [world.thing("anna") for _ in range(3)]
    matter = hold(world)
    path = f"api/matters/{matter['id']}/hold"
    assert console(world).json("POST", path, 200, json={"filter": {"user": "anna"}})["conversations"] == 3
    assert console(world).json("POST", path, 200, json={"ids": [things[0].conversation, MISSING]})["conversations"] == 3
    assert console(world).json("POST", path, 200, json={"users": ["berta"]})["users"] == ["berta"]
    problem = console(world).json("POST", path, 400, json={"users": ["anna", "nobody here"]})
    assert "nobody here" in problem["detail"]
    assert console(world).json("GET", f"api/matters/{matter['id']}", 200)["users"] == ["berta"]
    console(world).json("POST", path, 400, json={"ids": [MISSING], "filter": {}})
    console(world).json("POST", path, 400, json={"users": [1]})
    console(world).json("POST", path, 400, json={"filter": {"matter": "x"}})
    new = world.thing("berta")
    assert console(world).json("GET", f"api/conversations/{new.conversation}", 200)["held"] is True, "those of tomorrow"


def test_matters_are_listed_newest_first_page_by_page(world):
    names = [f"matter {number}" for number in range(5)]
    made = [hold(world, name=name) for name in names]
    release(world, made[0])
    seen, after = [], ""
    while after is not None:
        page = console(world, "aude").json("GET", f"api/matters?state=open&limit=2&after={after}", 200)
        seen += [one["name"] for one in page["matters"]]
        after = page["next"]
    assert seen == names[:0:-1]
    released = console(world, "aude").json("GET", "api/matters?state=released&limit=200", 200)["matters"]
    assert made[0]["id"] in [one["id"] for one in released] and all(one["released_at"] for one in released)
    console(world, "aude").json("GET", "api/matters?state=x", 400)
    console(world, "aude").json("GET", "api/matters?after=x", 400)


def test_every_step_of_a_matter_is_in_the_audit_log(world):
    """[E6]"""
    since = world.connection.execute("SELECT coalesce(max(seq), 0) FROM chatsession.audit_entries").fetchone()[0]
    thing = world.thing("anna")
    matter = hold(world, users=["anna"])
    console(world).json("POST", f"api/matters/{matter['id']}/hold", 200, json={"ids": [thing.conversation]})
    release(world, matter)
    rows = world.connection.execute("SELECT action, operator, reason, detail FROM chatsession.audit_entries"
                                    " WHERE seq > %s ORDER BY seq", (since,)).fetchall()
    assert [row[:3] for row in rows] == [("matter.create", "otto", "letter of 3 May"), ("matter.hold", "otto", None),
                                         ("matter.release", "otto", "settled")]
    assert all(row[3]["matter"] == matter["id"] for row in rows)
    assert rows[0][3]["users"] == ["anna"] and rows[1][3]["ids"] == [thing.conversation]


def test_a_matter_is_made_whole_or_not_at_all(world, httpd):
    """[E6] without its audit entry nothing is held"""
    httpd.expect_log("CS0013", "CS2022")
    before = world.state()
    world.connection.execute("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        console(world).json("POST", "api/matters", 500, json={"name": "x", "reason": "y", "users": ["anna"]})
    finally:
        world.connection.execute("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    console(world).json("POST", "api/matters", 400, json={"name": "x", "reason": "y", "users": ["nobody here"]})
    assert world.state() == before


def test_tags_are_put_on_and_taken_off_and_found(world):
    one, two = world.thing("anna"), world.thing("berta")
    client = console(world)

    def tag(status=200, **body):
        return client.json("POST", "api/conversations/tag", status, json={"ids": [one.conversation], **body})

    def found(name):
        rows = client.json("GET", "api/conversations", 200, params={"tag": name})["conversations"]
        return {row["id"]: row["tags"] for row in rows}

    assert tag(add=["\u91cd\u8981", "billing", "billing"]) == {"conversations": 1, "messages": 2}
    assert found("\u91cd\u8981") == {one.conversation: ["billing", "\u91cd\u8981"]} and found("bill") == {}
    tag(ids=[one.conversation, two.conversation], add=["both"], remove=["billing"])
    assert found("both") == {one.conversation: ["both", "\u91cd\u8981"], two.conversation: ["both"]}
    for wrong in ({"add": [1]}, {"add": [""]}, {"add": ["x" * 51]}, {"remove": ["a,b"]}, {"ids": ["x"]}):
        tag(400, **wrong)
    tag(add=[f"t{number}" for number in range(18)])
    assert "20 tags" in tag(400, add=["one too many"])["detail"]
