# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A turn: a message is said, a model that answers at once is asked, both are durable before "done". The limit is pgbench
with the statements and commits that the module sends for it, in the same database."""
import requests
import people
import servers
from rig import all_good, cpu_seconds, figure, median, pairs, say, temporary, wait_until, wrk

CONNECTIONS = 32  # wrk's; pgbench has as many clients as the module has connections
CLIENTS = 16
TOKENS = 60
QUESTION = ("Please explain how a lighthouse keeps ships away from the rocks, and why its lens is built of rings rather "
            "than of one thick piece of glass.")



def _script(rig, conversations):
    """What cs_conversation_settings, cs_turn_begin, cs_turn_history and cs_turn_finish send (mod_chatsession/store). Each
    client has conversations of its own, so that none meets a running answer. Which one is found within the first
    statement: a statement more than the module sends would make the limit lower than it is."""
    rig.sql("CREATE TABLE bench_places (n integer PRIMARY KEY, user_id uuid, id uuid, hash text);"
            " GRANT SELECT ON bench_places TO chatsession")
    with rig.database.connect() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY bench_places FROM STDIN") as copy:
            for number, row in enumerate(conversations):
                copy.write_row((number, *row))
    answer = "".join(f" @{1000000000000 + n}" for n in range(TOKENS))
    share = len(conversations) // CLIENTS
    return temporary(rig.folder, "turn.pgbench", rf"""
\set n random(0, {share - 1}) * {CLIENTS} + :client_id
SELECT p.user_id AS uid, p.id AS cid, p.hash, c.model, c.system, c.params, c.examples FROM bench_places p JOIN chatsession.conversations c ON c.id = p.id AND c.user_id = p.user_id AND c.trashed_at IS NULL WHERE p.n = :n \gset
SELECT outcome, message_id, answer_id, model, place, estimate, exceeded, retry_after, untitled FROM chatsession.turn_enter(:uid::uuid, :cid::uuid, '{QUESTION}', NULL, false, false, NULL, gen_random_uuid(), 'bench', 'bench', gen_random_uuid()::text, decode(:hash, 'hex'), 0, 0, 0, 0, 0, true) \gset
SELECT role, content FROM chatsession.turn_history(:message_id::uuid);
SELECT chatsession.turn_end(:answer_id::uuid, 'complete', '{answer}', 'stop', NULL, NULL, NULL, NULL);
""")


def _load(rig, server, file, seconds):
    before, before_pg = cpu_seconds(server.pid), cpu_seconds(rig.postgres_pid)
    counted = wrk(server.port, "/", "say.lua", seconds, CONNECTIONS, file)
    counted["cpu_us"] = (cpu_seconds(server.pid) - before) / max(1, counted["requests"]) * 1e6
    counted["pg_us"] = (cpu_seconds(rig.postgres_pid) - before_pg) / max(1, counted["requests"]) * 1e6
    return counted


def _check(rig, server, cookie, user, conversation):
    """The stream ends with done and complete, and both texts are there."""
    answer = requests.post(f"http://127.0.0.1:{server.port}/chat/api/conversations/{conversation}/messages",
                           json={"content": QUESTION, "client_id": "00000000-0000-4000-8000-000000000001"},
                           headers={"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}, timeout=10)
    assert answer.status_code == 200 and '"status":"complete"' in answer.text, f"{answer.status_code} {answer.text[:500]}"
    rows = rig.database.rows("SELECT role, status, content FROM chatsession.messages WHERE conversation_id = %s ORDER BY seq",
                             (conversation,))
    assert [row[:2] for row in rows] == [("user", "complete"), ("assistant", "complete")], rows
    assert rows[0][2] == QUESTION and rows[1][2].count("@") == TOKENS, rows


def measure(rig, size):
    users = people.add_users(rig.database, 200)
    secret = people.write_secret(rig.folder)
    cookies = people.add_sessions(rig.database, users, len(users))
    owned = people.add_conversations(rig.database, users, each=25)
    cookie_of = dict(zip(users, cookies))
    hashes = dict(rig.database.rows("SELECT user_id::text, encode(id_hash, 'hex') FROM chatsession.sessions"))
    script = _script(rig, [(user, conversation, hashes[user]) for user, conversation in owned])
    server = servers.chat(rig, secret, rig.model(TOKENS, 0),
                          more=f"ChatSessionDatabaseConnections {CLIENTS // 2}")
    file = temporary(rig.folder, "conversations", "".join(f"{cookie_of[u]}\t{c}\n" for u, c in owned))
    _check(rig, server, cookie_of[owned[0][0]], *owned[0])
    rows = []
    for mode, target in (("on", "at least 0.80"), ("off", "at least 0.70")):
        rig.sql(f"ALTER SYSTEM SET synchronous_commit = {mode}")
        rig.sql("SELECT pg_reload_conf()")
        _load(rig, server, file, 2)
        limits, results, ratios = pairs(size.rounds, lambda: rig.pgbench(script, size.seconds, CLIENTS),
                                        lambda: _load(rig, server, file, size.seconds),
                                        lambda a, b: a["per_second"] / b[0])
        bad = sum(r["bad"] for r in results)
        say(f"  synchronous_commit {mode}: {median([r['per_second'] for r in results]):.0f}/s, pgbench "
            f"{median([r[0] for r in limits]):.0f}/s, {figure(ratios)} of the limit, p50 {median([r['p50'] for r in results]):.1f} ms,"
            f" p99 {median([r['p99'] for r in results]):.1f} ms, CPU {median([r['cpu_us'] for r in results]):.0f} +"
            f" {median([r['pg_us'] for r in results]):.0f} µs, bad {bad}")
        rows.append(("turn", f"synchronous_commit {mode}: turns/s (CPU of httpd + PostgreSQL)",
                     f"{median([r['per_second'] for r in results]):.0f} ({median([r['cpu_us'] for r in results]):.0f} +"
                     f" {median([r['pg_us'] for r in results]):.0f} µs)",
                     f"pgbench, the same statements and commits: {median([r[0] for r in limits]):.0f}/s", figure(ratios), target))
        all_good(results, "turns")
    wait_until(lambda: not rig.database.value("SELECT count(*) FROM chatsession.messages WHERE status <> 'complete'"),
               "the turns under way when the load ended to be complete")
    server.stop()
    return rows
