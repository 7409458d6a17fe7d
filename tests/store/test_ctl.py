# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl, and through it the schema's steps and the users' store."""
import re
import shutil
import subprocess

import pytest
from harness.place import BUILD, TREE, new_folder
from harness.postgres import chatsessionctl

STEPS = sorted(path.name for path in (TREE / "schema").glob("[0-9][0-9][0-9]_*.sql"))


def ctl(database, *arguments, password=None):
    """The CompletedProcess of chatsessionctl as the superuser of database."""
    return subprocess.run([str(BUILD / "chatsessionctl"), "--database", database.superuser, *arguments], cwd=TREE,
                          input=password if password is not None else "", text=True, capture_output=True, timeout=120)


def refused(result, *words):
    """It ended with 1 and one sentence that has these words."""
    assert result.returncode == 1, result
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
                                       ["--no-such-option"], ["user", "add", "--role"]])
def test_wrong_usage_is_2_and_changes_nothing(arguments):
    result = chatsessionctl("host=/nowhere", *arguments, check=False)
    assert result.returncode == 2 and result.stdout == "" and "chatsessionctl" in result.stderr


def test_help_names_every_command_and_version_is_one_line():
    text = chatsessionctl("", "--help").stdout
    for command in ("schema apply", "schema status", "user add", "user list", "user disable", "user enable",
                    "user password", "user role"):
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
    assert ctl(database, "user", "add", "Ada L", "--role", "user", "--random-password").returncode == 0
    for name in ("Ada L", "ada l", "ＡＤＡ l", "a\u200bda l"):
        refused(ctl(database, "user", "add", name, "--role", "user", "--random-password"), "is taken")
    assert ctl(database, "user", "disable", "ADA L").stdout == "Ada L is disabled; 0 sessions ended\n"


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "tab\there", "\u200b"])
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
        refused(ctl(database, "user", command[0], "absent", *command[1:]), 'no user "absent"')
    refused(ctl(database, "user", "role", "absent", "user"), 'no user "absent"')


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
    assert ctl(database, "user", "list").stdout.split() == ["ROLE", "STATE", "LAST", "LOGIN", "NAME"]
    ctl(database, "user", "add", "zoe", "--role", "admin", "--random-password")
    ctl(database, "user", "add", "Äda", "--role", "user", "--random-password")
    ctl(database, "user", "disable", "zoe")
    lines = [line.split() for line in ctl(database, "user", "list").stdout.splitlines()[1:]]
    assert sorted(lines) == [["admin", "disabled", "never", "zoe"], ["user", "enabled", "never", "Äda"]]
