# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""chatsessionctl setup: from an empty PostgreSQL to lines that httpd starts with, once and again."""
import os
import re
import stat
import subprocess

import pytest
from harness.client import Client
from harness.place import BUILD, TREE, new_folder

AS_ROOT = os.getuid() == 0
HTTPD_USER = "www-data"


@pytest.fixture
def empty(postgres):
    """The name of a database that is not there, and goes when it was made."""
    name = "made_by_setup"
    yield name
    postgres.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def etc():
    folder = new_folder("etc")
    return folder / "chatsession"


def set_up(postgres, name, etc, *arguments, text=""):
    command = [str(BUILD / "chatsessionctl"), "--database", postgres.conninfo(name), "setup", "--as", "root", "--folder", str(etc),
               "--dir", str(TREE / "schema"), "--httpd-user", HTTPD_USER, *arguments]
    return subprocess.run(command, text=True, capture_output=True, input=text, cwd=TREE, timeout=120)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def password_in(said):
    return re.search(r"^administrator +(\S+), .*\n +(\S+)$", said, re.MULTILINE).groups()


def test_after_the_setup_httpd_answers_and_its_administrator_logs_in(postgres, empty, etc, make_httpd):
    """[C10] Nobody has an account before; the first administrator's password is made by chance and shown once."""
    done = set_up(postgres, empty, etc, "--operator", "ada", "--backend", "mock http://127.0.0.1:9/v1")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert mode(etc / "secret") == 0o600 and len((etc / "secret").read_bytes()) > 60
    name, password = password_in(done.stdout)
    assert name == "ada"
    lines = (etc / "httpd.conf").read_text()
    assert "password" not in lines and "ChatSessionBackend    mock http://127.0.0.1:9/v1" in lines
    server = make_httpd(bare=True, lines=[
        f'Include "{etc}/httpd.conf"', f'ChatSessionPages "{BUILD}/share"', "ChatSessionCookieSecure off",
        '<Location "/chat">', "SetHandler chatsession", "</Location>", '<Location "/chat-admin">', "SetHandler chatsession-admin",
        "</Location>"])
    console = Client(server.url, "/chat-admin")
    console.login(name, password)
    assert console.get("api/overview").status_code == 200


def test_a_second_run_changes_nothing_and_shows_no_password(postgres, empty, etc):
    first = set_up(postgres, empty, etc)
    before = {path.name: path.read_bytes() for path in etc.iterdir()}
    second = set_up(postgres, empty, etc, "--operator", "another")
    assert (second.returncode, second.stderr) == (0, "")
    assert {path.name: path.read_bytes() for path in etc.iterdir()} == before
    assert password_in(first.stdout)[1] not in second.stdout
    assert "operator, there already" in second.stdout and "another" not in second.stdout
    assert second.stdout.count("there already") == 5, second.stdout


@pytest.mark.parametrize("missing", ["secret", "httpd.conf", "environment"])
def test_it_goes_on_where_a_run_before_it_ended(postgres, empty, etc, missing):
    set_up(postgres, empty, etc)
    (etc / missing).unlink()
    again = set_up(postgres, empty, etc)
    assert (again.returncode, again.stderr) == (0, "")
    assert (etc / missing).exists() and again.stdout.count("there already") == 4


def test_a_secret_that_httpd_would_refuse_is_said_and_left_alone(postgres, empty, etc):
    etc.mkdir(parents=True)
    (etc / "secret").write_text("short\n")
    refused = set_up(postgres, empty, etc)
    assert refused.returncode == 1 and "is no secret that httpd takes" in refused.stderr
    assert (etc / "secret").read_text() == "short\n" and not (etc / "httpd.conf").exists()


def test_a_connection_string_that_is_none_is_refused(postgres, etc):
    result = subprocess.run([str(BUILD / "chatsessionctl"), "--database", "dbnam=x", "setup", "--folder", str(etc)], text=True,
                            capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert result.returncode == 1 and 'invalid connection option "dbnam"' in result.stderr
    assert not etc.exists()


@pytest.mark.parametrize("option, value", [("--backend", "m http://x/v1\nUser root"), ("--folder", '/tmp/x"y'), ("--folder", "/tmp/$(id)")])
def test_what_would_mean_something_else_in_the_files_is_refused(postgres, empty, etc, option, value):
    refused = set_up(postgres, empty, etc, option, value)
    assert refused.returncode == 1 and f"{option} holds a character" in refused.stderr
    assert not etc.exists() and not postgres.psql(f"SELECT 1 FROM pg_database WHERE datname = '{empty}'")


def test_without_a_terminal_nothing_is_asked(postgres, empty, etc):
    done = set_up(postgres, empty, etc, text="this is no answer\n")
    assert done.returncode == 0 and "[" not in done.stdout.split("\nNext:")[0]


# --- a PostgreSQL that does not know httpd's user by the kernel's word


@pytest.fixture
def strict(make_postgres):
    """Peer authentication for the superuser only; everybody else needs a password, over the socket too."""
    cluster = make_postgres()
    (cluster._data / "pg_hba.conf").write_text("local all postgres peer map=tests\nlocal all all scram-sha-256\n")
    cluster.psql("SELECT pg_reload_conf()")
    return cluster


@pytest.mark.skipif(not AS_ROOT, reason="only root may act as httpd's user")
def test_where_httpds_user_needs_a_password_the_role_gets_one_that_nobody_sees(strict, etc):
    done = set_up(strict, "chatsession", etc)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert mode(etc / "pgpass") == 0o600 and (etc / "pgpass").owner() == HTTPD_USER
    password = (etc / "pgpass").read_text().strip().rsplit(":", 1)[1]
    assert len(password) >= 20
    assert f"passfile={etc}/pgpass" in (etc / "httpd.conf").read_text()
    assert password not in done.stdout + (etc / "httpd.conf").read_text() + strict.log.read_text()
    stored = strict.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'chatsession'")
    assert stored.startswith("SCRAM-SHA-256$")
    again = set_up(strict, "chatsession", etc)
    assert again.returncode == 0
    assert strict.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'chatsession'") == stored


@pytest.mark.skipif(not AS_ROOT, reason="only root may act as httpd's user")
def test_where_there_is_no_way_in_it_says_which_line_is_missing(strict, etc):
    (strict._data / "pg_hba.conf").write_text("local all postgres peer map=tests\n")
    strict.psql("SELECT pg_reload_conf()")
    refused = set_up(strict, "chatsession", etc)
    assert refused.returncode == 1
    assert "host chatsession chatsession 127.0.0.1/32 scram-sha-256" in refused.stderr
    assert not (etc / "httpd.conf").exists()
