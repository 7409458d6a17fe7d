# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Home's figures, the settings and saved views of the console's API."""
import uuid

import pytest


@pytest.fixture(scope="module")
def httpd(make_module_httpd, database):
    """Its sweep takes no sample of the growth while a test does."""
    return make_module_httpd(database.conninfo, lines=["ChatSessionSweepInterval 1h"])


def console(world, name):
    return world.clients[name].console


def test_home_tells_load_turns_failures_and_tokens(world):
    """[L5] What is running, by host, and what the last hours were: the figures are the database's."""
    thing = world.thing("anna")
    run = world.connection.execute
    run("UPDATE chatsession.messages SET status = 'error', usage = '{\"total_tokens\": 70}' WHERE id = %s", (thing.answer,))
    live = world.thing("berta")
    run("INSERT INTO chatsession.live_turns (answer_id, conversation_id, host, heartbeat_at) VALUES (%s, %s, 'elsewhere',"
        " now() + interval '1 hour')", (live.answer, live.conversation))
    before = console(world, "vera").json("GET", "api/overview", 200)
    assert {"host": "elsewhere", "running": 1, "waiting": 0} in before["hosts"] and before["running"] >= 1
    assert before["limits"] == {"running": None, "waiting": None}
    assert len(before["hours"]) == 24 and before["hours"] == sorted(before["hours"], key=lambda row: row["at"])
    assert sum(row["failed"] for row in before["hours"]) == 1 and sum(row["turns"] for row in before["hours"]) >= 2
    assert sum(row["tokens"] for row in before["hours"]) >= 70
    run("DELETE FROM chatsession.live_turns WHERE host = 'elsewhere'")
    run("DELETE FROM chatsession.conversations WHERE id = %s", (live.conversation,))


def test_the_growth_is_sampled_once_an_hour(world):
    run = world.connection.execute
    run("DELETE FROM chatsession.storage_samples")
    run("INSERT INTO chatsession.storage_samples VALUES (date_trunc('day', now()) - interval '3 days', 1000, 1, 2),"
        " (date_trunc('day', now()) - interval '71 hours', 2000, 1, 2), (now() - interval '500 days', 1, 1, 1)")
    assert [run("SELECT chatsession.storage_sample()").fetchone()[0] for _ in range(2)] == [True, False]
    growth = console(world, "vera").json("GET", "api/overview", 200)["growth"]
    assert len(growth) == 2 and growth[0]["bytes"] == 2000 and growth[1]["bytes"] > 1000000
    assert run("SELECT min(at) > now() - interval '400 days' FROM chatsession.storage_samples").fetchone()[0]


def test_a_service_too_large_to_count_shows_the_count_of_the_hour(world):
    """[G13] Above the limit the totals are the sweep's; without a sample of this hour or the last they are counted."""
    run = world.connection.execute
    world.thing("anna"), world.thing("anna", trashed_by="user")
    run("ANALYZE chatsession.conversations")
    counted = run("SELECT active, trashed, messages, counted_at FROM chatsession.totals(1000000000)").fetchone()
    assert counted[0] >= 1 and counted[1] >= 1 and counted[3] is None
    run("DELETE FROM chatsession.storage_samples")
    run("INSERT INTO chatsession.storage_samples VALUES (date_trunc('hour', now()) - interval '3 hours', 1, 70, 700, 7)")
    assert run("SELECT active, trashed, messages, counted_at FROM chatsession.totals(0)").fetchone() == counted
    run("INSERT INTO chatsession.storage_samples VALUES (date_trunc('hour', now()), 1, 90, 900, 9)")
    assert run("SELECT active, trashed, messages, counted_at IS NULL FROM chatsession.totals(0)").fetchone() == (81, 9, 900, False)
    assert run("SELECT active FROM chatsession.totals(1000000000)").fetchone() == (counted[0],)
    run("DELETE FROM chatsession.storage_samples")
    assert console(world, "vera").json("GET", "api/overview", 200)["counted_at"] is None


def test_the_settings_show_what_counts_and_no_secret(world, httpd, database):
    """[A10] [B7] The configuration without its passwords, secrets and keys."""
    response = console(world, "ada").get("api/settings")
    settings = response.json()
    directives = {row["name"]: row for row in settings["directives"]}
    assert directives["ChatSessionLoginLimit"]["value"] == "1000" and directives["ChatSessionLoginLimit"]["set"]
    assert directives["ChatSessionIdleTimeout"]["value"] == directives["ChatSessionIdleTimeout"]["default"] == "30min"
    assert directives["ChatSessionCookieSecure"]["value"] == "off"
    assert directives["ChatSessionDatabase"]["set"] and directives["ChatSessionDatabase"]["value"] is None
    assert settings["versions"]["schema"] >= 15 and settings["versions"]["postgresql"]
    assert settings["backends"][0]["name"] == "mock" and settings["backends"][0]["key"] is False
    key, = settings["keys"]
    assert key["signs"] and key["changed_at"] and key["id"]
    secret = (httpd.folder / "secret").read_bytes()
    assert secret.hex() not in response.text and database.name not in response.text
    assert console(world, "otto").get("api/settings").status_code == 403


def test_views_are_their_owners_and_shared_ones_everybodys(world):
    """[E1] [E3] A foreign view is used, not changed; a viewer saves none."""
    otto, aude, vera = (console(world, name) for name in ("otto", "aude", "vera"))
    mine = otto.json("POST", "api/views", 201, json={"name": "long", "query": "min_messages=50"})
    shared = otto.json("POST", "api/views", 201, json={"name": "\u8a55\u4fa1", "query": "feedback=any", "shared": True})
    assert [(view["name"], view["own"]) for view in otto.json("GET", "api/views", 200)["views"]] == [
        ("long", True), ("\u8a55\u4fa1", True)]
    assert [(view["id"], view["own"], view["user"]) for view in vera.json("GET", "api/views", 200)["views"]] == [
        (shared["id"], False, "otto")]
    again = otto.json("POST", "api/views", 201, json={"name": "long", "query": "min_messages=70"})
    assert (again["id"], again["query"]) == (mine["id"], "min_messages=70")
    assert vera.post("api/views", json={"name": "x", "query": ""}).status_code == 403
    for identifier in (shared["id"], str(uuid.uuid4())):
        assert aude.request("DELETE", f"api/views/{identifier}").status_code == 404
    for view in (mine, shared):
        assert otto.request("DELETE", f"api/views/{view['id']}").status_code == 204
    assert otto.json("GET", "api/views", 200)["views"] == []
    assert otto.post("api/views", json={"name": "x" * 101, "query": ""}).status_code == 400
