# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What exposes or destroys much wants a login of the last minutes (promise E8)."""

from harness.client import Client
from harness.place import wait_until


def grow_old(world, name, client):
    """That person's login is 16 minutes old, and the server has heard of it."""
    before = client.json("GET", "api/session", 200)["fresh_until"]
    world.connection.execute("UPDATE chatsession.sessions SET created_at = created_at - interval '16 min', console_seen_at = now()"
                             " WHERE user_id = %s AND revoked_at IS NULL", (world.ids[name],))
    wait_until(lambda: client.json("GET", "api/session", 200)["fresh_until"] < before, "the login to be old")


def calls(world):
    """(what it wants, the request) of an operator."""
    thing = world.thing("anna")
    return [(True, ("GET", "api/export", {})), (True, ("GET", f"api/export?ids={thing.conversation}", {})),
            (True, ("GET", "api/audit/export", {})),
            (True, ("POST", "api/conversations/expire", {"json": {
                "filter": {"user": "berta"}, "dry_run": False, "confirm": {"conversations": 0}}})),
            (True, ("POST", "api/import", {"json": {"lines": '{"type":"end"}', "dry_run": False}})),
            (False, ("POST", "api/import", {"json": {"lines": '{"type":"end"}', "dry_run": True}})),
            (False, ("POST", "api/conversations/expire", {"json": {"filter": {"user": "berta"}, "dry_run": True}})),
            (False, ("POST", "api/conversations/expire", {"json": {
                "ids": [thing.conversation], "dry_run": False, "confirm": {"conversations": 1}}})),
            (False, ("GET", "api/conversations", {}))]


def test_what_exposes_or_destroys_much_is_refused_with_an_old_login_and_done_after_a_new_one(world):
    """[E8]"""
    client = world.log_in("otto").console
    for _, (method, path, options) in calls(world):
        assert client.request(method, path, **options).status_code == 200, path
    grow_old(world, "otto", client)
    wanted = calls(world)
    before = world.state()
    for fresh, (method, path, options) in wanted:
        if fresh:
            response = client.request(method, path, **options)
            assert (response.status_code, response.json()["error"]) == (403, "reauthenticate"), path
    assert world.state() == before, "refused means not done and not begun"
    for fresh, (method, path, options) in wanted:
        if not fresh:
            assert client.request(method, path, **options).status_code == 200, path
    client.login(world.users["otto"])
    assert client.get("api/export").status_code == 200


def test_it_can_be_switched_off(world, make_httpd, database):
    server = make_httpd(database.conninfo, lines=["ChatSessionReauthenticate 0ms"])
    client = Client(server.url, "/chat-admin")
    client.login(world.users["ada"])
    assert client.json("GET", "api/session", 200)["fresh_until"] is None
    world.connection.execute("UPDATE chatsession.sessions SET created_at = created_at - interval '16 min', console_seen_at = now()"
                             " WHERE user_id = %s AND revoked_at IS NULL", (world.ids["ada"],))
    assert client.get("api/export").status_code == 200


def test_the_chat_is_told_nothing_of_it(world):
    assert "fresh_until" not in world.clients["anna"].json("GET", "api/session", 200)
