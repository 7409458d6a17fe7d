/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The door with a PostgreSQL that works: statements, parameters, results, transactions, connection strings.
 * What happens when it does not work: test_db_outage.c.
 */
#include <malloc.h>
#include "db_fixture.h"

/* ---- parameters and results ---- */

static void test_null_and_the_empty_string_differ(void **state)
{
    const cs_db_param_t params[] = {CS_DB_TEXT(NULL), CS_DB_TEXT("")};
    cs_db_result_t *result;
    apr_size_t len = 7;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, "SELECT $1::text, $2::text, $1 IS NULL, $2 IS NULL", 2, params,
                               pool),
                     APR_SUCCESS);
    assert_null(cs_db_text(result, 0, 0, &len));
    assert_int_equal(len, 0);
    assert_string_equal(cs_db_text(result, 0, 1, NULL), "");
    assert_true(cs_db_bool(result, 0, 2));
    assert_false(cs_db_bool(result, 0, 3));
    assert_int_equal(cs_db_int(result, 0, 0, -5), -5);
}

/** [K4] */
static void test_a_parameter_ends_at_its_length(void **state)
{
    const cs_db_param_t params[] = {{"abcdef", 3}, {"\xC3\xA4xyz", 2}};
    cs_db_result_t *result;
    apr_size_t len;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, "SELECT $1::text, $2::text", 2, params, pool), APR_SUCCESS);
    assert_string_equal(cs_db_text(result, 0, 0, &len), "abc");
    assert_int_equal(len, 3);
    assert_string_equal(cs_db_text(result, 0, 1, &len), "\xC3\xA4");
}

/* The stock driver stores "before" of "before NUL after" and says it worked. */
static void test_d_text_that_is_none_is_refused_before_it_is_sent(void **state)
{
    const cs_db_param_t bad[] = {{"before\0after", 12}, {"\xFF", 1}, {"\xC0\x80", 2}, {"\xED\xA0\x80", 3}, {"\xC3", 1}};
    cs_db_t *fresh = open_door(test_conninfo(), 1, apr_time_from_sec(5), 0);
    cs_db_result_t *result;
    apr_uint32_t timeouts;
    int open, lent;
    apr_size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cs_db_run(&result, fresh, CS_DB_ONCE, "SELECT $1::text", 1, &bad[i], pool), CS_ENOTTEXT);
        assert_null(result);
    }
    cs_db_counts(fresh, &open, &lent, &timeouts);
    assert_int_equal(open, 0); /* nothing was sent, since nothing was even connected */
}

/** [H5] */
static void test_e_an_sql_error_is_never_an_empty_result(void **state)
{
    cs_db_result_t *result = (void *)1;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT * FROM scratch.absent", 0, NULL, pool),
                     CS_EDATABASE);
    assert_null(result);
    assert_string_equal(cs_db_last_sqlstate(), "42P01");
    assert_int_equal(cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT * FROM scratch.notes", 0, NULL, pool),
                     APR_SUCCESS);
    assert_int_equal(cs_db_rows(result), 0);
    assert_string_equal(cs_db_last_sqlstate(), "");
    /* an error after the first row was made */
    run_for(db, CS_DB_ONCE, "SELECT 1 / (3 - g) FROM generate_series(1, 5) g", CS_EDATABASE);
    /* COPY would wait for a peer that never comes */
    run_for(db, CS_DB_ONCE, "COPY scratch.notes FROM STDIN", CS_EDATABASE);
    run_for(db, CS_DB_ONCE, "COPY scratch.notes TO STDOUT", CS_EDATABASE);
    assert_string_equal(run(db, "SELECT 1"), "1");
}

/* One connection, so that all meet the same server process. */
static const char *ask_prepared(cs_db_t *door)
{
    static const char sql[] = "SELECT n FROM scratch.prepared WHERE n = $1::integer";
    const cs_db_param_t params[] = {CS_DB_TEXT("7")};
    cs_db_result_t *result;

    assert_int_equal(cs_db_run(&result, door, CS_DB_OFTEN, sql, 1, params, pool), APR_SUCCESS);
    assert_int_equal(cs_db_rows(result), 1);
    return cs_db_text(result, 0, 0, NULL);
}

static void test_a_prepared_statement_that_does_not_last_is_sent_whole(void **state)
{
    cs_db_t *door = open_door(test_conninfo(), 1, apr_time_from_sec(5), 0);

    (void)state;
    run(door, "CREATE TABLE scratch.prepared (n integer)");
    run(door, "INSERT INTO scratch.prepared VALUES (7)");
    assert_string_equal(ask_prepared(door), "7");
    assert_string_equal(ask_prepared(door), "7");
    assert_string_equal(run(door, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'cs_%'"), "1");
    /* a step of the schema: the plan's result has another type now */
    run(door, "ALTER TABLE scratch.prepared ALTER n TYPE numeric(3, 1)");
    assert_string_equal(ask_prepared(door), "7.0");
    assert_string_equal(ask_prepared(door), "7.0");
    /* another server process, as a pooler between transactions gives it */
    run(door, "DEALLOCATE ALL");
    assert_string_equal(ask_prepared(door), "7.0");
    assert_string_equal(ask_prepared(door), "7.0");
    assert_string_equal(run(door, "SELECT count(*) FROM pg_prepared_statements"), "0");
    run(door, "DROP TABLE scratch.prepared");
}

static void test_unique_violation_is_a_conflict(void **state)
{
    (void)state;
    run(db, "INSERT INTO scratch.notes VALUES (1, 'a')");
    run_for(db, CS_DB_ONCE, "INSERT INTO scratch.notes VALUES (1, 'b')", CS_ECONFLICT);
    assert_string_equal(cs_db_last_sqlstate(), "23505");
    assert_string_equal(run(db, "SELECT body FROM scratch.notes"), "a");
}

static void test_a_conflict_raised_by_our_functions_is_one(void **state)
{
    (void)state;
    run_for(db, CS_DB_ONCE, "DO $$ BEGIN RAISE 'stale parent' USING ERRCODE = 'CS409'; END $$", CS_ECONFLICT);
    assert_string_equal(cs_db_last_sqlstate(), "CS409");
}

static void test_time_limits_are_unavailable_not_defects(void **state)
{
    cs_db_t *quick = open_door(test_conninfo(), 1, apr_time_from_sec(5), apr_time_from_msec(50));

    (void)state;
    run_for(quick, CS_DB_REPEATABLE, "SELECT pg_sleep(60)", CS_EUNAVAILABLE);
    assert_string_equal(cs_db_last_sqlstate(), "57014");
    assert_string_equal(run(quick, "SELECT 1"), "1");
}

static void make_failing_function(const char *sqlstate)
{
    run(db, apr_psprintf(pool,
                         "CREATE OR REPLACE FUNCTION scratch.fail_until(n int) RETURNS bigint LANGUAGE plpgsql AS $$\n"
                         "DECLARE call bigint := nextval('scratch.calls');\n"
                         "BEGIN IF call < n THEN RAISE 'not yet' USING ERRCODE = '%s'; END IF; RETURN call; END $$",
                         sqlstate));
}

static void test_serialization_failures_are_repeated_twice(void **state)
{
    (void)state;
    make_failing_function("40001");
    assert_string_equal(run_for(db, CS_DB_ONCE, "SELECT scratch.fail_until(3)", APR_SUCCESS), "3");
    run_for(db, CS_DB_ONCE, "SELECT scratch.fail_until(100)", CS_ECONFLICT);
    assert_string_equal(cs_db_last_sqlstate(), "40001");
    assert_string_equal(run(db, "SELECT last_value FROM scratch.calls"), "6");
    make_failing_function("40P01");
    assert_string_equal(run_for(db, CS_DB_ONCE, "SELECT scratch.fail_until(8)", APR_SUCCESS), "8");
}

static void test_rows_become_json(void **state)
{
    const char *sql =
        "SELECT true AS yes, 7::int2 AS two, 8::int4 AS four, 9007199254740993::int8 AS eight, 0.5::float8 AS half, "
        "'NaN'::float8 AS nan, '{\"a\":[1,null]}'::jsonb AS object, '\"x\"'::json AS word, "
        "'123456789012345678901234567890'::jsonb AS huge, NULL::text AS nothing, '' AS empty, "
        "'2026-11-23 05:31:07.1239+00'::timestamptz AS cut, '2026-11-23 07:31:07+02'::timestamptz AS whole, "
        "'infinity'::timestamptz AS never, '0044-03-15 BC'::timestamptz AS ides, 1.50::numeric AS price";
    json_t *expected =
        json_pack("[{s:b, s:i, s:i, s:I, s:f, s:s, s:{s:[i,n]}, s:s, s:f, s:n, s:s, s:s, s:s, s:s, s:s, s:s}]", "yes",
                  1, "two", 7, "four", 8, "eight", (json_int_t)9007199254740993, "half", 0.5, "nan", "NaN", "object",
                  "a", 1, "word", "x", "huge", 123456789012345678901234567890.0, "nothing", "empty", "", "cut",
                  "2026-11-23T05:31:07.123Z", "whole", "2026-11-23T05:31:07.000Z", "never", "infinity", "ides",
                  "0044-03-15 00:00:00+00 BC", "price", "1.50");
    cs_db_result_t *result;
    json_t *rows;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, sql, 0, NULL, pool), APR_SUCCESS);
    rows = cs_db_rows_json(result);
    if (!json_equal(rows, expected)) {
        print_message("%s\n", json_dumps(rows, JSON_INDENT(1)));
    }
    assert_non_null(expected);
    assert_true(json_equal(rows, expected));
    json_decref(rows);
    json_decref(expected);
}

static const char *printed(const char *sql, int limit)
{
    cs_text_t *text = cs_text_create(pool);
    cs_db_result_t *result;

    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, sql, 0, NULL, pool), APR_SUCCESS);
    assert_int_equal(cs_db_rows_print(text, result, limit), APR_SUCCESS);
    assert_int_equal(strlen(cs_text_get(text)), cs_text_length(text));
    return cs_text_get(text);
}

static void test_rows_are_printed_by_the_types_of_their_columns(void **state)
{
    (void)state;
    assert_string_equal(
        printed("SELECT true AS yes, false AS no, (-7)::int2 AS two, 8::int4 AS four, 9007199254740993::int8 AS eight,"
                " 0.5::float8 AS half, '-Infinity'::float8 AS least, '{\"a\": [1, null]}'::jsonb AS object,"
                " '\"x\\n\"'::json AS word, '2026-11-23 05:31:07.1239+00'::timestamptz AS cut,"
                " '2026-11-23 07:31:07+02'::timestamptz AS whole, 'infinity'::timestamptz AS never,"
                " '0044-03-15 BC'::timestamptz AS ides, 1.50::numeric AS price,"
                " '21E11C32-4343-496b-95e7-dc8190e0cc92'::uuid AS id, '{\"a b\",\"\\\\\"}'::text[] AS array,"
                " 3 AS \"a name of as many octets as PostgreSQL allows which is sixty 3 \", 4 AS \"ü\","
                " E'\"\\\\\b\f\n\r\t\\u0001\\u001f\\u007f\\u00fc\\u6f22' AS \"escaped \"\"\"",
                1),
        "[{\"yes\":true,\"no\":false,\"two\":-7,\"four\":8,\"eight\":9007199254740993,\"half\":0.5,"
        "\"least\":\"-Infinity\",\"object\":{\"a\": [1, null]},\"word\":\"x\\n\",\"cut\":\"2026-11-23T05:31:07.123Z\","
        "\"whole\":\"2026-11-23T05:31:07.000Z\",\"never\":\"infinity\",\"ides\":\"0044-03-15 00:00:00+00 BC\","
        "\"price\":\"1.50\",\"id\":\"21e11c32-4343-496b-95e7-dc8190e0cc92\",\"array\":\"{\\\"a "
        "b\\\",\\\"\\\\\\\\\\\"}\","
        "\"a name of as many octets as PostgreSQL allows which is sixty 3 \":3,\"ü\":4,"
        "\"escaped \\\"\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\u00fc\u6f22\"}]");
}

static void test_what_is_absent_is_printed_as_null_and_what_is_empty_as_empty(void **state)
{
    (void)state;
    assert_string_equal(printed("SELECT NULL::bool AS a, NULL::int8 AS b, NULL::float8 AS c, NULL::jsonb AS d,"
                                " NULL::timestamptz AS e, NULL::uuid AS f, NULL::text AS g, '' AS h, ''::\"char\" AS i",
                                1),
                        "[{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null,\"f\":null,\"g\":null,"
                        "\"h\":\"\",\"i\":\"\"}]");
    assert_string_equal(printed("SELECT 1 AS a WHERE false", 5), "[]");
    assert_string_equal(printed("SELECT g AS a FROM generate_series(1, 3) g", 2), "[{\"a\":1},{\"a\":2}]");
    assert_string_equal(printed("SELECT g AS a FROM generate_series(1, 3) g", 3), "[{\"a\":1},{\"a\":2},{\"a\":3}]");
}

/* Room is reserved by length, and not at all for long texts: of each length around the border, with and without what
 * needs the longest escape, and several in one row, as jansson writes them. */
static void test_texts_of_every_length_are_printed_as_jansson_writes_them(void **state)
{
    const char *sql =
        "SELECT repeat(c, n) AS first, n, repeat(c, 500 - n) || 'x' AS \"then\", repeat(c, n * 100) AS last"
        " FROM generate_series(0, 500) n, (VALUES ('a'), (E'\\u0001'), (E'\"'), ('\u6f22')) c(c)";
    cs_db_result_t *result;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, sql, 0, NULL, pool), APR_SUCCESS);
    assert_int_equal(cs_db_rows(result), 4 * 501);
    for (int row = 0; row < cs_db_rows(result); row++) {
        cs_text_t *text = cs_text_create(pool);
        json_t *object = cs_db_row_json(result, row);
        char *expected = json_dumps(object, JSON_COMPACT);

        assert_int_equal(cs_db_row_print_open(text, result, row), APR_SUCCESS);
        assert_int_equal(cs_text_append(text, "}", 1, 0), APR_SUCCESS);
        assert_string_equal(cs_text_get(text), expected);
        free(expected);
        json_decref(object);
    }
}

static void test_affected_rows_are_counted(void **state)
{
    cs_db_result_t *result;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE,
                               "INSERT INTO scratch.notes SELECT g, 'n' FROM generate_series(1, 12) g", 0, NULL, pool),
                     APR_SUCCESS);
    assert_int_equal(cs_db_affected(result), 12);
    assert_int_equal(cs_db_rows(result), 0);
}

static apr_size_t memory_in_use(void)
{
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void test_freed_rows_are_none_and_are_freed_once(void **state)
{
    apr_pool_t *own;
    cs_db_result_t *result;

    (void)state;
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, "SELECT 1", 0, NULL, own), APR_SUCCESS);
    assert_int_equal(cs_db_rows(result), 1);
    cs_db_result_free(result);
    assert_int_equal(cs_db_rows(result), 0);
    cs_db_result_free(result);
    cs_db_result_free(NULL);
    apr_pool_destroy(own); /* frees none of them again */
}

/* An answer runs for minutes in the pool that its conversation's settings were read into. */
static void test_a_row_that_was_read_keeps_nothing_of_libpqs(void **state)
{
    apr_pool_t *own;
    json_t *row;
    apr_size_t before;

    (void)state;
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    before = memory_in_use();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(cs_db_run_row(&row, db, CS_DB_ONCE, "SELECT repeat('x', 100000) AS x", 0, NULL, own),
                         APR_SUCCESS);
        json_decref(row);
    }
    assert_in_range(memory_in_use(), 0, before + 1000000);
    apr_pool_destroy(own);
}

/* [L3] ---- what the log may say ---- */

static void test_no_parameter_reaches_the_log(void **state)
{
    const cs_db_param_t secret = CS_DB_TEXT("my secret diary");
    cs_db_result_t *result;

    (void)state;
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, "SELECT $1::uuid", 1, &secret, pool), CS_EDATABASE);
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, "INSERT INTO scratch.notes VALUES (1, $1), (1, $1)", 1, &secret,
                               pool),
                     CS_ECONFLICT);
    run(db, "ALTER TABLE scratch.notes ADD CHECK (body <> 'my secret diary')");
    assert_int_equal(cs_db_run(&result, db, CS_DB_ONCE, "INSERT INTO scratch.notes VALUES (1, $1)", 1, &secret, pool),
                     CS_EDATABASE);
    assert_true(logged("CS2022 SQLSTATE 22P02"));
    assert_true(logged("notes_body_check"));
    assert_false(logged("diary"));
}

static void test_a_syntax_error_is_logged_with_its_reason(void **state)
{
    (void)state;
    run_for(db, CS_DB_ONCE, "SELECT absent_column FROM scratch.notes", CS_EDATABASE);
    assert_true(logged("column \"absent_column\" does not exist"));
}

/* ---- transactions ---- */

typedef struct {
    int calls;
    const char *sql[4];
    apr_status_t answer;
    apr_status_t seen[4];
} plan_t;

static apr_status_t follow_plan(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    plan_t *plan = baton;
    cs_db_result_t *result;
    int i;

    plan->calls++;
    for (i = 0; i < 4 && plan->sql[i]; i++) {
        plan->seen[i] = cs_db_tx_run(&result, tx, plan->sql[i], 0, NULL, tx_pool);
    }
    return plan->answer;
}

static apr_status_t transact(cs_db_repeat_e repeat, plan_t *plan)
{
    return cs_db_transaction(db, repeat, follow_plan, plan, pool);
}

static void test_a_transaction_is_all_or_nothing(void **state)
{
    plan_t both = {.sql = {"INSERT INTO scratch.notes VALUES (1, 'a')", "INSERT INTO scratch.notes VALUES (2, 'b')"}};
    plan_t refused = {.sql = {"INSERT INTO scratch.notes VALUES (3, 'c')"}, .answer = CS_EREFUSED};

    (void)state;
    assert_int_equal(transact(CS_DB_ONCE, &both), APR_SUCCESS);
    assert_int_equal(transact(CS_DB_REPEATABLE, &refused), CS_EREFUSED);
    assert_int_equal(refused.calls, 1);
    assert_string_equal(run(db, "SELECT count(*) FROM scratch.notes"), "2");
}

/* apr_dbd_transaction_end returns 0 here. */
static void test_c_a_failed_statement_that_fn_ignores_is_not_called_committed(void **state)
{
    plan_t plan = {.sql = {"INSERT INTO scratch.notes VALUES (1, 'a')", "SELECT 1 / 0",
                           "INSERT INTO scratch.notes VALUES (2, 'b')"}};

    (void)state;
    assert_int_equal(transact(CS_DB_ONCE, &plan), CS_EDATABASE);
    assert_string_equal(cs_db_last_sqlstate(), "22012");
    assert_int_equal(plan.seen[0], APR_SUCCESS);
    assert_int_equal(plan.seen[1], CS_EDATABASE);
    assert_int_equal(plan.seen[2], CS_EDATABASE);
    assert_string_equal(run(db, "SELECT count(*) FROM scratch.notes"), "0");
}

static void test_c_a_failure_at_commit_is_one(void **state)
{
    plan_t plan = {.sql = {"INSERT INTO scratch.late VALUES (1)", "INSERT INTO scratch.late VALUES (1)"}};

    (void)state;
    run(db, "CREATE TABLE scratch.late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    assert_int_equal(transact(CS_DB_REPEATABLE, &plan), CS_ECONFLICT);
    assert_int_equal(plan.seen[1], APR_SUCCESS);
    assert_int_equal(plan.calls, 1);
}

static void test_c_a_transaction_that_fn_ended_is_not_called_committed(void **state)
{
    plan_t plan = {.sql = {"INSERT INTO scratch.notes VALUES (1, 'a')", "ROLLBACK"}};

    (void)state;
    assert_int_equal(transact(CS_DB_ONCE, &plan), CS_EDATABASE);
    assert_string_equal(run(db, "SELECT count(*) FROM scratch.notes"), "0");
}

static void test_a_transaction_is_repeated_only_when_it_may_be(void **state)
{
    plan_t once = {.sql = {"SELECT scratch.fail_until(3)"}};
    plan_t repeatable = {.sql = {"SELECT scratch.fail_until(3)"}};

    (void)state;
    make_failing_function("40001");
    assert_int_equal(transact(CS_DB_ONCE, &once), CS_ECONFLICT);
    assert_int_equal(once.calls, 1);
    assert_int_equal(transact(CS_DB_REPEATABLE, &repeatable), APR_SUCCESS);
    assert_int_equal(repeatable.calls, 2);
}

static void test_a_leaked_begin_never_reaches_the_next_user(void **state)
{
    cs_db_t *single = open_door(test_conninfo(), 1, apr_time_from_sec(5), 0);

    (void)state;
    run(single, "BEGIN");
    assert_true(logged("CS2007"));
    run(single, "INSERT INTO scratch.notes VALUES (1, 'a')");
    assert_string_equal(run(db, "SELECT count(*) FROM scratch.notes"), "1");
}

/* ---- long results ---- */

typedef struct {
    int rows, nulls, flushes, stop_at;
    apr_size_t most_memory;
} walked_t;

static apr_status_t count_row(void *baton, const char *text, apr_size_t len)
{
    walked_t *walked = baton;

    walked->rows++;
    walked->nulls += text == NULL;
    assert_int_equal(text ? strlen(text) : 0, len);
    return walked->stop_at && walked->rows == walked->stop_at ? APR_EOF : APR_SUCCESS;
}

static apr_status_t measure(void *baton)
{
    walked_t *walked = baton;
    const apr_size_t now = memory_in_use();

    walked->flushes++;
    walked->most_memory = now > walked->most_memory ? now : walked->most_memory;
    return APR_SUCCESS;
}

static apr_status_t walk_much(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    const cs_db_param_t count = CS_DB_TEXT("200000");

    return cs_db_tx_walk(tx, "SELECT repeat('x', 1000) || g FROM generate_series(1, $1::int) g", 1, &count, 500,
                         count_row, measure, baton, tx_pool);
}

static void test_a_walk_over_200000_rows_keeps_memory_flat(void **state)
{
    const struct mallinfo2 before = mallinfo2();
    walked_t walked = {0};

    (void)state;
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, walk_much, &walked, pool), APR_SUCCESS);
    assert_int_equal(walked.rows, 200000);
    assert_int_equal(walked.flushes, 400);
    assert_in_range(walked.most_memory, 0, before.uordblks + before.hblkhd + 8 * 1024 * 1024);
}

static apr_status_t walk_twice(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    const char *sql = "SELECT nullif(g, 2)::text FROM generate_series(1, 5) g";
    walked_t *walked = baton;

    assert_int_equal(cs_db_tx_walk(tx, sql, 0, NULL, 2, count_row, NULL, &walked[0], tx_pool), APR_EOF);
    return cs_db_tx_walk(tx, sql, 0, NULL, 2, count_row, NULL, &walked[1], tx_pool);
}

static void test_a_walk_ends_when_row_says_so_and_another_may_follow(void **state)
{
    walked_t walked[2] = {{.stop_at = 3}, {0}};

    (void)state;
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, walk_twice, walked, pool), APR_SUCCESS);
    assert_int_equal(walked[0].rows, 3);
    assert_int_equal(walked[1].rows, 5);
    assert_int_equal(walked[1].nulls, 1);
}

static apr_status_t walk_absent(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    apr_status_t rv = cs_db_tx_walk(tx, "SELECT * FROM scratch.absent", 0, NULL, 2, count_row, NULL, baton, tx_pool);

    assert_int_equal(rv, CS_EDATABASE);
    return APR_SUCCESS;
}

static void test_a_walk_through_an_error_is_no_empty_walk(void **state)
{
    walked_t walked = {0};

    (void)state;
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, walk_absent, &walked, pool), CS_EDATABASE);
}

/* ---- scripts ---- */

typedef struct {
    const char *script;
    const char *problem;
} script_t;

static apr_status_t run_script(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    script_t *script = baton;

    return cs_db_tx_script(tx, script->script, &script->problem, tx_pool);
}

static void test_a_script_is_one_transaction_and_names_its_line(void **state)
{
    script_t good = {"CREATE TABLE scratch.a (id int);\nINSERT INTO scratch.a VALUES (1), (2);\n-- end\n", NULL};
    script_t bad = {"CREATE TABLE scratch.b (id int);\n\nSELECT absent FROM scratch.b;\nSELECT 1;", NULL};
    script_t ending = {"CREATE TABLE scratch.c (id int); COMMIT; CREATE TABLE scratch.d (id int)", NULL};

    (void)state;
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, run_script, &good, pool), APR_SUCCESS);
    assert_null(good.problem);
    assert_string_equal(run(db, "SELECT count(*) FROM scratch.a"), "2");
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, run_script, &bad, pool), CS_EDATABASE);
    assert_string_equal(bad.problem, "column \"absent\" does not exist (SQLSTATE 42703, line 3)");
    assert_null(run(db, "SELECT to_regclass('scratch.b')"));
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, run_script, &ending, pool), CS_EREFUSED);
}

/* ---- connection strings ---- */

static const char *completed(const char *conninfo, const char *keyword)
{
    const char *complete, *problem, *value = NULL;
    PQconninfoOption *options, *option;

    assert_int_equal(cs_db_conninfo_complete(&complete, conninfo, apr_time_from_msec(1500), &problem, pool),
                     APR_SUCCESS);
    options = PQconninfoParse(complete, NULL);
    assert_non_null(options);
    for (option = options; option->keyword; option++) {
        if (strcmp(option->keyword, keyword) == 0 && option->val) {
            value = apr_pstrdup(pool, option->val);
        }
    }
    PQconninfoFree(options);
    return value;
}

static void test_a_connection_string_is_completed_not_changed(void **state)
{
    const char *uri = "postgresql://us%27er:p%20a%5C%27%22ss@/base?host=/a%20b&connect_timeout=9";

    (void)state;
    assert_string_equal(completed("host = h password='it is' ", "host"), "h");
    assert_string_equal(completed("password='a \\'b\\' \\\\ \"c\"'", "password"), "a 'b' \\ \"c\"");
    assert_string_equal(completed(uri, "password"), "p a\\'\"ss");
    assert_string_equal(completed(uri, "user"), "us'er");
    assert_string_equal(completed(uri, "host"), "/a b");
    assert_string_equal(completed(uri, "connect_timeout"), "9");
    assert_string_equal(completed("", "connect_timeout"), "2");
    assert_string_equal(completed("", "tcp_user_timeout"), "1500");
    assert_string_equal(completed("", "keepalives_idle"), "1");
    assert_string_equal(completed("", "application_name"), "chatsession");
    assert_string_equal(completed("application_name=mine", "application_name"), "mine");
    assert_string_equal(completed("client_encoding=LATIN1", "client_encoding"), "UTF8");
    assert_null(completed("", "password"));
}

static void test_options_are_appended_where_not_named(void **state)
{
    (void)state;
    assert_string_equal(completed("", "options"), "-c TimeZone=UTC -c DateStyle=ISO -c lock_timeout=2000 "
                                                  "-c idle_in_transaction_session_timeout=10000 "
                                                  "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=5 "
                                                  "-c tcp_keepalives_count=3 "
                                                  "-c statement_timeout=1500");
    assert_string_equal(completed("options='-c Statement_Timeout=9 -c timezone=PST8PDT -c deadlock_timeout=1s "
                                  "-c tcp_keepalives_idle=7 -c tcp_keepalives_count=2'",
                                  "options"),
                        "-c Statement_Timeout=9 -c timezone=PST8PDT -c deadlock_timeout=1s "
                        "-c tcp_keepalives_idle=7 -c tcp_keepalives_count=2 -c TimeZone=UTC "
                        "-c DateStyle=ISO -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 "
                        "-c tcp_keepalives_interval=5");
}

static void test_a_bad_connection_string_is_described_without_its_password(void **state)
{
    static const char *const leaky[] = {
        "host=h password=my hunter2",     "password='hunter2",
        "password=a hunter2=b",           "postgresql://me:hunter2%zz@h/d",
        "postgresql://me:hunter2@[::1/d", "postgresql://h/d?password=x%zzhunter2",
        "password=\"x hunter2\"y",
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < sizeof(leaky) / sizeof(leaky[0]); i++) {
        const char *problem = cs_db_conninfo_problem(leaky[i], pool);

        assert_non_null(problem);
        assert_null(strstr(problem, "hunter2"));
    }
    assert_string_equal(cs_db_conninfo_problem("hots=localhost", pool), "invalid connection option \"hots\"");
    assert_null(cs_db_conninfo_problem("host=/tmp dbname=x", pool));
}

static void test_a_config_out_of_bounds_is_refused(void **state)
{
    const cs_db_config_t configs[] = {
        {"host=h", 0, 1000, 0, keep_line, NULL},
        {"host=h", 1001, 1000, 0, keep_line, NULL},
        {"host=h", 4, 0, 0, keep_line, NULL},
        {"host=h", 4, 1000, -1, keep_line, NULL},
        {"password=my hunter2", 4, 1000, 0, NULL, NULL},
    };
    cs_db_t *made;
    apr_size_t i;

    (void)state;
    for (i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        assert_int_equal(cs_db_create(&made, &configs[i], pool), CS_EREFUSED);
        assert_null(made);
    }
    assert_true(logged("max_connections is 1001 (expected 1 to 1000)"));
}

static void test_the_environment_does_not_change_how_rows_read(void **state)
{
    cs_db_t *abroad = open_door(test_conninfo(), 1, apr_time_from_sec(5), 0);
    const char *text;

    (void)state;
    setenv("PGTZ", "Asia/Tokyo", 1);
    setenv("PGDATESTYLE", "German", 1);
    setenv("PGCLIENTENCODING", "LATIN1", 1);
    text = run(abroad, "SELECT '2026-11-23 05:31:07+00'::timestamptz || ' \xC3\xA4'");
    unsetenv("PGTZ");
    unsetenv("PGDATESTYLE");
    unsetenv("PGCLIENTENCODING");
    assert_string_equal(text, "2026-11-23 05:31:07+00 \xC3\xA4");
}

/** [K8] */
static void test_a_database_of_another_encoding_is_refused_by_name(void **state)
{
    cs_db_t *ascii;

    (void)state;
    run(db, "DROP DATABASE IF EXISTS scratch_ascii");
    run(db, "CREATE DATABASE scratch_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    ascii = open_door(apr_pstrcat(pool, test_conninfo(), " dbname=scratch_ascii", NULL), 1, apr_time_from_sec(5), 0);
    run_for(ascii, CS_DB_ONCE, "SELECT 1", CS_EUNAVAILABLE);
    assert_true(logged("database \"scratch_ascii\" has the encoding SQL_ASCII; expected UTF8"));
    run(db, "DROP DATABASE scratch_ascii");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_null_and_the_empty_string_differ),
        TEST(test_a_parameter_ends_at_its_length),
        TEST(test_d_text_that_is_none_is_refused_before_it_is_sent),
        TEST(test_e_an_sql_error_is_never_an_empty_result),
        TEST(test_a_prepared_statement_that_does_not_last_is_sent_whole),
        TEST(test_unique_violation_is_a_conflict),
        TEST(test_a_conflict_raised_by_our_functions_is_one),
        TEST(test_time_limits_are_unavailable_not_defects),
        TEST(test_serialization_failures_are_repeated_twice),
        TEST(test_rows_become_json),
        TEST(test_rows_are_printed_by_the_types_of_their_columns),
        TEST(test_what_is_absent_is_printed_as_null_and_what_is_empty_as_empty),
        TEST(test_texts_of_every_length_are_printed_as_jansson_writes_them),
        TEST(test_affected_rows_are_counted),
        TEST(test_freed_rows_are_none_and_are_freed_once),
        TEST(test_a_row_that_was_read_keeps_nothing_of_libpqs),
        TEST(test_no_parameter_reaches_the_log),
        TEST(test_a_syntax_error_is_logged_with_its_reason),
        TEST(test_a_transaction_is_all_or_nothing),
        TEST(test_c_a_failed_statement_that_fn_ignores_is_not_called_committed),
        TEST(test_c_a_failure_at_commit_is_one),
        TEST(test_c_a_transaction_that_fn_ended_is_not_called_committed),
        TEST(test_a_transaction_is_repeated_only_when_it_may_be),
        TEST(test_a_leaked_begin_never_reaches_the_next_user),
        TEST(test_a_walk_over_200000_rows_keeps_memory_flat),
        TEST(test_a_walk_ends_when_row_says_so_and_another_may_follow),
        TEST(test_a_walk_through_an_error_is_no_empty_walk),
        TEST(test_a_script_is_one_transaction_and_names_its_line),
        TEST(test_a_connection_string_is_completed_not_changed),
        TEST(test_options_are_appended_where_not_named),
        TEST(test_a_bad_connection_string_is_described_without_its_password),
        TEST(test_a_config_out_of_bounds_is_refused),
        TEST(test_the_environment_does_not_change_how_rows_read),
        TEST(test_a_database_of_another_encoding_is_refused_by_name),
    };

    return RUN_TESTS(tests, argc, argv);
}
