/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The connections of one child: the gate, the list of slots, and a slot's connection from open to close.
 *
 * The order matters. Gate, then list, then connection on the way in, and the reverse on the way out: so the list never
 * has to wait, and a hanging connect is waited for while only its own slot is held.
 */
#include <apr_atomic.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/db_private.h"

/* How long a PostgreSQL that does not answer is taken for one that is being restarted. */
#define RESTART_PATIENCE apr_time_from_sec(2)
#define FIRST_PAUSE apr_time_from_msec(50)
/* Connections beyond the first that nobody used for so long are closed. */
#define IDLE_LIFETIME apr_time_from_sec(300)
/* For our own ROLLBACK, on a connection that answered a moment ago. */
#define ROLLBACK_LIMIT apr_time_from_sec(2)
#define MAX_CONNECTIONS 1000

struct cs_db_waiter {
    cs_db_waiter_t *next;
    pthread_cond_t called;
    bool admitted;
};

static const apr_dbd_driver_t *driver;

/* libpq's sentences come in several lines with tabs; the log has one line each. */
static void make_one_line(char *text)
{
    char *out = text;

    for (; *text; text++) {
        if (!apr_iscntrl(*text)) {
            *out++ = *text;
        } else if (out[-1] != ' ') {
            *out++ = ' ';
        }
    }
    *out = '\0';
    for (; out[-1] == ' '; out--) {
        out[-1] = '\0';
    }
}

void cs_db_log(const cs_db_t *db, int level, const char *number, const char *format, ...)
{
    char line[1024] = "-";
    va_list args;

    if (!db->config.log) {
        return;
    }
    va_start(args, format);
    apr_vsnprintf(line + 1, sizeof(line) - 1, format, args);
    va_end(args);
    make_one_line(line + 1);
    db->config.log(db->config.log_baton, level, number, line + 1);
}

/* ---- the gate ---- */

/* The queue of waiting threads; all three with the gate locked. */
static void queue_append(cs_db_t *db, cs_db_waiter_t *waiter)
{
    cs_db_waiter_t **end = &db->waiters;

    while (*end) {
        end = &(*end)->next;
    }
    *end = waiter;
    db->waiting++;
}

static void queue_remove(cs_db_t *db, const cs_db_waiter_t *waiter)
{
    cs_db_waiter_t **at = &db->waiters;

    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    db->waiting--;
}

static bool wait_for_turn(cs_db_t *db, apr_time_t deadline)
{
    const struct timespec until = cs_steady_timespec(deadline);
    cs_db_waiter_t self = {.admitted = false};
    pthread_condattr_t monotonic;
    int rc = 0;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self.called, &monotonic);
    pthread_condattr_destroy(&monotonic);
    queue_append(db, &self);
    while (!self.admitted && rc == 0) {
        rc = pthread_cond_timedwait(&self.called, &db->gate, &until);
    }
    if (!self.admitted) {
        queue_remove(db, &self);
    }
    pthread_cond_destroy(&self.called);
    return self.admitted;
}

static apr_status_t gate_enter(cs_db_t *db, apr_time_t deadline)
{
    bool admitted = true;

    pthread_mutex_lock(&db->gate);
    if (db->lent < db->config.max_connections) {
        db->lent++;
    } else {
        admitted = wait_for_turn(db, deadline);
    }
    pthread_mutex_unlock(&db->gate);
    return admitted ? APR_SUCCESS : APR_TIMEUP;
}

static void gate_leave(cs_db_t *db)
{
    cs_db_waiter_t *next;

    pthread_mutex_lock(&db->gate);
    next = db->waiters;
    if (next) {
        /* The place is handed over and stays counted, so nobody who comes now can take it first. */
        queue_remove(db, next);
        next->admitted = true;
        pthread_cond_signal(&next->called);
    } else {
        db->lent--;
    }
    pthread_mutex_unlock(&db->gate);
}

/* ---- slots ---- */

static void slot_disconnect(cs_db_slot_t *slot)
{
    if (slot->handle) {
        apr_dbd_close(driver, slot->handle);
        apr_atomic_dec32(&slot->db->open);
    }
    slot->handle = NULL;
    slot->connection = NULL;
    slot->doomed = false;
    slot->prepared = NULL;
    apr_pool_clear(slot->connection_pool);
}

/* A pool with an allocator that nobody else uses, so that no lock of others is needed. */
static apr_status_t own_pool(apr_pool_t **pool, const char *tag, apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_status_t rv = apr_allocator_create(&allocator);

    *pool = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_pool_create_ex(pool, parent, NULL, allocator);
    if (rv != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return rv;
    }
    apr_allocator_owner_set(allocator, *pool);
    apr_pool_tag(*pool, tag);
    return APR_SUCCESS;
}

static apr_status_t slot_construct(void **resource, void *params, apr_pool_t *list_pool)
{
    apr_pool_t *pool;
    cs_db_slot_t *slot;
    apr_status_t rv = own_pool(&pool, "cs_db_slot", NULL);

    (void)list_pool; /* guarded by the list's lock, which is not held while a slot is used */
    *resource = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    slot = apr_pcalloc(pool, sizeof(*slot));
    slot->db = params;
    slot->pool = pool;
    apr_pool_create(&slot->connection_pool, pool);
    *resource = slot;
    return APR_SUCCESS;
}

static apr_status_t slot_destroy(void *resource, void *params, apr_pool_t *list_pool)
{
    cs_db_slot_t *slot = resource;

    (void)params;
    (void)list_pool;
    slot_disconnect(slot);
    apr_pool_destroy(slot->pool);
    return APR_SUCCESS;
}

/* Something to read on a connection that nobody asked anything is the server's farewell. Seen before a statement is
 * sent, it costs nothing but a new connection. */
static bool has_pending_input(const cs_db_slot_t *slot)
{
    struct pollfd fd = {.fd = PQsocket(slot->connection), .events = POLLIN};

    return fd.fd < 0 || poll(&fd, 1, 0) != 0;
}

static bool slot_is_usable(const cs_db_slot_t *slot)
{
    return slot->handle && slot->generation == apr_atomic_read32(&slot->db->generation) &&
           PQstatus(slot->connection) == CONNECTION_OK && !has_pending_input(slot);
}

void cs_db_raise_generation(const cs_db_slot_t *slot)
{
    /* Only the first of those that died together raises it: the others' connections are older already. */
    apr_atomic_cas32(&slot->db->generation, slot->generation + 1, slot->generation);
}

/* ---- connecting ---- */

static void note_failure(cs_db_t *db, const char *number, const char *reason)
{
    const bool first = apr_atomic_xchg32(&db->down, 1) == 0;

    cs_db_log(db, first ? 3 : 7, number, "%s", reason);
}

static bool reported_is(const cs_db_slot_t *slot, const char *setting, const char *start)
{
    const char *value = PQparameterStatus(slot->connection, setting);

    return value && strncmp(value, start, strlen(start)) == 0;
}

/* The environment (PGTZ, PGDATESTYLE) and some poolers outrank or swallow what the connection string asks for. */
static bool adopt_settings(cs_db_slot_t *slot)
{
    PGresult *answer;
    bool done;

    if (reported_is(slot, "TimeZone", "UTC") && reported_is(slot, "DateStyle", "ISO")) {
        return true;
    }
    answer = PQexec(slot->connection, "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'");
    done = PQresultStatus(answer) == PGRES_COMMAND_OK;
    PQclear(answer);
    return done;
}

static apr_status_t vet_connection(cs_db_slot_t *slot)
{
    cs_db_t *db = slot->db;
    const char *encoding = PQparameterStatus(slot->connection, "server_encoding");

    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        note_failure(db, "CS2003",
                     apr_psprintf(slot->connection_pool,
                                  "database \"%s\" has the encoding %s; expected UTF8, which holds every text: make a "
                                  "database with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
                                  PQdb(slot->connection), encoding ? encoding : "(not reported)"));
        return CS_EREFUSED;
    }
    if (!adopt_settings(slot)) {
        note_failure(db, "CS2004", PQerrorMessage(slot->connection));
        return CS_EUNAVAILABLE;
    }
    return APR_SUCCESS;
}

/* What the server remarks, such as that it is being shut down, libpq would print to standard error. Whatever matters of
 * it is the outcome of a statement too. */
static void drop_notice(void *unused, const PGresult *notice)
{
    (void)unused;
    (void)notice;
}

/* One try. APR_SUCCESS, CS_EUNAVAILABLE, or CS_EREFUSED when the next try cannot have another outcome. */
static apr_status_t slot_open(cs_db_slot_t *slot)
{
    cs_db_t *db = slot->db;
    const char *error = NULL;
    apr_status_t rv;

    slot->generation = apr_atomic_read32(&db->generation);
    rv = apr_dbd_open_ex(driver, slot->connection_pool, db->conninfo, &slot->handle, &error);
    if (rv != APR_SUCCESS) {
        note_failure(db, "CS2001",
                     apr_pstrcat(slot->connection_pool,
                                 "cannot connect to PostgreSQL: ", error ? error : "no reason given", NULL));
        slot->handle = NULL;
        slot_disconnect(slot);
        return CS_EUNAVAILABLE;
    }
    apr_atomic_inc32(&db->open);
    slot->connection = apr_dbd_native_handle(driver, slot->handle);
    PQsetNoticeReceiver(slot->connection, drop_notice, NULL);
    rv = vet_connection(slot);
    if (rv != APR_SUCCESS) {
        slot_disconnect(slot);
        return rv;
    }
    if (apr_atomic_xchg32(&db->down, 0) == 1) {
        cs_db_log(db, 6, "CS2002", "connected to PostgreSQL again");
    }
    return APR_SUCCESS;
}

/* Is a failed connect the restart kind, which passes, or does the server answer and refuse us? */
static bool is_restarting(const cs_db_t *db)
{
    const PGPing answer = PQping(db->conninfo);

    return answer == PQPING_REJECT || answer == PQPING_NO_RESPONSE;
}

/* Nothing was sent yet, so trying again is safe for every statement. PostgreSQL gives no event to wait for. */
static apr_status_t slot_connect(cs_db_slot_t *slot, apr_time_t deadline)
{
    const apr_time_t patience = cs_steady_now() + RESTART_PATIENCE;
    const apr_time_t end = patience < deadline ? patience : deadline;
    apr_interval_time_t pause = FIRST_PAUSE;
    bool came_back = false;

    for (;;) {
        apr_status_t rv = slot_open(slot);

        if (rv != CS_EUNAVAILABLE || came_back || cs_steady_now() + pause > end) {
            return rv == APR_SUCCESS ? APR_SUCCESS : CS_EUNAVAILABLE;
        }
        if (is_restarting(slot->db)) {
            apr_sleep(pause);
            pause += pause / 2;
        } else {
            came_back = true; /* since the try, perhaps: one more settles it */
        }
    }
}

/* ---- the way in and out ---- */

apr_status_t cs_db_lease(cs_db_slot_t **slot, cs_db_t *db)
{
    const apr_time_t deadline = cs_steady_now() + db->config.acquire_timeout;
    void *resource = NULL;
    apr_status_t rv;

    *slot = NULL;
    if (gate_enter(db, deadline) != APR_SUCCESS) {
        apr_atomic_inc32(&db->timeouts);
        cs_db_log(db, 4, "CS2005", "no connection became free within %d ms: all %d are in use",
                  (int)apr_time_as_msec(db->config.acquire_timeout), db->config.max_connections);
        return CS_EUNAVAILABLE;
    }
    rv = apr_reslist_acquire(db->slots, &resource);
    if (rv != APR_SUCCESS) {
        cs_db_log(db, 3, "CS2006", "no slot for a connection (status %d)", rv);
        gate_leave(db);
        return CS_EUNAVAILABLE;
    }
    *slot = resource;
    if (!slot_is_usable(*slot)) {
        slot_disconnect(*slot);
        rv = slot_connect(*slot, deadline);
    }
    if (rv != APR_SUCCESS) {
        cs_db_give_back(*slot);
        *slot = NULL;
    }
    return rv;
}

/* Only a defect of ours leaves a transaction open. */
static void roll_back_leftovers(cs_db_slot_t *slot)
{
    cs_db_log(slot->db, 4, "CS2007", "a statement left a transaction open; it was rolled back");
    PQclear(cs_db_exec(slot, "ROLLBACK", 0, NULL, ROLLBACK_LIMIT));
}

void cs_db_give_back(cs_db_slot_t *slot)
{
    cs_db_t *db = slot->db;

    if (slot->handle && !slot->doomed && PQtransactionStatus(slot->connection) != PQTRANS_IDLE) {
        roll_back_leftovers(slot);
    }
    if (slot->handle && (slot->doomed || PQtransactionStatus(slot->connection) != PQTRANS_IDLE)) {
        slot_disconnect(slot);
    }
    if (apr_reslist_release(db->slots, slot) != APR_SUCCESS) {
        cs_db_log(db, 3, "CS2008", "the list of connections did not take one back");
    }
    gate_leave(db);
}

/* ---- making ---- */

apr_status_t cs_db_init(const char **problem, apr_pool_t *pool)
{
    apr_status_t rv = apr_dbd_init(pool);

    *problem = NULL;
    if (rv == APR_SUCCESS) {
        rv = apr_dbd_get_driver(pool, "pgsql", &driver);
    }
    if (rv != APR_SUCCESS) {
        char reason[120];

        *problem = apr_psprintf(pool,
                                "the PostgreSQL driver of APR, apr_dbd_pgsql, cannot be loaded (%s); install it (on "
                                "Debian and Ubuntu: apt install libaprutil1-dbd-pgsql)",
                                apr_strerror(rv, reason, sizeof(reason)));
        return CS_EUNAVAILABLE;
    }
    return APR_SUCCESS;
}

static apr_status_t gate_destroy(void *db)
{
    pthread_mutex_destroy(&((cs_db_t *)db)->gate);
    return APR_SUCCESS;
}

static apr_status_t check_config(cs_db_t *db, apr_pool_t *pool)
{
    const cs_db_config_t *config = &db->config;
    const char *problem;
    apr_status_t rv;

    if (config->max_connections < 1 || config->max_connections > MAX_CONNECTIONS || config->acquire_timeout <= 0 ||
        config->statement_timeout < 0) {
        cs_db_log(db, 3, "CS2009",
                  "max_connections is %d (expected 1 to %d), acquire_timeout %d ms (more than 0), statement_timeout "
                  "%d ms (0 or more)",
                  config->max_connections, MAX_CONNECTIONS, (int)apr_time_as_msec(config->acquire_timeout),
                  (int)apr_time_as_msec(config->statement_timeout));
        return CS_EREFUSED;
    }
    rv = cs_db_conninfo_complete(&db->conninfo, config->conninfo, config->statement_timeout, &problem, pool);
    if (rv != APR_SUCCESS) {
        cs_db_log(db, 3, "CS2010", "the connection string is not one: %s", problem);
    }
    return rv;
}

apr_status_t cs_db_create(cs_db_t **db, const cs_db_config_t *config, apr_pool_t *pool)
{
    cs_db_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_pool_t *list_pool;
    apr_status_t rv;

    *db = NULL;
    made->config = *config;
    rv = check_config(made, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    pthread_mutex_init(&made->gate, NULL);
    apr_pool_cleanup_register(pool, made, gate_destroy, apr_pool_cleanup_null);
    rv = own_pool(&list_pool, "cs_db", pool);
    if (rv == APR_SUCCESS) {
        rv = apr_reslist_create(&made->slots, 0, 1, config->max_connections, IDLE_LIFETIME, slot_construct,
                                slot_destroy, made, list_pool);
    }
    if (rv == APR_SUCCESS) {
        *db = made;
    }
    return rv;
}

void cs_db_counts(cs_db_t *db, int *open, int *lent, apr_uint32_t *timeouts)
{
    *open = (int)apr_atomic_read32(&db->open);
    pthread_mutex_lock(&db->gate);
    *lent = db->lent;
    pthread_mutex_unlock(&db->gate);
    *timeouts = apr_atomic_read32(&db->timeouts);
}
