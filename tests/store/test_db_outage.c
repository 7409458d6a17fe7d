/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The door when PostgreSQL or the way to it fails. CHATSESSION_TEST_PG_RESTART, _STOP and _START are shell commands
 * that do so to the test's cluster and return when it is done; the network's failures are relay.h's.
 */
#include <stdatomic.h>
#include "db_fixture.h"
#include "relay.h"

#define THREADS 4

static void cluster(const char *what)
{
    const char *command = getenv(apr_pstrcat(pool, "CHATSESSION_TEST_PG_", what, NULL));

    assert_non_null(command);
    assert_int_equal(system(command), 0);
}

/* A door whose connections go through relay. */
static cs_db_t *relayed_door(const relay_t *relay, int max_connections, const char *more)
{
    const char *conninfo =
        apr_psprintf(pool, "%s host='%s' password='it\\'s a \\\\ \"secret\"' %s", test_conninfo(), relay->folder, more);

    return open_door(conninfo, max_connections, apr_time_from_sec(20), apr_time_from_sec(5));
}

static int open_connections(cs_db_t *door)
{
    apr_uint32_t timeouts;
    int open, lent;

    cs_db_counts(door, &open, &lent, &timeouts);
    return open;
}

/* ---- several connections at once ---- */

typedef struct {
    cs_db_t *door;
    cs_db_repeat_e repeat;
    pthread_barrier_t *together;
    apr_status_t status;
    apr_int64_t pid;
} user_t;

static apr_status_t note_pid_together(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    user_t *user = baton;
    cs_db_result_t *result;
    apr_status_t rv = cs_db_tx_run(&result, tx, "SELECT pg_backend_pid()", 0, NULL, tx_pool);

    user->pid = rv == APR_SUCCESS ? cs_db_int(result, 0, 0, 0) : 0;
    pthread_barrier_wait(user->together);
    return rv;
}

static void *use_one(void *data)
{
    user_t *user = data;
    apr_pool_t *own;

    apr_pool_create(&own, NULL);
    user->status = cs_db_transaction(user->door, user->repeat, note_pid_together, user, own);
    apr_pool_destroy(own);
    return NULL;
}

/* THREADS connections of door, all lent at the same time; their backends' pids into pids. */
static void use_all(cs_db_t *door, apr_int64_t pids[THREADS])
{
    pthread_barrier_t together;
    pthread_t threads[THREADS];
    user_t users[THREADS];
    int i;

    pthread_barrier_init(&together, NULL, THREADS);
    for (i = 0; i < THREADS; i++) {
        users[i] = (user_t){door, CS_DB_ONCE, &together, APR_EGENERAL, 0};
        pthread_create(&threads[i], NULL, use_one, &users[i]);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(users[i].status, APR_SUCCESS);
        pids[i] = users[i].pid;
    }
    pthread_barrier_destroy(&together);
}

static bool share_a_pid(const apr_int64_t *a, const apr_int64_t *b)
{
    int i;

    for (i = 0; i < THREADS * THREADS; i++) {
        if (a[i / THREADS] == b[i % THREADS]) {
            return true;
        }
    }
    return false;
}

/* ---- a. dead connections ---- */

/* [H4] With mod_dbd each request after this fails until httpd is restarted. Here not even the first one does. */
static void test_a_restart_leaves_no_poisoned_connection(void **state)
{
    apr_int64_t before[THREADS], after[THREADS];

    (void)state;
    use_all(db, before);
    assert_int_equal(open_connections(db), THREADS);
    cluster("RESTART");
    assert_string_equal(run_for(db, CS_DB_ONCE, "SELECT 'written'", APR_SUCCESS), "written");
    assert_string_equal(run_for(db, CS_DB_REPEATABLE, "SELECT 'read'", APR_SUCCESS), "read");
    use_all(db, after);
    assert_int_equal(open_connections(db), THREADS);
}

static void test_a_connection_that_dies_unseen_is_replaced_for_a_repeatable_statement(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    cs_db_t *door = relayed_door(relay, 1, "");

    (void)state;
    run(door, "SELECT 1");
    relay_mislead(relay, RELAY_CUT);
    assert_string_equal(run_for(door, CS_DB_REPEATABLE, "SELECT nextval('scratch.calls')", APR_SUCCESS), "1");
    relay_mislead(relay, RELAY_CUT);
    run_for(door, CS_DB_ONCE, "SELECT nextval('scratch.calls')", CS_EUNAVAILABLE);
    assert_string_equal(run(door, "SELECT nextval('scratch.calls')"), "2");
    relay_stop(relay);
}

static apr_status_t use_another(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    cs_db_result_t *result;

    (void)tx;
    return cs_db_run(&result, baton, CS_DB_ONCE, "SELECT 1", 0, NULL, tx_pool);
}

/* One dead connection tells of the others, so not even a statement that may be sent only once meets a stale one. */
static void test_a_dead_connection_condemns_all_of_its_age(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    cs_db_t *door = relayed_door(relay, THREADS, "");
    apr_int64_t before[THREADS], after[THREADS];

    (void)state;
    use_all(door, before);
    relay_mislead(relay, RELAY_CUT);
    run_for(door, CS_DB_REPEATABLE, "SELECT 1", APR_SUCCESS);
    assert_int_equal(cs_db_transaction(door, CS_DB_ONCE, use_another, door, pool), APR_SUCCESS);
    use_all(door, after);
    assert_false(share_a_pid(before, after));
    relay_stop(relay);
}

static void test_a_statement_that_ends_its_own_backend_is_sent_twice_at_most(void **state)
{
    const char *suicide = "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60), nextval('scratch.calls')";

    (void)state;
    run_for(db, CS_DB_ONCE, suicide, CS_EUNAVAILABLE);
    assert_string_equal(cs_db_last_sqlstate(), "57P01");
    run_for(db, CS_DB_REPEATABLE, suicide, CS_EUNAVAILABLE);
    assert_string_equal(run(db, "SELECT 1"), "1");
}

/* ---- b. a transaction on a dead connection ---- */

typedef struct {
    const char *sql;
    int calls;
} insertion_t;

static apr_status_t insert_one(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    insertion_t *insertion = baton;
    cs_db_result_t *result;

    insertion->calls++;
    return cs_db_tx_run(&result, tx, insertion->sql, 0, NULL, tx_pool);
}

/* apr_dbd_transaction_start ends the process here. */
static void test_b_a_transaction_on_a_dead_connection_is_begun_on_another(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    cs_db_t *door = relayed_door(relay, 1, "");
    insertion_t insertion = {"INSERT INTO scratch.notes VALUES (1, 'a')", 0};

    (void)state;
    run(door, "SELECT 1");
    relay_mislead(relay, RELAY_CUT);
    assert_int_equal(cs_db_transaction(door, CS_DB_ONCE, insert_one, &insertion, pool), APR_SUCCESS);
    assert_int_equal(insertion.calls, 1);
    assert_string_equal(run(door, "SELECT count(*) FROM scratch.notes"), "1");
    relay_stop(relay);
}

static void test_b_a_transaction_without_a_server_is_unavailable(void **state)
{
    insertion_t insertion = {"INSERT INTO scratch.notes VALUES (1, 'a')", 0};

    (void)state;
    run(db, "SELECT 1");
    cluster("STOP");
    assert_int_equal(cs_db_transaction(db, CS_DB_REPEATABLE, insert_one, &insertion, pool), CS_EUNAVAILABLE);
    assert_int_equal(insertion.calls, 0);
    assert_true(logged("3 CS2001 cannot connect to PostgreSQL"));
    cluster("START");
    assert_int_equal(cs_db_transaction(db, CS_DB_ONCE, insert_one, &insertion, pool), APR_SUCCESS);
    assert_true(logged("6 CS2002"));
}

/* [H6] ---- c. a COMMIT whose answer is lost ---- */

static void test_c_a_commit_without_an_answer_is_neither_success_nor_repeated(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    cs_db_t *door = relayed_door(relay, 1, "");
    insertion_t insertion = {"INSERT INTO scratch.notes VALUES (1, 'a')", 0};

    (void)state;
    run(door, "SELECT 1");
    relay_mislead(relay, RELAY_LOSE_COMMIT);
    assert_int_equal(cs_db_transaction(door, CS_DB_REPEATABLE, insert_one, &insertion, pool), CS_EUNAVAILABLE);
    assert_int_equal(insertion.calls, 1);
    assert_string_equal(run(door, "SELECT count(*) FROM scratch.notes"), "1");
    relay_stop(relay);
}

static apr_status_t insert_on_a_cut_line(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    relay_t *relay = *(relay_t **)baton;
    cs_db_result_t *result;

    if (relay) { /* the first time */
        relay_mislead(relay, RELAY_CUT);
        *(relay_t **)baton = NULL;
    }
    return cs_db_tx_run(&result, tx, "INSERT INTO scratch.notes VALUES (1, 'a')", 0, NULL, tx_pool);
}

static void test_a_repeatable_transaction_survives_a_cut_line(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    relay_t *first = relay, *again = relay;
    cs_db_t *door = relayed_door(relay, 2, "");

    (void)state;
    assert_int_equal(cs_db_transaction(door, CS_DB_ONCE, insert_on_a_cut_line, &first, pool), CS_EUNAVAILABLE);
    assert_int_equal(cs_db_transaction(door, CS_DB_REPEATABLE, insert_on_a_cut_line, &again, pool), APR_SUCCESS);
    assert_string_equal(run(door, "SELECT count(*) FROM scratch.notes"), "1");
    relay_stop(relay);
}

/* ---- f. waiting ---- */

static apr_status_t ask_for_a_second(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    cs_db_result_t *result;

    (void)tx;
    return cs_db_run(&result, baton, CS_DB_REPEATABLE, "SELECT 1", 0, NULL, tx_pool);
}

/* [G7] mod_dbd waits for ever, so this test would never end. */
static void test_f_the_wait_for_a_connection_ends(void **state)
{
    cs_db_t *single = open_door(test_conninfo(), 1, apr_time_from_msec(100), 0);
    apr_uint32_t timeouts;
    int open, lent;

    (void)state;
    assert_int_equal(cs_db_transaction(single, CS_DB_ONCE, ask_for_a_second, single, pool), CS_EUNAVAILABLE);
    cs_db_counts(single, &open, &lent, &timeouts);
    assert_int_equal(timeouts, 1);
    assert_int_equal(lent, 0);
    assert_int_equal(open, 1);
    assert_string_equal(run(single, "SELECT 1"), "1");
}

static struct {
    cs_db_t *door;
    atomic_int arrivals;
} line;

typedef struct {
    int served_as;
} waiting_t;

static apr_status_t note_arrival(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    (void)tx;
    (void)tx_pool;
    ((waiting_t *)baton)->served_as = atomic_fetch_add(&line.arrivals, 1);
    return APR_SUCCESS;
}

static void *stand_in_line(void *data)
{
    apr_pool_t *own;
    apr_status_t rv;

    apr_pool_create(&own, NULL);
    rv = cs_db_transaction(line.door, CS_DB_ONCE, note_arrival, data, own);
    if (rv != APR_SUCCESS) {
        ((waiting_t *)data)->served_as = -1;
    }
    apr_pool_destroy(own);
    return NULL;
}

static int threads_waiting(cs_db_t *door)
{
    int waiting;

    pthread_mutex_lock(&door->gate);
    waiting = door->waiting;
    pthread_mutex_unlock(&door->gate);
    return waiting;
}

typedef struct {
    pthread_t threads[THREADS];
    waiting_t waiting[THREADS];
} crowd_t;

static apr_status_t gather_a_crowd(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    crowd_t *crowd = baton;
    int i;

    (void)tx;
    (void)tx_pool;
    for (i = 0; i < THREADS; i++) {
        pthread_create(&crowd->threads[i], NULL, stand_in_line, &crowd->waiting[i]);
        while (threads_waiting(line.door) <= i) { /* the door has no event for it */
            sched_yield();
        }
    }
    return APR_SUCCESS;
}

/* apr_reslist alone lets the thread that gives a connection back take it again before those that wait. */
static void test_f_waiting_threads_are_served_in_the_order_in_which_they_came(void **state)
{
    waiting_t last;
    crowd_t crowd;
    int i;

    (void)state;
    line.door = open_door(test_conninfo(), 1, apr_time_from_sec(30), 0);
    atomic_store(&line.arrivals, 0);
    assert_int_equal(cs_db_transaction(line.door, CS_DB_ONCE, gather_a_crowd, &crowd, pool), APR_SUCCESS);
    assert_int_equal(cs_db_transaction(line.door, CS_DB_ONCE, note_arrival, &last, pool), APR_SUCCESS);
    assert_int_equal(last.served_as, THREADS);
    for (i = 0; i < THREADS; i++) {
        pthread_join(crowd.threads[i], NULL);
        assert_int_equal(crowd.waiting[i].served_as, i);
    }
}

/* ---- connecting ---- */

typedef struct {
    relay_t *relay;
    cs_db_t *door;
    pthread_t thread;
    atomic_bool done;
    apr_status_t status;
} connecting_t;

static void *connect_slowly(void *data)
{
    connecting_t *connecting = data;
    cs_db_result_t *result;
    apr_pool_t *own;

    apr_pool_create(&own, NULL);
    connecting->status = cs_db_run(&result, connecting->door, CS_DB_REPEATABLE, "SELECT 1", 0, NULL, own);
    atomic_store(&connecting->done, true);
    apr_pool_destroy(own);
    return NULL;
}

/* While the only open connection is lent, another thread needs a second one, whose connect hangs. */
static apr_status_t start_hanging(void *baton, cs_db_tx_t *tx, apr_pool_t *tx_pool)
{
    connecting_t *connecting = baton;

    (void)tx;
    (void)tx_pool;
    relay_hang_new(connecting->relay, true);
    pthread_create(&connecting->thread, NULL, connect_slowly, connecting);
    relay_wait_hanging(connecting->relay);
    return APR_SUCCESS;
}

/* mod_dbd connects with the list locked. */
static void test_a_hanging_connect_holds_up_nobody_else(void **state)
{
    connecting_t connecting = {.relay = relay_start(test_conninfo())};

    (void)state;
    connecting.door = relayed_door(connecting.relay, 2, "connect_timeout=60");
    assert_int_equal(cs_db_transaction(connecting.door, CS_DB_ONCE, start_hanging, &connecting, pool), APR_SUCCESS);
    assert_string_equal(run(connecting.door, "SELECT 'served'"), "served");
    assert_false(atomic_load(&connecting.done));
    relay_hang_new(connecting.relay, false);
    pthread_join(connecting.thread, NULL);
    assert_int_equal(connecting.status, APR_SUCCESS);
    relay_stop(connecting.relay);
}

static void test_a_server_that_never_answers_a_connect_is_unavailable(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    cs_db_t *door = relayed_door(relay, 1, "");

    (void)state;
    relay_hang_new(relay, true);
    run_for(door, CS_DB_REPEATABLE, "SELECT 1", CS_EUNAVAILABLE);
    assert_true(logged("timeout expired"));
    relay_stop(relay);
}

/** [H7] */
static void test_a_server_that_stops_answering_is_given_up(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    const char *conninfo = apr_psprintf(pool, "%s host='%s'", test_conninfo(), relay->folder);
    cs_db_t *door = open_door(conninfo, 1, apr_time_from_sec(20), apr_time_from_msec(10));

    (void)state;
    run(door, "SELECT 1");
    relay_mislead(relay, RELAY_SWALLOW);
    run_for(door, CS_DB_ONCE, "SELECT 1", CS_EUNAVAILABLE);
    assert_true(logged("CS2020"));
    assert_string_equal(run(door, "SELECT 1"), "1");
    relay_stop(relay);
}

/** [H7] The other connection that it could have had would be its caller's second wait: the next one is served by it. */
static void test_what_was_waited_for_too_long_is_not_repeated(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    const char *conninfo = apr_psprintf(pool, "%s host='%s'", test_conninfo(), relay->folder);
    cs_db_t *door = open_door(conninfo, 1, apr_time_from_sec(20), apr_time_from_msec(10));

    (void)state;
    run(door, "SELECT 1");
    relay_mislead(relay, RELAY_SWALLOW);
    run_for(door, CS_DB_REPEATABLE, "SELECT 1", CS_EUNAVAILABLE);
    assert_string_equal(run(door, "SELECT 1"), "1");
    relay_stop(relay);
}

static relay_t *returning;

static void come_back(const char *number)
{
    if (strcmp(number, "CS2001") == 0 && returning) {
        relay_open(returning);
        returning = NULL;
    }
}

/* PostgreSQL is back by the second try, so the caller hears nothing of it. */
static void test_a_short_absence_is_waited_for(void **state)
{
    relay_t *relay = relay_start(test_conninfo());
    cs_db_t *door = relayed_door(relay, 1, "");

    (void)state;
    relay_close(relay);
    returning = relay;
    kept_log.on_line = come_back;
    assert_string_equal(run_for(door, CS_DB_ONCE, "SELECT 1", APR_SUCCESS), "1");
    assert_null(returning);
    relay_stop(relay);
}

static void test_a_refusal_is_not_waited_for(void **state)
{
    cs_db_t *door =
        open_door(apr_pstrcat(pool, test_conninfo(), " dbname=no_such_database", NULL), 1, apr_time_from_sec(60), 0);

    (void)state;
    run_for(door, CS_DB_REPEATABLE, "SELECT 1", CS_EUNAVAILABLE);
    run_for(door, CS_DB_REPEATABLE, "SELECT 1", CS_EUNAVAILABLE);
    assert_true(logged("3 CS2001 cannot connect to PostgreSQL: connection to server"));
    assert_true(logged("database \"no_such_database\" does not exist"));
    assert_true(logged("\n7 CS2001")); /* said aloud once */
}

/* ---- everything at once ---- */

static struct {
    atomic_bool over;
    atomic_int done, refused, other;
} traffic;

static void *make_traffic(void *data)
{
    cs_db_result_t *result;
    apr_pool_t *own;

    apr_pool_create(&own, NULL);
    while (!atomic_load(&traffic.over)) {
        apr_status_t rv =
            cs_db_run(&result, data, CS_DB_REPEATABLE, "SELECT count(*) FROM scratch.notes", 0, NULL, own);

        atomic_fetch_add(rv == APR_SUCCESS       ? &traffic.done
                         : rv == CS_EUNAVAILABLE ? &traffic.refused
                                                 : &traffic.other,
                         1);
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    return NULL;
}

static void wait_for_more(int more)
{
    const int wanted = atomic_load(&traffic.done) + more;

    while (atomic_load(&traffic.done) < wanted && atomic_load(&traffic.other) == 0) {
        sched_yield();
    }
}

static void test_a_restart_under_traffic_heals_by_itself(void **state)
{
    pthread_t threads[2 * THREADS];
    int i;

    (void)state;
    for (i = 0; i < 2 * THREADS; i++) {
        pthread_create(&threads[i], NULL, make_traffic, db);
    }
    for (i = 0; i < 3; i++) {
        wait_for_more(200);
        cluster("RESTART");
    }
    wait_for_more(200);
    atomic_store(&traffic.over, true);
    for (i = 0; i < 2 * THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&traffic.other), 0);
    print_message("%d answered, %d refused\n", atomic_load(&traffic.done), atomic_load(&traffic.refused));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_restart_leaves_no_poisoned_connection),
        TEST(test_a_connection_that_dies_unseen_is_replaced_for_a_repeatable_statement),
        TEST(test_a_dead_connection_condemns_all_of_its_age),
        TEST(test_a_statement_that_ends_its_own_backend_is_sent_twice_at_most),
        TEST(test_b_a_transaction_on_a_dead_connection_is_begun_on_another),
        TEST(test_b_a_transaction_without_a_server_is_unavailable),
        TEST(test_c_a_commit_without_an_answer_is_neither_success_nor_repeated),
        TEST(test_a_repeatable_transaction_survives_a_cut_line),
        TEST(test_f_the_wait_for_a_connection_ends),
        TEST(test_f_waiting_threads_are_served_in_the_order_in_which_they_came),
        TEST(test_a_hanging_connect_holds_up_nobody_else),
        TEST(test_a_server_that_never_answers_a_connect_is_unavailable),
        TEST(test_a_server_that_stops_answering_is_given_up),
        TEST(test_what_was_waited_for_too_long_is_not_repeated),
        TEST(test_a_short_absence_is_waited_for),
        TEST(test_a_refusal_is_not_waited_for),
        TEST(test_a_restart_under_traffic_heals_by_itself),
    };

    return RUN_TESTS(tests, argc, argv);
}
