# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Runs the C tests of the door to PostgreSQL (test_db.c, test_db_outage.c), each as a test of its own, on a cluster that
they may stop. They ask for that by shell commands, which speak to this process through two pipes."""
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest
from harness.place import BUILD, TREE, WRAPPER
from harness.postgres import Postgres

HERE = Path(__file__).parent
TESTS = [(program, name) for program in ("test_db", "test_db_outage")
         for name in re.findall(r"^ +TEST\((\w+)\)", (HERE / f"{program}.c").read_text(), re.MULTILINE)]


class RemoteControl:
    """Does what a shell command asks for: echo restart >ask; then it reads from told until it is done."""

    def __init__(self, cluster):
        self._pipes = [cluster.folder / "ask", cluster.folder / "told"]
        self._actions = {"restart": lambda: cluster.restart("immediate"), "stop": lambda: cluster.stop("immediate"),
                         "start": cluster.start}
        for pipe in self._pipes:
            os.mkfifo(pipe)
        # Open at both ends, so a test that dies in between blocks nothing.
        self._ask, self._told = (os.open(pipe, os.O_RDWR) for pipe in self._pipes)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while (order := os.read(self._ask, 64).decode().strip()) != "end":
            try:
                self._actions[order]()
                answer = "done"
            except Exception as problem:
                answer = f"{order}: {problem}".replace("\n", " ")
            os.write(self._told, f"{answer}\n".encode())

    def command(self, order):
        ask, told = self._pipes
        return f"echo {order} >'{ask}' && read -r answer <'{told}' && echo \"$answer\" && [ \"$answer\" = done ]"

    def end(self):
        os.write(self._ask, b"end\n")
        self._thread.join()
        os.close(self._ask)
        os.close(self._told)


@pytest.fixture(scope="module")
def environment():
    # What a test has committed must outlive an immediate stop; the harness's default trades that for speed.
    cluster = Postgres(settings={"synchronous_commit": "on"})
    control = RemoteControl(cluster)
    try:
        cluster.start()
        yield {**os.environ, "CHATSESSION_TEST_CONNINFO": cluster.conninfo("postgres"),
               **{f"CHATSESSION_TEST_PG_{order.upper()}": control.command(order)
                  for order in ("restart", "stop", "start")}}
    finally:
        control.end()
        cluster.remove()


@pytest.mark.parametrize("program, name", TESTS, ids=[name for _, name in TESTS])
def test_door(program, name, environment):
    result = subprocess.run([*WRAPPER, str(BUILD / "tests" / "store" / program), name], env=environment, cwd=TREE,
                            text=True, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=300)
    output = result.stdout + result.stderr
    assert result.returncode == 0 and "1 test(s) run." in output, f"ended with {result.returncode}\n{output}"
