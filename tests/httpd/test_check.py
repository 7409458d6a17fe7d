# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl check: what it finds in a set-up, and that it finds nothing in a good one.

httpd tells its settings once; each finding of httpd's side is shown by one of them changed, each of PostgreSQL's side by
PostgreSQL itself.
"""
import copy
import json
import os
import re
import subprocess

import pytest
from harness.place import BUILD, HTTPD, SANITIZE, new_folder
from harness.sources import text

pytestmark = pytest.mark.skipif(bool(SANITIZE), reason="httpd is asked by chatsessionctl, without the sanitizer's library")

GOOD = ["ServerName https://chat.example.org", "ChatSessionCookieSecure on", "ChatSessionSecondFactor operators"]


def check(*arguments, code=None, **options):
    """(exit code, the report) of a look at something."""
    result = subprocess.run([str(BUILD / "chatsessionctl"), "check", "--json", *map(str, arguments)], text=True, capture_output=True,
                            stdin=subprocess.DEVNULL, timeout=120, **options)
    assert result.returncode == (code if code is not None else result.returncode), result.stdout + result.stderr
    return result.returncode, json.loads(result.stdout)


def names(report, level=None):
    return sorted({found["check"] for found in report["findings"] if level in (None, found["level"])})


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    database.add_user("ada", "admin")
    one = make_module_httpd(database.conninfo, lines=GOOD, threads=40, start=False)
    os.chmod(one.folder / "secret", 0o600)
    return one


@pytest.fixture(scope="module")
def command(server):
    return f"{HTTPD} -f {server.config} -d {server.folder}"


@pytest.fixture(scope="module")
def told(command):
    """What httpd tells of itself."""
    said = subprocess.run(f"{command} -t -D CHATSESSION_SETTINGS", shell=True, text=True, capture_output=True, check=True).stdout
    return json.loads(said)


@pytest.fixture
def look(told, database):
    """look(change) -> report: change gets what httpd told, and the first virtual host of it, and may change both."""

    def at(change=lambda httpd, server: None, **options):
        changed = copy.deepcopy(told)
        del changed["servers"][1:]
        change(changed, changed["servers"][0])
        path = new_folder("told") / "settings.json"
        path.write_text(json.dumps(changed))
        return check("--settings", path, **options)

    return at


# --- what httpd tells


def test_httpd_tells_what_counts_with_defaults_and_what_a_virtual_host_says_itself(make_httpd, database):
    server = make_httpd(database.conninfo, start=False, lines=["ChatSessionIdleTimeout 1h", "ProxyTimeout 7", "<VirtualHost 127.0.0.2:1>",
                        "ServerName https://other.example.org", "ChatSessionIdleTimeout 5min", "ChatSessionCookieSameSite Strict", "</VirtualHost>"])
    code, said = subprocess.getstatusoutput(f"{HTTPD} -f {server.config} -d {server.folder} -t -D CHATSESSION_SETTINGS 2>/dev/null")
    assert code == 0
    told = {one["name"]: one for one in json.loads(said)["servers"]}
    main, other = told["127.0.0.1"], told["other.example.org"]
    assert main["settings"]["ChatSessionIdleTimeout"] == 3_600_000 and other["settings"]["ChatSessionIdleTimeout"] == 300_000
    assert (main["settings"]["ChatSessionCookieSameSite"], other["settings"]["ChatSessionCookieSameSite"]) == ("Lax", "Strict")
    assert main["settings"]["ChatSessionStreamShare"] == 80 and main["settings"]["ChatSessionLoginUrl"] is None
    assert main["proxy_timeout"] == 7000 and main["timeout"] == 20_000
    assert main["secret_files"] == [str(server.folder / "secret")] and other["scheme"] == "https"
    assert {mount["path"] for mount in other["mounts"]} == {"/chat", "/chat-admin", "/v1"}
    rows = set(re.findall(r'ROW\(\w+, "(\w+)"', text("mod_chatsession/config.c")))
    assert set(main["settings"]) == rows


def test_without_being_asked_httpd_tells_nothing(server):
    code, said = server.configtest()
    assert (code, said.strip()) == (0, "Syntax OK")


# --- a good set-up


def test_a_good_set_up_has_nothing_but_the_hint_at_backups(command, make_postgres, make_database):
    """The tests' own PostgreSQL is fast and careless; this one is as a careful person has it."""
    cluster = make_postgres(fsync=True)
    database = make_database(cluster)
    database.add_user("ada", "admin")
    code, report = check("--httpd", command, "--database", database.conninfo)
    if os.getuid() == 0:
        assert (code, names(report), report["ok"]) == (0, ["backups", "tls"], True), report  # tls: of the built-in model's host
    else:  # the secret should be root's
        assert (code, names(report, "problem"), report["ok"]) == (1, ["secret"], False), report


def test_it_asks_as_httpd_does(look, told):
    """Without --database: the connection string, and as root the user, are httpd's."""
    _, report = look()
    assert "database" not in names(report)


# --- httpd's side


def secret(**change):
    def at(_, server):
        path = new_folder("secret") / "secret"
        path.write_bytes(b"x" * 48)
        path.chmod(change.get("mode", 0o600))
        os.utime(path, (change.get("time", path.stat().st_mtime),) * 2)
        server["secret_files"] = [str(path)]
    return at


def setting(**values):
    return lambda _, server: server["settings"].update(values)


def of_server(**values):
    return lambda _, server: server.update(values)


def of_httpd(**values):
    return lambda httpd, _: httpd.update(values)


FOUND = [
    ("secret", "problem", secret(mode=0o644), "mode 644"),
    ("secret", "advice", secret(time=0), "has been the same for"),
    ("secret", "warning", of_server(secret_files=["/nowhere/secret"]), "cannot be looked at"),
    ("tls", "problem", setting(ChatSessionCookieSecure="off"), "over plain http"),
    ("tls", "warning", of_server(scheme=None, tls=False), "nobody can log in"),
    ("cookie", "advice", setting(ChatSessionCookieDomain="example.org"), "__Host-sid"),
    ("cookie", "advice", setting(ChatSessionCookiePath="/chat"), "__Host-sid"),
    ("cookie", "warning", setting(ChatSessionCookieHttpOnly="off"), "ChatSessionCookieHttpOnly"),
    ("connect_timeout", "warning", "connect_timeout=0", "connect_timeout=0"),
    ("connect_timeout", "warning", "connect_timeout=60", "connect_timeout=60"),
    ("statement_timeout", "warning", setting(ChatSessionStatementTimeout=120_000), "is 120 s"),
    ("workers", "warning", of_httpd(mpm={"name": "prefork", "children": 10, "threads": 1}), "prefork"),
    ("workers", "warning", setting(ChatSessionStreamShare=100), "leaves none of a child's 40"),
    ("workers", "advice", of_httpd(mpm={"name": "event", "children": 1, "threads": 10}), "8 answers can stream at once"),
    ("workers", "advice", setting(ChatSessionMaxTurns=1000), "nobody ever waits"),
    ("proxy_timeout", "advice", of_server(proxy_timeout=300_000, backends=[{"name": "q", "url": "balancer://models/v1"}]), "300 s"),
    ("slow_clients", "warning", of_httpd(reqtimeout=False), "mod_reqtimeout"),
    ("second_factor", "advice", setting(ChatSessionSecondFactor="optional"), "optional"),
    ("models", "advice", of_server(backends=[{"name": "qwen", "url": "http://10.0.0.21:8000/v1"}]), '"qwen"'),
    ("connections", "warning", of_httpd(mpm={"name": "event", "children": 50, "threads": 40, "server_limit": 50}), "401 connections"),
    ("connections", "advice", of_httpd(mpm={"name": "event", "children": 4, "threads": 40, "server_limit": 50}), "ServerLimit"),
    ("schema", "problem", of_httpd(schema_step=1000), "the module needs step 1000"),
    ("schema", "problem", of_httpd(schema_step=1), "the module needs step 1"),
    ("database", "problem", setting(ChatSessionDatabase="host=@nowhere dbname=nothing"), "cannot be asked"),
    ("pages", "problem", of_server(mounts=[]), "no virtual host has a page"),
]


@pytest.mark.parametrize("name, level, change, words", FOUND, ids=[f"{row[0]}-{row[3]}" for row in FOUND])
def test_it_finds_in_httpd(look, database, name, level, change, words):
    """[H17] and its neighbours: what will lose or open something is said before it does."""
    if isinstance(change, str):
        change = setting(ChatSessionDatabase=f"{database.conninfo} {change}")
    code, report = look(change)
    found = [one for one in report["findings"] if one["check"] == name and one["level"] == level]
    assert len(found) == 1 and words in found[0]["what"] and len(found[0]["do"]) > 10, report
    assert code == 1


def test_it_is_said_once_for_all_virtual_hosts(told):
    both = copy.deepcopy(told)
    both["servers"] = [copy.deepcopy(both["servers"][0]) for _ in range(2)]
    path = new_folder("told") / "settings.json"
    path.write_text(json.dumps(both))
    _, report = check("--settings", path)
    said = [one["what"] for one in report["findings"]]
    assert report["servers"] == 2 and len(said) == len(set(said))


# --- PostgreSQL's side


@pytest.fixture
def changed(database):
    """changed(SQL, undone by SQL): of PostgreSQL, until the test ends."""
    undo = []

    def change(sql, undoing):
        undo.append(undoing)
        database.rows(sql)

    yield change
    for sql in undo:
        database.rows(sql)


IN_POSTGRESQL = [
    ("durability", "problem", "ALTER ROLE chatsession SET synchronous_commit = off", "ALTER ROLE chatsession RESET synchronous_commit",
     "synchronous_commit is off"),
    ("role", "problem", "ALTER ROLE chatsession SUPERUSER", "ALTER ROLE chatsession NOSUPERUSER", "may do more than it needs"),
    ("role", "problem", "ALTER ROLE chatsession CREATEDB", "ALTER ROLE chatsession NOCREATEDB", "may do more than it needs"),
    ("role", "problem", "GRANT chatsession_owner TO chatsession", "REVOKE chatsession_owner FROM chatsession", "may do more than it needs"),
    ("role", "problem", "GRANT DELETE ON chatsession.audit_entries TO chatsession",
     "REVOKE DELETE ON chatsession.audit_entries FROM chatsession", "may do more than it needs"),
    ("durability", "problem", "ALTER TABLE chatsession.user_requests SET UNLOGGED", "ALTER TABLE chatsession.user_requests SET LOGGED",
     "the table user_requests is not logged"),
    ("people", "warning", "UPDATE chatsession.users SET disabled_at = now() WHERE role = 'admin'",
     "UPDATE chatsession.users SET disabled_at = NULL", "no administrator"),
]


@pytest.mark.parametrize("name, level, sql, undo, words", IN_POSTGRESQL, ids=[row[2][:60] for row in IN_POSTGRESQL])
def test_it_finds_in_postgresql(look, changed, name, level, sql, undo, words):
    """[H17] [E7] A role or a table that promises less than the module does is a problem, and said."""
    changed("ALTER ROLE chatsession SET synchronous_commit = on", "ALTER ROLE chatsession RESET synchronous_commit")
    assert words not in json.dumps(look()[1])
    changed(sql, undo)
    code, report = look()
    found = [one for one in report["findings"] if one["check"] == name and words in one["what"]]
    assert [one["level"] for one in found] == [level] and code == 1


def test_a_careless_postgresql_is_a_problem(look):
    """[H17] The tests' own cluster runs without fsync, as nobody else's should."""
    _, report = look()
    assert any("fsync or full_page_writes is off" in one["what"] for one in report["findings"])


def test_an_answer_that_nobody_ends_is_a_sign(look, database, changed):
    database.rows("INSERT INTO chatsession.conversations (id, user_id) SELECT gen_random_uuid(), id FROM chatsession.users LIMIT 1")
    changed("SET session_replication_role = replica; INSERT INTO chatsession.live_turns (answer_id, conversation_id, host, heartbeat_at) SELECT gen_random_uuid(), id, "
            "'gone', now() - interval '1 hour' FROM chatsession.conversations LIMIT 1", "DELETE FROM chatsession.live_turns")
    assert "sweep" in names(look()[1], "warning")


@pytest.mark.parametrize("offset, level", [("+0", None), ("+10", "warning"), ("-10", "warning"), ("+90", "problem")])
def test_clocks_that_are_apart_are_seen(look, offset, level):
    """The hosts' clocks: this host's is moved by libfaketime, PostgreSQL's is the real one."""
    library = next(iter(_faketime()), None)
    if not library:
        pytest.skip("libfaketime is not installed")
    _, report = look(env={**os.environ, "LD_PRELOAD": library, "FAKETIME": f"{offset}s"})
    assert [one["level"] for one in report["findings"] if one["check"] == "clock"] == ([level] if level else [])


def _faketime():
    return [line.split(" => ")[-1] for line in subprocess.getoutput("/sbin/ldconfig -p; ls /usr/lib/*/faketime/*").splitlines()
            if line.endswith("libfaketime.so.1")]


# --- how it is said


def test_a_person_reads_the_worst_first_and_what_to_do(told, database):
    path = new_folder("told") / "settings.json"
    bad = copy.deepcopy(told)
    bad["servers"][0]["settings"]["ChatSessionCookieSecure"] = "off"
    path.write_text(json.dumps(bad))
    result = subprocess.run([str(BUILD / "chatsessionctl"), "check", "--settings", str(path)], text=True, capture_output=True, timeout=60)
    assert result.returncode == 1 and result.stderr == ""
    levels = re.findall(r"^(problem|warning|advice)  \w+$", result.stdout, re.MULTILINE)
    assert levels == sorted(levels, key=["problem", "warning", "advice"].index) and "problem" in levels
    assert "  -> Take the line out and serve over https" in result.stdout
    assert re.search(r"\d problems, \d warnings, \d pieces of advice$", result.stdout.strip())


@pytest.mark.parametrize("arguments, words", [
    (("--httpd", "/bin/false"), "does not tell the settings"), (("--settings", "/nowhere"), "cannot be read"),
    (("--settings", "/etc/hostname"), "does not tell the settings")])
def test_what_tells_nothing_is_a_sentence(arguments, words):
    result = subprocess.run([str(BUILD / "chatsessionctl"), "check", *arguments], text=True, capture_output=True, timeout=60)
    assert result.returncode == 1 and words in result.stderr and result.stderr.count("\n") == 1


def test_no_password_of_the_connection_string_is_shown(look, database):
    _, report = look(setting(ChatSessionDatabase="host=@nowhere dbname=x password=verysecret connect_timeout=0"))
    assert "verysecret" not in json.dumps(report)
