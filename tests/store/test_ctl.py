# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl, and through it the schema's steps and the users' store."""
import json
import os
import re
import shutil
import stat
import subprocess

import pytest
from harness.client import Client
from harness.place import BUILD, TREE, new_folder
from harness.postgres import chatsessionctl

STEPS = sorted(path.name for path in (TREE / "schema").glob("[0-9][0-9][0-9]_*.sql"))


def ctl(database, *arguments, password=None):
    """The CompletedProcess of chatsessionctl as the superuser of database."""
    return subprocess.run([str(BUILD / "chatsessionctl"), "--database", database.superuser, *arguments], cwd=TREE,
                          input=password if password is not None else "", text=True, capture_output=True, timeout=120)


FAILED, ABSENT = 1, 3


def refused(result, *words, code=FAILED):
    """It ended with that code and one sentence that has these words."""
    assert result.returncode == code, result
    assert result.stdout == "" and result.stderr.startswith("chatsessionctl: "), result
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


@pytest.fixture
def steps():
    """A copy of schema/ that a test may change."""
    return shutil.copytree(TREE / "schema", new_folder("schema") / "schema")


@pytest.fixture
def add_session(database):
    """add_session(user): a session of that user; the function that tells why it ended."""
    count = iter(range(1, 1000))

    def add(name):
        ref = f"ref-{name}-{next(count)}"
        database.rows("INSERT INTO chatsession.sessions (id_hash, ref, user_id) SELECT sha256(%s::bytea), %s, id FROM "
                      "chatsession.users WHERE name = %s", (ref, ref, name))
        return lambda: database.value("SELECT revoke_cause FROM chatsession.sessions WHERE ref = %s", (ref,))

    return add


# --- usage


@pytest.mark.parametrize("arguments", [[], ["user"], ["user", "shoot", "mika"], ["user", "add", "mika"],
                                       ["user", "list", "extra"], ["user", "role", "mika"], ["user", "list", "--dir", "x"],
                                       ["--no-such-option"], ["user", "add", "--role"], ["session"], ["secret", "new"],
                                       ["secret", "rotate", "a", "b"], ["sweep", "now"], ["sweep", "--json"],
                                       ["session", "revoke"], ["session", "revoke", "x", "--all"],
                                       ["session", "revoke", "--all", "--user", "x"], ["user", "list", "--all"],
                                       ["sweep", "--max-lifetime", "1y"], ["sweep", "--idle-timeout", "0"],
                                       ["sweep", "--turn-silence", "-1s"]])
def test_wrong_usage_is_2_and_changes_nothing(arguments):
    result = chatsessionctl("host=/nowhere", *arguments, check=False)
    assert result.returncode == 2 and result.stdout == "" and "chatsessionctl" in result.stderr


def test_help_names_every_command_and_version_is_one_line():
    text = chatsessionctl("", "--help").stdout
    for command in ("schema apply", "schema status", "user add", "user list", "user disable", "user enable",
                    "user password", "user role", "user show", "session list", "session revoke", "secret new",
                    "secret rotate", "sweep"):
        assert f"  {command} " in text
    assert re.fullmatch(r"chatsessionctl \d+\.\d+\.\d+\n", chatsessionctl("", "--version").stdout)


def test_the_environment_names_the_database(database):
    program = str(BUILD / "chatsessionctl")
    result = subprocess.run([program, "user", "list"], env={"CHATSESSION_DATABASE": database.superuser},
                            text=True, capture_output=True)
    assert result.returncode == 0, result
    result = subprocess.run([program, "user", "list"], env={}, text=True, capture_output=True)
    assert result.returncode == 2 and "CHATSESSION_DATABASE" in result.stderr


def test_an_unreachable_database_is_a_sentence_without_the_password():
    result = chatsessionctl("host=/nowhere password=hunter2", "user", "list", check=False)
    refused(result, "/nowhere")
    assert "hunter2" not in result.stderr
    result = chatsessionctl("host=h password=my hunter2", "user", "list", check=False)
    refused(result, "connection string")
    assert "hunter2" not in result.stderr


# --- the schema


def test_apply_brings_every_step_once(make_database, steps):
    database = make_database(template=None)
    assert ctl(database, "schema", "status", "--dir", str(steps)).stdout.count(" pending") == len(STEPS)
    result = ctl(database, "schema", "apply", "--dir", str(steps))
    assert result.returncode == 0, result
    assert result.stdout.splitlines() == [f"applied {name}" for name in STEPS]
    assert [row[0] for row in database.rows("SELECT name FROM chatsession.schema_steps ORDER BY number")] == STEPS
    assert ctl(database, "schema", "apply", "--dir", str(steps)).stdout == "nothing to apply\n"
    assert ctl(database, "schema", "status", "--dir", str(steps)).stdout.count(" applied ") == len(STEPS)


def test_the_program_knows_the_last_step():
    header = (TREE / "mod_chatsession/store/schema.h").read_text()
    assert int(re.search(r"#define CS_SCHEMA_STEP (\d+)", header).group(1)) == len(STEPS) == int(STEPS[-1][:3])


def test_the_module_may_read_its_steps(database):
    with database.postgres.connect(database.name, user="chatsession") as connection:
        assert connection.execute("SELECT max(number) FROM chatsession.schema_steps").fetchone()[0] == len(STEPS)


def test_a_step_that_fails_leaves_nothing_of_itself(make_database, steps):
    """[I9]"""
    database = make_database(template=None)
    number = len(STEPS) + 1
    broken = steps / f"{number:03}_broken.sql"
    broken.write_text("CREATE TABLE chatsession.half (id int);\n\nSELECT absent FROM chatsession.half;\n")
    result = ctl(database, "schema", "apply", "--dir", str(steps))
    assert result.returncode == 1
    assert f"{broken.name}: column \"absent\" does not exist (SQLSTATE 42703, line 3)" in result.stderr
    assert database.value("SELECT max(number) FROM chatsession.schema_steps") == len(STEPS)
    assert database.value("SELECT to_regclass('chatsession.half')") is None
    broken.write_text("CREATE TABLE chatsession.half (id int);\n")
    assert ctl(database, "schema", "apply", "--dir", str(steps)).stdout == f"applied {broken.name}\n"


def test_a_step_may_not_end_its_transaction(make_database, steps):
    database = make_database(template=None)
    ending = steps / f"{len(STEPS) + 1:03}_ending.sql"
    ending.write_text("COMMIT;\n")
    result = ctl(database, "schema", "apply", "--dir", str(steps))
    assert result.returncode == 1 and "leave COMMIT and ROLLBACK out" in result.stderr


def test_an_edited_step_is_refused(make_database, steps):
    database = make_database()
    with open(steps / STEPS[1], "a") as file:
        file.write("-- an afterthought\n")
    (steps / f"{len(STEPS) + 1:03}_more.sql").write_text("CREATE TABLE chatsession.more (id int);\n")
    refused(ctl(database, "schema", "apply", "--dir", str(steps)), STEPS[1], "never edited")
    assert database.value("SELECT to_regclass('chatsession.more')") is None
    result = ctl(database, "schema", "status", "--dir", str(steps))
    assert result.returncode == 1 and "changed since it was applied" in result.stdout


def test_a_newer_database_is_refused(make_database, steps):
    """[I9]"""
    database = make_database()
    (steps / STEPS[-1]).unlink()
    refused(ctl(database, "schema", "apply", "--dir", str(steps)), STEPS[-1], "newer than the files")


@pytest.mark.parametrize("spoil, word", [(lambda steps: (steps / STEPS[0]).unlink(), "001 is expected"),
                                         (lambda steps: (steps / "002_twin.sql").write_text(""), "003 is expected"),
                                         (lambda steps: (steps / "roles.sql").unlink(), "roles.sql"),
                                         (lambda steps: shutil.rmtree(steps), "cannot be read"),
                                         (lambda steps: [path.unlink() for path in steps.glob("0*")], "no step")])
def test_files_that_are_not_the_steps_are_refused(make_database, steps, spoil, word):
    spoil(steps)
    refused(ctl(make_database(template=None), "schema", "apply", "--dir", str(steps)), word)


def test_two_runs_at_once_apply_each_step_once(make_database, steps):
    database = make_database(template=None)
    command = [str(BUILD / "chatsessionctl"), "--database", database.superuser, "schema", "apply", "--dir", str(steps)]
    runs = [subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0], outputs
    applied = [line for output, _ in outputs for line in output.splitlines() if line != "nothing to apply"]
    assert sorted(applied) == [f"applied {name}" for name in STEPS]


# --- users


def test_a_random_password_stands_alone_on_standard_output(database):
    result = ctl(database, "user", "add", "rita", "--role", "auditor", "--random-password")
    assert result.returncode == 0 and result.stderr == ""
    assert re.fullmatch(r"\S{20}\n", result.stdout)
    assert database.rows("SELECT role, password_phc LIKE '$argon2id$%%' FROM chatsession.users WHERE name = 'rita'") == \
        [("auditor", True)]


def test_a_password_comes_from_standard_input(database):
    result = ctl(database, "user", "add", "stan", "--role", "user", "--password-stdin", password="correct horse\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    before = database.value("SELECT password_phc FROM chatsession.users WHERE name = 'stan'")
    assert ctl(database, "user", "password", "stan", "--password-stdin", password="other horse").returncode == 0
    assert database.value("SELECT password_phc FROM chatsession.users WHERE name = 'stan'") != before


@pytest.mark.parametrize("password", ["", "short", "seven77\n", "x" * 2000, "nul\0inside it"])
def test_an_unacceptable_password_is_refused(database, password):
    refused(ctl(database, "user", "add", "nobody", "--role", "user", "--password-stdin", password=password))
    assert database.value("SELECT count(*) FROM chatsession.users WHERE name = 'nobody'") == 0


def test_one_way_to_a_password_must_be_chosen(database):
    for options in ([], ["--password-stdin", "--random-password"]):
        assert ctl(database, "user", "add", "nobody", "--role", "user", *options).returncode == 2


def test_a_name_is_taken_in_all_its_spellings(database):
    """[C11]"""
    assert ctl(database, "user", "add", "Ada L", "--role", "user", "--random-password").returncode == 0
    for name in ("Ada L", "ada l", "ＡＤＡ l", "a\u200bda l"):
        refused(ctl(database, "user", "add", name, "--role", "user", "--random-password"), "is taken")
    assert ctl(database, "user", "disable", "ADA L").stdout == "Ada L is disabled; 0 sessions ended\n"


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "tab\there", "\u200b", "a/b", ".", ".."])
def test_an_unusable_name_is_refused(database, name):
    refused(ctl(database, "user", "add", name, "--role", "user", "--random-password"), "cannot be a name")


def test_a_name_that_is_not_text_is_refused(database):
    command = [str(BUILD / "chatsessionctl"), "--database", database.superuser, "user", "add", b"\xff", "--role", "user",
               "--random-password"]
    result = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 1 and b"not UTF-8 text" in result.stderr and result.stdout == b""


def test_an_unknown_role_or_user_is_refused(database):
    refused(ctl(database, "user", "add", "nobody", "--role", "god", "--random-password"), '"god" is no role')
    refused(ctl(database, "user", "role", "nobody", "god"), '"god" is no role')
    for command in (["disable"], ["enable"], ["password", "--random-password"]):
        refused(ctl(database, "user", command[0], "absent", *command[1:]), 'no user "absent"', code=ABSENT)
    refused(ctl(database, "user", "role", "absent", "user"), 'no user "absent"', code=ABSENT)


def test_what_takes_rights_away_ends_the_sessions(database, add_session):
    ctl(database, "user", "add", "sam", "--role", "user", "--random-password")
    ctl(database, "user", "add", "other", "--role", "user", "--random-password")
    bystander = add_session("other")
    first, second = add_session("sam"), add_session("sam")
    assert ctl(database, "user", "role", "sam", "operator").stdout == "sam is operator; 2 sessions ended\n"
    assert (first(), second()) == ("role_changed", "role_changed")
    third = add_session("sam")
    assert ctl(database, "user", "password", "sam", "--random-password").returncode == 0
    assert third() == "password_changed"
    fourth = add_session("sam")
    assert ctl(database, "user", "disable", "sam").stdout == "sam is disabled; 1 session ended\n"
    assert fourth() == "user_disabled"
    since = database.value("SELECT disabled_at FROM chatsession.users WHERE name = 'sam'")
    assert ctl(database, "user", "disable", "sam").returncode == 0
    assert database.value("SELECT disabled_at FROM chatsession.users WHERE name = 'sam'") == since
    assert ctl(database, "user", "enable", "sam").stdout == "sam is enabled; 0 sessions ended\n"
    assert database.value("SELECT disabled_at FROM chatsession.users WHERE name = 'sam'") is None
    assert first() == "role_changed" and bystander() is None


def test_the_list_has_all_users(make_database):
    database = make_database()
    assert ctl(database, "user", "list").stdout.split() == ["ROLE", "STATE", "LAST", "LOGIN", "CONVERSATIONS", "NAME"]
    ctl(database, "user", "add", "zoe", "--role", "admin", "--random-password")
    ctl(database, "user", "add", "Äda", "--role", "user", "--random-password")
    ctl(database, "user", "disable", "zoe")
    lines = [line.split() for line in ctl(database, "user", "list").stdout.splitlines()[1:]]
    assert sorted(lines) == [["admin", "disabled", "-", "0", "zoe"], ["user", "enabled", "-", "0", "Äda"]]


def test_the_list_of_users_for_machines_is_that_of_the_api(make_database):
    database = make_database()
    ctl(database, "user", "add", "zoe", "--role", "admin", "--random-password")
    [user] = json.loads(ctl(database, "user", "list", "--json").stdout)["users"]
    assert user.pop("created_at").endswith("Z")
    assert user == {"name": "zoe", "role": "admin", "disabled": False, "conversations": 0, "last_login_at": None,
                    "second_factor_at": None,
                    "max_turns": None, "max_requests": None, "max_tokens": None}


def test_one_user_is_shown_with_the_sessions(database, add_session):
    ctl(database, "user", "add", "shown one", "--role", "viewer", "--random-password")
    add_session("shown one")
    database.rows("UPDATE chatsession.sessions SET network = '192.0.2.7', user_agent = E'Evil\\033[2J \\u009b Browser'"
                  " WHERE ref = 'ref-shown one-1'")
    lines = ctl(database, "user", "show", "SHOWN ONE").stdout.splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines[:4] if not line.startswith("last"))
    assert facts["name"] == "shown one" and facts["role"] == "viewer" and facts["state"] == "enabled"
    assert "sessions      1" in lines and "last login    never" in lines
    assert lines[-1].startswith("ref-shown one-1") and "192.0.2.7" in lines[-1]
    assert lines[-1].endswith("shown one, Evil?[2J ?? Browser"), "what moves a terminal's cursor is not printed"
    shown = json.loads(ctl(database, "user", "show", "shown one", "--json").stdout)
    assert shown["role"] == "viewer" and [one["ref"] for one in shown["sessions"]] == ["ref-shown one-1"]
    assert "argon2" not in json.dumps(shown)
    refused(ctl(database, "user", "show", "absent"), 'no user "absent"', code=ABSENT)


# --- sessions


@pytest.fixture
def sessions(make_database):
    """A database with two users; add(name) makes a session and gives its ref."""
    database = make_database()
    for name in ("ann", "Bob"):
        ctl(database, "user", "add", name, "--role", "user", "--random-password")
    count = iter(range(1, 100))

    def add(name, age="0"):
        ref = f"{name}-{next(count)}"
        database.rows("INSERT INTO chatsession.sessions (id_hash, ref, user_id, created_at, last_seen_at) SELECT"
                      " sha256(convert_to(%(ref)s, 'UTF8')), %(ref)s::text, id, now() - %(age)s::interval, now() - %(age)s::interval"
                      " FROM chatsession.users WHERE name = %(name)s", {"ref": ref, "name": name, "age": age})
        return ref

    database.add_session = add
    return database


def live(database):
    return {row[0] for row in database.rows("SELECT ref FROM chatsession.sessions WHERE revoked_at IS NULL")}


def test_the_list_of_sessions_holds_what_was_not_ended(sessions):
    first, second, ended = sessions.add_session("ann", "3 hours"), sessions.add_session("Bob"), sessions.add_session("ann")
    assert ctl(sessions, "session", "revoke", ended).stdout == "1 session ended\n"
    lines = ctl(sessions, "session", "list").stdout.splitlines()
    assert lines[0].split() == ["REF", "BEGUN", "LAST", "SEEN", "NETWORK", "USER,", "BROWSER"]
    assert [line.split()[0] for line in lines[1:]] == [second, first], "seen last first"
    assert [line.split()[0] for line in ctl(sessions, "session", "list", "--user", "BOB").stdout.splitlines()[1:]] == [second]
    shown = json.loads(ctl(sessions, "session", "list", "--json", "--user", "ann").stdout)["sessions"]
    assert [(one["ref"], one["user"], one["role"]) for one in shown] == [(first, "ann", "user")]
    refused(ctl(sessions, "session", "list", "--user", "absent"), 'no user "absent"', code=ABSENT)


def test_a_reference_that_looks_like_an_option_stands_after_two_dashes(sessions):
    sessions.add_session("ann")
    sessions.rows("UPDATE chatsession.sessions SET ref = '-a_session'")
    assert ctl(sessions, "session", "revoke", "-a_session").returncode == 2 and live(sessions) == {"-a_session"}
    assert ctl(sessions, "session", "revoke", "--", "-a_session").stdout == "1 session ended\n"


def test_a_long_list_says_that_it_is_cut(sessions):
    sessions.rows("INSERT INTO chatsession.sessions (id_hash, ref, user_id) SELECT sha256(n::text::bytea), 'r' || n, id"
                  " FROM chatsession.users, generate_series(1, 1001) n WHERE name = 'ann'")
    result = ctl(sessions, "session", "list", "--json")
    assert len(json.loads(result.stdout)["sessions"]) == 1000 and "there may be more" in result.stderr
    assert "there may be more" not in ctl(sessions, "session", "list", "--user", "Bob").stderr


def test_sessions_are_ended_by_reference_by_user_or_all(sessions):
    refs = [sessions.add_session(name) for name in ("ann", "ann", "ann", "Bob", "Bob")]
    assert ctl(sessions, "session", "revoke", refs[0], refs[3], "unknown").stdout == "2 sessions ended\n"
    assert live(sessions) == {refs[1], refs[2], refs[4]}
    assert ctl(sessions, "session", "revoke", "--user", "ANN").stdout == "2 sessions ended\n"
    assert live(sessions) == {refs[4]}
    assert ctl(sessions, "session", "revoke", "--user", "ann").stdout == "0 sessions ended\n"
    refused(ctl(sessions, "session", "revoke", "--user", "absent"), 'no user "absent"', code=ABSENT)
    assert live(sessions) == {refs[4]}
    assert ctl(sessions, "session", "revoke", "--all").stdout == "1 session ended\n"
    assert sessions.rows("SELECT DISTINCT revoke_cause FROM chatsession.sessions") == [("operator",)]


def test_nothing_is_ended_without_saying_which(sessions):
    ref = sessions.add_session("ann")
    for arguments in ([], [ref, "--all"], [ref, "--user", "ann"], ["--user", "ann", "--all"]):
        result = ctl(sessions, "session", "revoke", *arguments)
        assert result.returncode == 2 and "either references" in result.stderr
    assert live(sessions) == {ref}


# --- secrets


@pytest.fixture
def folder():
    return new_folder("secrets")


def secret(*arguments, cwd=None):
    """chatsessionctl secret, which needs no database."""
    return subprocess.run([str(BUILD / "chatsessionctl"), "secret", *map(str, arguments)], env={}, cwd=cwd, text=True,
                          capture_output=True, umask=0)


def test_a_new_secret_is_random_and_only_its_owners(folder):
    contents = set()
    for name in ("a", "b"):
        result = secret("new", name, cwd=folder)
        assert result.returncode == 0, result
        assert result.stdout.startswith(f"made {folder.resolve() / name}\n")
        assert f'  ChatSessionSecretFile "{folder.resolve() / name}"\n' in result.stdout
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        contents.add((folder / name).read_text())
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{64}\n", text) for text in contents) and len(contents) == 2


def test_a_file_that_is_there_is_not_touched(folder):
    (folder / "there").write_text("precious")
    os.symlink("nowhere", folder / "link")
    for name in ("there", "link"):
        refused(secret("new", folder / name), "is there already")
    assert (folder / "there").read_text() == "precious" and not (folder / "nowhere").exists()
    refused(secret("new", folder / "absent" / "x"), "cannot be made: No such file or directory")


def test_a_rotation_leaves_the_old_secret_and_says_what_to_do(folder):
    old = folder / "secret"
    assert secret("new", old).returncode == 0
    before = old.read_text()
    result = secret("rotate", old)
    assert result.returncode == 0, result
    [new] = [path for path in folder.iterdir() if path != old]
    assert re.fullmatch(r"secret-\d{4}-\d\d-\d\d", new.name)
    assert old.read_text() == before and re.fullmatch(r"[A-Za-z0-9+/]{64}\n", new.read_text()) and new.read_text() != before
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    lines = [line.strip() for line in result.stdout.splitlines() if "ChatSessionSecretFile " in line]
    assert lines == [f'ChatSessionSecretFile "{old}" "{new}"', f'ChatSessionSecretFile "{new}" "{old}"']
    assert [word in result.stdout for word in ("1. Add", "2. Promote", "3. Drop")] == [True] * 3
    refused(secret("rotate", old), "is there already")


def test_the_day_of_the_last_rotation_gives_way_to_todays(folder):
    old = folder / "secret-2020-02-29"
    assert secret("new", old).returncode == 0
    assert secret("rotate", old).returncode == 0
    [new] = [path.name for path in folder.iterdir() if path != old]
    assert re.fullmatch(r"secret-20\d\d-\d\d-\d\d", new)


@pytest.mark.parametrize("content,why", [
    ("", "shorter"), ("x" * 31, "shorter"), ("x" * 5000, "longer"), ("a" * 64, "byte")])
def test_what_httpd_would_not_take_is_not_rotated(folder, content, why):
    (folder / "bad").write_text(content)
    refused(secret("rotate", folder / "bad"), "no secret that httpd takes")
    refused(secret("rotate", folder / "absent"), "cannot be read: No such file or directory")
    assert [path.name for path in folder.iterdir()] == ["bad"]


def test_the_lines_of_a_rotation_log_nobody_out(folder, make_database, make_httpd):
    """[A9] a cookie of the old secret holds at each step"""
    database = make_database()
    user = database.add_user("mika")
    host = make_httpd(database.conninfo, start=False)
    config = host.config.read_text()
    own = re.search(r"^ChatSessionSecretFile .*$", config, re.MULTILINE).group()
    first = re.search(r"ChatSessionSecretFile .*", secret("new", folder / "secret").stdout).group()
    steps = re.findall(r"ChatSessionSecretFile .*", secret("rotate", folder / "secret").stdout)
    client = Client(host.url)
    for line in (first, *steps):
        host.stop()
        host.config.write_text(config.replace(own, line))
        host.start()
        if line is first:
            client.login(user)
        assert client.json("GET", "api/session", 200)["authenticated"] is True
    assert len(steps) == 2


# --- housekeeping


def test_a_sweep_does_what_is_due_and_no_more(sessions):
    database = sessions
    old, recent, ended = (sessions.add_session("ann", age) for age in ("402 days", "30 days", "2 days"))
    ended_now = sessions.add_session("ann")
    database.rows("UPDATE chatsession.sessions SET revoked_at = last_seen_at, revoke_cause = 'logout' WHERE ref = ANY(%s)",
                  ([ended, ended_now],))
    database.rows("INSERT INTO chatsession.conversations (user_id, title, trashed_at, trashed_by, purge_at) SELECT id,"
                  " 'n' || n, now(), 'user', now() + (n - 600.5) * interval '1 hour' FROM chatsession.users,"
                  " generate_series(1, 601) n WHERE name = 'ann'")
    database.rows("WITH c AS (INSERT INTO chatsession.conversations (user_id, title, message_count) SELECT id, 'dead', 2"
                  "   FROM chatsession.users WHERE name = 'Bob' RETURNING id),"
                  " q AS (INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
                  "   SELECT id, 1, 'user', 'complete', 'x' FROM c RETURNING id, conversation_id),"
                  " m AS (INSERT INTO chatsession.messages (conversation_id, seq, parent_id, role, status, content, client_id,"
                  "     model) SELECT conversation_id, 2, id, 'assistant', 'streaming', '', gen_random_uuid(), 'mock' FROM q"
                  "   RETURNING id, conversation_id)"
                  " INSERT INTO chatsession.live_turns (answer_id, conversation_id, host, heartbeat_at)"
                  "   SELECT id, conversation_id, 'gone', now() - interval '1 minute' FROM m")
    database.rows("INSERT INTO chatsession.login_attempts (subject, last_at) SELECT sha256(convert_to(n::text, 'UTF8')),"
                  " now() - n * interval '1 month' FROM generate_series(0, 1) n")
    result = ctl(database, "sweep", "--turn-silence", "1h")
    assert result.stdout == ("0 answers interrupted because their server went away\n600 conversations purged\n"
                             "2 old sessions deleted\n1 old attempts to log in deleted\n"), result
    assert {row[0] for row in database.rows("SELECT ref FROM chatsession.sessions")} == {recent, ended_now}
    assert database.rows("SELECT title FROM chatsession.conversations ORDER BY title") == [("dead",), ("n601",)]
    result = ctl(database, "sweep", "--max-lifetime", "20d", "--turn-silence", "100ms")
    assert result.stdout == ("1 answers interrupted because their server went away\n0 conversations purged\n"
                             "1 old sessions deleted\n0 old attempts to log in deleted\n"), result
    assert database.value("SELECT status FROM chatsession.messages WHERE role = 'assistant'") == "interrupted"
    assert {row[0] for row in database.rows("SELECT ref FROM chatsession.sessions")} == {ended_now}
