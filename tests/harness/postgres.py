# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A throw-away PostgreSQL cluster on an abstract unix socket: no path that could be too long, no port to collide.

initdb runs once; each cluster is a copy of its result. Peer authentication decides who is who: whoever runs the tests
may be the superuser `postgres` or the module's role `chatsession`, httpd's children (www-data) only the latter.
"""
import fcntl
import getpass
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from .passwords import argon2id
from .place import BUILD, RUNS, TREE, new_folder, wait_until

AS_POSTGRES = str(TREE / "dev" / "as-postgres")
_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_clusters = 0


def program(name):
    """The path of one of PostgreSQL's own programs, of the newest version installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name) or name


def _give_to_postgres(folder):
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "postgres:", str(folder)], check=True)


def _initialised_data():
    """A folder as initdb leaves it, made by the first worker that comes, kept for the next run."""
    server = program("initdb")
    kept = RUNS / f"initdb-{Path(server).parts[-3]}-{os.getuid()}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{kept}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "complete").exists():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            _give_to_postgres(kept)
            subprocess.run([AS_POSTGRES, str(kept), server, "-D", str(kept / "data"), "-U", "postgres", "-A", "peer",
                            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
                           check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            (kept / "complete").touch()
    return kept / "data"


class Postgres:
    """One cluster. start() and stop() may be called again and again; the data stay until the folder goes."""

    def __init__(self, fsync=False, settings=None):
        global _clusters
        _clusters += 1
        self.folder = new_folder("postgres")
        self.host = f"@chatsession-test-{os.getpid()}-{_clusters}"
        self.log = self.folder / "postgres.log"
        self._data = self.folder / "data"
        self._process = None
        self._settings = {
            "listen_addresses": "", "unix_socket_directories": self.host, "max_connections": "100",
            "shared_buffers": "32MB", "dynamic_shared_memory_type": "mmap", "max_parallel_workers": "0",
            "autovacuum_naptime": "60min", "log_line_prefix": "%m [%p] %a ", "timezone": "UTC",
            **({} if fsync else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **(settings or {})}
        subprocess.run(["cp", "-a", str(_initialised_data()), str(self._data)], check=True)
        (self._data / "pg_hba.conf").write_text("local all all peer map=tests\nhost all all 127.0.0.1/32 trust\n")
        users = {getpass.getuser(), "root", "postgres"}
        lines = [f'tests "{user}" {role}' for user in sorted(users) for role in ("postgres", "chatsession")]
        (self._data / "pg_ident.conf").write_text("\n".join(lines + ["tests www-data chatsession", ""]))
        _give_to_postgres(self.folder)

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def start(self):
        """Returns when a connection is accepted."""
        assert not self.running, "this cluster runs already"
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [AS_POSTGRES, "--dies-with-parent", str(self._data), program("postgres"), "-D", str(self._data),
                 *settings], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._accepts, lambda: f"PostgreSQL to accept connections\n{self.log.read_text()[-2000:]}", 30)
        return self

    def _accepts(self):
        assert self.running, f"PostgreSQL ended at its start:\n{self.log.read_text()[-2000:]}"
        try:
            self.connect("postgres").close()
            return True
        except psycopg.OperationalError:
            return False

    def stop(self, mode="fast"):
        """mode: smart, fast or immediate, as pg_ctl has them. Returns when the server is gone."""
        if self.running:
            self._process.send_signal(_STOP_SIGNALS[mode])
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(10)
                raise AssertionError(f"PostgreSQL did not stop ({mode}) within 30 s") from None

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def conninfo(self, dbname, user=None):
        """libpq's connection string; user: None for the superuser, "chatsession" for the module's role."""
        return f"host={self.host} dbname={dbname} user={user or 'postgres'}"

    def connect(self, dbname, **options):
        """A psycopg connection as the superuser, in autocommit mode unless told otherwise."""
        return psycopg.connect(self.conninfo(dbname), **{"autocommit": True, "connect_timeout": 5, **options})

    def psql(self, sql, dbname="postgres"):
        """psql's unaligned output of a script; an error raises CalledProcessError with psql's words."""
        return subprocess.run([program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(dbname)],
                              input=sql, text=True, check=True, capture_output=True).stdout.strip()

    def remove(self):
        """Stop and delete everything of this cluster."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class User:
    name: str
    password: str = field(repr=False)
    role: str = "user"


def chatsessionctl(conninfo, *arguments, check=True, **options):
    """Run our own program; the CompletedProcess, with text output."""
    result = subprocess.run([str(BUILD / "chatsessionctl"), "--database", conninfo, *arguments], text=True,
                            capture_output=True, stdin=subprocess.DEVNULL, cwd=TREE, timeout=120, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"chatsessionctl {' '.join(arguments)} ended with {result.returncode}:\n"
                             f"{result.stdout}{result.stderr}")
    return result


class Database:
    """One database with the schema applied, in a cluster."""

    def __init__(self, postgres, name):
        self.postgres, self.name = postgres, name

    @property
    def conninfo(self):
        """As the module's role."""
        return self.postgres.conninfo(self.name, "chatsession")

    @property
    def superuser(self):
        """As the superuser: what chatsessionctl needs."""
        return self.postgres.conninfo(self.name)

    def connect(self, **options):
        return self.postgres.connect(self.name, **options)

    def rows(self, sql, parameters=None):
        """All rows of one statement, as the superuser."""
        with self.connect() as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql, parameters=None):
        """The first column of the first row; None when there is no row."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def add_user(self, name, role="user"):
        """A new account with a random password, put straight in: who adds one by chatsessionctl is in the audit log."""
        password = secrets.token_urlsafe(15)
        self.rows("INSERT INTO chatsession.users (name, role, password_phc) VALUES (%s, %s, %s)", (name, role, argon2id(password)))
        return User(name, password, role)


_TEMPLATE = "template_chatsession"
_databases = 0


def new_database(postgres, template=_TEMPLATE):
    """A new database with the schema: a copy of one that chatsessionctl made when it was first asked for.
    template=None: an empty database without the schema."""
    global _databases
    _databases += 1
    name = f"test_{_databases}"
    known = postgres.psql(f"SELECT 1 FROM pg_database WHERE datname = '{_TEMPLATE}'")
    if template and not known:
        postgres.psql(f"CREATE DATABASE {_TEMPLATE}_new TEMPLATE template0")
        chatsessionctl(postgres.conninfo(f"{_TEMPLATE}_new"), "schema", "apply", "--dir", "schema")
        postgres.psql(f"ALTER DATABASE {_TEMPLATE}_new RENAME TO {_TEMPLATE}")
    postgres.psql(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
    return Database(postgres, name)


def drop_database(database):
    if database.postgres.running:
        database.postgres.psql(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")
