/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_DB_PRIVATE_H
#define CS_DB_PRIVATE_H
/*
 * What the files of the door (db.c, db_tx.c, db_pool.c, db_prepare.c, db_conninfo.c, db_result.c) and its tests share.
 * Nobody else includes this.
 *
 * A slot is a place for one connection. The apr_reslist keeps the slots; a slot's connection is opened and closed by
 * the thread that holds the slot, never under the list's lock. In front of the list stands a gate that lets
 * max_connections threads in, in the order in which they came: apr_reslist's own time limit starts anew each time a
 * waiting thread is woken and finds that another one was quicker, so it bounds nothing under load.
 *
 * A generation is the time between two deaths of PostgreSQL as this child sees them. A slot remembers the one in which
 * it connected; when a statement finds its connection dead, the generation is raised, and every connection of an older
 * one is closed instead of being used.
 */
#include <apr_dbd.h>
#include <apr_hash.h>
#include <apr_reslist.h>
#include <libpq-fe.h>
#include <pthread.h>
#include "core/steady.h"
#include "store/db.h"

typedef struct cs_db_slot cs_db_slot_t;
typedef struct cs_db_waiter cs_db_waiter_t;

struct cs_db {
    cs_db_config_t config;
    const char *conninfo;
    apr_reslist_t *slots;
    pthread_mutex_t gate;    /* guards lent, waiting and waiters */
    cs_db_waiter_t *waiters; /* in the order in which they came */
    int lent;
    int waiting;
    volatile apr_uint32_t generation;
    volatile apr_uint32_t open;
    volatile apr_uint32_t timeouts;
    volatile apr_uint32_t unprepared; /* 1 since prepared statements were found not to last */
    volatile apr_uint32_t down;       /* 1 after a connect failed, until one succeeds: one log line per change */
};

struct cs_db_slot {
    cs_db_t *db;
    apr_pool_t *pool;            /* the slot's, with an allocator of its own: slots are used by many threads */
    apr_pool_t *connection_pool; /* cleared when the connection is closed */
    apr_dbd_t *handle;           /* NULL: no connection */
    PGconn *connection;          /* handle's */
    apr_hash_t *prepared;        /* the connection's statements, name by address; NULL: none; in connection_pool */
    unsigned int prepared_count; /* for names that are never used twice */
    apr_uint32_t generation;
    bool attempt; /* what is refused is the caller's to tell, not the log's */
    bool doomed;  /* close it instead of giving it to the next user */
};

/** How a statement ended. */
typedef struct {
    apr_status_t status;
    char sqlstate[6];
    bool lost;          /* the connection died: whether the statement was carried out is unknown */
    bool serialization; /* rolled back by PostgreSQL for a reason that a repeat cures */
} cs_db_outcome_t;

/* db_conninfo.c */
/** The keyword string that is handed to libpq: the user's, completed. CS_EREFUSED and *problem when libpq cannot parse
 * it. */
apr_status_t cs_db_conninfo_complete(const char **complete, const char *conninfo, apr_interval_time_t statement_timeout,
                                     const char **problem, apr_pool_t *pool) CS_MUSTCHECK;

/* db_pool.c */
/** A slot with an open connection, or CS_EUNAVAILABLE. */
apr_status_t cs_db_lease(cs_db_slot_t **slot, cs_db_t *db) CS_MUSTCHECK;
/** Give slot back. A connection that is dead, doomed or still inside a transaction does not reach the next user. */
void cs_db_give_back(cs_db_slot_t *slot);
/** The connection of slot was found dead: nobody shall use one of its age. */
void cs_db_raise_generation(const cs_db_slot_t *slot);
void cs_db_log(const cs_db_t *db, int level, const char *number, const char *format, ...) CS_PRINTF(4, 5);

/* db.c */
/** Send sql and wait for its answer, at most limit (0: as long as it takes). The caller clears the result; NULL when
 * there was none. */
PGresult *cs_db_exec(cs_db_slot_t *slot, const char *sql, int nparams, const char *const *values,
                     apr_interval_time_t limit);
/** The same for a static text that is worth preparing on the slot's connection, outside of transactions. */
PGresult *cs_db_exec_prepared(cs_db_slot_t *slot, const char *sql, int nparams, const char *const *values,
                              apr_interval_time_t limit);
/** Wait for the answer to what was sent: the last one, or the first that is an error. */
PGresult *cs_db_collect(cs_db_slot_t *slot, apr_interval_time_t limit);
/** The same for many statements at once, without a limit: the last answer, or the first that is an error. */
PGresult *cs_db_exec_script(cs_db_slot_t *slot, const char *script);
/** Send sql, whose rows come one at a time by cs_db_next_answer; false: the slot is doomed. */
bool cs_db_send_for_rows(cs_db_slot_t *slot, const char *sql) CS_MUSTCHECK;
/** The next answer to what was sent, waited for at most limit (0: as long as it takes); the caller clears it. NULL
 * after the last; also when limit passed, and then the slot is doomed. */
PGresult *cs_db_next_answer(cs_db_slot_t *slot, apr_interval_time_t limit);
/** The limit for a statement of our callers. */
apr_interval_time_t cs_db_answer_limit(const cs_db_t *db);
/** What answer to sql means; logs failures and dooms a slot whose connection died. */
cs_db_outcome_t cs_db_judge(cs_db_slot_t *slot, const PGresult *answer, const char *sql);
/** Make outcome's SQLSTATE what cs_db_last_sqlstate says. */
void cs_db_remember(const cs_db_outcome_t *outcome);
/** Check params and put them into the form that libpq wants: one block for free(). */
apr_status_t cs_db_values(const char ***values, int nparams, const cs_db_param_t *params) CS_MUSTCHECK;
/** The tries of one call of the door. */
typedef struct {
    apr_time_t began; /* cs_steady_now() */
    int serializations;
    int losses;
} cs_db_tries_t;

/** Does what ended in outcome deserve another try? Counted in tries. */
bool cs_db_is_worth_repeating(const cs_db_outcome_t *outcome, bool repeat_lost, cs_db_tries_t *tries);
/** A field of an error, or otherwise. */
const char *cs_db_error_field(const PGresult *answer, int field, const char *otherwise);

/* db_result.c */
struct cs_db_result {
    PGresult *rows;
    apr_pool_t *pool; /* its own */
};

/** Take over rows: cleared when pool goes. */
cs_db_result_t *cs_db_result_own(PGresult *rows, apr_pool_t *pool);

#endif
