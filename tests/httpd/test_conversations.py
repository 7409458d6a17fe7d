# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A user's conversations: made, listed, found, renamed, put away, brought back, judged, taken home."""
import json
import re
import uuid
from urllib.parse import quote

import pytest

from harness.client import Client
from harness.place import wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MEMBERS = {"id", "title", "created_at", "updated_at", "pinned", "archived", "message_count", "trashed_at", "purge_at",
           "labels"}
MESSAGE = {"id", "parent_id", "seq", "role", "content", "status", "created_at", "finished_at", "model", "finish_reason",
           "usage", "detail", "feedback", "extra"}
SETTINGS = {"model", "system", "params", "examples", "retention"}  # not in a list
JAPANESE = "\u6771\u4eac\u306e\u5929\u6c17\u306f\uff1f \U0001f327\ufe0f e\u0301"


@pytest.fixture
def anna(world):
    """Anna's client; she has no conversation when a test begins."""
    world.connection.execute("DELETE FROM chatsession.conversations")
    return world.clients["anna"]


def listed(client, query=""):
    return client.json("GET", f"api/conversations{query}", 200)["conversations"]


def test_a_new_conversation_has_these_members_and_is_in_the_list(anna):
    made = anna.json("POST", "api/conversations", 201, json={"title": JAPANESE})
    assert set(made) == MEMBERS | SETTINGS and made["title"] == JAPANESE and made["message_count"] == 0
    assert (made["pinned"], made["archived"], made["trashed_at"], made["purge_at"]) == (False, False, None, None)
    assert made["labels"] == []
    assert TIME.fullmatch(made["created_at"]) and TIME.fullmatch(made["updated_at"])
    assert listed(anna) == [{**{key: made[key] for key in MEMBERS}, "snippet": None, "message_id": None}]
    assert anna.conversation(made["id"]) == {**made, "messages": []}


def test_a_title_is_optional_and_comes_from_the_first_message_otherwise(anna):
    for body in ({}, {"title": None}):
        assert anna.json("POST", "api/conversations", 201, json=body)["title"] is None
    identifier = anna.new_conversation()
    anna.turn(identifier, "  What\n\tis " + JAPANESE + " " + "\U0001f600" * 100)
    title = anna.conversation(identifier)["title"]
    assert title.startswith("What is " + JAPANESE) and len(title) <= 60
    named = anna.new_conversation("named")
    anna.turn(named, "something else")
    assert anna.conversation(named)["title"] == "named"


def test_a_conversation_has_its_messages_in_order_with_these_members(anna):
    identifier = anna.new_conversation()
    for words in ("one", JAPANESE):
        anna.turn(identifier, words)
    conversation = anna.conversation(identifier)
    messages = conversation["messages"]
    assert set(conversation) == MEMBERS | SETTINGS | {"messages"} and conversation["message_count"] == 4
    assert all(set(message) == MESSAGE for message in messages)
    assert [message["seq"] for message in messages] == [1, 2, 3, 4]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert [message["content"] for message in messages] == ["one", "one", JAPANESE, JAPANESE]
    assert [message["parent_id"] for message in messages] == [None] + [message["id"] for message in messages[:-1]]
    answer = messages[1]
    assert (answer["status"], answer["model"], answer["finish_reason"]) == ("complete", "mock", "stop")
    assert answer["usage"]["total_tokens"] and answer["detail"] is None and answer["feedback"] is None
    assert TIME.fullmatch(answer["created_at"]) and TIME.fullmatch(answer["finished_at"])


def test_title_pinned_and_archived_change_alone_and_together(anna):
    identifier = anna.new_conversation("first")
    path = f"api/conversations/{identifier}"
    for change in ({"title": JAPANESE}, {"pinned": True}, {"archived": True}, {"title": "x", "pinned": False}, {}):
        before = anna.conversation(identifier)
        after = anna.json("PATCH", path, 200, json=change)
        assert after == {**{key: before[key] for key in MEMBERS | SETTINGS}, **change}
        assert anna.conversation(identifier) == {**after, "messages": []}


def test_the_list_is_newest_first_and_a_turn_brings_its_conversation_to_the_top(anna):
    made = [anna.new_conversation(str(number)) for number in range(3)]
    assert [one["id"] for one in listed(anna)] == made[::-1]
    anna.turn(made[0], "hello")
    assert [one["id"] for one in listed(anna)] == [made[0], made[2], made[1]]


def test_paging_neither_repeats_nor_skips_while_new_ones_arrive(anna, world):
    """Also where many have the same time."""
    world.connection.execute(
        "INSERT INTO chatsession.conversations (user_id, title, updated_at) SELECT %s, n::text,"
        " timestamptz '2026-01-01' + n / 5 * interval '1 s' FROM generate_series(1, 47) n", (world.ids["anna"],))
    wanted = {str(number) for number in range(1, 48)}
    for limit in (1, 7, 47, 200):
        seen, after = [], ""
        while after is not None:
            page = anna.json("GET", f"api/conversations?limit={limit}&after={after}", 200)
            assert len(page["conversations"]) <= limit
            seen += [one["title"] for one in page["conversations"]]
            after = page["next"]
            world.thing("anna", title="new")
        assert sorted(seen) == sorted(wanted), "what is newer than the first page belongs to none of the later ones"
        world.connection.execute("DELETE FROM chatsession.conversations WHERE title = 'new'")


def test_a_page_ends_exactly_at_its_limit(anna):
    made = [anna.new_conversation(str(number)) for number in range(4)]
    first = anna.json("GET", "api/conversations?limit=2", 200)
    second = anna.json("GET", f"api/conversations?limit=2&after={first['next']}", 200)
    assert [one["id"] for one in first["conversations"] + second["conversations"]] == made[::-1]
    assert first["next"] and second["next"] is None


@pytest.mark.parametrize("time", ["2026-11-23 05:31:07.123456+00", "2026-11-23 05:31:07+00", "2026-11-23 05:31:07.1+00", "1970-01-01 00:00:00+00"])
@pytest.mark.parametrize("query", ["", "&q=xylophone", "&label=green"])
def test_a_page_ends_with_the_cursor_of_its_last_row(anna, world, time, query):
    """The microseconds of its last change and its id, after a p when it is pinned: exact, or the row that follows would be missed."""
    made = [world.thing("anna", title="xylophone").conversation for _ in range(4)]
    world.connection.execute("UPDATE chatsession.conversations SET updated_at = %s, pinned = id = ANY(%s), labels = '{green}'", (time, made[:2]))
    order = sorted(made[:2], reverse=True) + sorted(made[2:], reverse=True)
    usec = world.connection.execute("SELECT (extract(epoch FROM %s::timestamptz) * 1000000)::bigint", (time,)).fetchone()[0]
    seen, after = [], ""
    for number, wanted in enumerate(order):
        page = anna.json("GET", f"api/conversations?limit=1{query}{after}", 200)
        seen += [one["id"] for one in page["conversations"]]
        assert page["next"] == (f"{'p' if number < 2 else ''}{usec}_{wanted}" if number < 3 else None)
        after = f"&after={page['next']}"
    assert seen == order


@pytest.mark.parametrize("needle", ["100%", "a_b", "back\\slash", "it's", 'say "x"', "(", "[x", "*", "%_\\", ":*", "!",
                                    "--",
                                    "\u5929\u6c17", "\u3067\u3059", "\U0001f327\ufe0f", "e\u0301", "\u00df", "<b>"])
def test_a_search_finds_the_words_literally_in_titles_and_messages(anna, world, needle):
    """[F2] [K7] %, _, \\ and quotes are letters; two Japanese characters are a word"""
    decoy = "100 ab axb backslash its say x nothing \u5929\u7a7a\u6c17 e ss"
    world.thing("anna", title=decoy, question=decoy, answer=decoy)
    wanted = {world.thing("anna", title=f"x {needle}y").conversation,
              world.thing("anna", question=f"before {needle} after").conversation,
              world.thing("anna", answer=f"{'long ' * 100}{needle}{' tail' * 100}").conversation}
    found = listed(anna, f"?q={quote(needle, safe='')}")
    assert {one["id"] for one in found} == wanted
    for one in found:
        assert (one["snippet"] is None) == (one["title"] == f"x {needle}y")
        assert one["snippet"] is None or (needle in one["snippet"] and len(one["snippet"]) <= 130)


@pytest.mark.parametrize("text, found, missed", [
    ("Apache\u8a2d\u5b9a\u306e\u78ba\u8a8d", ["apache\u8a2d\u5b9a", "\u8a2d\u5b9a", "\u8a8d", "APA", "\u306e\u78ba\u8a8d"], ["\u5b9a\u78ba", "pache", "apache\u78ba"]),
    ("the quick brown fox", ["fox quick", "qui", "brown  fox", "bro\u3000the"], ["ox", "quick dog", "rown"]),
    ("C++ and foo-bar_baz", ["c++", "foo-bar", "bar_ba", "foo-bar_baz c"], ["c+++", "foo-baz"]),
    ("\uff21\uff22\uff23 \ud55c\uad6d\uc5b4 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", ["\uff22\uff23", "\ud55c\uad6d", "\u0e27\u0e31\u0e2a"], ["\ud55c\uc5b4"]),
])
def test_words_are_found_from_their_beginning_and_japanese_anywhere(anna, world, text, found, missed):
    """[F2] All the words of a search in one text: each from the beginning of a word on, in scripts without spaces from
    any character on, mixed ones too; by the index and, for what it does not know or has not yet, by reading."""
    wanted = world.thing("anna", title="x", question=text).conversation
    for backlog in ("now()", "NULL"):
        world.connection.execute(f"UPDATE chatsession.search_backlog SET done_at = {backlog}")
        for needle in found:
            assert [one["id"] for one in listed(anna, f"?q={quote(needle, safe='')}")] == [wanted], (backlog, needle)
        for needle in missed:
            assert listed(anna, f"?q={quote(needle, safe='')}") == [], (backlog, needle)


def test_a_search_ignores_case_and_pages_like_the_list(anna, world):
    made = [world.thing("anna", question="Some NEEDLE here").conversation for _ in range(5)]
    first = anna.json("GET", "api/conversations?q=needle&limit=3", 200)
    rest = anna.json("GET", f"api/conversations?q=needle&limit=3&after={first['next']}", 200)
    assert {one["id"] for one in first["conversations"] + rest["conversations"]} == set(made)
    assert len(first["conversations"]) == 3 and rest["next"] is None


def test_a_search_says_in_which_message_the_first_hit_is(anna, world):
    thing = world.thing("anna", question="a question", answer="\u6f6e\u6c50 NEEDLE")
    title = world.thing("anna", title="needle")
    found = {one["id"]: one["message_id"] for one in listed(anna, "?q=needle")}
    assert found == {thing.conversation: thing.answer, title.conversation: None}
    assert [one["message_id"] for one in listed(anna)] == [None, None]


def test_pinned_ones_come_first_on_whatever_page_they_would_be(anna, world):
    world.connection.execute(
        "INSERT INTO chatsession.conversations (user_id, title, pinned, updated_at) SELECT %s, n::text, n %% 10 = 0,"
        " timestamptz '2026-01-01' + n / 3 * interval '1 s' FROM generate_series(1, 40) n", (world.ids["anna"],))
    for limit in (1, 3, 4, 7, 200):
        seen, after = [], ""
        while after is not None:
            page = anna.json("GET", f"api/conversations?limit={limit}&after={after}", 200)
            seen += [(one["pinned"], one["updated_at"], one["id"]) for one in page["conversations"]]
            after = page["next"]
        assert len(seen) == 40 and seen == sorted(seen, reverse=True)
    for cursor in ("p", "pp1_" + str(uuid.uuid4()), "p1_x"):
        assert anna.get(f"api/conversations?after={cursor}").status_code == 400


def test_archived_ones_have_a_list_of_their_own(anna, world):
    kept, archived = world.thing("anna").conversation, world.thing("anna").conversation
    trashed = world.thing("anna", trashed_by="user").conversation
    assert anna.patch(f"api/conversations/{archived}", json={"archived": True}).status_code == 200

    def ids(state):
        return {one["id"] for one in listed(anna, f"?state={state}")}
    assert ids("active") == ids("") == {kept} and ids("archived") == {archived}
    assert ids("kept") == {kept, archived} and ids("trashed") == {trashed}
    assert anna.get("api/conversations?state=all").status_code == 400


def test_a_conversation_in_the_trash_is_out_of_the_list_and_comes_back_whole(anna, world):
    thing = world.thing("anna")
    path = f"api/conversations/{thing.conversation}"
    before = anna.conversation(thing.conversation)
    assert anna.delete(path).content == b""
    assert anna.delete(path).status_code == 204, "twice is no error"
    assert listed(anna) == []
    trashed = listed(anna, "?state=trashed")
    assert [one["id"] for one in trashed] == [thing.conversation]
    assert TIME.fullmatch(trashed[0]["trashed_at"]) and trashed[0]["purge_at"] > trashed[0]["trashed_at"]
    assert anna.conversation(thing.conversation)["messages"] == before["messages"]
    assert anna.patch(path, json={"title": "x"}).status_code == 404
    assert anna.post(f"{path}/messages", json={"content": "x", "client_id": str(uuid.uuid4())}).status_code == 404
    assert anna.put(f"api/messages/{thing.answer}/feedback", json={"rating": 1}).status_code == 404
    anna.json("POST", f"{path}/restore", 200)
    anna.json("POST", f"{path}/restore", 200)
    assert anna.conversation(thing.conversation) == before and listed(anna, "?state=trashed") == []


def test_the_sweep_purges_what_is_due_with_everything_in_it_and_nothing_else(make_httpd, database, world):
    """[I1]"""
    server = make_httpd(database.conninfo, lines=["ChatSessionTrashGrace 0", "ChatSessionSweepInterval 100ms"])
    client = Client(server.url)
    client.login(world.users["anna"])
    kept, due = world.thing("anna", title="kept"), world.thing("anna", answer="canary")
    client.put(f"api/messages/{due.answer}/feedback", json={"rating": -1, "comment": "canary"})
    client.json("DELETE", f"api/conversations/{due.conversation}", 204)
    wait_until(lambda: not database.value("SELECT count(*) FROM chatsession.conversations WHERE id = %s",
                                          (due.conversation,)), "the conversation to be purged")
    assert database.value("SELECT count(*) FROM chatsession.messages WHERE content LIKE %s", ("%canary%",)) == 0
    assert database.value("SELECT count(*) FROM chatsession.feedback WHERE comment = 'canary'") == 0
    assert client.get(f"api/conversations/{due.conversation}").status_code == 404
    assert client.conversation(kept.conversation)["title"] == "kept"


BATCH = 5000  # messages of one statement of the sweep, and what the last conversation in it has more


def due(database, owner, conversations, messages):
    """So many due conversations of so many messages each, every one the child of that before it."""
    database.rows(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, message_count, trashed_at, trashed_by, purge_at)"
        "  SELECT u.id, %(messages)s, now(), 'user', now() - interval '1 min' FROM chatsession.users u,"
        "   generate_series(1, %(conversations)s) WHERE u.name = %(owner)s RETURNING id)"
        " INSERT INTO chatsession.messages (id, conversation_id, seq, parent_id, role, status, content, finished_at)"
        "  SELECT md5(c.id::text || n)::uuid, c.id, n, CASE WHEN n > 1 THEN md5(c.id::text || n - 1)::uuid END,"
        "   CASE n %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'complete', 'x', now()"
        "  FROM c, generate_series(1, %(messages)s) n",
        {"owner": owner, "conversations": conversations, "messages": messages})


def test_large_purges_are_done_in_bounded_statements_and_leave_nothing(make_httpd, make_database):
    """[I1] [I2] one statement for all would outlast its time limit again and again, and hold its locks as long"""
    database = make_database()
    owner = database.add_user("mika").name
    database.rows("CREATE TABLE public.purges (conversations bigint, messages bigint);"
                  "CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                  " INSERT INTO public.purges SELECT count(*), sum(message_count) FROM gone HAVING count(*) > 0;"
                  " RETURN NULL; END $$;"
                  "CREATE TRIGGER note AFTER DELETE ON chatsession.conversations REFERENCING OLD TABLE AS gone"
                  " FOR EACH STATEMENT EXECUTE FUNCTION public.note()")
    due(database, owner, 30, 1000)
    due(database, owner, 1, 20000)
    kept = database.value("INSERT INTO chatsession.conversations (user_id) SELECT id FROM chatsession.users"
                          " WHERE name = %s RETURNING id", (owner,))
    make_httpd(database.conninfo, lines=["ChatSessionSweepInterval 100ms"])
    wait_until(lambda: database.value("SELECT sum(conversations) FROM public.purges") == 31, "the purge", 30)
    assert database.rows("SELECT id FROM chatsession.conversations") == [(kept,)]
    assert database.value("SELECT count(*) FROM chatsession.messages") == 0
    statements = database.rows("SELECT conversations, messages FROM public.purges")
    assert sum(messages for _, messages in statements) == 50000 and len(statements) >= 6
    assert all(messages < BATCH + (20000 if messages >= 20000 else 1000) for _, messages in statements), statements


def test_feedback_is_kept_changed_and_taken_back(anna, world):
    thing = world.thing("anna")
    path = f"api/messages/{thing.answer}/feedback"

    def stored():
        return anna.conversation(thing.conversation)["messages"][1]["feedback"]

    for given in ({"rating": 1}, {"rating": -1, "comment": JAPANESE}, {"rating": 1, "comment": None},
                  {"rating": 1, "comment": ""}):
        wanted = {"rating": given["rating"], "comment": given.get("comment") or None}
        assert anna.json("PUT", path, 200, json=given) == wanted and stored() == wanted
    assert anna.json("PUT", path, 200, json={"rating": 0, "comment": "x"}) == {"rating": 0, "comment": None}
    assert stored() is None
    assert anna.json("PUT", path, 200, json={"rating": 0}) == {"rating": 0, "comment": None}
    assert anna.put(f"api/messages/{thing.question}/feedback", json={"rating": 1}).status_code == 404


def test_an_export_holds_every_word_in_each_format(anna):
    identifier = anna.new_conversation("title " + JAPANESE)
    words = [JAPANESE + "\n\n```c\nint x;\n```", "# no heading of ours\n\u2028 \u202e <script>", "  spaces  "]
    for one in words:
        anna.turn(identifier, one)
    path = f"api/conversations/{identifier}/export"
    assert anna.json("GET", path, 200) == anna.json("GET", f"{path}?format=json", 200) == anna.conversation(identifier)
    for name, heading in (("md", f"# title {JAPANESE}\n"), ("txt", f"title {JAPANESE}\n")):
        text = anna.get(f"{path}?format={name}").content.decode("utf-8")
        assert text.startswith(heading)
        at = 0
        for one in words:
            for _ in ("question", "answer"):
                at = text.index(one, at) + len(one)
    assert anna.get(f"{path}?format=html").status_code == 400


def test_an_export_of_an_empty_conversation_is_an_export(anna):
    path = f"api/conversations/{anna.new_conversation()}/export"
    assert json.loads(anna.get(path).content)["messages"] == []
    assert anna.get(f"{path}?format=md").status_code == 200


def test_head_answers_as_get_without_a_body(anna, world):
    """[D11]"""
    thing = world.thing("anna")
    for path in ("api/session", "api/conversations", f"api/conversations/{thing.conversation}", "healthz"):
        head, get = anna.request("HEAD", path), anna.get(path)
        assert head.status_code == get.status_code == 200 and head.content == b""
        assert head.headers["Content-Length"] == str(len(get.content))


def test_health_needs_no_session(httpd):
    """[L4]"""
    assert Client(httpd.url).json("GET", "healthz", 200) == {"status": "live"}
    assert Client(httpd.url).json("GET", "readyz", 200) == {"status": "ready"}
