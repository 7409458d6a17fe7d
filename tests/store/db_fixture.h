/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TEST_DB_FIXTURE_H
#define CS_TEST_DB_FIXTURE_H
/*
 * What the two test programs of the door share: a door to the test's database, its log kept for looking at, short ways
 * to run a statement. CHATSESSION_TEST_CONNINFO names the database; see test_db.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/db_private.h"

/* A test that hangs is a test that fails. */
#define TEST_LIMIT_SECONDS 120

static apr_pool_t *pool;
static cs_db_t *db;

static struct {
    pthread_mutex_t lock;
    char text[65536];
    void (*on_line)(const char *number);
} kept_log = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void keep_line(void *baton, int level, const char *number, const char *message)
{
    apr_size_t used;

    (void)baton;
    pthread_mutex_lock(&kept_log.lock);
    used = strlen(kept_log.text);
    apr_snprintf(kept_log.text + used, sizeof(kept_log.text) - used, "%d %s %s\n", level, number, message);
    pthread_mutex_unlock(&kept_log.lock);
    if (kept_log.on_line) {
        kept_log.on_line(number);
    }
}

static inline bool logged(const char *text)
{
    bool found;

    pthread_mutex_lock(&kept_log.lock);
    found = strstr(kept_log.text, text) != NULL;
    pthread_mutex_unlock(&kept_log.lock);
    return found;
}

static inline const char *test_conninfo(void)
{
    const char *conninfo = getenv("CHATSESSION_TEST_CONNINFO");

    if (!conninfo) {
        fprintf(stderr, "CHATSESSION_TEST_CONNINFO is not set; run these tests by tests/store/test_db.py\n");
        exit(2);
    }
    return conninfo;
}

static inline cs_db_t *open_door(const char *conninfo, int max_connections, apr_interval_time_t acquire_timeout,
                                 apr_interval_time_t statement_timeout)
{
    const cs_db_config_t config = {conninfo, max_connections, acquire_timeout, statement_timeout, keep_line, NULL};
    cs_db_t *made;

    assert_int_equal(cs_db_create(&made, &config, pool), APR_SUCCESS);
    return made;
}

/* Run sql; the first column of the first row, NULL when there is none. The status must be expected. */
static inline const char *run_for(cs_db_t *door, cs_db_repeat_e repeat, const char *sql, apr_status_t expected)
{
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, door, repeat, sql, 0, NULL, pool);

    if (rv != expected) {
        print_message("from: %s\nlog:\n%s", sql, kept_log.text);
    }
    assert_int_equal(rv, expected);
    if (rv != APR_SUCCESS) {
        assert_null(result);
        return NULL;
    }
    return cs_db_rows(result) && cs_db_columns(result) ? cs_db_text(result, 0, 0, NULL) : NULL;
}

static inline const char *run(cs_db_t *door, const char *sql)
{
    return run_for(door, CS_DB_ONCE, sql, APR_SUCCESS);
}

static inline int setup(void **state)
{
    const char *problem;

    (void)state;
    alarm(TEST_LIMIT_SECONDS);
    apr_pool_create(&pool, NULL);
    assert_int_equal(cs_db_init(&problem, pool), APR_SUCCESS);
    kept_log.text[0] = '\0';
    kept_log.on_line = NULL;
    db = open_door(test_conninfo(), 4, apr_time_from_sec(10), 0);
    run(db, "DROP SCHEMA IF EXISTS scratch CASCADE");
    run(db, "CREATE SCHEMA scratch");
    run(db, "CREATE TABLE scratch.notes (id int PRIMARY KEY, body text)");
    run(db, "CREATE SEQUENCE scratch.calls");
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    pool = NULL;
    alarm(0);
    return 0;
}

/* The names of the tests to run stand in argv; none: all. */
#define RUN_TESTS(tests, argc, argv)                                                                                   \
    (apr_initialize(), (argc) > 1 ? cmocka_set_test_filter((argv)[1]) : (void)0,                                       \
     cmocka_run_group_tests_name((argv)[0], tests, NULL, NULL))

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
