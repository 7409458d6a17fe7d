# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Exports as objects: followed, cancelled, gone on with after a cut with the same octets, opened by a link that works once."""
import gzip
import hashlib
import json
import socket
import threading

import pytest

from harness.place import wait_until

BIG = 400  # conversations of the export that is cut: more than all buffers on the way hold
MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def empty(world):
    world.connection.execute("DELETE FROM chatsession.conversations")


@pytest.fixture
def otto(world):
    return world.clients["otto"].console


def fill(world, conversations=BIG, content="repeat(md5((n * s)::text), 1000)"):
    """So many conversations of anna's with two messages of 32,000 octets each."""
    world.connection.execute(
        "WITH c AS (INSERT INTO chatsession.conversations (user_id, title, message_count)"
        "   SELECT %s, n::text, 2 FROM generate_series(1, %s) n RETURNING id, title::integer AS n)"
        " INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        f" SELECT c.id, s, 'user', 'complete', {content} FROM c, generate_series(1, 2) s", (world.ids["anna"], conversations))


def make(client, **what):
    return client.json("POST", "api/exports", 201, json={"filter": {"state": "all"}, **what})


def relink(client, made, octets, sha256=None):
    return client.json("POST", f"api/exports/{made['export']['id']}/link", 200,
                       json={"octets": octets, **({"sha256": sha256} if sha256 else {})})["link"]


def cut(client, link, least):
    """The first octets of a download whose reader goes away in the middle."""
    response = client.get(link, stream=True, headers={"Accept-Encoding": "identity"})
    assert response.status_code == 200, response.text
    got = b""
    while len(got) < least:
        got += response.raw.read(65536)
    response.raw._connection.sock.shutdown(socket.SHUT_RDWR)
    response.close()
    return got


def wait_for_end(client, made, state="cut"):
    wait_until(lambda: client.json("GET", f"api/exports/{made['export']['id']}", 200)["state"] == state,
               f"the export to be {state}")


def entries(world):
    return world.connection.execute("SELECT action, detail FROM chatsession.audit_entries ORDER BY seq").fetchall()


# --- resuming


@pytest.mark.parametrize("form,compress", [("ndjson", "none"), ("csv", "none"), ("ndjson", "gzip")])
def test_a_download_that_was_cut_goes_on_with_the_same_octets(world, httpd, otto, form, compress):
    """[I5] Whatever was said meanwhile: new turns, new conversations, new feedback and answers that ended are not in it."""
    fill(world, content="(SELECT string_agg(md5((n * s * k)::text), '') FROM generate_series(1, 1000) k)")
    running = world.thing("anna", title="running", answer="")
    world.connection.execute("UPDATE chatsession.messages SET status = 'streaming', finished_at = NULL WHERE id = %s",
                             (running.answer,))
    httpd.expect_log("CS0091")
    made = make(otto, format=form, compress=compress)
    assert made["export"]["expected"] == BIG + 1 and made["export"]["expected_messages"] == 2 * BIG + 2
    part = cut(otto, made["link"], 3_000_000)
    wait_for_end(otto, made)
    world.thing("anna", title="later")
    world.connection.execute(
        "UPDATE chatsession.messages SET status = 'complete', finished_at = clock_timestamp(), content = 'the end'"
        " WHERE id = %s", (running.answer,))
    world.connection.execute("INSERT INTO chatsession.feedback (message_id, rating) VALUES (%s, 1)", (running.question,))
    world.connection.execute(
        "WITH c AS (UPDATE chatsession.conversations SET updated_at = clock_timestamp(), message_count = 3 WHERE title = '7'"
        " RETURNING id) INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        " SELECT id, 3, 'user', 'complete', 'one more' FROM c")
    again = otto.get(relink(otto, made, len(part), hashlib.sha256(part).hexdigest()),
                     headers={"Accept-Encoding": "identity"})
    assert again.status_code == 200 and again.headers["X-Export-From"] == str(len(part))
    whole = part + again.content
    text = gzip.decompress(whole) if compress == "gzip" else whole
    end = entries(world)[-1]
    assert end[0] == "export.complete" and end[1]["conversations"] == BIG + 1 and end[1]["messages"] == 2 * BIG + 2
    last = text.rindex(b"\n", 0, len(text) - 1) + 1
    assert hashlib.sha256(text[:last]).hexdigest() == end[1]["sha256"]
    assert b"the end" not in text and b"one more" not in text
    assert otto.json("GET", f"api/exports/{made['export']['id']}", 200)["state"] == "done"
    assert otto.post(f"api/exports/{made['export']['id']}/link", json={"octets": 0}).status_code == 404


def test_what_was_changed_meanwhile_is_refused_instead_of_glued_together(world, httpd, otto):
    """[I5]"""
    fill(world)
    httpd.expect_log("CS0091")
    made = make(otto)
    part = cut(otto, made["link"], 3_000_000)
    wait_for_end(otto, made)
    world.connection.execute("UPDATE chatsession.conversations SET title = title || '!'")
    refused = otto.get(relink(otto, made, len(part), hashlib.sha256(part).hexdigest()))
    assert (refused.status_code, refused.json()["error"]) == (409, "export_changed")
    # Also when the reader does not say what is there: the server knows what it has sent before.
    wait_for_end(otto, made)
    assert otto.json("GET", f"api/exports/{made['export']['id']}", 200)["octets"] >= len(part)
    response = otto.get(relink(otto, made, len(part)), stream=True, headers={"Accept-Encoding": "identity"})
    if response.status_code == 200:
        with pytest.raises(Exception):  # noqa: B017 the connection is broken off
            response.content
    else:
        assert response.json()["error"] == "export_changed"
    wait_for_end(otto, made)
    shorter = otto.get(relink(otto, made, 10**12))
    assert shorter.status_code == 409


# --- links


def test_a_link_works_once_for_ten_minutes_and_for_its_operator(world, otto):
    """[I7]"""
    world.thing("anna")
    made = make(otto)
    ada = world.clients["ada"].console
    assert ada.get(made["link"]).status_code == 404
    assert otto.get(made["link"].replace(made["export"]["id"], MISSING)).status_code == 404
    assert otto.get(made["link"][:-1] + ("A" if made["link"][-1] != "A" else "B")).status_code == 404
    assert otto.get(made["link"].partition("?")[0]).status_code == 404
    assert otto.request("HEAD", made["link"]).status_code == 204
    assert otto.get(made["link"]).status_code == 200
    second = otto.get(made["link"])
    assert second.status_code == 404 and b"conversation" not in second.content.replace(b"conversations", b"")
    old = make(otto)
    world.connection.execute("UPDATE chatsession.exports SET link_until = now() WHERE id = %s", (old["export"]["id"],))
    assert otto.get(old["link"]).status_code == 404
    assert ada.post(f"api/exports/{old['export']['id']}/link", json={"octets": 0}).status_code == 404
    assert otto.get(relink(otto, old, 0)).status_code == 200


def test_a_link_used_by_many_at_once_opens_one_file(world, otto):
    """[I7]"""
    world.thing("anna")
    link = make(otto)["link"]
    clients = [world.log_in("otto").console for _ in range(6)]
    start, seen = threading.Barrier(len(clients)), []

    def read(client):
        start.wait()
        seen.append(client.get(link).status_code)

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [200] + [404] * (len(clients) - 1)


def test_a_long_list_of_ids_needs_no_address(world, otto):
    things = [world.thing("anna") for _ in range(5)]
    ids = [thing.conversation for thing in things] + [f"00000000-0000-4000-8000-{n:012}" for n in range(5000)]
    made = otto.json("POST", "api/exports", 201, json={"ids": ids})
    lines = [json.loads(line) for line in otto.get(made["link"]).text.splitlines()]
    assert {line["id"] for line in lines if line["type"] == "conversation"} == {one.conversation for one in things}
    for body in ({}, {"ids": ids[:1], "filter": {}}, {"filter": {"state": "gone"}}, {"filter": {}, "format": "xls"},
                 {"filter": {}, "compress": "zip"}, {"ids": ["x"]}, {"filter": {"other": 1}}):
        assert otto.post("api/exports", json=body).status_code == 400, body


# --- compression


def test_a_file_can_be_compressed_and_so_can_the_way(world, otto):
    """[I5] Another digest would be another text: it is of what was compressed."""
    world.thing("anna", answer="\u79d8\u5bc6 " * 5000)
    plain = otto.get("api/export?compress=none", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    asked = otto.get("api/export", headers={"Accept-Encoding": "br, gzip;q=0.5"}, stream=True)
    assert asked.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in asked.headers["Vary"]
    raw = asked.raw.read()
    assert len(raw) < len(plain.content) / 10
    for accept in ("identity", "gzip;q=0", "gzip; q=0.0", "xgzip", "deflate"):
        assert "Content-Encoding" not in otto.get("api/export", headers={"Accept-Encoding": accept}).headers, accept
    file = otto.get("api/export?compress=gzip", headers={"Accept-Encoding": "gzip"})
    assert file.headers["Content-Type"] == "application/gzip" and "Content-Encoding" not in file.headers
    assert file.headers["Content-Disposition"].endswith('.ndjson.gz"')
    lines = [[json.loads(line) for line in text.splitlines()]
             for text in (plain.content, gzip.decompress(raw), gzip.decompress(file.content))]
    assert lines[0][:-1] == lines[1][:-1] == lines[2][:-1]
    assert len({text[-1]["sha256"] for text in lines}) == 1
    assert otto.get("api/export?compress=zip").status_code == 400


# --- what is known of it


def test_an_export_is_followed_and_cancelled(world, otto):
    """[G13] Its total is known before its first octet."""
    fill(world)
    made = make(otto)
    response = otto.get(made["link"], stream=True, headers={"Accept-Encoding": "identity"})
    assert (response.headers["X-Export-Conversations"], response.headers["X-Export-Messages"]) == (str(BIG), str(2 * BIG))
    assert otto.json("GET", f"api/exports/{made['export']['id']}", 200)["state"] == "running"
    response.raw.read(100_000)
    assert otto.json("POST", f"api/exports/{made['export']['id']}/cancel", 200)["state"] == "cancelled"
    with pytest.raises(Exception):  # noqa: B017 the connection is broken off, in the middle of a chunk or between two
        for _ in iter(lambda: response.raw.read(65536), b""):
            world.clients["ada"].get("api/session")  # slower than a second for all of it
        raise EOFError
    listed = otto.json("GET", "api/exports", 200)["exports"][0]
    assert (listed["id"], listed["state"], listed["cancelled_by"]) == (made["export"]["id"], "cancelled", "otto")
    assert not listed["resumable"] and 0 <= listed["progress"] <= 1
    assert otto.post(f"api/exports/{made['export']['id']}/link", json={"octets": 0}).status_code == 404


def test_the_manifest_says_what_who_when_and_where_the_audit_log_stood(world, otto):
    """[I5]"""
    world.thing("anna", title="a needle")
    made = make(otto, filter={"q": "needle", "user": "anna"}, format="csv")
    octets = otto.get(made["link"]).content
    response = otto.get(f"api/exports/{made['export']['id']}/manifest")
    assert response.headers["Content-Disposition"].startswith("attachment; filename=\"export-")
    manifest = response.json()
    export = manifest["export"]
    assert (export["operator"], export["format"], export["state"], export["lines"]) == ("otto", "csv", "done", 3)
    assert export["filter"] == {"user": "anna", "text_search": True} or export["filter"]["user"] == "anna"
    assert "needle" not in response.text, "what was searched for may be somebody's secret"
    assert export["sha256"] == hashlib.sha256(b"".join(octets.splitlines(True)[:-1])).hexdigest()
    head = world.connection.execute("SELECT seq, encode(mac, 'hex') FROM chatsession.audit_entries ORDER BY seq DESC"
                                    " LIMIT 1").fetchone()
    assert (manifest["audit_head"]["seq"], manifest["audit_head"]["seal"]) == head
    kept = world.connection.execute("SELECT filter ? 'q' FROM chatsession.exports WHERE id = %s",
                                    (made["export"]["id"],)).fetchone()[0]
    assert not kept


def test_exports_are_pages(world, otto):
    ids = [make(otto)["export"]["id"] for _ in range(3)]
    page = otto.json("GET", "api/exports?limit=2", 200)
    assert [one["id"] for one in page["exports"]] == ids[:0:-1]
    assert otto.json("GET", f"api/exports?limit=2&after={page['next']}", 200)["exports"][0]["id"] == ids[0]
    assert otto.get("api/exports?after=x").status_code == 400


def test_each_step_of_an_export_is_in_the_audit_log(world, otto):
    """[E6] Before the data leave."""
    world.thing("anna")
    before = len(entries(world))
    made = make(otto)
    assert [action for action, _ in entries(world)[before:]] == ["conversation.export"]
    otto.get(made["link"])
    late = make(otto)
    otto.get(relink(otto, late, 0))
    gone = make(otto)
    otto.post(f"api/exports/{gone['export']['id']}/cancel")
    new = entries(world)[before:]
    assert [action for action, _ in new] == ["conversation.export", "export.complete", "conversation.export",
                                             "export.resume", "export.complete", "conversation.export", "export.cancel"]
    assert new[0][1]["export"] == new[1][1]["export"] == made["export"]["id"]
    assert new[0][1]["conversations"] == 1 and new[0][1]["messages"] == 2 and new[0][1]["format"] == "ndjson"


def test_an_export_of_a_child_that_was_killed_is_cut(world, otto):
    made = make(otto)
    world.connection.execute("UPDATE chatsession.exports SET state = 'running', updated_at = now() - interval '3 min'"
                             " WHERE id = %s", (made["export"]["id"],))
    known = otto.json("GET", f"api/exports/{made['export']['id']}", 200)
    assert known["state"] == "cut" and known["resumable"]


def test_no_name_or_word_of_a_filter_gets_into_a_header(world, otto):
    """[D10]"""
    world.thing("anna", title="x\r\nSet-Cookie: y")
    for query in ("user=a%0d%0aSet-Cookie:%20x", "q=%0d%0aSet-Cookie:%20x", "tag=%0aX:y"):
        response = otto.get(f"api/export?{query}")
        assert response.status_code == 200 and "Set-Cookie" not in response.headers
        assert len(response.raw._original_response.headers.get_all("Content-Disposition")) == 1


def test_a_failure_before_the_first_octet_is_a_status_and_not_a_broken_file(world, httpd, otto):
    world.thing("anna")
    made = make(otto)
    world.connection.execute("REVOKE SELECT ON chatsession.messages FROM chatsession")
    try:
        httpd.expect_log("CS2022", "CS0091", "CS0013")
        for response in (otto.get(made["link"]), otto.get("api/export?compress=gzip"), otto.get("api/export")):
            assert response.status_code == 500 and response.json()["error"], response.text
            assert "Content-Disposition" not in response.headers
    finally:
        world.connection.execute("GRANT SELECT ON chatsession.messages TO chatsession")
    assert otto.json("GET", "api/exports", 200)["exports"][0]["state"] == "cut"
    assert otto.get(relink(otto, made, 0)).status_code == 200


def test_connections_that_died_meanwhile_are_no_reason_to_fail(world, httpd, otto):
    """After a restart of PostgreSQL the first export is as good as any."""
    world.thing("anna")
    for _ in range(3):
        httpd.end_connections(world.connection)
        assert otto.get("api/export").status_code == 200


def test_an_export_that_takes_longer_than_a_report_ends_whole(world, otto):
    """[I5] Its last piece leaves after it was noted as done: that is no reason to break it off."""
    world.thing("anna")
    connection = world.database.connect(autocommit=False)
    connection.execute("LOCK TABLE chatsession.messages")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(otto.get("api/export")))
    thread.start()
    try:
        wait_until(lambda: world.connection.execute("SELECT max(started_at) < now() - interval '1.2 s' FROM chatsession.exports"
                                                    " WHERE state = 'running'").fetchone()[0], "the export to be held up")
    finally:
        connection.rollback()
        connection.close()
        thread.join()
    assert answers[0].status_code == 200 and json.loads(answers[0].text.splitlines()[-1])["lines"] == 3
