# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What operators do is recorded before its data leave: no entry, no data."""
import pytest
from harness.client import Client

SECRET = "the word that only mika knows"


@pytest.fixture
def conversation(user_client):
    """A conversation of mika's with one turn."""
    made = user_client.new_conversation("a trial")
    user_client.turn(made, SECRET)
    return made


def expire(conversation):
    return {"json": {"ids": [conversation], "dry_run": False, "confirm": {"conversations": 1}}}


# action -> (method, path below the console's api/, body); {id} is the conversation
DEEDS = {
    "conversation.read": ("GET", "conversations/{id}?reason=ticket+4711", None),
    "conversation.search": ("GET", "conversations?q=only+mika", None),
    "conversation.export": ("GET", "export?ids={id}", None),
    "conversation.expire": ("POST", "conversations/expire", expire),
    "conversation.restore": ("POST", "conversations/restore", lambda conversation: {"json": {"ids": [conversation]}}),
    "session.revoke": ("POST", "sessions/revoke", lambda _: {"json": {"refs": ["nobody"]}}),
}


def do(client, action, conversation):
    method, path, body = DEEDS[action]
    return client.request(method, "api/" + path.replace("{id}", conversation), **(body(conversation) if body else {}))


def entries(database):
    return database.rows("SELECT seq, action, operator, role, host(network), reason, conversation_id::text, request_id,"
                         " detail::text FROM chatsession.audit_entries ORDER BY seq")


@pytest.mark.parametrize("action", DEEDS)
def test_each_deed_of_an_operator_leaves_an_entry(operator_client, database, conversation, action):
    """[E6]"""
    before = entries(database)
    response = do(operator_client, action, conversation)
    assert response.status_code == 200, response.text
    new = entries(database)[len(before):]
    assert [row[1] for row in new] == [action] + (["export.complete"] if action == "conversation.export" else [])
    _, _, operator, role, network, reason, about, request_id, detail = new[0]
    assert (operator, role, network, request_id) == ("operator", "admin", "127.0.0.1", response.headers["X-Request-Id"])
    if action == "conversation.read":
        assert (reason, about) == ("ticket 4711", conversation)
    assert "mika" not in detail, "what was searched for may be somebody's secret"


@pytest.mark.parametrize("action", DEEDS)
def test_what_cannot_be_recorded_is_neither_done_nor_shown(operator_client, database, httpd, conversation, action):
    """[E6]"""
    state = "SELECT trashed_at, purge_at FROM chatsession.conversations WHERE id = %s"
    before = database.rows(state, (conversation,))
    database.rows("REVOKE INSERT ON chatsession.audit_entries FROM chatsession")
    try:
        httpd.expect_log("CS0013", "CS2022")
        response = do(operator_client, action, conversation)
    finally:
        database.rows("GRANT INSERT ON chatsession.audit_entries TO chatsession")
    assert response.status_code == 500
    assert SECRET not in response.text and conversation not in response.text
    assert database.rows(state, (conversation,)) == before


def test_a_viewer_sees_no_content_and_even_that_look_is_recorded(httpd, database, conversation):
    """[E6]"""
    viewer = Client(httpd.url, "/chat-admin")
    viewer.login(database.add_user("vera", "viewer"))
    response = viewer.get(f"api/conversations/{conversation}")
    assert response.status_code == 200 and SECRET not in response.text
    assert [message["content"] for message in response.json()["messages"]] == [None, None]
    assert entries(database)[-1][1:4] == ("conversation.inspect", "vera", "viewer")


def test_the_end_of_an_export_says_what_its_entry_says(operator_client, database, conversation):
    lines = do(operator_client, "conversation.export", conversation).text.splitlines()
    assert database.value("SELECT detail = %s::jsonb FROM chatsession.audit_entries WHERE action = 'export.complete'"
                          " ORDER BY seq DESC LIMIT 1", (lines[-1],)) is True
