# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A child's end waits for what its own threads are doing."""
from harness.place import wait_until


def test_a_server_that_is_stopped_in_the_middle_of_a_sweep_ends_cleanly(make_httpd, database):
    """The thread of the sweep used connections that the child had closed already: an abort or a crash at the end."""
    server = make_httpd(database.conninfo, lines=["ChatSessionSweepInterval 100ms"], children=2)
    with database.connect(autocommit=False) as connection:
        connection.execute("LOCK TABLE chatsession.live_turns")
        wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") >= 2,
                   "each child's sweep to wait for the table")
        server.expect_log("CS2022")
        server.stop()
    assert not [line for line in server.error_log if "AH00045" in line or "Assertion" in line]
