# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A child that dies fails the test that it died in, with where it was; only httpd's own known race is let through."""
import os
import re
import signal
from pathlib import Path

import pytest

from harness.httpd import SANITIZE, ErrorLog
from harness.place import wait_until

TOLD = "[Mon Nov 23 08:47:37 2026] [core:notice] [pid 1:tid 1] AH00052: child pid {} exit signal Segmentation fault (11)"
RACE = ("CRASH pid {} signal 11 thread {}: < libapr-1.so.0!apr_os_sock_get < mod_mpm_event.so+0x606c"
        " < mod_mpm_event.so+0x7507{} < apache2!ap_run_mpm < apache2!main")


def unexpected(tmp_path, *lines):
    path = tmp_path / "error.log"
    path.write_text("\n".join(lines) + "\n")
    return ErrorLog(path).unexpected()


@pytest.mark.parametrize("frame_of_signal", ["", " < libc.so.6+0x3c050"])
def test_httpds_own_race_at_its_end_is_known_by_its_trace(tmp_path, frame_of_signal):
    crash = RACE.format(7, "main", "").replace("main:", "main:" + frame_of_signal)
    assert unexpected(tmp_path, crash, TOLD.format(7)) == []


@pytest.mark.parametrize("crash", [
    RACE.format(7, "other", ""), RACE.format(7, "main", " < mod_chatsession.so+0x1"),
    RACE.format(7, "main", "").replace("signal 11", "signal 6"), RACE.format(8, "main", ""),
    "CRASH pid 7 signal 11 thread main: < libpq.so.5!PQfinish < mod_mpm_event.so+0x606c < apache2!main",
    "CRASH pid 7 signal 11 thread main: < libc.so.6+0x3c050 < libpq.so.5!PQfinish < mod_mpm_event.so+0x606c", None])
def test_no_other_crash_is_let_through(tmp_path, crash):
    lines = unexpected(tmp_path, *([crash] if crash else []), TOLD.format(7))
    assert TOLD.format(7) in lines


CLOSED = ("[Mon Nov 23 11:13:25 2026] [mpm_event:error] [pid 7:tid 8] (9)Bad file descriptor: AH03093: process_socket:"
          " apr_pollset_add failure for keep alive")
END = "[Mon Nov 23 11:13:25 2026] [mpm_event:notice] [pid 1:tid 1] AH00491: caught SIGTERM, shutting down"


def test_a_socket_that_httpd_closed_at_its_end_is_no_trouble_and_any_other_is(tmp_path):
    assert unexpected(tmp_path, CLOSED, END) == []
    for lines in ([CLOSED], [END, CLOSED], [CLOSED.replace("AH03093", "AH03094"), END],
                  [CLOSED.replace("(9)Bad file descriptor", "(12)Cannot allocate memory"), END]):
        assert len(unexpected(tmp_path, *lines)) == 1, lines


@pytest.mark.skipif(bool(SANITIZE), reason="a sanitizer tells of crashes itself")
def test_a_crash_leaves_a_trace_in_the_error_log(make_httpd, database):
    server = make_httpd(database.conninfo)
    # While the main thread makes another, it takes no signal: then that goes to any thread. Beside the 25 workers stand
    # itself, the listener, and five that begin before them: the recorder, the queue's and the sessions' ear, the reviewer
    # of sessions, the watchdog.
    child = server.children[0]
    wait_until(lambda: len(os.listdir(f"/proc/{child}/task")) >= 25 + 7 and
               Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "S",
               "all threads of the child, and its main thread asleep")
    victim = server.kill_child(child, signal.SIGSEGV)
    # Which thread takes the signal is the kernel's to choose, and with it what stands in the trace: a thread that is just beginning has only libc's frames.
    traces = [line for line in server.error_log
              if re.match(rf"CRASH pid {victim} signal 11 thread (main|other): < \S+\.so\S*[+!]\w+", line)]
    assert len(traces) == 1, "\n".join(server.error_log)
