# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The list of conversations is planned once for a connection, and a time in microseconds costs no call."""
import pytest
from harness.statements import statements

FORMS = statements("SELECT * FROM (SELECT c.id")  # each form of the list is a statement of its own
# What a page asks for when it is opened, and where one goes on from there.
ONCE = [form for form in FORMS if "@>" not in form and not ("$5" in form and ("AND c.archived" in form or "c.trashed_by" in form))]
TIMES = ("epoch", "1969-12-31 23:59:59.999999+00", "2026-11-23 05:31:07.123456+00", "2026-11-23 05:31:07+09", "9999-12-31 23:59:59.999999+00",
         "0044-03-15 00:00:00.000001+00 BC")


@pytest.fixture(scope="module")
def reader(database):
    """One of two users with many conversations of each kind: a tenth of them is more than a page."""
    database.rows("INSERT INTO chatsession.users (name) SELECT 'reader' || n FROM generate_series(1, 2) n")
    database.rows("INSERT INTO chatsession.conversations (user_id, title, archived, labels, trashed_at, trashed_by, purge_at, updated_at)"
                     " SELECT u.id, 'c' || n, n % 5 = 0, CASE WHEN n % 3 = 0 THEN '{green}'::text[] ELSE '{}' END,"
                     "   CASE WHEN n % 4 = 0 THEN now() END, CASE WHEN n % 4 = 0 THEN 'user' END,"
                     "   CASE WHEN n % 4 = 0 THEN now() + interval '30 days' END, now() - n * interval '1 minute'"
                     " FROM chatsession.users u, generate_series(1, 5000) n")
    database.rows("ANALYZE chatsession.conversations")
    return database.value("SELECT id FROM chatsession.users WHERE name = 'reader1'")


def test_the_list_has_sixteen_forms():
    """By state, by whether it goes on after a row, by whether a label is asked for."""
    assert (len(FORMS), len(ONCE)) == (16, 6)


@pytest.mark.parametrize("form", ONCE, ids=range(len(ONCE)))
@pytest.mark.parametrize("limit", [50, 200])
def test_a_page_is_not_planned_anew(database, reader, form, limit):
    """PostgreSQL plans five times with the values, and goes on doing so where a plan without them looks dearer: as it may
    where a label is asked for, and for the further pages of the archive and the trash."""
    after = f"'false', '{2**53}', '{reader}'" if "$5" in form else None
    values = ", ".join(filter(None, [f"'{reader}'", f"'{limit}'", after]))
    with database.connect() as connection:
        connection.execute(f"PREPARE page AS {form}")
        for _ in range(7):
            rows = connection.execute(f"EXECUTE page ({values})").fetchall()
        assert len(rows) <= limit + 1 and rows == sorted(rows, key=lambda row: (row[4], row[3], row[0]), reverse=True)
        assert connection.execute("SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE name = 'page'"
                                  ).fetchone() == (5, 2)


def test_microseconds_are_written_into_the_statement(database):
    plan = "\n".join(line for (line,) in database.rows("EXPLAIN VERBOSE SELECT chatsession.usec(updated_at) FROM chatsession.conversations"))
    assert "EXTRACT" in plan and "usec" not in plan.split("Output:")[1]


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
def test_microseconds_count_from_1970_in_every_time_zone(database, time, zone):
    with database.connect() as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        assert connection.execute(f"SELECT chatsession.usec(t) = (extract(epoch FROM t) * 1000000)::bigint"
                                  f" AND chatsession.usec(t) = extract(epoch FROM t - timestamptz 'epoch') * 1000000"
                                  f" FROM (SELECT timestamptz '{time}') x(t)").fetchone() == (True,)
