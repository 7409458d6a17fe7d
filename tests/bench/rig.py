# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What every measurement stands on: a PostgreSQL of its own with fsync on, httpd servers, the two C programs, wrk and
pgbench, and the processor time and memory of what was started.

Nothing here times one thing alone: `pairs` runs limit and candidate in turn and keeps the ratio of each pair, because a
machine that does other things as well slows both.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness.place import BUILD, HTTPD, LIBEXECDIR, TREE, free_port, new_folder, wait_until  # noqa: E402
from harness.postgres import Postgres, new_database, program  # noqa: E402
from harness.process import children_of, dies_with_parent  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# --- processes


def tree(pid):
    """pid and all its descendants."""
    found = [pid]
    for each in found:
        found += children_of(each)
    return found


def cpu_seconds(pid):
    """User and system time of a process and its descendants, those that have ended included."""
    total = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def pss_kib(pid):
    """Memory of a process and its descendants; what they share counts once."""
    total = 0
    for each in tree(pid):
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{each}/smaps_rollup").read_text(), re.M)
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total


class Peak(threading.Thread):
    """The highest pss_kib of some processes while the block runs."""

    def __init__(self, *pids):
        super().__init__(daemon=True)
        self.pids, self.kib, self._over = pids, 0, threading.Event()

    def run(self):
        while not self._over.wait(0.25):
            self.kib = max(self.kib, sum(map(pss_kib, self.pids)))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


# --- one run


class Rig:
    """Everything that a run starts: `with Rig() as rig`. All of it ends with that; the folder stays where a measurement
    failed, for its logs say why."""

    def __init__(self, postgres_settings=None):
        self.folder = new_folder("bench")
        self._processes = []
        self.postgres = Postgres(fsync=True, settings={
            "shared_buffers": "512MB", "max_connections": "300", "max_wal_size": "4GB", "checkpoint_timeout": "30min",
            "jit": "off", "autovacuum_naptime": "10s", "shared_preload_libraries": "pg_stat_statements",
            **(postgres_settings or {})}).start()
        self.database = new_database(self.postgres)
        self.database.rows("CREATE EXTENSION pg_stat_statements")
        os.chmod(self.folder, 0o755)

    @property
    def postgres_pid(self):
        return self.postgres.pid

    def spawn(self, name, arguments):
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, preexec_fn=dies_with_parent(), cwd=self.folder)
        self._processes.append(process)
        return process

    def end(self, process):
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in reversed(tree(process.pid)):
                os.kill(pid, 9)
            process.wait()
        self._processes.remove(process)

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        for process in list(reversed(self._processes)):
            self.end(process)
        self.postgres.remove()
        if kind:
            say(f"What it left is in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def tool(self, name):
        """One of the C programs beside this file."""
        made = BUILD / "bench" / name
        source = HERE / f"{name}.c"
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            made.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", made, source], check=True)
        return made

    def model(self, tokens, interval_ms):
        """A model's server that sends so many tokens so far apart; its port."""
        port = free_port()
        self.spawn("model", [self.tool("model"), port, tokens, interval_ms])
        wait_until(lambda: accepts(port), "the model to take connections")
        return port

    def sql(self, script):
        return self.postgres.psql(script, self.database.name)

    def statements(self):
        """How many statements the module's role has sent since the start."""
        return int(self.database.value(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
            " WHERE r.rolname = 'chatsession' AND s.toplevel"))

    def pgbench(self, scripts, seconds, clients=16, prepared=True, user="chatsession"):
        """(transactions a second, milliseconds of one); of several scripts, each transaction takes one by chance."""
        scripts = scripts if isinstance(scripts, list) else [scripts]
        result = subprocess.run(
            [program("pgbench"), "-n", "-M", "prepared" if prepared else "extended", "-c", str(clients), "-j", "1",
             "-T", str(seconds), *[word for script in scripts for word in ("-f", str(script))], "-h", self.postgres.host, "-U", user, self.database.name],
            capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"pgbench: {result.stderr[-2000:]}")
        return (float(re.search(r"tps = ([\d.]+)", result.stdout)[1]),
                float(re.search(r"latency average = ([\d.]+)", result.stdout)[1]))


def accepts(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# --- load


def wrk(port, path, script, seconds, connections, *arguments):
    """wrk with one of the Lua scripts beside this file; what it counted."""
    result = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
                             str(HERE / script), f"http://127.0.0.1:{port}{path}", "--", *map(str, arguments)],
                            capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        if line.startswith("{"):
            counted = json.loads(line)
            counted["per_second"] = counted["requests"] / (counted["us"] / 1e6)
            return counted
    raise RuntimeError(f"wrk: {result.stdout[-600:]}{result.stderr[-600:]}")


def all_good(results, what):
    """Fail unless each request of all runs of wrk was answered as it should be."""
    bad = [result["errors"] for result in results if result["bad"]]
    assert not bad, f"{what} were no success: {bad}"


# --- figures


def pairs(rounds, limit, candidate, ratio):
    """Run limit and candidate in turn; (their results, the ratios of each pair)."""
    limits, candidates, ratios = [], [], []
    for number in range(rounds):
        order = (limit, candidate) if number % 2 == 0 else (candidate, limit)
        first, second = order[0](), order[1]()
        a, b = (first, second) if order[0] is limit else (second, first)
        limits.append(a)
        candidates.append(b)
        ratios.append(ratio(b, a))
    return limits, candidates, ratios


def median(values):
    return statistics.median(values)


def figure(values, form="{:.2f}"):
    """A median with its range: "0.93 (0.90 to 0.95)"."""
    return f"{form.format(median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def temporary(folder, name, text):
    path = Path(folder) / name
    path.write_text(text)
    return path


def machine():
    """One line about where this runs."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) // 1024 // 1024
    return f"{os.cpu_count()} × {cpu[1] if cpu else os.uname().machine}, {memory} GiB, Linux {os.uname().release}"


def versions():
    def first_line(*command):
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            return (result.stdout or result.stderr).splitlines()[0]
        except (OSError, IndexError):
            return f"{command[0]}: unknown"
    return ", ".join([re.sub(r".*?(Apache/[\d.]+).*", r"httpd \1", first_line(HTTPD, "-v")).replace("Apache/", ""),
                      re.sub(r"postgres \(PostgreSQL\) ([\d.]+).*", r"PostgreSQL \1", first_line(program("postgres"), "-V")),
                      re.sub(r"wrk ([^ ]+).*", r"wrk \1", first_line("wrk", "-v"))])


def commit():
    result = subprocess.run(["git", "-C", str(TREE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False)
    return result.stdout.strip() or "unknown"


__all__ = ["BUILD", "HERE", "HTTPD", "LIBEXECDIR", "TREE", "Peak", "Rig", "commit", "cpu_seconds", "figure", "free_port",
           "machine", "median", "pairs", "pss_kib", "say", "temporary", "versions", "wait_until",
           "wrk"]
